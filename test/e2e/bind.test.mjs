/* SPDX-License-Identifier: MIT */

/*
 * Where the server listens: TCP, IPv6 and unix sockets, and taken places.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { EXAMPLE, test } from "../lib/harness.mjs";
import { run, Server } from "../lib/server.mjs";
import { get, Wire } from "../lib/wire.mjs";

async function isServed(scene, address) {
  const wire = await Wire.connect(address);

  scene.later(() => wire.destroy());
  wire.write(get("/_ph/health"));
  assert.equal((await wire.answer()).text, "ok\n");
  wire.destroy();
}

test("a unix socket", async (t, scene) => {
  const file = path.join(scene.dir(), "ph.sock");
  const server = await scene.start({ bind: `unix:${file}`, workers: 2 });

  assert.deepEqual(server.address, { path: file });
  assert.ok(fs.lstatSync(file).isSocket());
  await isServed(scene, { path: file });
  await server.stop();
  assert.ok(!fs.existsSync(file), "removed at the end");
});

test("a socket file that was left behind", async (t, scene) => {
  const file = path.join(scene.dir(), "ph.sock");
  const first = await scene.start({ bind: `unix:${file}` });

  /* A living server's socket is not stolen. */
  const end = await run(scene, {
    bind: `unix:${file}`,
    app: EXAMPLE,
    cacheDir: path.join(scene.dir(), "cache"),
  });

  assert.equal(end.status, 1);
  assert.ok(end.stderr.includes(file));
  await isServed(scene, { path: file });

  await first.stop("SIGKILL");
  assert.ok(fs.existsSync(file));
  const second = await scene.start({ bind: `unix:${file}` });

  await isServed(scene, second.address);

  /* Something that is no socket is not removed. */
  const other = scene.file("precious", "data");
  const refused = await run(scene, {
    bind: `unix:${other}`,
    app: EXAMPLE,
    cacheDir: path.join(scene.dir(), "cache"),
  });

  assert.equal(refused.status, 1);
  assert.equal(fs.readFileSync(other, "utf8"), "data");
});

test("IPv6", async (t, scene) => {
  const server = await scene.start({ bind: "[::1]:0" });

  assert.match(server.addresses[0], /^\[::1\]:\d+$/);
  assert.equal(server.address.host, "::1");
  await isServed(scene, server.address);
});

test("several addresses", async (t, scene) => {
  const file = path.join(scene.dir(), "ph.sock");
  const server = await scene.start({
    bind: "127.0.0.1:0",
    workers: 3,
    args: ["--bind", "[::1]:0", "--bind", `unix:${file}`, "-b", "127.0.0.2:0"],
  });

  assert.equal(server.addresses.length, 4);
  for (const address of server.addresses)
    for (let i = 0; i < 5; i++)
      await isServed(scene, Server.parseAddress(address));
});

test("a port that is taken", async (t, scene) => {
  const taken = net.createServer();

  await new Promise((done) => taken.listen(0, "127.0.0.1", done));
  scene.later(() => taken.close());
  const bind = `127.0.0.1:${taken.address().port}`;
  const end = await run(scene, {
    bind,
    app: EXAMPLE,
    cacheDir: path.join(scene.dir(), "cache"),
  });

  assert.equal(end.status, 1);
  assert.ok(end.stderr.includes(bind), end.stderr);
  assert.match(end.stderr, /in use/i);
  /* What it proposes works. */
  const [, free] = /Address already in use; free: --bind (\S+)"/.exec(end.stderr);

  assert.notEqual(free, bind);
  await isServed(scene, (await scene.start({ bind: free })).address);
  /* Of several, all; and for another option that one. */
  const file = path.join(scene.dir(), "ph.sock");
  const several = await run(scene, {
    bind: `unix:${file}`,
    args: ["--bind", bind, "--metrics-bind", bind],
    app: EXAMPLE,
    cacheDir: path.join(scene.dir(), "cache"),
  });

  assert.ok(several.stderr.includes(`; free: --bind unix:${file} --bind 127.0.0.1:`));
  const metrics = await run(scene, {
    args: ["--metrics-bind", bind],
    app: EXAMPLE,
    cacheDir: path.join(scene.dir(), "cache"),
  });

  assert.match(metrics.stderr, /in use; free: --metrics-bind 127\.0\.0\.1:\d+"/);
});

test("two servers share a cache directory", async (t, scene) => {
  const first = await scene.start({ env: { PH_DEMO_DELAY: "0" } });
  const { cacheDir } = first.options;
  const second = await scene.start({ cacheDir, env: { PH_DEMO_DELAY: "0" } });

  for (const server of [first, second]) {
    const session = scene.session(server);

    await session.load();
    assert.equal((await session.choose("apples")).graphs[3].status, 200);
  }
  assert.equal(
    first.computations().length + second.computations().length,
    1,
    "the second one finds what the first one computed",
  );
});
