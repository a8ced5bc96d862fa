/* SPDX-License-Identifier: MIT */

/*
 * A small disk of a test's own for the cache folder: a tmpfs in a mount name
 * space that lives as long as a process that holds it.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

class SmallDisk {
  constructor(holder, cacheDir) {
    this.holder = holder;
    this.cacheDir = cacheDir;
    /* As a test sees it, who is outside. */
    this.root = `/proc/${holder.pid}/root${cacheDir}`;
    /* What runs a command where the disk is; for Scene.start(). */
    this.wrapper = ["nsenter", "-t", String(holder.pid), "-m", "--"];
  }

  /* For Scene.start(). */
  get place() {
    return { cacheDir: this.cacheDir, wrapper: this.wrapper };
  }

  /* Take all the room that is left. */
  fill() {
    const fd = fs.openSync(path.join(this.root, "filler"), "a", 0o600);

    try {
      assert.throws(() => {
        for (;;) fs.writeSync(fd, Buffer.alloc(4096));
      }, /ENOSPC/);
    } finally {
      fs.closeSync(fd);
    }
  }

  free() {
    fs.rmSync(path.join(this.root, "filler"));
  }

  /* "ro" or "rw". */
  remount(how) {
    const [command, ...args] = [...this.wrapper, "mount", "-o", `remount,${how}`];
    const done = spawnSync(command, [...args, this.cacheDir]);

    assert.equal(done.status, 0, `${done.stderr}`);
  }
}

/* An empty disk of `size` ("8m"); null: that cannot be had here. */
export async function smallDisk(scene, size) {
  const cacheDir = path.join(scene.dir(), "cache");

  fs.mkdirSync(cacheDir, { mode: 0o700 });
  const holder = spawn(
    "unshare",
    [
      ...["--mount", "--propagation", "private", "sh", "-c"],
      `mount -t tmpfs -o size=${size},mode=0700 none "$0" && echo ready && exec cat`,
      cacheDir,
    ],
    { stdio: ["pipe", "pipe", "ignore"] },
  );
  const ready = await new Promise((done) => {
    holder.stdout.once("data", () => done(true));
    holder.once("error", () => done(false));
    holder.once("exit", () => done(false));
  });

  scene.later(() => holder.kill());
  return ready ? new SmallDisk(holder, cacheDir) : null;
}

export const NO_DISK = "a tmpfs cannot be mounted here";
