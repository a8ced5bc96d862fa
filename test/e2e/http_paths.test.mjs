/* SPDX-License-Identifier: MIT */

/*
 * Paths that try to leave the folders that are served: several hundred ways
 * to write them, and links that change between the look and the read.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { Worker } from "node:worker_threads";
import { test, until } from "../lib/harness.mjs";
import { get } from "../lib/wire.mjs";

const LONG = process.env.STRESS === "1";
const RACES = LONG ? 10000 : 1000;
const SWAPS = LONG ? 2000 : 50;
const SECRET = "TOP SECRET 4f1c";

/* Ways to write "up one folder", and a slash. */
const UPS = [
  "..", ".%2e", "%2e.", "%2e%2e", "%2E%2E", "%252e%252e", "%25252e%25252e",
  "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "%f0%80%80%ae", "%c0%2e%c0%2e",
  "%uff0e%uff0e", "%u002e%u002e", "..%00", "%00..", "...", "....", "..;",
  "..%20", "..%09", ".%0a.", "%ef%bc%8e%ef%bc%8e", ".%2e%2f.", "./..",
];
const SLASHES = [
  "/", "%2f", "%2F", "%5c", "\\", "%252f", "%255c", "%c0%af", "%e0%80%af",
  "%ef%bc%8f", "//", "/./", ";/",
];
const PREFIXES = ["/assets/", "/_dash-component-suites/", "/assets/sub/"];
const TARGETS = ["outside.txt", "etc/passwd"];

function variants() {
  const list = new Set();

  for (const prefix of PREFIXES) {
    for (const up of UPS)
      for (const slash of SLASHES)
        for (const target of TARGETS)
          list.add(prefix + `${up}${slash}`.repeat(2) + target);
    for (const lead of ["/", "//", "%2f", "%5c", "file:///", "http://a/", "~/", "C:/"])
      for (const target of TARGETS) list.add(prefix + lead + target);
    for (const name of ["proc/self/environ", "proc/self/root/etc/passwd",
      "dev/zero", ".", "%2e", "%00", "link.txt", "up/outside.txt", "fifo",
      "socket", "unreadable.txt", "abs.txt", "%6cink.txt", "sub/../link.txt"])
      list.add(prefix + name);
  }
  return [...list];
}

function folder(scene) {
  const dir = scene.dir();
  const root = path.join(dir, "assets");
  const link = (to, name) => fs.symlinkSync(to, path.join(root, name));

  fs.mkdirSync(path.join(root, "sub"), { recursive: true });
  fs.writeFileSync(path.join(root, "inside.txt"), "inside");
  fs.writeFileSync(path.join(dir, "outside.txt"), SECRET);
  fs.writeFileSync(path.join(root, "unreadable.txt"), "unreadable", { mode: 0 });
  link("../outside.txt", "link.txt");
  link(path.join(dir, "outside.txt"), "abs.txt");
  link("..", "up");
  link("/", "root");
  return { dir, root };
}

/* No byte from outside is in an answer, whichever way it was asked for. */
function isClean(answer, target) {
  assert.ok([200, 400, 404, 414].includes(answer.status), `${target}: ${answer.status}`);
  assert.ok(!answer.text.includes(SECRET), `${target} leads out`);
  assert.doesNotMatch(answer.text, /^root:|^PATH=/m, target);
  assert.equal(answer.field("location"), undefined, target);
}

/* Nothing is unreadable to root, as whom tests may run. */
const isReadable = (target) =>
  target.endsWith("/unreadable.txt") && process.getuid() === 0;

test("hundreds of ways to write a path [34] [H10]", async (t, scene) => {
  const { root } = folder(scene);
  const server = await scene.start({
    app: "zoo",
    args: ["--assets-folder", root],
  });
  const wire = await scene.connect(server);
  const list = variants();
  const page = (await scene.send(server, get("/"))).text;
  const counts = {};

  assert.ok(list.length > 300);
  for (const target of list) {
    wire.write(get(target));
    const answer = await wire.answer();

    isClean(answer, target);
    /* The page of deep links is all that an unknown path may get. */
    if (answer.status === 200 && !isReadable(target))
      assert.equal(answer.text, page, target);
    counts[answer.status] = (counts[answer.status] ?? 0) + 1;
  }
  /* The absolute form is decoded and checked in the same way. */
  for (const target of list.filter((each) => each.startsWith("/assets/.."))) {
    const answer = await scene.send(
      server,
      Buffer.from(`GET http://a${target} HTTP/1.1\r\nHost: a\r\n\r\n`, "latin1"),
    );

    isClean(answer, target);
  }
  wire.write(get("/assets/inside.txt"));
  assert.equal((await wire.answer()).text, "inside");
  t.diagnostic(`${list.length} paths: ${JSON.stringify(counts)}`);
});

/* The page of deep links is for addresses, not for whoever tries doors. */
test("paths below no folder that try to leave it [34] [H10]", async (t, scene) => {
  for (const app of ["zoo", "dash_pages"]) {
    const server = await scene.start({ app });
    const wire = await scene.connect(server);
    const status = async (target) => {
      wire.write(get(target));
      return (await wire.answer()).status;
    };
    const ups = [
      "..", ".%2e", "%2e.", "%2e%2e", "%2E%2E", "%252e%252e", "%25252e%2525252e",
      ".%252e", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "%f0%80%80%ae",
      "%uff0e%uff0e", "%u002e%u002e", "..%00", "%00..", "..;", "..;a=b", ".%09.",
      "%2e%252e%3b",
    ];
    const bad = [
      "/cgi-bin/.%2e/.%2e/.%2e/.%2e/etc/passwd",
      "/icons/.%%32%65/.%%32%65/etc/passwd", "/.", "/..", "/./", "/a/.", "/a/..",
      "/%2e", "/%2e/x", "/a%5c..%5cb", "/a\\b", "/a%255c..%255cb", "/a/%252e/b", "/%00",
      "/a%00.html", "/a%0d%0ab", "/a%0ab", "/%7f", "/%", "/a%2", "/%zz", "/%ff",
      "/%ed%a0%80", "/%c3", "/..%2f..%2fetc/passwd", "/a%2f..%2fb", "/a%252f..%252fb",
    ];

    for (const up of ups)
      for (const slash of ["/", "%2f", "%5c", "%252f", "//"])
        bad.push(`/${up}${slash}${up}${slash}etc/passwd`, `/a${slash}${up}${slash}b`);
    for (const target of bad) assert.equal(await status(target), 400, `${app} ${target}`);
    for (const target of ["/assets/%252e%252e/etc/passwd", "/_dash-component-suites/../x",
      "/_dash-component-suites/%2e%2e/%2e%2e/etc/passwd", "/_ph/../etc/passwd"])
      assert.ok([400, 404].includes(await status(target)), `${app} ${target}`);
    /* Names that only look like it. */
    for (const target of ["/...", "/.well-known/x", "/a..b/..c/d..", "/100%25",
      "/100%2525", "/a%2fb", "/%c3%a4", "/a;b/c", "/x/.hidden", "/a%20b", "/%25zz/..."])
      assert.equal(await status(target), app === "zoo" ? 200 : 404, `${app} ${target}`);
    t.diagnostic(`${app}: ${bad.length} paths`);
  }
});

/* Swaps, as fast as it can, a file and a folder with links to the outside. */
const SWAPPER = `
  const fs = require("node:fs");
  const { workerData } = require("node:worker_threads");
  const { root, state } = workerData;
  const at = (name) => root + "/" + name;

  fs.writeFileSync(at("file.kept"), "inside");
  while (Atomics.load(state, 0) === 0) {
    fs.renameSync(at("folder"), at("folder.kept"));
    fs.symlinkSync("../outside", at("folder"));
    fs.symlinkSync("../outside.txt", at("link.tmp"));
    fs.renameSync(at("link.tmp"), at("swap.txt"));
    fs.unlinkSync(at("folder"));
    fs.renameSync(at("folder.kept"), at("folder"));
    fs.linkSync(at("file.kept"), at("file.tmp"));
    fs.renameSync(at("file.tmp"), at("swap.txt"));
    Atomics.add(state, 1, 1);
  }
`;

test("links that are swapped meanwhile [H10]", { seconds: 240 }, async (t, scene) => {
  const { dir, root } = folder(scene);
  const names = Array.from({ length: 500 }, (_, i) => `${i}.txt`);

  /* Many files, as what was found is not looked for again for a second. */
  for (const [place, text] of [
    [path.join(root, "folder"), "inside"],
    [path.join(dir, "outside"), SECRET],
  ]) {
    fs.mkdirSync(place);
    for (const name of names) fs.writeFileSync(path.join(place, name), text);
  }
  const server = await scene.start({
    app: "zoo",
    args: ["--assets-folder", root],
  });
  const state = new Int32Array(new SharedArrayBuffer(8)); /* stop, swaps */
  const swapper = new Worker(SWAPPER, { eval: true, workerData: { root, state } });
  const ended = new Promise((done, fail) => {
    swapper.once("exit", done);
    swapper.once("error", fail);
  });

  scene.later(() => {
    Atomics.store(state, 0, 1);
    return ended;
  });
  await until("the first swap", () => Atomics.load(state, 1) > 0);
  const wire = await scene.connect(server);
  const counts = { 200: 0, 404: 0 };
  let asked = 0;

  /* Until all was seen: what is inside, and links, which are not there. */
  const isEnough = () =>
    asked >= RACES && Atomics.load(state, 1) >= SWAPS &&
    counts[200] > 0 && counts[404] > 0;

  while (!isEnough()) {
    const targets = ["/assets/swap.txt"];

    while (targets.length < 50)
      targets.push(`/assets/folder/${names[asked++ % names.length]}`);
    wire.write(Buffer.concat(targets.map((target) => get(target))));
    for (const target of targets) {
      const answer = await wire.answer();

      if (answer.status === 200) assert.equal(answer.text, "inside", target);
      else assert.equal(answer.status, 404, target);
      counts[answer.status]++;
    }
  }
  t.diagnostic(
    `${asked} requests, ${Atomics.load(state, 1)} swaps: ${JSON.stringify(counts)}`,
  );
});
