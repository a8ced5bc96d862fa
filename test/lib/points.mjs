/* SPDX-License-Identifier: MIT */

/*
 * The oracle: which numbers the example's callbacks have to give, read from
 * its database by another program than the server, bit by bit.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { GRAPHS } from "./session.mjs";

export const ROWS = { apples: 500, oranges: 1000, figs: 2000, pineapples: 1500 };

const TRACES = [
  { type: "scatter", mode: "markers", marker: { opacity: 0.5, size: 14 } },
  { type: "scatter", mode: "lines", line: { shape: "spline", width: 0.5 } },
  { type: "histogram2d" },
  { type: "histogram2dcontour" },
];
const LAYOUT = { margin: { l: 20, r: 10, b: 20, t: 10 } };

/* An SQL query by the sqlite3 command, as objects. */
export function sql(file, query) {
  const text = execFileSync(
    "sqlite3",
    ["-readonly", "-json", "-cmd", ".timeout 5000", file, query],
    { encoding: "utf8", maxBuffer: 1 << 26 },
  );

  return text.trim() === "" ? [] : JSON.parse(text);
}

/* The eight bytes of each number, little endian as browsers want them. */
function columnBytes(rows, name) {
  const bytes = Buffer.concat(
    rows.map((row) => Buffer.from(row[name], "hex").reverse()),
  );

  assert.equal(bytes.length, rows.length * 8);
  return bytes;
}

/* { apples: { x, y }, ... }, each a Buffer of doubles. */
export function readPoints(cacheDir) {
  const points = {};

  for (const category of Object.keys(ROWS)) {
    const rows = sql(
      path.join(cacheDir, "points-v1.db"),
      "SELECT hex(ieee754_to_blob(x)) x, hex(ieee754_to_blob(y)) y" +
        ` FROM points WHERE category = '${category}' ORDER BY rowid`,
    );

    assert.equal(rows.length, ROWS[category]);
    points[category] = {
      x: columnBytes(rows, "x"),
      y: columnBytes(rows, "y"),
    };
  }
  return points;
}

function isColumn(column, bytes, what) {
  assert.deepEqual(Object.keys(column), ["dtype", "bdata"], what);
  assert.equal(column.dtype, "f8", what);
  assert.ok(Buffer.from(column.bdata, "base64").equals(bytes), what);
}

/* Is this answer exactly that of graph number `index` (from 0)? */
export function checkGraph(answer, index, category, points) {
  const id = GRAPHS[index].split(".")[0];
  const what = `${id} of ${category}`;

  assert.equal(answer.status, 200, what);
  assert.equal(answer.field("content-type"), "application/json", what);
  const { multi, response, ...more } = answer.json();

  assert.deepEqual([multi, more], [true, {}], what);
  assert.deepEqual(Object.keys(response), [id], what);
  assert.deepEqual(Object.keys(response[id]), ["figure"], what);
  const { data, layout } = response[id].figure;
  const { x, y, ...trace } = data[0];

  assert.equal(data.length, 1, what);
  assert.deepEqual(trace, TRACES[index], what);
  assert.deepEqual(layout, LAYOUT, what);
  isColumn(x, points[category].x, `${what}, x`);
  isColumn(y, points[category].y, `${what}, y`);
}

/* Are the five answers of Session.choose() exactly right? */
export function checkAnswers({ signal, graphs }, category, points) {
  assert.equal(signal.status, 200);
  assert.deepEqual(signal.json(), {
    multi: true,
    response: { signal: { children: category } },
  });
  assert.equal(graphs.length, GRAPHS.length);
  graphs.forEach((answer, i) => checkGraph(answer, i, category, points));
}

export const STATE = { wanted: 1, computing: 2, ready: 3, failed: 4 };

/* The rows of the signal table of one function. */
export function signals(cacheDir, name = "global_store") {
  return sql(
    path.join(cacheDir, "cache-v1.db"),
    "SELECT state, computations, attempts, waiters, owner_pid, error" +
      ` FROM signals WHERE function = '${name}'`,
  );
}
