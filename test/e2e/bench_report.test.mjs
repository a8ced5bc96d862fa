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

test("sentences follow from the numbers", (t, scene) => {
  const results = JSON.parse(fs.readFileSync(RESULTS));
  const share = (value) => {
    for (const row of [...Object.values(results.warm.peers), ...results.scale.points])
      row.generator_share = { median: value, min: value, max: value };
    return page(scene, results).text;
  };

  assert.match(share(0.95), /used more than 80 % of a core in (\d+) of the \1 rows[^]*lower bound of what the server can do/);
  assert.match(share(0.95), /while Pronghorn was measured warm[^\n]*\*\*missed\*\*/);
  assert.match(share(0.4), /used at most 0\.40 of a core in the rows of Warm and Scale, so it was not their limit/);
  assert.match(share(0.4), /while Pronghorn was measured warm[^\n]*\| met \|/);
});

/* One pair of points says nothing; all have to agree. */
test("how the cost grows is said only when all points agree", (t, scene) => {
  const results = JSON.parse(fs.readFileSync(RESULTS));
  const points = results.scale.points.filter(({ sessions }) => sessions < 10000);
  /* cost(point): its median, or [min, median, max] of several runs. */
  const words = (cost) => {
    for (const point of points) {
      const [min, median, max] = [cost(point)].flat();

      point.cpu_us_per_request = median === undefined ? { median: min, min, max: min } : { median, min, max };
      point.runs = median === undefined ? 1 : 3;
    }
    const { text } = page(scene, results);

    return {
      text,
      sessions: text.match(/More sessions\*\*: ([^\n]+)/)[1],
      workers: text.match(/More workers\*\*: ([^\n]+)/)[1],
    };
  };
  const grows = words(({ sessions }) => 10 + Math.log10(sessions));

  assert.match(grows.sessions, /cost 1\.18 to 1\.18 times the CPU [^:]*: more in each of the comparisons \(each point was run once/);
  assert.match(grows.workers, /no more and no less in any/);
  assert.match(words(({ workers }) => 20 - workers).workers, /less in each of the comparisons/);

  /* One point that is off, as single runs are: nothing is said of workers. */
  const odd = words(({ workers, sessions }) => (workers === 1 && sessions === 10 ? 18 : 12));

  assert.match(odd.workers, /less in 1, the same in 2 of 3 comparisons, so this run does not tell/);
  assert.match(odd.sessions, /so this run does not tell/);
  const both = words(({ workers, sessions }) => (workers === 1 ? 12 : sessions === 10 ? 9 : 15));

  assert.match(both.workers, /more in 2, less in 1 of 3 comparisons, so this run does not tell/);

  /* Runs that overlap are no difference, however far their medians are. */
  const wide = words(({ sessions }) => (sessions === 10 ? [8, 10, 15] : [9, 14, 16]));

  assert.match(wide.sessions, /no more and no less in any [^(]*\(spreads of 3 runs that do not overlap/);
  assert.match(wide.text, /\| 14(\.0)? \(9(\.00)?\.\.16(\.0)?\) \|/);
  assert.match(
    words(({ sessions }) => (sessions === 10 ? [8, 10, 11] : [12, 14, 16])).sessions,
    /more in each of the comparisons/,
  );
  assert.doesNotMatch(wide.text, /NaN|undefined/);
});

test("a peer that was skipped is not named as measured", (t, scene) => {
  const results = JSON.parse(fs.readFileSync(RESULTS));

  for (const part of [results.warm, results.cold])
    part.peers = { pronghorn: part.peers.pronghorn };
  for (const one of results.cache.cases)
    one.stores = { pronghorn: one.stores.pronghorn };
  results.engine.cases = results.engine.cases.map(({ what, against, target }) => ({
    what,
    against,
    target,
  }));
  const { text } = page(scene, results);

  assert.match(text, /No peer with the whole app was measured/);
  assert.match(text, /No other store was measured/);
  assert.doesNotMatch(text, /The peers are|uvicorn with Starlette|NaN|undefined/);
  assert.match(text, /callbacks\/s of gunicorn \+ Flask-Caching \+ Redis \| at least 30 x \| - \| not measured \|/);
  assert.match(text, /small GET, of nginx return 200, per CPU second \| at least 1\.10? x \| - \| not measured \|/);
});

test("an offered load is drawn as points", (t, scene) => {
  const { text } = page(scene, JSON.parse(fs.readFileSync(RESULTS)));

  assert.match(text, /10,000 \(offered\)/);
  for (const name of ["scale-callbacks", "scale-p99"]) {
    const svg = read(`docs/benchmarks/${name}.svg`);

    assert.match(svg, /<polyline/);
    assert.match(svg, /<circle[^]*>offered load</);
    assert.match(svg, />10,000</);
    assert.doesNotMatch(svg, />100,000<[^]*>sessions</);
  }
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
