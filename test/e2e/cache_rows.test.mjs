/* SPDX-License-Identifier: MIT */

/*
 * Rows that are no values do not push the values out of a small cache: those of
 * sessions that have ended, of errors, of what was forgotten.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import path from "node:path";
import { test, until } from "../lib/harness.mjs";
import { sql } from "../lib/points.mjs";
import { post } from "../lib/wire.mjs";
import { updateBody, Visitor } from "../lib/visitor.mjs";

const count = (server, table) =>
  sql(
    path.join(server.options.cacheDir, "cache-v1.db"),
    `SELECT count(*) AS n FROM ${table}`,
  )[0].n;

/* Nobody has a cookie, and each call keeps something in its session. */
test("sessions that ended leave little behind", { seconds: 120 }, async (t, scene) => {
  const server = await scene.start({
    ...{ app: "sessions", workers: 1, threads: 2 },
    args: ["--session-limit", "5", "--cache-max-bytes", "2MiB"],
  });
  const first = new Visitor(scene, server);
  const body = updateBody("out.children", [["do.value", ["set", "x", "y"]]]);

  await first.get("/");
  assert.equal(await first.act("set", "x", "mine"), true);
  const { cookie } = first;
  let kept = 0;

  for (let i = 0; i < 150; i++) {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => scene.send(server, post(body))),
    );

    /* One of the five may have gone before its value came. */
    kept += answers.filter((one) => one.json().response.out.children).length;
  }
  /* 2 MiB: 256 dead rows, five that live, one that counts. */
  await until("few rows", () => count(server, "sessions") <= 262, 20);
  assert.ok(kept > 1000, `${kept} kept`);
  await until("swept", () => count(server, "session_values") <= 5, 20);
  const rows = count(server, "sessions");

  t.diagnostic(`1,501 sessions leave ${rows} rows`);
  /* The first one has long ended, and does not come to life again. */
  assert.equal(await first.act("get", "x"), "nothing");
  assert.notEqual(first.cookie, cookie);
  assert.equal(await first.act("set", "x", "again"), true);
  assert.equal(await first.act("get", "x"), "again");
});
