/* SPDX-License-Identifier: MIT */

/*
 * Large request bodies: they go to a file without a name as they come, are
 * seen whole, and leave nothing behind.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test, until } from "../lib/harness.mjs";
import { spools } from "../lib/op_process.mjs";
import { get } from "../lib/wire.mjs";
import { call, result } from "../lib/zoo.mjs";

const TEXT = Array.from({ length: 500000 }, (_, i) => `${i % 97}+`).join("");
const ARGS = ["--limit-request-body", "64MiB", "--keep-alive", "60"];

/* The same request with a chunked body. */
function chunked(bytes, size) {
  const at = bytes.indexOf("\r\n\r\n") + 4;
  const head = bytes
    .subarray(0, at)
    .toString("latin1")
    .replace(/Content-Length: \d+/, "Transfer-Encoding: chunked");
  const pieces = [Buffer.from(head, "latin1")];

  for (let from = at; from < bytes.length; from += size) {
    const data = bytes.subarray(from, from + size);

    pieces.push(Buffer.from(`${data.length.toString(16)}\r\n`), data);
    pieces.push(Buffer.from("\r\n"));
  }
  pieces.push(Buffer.from("0\r\n\r\n"));
  return Buffer.concat(pieces);
}

test("a body in a file is the body", async (t, scene) => {
  const server = await scene.start({ app: "zoo", args: ARGS });
  const [worker] = server.workers();
  const plain = call("echo", TEXT);

  for (const [what, bytes] of [
    ["with a length", plain],
    ["chunked", chunked(plain, 70001)],
    ["chunked, small", chunked(plain, 1000)],
  ]) {
    const wire = await scene.connect(server);
    const cut = bytes.length - 10;

    await wire.write(bytes.subarray(0, cut));
    await until("it to be in a file", () => spools(worker) === 1);
    /* What is behind the body is the next request. */
    wire.write(Buffer.concat([bytes.subarray(cut), get("/_ph/health")]));
    assert.equal(result(await wire.answer(), "echo"), TEXT, what);
    assert.equal((await wire.answer()).text, "ok\n", what);
    await until("the file to be gone", () => spools(worker) === 0);
    wire.write(call("echo", "small"));
    assert.equal(result(await wire.answer(), "echo"), "small", what);
    wire.destroy();
  }
});

test("a client that goes away amid its body", async (t, scene) => {
  const server = await scene.start({ app: "zoo", args: ARGS });
  const [worker] = server.workers();
  const bytes = call("echo", TEXT);

  for (const end of [70000, bytes.length >> 1, bytes.length - 1]) {
    const wire = await scene.connect(server);

    await wire.write(bytes.subarray(0, end));
    await until("the file to be there", () => spools(worker) === 1);
    wire.destroy();
    await until("the file to be gone", () => spools(worker) === 0);
  }
});

test("many at once take no memory", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: [...ARGS, "--limit-request-body", "64MiB"],
  });
  const [worker] = server.workers();
  const before = server.rss(worker);
  const head = Buffer.from(
    "POST /_dash-update-component HTTP/1.1\r\nHost: a\r\n" +
      "Content-Type: application/json\r\nContent-Length: 60000000\r\n\r\n",
  );
  const block = Buffer.alloc(8 << 20, " ");

  for (let i = 0; i < 8; i++) {
    const wire = await scene.connect(server);

    await wire.write(head);
    await wire.write(block);
    await until("the file to be there", () => spools(worker) === i + 1);
  }
  const grown = server.rss(worker) - before;

  t.diagnostic(`8 uploads of 8 MiB: ${grown >> 10} KiB more`);
  assert.ok(grown < 16 << 20, `${grown} bytes for 64 MiB of uploads`);
});

test("no room for a body", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: [...ARGS, "--limit-upload-total", "100000"],
  });
  const wire = await scene.connect(server);

  wire.write(call("echo", TEXT));
  const answer = await wire.answer();

  assert.equal(answer.status, 507);
  assert.equal(answer.field("connection"), "close");
  assert.equal(result(await scene.send(server, call("echo", 1)), "echo"), 1);
  assert.equal(server.grep(/event=body\.spool/).length, 1);
});

test("a folder that goes away", async (t, scene) => {
  const folder = path.join(scene.dir(), "uploads");

  fs.mkdirSync(folder);
  const server = await scene.start({
    app: "zoo",
    args: [...ARGS, "--tmp-upload-dir", folder],
  });
  const wire = await scene.connect(server);

  fs.rmdirSync(folder);
  wire.write(call("echo", TEXT));
  assert.equal((await wire.answer()).status, 503);
  assert.equal(result(await scene.send(server, call("echo", 1)), "echo"), 1);
  await server.waitFor(/event=body\.spool .*No such file/);
});
