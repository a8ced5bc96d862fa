/* SPDX-License-Identifier: MIT */

/*
 * What every test from outside shares: temporary folders, servers that are
 * gone when the test is over, whatever happened, and waiting for conditions
 * instead of for time.
 *
 * A test that fails prints the log of its servers below the failure.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import nodeTest from "node:test";
import { fileURLToPath } from "node:url";
import { buildApp } from "./apps.mjs";
import { Server, removeDir } from "./server.mjs";
import { Session } from "./session.mjs";
import { Wire } from "./wire.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const BUILD = path.resolve(ROOT, process.env.BUILD || "build");

/* Under a sanitizer everything takes longer, so bounds on time are wider. */
const flags = path.join(BUILD, "flags");
const built = fs.existsSync(flags) ? fs.readFileSync(flags, "utf8") : "";

export const SLOW = /-fsanitize/.test(built) ? 8 : 1;
/* It runs the handlers of signals only when a thread makes a call that waits. */
export const TSAN = /-fsanitize=thread/.test(built);

export const EXAMPLE = path.join(BUILD, "examples/caching_and_signaling.so");

/* Look again every few milliseconds until `look` gives something. */
export async function until(what, look, seconds = 20) {
  const deadline = Date.now() + seconds * 1000 * SLOW;

  for (;;) {
    const found = await look();

    if (found) return found;
    if (Date.now() > deadline) assert.fail(`waited in vain for ${what}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}

export { isAlive } from "./op_process.mjs";

/* One test's folders, servers and connections. */
export class Scene {
  constructor(t) {
    this.t = t;
    this.passed = false;
    this.args = []; /* further ones of all servers */
    this.dirs = [];
    this.servers = [];
    this.wires = [];
    this.ends = [];
  }

  dir() {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ph-e2e-"));

    this.dirs.push(dir);
    return dir;
  }

  file(name, text) {
    const file = path.join(this.dir(), name);

    fs.writeFileSync(file, text);
    return file;
  }

  /* Run `end` when the test is over. */
  later(end) {
    this.ends.push(end);
  }

  /*
   * Start a server; see Server for the options. `app` is the name of a file
   * in test/apps, or a path; the example without one.
   */
  server(options = {}) {
    let app = options.app ?? EXAMPLE;

    if (app && !app.includes("/")) app = buildApp(app, BUILD);
    const server = new Server({
      program: path.join(BUILD, "pronghorn"),
      ...options,
      app,
      args: [...this.args, ...(options.args ?? [])],
      cacheDir: options.cacheDir ?? path.join(this.dir(), "cache"),
      slow: options.slow ?? SLOW,
    });

    this.servers.push(server);
    return server;
  }

  async start(options) {
    const server = this.server(options);

    await server.ready();
    return server;
  }

  async connect(server, options) {
    const wire = await Wire.connect(server.address, options);

    this.wires.push(wire);
    return wire;
  }

  session(server) {
    const session = new Session(server.address);

    this.wires.push(session);
    return session;
  }

  /* Send bytes on a connection of their own, give `count` answers. */
  async send(server, bytes, count = 1) {
    const wire = await this.connect(server);
    const answers = [];

    wire.write(bytes);
    while (answers.length < count) answers.push(await wire.answer());
    wire.destroy();
    return count === 1 ? answers[0] : answers;
  }

  /* Everything is tried, whatever fails on the way. */
  async end() {
    const steps = [
      ...this.wires.map((wire) => () => wire.destroy()),
      ...this.ends,
      ...this.servers.map((server) => () => server.destroy()),
      ...this.dirs.map(
        (dir) => () => removeDir(dir),
      ),
    ];
    const errors = [];

    if (!this.passed)
      for (const server of this.servers) console.error(server.report());
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}

/* node:test's test() with a scene: body(t, scene). */
export function test(name, options, body) {
  if (body === undefined) {
    body = options;
    options = {};
  }
  const timeout = (options.seconds ?? 60) * 1000 * SLOW;

  nodeTest(name, { timeout, skip: options.skip }, async (t) => {
    const scene = new Scene(t);

    t.after(() => scene.end());
    await body(t, scene);
    scene.passed = true;
  });
}

/*
 * The machine may be busy with something else: measure up to three times,
 * until one result is under the bound. What is asserted inside holds always.
 */
export async function bestOf(t, what, bound, measure) {
  let best = Infinity;

  for (let round = 0; round < 3 && !(best < bound * SLOW); round++)
    best = Math.min(best, await measure());
  within(t, what, best, bound);
}

/* Promises that are looked at later, or never when the test fails before. */
export function later(promises) {
  for (const promise of promises) promise.catch(() => {});
  return promises;
}

/* Is something quick enough? The number goes into the report. */
export function within(t, what, ms, bound) {
  t.diagnostic(`${what}: ${ms.toFixed(1)} ms, bound ${bound * SLOW} ms`);
  assert.ok(ms < bound * SLOW, `${what} took ${ms} ms, bound ${bound}`);
}

/* Milliseconds of a clock that never jumps. */
export function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}
