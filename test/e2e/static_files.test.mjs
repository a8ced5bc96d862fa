/* SPDX-License-Identifier: MIT */

/*
 * The page and the files of the front end: every address the page names, how
 * it may be kept, compressed and asked for again, and that no address leads
 * out of the front end's folder.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { BUILD, test } from "../lib/harness.mjs";
import { get } from "../lib/wire.mjs";

const WWW = path.join(BUILD, "www");

/* Rows of the manifest: { url, file, mime }. */
function manifest() {
  return fs
    .readFileSync(path.join(WWW, "manifest.tsv"), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split("\t"))
    .map(([url, file, mime]) => ({
      url: `/_dash-component-suites/${url}`,
      file: path.join(WWW, file),
      mime,
    }));
}

async function open(scene, options) {
  const server = await scene.start(options);
  const wire = await scene.connect(server);
  const ask = async (target, fields = {}) => {
    wire.write(get(target, { fields }));
    return wire.answer();
  };

  return { server, ask };
}

test("every file of the front end", async (t, scene) => {
  const { ask } = await open(scene);
  const rows = manifest();
  let identity = 0;
  let zipped = 0;

  assert.ok(rows.length > 15);
  for (const { url, file, mime } of rows) {
    const bytes = fs.readFileSync(file);
    const plain = await ask(url);

    assert.equal(plain.status, 200, url);
    assert.ok(plain.body.equals(bytes), url);
    assert.equal(plain.field("content-type"), mime);
    assert.equal(
      plain.field("cache-control"),
      "public, max-age=31536000, immutable",
    );
    assert.equal(plain.field("content-encoding"), undefined);
    assert.match(plain.field("etag"), /^"[0-9a-f]{16}"$/);
    assert.equal(plain.field("x-content-type-options"), "nosniff");
    const small = await ask(url, { "Accept-Encoding": "gzip, deflate" });

    assert.equal(small.field("content-encoding"), "gzip", url);
    assert.equal(small.field("vary"), "Accept-Encoding");
    assert.equal(plain.field("vary"), "Accept-Encoding");
    assert.ok(gunzipSync(small.body).equals(bytes), url);
    identity += plain.body.length;
    zipped += small.body.length;
  }
  t.diagnostic(
    `${rows.length} files, ${(identity / 1e6).toFixed(2)} MB, ` +
      `${(zipped / 1e6).toFixed(2)} MB as gzip`,
  );
});

test("what the page refers to exists", async (t, scene) => {
  const { ask } = await open(scene);
  const page = await ask("/");

  assert.equal(page.field("content-type"), "text/html; charset=utf-8");
  assert.equal(page.field("cache-control"), "no-cache");
  assert.match(page.text, /<title>Caching and signaling<\/title>/);
  const targets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(
    (match) => match[1],
  );
  const config = JSON.parse(
    /<script id="_dash-config"[^>]*>(.*?)<\/script>/.exec(page.text)[1],
  );

  assert.equal(config.requests_pathname_prefix, "/");
  targets.push(config.plotlyjs_url);
  for (const target of targets) {
    assert.match(target, /^\/[^/]/, "nothing from another host");
    assert.equal((await ask(target)).status, 200, target);
  }
  assert.ok(targets.length >= 12);
  t.diagnostic(`${targets.length} addresses in the page, all there`);
  assert.equal((await ask("/favicon.ico")).status, 200);
});

test("not modified", async (t, scene) => {
  const { ask } = await open(scene);

  for (const target of ["/", manifest()[0].url, "/_favicon.ico"]) {
    const etag = (await ask(target)).field("etag");

    for (const list of [etag, `"x", ${etag}`, "*", `W/${etag}`]) {
      const answer = await ask(target, { "If-None-Match": list });

      assert.equal(answer.status, 304, `${target} for ${list}`);
      assert.equal(answer.field("etag"), etag);
      assert.ok(answer.field("cache-control"));
      assert.ok(answer.field("date"));
    }
    for (const list of ['"x"', etag.slice(0, -2), "", '""'])
      assert.equal(
        (await ask(target, { "If-None-Match": list })).status,
        200,
        `${target} for ${list}`,
      );
  }
});

test("who wants brotli", async (t, scene) => {
  const { ask } = await open(scene);
  const cases = {
    "gzip, deflate, br": true,
    "br": true,
    "BR;q=0.1": true,
    "gzip, br;q=0": false,
    "brotli": false,
  };
  /* A folder filled by an older version has no such forms. */
  const targets = manifest()
    .filter(({ file }) => fs.existsSync(`${file}.br`))
    .slice(0, 3);

  for (const [list, wanted] of Object.entries(cases)) {
    for (const { url, file } of [{ url: "/" }, ...targets]) {
      const answer = await ask(url, { "Accept-Encoding": list });

      assert.equal(
        answer.field("content-encoding") === "br", wanted, `"${list}" ${url}`,
      );
      assert.equal(answer.field("vary"), "Accept-Encoding");
      const plain = file ? fs.readFileSync(file) : (await ask("/")).body;

      if (wanted) assert.ok(brotliDecompressSync(answer.body).equals(plain));
    }
  }
});

test("who wants gzip", async (t, scene) => {
  const { ask } = await open(scene);
  const cases = {
    gzip: true,
    "gzip, deflate, zstd": true,
    "deflate,gzip": true,
    "GZIP": true,
    "gzip;q=1.0": true,
    "gzip;q=0.5, identity;q=0.1": true,
    "gzip;q=0": false,
    "gzip; q=0": false,
    "gzip;q=0.000": false,
    "gzip;q=0.01": true,
    "identity": false,
    "xgzip": false,
    "gzipped": false,
    "": false,
  };

  for (const [list, zipped] of Object.entries(cases)) {
    for (const target of ["/", manifest()[0].url]) {
      const answer = await ask(target, { "Accept-Encoding": list });
      const coding = answer.field("content-encoding");

      assert.equal(coding, zipped ? "gzip" : undefined, `"${list}" ${target}`);
    }
  }
});

test("what is not there, and what must not be [34] [H10]", async (t, scene) => {
  const { server, ask } = await open(scene);
  const index = (await ask("/")).body;
  const suites = "/_dash-component-suites";
  const secret = path.join(server.options.cacheDir, "cache-v1.db");
  const absent = [
    `${suites}/`,
    suites,
    `${suites}/nothing.js`,
    `${suites}/dash`,
    `${suites}/${"x/".repeat(1000)}`,
    `${manifest()[0].url}x`,
    `${manifest()[0].url}/`,
    manifest()[0].url.slice(0, -1),
    `${suites}/${manifest()[0].url.slice(suites.length + 1).toUpperCase()}`,
    `${manifest()[0].url}.gz`,
    `${suites}/../index.html`,
    `${suites}/../../pronghorn`,
    `${suites}/..%2f..%2fpronghorn`,
    `${suites}/%2e%2e/%2e%2e/pronghorn`,
    `${suites}/..%5c..%5cpronghorn`,
    `${suites}/.%2e/pronghorn`,
    `${suites}/%252e%252e/pronghorn`,
    `${suites}/%c0%ae%c0%ae/pronghorn`,
    `${suites}/dash/../../../../../../../../etc/passwd`,
    `${suites}//etc/passwd`,
    `${suites}/${secret}`,
    `${suites}/manifest.tsv`,
    `${suites}/%00`,
    `${suites}/.`,
    `${suites}/..`,
    "/_dash-nothing",
    "/_dash-update-component/x",
    "/_ph/nothing",
    "/assets/nothing.css",
    "/assets/../pronghorn",
  ];

  for (const target of absent) {
    const { status } = await ask(target);

    assert.ok([400, 404].includes(status), `${target}: ${status}`);
  }
  /* Everything else is the page, so that deep links work; nothing more. */
  const pages = [
    "/some/page",
    "/?x=1",
    "/../../../../etc/passwd",
    "/..%2f..%2fetc/passwd",
    "/%2e%2e/etc/passwd",
    "//etc/passwd",
    "//evil.example/..",
    "/\\evil.example",
    "/etc/passwd",
    "/index.html",
    "/manifest.tsv",
    "/<script>alert(1)</script>",
  ];

  for (const target of pages) {
    const answer = await ask(target);

    if (answer.status === 200)
      assert.ok(answer.body.equals(index), `${target} is the page`);
    else assert.ok([400, 404].includes(answer.status), target);
    assert.equal(answer.field("location"), undefined);
  }
  t.diagnostic(`${absent.length + pages.length} paths, none leads out`);
});

test("answers of the app are not kept", async (t, scene) => {
  const { ask } = await open(scene);

  for (const target of ["/_dash-layout", "/_dash-dependencies", "/_ph/health"])
    assert.equal((await ask(target)).field("cache-control"), "no-store");
});

test("a front end that is not there", async (t, scene) => {
  const dir = scene.dir();
  const server = scene.server({ args: ["--www-dir", dir] });
  const { status } = await server.exited;

  assert.equal(status, 1);
  assert.match(server.lines.join("\n"), new RegExp(`${dir}.*make deps`));
});

test("a tag belongs to one coding", async (t, scene) => {
  const { ask } = await open(scene);

  for (const target of ["/", manifest()[0].url]) {
    const codings = ["identity", "gzip", "br"];
    const answers = [];

    for (const coding of codings)
      answers.push(await ask(target, { "Accept-Encoding": coding }));
    const tags = answers.map((answer) => answer.field("etag"));

    assert.deepEqual(
      answers.map((answer) => answer.field("content-encoding")),
      [undefined, "gzip", "br"],
    );
    assert.equal(new Set(tags).size, 3, `${target}: ${tags}`);
    for (const [i, coding] of codings.entries())
      for (const tag of tags) {
        const answer = await ask(target, { "Accept-Encoding": coding, "If-None-Match": tag });

        assert.equal(answer.status, tag === tags[i] ? 304 : 200, `${coding} ${tag}`);
        assert.equal(answer.field("etag"), tags[i]);
      }
  }
});

test("If-None-Match in several lines", async (t, scene) => {
  const server = await scene.start();
  const tag = (await scene.send(server, get("/"))).field("etag");
  const lines = `If-None-Match: "x"\r\nIf-None-Match: ${tag}\r\n`;
  const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`);

  assert.equal((await scene.send(server, bytes)).status, 304);
});
