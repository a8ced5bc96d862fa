/* SPDX-License-Identifier: MIT */

/*
 * Settings of gunicorn that no other test is about.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { now, test, until } from "../lib/harness.mjs";
import { ctlJson } from "../lib/op_ctl.mjs";
import { Load } from "../lib/op_load.mjs";
import { configured, reload } from "../lib/op_server.mjs";
import { get } from "../lib/wire.mjs";

const SPOOFED = get("/_ph/health", {
  close: true,
  fields: { "X-User": "eve", X_User: "root" },
});

test("header_map: drop, refuse, dangerous", async (t, s) => {
  const log = path.join(s.dir(), "access.log");
  const seen = async (mode) => {
    fs.rmSync(log, { force: true });
    const server = await s.start({
      app: "zoo",
      args: [
        ...["--access-logfile", log, ...(mode ? ["--header-map", mode] : [])],
        ...["--access-logformat", "%(s)s %({X-User}i)s %({X_User}i)s"],
      ],
    });
    const { status } = await s.send(server, SPOOFED);

    await server.stop();
    return [status, fs.readFileSync(log, "latin1").trim()];
  };

  assert.deepEqual(await seen(), [200, "200 eve -"]);
  assert.deepEqual(await seen("drop"), [200, "200 eve -"]);
  assert.deepEqual(await seen("dangerous"), [200, "200 eve root"]);
  assert.equal((await seen("refuse"))[0], 400);
});

test("sendfile on and off give the same bytes", async (t, s) => {
  const assets = path.join(s.dir(), "assets");
  const bytes = Buffer.alloc(3 << 20, 0);

  for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE(i, i);
  fs.mkdirSync(assets);
  fs.writeFileSync(path.join(assets, "big.bin"), bytes);
  for (const flag of ["--sendfile", "--no-sendfile"]) {
    const server = await s.start({
      app: "zoo",
      args: ["--assets-folder", assets, flag],
    });
    const answer = await s.send(server, get("/assets/big.bin"));

    assert.equal(answer.status, 200);
    assert.ok(answer.body.equals(bytes), flag);
    await server.stop();
  }
});

test("reuse_port: two servers on one address", async (t, s) => {
  const first = await configured(s, { workers: 1, reuse_port: true });
  const alone = await configured(
    s,
    { bind: first.bind, workers: 1 },
    { wait: false },
  );

  assert.equal((await alone.exited).status, 1);
  assert.match(alone.lines.join("\n"), /Address already in use/);
  const second = await configured(s, {
    bind: first.bind,
    workers: 1,
    reuse_port: true,
  });

  for (let i = 0; i < 20; i++)
    assert.equal((await s.send(first, get("/_ph/health"))).status, 200);
  await first.stop();
  assert.equal((await s.send(second, get("/_ph/health"))).status, 200);
});

test("proc_name: who is who in ps", async (t, s) => {
  const server = await configured(s, { workers: 2, proc_name: "plant" });
  const read = (pid, name) =>
    fs.readFileSync(`/proc/${pid}/${name}`, "latin1").replace(/\0/g, " ").trim();

  assert.equal(read(server.pid, "comm"), "plant");
  assert.match(read(server.pid, "cmdline"), /pronghorn -c /);
  assert.deepEqual(
    server.workers().map((pid) => read(pid, "cmdline")).sort(),
    ["plant: worker 0", "plant: worker 1"],
  );
  assert.equal(read(server.keeper(), "cmdline"), "plant: keeper");
  assert.equal(read(server.keeper(), "comm"), "ph-keeper");
});

const somaxconn = Number(fs.readFileSync("/proc/sys/net/core/somaxconn"));

test("a backlog the kernel cuts is told", async (t, s) => {
  const server = await configured(s, { workers: 1, backlog: 65535 });

  if (somaxconn < 65535)
    assert.match(
      server.grep(/event=listen\.backlog/)[0],
      new RegExp(`backlog=65535 queue=${somaxconn} `),
    );
  else assert.equal(server.grep(/event=listen\.backlog/).length, 0);
  const small = await configured(s, { workers: 1, backlog: 16 });

  assert.equal(small.grep(/event=listen\.backlog/).length, 0);
});

test("connections that wait are counted: backlog", async (t, s) => {
  const socket = path.join(s.dir(), "ctl");
  const server = await configured(s, { workers: 1, control_socket: socket });

  server.controlSocket = socket;
  const queue = async () =>
    (await ctlJson(server, "listeners")).listeners[0].queue;
  const metric = async () =>
    (await ctlJson(server, "metrics")).metrics.find(
      ({ metric: name }) => name === "backlog",
    ).value;

  assert.equal(await queue(), 0);
  for (const pid of server.workers()) server.kill("SIGSTOP", pid);
  const wires = await Promise.all(
    Array.from({ length: 5 }, () => s.connect(server)),
  );

  await until("a queue", async () => (await queue()) === 5, 20);
  assert.equal(await metric(), 5);
  for (const pid of server.workers()) server.kill("SIGCONT", pid);
  await until("none", async () => (await queue()) === 0, 20);
  for (const wire of wires) {
    wire.write(get("/_ph/health"));
    assert.equal((await wire.answer()).status, 200);
  }
});

test("reload_strategy rolling: one worker more at most", { seconds: 90 }, async (t, s) => {
  const server = await configured(s, { workers: 3, reload_strategy: "rolling" });
  const old = server.workers();
  const load = new Load(server.address, { keepAlive: 2, single: 2 });

  s.later(() => {
    load.running = false;
  });
  await reload(server);
  await load.stop();
  t.diagnostic(`${load.answered} answers, ${load.failures.length} failed`);
  assert.deepEqual(load.failures, []);
  let alive = 3;
  let most = 3;

  for (const line of server.lines.slice(
    server.lines.findIndex((text) => /event=master\.reload /.test(text)),
  )) {
    if (/event=worker\.fork/.test(line)) alive++;
    if (/event=worker\.exit/.test(line)) alive--;
    most = Math.max(most, alive);
  }
  assert.equal(most, 4);
  await until("the old ones' end", () =>
    !server.workers().some((pid) => old.includes(pid)), 20);
  assert.equal(server.workers().length, 3);
});

for (const strategy of ["all", "rolling"]) {
  test(`ready all through a reload (${strategy})`, { seconds: 90 }, async (t, s) => {
    const slow = path.join(s.dir(), "slow");
    const server = await configured(
      s,
      { workers: 2, reload_strategy: strategy },
      { app: "op_hooks", env: { HOOKS: "worker", HOOKS_SLOW: slow } },
    );

    fs.writeFileSync(slow, "");
    server.kill("SIGHUP");
    const from = now();
    let asked = 0;

    while (server.grep(/event=master\.restarted/).length === 0) {
      const answer = await s.send(server, get("/_ph/ready", { close: true }));

      assert.equal(answer.status, 200, answer.text);
      asked++;
      assert.ok(now() - from < 60000);
      await new Promise((done) => setTimeout(done, 20));
    }
    t.diagnostic(`asked ${asked} times in ${Math.round(now() - from)} ms`);
    assert.ok(now() - from > 1500, "the workers were slow");
  });
}
