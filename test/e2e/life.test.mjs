/* SPDX-License-Identifier: MIT */

/*
 * The life of the server: stops that lose nothing, stops in a hurry, and a
 * master that is killed.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { EXAMPLE, isAlive, now, SLOW, test, until, within } from "../lib/harness.mjs";
import { allEnded } from "../lib/op_process.mjs";
import { checkGraph, readPoints } from "../lib/points.mjs";
import { callbackBody } from "../lib/session.mjs";
import { run } from "../lib/server.mjs";
import { connectionCount } from "../lib/sockets.mjs";
import { get, post } from "../lib/wire.mjs";
import { call, result } from "../lib/zoo.mjs";

const HEALTH = get("/_ph/health");

function children(server) {
  return [...server.workers(), server.keeper()];
}

test("TERM answers what is in flight", async (t, scene) => {
  const server = await scene.start({
    workers: 2,
    threads: 2,
    env: { PH_DEMO_DELAY: "3" }, /* TERM comes before it is over */
  });
  const pids = children(server);
  const points = readPoints(server.options.cacheDir);
  const idle = await scene.connect(server);
  const wires = await Promise.all(
    Array.from({ length: 10 }, () => scene.connect(server)),
  );

  idle.write(HEALTH);
  await idle.answer();
  const body = post(callbackBody("graph-4.figure", "oranges"));

  for (const wire of wires) wire.write(body);
  await server.waitFor(/Computing value with oranges/);
  const start = now();

  server.kill("SIGTERM");
  await server.waitFor(/event=master\.stop signal=TERM/);
  for (const wire of wires) {
    const answer = await wire.answer();

    checkGraph(answer, 3, "oranges", points);
    assert.equal(answer.field("connection"), "close");
  }
  t.diagnostic("10 requests that waited: 10 right answers");
  assert.equal((await idle.rest()).length, 0, "idle connections are closed");
  assert.deepEqual(await server.exited, { status: 0, sig: null });
  within(t, "from TERM to the end", now() - start, 6000);
  for (const pid of pids) assert.ok(!isAlive(pid), `${pid} has ended`);
  assert.equal(await server.accepts(), false);
});

test("TERM while a large answer is being sent", async (t, scene) => {
  const server = await scene.start({ app: "zoo", threads: 2 });
  const wire = await scene.connect(server, { reading: false });

  await scene.send(server, call("big_memoized", "v"));
  wire.write(call("big_memoized", "v"));
  await until("the answer to begin", () => wire.socket.readableLength >= 0 &&
    connectionCount(server) === 1);
  /* Another request behind it on the loop: the first has been handled. */
  await scene.send(server, HEALTH);
  server.kill("SIGTERM");
  await server.waitFor(/event=worker\.draining/);
  wire.read();
  const text = result(await wire.answer(), "big_memoized");

  const start = now();

  assert.equal(text.length, 20e6);
  assert.deepEqual(await server.exited, { status: 0, sig: null });
  within(t, "from the last byte to the end", now() - start, 2500);
});

test("TERM and a request that takes too long", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    threads: 2,
    args: ["--graceful-timeout", "0.7"],
  });
  const wire = await scene.connect(server);

  wire.write(call("naps", 30));
  await server.waitFor(/run naps/);
  const start = now();
  const { status } = await server.stop();

  assert.equal(status, 0);
  within(t, "from TERM to the end", now() - start, 2500);
  assert.ok(now() - start > 600);
});

for (const sig of ["SIGQUIT", "SIGINT"]) {
  test(`${sig} is quick`, async (t, scene) => {
    const server = await scene.start({ app: "zoo", workers: 2, threads: 2 });
    const pids = children(server);
    const wire = await scene.connect(server);

    wire.write(call("naps", 30));
    await server.waitFor(/run naps/);
    const start = now();

    assert.deepEqual(await server.stop(sig), { status: 0, sig: null });
    within(t, `from ${sig} to the end`, now() - start, 500);
    for (const pid of pids) assert.ok(!isAlive(pid));
  });
}

test("an idle server stops at once", async (t, scene) => {
  const server = await scene.start({ workers: 4, threads: 2 });
  const wire = await scene.connect(server);

  wire.write(HEALTH);
  await wire.answer();
  const start = now();

  assert.deepEqual(await server.stop(), { status: 0, sig: null });
  within(t, "from TERM to the end", now() - start, 1000);
});

test("kill -9 of the master", async (t, scene) => {
  const server = await scene.start({
    workers: 4,
    threads: 2,
    env: { PH_DEMO_DELAY: "0.5" },
  });
  const pids = children(server);
  const wire = await scene.connect(server);

  wire.write(post(callbackBody("graph-1.figure", "figs")));
  await server.waitFor(/Computing value/);
  const start = now();

  server.kill("SIGKILL");
  await allEnded(pids);
  t.diagnostic(`until no process is left: ${(now() - start).toFixed(1)} ms`);
  assert.equal(await server.accepts(), false, "the port is free");

  /* The same port and cache at once; the half-done computation runs anew. */
  const next = await scene.start({
    bind: server.host,
    workers: 4,
    threads: 2,
    cacheDir: server.options.cacheDir,
    env: { PH_DEMO_DELAY: "0.5" },
  });

  t.diagnostic(`until the next one serves: ${(now() - start).toFixed(1)} ms`);
  const answer = await scene.send(
    next,
    post(callbackBody("graph-1.figure", "figs")),
  );

  checkGraph(answer, 0, "figs", readPoints(server.options.cacheDir));
  assert.equal(next.computations().length, 1);
});

test("kill -9 of the master, again and again", async (t, scene) => {
  const cacheDir = path.join(scene.dir(), "cache");
  const times = [];

  for (let round = 0; round < 8; round++) {
    const server = await scene.start({ app: "zoo", workers: 3, cacheDir });
    const pids = children(server);

    assert.equal(
      result(await scene.send(server, call("chain", `k${round}`)), "chain"),
      `[(<k${round}>)]`,
    );
    const start = now();

    server.kill("SIGKILL");
    await allEnded(pids);
    times.push(now() - start);
  }
  times.sort((a, b) => a - b);
  t.diagnostic(`slowest of 8 ends: ${times[7].toFixed(1)} ms`);
  within(t, "until no process is left, median of 8", times[4], 1000);
});

test("a pid file", async (t, scene) => {
  const file = path.join(scene.dir(), "ph.pid");
  const args = ["--pid", file];
  const first = await scene.start({ args });

  assert.equal(fs.readFileSync(file, "utf8").trim(), String(first.pid));
  const end = await run(scene, {
    bind: "127.0.0.1:0",
    app: EXAMPLE,
    args,
    cacheDir: path.join(scene.dir(), "cache"),
  });

  assert.equal(end.status, 1);
  assert.match(end.stderr, new RegExp(`${first.pid}.*${file}`));
  await first.stop("SIGKILL");
  /* A file of a process that is gone blocks nobody. */
  const second = await scene.start({ args });

  assert.equal(fs.readFileSync(file, "utf8").trim(), String(second.pid));
  await second.stop();
  assert.ok(!fs.existsSync(file));
});

test("workers share no memory but SQLite's index", async (t, scene) => {
  const server = await scene.start({ app: "zoo", workers: 2, threads: 2 });

  await scene.send(server, call("chain", "x"));
  for (const pid of server.workers()) {
    const shared = fs
      .readFileSync(`/proc/${pid}/maps`, "latin1")
      .split("\n")
      .filter((line) => /^\S+ .w.s /.test(line));

    for (const line of shared) assert.match(line, /cache-v1\.db-shm$/);
  }
});

test("the master keeps no handle on the cache", async (t, scene) => {
  const server = await scene.start({ app: "zoo", workers: 2, threads: 2 });
  const links = fs
    .readdirSync(`/proc/${server.pid}/fd`)
    .map((fd) => fs.readlinkSync(`/proc/${server.pid}/fd/${fd}`));

  for (const link of links) assert.doesNotMatch(link, /\.db/);
  const threads = fs.readdirSync(`/proc/${server.pid}/task`).length;

  if (SLOW === 1) assert.equal(threads, 1, "the master starts no threads");
});
