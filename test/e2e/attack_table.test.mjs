/* SPDX-License-Identifier: MIT */

/*
 * The table of attacks in README.md and the tests agree: each row is there,
 * what it names has a test or a case of that row, and no test has a row that
 * the table does not know.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import {
  ACCEPTED, FOLLOWED, GUARDED, REFUSED, REFUSED_BODIES,
} from "../lib/http_cases.mjs";

const TESTS = fileURLToPath(new URL("..", import.meta.url));
const ROWS = [
  ...Array.from({ length: 37 }, (_, i) => String(i + 1)),
  ...[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17].map((n) => `H${n}`),
];

/* Map of a row to the files that the table names. */
function table() {
  const text = fs.readFileSync(path.join(TESTS, "e2e/README.md"), "utf8");
  const rows = new Map();

  for (const [, row, cell] of text.matchAll(/^\| (H?\d+) \|.*\| ([^|]+) \|$/gm)) {
    assert.ok(!rows.has(row), `row ${row} is there twice`);
    rows.set(row, [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]));
  }
  return rows;
}

const rowsIn = (name) =>
  [...name.matchAll(/\[(H?\d+)\]/g)].map((match) => match[1]);

/* The names in a file that can carry rows. */
function namesIn(file) {
  if (file === "lib/http_cases.mjs")
    return [REFUSED, FOLLOWED, REFUSED_BODIES, ACCEPTED, GUARDED].flatMap(
      (cases) => cases.map(([what]) => what),
    );
  const text = fs.readFileSync(path.join(TESTS, file), "utf8");

  return file.endsWith(".c")
    ? [...text.matchAll(/^ ?\/?\* \[.*/gm)].map(String)
    : [...text.matchAll(/\btest\((["`])(.*?)\1/g)].map((match) => match[2]);
}

function everyFile() {
  const named = ["lib/http_cases.mjs"];

  for (const dir of ["e2e", "stress"])
    for (const name of fs.readdirSync(path.join(TESTS, dir)))
      if (name.endsWith(".test.mjs")) named.push(`${dir}/${name}`);
  return named;
}

test("each row has its tests, and each test its row", (t) => {
  const rows = table();
  const carried = new Map();
  const load = (file) => {
    if (!carried.has(file))
      carried.set(file, new Set(namesIn(file).flatMap(rowsIn)));
    return carried.get(file);
  };

  assert.deepEqual([...rows.keys()], ROWS);
  for (const [row, files] of rows) {
    assert.ok(files.length > 0, `row ${row} names no test`);
    for (const file of files)
      assert.ok(load(file).has(row), `${file} has no test of row ${row}`);
  }
  for (const file of everyFile())
    for (const row of load(file))
      assert.ok(rows.get(row)?.includes(file), `row ${row} lacks ${file}`);
  t.diagnostic(`${rows.size} rows, ${carried.size} files`);
});
