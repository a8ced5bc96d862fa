/* SPDX-License-Identifier: MIT */

/*
 * Each POSIX signal does what gunicorn's manual says of it: one test per
 * signal, named by it. More of TERM, INT and QUIT is in life, of HUP in
 * op_reload, of USR2 in op_upgrade, of WINCH in op_upgrade and op_systemd.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { isAlive, test, until } from "../lib/harness.mjs";
import { ctlJson } from "../lib/op_ctl.mjs";
import { endTree } from "../lib/op_process.mjs";
import { act, configured, reload } from "../lib/op_server.mjs";
import { get, post } from "../lib/wire.mjs";

const PATIENCE = 30;

async function start(scene, settings) {
  const dir = scene.dir();
  const pidfile = path.join(dir, "web.pid");
  const server = await configured(scene, { pidfile, ...settings });

  server.controlSocket = path.join(dir, "web.ctl");
  server.pidfile = pidfile;
  return server;
}

/* A callback that runs for `seconds`; gives its connection. */
async function busy(scene, server, seconds) {
  const wire = await scene.connect(server);

  wire.write(post(act(`sleep:${seconds}`)));
  await until("it to run", async () =>
    (await ctlJson(server, "workers")).workers.some((row) => row.busy > 0),
  PATIENCE);
  return wire;
}

const gone = (server) => {
  assert.equal(fs.existsSync(server.pidfile), false, "the pid file is removed");
  assert.equal(fs.existsSync(server.controlSocket), false);
};

test("TERM: workers finish what they do", async (t, s) => {
  const server = await start(s, { workers: 2 });
  const wire = await busy(s, server, 1.5);

  server.kill("SIGTERM");
  await server.waitFor(/event=master\.stop signal=TERM how=graceful/);
  assert.equal((await wire.answer()).status, 200);
  assert.deepEqual(await server.exited, { status: 0, sig: null });
  assert.equal(await server.accepts(), false);
  gone(server);
});

for (const name of ["INT", "QUIT"]) {
  test(`${name}: at once, what runs is cut`, async (t, s) => {
    const server = await start(s, { workers: 2 });
    const wire = await busy(s, server, 60);

    server.kill(`SIG${name}`);
    await server.waitFor(new RegExp(`master\\.stop signal=${name} how=quick`));
    await assert.rejects(wire.answer());
    assert.deepEqual(await server.exited, { status: 0, sig: null });
    gone(server);
  });
}

test("INT during a graceful stop makes it quick", async (t, s) => {
  const server = await start(s, { workers: 1, graceful_timeout: 60 });

  await busy(s, server, 60);
  server.kill("SIGTERM");
  await server.waitFor(/master\.stop signal=TERM/);
  server.kill("SIGINT");
  assert.deepEqual(await server.exited, { status: 0, sig: null });
});

test("HUP: new configuration, new workers, the old ones finish", async (t, s) => {
  const server = await start(s, { workers: 1 });
  const [old] = server.workers();
  const wire = await busy(s, server, 2);
  const { pid } = server;

  server.configure({ workers: 2, loglevel: "debug", pidfile: server.pidfile });
  await reload(server);
  assert.equal((await wire.answer()).status, 200);
  await until("the old one's end", () => !isAlive(old), PATIENCE);
  await until("2 workers", () => server.workers().length === 2, PATIENCE);
  assert.equal((await ctlJson(server, "status")).log_level, "debug");
  assert.equal(Number(fs.readFileSync(server.pidfile, "utf8")), pid);
});

test("USR1: logs are opened anew, no line is lost", async (t, s) => {
  const dir = s.dir();
  const log = path.join(dir, "access.log");
  const server = await start(s, { workers: 2, accesslog: log });
  let running = true;
  let sent = 0;
  const client = async () => {
    const wire = await s.connect(server);

    while (running) {
      wire.write(get(`/_ph/health?n=${sent++}`));
      assert.equal((await wire.answer()).status, 200);
    }
  };
  const clients = Promise.all([client(), client(), client()]);

  for (let i = 1; i <= 5; i++) {
    const before = sent;

    await until("requests", () => sent > before + 50, PATIENCE);
    fs.renameSync(log, `${log}.${i}`);
    server.kill("SIGUSR1");
    await until("the new file", () => fs.existsSync(log), PATIENCE);
  }
  running = false;
  await clients;
  await server.stop();
  const seen = new Set();

  for (const name of fs.readdirSync(dir)) {
    if (!name.startsWith("access.log")) continue;
    const text = fs.readFileSync(path.join(dir, name), "latin1");

    assert.ok(text === "" || text.endsWith("\n"));
    for (const match of text.matchAll(/\/_ph\/health\?n=(\d+) /g)) {
      assert.ok(!seen.has(match[1]), `${match[1]} twice`);
      seen.add(match[1]);
    }
  }
  assert.equal(seen.size, sent, "one line per request");
  t.diagnostic(`${sent} requests over 5 rotations, ${seen.size} lines`);
});

test("USR2: another server beside this one, on the same sockets", async (t, s) => {
  const server = await start(s, { workers: 1 });

  server.kill("SIGUSR2");
  const [, child] = await server.waitFor(/event=upgrade\.begin child=(\d+)/);
  const fresh = Number(child);

  s.later(() => endTree(fresh));
  await server.waitFor(/event=upgrade\.ready/, { seconds: PATIENCE });
  assert.equal(
    Number(fs.readFileSync(`${server.pidfile}.2`, "utf8")),
    fresh,
  );
  await until("both serve", async () =>
    (await ctlJson(server, "status")).state === "upgrading", PATIENCE);
  assert.equal((await s.send(server, get("/"))).status, 200);
  /* TERM to the old one completes it: the new one gets the names. */
  assert.deepEqual(await server.stop(), { status: 0, sig: null });
  await until("the pid file", () =>
    fs.existsSync(server.pidfile) &&
    Number(fs.readFileSync(server.pidfile, "utf8")) === fresh, PATIENCE);
  assert.equal((await s.send(server, get("/"))).status, 200);
  process.kill(fresh, "SIGTERM");
  await until("the new one's end", () => !isAlive(fresh), PATIENCE);
});

test("TTIN: one worker more", async (t, s) => {
  const server = await start(s, { workers: 1 });

  for (const count of [2, 3]) {
    server.kill("SIGTTIN");
    await until(`${count} workers`, () => server.workers().length === count,
      PATIENCE);
  }
  assert.equal((await ctlJson(server, "status")).workers_wanted, 3);
});

test("TTOU: one worker fewer, never below one", async (t, s) => {
  const server = await start(s, { workers: 3 });

  for (const count of [2, 1]) {
    server.kill("SIGTTOU");
    await until(`${count} workers`, () => server.workers().length === count,
      PATIENCE);
  }
  server.kill("SIGTTOU");
  await server.waitFor(/master\.resize workers=1 .*as few as it gets/);
  assert.equal(server.workers().length, 1);
  assert.equal((await s.send(server, get("/"))).status, 200);
});

test("WINCH: a daemon's workers finish and go, HUP brings them back", async (t, s) => {
  const dir = s.dir();
  const log = path.join(dir, "error.log");
  const pidfile = path.join(dir, "web.pid");
  const server = await configured(
    s,
    { workers: 2, daemon: true, pidfile, errorlog: log },
    { wait: false },
  );

  assert.deepEqual(await server.exited, { status: 0, sig: null });
  const pid = Number(fs.readFileSync(pidfile, "utf8"));
  const ready = async (count) =>
    until(`${count} workers`, async () =>
      (await ctlJson(server, "status")).workers_ready === count, PATIENCE);

  s.later(() => endTree(pid));
  server.controlSocket = path.join(dir, "web.ctl");
  await ready(2);
  process.kill(pid, "SIGWINCH");
  await ready(0);
  assert.ok(isAlive(pid), "the master stays");
  assert.equal((await ctlJson(server, "status")).state, "resting");
  process.kill(pid, "SIGHUP");
  await ready(2);
  process.kill(pid, "SIGTERM");
  await until("its end", () => !isAlive(pid), PATIENCE);
});

test("WINCH in the foreground is ignored", async (t, s) => {
  const server = await start(s, { workers: 1 });
  const [worker] = server.workers();

  server.kill("SIGWINCH"); /* as when a terminal changes its size */
  await server.waitFor(/event=master\.rest .*WINCH is for/);
  assert.equal((await s.send(server, get("/"))).status, 200);
  assert.deepEqual(server.workers(), [worker]);
});
