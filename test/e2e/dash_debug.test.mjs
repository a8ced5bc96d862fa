/* SPDX-License-Identifier: MIT */

/* Development mode on the wire: what is sent, and only then. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "../lib/harness.mjs";

const json = async (url) => (await fetch(url)).json();

test("the hash changes with assets and notice", async (t, scene) => {
  const assets = scene.dir();
  const notice = scene.file("notice", "");

  fs.writeFileSync(`${assets}/a.css`, "#out { color: red }");
  const server = await scene.start({
    app: "dash_errors",
    args: [
      ...["--debug", "--assets-folder", assets, "--debug-notice", notice],
    ],
  });
  const url = `${server.url}/_reload-hash`;
  const first = await json(url);
  const page = async () => (await fetch(server.url)).text();

  assert.equal(typeof first.reloadHash, "string");
  assert.ok(first.packages.includes(first.reloadHash));
  assert.deepEqual(await json(url), first);
  assert.match(await page(), /"hot_reload":\{"interval":/);
  fs.writeFileSync(`${assets}/b.css`, "");
  const second = await json(url);

  assert.notEqual(second.reloadHash, first.reloadHash);
  fs.writeFileSync(notice, "app.c:3: error: expected <;>");
  const third = await json(url);

  assert.notEqual(third.reloadHash, second.reloadHash);
  assert.match(await page(), /app\.c:3: error: expected &lt;;&gt;/);
  assert.doesNotMatch(await page(), /_dash-config/);
  fs.writeFileSync(notice, "");
  assert.deepEqual(await json(url), second);
  assert.match(await page(), /_dash-config/);
});

test("ids that are not on the page are named at the start", async (t, s) => {
  const wanted = [
    /layout has two components with the id "out"/,
    /ph_callback\(nothing\): output "gone\.children": no component .* "gone"/,
    /ph_callback\(nothing\): input "deep\.valeu": a Input has no property/,
    /ph_callback\(nothing\): state "here\.value": no component/,
  ];
  const lenient = await s.start({ app: "dash_ids" });

  for (const pattern of wanted)
    assert.equal(lenient.grep(pattern).length, 1, String(pattern));
  assert.equal(lenient.grep(/event=app\.ids/).length, wanted.length);
  const strict = s.server({ app: "dash_ids", args: ["--debug"] });

  assert.notEqual((await strict.exited).status, 0);
  for (const pattern of wanted)
    assert.ok(strict.grep(pattern).length > 0, String(pattern));
});
