/* SPDX-License-Identifier: MIT */

/*
 * A new user's way, in a fresh clone: `make run` serves the guide, the program
 * that it made makes a new app, whose own test passes and which `pronghorn dev`
 * serves, and the README's app compiles as printed. The npm packages are where
 * fetch.mjs looks for them when there is no network.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { isAlive, ROOT, test, until } from "../lib/harness.mjs";

const HERE = path.join(ROOT, "build");

/* The settings of the make that runs the tests are not the user's. */
const CLEAN = { MAKEFLAGS: "", MAKELEVEL: "", MFLAGS: "", BUILD: "", T: "" };

function clone(scene) {
  const dir = path.join(scene.dir(), "pronghorn");

  execFileSync("git", ["clone", "--quiet", ROOT, dir], { stdio: "pipe" });
  const www = path.join(dir, "build/www");

  fs.mkdirSync(www, { recursive: true });
  fs.cpSync(path.join(HERE, "www/tarballs"), path.join(www, "tarballs"), {
    recursive: true,
  });
  return dir;
}

/* A command line of make as an environment of its own sees it. */
const env = () => {
  const all = { ...process.env, ...CLEAN };

  for (const name of Object.keys(CLEAN)) delete all[name];
  return all;
};

/* Serve with `pronghorn dev`, look at the page, and end it. */
async function develop(scene, program, cwd, title) {
  const server = scene.server({
    ...{ program, app: false, bind: false, cacheDir: false },
    ...{ workers: false, threads: false },
    wrapper: ["env", "-C", cwd],
    args: ["dev", "demo/app.c", "--bind", "127.0.0.1:0"],
  });
  const line = await server.waitFor(/serving on (http\S+)/, { seconds: 120 });
  const url = /serving on (http[^\s;]+)/.exec(line)[1];

  assert.match(await (await fetch(url)).text(), title);
  assert.equal((await fetch(`${url}_dash-layout`)).status, 200);
  await server.stop();
}

/* The app that README.md shows, and the line that compiles it. */
function readme(dir) {
  const text = fs.readFileSync(path.join(dir, "README.md"), "utf8");
  const [, source] = /```c\n([^]*?)```/.exec(text);
  const [command] = /^cc -shared .*$/m.exec(text);

  fs.writeFileSync(path.join(dir, "app.c"), source);
  return { source, command };
}

test("make run in a fresh clone", { seconds: 1200 }, async (t, scene) => {
  const dir = clone(scene);
  const began = Date.now();
  const server = scene.server({
    ...{ program: "make", app: false, bind: false, cacheDir: false },
    ...{ workers: false, threads: false },
    wrapper: ["env", ...Object.keys(CLEAN).map((name) => `--unset=${name}`)],
    args: ["-C", dir, "run", "BIND=127.0.0.1:0"],
  });
  const ready = /event=master\.ready/;

  await server.waitFor(ready, { seconds: 1100 });
  const [line] = server.grep(ready);
  const master = Number(/pid=(\d+)/.exec(line)[1]);

  scene.later(() => isAlive(master) && process.kill(master, "SIGKILL"));
  t.diagnostic(`served ${((Date.now() - began) / 1000).toFixed(1)} s after make`);
  await server.ready();
  const page = await (await fetch(server.url)).text();

  assert.match(page, /<title>Sharing state between callbacks<\/title>/);
  assert.equal((await fetch(`${server.url}/_dash-layout`)).status, 200);
  process.kill(master, "SIGTERM");
  await server.exited;
  await until("its end", () => !isAlive(master), 30);
  assert.equal(
    execFileSync("git", ["status", "--porcelain"], { cwd: dir, encoding: "utf8" }),
    "",
    "what is built is ignored by git",
  );
  const program = path.join(dir, "build/pronghorn");

  execFileSync(program, ["new", "demo"], { cwd: dir, env: env() });
  const said = execFileSync("make", ["-s", "test"], {
    cwd: path.join(dir, "demo"),
    encoding: "utf8",
    env: env(),
  });

  assert.equal(said.match(/^ok: /gm).length, 2, said);
  await develop(scene, program, dir, /<title>demo<\/title>/);
  const { source, command } = readme(dir);

  assert.ok(source.trim().split("\n").length <= 40, "it is short");
  execFileSync("sh", ["-c", command], { cwd: dir, stdio: "pipe" });
  execFileSync(program, ["--check-config", "app.so"], { cwd: dir, stdio: "pipe" });
});
