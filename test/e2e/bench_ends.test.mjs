/* SPDX-License-Identifier: MIT */

/*
 * The load generator and its search for a setting when things go wrong: a
 * signal leaves nothing behind, a server that is down is told by kind, and a
 * setting that gives wrong answers is not proposed.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { BENCH, bench } from "../lib/bench.mjs";
import { BUILD, test, until } from "../lib/harness.mjs";
import { allEnded, treeOf } from "../lib/op_process.mjs";

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

test("a server that is down is told by kind", async () => {
  const { status, results } = await bench(
    ...["http://127.0.0.1:1", "--quiet", "--sessions", "3", "--duration", "0.5"],
  );

  assert.equal(status, 3);
  assert.ok(results.errors.connect > 0);
});
