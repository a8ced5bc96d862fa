/* SPDX-License-Identifier: MIT */

/*
 * Many connections that ask for nothing: idle ones, a flood of new ones,
 * handshakes that stop half way. They cost little memory, and a client that
 * does ask is answered beside them, though the worker is full.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { certificate } from "../lib/certificate.mjs";
import { now, SLOW, test, until } from "../lib/harness.mjs";
import { cpuSeconds } from "../lib/op_process.mjs";
import { connectionCount } from "../lib/sockets.mjs";
import { get, Wire } from "../lib/wire.mjs";

const LONG = process.env.STRESS === "1";
const IDLE = LONG ? 8000 : 1000;
const FLOOD = LONG ? 50000 : 2000;
const FULL = 800; /* worker_connections of a server that is flooded */
const HEALTH = get("/_ph/health");

/* Private memory of a process in bytes. */
function memory(pid) {
  const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");

  return Number(/Private_Dirty:\s+(\d+)/.exec(text)[1]) * 1024;
}

function secure(server) {
  return new Promise((done, fail) => {
    const socket = tls.connect({ ...server.address, rejectUnauthorized: false });

    socket.once("error", fail);
    socket.once("secureConnect", () => {
      socket.off("error", fail);
      done(new Wire(socket));
    });
  });
}

async function inBatches(count, size, make) {
  const all = [];

  while (all.length < count)
    all.push(...(await Promise.all(Array.from({ length: size }, make))));
  return all;
}

/* What `count` connections that have had an answer cost, in bytes each. */
async function costOfIdle(scene, server, count, open) {
  const [worker] = server.workers();
  const answered = async () => {
    const wire = await open();

    scene.wires.push(wire);
    wire.write(HEALTH);
    assert.equal((await wire.answer()).status, 200);
    return wire;
  };

  await inBatches(50, 50, answered);
  const before = memory(worker);

  await inBatches(count, 50, answered);
  return (memory(worker) - before) / count;
}

test("idle connections cost little [H6]", { seconds: 120 }, async (t, scene) => {
  const server = await scene.start({ app: "zoo", args: ["--keep-alive", "60"] });
  const bytes = await costOfIdle(scene, server, IDLE, () =>
    Wire.connect(server.address));

  t.diagnostic(`${IDLE} idle connections, ${bytes.toFixed(0)} bytes each`);
  assert.ok(bytes < 1024 * SLOW);
  const begin = now();

  assert.equal((await scene.send(server, HEALTH)).text, "ok\n");
  t.diagnostic(`one more: ${(now() - begin).toFixed(1)} ms`);
});

test("idle TLS connections [H6]", { seconds: 120 }, async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: [...certificate(scene.dir()).args, "--keep-alive", "60"],
  });
  const bytes = await costOfIdle(scene, server, 100, () => secure(server));

  t.diagnostic(`100 idle TLS connections, ${(bytes / 1024).toFixed(1)} KiB each`);
  assert.ok(bytes < 40 * 1024 * SLOW);
});

/*
 * Connect as fast as one process can, with `ask` beside it again and again:
 * it is answered each time, though the worker never has room. A client has
 * the time in which as many others come as there may be.
 */
async function flood(t, server, bytes, ask) {
  const [worker] = server.workers();
  const begin = now();
  const used = cpuSeconds(worker);
  let sent = 0;
  let answers = 0;
  let slowest = 0;
  const sockets = new Set();
  const one = () =>
    new Promise((done) => {
      const socket = net.connect(server.address);

      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
      socket.once("connect", () => {
        if (bytes.length > 0) socket.write(bytes);
        sent++;
        done();
      });
      socket.once("close", done);
    });
  const flooding = inBatches(FLOOD, 100, one);
  let over = false;

  flooding.then(() => (over = true)).catch(() => (over = true));
  do {
    const start = now();

    await ask();
    slowest = Math.max(slowest, now() - start);
    answers++;
  } while (!over);
  await flooding;
  t.diagnostic(
    `${sent} connections in ${((now() - begin) / 1000).toFixed(1)} s, ` +
      `${answers} answers beside them, slowest ${slowest.toFixed(0)} ms, ` +
      `${(cpuSeconds(worker) - used).toFixed(2)} s of processor time`,
  );
  assert.ok(slowest < 5000 * SLOW, "nobody waits for a deadline");
  assert.ok(connectionCount(server) <= FULL, "no more than there may be");
  assert.deepEqual(server.workers(), [worker]);
  for (const socket of sockets) socket.destroy();
  await until("all to be closed", () => connectionCount(server) === 0);
}

test("a flood of connections [H6]", { seconds: 300 }, async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: ["--worker-connections", FULL, "--header-timeout", "60"],
  });

  await flood(t, server, "", async () => {
    assert.equal((await scene.send(server, HEALTH)).text, "ok\n");
  });
});

test("handshakes that stop half way [H6]", { seconds: 300 }, async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: [
      ...certificate(scene.dir()).args,
      ...["--worker-connections", FULL, "--tls-handshake-timeout", "60"],
    ],
  });
  /* The start of a ClientHello of 512 bytes. */
  const half = Buffer.from("160301020001 0001fc0303".replaceAll(" ", ""), "hex");

  await flood(t, server, half, async () => {
    const wire = await secure(server);

    wire.write(HEALTH);
    assert.equal((await wire.answer()).text, "ok\n");
    wire.destroy();
  });
});
