/* SPDX-License-Identifier: MIT */

/*
 * The life of a connection: keep-alive, pipelining, limits, deadlines, and
 * clients that are slow, impatient or rude.
 */
import assert from "node:assert/strict";
import { bestOf, now, SLOW, test, until, within } from "../lib/harness.mjs";
import { connectionCount } from "../lib/sockets.mjs";
import { get, post, request } from "../lib/wire.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

const HEALTH = get("/_ph/health");

/* Reading the rest, `count` answers with this status, then the end. */
async function isRefused(wire, status) {
  const answers = await wire.answers();

  assert.deepEqual(
    answers.map((answer) => answer.status),
    [status],
  );
  assert.equal(answers[0].field("connection"), "close");
  return answers[0];
}

/* The longest of a few answers to somebody else, in milliseconds. */
async function canary(scene, server) {
  const wire = await scene.connect(server);
  let slowest = 0;

  for (let i = 0; i < 20; i++) {
    const start = now();

    wire.write(call("echo", i));
    assert.equal(result(await wire.answer(), "echo"), i);
    slowest = Math.max(slowest, now() - start);
  }
  wire.destroy();
  return slowest;
}

test("keep-alive and close", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const wire = await scene.connect(server);

  for (let i = 0; i < 100; i++) {
    wire.write(i % 2 ? HEALTH : call("echo", i));
    assert.equal((await wire.answer()).status, 200);
  }
  wire.write(get("/", { fields: { Connection: "close" } }));
  const last = await isRefused(wire, 200);

  assert.match(last.text, /_dash-config/);

  /* HTTP/1.0: one answer and the end, unless the client asks for more. */
  const old = await scene.connect(server);

  old.write("GET /_ph/health HTTP/1.0\r\n\r\n");
  assert.equal((await isRefused(old, 200)).text, "ok\n");
});

test("a client of HTTP/1.0 that keeps its connection", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const wire = await scene.connect(server);
  const bytes = "GET /_ph/health HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";

  /* It has to be told, or it waits for the end of the connection. */
  for (let i = 0; i < 3; i++) {
    wire.write(bytes);
    const answer = await wire.answer();

    assert.equal(answer.text, "ok\n");
    assert.match(answer.field("connection") ?? "none", /^keep-alive$/i);
  }
});

test("idle connections are closed after keepalive", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: ["--keep-alive", "0.4"],
  });
  const wire = await scene.connect(server);

  wire.write(HEALTH);
  await wire.answer();
  const start = now();

  assert.equal((await wire.rest()).length, 0);
  within(t, "idle until closed", now() - start, 1500);
  assert.ok(now() - start > 300, "not before its time");

  const other = await scene.start({ app: "zoo", args: ["--keep-alive", "0"] });
  const single = await scene.connect(other);

  single.write(HEALTH);
  await isRefused(single, 200);
});

test("pipelining keeps the order", async (t, scene) => {
  const server = await scene.start({ app: "zoo", workers: 1, threads: 4 });
  const wire = await scene.connect(server);
  const bytes = [];

  /* Slow and quick ones mixed, in one packet. */
  for (let i = 0; i < 10; i++)
    bytes.push(i % 3 === 0 ? call("naps", 0.05) : call("echo", i));
  const start = now();

  wire.write(Buffer.concat(bytes));
  for (let i = 0; i < 10; i++) {
    const answer = await wire.answer();

    if (i % 3 === 0) assert.equal(result(answer, "naps"), "rested");
    else assert.equal(result(answer, "echo"), i);
  }
  t.diagnostic(`10 requests in a packet: ${(now() - start).toFixed(1)} ms`);

  /* Many more than fit one turn, pages of different sizes between them. */
  const targets = ["/_ph/health", "/", "/_dash-layout", "/nowhere.js", "/_dash-x"];
  const many = Array.from({ length: 1000 }, (_, i) => get(targets[i % 5]));
  const expected = [];

  for (const target of targets) {
    wire.write(get(target));
    expected.push(await wire.answer());
  }
  wire.write(Buffer.concat(many));
  for (let i = 0; i < many.length; i++) {
    const answer = await wire.answer();

    assert.equal(answer.status, expected[i % 5].status);
    assert.ok(answer.body.equals(expected[i % 5].body), `answer ${i}`);
  }
  t.diagnostic("1000 requests in a packet: 1000 answers in order");

  /* What follows Connection: close is not looked at. */
  wire.write(
    Buffer.concat([
      get("/_ph/health", { fields: { Connection: "close" } }),
      call("echo", "never"),
    ]),
  );
  await isRefused(wire, 200);
});

test("Expect: 100-continue [H7]", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const wire = await scene.connect(server);
  const bytes = call("echo", "patient", {
    fields: { Expect: "100-continue" },
  });
  const body = bytes.indexOf("\r\n\r\n") + 4;

  await wire.write(bytes.subarray(0, body));
  const interim = await wire.answer({ interim: true });

  assert.equal(interim.status, 100);
  assert.equal(interim.fields.size, 0);
  await wire.write(bytes.subarray(body));
  assert.equal(result(await wire.answer(), "echo"), "patient");

  /* With the body at once there is nothing to wait for. */
  await wire.write(bytes);
  assert.equal((await wire.answer({ interim: true })).status, 200);

  /* Too large: refused instead of asked for. */
  const large = await scene.connect(server);

  large.write(
    "POST /_dash-update-component HTTP/1.1\r\nHost: a\r\n" +
      "Content-Type: application/json\r\n" +
      "Expect: 100-continue\r\nContent-Length: 8388609\r\n\r\n",
  );
  assert.equal((await large.answer({ interim: true })).status, 413);
  assert.equal((await large.rest()).length, 0);
});

test("byte by byte", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const wire = await scene.connect(server);
  const texts = [get("/_dash-layout"), call("echo", "slowly"), HEALTH];

  for (const bytes of texts)
    await wire.writePieces([...bytes].map((byte) => Buffer.from([byte])));
  assert.equal((await wire.answer()).json().props.id, "in");
  assert.equal(result(await wire.answer(), "echo"), "slowly");
  assert.equal((await wire.answer()).text, "ok\n");
});

test("HEAD is GET without the body", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const wire = await scene.connect(server);
  const script = /src="([^"]+renderer[^"]+)"/.exec(
    (await scene.send(server, get("/"))).text,
  )[1];
  const targets = ["/", "/_dash-layout", "/_dash-dependencies", script];

  for (const target of [...targets, "/_favicon.ico", "/_dash-none"]) {
    for (const coding of ["identity", "gzip"]) {
      const fields = { "Accept-Encoding": coding };

      wire.write(get(target, { fields }));
      const full = await wire.answer();

      wire.write(request("HEAD", target, { fields }));
      const head = await wire.answer({ head: true });

      full.fields.delete("date");
      head.fields.delete("date");
      assert.equal(head.status, full.status, target);
      assert.deepEqual(head.fields, full.fields, target);
    }
  }
  wire.write(HEALTH);
  assert.equal((await wire.answer()).text, "ok\n");
});

test("limits of a head [30] [H7]", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const line = (length) => `/${"x".repeat(length - "GET / HTTP/1.1".length)}`;
  const fields = (count) =>
    Object.fromEntries(
      Array.from({ length: count - 1 }, (_, i) => [`X-${i}`, "y"]),
    );
  const field = (length) => ({ "X-Long": "x".repeat(length - 8) });
  const many = (size) =>
    Object.fromEntries(
      Array.from({ length: Math.ceil(size / 8000) }, (_, i) => [
        `X-${i}`,
        "x".repeat(7990),
      ]),
    );
  const table = [
    ["a line of 4094 bytes", get(line(4094)), 200],
    ["a line of 4095 bytes", get(line(4095)), 414],
    ["a line of 100 kB", get(line(100000)), 414],
    ["a line without end", `GET /${"x".repeat(200000)}`, 414],
    ["100 fields", get("/", { fields: fields(100) }), 200],
    ["101 fields", get("/", { fields: fields(101) }), 431],
    ["a field of 8190 bytes", get("/", { fields: field(8190) }), 200],
    ["a field of 8191 bytes", get("/", { fields: field(8191) }), 431],
    ["a field of a megabyte", get("/", { fields: field(1e6) }), 431],
    ["a head of 56 kB", get("/", { fields: many(56000) }), 200],
    ["a head of 72 kB", get("/", { fields: many(72000) }), 431],
    [
      "a field without end",
      Buffer.concat([
        Buffer.from("GET / HTTP/1.1\r\nHost: a\r\nX: "),
        Buffer.alloc(200000, "y"),
      ]),
      431,
    ],
  ];

  for (const [what, bytes, status] of table) {
    const wire = await scene.connect(server);

    wire.write(bytes);
    if (status === 200) assert.equal((await wire.answer()).status, 200, what);
    else await isRefused(wire, status);
    wire.destroy();
  }
  t.diagnostic(`${table.length} heads at and over the limits`);
});

test("limits of a body [31] [H7]", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: ["--limit-request-body", "10000"],
  });
  const exact = post("x".repeat(10000));

  assert.equal((await scene.send(server, exact)).status, 400, "not JSON");
  const wire = await scene.connect(server);

  wire.write(post("x".repeat(10001)));
  await isRefused(wire, 413);

  /* Chunks without end: refused as soon as the limit is passed. */
  const endless = await scene.connect(server);
  const chunk = Buffer.from(`3e8\r\n${"x".repeat(1000)}\r\n`);
  let sent = 0;

  endless.write(
    "POST /_dash-update-component HTTP/1.1\r\nHost: a\r\n" +
      "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
  );
  while (endless.size === 0 && !endless.ended && sent < 1e8) {
    await endless.write(chunk);
    await new Promise((done) => setImmediate(done));
    sent += 1000;
  }
  assert.equal((await endless.answer()).status, 413);
  t.diagnostic(`endless chunks refused after ${sent} bytes`);
});

test("a million chunks of one byte [H7]", async (t, scene) => {
  const server = await scene.start({ app: "zoo", threads: 2 });
  const wire = await scene.connect(server);
  const bytes = call("echo", "x".repeat(1e6));
  const body = bytes.indexOf("\r\n\r\n") + 4;
  const chunks = Array.from(
    bytes.subarray(body),
    (byte) => `1\r\n${String.fromCharCode(byte)}\r\n`,
  );
  const start = now();

  wire.write(
    "POST /_dash-update-component HTTP/1.1\r\nHost: a\r\n" +
      "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
  );
  wire.write(Buffer.from(`${chunks.join("")}0\r\n\r\n`));
  assert.equal(result(await wire.answer(), "echo").length, 1e6);
  within(t, "6 MB in chunks of one byte", now() - start, 2000);
});

test("requests that never come to their end [37] [H5]", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    threads: 2,
    args: ["--header-timeout", "0.6", "--body-timeout", "0.9"],
  });
  const update = call("echo", "x".repeat(5000));
  const head = update.indexOf("\r\n\r\n") + 4;
  const halves = {
    "nothing": ["", 600, 0],
    "half a line": ["GET / HT", 600, 408],
    "half a head": ["GET / HTTP/1.1\r\nHost: a\r\n", 600, 408],
    "half a body": [update.subarray(0, head + 2000), 900, 408],
    "half a chunk": [
      "POST /_dash-update-component HTTP/1.1\r\nHost: a\r\n" +
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n100\r\nabc",
      900,
      408,
    ],
  };

  for (const [what, [bytes, ms, status]] of Object.entries(halves)) {
    const wire = await scene.connect(server);
    const start = now();

    if (bytes.length > 0) wire.write(bytes);
    const statuses = (await wire.answers()).map((answer) => answer.status);
    const took = now() - start;

    assert.deepEqual(statuses, status ? [status] : [], what);
    assert.ok(took > ms * 0.8, `${what} had its time, ${took} ms`);
    within(t, `${what} until refused`, took, ms + 500);
  }

  /* A byte now and then must not push the deadline away. */
  const wire = await scene.connect(server);
  const start = now();
  let trickle = 0;

  wire.write("GET / HTTP/1.1\r\nHost: a\r\nX: ");
  while (!wire.ended && now() - start < 5000 * SLOW) {
    await wire.write("y");
    await new Promise((done) => setTimeout(done, 50));
    trickle++;
  }
  within(t, `a byte each 50 ms (${trickle})`, now() - start, 1400);
  await isRefused(wire, 408);
});

test("a request that begins while another waits", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    threads: 2,
    args: ["--header-timeout", "0.5"],
  });
  const wire = await scene.connect(server);

  /* Its own time begins when it is its turn. */
  wire.write(Buffer.concat([call("naps", 1), HEALTH.subarray(0, 10)]));
  assert.equal(result(await wire.answer(), "naps"), "rested");
  await wire.write(HEALTH.subarray(10, 20));
  await canary(scene, server); /* the loop has been round: it is read */
  await wire.write(HEALTH.subarray(20));
  assert.equal((await wire.answer()).text, "ok\n");
});

test("slow clients block nobody [37] [H5]", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    threads: 2,
    args: ["--send-timeout", "20"],
  });
  const [worker] = server.workers();
  const page = (await scene.send(server, get("/"))).text;
  const script = /src="([^"]+renderer[^"]+)"/.exec(page)[1];
  const quiet = await canary(scene, server);
  const slow = await Promise.all(
    Array.from({ length: 200 }, () => scene.connect(server, { reading: false })),
  );
  const before = server.rss(worker);

  slow.forEach((wire, i) => {
    if (i % 4 === 0) wire.write("GET / HTTP/1.1\r\nHost:");
    if (i % 4 === 1) wire.write(call("echo", "x".repeat(1000)).subarray(0, 600));
    if (i % 4 === 2) wire.write(get(script));
    if (i % 4 === 3) wire.write(call("echo", "x".repeat(100000)));
  });
  await until("all to be accepted", () => connectionCount(server) >= 200);
  t.diagnostic(`slowest of 20 callbacks: ${quiet.toFixed(1)} ms without them`);
  await bestOf(t, "slowest of 20 callbacks beside 200 slow clients", 50, () =>
    canary(scene, server),
  );
  const grown = server.rss(worker) - before;

  t.diagnostic(`the worker grew by ${(grown / 1e6).toFixed(1)} MB`);
  /* They read after all, and nothing is missing. */
  for (const [i, wire] of slow.entries()) {
    if (i % 4 < 2) continue;
    wire.read();
    const answer = await wire.answer();

    if (i % 4 === 2) assert.ok(answer.body.length > 100000);
    else assert.equal(result(answer, "echo").length, 100000);
  }
});

test("a client that never reads is dropped [37] [H5]", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    threads: 2,
    args: ["--send-timeout", "1", "--header-timeout", "1"],
  });

  await scene.send(server, call("big", "v"));
  await until("nobody", () => connectionCount(server) === 0);
  const wires = await Promise.all(
    Array.from({ length: 4 }, () => scene.connect(server, { reading: false })),
  );

  wires[0].write(call("big", "v"));
  wires[1].write(call("big_memoized", "v"));
  /* With the start of another request behind it, or with many. */
  wires[2].write(Buffer.concat([call("big", "v"), Buffer.from("GET / HT")]));
  wires[3].write(
    Buffer.concat([call("big_memoized", "v"), ...Array(50).fill(HEALTH)]),
  );
  await until("four connections", () => connectionCount(server) === 4);
  const start = now();

  await until("none of them to be left", () => connectionCount(server) === 0);
  within(t, "until all are dropped", now() - start, 5000);
});

test("pipelined large answers take bounded memory", async (t, scene) => {
  const server = await scene.start({ app: "zoo", threads: 2 });
  const [worker] = server.workers();

  assert.equal((await scene.send(server, call("big_memoized", "v"))).status, 200);
  const before = server.rss(worker);
  const wire = await scene.connect(server, { reading: false });
  const count = 40;

  await wire.write(
    Buffer.concat(Array(count).fill(call("big_memoized", "v"))),
  );
  /* A canary behind it on the same loop: the packet has been handled. */
  await canary(scene, server);
  await canary(scene, server);
  const grown = server.rss(worker) - before;

  t.diagnostic(`${count} x 20 MB asked for: ${(grown / 1e6).toFixed(0)} MB`);
  assert.ok(grown < 150e6, "no more than a few answers at once");
  wire.read();
  for (let i = 0; i < count; i++)
    assert.ok((await wire.answer()).body.length > 20e6);
});

test("a client that has said all it wants", async (t, scene) => {
  const server = await scene.start({ app: "zoo", threads: 2 });
  const page = (await scene.send(server, get("/"))).text;
  const script = /src="([^"]+renderer[^"]+)"/.exec(page)[1];

  /*
   * printf ... | nc: the request, then no more bytes. For a request that has
   * to wait this is the same as a client that went away.
   */
  for (const target of ["/_ph/health", "/", script]) {
    const wire = await scene.connect(server);

    wire.write(get(target));
    wire.finish();
    assert.equal((await wire.answer()).status, 200);
    assert.equal((await wire.rest()).length, 0);
  }
});

test("hundreds of connections at once", async (t, scene) => {
  const server = await scene.start({ app: "zoo", workers: 2, threads: 2 });
  const wires = await Promise.all(
    Array.from({ length: 500 }, () => scene.connect(server)),
  );

  for (let round = 0; round < 3; round++) {
    await Promise.all(
      wires.map(async (wire, i) => {
        wire.write(call("echo", [round, i]));
        assert.deepEqual(result(await wire.answer(), "echo"), [round, i]);
      }),
    );
  }
  t.diagnostic("1500 callbacks on 500 connections right");
  assert.equal(runs(server, ""), 0);
});
