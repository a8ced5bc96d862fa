/* SPDX-License-Identifier: MIT */

/*
 * A large CSV file into a database: types, quotes and missing values are right,
 * and 100 MB take seconds (a tenth of that as a part of the other tests).
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test, within } from "../lib/harness.mjs";
import { get } from "../lib/wire.mjs";

const BYTES = process.env.STRESS ? 100e6 : 10e6;
const SECONDS = process.env.STRESS ? 60 : 15;

/* What the file's rows add up to. */
function write(file) {
  const out = fs.openSync(file, "w");
  const want = { n: 0, ids: 0, price: 0, missing: 0 };
  let bytes = fs.writeSync(out, "id,day,name,price,note\n");

  while (bytes < BYTES) {
    let text = "";

    for (let i = 0; i < 10000; i++) {
      const id = ++want.n;
      const none = id % 10 === 0;

      want.ids += id;
      want.missing += Number(none);
      want.price += none ? 0 : (id % 4000) / 4;
      text += `${id},2026-01-${String(1 + (id % 28)).padStart(2, "0")},"Name ""${id % 1000}"", and more",`;
      text += `${none ? "" : (id % 4000) / 4},as it comes\n`;
    }
    bytes += fs.writeSync(out, text);
  }
  fs.closeSync(out);
  return { bytes, want };
}

test(`${BYTES / 1e6} MB of CSV into a database`, { seconds: 300 }, async (t, scene) => {
  const file = path.join(scene.dir(), "rows.csv");
  const { bytes, want } = write(file);
  const begin = performance.now();
  const server = scene.server({ app: "csv_import", env: { CSV_FILE: file } });

  await server.waitFor(/event=data\.created/, { seconds: 240 });
  within(t, `${want.n} rows, ${(bytes / 1e6).toFixed(1)} MB`, performance.now() - begin, SECONDS * 1000);
  await server.ready();
  const answer = await scene.send(server, get("/sums"));

  assert.deepEqual(answer.json(), [{ ...want, names: 1000, t: "integer" }]);
});
