/* SPDX-License-Identifier: MIT */

/*
 * A server under test: a real process on a port of the kernel's choice, its
 * log read line by line.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";

const REPORT_LINES = 120;
const running = new Set();

/* Even a runner that gives up leaves no server behind. */
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/* The variables that change the server's settings are not ours to inherit. */
function cleanEnvironment(extra) {
  const env = { ...process.env };

  for (const name of ["PORT", "WEB_CONCURRENCY", "PRONGHORN_CMD_ARGS"])
    delete env[name];
  return { ...env, ...extra };
}

/* Lines of a stream, as they come. */
function readLines(stream, take) {
  let rest = "";

  stream.setEncoding("utf8");
  stream.on("data", (text) => {
    const lines = (rest + text).split("\n");

    rest = lines.pop();
    lines.forEach(take);
  });
  stream.on("end", () => {
    if (rest !== "") take(rest);
  });
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
    this.lines = []; /* of stderr, where the log goes */
    this.output = []; /* of stdout */
    this.watchers = new Set();
    const command = [...(options.wrapper ?? []), options.program, ...this.args];

    this.child = spawn(command[0], command.slice(1), {
      cwd: options.cwd,
      env: cleanEnvironment(options.env),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.pid = this.child.pid;
    running.add(this.child);
    readLines(this.child.stderr, (line) => this.take(this.lines, line));
    readLines(this.child.stdout, (line) => this.take(this.output, line));
    this.exited = new Promise((done, fail) => {
      this.child.on("error", fail);
      this.child.on("exit", () => running.delete(this.child));
      /* After the streams have ended, so no line is missing. */
      this.child.on("close", (status, sig) => {
        this.end = { status, sig };
        for (const watcher of this.watchers) watcher();
        done(this.end);
      });
    });
  }

  flag(name, value) {
    if (value !== false && value !== undefined)
      this.args.push(name, String(value));
  }

  take(list, line) {
    list.push(line);
    for (const watcher of this.watchers) watcher();
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

  /* Wait until `look` gives something; it is called for each new line. */
  waitUntil(what, seconds, look) {
    return new Promise((done, fail) => {
      const give = (act, value) => {
        clearTimeout(timer);
        this.watchers.delete(watcher);
        act(value);
      };
      const watcher = () => {
        const found = look();

        if (found) give(done, found);
        else if (this.end)
          give(fail, new Error(`the server ended before ${what}`));
      };
      const timer = setTimeout(
        () => give(fail, new Error(`no log line for ${what}`)),
        seconds * 1000 * this.options.slow,
      );

      this.watchers.add(watcher);
      watcher();
    });
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
    if (!this.end) {
      this.child.kill("SIGCONT");
      this.child.kill("SIGKILL");
    }
    await this.exited.catch(() => {});
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
