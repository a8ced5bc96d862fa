/* SPDX-License-Identifier: MIT */

/*
 * HTTP/2 as attackers write it, frame by frame, and clients that are slow:
 * who costs more than a client may is sent away, memory and processor time
 * stay bounded, and others do not notice.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { certificate } from "../lib/certificate.mjs";
import {
  block, END_HEADERS, END_STREAM, frame, Frames, HEAD, PADDED, TYPE, u32,
} from "../lib/h2_frames.mjs";
import { now, SLOW, test, until } from "../lib/harness.mjs";
import { cpuSeconds } from "../lib/op_process.mjs";
import { call } from "../lib/zoo.mjs";

const UPDATE = {
  ":method": "POST", ":scheme": "https", ":path": "/_dash-update-component",
  ":authority": "a", "content-type": "application/json",
};

/* Refused by its head alone. */
const POST = { ...HEAD, ":method": "POST" };
const NO_WINDOW = Buffer.concat([Buffer.from([0, 4]), u32(0)]);

async function start(scene, args = []) {
  return scene.start({
    app: "zoo",
    threads: 2,
    args: [...certificate(scene.dir()).args, ...args],
  });
}

async function open(scene, server, settings) {
  const client = await Frames.connect(server, settings);

  scene.wires.push(client);
  return client;
}

const headers = (stream, fields, flags = END_HEADERS | END_STREAM) =>
  frame(TYPE.HEADERS, flags, stream, block(fields));

/* Somebody else is answered, by the same worker. */
async function isUnharmed(scene, server, worker) {
  const other = await open(scene, server);

  await other.send(headers(1, HEAD));
  await until("its answer", () => other.of(TYPE.DATA, 1).length > 0);
  assert.equal(other.of(TYPE.DATA, 1)[0].payload.toString(), "ok\n");
  assert.deepEqual(server.workers(), [worker]);
  other.destroy();
}

/*
 * What each attack sends, a few hundred frames at a time, until it is sent
 * away or all is sent. `error`: the reason it gets. `within`: of how many
 * streams it is told that they were looked at, at most: a hundred, and as
 * many as come in one read of 64 KB. The library below would bear a thousand.
 */
const CALM = 11; /* ENHANCE_YOUR_CALM */
const FLOOD = { ends: true, error: CALM };
const RESETS = { ends: true, error: CALM, within: 600 };

const ATTACKS = {
  "heads that go on for ever": {
    before: () => [headers(1, HEAD, 0)],
    send: () => frame(TYPE.CONTINUATION, 0, 1, block({ x: "y" })),
    ends: true,
  },
  "heads that go on with nothing": {
    before: () => [headers(1, HEAD, 0)],
    send: () => frame(TYPE.CONTINUATION, 0, 1),
    ends: true,
  },
  "streams that are reset at once": {
    send: (i) =>
      Buffer.concat([
        headers(2 * i + 1, UPDATE, END_HEADERS),
        frame(TYPE.RST_STREAM, 0, 2 * i + 1, u32(8)),
      ]),
    ...RESETS,
  },
  "streams that are reset for no error": {
    send: (i) =>
      Buffer.concat([
        headers(2 * i + 1, UPDATE, END_HEADERS),
        frame(TYPE.RST_STREAM, 0, 2 * i + 1, u32(0)),
      ]),
    ...RESETS,
  },
  /* CVE-2025-8671: it is the server that resets. */
  "streams that have to be reset": {
    send: (i) =>
      Buffer.concat([
        headers(2 * i + 1, UPDATE, END_HEADERS),
        frame(TYPE.WINDOW_UPDATE, 0, 2 * i + 1, u32(0x7fffffff)),
      ]),
    ...RESETS,
  },
  "pings": { send: () => frame(TYPE.PING, 0, 0, Buffer.alloc(8)), ...FLOOD },
  "settings": { send: () => frame(TYPE.SETTINGS, 0, 0), ...FLOOD },
  "data that is none": {
    before: () => [headers(1, UPDATE, END_HEADERS)],
    send: () => frame(TYPE.DATA, 0, 1),
    ...FLOOD,
  },
  "data that is padding": {
    before: () => [headers(1, UPDATE, END_HEADERS)],
    send: () => frame(TYPE.DATA, PADDED, 1, Buffer.from([3, 0, 0, 0])),
    ...FLOOD,
  },
  "data of a request that is answered": {
    before: () => [headers(1, POST, END_HEADERS)],
    send: () => frame(TYPE.DATA, 0, 1, Buffer.from("x")),
    ...FLOOD,
  },
  "data of one whose answer is not taken": {
    settings: NO_WINDOW,
    before: () => [headers(1, POST, END_HEADERS)],
    send: () => frame(TYPE.DATA, 0, 1, Buffer.from("x")),
    ...FLOOD,
  },
  "priorities": {
    send: () => frame(TYPE.PRIORITY, 0, 1, Buffer.alloc(5)),
    ...FLOOD,
  },
  "windows that grow by one": {
    send: () => frame(TYPE.WINDOW_UPDATE, 0, 0, u32(1)),
    ...FLOOD,
  },
  "frames of no known type": { send: () => frame(0xee, 0, 0), ...FLOOD },
  "more streams than allowed": {
    send: (i) => headers(2 * i + 1, UPDATE, END_HEADERS),
    ...FLOOD,
  },
};

for (const [what, { settings, before, send, ends, error, within }] of Object.entries(ATTACKS)) {
  test(`HTTP/2: ${what} [35]`, { seconds: 120 }, async (t, scene) => {
    const server = await start(scene);
    const [worker] = server.workers();

    await isUnharmed(scene, server, worker);
    const memory = server.rss(worker);
    const used = cpuSeconds(worker);
    const client = await open(scene, server, settings);
    let sent = 0;

    if (before) await client.send(...before());
    while (!client.ended && sent < 20000) {
      const some = Array.from({ length: 200 }, (_, i) => send(sent + i));

      await client.send(...some);
      await new Promise((done) => setImmediate(done));
      sent += some.length;
    }
    if (ends) await until("its end", () => client.ended);
    if (error !== undefined) {
      const away = client.of(TYPE.GOAWAY)[0].payload;

      assert.equal(away.readUInt32BE(4), error, "why it is sent away");
      assert.ok(away.readUInt32BE(0) / 2 < (within ?? Infinity), `${away.readUInt32BE(0) / 2} streams`);
    }
    const grown = server.rss(worker) - memory;

    t.diagnostic(
      `${client.ended ? "sent away" : "borne"} after ${sent}, ` +
        `${(grown / 1e6).toFixed(1)} MB, ` +
        `${(cpuSeconds(worker) - used).toFixed(2)} s of processor time`,
    );
    assert.ok(grown < 16e6 * SLOW, `${grown} bytes`);
    assert.ok(cpuSeconds(worker) - used < 3 * SLOW);
    await isUnharmed(scene, server, worker);
  });
}

/* The other side: more frames than any client sends that is meant well. */
test("HTTP/2: many frames of who asks and takes", { seconds: 120 }, async (t, scene) => {
  const assets = scene.dir();
  const size = 20e6;

  fs.writeFileSync(path.join(assets, "a.bin"), Buffer.alloc(size, "x"));
  const server = await start(scene, ["--assets-folder", assets]);
  const client = await open(scene, server);
  const update = (stream, by) => frame(TYPE.WINDOW_UPDATE, 0, stream, u32(by));
  const priority = (stream) => frame(TYPE.PRIORITY, 0, stream, Buffer.alloc(5));
  let sent = 0;
  let seen = 0;
  let got = 0;

  /* A download: both windows for each 512 bytes. */
  await client.send(headers(1, { ...HEAD, ":path": "/assets/a.bin" }));
  while (got < size && !client.ended) {
    const updates = [];

    for (; seen < client.frames.length; seen++) {
      const { type, payload } = client.frames[seen];

      if (type !== TYPE.DATA) continue;
      got += payload.length;
      for (let left = payload.length; left > 0; left -= 512)
        updates.push(update(0, Math.min(left, 512)), update(1, Math.min(left, 512)));
    }
    sent += updates.length;
    await client.send(...updates);
    await new Promise((done) => setImmediate(done));
  }
  assert.equal(got, size);
  t.diagnostic(`a download: ${sent} frames`);

  /* Requests, each with priorities, windows and a ping. */
  const count = 3000;

  client.frames.length = 0;
  for (let i = 0; i < count; i += 50) {
    const some = Array.from({ length: 50 }, (_, j) => 2 * (i + j) + 3).flatMap((stream) =>
      [priority(stream), headers(stream, HEAD), priority(stream), update(0, 3),
        frame(TYPE.PING, 0, 0, Buffer.alloc(8))]);

    await client.send(...some);
    await until("answers", () => client.ended || client.of(TYPE.DATA).length >= i + 50);
  }
  /* A body of many small pieces. */
  const bytes = call("echo", "x".repeat(20000));
  const body = bytes.subarray(bytes.indexOf("\r\n\r\n") + 4);

  await client.send(headers(90003, UPDATE, END_HEADERS));
  for (let at = 0; at < body.length; at++)
    await client.send(
      frame(TYPE.DATA, at + 1 === body.length ? END_STREAM : 0, 90003, body.subarray(at, at + 1)),
    );
  await until("the echo", () => client.ended || client.of(TYPE.DATA, 90003).length > 0);
  assert.equal(client.ended, false);
  assert.equal(client.of(TYPE.GOAWAY).length, 0);
});

test("HTTP/2: a small head that unpacks to a huge one [35]", async (t, scene) => {
  const server = await start(scene);
  const [worker] = server.workers();

  await isUnharmed(scene, server, worker);
  const memory = server.rss(worker);
  const client = await open(scene, server);
  const big = block({ x: "y".repeat(4000) }, { kept: true });

  /* 4 KB in the table, then thousands of bytes that each mean all of it. */
  await client.send(
    frame(TYPE.HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([block(HEAD), big])),
  );
  for (let stream = 3; stream < 43; stream += 2)
    await client.send(
      frame(
        TYPE.HEADERS,
        END_HEADERS | END_STREAM,
        stream,
        Buffer.concat([block(HEAD), Buffer.alloc(16000, 0xbe)]),
      ),
    );
  await until("its end or 20 refusals", () =>
    client.ended || client.frames.filter((each) => each.type === TYPE.HEADERS ||
      each.type === TYPE.RST_STREAM).length >= 20);
  const grown = server.rss(worker) - memory;

  t.diagnostic(`20 heads of 64 MB in 16 KB: ${(grown / 1e6).toFixed(1)} MB`);
  assert.ok(grown < 16e6 * SLOW, `${grown} bytes`);
  await isUnharmed(scene, server, worker);
});

test("HTTP/2: nothing but heads is waited for by header_timeout [H5]", async (t, scene) => {
  const server = await start(scene, [
    ...["--header-timeout", "1", "--body-timeout", "60", "--keep-alive", "1"],
  ]);
  const client = await open(scene, server);
  const begin = now();

  await client.send(headers(1, HEAD, 0)); /* and no more */
  await until("its end", () => client.ended);
  t.diagnostic(`sent away after ${((now() - begin) / 1000).toFixed(1)} s`);
  assert.ok(now() - begin < 20000 * SLOW);
});

/* Send `next()` each half second until the server closes: the seconds. */
async function lasts(client, next) {
  const begin = now();

  while (!client.ended && now() - begin < 15000 * SLOW) {
    await next();
    for (let i = 0; i < 5 && !client.ended; i++)
      await new Promise((done) => setTimeout(done, 100));
  }
  return (now() - begin) / 1000;
}

test("HTTP/2: what keeps no connection open [H5]", { seconds: 120 }, async (t, scene) => {
  const server = await start(scene, [
    ...["--header-timeout", "2", "--keep-alive", "1.5"],
  ]);
  const ping = frame(TYPE.PING, 0, 0, Buffer.alloc(8));
  const head = headers(3, { ...HEAD, "x-long": "y".repeat(100) });
  const byByte = (bytes) => {
    let at = 0;

    return (client) => client.send(bytes.subarray(at, ++at));
  };
  const ways = {
    "a ping now and then": () => (client) => client.send(ping),
    "a head byte by byte": () => byByte(head),
    "a ping byte by byte": () => byByte(Buffer.concat(Array(9).fill(ping))),
  };

  await Promise.all(
    Object.entries(ways).map(async ([what, way]) => {
      const client = await open(scene, server);

      await client.send(headers(1, HEAD));
      await until("its answer", () => client.of(TYPE.DATA, 1).length > 0);
      const next = way();
      const seconds = await lasts(client, () => next(client));

      t.diagnostic(`${what}: ${seconds.toFixed(1)} s`);
      assert.ok(seconds < 8 * SLOW, what);
    }),
  );
});

/* A body of 20 KB, `size` bytes at a time: the text of its answer. */
async function trickle(scene, server, size, pause) {
  const client = await open(scene, server);
  const bytes = call("echo", "x".repeat(20000));
  const body = bytes.subarray(bytes.indexOf("\r\n\r\n") + 4);
  const isOver = () =>
    client.ended || client.of(TYPE.HEADERS, 1).length > 0 ||
    client.of(TYPE.RST_STREAM, 1).length > 0;

  await client.send(headers(1, UPDATE, END_HEADERS));
  for (let at = 0; at < body.length && !isOver(); at += size) {
    await client.send(
      frame(
        TYPE.DATA,
        at + size >= body.length ? END_STREAM : 0,
        1,
        body.subarray(at, at + size),
      ),
    );
    await new Promise((done) => setTimeout(done, pause));
  }
  await until("an end", isOver);
  await until("an answer", () => client.ended || client.of(TYPE.DATA, 1).length > 0);
  return client.of(TYPE.DATA, 1).map((each) => each.payload).join("");
}

test("HTTP/2: a body that trickles [H5]", { seconds: 120 }, async (t, scene) => {
  const server = await start(scene, [
    ...["--body-timeout", "1.2", "--min-rate", "1000"],
  ]);

  /* 200 bytes a second, and 5,000, which take longer than the deadline. */
  assert.match(await trickle(scene, server, 10, 50), /Request Timeout/);
  assert.match(await trickle(scene, server, 200, 40), /"echo"/);
});

test("HTTP/2: answers that are taken a little at a time [H5]", { seconds: 120 }, async (t, scene) => {
  const server = await start(scene, [
    ...["--send-timeout", "1", "--min-rate", "1MiB"],
  ]);
  const [worker] = server.workers();
  const bytes = call("big_memoized", "v");
  const body = bytes.subarray(bytes.indexOf("\r\n\r\n") + 4);
  /* No room for any body until it is given. */
  const client = await open(scene, server, NO_WINDOW);
  const streams = Array.from({ length: 50 }, (_, i) => 2 * i + 1);

  for (const stream of streams)
    await client.send(
      headers(stream, UPDATE, END_HEADERS),
      frame(TYPE.DATA, END_STREAM, stream, body),
    );
  await until("all heads", () => client.of(TYPE.HEADERS).length === streams.length);
  const grown = server.rss(worker);
  const timer = setInterval(() => {
    for (const stream of streams)
      client.send(frame(TYPE.WINDOW_UPDATE, 0, stream, u32(10)));
  }, 100);

  scene.later(() => clearInterval(timer));
  t.diagnostic(`50 x 20 MB asked for: ${(grown / 1e6).toFixed(0)} MB in all`);
  await until("all to be reset", () =>
    client.ended || client.of(TYPE.RST_STREAM).length === streams.length, 40);
  clearInterval(timer);
  assert.ok(grown < 200e6 * SLOW, "they share one answer");
  await isUnharmed(scene, server, worker);
});
