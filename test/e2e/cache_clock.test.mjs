/* SPDX-License-Identifier: MIT */

/*
 * The wall clock of the machine is set while the server runs: what is kept
 * grows as old as the time that has passed, not as the clock on the wall says.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { BUILD, test, until } from "../lib/harness.mjs";
import { Visitor } from "../lib/visitor.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

const HOUR_MS = 3600 * 1000;
const DAY_MS = 24 * HOUR_MS;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/* A server, and setWall(ms): how far its wall clock is from the true one. */
async function start(scene, options) {
  const file = path.join(scene.dir(), "wall");
  const setWall = (ms) => {
    const bytes = Buffer.alloc(8);

    bytes.writeBigInt64LE(BigInt(ms));
    const fd = fs.openSync(file, fs.existsSync(file) ? "r+" : "w");

    fs.writeSync(fd, bytes, 0, 8, 0);
    fs.closeSync(fd);
  };

  setWall(options.wall ?? 0);
  const server = await scene.start({
    workers: 2,
    threads: 2,
    ...options,
    env: {
      LD_PRELOAD: path.join(BUILD, "e2e/wall_clock.so"),
      WALL_CLOCK: file,
      /* With a sanitizer: its library comes second. */
      ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:verify_asan_link_order=0`,
      ...options.env,
    },
  });
  const ask = async (name, value = null) => {
    const answer = await scene.send(server, call(name, value));

    assert.equal(answer.status, 200, `${name}: ${answer.status}`);
    return result(answer, name);
  };

  return { server, ask, setWall };
}

test("the wall clock is what the tests say", async (t, scene) => {
  const { server, ask, setWall } = await start(scene, { app: "cache" });
  const year = () => Number(/(\d{4})-\d\d-\d\d/.exec(server.grep(/run tagged/).at(-1))[1]);

  await ask("tagged", 1);
  const now = year();

  setWall(400 * DAY_MS);
  await ask("tagged", 2);
  assert.ok(year() > now);
});

for (const [way, step] of [
  ["back", -HOUR_MS],
  ["forward", HOUR_MS],
  ["back to 1970", -Date.now() + HOUR_MS],
  ["forward by ten years", 3650 * DAY_MS],
]) {
  test(`set ${way}: values live as long as they should`, async (t, scene) => {
    const { server, ask, setWall } = await start(scene, { app: "cache" });

    assert.equal(await ask("set", "first"), true);
    assert.equal(await ask("tagged", "k"), "first");
    assert.equal(await ask("swr", "x"), "first");
    assert.equal(await ask("incr", 3), 3);
    assert.equal(await ask("set_short", "brief"), true);
    setWall(step);
    /* What has time left is still there; what lives 0.5 s goes in time. */
    assert.equal(await ask("get", "short"), "brief");
    assert.equal(await ask("incr", 4), 7);
    await until("it to go", async () => (await ask("get", "short")) !== "brief");
    assert.equal(await ask("tagged", "k"), "first");
    assert.equal(runs(server, "tagged k"), 1);
    /* Refreshed when asked to be, once, and known to both workers. */
    assert.equal(await ask("set", "second"), true);
    assert.equal(await ask("again", "k"), "second");
    assert.equal(runs(server, "tagged k"), 2);
    for (let i = 0; i < 6; i++) assert.equal(await ask("tagged", "k"), "second");
    /* Stale after 0.5 s, made anew behind it. */
    await sleep(600);
    assert.equal(await ask("swr", "x"), "first");
    await until("the new value", async () => (await ask("swr", "x")) === "second");
    assert.equal(runs(server, "swr x"), 2);
    /* And all of it again with a value that was made after the step. */
    setWall(0);
    assert.equal(await ask("set", "third"), true);
    assert.equal(await ask("tagged", "k"), "second");
    assert.equal(await ask("again", "k"), "third");
    assert.equal(await ask("set_short", "brief"), true);
    assert.equal(await ask("get", "short"), "brief");
    await until("it to go", async () => (await ask("get", "short")) !== "brief");
  });
}

test("a clock set back and forth ends no session", async (t, scene) => {
  const { server, setWall } = await start(scene, {
    app: "sessions",
    args: ["--session-lifetime", "600", "--session-idle-timeout", "300"],
  });
  const one = new Visitor(scene, server);

  await one.get("/");
  assert.equal(await one.act("set", "name", "Ada"), true);
  const id = await one.act("id");

  for (const step of [HOUR_MS, -HOUR_MS, 400 * DAY_MS, 0]) {
    setWall(step);
    assert.equal(await one.act("get", "name"), "Ada");
    assert.equal(await one.act("id"), id);
  }
});

/* A cookie has 32 bits for a time in seconds. */
test("sessions in the year 2107", async (t, scene) => {
  const wall = Date.UTC(2107, 0) - Date.now();
  const { server } = await start(scene, { app: "sessions", wall });
  const one = new Visitor(scene, server);

  await one.get("/");
  assert.equal(await one.act("set", "name", "Ada"), true);
  assert.equal(await one.act("get", "name"), "Ada");
  await sleep(1200);
  assert.equal(await one.act("get", "name"), "Ada");
});

test("one that starts later agrees with those that run", async (t, scene) => {
  const { server, ask, setWall } = await start(scene, { app: "cache" });

  await ask("set", "first");
  assert.equal(await ask("tagged", "k"), "first");
  setWall(-HOUR_MS);
  server.kill("SIGHUP");
  await server.waitFor(/event=master\.reload .*workers=/);
  assert.equal(await ask("set_short", "brief"), true);
  assert.equal(await ask("get", "short"), "brief");
  await until("it to go", async () => (await ask("get", "short")) !== "brief");
  assert.equal(await ask("tagged", "k"), "first");
  await ask("set", "second");
  assert.equal(await ask("again", "k"), "second");
});

test("a start with an earlier wall clock finds what is there", async (t, scene) => {
  const cacheDir = path.join(scene.dir(), "cache");
  const first = await start(scene, { app: "cache", cacheDir });

  await first.ask("set", "first");
  assert.equal(await first.ask("tagged", "k"), "first");
  await first.server.stop();
  const second = await start(scene, { app: "cache", cacheDir, wall: -HOUR_MS });

  assert.equal(await second.ask("tagged", "k"), "first");
  await second.ask("set", "second");
  assert.equal(await second.ask("again", "k"), "second");
  assert.equal(await second.ask("set_short", "brief"), true);
  await until(
    "it to go",
    async () => (await second.ask("get", "short")) !== "brief",
  );
});
