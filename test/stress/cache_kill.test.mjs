/* SPDX-License-Identifier: MIT */

/*
 * kill -9 of the whole server, again and again, while it writes: the file is
 * sound, no value is wrong, and the next start is quick.
 */
import assert from "node:assert/strict";
import path from "node:path";
import { now, SLOW, test, until } from "../lib/harness.mjs";
import { sql } from "../lib/points.mjs";
import { call, result } from "../lib/zoo.mjs";

const CYCLES = Number(process.env.CYCLES ?? (process.env.STRESS ? 1000 : 12));

/* How long a start may take; the machine may be busy with something else. */
const START_MS = process.env.STRESS ? 1000 : 5000;

test(
  `${CYCLES} times kill -9 of everything`,
  { seconds: CYCLES * 20 + 60 },
  async (t, scene) => {
    const cacheDir = path.join(scene.dir(), "cache");
    const starts = [];
    let answers = 0;
    let found = 0;

    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const from = now();
      const server = await scene.start({
        app: "zoo",
        workers: 2,
        threads: 2,
        cacheDir,
        wrapper: ["setsid"],
      });

      starts.push(now() - from);
      const before = answers;

      /* What was stored before, and what nobody has asked for yet. */
      const asks = Array.from({ length: 12 }, (_, i) => {
        const name = i % 3 ? `c${cycle}-${i}` : `c${Math.max(cycle - 1, 0)}-${i + 1}`;

        return scene
          .send(server, call("chain", name))
          .then((answer) => {
            assert.equal(answer.status, 200);
            assert.equal(result(answer, "chain"), `[(<${name}>)]`);
            answers++;
          })
          .catch((error) => {
            if (error.code === "ERR_ASSERTION") throw error;
          });
      });

      /* Somewhere in the middle of it, wherever that is on this machine. */
      const enough = before + Math.floor(Math.random() * 10);

      await until("answers", () => answers > enough, 20);
      await new Promise((done) => setTimeout(done, Math.random() * 5));
      process.kill(-server.pid, "SIGKILL");
      await server.exited;
      await Promise.all(asks);
      await until("all to be dead", () => server.grep(/./) && allDead(server));
      if (cycle % 10 === 0 || cycle === CYCLES - 1) {
        const file = path.join(cacheDir, "cache-v1.db");

        assert.equal(sql(file, "PRAGMA integrity_check")[0].integrity_check, "ok");
        found = sql(file, "SELECT count(*) n FROM kv")[0].n;
      }
      assert.equal(server.grep(/event=cache\.set_aside/).length, 0);
      scene.servers.pop();
      scene.wires.length = 0;
      await server.destroy();
    }
    starts.sort((a, b) => a - b);
    const median = starts[starts.length >> 1];

    t.diagnostic(
      `${answers} answers right, ${found} values kept, start median ` +
        `${median.toFixed(0)} ms, longest ${starts.at(-1).toFixed(0)} ms`,
    );
    assert.ok(median < START_MS * SLOW, `a start takes ${median} ms`);
    assert.ok(answers > 0 && found > 0);
  },
);

function allDead(server) {
  return server.workers().every((pid) => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  });
}
