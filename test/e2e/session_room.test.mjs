/* SPDX-License-Identifier: MIT */

/*
 * Many visitors who keep much: nobody is refused, the cache goes on, and who
 * had something by name before them has it still. And a disk that something
 * else fills for as long as it can: sessions outlive it.
 */
import assert from "node:assert/strict";
import { now, test, until } from "../lib/harness.mjs";
import { NO_DISK, smallDisk } from "../lib/small_disk.mjs";
import { Visitor } from "../lib/visitor.mjs";

/* A value of 100 KB of the server-side store; the answer. */
const store = (visitor, n) => visitor.update("store.data", [["make.n_clicks", n]]);
const memo = (visitor, text) => visitor.update("mine.children", [["do.value", text]]);

test("all sessions together have half of the room", { seconds: 60 }, async (t, scene) => {
  const server = await scene.start({
    ...{ app: "sessions", workers: 2, threads: 2 },
    args: ["--cache-max-bytes", "16MiB"],
  });
  const old = new Visitor(scene, server);
  const runs = () => server.grep(/run mine/).length;
  let last = null;

  assert.equal(await old.act("set", "cart", "full"), true);
  for (let i = 0; i < 40; i++) {
    last = new Visitor(scene, server);
    for (let j = 0; j < 5; j++) assert.equal((await store(last, j)).status, 200);
  }
  assert.equal(await old.act("get", "cart"), "full");
  assert.equal(await old.act("set", "cart", "fuller"), true);
  assert.equal(await last.act("set", "cart", "new"), true);
  assert.ok(server.grep(/event=session\.evicted .*sessions=0/).length > 0);
  assert.equal(server.grep(/event=(cache\.failed|keeper\.no_room)/).length, 0);
  /* The cache has room, too. */
  assert.equal((await memo(old, "a")).status, 200);
  const known = runs();

  assert.equal((await memo(old, "a")).status, 200);
  assert.equal(runs(), known);
});

test("sessions outlive a disk that stays full", { seconds: 120 }, async (t, scene) => {
  const disk = await smallDisk(scene, "24m");

  if (disk === null) return t.skip(NO_DISK);
  const server = await scene.start({ app: "sessions", workers: 2, threads: 2, ...disk.place });
  const visitors = Array.from({ length: 6 }, () => new Visitor(scene, server));
  const end = () => now() + 8000; /* more than three attempts of the keeper */

  for (const [i, one] of visitors.entries())
    assert.equal(await one.act("set", "cart", `of ${i}`), true);
  for (const until_ms = end(), n = { i: 0 }; now() < until_ms; n.i++) {
    disk.fill();
    await Promise.all(
      visitors.map(async (one, i) => {
        await store(one, n.i); /* may be refused */
        assert.equal(await one.act("get", "cart"), `of ${i}`);
      }),
    );
  }
  assert.equal(server.grep(/event=keeper\.removed/).length, 0);
  /* Not for session_quota. */
  assert.equal(server.grep(/session_quota/).length, 0);
  disk.free();
  await until("storing to be on", async () => visitors[0].act("set", "x", 1), 20);
  for (const [i, one] of visitors.entries())
    assert.equal(await one.act("get", "cart"), `of ${i}`);
});
