/* SPDX-License-Identifier: MIT */

/*
 * Answers of text as brotli or gzip: for whom, and that the bytes are the same.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import zlib from "node:zlib";
import { now, test } from "../lib/harness.mjs";
import { updateBody } from "../lib/visitor.mjs";
import { get, post } from "../lib/wire.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

test("JSON answers", async (t, scene) => {
  const server = await scene.start({ app: "zoo", threads: 2 });
  const wire = await scene.connect(server);
  const ask = async (bytes) => {
    wire.write(bytes);
    return wire.answer();
  };
  const gzip = { "Accept-Encoding": "gzip, deflate" };
  const brotli = { "Accept-Encoding": "gzip, deflate, br" };

  for (let i = 0; i < 200; i++) {
    const value = `${i % 7}-`.repeat(1000 + (i % 7));
    const plain = await ask(call("echo", value));
    const small = await ask(call("echo", value, { fields: gzip }));

    assert.equal(plain.field("content-encoding"), undefined);
    assert.equal(plain.field("vary"), "Accept-Encoding");
    assert.equal(small.field("content-encoding"), "gzip");
    assert.equal(small.field("vary"), "Accept-Encoding");
    assert.equal(result(plain, "echo"), value);
    assert.ok(zlib.gunzipSync(small.body).equals(plain.body));
    const smaller = await ask(call("echo", value, { fields: brotli }));

    assert.equal(smaller.field("content-encoding"), "br");
    assert.equal(smaller.field("vary"), "Accept-Encoding");
    assert.ok(zlib.brotliDecompressSync(smaller.body).equals(plain.body));
  }
  const short = await ask(call("echo", "x", { fields: gzip }));

  assert.equal(short.field("content-encoding"), undefined, "too small");
  const none = { "Accept-Encoding": "gzip;q=0" };
  const refused = await ask(call("echo", "x".repeat(5000), { fields: none }));

  assert.equal(refused.field("content-encoding"), undefined);
  const foreign = { ...gzip, "Sec-Fetch-Site": "cross-site" };
  const layout = await ask(get("/_dash-dependencies", { fields: foreign }));

  assert.equal(layout.field("content-encoding"), undefined, "no oracle");
});

test("other text, of routes", async (t, scene) => {
  const server = await scene.start({ app: "route_parts" });
  const ask = (path, type) => scene.send(server, get(path, { fields: { "Accept-Encoding": type } }));
  const plain = await ask("/long?parts=5", "identity");
  const small = await ask("/long?parts=5", "gzip");
  const smaller = await ask("/long?parts=5", "gzip, br");

  assert.equal(plain.text.length, 5011);
  assert.equal(plain.field("content-encoding"), undefined);
  assert.ok(zlib.gunzipSync(small.body).equals(plain.body));
  assert.ok(zlib.brotliDecompressSync(smaller.body).equals(plain.body));
  for (const one of [plain, small, smaller]) assert.equal(one.field("vary"), "Accept-Encoding");
});

/* Those that would hold the loop up are compressed beside it. */
for (const blocking of [false, true])
  test(`long answers, the layout ${blocking ? "of the pool" : "of the loop"}`, { seconds: 60 }, async (t, scene) => {
    const server = await scene.start({
      app: "long_answers",
      threads: 2,
      env: blocking ? { BLOCKING: "1" } : {},
    });
    const asks = {
      layout: (fields) => get("/_dash-layout", { fields }),
      callback: (fields) =>
        post(updateBody("out.title", [["out.id", "out"]]), { fields }),
      route: (fields) => get("/rows", { fields }),
    };

    for (const [what, ask] of Object.entries(asks)) {
      const send = (rows, fields) =>
        scene.send(server, ask({ "X-Rows": rows, ...fields }));
      const brotli = { "Accept-Encoding": "gzip, br" };

      for (const rows of [1000, 20_000, 200_000]) {
        const plain = await send(rows, {});
        const small = await send(rows, { "Accept-Encoding": "gzip" });
        const smaller = await send(rows, brotli);

        assert.equal(plain.status, 200, what);
        assert.ok(plain.body.length >= rows * 16, what);
        assert.equal(plain.field("content-encoding"), undefined, what);
        assert.equal(small.field("content-encoding"), "gzip", `${what}, ${rows}`);
        assert.ok(zlib.gunzipSync(small.body).equals(plain.body), what);
        assert.equal(smaller.field("content-encoding"), "br", `${what}, ${rows}`);
        assert.ok(zlib.brotliDecompressSync(smaller.body).equals(plain.body), what);
        for (const one of [plain, small, smaller])
          assert.equal(one.field("vary"), "Accept-Encoding", what);
      }
      /* Who may not have it, and what is longer than any that is compressed. */
      const session = await send(20_000, { ...brotli, "X-Session": "1" });

      assert.equal(session.status, 200);
      assert.equal(session.field("content-encoding"), undefined, what);
      assert.match(session.field("set-cookie") ?? "", /./, what);
      const long = await send(1_100_000, brotli);

      assert.equal(long.field("content-encoding"), undefined, what);
      assert.ok(long.body.length >= 16 * 1_100_000, what);
    }
    /* Many at once, some of whom do not wait. */
    const answers = await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        const wire = await scene.connect(server);

        wire.write(asks.route({ "X-Rows": 20_000 + i, "Accept-Encoding": "gzip" }));
        if (i % 3 === 0) {
          wire.destroy();
          return 20_000 + i;
        }
        return zlib.gunzipSync((await wire.answer()).body).length / 16;
      }),
    );

    assert.deepEqual(answers, Array.from({ length: 30 }, (_, i) => 20_000 + i));
  });

/* All threads sleep, and the queue is full. */
async function fill(scene, server, threads, seconds) {
  const sleep = async () => {
    const wire = await scene.connect(server);

    wire.write(get(`/sleep?seconds=${seconds}`));
    return wire;
  };

  for (let i = 1; i <= threads; i++) {
    await sleep();
    await server.waitFor(/sleeps now/, { count: i });
  }
  /* One of two more finds room; whichever comes second is refused. */
  const more = [await sleep(), await sleep()].map((wire) => wire.answer());

  more.forEach((answer) => answer.catch(() => {}));
  assert.equal((await Promise.race(more)).status, 503);
}

test("a long answer that is made waits for no thread", { seconds: 60 }, async (t, scene) => {
  const server = await scene.start({
    app: "long_answers",
    threads: 2,
    args: ["--limit-queue", "1", "--request-timeout", "20"],
  });
  const fields = { "X-Rows": 20_000, "Accept-Encoding": "gzip" };

  await fill(scene, server, 2, 15);
  const start = now();
  const layout = await scene.send(server, get("/_dash-layout", { fields }));

  assert.equal(layout.status, 200);
  assert.equal(layout.field("content-encoding"), "gzip");
  /* Nor does that of one who says that he will send no more. */
  const half = await scene.connect(server);

  half.write(get("/_dash-layout", { fields }));
  half.finish();
  assert.equal((await half.answer()).field("content-encoding"), "gzip");
  assert.ok(now() - start < 5000, "while others sleep for 15 s");
});

test("many long answers at once take bounded memory", { seconds: 60 }, async (t, scene) => {
  const server = await scene.start({
    app: "long_answers",
    threads: 2,
    args: ["--send-memory", "64MiB"],
  });
  const fields = { "X-Rows": 65_000, "Accept-Encoding": "br" };
  const kb = () => Number(/Private_Dirty:\s+(\d+)/.exec(
    fs.readFileSync(`/proc/${server.workers()[0]}/smaps_rollup`, "latin1"))[1]);
  const before = kb();
  const codings = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const answer = await scene.send(server, get("/_dash-layout", { fields }));
      const coding = answer.field("content-encoding");
      const body = coding === "br" ? zlib.brotliDecompressSync(answer.body) : answer.body;

      assert.equal(answer.status, 200);
      assert.ok(body.length > 16 * 65_000);
      return coding;
    }),
  );

  t.diagnostic(`${codings.filter((one) => one === "br").length} of 200 compressed`);
  assert.ok(codings.includes("br"));
  /* A megabyte each: what waits is bounded, before it is sent and after. */
  assert.ok(kb() - before < 150_000, `${kb() - before} KB more`);
});

test("what is text is told by the type", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const ask = (type) =>
    scene.send(server, post({ status: 200, type, name: "", body: "x".repeat(5000) },
      { target: "/zoo/respond", fields: { "Accept-Encoding": "gzip" } }));

  for (const type of ["text/csv", "TEXT/plain; charset=utf-8", "application/json", "application/problem+json", "image/svg+xml", "application/xml", "application/javascript;x=y"])
    assert.equal((await ask(type)).field("content-encoding"), "gzip", type);
  for (const type of ["image/png", "application/pdf", "application/octet-stream", "application/jsonx", "application/zip", "font/woff2", "json"])
    assert.equal((await ask(type)).field("content-encoding"), undefined, type);
});

test("an answer that has no content by its status", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const wire = await scene.connect(server);

  for (const [status, length] of [[204, undefined], [205, "0"], [200, "5000"]]) {
    wire.write(post({ status, type: "text/csv", name: "", body: "x".repeat(5000) }, { target: "/zoo/respond" }));
    const answer = await wire.answer();

    assert.equal(answer.status, status);
    assert.equal(answer.field("content-length"), length, status);
    assert.equal(answer.body.length, Number(length ?? 0), status);
  }
});

test("bytes that a route names by a tag, or will not have changed", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });

  for (const [name, value, coding] of [
    ["ETag", '"abc"', undefined],
    ["ETag", 'W/"abc"', undefined],
    ["Cache-Control", "max-age=5, no-transform", undefined],
    ["Cache-Control", "max-age=5", "gzip"],
  ]) {
    const answer = await scene.send(server,
      post({ status: 200, type: "text/csv", name, value, body: "x".repeat(5000) },
        { target: "/zoo/respond", fields: { "Accept-Encoding": "gzip" } }));

    assert.equal(answer.field("content-encoding"), coding, value);
    assert.equal(answer.field(name.toLowerCase()), value);
  }
});

test("compression switched off", async (t, scene) => {
  const server = await scene.start({ app: "zoo", args: ["--compress-level", "0"] });
  const fields = { "Accept-Encoding": "gzip" };
  const answer = await scene.send(server, call("echo", "x".repeat(5000), { fields }));

  assert.equal(answer.field("content-encoding"), undefined);
  assert.equal(answer.field("vary"), undefined);
});

test("a memoized answer is stored in all forms", async (t, scene) => {
  const server = await scene.start({ app: "zoo", workers: 2, threads: 2 });
  const forms = [
    { fields: {}, open: (body) => body },
    { fields: { "Accept-Encoding": "gzip" }, coding: "gzip", open: zlib.gunzipSync },
    { fields: { "Accept-Encoding": "gzip, deflate, br" }, coding: "br", open: zlib.brotliDecompressSync },
    { fields: { "Accept-Encoding": "gzip, br", "Sec-Fetch-Site": "cross-site" }, open: (body) => body },
  ];
  const value = "[1.25,".repeat(20000);
  const bodies = [];

  /* The first is made, the others come from the store of either worker. */
  for (let i = 0; i < 12; i++) {
    const { fields, coding, open } = forms[i % 4];
    const answer = await scene.send(server, call("echo_memoized", value, { fields }));

    if (fields["Sec-Fetch-Site"]) {
      assert.equal(answer.status, 403);
      continue;
    }
    assert.equal(answer.status, 200);
    assert.equal(answer.field("vary"), "Accept-Encoding");
    assert.equal(answer.field("content-encoding"), coding);
    bodies.push(open(answer.body));
    assert.equal(result({ json: () => JSON.parse(bodies.at(-1)) }, "echo_memoized"), value);
  }
  for (const body of bodies) assert.ok(body.equals(bodies[0]));
  assert.equal(runs(server, "echo_memoized"), 1);
});
