/* SPDX-License-Identifier: MIT */

/*
 * What goes wrong in gunicorn 26.1, one test per fault that was reproduced
 * there: here it does not. The numbers E1, E2, ... are those experiments. Also
 * in other files: E7 and E30 (upgrades with reuse_port, with sockets of the
 * service manager) in op_upgrade, E13 (workers that never count as booted) and
 * E24 (a stolen control socket) in op_ctl, E16 (no PROXY header) in proxies,
 * E18 (misspelt settings) in config, E25 (READY too early) in op_systemd, E15
 * (reloads under load) in stress/op_reload, requests that are not what they
 * seem (E11, E12, E26 to E28) in http_strict.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { bestOf, isAlive, later, now, SLOW, test, until, within } from "../lib/harness.mjs";
import { ctlJson } from "../lib/op_ctl.mjs";
import { allEnded, childPids } from "../lib/op_process.mjs";
import { act, configured, reload } from "../lib/op_server.mjs";
import { Server } from "../lib/server.mjs";
import { get, post } from "../lib/wire.mjs";

async function start(scene, settings, options) {
  const socket = path.join(scene.dir(), "ctl.sock");
  const server = await configured(
    scene,
    { control_socket: socket, ...settings },
    options,
  );

  server.controlSocket = socket;
  return server;
}

async function serves(scene, server) {
  assert.equal((await scene.send(server, get("/"))).status, 200);
}

/* A callback that runs for `seconds`, started: gives its connection. */
async function busy(scene, server, seconds) {
  const wire = await scene.connect(server);

  wire.write(post(act(`sleep:${seconds}`)));
  await until("it to run", async () => {
    const { workers } = await ctlJson(server, "workers");

    return workers.some((row) => row.busy > 0);
  });
  return wire;
}

test("E1: clients that do not close after their answer hold up nobody", async (t, s) => {
  const server = await start(s, { workers: 1, timeout: 2 });
  const [worker] = server.workers();

  for (let i = 0; i < 10; i++) {
    const wire = await s.connect(server);

    wire.write("GET / HTTP/1.0\r\n\r\n");
    assert.equal((await wire.answer()).status, 200);
  }
  const begin = now();

  await serves(s, server);
  within(t, "the next request", now() - begin, 500);
  await until("10 closed connections", async () => {
    const { workers } = await ctlJson(server, "workers");

    return workers[0].connections === 0;
  });
  assert.deepEqual(server.workers(), [worker], "E1b: the worker lives");
});

test("E2: half a head and silence cost no thread and no worker", async (t, s) => {
  const server = await start(s, {
    workers: 1,
    threads: 1,
    timeout: 4,
    header_timeout: 6,
  });
  const [worker] = server.workers();
  const slow = await s.connect(server);
  const silent = await s.connect(server);

  slow.write("GET / HTTP/1.1\r\nHos");
  const begin = now();

  await serves(s, server);
  within(t, "a request beside them", now() - begin, 500);
  /* The deadline of the head fires; the worker was never silent. */
  await slow.rest();
  assert.ok(now() - begin < 10000 * SLOW);
  silent.destroy();
  await serves(s, server);
  assert.deepEqual(server.workers(), [worker]);
});

test("E3, E4: a bad file and a bad app at HUP change nothing", async (t, s) => {
  const broken = path.join(s.dir(), "broken");
  const server = await start(s, { workers: 2 }, { env: { OP_BROKEN: broken } });
  const before = server.workers();

  fs.appendFileSync(server.file, "workers = 'two'\n");
  server.kill("SIGHUP");
  await server.waitFor(/event=master\.reload_failed/);
  server.configure({ workers: 2, control_socket: server.controlSocket });
  fs.writeFileSync(broken, "");
  server.kill("SIGHUP");
  await server.waitFor(/event=master\.reload_failed/, { count: 2 });
  /* TTIN and a killed worker meet the bad app, too; the rest serve on. */
  server.kill("SIGTTIN");
  server.kill("SIGKILL", before[0]);
  await server.waitFor(/worker\.exit .*verdict=stillborn/);
  await serves(s, server);
  assert.ok(server.workers().includes(before[1]));
  const status = await ctlJson(server, "status");

  assert.equal(status.state, "degraded");
  assert.match(status.last_failure, /died while it was starting/);
  fs.rmSync(broken);
  await until("3 workers", () => server.workers().length === 3, 40);
});

test("E5: workers that die at boot: few forks, a quiet log, and it is said", { seconds: 90 }, async (t, s) => {
  const dies = path.join(s.dir(), "dies");
  const server = await start(
    s,
    { workers: 4, respawn_backoff: 0.1, metrics_bind: "127.0.0.1:0" },
    { env: { OP_DIES: dies } },
  );
  const [, bound] = await server.waitFor(/event=metrics\.bound address=(\S+)/);
  const admin = { address: Server.parseAddress(bound) };
  const readiness = async () => s.send(admin, get("/_ph/ready"));

  /* A worker is healthy after a second, from when it is ready. */
  const ready = (await ctlJson(server, "status")).uptime;

  await until("health", async () =>
    (await ctlJson(server, "status")).uptime > ready + 2);
  fs.writeFileSync(dies, "");
  const from = server.lines.length;

  for (const pid of server.workers()) server.kill("SIGKILL", pid);
  await new Promise((done) => setTimeout(done, 10000));
  const lines = server.lines.slice(from);
  const times = lines
    .filter((line) => /event=worker\.fork/.test(line))
    .map((line) => Date.parse(/time=(\S+)/.exec(line)[1]));
  const status = await ctlJson(server, "status");

  t.diagnostic(`${times.length} forks and ${lines.length} lines in 10 s`);
  /* Four at once for those that were killed, then one at a time. */
  assert.ok(times.length <= 4 + 8, `${times.length} forks`);
  assert.ok(lines.length < 80, `${lines.length} lines`);
  const pauses = times.slice(4).map((time, i) => time - times[i + 3]);

  /* They double, give or take what a busy machine adds. */
  assert.ok(pauses.at(-1) > 4 * pauses[1], `pauses grow: ${pauses}`);
  assert.equal(status.state, "degraded");
  const answer = await readiness();

  assert.equal(answer.status, 503);
  assert.match(answer.text, /no worker is ready/);
  assert.ok(status.failed_starts >= 5 && status.workers_held_back > 0);
  fs.rmSync(dies);
  await until("all 4", () => server.workers().length === 4, 40);
  await until("readiness", async () => (await readiness()).status === 200, 20);
});

test("E5: workers that crash soon after they serve: pauses, and it is said", { seconds: 120 }, async (t, s) => {
  const server = await start(s, { workers: 1 });
  const kill = async () => {
    const [pid] = await until("a worker past its first second", async () => {
      const { workers } = await ctlJson(server, "workers");
      const row = workers.find((one) => one.state === "ready");

      return row?.age > 1.3 && [row.pid];
    }, 40);
    const killed = now();

    server.kill("SIGSEGV", pid);
    await until("its successor", () => {
      const workers = server.workers();

      return workers.length === 1 && workers[0] !== pid;
    }, 40);
    return now() - killed;
  };
  const waits = [];

  /* A few are a run of bad luck: they are replaced at once. */
  while (waits.length < 8) waits.push(await kill());
  t.diagnostic(`ms to each successor: ${waits.map(Math.round)}`);
  assert.equal(server.grep(/event=worker\.relapse/).length, 3);
  assert.ok(waits[6] > 1500 && waits[7] > 3000, `pauses grow: ${waits}`);
  assert.equal((await ctlJson(server, "status")).early_crashes, 8);
  /* A reload begins anew: perhaps it brought the mend. */
  server.kill("SIGHUP");
  await until("no count of crashes", async () =>
    (await ctlJson(server, "status")).early_crashes === 0);
  await serves(s, server);
});

test("E6: a worker that hangs while it boots is killed and replaced", async (t, s) => {
  const stuck = path.join(s.dir(), "stuck");
  const server = await start(
    s,
    { workers: 1, boot_timeout: 2 },
    { env: { OP_STUCK: stuck } },
  );

  fs.writeFileSync(stuck, "");
  server.kill("SIGKILL", server.workers()[0]);
  await server.waitFor(/event=worker\.boot_timeout/);
  await until("another one", () => server.workers().length === 1);
  await serves(s, server);
});

test("E8: TTIN and TTOU outlive a reload; the last worker stays", async (t, s) => {
  const server = await start(s, { workers: 1 });

  for (const count of [2, 3]) {
    server.kill("SIGTTIN");
    await until("one more", () => server.workers().length === count);
  }
  server.kill("SIGTTOU");
  await until("2 workers", () => server.workers().length === 2);
  await reload(server);
  await until("2 new ones", () => server.workers().length === 2);
  server.kill("SIGTTOU");
  await server.waitFor(/master\.resize workers=1$/);
  server.kill("SIGTTOU");
  await server.waitFor(/master\.resize .*as few as it gets/);
  await serves(s, server);
});

test("E9, E17b: nobody outlives a killed master", async (t, s) => {
  let server;

  await bestOf(t, "until nobody is left", 1000, async () => {
    server = await start(s, { workers: 4 });
    await busy(s, server, 30);
    const children = childPids(server.pid);

    assert.equal(children.length, 5);
    const begin = now();

    server.kill("SIGKILL");
    await allEnded(children);
    const took = now() - begin;

    assert.equal(await server.accepts(), false);
    return took;
  });
  const next = await configured(s, { bind: server.bind, workers: 1 });

  await serves(s, next);
});

test("E10, E27: a client forges no line of a log [H11]", async (t, s) => {
  const log = path.join(s.dir(), "access.log");
  const server = await start(s, { workers: 1, accesslog: log });
  const user = Buffer.from("eve\n127.0.0.1 - forged").toString("base64");

  await s.send(
    server,
    `GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${user}\r\n` +
      "User-Agent: a\x1b[2J\"b\r\nConnection: close\r\n\r\n",
  ).catch(() => {});
  await serves(s, server);
  await until("two lines", () => fs.readFileSync(log, "latin1").split("\n").length > 2);
  const text = fs.readFileSync(log, "latin1");

  assert.doesNotMatch(text, /^127\.0\.0\.1 - forged/m);
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f]/);
});

test("E14: nobody waits behind a busy worker while others idle", async (t, s) => {
  const server = await start(s, { workers: 4, threads: 1, keepalive: 0 });

  await busy(s, server, 6);
  const times = await Promise.all(
    later(
      Array.from({ length: 30 }, async () => {
        const begin = now();
        const answer = await s.send(server, post(act("quick")));

        assert.equal(answer.status, 200);
        return now() - begin;
      }),
    ),
  );

  within(t, "slowest of 30 beside a busy worker", Math.max(...times), 2000);
});

for (const [threads, workers] of [
  [1, 1],
  [2, 2],
]) {
  test(`E19: TERM, and all that had connected are answered (${workers})`, async (t, s) => {
    const server = await start(s, { workers, threads });
    const wires = await Promise.all(
      Array.from({ length: 10 }, () => s.connect(server)),
    );

    for (const wire of wires) wire.write(post(act("sleep:0.2")));
    server.kill("SIGTERM");
    for (const wire of wires) assert.equal((await wire.answer()).status, 200);
    assert.deepEqual(await server.exited, { status: 0, sig: null });
  });
}

test("E21, E22, E29: a reload blocks nothing and waits for nobody", async (t, s) => {
  const server = await start(s, {
    workers: 2,
    graceful_timeout: 3,
    keepalive: 30,
    timeout: 0,
  });
  const idle = await s.connect(server);

  idle.write(get("/"));
  await idle.answer();
  await busy(s, server, 30);
  const old = server.workers();

  await reload(server);
  const begin = now();
  const fresh = server.workers().find((pid) => !old.includes(pid));

  /* A new worker that dies meanwhile is replaced at once (E21: 10.4 s). */
  server.kill("SIGKILL", fresh);
  await until("its successor", () =>
    server.workers().filter((pid) => !old.includes(pid) && pid !== fresh)
      .length === 2);
  within(t, "a successor during a reload", now() - begin, 2000);
  /* An idle connection keeps nobody (E29: 30 s)... */
  await until("one old worker's end", () => old.some((pid) => !isAlive(pid)));
  /* ... and a long request no longer than graceful_timeout (E22: 13.8 s). */
  await until("the other's", () => !old.some(isAlive));
  within(t, "the end of the old workers", now() - begin, 4500);
});

test("E29: QUIT is quick, whatever runs", async (t, s) => {
  const server = await start(s, { workers: 2, threads: 4 });

  await busy(s, server, 30);
  const begin = now();

  assert.deepEqual(await server.stop("SIGQUIT"), { status: 0, sig: null });
  within(t, "the end", now() - begin, 1000);
});

test("E31: no pid file blocks a start", async (t, s) => {
  const pidfile = path.join(s.dir(), "web.pid");

  fs.writeFileSync(pidfile, "1\n"); /* alive, but another program */
  const server = await start(s, { workers: 1, pidfile });

  assert.equal(Number(fs.readFileSync(pidfile, "utf8")), server.pid);
  await server.stop("SIGKILL");
  const next = await start(s, { workers: 1, pidfile });

  assert.equal(Number(fs.readFileSync(pidfile, "utf8")), next.pid);
  await serves(s, next);
});

test("the next start comes at once after a kill -9", async (t, s) => {
  const pidfile = path.join(s.dir(), "web.pid");
  const settings = { workers: 6, pidfile, metrics_bind: `unix:${s.dir()}/m.sock` };
  let server = await start(s, settings);

  settings.bind = server.bind;
  settings.control_socket = server.controlSocket;
  for (let i = 0; i < 6; i++) {
    const next = await start(s, settings, {
      wrapper: ["sh", "-c", `kill -9 ${server.pid}; exec "$@"`, "sh"],
    });

    assert.deepEqual(await server.exited, { status: null, sig: "SIGKILL" });
    assert.equal(Number(fs.readFileSync(pidfile, "utf8")), next.pid);
    await serves(s, next);
    server = next;
  }
});

test("a file that is no pid file stays as it is", async (t, s) => {
  const pidfile = path.join(s.dir(), "notes.txt");

  fs.writeFileSync(pidfile, "Call home.\n");
  const server = await start(s, { workers: 1, pidfile }, { wait: false });

  assert.equal((await server.exited).status, 1);
  assert.match(server.lines.join("\n"), /notes\.txt: that file has something else in it/);
  assert.equal(fs.readFileSync(pidfile, "utf8"), "Call home.\n");
});

test("E31: a unix socket is not open to everybody", async (t, s) => {
  const file = path.join(s.dir(), "web.sock");
  const mode = () => (fs.statSync(file).mode & 0o777).toString(8);
  const wrapper = ["sh", "-c", 'umask 0; exec "$@"', "sh"];
  const server = await start(s, { bind: `unix:${file}` }, { wrapper });

  assert.equal(mode(), "660");
  await server.stop();
  await start(s, { bind: `unix:${file}`, socket_mode: "600" }, { wrapper });
  assert.equal(mode(), "600");
});

test("pipelined requests are all answered, in order", async (t, s) => {
  const server = await start(s, { workers: 1, keepalive: 2 });
  const answers = await s.send(
    server,
    get("/_ph/health") + post(act("one")) + get("/_ph/health") + post(act("two")),
    4,
  );

  assert.deepEqual(answers.map((answer) => answer.status), [200, 200, 200, 200]);
  assert.match(answers[1].text, /one by/);
  assert.match(answers[3].text, /two by/);
});

test("signals that are meant for the master do a worker no harm", async (t, s) => {
  const server = await start(s, { workers: 1 });
  const [worker] = server.workers();

  for (const sig of ["HUP", "USR1", "USR2", "WINCH", "TTIN", "TTOU"])
    server.kill(`SIG${sig}`, worker);
  await serves(s, server);
  server.kill("SIGWINCH"); /* nor WINCH the master, in the foreground */
  await server.waitFor(/master\.rest .*WINCH is for an upgrade/);
  await serves(s, server);
  assert.deepEqual(server.workers(), [worker]);
});

test("EMFILE: accepting pauses, nothing spins, nobody is lost", async (t, s) => {
  const server = await start(
    s,
    { workers: 1, threads: 1 },
    { wrapper: ["sh", "-c", 'ulimit -n 160; exec "$@"', "sh"] },
  );
  const [worker] = server.workers();
  const wires = await Promise.all(
    Array.from({ length: 180 }, () => s.connect(server)),
  );

  await server.waitFor(/event=accept\.paused/);
  const ticks = () => {
    const stat = fs.readFileSync(`/proc/${worker}/stat`, "latin1").split(" ");

    return Number(stat[13]) + Number(stat[14]);
  };
  const before = ticks();

  await new Promise((done) => setTimeout(done, 1500));
  const used = ticks() - before;

  t.diagnostic(`${used} ticks of 10 ms in 1.5 s`);
  assert.ok(used < 40 * SLOW, `${used} ticks: it spins`);
  for (const wire of wires) {
    wire.write(get("/_ph/health", { close: true }));
    assert.equal((await wire.answer()).status, 200);
    wire.destroy();
  }
  assert.deepEqual(server.workers(), [worker]);
});
