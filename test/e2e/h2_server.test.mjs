/* SPDX-License-Identifier: MIT */

/*
 * HTTP/2 from outside: callbacks side by side on one connection, large bodies
 * both ways, limits, and clients that reset what they ask for.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import http2 from "node:http2";
import path from "node:path";
import { certificate } from "../lib/certificate.mjs";
import { now, SLOW, test, until, within } from "../lib/harness.mjs";
import { descriptors } from "../lib/op_process.mjs";
import { call } from "../lib/zoo.mjs";

const UPDATE = "/_dash-update-component";

async function start(scene, { args = [], ...more } = {}) {
  return scene.start({
    app: "zoo",
    threads: 4,
    ...more,
    args: [...certificate(scene.dir()).args, ...args],
  });
}

async function open(t, server, options = {}) {
  const { host, port } = server.address;
  const session = http2.connect(`https://${host}:${port}`, {
    rejectUnauthorized: false,
    ...options,
  });

  session.on("error", () => {});
  t.after(() => session.destroy());
  await new Promise((done, fail) => {
    session.once("connect", done);
    session.once("error", fail);
  });
  return session;
}

/* One request: { status, headers, body }. */
function ask(session, headers, body) {
  return new Promise((done, fail) => {
    const stream = session.request(headers, { endStream: body === undefined });
    const chunks = [];
    let answer;

    stream.on("response", (fields) => (answer = fields));
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.on("error", fail);
    /* Node does not close a stream whose body was not wanted to its end. */
    stream.on("end", () => {
      if (answer)
        done({ status: answer[":status"], headers: answer, body: Buffer.concat(chunks) });
    });
    stream.on("close", () => fail(new Error("no answer")));
    if (body !== undefined) stream.end(body);
  });
}

/* A callback of the zoo over HTTP/2. */
function update(session, name, value, fields = {}) {
  const bytes = call(name, value);
  const body = bytes.subarray(bytes.indexOf("\r\n\r\n") + 4);

  return ask(
    session,
    { ":method": "POST", ":path": UPDATE, "content-type": "application/json", ...fields },
    body,
  );
}

const outOf = (answer, name) =>
  JSON.parse(answer.body.toString()).response[name].out;

test("pages and callbacks", async (t, scene) => {
  const server = await start(scene);
  const session = await open(t, server);
  const page = await ask(session, { ":path": "/" });

  assert.equal(page.status, 200);
  assert.match(page.body.toString(), /_dash-config/);
  assert.equal(page.headers["connection"], undefined);
  assert.match(page.headers["content-security-policy"], /script-src/);
  const head = await ask(session, { ":method": "HEAD", ":path": "/" });

  assert.equal(head.body.length, 0);
  assert.equal(Number(head.headers["content-length"]), page.body.length);
  const not = await ask(session, {
    ":path": "/",
    "if-none-match": page.headers.etag,
  });

  assert.equal(not.status, 304);
  for (const value of [1, "x".repeat(3e6)])
    assert.deepEqual(outOf(await update(session, "echo", value), "echo"), value);
  /* Side by side: none waits for another. */
  const begin = now();
  const naps = Array.from({ length: 4 }, () => update(session, "naps", 0.5));
  const quick = outOf(await ask(session, { ":path": "/_ph/health" }).then(() => update(session, "big_memoized", "v")), "big_memoized");

  assert.ok(quick.length > 1e6);
  for (const nap of await Promise.all(naps)) assert.equal(nap.status, 200);
  within(t, "four naps of half a second", now() - begin, 3000);
  const many = await Promise.all(
    Array.from({ length: 300 }, (_, i) => update(session, "echo", i)),
  );

  many.forEach((answer, i) => assert.equal(outOf(answer, "echo"), i));
});

test("the same rules as for HTTP/1.1", async (t, scene) => {
  const server = await start(scene, {
    args: ["--allowed-host", "127.0.0.1", "--limit-request-body", "10000"],
  });
  const session = await open(t, server);
  const status = async (...args) => (await ask(session, ...args)).status;

  assert.equal(await status({ ":path": "/nowhere.x", ":method": "PUT" }), 405);
  assert.equal(await status({ ":path": "/", ":authority": "evil" }), 421);
  assert.equal(await status({ ":path": "/assets/../x" }), 400);
  assert.equal(await status({ ":path": "/_dash-x" }), 404);
  assert.equal(await status({ ":path": `/${"x".repeat(5000)}` }), 414);
  assert.equal(await status({ ":path": "/", "x-big": "y".repeat(9000) }), 431);
  assert.equal((await update(session, "echo", 1, { origin: "null" })).status, 403);
  assert.equal((await update(session, "echo", 1, { "content-type": "text/plain" })).status, 415);
  assert.equal((await update(session, "echo", "x".repeat(20000))).status, 413);
  assert.equal(outOf(await update(session, "echo", "on"), "echo"), "on");
});

test("a large body goes to a file", async (t, scene) => {
  const server = await start(scene);
  const session = await open(t, server);
  const text = "0123456789".repeat(300000);
  const answers = await Promise.all(
    [1, 2, 3].map(() => update(session, "echo", text)),
  );

  for (const answer of answers) assert.equal(outOf(answer, "echo"), text);
  const tooMuch = await update(session, "echo", text.repeat(3)).catch(
    (error) => error,
  );

  assert.equal(tooMuch.status, 413);
});

test("a head that never ends [35]", async (t, scene) => {
  const server = await start(scene);
  const session = await open(t, server, { maxSendHeaderBlockLength: 1 << 20 });
  const fields = { ":path": "/" };

  for (let i = 0; i < 60; i++) fields[`x-${i}`] = "z".repeat(2000);
  const answer = await ask(session, fields).catch(() => ({ status: "closed" }));

  assert.ok([431, "closed"].includes(answer.status));
  const other = await open(t, server);

  assert.equal((await ask(other, { ":path": "/_ph/health" })).status, 200);
});

test("a connection that rests too long is told that it ends", async (t, scene) => {
  const server = await start(scene, { args: ["--keep-alive", "1"] });
  const session = await open(t, server);
  const events = [];
  const closed = new Promise((done) => session.once("close", done));

  session.on("goaway", (code, last) => events.push([code, last]));
  assert.equal((await ask(session, { ":path": "/_ph/health" })).status, 200);
  await closed;
  assert.deepEqual(events, [[http2.constants.NGHTTP2_NO_ERROR, 1]]);
});

test("rapid reset [35]", async (t, scene) => {
  const server = await start(scene);
  const session = await open(t, server);
  let opened = 0;
  const gone = new Promise((done) => session.once("close", done));

  session.on("goaway", () => session.destroy());
  while (!session.destroyed && opened < 5000) {
    for (let i = 0; i < 50 && !session.destroyed; i++, opened++) {
      const stream = session.request(
        { ":method": "POST", ":path": UPDATE, "content-type": "application/json" },
        { endStream: false },
      );

      stream.on("error", () => {});
      stream.close(http2.constants.NGHTTP2_CANCEL);
    }
    await new Promise((done) => setTimeout(done, 5));
  }
  await gone;
  t.diagnostic(`ended after ${opened} streams`);
  assert.ok(opened < 5000);
  const other = await open(t, server);

  assert.equal((await ask(other, { ":path": "/_ph/health" })).status, 200);
});

test("request_timeout, and a late result", async (t, scene) => {
  const server = await start(scene, { args: ["--request-timeout", "1"] });
  const session = await open(t, server);
  const begin = now();
  const naps = [update(session, "naps", 4), update(session, "naps", 4)];

  assert.deepEqual((await Promise.all(naps)).map((nap) => nap.status), [504, 504]);
  within(t, "a nap of 4 s", now() - begin, 3500);
  /* What they give after all is nobody's: the next ones get their own. */
  const [worker] = server.workers();

  while (now() - begin < 4500 * SLOW)
    assert.equal(outOf(await update(session, "echo", "own"), "echo"), "own");
  assert.deepEqual(server.workers(), [worker]);
});

test("a body that is announced too large, and hosts that differ", async (t, scene) => {
  const server = await start(scene, { args: ["--limit-request-body", "10000"] });
  const session = await open(t, server);
  const stream = session.request(
    {
      ":method": "POST", ":path": UPDATE, "content-type": "application/json",
      "content-length": "20000",
    },
    { endStream: false },
  );

  stream.on("error", () => {});
  const status = await new Promise((done) =>
    stream.once("response", (fields) => done(fields[":status"])));

  assert.equal(status, 413, "before any of it has come");
  stream.destroy();
  const host = async (name) =>
    (await ask(session, { ":path": "/_ph/health", ":authority": "a.example", host: name })).status;

  assert.equal(await host("A.example"), 200);
  assert.equal(await host("b.example"), 400);
});

/* An upload: { stream, seen }, and what comes is in `seen`. */
function upload(session, headers) {
  const stream = session.request({ ":method": "POST", ...headers }, { endStream: false });
  const seen = {};

  stream.on("error", (error) => (seen.error = error));
  stream.on("continue", () => (seen.go = true));
  stream.on("response", (fields) => (seen.status = fields[":status"]));
  stream.on("close", () => (seen.closed = stream.rstCode));
  stream.resume();
  return { stream, seen };
}

test("what is left of a body that is refused need not be sent", async (t, scene) => {
  const server = await start(scene, { args: ["--send-timeout", "600"] });
  const session = await open(t, server);
  const { stream, seen } = upload(session, { ":path": "/_dash-layout" });

  stream.write("x".repeat(1000));
  await until("the end of the stream", () => seen.closed !== undefined);
  assert.equal(seen.status, 405);
  assert.equal(seen.closed, http2.constants.NGHTTP2_NO_ERROR);
  assert.equal(seen.error, undefined);
  assert.equal(outOf(await update(session, "echo", "on"), "echo"), "on");
});

test("100-continue, when the body is wanted", async (t, scene) => {
  const server = await start(scene);
  const session = await open(t, server);
  const expect = { "content-type": "application/json", expect: "100-continue" };
  const wanted = upload(session, { ":path": UPDATE, ...expect });
  const not = upload(session, { ":path": "/_dash-layout", ...expect });
  const bytes = call("echo", "waited");

  await until("a word", () => wanted.seen.go);
  assert.equal(wanted.seen.status, undefined);
  wanted.stream.end(bytes.subarray(bytes.indexOf("\r\n\r\n") + 4));
  await until("both answers", () => wanted.seen.status && not.seen.status);
  assert.equal(wanted.seen.status, 200);
  assert.equal(not.seen.status, 405);
  assert.equal(not.seen.go, undefined);
});

/* Before anything is known of a request but its method. */
test("a head that is refused counts, and HEAD gets no body", async (t, scene) => {
  const file = path.join(scene.dir(), "access.log");
  const server = await start(scene, { args: ["--access-logfile", file] });
  const session = await open(t, server);

  for (const method of ["HEAD", "GET"]) {
    const answer = await ask(session, {
      ":method": method, ":path": "/", "x-big": "y".repeat(9000),
    });

    assert.equal(answer.status, 431);
    assert.equal(answer.body.length > 0, method === "GET");
  }
  server.kill("SIGTERM");
  assert.equal((await server.exited).status, 0);
  assert.equal(fs.readFileSync(file, "utf8").match(/" 431 /g)?.length, 2);
});

/* To a second: it is used until it has been so for longer than another. */
test("who was used last does not make room", async (t, scene) => {
  const server = await start(scene, {
    args: ["--worker-connections", "2", "--keep-alive", "60"],
  });
  const [used, idle] = [await open(t, server), await open(t, server)];
  const health = (session) => ask(session, { ":path": "/_ph/health" });
  const begin = now();

  await health(used);
  await health(idle);
  while (now() - begin < 2500) await health(used);
  assert.equal((await health(await open(t, server))).status, 200);
  await until("room", () => idle.closed);
  assert.equal((await health(used)).status, 200);
});

test("a client that goes away amid its callbacks", async (t, scene) => {
  const server = await start(scene);

  for (let i = 0; i < 10; i++) {
    const session = await open(t, server);

    for (let j = 0; j < 20; j++)
      update(session, j % 2 ? "naps" : "big_memoized", j % 2 ? 0.1 : "v").catch(() => {});
    await ask(session, { ":path": "/_ph/health" }); /* they are there */
    session.destroy();
  }
  const session = await open(t, server);

  assert.equal(outOf(await update(session, "echo", 5), "echo"), 5);
});

test("a stop answers what is open", async (t, scene) => {
  const server = await start(scene);
  const session = await open(t, server);
  const nap = update(session, "naps", 0.5);

  await ask(session, { ":path": "/_ph/health" }); /* it is there */
  server.kill("SIGTERM");
  assert.equal((await nap).status, 200);
  assert.equal((await server.exited).status, 0);
});

test("HTTP/2: more bodies at the same time than memory may take", { seconds: 60 }, async (t, scene) => {
  const server = await start(scene, { args: ["--limit-request-body", "2MiB"] });
  const [worker] = server.workers();
  const session = await open(t, server);

  /* Each thread opens the cache for itself, which may be after the start. */
  await Promise.all(Array.from({ length: 4 }, () => update(session, "naps", 0.2)));
  const fds = descriptors(worker);
  const bytes = call("echo", "x".repeat(800e3));
  const body = bytes.subarray(bytes.indexOf("\r\n\r\n") + 4);
  const headers = { ":method": "POST", ":path": UPDATE, "content-type": "application/json" };
  const streams = Array.from({ length: 12 }, () => session.request(headers));
  const answers = streams.map(
    (stream) =>
      new Promise((done, fail) => {
        let status;
        let size = 0;

        stream.on("response", (fields) => (status = fields[":status"]));
        stream.on("data", (chunk) => (size += chunk.length));
        stream.on("error", fail);
        stream.on("close", () => done({ status, size }));
      }),
  );

  /* All but the last byte of each, so that none is done before the others. */
  await Promise.all(
    streams.map((stream) => new Promise((done) => stream.write(body.subarray(0, -1), done))),
  );
  for (const stream of streams) stream.end(body.subarray(-1));
  for (const { status, size } of await Promise.all(answers)) {
    assert.equal(status, 200);
    assert.ok(size > 800e3, `${size}`);
  }
  await until("the files to be gone", () => descriptors(worker) <= fds);
});
