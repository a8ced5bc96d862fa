/* SPDX-License-Identifier: MIT */

/*
 * A crowd of clients in a process of its own (test/stress/crowd.c): more of
 * them, and measured more exactly, than sockets of node could be.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { BUILD, ROOT } from "./harness.mjs";

function build() {
  const source = path.join(ROOT, "test/stress/crowd.c");
  const program = path.join(BUILD, "test-apps/crowd");

  if (
    fs.existsSync(program) &&
    fs.statSync(program).mtimeMs > fs.statSync(source).mtimeMs
  )
    return program;
  fs.mkdirSync(path.dirname(program), { recursive: true });
  execFileSync(process.env.CC || "cc", [
    ...["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror"],
    ...["-o", `${program}.${process.pid}`, source],
  ]);
  fs.renameSync(`${program}.${process.pid}`, program);
  return program;
}

export class Crowd {
  /*
   * Connect `count` clients to the server; resolves when all are there. Each
   * is going to ask for `output` with one of `values`.
   */
  static async gather(scene, server, { count, output, values }) {
    const crowd = new Crowd();
    const { host, port } = server.address;

    crowd.text = "";
    crowd.child = spawn(build(), [host, port, count, output, ...values], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    crowd.child.stdout.on("data", (chunk) => (crowd.text += chunk));
    crowd.exited = new Promise((done) => crowd.child.on("exit", done));
    scene.later(() => crowd.child.kill("SIGKILL"));
    await crowd.line("connected");
    return crowd;
  }

  async line(word) {
    while (!this.text.includes(`${word}\n`)) {
      assert.equal(this.child.exitCode, null, "the crowd has ended");
      await new Promise((done) => setTimeout(done, 2));
    }
  }

  /* Everybody asks; resolves when all have. */
  async ask() {
    this.child.stdin.write("go\n");
    await this.line("sent");
  }

  /* Everybody goes home, answered or not. */
  leave() {
    this.child.stdin.write("leave\n");
  }

  /* When all have an answer: what they saw, see crowd.c. */
  async result() {
    assert.equal(await this.exited, 0);
    const { groups } = /(?<json>\{.*\})\n$/s.exec(this.text);

    return JSON.parse(groups.json);
  }
}
