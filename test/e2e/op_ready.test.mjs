/* SPDX-License-Identifier: MIT */

/*
 * Readiness when the cache cannot be used: at the start of a worker, and lost
 * while it serves; the workers say so, the master, and when it is over.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test, until } from "../lib/harness.mjs";
import { ctlJson } from "../lib/op_ctl.mjs";
import { configured } from "../lib/op_server.mjs";
import { Server } from "../lib/server.mjs";
import { get } from "../lib/wire.mjs";

const ROOT_ONLY = process.getuid() !== 0 ? "only root can do this" : false;
const NOBODY = 65534;

async function start(scene, settings) {
  const dir = scene.dir();
  const socket = path.join(scene.dir(), "ctl.sock");

  if (settings.user) fs.chownSync(dir, NOBODY, NOBODY);
  const server = await configured(scene, {
    workers: 2,
    cache_dir: path.join(dir, "cache"),
    metrics_bind: "127.0.0.1:0",
    control_socket: socket,
    ...settings,
  });
  const [, bound] = await server.waitFor(/event=metrics\.bound address=(\S+)/);
  const admin = { address: Server.parseAddress(bound) };

  server.controlSocket = socket;
  server.cacheDir = path.join(dir, "cache");
  server.readiness = async () => {
    /* Several, so that each worker is asked. */
    const web = [];

    for (let i = 0; i < 8; i++)
      web.push((await scene.send(server, get("/_ph/ready", { close: true }))).status);
    const master = await scene.send(admin, get("/_ph/ready"));

    return { web: [...new Set(web)], master: master.status, text: master.text };
  };
  server.state = async () => {
    const { state, workers_without_cache: without } = await ctlJson(server, "status");

    return `${state} ${without}`;
  };
  server.isReady = async (status) => {
    const { web, master } = await server.readiness();

    return web.length === 1 && web[0] === status && master === status;
  };
  /* A worker that was asked may be ahead of another that was not. */
  server.becomes = (state) =>
    until(state, async () => (await server.state()) === state, 30);
  /* The admin process knows it a moment after the master has said it. */
  await until("readiness", () => server.isReady(200));
  await server.becomes("serving 0");
  return server;
}

async function replaceWorkers(server) {
  const from = server.lines.length;

  for (const pid of server.workers()) server.kill("SIGKILL", pid);
  await server.waitFor(/event=worker\.ready/, { from, count: 2, seconds: 30 });
  await until("2 workers", async () =>
    (await ctlJson(server, "status")).workers_ready === 2, 20);
}

test("new workers cannot open the cache of somebody else", { skip: ROOT_ONLY, seconds: 120 }, async (t, s) => {
  const server = await start(s, { user: "nobody" });

  fs.chownSync(server.cacheDir, 0, 0);
  await replaceWorkers(server);
  /* At once, and everywhere. */
  const { web, master, text } = await server.readiness();

  assert.deepEqual([web, master], [[503], 503]);
  assert.equal(text, "the cache cannot be used\n");
  await server.becomes("degraded 2");
  assert.equal((await s.send(server, get("/"))).status, 200);
  assert.equal((await s.send(server, get("/_ph/health"))).status, 200);
  fs.chownSync(server.cacheDir, NOBODY, NOBODY);
  await until("readiness", () => server.isReady(200), 45);
  await server.becomes("serving 0");
});

test("a file is in the place of the folder, and it is lost while in use", { seconds: 120 }, async (t, s) => {
  const server = await start(s, {});

  fs.renameSync(server.cacheDir, `${server.cacheDir}.old`);
  fs.writeFileSync(server.cacheDir, "");
  /* Those that have it open have a file that nobody will find again. */
  await until("that it is told", () => server.isReady(503), 20);
  await server.becomes("degraded 2");
  await replaceWorkers(server);
  assert.ok(await server.isReady(503));
  fs.rmSync(server.cacheDir);
  await until("readiness", () => server.isReady(200), 60);
  await server.becomes("serving 0");
});

test("damage that nobody can put right", { skip: ROOT_ONLY, seconds: 120 }, async (t, s) => {
  const server = await start(s, { user: "nobody" });
  const file = path.join(server.cacheDir, "cache-v1.db");
  const fd = fs.openSync(file, "r+");

  /* The keeper may not put another one there. */
  fs.chownSync(server.cacheDir, 0, 0);
  fs.chmodSync(server.cacheDir, 0o711);
  fs.writeSync(fd, Buffer.alloc(fs.fstatSync(fd).size, "garbage "), 0);
  fs.closeSync(fd);
  await replaceWorkers(server);
  await until("that it is told", () => server.isReady(503), 20);
  fs.chmodSync(server.cacheDir, 0o700);
  fs.chownSync(server.cacheDir, NOBODY, NOBODY);
  await until("readiness", () => server.isReady(200), 60);
});

test("what the keeper puts right is nobody's trouble", { seconds: 60 }, async (t, s) => {
  const server = await start(s, {});
  const seen = new Set();
  let over = false;
  const watch = (async () => {
    while (!over) {
      const { web, master } = await server.readiness();

      for (const status of [...web, master]) seen.add(status);
    }
  })();

  fs.rmSync(server.cacheDir, { recursive: true });
  await server.waitFor(/event=keeper\.new_file/, { seconds: 30 });
  await new Promise((done) => setTimeout(done, 5000));
  over = true;
  await watch;
  assert.deepEqual([...seen], [200]);
  await server.becomes("serving 0");
});
