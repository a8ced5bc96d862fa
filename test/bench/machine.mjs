/* SPDX-License-Identifier: MIT */

/*
 * The machine that is measured on: what it is, and who else is using it.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";

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
  os.setPriority(0, Number(value));
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

/* Proportional memory of one process in kB. */
export function pssOf(pid) {
  try {
    const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");

    return Number(/^Pss:\s+(\d+)/m.exec(text)[1]);
  } catch {
    return 0;
  }
}
