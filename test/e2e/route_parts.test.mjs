/* SPDX-License-Identifier: MIT */

/* Routes: forms in parts, bodies and responses of any size, sessions. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { test, until } from "../lib/harness.mjs";
import { Visitor, updateBody } from "../lib/visitor.mjs";
import { post } from "../lib/wire.mjs";

function sumOf(bytes) {
  let sum = 0;

  for (let i = 0; i < bytes.length; i++) sum = (sum * 31 + bytes[i]) % 1000000007;
  return sum;
}

function noise(count) {
  const bytes = Buffer.alloc(count);

  for (let i = 0; i < count; i++) bytes[i] = (i * 7919) >> 5;
  return bytes;
}

const start = (scene, extra = {}) =>
  scene.start({ app: "route_parts", threads: 2, ...extra });

test("forms in parts", async (t, scene) => {
  const saved = path.join(scene.dir(), "kept");
  const server = await start(scene, { env: { ROUTE_SAVE: saved } });
  const content = noise(1500000); /* larger than upload_buffer */
  const form = new FormData();

  form.append("note", "größer");
  form.append("save", new Blob([content], { type: "image/x-noise" }), "../a/ü.bin");
  form.append("save", new Blob(["two"]), "b.txt");
  const send = (body, headers) => fetch(`${server.url}/form`, { method: "POST", body, headers });
  const answer = await send(form);

  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), {
    note: "größer",
    parts: [
      { name: "note", file: null, type: "", len: 8, sum: sumOf(Buffer.from("größer")) },
      { name: "save", file: "ü.bin", type: "image/x-noise", len: 1500000, sum: sumOf(content) },
      { name: "save", file: "b.txt", type: "application/octet-stream", len: 3, sum: sumOf(Buffer.from("two")) },
    ],
  });
  assert.deepEqual(fs.readFileSync(saved), content);
  assert.equal((await send(form)).status, 500, "a file that is there stays");
  assert.equal(server.grep(/ph_save\(.*File exists/).length, 1);
  const type = { "Content-Type": "multipart/form-data; boundary=b" };

  assert.equal((await send("--b\r\nnonsense", type)).status, 400);
  assert.equal((await send("no form at all")).status, 200);
  const plain = { "Content-Type": "application/x-www-form-urlencoded" };
  const nul = '--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nx\0y\r\n--b--\r\n';
  assert.equal((await send("note=x%00y", plain)).status, 400);
  assert.equal((await send(nul, type)).status, 400);
  const others = await send("note=x&bytes=x%00y", plain);
  assert.equal((await others.json()).parts[1].len, 3, "bytes that nobody takes for a text");
});

test("bodies of any size", async (t, scene) => {
  const server = await start(scene, {
    args: ["--limit-upload", "12000000", "--limit-request-body", "2000000"],
  });
  const send = (target, body, headers) =>
    fetch(`${server.url}${target}`, { method: "POST", body, headers });
  const [pid] = server.workers();
  const before = server.rss(pid);

  /* One that ends with a page of memory: a NUL is behind it all the same. */
  for (const count of [0, 5, 4096 * 512, 10000001]) {
    const body = noise(count);
    const answer = await send("/bytes", body);

    assert.deepEqual(await answer.json(), { len: count, sum: sumOf(body), end: 0 });
  }
  t.diagnostic(`${(server.rss(pid) - before) >> 10} KiB more than before`);
  /* Refused by what the head says of them. */
  for (const [target, type, length, status] of [
    ["/bytes", "text/plain", 12000001, 413],
    ["/bytes", "application/json", 2000001, 413],
    ["/small", "text/plain", 101, 413],
  ]) {
    const head = [
      ...[`POST ${target} HTTP/1.1`, "Host: x", `Content-Type: ${type}`],
      ...[`Content-Length: ${length}`, "", ""],
    ];
    const refused = await scene.send(server, Buffer.from(head.join("\r\n")));

    assert.equal(refused.status, status, target);
  }
  assert.equal((await send("/small", "x".repeat(100))).status, 200);
  /* Chunked: nobody knows the length before. */
  const chunked = await fetch(`${server.url}/bytes`, {
    method: "POST",
    duplex: "half",
    body: new ReadableStream({
      start(controller) {
        for (let i = 0; i < 30; i++) controller.enqueue(noise(100000));
        controller.close();
      },
    }),
  });

  assert.equal((await chunked.json()).len, 3000000);
});

test("a body as a file with a name", async (t, scene) => {
  const folder = path.join(scene.dir(), "uploads");
  const saved = path.join(scene.dir(), "kept");

  fs.mkdirSync(folder);
  const server = await start(scene, {
    env: { ROUTE_SAVE: saved },
    args: ["--tmp-upload-dir", folder, "--limit-upload-total", "20000000"],
  });
  const send = (query, body, headers) =>
    fetch(`${server.url}/path?${query}`, { method: "POST", body, headers });
  const isEmpty = () => fs.readdirSync(folder).length === 0;
  const gone = () => until("no file to be left", isEmpty);

  /* In memory, and in a file as it came. */
  for (const count of [0, 5, 3000000]) {
    for (const query of ["", "then=twice"]) {
      const found = await (await send(query, noise(count))).json();

      assert.equal(path.dirname(found.path), folder);
      assert.deepEqual({ ...found, path: 0 }, { path: 0, len: count, mode: 0o600, same: true });
      await gone();
    }
  }
  for (const count of [5, 3000000]) {
    assert.equal((await send("then=keep", noise(count))).status, 200);
    assert.deepEqual(fs.readFileSync(saved), noise(count), "who moves it away keeps it");
    await gone();
  }
  const form = new FormData();

  form.append("note", "x".repeat(2000000));
  form.append("up", new Blob([noise(70000)]), "a.bin");
  const part = await (await send("then=part", form)).json();

  assert.deepEqual({ ...part, path: 0 }, { path: 0, len: 70000, mode: 0o600, same: true });
  await gone();
  const contents = `data:;base64,${noise(1000).toString("base64")}`;
  const visitor = new Visitor(scene, server);
  const answer = await visitor.update("seen.children", [["up.contents", contents]]);
  const seen = JSON.parse(answer.json().response.seen.children);

  assert.deepEqual({ ...seen, path: 0 }, { path: 0, len: 1000, mode: 0o600, same: true });
  await gone();
  /* A process that dies leaves a file; the next one does not. */
  const other = path.join(folder, "pronghorn-upload-0123456789abcdef");
  const holder = spawn("flock", [other, "sleep", "60"], { detached: true });

  scene.later(() => process.kill(-holder.pid));
  await until("somebody's file to be locked", () => fs.existsSync(other));
  const [worker] = server.workers();

  await send("then=die", noise(3000000)).catch(() => {});
  await until("another worker", () =>
    server.workers().length === 1 && server.workers()[0] !== worker);
  assert.equal((await send("", "x")).status, 200);
  await until("only what is in use to be left", () =>
    String(fs.readdirSync(folder)) === path.basename(other));
  /* No room. */
  const full = await start(scene, { args: ["--limit-upload-total", "1000"] });
  const refused = await fetch(`${full.url}/path`, { method: "POST", body: noise(1001) });

  assert.equal(refused.status, 500);
  assert.equal(full.grep(/name=post_path reason="ph_bytes_path\(\): /).length, 1);
});

test("responses piece by piece", async (t, scene) => {
  const server = await start(scene);
  const ask = (target) => fetch(server.url + target);
  const long = await ask("/long");

  assert.equal(long.headers.get("content-length"), "5000011");
  assert.equal(await long.text(), `start\n${"x".repeat(5000000)}\nend\n`);
  const csv = await (await ask("/csv?most=150000")).text();
  const lines = csv.split("\r\n");

  assert.equal(lines.length, 150002);
  assert.equal(lines[0], "i,name");
  assert.equal(lines[150000], '150000,"row, 150000"');
  assert.equal(await (await ask("/csv?most=0")).text(), "i,name\r\n");
  assert.equal((await ask("/early")).status, 500);
  assert.equal((await fetch(`${server.url}/long`, { method: "HEAD" })).status, 200);
});

test("sessions in routes and in background callbacks", async (t, scene) => {
  const server = await start(scene, { threads: 3 });
  const one = new Visitor(scene, server);
  const other = new Visitor(scene, server);

  await one.get("/");
  assert.deepEqual((await one.get("/me")).json(), { user: "", visits: 1 });
  assert.equal(one.jar.get("seen"), "yes");
  const body = "user=ada";
  const login = await one.take(
    Buffer.from(
      "POST /login HTTP/1.1\r\nHost: x\r\n" +
        `Cookie: ${one.fields().Cookie}\r\n` +
        "Content-Type: application/x-www-form-urlencoded\r\n" +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    ),
  );

  assert.equal(login.status, 204);
  const answer = await one.get("/me");

  assert.deepEqual(answer.json(), { user: "ada", visits: 2 });
  assert.equal(answer.field("cache-control"), "private, no-store");
  await other.get("/");
  assert.deepEqual((await other.get("/me")).json(), { user: "", visits: 1 });

  for (const [visitor, expect] of [
    [one, "ada 2 32"],
    [other, " 1 32"],
  ]) {
    const body = updateBody("out.children", [["go.n_clicks", 1]]);
    const ask = async (target) =>
      visitor.take(post(body, { target, fields: visitor.fields() }));
    const { job } = (await ask("/_dash-update-component")).json();
    const result = await until(
      "the job",
      async () => {
        const poll = await ask(
          `/_dash-update-component?cacheKey=${job}&job=${job}`,
        );

        return poll.json().response;
      },
      20,
    );

    assert.equal(result.out.children, expect);
  }
});
