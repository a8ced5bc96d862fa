#!/usr/bin/env node
/* SPDX-License-Identifier: MIT */

/*
 * Fetch the front end: the npm packages of packages.json, checked and unpacked.
 *
 *   node www/fetch.mjs [DEST]          DEST is build/www unless given
 *
 * Run again, it returns at once; so modules for the long way load only there.
 *
 * DEST then holds
 *   dash/v<fp>/..., plotly/v<fp>/...  the files to serve, with a .gz copy each
 *   manifest.tsv                      the same list for the server, see below
 *   manifest.json                     the list for people and tests
 *   tarballs/*.tgz                    the checked packages, read by generate.mjs
 *   stamp                             says which packages.json this came from
 *
 * <fp> is a hash over every served file, so that a URL never changes its
 * content and may be cached for ever, chunks (which scripts look for in their
 * own directory) included.
 *
 * manifest.tsv has one line per file and eight columns with a tab between:
 * URL path below _dash-component-suites/, file below DEST, MIME type, bytes,
 * bytes of file.gz (0 = there is none), SHA-256 in hex, number of its script
 * tag in the index page (0 = none; plotly.js and chunks are loaded later),
 * and that number in development mode, where some bundles differ.
 *
 * INVARIANT  What is not the pinned package, byte for byte, is never unpacked.
 * INVARIANT  The stamp is written last: with it, everything is complete.
 * FAILURE    One line on stderr and exit code 1; DEST is left as it was.
 *
 * Without a network, put the tarballs into DEST/tarballs (named as `npm pack`
 * names them); they are checked all the same.
 */

import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const LAYOUT = 2; /* counted up when what is written to DEST changes */
const FINGERPRINT_DIGITS = 12;
const MIME_TYPES = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
};

export const PACKAGES_JSON = fileURLToPath(
  new URL("packages.json", import.meta.url),
);

/* An error whose message is meant for the user as it stands. */
export class FetchError extends Error {}

/* The name `npm pack` gives to the tarball of a package. */
export function tarballName({ name, version }) {
  return `${name.replace(/^@/, "").replace("/", "-")}-${version}.tgz`;
}

export function integrityOf(file) {
  const hash = createHash("sha512").update(fs.readFileSync(file));

  return `sha512-${hash.digest("base64")}`;
}

function sha256(data) {
  return createHash("sha256").update(data).digest("hex");
}

function stampOf(packagesText) {
  return `${LAYOUT} ${sha256(packagesText)}\n`;
}

function hasSize(file, size) {
  return fs.statSync(file, { throwIfNoEntry: false })?.size === size;
}

function filesAreThere(dest, files) {
  return files.every(
    (f) =>
      hasSize(path.join(dest, f.file), f.size) &&
      (f.gzip === 0 || hasSize(path.join(dest, `${f.file}.gz`), f.gzip)),
  );
}

/* Whether DEST is complete and came from this packages.json. */
function isCurrent(dest, stamp, packages) {
  try {
    if (fs.readFileSync(path.join(dest, "stamp"), "utf8") !== stamp)
      return false;
    const text = fs.readFileSync(path.join(dest, "manifest.json"), "utf8");
    return (
      filesAreThere(dest, JSON.parse(text).files) &&
      fs.existsSync(path.join(dest, "manifest.tsv")) &&
      packages.every((p) =>
        fs.existsSync(path.join(dest, "tarballs", tarballName(p))),
      )
    );
  } catch {
    return false;
  }
}

/* What npm says when it fails takes many lines; keep the code and the reason. */
function reasonFromNpm(stderr) {
  const lines = stderr
    .split("\n")
    .filter((line) => /^npm (error|ERR!)/.test(line))
    .map((line) => line.replace(/^npm (error|ERR!)\s*/, "").trim());
  const code = lines.find((line) => line.startsWith("code "))?.slice(5);
  const reason = lines.find(
    (line) => !/^(code|errno|syscall|A complete log)\b/.test(line) && line,
  );

  return [code, reason].filter(Boolean).join(": ") || "no reason given";
}

/* What was wrong, in one line. npm says which package it means, mostly. */
function whyNot(specs, stderr) {
  const reason = reasonFromNpm(stderr);
  const said = specs.filter((spec) =>
    [`'${spec}'`, `'${spec}@`, ` ${spec}.`].some((text) => stderr.includes(text)),
  );
  const names = (said.length > 0 ? said : specs).join(", ");

  if (reason.startsWith("E404"))
    return `npm has no package of that name: ${names}`;
  if (reason.startsWith("ETARGET")) return `npm has no such version: ${names}`;
  return (
    `npm could not fetch ${specs.length} package(s), ` +
    `is the network there? ${reason}`
  );
}

/* One call for all packages; none of their dependencies, none of their code. */
export async function download(packages, into) {
  const { spawnSync } = await import("node:child_process");
  const specs = packages.map(({ name, version }) =>
    version ? `${name}@${version}` : name,
  );
  const done = spawnSync(
    "npm",
    [
      "pack",
      `--pack-destination=${into}`,
      "--ignore-scripts",
      "--fetch-retries=1",
      "--fetch-retry-mintimeout=1000",
      "--no-update-notifier",
      "--loglevel=error",
      "--",
      ...specs,
    ],
    { cwd: into, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
  );

  if (done.error?.code === "ENOENT")
    throw new FetchError(
      "npm is needed to fetch the front end, but it is not installed " +
        "(on Debian: apt-get install npm)",
    );
  if (done.error) throw new FetchError(`npm pack: ${done.error.message}`);
  if (done.status !== 0) throw new FetchError(whyNot(specs, done.stderr));
}

function checkIntegrity(pkg, file) {
  if (!fs.existsSync(file))
    throw new FetchError(
      `${pkg.name}@${pkg.version}: npm made no ${path.basename(file)}`,
    );
  const got = integrityOf(file);

  if (got !== pkg.integrity)
    throw new FetchError(
      `${pkg.name}@${pkg.version}: wrong integrity, ` +
        `expected ${pkg.integrity}, got ${got}`,
    );
}

/* Fill `into` with every tarball, from DEST where it is there and right. */
async function collectTarballs(packages, dest, into) {
  const missing = [];

  fs.mkdirSync(into);
  for (const pkg of packages) {
    const kept = path.join(dest, "tarballs", tarballName(pkg));

    if (fs.existsSync(kept) && integrityOf(kept) === pkg.integrity)
      fs.linkSync(kept, path.join(into, tarballName(pkg)));
    else missing.push(pkg);
  }
  if (missing.length > 0) await download(missing, into);
  for (const pkg of missing)
    checkIntegrity(pkg, path.join(into, tarballName(pkg)));
}

/* Read files out of a package's tarball; gives Map(name -> Buffer). */
export async function readTarball(tarball, names) {
  const { execFile } = await import("node:child_process");
  const { promisify } = await import("node:util");
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "www-fetch-"));
  /* Once each: tar looks for a name no second time. */
  const members = [...new Set(names)].map((name) => `package/${name}`);

  try {
    await promisify(execFile)("tar", [
      "-xzf",
      tarball,
      "-C",
      scratch,
      "--no-same-owner",
      "--",
      ...members,
    ]);
    return new Map(
      names.map((name) => [
        name,
        fs.readFileSync(path.join(scratch, "package", name)),
      ]),
    );
  } catch (error) {
    const why = (error.stderr || error.message).trim().split("\n")[0];

    throw new FetchError(`${path.basename(tarball)}: cannot unpack: ${why}`);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

async function readServed(pkg, tarballs) {
  const contents = await readTarball(
    path.join(tarballs, tarballName(pkg)),
    pkg.serve.map((entry) => entry.file),
  );

  return pkg.serve.map((entry) => ({
    ...entry,
    package: `${pkg.name}@${pkg.version}`,
    data: contents.get(entry.file),
  }));
}

/* dash/dcc/x.js -> dash/v<fp>/dcc/x.js */
function withFingerprint(url, fingerprint) {
  return url.replace("/", `/v${fingerprint}/`);
}

async function compress(data) {
  const { constants, gzip } = await import("node:zlib");
  const { promisify } = await import("node:util");

  return promisify(gzip)(data, { level: constants.Z_BEST_COMPRESSION });
}

/* All that browsers of today take; half a second for the largest file. */
async function compressBrotli(data) {
  const { brotliCompress, constants } = await import("node:zlib");
  const { promisify } = await import("node:util");

  return promisify(brotliCompress)(data, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 9,
      [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
    },
  });
}

async function writeServed(served, fingerprint, root) {
  const url = withFingerprint(served.url, fingerprint);
  const file = path.join(root, url);
  const mime = MIME_TYPES[path.extname(url)];

  if (mime === undefined)
    throw new FetchError(`packages.json: no MIME type known for ${served.url}`);
  const small = await compress(served.data);
  const gzipSize = small.length < served.data.length ? small.length : 0;

  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, served.data);
  if (gzipSize > 0) fs.writeFileSync(`${file}.gz`, small);
  /* The server takes it where it is; the manifest does not speak of it. */
  const brotli = gzipSize > 0 ? await compressBrotli(served.data) : small;

  if (brotli.length < gzipSize) fs.writeFileSync(`${file}.br`, brotli);
  return {
    url,
    file: url,
    mime,
    size: served.data.length,
    gzip: gzipSize,
    sha256: sha256(served.data),
    load: served.load,
    dev: served.dev ?? served.load,
    package: served.package,
  };
}

function formatTsv(files) {
  return files
    .map((f) =>
      [f.url, f.file, f.mime, f.size, f.gzip, f.sha256, f.load, f.dev].join(
        "\t",
      ),
    )
    .map((line) => `${line}\n`)
    .join("");
}

/* Unpack, compress and list everything below `scratch`. */
async function build(packages, tarballs, scratch) {
  const served = (
    await Promise.all(packages.map((pkg) => readServed(pkg, tarballs)))
  ).flat();
  const contents = served.map((s) => `${sha256(s.data)}  ${s.url}\n`).sort();
  const fingerprint = sha256(contents.join("")).slice(0, FINGERPRINT_DIGITS);
  const files = await Promise.all(
    served.map((s) => writeServed(s, fingerprint, scratch)),
  );
  const manifest = { fingerprint, files };

  fs.writeFileSync(
    path.join(scratch, "manifest.json"),
    `${JSON.stringify(manifest, null, 2)}\n`,
  );
  fs.writeFileSync(path.join(scratch, "manifest.tsv"), formatTsv(files));
  return manifest;
}

/*
 * Move one entry of `scratch` to DEST, over what may be there. A file is
 * replaced without a gap: another fetch or a reader may be at work.
 */
function publish(scratch, dest, name) {
  const from = path.join(scratch, name);
  const to = path.join(dest, name);

  fs.mkdirSync(path.dirname(to), { recursive: true });
  if (fs.statSync(from).isDirectory())
    fs.rmSync(to, { recursive: true, force: true });
  fs.renameSync(from, to);
}

/* Remove what is in DEST/folder but not among `names`. */
function tidy(dest, folder, names) {
  for (const name of fs.readdirSync(path.join(dest, folder)))
    if (!names.includes(name))
      fs.rmSync(path.join(dest, folder, name), {
        recursive: true,
        force: true,
      });
}

/*
 * Version directories first, the lists that name them next, the stamp last;
 * then what no list names any more. A server that starts in between finds
 * either the old list with the old files or the new list with the new ones.
 */
function publishAll(scratch, dest, { fingerprint, files }, stamp) {
  const roots = [...new Set(files.map((f) => f.url.split("/")[0]))];
  const version = `v${fingerprint}`;
  const tarballs = fs.readdirSync(path.join(scratch, "tarballs"));

  for (const root of roots) {
    const there = files.filter((f) => f.url.startsWith(`${root}/`));

    if (!filesAreThere(dest, there))
      publish(scratch, dest, path.join(root, version));
  }
  for (const name of tarballs)
    publish(scratch, dest, path.join("tarballs", name));
  publish(scratch, dest, "manifest.json");
  publish(scratch, dest, "manifest.tsv");
  fs.writeFileSync(path.join(scratch, "stamp"), stamp);
  publish(scratch, dest, "stamp");
  for (const root of roots) tidy(dest, root, [version]);
  tidy(dest, "tarballs", tarballs);
}

/*
 * Make DEST hold the front end that `packagesFile` pins.
 *
 * Returns false when it did already (nothing is read but sizes), true when it
 * was fetched. Throws FetchError, and then DEST is as it was.
 */
export async function fetchFrontEnd(dest, packagesFile = PACKAGES_JSON) {
  const text = fs.readFileSync(packagesFile, "utf8");
  const { packages } = JSON.parse(text);
  const stamp = stampOf(text);

  if (isCurrent(dest, stamp, packages)) {
    const now = new Date();

    fs.utimesSync(path.join(dest, "stamp"), now, now); /* for make */
    return false;
  }

  const made = fs.mkdirSync(dest, { recursive: true });
  const scratch = fs.mkdtempSync(path.join(path.resolve(dest), "new-"));

  try {
    const tarballs = path.join(scratch, "tarballs");

    await collectTarballs(packages, dest, tarballs);
    publishAll(scratch, dest, await build(packages, tarballs, scratch), stamp);
    return true;
  } catch (error) {
    if (made !== undefined) fs.rmSync(made, { recursive: true, force: true });
    throw error;
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

async function main(args) {
  if (args.length > 1 || args[0]?.startsWith("-")) {
    process.stderr.write("usage: node www/fetch.mjs [DEST]\n");
    return 2;
  }
  const dest = args[0] ?? "build/www";

  try {
    if (await fetchFrontEnd(dest))
      process.stdout.write(`www/fetch: front-end packages are in ${dest}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof FetchError) && error.syscall === undefined)
      throw error;
    process.stderr.write(`www/fetch: ${error.message}\n`);
    return 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = await main(process.argv.slice(2));
