/* SPDX-License-Identifier: MIT */

/*
 * Everything that replaces workers and masters, under load: reloads, upgrades
 * of the program, recycled workers, more and fewer workers, and TERM at the
 * end. Not one request that was sent may stay without its answer.
 *
 * With STRESS=1: 30 HUPs, 10 USR2s, 100 recycled workers, at least 20,000
 * requests, and 500 HUPs that leave nothing behind; without it a small share
 * of that.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { isAlive, SLOW, test, until } from "../lib/harness.mjs";
import { ctl, ctlJson } from "../lib/op_ctl.mjs";
import { Load } from "../lib/op_load.mjs";
import { act, configured, reload } from "../lib/op_server.mjs";
import { get, post } from "../lib/wire.mjs";

const FULL = Boolean(process.env.STRESS);
const HUPS = FULL ? 30 : 3;
const HUPS_ALONE = FULL ? 500 : 50;
const UPGRADES = FULL ? 10 : 1;
const RECYCLED = FULL ? 100 : 6;
const REQUESTS = FULL ? 20000 : 2000;
const SECONDS = FULL ? 1200 : 120;

async function start(scene, settings) {
  const dir = scene.dir();
  const server = await configured(scene, {
    workers: 2,
    graceful_timeout: 10,
    pidfile: path.join(dir, "web.pid"),
    ...settings,
  });

  server.controlSocket = path.join(dir, "web.ctl");
  server.pidfile = path.join(dir, "web.pid");
  server.load = new Load(server.address, { keepAlive: 4, single: 4 });
  scene.later(() => {
    server.load.running = false;
  });
  return server;
}

/* All that were asked have been answered. */
async function finish(t, server, what) {
  const { load } = server;

  await until(`${REQUESTS} answers`, () => load.answered >= REQUESTS, SECONDS);
  await load.stop();
  t.diagnostic(
    `${what}: ${load.answered} answers, ${load.failures.length} failed, ` +
      `${load.raced ?? 0} connections closed before a byte was read`,
  );
  assert.deepEqual(load.failures, []);
  assert.ok((load.raced ?? 0) <= load.answered / 1000);
}

test(`${HUPS} HUPs with TTIN and TTOU`, { seconds: SECONDS }, async (t, s) => {
  const server = await start(s);

  for (let i = 0; i < HUPS; i++) {
    server.kill(i % 2 ? "SIGTTOU" : "SIGTTIN");
    await reload(server);
  }
  await finish(t, server, `${HUPS} HUPs`);
});

/* Everything that a reload could leave in the master. */
function held(pid) {
  const count = (what) => fs.readdirSync(`/proc/${pid}/${what}`).length;
  const maps = fs.readFileSync(`/proc/${pid}/maps`, "utf8").split("\n").length;

  return { descriptors: count("fd"), threads: count("task"), maps };
}

test(`${HUPS_ALONE} HUPs leave nothing in the master [10]`, { seconds: SECONDS }, async (t, s) => {
  const server = await configured(s, { workers: 1, graceful_timeout: 5 });
  const children = () =>
    fs.readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8")
      .trim().split(" ").length;

  for (let i = 0; i < 5; i++) await reload(server);
  const before = { ...held(server.pid), children: 0 };

  await until("one generation to be left", () => server.workers().length === 1);
  before.children = children();
  before.rss = server.rss(server.pid);
  for (let i = 0; i < HUPS_ALONE; i++) await reload(server);
  await until("as many processes as before", () => children() <= before.children);
  await until("as much as before", () => {
    const now = held(server.pid);

    return now.descriptors <= before.descriptors &&
      now.threads <= before.threads && now.maps <= before.maps + 2;
  });
  const grown = server.rss(server.pid) - before.rss;

  t.diagnostic(`${JSON.stringify(before)}, ${grown >> 10} KiB more at the end`);
  /* A sanitizer keeps what was freed for a while. */
  assert.ok(grown < (SLOW > 1 ? 16 : 1) << 20, `${grown} bytes more`);
});

test(`${UPGRADES} USR2s`, { seconds: SECONDS }, async (t, s) => {
  const server = await start(s);
  let old = server.pid;

  for (let i = 0; i < UPGRADES; i++) {
    const { pid } = await ctlJson(server, "upgrade");

    s.later(() => isAlive(pid) && process.kill(pid, "SIGKILL"));
    process.kill(old, "SIGTERM");
    await until("the old one's end", () => !isAlive(old), 60);
    await until(
      "the new one's name",
      () =>
        fs.existsSync(server.pidfile) &&
        Number(fs.readFileSync(server.pidfile, "utf8")) === pid,
      60,
    );
    await until(
      "its socket",
      async () => (await ctl(server, "status")).status === 0,
      60,
    );
    old = pid;
  }
  await finish(t, server, `${UPGRADES} USR2s`);
  process.kill(old, "SIGTERM");
  await until("the last one's end", () => !isAlive(old), 60);
});

test(`${RECYCLED} recycled workers`, { seconds: SECONDS }, async (t, s) => {
  const server = await start(s, { max_requests: 150, max_requests_jitter: 50 });

  await server.waitFor(/worker\.exit .*verdict=drained .*reason=recycle/, {
    count: RECYCLED,
    seconds: SECONDS,
  });
  await finish(t, server, `${RECYCLED} recycled workers`);
});

for (let round = 0; round < (FULL ? 20 : 2); round++) {
  test(`TERM answers all that were sent (${round})`, async (t, s) => {
    const server = await start(s, { workers: 3, threads: 2 });

    server.load.running = false;
    const wires = await Promise.all(
      Array.from({ length: 60 }, () => s.connect(server)),
    );

    wires.forEach((wire, i) =>
      wire.write(i % 3 ? post(act(`sleep:${(i % 7) / 50}`)) : get("/")),
    );
    server.kill("SIGTERM");
    for (const wire of wires) assert.equal((await wire.answer()).status, 200);
    assert.deepEqual(await server.exited, { status: 0, sig: null });
  });
}
