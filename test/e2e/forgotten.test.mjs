/* SPDX-License-Identifier: MIT */

/*
 * Who asks after something was forgotten gets nothing that was made before,
 * also from a computation that was under way; and a value that is too large to
 * be stored is computed at most once in each worker for those who wait.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { test, until } from "../lib/harness.mjs";
import { ctlJson } from "../lib/op_ctl.mjs";
import { configured } from "../lib/op_server.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

async function open(scene, workers) {
  const server = await configured(
    scene,
    { workers, threads: 3, cache_max_bytes: "8MiB" },
    { app: "forgotten" },
  );
  const ask = async (name, value) => {
    const answer = await scene.send(server, call(name, value));

    assert.equal(answer.status, 200, name);
    return result(answer, name);
  };

  return { server, ask };
}

const times = (count, what) => Promise.all(Array.from({ length: count }, what));

/* Of which number of the source it was made. */
const sourceOf = (value) => parseInt(value, 10);

const FORGETS = {
  tag: (server, ask) => ask("forget_tag", 0),
  all: (server, ask) => ask("forget_all", 2),
  ctl: async (server) => (await ctlJson(server, "cache", "delete", "tag", "tag")) !== null,
};

for (const name of ["small", "small_answer", "large", "large_answer"]) {
  for (const workers of [1, 4]) {
    test(`${name} forgotten while it is made, ${workers} workers`, { seconds: 60 }, async (t, scene) => {
      const { server, ask } = await open(scene, workers);

      for (const [how, forget] of Object.entries(FORGETS)) {
        assert.equal(await ask("set", 1), true);
        const before = runs(server, `${name} ${how}`);
        const early = times(2 * workers, () => ask(name, how));

        await until("it to be under way", () => runs(server, `${name} ${how}`) > before);
        assert.equal(await ask("set", 2), true);
        assert.equal(await forget(server, ask), true);
        const late = await times(3 * workers, () => ask(name, how));

        assert.deepEqual(late.map(sourceOf), late.map(() => 2), `${how}: asked afterwards`);
        assert.deepEqual((await early).map(sourceOf), late.slice(0, 2 * workers).map(() => 2), how);
        const made = runs(server, `${name} ${how}`);

        assert.ok(made <= 2 + 3 * workers, `${how}: ${made} computations`);
        assert.equal(sourceOf(await ask(name, how)), 2);
      }
    });
  }
}

/* It is known by now to be too large, so the row of nobody says who computes. */
for (const [how, value] of [
  ["forget_tag", 0],
  ["forget_large", 0],
  ["forget_args", "x"],
]) {
  test(`a value too large to be stored, again, and ${how}`, { seconds: 60 }, async (t, scene) => {
    const { server, ask } = await open(scene, 1);

    assert.equal(await ask("set", 1), true);
    assert.equal(sourceOf(await ask("large", "x")), 1);
    const early = ask("large", "x");

    await until("it to be under way", () => runs(server, "large x") === 2);
    assert.equal(await ask("set", 2), true);
    assert.equal(await ask(how, value), true);
    const late = await times(6, () => ask("large", "x"));

    assert.deepEqual(late.map(sourceOf), late.map(() => 2));
    assert.ok([1, 2].includes(sourceOf(await early)));
    assert.ok(runs(server, "large x") <= 5, `${runs(server, "large x")} computations`);
  });
}

test("a value too large to be stored is made once in each worker", { seconds: 60 }, async (t, scene) => {
  for (const workers of [1, 4]) {
    const { server, ask } = await open(scene, workers);

    assert.equal(await ask("set", 1), true);
    for (const name of ["large", "large_answer"]) {
      const all = await times(100, () => ask(name, "x"));
      const made = runs(server, `${name} x`);

      assert.deepEqual(all.map(sourceOf), all.map(() => 1));
      t.diagnostic(`${name}: ${made} computations in ${workers} workers`);
      assert.ok(made <= workers, `${name}: ${made} computations in ${workers} workers`);
    }
    await server.stop();
  }
});
