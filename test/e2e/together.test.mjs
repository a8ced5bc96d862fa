/* SPDX-License-Identifier: MIT */

/*
 * While the store takes nothing, a worker computes what is asked for many
 * times at once only once: values of ph_memo(), answers of memoized callbacks,
 * and errors.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { later, now, test, within } from "../lib/harness.mjs";
import { NO_DISK, smallDisk } from "../lib/small_disk.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

const MANY = 24;

const many = (scene, server, name, value) =>
  Promise.all(
    Array.from({ length: MANY }, () => scene.send(server, call(name, value))),
  );

/* Another program holds the write lock until `end`. */
async function lock(scene, server) {
  const file = path.join(server.options.cacheDir, "cache-v1.db");
  const locker = spawn("sqlite3", [file], { stdio: ["pipe", "pipe", "inherit"] });

  scene.later(() => locker.kill());
  locker.stdin.write("BEGIN IMMEDIATE; SELECT 'locked';\n");
  await new Promise((done) => locker.stdout.once("data", done));
}

/* A disk that is full from the start; null: there is none. */
async function fullDisk(scene) {
  const disk = await smallDisk(scene, "8m");

  disk?.fill();
  return disk?.place ?? null;
}

/* How long the slowest of quick callbacks takes while `slow` are under way, one
 * after the other. */
async function slowestBeside(scene, server, slow) {
  let longest = 0;
  let over = false;
  const end = Promise.all(later(slow)).finally(() => (over = true));

  end.catch(() => {});
  while (!over) {
    const start = now();

    assert.equal((await scene.send(server, call("echo", 1))).status, 200);
    if (!over) longest = Math.max(longest, now() - start);
  }
  return { longest, answers: await end };
}

for (const [what, disk, spoil] of [
  ["another program holds the lock", () => ({}), lock],
  ["the disk is full", fullDisk, () => {}],
]) {
  test(`one computation per worker while ${what}`, { seconds: 120 }, async (t, scene) => {
    const place = await disk(scene);

    if (place === null) return t.skip(NO_DISK);
    const server = await scene.start({
      ...{ app: "cache", workers: 1, threads: 4 },
      ...place,
    });

    await spoil(scene, server);
    /* Twice: the second time it is known that the store takes nothing. */
    for (const round of ["slow", "again"]) {
      const values = await many(scene, server, "fleeting", round);

      for (const answer of values) {
        assert.equal(answer.status, 200);
        assert.equal(result(answer, "fleeting"), round);
      }
      const answers = await many(scene, server, "answer", round);

      for (const answer of answers) assert.equal(result(answer, "answer"), round);
      t.diagnostic(
        `${MANY} at once: ${runs(server, `fleeting ${round}`)} and ` +
          `${runs(server, `answer ${round}`)} computations`,
      );
      assert.ok(runs(server, `fleeting ${round}`) <= 2);
      assert.ok(runs(server, `answer ${round}`) <= 2);
    }
    /* Who comes later gets a new one: nothing is kept. */
    const known = runs(server, "answer again");

    await scene.send(server, call("answer", "again"));
    assert.equal(runs(server, "answer again"), known + 1);
  });
}

/* Who waits for a value of another holds no thread. */
test("a quick callback beside many that wait and compute", { seconds: 60 }, async (t, scene) => {
  const place = await fullDisk(scene);

  if (place === null) return t.skip(NO_DISK);
  const server = await scene.start({
    ...{ app: "zoo", workers: 1, threads: 4 },
    ...place,
  });

  await scene.send(server, call("memo_identity", 1));
  for (const values of [Array(12).fill("one"), [..."abcdefgh"]]) {
    const slow = values.map((value) => scene.send(server, call("waits", value)));
    const { longest, answers } = await slowestBeside(scene, server, slow);

    within(t, "the slowest quick callback", longest, 500);
    for (const [i, answer] of answers.entries())
      assert.equal(result(answer, "waits"), values[i]);
    for (const value of new Set(values))
      assert.equal(runs(server, `slow ${value}`), 1, value);
  }
});

test("a crash of the one who computes", { seconds: 60 }, async (t, scene) => {
  const place = await fullDisk(scene);

  if (place === null) return t.skip(NO_DISK);
  const server = await scene.start({
    ...{ app: "zoo", workers: 1, threads: 4 },
    ...place,
  });

  await scene.send(server, call("memo_identity", 1));
  const all = [
    ...Array(MANY).fill("memo_crashes"),
    ...Array(8).fill("echo"),
  ].map((name) => scene.send(server, call(name, 1)));

  for (const [i, answer] of (await Promise.all(all)).entries())
    assert.equal(answer.status, i < MANY ? 500 : 200);
  assert.equal(runs(server, "crashes"), 1);
});

test("a quick callback beside many that wait while the lock is held", { seconds: 60 }, async (t, scene) => {
  const server = await scene.start({ app: "zoo", workers: 1, threads: 4 });

  await scene.send(server, call("memo_identity", 1));
  await lock(scene, server);
  for (const value of ["not yet", "known"]) {
    const slow = Array.from({ length: 24 }, () =>
      scene.send(server, call("waits", value)),
    );
    const { longest, answers } = await slowestBeside(scene, server, slow);

    for (const answer of answers) assert.equal(result(answer, "waits"), value);
    /* A try of the lock or two, not one for each of them. */
    within(t, `a quick callback, and that it is held is ${value}`, longest, 900);
  }
});

test("many different values while the lock is held", { seconds: 60 }, async (t, scene) => {
  const server = await scene.start({ app: "zoo", workers: 1, threads: 4 });

  await scene.send(server, call("memo_identity", 0));
  await lock(scene, server);
  for (const round of [1, 2]) {
    const start = now();
    const values = Array.from({ length: 100 }, (_, i) => round * 1000 + i);
    const answers = await Promise.all(
      values.map((value) => scene.send(server, call("memo_identity", value))),
    );

    for (const [i, answer] of answers.entries())
      assert.equal(result(answer, "memo_identity"), values[i]);
    within(t, `100 values, round ${round}`, now() - start, 5000);
  }
});

test("errors, circles and chains while the lock is held", { seconds: 120 }, async (t, scene) => {
  const server = await scene.start({ app: "zoo", workers: 1, threads: 4 });

  await lock(scene, server);
  for (const answer of await many(scene, server, "memo_fails", 1))
    assert.equal(answer.status, 500);
  for (const answer of await many(scene, server, "chain", "x"))
    assert.equal(result(answer, "chain"), "[(<x>)]");
  for (const name of ["cycle", "self"])
    for (const answer of await many(scene, server, name, 1))
      assert.equal(answer.status, 500, name);
  for (const answer of await many(scene, server, "memo_null", 1))
    assert.equal(answer.status, 200);
});
