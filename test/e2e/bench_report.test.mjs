/* SPDX-License-Identifier: MIT */

/*
 * No number of the benchmarks is written by hand: docs/BENCHMARKS.md and the
 * lines of README.md are what the script makes of the results beside them.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { ROOT, test } from "../lib/harness.mjs";

const REPORT = path.join(ROOT, "test/bench/report.mjs");
const RESULTS = path.join(ROOT, "docs/benchmarks/results.json");
const read = (file) => fs.readFileSync(path.join(ROOT, file), "utf8");

/* The page that `results` give, and the names of its pictures. */
function page(scene, results) {
  const dir = scene.dir();
  const file = path.join(dir, "in.json");
  const output = path.join(dir, "BENCHMARKS.md");

  fs.writeFileSync(file, JSON.stringify(results));
  execFileSync(process.execPath, [REPORT, "--output", output, file]);
  return {
    text: fs.readFileSync(output, "utf8"),
    pictures: fs.readdirSync(path.join(dir, "benchmarks")),
  };
}

test("docs/BENCHMARKS.md comes from its file of results", (t, scene) => {
  const { text, pictures } = page(scene, JSON.parse(fs.readFileSync(RESULTS)));

  assert.equal(text, read("docs/BENCHMARKS.md"));
  for (const [, name] of text.matchAll(/\(benchmarks\/([\w-]+\.svg)\)/g)) {
    assert.ok(pictures.includes(name), name);
    assert.ok(fs.existsSync(path.join(ROOT, "docs/benchmarks", name)), name);
  }
});

test("so do the numbers in README.md", (t, scene) => {
  const file = path.join(scene.dir(), "README.md");
  const text = read("README.md");

  fs.writeFileSync(
    file,
    text.replace(/(<!-- bench:begin -->)[^]*(<!-- bench:end -->)/, "$1\nold\n$2"),
  );
  execFileSync(process.execPath, [REPORT, "--readme", "--output", file, RESULTS]);
  assert.equal(fs.readFileSync(file, "utf8"), text);
});

test("what a run misses is said to be missed", (t, scene) => {
  const results = JSON.parse(fs.readFileSync(RESULTS));
  const { pronghorn, "gunicorn-redis": peer } = results.warm.peers;
  const verdict = (text, words) =>
    text.split("\n").find((line) => line.includes(words))?.endsWith("| **missed** |");
  const words = "callbacks/s of gunicorn + Flask-Caching + Redis";

  pronghorn.callbacks_per_s.median = 31 * peer.callbacks_per_s.median;
  assert.equal(verdict(page(scene, results).text, words), false);
  pronghorn.callbacks_per_s.median = 29.5 * peer.callbacks_per_s.median;
  const { text } = page(scene, results);

  assert.equal(verdict(text, words), true);
  assert.match(text, /29\.5 times as many/);

  /* A part that was not run is not spoken of. */
  delete results.warm;
  delete results.scale;
  delete results.browsers;
  const less = page(scene, results).text;

  assert.doesNotMatch(less, /## Warm|## Scale|## Real browsers|NaN|undefined/);
});

test("what is no file of results", (t, scene) => {
  for (const text of ["{}", "no JSON", '{"schema":2,"warm":{}}']) {
    const { status, stderr } = spawnSync(
      process.execPath,
      [REPORT, "--output", path.join(scene.dir(), "x.md"), scene.file("in.json", text)],
      { encoding: "utf8" },
    );

    assert.equal(status, 1);
    assert.match(stderr, /^report: /);
  }
});
