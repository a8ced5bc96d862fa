/* SPDX-License-Identifier: MIT */

/*
 * Every request of the tables, cut at every offset: sent in two pieces, with
 * the same verdict as whole; ended there, and cut off there. Nothing hangs,
 * no half of a request is answered as if it were one, no descriptor is lost.
 * `make test` takes every 29th offset, from another start for each case.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import { test, until } from "../lib/harness.mjs";
import {
  ACCEPTED, FOLLOWED, GUARDED, GUARDED_ARGS, REFUSED, REFUSED_BODIES,
  UNFINISHED,
} from "../lib/http_cases.mjs";
import { connectionCount } from "../lib/sockets.mjs";
import { call, runs } from "../lib/zoo.mjs";

const LONG = process.env.STRESS === "1";
const STEP = LONG ? 1 : 29;
const AT_ONCE = 40;
const THREADS = 2;

const cases = (list) =>
  list.map(([what, text, status]) => [
    what, Buffer.from(text, "latin1"), [status].flat(),
  ]);
/* [the server's arguments, the cases that it is for] */
const SERVERS = {
  "": [[], cases([...REFUSED, ...FOLLOWED, ...REFUSED_BODIES, ...ACCEPTED])],
  ", lines without an end": [["--header-timeout", "100"], cases(UNFINISHED)],
  ", names, tokens and limits": [GUARDED_ARGS, cases(GUARDED)],
};

/*
 * Where a case of many thousand bytes consists of the same few over and over:
 * the end of what stands before, and the start of what stands behind.
 */
function filler(bytes) {
  const text = bytes.toString("latin1");
  const run = bytes.length > 3000 && /(.{1,3}?)\1{1000,}/s.exec(text);

  return run ? [run.index + 20, run.index + run[0].length - 20] : [0, 0];
}

/* Offsets inside a case: all of them, but of a filler thirty. */
function offsets(bytes, index) {
  const [from, to] = filler(bytes);
  const thinned = Math.max(1, Math.ceil((to - from) / 30));
  const list = [];

  for (let at = 1; at < bytes.length; at += at > from && at < to ? thinned : 1)
    list.push(at);
  return list.filter((_, i) => i % STEP === index % STEP);
}

/* Do `work` for each item, some at a time. */
async function forEach(items, work) {
  let next = 0;
  const one = async () => {
    while (next < items.length) await work(items[next++]);
  };

  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

const everyCut = (all) =>
  all.flatMap(([what, bytes, statuses], index) =>
    offsets(bytes, index).map((at) => ({ what, bytes, statuses, at })),
  );

async function statusesOf(wire) {
  return (await wire.answers()).map((answer) => answer.status);
}

const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;

/* The same worker serves, and holds no more than before. */
async function settled(server, worker, before) {
  assert.deepEqual(server.workers(), [worker]);
  await until("all descriptors to be given back", () =>
    descriptors(worker) <= before);
}

async function start(scene, args = []) {
  const server = await scene.start({ app: "zoo", threads: THREADS, args });
  const [worker] = server.workers();
  const warm = await Promise.all(
    Array.from({ length: THREADS }, () => scene.connect(server)),
  );

  /* Each thread opens the cache for itself, which may be after the start. */
  for (const wire of warm) wire.write(call("naps", 0.1));
  for (const wire of warm) await wire.answer();
  for (const wire of warm) wire.destroy();
  await until("them to be gone", () => connectionCount(server) === 0);
  return { server, worker, before: descriptors(worker) + 1 };
}

for (const [name, [args, all]] of Object.entries(SERVERS)) {
  test(`two pieces${name}`, { seconds: 600 }, async (t, scene) => {
    const { server, worker, before } = await start(scene, args);
    const cuts = everyCut(all);
    const wrong = [];

    await forEach(cuts, async ({ what, bytes, statuses, at }) => {
      const wire = await scene.connect(server);

      await wire.writePieces([bytes.subarray(0, at), bytes.subarray(at)]);
      const got = [];

      while (got.length < statuses.length)
        got.push((await wire.answer()).status);
      wire.finish();
      got.push(...(await statusesOf(wire)));
      if (String(got) !== String(statuses))
        wrong.push(`${what}, cut at ${at}: ${got}, not ${statuses}`);
      wire.destroy();
      scene.wires.length = 0;
    });
    assert.deepEqual(wrong.slice(0, 10), []);
    await settled(server, worker, before);
    t.diagnostic(`${cuts.length} cuts`);
  });

  test(`ended in the middle${name}`, { seconds: 600 }, async (t, scene) => {
    const { server, worker, before } = await start(scene, args);
    const cuts = everyCut(all);
    const wrong = [];

    await forEach(cuts, async ({ what, bytes, statuses, at }) => {
      const wire = await scene.connect(server);

      await wire.write(bytes.subarray(0, at));
      wire.finish();
      const got = await statusesOf(wire);

      /* What was answered is what the whole gets, or the start of it. */
      if (String(got) !== String(statuses.slice(0, got.length)))
        wrong.push(`${what}, ended at ${at}: ${got}`);
      wire.destroy();
      scene.wires.length = 0;
    });
    assert.deepEqual(wrong.slice(0, 10), []);
    await settled(server, worker, before);
  });
}

/* Callbacks run only for whole requests: none of these is. */
test("cut off in the middle", { seconds: 600 }, async (t, scene) => {
  const { server, worker, before } = await start(scene);
  const cuts = cases(ACCEPTED).flatMap(([, bytes], index) =>
    offsets(bytes, index).map((at) => ({ bytes, at })),
  );

  await forEach(cuts, async ({ bytes, at }) => {
    const wire = await scene.connect(server);

    await wire.write(bytes.subarray(0, at));
    wire.socket.resetAndDestroy();
    scene.wires.length = 0;
  });
  await settled(server, worker, before);
  assert.equal(runs(server, ""), THREADS, "those of start()");
});
