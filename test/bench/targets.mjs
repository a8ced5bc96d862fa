/* SPDX-License-Identifier: MIT */

/*
 * What was promised, and what this run shows of it: one line per promise,
 * printed after the tables and written into docs/BENCHMARKS.md, so that a
 * report cannot leave out what was missed.
 */
import { FULL, number, ratio } from "./tables.mjs";

/* `got` undefined: the part was run, but without what this compares. */
function target(part, what, got, want, isMet, unit = "") {
  if (got === undefined || got === null || !Number.isFinite(got))
    return { part, what, got: "-", want, met: undefined };
  return { part, what, got: `${number(got)}${unit}`, want, met: isMet(got) };
}

const atLeast = (part, what, got, want) =>
  target(part, what, got, `at least ${want} x`, (value) => value >= want, " x");

function warmTargets({ warm }) {
  const ours = warm?.peers.pronghorn;
  const theirs = warm?.peers["gunicorn-redis"];

  if (!ours) return [];
  const who = "gunicorn + Flask-Caching + Redis";

  return [
    atLeast("warm", `callbacks/s of ${who}`, ratio(ours.callbacks_per_s, theirs?.callbacks_per_s), 30),
    target(
      "warm",
      `p99 of a callback, of that of ${who}`,
      ratio(theirs?.callback_p99_ms, ours.callback_p99_ms),
      "at least 20 x lower",
      (value) => value >= 20,
      " x",
    ),
    target(
      "warm",
      `memory of the whole tree, of that of ${who}`,
      ratio(ours.pss_mb, theirs?.pss_mb),
      "at most 0.20",
      (value) => value <= 0.2,
    ),
  ];
}

function coldTargets({ cold }) {
  const ours = cold?.peers.pronghorn;

  if (!ours) return [];
  return [
    target(
      "cold",
      `computations for ${cold.categories} values and ${cold.sessions} sessions`,
      ours.computations?.max,
      `${cold.categories}`,
      (value) => value === cold.categories,
    ),
    target("cold", "everyone served after", ours.everyone_s?.max, "under 2.5 s", (value) => value < 2.5, " s"),
    target("cold", "failures", ours.failures, "0", (value) => value === 0),
  ];
}

/*
 * It shares the machine with what it measures, but none of its processes may
 * be at its end: the CPUs are then what limits.
 */
function generatorTargets({ generator, warm }) {
  const theirs = warm?.peers["gunicorn-redis"]?.generator_share?.max;
  const ours = warm?.peers.pronghorn?.generator_share?.max;
  const share = (who, got) =>
    target(
      "generator",
      `CPU share of its busiest process while ${who} was measured warm, of one core`,
      got === undefined ? undefined : 100 * got,
      `under ${100 * FULL} %`,
      (value) => value < 100 * FULL,
      " %",
    );

  return [
    ...(generator?.rates ?? (generator ? [generator] : [])).map((one) =>
      target(
        "generator",
        `a known rate of ${number(one.rate)} per second is missed by`,
        100 * Math.abs(one.hit_per_s / one.rate - 1),
        "at most 1 %",
        (value) => value <= 1,
        " %",
      ),
    ),
    ...(warm ? [share("gunicorn + Flask-Caching + Redis", theirs), share("Pronghorn", ours)] : []),
  ];
}

function byteTargets({ bytes }) {
  if (!bytes) return [];
  const find = (what, server) =>
    bytes?.cases.find((one) => one.what === what && one.server === server);
  const perCpu = (what, words, want) =>
    atLeast(
      "bytes",
      `${words} per CPU second`,
      ratio(find(what, "nginx")?.cpu_us_per_request, find(what, "pronghorn")?.cpu_us_per_request),
      want,
    );
  const alone = find("uncached", "pronghorn");

  return [
    perCpu("callback", `memoized callback of ${bytes?.answer_bytes} bytes, nginx with the file,`, 1),
    perCpu("health", "small GET, nginx `return 200`,", 1.1),
    perCpu("dependencies", "_dash-dependencies, nginx `return 200`,", 1.1),
    target(
      "bytes",
      "round trip of a small callback that is not memoized, one client, p50",
      alone?.request_p50_ms?.median,
      "under 0.3 ms",
      (value) => value < 0.3,
      " ms",
    ),
  ];
}

function cacheTargets({ cache }) {
  const list = [];

  for (const one of cache?.cases ?? []) {
    const ops = (name) => one.stores[name]?.ops_per_s;
    const against = (name, want) =>
      list.push(
        atLeast(
          "cache",
          `${one.kind} of ${one.size_kb} KB, ${one.processes} ${one.processes > 1 ? "processes" : "process"}: operations/s of ${name}`,
          ratio(ops("pronghorn"), ops(name)),
          want,
        ),
      );

    if (one.kind === "get" && one.size_kb <= 10) {
      against("redis", 5);
      against("diskcache", 2);
    }
    if (one.kind === "set") against("diskcache", 3);
    if (one.kind === "mixed") {
      against("redis", 2);
      against("diskcache", 5);
    }
    /* It comes last: slower than the slowest of the others. */
    const files = ops("flask-caching files");
    const others = Object.entries(one.stores)
      .filter(([name]) => name !== "flask-caching files")
      .map(([, store]) => store.ops_per_s.median);

    if (files)
      list.push(
        target(
          "cache",
          `${one.kind} of ${one.size_kb} KB: Flask-Caching's files behind the slowest of the others`,
          Math.min(...others) / files.median,
          "over 1 x",
          (value) => value > 1,
          " x",
        ),
      );
  }
  return list;
}

function engineTargets({ engine }) {
  const cases = (engine?.cases ?? []).map((one) =>
    atLeast("engine", `${one.what}, of ${one.against}, per CPU second`, one.cpu_ratio, one.target),
  );
  const connections = (engine?.connections ?? []).map((one) => ({
    part: "engine",
    what: one.what,
    got: number(one.value),
    want: `under ${one.target}`,
    met: one.met,
  }));

  return [...cases, ...connections];
}

export function allTargets(results) {
  return [
    warmTargets,
    coldTargets,
    generatorTargets,
    byteTargets,
    cacheTargets,
    engineTargets,
  ]
    .flatMap((targets) => targets(results))
    .filter(Boolean);
}

/* "met", "missed", or that it could not be told. */
export const verdictOf = (met) =>
  met === undefined ? "not measured" : met ? "met" : "missed";

export function printTargets(results) {
  for (const { part, what, got, want, met } of allTargets(results))
    console.log(`target: ${part}: ${what}: ${got}, wanted ${want}: ${verdictOf(met)}`);
  console.log("");
}
