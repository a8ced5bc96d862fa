/* SPDX-License-Identifier: MIT */

/*
 * The script of the benchmarks when it is ended early: whoever it has started,
 * and whoever those have started, is gone, and so is its folder.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { BUILD, ROOT, test, until } from "../lib/harness.mjs";
import { allEnded, treeOf } from "../lib/op_process.mjs";

const folders = () => fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith("ph-bench-"));

/* Run `text` as a script of test/bench; `modules` are imported from there. */
function script(scene, text) {
  const file = scene.file("script.mjs", text);
  const child = spawn(process.execPath, [file, BUILD], {
    env: { ...process.env, BENCH_DIR: path.join(ROOT, "test/bench") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";

  child.stdout.on("data", (data) => (out += data));
  const ended = new Promise((done) => child.on("close", done));

  scene.later(() => child.kill("SIGKILL"));
  return { child, ended, text: () => out };
}

/* A peer with two processes, that hold on and write; and a generator. */
const PEERS = `
import fs from "node:fs";
const dir = process.env.BENCH_DIR;
const { execute, freshDir } = await import(dir + "/common.mjs");
const { launch } = await import(dir + "/peers/peers.mjs");
const where = freshDir("peer");
fs.mkdirSync(where, { recursive: true });
const busy = "trap '' TERM HUP; while :; do : > file-$$-$((n += 1)); sleep 0.01; done";
launch("bash", ["-c", 'bash -c "$1" & bash -c "$1" & wait', "bash", busy], { dir: where });
void execute("sleep", ["300"]);
console.log(where);
`;

for (const [sig, status] of [["SIGTERM", 143], ["SIGHUP", 129]])
  test(`${sig} to the benchmarks leaves no process and no folder`, async (t, scene) => {
    const before = folders();
    const run = script(scene, PEERS);

    /* node, the peer's three, what they wait for, and the generator. */
    await until("all processes", () => run.text() !== "" && treeOf(run.child.pid).length >= 5);
    const all = treeOf(run.child.pid);

    scene.later(() => {
      for (const pid of all) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          /* gone, as it should be */
        }
      }
    });
    run.child.kill(sig);
    const got = await run.ended;

    await allEnded(all, 5);
    assert.deepEqual(folders().filter((name) => !before.includes(name)), []);
    assert.equal(got, status);
  });

test("a priority that is none is told in one sentence", () => {
  for (const value of ["abc", "1.5", "-21", "20"]) {
    const { status, stderr } = spawnSync(
      process.execPath,
      [path.join(ROOT, "test/bench/run.mjs"), BUILD],
      { encoding: "utf8", env: { ...process.env, PRIORITY: value, ONLY: "cache" } },
    );

    assert.equal(status, 2, stderr);
    assert.equal(stderr, `bench: PRIORITY=${value}: expected a whole number from -20 to 19\n`);
  }
});
