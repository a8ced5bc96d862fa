/* SPDX-License-Identifier: MIT */

/*
 * Clients of TLS that are rude below HTTP: ClientHellos that are none, keys
 * changed again and again, records of one byte, handshakes asked for twice,
 * old versions and weak suites. Nothing crashes, nothing hangs, nothing
 * takes the processor or the descriptors. `make stress` sends ten times as
 * much, to a build with sanitizers.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import tls from "node:tls";
import { certificate } from "../lib/certificate.mjs";
import { BUILD, EXAMPLE, test, until } from "../lib/harness.mjs";
import { cpuSeconds, descriptors } from "../lib/op_process.mjs";
import { get, Wire } from "../lib/wire.mjs";

const { ASAN_BUILD, STRESS } = process.env;
const LONG = STRESS === "1";
const PROGRAMS = LONG && ASAN_BUILD ? ASAN_BUILD : BUILD;

async function start(scene, options = {}) {
  const dir = scene.dir();
  const { args } = certificate(dir, "first", { file: "site" });
  const server = await scene.start({
    program: path.join(PROGRAMS, "pronghorn"),
    app: path.join(PROGRAMS, "test-apps/zoo.so"),
    slow: PROGRAMS === BUILD ? undefined : 8,
    env: { ASAN_OPTIONS: "abort_on_error=1:detect_leaks=0" },
    args: [
      ...args,
      ...["--www-dir", path.join(path.dirname(EXAMPLE), "../www")],
    ],
    ...options,
  });

  server.dir = dir;
  return server;
}

function hostile(way, server, count) {
  const program = path.join(BUILD, "stress/tls_hostile");

  return new Promise((done, fail) => {
    const child = spawn(program, [way, server.address.port, count].map(String), {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let err = "";

    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (err += data));
    child.on("close", (code) =>
      code === 0 ? done(JSON.parse(out)) : fail(new Error(`${way}: ${out}${err}`)));
  });
}

for (const [way, count, judge] of [
  [
    "hellos",
    LONG ? 10000 : 1000,
    ({ refused, answered }, all) => refused === all && answered === 0,
  ],
  /* Answered or ended, but not with a hundred more to come. */
  ["keyupdates", 10000, ({ answered, refused }) => answered + refused === 1],
  ["records", LONG ? 1000 : 50, ({ answered }, all) => answered === all],
  ["renegotiate", LONG ? 1000 : 50, ({ refused }, all) => refused === all],
]) {
  test(`TLS: ${count} ${way} [H17]`, { seconds: 600 }, async (t, scene) => {
    const server = await start(scene);
    const [worker] = server.workers();

    await hostile("records", server, 2); /* what is opened once is open */
    const before = descriptors(worker);
    const used = cpuSeconds(worker);
    const got = await hostile(way, server, count);

    t.diagnostic(
      `${JSON.stringify(got)}, ${(cpuSeconds(worker) - used).toFixed(2)} s of ` +
        "processor time",
    );
    assert.ok(judge(got, count), JSON.stringify(got));
    assert.deepEqual(server.workers(), [worker], "no worker has ended");
    assert.deepEqual(server.grep(/Sanitizer|runtime error|BUG/), []);
    await until("all descriptors to be given back", () =>
      descriptors(worker) <= before);
  });
}

/* A connection; rejected when the handshake is. */
function connect(server, options) {
  return new Promise((done, fail) => {
    const socket = tls.connect({
      ...server.address,
      rejectUnauthorized: false,
      ...options,
    });

    socket.once("error", fail);
    socket.once("secureConnect", () => {
      socket.off("error", fail);
      socket.on("error", () => {});
      done(socket);
    });
  });
}

test("only what is safe is spoken [H17]", async (t, scene) => {
  const server = await start(scene);
  const refused = (options) => assert.rejects(connect(server, options));
  const weak = (ciphers) =>
    refused({ ciphers: `${ciphers}:@SECLEVEL=0`, maxVersion: "TLSv1.2" });

  /* No forward secrecy, no authenticated encryption, no encryption. */
  for (const ciphers of [
    "AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA384", "ECDHE-RSA-AES128-SHA256", "DHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-NULL-SHA", "ADH-AES128-SHA", "PSK-AES128-CBC-SHA",
  ])
    await weak(ciphers);
  const old = { ciphers: "ALL:@SECLEVEL=0", minVersion: "TLSv1" };

  for (const version of ["TLSv1", "TLSv1.1"])
    await refused({ ...old, maxVersion: version });
  await refused({ ALPNProtocols: ["spdy/3"] });
  /* Costs a client little and a server much. */
  for (const group of ["ffdhe2048", "ffdhe8192", "X448"])
    await refused({ ecdhCurve: group, minVersion: "TLSv1.3" });
  for (const group of ["X25519", "P-256", "P-384"])
    (await connect(server, { ecdhCurve: group })).destroy();
  for (const version of ["TLSv1.2", "TLSv1.3"]) {
    const socket = await connect(server, {
      minVersion: version,
      maxVersion: version,
    });

    assert.match(
      socket.getCipher().standardName,
      /^TLS_(ECDHE_ECDSA_WITH_)?(AES|CHACHA20).*(GCM|POLY1305)/,
    );
    socket.destroy();
  }
});

test("a reload reads the certificate again, or changes nothing [H17]", async (t, scene) => {
  const server = await start(scene);
  const file = (name) => path.join(server.dir, name);
  const name = async () => {
    const socket = await connect(server, {});
    const { CN } = socket.getPeerCertificate().subject;
    const wire = new Wire(socket);

    wire.write(get("/_ph/health"));
    assert.equal((await wire.answer()).text, "ok\n");
    wire.destroy();
    return CN;
  };

  assert.equal(await name(), "first");
  /* A key of another certificate, then text that is none. */
  fs.renameSync(file("site.key"), file("key.kept"));
  fs.renameSync(file("site.pem"), file("cert.kept"));
  certificate(server.dir, "second", { file: "site" });
  fs.copyFileSync(file("cert.kept"), file("site.pem"));
  server.kill("SIGHUP");
  await server.waitFor(/event=master\.reload_failed .*site\.key/, { seconds: 30 });
  fs.writeFileSync(file("site.pem"), "no certificate");
  server.kill("SIGHUP");
  await server.waitFor(/event=master\.reload_failed .*site\.pem/, { seconds: 30 });
  assert.equal(await name(), "first", "what was good goes on");
  certificate(server.dir, "third", { file: "site" });
  server.kill("SIGHUP");
  await server.waitFor(/event=master\.restarted/, { seconds: 30 });
  assert.equal(await name(), "third");
});
