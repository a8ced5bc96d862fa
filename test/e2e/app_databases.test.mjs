/* SPDX-License-Identifier: MIT */

/*
 * Databases that an app takes as they are: what is wrong with one is told by
 * --check-config as by a start, also where nothing has run before.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { ROOT, test } from "../lib/harness.mjs";
import { run } from "../lib/server.mjs";
import { get } from "../lib/wire.mjs";

const SOURCE = `
#include <pronghorn/html.h>

static const struct ph_value *
page(struct ph_call *call)
{
	(void)call;
	return html_div(.id = "page");
}

static enum ph_status
rows(struct ph_call *call)
{
	return ph_respond_json(call, 200, ph_query(call, "SELECT * FROM t"));
}

PH_APP(app)
{
	ph_layout(app, page);
	ph_database(app, "given", .path = "given.db");
	ph_route(app, "GET", "/rows", rows);
}
`;

function build(scene) {
  const source = scene.file("given.c", SOURCE);
  const object = source.replace(/c$/, "so");

  execFileSync("cc", [
    ...["-std=c11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"],
    ...[`-I${ROOT}/worker/sdk`, "-o", object, source],
  ]);
  return object;
}

/* Both ways to find out, from a folder where nothing has been before. */
async function tries(scene, object, cwd) {
  const cache = path.join(scene.dir(), "new");
  const check = await run(scene, {
    args: ["--check-config", "--bind", "127.0.0.1:0", object],
    cwd,
    cacheDir: cache,
  });

  assert.equal(fs.existsSync(cache), false, "a check leaves nothing behind");
  const start = await run(scene, {
    args: ["--bind", "127.0.0.1:0", object],
    cwd,
    cacheDir: path.join(scene.dir(), "new"),
  });

  return [check, start];
}

test("a given database that is none", async (t, scene) => {
  const object = build(scene);
  const cwd = scene.dir();
  const file = path.join(cwd, "given.db");
  const refused = async (why) => {
    for (const { status, stderr } of await tries(scene, object, cwd)) {
      assert.equal(status, 1, stderr);
      assert.match(stderr, why);
    }
  };

  await refused(/database given: given\.db: No such file/);
  fs.mkdirSync(file);
  await refused(/database given: given\.db: .*(unable to open|disk I\/O|is a directory)/i);
  fs.rmdirSync(file);
  fs.writeFileSync(file, "these are notes, no database at all\n".repeat(100));
  await refused(/database given: given\.db: file is not a database/);
});

test("a given database that is one", async (t, scene) => {
  const object = build(scene);
  const cwd = scene.dir();

  execFileSync("sqlite3", ["given.db", "CREATE TABLE t AS SELECT 7 AS x"], { cwd });
  const check = await run(scene, {
    args: ["--check-config", "--bind", "127.0.0.1:0", object],
    cwd,
    cacheDir: path.join(scene.dir(), "new"),
  });

  assert.equal(check.status, 0, check.stderr);
  const server = await scene.start({ app: object, cwd });

  assert.deepEqual((await scene.send(server, get("/rows"))).json(), [{ x: 7 }]);
});
