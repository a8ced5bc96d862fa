/* SPDX-License-Identifier: MIT */

/*
 * How long one callback takes without the cache: a small output, one client
 * that asks again when it has the answer, over loopback. The median is under
 * 0.3 ms: that of the quietest stretch, as other programs may take the
 * processor, but none makes it faster. What is measured includes the client.
 */
import assert from "node:assert/strict";
import net from "node:net";
import { now, SLOW, test } from "../lib/harness.mjs";
import { updateBody } from "../lib/visitor.mjs";
import { post } from "../lib/wire.mjs";

const ROUNDS = 4000;
const STRETCH = 200; /* rounds */
const AIM_MS = 0.3;

const median = (times) =>
  [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];

/* The least median of some rounds in a row. */
function quietest(times) {
  let least = Infinity;

  for (let at = 0; at + STRETCH <= times.length; at += STRETCH)
    least = Math.min(least, median(times.slice(at, at + STRETCH)));
  return least;
}

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
      return done(times.slice(rounds / 4));
    });
  });
}

test("round trip of a callback", async (t, scene) => {
  const server = await scene.start({ app: "kinds", threads: 2 });
  const request = post(updateBody("remembers.children", [["in.value", 1]]));
  const small = post(updateBody("small.children", [["in.value", 1]]));

  for (const [what, bytes, most] of [
    ["a small output", small, AIM_MS],
    ["a session that is written", request, 20],
  ]) {
    const times = await measure(server.address, bytes, ROUNDS);
    const sorted = [...times].sort((a, b) => a - b);
    const part = (p) => sorted[Math.floor(sorted.length * p)].toFixed(3);

    t.diagnostic(
      `${what}: p50 ${part(0.5)} ms, of the quietest stretch ` +
        `${quietest(times).toFixed(3)} ms, p99 ${part(0.99)} ms`,
    );
    assert.ok(quietest(times) < most * SLOW);
  }
});
