/* SPDX-License-Identifier: MIT */

/* Request bodies that come compressed. */
import assert from "node:assert/strict";
import zlib from "node:zlib";
import { SLOW, test, until } from "../lib/harness.mjs";
import { isRead } from "../lib/sockets.mjs";
import { request } from "../lib/wire.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

function bodyOf(bytes) {
  return bytes.subarray(bytes.indexOf("\r\n\r\n") + 4);
}

function packed(body, coding = "gzip") {
  return request("POST", "/_dash-update-component", {
    fields: { "Content-Type": "application/json", "Content-Encoding": coding },
    body,
  });
}

test("gzip bodies [H9]", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    threads: 2,
    args: ["--limit-request-body", "2000000"],
  });
  const [worker] = server.workers();
  const wire = await scene.connect(server);
  const ask = async (bytes) => {
    wire.write(bytes);
    return wire.answer();
  };

  for (const value of [1, "x".repeat(100), "y".repeat(500000)]) {
    const body = zlib.gzipSync(bodyOf(call("echo", value)));

    assert.deepEqual(result(await ask(packed(body)), "echo"), value);
    assert.deepEqual(result(await ask(packed(body, "GZIP")), "echo"), value);
  }
  /* Of several members (RFC 1952 2.2), as tools that pack side by side make. */
  const whole = bodyOf(call("echo", "in parts"));
  const parts = [0, 1, 10, whole.length].map((at, i, all) =>
    zlib.gzipSync(whole.subarray(i > 0 ? all[i - 1] : 0, at)));

  assert.equal(result(await ask(packed(Buffer.concat(parts))), "echo"), "in parts");
  assert.equal(result(await ask(packed(whole, "Identity")), "echo"), "in parts");
  const good = zlib.gzipSync(bodyOf(call("echo", 1)));
  const wrong = Buffer.from(good);

  wrong[wrong.length - 8] ^= 1;
  for (const [what, body] of Object.entries({
    "cut short": good.subarray(0, -1),
    "half of it": good.subarray(0, good.length / 2),
    "bytes behind it": Buffer.concat([good, Buffer.from("x")]),
    "one text and one more": Buffer.concat([good, good]),
    "half a second member": Buffer.concat([good, good.subarray(0, 12)]),
    "a wrong checksum": wrong,
    "zlib": zlib.deflateSync(bodyOf(call("echo", 1))),
    "plain text": bodyOf(call("echo", 1)),
    "packed twice": zlib.gzipSync(good),
    "nothing": Buffer.alloc(0),
  }))
    assert.equal((await ask(packed(body))).status, 400, what);
  for (const coding of ["br", "deflate", "gzip, gzip", "", "x"])
    assert.equal((await scene.send(server, packed(good, coding))).status, 415, coding);

  /* 100 MB of zeros in 100 KB, and the same packed again. */
  const bomb = zlib.gzipSync(Buffer.alloc(100e6), { level: 9 });
  const before = server.rss(worker);

  for (let i = 0; i < 5; i++)
    assert.equal((await ask(packed(bomb))).status, 413);
  assert.equal((await ask(packed(zlib.gzipSync(bomb)))).status, 400);
  const many = Buffer.concat(Array(100).fill(zlib.gzipSync(Buffer.alloc(1e6))));

  assert.equal((await ask(packed(many))).status, 413, "a bomb in pieces");
  assert.ok(server.rss(worker) - before < 16e6 * SLOW, "no memory for bombs");
  assert.equal(result(await ask(call("echo", "on")), "echo"), "on");
});

test("large gzip bodies are inflated beside the loop", async (t, scene) => {
  const server = await scene.start({ app: "zoo", threads: 1 });
  const wrong = zlib.gzipSync(bodyOf(call("echo", "y".repeat(500000))));
  const order = [];
  const note = (what) => (answer) => {
    order.push(`${what} ${answer.status}`);
  };

  wrong[wrong.length - 8] ^= 1; /* seen at its end only */
  const nap = scene.send(server, call("naps", 3)).then(note("nap"));

  await until("the nap", () => runs(server, "naps") > 0);
  const wire = await scene.connect(server);

  await wire.write(packed(wrong));
  await until("the body to be read", () => isRead(server, wire.localPort));
  const body = wire.answer().then(note("body"));

  await scene.send(server, request("GET", "/_ph/health")).then(note("health"));
  await Promise.all([nap, body]);
  assert.deepEqual(order, ["health 200", "nap 200", "body 400"]);
});

/* It may have sent one all the same, which must not become the next request. */
test("a POST that says no length: 411, and the end", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const wire = await scene.connect(server);

  wire.write(
    "POST /_dash-update-component HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\r\n" +
      "GET /_ph/health HTTP/1.1\r\nHost: a\r\n\r\n",
  );
  const answer = await wire.answer();

  assert.equal(answer.status, 411);
  assert.equal(answer.field("connection"), "close");
  assert.equal((await wire.rest()).length, 0);
});
