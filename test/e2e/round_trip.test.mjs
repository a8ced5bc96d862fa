/* SPDX-License-Identifier: MIT */

/*
 * How long one callback takes without the cache: a small output, one client
 * that asks again when it has the answer, over loopback. The aim is a median
 * under 0.3 ms on a quiet machine; what is measured here includes the client.
 */
import assert from "node:assert/strict";
import net from "node:net";
import { now, SLOW, test } from "../lib/harness.mjs";
import { updateBody } from "../lib/visitor.mjs";
import { post } from "../lib/wire.mjs";

const ROUNDS = 4000;

/* Milliseconds of each round, in order; nothing but the bytes is looked at. */
function measure(address, request, rounds) {
  return new Promise((done, fail) => {
    const times = [];
    const socket = net.connect(address);
    let start;
    const ask = () => {
      start = now();
      socket.write(request);
    };

    socket.setNoDelay(true);
    socket.on("error", fail);
    socket.on("connect", ask);
    socket.on("data", (bytes) => {
      times.push(now() - start);
      if (times.length === 1) assert.match(bytes.toString("latin1"), /^HTTP\/1\.1 200 /);
      if (times.length < rounds) return ask();
      socket.destroy();
      return done(times.slice(rounds / 4).sort((a, b) => a - b));
    });
  });
}

test("round trip of a callback", async (t, scene) => {
  const server = await scene.start({ app: "kinds", threads: 2 });
  const request = post(updateBody("remembers.children", [["in.value", 1]]));
  const small = post(updateBody("small.children", [["in.value", 1]]));

  for (const [what, bytes] of [
    ["a small output", small],
    ["a session that is written", request],
  ]) {
    const times = await measure(server.address, bytes, ROUNDS);
    const part = (p) => times[Math.floor(times.length * p)].toFixed(3);

    t.diagnostic(`${what}: p50 ${part(0.5)} ms, p99 ${part(0.99)} ms`);
    assert.ok(times[Math.floor(times.length / 2)] < 20 * SLOW);
  }
});
