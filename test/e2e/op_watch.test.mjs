/* SPDX-License-Identifier: MIT */

/*
 * The setting `reload`: what is changed in files is served without anybody
 * sending a signal.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { buildApp } from "../lib/apps.mjs";
import { BUILD, test, until } from "../lib/harness.mjs";
import { configured } from "../lib/op_server.mjs";
import { get } from "../lib/wire.mjs";

const SECONDS = 40;

/* A server whose app is a copy that can be changed. */
async function start(scene, settings) {
  const app = path.join(scene.dir(), "app.so");

  fs.copyFileSync(buildApp("op_faults", BUILD), app);
  const server = await configured(
    scene,
    { workers: 2, reload: true, ...settings },
    { app, env: { HOOKS: "worker" } },
  );

  server.app = app;
  return server;
}

/* Another file under the same name, as a linker makes it. */
function replace(file, from) {
  fs.copyFileSync(from, `${file}.new`);
  fs.renameSync(`${file}.new`, file);
}

const restarted = (server, count) =>
  server.waitFor(/event=master\.restarted/, { count, seconds: SECONDS });

for (const engine of ["auto", "poll"]) {
  test(`app, config and extra files (${engine})`, { seconds: 120 }, async (t, s) => {
    const data = s.dir();
    const settings = {
      reload_engine: engine,
      reload_extra_files: [path.join(data, "*.csv")],
    };
    const server = await start(s, settings);
    const layout = async () =>
      (await s.send(server, get("/_dash-layout"))).text;
    /* A worker on its way out may still take a connection or two. */
    const serves = (what) =>
      until(`the layout with ${what}`, async () => what.test(await layout()));

    await serves(/"memo"/);
    replace(server.app, buildApp("op_hooks", BUILD));
    await restarted(server, 1);
    assert.match(server.grep(/event=master\.changed/)[0], /path=\S+app\.so$/);
    await serves(/"opened"/);

    server.configure({ ...settings, workers: 3, reload: true });
    await restarted(server, 2);
    await until("3 workers", () => server.workers().length === 3, SECONDS);

    fs.writeFileSync(path.join(data, "points.csv"), "x,y\n");
    await restarted(server, 3);
    assert.match(
      server.grep(/event=master\.changed/).at(-1),
      /path=\S+points\.csv$/,
    );

    /* What is wrong changes nothing, and the next change is looked at. */
    const broken = path.join(data, "broken.so");

    fs.writeFileSync(broken, "no app at all");
    replace(server.app, broken);
    await server.waitFor(/event=master\.reload_failed/, { seconds: SECONDS });
    await serves(/"opened"/);
    replace(server.app, buildApp("op_faults", BUILD));
    await restarted(server, 4);
    await serves(/"memo"/);

    /* Switched off, it is off. */
    server.configure({ ...settings, workers: 3, reload: false });
    await restarted(server, 5);
    const changes = server.grep(/event=master\.changed/).length;

    fs.writeFileSync(path.join(data, "more.csv"), "x,y\n");
    await new Promise((done) => setTimeout(done, 1500));
    assert.equal(server.grep(/event=master\.changed/).length, changes);
    assert.deepEqual(await server.stop(), { status: 0, sig: null });
  });
}

test("without the setting nobody looks", async (t, s) => {
  const server = await start(s, { reload: false });

  replace(server.app, buildApp("op_hooks", BUILD));
  await new Promise((done) => setTimeout(done, 1000));
  assert.equal(server.grep(/event=master\.(changed|reload)/).length, 0);
  for (const fd of fs.readdirSync(`/proc/${server.pid}/fd`)) {
    const link = fs.readlinkSync(`/proc/${server.pid}/fd/${fd}`);

    assert.doesNotMatch(link, /inotify/);
  }
});

test("workers do not inherit what watches", async (t, s) => {
  const server = await start(s, {});

  for (const pid of [...server.workers(), server.keeper()]) {
    const links = fs
      .readdirSync(`/proc/${pid}/fd`)
      .map((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`));

    assert.ok(!links.some((link) => /inotify/.test(link)), links.join(" "));
  }
});
