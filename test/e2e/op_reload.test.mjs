/* SPDX-License-Identifier: MIT */

/*
 * SIGHUP is a transaction: all of the new settings, or nothing and a reason.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { now, test, until, within } from "../lib/harness.mjs";
import { Load } from "../lib/op_load.mjs";
import { get, post } from "../lib/wire.mjs";
import { act, configured, reload } from "../lib/op_server.mjs";

test("30 reloads under load lose no request [10] [11]", { seconds: 120 }, async (t, s) => {
  const server = await configured(s, { workers: 2, graceful_timeout: 5 });
  const load = new Load(server.address);
  const descriptors = () => fs.readdirSync(`/proc/${server.pid}/fd`).length;

  await reload(server);
  const before = descriptors();

  for (let i = 1; i < 30; i++) await reload(server);
  await until("the master to hold no more than before", () =>
    descriptors() <= before);
  await until("20,000 answers", () => load.answered >= 20000, 60);
  await load.stop();
  t.diagnostic(`${load.answered} answers, ${load.raced ?? 0} closed unread`);
  assert.deepEqual(load.failures, []);
  assert.ok((load.raced ?? 0) < 5, "connections closed under a request");
});

test("settings change at once for new workers", async (t, s) => {
  const server = await configured(s, { workers: 1, limit_request_line: 100 });
  const long = get(`/${"x".repeat(200)}`);

  assert.equal((await s.send(server, long)).status, 414);
  server.configure({ workers: 3, limit_request_line: 1000 });
  await reload(server);
  /* An old worker takes connections until it has read its order to retire. */
  await until("an answer of a new worker", async () =>
    (await s.send(server, long)).status === 200);
  await until("3 workers", () => server.workers().length === 3);
});

for (const [what, text, reason] of [
  ["a misspelt name", "timout = 3\n", /timout: .*did you mean timeout\?/],
  ["a wrong value", "timeout = 'two'\n", /timeout = .*two/],
  ["code", "import os\n", /import/],
  ["a taken address", null, /cannot listen on .*Address already in use/],
]) {
  test(`${what} keeps everything running`, async (t, s) => {
    const server = await configured(s, { workers: 2 });
    const before = server.workers();
    const other = await configured(s, {});

    if (text === null)
      server.configure({ workers: 2, bind: [server.bind, other.host] });
    else fs.appendFileSync(server.file, text);
    server.kill("SIGHUP");
    const line = await server.waitFor(/master\.reload_failed .*/);

    assert.match(line[0], reason);
    assert.deepEqual(server.workers(), before);
    assert.equal((await s.send(server, get("/"))).status, 200);
    server.configure({ workers: 2 });
    await reload(server);
  });
}

test("what no worker could use is refused before one is started", async (t, s) => {
  const server = await configured(s, { workers: 1 });
  const ready = server.grep(/event=worker\.ready/).length;
  const table = [
    [{ errorlog: "/nowhere/x.log" }, /errorlog \/nowhere\/x\.log: No such/],
    [{ accesslog: "/nowhere/x.log" }, /accesslog \/nowhere\/x\.log: No such/],
    [{ forwarded_allow_ips: "300.1.1.1" }, /300\.1\.1\.1/],
    [{ session_secret_file: "/nowhere" }, /session_secret_file \/nowhere: No such/],
    [
      { syslog: true, syslog_addr: "udp://nosuchhost.invalid:514" },
      /syslog_addr: nosuchhost\.invalid/,
    ],
    [{ tmp_upload_dir: "/nowhere" }, /tmp_upload_dir \/nowhere: No such/],
    [{ certfile: "/nowhere/c.pem" }, /certfile \/nowhere\/c\.pem: No such file[^\\]*$/],
  ];

  for (const [settings, reason] of table) {
    const from = server.lines.length;

    server.configure({ workers: 1, ...settings });
    server.kill("SIGHUP");
    const line = await server.waitFor(/master\.reload_failed .*/, {
      from,
      seconds: 60,
    });

    assert.match(line[0], reason);
  }
  assert.equal(server.grep(/event=worker\.ready/).length, ready);
  assert.equal(server.grep(/event=worker\.boot/).length, 0);
  assert.equal((await s.send(server, get("/"))).status, 200);
});

test("an app that does not load keeps the old one", async (t, s) => {
  const broken = path.join(s.dir(), "broken");
  const server = await configured(
    s,
    { workers: 2 },
    { env: { OP_BROKEN: broken } },
  );
  const before = server.workers();

  fs.writeFileSync(broken, "");
  server.kill("SIGHUP");
  const line = await server.waitFor(/master\.reload_failed .*/);

  assert.match(line[0], /the app crashed while it was being loaded/);
  assert.deepEqual(server.workers(), before);
  assert.equal((await s.send(server, get("/"))).status, 200);
  fs.rmSync(broken);
  await reload(server);
});

test("the master goes on while an app hangs in its check", async (t, s) => {
  const stuck = path.join(s.dir(), "stuck");
  const server = await configured(
    s,
    { workers: 2, boot_timeout: 2 },
    { env: { OP_STUCK: stuck } },
  );

  fs.writeFileSync(stuck, "");
  server.kill("SIGHUP");
  await until("the check to hang", () => !fs.existsSync(stuck));
  /* A worker that dies meanwhile is replaced at once. */
  const start = now();

  server.kill("SIGKILL", server.workers()[0]);
  await server.waitFor(/event=worker\.ready/, { count: 3 });
  within(t, "respawn during a reload", now() - start, 1000);
  const line = await server.waitFor(/master\.reload_failed .*/);

  assert.match(line[0], /not loaded within boot_timeout/);
  assert.equal((await s.send(server, get("/"))).status, 200);
});

test("an address comes and another one goes", async (t, s) => {
  const server = await configured(s, { workers: 1 });
  const socket = path.join(s.dir(), "web.sock");

  server.configure({ bind: [server.bind, `unix:${socket}`] });
  await reload(server);
  assert.equal((await s.send({ address: { path: socket } }, get("/"))).status, 200);
  assert.equal((await s.send(server, get("/"))).status, 200);
  server.configure({ bind: server.bind });
  await reload(server);
  await until("the socket to be gone", () => !fs.existsSync(socket));
  assert.equal((await s.send(server, get("/"))).status, 200);
});

test("old workers have graceful_timeout and no more", async (t, s) => {
  const server = await configured(s, { workers: 1, graceful_timeout: 1 });
  const wire = await s.connect(server);

  wire.write(post(act("sleep:20")));
  await until("it to run", () => server.workers().length === 1);
  await new Promise((done) => setTimeout(done, 200));
  const old = server.workers()[0];
  const start = now();

  await reload(server);
  await until("the old worker's end", () => !server.workers().includes(old));
  within(t, "the old worker's end", now() - start, 2500);
  await server.waitFor(/worker\.exit .*verdict=(killed|drained).*restart/);
});

test("TTIN outlives a reload", async (t, s) => {
  const server = await configured(s, { workers: 2 });

  server.kill("SIGTTIN");
  await until("3 workers", () => server.workers().length === 3);
  await reload(server);
  await until("the old to go", () => server.workers().length === 3);
  server.configure({ workers: 1 });
  await reload(server);
  await until("1 + 1 workers", () => server.workers().length === 2);
});

test("a second HUP during the first is done after it", async (t, s) => {
  const server = await configured(s, { workers: 1 });

  server.kill("SIGHUP");
  await server.waitFor(/event=master\.reload /);
  server.configure({ workers: 2 });
  server.kill("SIGHUP");
  await server.waitFor(/event=master\.restarted workers=2/);
});

test("the error log moves", async (t, s) => {
  const server = await configured(s, { workers: 1 });
  const log = path.join(s.dir(), "error.log");

  server.configure({ workers: 1, errorlog: log, loglevel: "debug" });
  server.kill("SIGHUP");
  await until("the new log", () =>
    /master\.restarted/.test(fs.existsSync(log) && fs.readFileSync(log, "utf8")),
  );
  assert.match(fs.readFileSync(log, "utf8"), /level=debug/);
});
