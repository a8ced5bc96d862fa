/* SPDX-License-Identifier: MIT */

/*
 * Every comparison in one run: servers are started side by side (an idle one
 * costs nothing) and visited in turn, round after round, so that all of them
 * see the same good and bad minutes of the machine. Medians are reported
 * with the least and the greatest value.
 *
 *   node test/bench/run.mjs BUILD      see run.sh for the environment
 *
 * What is not installed is skipped with one line. README.md describes the
 * file of results.
 */
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  busySeconds,
  commit,
  describe,
  pssOf,
  setPriority,
  versions,
  waitQuiet,
} from "./machine.mjs";
import {
  PROGRAMS,
  startFlask,
  startNginx,
  startPronghorn,
  startRedis,
  startStarlette,
} from "./peers/peers.mjs";
import { findChromium, runBrowsers } from "./browsers.mjs";
import { plotResults } from "./plot.mjs";
import { printTables } from "./tables.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BUILD = path.resolve(ROOT, process.argv[2] ?? "build");
const QUICK = /^(1|yes|true)$/.test(process.env.QUICK ?? "");
const ONLY = (process.env.ONLY ?? "").split(",").filter((word) => word !== "");
const BENCH = path.join(BUILD, "pronghorn-bench");
const OUT = path.join(BUILD, "bench");
const TEMP = fs.mkdtempSync(path.join(os.tmpdir(), "ph-bench-"));
const DATA = path.join(TEMP, "data");
const WORKERS = 2;
const THREADS = 2;
/* As the chapter runs gunicorn: --workers 6 --threads 2. */
const COLD_WORKERS = 6;
const CATEGORIES = ["apples", "oranges", "figs", "pineapples"];
const PLAN = QUICK
  ? { rounds: 1, warm: 3, cold: 1, bytes: 1.5, byteRounds: 1, scale: 1.5 }
  : { rounds: 3, warm: 5, cold: 3, bytes: 2, byteRounds: 5, scale: 2.5 };

const results = { skipped: [] };

process.on("exit", () => fs.rmSync(TEMP, { recursive: true, force: true }));
for (const sig of ["SIGINT", "SIGTERM"])
  process.on(sig, () => process.exit(130));

function say(text) {
  process.stderr.write(`bench: ${text}\n`);
}

function skip(what, why) {
  results.skipped.push({ what, why });
  say(`skipped ${what}: ${why}`);
}

const isInstalled = (...names) =>
  names.every((name) => fs.existsSync(PROGRAMS[name]));

function hasModule(...names) {
  try {
    const imports = names.map((name) => `import ${name}`).join(";");

    execFileSync(PROGRAMS.python, ["-c", imports], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/* ---- one measurement -------------------------------------------------------- */

function execute(command, args) {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";

    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (err += data));
    child.on("error", (error) => done({ code: -1, out, err: String(error) }));
    child.on("close", (code) => done({ code, out, err }));
  });
}

/* Run the load generator; gives its JSON and what others used meanwhile. */
async function measure(server, args, { cpu } = {}) {
  const quiet = await waitQuiet(QUICK ? 1000 : 2000);
  const before = busySeconds();
  const start = performance.now();
  const command = [
    ...(cpu === undefined ? [] : ["taskset", "-c", String(cpu)]),
    ...[BENCH, server.url, "--quiet", "--json", "-"],
    ...["--server-pid", server.pids.join(",")],
    ...args.map(String),
  ];
  const { code, out, err } = await execute(command[0], command.slice(1));
  const seconds = (performance.now() - start) / 1000;

  if (out === "") throw new Error(`${command.join(" ")}: ${err}`);
  const run = JSON.parse(out);

  if (run.requests === 0)
    throw new Error(`${command.join(" ")}: ${JSON.stringify(run.errors)}`);
  const used = run.generator.cpu_share + (run.server?.cores ?? 0);

  return {
    ...run,
    url: undefined,
    seconds: undefined,
    exit: code,
    redis_pss_kb: server.redisPid ? pssOf(server.redisPid) : 0,
    others_cores: Math.max(0, (busySeconds() - before) / seconds - used),
    others_before: quiet,
  };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;

  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/* { median, min, max } of a number that `pick` takes from each run. */
function spread(runs, pick) {
  const values = runs.map(pick).filter((value) => Number.isFinite(value));

  return values.length === 0
    ? null
    : { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

function summarize(runs) {
  const step = (name, point) => (run) => run.latency_us[name]?.[point] / 1000;

  return {
    callbacks_per_s: spread(runs, (run) => run.callbacks_per_s),
    requests_per_s: spread(runs, (run) => run.requests_per_s),
    callback_p50_ms: spread(runs, step("dependent", "p50")),
    callback_p99_ms: spread(runs, step("dependent", "p99")),
    round_p50_ms: spread(runs, step("round", "p50")),
    round_p99_ms: spread(runs, step("round", "p99")),
    request_p50_ms: spread(runs, step("request", "p50")),
    request_p99_ms: spread(runs, step("request", "p99")),
    server_cores: spread(runs, (run) => run.server.cores),
    cpu_us_per_request: spread(runs, (run) => run.server.cpu_us_per_request),
    wakeups_per_request: spread(runs, (run) => run.server.wakeups_per_request),
    bytes_per_request: spread(runs, (run) => run.bytes_in / run.requests),
    pss_mb: spread(runs, (run) => run.server.pss_kb / 1024),
    redis_mb: spread(runs, (run) => run.redis_pss_kb / 1024),
    generator_share: spread(runs, (run) => run.generator.cpu_share),
    others_cores: spread(runs, (run) => run.others_cores),
    failures: runs.reduce((sum, run) => sum + run.failures, 0),
    checked: runs.reduce((sum, run) => sum + run.checks.checked, 0),
    wrong: runs.reduce((sum, run) => sum + run.checks.wrong, 0),
    runs: runs.length,
  };
}

/* ---- what all comparisons share ---------------------------------------------- */

const ORACLE = path.join(DATA, "oracle.jsonl");
/* A fifth of the figures; reading all costs as much CPU as sending them. */
const CHECKED = ["--oracle", ORACLE, "--sample", "0.2"];
let sequence = 0;
const freshDir = (name) => path.join(TEMP, `${name}-${sequence++}`);

function pronghorn(options = {}) {
  return startPronghorn({
    build: BUILD,
    dir: freshDir("pronghorn"),
    workers: WORKERS,
    threads: THREADS,
    ...options,
  });
}

/* The peers of the whole app that are installed, as functions that start one. */
function appPeers() {
  const peers = [{ name: "pronghorn", start: pronghorn }];
  const flask = (cache) => (options) =>
    startFlask({
      dir: freshDir(`flask-${cache}`),
      data: DATA,
      cache,
      workers: WORKERS,
      threads: THREADS,
      ...options,
    });

  if (!isInstalled("gunicorn", "python") || !hasModule("flask", "flask_caching")) {
    skip("gunicorn", "gunicorn or Flask-Caching is not installed");
  } else {
    if (isInstalled("redis") && hasModule("redis"))
      peers.push({ name: "gunicorn-redis", start: flask("redis") });
    else skip("gunicorn-redis", "redis-server or its client is not installed");
    peers.push({ name: "gunicorn-files", start: flask("files") });
  }
  if (!isInstalled("uvicorn", "redis") || !hasModule("starlette", "redis"))
    skip("uvicorn-redis", "uvicorn, Starlette or Redis is not installed");
  else
    peers.push({
      name: "uvicorn-redis",
      start: (options) =>
        startStarlette({
          dir: freshDir("starlette"),
          data: DATA,
          workers: WORKERS,
          ...options,
        }),
    });
  return peers;
}

const REQUEST = (output, id, property, input, inputProperty, value) =>
  JSON.stringify({
    output: `${output}`,
    outputs: { id, property },
    inputs: [{ id: input, property: inputProperty, value }],
    changedPropIds: [`${input}.${inputProperty}`],
    parsedChangedPropsIds: [`${input}.${inputProperty}`],
  });
const FIGS = REQUEST("graph-1.figure", "graph-1", "figure", "signal", "children", "figs");

/* What the peers serve is what Pronghorn serves: taken from a server of ours. */
async function exportData() {
  fs.mkdirSync(DATA, { recursive: true });
  const server = await pronghorn();
  const save = async (name, where, init) => {
    const response = await fetch(server.url + where, init);
    const bytes = Buffer.from(await response.arrayBuffer());

    fs.writeFileSync(path.join(DATA, name), bytes);
    return bytes;
  };

  await save("page.html", "/");
  await save("layout.json", "/_dash-layout");
  await save("dependencies.json", "/_dash-dependencies");
  const { code, err } = await execute(BENCH, [
    ...[server.url, "--quiet", "--sessions", "20", "--duration", "1"],
    ...["--warmup", "0", "--check", "points", "--record", ORACLE],
  ]);

  if (code !== 0) throw new Error(`recording the answers: ${err}`);
  const answer = await save("answer.json", "/_dash-update-component", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: FIGS,
  });

  await server.stop();
  fs.copyFileSync(server.pointsFile, path.join(DATA, "points.db"));
  results.answer_bytes = answer.length;
}

/* ---- (a) warm ------------------------------------------------------------------ */

async function warm(peers) {
  const sessions = 200;
  const args = ["--sessions", sessions, "--duration", PLAN.warm, "--warmup", 1, "--together"];
  const runs = new Map(peers.map((peer) => [peer.name, []]));
  const servers = [];

  try {
    for (const peer of peers) servers.push(await peer.start());
    for (let round = 0; round < PLAN.rounds; round++) {
      for (const server of servers) {
        say(`warm, round ${round + 1}: ${server.name}`);
        runs
          .get(server.name)
          .push(await measure(server, [...args, ...CHECKED]));
      }
    }
  } finally {
    for (const server of servers) await server.stop();
  }
  return {
    sessions,
    workers: WORKERS,
    threads: THREADS,
    seconds: PLAN.warm,
    peers: Object.fromEntries(
      [...runs].map(([name, list]) => [name, summarize(list)]),
    ),
    runs: Object.fromEntries(runs),
  };
}

/* ---- (b) cold ------------------------------------------------------------------ */

/* In the cold scenario the first change stands for the page's own. */
async function coldOnce(peer, sessions, delay) {
  const server = await peer.start({ delay, workers: COLD_WORKERS });

  try {
    const run = await measure(server, [
      ...["--scenario", "cold", "--sessions", sessions, "--timeout", 120],
      ...["--oracle", ORACLE],
    ]);

    return {
      computations: server.computations(),
      everyone_s: run.seconds_measured,
      round_p50_ms: run.latency_us.round.p50 / 1000,
      round_max_ms: run.latency_us.round.max / 1000,
      failures: run.failures,
      wrong: run.checks.wrong,
      others_cores: run.others_cores,
    };
  } finally {
    await server.stop();
  }
}

async function cold(peers) {
  const sessions = 40;
  const delay = 2;
  const runs = new Map(peers.map((peer) => [peer.name, []]));

  for (let round = 0; round < PLAN.cold; round++) {
    for (const peer of peers) {
      say(`cold, round ${round + 1}: ${peer.name}`);
      runs.get(peer.name).push(await coldOnce(peer, sessions, delay));
    }
  }
  return {
    sessions,
    categories: CATEGORIES.length,
    delay_s: delay,
    workers: COLD_WORKERS,
    threads: THREADS,
    peers: Object.fromEntries(
      [...runs].map(([name, list]) => [
        name,
        {
          computations: spread(list, (run) => run.computations),
          everyone_s: spread(list, (run) => run.everyone_s),
          round_p50_ms: spread(list, (run) => run.round_p50_ms),
          failures: list.reduce((sum, run) => sum + run.failures, 0),
          wrong: list.reduce((sum, run) => sum + run.wrong, 0),
          runs: list.length,
        },
      ]),
    ),
    runs: Object.fromEntries(runs),
  };
}

/* ---- (c) bytes ----------------------------------------------------------------- */

/* wrk as a second opinion: requests per second, or null. */
async function wrk(url, where, script) {
  const args = ["-t1", "-c64", `-d${Math.ceil(PLAN.bytes)}s`];
  const { out } = await execute("taskset", [
    ...["-c", "1", PROGRAMS.wrk, ...args],
    ...(script ? ["-s", script] : []),
    url + where,
  ]);
  const match = /Requests\/sec:\s+([\d.]+)/.exec(out);

  return match ? Number(match[1]) : null;
}

async function bytes() {
  const dependencies = fs.readFileSync(path.join(DATA, "dependencies.json"), "utf8");
  const body = path.join(DATA, "figs.json");
  const script = path.join(DATA, "post.lua");
  const twoCpus = os.cpus().length > 1;
  const ours = await pronghorn({ workers: 1, cpu: twoCpus ? 0 : undefined });
  const nginx = isInstalled("nginx")
    ? await startNginx({
        dir: freshDir("nginx"),
        data: DATA,
        dependencies,
        cpu: twoCpus ? 0 : undefined,
      })
    : skip("nginx", "nginx is not installed");
  const cases = [
    ["callback", "pronghorn", ours, "/_dash-update-component", body],
    ["callback", "nginx", nginx, "/answer.json"],
    ["health", "pronghorn", ours, "/_ph/health"],
    ["health", "nginx", nginx, "/health"],
    ["dependencies", "pronghorn", ours, "/_dash-dependencies"],
    ["dependencies", "nginx", nginx, "/dependencies"],
  ].filter((one) => one[2]);
  const runs = cases.map(() => []);
  const checks = cases.map(() => []);

  fs.writeFileSync(body, FIGS);
  fs.writeFileSync(
    script,
    `wrk.method = "POST"\nwrk.body = [[${FIGS}]]\n` +
      `wrk.headers["Content-Type"] = "application/json"\n`,
  );
  try {
    for (let round = 0; round < PLAN.byteRounds; round++) {
      for (const [index, [what, name, server, where, post]] of cases.entries()) {
        say(`bytes, round ${round + 1}: ${what}, ${name}`);
        runs[index].push(
          await measure(
            server,
            [
              ...["--path", where, "--sessions", 64, "--warmup", 0.3],
              ...["--duration", PLAN.bytes],
              ...(post ? ["--body", `@${post}`] : []),
            ],
            { cpu: twoCpus ? 1 : undefined },
          ),
        );
        if (isInstalled("wrk") && round < 3 && !QUICK)
          checks[index].push(await wrk(server.url, where, post && script));
      }
    }
  } finally {
    await ours.stop();
    await nginx?.stop();
  }
  return {
    connections: 64,
    pinned: twoCpus,
    answer_bytes: results.answer_bytes,
    cases: cases.map(([what, name, , where, post], index) => ({
      what,
      server: name,
      request: `${post ? "POST" : "GET"} ${where}`,
      ...summarize(runs[index]),
      wrk_requests_per_s: spread(checks[index], (value) => value ?? NaN),
    })),
  };
}

/* ---- (d) scale ----------------------------------------------------------------- */

async function scale() {
  const workers = QUICK ? [1, 2] : [1, 2, 4, 8];
  const sessions = QUICK ? [10, 100, 1000] : [10, 100, 500, 2000];
  const points = [];
  const add = async (server, count, workerCount, extra = []) => {
    say(`scale: ${workerCount} workers, ${count} sessions`);
    const run = await measure(server, [
      ...["--sessions", count, "--duration", PLAN.scale, "--warmup", 1],
      ...["--arrival", "rate:2000", "--together", ...CHECKED],
      ...extra,
    ]);

    points.push({
      workers: workerCount,
      threads: THREADS,
      sessions: count,
      connections: run.generator.connections,
      ...summarize([run]),
      load_p99_ms: run.latency_us.load.p99 / 1000,
    });
  };

  for (const count of workers) {
    const server = await pronghorn({
      workers: count,
      args: ["--worker-connections", "20000"],
    });

    try {
      for (const number of sessions) await add(server, number, count);
      /* One connection each, as six would need 60,000 descriptors. */
      if (count === 2 && !QUICK)
        await add(server, 10000, count, ["--connections", 1, "--think", "exp:2"]);
    } finally {
      await server.stop();
    }
  }
  return {
    think: "none, with 10000 sessions exp:2",
    points,
    newcomers: await newcomers(),
  };
}

/* Who comes while all are busy: how long until the page is there? */
async function newcomers() {
  const server = await pronghorn();
  const settings = { sessions: 300, per_s: 100 };

  say("newcomers to a busy server");
  try {
    const run = await measure(server, [
      ...["--sessions", settings.sessions, "--duration", 1, "--warmup", 0],
      ...["--arrival", `rate:${settings.per_s}`, "--timeout", 10],
      ...["--oracle", ORACLE],
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

/* ---- the cache alone -------------------------------------------------------------- */

async function redisGet() {
  const redis = await startRedis(freshDir("redis"));
  const bench = "/usr/bin/redis-benchmark";
  const args = ["-s", redis.socket, "-d", "1024", "-c", "1", "--csv", "-n"];

  try {
    await execute(bench, [...args, "1000", "-t", "set"]);
    const { out } = await execute(bench, [...args, "40000", "-t", "get"]);

    /* name, requests/s, then average, least, p50 ... in milliseconds */
    return 1000 / Number(/^"GET",(.*)$/m.exec(out)?.[1].split(",")[3].slice(1, -1));
  } finally {
    await redis.stop();
  }
}

const DISKCACHE = `
import diskcache, statistics, sys, time
cache = diskcache.Cache(sys.argv[1])
for i in range(1000): cache[i] = b"x" * 1024
times = []
for i in range(20000):
    start = time.perf_counter()
    cache[i * 7919 % 1000]
    times.append(time.perf_counter() - start)
print(1 / statistics.median(times))
`;

async function cacheAlone() {
  const micro = ["cache_micro", "bench/cache_micro", "test/bench/cache_micro"]
    .map((name) => path.join(BUILD, name))
    .find((name) => fs.existsSync(name));
  const values = { pronghorn: [], "pronghorn, 16 in one transaction": [] };

  if (!micro) return skip("the cache alone", "cache_micro was not built"), null;
  const peers = [];

  if (isInstalled("redis")) peers.push(["redis, unix socket", redisGet]);
  else skip("redis alone", "redis-server is not installed");
  if (hasModule("diskcache"))
    peers.push([
      "diskcache",
      async () =>
        Number(
          (await execute(PROGRAMS.python, ["-c", DISKCACHE, freshDir("dc")])).out,
        ),
    ]);
  else skip("diskcache", "python3-diskcache is not installed");
  for (let round = 0; round < PLAN.rounds; round++) {
    say(`cache alone, round ${round + 1}`);
    await waitQuiet(3000);
    const { out } = await execute(micro, [freshDir("micro")]);
    const block = out.split("values of 1 KB")[1] ?? "";
    const perGet = /^ {2}get {2,}.*?([\d.]+)/m.exec(block);
    const batched = /get, 16 in one transaction\s+([\d.]+)/.exec(block);

    values.pronghorn.push(1e6 / Number(perGet?.[1]));
    values["pronghorn, 16 in one transaction"].push(1e6 / Number(batched?.[1]));
    for (const [name, ask] of peers) (values[name] ??= []).push(await ask());
  }
  return {
    value_bytes: 1024,
    gets_per_s: Object.fromEntries(
      Object.entries(values).map(([name, list]) => [name, spread(list, (x) => x)]),
    ),
  };
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

async function browsers() {
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

  for (const cache of ["cold", "warm"]) {
    const times = real.runs.filter((run) => run.cache === cache).flatMap((run) => run.times);

    rows.push({
      cache,
      who: `${sessions} Chromium contexts`,
      data_p50_ms: median(times.map((one) => one.data)),
      data_max_ms: Math.max(...times.map((one) => one.data)),
      drawn_p50_ms: median(times.map((one) => one.drawn)),
      drawn_max_ms: Math.max(...times.map((one) => one.drawn)),
    });
  }
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
      });
  } finally {
    await server.stop();
  }
  rows.sort((a, b) => a.cache.localeCompare(b.cache));
  return { sessions, delay_s: delay, workers: 4, threads: THREADS, page_ms: real.loaded_ms, rows };
}

/* ---- the whole --------------------------------------------------------------------- */

const isWanted = (name) => ONLY.length === 0 || ONLY.includes(name);

async function main() {
  const start = performance.now();

  if (!fs.existsSync(BENCH))
    throw new Error(`${BENCH} is missing; run \`make\` first`);
  fs.mkdirSync(OUT, { recursive: true });
  Object.assign(results, {
    schema: 1,
    started: new Date().toISOString(),
    quick: QUICK,
    ...commit(),
    machine: describe(),
    priority: setPriority(process.env.PRIORITY),
    versions: versions(),
  });
  await exportData();
  const peers = isWanted("warm") || isWanted("cold") ? appPeers() : [];

  if (isWanted("warm")) results.warm = await warm(peers);
  if (isWanted("cold")) results.cold = await cold(peers);
  if (isWanted("bytes")) results.bytes = await bytes();
  if (isWanted("scale")) results.scale = await scale();
  if (isWanted("cache")) results.cache = await cacheAlone();
  if (isWanted("browsers") && !(QUICK && ONLY.length === 0))
    results.browsers = await browsers();
  results.seconds = (performance.now() - start) / 1000;
  results.machine.load_after = os.loadavg()[0];
  fs.writeFileSync(
    path.join(OUT, "results.json"),
    JSON.stringify(results, null, 1) + "\n",
  );
  plotResults(results, OUT);
  printTables(results);
  say(`${path.join(OUT, "results.json")}, ${Math.round(results.seconds)} s`);
  const wrong = [results.warm, results.cold]
    .flatMap((part) => Object.values(part?.peers ?? {}))
    .reduce((sum, peer) => sum + peer.wrong, 0);

  if (wrong > 0) throw new Error(`${wrong} wrong answers`);
}

main().then(
  () => process.exit(0),
  (error) => {
    say(error.stack ?? String(error));
    process.exit(1);
  },
);
