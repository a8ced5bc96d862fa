/* SPDX-License-Identifier: MIT */

/*
 * Sentences of the report that judge: each is derived from the numbers of the
 * run, so that no sentence stands over rows that say something else.
 */
import { FULL, isOffered, number, ratio } from "./tables.mjs";

const PEER_WORDS = {
  "gunicorn-redis": "gunicorn (gthread) with a Flask app and Flask-Caching on Redis",
  "gunicorn-files": "the same with Flask-Caching on files",
  "uvicorn-redis": "uvicorn with Starlette and Redis",
};

/* Who was measured beside Pronghorn; only who was. */
export function peerWords(results) {
  const names = [
    ...new Set(
      [results.warm, results.cold].flatMap((part) => Object.keys(part?.peers ?? {})),
    ),
  ].filter((name) => name !== "pronghorn");

  if (names.length === 0) return ["No peer with the whole app was measured in this run.", ""];
  return [
    `The peers are ${names.map((name) => PEER_WORDS[name] ?? name).join("; ")}, at the same number of workers. ` +
      "They serve the same page, layout and answers; the generator compares their " +
      `answers byte for byte with Pronghorn's (all signals and ${number(100 * (results.warm?.sample ?? 0.2))} % of the figures when warm, all when cold). ` +
      "The heads of the files in test/bench/peers/ say why that is fair.",
    "",
  ];
}

const STORE_WORDS = {
  redis: "Redis is asked by hiredis over a unix socket",
  diskcache: "diskcache from Python, in files",
  "flask-caching files": "Flask-Caching's files from Python",
};

export function cacheWords(results) {
  const stores = Object.keys(results.cache.cases[0].stores);
  const others = stores.filter((name) => STORE_WORDS[name]).map((name) => STORE_WORDS[name]);

  return [
    "A call of ours is SHA-256 of the name and then, for a set, a transaction of its own with a checksum over the value. A get " +
      "is answered from the memory of the process (cache_memory is 16 MiB here, as by default), once the index of the log, which all processes " +
      "share, has shown that nothing has been written since: it takes no transaction and no system call then. After a write of that value by " +
      "anyone, and for what memory does not hold, it reads the database and checks the checksum. The other stores have no such memory: " +
      "they answer over a socket or from a file each time, as their users have them. " +
      (others.length > 0 ? `${others.join("; ")}; all with the same keys and values. ` : "No other store was measured. ") +
      "Where a ratio is below 1, the other store is faster. The second table is the 99th percentile of a call in us.",
    "",
  ];
}

/* ---- is the generator the limit? ------------------------------------------------- */

/* In which rows had one of its processes hardly anything left? */
export function busyWords(results) {
  const warm = Object.entries(results.warm?.peers ?? {}).map(([name, peer]) => ({
    what: `${name}, warm`,
    share: peer.generator_share?.median,
  }));
  const scale = (results.scale?.points ?? []).map((point) => ({
    what: `${point.workers} ${point.workers === 1 ? "worker" : "workers"} and ${number(point.sessions)} sessions in Scale`,
    share: point.generator_share?.median,
  }));
  const rows = [...warm, ...scale];
  const busy = rows.filter(({ share }) => share > FULL);

  const processes = results.warm?.processes ?? 1;
  const threads =
    processes > 1
      ? `The generator has ${processes} processes in Warm and Scale, of one thread each.`
      : "The generator has one thread.";

  if (rows.length === 0) return [];
  return [
    busy.length === 0
      ? `${threads} The busiest used at most ${number(Math.max(...rows.map(({ share }) => share ?? 0)))} of a core in ` +
        "the rows of Warm and Scale, so it was not their limit."
      : `${threads} The busiest used more than ${100 * FULL} % of a core in ${busy.length} of the ${rows.length} rows of Warm and Scale ` +
        `(${busy.map(({ what, share }) => `${what}: ${number(share)}`).join("; ")}). There it may have been what limited the rate: ` +
        "the callbacks per second of these rows are a lower bound of what the server can do, and their latencies include waiting for the generator.",
    "",
  ];
}

/* What the runs with less reading show. */
export function readingWords(results) {
  const { shares } = results.generator.reading;
  const [all, none] = [shares[0], shares.at(-1)];
  const gain = ratio(none.callbacks_per_s, all.callbacks_per_s);
  const most = Math.max(...shares.map((one) => one.generator_share.median));
  const its = results.warm?.processes > 1 ? "busiest process of the generator" : "generator";

  return [
    "What the generator does not read, it still receives, but does not copy out of the kernel and does not compare. The same " +
      `warm load with all answers read and with none but the signals': ${number(gain)} times the callbacks per second. ` +
      (none.callbacks_per_s.min > all.callbacks_per_s.max
        ? "What the generator saves, the server uses: on this machine the two share the CPUs, and the warm rate is not the server's end."
        : "The spreads of the two overlap: that is within what runs differ by.") +
      (most > FULL
        ? ` The ${its} used up to ${number(most)} of a core in these rows, so that it may bound all of them.`
        : ` The ${its} used at most ${number(most)} of a core in these rows.`),
    "",
  ];
}

/* ---- how the cost grows ------------------------------------------------------------ */

/*
 * Points of one run differ by more than what is asked for, so one pair of them
 * says nothing: all pairs have to agree. A pair differs when the spreads of its
 * runs do not overlap or, where each point was run once, by more than 5 %.
 */
function direction({ before, after }) {
  const repeated = before.min < before.max && after.min < after.max;
  const [low, high] = repeated
    ? [before.min, before.max]
    : [before.median / 1.05, before.median * 1.05];

  if ((repeated ? after.min : after.median) > high) return 1;
  return (repeated ? after.max : after.median) < low ? -1 : 0;
}

/* How many times the CPU, from the least to the greatest, and what follows. */
function verdict(pairs) {
  const directions = pairs.map(direction);
  const count = (which) => directions.filter((one) => one === which).length;
  const ratios = pairs.map(({ before, after }) => after.median / before.median);
  const times = `${number(Math.min(...ratios))} to ${number(Math.max(...ratios))} times the CPU`;

  if (pairs.length < 2) return { times, words: "one comparison only, from which nothing follows" };
  if (count(1) === pairs.length) return { times, words: "more in each of the comparisons" };
  if (count(-1) === pairs.length) return { times, words: "less in each of the comparisons" };
  if (count(0) === pairs.length)
    return { times, words: "no more and no less in any of the comparisons, but for what runs differ by" };
  const said = [
    [1, "more"],
    [-1, "less"],
    [0, "the same"],
  ].filter(([which]) => count(which) > 0);

  return {
    times,
    words: `${said.map(([which, word]) => `${word} in ${count(which)}`).join(", ")} of ${pairs.length} comparisons, so this run does not tell`,
  };
}

const perThousand = (spread) => number(1000 * spread.median);

/* How the cost of a callback grows with sessions and with workers. */
export function growthWords(results) {
  const all = results.scale?.points ?? [];
  const points = all.filter((point) => !isOffered(point));
  const cost = (point) => point.cpu_us_per_request.median;
  const one = points.filter((point) => point.workers === 1);
  const most = Math.max(...points.map((point) => point.workers));
  const many = points.filter((point) => point.workers === most);
  const few = Math.min(...points.map((point) => point.sessions));
  const lots = Math.max(...points.map((point) => point.sessions));
  const slow = all.find(isOffered);
  const lines = [];

  if (one.length < 2 || many.length < 2 || most === 1) return [];
  /* Pairs that differ in one thing only. */
  const pairs = (from, to, isSame) =>
    points.filter(from).flatMap((before) =>
      points
        .filter((point) => to(point) && isSame(before, point))
        .map((after) => ({ before: before.cpu_us_per_request, after: after.cpu_us_per_request })),
    );
  const bySessions = verdict(
    pairs(
      (point) => point.sessions === few,
      (point) => point.sessions === lots,
      (a, b) => a.workers === b.workers,
    ),
  );
  const byWorkers = verdict(
    pairs(
      (point) => point.workers === 1,
      (point) => point.workers === most,
      (a, b) => a.sessions === b.sessions,
    ),
  );
  const runs = Math.min(...points.map((point) => point.runs ?? 1));
  const rule =
    runs > 1
      ? `spreads of ${runs} runs that do not overlap count as a difference`
      : "each point was run once; over 5 % counts as a difference";

  lines.push(
    `- **More sessions**: at ${number(lots)} sessions a callback cost ${bySessions.times} that it cost at ${number(few)} with as many workers: ` +
      `${bySessions.words} (${rule}).`,
    `- **More workers**: with ${most} workers on ${results.machine.cpus} CPUs a callback cost ${byWorkers.times} that it cost with one, for as many ` +
      `sessions: ${byWorkers.words}. They take ${number(many[0].pss_mb.median - one[0].pss_mb.median)} MB more memory.`,
  );
  if (one.every((point) => point.wakeups_per_request))
    lines.push(
      "- **Wake-ups** of a thread per 1,000 callbacks, with one worker: " +
        `${one.map((point) => `${perThousand(point.wakeups_per_request)} at ${number(point.sessions)} sessions`).join(", ")}` +
        (slow?.workers === 1 && slow.wakeups_per_request
          ? `, ${perThousand(slow.wakeups_per_request)} at ${number(slow.sessions)} that think.`
          : "."),
    );
  if (slow)
    lines.push(
      `- **Sessions that think**: ${number(slow.sessions)} of them with ${slow.workers} ` +
        `${slow.workers === 1 ? "worker" : "workers"} had ${number(slow.callbacks_per_s.median)} callbacks/s, which is what they asked for and not ` +
        `what the server can do, at ${number(cost(slow))} us each; half of their rounds took less than ${number(slow.round_p50_ms.median)} ms.`,
    );
  return lines;
}
