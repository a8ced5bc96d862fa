/* SPDX-License-Identifier: MIT */

/*
 * Clients that end their sending side behind a request. Some of them wait for
 * the answer, most have gone; docs/decisions/0019 says what is done for whom.
 */
import assert from "node:assert/strict";
import tls from "node:tls";
import { certificate } from "../lib/certificate.mjs";
import { now, SLOW, test, until } from "../lib/harness.mjs";
import { cpuSeconds } from "../lib/op_process.mjs";
import { connectionCount, hasEnded } from "../lib/sockets.mjs";
import { get, Wire } from "../lib/wire.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

async function isAnswered(wire, name, value) {
  const answer = await wire.answer();

  assert.equal(result(answer, name), value);
  return answer;
}

test("an answer that is being made is given, and the end", async (t, scene) => {
  const server = await scene.start({ app: "zoo", threads: 2 });

  for (const early of [true, false]) {
    const wire = await scene.connect(server);
    const before = runs(server, "naps");

    wire.write(call("naps", 0.5));
    if (!early) await until("work", () => runs(server, "naps") > before);
    wire.finish();
    const answer = await isAnswered(wire, "naps", "rested");

    assert.equal(answer.field("connection"), "close");
    assert.equal((await wire.rest()).length, 0);
    assert.equal(wire.error, undefined);
  }
  /* On the loop, from the pool, memoized; several at once. */
  const wire = await scene.connect(server);

  wire.write(Buffer.concat([
    get("/_ph/health"), call("echo", "one"), call("echo_memoized", "two"),
    call("naps", 0.1), get("/_ph/health"), call("echo", "three"),
  ]));
  wire.finish();
  assert.equal((await wire.answer()).text, "ok\n");
  await isAnswered(wire, "echo", "one");
  await isAnswered(wire, "echo_memoized", "two");
  await isAnswered(wire, "naps", "rested");
  assert.equal((await wire.answer()).text, "ok\n");
  await isAnswered(wire, "echo", "three");
  assert.equal((await wire.rest()).length, 0);
});

test("waiting for it costs no processor time", async (t, scene) => {
  const server = await scene.start({ app: "zoo", threads: 2 });
  const [worker] = server.workers();
  const wire = await scene.connect(server);
  const before = cpuSeconds(worker);

  wire.write(call("naps", 2));
  wire.finish();
  await isAnswered(wire, "naps", "rested");
  const used = cpuSeconds(worker) - before;

  t.diagnostic(`${used} s in 2 s`);
  assert.ok(used < 0.3 * SLOW);
});

test("behind others it is not waited for", { seconds: 60 }, async (t, scene) => {
  const server = await scene.start({ app: "zoo", threads: 1 });
  const first = await scene.connect(server);
  const second = await scene.connect(server);
  const begin = now();

  first.write(call("naps", 1.5));
  await until("work", () => runs(server, "naps") === 1);
  second.write(call("naps", 0.01));
  second.finish();
  assert.equal((await second.rest()).length, 0, "no answer");
  assert.ok(now() - begin < 1200, "and at once");
  await isAnswered(first, "naps", "rested");
  assert.equal(runs(server, "naps"), 1, "nor is it done");
  assert.equal(result(await scene.send(server, call("echo", 1)), "echo"), 1);
});

/* Of two requests the first runs for longer than the other may wait. */
test("each of several has its own time", { seconds: 60 }, async (t, scene) => {
  const server = await scene.start({ app: "zoo", threads: 1 });
  const first = await scene.connect(server);
  const second = await scene.connect(server);

  second.write(Buffer.concat([call("naps", 1), call("echo", "late")]));
  second.finish();
  await until("work", () => runs(server, "naps") === 1);
  first.write(call("naps", 3));
  await isAnswered(second, "naps", "rested");
  const begin = now();

  assert.equal((await second.rest()).length, 0, "no answer behind others");
  assert.ok(now() - begin < 2000, "and that is said soon");
  await isAnswered(first, "naps", "rested");
});

test("a reset is noticed, before or after", async (t, scene) => {
  const server = await scene.start({ app: "zoo", threads: 4 });
  const wires = await Promise.all([1, 2, 3].map(() => scene.connect(server)));

  for (const wire of wires) wire.write(call("naps", 2));
  await until("work", () => runs(server, "naps") === 3);
  wires[0].finish();
  wires[1].finish();
  for (const wire of wires.slice(0, 2))
    await until("the end", () => hasEnded(server, wire.localPort));
  wires[1].socket.resetAndDestroy();
  wires[2].socket.resetAndDestroy();
  await until("only the one that waits", () => connectionCount(server) === 1, 1);
  await isAnswered(wires[0], "naps", "rested");
  await until("none", () => connectionCount(server) === 0);
});

/* Whoever may have gone is the first to go. */
test("they make room for others", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    threads: 4,
    args: ["--worker-connections", "3"],
  });
  const wires = await Promise.all([1, 2, 3].map(() => scene.connect(server)));

  for (const wire of wires) wire.write(call("naps", 5));
  await until("work", () => runs(server, "naps") === 3);
  const ports = wires.map((wire) => wire.localPort);

  for (const wire of wires) wire.destroy();
  await until("their ends", () => ports.every((port) => hasEnded(server, port)));
  const begin = now();

  assert.equal((await scene.send(server, get("/_ph/health"))).status, 200);
  assert.ok(now() - begin < 1000 * SLOW);
});

test("by TLS, too", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    threads: 2,
    args: certificate(scene.dir()).args,
  });
  const socket = tls.connect({
    ...server.address,
    rejectUnauthorized: false,
    allowHalfOpen: true,
  });

  await new Promise((done) => socket.once("secureConnect", done));
  const wire = new Wire(socket);

  scene.wires.push(wire);
  wire.write(call("naps", 0.4));
  await until("work", () => runs(server, "naps") === 1);
  wire.finish();
  await isAnswered(wire, "naps", "rested");
  assert.equal((await wire.rest()).length, 0);
});
