/* SPDX-License-Identifier: MIT */

/*
 * From what callback_memory.test.mjs has measured to what people read, so that
 * no number is written by hand; and what "flat" means, for both.
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

/* By part: what it is called, and how many KiB more are still flat. */
export const PARTS = {
  plain: { title: "as released", looksAt: "own", more: 1024 },
  asan: { title: "AddressSanitizer, LeakSanitizer", looksAt: "resident", more: 8192 },
  massif: { title: "valgrind's massif", looksAt: "heap", more: 64 },
  bounds: { title: "with the bounds of the release", looksAt: "own", more: 1024 },
};

function quartile(list) {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 4)];
}

/*
 * The lower quartile of the last third over that of the second one, KiB: what is
 * lost is in every look that comes later, while a single one also has what is
 * needed just then, some MB for jobs. What is looked at comes in the order of
 * time; the first look is when the kind is warm.
 */
export function growth(one) {
  const looks = one[PARTS[one.part].looksAt];
  const third = Math.floor(looks.length / 3);

  return quartile(looks.slice(2 * third)) - quartile(looks.slice(third, 2 * third));
}

export function isFlat(one) {
  return growth(one) <= PARTS[one.part].more && !one.findings;
}

const number = (value) => value.toLocaleString("en-US");

const table = (head, rows) =>
  [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");

const only = (list) => [...new Set(list)].join(", ");

/* A part: how many kinds, what came out. */
function partRow(results, part) {
  const all = results.filter((one) => one.part === part);
  const found = all.reduce((sum, { findings = 0 }) => sum + findings, 0);

  return [
    ...[PARTS[part].title, all.length, only(all.map(({ runs }) => number(runs)))],
    ...[number(Math.max(...all.map(growth))), number(PARTS[part].more)],
    part === "asan" ? found : "",
    all.every(isFlat) ? "yes" : "no",
  ];
}

const rate = ({ runs, seconds }) =>
  number(Math.round((1.1 * runs) / Math.max(seconds, 0.001)));

/* A kind in all parts. */
function kindRow(results, parts, kind) {
  const of = Object.fromEntries(
    results.filter((one) => one.kind === kind).map((one) => [one.part, one]),
  );

  return [
    kind,
    ...parts.flatMap((part) => {
      if (!of[part]) return ["", "", ""];
      const looks = of[part][PARTS[part].looksAt];

      return [
        number(Math.max(...looks)),
        number(growth(of[part])),
        rate(of[part]),
      ];
    }),
  ];
}

/* Its looks are a tenth of its runs apart, the first after a tenth. */
function boundsWords(one) {
  const at = one.own
    .map((kib, i) => [Math.round(((i + 1) * one.runs) / 10), kib])
    .filter((_, i) => i % 2 === 0)
    .map(([runs, kib]) => `${number(kib)} KiB after ${number(runs)} runs`);

  return `
With those of the release, 16 MiB each, a worker that makes ever new values grows until
they are reached, and then no more:
${at.join(",\n")}.`;
}

export function page({ machine, results }) {
  const parts = Object.keys(PARTS).filter((part) => results.some((one) => one.part === part));
  const byKind = parts.filter((part) => part !== "bounds");
  const kinds = [...new Set(results.map(({ kind }) => kind))];
  const massif = results.find(({ part }) => part === "massif");
  const bounds = results.find(({ part }) => part === "bounds");

  return `# Memory of callbacks

<!-- Written by test/stress/memory_report.mjs from a file of results; edit that, not this. -->

A worker runs one kind of callback, or of what else an app answers, very often:
${kinds.length} kinds, each in a server of its own. Flat means that the lower quartile of
the looks at its memory in the last third of the time is not above that of the second third
by more than the bound: what is lost is in every look that comes later. KiB.

${table(
  ["build", "kinds", "runs of each", "most growth", "bound", "findings", "flat"],
  parts.map((part) => partRow(results, part)),
)}

- As released: the worker's anonymous memory, which is its heap and its stacks; the
  pages of the cache's file that it has mapped are the file's. One block of malloc's
  smallest size, 32 bytes, left behind by each run would be ${number(Math.round((32 * 100000) / 3 / 1024))} KiB.
- AddressSanitizer: server and app are built with it, so what the SDK's header puts
  into the app is seen, too; its search for leaks is at the worker's orderly end. The
  resident memory has the sanitizer's own book-keeping in it.
- massif: every byte of the heap.

What a worker remembers on purpose is no growth: values looked up lately
(\`cache_memory\`), finished answers (\`answer_memory\`), and pages of the store, 8 MiB
for each connection. The runs here have small bounds (512 KiB, 512 KiB, 500 values, of
jobs 10,000), so that they are full before the first look.
${bounds ? boundsWords(bounds) : ""}

## By kind

The most memory, KiB; its growth, KiB; and runs per second.

${table(
  [
    "kind",
    ...byKind.flatMap((part) => [`${PARTS[part].title}: most`, "growth", "runs/s"]),
  ],
  kinds.map((kind) => kindRow(results, byKind, kind)),
)}

## How to repeat it

Measured at ${only(results.map(({ commit, changed }) => commit + (changed ? " and changes" : "")))}
on ${machine.cpus} CPUs (${machine.cpu}), ${machine.system}, kernel ${machine.kernel}:

    make stress T=callback_memory MEMORY_RESULTS=$PWD/build/memory${massif && massif.runs < 100000 ? ` MASSIF=${massif.runs}` : ""}
    node test/stress/memory_report.mjs build/memory
`;
}

/* The results of a folder, in the order in which they were measured. */
function gather(folder) {
  const all = fs
    .readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(fs.readFileSync(path.join(folder, name), "utf8")))
    .sort((a, b) => a.ended.localeCompare(b.ended));

  if (all.length === 0) throw new Error(`${folder} has no results`);
  return {
    schema: 2,
    machine: all[0].machine,
    results: all.map(({ machine: _, ...one }) => one),
  };
}

/* A line for each result. */
function asText({ results, ...rest }) {
  const lines = results.map((one) => JSON.stringify(one)).join(",\n  ");
  const head = JSON.stringify(rest, null, 1).replace(/\n\}$/, "");

  return `${head},\n "results": [\n  ${lines}\n ]\n}\n`;
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
    fs.writeFileSync(RESULTS, asText(gather(results)));
    results = RESULTS;
  }
  fs.writeFileSync(
    values.output ?? path.join(DOCS, "MEMORY.md"),
    page(JSON.parse(fs.readFileSync(results, "utf8"))),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    main();
  } catch (error) {
    console.error(`memory_report: ${error.message}`);
    process.exit(1);
  }
}
