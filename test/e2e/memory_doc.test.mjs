/* SPDX-License-Identifier: MIT */

/*
 * docs/MEMORY.md says what was measured: the results that are kept have every
 * kind of the campaign, 100,000 runs of each as released and with the address
 * sanitizer, all of them flat; and the page is what the script makes of them.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import nodeTest from "node:test";
import { ROOT } from "../lib/harness.mjs";
import { growth, isFlat, page, PARTS } from "../stress/memory_report.mjs";

const read = (name) => fs.readFileSync(path.join(ROOT, name), "utf8");
const kept = JSON.parse(read("docs/benchmarks/memory.json"));

/* The names of the campaign, from its text: its file would run it. */
function kinds() {
  const text = read("test/stress/callback_memory.test.mjs");
  const [, list] = /\n {2}return \{\n([\s\S]*?)\n {2}\};/.exec(text);

  return [...list.matchAll(/^ {4}(?:"([^"]+)"|(\w+)): /gm)].map(([, a, b]) => a ?? b);
}

nodeTest("memory: every kind was run 100,000 times, and is flat", () => {
  const names = kinds();

  assert.ok(names.length >= 27, names.join());
  for (const part of Object.keys(PARTS)) {
    const results = kept.results.filter((one) => one.part === part);

    assert.deepEqual(
      results.map(({ kind }) => kind).sort(),
      part === "bounds" ? ["new memo"] : [...names].sort(),
      part,
    );
    for (const one of results) {
      assert.ok(isFlat(one), `${part}, ${one.kind}: ${growth(one)} KiB more`);
      assert.equal(one.runs, part === "bounds" ? 300000 : 100000, `${part}, ${one.kind}`);
      if (part === "asan") assert.equal(one.findings, 0, one.kind);
    }
  }
});

nodeTest("memory: what grows is not called flat", () => {
  const grows = Array.from({ length: 11 }, (_, i) => 3000 + 313 * i);

  for (const [part, { looksAt }] of Object.entries(PARTS)) {
    assert.equal(isFlat({ part, [looksAt]: grows.map(() => 3000) }), true);
    assert.equal(isFlat({ part, [looksAt]: grows.map((n) => n * (part === "asan" ? 9 : 2)) }), false);
  }
  assert.equal(isFlat({ part: "asan", resident: grows.map(() => 1), findings: 1 }), false);
});

nodeTest("memory: the page is what the script makes of the results", () => {
  assert.equal(read("docs/MEMORY.md"), page(kept));
  assert.match(read("README.md"), /docs\/MEMORY\.md/);
});
