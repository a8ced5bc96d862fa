/* SPDX-License-Identifier: MIT */

/*
 * Large answers that a route makes piece by piece: whoever takes them slowly
 * holds neither a thread nor memory, whoever goes leaves nothing, and a full disk
 * is an answer of its own and over when there is room.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import { SLOW, test, until } from "../lib/harness.mjs";
import { spools } from "../lib/op_process.mjs";
import { NO_DISK, smallDisk } from "../lib/small_disk.mjs";
import { isFull } from "../lib/sockets.mjs";
import { get, Wire } from "../lib/wire.mjs";

const PARTS = 40000; /* of 1,000 bytes: more than sockets hold */
const LONG = get(`/long?parts=${PARTS}`);
const SIZE = 1000 * PARTS + 11;

const start = (scene, extra = {}) =>
  scene.start({ app: "route_parts", threads: 1, ...extra });

/* A client that asks and takes no more than the sockets do. */
async function slowReader(scene, server) {
  const wire = await Wire.connect(server.address);

  scene.wires.push(wire);
  wire.socket.pause();
  wire.write(LONG);
  await until("more than it takes", () => isFull(server, wire.localPort));
  return wire;
}

test("slow readers of an export hold no thread and no memory", { seconds: 120 }, async (t, scene) => {
  const server = await start(scene);
  const [worker] = server.workers();

  assert.equal((await scene.send(server, get("/csv?most=9"))).status, 200);
  const before = server.rss(worker);
  const readers = [];

  for (let i = 0; i < 4; i++) readers.push(await slowReader(scene, server));
  assert.equal(spools(worker), 4);
  /* The only thread is free. */
  assert.equal((await scene.send(server, get("/csv?most=9"))).status, 200);
  const grown = server.rss(worker) - before;

  t.diagnostic(`4 exports of 40 MB: ${grown >> 10} KiB more`);
  assert.ok(grown < (SLOW > 1 ? 64 : 16) << 20, `${grown} bytes`);
  for (const wire of readers) {
    wire.socket.resume();
    const { body } = await wire.answer();

    assert.equal(body.length, SIZE);
    assert.equal(body.subarray(0, 8).toString(), "start\nxx");
    assert.equal(body.subarray(-5).toString(), "\nend\n");
    assert.ok(body.subarray(6, -5).every((byte) => byte === 0x78));
  }
  await until("their files to be gone", () => spools(worker) === 0);
});

test("readers of an export that go away amid it", { seconds: 120 }, async (t, scene) => {
  const server = await start(scene);
  const [worker] = server.workers();
  const readers = [await slowReader(scene, server), await slowReader(scene, server)];

  assert.equal(spools(worker), 2);
  for (const wire of readers) wire.destroy();
  await until("their files to be gone", () => spools(worker) === 0);
  assert.equal((await scene.send(server, LONG)).body.length, SIZE);
  assert.equal(server.grep(/level=(error|critical)/).length, 0);
});

test("an export that the disk has no room for", { seconds: 120 }, async (t, scene) => {
  const disk = await smallDisk(scene, "60m");

  if (disk === null) return t.skip(NO_DISK);
  const server = await start(scene, {
    wrapper: disk.wrapper,
    args: ["--tmp-upload-dir", disk.cacheDir],
  });
  const [worker] = server.workers();
  const first = await slowReader(scene, server); /* has 40 of 60 MB */
  const refused = await scene.send(server, LONG);

  assert.equal(refused.status, 503);
  assert.ok(!refused.text.includes("xxx"), "nothing of it was sent");
  assert.equal(server.grep(/level=warn.*route\.no_room/).length, 1);
  assert.equal(server.grep(/level=error/).length, 0);
  assert.equal(spools(worker), 1, "what there was of it is gone");
  first.socket.resume();
  assert.equal((await first.answer()).body.length, SIZE);
  await until("room", () => spools(worker) === 0);
  assert.equal((await scene.send(server, LONG)).body.length, SIZE);
  assert.deepEqual(fs.readdirSync(disk.root), []);
});
