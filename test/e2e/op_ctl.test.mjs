/* SPDX-License-Identifier: MIT */

/*
 * pronghorn ctl: what it tells, what it does, and who is let in.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { isAlive, now, SLOW, test, until, within } from "../lib/harness.mjs";
import { ctl, ctlJson as json } from "../lib/op_ctl.mjs";
import { cpuSeconds } from "../lib/op_process.mjs";
import { act, configured } from "../lib/op_server.mjs";
import { get, post } from "../lib/wire.mjs";

async function controlled(scene, settings = {}, options = {}) {
  const socket = path.join(scene.dir(), "ctl.sock");
  const server = await configured(
    scene,
    { workers: 2, control_socket: socket, ...settings },
    options,
  );

  server.controlSocket = socket;
  server.settings = { workers: 2, control_socket: socket, ...settings };
  return server;
}

/* Raw bytes to the socket; what comes until it is closed or quiet. */
function raw(server, bytes, lines = 1) {
  return new Promise((done, fail) => {
    const socket = net.connect({ path: server.controlSocket });
    let text = "";

    socket.on("error", fail);
    socket.on("data", (data) => {
      text += data;
      if (text.split("\n").length > lines) socket.destroy();
    });
    socket.on("close", () => done(text));
    socket.write(bytes);
  });
}

test("status, workers, listeners, config", async (t, s) => {
  const server = await controlled(s);
  const status = await json(server, "status");

  assert.equal(status.state, "serving");
  assert.equal(status.pid, server.pid);
  assert.equal(status.workers_ready, 2);
  const { workers } = await json(server, "workers");

  assert.deepEqual(
    workers.map((row) => row.pid).sort(),
    server.workers().sort(),
  );
  assert.ok(workers.every((row) => row.state === "ready" && row.memory > 0));
  const { listeners } = await json(server, "listeners");

  assert.equal(listeners[0].address, server.bind);
  assert.equal(listeners[0].url, `http://${server.bind}/`);
  const { config } = await json(server, "config");
  const row = config.find(({ name }) => name === "workers");

  assert.equal(row.value, "2");
  assert.match(row.from, /pronghorn\.conf:\d+$/);
});

test("tables for people", async (t, s) => {
  const server = await controlled(s);
  const { out } = await ctl(server, "workers");
  const lines = out.trimEnd().split("\n");

  assert.match(lines[0], /^slot +pid +state +reason /);
  assert.equal(lines.length, 3);
  assert.match((await ctl(server, "status")).out, /^state +serving$/m);
});

test("metrics: what is counted, with percentiles", async (t, s) => {
  const server = await controlled(s);

  for (let i = 0; i < 5; i++)
    assert.equal((await s.send(server, post(act("x")))).status, 200);
  const find = async (name, of = "") =>
    (await json(server, "metrics")).metrics.find(
      (row) => row.metric === name && row.of === of,
    );

  await until("the workers' reports", async () =>
    (await find("requests_total", "2xx")).value >= 5, 20);
  assert.equal((await find("workers_ready")).value, 2);
  const duration = await until("5 callbacks", async () => {
    const row = await find("callback_duration_seconds", "act");

    return row?.count === 5 && row;
  }, 20);

  assert.equal(duration.type, "histogram");
  assert.ok(duration.p50 > 0 && duration.p50 <= duration.p99);
  assert.equal((await find("signals", "computing")).value, 0);
  assert.equal((await find("workers_ready")).p50, null);
  const { out } = await ctl(server, "metrics");

  assert.match(out, /^metric +type +label +of +value +count +p50 +p95 +p99$/m);
  assert.match(out, /^requests_total +counter +class +2xx +\d+ +- +-/m);
});

test("the socket is private and not stolen", async (t, s) => {
  const server = await controlled(s);
  const mode = fs.statSync(server.controlSocket).mode & 0o777;

  assert.equal(mode, 0o600);
  const other = await configured(
    s,
    { control_socket: server.controlSocket },
    { wait: false },
  );
  const { status } = await other.exited;

  assert.equal(status, 1);
  assert.match(other.lines.join("\n"), /control_socket: .*another process/);
  assert.equal((await json(server, "status")).state, "serving");
  await server.stop();
  assert.ok(!fs.existsSync(server.controlSocket));
});

/* Whoever may open the file still has to be who the server is, or root. */
test("another user is refused, whatever the file's mode", {
  skip: process.getuid() !== 0 && "only root can be somebody else",
}, async (t, s) => {
  const dir = s.dir();
  const socket = path.join(dir, "ctl.sock");

  fs.chmodSync(dir, 0o755);
  await configured(s, { control_socket: socket });
  fs.chmodSync(socket, 0o666);
  const ask = (who) =>
    spawnSync(
      process.execPath,
      [
        "-e",
        `const wire = require("net").connect(${JSON.stringify(socket)});
         wire.on("data", (data) => process.stdout.write(data));
         wire.on("error", (error) => process.stdout.write(error.code));
         wire.write('{"command":"status"}\\n');
         setTimeout(() => process.exit(), 3000).unref();`,
      ],
      { ...who, encoding: "utf8" },
    ).stdout;

  assert.match(ask({}), /"ok":\s*true/);
  assert.doesNotMatch(ask({ uid: 65534, gid: 65534 }), /"ok":\s*true|generation/);
});

test("a socket left by a crash is replaced", async (t, s) => {
  const server = await controlled(s);

  await server.stop("SIGKILL");
  assert.ok(fs.existsSync(server.controlSocket));
  const next = await configured(s, { control_socket: server.controlSocket });

  assert.equal((await json(next, "status")).pid, next.pid);
});

test("no server: a clear sentence, status 3", async (t, s) => {
  const server = await controlled(s);

  await server.stop();
  const { status, err } = await ctl(server, "status");

  assert.equal(status, 3);
  assert.match(err, /^pronghorn ctl: no server answers on .*ctl\.sock: /);
});

test("wrong usage: status 2 and what is wrong, server or not", async (t, s) => {
  const server = await controlled(s);
  const check = async () => {
    for (const [words, pattern] of [
      [["bogus"], /there is no command bogus$/m],
      [["statsu"], /no command statsu; did you mean status\?/],
      [["sesions"], /did you mean sessions\?/],
      [["scale"], /scale takes one argument$/m],
      [["scale", "x"], /scale x: not a number/],
      [["scale", "-1"], /scale -1: not a number/],
      [["kill-worker", "1", "2"], /kill-worker takes one argument$/m],
      [["status", "all"], /status takes no argument/],
      [["stop", "now", "please"], /stop takes one argument at most/],
    ]) {
      const { status, err, out } = await ctl(server, ...words);

      assert.equal(status, 2, words.join(" "));
      assert.match(err, /^usage: pronghorn ctl/);
      assert.match(err, pattern);
      assert.equal(out, "");
    }
  };

  await check();
  await server.stop();
  await check();
});

test("beside the pid file without being named", async (t, s) => {
  const dir = s.dir();
  const server = await configured(s, { pidfile: path.join(dir, "web.pid") });

  assert.ok(fs.existsSync(path.join(dir, "web.ctl")));
  assert.equal((await json(server, "status")).state, "serving");
});

test("reload answers with the result", async (t, s) => {
  const server = await controlled(s);

  assert.equal((await json(server, "reload")).generation, 2);
  fs.appendFileSync(server.file, "timout = 3\n");
  const { status, err } = await ctl(server, "reload");

  assert.equal(status, 1);
  assert.match(err, /did you mean timeout\?/);
  assert.match((await json(server, "status")).last_reload, /timout/);
});

test("reload anew takes the place of one that hangs", async (t, s) => {
  const stuck = path.join(s.dir(), "stuck");
  const server = await controlled(s, {}, { env: { OP_STUCK: stuck } });

  fs.writeFileSync(stuck, "");
  const hangs = ctl(server, "reload");

  await until("the check to hang", () => !fs.existsSync(stuck));
  const start = now();

  assert.equal((await json(server, "reload", "anew")).generation, 2);
  within(t, "past a check that hangs", now() - start, 5000);
  /* Whoever asked for the first one has what came of the second. */
  assert.equal((await hangs).status, 0);
  assert.deepEqual(server.grep(/reload_failed/), []);
  assert.equal((await json(server, "reload", "anew")).generation, 3);
  const { status, err } = await ctl(server, "reload", "old");

  assert.equal(status, 1);
  assert.match(err, /takes nothing, or anew/);
});

test("scale, kill-worker, reopen-logs, log-level, stop", async (t, s) => {
  const server = await controlled(s);

  await json(server, "scale", "4");
  await until("4 workers", () => server.workers().length === 4);
  assert.equal((await ctl(server, "scale", "0")).status, 1);
  const victim = (await json(server, "workers")).workers[0];

  await json(server, "kill-worker", String(victim.slot));
  await until("its end", () => !isAlive(victim.pid));
  await until("4 workers again", () => server.workers().length === 4);
  assert.equal((await ctl(server, "kill-worker", "60")).status, 1);
  await json(server, "reopen-logs");
  await server.waitFor(/event=master\.reopen/);
  await json(server, "log-level", "debug");
  assert.equal((await s.send(server, post(act("print")))).status, 200);
  await server.waitFor(/event=orders.log_level level=debug/);
  assert.equal((await json(server, "status")).log_level, "debug");
  assert.equal((await ctl(server, "log-level", "loud")).status, 1);
  await json(server, "stop");
  assert.equal((await server.exited).status, 0);
});

test("signals and cache come from the database", async (t, s) => {
  const server = await controlled(s);

  const remember = {
    output: "memo.children",
    outputs: { id: "memo", property: "children" },
    inputs: [{ id: "key", property: "value", value: 0.01 }],
    changedPropIds: ["key.value"],
    parsedChangedPropsIds: ["key.value"],
  };

  assert.equal((await s.send(server, post(remember))).status, 200);
  const { signals } = await json(server, "signals");

  assert.equal(signals[0].function, "slow_value");
  assert.equal(signals[0].state, "ready");
  assert.equal((await json(server, "cache")).values, 1);
  await server.stop();
  server.controlSocket = null; /* without a server the file tells */
  assert.equal((await json(server, "cache")).values, 1);
});

test("garbage is answered or closed, and bounded", async (t, s) => {
  const server = await controlled(s);

  for (const line of ["", "status", "[]", '{"command":1}', '{"command":"x"}',
    '{"command":"scale","arguments":[1]}', '{"command":"scale"}',
    '{"command":"status","arguments":["1","2","3","4","5"]}', "\0\x01", "{".repeat(500)])
    assert.match(await raw(server, `${line}\n`), /^\{"ok":false,"error":"/);
  assert.match(await raw(server, "x".repeat(5000)), /the line is too long/);
  const two = await raw(
    server,
    '{"command":"status"}\n{"command":"listeners"}\n',
    2,
  );

  assert.equal(two.trimEnd().split("\n").length, 2);
  /* Silent clients hold their places, nobody else: workers serve. */
  const idle = Array.from({ length: 20 }, () =>
    net.connect({ path: server.controlSocket }).on("error", () => {}),
  );

  assert.equal((await s.send(server, get("/"))).status, 200);
  for (const socket of idle) socket.destroy();
  assert.equal((await json(server, "status")).state, "serving");
});

test("the state of a server whose workers die is degraded", async (t, s) => {
  const dies = path.join(s.dir(), "dies");
  const server = await controlled(s, { respawn_backoff: 1 }, { env: { OP_DIES: dies } });

  fs.writeFileSync(dies, "");
  server.kill("SIGKILL", server.workers()[0]);
  await until("degraded", async () => {
    const status = await json(server, "status");

    return status.state === "degraded" && status.failed_starts > 0 && status;
  });
  fs.rmSync(dies);
  await until("serving", async () => (await json(server, "status")).state === "serving");
});

/* From now on the process may open no more than `limit` descriptors. */
const limitFiles = (pid, limit) =>
  execFileSync("prlimit", ["--pid", pid, `--nofile=${limit}:`].map(String));

test("a master out of descriptors waits, and says so", async (t, s) => {
  const server = await controlled(s);
  const used = fs.readdirSync(`/proc/${server.pid}/fd`).map(Number);
  let full = 0; /* the lowest number that is free */

  while (used.includes(full)) full++;

  limitFiles(server.pid, full);
  const answer = raw(server, '{"command":"status"}\n');

  await server.waitFor(/event=control\.paused/);
  const before = cpuSeconds(server.pid);

  await new Promise((done) => setTimeout(done, 2500));
  const seconds = cpuSeconds(server.pid) - before;

  t.diagnostic(`${seconds} s of CPU in 2.5 s`);
  assert.ok(seconds < 0.5 * SLOW, `${seconds} s: it spins`);
  assert.equal(server.grep(/event=control\.paused/).length, 1);

  server.kill("SIGHUP");
  const line = await server.waitFor(/master\.reload_failed .*/);

  assert.match(String(line), /Too many open files/);
  limitFiles(server.pid, 4096);
  assert.match(await answer, /"ok":true/);
  assert.equal((await ctl(server, "reload")).status, 0);
  assert.equal((await s.send(server, get("/"))).status, 200);
});

test("a server that is stopped: a clear sentence, status 3", async (t, s) => {
  const server = await controlled(s);

  server.kill("SIGSTOP");
  s.later(() => isAlive(server.pid) && server.kill("SIGCONT"));
  const { status, err } = await ctl(server, "status");
  const short = await ctl(server, "--timeout", "1", "reload");

  server.kill("SIGCONT");
  assert.equal(status, 3);
  assert.match(err, /has not answered for 5 s: it is stopped, or busy/);
  assert.equal(short.status, 3);
  assert.match(short.err, /has not answered for 1 s/);
  for (const wrong of ["0", "-1", "x", "1x", "", "86401"])
    assert.equal((await ctl(server, "--timeout", wrong, "status")).status, 2);
});

test("clients that say nothing do not keep others out", async (t, s) => {
  const server = await controlled(s);
  const silent = Array.from({ length: 17 }, () =>
    net.connect({ path: server.controlSocket }).on("error", () => {}),
  );

  s.later(() => silent.forEach((socket) => socket.destroy()));
  /* Two rounds of 8 at 2 s each: on a slow machine the second try. */
  await until("an answer", async () => (await ctl(server, "status")).status === 0, 30);
});
