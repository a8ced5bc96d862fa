/* SPDX-License-Identifier: MIT */

/*
 * The search for a setting with config files that are not made for it, with
 * files that cannot be written, and with words that mean nothing to it.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { BENCH, bench } from "../lib/bench.mjs";
import { BUILD, ROOT, test } from "../lib/harness.mjs";

const APP = path.join(BUILD, "examples/caching_and_signaling.so");
const LOAD = ["--", "--sessions", "2", "--duration", "0.4", "--warmup", "0"];

/* Run tune to its end. */
function tune(...args) {
  return new Promise((done) => {
    const child = spawn(BENCH, ["tune", "--app", APP, ...args], {
      env: { ...process.env, PH_DEMO_DELAY: "0.01" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let err = "";

    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (err += data));
    child.on("close", (status) => done({ status, out, err }));
  });
}

/* Ids of processes whose environment or command line has `word`. */
const processesWith = (word) =>
  fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return fs.readFileSync(`/proc/${pid}/environ`, "latin1").includes(word);
      } catch {
        return false;
      }
    });

test("a quiet log and a daemon are settings like others", { seconds: 90 }, async (t, scene) => {
  const mark = `TUNE_TEST_${process.pid}`;

  for (const [name, text] of [
    ["quiet", 'loglevel = "critical"\n'],
    ["daemon", 'daemon = True\nloglevel = "warning"\n'],
  ]) {
    const config = scene.file(`${name}.conf`, `${text}raw_env = ["${mark}=1"]\n`);
    const { status, out, err } = await tune(
      ...["-c", config, "--workers", "1,2", "--threads", "1", ...LOAD],
    );

    assert.equal(status, 0, `${name}: ${err}`);
    assert.match(out, /^Proposed: --workers/m, name);
    assert.doesNotMatch(out, /failed/, name);
    assert.deepEqual(processesWith(mark), [], `${name} leaves a server`);
  }
});

test("a point that fails says why", async (t, scene) => {
  const json = path.join(scene.dir(), "grid.json");
  const config = scene.file("bad.conf", "no_such_setting = 1\n");
  const grid = ["--workers", "1", "--threads", "1", "--json", json];
  const bad = await tune("-c", config, ...grid, ...LOAD);

  assert.equal(bad.status, 3);
  assert.match(bad.err, /no_such_setting/);
  assert.match(bad.err, /could not be run: the server ended with status 1 before it served/);
  assert.match(bad.out, /failed {2}the server ended with status 1 before it served/);
  assert.match(JSON.parse(fs.readFileSync(json)).points[0].why, /before it served/);
  const none = await tune(...grid, ...LOAD, "--control", "nobody.here");

  assert.equal(none.status, 3);
  assert.match(none.out, /failed {2}the load ended with status 3/);
});

test("a file that cannot be written is told before the first point", async (t, scene) => {
  const dir = scene.dir();
  const kept = scene.file("kept.json", "old");

  for (const [option, file] of [
    ["--json", path.join(dir, "none/grid.json")],
    ["--svg", path.join(dir, "none/grid.svg")],
    ["--svg", dir],
    ["--svg", "-"],
  ]) {
    const { status, err } = await tune("--json", kept, option, file, ...LOAD);

    assert.equal(status, 2, file);
    assert.ok(err.startsWith(`pronghorn-bench: ${option} ${file}: `), err);
    assert.doesNotMatch(err, /round 1/);
    /* The load itself looks first, too. */
    const load = spawnSync(BENCH, ["http://127.0.0.1:1", option, file], { encoding: "utf8" });

    assert.equal(load.status, 2, load.stderr);
    assert.ok(load.stderr.startsWith(`pronghorn-bench: ${option} ${file}: `), load.stderr);
  }
  assert.equal(fs.readFileSync(kept, "utf8"), "old");
});

test("what means nothing to tune is refused", async (t, scene) => {
  const file = path.join(scene.dir(), "x");
  const refused = async (words, ...args) => {
    const { status, err } = await tune(...args);

    assert.equal(status, 2, err);
    assert.match(err, words);
    assert.doesNotMatch(err, /round 1/);
  };

  for (const option of ["json", "svg", "record"])
    await refused(
      new RegExp(`--${option} after -- is tune's own to give`),
      ...[...LOAD, `--${option}`, file],
    );
  await refused(/--server-pid after -- is tune's own/, ...LOAD, "--server-pid", process.pid);
  await refused(/--workers: expected each number once, and 2 is there twice/, "--workers", "2,1,2");
  await refused(/--repeat: expected a number from 1 to 9/, "--repeat", "0");
  assert.equal(fs.existsSync(file), false);
});

test("one worker is one worker", async (t, scene) => {
  const svg = path.join(scene.dir(), "grid.svg");
  const { status, err } = await tune("--workers", "1,2", "--threads", "1", "--svg", svg, ...LOAD);
  const text = fs.readFileSync(svg, "utf8");

  assert.equal(status, 0, err);
  assert.match(err, /: 1 worker, 1 thread\n/);
  assert.match(text, />1 worker</);
  assert.match(text, />2 workers</);
  assert.match(text, />1 thread</);
  assert.doesNotMatch(text, />1 (workers|threads)</);
});

/* As it is printed, but for the time that it takes. */
test("the guide's lines measure the example that they name", { seconds: 90 }, async (t, scene) => {
  const text = fs.readFileSync(path.join(ROOT, "docs/guide/text/tune.md"), "utf8");
  const [, app] = /^make run APP=(\w+) BIND=127\.0\.0\.1:8001$/m.exec(text);
  const [, words] = /^build\/pronghorn-bench http:\/\/127\.0\.0\.1:8001\/ (.*)$/m.exec(text);
  const [, tuned] = /^build\/pronghorn-bench tune --app build\/(.*)$/m.exec(text);
  const server = await scene.start({
    app: path.join(BUILD, "examples", `${app}.so`),
    env: { PH_DEMO_DELAY: "0.01" },
  });
  const few = words.replace("--sessions 200", "--sessions 2").replace("--duration 20", "--duration 1");
  const { status, err, results } = await bench(`http://${server.host}/`, ...few.split(" "));

  assert.match(text, /^make build\/pronghorn-bench$/m);
  assert.equal(status, 0, err);
  assert.ok(results);
  assert.ok(fs.existsSync(path.join(BUILD, tuned)));
});
