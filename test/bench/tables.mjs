/* SPDX-License-Identifier: MIT */

/*
 * The tables of a run, as lists of rows: printed on stdout and written into
 * docs by the same functions, so that they cannot differ.
 */

export function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value))
    return "-";
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;

  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/* Of a core: above it a process of the generator may be the limit. */
export const FULL = 0.8;

/* Of the generator; results of one process only have its share. */
export const coresOf = (summary) =>
  (summary.generator_cores ?? summary.generator_share).median;

/* Its sessions think: it shows what was asked for, not what can be had. */
export const isOffered = (point) => point.sessions >= 10000;

/* A median with its spread, when there was more than one run. */
export function withSpread(spread) {
  if (!spread) return "-";
  return spread.min === spread.max
    ? number(spread.median)
    : `${number(spread.median)} (${number(spread.min)}..${number(spread.max)})`;
}

export function ratio(a, b) {
  return a && b && b.median > 0 ? a.median / b.median : undefined;
}

const times = (value) => (value === undefined ? "-" : `${number(value)} x`);

export function warmTable(results) {
  const { peers } = results.warm;
  const ours = peers.pronghorn;

  return {
    title: `Warm: ${results.warm.sessions} sessions without think time, ${results.warm.workers} workers x ${results.warm.threads} threads`,
    head: [
      "server",
      "callbacks/s",
      "p99 of a callback, ms",
      "p99 of a round, ms",
      "CPU per callback, us",
      "memory, MB",
      "of which Redis",
      "callbacks/s: ours is",
    ],
    rows: Object.entries(peers).map(([name, peer]) => [
      name,
      withSpread(peer.callbacks_per_s),
      withSpread(peer.callback_p99_ms),
      withSpread(peer.round_p99_ms),
      withSpread(peer.cpu_us_per_request),
      withSpread(peer.pss_mb),
      peer.redis_mb?.median > 0 ? number(peer.redis_mb.median) : "-",
      name === "pronghorn"
        ? "1"
        : times(ratio(ours.callbacks_per_s, peer.callbacks_per_s)),
    ]),
  };
}

export function coldTable(results) {
  const { cold } = results;

  return {
    title: `Cold: ${cold.sessions} sessions, ${cold.categories} categories, a query of ${cold.delay_s} s, ${cold.workers} workers x ${cold.threads} threads`,
    head: ["server", "computations", "everyone served after, s", "failures"],
    rows: Object.entries(cold.peers).map(([name, peer]) => [
      name,
      withSpread(peer.computations),
      withSpread(peer.everyone_s),
      String(peer.failures),
    ]),
  };
}

export function bytesTable(results) {
  const { cases } = results.bytes;
  const nginxOf = (what) =>
    cases.find((one) => one.what === what && one.server === "nginx");

  return {
    title: `Bytes: one process${results.bytes.pinned ? " on CPU 0, the generator on CPU 1" : ""}, ${results.bytes.connections} connections; the callback's answer has ${results.bytes.answer_bytes} bytes`,
    head: [
      "request",
      "server",
      "requests/s",
      "CPU per request, us",
      "wrk, requests/s",
      "p50, ms",
      "requests/s: x nginx",
      "per CPU second: x nginx",
    ],
    rows: cases.map((one) => {
      const nginx = one.server === "nginx" ? undefined : nginxOf(one.what);
      const none = one.server === "nginx" ? "1" : "-";

      return [
        one.what === "uncached" ? `${one.request}, not memoized, 1 connection` : one.request,
        one.server,
        withSpread(one.requests_per_s),
        withSpread(one.cpu_us_per_request),
        withSpread(one.wrk_requests_per_s),
        number(one.request_p50_ms?.median),
        nginx ? number(ratio(one.requests_per_s, nginx.requests_per_s)) : none,
        nginx
          ? number(ratio(nginx.cpu_us_per_request, one.cpu_us_per_request))
          : none,
      ];
    }),
  };
}

export function scaleTable(results) {
  return {
    title: `Scale: sessions without think time (10,000: one connection each, exponential think time of 2 s, which is an offered load and not capacity)`,
    head: [
      "workers",
      "sessions",
      "callbacks/s",
      "p50 of a round, ms",
      "p99 of a round, ms",
      "CPU per callback, us",
      "wake-ups per 1,000",
      "server, cores",
      "generator, cores",
      "memory, MB",
      "failures",
    ],
    rows: results.scale.points.map((point) => [
      String(point.workers),
      `${number(point.sessions)}${isOffered(point) ? " (offered)" : ""}`,
      number(point.callbacks_per_s.median),
      number(point.round_p50_ms?.median),
      number(point.round_p99_ms?.median),
      withSpread(point.cpu_us_per_request),
      number(1000 * point.wakeups_per_request?.median),
      number(point.server_cores.median),
      number(coresOf(point)),
      number(point.pss_mb.median),
      String(point.failures),
    ]),
  };
}

export function cacheTable(results) {
  const { cases } = results.cache;
  const names = Object.keys(cases[0].stores);

  return {
    title: "The cache alone: operations per second of all processes together",
    head: [
      "work",
      "KB",
      "processes",
      ...names,
      ...names.slice(1).map((name) => `ours is, of ${name}`),
    ],
    rows: cases.map((one) => [
      one.kind === "mixed" ? "90 % get, 10 % set" : one.kind,
      String(one.size_kb),
      String(one.processes),
      ...names.map((name) => withSpread(one.stores[name].ops_per_s)),
      ...names
        .slice(1)
        .map((name) => times(ratio(one.stores.pronghorn.ops_per_s, one.stores[name].ops_per_s))),
    ]),
  };
}

const verdict = (met) => (met ? "met" : "missed");

export function engineTable(results) {
  const { cases, pinned } = results.engine;

  return {
    title: `The engine: one worker${pinned ? " on one processor" : ""}, 64 connections`,
    head: [
      "what",
      "ours, us of CPU",
      "peer, us of CPU",
      "per CPU second: ours is",
      "per second: ours is",
      "target",
      "",
      "peer",
    ],
    rows: cases.filter((row) => row.ours).map((row) => [
      row.what,
      number(row.ours.cpu_us),
      number(row.peer.cpu_us),
      `${number(row.cpu_ratio)} x (${row.spread.map(number).join("..")})`,
      times(row.rate_ratio),
      times(row.target),
      verdict(row.met),
      row.against,
    ]),
  };
}

export function connectionsTable(results) {
  return {
    title: "Connections of the engine",
    head: ["what", "value", "less than", ""],
    rows: results.engine.connections.map((row) => [
      row.what,
      number(row.value),
      number(row.target),
      verdict(row.met),
    ]),
  };
}

/* How long the slow calls take: what a median hides. */
export function cacheTailTable(results) {
  const { cases } = results.cache;
  const names = Object.keys(cases[0].stores);

  return {
    title: "The cache alone: 99th percentile of a call, us",
    head: ["work", "KB", "processes", ...names],
    rows: cases.map((one) => [
      one.kind === "mixed" ? "90 % get, 10 % set" : one.kind,
      String(one.size_kb),
      String(one.processes),
      ...names.map((name) => withSpread(one.stores[name].p99_us)),
    ]),
  };
}

export function generatorTable(results) {
  const { generator } = results;

  return {
    title: "The generator: a known rate of small requests, open model",
    head: ["wanted per second", "hit per second", "its CPU, cores", "p99, ms", "failures"],
    rows: (generator.rates ?? [generator]).map((one) => [
      number(one.rate),
      number(one.hit_per_s),
      number(one.cpu_share),
      number(one.p99_ms),
      String(one.failures),
    ]),
  };
}

/* The warm run once more, with less and less to do for the generator. */
export function readingTable(results) {
  const { reading } = results.generator;

  return {
    title: `What reading costs the generator: ${reading.sessions} warm sessions, read and checked in part`,
    head: [
      "answers read",
      "callbacks/s",
      "p99 of a callback, ms",
      "generator, us of CPU per callback",
      "server, us of CPU per callback",
      "generator, cores",
      "server, cores",
    ],
    rows: reading.shares.map((one) => [
      `${number(100 * one.share)} %`,
      withSpread(one.callbacks_per_s),
      withSpread(one.callback_p99_ms),
      number((1e6 * coresOf(one)) / one.callbacks_per_s.median),
      number(one.cpu_us_per_request.median),
      number(coresOf(one)),
      number(one.server_cores.median),
    ]),
  };
}

export function browsersTable(results) {
  const { browsers } = results;

  return {
    title: `${browsers.sessions} browsers at once, workers x threads: ${browsers.workers} x ${browsers.threads}, a query of ${browsers.delay_s} s`,
    head: [
      "cache",
      "who",
      "data p50, ms",
      "data max, ms",
      "of data: server p50, ms",
      "server max, ms",
      "page before p50, ms",
      "page between p50, ms",
      "drawn p50, ms",
      "drawn max, ms",
    ],
    rows: browsers.rows.map((row) => [
      row.cache,
      row.who,
      number(row.data_p50_ms),
      number(row.data_max_ms),
      number(row.server_p50_ms),
      number(row.server_max_ms),
      number(row.before_p50_ms),
      number(row.between_p50_ms),
      number(row.drawn_p50_ms),
      number(row.drawn_max_ms),
    ]),
  };
}

export function allTables(results) {
  return [
    results.warm && warmTable(results),
    results.cold && coldTable(results),
    results.bytes && bytesTable(results),
    results.scale && scaleTable(results),
    results.cache && cacheTable(results),
    results.cache && cacheTailTable(results),
    results.engine && engineTable(results),
    results.engine && connectionsTable(results),
    results.generator && generatorTable(results),
    results.generator?.reading && readingTable(results),
    results.browsers && browsersTable(results),
  ].filter(Boolean);
}

export function printTables(results) {
  for (const { title, head, rows } of allTables(results)) {
    const widths = head.map((text, i) =>
      Math.max(text.length, ...rows.map((row) => row[i].length)),
    );
    const line = (row) =>
      row
        .map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i])))
        .join("  ");

    console.log(`\n${title}\n`);
    console.log(line(head));
    console.log(widths.map((width) => "-".repeat(width)).join("  "));
    for (const row of rows) console.log(line(row));
  }
  console.log("");
}

export function markdown({ head, rows }) {
  const line = (cells) => `| ${cells.join(" | ")} |`;

  return [
    line(head),
    line(head.map((_, i) => (i === 0 ? "---" : "---:"))),
    ...rows.map(line),
  ].join("\n");
}
