/* SPDX-License-Identifier: MIT */

/*
 * The load generator itself: does it hit the rate it was told, does it run
 * callbacks in the order browsers do, does it notice wrong answers?
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { BENCH, bench } from "../lib/bench.mjs";
import { certificate } from "../lib/certificate.mjs";
import { BUILD, SLOW, test } from "../lib/harness.mjs";
import { asks, diamond, DROPDOWN, tinyApp } from "../lib/tiny_app.mjs";

/* ---- tests -------------------------------------------------------------------- */

test("a diamond of callbacks runs as in a browser", async (t, scene) => {
  const app = await tinyApp(scene, DROPDOWN, diamond(), {
    delay: (ask) => (ask.output === "right.children" ? 40 : 1),
  });
  const { status, results } = await bench(
    ...[app.url, "--sessions", 1, "--rounds", 5, "--scenario", "cold"],
    ...["--check", "same"],
  );

  assert.equal(status, 0);
  assert.equal(results.rounds, 5);
  assert.equal(results.callbacks, 15);
  assert.equal(results.latency_us.signal.count, 10);
  assert.equal(results.latency_us.dependent.count, 5);
  assert.equal(app.most, 2, "left and right run at the same time");
  for (const bottom of asks(app, "bottom.children")) {
    const [left, right] = bottom.inputs;

    assert.equal(left.value, right.value, "values of one and the same round");
    assert.equal(bottom.state[0].value, left.value);
    assert.deepEqual(bottom.changedPropIds, [
      "left.children",
      "right.children",
    ]);
    assert.deepEqual(bottom.outputs, { id: "bottom", property: "children" });
  }
  /* bottom once per round, never before both answers. */
  const order = app.seen.map((one) => `${one.output} ${one.step}`);

  for (let i = 0; i < order.length; i += 6)
    assert.deepEqual(order.slice(i + 3, i + 6), [
      "right.children answer",
      "bottom.children ask",
      "bottom.children answer",
    ]);
  const picks = asks(app, "left.children").map((one) => one.inputs[0].value);

  for (let i = 1; i < picks.length; i++)
    assert.notEqual(picks[i], picks[i - 1], "a change changes something");
});

test("a page's first callbacks wait for each other", async (t, scene) => {
  const callbacks = diamond();

  callbacks["extra.children"] = {
    inputs: ["pick.value"],
    more: { prevent_initial_call: true },
    give: () => ({ is: 1 }),
  };
  const app = await tinyApp(scene, DROPDOWN, callbacks);
  const { status } = await bench(
    ...[app.url, "--sessions", 1, "--rounds", 1, "--values", "b"],
  );

  assert.equal(status, 0);
  /* Twice a load (the first asks for every value), one round, one prime. */
  const first = asks(app, "left.children")[0];
  const bottom = asks(app, "bottom.children")[0];

  assert.deepEqual(first.changedPropIds, []);
  assert.equal(first.inputs[0].value, "a");
  assert.equal(bottom.inputs[0].value, "a");
  assert.equal(asks(app, "extra.children").length, 2);
  assert.equal(asks(app, "left.children").length, 4);
});

test("no answer, no dependents; set_props sets them off", async (t, scene) => {
  const callbacks = {
    "left.children": { inputs: ["pick.value"], give: () => undefined },
    "right.children": {
      inputs: ["left.children"],
      give: () => ({ is: "never" }),
    },
    "bottom.children": {
      inputs: ["pick.value"],
      give: () => ({
        is: 1,
        more: { sideUpdate: { extra: { title: "by the way" } } },
      }),
    },
    "extra.children": {
      inputs: ["extra.title"],
      more: { prevent_initial_call: true },
      give: (ask) => ({ is: ask.inputs[0].value }),
    },
  };
  const app = await tinyApp(scene, DROPDOWN, callbacks);
  const { status, results } = await bench(
    ...[app.url, "--sessions", 1, "--rounds", 3, "--scenario", "cold"],
  );

  assert.equal(status, 0);
  assert.equal(results.failures, 0);
  assert.equal(asks(app, "right.children").length, 0);
  assert.equal(asks(app, "extra.children").length, 3);
  assert.equal(asks(app, "extra.children")[0].inputs[0].value, "by the way");
});

test("several processes share the sessions, and their counts are added", async (t, scene) => {
  const app = await tinyApp(scene, DROPDOWN, diamond());
  const cold = await bench(
    ...[app.url, "--sessions", 5, "--rounds", 4, "--scenario", "cold"],
    ...["--processes", 3, "--check", "same"],
  );
  const ones = await bench(
    ...[app.url, "--sessions", 5, "--rounds", 4, "--scenario", "cold"],
    ...["--check", "same"],
  );

  assert.equal(cold.status, 0);
  assert.equal(cold.results.sessions, 5);
  assert.equal(cold.results.rounds, 20);
  for (const name of ["callbacks", "requests", "loads"])
    assert.equal(cold.results[name], ones.results[name], name);
  assert.equal(cold.results.latency_us.round.count, 20);
  assert.equal(cold.results.generator.processes, 3);
  assert.ok(cold.results.generator.cpu_share <= cold.results.generator.cores);
  /* One of them asks for every value before a warm run, not each. */
  const before = asks(app, "left.children").length; /* of three values */
  const warm = await bench(
    ...[app.url, "--sessions", 4, "--rounds", 1, "--no-initial"],
    ...["--processes", 2],
  );

  assert.equal(warm.status, 0);
  assert.equal(asks(app, "left.children").length - before, 4 + 3);
  /* What cannot be shared. */
  assert.equal((await bench(app.url, "--sessions", 2, "--processes", 3)).status, 2);
  assert.equal(
    (await bench(app.url, "--processes", 2, "--record", "x")).status,
    2,
  );
});

test("its CPU share is what the kernel says", async (t, scene) => {
  const app = await tinyApp(scene, DROPDOWN, diamond());
  const json = path.join(scene.dir(), "load.json");
  const words = [app.url, "--quiet", "--json", json, "--sessions", "4"];

  for (const more of [[], ["--processes", "2"]]) {
    const child = spawn("bash", [
      ...["-c", 'TIMEFORMAT="%U %S"; time "$@"', "time", BENCH, ...words, ...more],
      ...["--warmup", "0", "--duration", "3"],
    ]);
    let stderr = "";

    child.stderr.on("data", (data) => (stderr += data));
    await new Promise((done) => child.on("close", done));
    const used = stderr.trim().split(/\s+/).slice(-2).reduce((a, b) => a + Number(b), 0);
    const { generator, seconds_measured: seconds } = JSON.parse(fs.readFileSync(json));
    const said = generator.cores * seconds;

    /* It also starts, loads pages and writes. */
    assert.ok(said <= used + 0.1 && said > used * 0.6 - 0.1, `${said} of ${used}`);
    assert.ok(generator.cpu_share <= generator.cores);
    assert.ok(generator.cpu_share * generator.processes >= generator.cores * 0.99);
  }
});

test("at most six connections per session", async (t, scene) => {
  const callbacks = {};

  for (let i = 0; i < 10; i++)
    callbacks[`left.p${i}`] = { inputs: ["pick.value"], give: () => ({ is: i }) };
  const app = await tinyApp(scene, DROPDOWN, callbacks, { delay: () => 20 });
  const { results } = await bench(
    ...[app.url, "--sessions", 1, "--rounds", 2, "--scenario", "cold"],
  );

  assert.equal(app.most, 6);
  assert.equal(results.callbacks, 20);
  assert.equal(results.generator.connections, 6);
});

test("wrong answers are found", async (t, scene) => {
  const callbacks = diamond();
  let count = 0;

  callbacks["left.children"].give = (ask) => ({
    is: ++count === 7 ? "wrong" : ask.inputs[0].value,
  });
  const app = await tinyApp(scene, DROPDOWN, callbacks);
  const load = [
    ...[app.url, "--sessions", 1, "--rounds", 20, "--scenario", "cold"],
  ];
  const { status, results } = await bench(...load, "--check", "same");

  assert.equal(status, 1);
  assert.ok(results.checks.wrong >= 1);
  assert.ok(results.errors.wrong_answer >= 1);

  /* The same against a file of right answers; now all are right. */
  const file = path.join(scene.dir(), "oracle");
  const record = await bench(...load, "--record", file);

  assert.equal(record.status, 0);
  assert.equal((await bench(...load, "--oracle", file)).status, 0);
  count = 0;
  const again = await bench(...load, "--oracle", file);

  assert.equal(again.status, 1);
  fs.writeFileSync(file, "no JSON\n");
  assert.equal((await bench(...load, "--oracle", file)).status, 2);
});

test("errors are counted by kind", async (t, scene) => {
  const callbacks = diamond();
  let count = 0;

  callbacks["left.children"].give = (ask) =>
    ++count % 2 === 0 ? { status: 500 } : { is: ask.inputs[0].value };
  callbacks["right.children"].give = (ask) =>
    count % 3 === 0 ? "<html>" : { is: ask.inputs[0].value };
  const app = await tinyApp(scene, DROPDOWN, callbacks);
  const { results, status } = await bench(
    ...[app.url, "--sessions", 1, "--rounds", 12, "--scenario", "cold"],
  );

  assert.equal(results.errors.status_5xx, 6);
  assert.ok(results.errors.not_json >= 1);
  assert.equal(status, 1);
  assert.ok(results.rounds < 12, "rounds that failed do not count");
});

test("callbacks in a circle end the round", async (t, scene) => {
  const app = await tinyApp(scene, DROPDOWN, {
    "left.children": {
      inputs: ["pick.value", "right.children"],
      give: () => ({ is: 1 }),
    },
    "right.children": { inputs: ["left.children"], give: () => ({ is: 1 }) },
  });
  const { results } = await bench(
    ...[app.url, "--sessions", 1, "--rounds", 1, "--scenario", "cold"],
  );

  assert.ok(results.errors.callback_loop >= 1);
});

test("nobody there", async () => {
  const { status, err } = await bench("http://127.0.0.1:1", "--duration", 1);

  assert.equal(status, 3);
  assert.match(err, /the page cannot be loaded/);
  assert.equal((await bench("ftp://x")).status, 2);
  assert.equal((await bench()).status, 2);
  assert.equal((await bench("http://x", "--sessions", "0")).status, 2);
});

test("a known rate is hit within 1 %", async (t, scene) => {
  const server = await scene.start({ workers: 1 });
  const rate = SLOW > 1 ? 200 : 2000;
  const miss = async (spacing) => {
    const { status, results } = await bench(
      ...[server.url, "--path", "/_ph/health", "--rate", rate],
      ...["--duration", 3, "--warmup", 0.5, "--sessions", 64],
      ...["--spacing", spacing],
    );
    const due = rate * results.seconds_measured;

    t.diagnostic(
      `${spacing}: ${results.requests_per_s.toFixed(1)}/s of ${rate}/s, ` +
        `p99 ${results.latency_us.request.p99} us`,
    );
    assert.equal(status, 0);
    assert.equal(results.latency_us.request.count, results.starts_due);
    /* How many are due at random times varies by the root of their number. */
    if (spacing === "exp")
      assert.ok(Math.abs(results.starts_due - due) <= 4 * Math.sqrt(due));
    const wanted = spacing === "exp" ? results.starts_due : due;

    return Math.max(
      Math.abs(results.requests - wanted),
      Math.abs(results.starts_due - wanted),
    ) / wanted;
  };

  /* What stands still for 30 ms at an end of the time is the machine. */
  for (const spacing of ["constant", "exp"]) {
    const misses = [];

    for (let i = 0; i < 3 && !misses.some((one) => one <= 0.01); i++)
      misses.push(await miss(spacing));
    assert.ok(Math.min(...misses) <= 0.01, `${spacing}: ${misses}`);
  }
});

/* The line is for people only: on a terminal, which script(1) gives. */
test("progress is shown while it runs", async (t, scene) => {
  const app = await tinyApp(scene, DROPDOWN, diamond(), { delay: () => 5 });
  const command = [
    ...[BENCH, app.url, "--sessions", 3, "--duration", 2.5, "--warmup", 0],
    ...["--think", "constant:0.05"],
  ].join(" ");
  const run = (program, args) =>
    new Promise((done, fail) => {
      const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
      let out = "";

      child.stdout.on("data", (data) => (out += data));
      child.stderr.on("data", (data) => (out += data));
      child.on("error", fail);
      child.on("close", (status) => done({ status, out }));
    });
  const seen = await run("script", ["-qec", command, "/dev/null"]);

  assert.equal(seen.status, 0, seen.out);
  assert.match(
    seen.out,
    /\rmeasuring +\d\.\d s {2}3\/3 sessions {2}\d+ requests\/s {2}\d+ connections {2}0 errors/,
  );
  assert.match(seen.out, /\d+ sessions, [\d.]+ s measured/);
  assert.doesNotMatch(seen.out, /-\d+\.\d s/);
  const plain = await run("sh", ["-c", command]);

  assert.equal(plain.status, 0, plain.out);
  assert.doesNotMatch(plain.out, /\r/);
});

test("computations are counted in the server's log", async (t, scene) => {
  const log = scene.file("log", "Computing value with before\n");
  const known = new Set();
  const callbacks = diamond();

  callbacks["left.children"].give = (ask) => {
    const { value } = ask.inputs[0];

    if (!known.has(value)) fs.appendFileSync(log, `Computing value with ${value}\n`);
    known.add(value);
    return { is: value };
  };
  const app = await tinyApp(scene, DROPDOWN, callbacks);
  const args = [app.url, "--sessions", 3, "--rounds", 10, "--scenario", "cold"];
  const first = await bench(...args, "--computed", log);

  assert.equal(first.status, 0, first.err);
  assert.equal(first.results.computations, 3);
  const again = await bench(...args, "--computed", `${log}:value with`);

  assert.equal(again.results.computations, 0);
  assert.equal((await bench(...args, "--computed", ":")).status, 2);
});

/* All kinds of pauses between rounds: their means, and what a seed repeats. */
test("think times and seeds", async (t, scene) => {
  const app = await tinyApp(scene, DROPDOWN, diamond());
  const load = ["--sessions", 1, "--rounds", 12, "--scenario", "cold"];
  const picks = async (...more) => {
    app.seen.length = 0;
    const { status, results, err } = await bench(app.url, ...load, ...more);

    assert.equal(status, 0, err);
    return {
      seconds: results.seconds_measured,
      values: asks(app, "left.children").map((ask) => ask.inputs[0].value).join(""),
    };
  };
  const one = await picks("--seed", 7, "--think", "constant:0.05");
  const same = await picks("--seed", 7, "--think", "constant:0.05");
  const other = await picks("--seed", 8, "--think", "uniform:0.02,0.08");
  const exp = await picks("--seed", 7, "--think", "exp:0.05");

  assert.equal(one.values, same.values);
  assert.notEqual(one.values, other.values);
  /* Eleven pauses; nothing but the pauses has a lower bound. */
  for (const { seconds } of [one, same]) assert.ok(seconds >= 11 * 0.05);
  assert.ok(other.seconds >= 11 * 0.02);
  assert.ok(exp.seconds > 0.05, `${exp.seconds} s`);
  for (const wrong of ["uniform:2,1", "exp:-1", "soon"])
    assert.equal((await bench(app.url, "--think", wrong)).status, 2);
});

test("plots are whole SVG files", async (t, scene) => {
  const app = await tinyApp(scene, DROPDOWN, diamond());
  const svg = path.join(scene.dir(), "plot.svg");
  const { status } = await bench(
    ...[app.url, "--sessions", 2, "--duration", 1.2, "--warmup", 0],
    ...["--scenario", "mixed", "--arrival", "rate:20", "--svg", svg],
  );

  assert.equal(status, 0);
  const text = fs.readFileSync(svg, "utf8");

  assert.match(text, /^<svg .*<\/svg>\n$/s);
  for (const words of ["percentile", "latency, ms", "per second", "round", "dependent"])
    assert.ok(text.includes(words), words);
});

/* A server that stands still for a second: who was due must be seen to wait. */
test("a stall is not omitted", async (t, scene) => {
  let stalled = 0;
  const server = http.createServer((request, response) => {
    const wait = stalled - Date.now();

    setTimeout(() => response.end("ok"), Math.max(0, wait));
  });

  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  scene.later(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}`;

  setTimeout(() => (stalled = Date.now() + 1000), 1500);
  const { results } = await bench(
    ...[url, "--path", "/", "--rate", 200, "--sessions", 4],
    ...["--duration", 4, "--warmup", 0.5],
  );

  server.closeAllConnections?.();
  /* A quarter of the starts fell into the stall and waited half of it. */
  assert.equal(results.latency_us.request.count, results.starts_due);
  assert.ok(results.latency_us.request.p90 > 300000);
  assert.ok(results.latency_us.request.max > 900000);
  /* Half of them came while nothing stood still, on a busy machine, too. */
  assert.ok(results.latency_us.request.p50 < 250000 * SLOW);
});

test("tune proposes a setting", { seconds: 120 }, async (t, scene) => {
  const svg = path.join(scene.dir(), "grid.svg");
  const log = path.join(scene.dir(), "access.log");
  const good = scene.file("good.conf", `accesslog = "${log}"\nloglevel = "info"\n`);
  const bad = scene.file("bad.conf", "worker_class_of_mine = 1\n");
  const tune = (config, workers) =>
    new Promise((done) => {
      const process_ = spawn(BENCH, [
        ...["tune", "--app", path.join(BUILD, "examples/caching_and_signaling.so")],
        ...["-c", config, "--workers", workers, "--threads", "1"],
        ...["--svg", svg, "--json", "-"],
        ...["--", "--sessions", "4", "--duration", "0.5", "--warmup", "0"],
      ], { env: { ...process.env, PH_DEMO_DELAY: "0.01" } });
      let out = "";

      process_.stdout.on("data", (data) => (out += data));
      process_.on("close", (status) => done({ status, out }));
    });
  const child = await tune(good, "1,2");

  assert.equal(child.status, 0);
  assert.ok(fs.readFileSync(log, "utf8").includes("/_dash-update-component"));
  assert.match(child.out, /^Proposed: --workers [12] --threads 1, as its p99/m);
  const { points } = JSON.parse(child.out.slice(child.out.indexOf("{")));

  assert.equal(points.length, 2);
  assert.equal(points.filter((point) => point.proposed).length, 1);
  for (const point of points) {
    assert.ok(point.callbacks_per_s > 0);
    assert.ok(point.pss_mb > 0);
  }
  const most = Math.max(...points.map((point) => point.callbacks_per_s));
  const near = points.filter((point) => point.callbacks_per_s >= 0.95 * most);
  const least = Math.min(...near.map((point) => point.p99_ms));
  const [best] = near
    .filter((point) => point.p99_ms <= 1.02 * least)
    .sort((a, b) => a.pss_mb - b.pss_mb);

  assert.equal(best.proposed, true, JSON.stringify(points));
  assert.match(fs.readFileSync(svg, "utf8"), /^<svg .*<\/svg>\n$/s);
  /* A server that speaks TLS says so, and is spoken to in kind. */
  const { cert, key } = certificate(scene.dir());
  const secure = scene.file("tls.conf", `certfile = "${cert}"\nkeyfile = "${key}"\n`);

  assert.equal((await tune(secure, "1")).status, 0);

  /* A server that does not start is no point to propose. */
  const none = await tune(bad, "1");

  assert.notEqual(none.status, 0);
  assert.doesNotMatch(none.out, /Proposed/);
});
