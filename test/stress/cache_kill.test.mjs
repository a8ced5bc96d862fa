/* SPDX-License-Identifier: MIT */

/*
 * kill -9 of the whole server, again and again, while it writes: the file is
 * sound, no value is wrong, and the next start is quick.
 *
 * A cycle is a start, 30 callbacks of which 20 compute three values each that
 * are stored one after the other, and a kill somewhere in the middle of that.
 * Every tenth one the whole file is read: its structure, and each value against
 * its checksum.
 */
import assert from "node:assert/strict";
import path from "node:path";
import { now, SLOW, test } from "../lib/harness.mjs";
import { ctl } from "../lib/op_ctl.mjs";
import { allEnded, treeOf } from "../lib/op_process.mjs";
import { sql } from "../lib/points.mjs";
import { call, result } from "../lib/zoo.mjs";

const CYCLES = Number(process.env.CYCLES ?? (process.env.STRESS ? 1000 : 12));
const ASKS = 30;

/* How long a start may take; the machine may be busy with something else. */
const START_MS = process.env.STRESS ? 1000 : 5000;

/* Ask for what was stored before, and for what nobody has asked for yet. What
 * the kill cuts off is no answer. */
function askAll(scene, server, cycle, count) {
  return Array.from({ length: ASKS }, async (_, i) => {
    const name = i % 3 ? `c${cycle}-${i}` : `c${Math.max(cycle - 1, 0)}-${i + 1}`;
    const answer = await scene.send(server, call("chain", name)).catch(() => null);

    if (answer === null) return;
    if (++count.answers === count.enough) count.reached();
    if (answer.status !== 200 || result(answer, "chain") !== `[(<${name}>)]`) count.wrong++;
  });
}

/* Give how many values there are. */
async function readAll(scene, cacheDir) {
  const file = path.join(cacheDir, "cache-v1.db");
  const settings = scene.file("pronghorn.conf", `cache_dir = "${cacheDir}"\n`);

  assert.equal(sql(file, "PRAGMA integrity_check")[0].integrity_check, "ok");
  const { status, err } = await ctl({ file: settings }, "cache", "check");

  assert.equal(status, 0, err);
  return sql(file, "SELECT count(*) n FROM kv")[0].n;
}

test(
  `${CYCLES} times kill -9 of everything`,
  { seconds: CYCLES * 20 + 60 },
  async (t, scene) => {
    const cacheDir = path.join(scene.dir(), "cache");
    const count = { answers: 0, wrong: 0, reads: 0, cut: 0 };
    const starts = [];
    let found = 0;

    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const from = now();
      const server = await scene.start({
        app: "zoo",
        workers: 2,
        threads: 2,
        cacheDir,
        wrapper: ["setsid"],
        env: { ZOO_QUICK: "yes" },
      });

      starts.push(now() - from);
      const all = treeOf(server.pid);
      const before = count.answers;

      /* Somewhere in the middle of it, wherever that is on this machine. */
      count.enough = before + 1 + Math.floor(Math.random() * (ASKS - 5));
      const enough = new Promise((done) => (count.reached = done));
      const asks = askAll(scene, server, cycle, count);

      await enough;
      await new Promise((done) => setTimeout(done, Math.random() * 5));
      process.kill(-server.pid, "SIGKILL");
      await server.exited;
      await Promise.all(asks);
      await allEnded(all);
      count.cut += count.answers - before < ASKS;
      assert.equal(count.wrong, 0);
      if (cycle % 10 === 9 || cycle === CYCLES - 1) {
        found = await readAll(scene, cacheDir);
        count.reads++;
      }
      assert.equal(server.grep(/event=cache\.set_aside/).length, 0);
      scene.servers.pop();
      scene.wires.length = 0;
      await server.destroy();
    }
    starts.sort((a, b) => a - b);
    const median = starts[starts.length >> 1];

    t.diagnostic(
      `${starts.length} cycles, ${count.cut} of them cut off under way; ` +
        `${count.answers} answers, ${count.wrong} of them wrong; integrity ok, ` +
        `${count.reads} times; ${found} values kept; start median ` +
        `${median.toFixed(0)} ms, longest ${starts.at(-1).toFixed(0)} ms`,
    );
    assert.ok(median < START_MS * SLOW, `a start takes ${median} ms`);
    assert.ok(count.answers > 0 && found > 0);
    assert.ok(count.cut > CYCLES / 4, `only ${count.cut} kills came under way`);
  },
);
