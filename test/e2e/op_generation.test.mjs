/* SPDX-License-Identifier: MIT */

/*
 * A worker that is replaced comes up like its generation, whatever has become
 * of the files that it was made from.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import tls from "node:tls";
import { certificate } from "../lib/certificate.mjs";
import { BUILD, test, until } from "../lib/harness.mjs";
import { childPids } from "../lib/op_process.mjs";
import { configured, reload } from "../lib/op_server.mjs";
import { get, Wire } from "../lib/wire.mjs";

/* The name in the certificate of whoever answers, and what he answers. */
async function ask(server, servername = "") {
  const socket = tls.connect({
    ...server.address,
    servername,
    rejectUnauthorized: false,
  });
  const wire = new Wire(socket);

  wire.write(get("/_ph/health", { fields: { Connection: "close" } }));
  const { status } = await wire.answer();
  const name = socket.getPeerCertificate().subject.CN;

  socket.destroy();
  return `${status} ${name}`;
}

async function refused(server, reason) {
  const from = server.lines.length;

  server.kill("SIGHUP");
  const line = await server.waitFor(/master\.reload_failed .*/, { from });

  assert.match(line[0], reason);
}

/* Every worker dies; as many others come at once. */
async function replaceAll(server) {
  const before = server.workers();
  const from = server.lines.length;

  for (const pid of before) server.kill("SIGKILL", pid);
  await until("others in their place", () => {
    const now = server.workers();

    return now.length === before.length &&
      now.every((pid) => !before.includes(pid));
  });
  await server.waitFor(/event=worker\.ready/, { from, count: before.length });
  assert.equal(server.grep(/event=worker\.boot /).length, 0);
}

/* Do the bytes stand in memory that this process may write? Who has ended has
 * nothing any more. */
function holds(pid, bytes) {
  let fd;
  let maps;

  try {
    fd = fs.openSync(`/proc/${pid}/mem`, "r");
    maps = fs.readFileSync(`/proc/${pid}/maps`, "latin1");
  } catch (error) {
    if (error.code !== "ENOENT" && error.code !== "ESRCH") throw error;
    if (fd !== undefined) fs.closeSync(fd);
    return false;
  }
  const found = maps
    .split("\n")
    .map((line) => /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line))
    .filter((range) => range !== null)
    .map(([, from, to]) => [parseInt(from, 16), parseInt(to, 16)])
    .filter(([from, to]) => to - from < 2 ** 30) /* no sanitizer's shadow */
    .some(([start, end]) => {
      const data = Buffer.alloc(end - start);

      try {
        fs.readSync(fd, data, 0, data.length, start);
      } catch {
        return false; /* pages that are not there */
      }
      return data.includes(bytes);
    });

  fs.closeSync(fd);
  return found;
}

/* Copy an app to a place where it can be spoilt. */
function ownApp(dir, name = "op_faults") {
  const file = path.join(dir, "app.so");

  fs.copyFileSync(path.join(BUILD, `test-apps/${name}.so`), file);
  return file;
}

/* As a linker or `install` does: another file under the same name. */
function replace(file, data) {
  fs.writeFileSync(`${file}.new`, data, { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
}

test("a broken certificate does not reach the next worker", async (t, s) => {
  const dir = s.dir();
  const first = certificate(dir, "first");
  const more = certificate(dir, "more");
  const good = fs.readFileSync(first.key);
  const server = await configured(s, {
    workers: 2,
    certfile: first.cert,
    keyfile: first.key,
    sni_certfiles: [`${more.cert}:${more.key}`],
    ca_certs: more.cert,
    cert_reqs: 1,
  });
  const spoil = [
    [first.key, "no key\n", /keyfile .*first\.key/],
    [more.cert, null, /more\.pem: No such file/],
  ];

  for (const [file, text, reason] of spoil) {
    if (text === null) fs.rmSync(file);
    else fs.writeFileSync(file, text);
    await refused(server, reason);
    await replaceAll(server);
    assert.equal(await ask(server), "200 first");
    assert.equal(await ask(server, "more"), "200 more");
    fs.writeFileSync(first.key, good);
  }
});

test("a new certificate comes by HUP, not by accident", async (t, s) => {
  const dir = s.dir();
  const pair = certificate(dir, "first");
  const other = certificate(dir, "other");
  const server = await configured(s, {
    workers: 2,
    certfile: pair.cert,
    keyfile: pair.key,
  });

  replace(pair.cert, fs.readFileSync(other.cert));
  replace(pair.key, fs.readFileSync(other.key));
  await replaceAll(server);
  assert.equal(await ask(server), "200 first");
  await reload(server);
  await until("the other one everywhere", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => ask(server)));

    return all.every((name) => name === "200 other");
  });
});

test("keys are kept by the master alone, and not for long", async (t, s) => {
  const dir = s.dir();
  const pair = certificate(dir, "first");
  const other = certificate(dir, "other");
  const line = (file) =>
    Buffer.from(fs.readFileSync(file, "latin1").split("\n")[1]);
  const old = line(pair.key);
  const server = await configured(s, {
    workers: 1,
    certfile: pair.cert,
    keyfile: pair.key,
  });

  assert.ok(holds(server.pid, old), "the master has it");
  await replaceAll(server);
  const children = childPids(server.pid);

  assert.ok(children.length >= 2, "a worker and the keeper");
  for (const pid of children) assert.ok(!holds(pid, old), `${pid} has it`);
  replace(pair.cert, fs.readFileSync(other.cert));
  replace(pair.key, fs.readFileSync(other.key));
  await reload(server);
  assert.ok(holds(server.pid, line(pair.key)), "the master has the new one");
  await until("nobody to have the old one", () =>
    [server.pid, ...childPids(server.pid)].every((pid) => !holds(pid, old)));
});

test("a broken app does not reach the next worker", async (t, s) => {
  const app = ownApp(s.dir());
  const server = await configured(s, { workers: 2 }, { app });

  replace(app, "no object\n");
  await refused(server, /cannot load app/);
  await replaceAll(server);
  assert.equal((await s.send(server, get("/"))).status, 200);
  fs.rmSync(app);
  await refused(server, /app\.so: No such file/);
  await replaceAll(server);
  assert.equal((await s.send(server, get("/"))).status, 200);
});

test("a new app comes by HUP, not by accident", async (t, s) => {
  const app = ownApp(s.dir());
  const server = await configured(s, { workers: 1 }, { app });
  const page = async () =>
    (await s.send(server, get("/_dash-dependencies"))).text;
  const before = await page();

  replace(app, fs.readFileSync(path.join(BUILD, "test-apps/zoo.so")));
  await replaceAll(server);
  assert.equal(await page(), before);
  await reload(server);
  await until("the old worker's end", () => server.workers().length === 1);
  assert.notEqual(await page(), before);
  await replaceAll(server);
  assert.notEqual(await page(), before);
});

test("an access log that cannot be opened stops no worker", async (t, s) => {
  const logs = path.join(s.dir(), "logs");
  const file = path.join(logs, "access.log");

  fs.mkdirSync(logs);
  const server = await configured(s, { workers: 1, accesslog: file });

  assert.equal((await s.send(server, get("/"))).status, 200);
  fs.renameSync(logs, `${logs}.gone`);
  await refused(server, /accesslog .*: No such/);
  await replaceAll(server);
  await server.waitFor(/worker\.access_log .*No such file/);
  assert.equal((await s.send(server, get("/"))).status, 200);
  fs.mkdirSync(logs);
  server.kill("SIGUSR1");
  await until("the file", () => fs.existsSync(file));
  assert.equal((await s.send(server, get("/after"))).status, 200);
  await until("the line", () => /\/after/.test(fs.readFileSync(file, "utf8")));
});

test("the status port needs no certificate", async (t, s) => {
  const pair = certificate(s.dir(), "first");
  const socket = path.join(s.dir(), "metrics.sock");
  const server = await configured(s, {
    workers: 1,
    certfile: pair.cert,
    keyfile: pair.key,
    sni_certfiles: [`${pair.cert}:${pair.key}`],
    metrics_bind: `unix:${socket}`,
  });
  const metrics = async () =>
    (await s.send({ address: { path: socket } }, get("/_ph/metrics"))).text;

  assert.equal(await ask(server), "200 first");
  assert.match(await metrics(), /^pronghorn_/m);
});
