/* SPDX-License-Identifier: MIT */

/* The generator itself: does it hit a known rate, and what does that cost? */
import { measure, PLAN, pronghorn, say } from "./common.mjs";

const RATE = 2000;

export async function generator() {
  const server = await pronghorn({ workers: 1 });

  say("the generator: a known rate");
  try {
    const run = await measure(server, [
      ...["--path", "/_ph/health", "--rate", RATE, "--sessions", 32],
      ...["--duration", Math.max(3, PLAN.warm), "--warmup", 0.5],
    ]);

    return {
      rate: RATE,
      hit_per_s: run.requests_per_s,
      cpu_share: run.generator.cpu_share,
      p99_ms: run.latency_us.request.p99 / 1000,
      failures: run.failures,
    };
  } finally {
    await server.stop();
  }
}
