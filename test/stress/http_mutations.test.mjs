/* SPDX-License-Identifier: MIT */

/*
 * Mutated requests over sockets, as HTTP/1.1, as hellos of TLS and as frames
 * of HTTP/2: no crash, no hang, no descriptor lost, a canary that is always
 * answered. `make stress` sends a million to a server with the address and
 * undefined-behaviour sanitizers, `make test` a few thousand to the usual one.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { certificate } from "../lib/certificate.mjs";
import { BUILD, EXAMPLE, test, until } from "../lib/harness.mjs";

const { ASAN_BUILD, STRESS, COUNT } = process.env;
const LONG = STRESS === "1";
const SENT = Number(COUNT ?? (LONG ? 1000000 : 6000));
const PROGRAMS = LONG && ASAN_BUILD ? ASAN_BUILD : BUILD;

function mutate(args) {
  return new Promise((done) => {
    const child = spawn(path.join(BUILD, "stress/mutate"), args.map(String), {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let err = "";

    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (err += data));
    child.on("close", (code) => done({ code, out, err }));
  });
}

const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;

test("mutated requests", { seconds: LONG ? 3600 : 90 }, async (t, scene) => {
  const secured = certificate(scene.dir()).args;
  const options = {
    program: path.join(PROGRAMS, "pronghorn"),
    app: path.join(PROGRAMS, "test-apps/zoo.so"),
    threads: 2,
    slow: PROGRAMS === BUILD ? undefined : 8,
    env: {
      ASAN_OPTIONS: "abort_on_error=1:detect_leaks=0",
      UBSAN_OPTIONS: "print_stacktrace=1",
    },
  };
  const args = ["--www-dir", path.join(path.dirname(EXAMPLE), "../www")];
  const plain = await scene.start({ ...options, args });
  const tls = await scene.start({
    ...options,
    args: [...args, ...secured],
  });
  const servers = [plain, tls];
  const pids = servers.map((server) => server.workers());
  const ports = servers.map((server) => server.address.port);

  /* What is opened once, as threads and their handles, is open by then. */
  await mutate([500, 1, ...ports]);
  const before = pids.map(([pid]) => descriptors(pid));
  const start = performance.now();
  const { code, out, err } = await mutate([SENT, 2, ...ports]);
  const seconds = (performance.now() - start) / 1000;

  t.diagnostic(`${out.trim()} in ${seconds.toFixed(0)} s, ${PROGRAMS}`);
  assert.equal(code, 0, err);
  for (const [i, server] of servers.entries()) {
    assert.deepEqual(server.workers(), pids[i], "no worker has ended");
    assert.deepEqual(server.grep(/Sanitizer|runtime error|BUG/), []);
    await until("all descriptors to be given back", () =>
      descriptors(pids[i][0]) <= before[i], 10);
  }
  const answers = JSON.parse(out);

  assert.ok(answers["2xx"] > SENT / 50, "some are still good");
  assert.ok(answers["4xx"] > SENT / 5, "many are refused");
  assert.ok(answers["5xx"] < SENT / 10, "few are our fault");
});
