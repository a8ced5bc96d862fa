/* SPDX-License-Identifier: MIT */

/*
 * The generator itself: does it hit a known rate, what does that cost, and is
 * it the limit when it shares the machine with a server as fast as ours?
 */
import {
  measure,
  ORACLE,
  PLAN,
  PROCESSES,
  pronghorn,
  QUICK,
  SAMPLE,
  say,
  summarize,
} from "./common.mjs";

const RATES = [2000, 20000];
const SESSIONS = 200;

async function rates() {
  const server = await pronghorn({ workers: 1 });
  const list = [];

  try {
    for (const rate of RATES) {
      say(`the generator: a known rate of ${rate} per second`);
      const run = await measure(server, [
        ...["--path", "/_ph/health", "--rate", rate, "--sessions", 64],
        ...["--duration", Math.max(3, PLAN.warm), "--warmup", 0.5],
      ]);

      list.push({
        rate,
        hit_per_s: run.requests_per_s,
        cpu_share: run.generator.cpu_share,
        p99_ms: run.latency_us.request.p99 / 1000,
        failures: run.failures,
      });
    }
  } finally {
    await server.stop();
  }
  return list;
}

/*
 * The warm run with less and less to do for the generator. When the rate
 * grows by that, the server was not at its end.
 */
async function reading() {
  const server = await pronghorn();
  const shares = [1, SAMPLE, 0].map((share) => ({ share, runs: [] }));

  try {
    for (let round = 0; round < (QUICK ? 1 : 2); round++) {
      for (const { share, runs } of shares) {
        say(`the generator reads ${100 * share} %, round ${round + 1}`);
        runs.push(
          await measure(server, [
            ...["--sessions", SESSIONS, "--duration", 2, "--warmup", 1],
            ...["--together", "--oracle", ORACLE, "--sample", share],
            ...["--processes", PROCESSES],
          ]),
        );
      }
    }
  } finally {
    await server.stop();
  }
  return {
    sessions: SESSIONS,
    shares: shares.map(({ share, runs }) => ({ share, ...summarize(runs) })),
  };
}

export async function generator() {
  const list = await rates();

  return { ...list[0], rates: list, reading: await reading() };
}
