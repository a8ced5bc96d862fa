/* SPDX-License-Identifier: MIT */

/*
 * What a service manager hears, a daemon, and process 1 of a container.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { certificate } from "../lib/certificate.mjs";
import { BUILD, EXAMPLE, isAlive, ROOT, test, until } from "../lib/harness.mjs";
import { ctl, ctlJson } from "../lib/op_ctl.mjs";
import { childPids, endTree } from "../lib/op_process.mjs";
import { configured, freePort, reload } from "../lib/op_server.mjs";
import { run } from "../lib/server.mjs";
import { get } from "../lib/wire.mjs";

/*
 * A notify socket. Node has no unix datagram sockets, so the listener is a
 * program of its own, as socat or python; openssl or perl is on any Debian.
 */
const LISTENER = `
use Socket; use IO::Handle; STDOUT->autoflush(1);
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die;
bind($s, sockaddr_un($ARGV[0])) or die;
print "bound\\n";
while (defined recv($s, my $text, 4096, 0)) { $text =~ s/\\n/ /g; print "$text\\n"; }
`;

async function notifySocket(scene) {
  const socket = path.join(scene.dir(), "notify");
  const child = spawn("perl", ["-e", LISTENER, socket]);
  const heard = { socket, text: "" };

  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text) => {
    heard.text += text;
  });
  scene.later(() => child.kill("SIGKILL"));
  await until("the notify socket", () => heard.text.startsWith("bound"));
  heard.count = (what) => heard.text.split(what).length - 1;
  return heard;
}

test("READY, RELOADING, STOPPING, WATCHDOG", async (t, s) => {
  const heard = await notifySocket(s);
  const server = await configured(
    s,
    { workers: 2 },
    { env: { NOTIFY_SOCKET: heard.socket, WATCHDOG_USEC: "200000" } },
  );

  await until("READY", () => heard.text.includes(`READY=1 MAINPID=${server.pid}`));
  /* E25: not before the workers serve. */
  assert.equal(server.workers().length, 2);
  await until("WATCHDOG", () => heard.count("WATCHDOG=1") >= 3);
  await reload(server);
  await until("the end of the reload", () => heard.count("READY=1") === 2);
  assert.match(heard.text, /RELOADING=1 MONOTONIC_USEC=\d+/);
  fs.appendFileSync(server.file, "timout = 3\n");
  server.kill("SIGHUP");
  await until("a failed reload", () =>
    heard.text.includes("STATUS=Serving; the last reload failed"));
  await server.stop();
  await until("STOPPING", () => heard.text.includes("STOPPING=1"));
  assert.ok(heard.text.indexOf("READY=1") < heard.text.indexOf("RELOADING=1"));
});

test("a watchdog is not fed for workers that hang", async (t, s) => {
  const heard = await notifySocket(s);
  const server = await configured(
    s,
    { workers: 1, timeout: 60 },
    { env: { NOTIFY_SOCKET: heard.socket, WATCHDOG_USEC: "200000" } },
  );

  await until("WATCHDOG", () => heard.count("WATCHDOG=1") >= 3);
  server.kill("SIGSTOP", server.workers()[0]);
  await new Promise((done) => setTimeout(done, 6500));
  const fed = heard.count("WATCHDOG=1");

  await new Promise((done) => setTimeout(done, 1500));
  assert.equal(heard.count("WATCHDOG=1"), fed);
});

test("an upgrade hands the service on", async (t, s) => {
  const heard = await notifySocket(s);
  const dir = s.dir();
  const server = await configured(
    s,
    { workers: 1, pidfile: path.join(dir, "web.pid") },
    { env: { NOTIFY_SOCKET: heard.socket } },
  );

  server.controlSocket = path.join(dir, "web.ctl");
  const { pid } = await ctlJson(server, "upgrade");

  s.later(() => endTree(pid));
  assert.doesNotMatch(heard.text, new RegExp(`MAINPID=${pid}`));
  await server.stop();
  await until("the new main process", () =>
    heard.text.includes(`READY=1 MAINPID=${pid}`));
  assert.doesNotMatch(heard.text, /STOPPING/);
});

test("a daemon: the command ends when it serves", async (t, s) => {
  const dir = s.dir();
  const pidfile = path.join(dir, "web.pid");
  const errorlog = path.join(dir, "error.log");
  const server = await configured(
    s,
    { workers: 2, daemon: true, pidfile, errorlog },
    { wait: false },
  );

  assert.deepEqual(await server.exited, { status: 0, sig: null });
  const pid = Number(fs.readFileSync(pidfile, "utf8"));

  s.later(() => endTree(pid));
  server.controlSocket = path.join(dir, "web.ctl");
  assert.equal((await ctlJson(server, "status")).workers_ready, 2);
  /* Whoever reads what the command says is not kept waiting. */
  for (const one of [pid, ...childPids(pid)])
    for (const fd of [0, 1, 2])
      assert.equal(fs.readlinkSync(`/proc/${one}/fd/${fd}`), "/dev/null", `${one}`);
  const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1").split(" ");

  assert.notEqual(Number(stat[5]), pid, "it leads no session");
  assert.equal(stat[6], "0", "it has no terminal");
  /* WINCH, as gunicorn's daemon has it, and HUP. */
  process.kill(pid, "SIGWINCH");
  await until("rest", async () =>
    (await ctlJson(server, "status")).workers_ready === 0);
  process.kill(pid, "SIGHUP");
  await until("workers", async () =>
    (await ctlJson(server, "status")).workers_ready === 2);
  assert.equal((await ctl(server, "stop")).status, 0);
  await until("its end", () => !isAlive(pid));
  assert.ok(!fs.existsSync(pidfile));
});

test("a daemon that cannot start says why, status 1", async (t, s) => {
  const server = await configured(
    s,
    { daemon: true, bind: "unix:/nowhere/web.sock" },
    { wait: false },
  );

  assert.equal((await server.exited).status, 1);
  assert.match(server.lines.join("\n"), /cannot listen on unix:\/nowhere/);
});

function unshareWorks() {
  try {
    execFileSync("unshare", ["--pid", "--fork", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test("process 1 of a container [9]", { skip: !unshareWorks() }, async (t, s) => {
  /* A stranger that became our child and ends is none of our workers. */
  const server = await configured(
    s,
    { workers: 2 },
    {
      wrapper: [
        "unshare",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "sh",
        "-c",
        '(sleep 1.5 & exec true) ; exec "$@"',
        "sh",
      ],
    },
  );

  await server.waitFor(/event=master\.ready/);
  assert.match(server.grep(/event=master\.ready/)[0], / pid=1 /);
  await new Promise((done) => setTimeout(done, 2000));
  assert.equal(server.grep(/event=worker\.exit/).length, 0);
  assert.equal((await s.send(server, get("/"))).status, 200);
});

/* Put a certificate in the place of `name`.pem that ended yesterday. */
function expire(dir, name) {
  const file = (end) => path.join(dir, `${name}.${end}`);
  const openssl = (...args) =>
    execFileSync("openssl", args, { stdio: "ignore" });

  openssl("req", "-new", "-key", file("key"), "-subj", "/CN=x", "-out", file("csr"));
  openssl("x509", "-req", "-days", "-1", "-in", file("csr"), "-signkey",
    file("key"), "-out", file("pem"));
}

test("a certificate that has expired is warned about and serves", async (t, s) => {
  const dir = s.dir();

  execFileSync(
    "openssl",
    ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
      "-out", path.join(dir, "a.key")],
    { stdio: "ignore" },
  );
  expire(dir, "a");
  const server = await configured(s, {
    workers: 1,
    certfile: path.join(dir, "a.pem"),
    keyfile: path.join(dir, "a.key"),
  });
  const warning = /level=warning .*event=tls\.certificate .*a\.pem: .* has expired on/;

  assert.equal(server.grep(warning).length, 1);
  await reload(server);
  assert.equal(server.grep(warning).length, 2);
});

test("--check-config tries what a start would need", async (t, s) => {
  const dir = s.dir();
  const check = (...args) => checkWith(EXAMPLE, ...args);
  const checkApp = (app) => checkWith(app, "--bind", "127.0.0.1:0");
  const checkWith = (app, ...args) => {
    try {
      execFileSync(
        path.join(BUILD, "pronghorn"),
        ["--cache-dir", path.join(dir, "cache"), ...args, "--check-config", app],
        { stdio: "pipe", cwd: ROOT },
      );
      return "";
    } catch (error) {
      assert.equal(error.status, 1);
      return String(error.stderr);
    }
  };
  const server = await configured(s, { pidfile: path.join(dir, "web.pid") });
  const socket = path.join(dir, "new.sock");

  assert.equal(check("--bind", "127.0.0.1:0", "--bind", `unix:${socket}`), "");
  assert.ok(!fs.existsSync(socket), "nothing is left behind");
  /* Of another one: said, and all else is checked. */
  const taken = (...args) =>
    run(s, {
      args: ["--cache-dir", path.join(dir, "cache"), "--bind", server.bind, ...args],
    });
  const good = await taken("--check-config", EXAMPLE);

  assert.equal(good.status, 0, good.stderr);
  assert.match(good.stderr, /level=warning .*event=config\.in_use bind=127\.0\.0\.1:/);
  const bad = await taken("--check-config", path.join(dir, "none.so"));

  assert.equal(bad.status, 1);
  assert.match(bad.stderr, /cannot read app .*none\.so/);
  assert.doesNotMatch(bad.stderr, /cannot listen/);
  assert.equal(
    check("--bind", server.bind, "--pid", path.join(dir, "web.pid")),
    "",
    "the running server's own address",
  );
  assert.match(check("--bind", "unix:/nowhere/a.sock"), /cannot listen on/);
  assert.match(check("--bind", "192.0.2.1:80"), /cannot listen on 192\.0\.2\.1/);
  assert.match(check("--error-logfile", "/nowhere/log"), /error log \/nowhere/);
  assert.match(check("--pid", "/nowhere/pid"), /pid file \/nowhere/);
  /* Each good alone, not both. */
  const free = `127.0.0.1:${await freePort()}`;

  assert.match(
    check("--bind", free, "--metrics-bind", free),
    /cannot listen on 127.*Address already in use/,
  );
  assert.match(
    check("--bind", free, "--bind", free.replace("127.0.0.1", "0.0.0.0")),
    /cannot listen on 0\.0\.0\.0.*Address already in use/,
  );
  const notes = path.join(dir, "notes");
  const one = ["--bind", "127.0.0.1:0"];

  fs.writeFileSync(notes, "no socket, no pid");
  assert.match(
    check(...one, "--control-socket", notes),
    /notes: a file that is no socket is there/,
  );
  assert.match(
    check(...one, "--control-socket", path.join(dir, "s".repeat(120))),
    /a socket takes at most 107/,
  );
  assert.match(check(...one, "--pid", notes), /notes: that file has something else/);
  assert.equal(fs.readFileSync(notes, "utf8"), "no socket, no pid");
  assert.match(check("--certfile", "/nowhere/cert.pem"), /\/nowhere\/cert\.pem/);
  /* A certificate and its key, and another one's. */
  for (const name of ["a", "b"]) certificate(dir, name);
  const tls = (key) =>
    check("--bind", "127.0.0.1:0", "--certfile", path.join(dir, "a.pem"),
      "--keyfile", path.join(dir, key));

  assert.equal(tls("a.key"), "");
  assert.match(tls("b.key"), /keyfile .*b\.key: key values mismatch/);
  expire(dir, "a");
  assert.match(
    tls("a.key"),
    /certfile .*a\.pem: the certificate has expired on .*GMT/,
  );
  /* A cache folder where others may write. */
  const open = path.join(dir, "open");

  fs.mkdirSync(open);
  fs.chmodSync(open, 0o777);
  assert.match(
    check("--bind", "127.0.0.1:0", "--cache-dir", open),
    /open: others may write to it \(mode 0777\)/,
  );
  /* And an app that does not load. */
  fs.writeFileSync(path.join(dir, "app.so"), "no app");
  assert.match(checkApp(path.join(dir, "app.so")), /app\.so/);
});

function hasAnalyze() {
  try {
    execFileSync("systemd-analyze", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test("systemd-analyze security: 2.0 or better", { skip: !hasAnalyze() }, (t) => {
  const report = execFileSync(
    "systemd-analyze",
    ["security", "--offline=true", "--no-pager",
      path.join(ROOT, "conf/pronghorn.service")],
    { encoding: "utf8" },
  );
  const score = Number(/exposure level for \S+: ([\d.]+) /.exec(report)[1]);

  t.diagnostic(`score of conf/pronghorn.service: ${score}`);
  assert.ok(score <= 2.0, report);
});

test("worker_nice and cpu_affinity", async (t, s) => {
  const server = await configured(s, {
    workers: 2,
    worker_nice: 7,
    cpu_affinity: "auto",
  });

  for (const pid of server.workers()) {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    const status = fs.readFileSync(`/proc/${pid}/status`, "latin1");
    const nice = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16];

    assert.equal(Number(nice), Math.min(19, os.getPriority() + 7));
    assert.match(status, /Cpus_allowed_list:\s+\d+\n/);
  }
  assert.equal((await s.send(server, get("/"))).status, 200);
});
