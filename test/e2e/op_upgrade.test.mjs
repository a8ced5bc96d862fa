/* SPDX-License-Identifier: MIT */

/*
 * SIGUSR2: a new program takes over the sockets of the one that runs, or
 * fails and leaves everything as it was.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { BUILD, isAlive, test, until } from "../lib/harness.mjs";
import { ctl, ctlJson } from "../lib/op_ctl.mjs";
import { Load } from "../lib/op_load.mjs";
import { childrenOf, endTree } from "../lib/op_process.mjs";
import { configured } from "../lib/op_server.mjs";
import { Server } from "../lib/server.mjs";
import { get } from "../lib/wire.mjs";

async function start(scene, settings = {}, options = {}) {
  const dir = scene.dir();
  const server = await configured(
    scene,
    { workers: 2, pidfile: path.join(dir, "web.pid"), ...settings },
    options,
  );

  server.pidfile = path.join(dir, "web.pid");
  server.controlSocket = path.join(dir, "web.ctl");
  return server;
}

function read(file) {
  try {
    return Number(fs.readFileSync(file, "utf8"));
  } catch {
    return 0; /* between two names */
  }
}

/* Clients that are gone when the test is, however it ends. */
function clients(scene, server) {
  const load = new Load(server.address, { keepAlive: 2, single: 2 });

  scene.later(() => {
    load.running = false;
  });
  return load;
}

/* Upgrade and wait until the new one serves: its pid. */
async function upgrade(scene, server) {
  const { pid } = await ctlJson(server, "upgrade");

  scene.later(() => endTree(pid));
  return pid;
}

async function answers(scene, server) {
  assert.equal((await scene.send(server, get("/"))).status, 200);
}

const ended = (pid) => until(`the end of ${pid}`, () => !isAlive(pid), 30);

test("TERM to the old one completes the upgrade", { seconds: 90 }, async (t, s) => {
  const server = await start(s);
  const load = clients(s, server);
  const fresh = await upgrade(s, server);

  assert.equal(read(server.pidfile), server.pid, "the old one has the name");
  assert.equal(read(`${server.pidfile}.2`), fresh);
  assert.equal((await ctlJson(server, "status")).state, "upgrading");
  const other = { controlSocket: `${server.controlSocket}.2` };

  assert.equal((await ctlJson(other, "status")).pid, fresh);
  assert.deepEqual(await server.stop(), { status: 0, sig: null });
  await until("the new one's names", () => read(server.pidfile) === fresh);
  await until("its socket", () => !fs.existsSync(`${server.controlSocket}.2`));
  assert.ok(!fs.existsSync(`${server.pidfile}.2`));
  const status = await ctlJson(server, "status");

  assert.equal(status.pid, fresh);
  assert.equal(status.state, "serving");
  assert.equal(status.workers_ready, 2);
  const before = load.answered;

  await until("more answers", () => load.answered > before + 200);
  await load.stop();
  assert.deepEqual(load.failures, []);
  process.kill(fresh, "SIGTERM");
  await ended(fresh);
  assert.ok(!fs.existsSync(server.pidfile));
  assert.ok(!fs.existsSync(server.controlSocket));
});

test("WINCH, HUP and TERM to the new one undo it", { seconds: 90 }, async (t, s) => {
  const server = await start(s);
  const load = clients(s, server);
  const fresh = await upgrade(s, server);

  server.kill("SIGWINCH");
  await until("the old workers to go", () => childrenOf(server.pid)
    .filter((name) => name.startsWith("ph-worker")).length === 0);
  assert.equal((await ctlJson(server, "status")).state, "resting");
  await until("answers of the new one", () => load.answered > 200);
  server.kill("SIGHUP");
  await server.waitFor(/event=master\.restarted workers=2/);
  process.kill(fresh, "SIGTERM");
  await ended(fresh);
  await server.waitFor(/event=upgrade\.undone/);
  await load.stop();
  assert.deepEqual(load.failures, []);
  assert.equal(read(server.pidfile), server.pid);
  assert.ok(!fs.existsSync(`${server.pidfile}.2`));
  assert.ok(!fs.existsSync(`${server.controlSocket}.2`));
  await answers(s, server);
  /* It can be tried again. */
  process.kill(await upgrade(s, server), "SIGTERM");
  await server.waitFor(/event=upgrade\.undone/, { count: 2 });
});

test("a new one that ends brings the resting workers back", async (t, s) => {
  const server = await start(s);
  const fresh = await upgrade(s, server);

  server.kill("SIGWINCH");
  await until("rest", async () =>
    (await ctlJson(server, "status")).workers_ready === 0);
  process.kill(fresh, "SIGKILL");
  await until("the workers", async () =>
    (await ctlJson(server, "status")).workers_ready === 2);
  await answers(s, server);
});

test("a new one that does not start changes nothing", async (t, s) => {
  const broken = path.join(s.dir(), "broken");
  const server = await start(s, {}, { env: { OP_BROKEN: broken } });

  fs.writeFileSync(broken, "");
  const answer = await ctl(server, "upgrade");

  assert.equal(answer.status, 1);
  assert.match(answer.err, /failed: the new server did not serve \(status=1\)/);
  await answers(s, server);
  assert.ok(!fs.existsSync(`${server.pidfile}.2`));
  fs.appendFileSync(server.file, "timout = 3\n");
  server.kill("SIGUSR2");
  await server.waitFor(/event=upgrade\.failed/, { count: 2 });
  assert.ok(server.grep(/did you mean timeout/).length > 0);
  await answers(s, server);
});

test("TERM before the new one serves waits for it", { seconds: 90 }, async (t, s) => {
  const server = await start(s);
  const load = clients(s, server);

  server.kill("SIGUSR2");
  const begin = await server.waitFor(/event=upgrade\.begin child=(\d+)/);
  const fresh = Number(begin[1]);

  s.later(() => endTree(fresh));
  server.kill("SIGTERM");
  await server.waitFor(/event=upgrade\.stop_waits/);
  assert.deepEqual(await server.exited, { status: 0, sig: null });
  await until("the new one's names", () => read(server.pidfile) === fresh);
  await answers(s, server);
  await load.stop();
  assert.deepEqual(load.failures, []);
});

test("TERM twice before the new one serves, or when it fails, stops all", async (t, s) => {
  const broken = path.join(s.dir(), "broken");
  const stuck = path.join(s.dir(), "stuck");

  for (const [file, times] of [[broken, 1], [stuck, 2]]) {
    const server = await start(s, {}, {
      env: { OP_BROKEN: broken, OP_STUCK: stuck },
    });

    fs.writeFileSync(file, "");
    server.kill("SIGUSR2");
    const begin = await server.waitFor(/event=upgrade\.begin child=(\d+)/);

    server.kill("SIGTERM");
    await server.waitFor(/event=upgrade\.stop_waits/);
    if (times === 2) server.kill("SIGTERM");
    assert.deepEqual(await server.exited, { status: 0, sig: null });
    await ended(Number(begin[1]));
    fs.rmSync(file, { force: true });
  }
});

test("a second USR2 is refused", async (t, s) => {
  const server = await start(s);
  const fresh = await upgrade(s, server);

  server.kill("SIGUSR2");
  await server.waitFor(/upgrade\.refused why="a new server runs already"/);
  process.kill(fresh, "SIGUSR2");
  await server.waitFor(/upgrade\.refused why="the server before this one/);
});

test("kill -9 of the old one leaves the new one as the server", async (t, s) => {
  const server = await start(s);
  const fresh = await upgrade(s, server);

  await server.stop("SIGKILL");
  await until("its names", () => read(server.pidfile) === fresh);
  await until("one that answers", async () =>
    (await ctl(server, "status")).status === 0);
  assert.equal((await ctlJson(server, "status")).pid, fresh);
  await answers(s, server);
  process.kill(fresh, "SIGTERM");
  await ended(fresh);
});

test("a unix socket and a new address in the file", async (t, s) => {
  const socket = path.join(s.dir(), "web.sock");
  const old = path.join(s.dir(), "old.sock");
  const server = await start(s, { bind: [`unix:${socket}`, `unix:${old}`] });
  const at = (file) => ({ address: { path: file } });
  const added = path.join(s.dir(), "added.sock");

  server.configure({
    workers: 1,
    pidfile: server.pidfile,
    bind: [`unix:${socket}`, `unix:${added}`],
  });
  const fresh = await upgrade(s, server);

  await answers(s, at(old)); /* by the old one */
  await server.stop();
  await answers(s, at(socket));
  await answers(s, at(added));
  await until("the old name to go", () => !fs.existsSync(old));
  process.kill(fresh, "SIGTERM");
  await ended(fresh);
  assert.ok(!fs.existsSync(socket) && !fs.existsSync(added));
});

test("a new program file, a umask, upgrade_auto", async (t, s) => {
  const program = path.join(s.dir(), "pronghorn");

  fs.copyFileSync(path.join(BUILD, "pronghorn"), program);
  const server = await start(
    s,
    { upgrade_auto: true },
    {
      program,
      wrapper: ["sh", "-c", 'umask 027; exec "$@"', "sh"],
      args: ["--umask", "027", "--www-dir", path.join(BUILD, "www")],
    },
  );

  fs.copyFileSync(program, `${program}.new`);
  fs.renameSync(`${program}.new`, program);
  const fresh = await upgrade(s, server);

  await server.exited;
  assert.equal(fs.readlinkSync(`/proc/${fresh}/exe`), program);
  assert.match(fs.readFileSync(`/proc/${fresh}/status`, "utf8"), /Umask:\s+0027/);
  await until("its name", () => read(server.pidfile) === fresh);
  await answers(s, server);
  /* And once more, from the second to the third. */
  const third = await upgrade(s, server);

  await ended(fresh);
  await until("its name", () => read(server.pidfile) === third);
  await answers(s, server);
});

/* A listening socket of ours, as a service manager hands it over. */
function listening(scene) {
  return new Promise((done) => {
    const holder = net.createServer();

    holder.listen(0, "127.0.0.1", () => done(holder));
  });
}

test("sockets of the service manager are handed on", async (t, s) => {
  const holder = await listening(s);
  const server = await start(
    s,
    { bind: "127.0.0.1:1" },
    {
      fds: [holder._handle.fd],
      wrapper: [
        "sh",
        "-c",
        'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"',
        "sh",
      ],
    },
  );
  const place = { address: { host: "127.0.0.1", port: holder.address().port } };

  holder.close(); /* or we would accept, too */
  await answers(s, place);
  const fresh = await upgrade(s, server);

  await server.stop();
  await until("its name", () => read(server.pidfile) === fresh);
  for (let i = 0; i < 20; i++) await answers(s, place);
});

test("E7: with reuse_port", { seconds: 90 }, async (t, s) => {
  const server = await start(s, { reuse_port: true });
  const load = clients(s, server);
  const fresh = await upgrade(s, server);

  assert.deepEqual(await server.stop(), { status: 0, sig: null });
  await until("the new one's names", () => read(server.pidfile) === fresh, 30);
  const before = load.answered;

  await until("more answers", () => load.answered > before + 100, 30);
  await load.stop();
  assert.deepEqual(load.failures, []);
  process.kill(fresh, "SIGTERM");
  await ended(fresh);
});

test("fd://N in bind", async (t, s) => {
  const holder = await listening(s);
  const server = await start(
    s,
    { bind: "fd://3" },
    { fds: [holder._handle.fd] },
  );
  const place = { address: { host: "127.0.0.1", port: holder.address().port } };

  holder.close();
  await answers(s, place);
  server.kill("SIGHUP");
  await server.waitFor(/event=master\.restarted/);
  await answers(s, place);
  await upgrade(s, server);
  await server.stop();
  await answers(s, place);
});

test("metrics_bind goes to the new one, and back when it ends", { seconds: 90 }, async (t, s) => {
  const server = await start(s, { metrics_bind: "127.0.0.1:0" });
  const [, text] = await server.waitFor(/event=metrics\.bound address=(\S+)/);
  const admin = { address: Server.parseAddress(text) };
  const admins = (pid) =>
    childrenOf(pid).filter((name) => name.startsWith("ph-admin"));
  const scrapes = async () =>
    assert.equal((await s.send(admin, get("/_ph/metrics"))).status, 200);

  await until("the admin process", () => admins(server.pid).length === 1);
  await scrapes();
  let fresh = await upgrade(s, server);

  await until("one of the new one", () => admins(fresh).length === 1);
  await until("none of the old one", () => admins(server.pid).length === 0);
  await scrapes();
  process.kill(fresh, "SIGTERM");
  await ended(fresh);
  await until("one again", () => admins(server.pid).length === 1);
  await scrapes();

  fresh = await upgrade(s, server);
  await server.stop();
  await until("one of the new one", () => admins(fresh).length === 1);
  await scrapes();
  process.kill(fresh, "SIGTERM");
  await ended(fresh);
});
