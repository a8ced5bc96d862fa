/* SPDX-License-Identifier: MIT */

/*
 * Which worker has accepted which connection: /proc knows, the protocol does
 * not tell.
 */
import fs from "node:fs";

function socketInodes(pid) {
  const inodes = [];

  for (const fd of fs.readdirSync(`/proc/${pid}/fd`)) {
    try {
      const link = fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
      const match = /^socket:\[(\d+)\]$/.exec(link);

      if (match) inodes.push(match[1]);
    } catch {
      /* closed meanwhile */
    }
  }
  return inodes;
}

/* Rows of /proc/net/tcp: { local, remote, state, inode }; ports as numbers. */
function tcpRows() {
  const port = (text) => parseInt(text.split(":")[1], 16);

  return fs
    .readFileSync("/proc/net/tcp", "latin1")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .map((column) => ({
      local: port(column[1]),
      remote: port(column[2]),
      state: column[3],
      inode: column[9],
    }));
}

/* Map of a client's port to the pid that has its connection. */
export function owners(server) {
  const pidOf = new Map();
  const owner = new Map();

  for (const pid of server.workers())
    for (const inode of socketInodes(pid)) pidOf.set(inode, pid);
  for (const row of tcpRows())
    if (row.local === server.address.port && pidOf.has(row.inode))
      owner.set(row.remote, pidOf.get(row.inode));
  return owner;
}

/* How many connections of clients does the server hold? */
export function connectionCount(server) {
  return owners(server).size - (owners(server).has(0) ? 1 : 0);
}
