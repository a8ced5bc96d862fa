/* SPDX-License-Identifier: MIT */

/*
 * From what callback_memory.test.mjs has measured to what people read, so that
 * no number is written by hand.
 *
 *   node test/stress/memory_report.mjs FOLDER
 *       docs/benchmarks/memory.json, and docs/MEMORY.md from it
 *   node test/stress/memory_report.mjs [--output FILE] docs/benchmarks/memory.json
 *       the page alone
 */
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const DOCS = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../docs");
const RESULTS = path.join(DOCS, "benchmarks/memory.json");
const NAMES = { plain: "as released", asan: "AddressSanitizer, LeakSanitizer", massif: "valgrind's massif" };

const number = (value) => value.toLocaleString("en-US");

/* A part: what it looks at, and each value that it took. */
function row({ part, runs, marks, findings, commit, changed }) {
  const [before, after] = marks.slice(-2);
  const what = part === "massif" ? "heap, most in each third" : "resident, after each half";
  const found = findings === undefined ? "" : `, ${findings} findings`;

  return [
    ...[NAMES[part], number(runs), what],
    ...[number(before), number(after), number(after - before) + found],
    commit + (changed ? " and changes" : ""),
  ];
}

const table = (head, rows) =>
  [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");

/* What 100,000 runs of one kind took, and left, in each part. */
function kindRows(parts) {
  return Object.keys(parts[0].kinds).map((name) => [
    name,
    ...parts
      .filter(({ part }) => part !== "massif")
      .map(({ kinds }) => number(kinds[name].more)),
    ...parts.map(({ kinds, runs }) =>
      number(Math.round(runs / (Math.max(kinds[name].ms, 1) / 1000))),
    ),
  ]);
}

function page({ parts }) {
  const { machine } = parts[0];

  return `# Memory of callbacks

<!-- Written by test/stress/memory_report.mjs from a file of results; edit that, not this. -->

One worker runs every kind of callback, and what else an app answers, very often:
${Object.keys(parts[0].kinds).length} kinds. Its memory after the first half of the runs and after the
second is to be the same, but for what the store keeps by its settings. KiB.

${table(["build", "runs of each kind", "looked at", "before", "after", "more", "commit"], parts.map(row))}

Of a figure for resident memory "before" is after the first half; massif's are the
second and the last third of the time. A negative number is memory given back.

## By kind

KiB of resident memory that the runs of a kind added, and runs per second. Kinds that
store fill the store's own memory (\`cache_memory\` and SQLite's pages), up to its bound.

${table(
  [
    "kind",
    ...parts.filter(({ part }) => part !== "massif").map(({ part }) => `KiB, ${NAMES[part]}`),
    ...parts.map(({ part }) => `runs/s, ${NAMES[part]}`),
  ],
  kindRows(parts),
)}

## How to repeat it

On ${machine.cpus} CPUs (${machine.cpu}), ${machine.system}, kernel ${machine.kernel}:

    make stress T=callback_memory MEMORY_RESULTS=$PWD/build/memory
    node test/stress/memory_report.mjs build/memory
`;
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { output: { type: "string" } },
  });
  let [results] = positionals;

  if (positionals.length !== 1)
    throw new Error("usage: memory_report.mjs [--output FILE] RESULTS");
  if (fs.statSync(results).isDirectory()) {
    const parts = Object.keys(NAMES)
      .map((name) => path.join(results, `${name}.json`))
      .filter((file) => fs.existsSync(file))
      .map((file) => JSON.parse(fs.readFileSync(file, "utf8")));

    if (parts.length === 0) throw new Error(`${results} has no results`);
    results = RESULTS;
    fs.writeFileSync(results, `${JSON.stringify({ schema: 1, parts }, null, 1)}\n`);
  }
  fs.writeFileSync(
    values.output ?? path.join(DOCS, "MEMORY.md"),
    page(JSON.parse(fs.readFileSync(results, "utf8"))),
  );
}

try {
  main();
} catch (error) {
  console.error(`memory_report: ${error.message}`);
  process.exit(1);
}
