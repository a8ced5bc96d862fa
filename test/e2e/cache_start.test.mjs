/* SPDX-License-Identifier: MIT */

/*
 * A start with a cache that cannot be used: the server serves, says so, and
 * takes the cache up when it can be. What only an operator can mend is refused
 * (config.test.mjs). Sessions outlive the loss of their key's file.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { test, until, within } from "../lib/harness.mjs";
import { NO_DISK, smallDisk } from "../lib/small_disk.mjs";
import { Visitor } from "../lib/visitor.mjs";
import { get } from "../lib/wire.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

const NOBODY = 65534;

const isRoot = process.getuid() === 0;

const readiness = async (scene, server) => {
  const seen = [];

  for (let i = 0; i < 8; i++)
    seen.push((await scene.send(server, get("/_ph/ready", { close: true }))).status);
  return [...new Set(seen)].join();
};
const ask = async (scene, server, value) => {
  const answer = await scene.send(server, call("memo_identity", value));

  assert.equal(answer.status, 200);
  assert.equal(result(answer, "memo_identity"), value);
};

/* It serves without; `mend` makes the cache usable, and it is taken up. */
async function serves(t, scene, options, pattern, mend) {
  const from = Date.now();
  const server = await scene.start({ app: "zoo", workers: 2, threads: 2, ...options });

  within(t, "from the start to readiness", Date.now() - from, 20000);
  const told = server.grep(/event=cache\.unusable/);

  assert.equal(told.length, 1);
  assert.match(told[0], pattern);
  assert.match(told[0], /level=warning/);
  assert.ok(told[0].includes(options.cacheDir), told[0]);
  assert.equal(await readiness(scene, server), "503");
  assert.equal((await scene.send(server, get("/"))).status, 200);
  for (let i = 0; i < 4; i++) await ask(scene, server, "without");
  await mend(server);
  /* Both workers have seen it. */
  await server.waitFor(/event=worker\.cache .*used again/, { count: 2, seconds: 45 });
  await until("readiness", async () => (await readiness(scene, server)) === "200", 45);
  await ask(scene, server, "with");
  const known = runs(server, "identity");

  for (let i = 0; i < 6; i++) await ask(scene, server, "with");
  assert.equal(runs(server, "identity"), known);
  assert.equal(server.workers().length, 2);
  const lines = server.grep(/level=(warning|error) .*event=(cache|keeper|worker)/);

  assert.ok(lines.length < 30, lines.join("\n"));
  return server;
}

const folder = (scene) => {
  const cacheDir = path.join(scene.dir(), "cache");

  fs.mkdirSync(cacheDir, { mode: 0o700 });
  return cacheDir;
};

test("a start on a full disk", { seconds: 120 }, async (t, scene) => {
  const disk = await smallDisk(scene, "8m");

  if (disk === null) return t.skip(NO_DISK);
  disk.fill();
  await serves(t, scene, disk.place, /space|full/i, () => disk.free());
});

test("a restart on a disk that has become full", { seconds: 120 }, async (t, scene) => {
  const disk = await smallDisk(scene, "8m");

  if (disk === null) return t.skip(NO_DISK);
  const options = { app: "zoo", workers: 2, threads: 2, ...disk.place };
  const before = await scene.start(options);
  const reserve = path.join(disk.root, "cache-v1.reserve");

  await ask(scene, before, "before");
  await until("the reserve", () => fs.existsSync(reserve));
  await before.stop();
  assert.ok(fs.existsSync(reserve));
  disk.fill();
  /* What was kept in reserve is enough to open it. */
  const server = await scene.start(options);

  assert.equal(server.grep(/event=cache\.unusable/).length, 0);
  await ask(scene, server, "with");
});

test("a start in a read-only file system", { seconds: 120 }, async (t, scene) => {
  const disk = await smallDisk(scene, "8m");

  if (disk === null) return t.skip(NO_DISK);
  disk.remount("ro");
  await serves(t, scene, disk.place, /Read-only/, () => disk.remount("rw"));
});

test("a start in a folder without the right to write", { skip: !isRoot, seconds: 120 }, async (t, scene) => {
  const cacheDir = folder(scene);

  for (const dir of [cacheDir, path.dirname(cacheDir)]) fs.chmodSync(dir, 0o755);
  await serves(
    t,
    scene,
    { cacheDir, args: ["--user", "nobody"] },
    /Permission denied/,
    () => fs.chownSync(cacheDir, NOBODY, NOBODY),
  );
});

test("a start while another program has the files locked", { seconds: 120 }, async (t, scene) => {
  const cacheDir = folder(scene);
  const lock = path.join(cacheDir, "checkpoint.lock");

  fs.writeFileSync(lock, "", { mode: 0o600 });
  const locker = spawn("flock", ["-x", lock, "sh", "-c", "echo; exec sleep 100"], {
    stdio: ["ignore", "pipe", "inherit"],
  });

  scene.later(() => locker.kill());
  await new Promise((done) => locker.stdout.once("data", done));
  await serves(t, scene, { cacheDir }, /busy/i, async () => {
    const [child] = fs
      .readFileSync(`/proc/${locker.pid}/task/${locker.pid}/children`, "utf8")
      .split(" ");

    process.kill(Number(child));
    await new Promise((done) => locker.once("exit", done));
  });
});

test("sessions of a server that becomes another user", { skip: !isRoot, seconds: 60 }, async (t, scene) => {
  const dir = scene.dir();
  const cacheDir = path.join(dir, "cache");
  const options = {
    ...{ app: "sessions", workers: 2, cacheDir },
    args: ["--user", "nobody"],
  };

  fs.chownSync(dir, NOBODY, NOBODY);
  fs.chmodSync(dir, 0o755);
  const server = await scene.start(options);
  const one = new Visitor(scene, server);

  assert.equal((await one.get("/")).status, 200);
  assert.equal(await one.act("set", "name", "Ada"), true);
  assert.equal(await one.act("get", "name"), "Ada");
  assert.equal(fs.statSync(path.join(cacheDir, "session.key")).uid, NOBODY);
  await server.stop();
  one.server = await scene.start(options);
  assert.equal(await one.act("get", "name"), "Ada");
});

test("the session key is written again", { seconds: 60 }, async (t, scene) => {
  const cacheDir = path.join(scene.dir(), "cache");
  const key = path.join(cacheDir, "session.key");
  const server = await scene.start({ app: "sessions", workers: 2, cacheDir });
  const before = fs.readFileSync(key, "utf8");

  fs.rmSync(cacheDir, { recursive: true });
  await until("the key", () => fs.existsSync(key), 30);
  assert.equal(fs.readFileSync(key, "utf8"), before);
  assert.equal(fs.statSync(key).mode & 0o777, 0o600);
  /* A reload that finds none goes on with it, too. */
  fs.rmSync(key);
  server.kill("SIGHUP");
  await server.waitFor(/event=master\.reload .*workers=/);
  await until("the key", () => fs.existsSync(key), 30);
  assert.equal(fs.readFileSync(key, "utf8"), before);
});
