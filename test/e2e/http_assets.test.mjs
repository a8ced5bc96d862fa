/* SPDX-License-Identifier: MIT */

/*
 * The assets folder: what is served, what is not, conditions and ranges, and
 * what of it the page loads.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { now, test, until, within } from "../lib/harness.mjs";
import { isFull } from "../lib/sockets.mjs";
import { get, request } from "../lib/wire.mjs";

async function open(scene, args = []) {
  const dir = scene.dir();
  const root = path.join(dir, "assets");
  const write = (name, data) => {
    const file = path.join(root, name);

    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, data);
    return file;
  };

  fs.mkdirSync(root);
  write("b.css", "b{}");
  write("a.js", "/* a */".repeat(1000));
  write("sub/c.mjs", "export {};");
  write("sub/a.css", "a{}");
  write("favicon.ico", Buffer.from([0, 0, 1, 0]));
  write("image.png", Buffer.from(Array.from({ length: 1000 }, (_, i) => i & 255)));
  write("big.bin", Buffer.alloc(3000000, "0123456789"));
  write("empty.png", "");
  write(".secret", "no");
  write("sub/.env", "no");
  write("umlaut ä.txt", "ok");
  fs.writeFileSync(path.join(dir, "outside.txt"), "TOP SECRET");
  fs.symlinkSync("../outside.txt", path.join(root, "link.txt"));
  fs.symlinkSync("..", path.join(root, "up"));
  fs.symlinkSync("a.js", path.join(root, "inner.js"));
  execFileSync("mkfifo", [path.join(root, "fifo.txt")]);
  const server = await scene.start({
    app: "zoo",
    args: ["--assets-folder", root, ...args],
  });
  const wire = await scene.connect(server);

  return {
    server,
    root,
    write,
    ask: async (target, fields = {}, method = "GET") => {
      wire.write(request(method, target, { fields }));
      return wire.answer({ head: method === "HEAD" });
    },
  };
}

test("files of the folder", async (t, scene) => {
  const { ask, root, write } = await open(scene);
  const script = await ask("/assets/a.js?m=1");

  assert.equal(script.status, 200);
  assert.match(script.field("content-type"), /^text\/javascript/);
  assert.equal(script.field("cache-control"), "no-cache");
  assert.equal(script.field("vary"), "Accept-Encoding");
  assert.equal(script.text, "/* a */".repeat(1000));
  const br = await ask("/assets/a.js", { "Accept-Encoding": "gzip, br" });

  assert.equal(br.field("content-encoding"), "br");
  assert.match(br.field("etag"), /-br"$/);
  const small = await ask("/assets/a.js", { "Accept-Encoding": "gzip" });

  assert.equal(small.field("content-encoding"), "gzip");
  assert.equal(zlib.gunzipSync(small.body).toString(), script.text);
  assert.notEqual(small.field("etag"), script.field("etag"));
  assert.equal((await ask("/assets/umlaut%20%C3%A4.txt")).text, "ok");
  assert.equal((await ask("/assets/empty.png")).body.length, 0);
  const head = await ask("/assets/a.js", {}, "HEAD");

  assert.equal(head.field("content-length"), "7000");
  assert.equal((await ask("/assets/a.js", {}, "POST")).status, 405);
  /* A change is seen. */
  write("a.js", "new");
  await until("the new one", async () => (await ask("/assets/a.js")).text === "new");
  fs.rmSync(path.join(root, "a.js"));
  await until("it to be gone", async () => (await ask("/assets/a.js")).status === 404);
});

test("what is asked for by its version need not be asked for again", async (t, scene) => {
  const { ask, root } = await open(scene);
  const file = path.join(root, "a.js");
  const version = async () => /assets\/a\.js(\?m=\d+)/.exec((await ask("/")).text)[1];
  const cache = async (query) => (await ask(`/assets/a.js${query}`)).field("cache-control");
  const old = new Date(Date.now() - 60_000);

  /* It may change once more within the same tick of the clock. */
  assert.equal(await cache(await version()), "no-cache");
  fs.utimesSync(file, old, old);
  const { mtimeNs, size } = fs.statSync(file, { bigint: true });
  const now = `?m=${BigInt.asUintN(64, mtimeNs * 31n + size)}`;

  await until("it to be seen", async () =>
    (await cache(now)) === "public, max-age=31536000, immutable");
  for (const query of ["", "?m=1", `${now}0`, `${now}&x=1`, now.slice(0, -1)])
    assert.equal(await cache(query), "no-cache", query);
});

test("no path leads out of it [34] [H10]", async (t, scene) => {
  const { ask } = await open(scene);
  const start = now();
  const gone = [
    "/assets/", "/assets/sub", "/assets/sub/", "/assets/link.txt",
    "/assets/inner.js", "/assets/up/outside.txt", "/assets/fifo.txt",
    "/assets/.secret", "/assets/sub/.env", "/assets//a.js", "/assets//etc/passwd",
    "/assets/sub//c.mjs", "/assets/nothing", "/assets/a.js/x",
    `/assets/${"x".repeat(300)}`, "/assets/...", "/assets/%2e%2e%2e",
    "/assets/%252e%252e/outside.txt", "/assets/a.js%20", "/assets/a.js%2f",
    "/assets/~root", "/assets/%2fetc/passwd", "/assets/sub%2f.env",
    "/assets/proc/self/environ",
  ];
  const wrong = [
    "/assets/../outside.txt", "/assets/..%2foutside.txt",
    "/assets/%2e%2e/outside.txt", "/assets/.%2e/outside.txt",
    "/assets/sub/../../outside.txt", "/assets/sub/%2e%2e/%2e%2e/outside.txt",
    "/assets/..%5coutside.txt", "/assets/a.js%00", "/assets/%00",
    "/assets/%c0%ae%c0%ae/outside.txt", "/assets/%e0%80%ae/x", "/assets/./a.js",
    "/assets/%2e/a.js", "/assets/%", "/assets/%2", "/assets/%zz", "/assets/%ff",
    "/assets/a%0d%0ab", "/assets/%7f", "/assets/sub/..", "/assets/..",
  ];

  for (const target of gone)
    assert.equal((await ask(target)).status, 404, target);
  for (const target of wrong) {
    const answer = await ask(target);

    assert.equal(answer.status, 400, target);
    assert.ok(!answer.text.includes("SECRET"));
  }
  within(t, `${gone.length + wrong.length} paths`, now() - start, 3000);
});

test("conditions and ranges [25]", async (t, scene) => {
  const { ask, root } = await open(scene);
  const image = fs.readFileSync(path.join(root, "image.png"));
  const whole = await ask("/assets/image.png");
  const etag = whole.field("etag");
  const modified = whole.field("last-modified");
  const earlier = new Date(Date.parse(modified) - 1000).toUTCString();

  assert.equal(whole.field("accept-ranges"), "bytes");
  for (const [fields, status] of [
    [{ "If-None-Match": etag }, 304],
    [{ "If-None-Match": `"x", W/${etag}` }, 304],
    [{ "If-None-Match": "*" }, 304],
    [{ "If-None-Match": '"x"' }, 200],
    [{ "If-Modified-Since": modified }, 304],
    [{ "If-Modified-Since": earlier }, 200],
    [{ "If-Modified-Since": "yesterday" }, 200],
    [{ "If-None-Match": '"x"', "If-Modified-Since": modified }, 200],
    [{ "If-Match": etag }, 200],
    [{ "If-Match": `"x", ${etag}` }, 200],
    [{ "If-Match": "*" }, 200],
    [{ "If-Match": '"x"' }, 412],
    [{ "If-Match": `W/${etag}` }, 412],
    [{ "If-Match": "" }, 412],
    [{ "If-Match": etag, "If-None-Match": etag }, 304],
    [{ "If-Match": '"x"', "If-None-Match": etag }, 412],
    [{ "If-Match": '"x"', Range: "bytes=0-9" }, 412],
    [{ "If-Unmodified-Since": modified }, 200],
    [{ "If-Unmodified-Since": earlier }, 412],
    [{ "If-Unmodified-Since": "yesterday" }, 200],
    [{ "If-Match": etag, "If-Unmodified-Since": earlier }, 200],
  ])
    assert.equal((await ask("/assets/image.png", fields)).status, status, JSON.stringify(fields));

  const part = (from, to, extra) =>
    [`bytes ${from}-${to}/1000`, image.subarray(from, to + 1), extra];
  const ranges = {
    "bytes=0-0": part(0, 0),
    "bytes=0-": part(0, 999),
    "bytes=10-19": part(10, 19),
    "bytes=990-5000": part(990, 999),
    "bytes=-1": part(999, 999),
    "bytes=-5000": part(0, 999),
    "bytes=0-99999999999999999999999999": part(0, 999),
    "BYTES=1-2": part(1, 2),
  };

  for (const [range, [field, bytes]] of Object.entries(ranges)) {
    const answer = await ask("/assets/image.png", { Range: range });

    assert.equal(answer.status, 206, range);
    assert.equal(answer.field("content-range"), field);
    assert.ok(answer.body.equals(bytes), range);
  }
  for (const range of ["bytes=1000-", "bytes=-0", "bytes=99999999999999999999-"]) {
    const answer = await ask("/assets/image.png", { Range: range });

    assert.equal(answer.status, 416, range);
    assert.equal(answer.field("content-range"), "bytes */1000");
  }
  for (const range of [
    "bytes=5-2", "bytes=", "bytes=-", "bytes=a-b", "bytes=0x1-2", "bytes=+1-2",
    "bytes=--1", "bytes=1-2-3", "bytes= 1-2", "lines=1-2", "",
    "bytes=0-0,1-1", `bytes=${Array(1000).fill("0-").join(",")}`,
    "bytes=-9223372036854775808,-9223372036854775600",
  ]) {
    const answer = await ask("/assets/image.png", { Range: range });

    assert.equal(answer.status, 200, range);
    assert.ok(answer.body.equals(image));
  }
  for (const [value, status] of [
    [etag, 206], [modified, 206], ['"x"', 200], [`W/${etag}`, 200],
    [earlier, 200], ["", 200],
  ]) {
    const fields = { Range: "bytes=0-9", "If-Range": value };

    assert.equal((await ask("/assets/image.png", fields)).status, status, value);
  }
  const text = await ask("/assets/b.css", { Range: "bytes=0-0" });

  assert.equal(text.status, 200, "what may be compressed has no ranges");
  assert.equal((await ask("/assets/empty.png", { Range: "bytes=0-" })).status, 416);
});

test("large files by sendfile", async (t, scene) => {
  const { server, ask } = await open(scene);
  const expected = Buffer.alloc(3000000, "0123456789");
  const answer = await ask("/assets/big.bin");

  assert.ok(answer.body.equals(expected));
  const part = await ask("/assets/big.bin", { Range: "bytes=1234567-2999998" });

  assert.ok(part.body.equals(expected.subarray(1234567, 2999999)));
  const wire = await scene.connect(server, { reading: false });

  /* Several behind one another, to a client that reads late. */
  for (let i = 0; i < 5; i++) wire.write(get("/assets/big.bin"));
  assert.equal((await ask("/_ph/health")).status, 200);
  wire.read();
  for (let i = 0; i < 5; i++)
    assert.ok((await wire.answer()).body.equals(expected));
  const head = await ask("/assets/big.bin", {}, "HEAD");

  assert.equal(head.field("content-length"), "3000000");
  assert.equal((await ask("/_ph/health")).text, "ok\n");
});

/*
 * What everybody asks for is sent from a file that holds head and body, and is
 * made again each second: no byte differs, nothing stays open.
 */
test("an asset that everybody asks for", async (t, scene) => {
  const { server, write } = await open(scene);
  const [worker] = server.workers();
  const files = () =>
    fs.readdirSync(`/proc/${worker}/fd`).filter((fd) => {
      try {
        return fs.readlinkSync(`/proc/${worker}/fd/${fd}`).startsWith("/memfd:answer");
      } catch {
        return false;
      }
    }).length;
  let content = Buffer.from(Array.from({ length: 20480 }, (_, i) => (i * 7919) >> 3));
  const wires = await Promise.all(Array.from({ length: 8 }, () => scene.connect(server)));
  const many = Buffer.concat(Array(5).fill(get("/assets/hot.bin")));
  const begin = now();
  const dates = new Set();
  let answers = 0;
  let seen = 0;

  write("hot.bin", content);
  while (now() - begin < 3500) {
    for (const wire of wires) wire.write(many);
    for (const wire of wires) {
      for (let i = 0; i < 5; i++) {
        const answer = await wire.answer();

        assert.ok(answer.body.equals(content));
        assert.equal(answer.field("content-length"), "20480");
        const off = Date.parse(answer.field("date")) - Date.now();

        assert.ok(Math.abs(off) < 2500, `${off} ms`);
        dates.add(answer.field("date"));
        answers++;
      }
    }
    seen = Math.max(seen, files());
    /* Others of the same file, in between. */
    wires[0].write(request("HEAD", "/assets/hot.bin"));
    assert.equal((await wires[0].answer({ head: true })).field("content-length"), "20480");
    wires[0].write(get("/assets/hot.bin", { fields: { Range: "bytes=5-19999" } }));
    const part = await wires[0].answer();

    assert.equal(part.status, 206);
    assert.ok(part.body.equals(content.subarray(5, 20000)));
    wires[0].write(get("/assets/hot.bin", { fields: { "If-None-Match": part.field("etag") } }));
    assert.equal((await wires[0].answer()).status, 304);
  }
  t.diagnostic(`${answers} answers, ${dates.size} dates, at most ${seen} files`);
  assert.ok(dates.size >= 3);
  assert.ok(seen >= 1 && seen <= 2, `${seen} files`);
  await until("the files to be gone", () => files() === 0);
  /* A client that reads late gets the bytes it was promised. */
  const late = await scene.connect(server, { reading: false });
  const old = content;

  for (let i = 0; i < 400; i++) late.write(get("/assets/hot.bin"));
  await until("more than it takes", () => isFull(server, late.localPort));
  content = Buffer.alloc(20480, "new");
  write("hot.bin", content);
  late.read();
  for (let i = 0; i < 400; i++) {
    const { body } = await late.answer();

    assert.ok(body.equals(old) || body.equals(content), "one or the other");
  }
});

/* Text that shrinks to a tenth or so. */
function longText(count, seed = 7) {
  const parts = [];
  let n = seed;

  for (let size = 0; size < count; size += 40) {
    n = (n * 48271) % 2147483647;
    parts.push(`function f${n}(x) { return x + ${n % 1000}; }\n`.padEnd(40));
  }
  return Buffer.from(parts.join("")).subarray(0, count);
}

/* Is there a thread that compresses? */
function isPacking(server) {
  const tasks = `/proc/${server.workers()[0]}/task`;

  return fs.readdirSync(tasks).some((task) => {
    try {
      return fs.readFileSync(`${tasks}/${task}/comm`, "utf8") === "ph-pack\n";
    } catch {
      return false; /* it has just ended */
    }
  });
}

test("large files of text are compressed, beside the loop", { seconds: 120 }, async (t, scene) => {
  const { server, ask, write } = await open(scene);
  const content = longText(1500000);
  const gzip = { "Accept-Encoding": "gzip" };
  const both = { "Accept-Encoding": "gzip, deflate, br, zstd" };
  const packed = (name, fields, coding) =>
    until(`${name} to be compressed`, async () => {
      const answer = await ask(`/assets/${name}`, fields);

      assert.equal(answer.field("vary"), "Accept-Encoding");
      return answer.field("content-encoding") === coding ? answer : null;
    });

  write("large.js", content);
  const early = await ask("/assets/large.js", both);

  assert.ok(early.field("content-encoding") !== undefined || early.body.equals(content),
    "nobody waits");
  const br = await packed("large.js", both, "br");

  assert.ok(zlib.brotliDecompressSync(br.body).equals(content));
  assert.ok(br.body.length < content.length / 4, `${br.body.length}`);
  const gz = await packed("large.js", gzip, "gzip");

  assert.ok(zlib.gunzipSync(gz.body).equals(content));
  t.diagnostic(`1.5 MB: br ${br.body.length}, gzip ${gz.body.length}`);
  assert.ok((await ask("/assets/large.js")).body.equals(content), "who takes neither");
  const same = await ask("/assets/large.js", { ...both, "If-None-Match": br.field("etag") });

  assert.equal(same.status, 304);
  const tags = [br, gz, await ask("/assets/large.js")].map((a) => a.field("etag"));

  assert.equal(new Set(tags).size, 3);
  assert.equal((await ask("/assets/large.js", { Range: "bytes=0-9" })).status, 200);
  /* Changed: never the old form again. */
  const changed = longText(1400000, 11);

  write("large.js", changed);
  assert.ok(zlib.brotliDecompressSync((await packed("large.js", both, "br")).body).equals(changed));
  assert.ok(zlib.gunzipSync((await packed("large.js", gzip, "gzip")).body).equals(changed));
  /* More files than there are places, one too large, one that shrinks not. */
  for (let i = 0; i < 40; i++) write(`many/${i}.txt`, longText(150000, i + 1));
  for (let i = 0; i < 40; i++) {
    const answer = await packed(`many/${i}.txt`, gzip, "gzip");

    assert.ok(zlib.gunzipSync(answer.body).equals(longText(150000, i + 1)));
  }
  write("huge.csv", Buffer.alloc((16 << 20) + 1, "1,2\n"));
  write("noise.txt", Buffer.from(Array.from({ length: 200000 }, () => Math.random() * 256)));
  for (const name of ["huge.csv", "noise.txt"]) {
    for (let i = 0; i < 3; i++) {
      assert.equal((await ask(`/assets/${name}`, both)).field("content-encoding"), undefined);
      await until("what packs to be done", () => !isPacking(server));
    }
  }
  assert.equal(server.workers().length, 1);
});

test("large scripts of the page are compressed from the start", async (t, scene) => {
  const root = path.join(scene.dir(), "assets");

  fs.mkdirSync(root);
  fs.writeFileSync(path.join(root, "app.js"), longText(700000));
  const server = await scene.start({ app: "zoo", args: ["--assets-folder", root] });

  /* Without being asked: who is ready has begun with it. */
  await until("the thread to be gone", () => !isPacking(server));
  const fields = { "Accept-Encoding": "br" };
  const answer = await scene.send(server, get("/assets/app.js", { fields }));

  assert.equal(answer.field("content-encoding"), "br");
});

test("what the page loads", async (t, scene) => {
  const { ask } = await open(scene);
  const page = (await ask("/")).text;
  const at = (pattern) => {
    const place = page.search(pattern);

    assert.ok(place > 0, String(pattern));
    return place;
  };
  const order = [
    at(/<link rel="icon"[^>]*href="\/assets\/favicon\.ico\?m=\d+"/),
    at(/pronghorn\.css/),
    at(/href="\/assets\/b\.css\?m=\d+"/),
    at(/href="\/assets\/sub\/a\.css\?m=\d+"/),
    at(/prop-types/),
    at(/<script src="\/assets\/a\.js\?m=\d+"><\/script>/),
    at(/<script src="\/assets\/sub\/c\.mjs\?m=\d+" type="module">/),
    at(/dash_renderer\.min\.js/),
  ];

  assert.deepEqual(order, [...order].sort((a, b) => a - b));
  assert.ok(!page.includes("inner.js"), "no links");
});

test("a folder that is named must be there", async (t, scene) => {
  const server = scene.server({
    app: "zoo",
    args: ["--assets-folder", "/nonexistent/assets"],
  });

  assert.notEqual((await server.exited).status, 0);
  assert.ok(server.grep(/assets_folder \/nonexistent\/assets: /).length > 0);
});
