/* SPDX-License-Identifier: MIT */

/*
 * What /proc tells about processes.
 */
import fs from "node:fs";

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

      if (Number(rest[1]) === pid && rest[0] !== "Z") found.push(Number(entry));
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
