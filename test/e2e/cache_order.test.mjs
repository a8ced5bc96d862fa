/* SPDX-License-Identifier: MIT */

/*
 * Which values make room: one that is read all the time stays, however soon
 * the others have to go.
 */
import assert from "node:assert/strict";
import { setTimeout as rest } from "node:timers/promises";
import { now, test } from "../lib/harness.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

const ROOM = 100;

/*
 * So many values a second, and in all, that nobody asks for again. Where all
 * change within a quarter of a second the flood is there before it is known:
 * then the one in use may go once.
 */
const FLOODS = [
  { pace: 20, total: 4 * ROOM, lost: 0 },
  { pace: 40, total: 4 * ROOM, lost: 0 },
  { pace: 100, total: 10 * ROOM, lost: 0 },
  { pace: Infinity, total: 15 * ROOM, lost: 1 },
];

for (const { pace, total, lost } of FLOODS) {
  test(`a value in use stays beside ${pace} new ones a second`, { seconds: 90 }, async (t, scene) => {
    const server = await scene.start({
      ...{ app: "zoo", workers: 2, threads: 2 },
      args: ["--cache-threshold", String(ROOM)],
    });
    const wires = [await scene.connect(server), await scene.connect(server)];
    const ask = async (wire, value) => {
      wire.write(call("memo_identity", value));
      assert.equal(result(await wire.answer(), "memo_identity"), value);
    };
    const start = now();

    for (let i = 0; i < total; i++) {
      await Promise.all([ask(wires[0], "in use"), ask(wires[1], `new ${i}`)]);
      /* The load of the test, however it goes. */
      if (pace < Infinity) await rest(Math.max(0, (1000 * (i + 1)) / pace - (now() - start)));
    }
    const more = runs(server, "identity") - total - 1;

    t.diagnostic(`${total} in ${Math.round(now() - start)} ms, ${more} computed again`);
    assert.ok(more <= lost, `${more} computed again`);
  });
}
