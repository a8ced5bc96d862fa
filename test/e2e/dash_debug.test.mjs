/* SPDX-License-Identifier: MIT */

/*
 * Development mode on the wire: what is sent, and only then.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "../lib/harness.mjs";

const json = async (url) => (await fetch(url)).json();

test("the hash changes with assets", async (t, scene) => {
  const assets = scene.dir();

  fs.writeFileSync(`${assets}/a.css`, "#out { color: red }");
  const server = await scene.start({
    app: "dash_errors",
    args: ["--debug", "--assets-folder", assets],
  });
  const url = `${server.url}/_reload-hash`;
  const first = await json(url);

  assert.equal(typeof first.reloadHash, "string");
  assert.equal(first.packages.length, 2);
  assert.deepEqual(await json(url), first);
  fs.writeFileSync(`${assets}/b.css`, "");
  const second = await json(url);

  assert.notEqual(second.reloadHash, first.reloadHash);
  assert.notDeepEqual(second.packages, first.packages, "the page loads again");
});

test("the notice is in the script of the page", async (t, scene) => {
  const assets = scene.dir();
  const notice = scene.file("notice", "");
  const server = await scene.start({
    app: "dash_errors",
    args: [
      ...["--debug", "--assets-folder", assets, "--debug-notice", notice],
    ],
  });
  const url = `${server.url}/_reload-hash`;
  const text = async (what) => (await fetch(server.url + what)).text();
  const page = await text("/");
  const first = await json(url);

  assert.match(page, /"hot_reload":\{"interval":/);
  assert.match(page, /_dash-config/);
  const [script] = /\/_ph\/debug\.js\?[0-9a-f]{16}/.exec(page);

  assert.match(await text(script), new RegExp(`page:"${script.split("?")[1]}"`));
  assert.doesNotMatch(await text(script), /"title":/);
  assert.equal(first.notice, "");
  /* Whoever writes the notice reloads the server for assets. */
  fs.writeFileSync(`${assets}/b.css`, "");
  assert.deepEqual(await json(url), first);
  fs.writeFileSync(notice, "app.c: In function f:\napp.c:3: error: <;>\n");
  /* It is no reason to load anything again: the page fetches it. */
  const told = await json(url);

  assert.match(told.notice, /^[0-9a-f]{16}$/);
  assert.deepEqual({ ...told, notice: "" }, first);
  const { title, html, ...rest } = await json(`${url}?notice`);

  assert.deepEqual(rest, told);
  assert.equal(title, "app.c:3: error: <;>");
  assert.match(html, /^<!doctype html>[^]*In function f:\napp\.c:3: error: &lt;;&gt;/);
  assert.deepEqual(await json(`${url}?other`), told);
  assert.match(await text(script), /"title":"app\.c:3: error: \\u003c;\\u003e"/);
  assert.equal(await text("/"), page);
  fs.writeFileSync(notice, "");
  assert.deepEqual(await json(url), first);
  assert.deepEqual(await json(`${url}?notice`), first);
  assert.doesNotMatch(await text(script), /"title":/);
});

test("ids that are not on the page are named at the start", async (t, s) => {
  const wanted = [
    /ph_callback\(nothing\): output "gone\.children": no component .* "gone"/,
    /ph_callback\(nothing\): input "deep\.valeu": a Input has no property/,
    /ph_callback\(nothing\): state "here\.value": no component/,
    /ph_callback\(nothing\): output ".*cell.*colour": a Input has no property/,
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
