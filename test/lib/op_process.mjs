/* SPDX-License-Identifier: MIT */

/*
 * What /proc tells about processes, and ending whole trees of them.
 */
import fs from "node:fs";

/*
 * It runs: a zombie has ended. But a process whose first thread has ended is a
 * zombie to look at while the others still close its files: only the end of
 * the last thread counts.
 */
export function isAlive(pid) {
  let threads;

  try {
    threads = fs.readdirSync(`/proc/${pid}/task`);
  } catch {
    return false;
  }
  return threads.some((tid) => {
    try {
      const stat = fs.readFileSync(`/proc/${pid}/task/${tid}/stat`, "latin1");

      return !/^\d+ \(.*\) [ZX]/s.test(stat);
    } catch {
      return false;
    }
  });
}

/* A process and all that descend from it. */
export function treeOf(pid) {
  return [pid, ...childPids(pid).flatMap(treeOf)];
}

/*
 * Wait until none of `pids` runs. A killed process may take a while to go, as
 * the kernel frees its memory and closes its files first.
 */
export async function allEnded(pids, seconds = 20) {
  const deadline = Date.now() + seconds * 1000;

  while (pids.some(isAlive)) {
    if (Date.now() > deadline)
      throw new Error(`still alive: ${pids.filter(isAlive).join(" ")}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}

/* kill -9 for a master; its children end with it. */
export async function endTree(pid) {
  const all = treeOf(pid);

  if (isAlive(pid)) process.kill(pid, "SIGKILL");
  await allEnded(all);
}

/* Names of the live children of a process. */
export function childrenOf(pid) {
  return childPids(pid).map(commOf);
}

/* Their process ids; zombies do not count. */
export function childPids(pid) {
  const found = [];

  for (const entry of fs.readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = fs.readFileSync(`/proc/${entry}/stat`, "latin1");
      const rest = stat.slice(stat.lastIndexOf(")") + 2).split(" ");

      if (Number(rest[1]) === pid && isAlive(entry)) found.push(Number(entry));
    } catch {
      /* it has ended meanwhile */
    }
  }
  return found;
}

export function commOf(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/comm`, "latin1").trim();
  } catch {
    return "";
  }
}

/* Seconds of processor time that a process has used. */
export function cpuSeconds(pid) {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
  const field = stat.slice(stat.lastIndexOf(")") + 2).split(" ");

  return (Number(field[11]) + Number(field[12])) / 100;
}

/* Descriptors that it has open. */
export const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;

/* Files without a name that a process holds. */
export function spools(pid) {
  return fs.readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return /^\/(?!memfd:).* \(deleted\)$/.test(fs.readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      return false;
    }
  }).length;
}
