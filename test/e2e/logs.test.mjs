/* SPDX-License-Identifier: MIT */

/*
 * Where logs go and what is in them: formats, JSON, syslog, captured output,
 * rotation, a reader that does not read, a disk that is full.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import dgram from "node:dgram";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { test, until } from "../lib/harness.mjs";
import { get } from "../lib/wire.mjs";
import { call } from "../lib/zoo.mjs";

const linesOf = (file, count) =>
  until(`${count} lines in ${file}`, () => {
    const text = fs.existsSync(file) ? fs.readFileSync(file, "latin1") : "";
    const list = text.split("\n").slice(0, -1);

    return list.length >= count && list;
  });

test("gunicorn's atoms", async (t, scene) => {
  const file = path.join(scene.dir(), "log");
  const format =
    "%%|%(h)s|%(l)s|%(u)s|%(m)s|%(U)s|%(q)s|%(H)s|%(s)s|%(B)s|%(f)s|%(a)s" +
    "|%(T)s|%(M)s|%(L)s|%({X-Id}i)s|%({Content-Type}o)s|%({etag}o)s" +
    "|%({HTTP_X_ID}e)s|%({REQUEST_METHOD}e)s|%(p)s" +
    "|%({RAW_URI}e)s|%({CONTENT_TYPE}e)s|%({CONTENT_LENGTH}e)s|%({SERVER_SOFTWARE}e)s" +
    "|%({SERVER_NAME}e)s:%({SERVER_PORT}e)s|%({SCRIPT_NAME}e)s|%({REMOTE_PORT}e)s";
  const server = await scene.start({
    app: "zoo",
    args: ["--access-logfile", file, "--access-logformat", format],
  });
  const fields = {
    Authorization: `Basic ${Buffer.from('a"\n:secret').toString("base64")}`,
    "X-Id": 'x\\y"z',
    "User-Agent": "tester",
  };

  await scene.send(server, get("/_ph/health?a=1&b", { fields }));
  await scene.send(server, call("naps", 0.1, { fields }));
  await scene.send(server, get("/no%74%20\u0068ere%22?%41"));
  const [one, two, three] = await linesOf(file, 3);
  const first = one.split("|");

  assert.deepEqual(first.slice(0, 12), [
    ...["%", "127.0.0.1", "-", "a\\x22\\x0a", "GET", "/_ph/health", "a=1&b"],
    ...["HTTP/1.1", "200", "3", "-", "tester"],
  ]);
  assert.match(first.slice(12, 15).join(" "), /^0 \d+ 0\.\d{6}$/);
  assert.deepEqual(first.slice(15, 20), [
    ...["x\\x5cy\\x22z", "text/plain; charset=utf-8", "-", "x\\x5cy\\x22z"],
    "GET",
  ]);
  assert.match(first[20], /^<\d+>$/);
  assert.deepEqual(first.slice(21, 27), [
    ...["/_ph/health?a=1&b", "-", "-", "pronghorn"],
    ...[`127.0.0.1:${server.address.port}`, ""],
  ]);
  assert.ok(Number(first[27]) >= 1024 && Number(first[27]) !== server.address.port);
  assert.match(two, /\|\/_dash-update-component\|application\/json\|\d+\|pronghorn\|/);
  /* A path is shown as the app sees it, a target as it came. */
  assert.deepEqual(three.split("|").slice(5, 7), ["/not here\\x22", "%41"]);
  assert.equal(three.split("|")[21], "/no%74%20here%22?%41");
  /* One that has waited in the pool knows its fields, too. */
  assert.equal(two.split("|")[3], "a\\x22\\x0a");
  assert.equal(two.split("|")[15], "x\\x5cy\\x22z");
  assert.ok(Number(two.split("|")[13]) >= 100);
});

test("unknown atoms are refused at start", async (t, scene) => {
  for (const [format, message] of [
    ["%(h)s %(z)s", /access_log_format, character 7: %\(z\)s is no atom/],
    ["%(h)d", /character 1: an atom has the form %\(x\)s/],
    ["100%", /character 4: an atom has the form/],
    ["%({a b}i)s", /character 1: %\(\{a b\}i\)s is no atom/],
    ["%({wsgi.input}e)s", /is no atom/],
    [
      "%(u)s" + Array.from({ length: 32 }, (_, n) => `%({x-${n}}i)s`).join(""),
      /more than 32 different fields/,
    ],
  ]) {
    const server = scene.server({
      app: "zoo",
      args: ["--access-logformat", format],
    });
    const end = await server.exited;

    assert.notEqual(end.status, 0);
    assert.match(server.lines.join("\n"), message);
  }
});

test("a format of 32 fields", async (t, scene) => {
  const file = path.join(scene.dir(), "log");
  const names = Array.from({ length: 31 }, (_, n) => `x-${n}`);
  const format = ["%(u)s", ...names.map((name) => `%({${name}}i)s`)].join("|");
  const server = await scene.start({
    app: "zoo",
    args: ["--access-logfile", file, "--access-logformat", format],
  });
  const fields = Object.fromEntries(names.map((name) => [name, `of ${name}`]));
  const want = ["ann", ...Object.values(fields)].join("|");

  fields.Authorization = `Basic ${Buffer.from("ann:secret").toString("base64")}`;
  await scene.send(server, get("/_ph/health", { fields }));
  /* One that waits in the pool has copies of them. */
  await scene.send(server, call("naps", 0.1, { fields }));
  /* And who sends none has dashes. */
  await scene.send(server, get("/_ph/health"));
  assert.deepEqual(await linesOf(file, 3), [want, want, Array(32).fill("-").join("|")]);
});

test("JSON lines and sampling [H11]", async (t, scene) => {
  const file = path.join(scene.dir(), "log");
  const server = await scene.start({
    app: "zoo",
    args: [
      ...["--access-logfile", file, "--access-log-json"],
      ...["--access-log-sample", "3"],
    ],
  });
  const bytes = Buffer.concat([
    Buffer.from("GET /_ph/health?x HTTP/1.1\r\nHost: a\r\nUser-Agent: \""),
    Buffer.from([0xff, 0xe2, 0x80, 0xa8, 0xe2, 0x82]),
    Buffer.from("é €😀"),
    Buffer.from('\\"}\r\nX-Request-Id: 77\r\n\r\n'),
  ]);

  for (let i = 0; i < 7; i++) await scene.send(server, bytes);
  const list = (await linesOf(file, 3))
    .map((line) => JSON.parse(Buffer.from(line, "latin1").toString()));

  assert.equal(list.length, 3);
  const [{ time, pid, duration_us: us, ...rest }] = list;

  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.ok(pid > 0 && us >= 0);
  assert.deepEqual(rest, {
    ...{ client: "127.0.0.1", method: "GET", path: "/_ph/health", query: "x" },
    ...{ protocol: "HTTP/1.1", secure: false, status: 200, bytes: 3 },
    ...{ referer: null, user_agent: '"\\xff\u2028\\xe2\\x82é €😀\\"}' },
    request_id: "77",
  });
});

/* A datagram receiver: what has come, as text. */
async function udp(scene) {
  const socket = dgram.createSocket("udp4");
  const lines = [];

  socket.on("message", (text) => lines.push(text.toString("latin1")));
  await new Promise((done) => socket.bind(0, "127.0.0.1", done));
  scene.later(() => socket.close());
  return { port: socket.address().port, lines };
}

test("syslog over UDP", async (t, scene) => {
  const { port, lines } = await udp(scene);
  const server = await scene.start({
    app: "zoo",
    args: [
      ...["--log-syslog", "--log-syslog-to", `udp://127.0.0.1:${port}`],
      ...["--log-syslog-prefix", "sales", "--log-syslog-facility", "local3"],
    ],
  });

  await scene.send(server, get("/_ph/health"));
  const find = (pattern) =>
    until(String(pattern), () => lines.find((line) => pattern.test(line)));

  /* local3 is 19: info 158, RFC 5424. */
  await find(
    /^<158>1 \d{4}-\S+Z \S+ sales \d+ - - level=info .*event=master\.ready/,
  );
  await find(/^<158>1 \S+ \S+ sales \d+ - - 127\.0\.0\.1 .*"GET \/_ph\/health/);
  assert.ok(lines.every((line) => !line.includes("\n")));
});

test("syslog over TCP, and its daemon restarts", async (t, scene) => {
  let text = "";
  let sockets = [];
  const listener = net.createServer((socket) => {
    sockets.push(socket);
    socket.on("data", (data) => {
      text += data.toString("latin1");
    });
    socket.on("error", () => {});
  });

  await new Promise((done) => listener.listen(0, "127.0.0.1", done));
  scene.later(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  const server = await scene.start({
    app: "zoo",
    args: [
      ...["--log-syslog", "--disable-redirect-access-to-syslog"],
      ...["--log-syslog-to", `tcp://127.0.0.1:${listener.address().port}`],
    ],
  });

  await scene.send(server, get("/_ph/health"));
  await until("ready", () => text.includes("event=master.ready"));
  for (const socket of sockets) socket.destroy();
  sockets = [];
  text = "";
  await until("lines after the restart", () => {
    server.kill("SIGUSR1");
    return text.includes("event=master.reopen");
  });
  assert.doesNotMatch(text, /GET/);
  /* Octet counting: each line with its length. */
  while (text.length > 0) {
    const [, size] = /^(\d+) </.exec(text);
    const start = size.length + 1;

    if (text.length < start + Number(size)) break;
    assert.doesNotMatch(text.slice(start, start + Number(size)), /\n/);
    text = text.slice(start + Number(size));
  }
});

/* Node has no unix datagram sockets; perl is on any Debian. */
const UNIX_DAEMON = `
use Socket; use IO::Handle; STDOUT->autoflush(1);
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die;
bind($s, sockaddr_un($ARGV[0])) or die;
print "bound\\n";
while (defined recv($s, my $text, 10000, 0)) { print "$text\\n"; }
`;

async function unixDaemon(scene, socket) {
  const child = spawn("perl", ["-e", UNIX_DAEMON, socket]);
  const daemon = { text: "" };

  child.stdout.setEncoding("latin1");
  child.stdout.on("data", (text) => {
    daemon.text += text;
  });
  const ended = new Promise((done) => child.on("exit", done));

  daemon.end = () => {
    child.kill("SIGKILL");
    return ended;
  };
  scene.later(daemon.end);
  await until("the daemon", () => daemon.text.startsWith("bound"), 20);
  return daemon;
}

test("syslog on a unix socket, and its daemon restarts", async (t, scene) => {
  const socket = path.join(scene.dir(), "log");
  let daemon = await unixDaemon(scene, socket);
  const server = await scene.start({
    app: "zoo",
    args: [
      ...["--log-syslog", "--log-syslog-to", `unix://${socket}`],
      ...["--log-syslog-prefix", "sales", "--log-syslog-facility", "daemon"],
    ],
  });
  const hears = (pattern) => until(String(pattern), () => pattern.test(daemon.text), 20);

  await scene.send(server, get("/_ph/health"));
  /* daemon is 3: info 30; the form of local daemons. */
  await hears(/^<30>\w{3} [ \d]\d \d\d:\d\d:\d\d sales\[\d+\]: level=info .*event=master\.ready/m);
  await hears(/^<30>.* sales\[\d+\]: 127\.0\.0\.1 .*"GET \/_ph\/health/m);
  await daemon.end();
  fs.rmSync(socket);
  assert.equal((await scene.send(server, get("/_ph/health"))).status, 200);
  daemon = await unixDaemon(scene, socket);
  await until("lines again", async () => {
    await scene.send(server, get("/_ph/health?again"));
    return daemon.text.includes("?again");
  }, 20);
});

test("wrong syslog settings are refused", async (t, scene) => {
  for (const [args, message] of [
    [["--log-syslog-to", "tls://a:1"], /must begin with unix:\/\/, udp:/],
    [["--log-syslog-facility", "local8"], /"local8" is none/],
    [["--log-syslog-to", "udp://a:b"], /not of the form HOST:PORT/],
    [["--log-syslog-to", "unix:///x#y"], /only #dgram or #stream/],
  ]) {
    const server = scene.server({ app: "zoo", args: ["--log-syslog", ...args] });

    assert.notEqual((await server.exited).status, 0);
    assert.match(server.lines.join("\n"), message);
  }
});

test("a reader that does not read holds nobody up", async (t, scene) => {
  const fifo = path.join(scene.dir(), "fifo");

  execFileSync("mkfifo", [fifo]);
  const fd = fs.openSync(fifo, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);

  scene.later(() => fs.closeSync(fd));
  const server = await scene.start({
    app: "zoo",
    args: ["--access-logfile", fifo],
  });
  const wire = await scene.connect(server);
  const target = `/_ph/health?${"x".repeat(3000)}`;
  const since = Date.now();

  for (let i = 0; i < 200; i++) {
    wire.write(get(target));
    assert.equal((await wire.answer()).status, 200);
  }
  assert.ok(Date.now() - since < 20000, "200 requests with a full pipe");
  const dropped = await server.waitFor(
    /event=access_log\.write .*dropped=(\d+)/,
  );

  assert.ok(Number(dropped[1]) > 0);
});

test("output of the app becomes lines of the log", async (t, scene) => {
  const source = scene.file(
    "app.c",
    `#include <pronghorn/app.h>
#include <pronghorn/html.h>
#include <stdio.h>

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	printf("to stdout\\nlevel=critical forged\\x1b[2J\\n");
	fprintf(stderr, "to stderr\\n");
	return html_div(.children = ph_text("x"));
}

PH_APP(app)
{
	ph_layout(app, layout);
}
`,
  );
  const app = path.join(path.dirname(source), "app.so");

  execFileSync("cc", [
    ...["-shared", "-fPIC", "-I", "worker/sdk", "-o", app, source],
  ]);
  const log = path.join(scene.dir(), "error.log");
  const server = scene.server({
    app,
    args: ["--capture-output", "--error-logfile", log],
    cwd: process.cwd(),
  });

  await linesOf(log, 1);
  await until("ready", () =>
    fs.readFileSync(log, "latin1").includes("event=master.ready"),
  );
  const [, address] = /event=listen\.bound address=(\S+)/.exec(
    fs.readFileSync(log, "latin1"),
  );
  const [host, port] = address.split(":");
  const answer = await scene.send(
    { address: { host, port: Number(port) } },
    get("/_dash-layout"),
  );

  assert.equal(answer.status, 200);
  const text = await until("the output", () => {
    const all = fs.readFileSync(log, "latin1");

    return all.includes("stream=stderr to stderr") && all;
  });

  assert.match(text, /event=app\.output stream=stdout to stdout\n/);
  assert.match(
    text,
    /pid=\d+ event=app\.output stream=stdout level=critical forged\\x1b\[2J\n/,
  );
  assert.deepEqual(server.output, []);
});

test("USR1 reopens both logs in all processes", async (t, scene) => {
  const dir = scene.dir();
  const access = path.join(dir, "access");
  const error = path.join(dir, "error");
  const server = scene.server({
    app: "zoo",
    workers: 2,
    args: ["--access-logfile", access, "--error-logfile", error],
  });

  await until("ready", () =>
    fs.existsSync(error) &&
    fs.readFileSync(error, "latin1").includes("event=master.ready"),
  );
  const [, address] = /event=listen\.bound address=(\S+)/.exec(
    fs.readFileSync(error, "latin1"),
  );
  const [host, port] = address.split(":");
  const where = { address: { host, port: Number(port) } };

  fs.renameSync(access, `${access}.1`);
  fs.renameSync(error, `${error}.1`);
  server.kill("SIGUSR1");
  await until("new files", () => fs.existsSync(access) && fs.existsSync(error));
  const inode = fs.statSync(access).ino;
  const pids = fs
    .readFileSync(`${error}.1`, "latin1")
    .match(/event=(?:worker|keeper)\.fork .*?child=\d+/g)
    .map((line) => Number(/child=(\d+)/.exec(line)[1]));

  await until("all have the new files", () =>
    pids.every((pid) => {
      const links = fs
        .readdirSync(`/proc/${pid}/fd`)
        .map((fd) => {
          try {
            return fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
          } catch {
            return "";
          }
        });

      return links.every((link) => !link.endsWith(".1"));
    }),
  );
  await scene.send(where, get("/_ph/health"));
  assert.equal((await linesOf(access, 1)).length, 1);
  assert.equal(fs.statSync(access).ino, inode);
});
