/* SPDX-License-Identifier: MIT */

/*
 * What memoized functions and callbacks give, how long, and under which key.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { test, until } from "../lib/harness.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

async function open(scene, options) {
  const server = await scene.start({ app: "zoo", threads: 2, ...options });
  const wire = await scene.connect(server);
  const ask = async (name, value) => {
    wire.write(call(name, value));
    return wire.answer();
  };

  return { server, ask };
}

test("null is a value", async (t, scene) => {
  const { server, ask } = await open(scene);

  for (let i = 0; i < 3; i++) {
    assert.equal(result(await ask("memo_null", "x"), "memo_null"), null);
    assert.equal(result(await ask("memo_nothing", "x"), "memo_nothing"), null);
  }
  assert.equal(runs(server, "gives_null"), 1);
  assert.equal(runs(server, "gives_nothing"), 1);
});

test("no update is remembered, too", async (t, scene) => {
  const { server, ask } = await open(scene);

  for (let i = 0; i < 3; i++)
    assert.equal((await ask("nothing_memoized", 1)).status, 204);
  assert.equal(runs(server, "nothing_memoized"), 1);
});

test("values that look alike are different arguments", async (t, scene) => {
  const { server, ask } = await open(scene);
  const values = [
    ...[null, false, true, 0, 1, 1.5, -1, "", "0", "1", "null", "true"],
    ...[[], [null], [[]], ["1"], [1], [1, 2], [2, 1], {}, { a: 1 }],
    ...[{ a: "1" }, { a: 1, b: 2 }, { a: { b: 2 } }, "a", "A", "a ", "é"],
    ...["e\u0301", "x".repeat(1e6), "x".repeat(1e6 - 1)],
  ];

  for (let round = 0; round < 2; round++) {
    for (const value of values) {
      const answer = await ask("memo_identity", value);

      assert.deepEqual(result(answer, "memo_identity"), value);
    }
    assert.equal(runs(server, "identity"), values.length);
  }
  /* The same value, written in another way. */
  await ask("memo_identity", JSON.parse('{"b":2,"a":1}'));
  assert.equal(runs(server, "identity"), values.length);
  t.diagnostic(`${values.length} arguments, ${values.length} values`);
});

test("a value expires", async (t, scene) => {
  const { server, ask } = await open(scene);

  await ask("memo_short", "x");
  await ask("memo_short", "x");
  assert.equal(runs(server, "short_lived"), 1);
  await until("it to be computed again", async () => {
    assert.equal(result(await ask("memo_short", "x"), "memo_short"), "fresh");
    return runs(server, "short_lived") === 2;
  });
});

test("what one worker computes all of them know", async (t, scene) => {
  const { server } = await open(scene, { workers: 4 });

  for (let i = 0; i < 40; i++) {
    const answer = await scene.send(server, call("memo_identity", "shared"));

    assert.equal(result(answer, "memo_identity"), "shared");
  }
  assert.equal(runs(server, "identity"), 1);
});

test("another prefix, another value", async (t, scene) => {
  const first = await open(scene);
  const { cacheDir } = first.server.options;
  const other = await open(scene, {
    cacheDir,
    args: ["--cache-key-prefix", "blue"],
  });
  const same = await open(scene, { cacheDir });

  for (const { ask } of [first, other, same])
    assert.equal(result(await ask("memo_identity", 7), "memo_identity"), 7);
  assert.equal(runs(first.server, "identity"), 1);
  assert.equal(runs(other.server, "identity"), 1);
  assert.equal(runs(same.server, "identity"), 0);
});

/* A quarter of cache_max_bytes is the most that is stored of one. */
test("a value too large to be stored harms no other", { seconds: 60 }, async (t, scene) => {
  for (const workers of [1, 2]) {
    const server = await scene.start({
      ...{ app: "zoo", workers, threads: 2 },
      args: ["--cache-max-bytes", "8MiB"],
    });
    const ask = async (value) => {
      const answer = await scene.send(server, call("memo_identity", value));

      assert.equal(answer.status, 200);
      assert.equal(result(answer, "memo_identity"), value);
    };
    const large = "a large value ".repeat(250_000);

    await ask(large);
    await server.waitFor(/event=signal\.too_big .*bytes=3[0-9]{6}/);
    const known = runs(server, "identity");

    assert.ok(known <= (workers === 1 ? 1 : 3), `computed ${known} times for one request`);
    for (let i = 0; i < 20; i++)
      for (let j = 0; j < 3; j++) await ask(`small ${i}`);
    assert.equal(runs(server, "identity") - known, 20, "the others are stored");
    assert.equal(server.grep(/event=store\.|signal\.publish/).length, 0);
    /* All who ask for it have it, and as it is. */
    await Promise.all(Array.from({ length: 8 }, () => ask(large)));
    assert.ok(runs(server, "identity") - known - 20 <= 16);
    const after = runs(server, "identity");

    /* And nobody computes it when nobody asks. */
    for (let i = 0; i < 5; i++) await ask(`later ${i}`);
    assert.equal(runs(server, "identity") - after, 5);
    await server.stop();
  }
});
