/* SPDX-License-Identifier: MIT */

/*
 * A server under test: a real process on a port of the kernel's choice, its
 * log read line by line.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { allEnded, treeOf } from "./op_process.mjs";

const REPORT_LINES = 120;
const running = new Set();

/* Even a runner that gives up leaves no server behind. */
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/* A folder that a process which is just ending may still write to. */
export async function removeDir(dir) {
  for (let left = 20; ; left--) {
    try {
      fs.rmSync(dir, { recursive: true, force: true });
      return;
    } catch (error) {
      if (left === 0) throw error;
    }
    await new Promise((done) => setTimeout(done, 100));
  }
}

/* The variables that change the server's settings are not ours to inherit. */
function cleanEnvironment(extra) {
  const env = { ...process.env };

  for (const name of [
    "PORT",
    "WEB_CONCURRENCY",
    "FORWARDED_ALLOW_IPS",
    "PRONGHORN_CACHE_DIR",
    "PRONGHORN_CMD_ARGS",
  ])
    delete env[name];
  return { ...env, ...extra };
}

/*
 * What a process writes, in a file: a line that was written before an answer
 * is seen after the answer, which a pipe does not promise.
 */
class Output {
  constructor(file) {
    this.fd = fs.openSync(file, "a+", 0o600);
    this.at = 0;
    this.rest = Buffer.alloc(0);
    this.lines = [];
  }

  /* All whole lines that are there by now. */
  read() {
    const chunk = Buffer.alloc(1 << 16);

    while (this.fd >= 0) {
      const got = fs.readSync(this.fd, chunk, 0, chunk.length, this.at);

      if (got === 0) break;
      this.at += got;
      this.rest = Buffer.concat([this.rest, chunk.subarray(0, got)]);
      this.takeLines(); /* at once: there may be millions in the end */
    }
    return this.lines;
  }

  takeLines() {
    const end = this.rest.lastIndexOf(0x0a) + 1;

    if (end === 0) return;
    for (const line of this.rest.subarray(0, end - 1).toString("utf8").split("\n"))
      this.lines.push(line);
    this.rest = this.rest.subarray(end);
  }

  close() {
    this.read();
    if (this.rest.length > 0) this.lines.push(this.rest.toString("utf8"));
    this.rest = Buffer.alloc(0);
    fs.closeSync(this.fd);
    this.fd = -1;
  }
}

export class Server {
  /*
   * program   path of pronghorn
   * app       path of the .so; false: none
   * cacheDir  value of --cache-dir; false: not given
   * bind      value of --bind; false: not given
   * workers, threads  false: not given
   * args      further arguments
   * env, cwd  of the process
   * wrapper  a command that becomes the program, such as prlimit
   * fds      descriptors it inherits as 3, 4, ...
   */
  constructor(options) {
    this.options = options;
    this.workerCount = options.workers ?? 1;
    this.args = [];
    this.flag("--bind", options.bind ?? "127.0.0.1:0");
    this.flag("--workers", options.workers ?? 1);
    this.flag("--threads", options.threads ?? 1);
    this.flag("--cache-dir", options.cacheDir);
    this.args.push(...(options.args ?? []));
    if (options.app) this.args.push(options.app);
    this.logDir = fs.mkdtempSync(path.join(os.tmpdir(), "ph-log-"));
    this.stderr = new Output(path.join(this.logDir, "stderr"));
    this.stdout = new Output(path.join(this.logDir, "stdout"));
    const command = [...(options.wrapper ?? []), options.program, ...this.args];

    this.child = spawn(command[0], command.slice(1), {
      cwd: options.cwd,
      env: cleanEnvironment(options.env),
      stdio: [
        "ignore",
        this.stdout.fd,
        this.stderr.fd,
        ...(options.fds ?? []),
      ],
    });
    this.pid = this.child.pid;
    running.add(this.child);
    this.exited = new Promise((done, fail) => {
      this.child.on("error", fail);
      this.child.on("exit", (status, sig) => {
        running.delete(this.child);
        this.end = { status, sig };
        done(this.end);
      });
    });
  }

  /* Of stderr, where the log goes. */
  get lines() {
    return this.stderr.read();
  }

  /* Of stdout. */
  get output() {
    return this.stdout.read();
  }

  flag(name, value) {
    if (value !== false && value !== undefined)
      this.args.push(name, String(value));
  }

  /* Lines of the log that match. */
  grep(pattern) {
    return this.lines.filter((line) => pattern.test(line));
  }

  /*
   * Wait until `count` lines match, from line number `from` on; gives the
   * match of the last one.
   */
  waitFor(pattern, { count = 1, seconds = 15, from = 0 } = {}) {
    return this.waitUntil(pattern, seconds, () => {
      const hits = this.lines
        .slice(from)
        .map((line) => pattern.exec(line))
        .filter((match) => match !== null);

      return hits[count - 1];
    });
  }

  /* Wait until `look` gives something. */
  async waitUntil(what, seconds, look) {
    const deadline = Date.now() + seconds * 1000 * this.options.slow;

    for (;;) {
      const { end } = this;
      const found = look();

      if (found) return found;
      if (end) throw new Error(`the server ended before ${what}`);
      if (Date.now() > deadline) throw new Error(`no log line for ${what}`);
      await new Promise((done) => setTimeout(done, 3));
    }
  }

  /* Until it serves: all workers are there. Leaves where in `address`. */
  async ready() {
    await this.waitFor(/event=master\.ready/);
    this.addresses = this.grep(/event=listen\.bound/).map(
      (line) => /address=(\S+)/.exec(line)[1],
    );
    this.address = Server.parseAddress(this.addresses[0]);
    this.host = this.addresses[0];
    this.url = `http://${this.addresses[0]}`;
    return this;
  }

  /* As net.connect() takes it. */
  static parseAddress(text) {
    if (text.startsWith("unix:")) return { path: text.slice(5) };
    const colon = text.lastIndexOf(":");

    return {
      host: text.slice(0, colon).replace(/^\[|\]$/g, ""),
      port: Number(text.slice(colon + 1)),
    };
  }

  /* Process ids of the workers that live, by slot. */
  workers() {
    const pids = new Map();

    for (const line of this.lines) {
      const ready = /event=worker\.ready slot=(\d+) child=(\d+)/.exec(line);
      const exit = /event=worker\.exit slot=(\d+) child=(\d+)/.exec(line);

      if (ready) pids.set(ready[1], Number(ready[2]));
      if (exit && pids.get(exit[1]) === Number(exit[2])) pids.delete(exit[1]);
    }
    return [...pids.values()];
  }

  keeper() {
    const lines = this.grep(/event=keeper\.fork/);

    return Number(/child=(\d+)/.exec(lines.at(-1))[1]);
  }

  /* One entry per computation of the example: { pid, category }. */
  computations() {
    return this.lines
      .map((line) => /pid=(\d+) .*Computing value with (.*)$/.exec(line))
      .filter((match) => match !== null)
      .map((match) => ({ pid: Number(match[1]), category: match[2] }));
  }

  kill(sig, pid = this.pid) {
    process.kill(pid, sig);
  }

  /* Ask it to stop and wait for its end: { status, sig }. */
  async stop(sig = "SIGTERM") {
    this.kill(sig);
    return this.exited;
  }

  /* Gone, at whatever cost; children end with their master. */
  async destroy() {
    const all = this.end || !this.pid ? [] : treeOf(this.pid);

    if (!this.end) {
      this.child.kill("SIGCONT");
      this.child.kill("SIGKILL");
    }
    await this.exited.catch(() => {});
    await allEnded(all);
    if (this.stderr.fd >= 0) {
      this.stderr.close();
      this.stdout.close();
    }
    await removeDir(this.logDir);
  }

  /* Can somebody connect? */
  accepts() {
    return new Promise((done) => {
      const socket = net.connect(this.address);
      const give = (answer) => {
        socket.destroy();
        done(answer);
      };

      socket.on("connect", () => give(true));
      socket.on("error", () => give(false));
    });
  }

  rss(pid) {
    const text = fs.readFileSync(`/proc/${pid}/status`, "latin1");

    return Number(/VmRSS:\s+(\d+) kB/.exec(text)[1]) * 1024;
  }

  report() {
    const lines = [
      `---- ${this.args.join(" ")}`,
      `---- ended: ${JSON.stringify(this.end ?? "no")}`,
      ...this.lines.slice(-REPORT_LINES),
      ...this.output.slice(-REPORT_LINES).map((line) => `stdout: ${line}`),
    ];

    return lines.join("\n");
  }
}

/* Run the program to its end: { status, sig, stdout, stderr }. */
export async function run(scene, options) {
  const server = scene.server({
    bind: false,
    workers: false,
    threads: false,
    app: false,
    cwd: scene.dir(),
    ...options,
    cacheDir: options.cacheDir ?? false,
  });
  const end = await server.exited;

  return {
    ...end,
    stdout: server.output.join("\n"),
    stderr: server.lines.join("\n"),
  };
}
