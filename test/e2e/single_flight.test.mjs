/* SPDX-License-Identifier: MIT */

/*
 * One computes, many read: however many browsers ask, each category is
 * computed once on the whole server, and different ones at the same time.
 */
import assert from "node:assert/strict";
import { bestOf, later, now, test, until, within } from "../lib/harness.mjs";
import {
  checkAnswers,
  readPoints,
  ROWS,
  signals,
  STATE,
} from "../lib/points.mjs";
import { get } from "../lib/wire.mjs";
import { call, result } from "../lib/zoo.mjs";

const DELAY = 2;

function startCrew(scene) {
  return scene.start({
    workers: 4,
    threads: 2,
    env: { PH_DEMO_DELAY: String(DELAY) },
  });
}

/* One more session; gives the milliseconds of its five callbacks. */
async function timeSession(scene, server, points) {
  const session = scene.session(server);

  await session.load();
  const start = now();
  const answers = await session.choose("apples");
  const ms = now() - start;

  checkAnswers(answers, "apples", points);
  session.destroy();
  return ms;
}

/* 40 sessions at once on a cold server: it and the milliseconds. */
async function timeCrowd(t, scene) {
  const server = await startCrew(scene);
  const sessions = Array.from({ length: 40 }, () => scene.session(server));
  const start = now();
  const answers = await Promise.all(
    sessions.map(async (session) => {
      await session.load();
      return session.choose("apples");
    }),
  );
  const ms = now() - start;
  const points = readPoints(server.options.cacheDir);

  answers.forEach((answer) => checkAnswers(answer, "apples", points));
  t.diagnostic(`callbacks right: ${answers.length * 5} of 200`);
  assert.equal(server.computations().length, 1);
  const rows = signals(server.options.cacheDir);

  assert.equal(rows.length, 1);
  assert.deepEqual([rows[0].state, rows[0].computations], [STATE.ready, 1]);
  t.diagnostic("computations: 1 in the log, 1 in the signal table");
  sessions.forEach((session) => session.destroy());
  return { server, points, ms };
}

test("40 cold sessions cost one computation", async (t, scene) => {
  let crowd;

  await bestOf(t, "40 sessions, connecting to last figure", 2500, async () => {
    await crowd?.server.stop();
    crowd = await timeCrowd(t, scene);
    return crowd.ms;
  });
  await bestOf(t, "five callbacks of the 41st session", 50, () =>
    timeSession(scene, crowd.server, crowd.points),
  );
  assert.equal(crowd.server.computations().length, 1);
});

/* Four sessions with a category each on a cold server, in milliseconds. */
async function timeCategories(t, scene) {
  const server = await startCrew(scene);
  const categories = Object.keys(ROWS);
  const sessions = categories.map(() => scene.session(server));

  await Promise.all(sessions.map((session) => session.load()));
  const start = now();
  const answers = await Promise.all(
    sessions.map((session, i) => session.choose(categories[i])),
  );
  const ms = now() - start;
  const points = readPoints(server.options.cacheDir);

  answers.forEach((answer, i) => checkAnswers(answer, categories[i], points));
  const computations = server.computations();
  const pids = new Set(computations.map(({ pid }) => pid));

  assert.deepEqual(
    computations.map(({ category }) => category).sort(),
    [...categories].sort(),
  );
  for (const row of signals(server.options.cacheDir))
    assert.deepEqual([row.state, row.computations], [STATE.ready, 1]);
  t.diagnostic(`computations: 4, in ${pids.size} workers`);
  assert.ok(pids.size > 1, "more than one worker computes");
  await server.stop();
  return ms;
}

test("four categories are computed side by side", async (t, scene) => {
  await bestOf(t, "four categories at once", DELAY * 1500, () =>
    timeCategories(t, scene),
  );
});

/* A cached session while 100 wait, in milliseconds. */
async function timeBesideWaiting(t, scene) {
  const server = await scene.start({
    workers: 1,
    threads: 1,
    env: { PH_DEMO_DELAY: String(DELAY) },
  });
  const cached = scene.session(server);

  await cached.load();
  await cached.choose("oranges");
  const points = readPoints(server.options.cacheDir);
  const sessions = Array.from({ length: 100 }, () => scene.session(server));

  await Promise.all(sessions.map((session) => session.load()));
  let answered = 0;
  const waiting = later(
    sessions.map(async (session) => {
      const answers = await session.choose("figs");

      answered++;
      return answers;
    }),
  );

  await server.waitFor(/Computing value with figs/);
  const times = [];

  for (let i = 0; i < 5 && answered === 0; i++) {
    const start = now();
    const answers = await cached.choose("oranges");

    /* What came after the end of the computation does not count. */
    if (answered === 0) times.push(now() - start);
    checkAnswers(answers, "oranges", points);
  }
  t.diagnostic(
    `cached sessions beside 100 that wait: ` +
      `${times.map((ms) => ms.toFixed(1)).join(", ")} ms`,
  );
  for (const answers of await Promise.all(waiting))
    checkAnswers(answers, "figs", points);
  assert.equal(server.computations().length, 2);
  t.diagnostic("500 callbacks of the waiting sessions right, 1 computation");
  await server.stop();
  return Math.max(...times, times.length === 0 ? Infinity : 0);
}

test("waiting holds no thread", async (t, scene) => {
  await bestOf(t, "slowest cached session while 100 wait", 50, () =>
    timeBesideWaiting(t, scene),
  );
});

/* What the admin process tells of the value with that state. */
async function flight(server, url) {
  const { signals: rows } = await (await fetch(url)).json();

  return rows.find(
    (row) => row.function === "global_store" && row.state === "computing",
  );
}

test("how many wait for what is told exactly", { seconds: 60 }, async (t, scene) => {
  const server = await scene.start({
    workers: 2,
    threads: 1,
    env: { PH_DEMO_DELAY: "5" },
    args: ["--metrics-bind", "127.0.0.1:0", "--keep-alive", "60"],
  });
  const [, admin] = await server.waitFor(/event=metrics\.bound address=(\S+)/);
  const url = `http://${admin}/_ph/status.json`;
  const sessions = Array.from({ length: 30 }, () => scene.session(server));

  await Promise.all(sessions.map((session) => session.load()));
  const waiting = later(sessions.map((session) => session.choose("figs")));
  const row = await until("all 30", async () => {
    const found = await flight(server, url);

    return found?.requests === 30 && found;
  });

  assert.equal(row.more, false);
  assert.ok(row.waiters === 1 || row.waiters === 2);
  await Promise.all(await waiting);
  await until("nobody", async () => {
    const { signals: rows, workers } = await (await fetch(url)).json();

    return rows.every(({ requests }) => requests === 0) &&
      workers.every((one) => one.waiting === 0);
  });
});

test("a second start computes nothing", async (t, scene) => {
  const first = await startCrew(scene);
  const { cacheDir } = first.options;
  const warm = scene.session(first);

  await warm.load();
  await warm.choose("apples");
  await warm.choose("figs");
  assert.equal(first.computations().length, 2);
  assert.deepEqual(await first.stop(), { status: 0, sig: null });

  const second = await scene.start({
    workers: 4,
    threads: 2,
    cacheDir,
    env: { PH_DEMO_DELAY: String(DELAY) },
  });
  const points = readPoints(cacheDir);
  const session = scene.session(second);

  await session.load();
  const start = now();

  for (const category of ["apples", "figs"])
    checkAnswers(await session.choose(category), category, points);
  within(t, "ten callbacks after a restart", now() - start, 100);
  assert.equal(second.computations().length, 0);
  for (const row of signals(cacheDir))
    assert.deepEqual([row.state, row.computations], [STATE.ready, 1]);
  t.diagnostic("computations of the second start: 0");
});

/* No client knows which worker has its connection, or how much that has to do. */
test("what a busy worker cannot compute yet, an idle one does", async (t, scene) => {
  const server = await scene.start({ app: "zoo", workers: 2, threads: 2 });
  const [stopped] = server.workers();

  server.kill("SIGSTOP", stopped);
  scene.later(() => server.kill("SIGCONT", stopped));
  const wires = [];

  for (let i = 0; i < 4; i++) {
    const wire = await scene.connect(server);

    wire.write(get("/_ph/health")); /* so the other one has it */
    assert.equal((await wire.answer()).status, 200);
    wires.push(wire);
  }
  wires.forEach((wire, i) => wire.write(call("naps_memoized", 1 + i / 1000)));
  const states = () => signals(server.options.cacheDir, "callback:naps_memoized.out").map((row) => row.state).sort();

  await until("one to be computed, the others wanted", () =>
    String(states()) === String([...Array(3).fill(STATE.wanted), STATE.computing]));
  server.kill("SIGCONT", stopped);
  for (const wire of wires)
    assert.equal(result(await wire.answer(), "naps_memoized"), "rested");
  const pids = server.grep(/ run naps_memoized/).map((line) => / pid=(\d+) /.exec(line)[1]);

  assert.equal(pids.length, 4);
  assert.equal(new Set(pids).size, 2, "both have computed");
});
