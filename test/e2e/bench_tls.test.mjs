/* SPDX-License-Identifier: MIT */

/*
 * The load generator over TLS: sessions on our own server in both versions of
 * HTTP, and what it does when an HTTP/2 server refuses, resets, is silent, or
 * says good-bye.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import http2 from "node:http2";
import https from "node:https";
import path from "node:path";
import { bench } from "../lib/bench.mjs";
import { certificate } from "../lib/certificate.mjs";
import { test, until } from "../lib/harness.mjs";

const { NGHTTP2_INTERNAL_ERROR, NGHTTP2_REFUSED_STREAM } = http2.constants;

/* Our own server; the URL and what its access log holds when asked. */
async function ourServer(scene) {
  const { cert, key } = certificate(scene.dir());
  const log = path.join(scene.dir(), "access.log");
  const server = await scene.start({
    args: ["--certfile", cert, "--keyfile", key, "--access-logfile", log],
    env: { PH_DEMO_DELAY: "0" },
  });

  return {
    url: `https://127.0.0.1:${server.address.port}`,
    lines: () => fs.readFileSync(log, "utf8").trim().split("\n"),
  };
}

for (const [choice, protocol] of [
  ["1.1", "HTTP/1.1"],
  ["auto", "HTTP/2"],
  ["2", "HTTP/2"],
])
  test(`sessions over TLS, --http ${choice}`, async (t, scene) => {
    const { url, lines } = await ourServer(scene);
    const { status, results, err } = await bench(
      ...[url, "--http", choice, "--sessions", 5, "--duration", 1],
      ...["--warmup", 0.2, "--check", "points", "--bundles"],
    );

    assert.equal(status, 0, err);
    assert.deepEqual(results.errors, {});
    assert.ok(results.rounds > 5, `${results.rounds} rounds`);
    assert.ok(results.checks.checked > 20);
    assert.equal(results.checks.wrong, 0);
    assert.equal(results.generator.protocol, protocol);
    /* One connection a browser, the one that warms up among them. */
    if (protocol === "HTTP/2") assert.equal(results.generator.connections, 6);
    else assert.ok(results.generator.connections > 6);
    const callbacks = await until("the access log", () => {
      const found = lines().filter((line) => line.includes("/_dash-update-component"));

      return found.length >= results.callbacks && found;
    });

    for (const line of callbacks) assert.ok(line.includes(` ${protocol}"`), line);
  });

/* A server of node's own; `answer` gets each stream and its number. */
async function tinyServer(scene, answer, options = {}) {
  const { cert, key } = certificate(scene.dir());
  const server = http2.createSecureServer({
    key: fs.readFileSync(key),
    cert: fs.readFileSync(cert),
    ...options,
  });
  const seen = { streams: 0, sessions: [], heads: [] };

  server.on("session", (session) => {
    session.on("error", () => {});
    seen.sessions.push(session);
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    seen.heads.push(headers);
    answer(stream, ++seen.streams);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  scene.later(() => {
    for (const session of seen.sessions) session.destroy();
    server.close();
  });
  return { heads: seen.heads, url: `https://127.0.0.1:${server.address().port}` };
}

function fine(stream) {
  stream.respond({ ":status": 200, "content-type": "text/plain" });
  stream.end("fine");
}

const PLAIN = ["--path", "/x", "--sessions", 4, "--rounds", 25, "--check", "same"];

test("what an HTTP/2 server refuses is sent again", async (t, scene) => {
  const server = await tinyServer(scene, (stream, number) => {
    if (number % 5 === 0) stream.close(NGHTTP2_REFUSED_STREAM);
    else fine(stream);
  });
  const { status, results, err } = await bench(server.url, ...PLAIN);

  assert.equal(status, 0, err);
  assert.equal(results.failures, 0);
  assert.equal(results.requests, 100);
  assert.ok(results.generator.sent_again >= 20);
  assert.equal(results.generator.connections, 4);
  const [head] = server.heads;

  assert.equal(head[":method"], "GET");
  assert.equal(head[":path"], "/x");
  assert.equal(head[":scheme"], "https");
  assert.match(head[":authority"], /^127\.0\.0\.1:\d+$/);
});

test("after a GOAWAY there is a new connection", async (t, scene) => {
  const server = await tinyServer(scene, (stream, number) => {
    fine(stream);
    if (number % 10 === 0) stream.session.close(); /* sends GOAWAY */
  });
  const { status, results, err } = await bench(server.url, ...PLAIN);

  assert.equal(status, 0, err);
  assert.equal(results.failures, 0);
  assert.equal(results.requests, 100);
  assert.ok(results.generator.connections >= 10);
});

test("errors over HTTP/2 by kind", async (t, scene) => {
  const server = await tinyServer(scene, (stream, number) => {
    if (number === 10) stream.close(NGHTTP2_INTERNAL_ERROR);
    else if (number === 20) stream.respond({ ":status": 500 }, { endStream: true });
    else if (number !== 30) fine(stream); /* that one is left waiting */
  });
  const { status, results } = await bench(
    ...[server.url, ...PLAIN, "--timeout", 1],
  );

  assert.equal(status, 4);
  assert.deepEqual(results.errors, { reset: 1, timeout: 1, status_5xx: 1 });
  assert.equal(results.requests, 97);
});

test("a body larger than the window of a stream is sent", async (t, scene) => {
  const body = "x".repeat(300000);
  const got = [];
  const server = await tinyServer(scene, (stream) => {
    let size = 0;

    stream.on("data", (data) => (size += data.length));
    stream.on("end", () => {
      got.push(size);
      fine(stream);
    });
  });
  const { status, results, err } = await bench(
    ...[server.url, "--path", "/x", "--sessions", 2, "--rounds", 3],
    ...["--body", `@${scene.file("body", body)}`],
  );

  assert.equal(status, 0, err);
  assert.equal(results.requests, 6);
  assert.deepEqual(got, Array(6).fill(body.length));
});

test("a server without HTTP/2", async (t, scene) => {
  const { cert, key } = certificate(scene.dir());
  const server = https.createServer(
    { key: fs.readFileSync(key), cert: fs.readFileSync(cert) },
    (request, response) => response.end(request.httpVersion),
  );

  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  scene.later(() => {
    server.closeAllConnections?.();
    server.close();
  });
  const url = `https://127.0.0.1:${server.address().port}`;
  const falls = await bench(url, ...PLAIN);

  assert.equal(falls.status, 0, falls.err);
  assert.equal(falls.results.requests, 100);
  assert.equal(falls.results.generator.protocol, "HTTP/1.1");
  const insists = await bench(url, ...PLAIN, "--http", 2);

  assert.equal(insists.status, 3);
  assert.match(insists.err, /does not speak HTTP\/2/);
  assert.equal((await bench("http://127.0.0.1:1", "--http", 2)).status, 2);
  assert.equal((await bench(url, "--http", 3)).status, 2);
});
