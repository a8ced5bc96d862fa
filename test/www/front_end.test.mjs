/* SPDX-License-Identifier: MIT */

/*
 * The front end as it is pinned: what the bundles will ask for is there, in
 * the right order and below one versioned directory, and our own pages are
 * complete. Uses the folder in WWW (build/www unless given), and fetches the
 * packages if it is empty.
 */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { fetchFrontEnd } from "../../www/fetch.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const OURS = path.join(ROOT, "www");
const dest = process.env.WWW ?? path.join(ROOT, "build", "www");
let files;

function find(name) {
  const found = files.filter((f) => f.url.endsWith(`/${name}`));

  assert.equal(found.length, 1, `one ${name}`);
  return found[0];
}

function read(name) {
  return fs.readFileSync(path.join(OURS, name), "utf8");
}

before(async () => {
  await fetchFrontEnd(dest);
  const text = fs.readFileSync(path.join(dest, "manifest.json"), "utf8");

  files = JSON.parse(text).files;
});

test("a second fetch takes no time and no npm", async () => {
  const realPath = process.env.PATH;
  const start = performance.now();

  process.env.PATH = "";
  assert.equal(await fetchFrontEnd(dest), false);
  process.env.PATH = realPath;
  assert.ok(performance.now() - start < 100);
});

test("manifest.tsv says what manifest.json says", () => {
  const lines = fs
    .readFileSync(path.join(dest, "manifest.tsv"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t"));

  assert.deepEqual(
    lines,
    files.map((f) =>
      [f.url, f.file, f.mime, f.size, f.gzip, f.sha256, f.load, f.dev].map(
        String,
      ),
    ),
  );
});

for (const main of ["dash_core_components.js", "dash_table/bundle.js"])
  test(`every chunk that ${main} can request lies beside it`, () => {
    const { url, file } = find(main);
    const text = fs.readFileSync(path.join(dest, file), "utf8");
    const map = /return\{([^{}]+)\}\[\w+\]\+"\.js"/.exec(text);
    const chunks = [...map[1].matchAll(/:"([\w-]+)"/g)].map(([, name]) => name);

    assert.ok(chunks.length >= 3, "the list of chunks was found");
    for (const chunk of chunks) {
      const wanted = `${path.posix.dirname(url)}/${chunk}.js`;

      assert.ok(
        files.some((f) => f.url === wanted),
        wanted,
      );
    }
  });

test("scripts of the index page come in the order the bundles need", () => {
  const order = files
    .filter((f) => f.load > 0)
    .sort((a, b) => a.load - b.load)
    .map((f) => f.url.replace(/^dash\/v\w+\//, ""));

  assert.deepEqual(order, [
    "deps/polyfill@7.12.1.min.js",
    "deps/react@18.3.1.min.js",
    "deps/react-dom@18.3.1.min.js",
    "deps/prop-types@15.8.1.min.js",
    "dash-renderer/build/dash_renderer.min.js",
    "dcc/dash_core_components.js",
    "dcc/dash_core_components-shared.js",
    "html/dash_html_components.min.js",
    "dash_table/bundle.js",
  ]);
});

test("development mode loads other bundles in the same order", () => {
  const order = files
    .filter((f) => f.dev > 0)
    .sort((a, b) => a.dev - b.dev)
    .map((f) => f.url.replace(/^dash\/v\w+\//, ""));

  assert.deepEqual(order, [
    "deps/polyfill@7.12.1.min.js",
    "deps/react@18.3.1.js",
    "deps/react-dom@18.3.1.js",
    "deps/prop-types@15.8.1.js",
    "dash-renderer/build/dash_renderer.dev.js",
    "dcc/dash_core_components.js",
    "dcc/dash_core_components-shared.js",
    "html/dash_html_components.min.js",
    "dash_table/bundle.js",
    "dcc/proptypes.js",
  ]);
});

test("plotly.js is served, compressed, but not in the index page", () => {
  const plotly = find("package_data/plotly.min.js");

  assert.match(plotly.url, /^plotly\/v[0-9a-f]{8,}\//);
  assert.equal(plotly.load, 0);
  assert.ok(plotly.gzip < plotly.size / 3);
});

test("the packages are pinned by hash and by no address", () => {
  const text = read("packages.json");
  const { packages } = JSON.parse(text);

  assert.equal(packages.length, 9);
  for (const { version, integrity } of packages) {
    assert.match(version, /^\d+\.\d+\.\d+$/);
    assert.match(integrity, /^sha512-[A-Za-z0-9+/]{86}==$/);
  }
  assert.doesNotMatch(text, /https?:|registry/);
});

test("the index template has every marker once, the scripts in order", () => {
  const markers = [...read("index.html").matchAll(/\{%(\w+)%\}/g)];

  assert.deepEqual(
    markers.map(([, name]) => name),
    [
      "metas",
      "title",
      "favicon",
      "css",
      "app_entry",
      "config",
      "scripts",
      "renderer",
    ],
  );
});

test("our own files refer to nothing outside the server", () => {
  for (const name of ["index.html", "pronghorn.css", "pronghorn.js"])
    assert.doesNotMatch(read(name), /\/\/[a-z]|@import|url\(/, name);
});

test("the style sheet styles the attribute that the bundles set", () => {
  const attribute = "data-dash-is-loading";

  for (const name of ["async-graph.js", "dash_html_components.min.js"]) {
    const { file } = find(name);
    const text = fs.readFileSync(path.join(dest, file), "utf8");

    assert.ok(text.includes(attribute), name);
  }
  assert.ok(read("pronghorn.css").includes(`[${attribute}="true"]`));
});
