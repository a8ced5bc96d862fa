/* SPDX-License-Identifier: MIT */

/*
 * What an app can say about its memoized values, under several workers: when
 * they are not shared, whose they are, how long they live, and when their
 * computation may end early.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { buildApp } from "../lib/apps.mjs";
import { BUILD, later, now, test, until, within } from "../lib/harness.mjs";
import { sql } from "../lib/points.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

async function open(scene, options) {
  const server = await scene.start({
    app: "flight",
    workers: 2,
    threads: 2,
    args: ["--disconnect-grace-period", "0"],
    ...options,
  });
  const send = (name, value = null) => scene.send(server, call(name, value));
  const ask = async (name, value = null) => {
    const answer = await send(name, value);

    assert.equal(answer.status, 200, `${name}: ${answer.status}`);
    return result(answer, name);
  };

  return { server, send, ask };
}

/* The states of all computations, as the signal table has them. */
function states(server) {
  const file = path.join(server.options.cacheDir, "cache-v1.db");

  return sql(file, "SELECT state FROM signals").map((row) => row.state);
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/* ---- results that are not to be stored ---------------------------------- */

test("ph_no_store: waiters share, later ones run beside", async (t, scene) => {
  const { server, ask } = await open(scene, { threads: 3 });
  const all = (count, value) =>
    Promise.all(Array.from({ length: count }, () => ask("fleeting", value)));

  assert.equal(new Set(await all(10, "k:500")).size, 1);
  assert.equal(runs(server, "fleeting k"), 1);
  /* Four threads may compute: four later callers do not queue. */
  const start = now();
  const values = await all(4, "k:500");

  within(t, "four callers of 500 ms each", now() - start, 1400);
  assert.equal(new Set(values).size, 4, "each has a value of its own");
  assert.equal(runs(server, "fleeting k"), 5);
  assert.ok(states(server).includes(6), "one says pass");
});

test("two values that do not live long, one after the other", async (t, scene) => {
  const { ask, server } = await open(scene);
  const value = await ask("both");

  assert.match(value, /^a:400 \d+ b:400 \d+$/);
  assert.ok(runs(server, "fleeting") <= 2);
  assert.equal(runs(server, "brief"), 1);
});

/* ---- nobody waits any more ----------------------------------------------- */

/* Ask on `count` connections of their own and hang up when it has begun. */
async function askAndGo(scene, server, name, value, begun, count = 3) {
  const wires = await Promise.all(
    Array.from({ length: count }, () => scene.connect(server)),
  );

  for (const wire of wires) wire.write(call(name, value));
  await server.waitFor(begun);
  await until("all of them to wait", () =>
    states(server).includes(2),
  );
  await sleep(100);
  for (const wire of wires) wire.destroy();
}

test("a computation ends when all who waited have gone", async (t, scene) => {
  const { server, ask } = await open(scene);

  await askAndGo(scene, server, "stoppable", "x:20000", / run stoppable x/);
  const start = now();

  await server.waitFor(/event=signal\.given_up function=stoppable/);
  within(t, "from hanging up to the end", now() - start, 1000);
  await until("the row to go", () =>
    states(server).every((state) => state > 2),
  );
  /* Whoever comes later starts anew. */
  const again = later([ask("stoppable", "x:20000")]);

  await server.waitFor(/ run stoppable x/, { count: 2 });
  assert.equal(again.length, 1);
});

test("a loop that asks ph_cancelled() ends, too", async (t, scene) => {
  const { server } = await open(scene);

  await askAndGo(scene, server, "looping", "x", / run looping x/);
  await server.waitFor(/looping was told to stop/);
  await server.waitFor(/event=signal\.given_up function=looping/);
});

test("it goes on while one of them waits", async (t, scene) => {
  const { server, ask } = await open(scene);
  const [kept] = later([ask("stoppable", "y:1500")]);

  await askAndGo(scene, server, "stoppable", "y:1500", / run stoppable y/);
  assert.match(await kept, /^y:1500 /);
  assert.equal(runs(server, "stoppable y"), 1);
});

test("disconnect_grace_period: who loads the page again finds it", async (t, scene) => {
  const { server, ask } = await open(scene, {
    args: ["--asgi-disconnect-grace-period", "2"],
  });

  await askAndGo(scene, server, "stoppable", "v:2500", / run stoppable v/);
  /* The second visit begins when the first has been over for a while. */
  await sleep(800);
  assert.match(await ask("stoppable", "v:2500"), /^v:2500 /);
  assert.equal(runs(server, "stoppable v"), 1);
  /* When nobody comes it ends, but not at once. */
  await askAndGo(scene, server, "stoppable", "u:60000", / run stoppable u/);
  const start = now();

  await server.waitFor(/event=signal\.given_up function=stoppable/);
  assert.ok(now() - start > 1500, `it ended after ${now() - start} ms`);
});

test("what a given-up computation waited for ends with it", async (t, scene) => {
  const { server } = await open(scene);

  await askAndGo(scene, server, "outer", "z:20000", / run stoppable z/);
  await server.waitFor(/given_up function=outer/);
  await server.waitFor(/given_up function=stoppable/);
});

test("without .cancel it is computed to its end", async (t, scene) => {
  const { server, ask } = await open(scene);

  await askAndGo(scene, server, "slow", "w:800", / run slow w/);
  assert.match(await ask("slow", "w:800"), /^w:800 /);
  assert.equal(runs(server, "slow w"), 1);
});

/* ---- whose, and what the key is ------------------------------------------ */

test("what belongs to a session or a user needs one", async (t, scene) => {
  const { server, send } = await open(scene);

  assert.equal((await send("users", "x")).status, 500);
  await server.waitFor(/users: its values belong to a user, and .* for none/);
  assert.equal((await send("nosy", "x")).status, 500);
  await server.waitFor(/mine: .* nosy runs for none: it is memoized for every/);
});

test("a number that is no number is refused by name", async (t, scene) => {
  const { server, send } = await open(scene);

  assert.equal((await send("nan")).status, 500);
  await server.waitFor(/slow\): argument 1 cannot be part of a key: .*NaN/);
});

test("what is part of the key, and what is not", async (t, scene) => {
  const { server, ask } = await open(scene);

  for (const value of [1, 1.5, "1", true, null, [1], { b: 1, a: 2 }])
    await ask("ignored", value);
  assert.equal(runs(server, "second_ignored"), 1);
  assert.match(await ask("keyed", "apple"), /^apple /);
  assert.match(await ask("keyed", "avocado"), /^apple /, "the same letter");
  assert.match(await ask("keyed", "banana"), /^banana /);
  assert.match(await ask("key_text", "one"), /^one /);
  assert.match(await ask("key_text", "two"), /^one /, "the same key text");
  assert.match(await ask("slow", "two"), /^two /, "and not that of arguments");
});

test("unless: neither read nor stored", async (t, scene) => {
  const { server, ask } = await open(scene);

  await ask("excepted", "open");
  await ask("excepted", "open");
  assert.equal(runs(server, "excepted open"), 1);
  await ask("excepted", "secret");
  await ask("excepted", "secret");
  assert.equal(runs(server, "excepted secret"), 2);
  await ask("slow", "u");
  await ask("unless", "u");
  assert.equal(runs(server, "slow u"), 2);
  for (const name of fs.readdirSync(server.options.cacheDir))
    assert.ok(
      !fs
        .readFileSync(path.join(server.options.cacheDir, name))
        .includes("secret"),
      `${name} has nothing of it`,
    );
});

/* ---- how long ------------------------------------------------------------ */

test("null and errors have lives of their own", async (t, scene) => {
  const { server, ask, send } = await open(scene);

  for (let i = 0; i < 3; i++) assert.equal(await ask("moody", "nothing"), null);
  for (let i = 0; i < 3; i++)
    assert.equal((await send("moody", "bad")).status, 500);
  for (let i = 0; i < 3; i++) assert.equal(await ask("moody", "good"), "good");
  await sleep(400);
  assert.equal(await ask("moody", "nothing"), null);
  assert.equal((await send("moody", "bad")).status, 500);
  assert.equal(await ask("moody", "good"), "good");
  assert.equal(runs(server, "moody good"), 1);
  assert.ok(runs(server, "moody nothing") >= 2);
  assert.ok(runs(server, "moody bad") >= 2);
});

test("a call says how long, and how old", async (t, scene) => {
  const { server, ask } = await open(scene);

  const first = await ask("short_life", "s");

  assert.equal(await ask("slow", "s"), first);
  await sleep(400);
  const second = await ask("slow", "s");

  assert.notEqual(second, first, "the life that the first call gave it");
  assert.equal(runs(server, "slow s"), 2);
  await sleep(400);
  assert.equal(await ask("slow", "s"), second, "for ever, says the function");
  const third = await ask("max_age", "s");

  assert.notEqual(third, second);
  await sleep(5); /* what began in the same millisecond counts as new */
  assert.notEqual(await ask("fresh", "s"), third);
});

/* Not a time before 1970, whose sign means something else. */
test("an age longer than the clock has run is any", { seconds: 30 }, async (t, scene) => {
  const { server, ask } = await open(scene);
  const first = await ask("any_age", "a");

  assert.equal(await ask("any_age", "a"), first);
  assert.equal(runs(server, "slow a"), 1);
});

test("a forced refresh wants what was begun after it", async (t, scene) => {
  const { server, ask } = await open(scene);
  const [old] = later([ask("slow", "r:600")]);
  /* When it was made; the clocks of the app and of the test are one. */
  const madeAt = (value) => Number(value.split(" ")[1]) / 1000;

  await until("it runs", () => runs(server, "slow r:600") === 1);
  await sleep(200);
  const asked = Date.now();
  const anew = await ask("fresh", "r:600");

  assert.equal(runs(server, "slow r:600"), 2);
  assert.ok(madeAt(anew) >= asked + 590, "it was begun after the question");
  /* Who looks late finds the row asked for anew, and gets the new one. */
  const first = await old;

  assert.ok(first === anew || madeAt(first) < madeAt(anew) - 590);
  assert.equal(runs(server, "slow r:600"), 2);
  /* Many at once share one, or those that came a moment later another. */
  const askedAgain = Date.now();
  const many = await Promise.all([1, 2, 3, 4].map(() => ask("fresh", "r:600")));

  assert.ok(many.every((value) => madeAt(value) >= askedAgain + 590));
  assert.ok(new Set(many).size <= 2);
  assert.ok(runs(server, "slow r:600") <= 4);
});

/* ---- versions ------------------------------------------------------------ */

test("another version of a function starts cold, others do not", async (t, scene) => {
  const file = path.join(scene.dir(), "flight.so");

  fs.copyFileSync(buildApp("flight", BUILD), file);
  const { server, ask } = await open(scene, { app: file });
  const old = await ask("versioned", "v");
  const kept = await ask("slow", "v");

  execFileSync(process.env.CC || "cc", [
    ...["-std=c11", "-fPIC", "-shared", "-fvisibility=hidden", "-DVERSION=2"],
    ...["-Iworker/sdk", "-o", `${file}.new`, "test/apps/flight.c"],
  ]);
  fs.renameSync(`${file}.new`, file);
  server.kill("SIGHUP");
  await until("the new version", async () => (await ask("versioned", "v")) !== old);
  assert.equal(runs(server, "versioned v"), 2);
  assert.equal(await ask("slow", "v"), kept);
  assert.equal(runs(server, "slow v"), 1);
});

/* ---- who computes -------------------------------------------------------- */

test("quick callbacks have a thread while all compute", async (t, scene) => {
  const { server, ask } = await open(scene, { workers: 1, threads: 3 });
  const busy = later(
    ["a:2000", "b:2000", "c:2000", "d:2000"].map((value, i) =>
      ask(i % 2 ? "answer" : "slow", value),
    ),
  );

  await server.waitFor(/ run (slow|answer) [abcd]/, { count: 2 });
  const times = [];

  for (let i = 0; i < 10; i++) {
    const start = now();

    assert.equal(await ask("quick", i), i);
    times.push(now() - start);
  }
  assert.ok(
    server.grep(/ run (slow|answer) [abcd]/).length === 2,
    "two of three threads compute",
  );
  within(t, "a quick callback meanwhile", Math.min(...times), 50);
  await Promise.all(busy);
});

test("a single thread does not wait for a computation", async (t, scene) => {
  const { server, ask } = await open(scene, { workers: 1, threads: 1 });
  const busy = later([ask("slow", "a:2000"), ask("slow", "b:10")]);

  await server.waitFor(/ run slow [ab]/);
  const start = now();

  assert.equal(await ask("quick", 1), 1);
  within(t, "a quick callback meanwhile", now() - start, 500);
  await Promise.all(busy);
});

test("compute_threads bounds them further", async (t, scene) => {
  const { server, ask } = await open(scene, {
    workers: 1,
    threads: 4,
    args: ["--compute-threads", "1"],
  });
  const busy = later(["a:600", "b:600"].map((value) => ask("slow", value)));

  await server.waitFor(/ run slow a| run slow b/);
  await sleep(200);
  assert.equal(server.grep(/ run slow [ab]/).length, 1);
  await Promise.all(busy);
});

test("a client that asks for much does not keep others waiting", async (t, scene) => {
  const { server } = await open(scene, { workers: 1, threads: 2 });
  const from = (localAddress) => async (value) => {
    const wire = await scene.connect({
      address: { ...server.address, localAddress },
    });

    wire.write(call("slow", value));
    const answer = await wire.answer();

    return { value: result(answer, "slow"), at: now() };
  };
  const greedy = from("127.0.0.2");
  const modest = from("127.0.0.3");
  const many = later(Array.from({ length: 20 }, (_, i) => greedy(`g${i}:100`)));

  await until("all to be asked for", () => states(server).length === 20);
  const one = await modest("m:100");
  const before = (await Promise.all(many)).filter(({ at }) => at < one.at);

  t.diagnostic(`${before.length} of 20 others were computed before`);
  assert.ok(before.length < 12);
});
