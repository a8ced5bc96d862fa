/* SPDX-License-Identifier: MIT */

/*
 * Many clients that take nothing of a large file or answer: they share it, or
 * are closed, so that they leave the worker its descriptors and its memory.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import http2 from "node:http2";
import path from "node:path";
import { certificate } from "../lib/certificate.mjs";
import { block, END_HEADERS, END_STREAM, frame, Frames, HEAD, TYPE, u32 } from "../lib/h2_frames.mjs";
import { now, SLOW, test, until, within } from "../lib/harness.mjs";
import { descriptors } from "../lib/op_process.mjs";
import { isFull, isRead } from "../lib/sockets.mjs";
import { get, Wire } from "../lib/wire.mjs";
import { call, runs } from "../lib/zoo.mjs";

const BYTES = 20e6; /* of a large answer of the zoo */
const STREAMS = 100;
const CONNECTIONS = 4;
const READERS = 250;
const READ_BYTES = 1e6;
const FILES = { "large.bin": 4e6, "middle.png": 400e3, "small.png": 100e3 };

async function start(scene, args) {
  const assets = scene.dir();

  fs.writeFileSync(path.join(assets, "huge.bin"), "");
  for (const [name, size] of Object.entries(FILES))
    fs.writeFileSync(path.join(assets, name), Buffer.alloc(size, "x"));
  fs.truncateSync(path.join(assets, "huge.bin"), 256e6); /* more than sockets hold */
  return scene.start({ app: "zoo", args: ["--assets-folder", assets, ...args] });
}

for (const name of Object.keys(FILES))
  test(`HTTP/2: ${name} that nobody takes [H5]`, { seconds: 60 }, async (t, scene) => {
    const server = await start(scene, certificate(scene.dir()).args);
    const [worker] = server.workers();
    const fds = descriptors(worker);
    const memory = server.rss(worker);

    for (let i = 0; i < CONNECTIONS; i++) {
      /* INITIAL_WINDOW_SIZE 0 */
      const client = await Frames.connect(server, Buffer.concat([Buffer.from([0, 4]), u32(0)]));

      scene.wires.push(client);
      for (let stream = 1; stream < 2 * STREAMS; stream += 2)
        await client.send(
          frame(TYPE.HEADERS, END_HEADERS | END_STREAM, stream,
            block({ ...HEAD, ":path": `/assets/${name}` })),
        );
      await until("all heads", () => client.of(TYPE.HEADERS).length === STREAMS);
    }
    const more = descriptors(worker) - fds;
    const grown = server.rss(worker) - memory;

    t.diagnostic(`${more} descriptors, ${(grown / 1e6).toFixed(1)} MB`);
    assert.ok(more < CONNECTIONS + 8, `${more} descriptors`);
    assert.ok(grown < 16e6 * SLOW, `${grown} bytes`);
  });

const ROOM = 110; /* files in a quarter of the descriptors */
const ASKED = 140;

/* Answers of which nothing is taken; their status. */
async function leave(session, method, path, body) {
  const stream = session.request({
    ":method": method, ":path": path, "content-type": "application/octet-stream",
  });

  stream.on("error", () => {});
  stream.end(body);
  return new Promise((done, fail) => {
    stream.once("response", (fields) => done(fields[":status"]));
    stream.once("close", () => fail(new Error("no answer")));
  });
}

/*
 * Each answer is a file of its own, which nobody shares: they have a part of the
 * descriptors, and who comes too many is told so.
 */
for (const [what, ...ask] of [
  ["made by the app", "GET", "/long?parts=100", ""],
  ["that were uploaded", "POST", "/path?then=back", "x".repeat(100000)],
])
  test(`HTTP/2: files ${what} that nobody takes [H5]`, { seconds: 90 }, async (t, scene) => {
    const server = await scene.start({
      app: "route_parts",
      threads: 2,
      args: ["--upload-buffer", "65536", ...certificate(scene.dir()).args],
      wrapper: ["prlimit", `--nofile=${4 * ROOM}:${4 * ROOM}`],
    });
    const [worker] = server.workers();
    const fds = descriptors(worker);
    const counts = { 200: 0, 503: 0 };
    const sessions = [0, 1].map(() => http2.connect(
      `https://127.0.0.1:${server.address.port}`,
      { rejectUnauthorized: false, settings: { initialWindowSize: 0 } },
    ));

    scene.later(() => sessions.forEach((session) => session.destroy()));
    await Promise.all(sessions.map((session) =>
      new Promise((done) => session.once("localSettings", done))));
    for (let i = 0; i < ASKED; i++)
      counts[await leave(sessions[i % 2], ...ask)]++;
    const more = descriptors(worker) - fds;

    t.diagnostic(`${more} descriptors, ${JSON.stringify(counts)}`);
    assert.deepEqual(counts, { 200: ROOM, 503: ASKED - ROOM });
    /* The two connections, and what threads open at their first task. */
    assert.ok(more >= ROOM && more <= ROOM + 2 + 10, `${more} descriptors`);
    /* All are given back. */
    for (const session of sessions) session.destroy();
    await until("none", () => descriptors(worker) <= fds + 3);
  });

test("HTTP/1: files that nobody takes [H5]", { seconds: 60 }, async (t, scene) => {
  const server = await start(scene, []);
  const [worker] = server.workers();
  const fds = descriptors(worker);

  for (let i = 0; i < 40; i++) {
    const wire = await Wire.connect(server.address);

    scene.wires.push(wire);
    wire.socket.pause();
    wire.write(get("/assets/huge.bin"));
  }
  /* The last of them is behind all others in the loop. */
  const last = await Wire.connect(server.address);

  scene.wires.push(last);
  last.write(get("/_ph/health"));
  assert.equal((await last.answer()).status, 200);
  const more = descriptors(worker) - fds;

  t.diagnostic(`${more} descriptors`);
  assert.ok(more >= 41 && more < 48, `${more} descriptors`);
});

/*
 * No descriptor is left for what a route answers with: that is the server's
 * state, not the handler's mistake.
 */
for (const [what, app, ask] of [
  ["a file", "dash_routes", get("/file")],
  ["an answer made piece by piece", "route_parts", get("/long?parts=100")],
])
  test(`${what} without a free descriptor: 503 [H5]`, async (t, scene) => {
    const server = await scene.start({
      app,
      args: ["--upload-buffer", "65536"],
      env: { ROUTE_FILE: scene.file("data.csv", "x".repeat(1e6)) },
    });
    const [worker] = server.workers();
    const wire = await Wire.connect(server.address);
    const status = async () => {
      wire.write(ask);
      return (await wire.answer()).status;
    };
    const limit = (count) =>
      execFileSync("prlimit", ["--pid", `${worker}`, `--nofile=${count}:`]);

    scene.wires.push(wire);
    assert.equal(await status(), 200);
    limit(3);
    for (let i = 0; i < 20; i++) assert.equal(await status(), 503);
    limit(1024);
    assert.equal(await status(), 200);
    assert.equal(server.grep(/level=error/).length, 0);
    const warned = server.grep(/level=warn.*route\.no_room/).length;

    assert.ok(warned >= 1 && warned <= 3, `${warned} warnings`);
  });

/* A client that asks for the callback's 20 MB and takes none of them. */
async function ignore(scene, server, name) {
  const wire = await Wire.connect(server.address);

  scene.wires.push(wire);
  wire.socket.pause();
  wire.write(call(name, 1));
  await until("more than it takes", () => isFull(server, wire.localPort));
  return wire;
}

const metric = async (scene, server, name) => {
  const { text } = await scene.send(server, get("/_ph/metrics"));

  return Number(new RegExp(`^pronghorn_${name} (\\d+)`, "m").exec(text)[1]);
};

for (const memory of ["16MiB", "0"])
  test(`HTTP/1: a memoized answer that nobody takes, answer_memory ${memory} [H5]`, { seconds: 90 }, async (t, scene) => {
    const server = await scene.start({ app: "zoo", args: ["--answer-memory", memory] });
    const [worker] = server.workers();

    await ignore(scene, server, "big_memoized");
    const one = server.rss(worker);

    for (let i = 0; i < 12; i++) await ignore(scene, server, "big_memoized");
    const grown = server.rss(worker) - one;

    t.diagnostic(`${(grown / 1e6).toFixed(1)} MB`);
    /* Who computed it has it, and all others share what the store gave. */
    assert.ok(grown < 2 * BYTES * SLOW, `${grown} bytes`);
    assert.equal(runs(server, "large"), 1);
  });

test("HTTP/2: a memoized answer that nobody takes [H5]", { seconds: 90 }, async (t, scene) => {
  const server = await start(scene, certificate(scene.dir()).args);
  const [worker] = server.workers();
  const memory = server.rss(worker);
  const client = await Frames.connect(server, Buffer.concat([Buffer.from([0, 4]), u32(0)]));
  const [, body] = call("big_memoized", 1).toString().split("\r\n\r\n");

  scene.wires.push(client);
  for (let stream = 1; stream < 2 * STREAMS; stream += 2) {
    await client.send(frame(TYPE.HEADERS, END_HEADERS, stream, block({
      ...HEAD, ":method": "POST", ":path": "/_dash-update-component", "content-type": "application/json",
    })));
    await client.send(frame(TYPE.DATA, END_STREAM, stream, Buffer.from(body)));
  }
  await until("all heads", () => client.of(TYPE.HEADERS).length === STREAMS);
  const grown = server.rss(worker) - memory;

  t.diagnostic(`${(grown / 1e6).toFixed(1)} MB`);
  /* The value, the answer, the call that made them. */
  assert.ok(grown < 8 * BYTES * SLOW, `${grown} bytes`);
});

test("clients that leave more than send_memory [H5]", { seconds: 120 }, async (t, scene) => {
  const server = await scene.start({
    app: "zoo", args: ["--send-memory", `${5 * BYTES}`, "--metrics-public"],
  });
  const [worker] = server.workers();
  const clients = [];

  for (let i = 0; i < 5 - 1; i++) clients.push(await ignore(scene, server, "big"));
  assert.equal(await metric(scene, server, "unsent_closed_total"), 0);
  for (let i = 0; i < 12; i++) clients.push(await ignore(scene, server, "big"));
  const memory = server.rss(worker);

  t.diagnostic(`${(memory / 1e6).toFixed(1)} MB`);
  assert.ok(memory < 12 * BYTES * SLOW, `${memory} bytes`);
  await until("the count", async () =>
    (await metric(scene, server, "unsent_closed_total")) === clients.length - 4);
  const waiting = await metric(scene, server, "unsent_bytes");

  assert.ok(waiting > 3 * BYTES && waiting <= 5 * BYTES, `${waiting} bytes`);
  assert.ok(server.grep(/level=warn.*send\.memory peer=127\.0\.0\.1 /).length >= 1);
  /* Who has waited longest was closed, in the middle of the answer. */
  clients[0].socket.resume();
  await assert.rejects(clients[0].answer());
  /* The last ones get all of it, once they take it. */
  const last = clients.at(-1);

  last.socket.resume();
  assert.ok((await last.answer()).body.length > BYTES);
  assert.deepEqual(server.workers(), [worker]);
});

test("an answer larger than send_memory [H5]", { seconds: 60 }, async (t, scene) => {
  const server = await scene.start({ app: "zoo", args: ["--send-memory", "1MiB"] });
  const wire = await ignore(scene, server, "big");

  wire.socket.resume();
  assert.ok((await wire.answer()).body.length > BYTES);
});

/*
 * While the loop is held, all their answers become ready; whoever asks for
 * little meanwhile waits for a few of them and not for all.
 */
test("a small request beside many large answers", { seconds: 60 }, async (t, scene) => {
  const server = await scene.start({ app: "long_answers", threads: 2, args: ["--send-memory", "1GiB"] });
  const [worker] = server.workers();
  const [page, canary, ...clients] = await Promise.all(
    Array.from({ length: READERS + 2 }, () => Wire.connect(server.address)),
  );
  const before = server.rss(worker);
  const held = scene.file("held", "");

  scene.wires.push(page, canary, ...clients);
  for (const [i, client] of clients.entries()) {
    client.socket.pause();
    client.write(get(i < 2 ? "/sleep?seconds=0.5" : `/bytes?count=${READ_BYTES}`));
  }
  page.write(get("/_dash-layout", { fields: { "X-Hold": held } }));
  await until("they are ready", () =>
    server.rss(worker) - before > (READERS - 2) * READ_BYTES * 0.95);
  canary.write(get("/_ph/health"));
  await until("it has come", () => !isRead(server, canary.localPort));
  fs.rmSync(held);
  assert.equal((await page.answer()).status, 200);
  const from = now();

  assert.equal((await canary.answer()).status, 200);
  within(t, "behind the page", now() - from, 50);
  for (const client of clients) client.socket.resume();
  for (const client of clients) assert.equal((await client.answer()).status, 200);
});

test("a large file that is changed while it is sent", async (t, scene) => {
  const assets = scene.dir();
  const server = await scene.start({ app: "zoo", args: ["--assets-folder", assets] });
  const file = path.join(assets, "a.bin");
  const put = (text) => {
    fs.writeFileSync(`${file}.new`, Buffer.alloc(8e6, text));
    fs.renameSync(`${file}.new`, file);
  };

  put("old");
  const wire = await Wire.connect(server.address);

  scene.wires.push(wire);
  wire.socket.pause();
  wire.write(get("/assets/a.bin"));
  await until("more than it takes", () => isFull(server, wire.localPort));
  put("new");
  const now = await scene.send(server, get("/assets/a.bin"));

  wire.socket.resume();
  const before = await wire.answer();

  assert.equal(before.body.subarray(0, 3).toString(), "old");
  assert.equal(before.body.subarray(-8).toString(), Buffer.alloc(8e6, "old").subarray(-8).toString());
  assert.equal(now.body.subarray(0, 3).toString(), "new");
});
