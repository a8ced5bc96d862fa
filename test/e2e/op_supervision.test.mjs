/* SPDX-License-Identifier: MIT */

/*
 * Workers that crash, hang, grow or have done enough.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { isAlive, now, test, TSAN, until, within } from "../lib/harness.mjs";
import { ctl, ctlJson } from "../lib/op_ctl.mjs";
import { Load } from "../lib/op_load.mjs";
import { act, configured } from "../lib/op_server.mjs";
import { Server } from "../lib/server.mjs";
import { get, post } from "../lib/wire.mjs";

async function start(scene, settings, options) {
  const socket = path.join(scene.dir(), "ctl.sock");
  const server = await configured(
    scene,
    { control_socket: socket, ...settings },
    options,
  );

  server.controlSocket = socket;
  return server;
}

/* Ask for something that ends the worker: 500 without details, and the end. */
async function fatal(scene, server, order) {
  const wire = await scene.connect(server);

  wire.write(post(act(order)));
  const answer = await wire.answer();

  assert.equal(answer.status, 500);
  assert.doesNotMatch(String(answer.body), /SIG|act|so\(/);
}

for (const [order, sig] of [
  ["segv", "SIGSEGV"],
  ["abort", "SIGABRT"],
]) {
  test(`${sig} leaves a report [12]`, async (t, s) => {
    const server = await start(s, { workers: 1 });
    const [victim] = server.workers();

    await fatal(s, server, order);
    const line = await server.waitFor(/event=worker\.crash (.*)/);

    assert.match(line[1], new RegExp(`child=${victim} signal=${sig} `));
    assert.match(line[1], / thread=\d callback=act busy_ms=\d+/);
    await server.waitFor(new RegExp(`worker.exit .*crashed signal=${sig}`));
    assert.ok(server.grep(/worker\.stack .*op_faults\.so/).length > 0);
    const crash = await ctlJson(server, "last-crash");

    assert.equal(crash.pid, victim);
    assert.match(crash.what, new RegExp(`signal=${sig}`));
    assert.match(crash.end, new RegExp(`signal=${sig}`));
    assert.ok(crash.stack.some((text) => text.includes("op_faults.so")));
    await until("a new worker", () => server.workers().length === 1);
    assert.equal((await s.send(server, get("/"))).status, 200);
  });
}

test("a computation that crashes names its key", async (t, s) => {
  const server = await start(s, { workers: 1, compute_attempts: 1 });
  const wire = await s.connect(server);

  wire.write(
    post({
      output: "memo.children",
      outputs: { id: "memo", property: "children" },
      inputs: [{ id: "key", property: "value", value: -1 }],
      changedPropIds: ["key.value"],
      parsedChangedPropsIds: ["key.value"],
    }),
  );
  const line = await server.waitFor(/event=worker\.crash (.*)/);

  assert.match(line[1], /callback=slow_value busy_ms=\d+ key=[0-9a-f]{64}/);
  /* Who waits for it, without a thread, learns so. */
  assert.equal((await wire.answer()).status, 500);
  wire.destroy();
});

test("what the app wrote before it crashed is in the log", async (t, s) => {
  const log = path.join(s.dir(), "error.log");
  const server = await configured(
    s,
    { workers: 1, errorlog: log, capture_output: true, pidfile: `${log}.pid` },
    { wait: false },
  );
  const text = () => (fs.existsSync(log) ? fs.readFileSync(log, "utf8") : "");
  const count = (pattern) => [...text().matchAll(pattern)].length;

  await until("the server", () => text().includes("event=master.ready"), 30);
  const [, address] = /event=listen\.bound address=(\S+)/.exec(text());

  server.address = Server.parseAddress(address);
  await fatal(s, server, "lastwords");
  await until("the report", () => /event=worker\.exit .*crashed/.test(text()), 30);
  assert.equal(count(/event=app\.output stream=stderr a whole line\n/g), 1);
  assert.equal(count(/event=app\.output .*half a line/g), 1);
  assert.match(text(), /event=worker\.crash .*callback=act/);
  server.controlSocket = `${log}.ctl`;
  const crash = await ctlJson(server, "last-crash");

  assert.match(crash.what, /signal=SIGSEGV .*callback=act/);
  assert.ok(crash.stack.length > 2);
  await until("a new worker", async () =>
    (await ctlJson(server, "status")).workers_ready === 1, 30);
  const { status, out } = await ctl(server, "last-crash");

  assert.equal(status, 0);
  assert.match(out, /^what +.*SIGSEGV/m);
  await server.stop();
});

test("no crash yet: last-crash says so", async (t, s) => {
  const server = await start(s, { workers: 1 });
  const { status, err } = await ctl(server, "last-crash");

  assert.equal(status, 1);
  assert.match(err, /no worker has crashed/);
});

test("a stack overflow is told, too", async (t, s) => {
  const server = await start(s, { workers: 1 });

  await fatal(s, server, "recurse");
  const line = await server.waitFor(/event=worker\.crash (.*)/);

  assert.match(line[1], /signal=SIGSEGV .* callback=act/);
});

test("a worker that hangs leaves its stacks and is replaced", async (t, s) => {
  const server = await start(s, { workers: 1, threads: 2, timeout: 2 });
  const [victim] = server.workers();

  (await s.connect(server)).write(post(act("sleep:30")));
  await until("it to run", async () => {
    const { workers } = await ctlJson(server, "workers");

    return workers[0].busy > 0;
  });
  server.kill("SIGSTOP", victim);
  const start_ms = now();

  await server.waitFor(/event=worker\.timeout /);
  within(t, "noticing silence", now() - start_ms, 4000);
  server.kill("SIGCONT", victim); /* or it could not say anything */
  await server.waitFor(/worker\.crash .*signal=SIGABRT asked=yes/);
  await server.waitFor(/worker\.(stack|crash) .*thread=\d callback=act/);
  await until("the new one", () =>
    server.workers().length === 1 && server.workers()[0] !== victim);
});

test("a stopped worker is killed all the same", async (t, s) => {
  const server = await start(s, { workers: 2, timeout: 1 });
  const victim = server.workers()[0];
  const start_ms = now();

  server.kill("SIGSTOP", victim);
  await until("its end", () => !isAlive(victim));
  within(t, "killing a stopped worker", now() - start_ms, 3500);
  await until("2 workers", () => server.workers().length === 2);
});

test("a stuck thread is named and its worker replaced", async (t, s) => {
  const server = await start(s, {
    workers: 1,
    threads: 2,
    thread_timeout: 1,
    graceful_timeout: 1,
  });
  const [victim] = server.workers();
  const wire = await s.connect(server);

  wire.write(post(act("spin")));
  const line = await server.waitFor(/event=worker\.stuck (.*)/);

  assert.match(line[1], /thread=\d callback=act busy_ms=\d+/);
  assert.equal((await wire.answer()).status, 500);
  if (!TSAN) await server.waitFor(/worker\.stack .*op_faults\.so/);
  await until("its end", () => !isAlive(victim));
  /* The successor was ready before the old one was asked to go. */
  const order = server.lines
    .filter((text) => /worker\.(ready|draining)/.test(text))
    .map((text) => /worker\.(\w+)/.exec(text)[1]);

  assert.deepEqual(order.slice(0, 3), ["ready", "ready", "draining"]);
});

test("request_timeout: 504 in time, the late result is dropped [8]", async (t, s) => {
  const server = await start(s, { workers: 1, threads: 1, request_timeout: 1 });
  const wire = await s.connect(server);
  const start_ms = now();

  wire.write(post(act("sleep:2")));
  assert.equal((await wire.answer()).status, 504);
  within(t, "504", now() - start_ms, 1300);
  /* The same connection goes on, and gets its own answer. */
  await new Promise((done) => setTimeout(done, 1200));
  wire.write(post(act("second")));
  assert.match((await wire.answer()).text, /second by/);
  /* However often, and whenever the late one comes. */
  wire.write(post(act("sleep:1.5")));
  assert.equal((await wire.answer()).status, 504);
  for (let i = 0; i < 100; i++) {
    wire.write(post(act(`number ${i}`)));
    assert.match((await wire.answer()).text, new RegExp(`number ${i} by`));
  }
});

/*
 * Both the timer of the request and the look at all connections once a second
 * may find that its time is over, and a loop that was held up comes to both in
 * one pass. Which comes first is a matter of phase, so there are several.
 */
test("request_timeout: a loop that was held up reads on after the 504", async (t, s) => {
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  await Promise.all([0, 300, 600].map(async (phase) => {
    const server = await start(s, { workers: 1, request_timeout: 1, keepalive: 4 });
    const [worker] = server.workers();
    const wire = await s.connect(server);

    await pause(phase);
    wire.write(post(act("sleep:1.2")));
    await pause(900);
    process.kill(worker, "SIGSTOP");
    await pause(1300);
    process.kill(worker, "SIGCONT");
    assert.equal((await wire.answer()).status, 504);
    wire.write(get("/_ph/health"));
    assert.equal((await wire.answer()).status, 200, `phase ${phase}`);
  }));
});

/* More of them than one look at the sockets gives to the loop. */
test("keepalive: what came while the loop was held up is answered", async (t, s) => {
  const server = await start(s, { workers: 1, keepalive: 1 });
  const [worker] = server.workers();
  const wires = await Promise.all(Array.from({ length: 150 }, () => s.connect(server)));

  for (const wire of wires) wire.write(get("/_ph/health"));
  for (const wire of wires) assert.equal((await wire.answer()).status, 200);
  process.kill(worker, "SIGSTOP");
  for (const wire of wires) wire.write(get("/_ph/health"));
  await new Promise((done) => setTimeout(done, 1400));
  process.kill(worker, "SIGCONT");
  for (const wire of wires) assert.equal((await wire.answer()).status, 200);
});

test("max_requests: one at a time, the successor first", { seconds: 90 }, async (t, s) => {
  const server = await start(s, {
    workers: 2,
    max_requests: 300,
    max_requests_jitter: 50,
    graceful_timeout: 5,
  });
  const load = new Load(server.address, { keepAlive: 3, single: 3 });

  await server.waitFor(/worker\.exit .*reason=recycle/, { count: 6, seconds: 60 });
  await load.stop();
  t.diagnostic(`${load.answered} answers over 6 recycled workers`);
  assert.deepEqual(load.failures, []);
  let ready = 0;

  for (const line of server.lines) {
    if (/event=worker\.ready/.test(line)) ready++;
    if (/event=worker\.draining/.test(line)) {
      assert.equal(ready, 3, "a worker left before its successor was ready");
      ready--;
    }
  }
});

test("max_requests: asked for with the very answer", { seconds: 90 }, async (t, s) => {
  const server = await start(s, { workers: 1, max_requests: 10, graceful_timeout: 5 });
  const served = [];

  /* One after the other, and after the tenth until the successor serves. */
  for (let worker = 0; worker < 4; worker++) {
    const [pid] = server.workers();
    const from = server.lines.length;
    let count = 0;

    for (; count < 10; count++)
      assert.equal((await s.send(server, get("/"))).status, 200);
    const asked = now();

    await server.waitFor(new RegExp(`worker\\.tired .*child=${pid} `), { from });
    within(t, "asking for the successor", now() - asked, 400);
    await server.waitFor(/worker\.exit .*reason=recycle/, { from });
    await until("the successor alone", () =>
      server.workers().length === 1 && server.workers()[0] !== pid);
    served.push(count);
  }
  assert.deepEqual(served, [10, 10, 10, 10]);
});

test("max_worker_memory: replaced after the answer", async (t, s) => {
  const server = await start(s, { workers: 1, max_worker_memory: "100MiB" });
  const [victim] = server.workers();
  const answer = await s.send(server, post(act("hoard:150")));

  assert.equal(answer.status, 200);
  await server.waitFor(/worker\.tired .*reason=max_worker_memory/);
  await until("its end", () => !isAlive(victim));
  await server.waitFor(/worker\.exit .*verdict=drained.*reason=recycle/);
});
