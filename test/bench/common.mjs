/* SPDX-License-Identifier: MIT */

/*
 * What all comparisons share: settings, one measurement and its summary, the
 * servers and the data that Pronghorn gives its peers.
 */
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { busySeconds, pssOf, waitQuiet } from "./machine.mjs";
import { keep, PROGRAMS, startFlask, startPronghorn, startStarlette } from "./peers/peers.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const BUILD = path.resolve(ROOT, process.argv[2] ?? "build");
export const QUICK = /^(1|yes|true)$/.test(process.env.QUICK ?? "");
export const ONLY = (process.env.ONLY ?? "").split(",").filter((word) => word !== "");
export const BENCH = path.join(BUILD, "pronghorn-bench");
export const OUT = path.join(BUILD, "bench");
const TEMP = fs.mkdtempSync(path.join(os.tmpdir(), "ph-bench-"));
export const DATA = path.join(TEMP, "data");
export const WORKERS = 2;
export const THREADS = 2;
/* As the chapter runs gunicorn: --workers 6 --threads 2. */
export const COLD_WORKERS = 6;
export const CATEGORIES = ["apples", "oranges", "figs", "pineapples"];
export const PLAN = QUICK
  ? { rounds: 1, warm: 3, cold: 1, bytes: 1.5, byteRounds: 1, scale: 1.5, scaleRounds: 1 }
  : { rounds: 3, warm: 5, cold: 3, bytes: 2, byteRounds: 4, scale: 2, scaleRounds: 3 };

export const results = { skipped: [] };

/* After the handler of peers.mjs, so that nobody writes there any more. */
process.on("exit", () => {
  try {
    fs.rmSync(TEMP, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  } catch (error) {
    say(`${TEMP}: ${error.message}`);
  }
});
for (const sig of ["SIGHUP", "SIGINT", "SIGTERM"])
  process.on(sig, () => process.exit(128 + os.constants.signals[sig]));

export function say(text) {
  process.stderr.write(`bench: ${text}\n`);
}

export function skip(what, why) {
  results.skipped.push({ what, why });
  say(`skipped ${what}: ${why}`);
}

export const isInstalled = (...names) =>
  names.every((name) => fs.existsSync(PROGRAMS[name]));

export function hasModule(...names) {
  try {
    const imports = names.map((name) => `import ${name}`).join(";");

    execFileSync(PROGRAMS.python, ["-c", imports], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/* ---- one measurement -------------------------------------------------------- */

export function execute(command, args) {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });

    keep(child);
    let out = "";
    let err = "";

    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (err += data));
    child.on("error", (error) => done({ code: -1, out, err: String(error) }));
    child.on("close", (code) => done({ code, out, err }));
  });
}

/* Run the load generator; gives its JSON and what others used meanwhile. */
export async function measure(server, args, { cpu } = {}) {
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
  const used = run.generator.cores + (run.server?.cores ?? 0);

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

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;

  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/* { median, min, max } of a number that `pick` takes from each run. */
export function spread(runs, pick) {
  const values = runs.map(pick).filter((value) => Number.isFinite(value));

  return values.length === 0
    ? null
    : { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

export function summarize(runs) {
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
    generator_cores: spread(runs, (run) => run.generator.cores),
    others_cores: spread(runs, (run) => run.others_cores),
    failures: runs.reduce((sum, run) => sum + run.failures, 0),
    checked: runs.reduce((sum, run) => sum + run.checks.checked, 0),
    wrong: runs.reduce((sum, run) => sum + run.checks.wrong, 0),
    runs: runs.length,
  };
}

/* ---- what all comparisons share ---------------------------------------------- */

/*
 * Of the generator, where many sessions do all they can: the one loop of one
 * process would be the limit, and no longer the machine.
 */
export const PROCESSES = Math.min(2, os.cpus().length);

export const ORACLE = path.join(DATA, "oracle.jsonl");
/*
 * Of the figures, so many are read and checked (of the signals all), as the
 * generator shares the machine. generator.mjs measures what that saves, and
 * has all figures checked, too.
 */
export const SAMPLE = 0.2;
export const CHECKED = ["--oracle", ORACLE, "--sample", String(SAMPLE)];
let sequence = 0;
export const freshDir = (name) => path.join(TEMP, `${name}-${sequence++}`);

export function pronghorn(options = {}) {
  return startPronghorn({
    build: BUILD,
    dir: freshDir("pronghorn"),
    workers: WORKERS,
    threads: THREADS,
    ...options,
  });
}

/* The peers of the whole app that are installed, as functions that start one. */
export function appPeers() {
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
export const FIGS = REQUEST("graph-1.figure", "graph-1", "figure", "signal", "children", "figs");
/* 21,576 bytes; FIGS has 42,912. */
export const ORANGES = REQUEST("graph-1.figure", "graph-1", "figure", "signal", "children", "oranges");

/* What the peers serve is what Pronghorn serves: taken from a server of ours. */
export async function exportData() {
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

