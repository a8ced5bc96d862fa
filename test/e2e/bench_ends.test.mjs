/* SPDX-License-Identifier: MIT */

/*
 * The load generator and its search for a setting when things go wrong: a
 * signal leaves nothing behind, a server that is down is told by kind, and a
 * setting that gives wrong answers is not proposed.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { BENCH, bench } from "../lib/bench.mjs";
import { BUILD, test, until } from "../lib/harness.mjs";
import { allEnded, treeOf } from "../lib/op_process.mjs";
import { diamond, DROPDOWN, tinyApp } from "../lib/tiny_app.mjs";

const APP = path.join(BUILD, "examples/caching_and_signaling.so");

/* Start tune on a grid of one point, with folders in `dir`. */
function tune(scene, load, json) {
  const child = spawn(
    BENCH,
    [
      ...["tune", "--app", APP, "--workers", "1", "--threads", "1"],
      ...(json ? ["--json", json] : []),
      ...["--", "--sessions", "2", "--warmup", "0", ...load],
    ],
    { env: { ...process.env, PH_DEMO_DELAY: "0.01" }, stdio: ["ignore", "pipe", "pipe"] },
  );
  let out = "";

  child.stdout.on("data", (data) => (out += data));
  const ended = new Promise((done) => {
    child.on("close", (status) => done({ status, out }));
  });

  scene.later(() => child.kill("SIGKILL"));
  return { child, ended };
}

const folders = () =>
  fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith("pronghorn-tune-"));

test("SIGTERM during tune leaves no server and no folder", async (t, scene) => {
  const before = folders();
  const { child, ended } = tune(scene, ["--duration", "60"]);

  /* The server with its processes, and the load. */
  await until("server and load", () => treeOf(child.pid).length >= 5);
  const all = treeOf(child.pid);

  child.kill("SIGTERM");
  assert.equal((await ended).status, 128 + 15);
  await allEnded(all);
  assert.deepEqual(folders().filter((name) => !before.includes(name)), []);
});

test("a setting that gives wrong answers is not proposed", async (t, scene) => {
  const json = path.join(scene.dir(), "grid.json");
  const load = ["--scenario", "cold", "--duration", "1", "--check", "points:apples=1,oranges=1,figs=1,pineapples=1"];
  const { status, out } = await tune(scene, load, json).ended;
  const { points } = JSON.parse(fs.readFileSync(json, "utf8"));

  assert.equal(status, 1);
  assert.match(out, /No setting is proposed/);
  assert.ok(points[0].wrong > 0);
  assert.equal(points[0].proposed, false);
});

test("failures and unknown answers are seen in the exit status", async (t, scene) => {
  const callbacks = diamond();
  let count = 0;
  const app = await tinyApp(scene, DROPDOWN, callbacks);
  const load = [app.url, "--quiet", "--sessions", 1, "--rounds", 6, "--scenario", "cold"];
  const file = path.join(scene.dir(), "oracle");

  assert.equal((await bench(...load, "--values", "a,b", "--record", file)).status, 0);
  const unknown = await bench(...load, "--values", "a,b,c", "--oracle", file);

  assert.equal(unknown.status, 4, unknown.err);
  assert.ok(unknown.results.checks.unknown > 0);
  assert.match(unknown.err, /0 failures, 0 wrong answers among them; \d+ answers unknown to the oracle/);
  callbacks["left.children"].give = (ask) =>
    ++count === 3 ? { status: 500 } : { is: ask.inputs[0].value };
  const failed = await bench(...load);

  assert.equal(failed.status, 4, failed.err);
  assert.equal(failed.results.errors.status_5xx, 1);
  assert.match(failed.err, /: 1 failures, 0 wrong/);
});

test("^C in a load shows what it has", async (t, scene) => {
  const app = await tinyApp(scene, DROPDOWN, diamond());
  const json = path.join(scene.dir(), "load.json");
  const child = spawn(
    BENCH,
    [app.url, ...["--sessions", "2", "--duration", "300", "--warmup", "0", "--json", json]],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let out = "";

  child.stdout.on("data", (data) => (out += data));
  const ended = new Promise((done) => child.on("close", done));

  scene.later(() => child.kill("SIGKILL"));
  await until("a few rounds", () => app.seen.length > 200);
  child.kill("SIGINT");
  assert.equal(await ended, 130);
  assert.match(out, /2 sessions, [\d.]+ s measured[^]*round +\d+/);
  assert.ok(JSON.parse(fs.readFileSync(json, "utf8")).rounds > 0);
});

test("a signal to one of several processes ends them all", async (t, scene) => {
  const app = await tinyApp(scene, DROPDOWN, diamond());
  const json = path.join(scene.dir(), "load.json");
  const child = spawn(
    BENCH,
    [
      ...[app.url, "--sessions", "4", "--duration", "300", "--warmup", "0"],
      ...["--processes", "2", "--quiet", "--json", json],
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = new Promise((done) => child.on("close", done));

  scene.later(() => child.kill("SIGKILL"));
  await until("a few rounds", () => app.seen.length > 400);
  child.kill("SIGTERM");
  assert.equal(await ended, 143);
  const { seconds_measured: seconds, rounds, callbacks } = JSON.parse(
    fs.readFileSync(json, "utf8"),
  );

  assert.ok(seconds < 60 && rounds > 0, `${rounds} rounds in ${seconds} s`);
  assert.ok(callbacks <= app.seen.length / 2);
});

test("what is never answered is a failure in the closed model, too", async (t, scene) => {
  let asked = 0;
  const app = await tinyApp(scene, DROPDOWN, diamond(), {
    delay: () => (++asked === 40 ? 100000 : 1),
  });
  const { status, results } = await bench(
    ...[app.url, "--quiet", "--sessions", 3, "--duration", 1, "--timeout", 2],
  );

  assert.equal(status, 4);
  assert.deepEqual(results.errors, { timeout: 1 });
  assert.ok(results.callbacks > 20, "the others went on");
});

test("an answer that comes after the end counts among the latencies", async (t, scene) => {
  const app = await tinyApp(scene, DROPDOWN, diamond(), { delay: () => 700 });
  const { status, results } = await bench(
    ...[app.url, "--quiet", "--sessions", 2, "--duration", 1, "--warmup", 0],
    ...["--no-initial", "--together"],
  );

  /* left and right begin before the first tick of the measured time and end
   * in it; bottom begins in it, and ends when it is over. */
  assert.equal(status, 0);
  assert.equal(results.callbacks, 4);
  assert.equal(results.latency_us.dependent.count, 2);
  assert.ok(results.latency_us.dependent.max >= 700000);
});

test("what cannot be measured is refused", async (t, scene) => {
  const { pid } = spawnSync("true");
  const refused = async (words, ...args) => {
    const { status, err } = await bench("http://127.0.0.1:1", "--quiet", ...args);

    assert.equal(status, 2, err);
    assert.match(err, words);
  };

  await refused(/--server-pid \d+: expected ids of processes that run/, "--server-pid", pid);
  await refused(/--computed .*none/, "--computed", path.join(scene.dir(), "none"));
  const { status, stderr } = spawnSync(BENCH, ["tune", "--app", APP, "--", "--bad"], { encoding: "utf8" });

  assert.equal(status, 2, stderr);
  assert.match(stderr, /unrecognized option '--bad'/);
  assert.doesNotMatch(stderr, /round 1/);
});

test("a server that is down is told by kind", async () => {
  const { status, results } = await bench(
    ...["http://127.0.0.1:1", "--quiet", "--sessions", "3", "--duration", "0.5"],
  );

  assert.equal(status, 3);
  assert.ok(results.errors.connect > 0);
});

/* A fresh connection each time, whose request has been read in full. */
test("a reset after the request is no failed connect", async (t, scene) => {
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      if (data.includes("the end")) socket.resetAndDestroy();
    });
  });

  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  scene.later(() => server.close());
  const { status, results } = await bench(
    ...[`http://127.0.0.1:${server.address().port}`, "--quiet", "--sessions", 2],
    ...["--path", "/x", "--body", "the end", "--rounds", 3, "--warmup", 0, "--duration", 2],
  );

  assert.equal(status, 3);
  assert.ok(results.errors.reset > 0, JSON.stringify(results.errors));
  assert.equal(results.errors.connect, undefined);
});

test("the generator's own limit is not the server's failure", async (t, scene) => {
  const app = await tinyApp(scene, DROPDOWN, diamond());
  const run = (soft, hard) =>
    new Promise((done) => {
      const child = spawn(
        "bash",
        [
          ...["-c", 'ulimit -Sn "$1"; ulimit -Hn "$2"; shift 2; exec "$@"', "bash", soft, hard],
          ...[BENCH, app.url, "--path", "/", "--quiet", "--sessions", "40", "--json", "-"],
          ...["--duration", "1", "--warmup", "0"],
        ].map(String),
        { stdio: ["ignore", "pipe", "pipe"] },
      );
      let out = "";
      let err = "";

      child.stdout.on("data", (data) => (out += data));
      child.stderr.on("data", (data) => (err += data));
      child.on("close", (status) => done({ status, err, errors: JSON.parse(out).errors }));
    });
  const few = await run(16, 16);

  assert.ok(few.errors.own_limit > 0, JSON.stringify(few.errors));
  assert.equal(few.errors.connect, undefined);
  assert.match(few.err, /could not open one more: Too many open files \(it may have 16 descriptors/);
  /* What it may have, it takes. */
  const more = await run(16, 1000);

  assert.equal(more.status, 0, more.err);
  assert.deepEqual(more.errors, {});
});

test("options that mean nothing are refused by name", async () => {
  for (const [args, words] of [
    [["--arrival", "rate:0"], /--arrival rate:0: expected rate: and a number from 0\.001/],
    [["--processes", 3, "--sessions", 2], /--processes 3: expected not more of them than --sessions, which is 2/],
    [["--seed", 1.5], /--seed 1\.5: expected a whole number/],
    [["--values", ""], /--values : expected at least one value/],
    [["--svg", "-"], /--svg -: expected the name of a file/],
  ]) {
    const { status, err } = await bench("http://127.0.0.1:1", ...args);

    assert.equal(status, 2, err);
    assert.match(err, words);
  }
  for (const port of [0, 99999, 4294967376]) {
    const { status, err } = await bench(`http://127.0.0.1:${port}`);

    assert.equal(status, 2, err);
    assert.match(err, /expected a port from 1 to 65535/);
  }
});
