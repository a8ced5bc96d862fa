/* SPDX-License-Identifier: MIT */

/*
 * Clients that ask for work and go: what no thread has begun is not done, and
 * the next client does not wait behind it.
 */
import assert from "node:assert/strict";
import { certificate } from "../lib/certificate.mjs";
import {
  block, END_HEADERS, END_STREAM, frame, Frames, TYPE, u32,
} from "../lib/h2_frames.mjs";
import { now, SLOW, test, until } from "../lib/harness.mjs";
import { Wire } from "../lib/wire.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

const NAP = 0.2;
const THREADS = 2;
const FIELDS = {
  ":method": "POST", ":scheme": "https", ":path": "/_dash-update-component",
  ":authority": "a", "content-type": "application/json",
};

function bodyOf(bytes) {
  return bytes.subarray(bytes.indexOf("\r\n\r\n") + 4);
}

/* A request by HTTP/2. */
function ask(stream, name, value) {
  return Buffer.concat([
    frame(TYPE.HEADERS, END_HEADERS, stream, block(FIELDS)),
    frame(TYPE.DATA, END_STREAM, stream, bodyOf(call(name, value))),
  ]);
}

async function open(scene, server) {
  const client = await Frames.connect(server);

  scene.wires.push(client);
  return client;
}

/* The rest takes at most what the threads have begun. */
function check(t, server, ms, asked) {
  const count = runs(server, "naps");

  t.diagnostic(`answered after ${ms.toFixed(0)} ms, ${count} of ${asked} ran`);
  assert.ok(ms < 5 * NAP * 1000 * SLOW, `${ms} ms`);
  assert.ok(count <= 10 * SLOW, `${count} ran`);
}

test("HTTP/2: work of streams that are reset [35]", { seconds: 60 }, async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    threads: THREADS,
    args: certificate(scene.dir()).args,
  });
  const attackers = await Promise.all(
    Array.from({ length: 3 }, () => open(scene, server)),
  );
  const other = await open(scene, server);

  for (const attacker of attackers)
    for (let i = 0; i < 40; i++)
      await attacker.send(
        ask(2 * i + 1, "naps", NAP),
        frame(TYPE.RST_STREAM, 0, 2 * i + 1, u32(8)),
      );
  const begin = now();

  await other.send(ask(1, "echo", "here"));
  await until("an answer", () => other.of(TYPE.DATA, 1).length > 0, 30);
  assert.match(other.of(TYPE.DATA, 1)[0].payload.toString(), /here/);
  check(t, server, now() - begin, 120);
});

test("HTTP/1: work of connections that are closed", { seconds: 60 }, async (t, scene) => {
  const server = await scene.start({ app: "zoo", threads: THREADS });
  const wires = await Promise.all(
    Array.from({ length: 60 }, () => Wire.connect(server.address)),
  );

  for (const wire of wires) wire.write(call("naps", NAP));
  await until("work", () => runs(server, "naps") > 0);
  for (const wire of wires) wire.destroy();
  const begin = now();
  const answer = await scene.send(server, call("echo", "here"));

  assert.equal(result(answer, "echo"), "here");
  check(t, server, now() - begin, wires.length);
});
