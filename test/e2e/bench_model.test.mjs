/* SPDX-License-Identifier: MIT */

/*
 * The model of the load: sessions come when they were told to, the warm-up is
 * not measured, and rounds count from when they were due. The arithmetic
 * behind it has units (test/unit/bench/schedule_test.c).
 */
import assert from "node:assert/strict";
import http from "node:http";
import { bench } from "../lib/bench.mjs";
import { test } from "../lib/harness.mjs";
import { asks, diamond, DROPDOWN, tinyApp } from "../lib/tiny_app.mjs";

/* Two sessions, 50 rounds due per second, and an app that stands still. */
test("rounds of sessions count from when they were due", async (t, scene) => {
  let stalled = 0;
  let count = 0;
  const app = await tinyApp(scene, DROPDOWN, diamond(), {
    delay: (ask) => {
      count += ask.output === "left.children";
      /* When half a second has been measured. */
      if (count === 60 && stalled === 0) stalled = Date.now() + 1000;
      return Math.max(0, stalled - Date.now());
    },
  });
  const { status, results, err } = await bench(
    ...[app.url, "--sessions", 2, "--rate", 50, "--duration", 3],
    ...["--warmup", 0.5, "--no-initial"],
  );

  assert.equal(status, 0, err);
  const { round, signal } = results.latency_us;

  /* A third of the rounds fell into it and waited half a second on average. */
  assert.equal(round.count, results.starts_due);
  assert.ok(round.p90 > 300000, `${round.p90} us`);
  assert.ok(signal.p90 > 300000, `${signal.p90} us`);
  assert.ok(round.max > 900000, `${round.max} us`);
});

test("the warm-up is not measured", async (t, scene) => {
  let seen = 0;
  const server = http.createServer((request, response) => {
    seen++;
    response.end("ok");
  });

  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  scene.later(() => server.close());
  const { status, results } = await bench(
    ...[`http://127.0.0.1:${server.address().port}`, "--path", "/"],
    ...["--rate", 200, "--sessions", 4, "--warmup", 1, "--duration", 0.5],
  );

  server.closeAllConnections?.();
  assert.equal(status, 0);
  const before = seen - results.starts_due;

  assert.ok(before >= 0.9 * 200, `${before} requests before it measured`);
  assert.ok(results.seconds_measured >= 0.5);
  assert.ok(results.latency_us.request.count <= 200 * (results.seconds_measured + 0.02));
});

test("sessions arrive at a rate", async (t, scene) => {
  const app = await tinyApp(scene, DROPDOWN, diamond());
  const load = [app.url, "--scenario", "cold", "--sessions", 16];
  const rate = await bench(...load, "--arrival", "rate:20");

  assert.equal(rate.status, 0, rate.err);
  /* The last of them comes after fifteen twentieths of a second. */
  assert.ok(rate.results.seconds_measured >= 0.74, `${rate.results.seconds_measured} s`);
  assert.equal(asks(app, "bottom.children").length, 16);
  for (const wrong of ["rate:0", "rate:", "soon"])
    assert.equal((await bench(...load, "--arrival", wrong)).status, 2);
});
