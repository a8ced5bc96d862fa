/* SPDX-License-Identifier: MIT */

/*
 * Whoever asks for many values does not keep others waiting until he has all of
 * them: sessions take turns, or else the addresses that a trusted proxy names.
 */
import assert from "node:assert/strict";
import { now, test } from "../lib/harness.mjs";
import { post } from "../lib/wire.mjs";
import { updateBody, Visitor } from "../lib/visitor.mjs";

const MS = 200; /* that a value takes, test/apps/sessions.c */
const COUNT = 40;

/* One worker, three threads: two compute. */
const start = (scene, options) =>
  scene.start({ app: "sessions", workers: 1, threads: 3, ...options });

/* How long the other one waits while somebody has asked for forty values. */
async function timeOther(t, ask, other) {
  const begin = now();
  const many = Array.from({ length: COUNT }, (_, i) => ask(`many-${i}`));

  await new Promise((resolve) => setTimeout(resolve, MS));
  const from = now();
  const answer = await other("one");
  const ms = now() - from;

  assert.equal(answer.status, 200);
  for (const one of await Promise.all(many)) assert.equal(one.status, 200);
  const all = now() - begin;

  t.diagnostic(`one value after ${Math.round(ms)} ms, forty after ${Math.round(all)} ms`);
  assert.ok(ms < all / 2, `${ms} of ${all} ms`);
}

test("sessions of one address take turns", async (t, scene) => {
  const server = await start(scene);
  const visitors = [new Visitor(scene, server), new Visitor(scene, server)];

  for (const visitor of visitors) await visitor.get("/");
  assert.notEqual(visitors[0].cookie, visitors[1].cookie);
  const asks = visitors.map(
    (visitor) => (text) => visitor.update("nap.children", [["do.value", text]]),
  );

  await timeOther(t, ...asks);
});

test("so do the addresses that a trusted proxy names", async (t, scene) => {
  const server = await start(scene, {
    args: ["--forwarded-allow-ips", "127.0.0.1"],
  });
  const asks = ["203.0.113.9", "203.0.113.10"].map(
    (address) => (text) =>
      scene.send(
        server,
        post(updateBody("nap.children", [["do.value", text]]), {
          fields: { "X-Forwarded-For": address },
        }),
      ),
  );

  await timeOther(t, ...asks);
});
