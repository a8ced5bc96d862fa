/* SPDX-License-Identifier: MIT */

/*
 * Pronghorn by itself: (d) scale, newcomers, real browsers.
 */
import { findChromium, runBrowsers } from "./browsers.mjs";
import {
  CHECKED,
  freshDir,
  measure,
  median,
  ORACLE,
  PLAN,
  PROCESSES,
  pronghorn,
  QUICK,
  say,
  skip,
  summarize,
  THREADS,
} from "./common.mjs";

/* ---- (d) scale ----------------------------------------------------------------- */

function scalePoint({ workers, sessions, runs }) {
  return {
    workers,
    threads: THREADS,
    sessions,
    connections: median(runs.map((run) => run.generator.connections)),
    ...summarize(runs),
    load_p99_ms: median(runs.map((run) => run.latency_us.load.p99 / 1000)),
  };
}

export async function scale() {
  const workers = QUICK ? [1, 2] : [1, 2, 4, 8];
  const sessions = [10, 100, 1000];
  const found = new Map(); /* of each point: what it is, and its runs */
  const add = async (server, count, workerCount, extra = []) => {
    const key = `${workerCount} ${workerCount === 1 ? "worker" : "workers"}, ${count} sessions`;

    say(`scale: ${key}`);
    const run = await measure(server, [
      ...["--sessions", count, "--duration", PLAN.scale, "--warmup", 1],
      ...["--arrival", "rate:2000", "--together", ...CHECKED],
      ...["--processes", PROCESSES],
      ...extra,
    ]);

    if (!found.has(key))
      found.set(key, { workers: workerCount, sessions: count, runs: [] });
    found.get(key).runs.push(run);
  };
  const visit = async (count) => {
    const server = await pronghorn({
      workers: count,
      args: ["--worker-connections", "20000"],
    });

    try {
      for (const number of sessions) await add(server, number, count);
      /* One connection each, as six would need 60,000 descriptors. */
      if (!QUICK)
        await add(server, 10000, count, ["--connections", 1, "--think", "exp:2"]);
    } finally {
      await server.stop();
    }
  };

  /* Round after round, so that the runs of one point lie minutes apart. */
  for (let round = 0; round < PLAN.scaleRounds; round++)
    for (const count of workers) await visit(count);
  return {
    think: "none, with 10000 sessions exp:2",
    points: [...found.values()].map(scalePoint),
    newcomers: await newcomers(),
  };
}

/* Who comes while all are busy: how long until the page is there? */
async function newcomers() {
  const server = await pronghorn({ workers: 1 });
  const settings = { workers: 1, sessions: 600, per_s: 500 };

  say("newcomers to a busy server");
  try {
    const run = await measure(server, [
      ...["--sessions", settings.sessions, "--duration", 1, "--warmup", 0],
      ...["--arrival", `rate:${settings.per_s}`, "--timeout", 30],
      ...CHECKED,
    ]);

    return {
      ...settings,
      page_p50_ms: run.latency_us.load.p50 / 1000,
      page_p99_ms: run.latency_us.load.p99 / 1000,
      failures: run.failures,
    };
  } catch (error) {
    say(`newcomers: ${error.message.split("\n")[0]}`);
    return { ...settings, why: "not all of them were served in time" };
  } finally {
    await server.stop();
  }
}

/* ---- real browsers ------------------------------------------------------------------- */

/* As the browsers: all change to `value` at the same moment, once. */
async function simulate(server, sessions, value) {
  const run = await measure(server, [
    ...["--scenario", "cold", "--sessions", sessions, "--values", value],
    ...["--oracle", ORACLE, "--together"],
  ]);

  return { data: run.latency_us.round.p50 / 1000, max: run.latency_us.round.max / 1000 };
}

function realRow(real, cache, who) {
  const times = real.runs.filter((run) => run.cache === cache).flatMap((run) => run.times);
  const middle = (name) => median(times.map((one) => one[name]));
  const most = (name) => Math.max(...times.map((one) => one[name]));

  return {
    cache,
    who,
    data_p50_ms: middle("data"),
    data_max_ms: most("data"),
    server_p50_ms: middle("server"),
    server_max_ms: most("server"),
    before_p50_ms: middle("before"),
    between_p50_ms: middle("between"),
    drawn_p50_ms: middle("drawn"),
    drawn_max_ms: most("drawn"),
  };
}

export async function browsers() {
  const found = await findChromium();

  if (found.why) return skip("real browsers", found.why);
  const sessions = 8;
  const delay = 2;
  const changes = ["oranges", "figs", "pineapples"];
  const plan = [
    ...changes.map((value) => ({ cache: "cold", value })),
    ...["apples", ...changes].map((value) => ({ cache: "warm", value })),
  ];
  const start = () => pronghorn({ delay, workers: 4, dir: freshDir("browsers") });
  let server = await start();
  const rows = [];

  say("real browsers");
  const real = await runBrowsers(found, server.url, sessions, plan).finally(
    server.stop,
  );

  for (const cache of ["cold", "warm"])
    rows.push(realRow(real, cache, `${sessions} Chromium contexts`));
  say("a real browser alone");
  server = await start();
  const one = await runBrowsers(found, server.url, 1, plan).finally(server.stop);

  rows.push(realRow(one, "warm", "1 Chromium context"));
  say("as many simulated ones");
  server = await start();
  try {
    const runs = { cold: [], warm: [] };

    for (const { cache, value } of plan.filter((one) => one.value !== "apples"))
      runs[cache].push(await simulate(server, sessions, value));
    for (const cache of ["cold", "warm"])
      rows.push({
        cache,
        who: `${sessions} simulated sessions`,
        data_p50_ms: median(runs[cache].map((one) => one.data)),
        data_max_ms: Math.max(...runs[cache].map((one) => one.max)),
        /* It does nothing but wait. */
        server_p50_ms: median(runs[cache].map((one) => one.data)),
        server_max_ms: Math.max(...runs[cache].map((one) => one.max)),
      });
  } finally {
    await server.stop();
  }
  rows.sort((a, b) => a.cache.localeCompare(b.cache));
  return { sessions, delay_s: delay, workers: 4, threads: THREADS, page_ms: real.loaded_ms, rows };
}
