/* SPDX-License-Identifier: MIT */

/*
 * The benchmark's real browsers: what they measure adds up, and the time they
 * wait for the server is the server's.
 */
import assert from "node:assert/strict";
import { findChromium, runBrowsers } from "../bench/browsers.mjs";
import { test } from "../lib/harness.mjs";

const DELAY = 1;

test("where the time of a change goes", { seconds: 180 }, async (t, scene) => {
  const found = await findChromium();

  assert.equal(found.why, undefined);
  const server = await scene.start({
    workers: 2,
    threads: 2,
    env: { PH_DEMO_DELAY: String(DELAY) },
  });
  const { runs } = await runBrowsers(found, server.url, 2, [
    { cache: "cold", value: "oranges" },
    { cache: "warm", value: "apples" },
    { cache: "warm", value: "oranges" },
  ]);

  assert.equal(runs.length, 3);
  for (const { cache, times } of runs) {
    assert.equal(times.length, 2);
    for (const time of times) {
      const { data, drawn, server: waited, before, between } = time;

      t.diagnostic(
        `${cache}: ${Object.entries(time)
          .map(([name, ms]) => `${name} ${ms.toFixed(1)}`)
          .join(", ")} ms`,
      );
      for (const ms of [before, between, waited]) assert.ok(ms >= 0, `${ms} ms`);
      assert.ok(data <= drawn);
      /* The rest of data is reading answers and requests that waited. */
      assert.ok(before + between + waited <= data + 2);
    }
    /* Who asks first waits for all of it, who comes later for the rest. */
    const longest = Math.max(...times.map((time) => time.server));

    if (cache === "cold") assert.ok(longest >= DELAY * 1000 - 50, `${longest} ms`);
  }
  /* Both asked for one value at the same time: it was computed once. */
  assert.equal(server.computations().length, 2);
});
