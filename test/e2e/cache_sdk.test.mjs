/* SPDX-License-Identifier: MIT */

/* What an app can do with the cache beside ph_memo(), under several workers. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { test, until, within } from "../lib/harness.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

async function open(scene, options) {
  const server = await scene.start({
    app: "cache",
    workers: 2,
    threads: 2,
    ...options,
  });
  /* A connection for each request, so any worker may answer. */
  const ask = async (name, value = null) => {
    const answer = await scene.send(server, call(name, value));

    assert.equal(answer.status, 200, `${name}: ${answer.status}`);
    return result(answer, name);
  };

  return { server, ask };
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

test("a stale value is given at once and made anew once", async (t, scene) => {
  const { server, ask } = await open(scene);

  await ask("set", "old");
  assert.equal(await ask("swr", "x"), "old");
  await ask("set", "new");
  await sleep(600);
  const from = Date.now();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => ask("swr", "x")),
  );
  const took = Date.now() - from;

  assert.deepEqual(new Set(answers), new Set(["old"]));
  assert.ok(took < 550, `${took} ms`);
  await until("the new value", async () => (await ask("swr", "x")) === "new");
  assert.equal(runs(server, "swr x"), 2);
  t.diagnostic(`20 stale answers in ${took} ms while one was made`);
});

test("a stale answer is given at once and made anew", async (t, scene) => {
  const { server, ask } = await open(scene);

  assert.equal(await ask("answer", "x"), "x");
  await sleep(600);
  const from = Date.now();

  for (let i = 0; i < 10; i++) assert.equal(await ask("answer", "x"), "x");
  assert.ok(Date.now() - from < 350);
  await until("it to run again", async () => runs(server, "answer x") === 2);
});

test("ph_memo_new computes though there is a value", async (t, scene) => {
  const { server, ask } = await open(scene);

  await ask("set", 1);
  assert.equal(await ask("tagged", "k"), 1);
  await ask("set", 2);
  assert.equal(await ask("tagged", "k"), 1);
  assert.equal(await ask("again", "k"), 2);
  assert.equal(await ask("tagged", "k"), 2);
  assert.equal(runs(server, "tagged k"), 2);
});

test("ph_no_store: those who wait get it, later ones anew", async (t, scene) => {
  const { server, ask } = await open(scene);

  await Promise.all(Array.from({ length: 10 }, () => ask("fleeting", "k")));
  assert.equal(runs(server, "fleeting k"), 1);
  await until("a second run", async () => {
    await ask("fleeting", "k");
    return runs(server, "fleeting k") === 2;
  });
});

for (const [verb, argument] of [
  ["forget"],
  ["forget_args", "k"],
  ["forget_tag", "sensors"],
  ["forget_all"],
]) {
  test(`ph_${verb} is known to all workers`, async (t, scene) => {
    const { server, ask } = await open(scene);

    await ask("set", 1);
    assert.equal(await ask("tagged", "k"), 1);
    await ask("set", 2);
    for (let i = 0; i < 10; i++) assert.equal(await ask("tagged", "k"), 1);
    assert.equal(await ask(verb, argument), true);
    const after = verb === "forget_all" ? null : 2;

    for (let i = 0; i < 10; i++) assert.equal(await ask("tagged", "k"), after);
    assert.equal(runs(server, "tagged k"), 2);
  });

  test(`ph_${verb} during a computation`, async (t, scene) => {
    const { server, ask } = await open(scene);
    const key = argument === "k" ? "slow" : argument;

    await ask("set", 1);
    const early = ask("tagged", "slow");

    await until("it to run", async () => runs(server, "tagged slow") === 1);
    assert.equal(await ask("set", 2), true);
    assert.equal(await ask(verb, key), true);
    await ask("set", 2);
    /* After ph_forget_all() there is no source until it is set again. */
    const after = verb === "forget_all" ? [null, 2] : [2];

    assert.ok(after.includes(await ask("tagged", "slow")));
    assert.ok(after.includes(await early));
  });
}

test("what an app writes while the database is locked", { seconds: 60 }, async (t, scene) => {
  const { server, ask } = await open(scene, { workers: 1, threads: 1 });
  const locker = spawn("sqlite3", [path.join(server.options.cacheDir, "cache-v1.db")], {
    stdio: ["pipe", "pipe", "inherit"],
  });

  scene.later(() => locker.kill());
  assert.equal(await ask("set", 1), true);
  locker.stdin.write("BEGIN IMMEDIATE; SELECT 'locked';\n");
  await new Promise((done) => locker.stdout.once("data", done));
  const took = [];

  for (const verb of ["set", "incr", "remove", "forget", "touch"]) {
    const from = Date.now();

    assert.ok([false, "(no)"].includes(await ask(verb, 1)), verb);
    took.push(Date.now() - from);
  }
  t.diagnostic(`${took} ms`);
  /* A second for the first of each thread, then one cache_busy_timeout. */
  within(t, "the longest", Math.max(...took), 1500);
  within(t, "later ones", Math.max(...took.slice(2)), 600);
  assert.equal(await ask("get", "source"), 1);
  locker.stdin.end("COMMIT;\n");
  await new Promise((done) => locker.once("exit", done));
  assert.equal(await ask("set", 2), true);
  assert.equal(await ask("get", "source"), 2);
});

test("other tags and functions stay", async (t, scene) => {
  const { server, ask } = await open(scene);

  await ask("set", 1);
  assert.equal(await ask("tagged", "k"), 1);
  await ask("forget_tag", "other");
  await ask("forget_args", "other");
  assert.equal(await ask("tagged", "k"), 1);
  assert.equal(runs(server, "tagged k"), 1);
});

test("entries of the app: set, add, delete, tags, life", async (t, scene) => {
  const { ask } = await open(scene);
  const value = { a: [1, 1.5, "é", null, true], b: {} };

  assert.equal(await ask("get", "source"), "(none)");
  assert.equal(await ask("add", value), true);
  assert.equal(await ask("add", "other"), false);
  assert.deepEqual(await ask("get", "source"), value);
  assert.equal(await ask("remove"), true);
  assert.equal(await ask("remove"), false);
  assert.equal(await ask("get", "source"), "(none)");
  assert.equal(await ask("set_tagged", 5), true);
  assert.equal(await ask("get", "source"), 5);
  await ask("forget_tag", "sensors");
  assert.equal(await ask("get", "source"), "(none)");
  assert.equal(await ask("set_many", { a: 1, c: [2] }), true);
  assert.deepEqual(await ask("get_many"), [1, null, [2]]);
  await ask("set_short", "brief");
  assert.equal(await ask("get", "short"), "brief");
  await until("it to expire", async () => (await ask("get", "short")) !== "brief");
  assert.equal(await ask("touch"), false);
  await ask("set_short", "brief");
  assert.equal(await ask("touch"), true);
  await sleep(700);
  assert.equal(await ask("get", "short"), "brief");
});

test("an entry cannot end before it begins", async (t, scene) => {
  const { server, ask } = await open(scene);

  await assert.rejects(ask("set_past", "x"));
  await server.waitFor(/ph_cache: \.timeout is not a number of seconds/);
  assert.equal(await ask("get", "past"), "(none)");
});

test("entries of the app: pop, compare and set", async (t, scene) => {
  const { ask } = await open(scene, { workers: 4 });
  const value = { b: [1, 1.5], a: "é" };

  assert.equal(await ask("swap", { old: 1, new: 2 }), false);
  assert.equal(await ask("get", "source"), "(none)");
  assert.equal(await ask("swap", { new: value }), true);
  assert.equal(await ask("swap", { new: 2 }), false);
  assert.equal(await ask("swap", { old: { b: [1, 1.5] }, new: 2 }), false);
  assert.deepEqual(await ask("get", "source"), value);
  /* The order of members is no difference, the kind of a number is. */
  assert.equal(await ask("swap", { old: { a: "é", b: [1, 1.5] }, new: 2 }), true);
  assert.equal(await ask("swap", { old: "2", new: 3 }), false);
  assert.equal(await ask("pop", "source"), 2);
  assert.equal(await ask("pop", "source"), "(none)");
  /* Of many at once one gets it, in whichever worker. */
  await ask("set", "prize");
  const got = await Promise.all(Array.from({ length: 40 }, () => ask("pop", "source")));

  assert.equal(got.filter((one) => one === "prize").length, 1);
  assert.equal(got.filter((one) => one === "(none)").length, 39);
});

test("a counter is exact under all workers", async (t, scene) => {
  const { ask } = await open(scene, { workers: 4 });
  const sums = await Promise.all(
    Array.from({ length: 400 }, () => ask("incr", 1)),
  );

  assert.deepEqual(
    sums.sort((a, b) => a - b),
    Array.from({ length: 400 }, (_, i) => i + 1),
  );
  assert.equal(await ask("incr", -400), 0);
  await ask("set_many", { count: "text" });
  assert.equal(await ask("incr", 1), "(no)");
});

test("ph_memo_state tells how it stands", async (t, scene) => {
  const { server, ask } = await open(scene);
  const state = () => ask("state", "slow");

  assert.equal((await state()).state, "absent");
  assert.equal(runs(server, "tagged slow"), 0, "looking asks for nothing");
  const answer = ask("tagged", "slow");
  const busy = await until("the computation", async () => {
    const now = await state();

    return now.state === "computing" && now;
  });

  assert.ok(server.workers().includes(busy.worker));
  assert.equal(busy.waiting, 1);
  await answer;
  const done = await state();

  assert.equal(done.state, "ready");
  assert.equal(done.worker, busy.worker);
  assert.ok(done.took >= 0.6 && done.took < 30, `${done.took} s`);
  await ask("forget_args", "slow");
  assert.equal((await state()).state, "absent");
});
