/* SPDX-License-Identifier: MIT */

/* worker/upper.def has every letter's capital as JavaScript has it. A newer
 * Unicode may know more letters, but never others for these. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";

test("capitals are those of toUpperCase()", () => {
  const rows = fs.readFileSync(new URL("../../worker/upper.def", import.meta.url), "utf8");
  let known = 0;
  let before = 0;

  const is = (code, upper) => {
    assert.equal(upper, String.fromCodePoint(code).toUpperCase());
    known++;
  };

  for (const [, ...numbers] of rows.matchAll(/^UPPER\((\w+), (\w+), (\d+), (-?\d+)\)/gm)) {
    const [from, to, step, difference] = numbers.map(Number);

    assert.ok(before < from && from <= to, "rows ascend");
    for (let code = from; code <= to; code += step)
      is(code, String.fromCodePoint(code + difference));
    before = to;
  }
  for (const [, code, bytes] of rows.matchAll(/^UPPER_TEXT\((\w+), "([\\\d]+)"\)/gm))
    is(
      Number(code),
      Buffer.from(bytes.split("\\").slice(1).map((byte) => parseInt(byte, 8))).toString(),
    );
  assert.ok(known >= 1554, `${known} letters`);
});
