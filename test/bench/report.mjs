/* SPDX-License-Identifier: MIT */

/*
 * From a file of results to what people read, so that no number is written
 * by hand.
 *
 *   node test/bench/report.mjs build/bench/results.json
 *       writes docs/BENCHMARKS.md, and into docs/benchmarks/ the pictures and
 *       the results without those of each single run
 *   node test/bench/report.mjs --readme build/bench/results.json
 *       rewrites the lines of README.md between <!-- bench:begin --> and
 *       <!-- bench:end -->
 *   --output FILE  another file than those
 */
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { plotResults } from "./plot.mjs";
import {
  allTables,
  browsersTable,
  bytesTable,
  cacheTable,
  cacheTailTable,
  coldTable,
  connectionsTable,
  engineTable,
  markdown,
  coresOf,
  generatorTable,
  number,
  isOffered,
  ratio,
  readingTable,
  scaleTable,
  warmTable,
} from "./tables.mjs";
import {
  busyWords,
  cacheWords,
  growthWords,
  peerWords,
  readingWords,
} from "./report_words.mjs";
import { allTargets, verdictOf } from "./targets.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BEGIN = "<!-- bench:begin -->";
const END = "<!-- bench:end -->";

const times = (value) => (value === undefined ? "-" : `${number(value)} times`);

function caseOf(results, what, server) {
  return results.bytes?.cases.find(
    (one) => one.what === what && one.server === server,
  );
}

/* ---- in short ------------------------------------------------------------------- */

function warmFacts(results) {
  const ours = results.warm?.peers.pronghorn;
  const theirs = results.warm?.peers["gunicorn-redis"];

  if (!ours || !theirs) return [];
  return [
    `Warm, ${results.warm.sessions} sessions without think time: ` +
      `${number(ours.callbacks_per_s.median)} callbacks/s against ` +
      `${number(theirs.callbacks_per_s.median)} of gunicorn, Flask-Caching and Redis ` +
      `(${times(ratio(ours.callbacks_per_s, theirs.callbacks_per_s))} as many, at ` +
      `${number(ratio(theirs.cpu_us_per_request, ours.cpu_us_per_request))} times less CPU per callback); ` +
      `p99 of a callback ${number(ours.callback_p99_ms.median)} ms against ` +
      `${number(theirs.callback_p99_ms.median)} ms; ` +
      `memory of all processes ${number(ours.pss_mb.median)} MB against ${number(theirs.pss_mb.median)} MB.`,
  ];
}

function coldFacts(results) {
  const peers = results.cold?.peers ?? {};
  const ours = peers.pronghorn;
  const theirs = peers["gunicorn-redis"];

  if (!ours) return [];
  return [
    `Cold, ${results.cold.sessions} sessions that ask for ${results.cold.categories} values at once, each a query of ` +
      `${results.cold.delay_s} s: ${number(ours.computations.median)} computations, everyone served after ` +
      `${number(ours.everyone_s.median)} s` +
      (theirs
        ? `; gunicorn, Flask-Caching and Redis: ${number(theirs.computations.median)} computations, ` +
          `${number(theirs.everyone_s.median)} s.`
        : "."),
  ];
}

function byteFacts(results) {
  const facts = [];

  for (const [what, words] of [
    ["health", "A small GET"],
    ["dependencies", "`_dash-dependencies`"],
    ["callback", `A memoized callback (${results.bytes?.answer_bytes} bytes)`],
  ]) {
    const ours = caseOf(results, what, "pronghorn");
    const nginx = caseOf(results, what, "nginx");

    if (ours && nginx)
      facts.push(
        `${words}: ${number(ratio(nginx.cpu_us_per_request, ours.cpu_us_per_request))} times the requests per CPU second ` +
          `of nginx ${what === "callback" ? "serving the same bytes from a file" : "`return 200`"}.`,
      );
  }
  return facts;
}

const facts = (results) => [
  ...warmFacts(results),
  ...coldFacts(results),
  ...byteFacts(results),
];

/* ---- where it was measured --------------------------------------------------------- */

/* How many cores others used during the warm runs: least and greatest. */
function others(results) {
  const spreads = Object.values(results.warm?.peers ?? {})
    .map((peer) => peer.others_cores)
    .filter(Boolean);

  if (spreads.length === 0) return [];
  return [
    `While the warm part ran, other processes and the kernel's own threads used ` +
      `${number(Math.min(...spreads.map((one) => one.min)))} to ` +
      `${number(Math.max(...spreads.map((one) => one.max)))} of ${results.machine.cpus} cores.` +
      (results.priority
        ? ` Servers and generator ran at nice ${results.priority}, so that others disturbed them less.`
        : ""),
  ];
}

function where(results) {
  const { machine } = results;
  const versions = Object.entries(results.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");

  return [
    `Commit ${results.commit}${results.changed ? " with changes" : ""}, ${results.started.slice(0, 10)}, ` +
      `${number(results.seconds / 60)} minutes${results.quick ? ", quick run" : ""}.`,
    `${machine.cpus} x ${machine.cpu}, ${number(machine.memory_mb / 1024)} GB, Linux ${machine.kernel}, ${machine.system}.`,
    `${versions}.`,
    ...others(results),
    ...results.skipped.map(({ what, why }) => `Skipped: ${what} (${why}).`),
  ];
}

/* ---- what a callback costs ------------------------------------------------------------ */

const withoutPause = (results) =>
  (results.scale?.points ?? []).filter((point) => !isOffered(point));

/* What one more connection adds, from the least to the greatest crowd. */
function bytesPerConnection(results) {
  const points = withoutPause(results).filter((point) => point.workers === 1);
  const [few, many] = [points[0], points.at(-1)];

  if (!few || many.connections <= few.connections) return undefined;
  return (
    ((many.pss_mb.median - few.pss_mb.median) * 1024 * 1024) /
    (many.connections - few.connections)
  );
}

function costModel(results) {
  const ours = results.warm?.peers.pronghorn;

  if (!ours) return [];
  const cpu = ours.cpu_us_per_request.median;
  const bytes = ours.bytes_per_request?.median;
  const wakeups = ours.wakeups_per_request?.median;
  const perCore = 1e6 / cpu;
  /* Users think: what such sessions cost was measured apart. */
  const thinking = (results.scale?.points ?? []).find(isOffered);
  const slow = thinking?.cpu_us_per_request.median ?? cpu;
  const sessions = Number((((1e6 / slow) / 5) * 10).toPrecision(2));
  const gigabit = bytes ? 1e9 / 8 / bytes : undefined;
  const perConnection = bytesPerConnection(results);

  return [
    "## What a callback costs, and where the limit is",
    "",
    "From the warm run of example 3, whose answers are found in the cache:",
    "",
    markdown({
      head: ["a warm callback costs", ""],
      rows: [
        ["CPU of all server processes, us", number(cpu)],
        ...(bytes ? [["bytes to the browser", number(bytes)]] : []),
        ...(wakeups === undefined
          ? []
          : [["wake-ups of a thread, per 1,000", number(1000 * wakeups)]]),
      ],
    }),
    "",
    `- **CPU**: one core gives about ${number(Math.round(perCore))} callbacks per second, which are ` +
      `${number(Math.round(perCore / 5))} rounds of example 3 (five callbacks each). Users who change the dropdown every ` +
      `ten seconds need a tenth of a round per second each; at the ${number(slow)} us that a callback of ` +
      `${thinking ? "thinking sessions" : "this run"} costs, one core carries about ${number(sessions)} of them ` +
      "(computed; at most 10,000 sessions were run).",
    ...(gigabit
      ? [
          `- **Bytes**: a gigabit link is full at ${number(Math.round(gigabit))} such callbacks per second` +
            (gigabit < perCore
              ? ", which is less than one core gives: behind such a link the link is the first limit, not the CPU."
              : ", more than one core gives."),
        ]
      : []),
    ...growthWords(results),
    "- **Sessions** that do nothing cost memory only: connections that are open" +
      (perConnection
        ? ` (${number(Math.round(perConnection))} bytes of the workers' memory each, by the sessions of Scale)`
        : "") +
      "; the server keeps nothing else of them.",
    "- A **cold** value costs its computation once on the whole machine. Its waiters hold no thread.",
    "",
    "Workers add up until the CPUs are used. They share one database: reads do not hinder each other, writes (a value that " +
      "is published, a request for one that is missing) go one at a time. More workers than CPUs help only when " +
      "computations wait for something else than the CPU.",
    "",
    "**Beyond one machine** the cache ends: it is one file on a local disk. Several machines behind a balancer each compute " +
      "a value once, so n machines compute it n times; nothing else is shared, and no session needs to stick to a machine.",
    "",
  ];
}

/* ---- the page -------------------------------------------------------------------------- */

const BYTES_WORDS = [
  "CPU per request is what the servers are compared by: each has one processor for itself. Requests per second depend on the " +
    "generator as well, and wrk and ours do not always agree on who is ahead there; so only CPU per request is quoted elsewhere.",
  "",
];

function scaleWords(results) {
  const runs = Math.min(...results.scale.points.map((point) => point.runs ?? 1));

  return [
    "Rows with 10,000 sessions are an offered load, not capacity: each session thinks for 2 s on average between its rounds, so that their " +
      "callbacks per second are what was asked for while the server keeps up. In the pictures they are points of their own. " +
      (runs === 1
        ? "Each row is one run: neighbours may differ by chance."
        : `Each row is the median of ${runs} runs.`),
    "",
  ];
}

/* What was wanted and what came out, met or missed. */
function targetTable(results) {
  return {
    head: ["part", "what", "wanted", "measured", ""],
    rows: allTargets(results).map(({ part, what, want, got, met }) => [
      part,
      what,
      want,
      got,
      verdictOf(met).replace("missed", "**missed**"),
    ]),
  };
}

const LIMITS = [
  "Everything runs over the loopback: no network delay, no loss. TLS and HTTP/2 are measured in the part about the engine only.",
  "The generator shares the CPUs with the servers. A fast server is slowed down more by that than a slow one, so ratios to slower peers are lower bounds.",
  "Dash itself is not among the peers: the Flask app answers what Dash would answer, with less work. The distance to Dash is greater.",
  "The peers have no pandas and no numpy to load, and memoize finished answers, which the chapter does not do.",
  "Drawing in the browser takes longer than anything measured here, see the table of real browsers where there is one.",
  "Two CPUs say little about sixteen.",
];

function section(title, table, picture, words = []) {
  return [
    `## ${title}`,
    "",
    table.title.replace(/^[A-Z][^:,]*: (.)/, (all, first) => first.toUpperCase()) + ".",
    "",
    ...words,
    markdown(table),
    "",
    ...(picture ? [`![${title}](benchmarks/${picture}.svg)`, ""] : []),
  ];
}

/* May ours be faster than the generator could show? */
function fullWords(results) {
  const ours = results.warm?.peers.pronghorn;
  const theirs = results.warm?.peers["gunicorn-redis"];

  if (!ours?.generator_share || !ours.server_cores) return [];
  const share = coresOf(ours);
  const cores = ours.server_cores.median;
  const full = (share + cores) / results.machine.cpus;

  return [
    `While Pronghorn was measured the generator used ${number(share)} and the server ${number(cores)} of ` +
      `${results.machine.cpus} cores` +
      (full > 0.9
        ? ": together they fill the machine, so Pronghorn would do more if the load came from elsewhere, and the ratios are lower bounds."
        : ".") +
      (theirs?.generator_share
        ? ` While gunicorn with Redis was measured, the generator used ${number(coresOf(theirs))}.`
        : "") +
      " CPU per callback compares them without regard to that.",
    "",
  ];
}

/* Where the time of a real browser goes. */
function browserWords(results) {
  const { rows, sessions } = results.browsers;
  const real = rows.find((row) => row.cache === "warm" && row.drawn_p50_ms && row.who.startsWith(`${sessions} `));
  const alone = rows.find((row) => row.who.startsWith("1 "));
  const simulated = rows.find((row) => row.cache === "warm" && row.who.includes("simulated"));

  if (!real?.server_p50_ms || !simulated) return [];
  const rest = (row) => number(row.data_p50_ms - row.server_p50_ms);

  return [
    "*Server* is the part of it in which the browser waited for the server, from sending the signal's request and that of the " +
      "slowest graph to their first bytes, as its resource timing has it; this is what simulated sessions measure. *Before* is " +
      "what the page's own scripts took until the first request, *between* what they took from the signal's answer to the first " +
      "graph's request; the rest is reading the answers.",
    "",
    `Warm, the server's part is ${number(real.server_p50_ms)} ms of ${number(real.data_p50_ms)} ms: the other ` +
      `${rest(real)} ms are ${sessions} pages' scripts (dash-renderer, React, plotly.js, which draws the first graphs while ` +
      `others are asked for) on ${results.machine.cpus} cores` +
      (alone
        ? `, and a context that has the machine for itself waits ${number(alone.server_p50_ms)} ms for the server and has its data ` +
          `after ${number(alone.data_p50_ms)} ms`
        : "") +
      `. Simulated sessions, which do nothing but wait, had theirs after ${number(simulated.data_p50_ms)} ms.`,
    "",
  ];
}

function newcomerWords(results) {
  const one = results.scale.newcomers;

  if (!one) return [];
  const start =
    `Newcomers to a busy server: of ${one.sessions} sessions that come to one worker at ${one.per_s} per second ` +
    "and are never idle, ";

  return [
    one.why
      ? `${start}${one.why}.`
      : `${start}half had their page after ${number(one.page_p50_ms)} ms and 99 % after ${number(one.page_p99_ms)} ms.`,
    "",
  ];
}

function page(results) {
  const tables = {
    warm: results.warm && warmTable(results),
    cold: results.cold && coldTable(results),
    bytes: results.bytes && bytesTable(results),
    scale: results.scale && scaleTable(results),
    cache: results.cache && cacheTable(results),
    browsers: results.browsers && browsersTable(results),
  };
  const lines = [
    "# Benchmarks",
    "",
    "<!-- Written by test/bench/report.mjs from a file of results; edit that, not this. -->",
    "",
    "Example 3 of the chapter (one dropdown, a memoized query, four graphs) on Pronghorn and on what it takes the place of, " +
      "measured side by side in one run. Numbers are medians, with the least and the greatest of the rounds behind them.",
    "",
    ...facts(results).map((fact) => `- ${fact}`),
    "",
    "## What was wanted",
    "",
    markdown(targetTable(results)),
    "",
    "## How to repeat it",
    "",
    "    make bench",
    "",
    "installs the peers from Debian, runs everything and prints the tables; `QUICK=1 make bench` takes less than two minutes. " +
      "[test/bench/README.md](../test/bench/README.md) describes the load generator and the file of results, from which",
    "",
    "    node test/bench/report.mjs build/bench/results.json",
    "",
    "wrote this page.",
    "",
    "## What was run",
    "",
    ...where(results).map((line) => `- ${line}`),
    "",
    ...peerWords(results),
  ];

  if (tables.warm)
    lines.push(...section("Warm", tables.warm, "warm-callbacks", [...fullWords(results), ...busyWords(results)]),
      "![p99](benchmarks/warm-p99.svg)", "", "![memory](benchmarks/warm-memory.svg)", "");
  if (tables.cold) lines.push(...section("Cold", tables.cold, "cold-everyone"));
  if (tables.bytes) lines.push(...section("Bytes", tables.bytes, "bytes-cpu", BYTES_WORDS));
  if (tables.scale)
    lines.push(...section("Scale", tables.scale, "scale-callbacks", [...scaleWords(results), ...(results.warm ? [] : busyWords(results))]),
      "![p99](benchmarks/scale-p99.svg)", "", ...newcomerWords(results));
  if (tables.cache)
    lines.push(...section("The cache alone", tables.cache, undefined, cacheWords(results)),
      markdown(cacheTailTable(results)), "");
  if (results.engine)
    lines.push(...section("The engine", engineTable(results)),
      markdown(connectionsTable(results)), "");
  if (results.generator) lines.push(...section("The generator", generatorTable(results)));
  if (results.generator?.reading)
    lines.push(...readingWords(results), markdown(readingTable(results)), "");
  if (tables.browsers)
    lines.push(...section("Real browsers", tables.browsers, undefined, [
      "Contexts of one Chromium with the page open, and as many simulated sessions. *Data* is the time from the change to the " +
        "last byte of the last graph, *drawn* until plotly.js has drawn all of them.",
      "",
      ...browserWords(results),
    ]));
  lines.push(...costModel(results), "## What this does not show", "");
  lines.push(...LIMITS.map((line) => `- ${line}`), "");
  return lines.join("\n");
}

/* ---- README ------------------------------------------------------------------------------- */

function readmeBlock(results) {
  return [
    BEGIN,
    ...facts(results).map((fact) => `- ${fact}`),
    "",
    `Measured in one run on ${results.machine.cpus} cores that the load generator shared (commit ${results.commit}); ` +
      "[docs/BENCHMARKS.md](docs/BENCHMARKS.md) has everything, `make bench` repeats it.",
    END,
  ].join("\n");
}

function rewriteReadme(file, results) {
  const text = fs.readFileSync(file, "utf8");
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);

  if (begin < 0 || end < begin)
    throw new Error(`${file} has no ${BEGIN} ... ${END}`);
  fs.writeFileSync(
    file,
    text.slice(0, begin) + readmeBlock(results) + text.slice(end + END.length),
  );
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { readme: { type: "boolean" }, output: { type: "string" } },
  });

  if (positionals.length !== 1)
    throw new Error("usage: report.mjs [--readme] [--output FILE] RESULTS");
  const results = JSON.parse(fs.readFileSync(positionals[0], "utf8"));

  if (results.schema !== 1 || allTables(results).length === 0)
    throw new Error(`${positionals[0]} is not a file of results, schema 1`);
  if (values.readme) {
    rewriteReadme(values.output ?? path.join(ROOT, "README.md"), results);
    return;
  }
  const output = values.output ?? path.join(ROOT, "docs/BENCHMARKS.md");
  const pictures = path.join(path.dirname(output), "benchmarks");

  fs.mkdirSync(pictures, { recursive: true });
  plotResults(results, pictures);
  fs.writeFileSync(output, page(results));
  /* What the page was made from, so that README.md can be made from it, too. */
  fs.writeFileSync(
    path.join(pictures, "results.json"),
    JSON.stringify(
      results,
      (key, value) => (key === "runs" && typeof value === "object" ? undefined : value),
      1,
    ) + "\n",
  );
}

try {
  main();
} catch (error) {
  console.error(`report: ${error.message}`);
  process.exit(1);
}
