/* SPDX-License-Identifier: MIT */

/*
 * www/fetch.mjs with a package of our own, so that it can be wrong, missing or
 * unreachable. `npm` is a script here: it stands for a registry that hands out
 * whatever file the test names.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import {
  FetchError,
  fetchFrontEnd,
  tarballName,
} from "../../www/fetch.mjs";

const SCRIPT = "globalThis.answer = 42;\n".repeat(50);
const realPath = process.env.PATH;
let dir;
let dest;
let pins;

/* Make package.tgz with the given x.js and return its npm integrity. */
function pack(file, script) {
  const root = path.join(dir, "src");

  fs.mkdirSync(path.join(root, "package", "dist"), { recursive: true });
  fs.writeFileSync(path.join(root, "package", "dist", "x.js"), script);
  execFileSync("tar", ["-czf", file, "-C", root, "package"]);
  const hash = createHash("sha512").update(fs.readFileSync(file));

  return `sha512-${hash.digest("base64")}`;
}

function pin(integrity) {
  const pkg = {
    name: "@ours/thing",
    version: "1.2.3",
    integrity,
    serve: [{ file: "dist/x.js", url: "dash/deps/x.js", load: 1 }],
  };

  fs.writeFileSync(pins, JSON.stringify({ packages: [pkg] }));
  return pkg;
}

/* From now on `npm` runs this shell script; $DEST is --pack-destination. */
function setNpm(script) {
  const bin = path.join(dir, "bin");

  fs.mkdirSync(bin, { recursive: true });
  fs.writeFileSync(
    path.join(bin, "npm"),
    '#!/bin/sh\nfor a; do case $a in --pack-destination=*) DEST=${a#*=};; ' +
      `esac; done\n${script}\n`,
    { mode: 0o755 },
  );
  process.env.PATH = `${bin}:${realPath}`;
}

function npmGives(tarball) {
  setNpm(`cp '${tarball}' "$DEST/ours-thing-1.2.3.tgz"`);
}

function npmMustNotRun() {
  setNpm(`touch '${path.join(dir, "npm-ran")}'; exit 1`);
}

function assertNpmDidNotRun() {
  assert.equal(fs.existsSync(path.join(dir, "npm-ran")), false);
}

function snapshot(root) {
  return fs
    .readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .sort()
    .map((file) => [file, fs.readFileSync(file, "base64")]);
}

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), "fetch-test-"));
  dest = path.join(dir, "made", "www");
  pins = path.join(dir, "packages.json");
});

afterEach(() => {
  process.env.PATH = realPath;
  fs.rmSync(dir, { recursive: true });
});

test("the tarball is named as npm names it", () => {
  assert.equal(
    tarballName({ name: "@babel/polyfill", version: "7.12.1" }),
    "babel-polyfill-7.12.1.tgz",
  );
});

test("a package is unpacked, compressed and listed", async () => {
  const tarball = path.join(dir, "good.tgz");

  pin(pack(tarball, SCRIPT));
  npmGives(tarball);
  assert.equal(await fetchFrontEnd(dest, pins), true);

  const lines = fs
    .readFileSync(path.join(dest, "manifest.tsv"), "utf8")
    .split("\n");
  const [url, file, mime, size, gzip, sha, load] = lines[0].split("\t");

  assert.deepEqual(lines.slice(1), [""]);
  assert.match(url, /^dash\/v[0-9a-f]{8,}\/deps\/x\.js$/);
  assert.equal(mime, "text/javascript; charset=utf-8");
  assert.equal(load, "1");
  assert.equal(Number(size), SCRIPT.length);
  assert.equal(sha, createHash("sha256").update(SCRIPT).digest("hex"));
  assert.equal(fs.readFileSync(path.join(dest, file), "utf8"), SCRIPT);
  const small = fs.readFileSync(path.join(dest, `${file}.gz`));

  assert.equal(small.length, Number(gzip));
  assert.equal(gunzipSync(small).toString(), SCRIPT);
  const brotli = fs.readFileSync(path.join(dest, `${file}.br`));

  assert.ok(brotli.length < small.length);
  assert.equal(brotliDecompressSync(brotli).toString(), SCRIPT);
  assert.deepEqual(fs.readdirSync(dest).sort(), [
    "dash",
    "manifest.json",
    "manifest.tsv",
    "stamp",
    "tarballs",
  ]);
});

test("a wrong integrity is named and nothing is left behind", async () => {
  const good = pack(path.join(dir, "good.tgz"), SCRIPT);
  const bad = path.join(dir, "bad.tgz");
  const got = pack(bad, `${SCRIPT}steal();\n`);

  pin(good);
  npmGives(bad);
  await assert.rejects(fetchFrontEnd(dest, pins), (error) => {
    assert.ok(error instanceof FetchError);
    assert.ok(error.message.includes("@ours/thing@1.2.3"));
    assert.ok(error.message.includes(`expected ${good}`));
    assert.ok(error.message.includes(`got ${got}`));
    assert.ok(!error.message.includes("\n"));
    return true;
  });
  assert.equal(fs.existsSync(path.join(dir, "made")), false);
});

test("a failed update leaves what was there as it was", async () => {
  const tarball = path.join(dir, "good.tgz");

  pin(pack(tarball, SCRIPT));
  npmGives(tarball);
  await fetchFrontEnd(dest, pins);
  const before = snapshot(dest);

  pin("sha512-bm90IHRoaXM=");
  await assert.rejects(fetchFrontEnd(dest, pins), FetchError);
  assert.deepEqual(snapshot(dest), before);
});

test("a wrong tarball in DEST is not trusted but fetched again", async () => {
  const good = path.join(dir, "good.tgz");
  const pkg = pin(pack(good, SCRIPT));
  const kept = path.join(dest, "tarballs", tarballName(pkg));

  fs.mkdirSync(path.dirname(kept), { recursive: true });
  pack(kept, "steal();\n");
  npmGives(good);
  await fetchFrontEnd(dest, pins);
  assert.deepEqual(fs.readFileSync(kept), fs.readFileSync(good));
});

test("tarballs that are there already need no npm", async () => {
  const kept = path.join(dest, "tarballs", "ours-thing-1.2.3.tgz");

  fs.mkdirSync(path.dirname(kept), { recursive: true });
  pin(pack(kept, SCRIPT));
  npmMustNotRun();
  assert.equal(await fetchFrontEnd(dest, pins), true);
  assertNpmDidNotRun();
});

test("a second run does nothing; damage is repaired offline", async () => {
  const tarball = path.join(dir, "good.tgz");

  pin(pack(tarball, SCRIPT));
  npmGives(tarball);
  await fetchFrontEnd(dest, pins);
  const before = snapshot(dest);

  npmMustNotRun();
  assert.equal(await fetchFrontEnd(dest, pins), false);
  assert.deepEqual(snapshot(dest), before);

  const { files } = JSON.parse(
    fs.readFileSync(path.join(dest, "manifest.json"), "utf8"),
  );
  fs.truncateSync(path.join(dest, files[0].file), 10);
  assert.equal(await fetchFrontEnd(dest, pins), true);
  assert.deepEqual(snapshot(dest), before);
  assertNpmDidNotRun();
});

test("new contents get a new directory and the old one goes", async () => {
  const tarball = path.join(dir, "good.tgz");

  npmGives(tarball);
  pin(pack(tarball, SCRIPT));
  await fetchFrontEnd(dest, pins);
  const [before] = fs.readdirSync(path.join(dest, "dash"));

  pin(pack(tarball, `${SCRIPT}more();\n`));
  await fetchFrontEnd(dest, pins);
  const after = fs.readdirSync(path.join(dest, "dash"));

  assert.equal(after.length, 1);
  assert.notEqual(after[0], before);
});

test("a file the package lacks is an error naming it", async () => {
  const tarball = path.join(dir, "good.tgz");
  const pkg = pin(pack(tarball, SCRIPT));

  pkg.serve[0].file = "dist/absent.js";
  fs.writeFileSync(pins, JSON.stringify({ packages: [pkg] }));
  npmGives(tarball);
  await assert.rejects(fetchFrontEnd(dest, pins), {
    name: "Error",
    message: /^ours-thing-1\.2\.3\.tgz: .*dist\/absent\.js/,
  });
  assert.equal(fs.existsSync(path.join(dir, "made")), false);
});

test("without npm, and without a network, one line says so", async () => {
  pin("sha512-bm90IHRoaXM=");
  process.env.PATH = dir;
  await assert.rejects(fetchFrontEnd(dest, pins), /^Error: npm is needed .*$/);

  setNpm(
    "echo 'npm error code ENOTFOUND' >&2; " +
      "echo 'npm error network no route to there' >&2; " +
      "echo 'npm error A complete log of this run' >&2; exit 1",
  );
  await assert.rejects(
    fetchFrontEnd(dest, pins),
    /^Error: .*network.*ENOTFOUND: network no route to there$/,
  );
  assert.equal(fs.existsSync(path.join(dir, "made")), false);
});

test("a name or a version that npm does not have is called so", async () => {
  const { name, version } = pin("sha512-bm90IHRoaXM=");
  const spec = `${name}@${version}`;

  /* As npm 9 and npm 11 say it. */
  for (const line of [`'${spec}' is not in this registry.`, "Not Found - GET https://..."]) {
    setNpm(
      `echo "npm error code E404" >&2; echo "npm error 404  ${line}" >&2; exit 1`,
    );
    await assert.rejects(fetchFrontEnd(dest, pins), {
      name: "Error",
      message: `npm has no package of that name: ${spec}`,
    });
  }
  setNpm(
    "echo 'npm error code ETARGET' >&2; " +
      `echo 'npm error notarget No matching version found for ${spec}.' >&2; exit 1`,
  );
  await assert.rejects(fetchFrontEnd(dest, pins), {
    name: "Error",
    message: `npm has no such version: ${spec}`,
  });
});
