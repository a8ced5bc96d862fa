/* SPDX-License-Identifier: MIT */

/*
 * Pronghorn and its peers: (a) warm, (b) cold, (c) bytes.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {
  BUILD,
  CATEGORIES,
  CHECKED,
  COLD_WORKERS,
  DATA,
  execute,
  FIGS,
  freshDir,
  isInstalled,
  measure,
  ORACLE,
  PLAN,
  PROCESSES,
  pronghorn,
  QUICK,
  results,
  SAMPLE,
  say,
  skip,
  spread,
  summarize,
  THREADS,
  WORKERS,
} from "./common.mjs";
import { PROGRAMS, startNginx } from "./peers/peers.mjs";

/* ---- (a) warm ------------------------------------------------------------------ */

export async function warm(peers) {
  const sessions = 200;
  const args = ["--sessions", sessions, "--duration", PLAN.warm, "--warmup", 1, "--together", "--processes", PROCESSES];
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
    processes: PROCESSES,
    seconds: PLAN.warm,
    sample: SAMPLE,
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
      ...["--oracle", ORACLE, "--computed", server.log],
    ]);

    return {
      computations: run.computations,
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

export async function cold(peers) {
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

/* A callback of an app of the tests that gives back what it gets. */
const ECHO = JSON.stringify({
  output: "echo.out",
  outputs: { id: "echo", property: "out" },
  inputs: [{ id: "in", property: "value", value: 1 }],
  changedPropIds: ["in.value"],
});

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

export async function bytes() {
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

  if (!isInstalled("wrk")) skip("wrk as a second opinion", "wrk is not installed");
  else if (QUICK) skip("wrk as a second opinion", "QUICK=1");
  const zoo = path.join(BUILD, "test-apps/zoo.so");
  const plain = fs.existsSync(zoo)
    ? await pronghorn({ workers: 1, app: zoo })
    : skip("the callback that is not memoized", "test-apps/zoo.so was not built");
  const echo = path.join(DATA, "echo.json");
  const cases = [
    ["callback", "pronghorn", ours, "/_dash-update-component", body],
    ["callback", "nginx", nginx, "/answer.json"],
    ["health", "pronghorn", ours, "/_ph/health"],
    ["health", "nginx", nginx, "/health"],
    ["dependencies", "pronghorn", ours, "/_dash-dependencies"],
    ["dependencies", "nginx", nginx, "/dependencies"],
    ["uncached", "pronghorn", plain, "/_dash-update-component", echo, 1],
  ].filter((one) => one[2]);
  const runs = cases.map(() => []);
  const checks = cases.map(() => []);

  fs.writeFileSync(body, FIGS);
  fs.writeFileSync(echo, ECHO);
  fs.writeFileSync(
    script,
    `wrk.method = "POST"\nwrk.body = [[${FIGS}]]\n` +
      `wrk.headers["Content-Type"] = "application/json"\n`,
  );
  try {
    for (let round = 0; round < PLAN.byteRounds; round++) {
      for (const [index, one] of cases.entries()) {
        const [what, name, server, where, post, sessions = 64] = one;

        say(`bytes, round ${round + 1}: ${what}, ${name}`);
        runs[index].push(
          await measure(
            server,
            [
              ...["--path", where, "--sessions", sessions, "--warmup", 0.3],
              ...["--duration", PLAN.bytes],
              ...(post ? ["--body", `@${post}`] : []),
            ],
            /* One client and one server take turns anywhere. */
            { cpu: twoCpus && sessions > 1 ? 1 : undefined },
          ),
        );
        if (isInstalled("wrk") && sessions > 1 && round < 2 && !QUICK)
          checks[index].push(await wrk(server.url, where, post && script));
      }
    }
  } finally {
    await ours.stop();
    await nginx?.stop();
    await plain?.stop();
  }
  return {
    connections: 64,
    pinned: twoCpus,
    answer_bytes: results.answer_bytes,
    cases: cases.map(([what, name, , where, post, sessions = 64], index) => ({
      what,
      server: name,
      connections: sessions,
      request: `${post ? "POST" : "GET"} ${where}`,
      ...summarize(runs[index]),
      wrk_requests_per_s: spread(checks[index], (value) => value ?? NaN),
    })),
  };
}
