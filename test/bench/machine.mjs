/* SPDX-License-Identifier: MIT */

/*
 * The machine that is measured on: what it is, and who else is using it.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";

/* What the user can mend: told in one sentence, with status 2. */
export class Refusal extends Error {}

function output(command, args) {
  try {
    return execFileSync(command, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();
  } catch {
    return "";
  }
}

function release() {
  const text = fs.readFileSync("/etc/os-release", "utf8");

  return /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? "unknown";
}

export function describe() {
  return {
    cpu: os.cpus()[0].model.trim(),
    cpus: os.availableParallelism?.() ?? os.cpus().length,
    memory_mb: Math.round(os.totalmem() / 2 ** 20),
    kernel: os.release(),
    system: release(),
    load_before: os.loadavg()[0],
  };
}

export function commit() {
  return {
    commit: output("git", ["rev-parse", "--short=12", "HEAD"]) || "unknown",
    changed: output("git", ["status", "--porcelain", "-uno"]) !== "",
  };
}

function debianVersion(name) {
  return output("dpkg-query", ["-W", "-f", "${Version}", name]);
}

export function versions() {
  const found = {};

  for (const name of [
    "nginx-light",
    "redis-server",
    "gunicorn",
    "python3",
    "python3-flask",
    "python3-flask-caching",
    "python3-redis",
    "uvicorn",
    "python3-uvloop",
    "python3-httptools",
    "python3-starlette",
    "python3-diskcache",
    "libevent-core-2.1-7",
    "libsqlite3-0",
  ]) {
    const version = debianVersion(name);

    if (version !== "") found[name] = version;
  }
  return found;
}

/*
 * Other work on the machine disturbs less when the benchmark, generator and
 * servers alike, comes first: PRIORITY=-15, as root. Kernels that group
 * processes by session want it said for the group.
 */
export function setPriority(value) {
  if (value === undefined || value === "") return null;
  if (!/^-?\d+$/.test(value) || Number(value) < -20 || Number(value) > 19)
    throw new Refusal(`PRIORITY=${value}: expected a whole number from -20 to 19`);
  try {
    os.setPriority(0, Number(value));
  } catch (error) {
    throw new Refusal(`PRIORITY=${value}: ${error.info?.message ?? error.message}`);
  }
  try {
    fs.writeFileSync("/proc/self/autogroup", String(value));
  } catch {
    /* not grouped */
  }
  return Number(value);
}

/* Seconds all CPUs were busy since the start, by /proc/stat. */
export function busySeconds() {
  const fields = fs
    .readFileSync("/proc/stat", "latin1")
    .split("\n")[0]
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const [user, nice, system, , , irq, soft, steal] = fields;

  return (user + nice + system + irq + soft + (steal ?? 0)) / 100;
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/*
 * Wait until others leave the machine alone for a moment, but not for ever.
 * Gives the cores they used in the last look.
 */
export async function waitQuiet(patienceMs) {
  const end = Date.now() + patienceMs;

  for (;;) {
    const before = busySeconds();

    await sleep(250);
    const cores = (busySeconds() - before) / 0.25;

    if (cores < 0.15 || Date.now() > end) return cores;
  }
}

/* ---- processes that must not outlive the benchmark ------------------------------ */

function childrenOf(pid) {
  try {
    return fs
      .readdirSync(`/proc/${pid}/task`)
      .flatMap((task) =>
        fs.readFileSync(`/proc/${pid}/task/${task}/children`, "latin1").trim().split(/\s+/),
      )
      .filter((word) => word !== "")
      .map(Number);
  } catch {
    return []; /* it has just ended */
  }
}

/* A process and all that descend from it, parents first. */
export function treeOf(pid) {
  return [pid, ...childrenOf(pid).flatMap(treeOf)];
}

/* When it began: with its id the name of a process; nothing when it is gone. */
function startOf(pid) {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state, ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");

    return /[ZX]/.test(state) ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

/* Remember processes, as their ids may be others' later. */
export const remember = (pids) =>
  new Map(pids.map((pid) => [pid, startOf(pid)]).filter(([, start]) => start));

/*
 * SIGKILL to all of `known` that still run and to what descends from them, and
 * wait until they are gone, for two seconds at most. Not a group of processes:
 * node makes one only together with a session, and kernels that share the CPU
 * out by sessions would measure something else then.
 */
export function killAll(known) {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const end = performance.now() + 2000;

  for (;;) {
    for (const [pid, start] of known)
      if (startOf(pid) === start)
        for (const one of remember(treeOf(pid))) known.set(...one);
    const running = [...known].filter(([pid, start]) => startOf(pid) === start);

    if (running.length === 0 || performance.now() > end) return;
    for (const [pid] of running) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        /* gone */
      }
    }
    Atomics.wait(pause, 0, 0, 10);
  }
}

/* Proportional memory of one process in kB. */
export function pssOf(pid) {
  try {
    const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");

    return Number(/^Pss:\s+(\d+)/m.exec(text)[1]);
  } catch {
    return 0;
  }
}
