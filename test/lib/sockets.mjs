/* SPDX-License-Identifier: MIT */

/*
 * Which worker has accepted which connection, and how far it is: /proc knows,
 * the protocol does not tell.
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

/*
 * Rows of /proc/net/tcp: { local, remote, state, unsent, unread, inode }; ports
 * and bytes as numbers.
 */
function tcpRows() {
  const parts = (text) => text.split(":").map((part) => parseInt(part, 16));
  const port = (text) => parts(text)[1];

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
      unsent: parts(column[4])[0],
      unread: parts(column[4])[1],
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

/* The server's side of the connection of a client's port. */
function side(server, port) {
  return tcpRows().find((row) => row.local === server.address.port && row.remote === port);
}

/* Has the server more to send than the client takes? */
export const isFull = (server, port) => side(server, port)?.unsent > 0;

/* Has it read all that the client has sent? */
export const isRead = (server, port) => side(server, port)?.unread === 0;

/* Has the client's end come? */
export const hasEnded = (server, port) => side(server, port)?.state === "08";

/* How many connections of clients does the server hold? */
export function connectionCount(server) {
  return owners(server).size - (owners(server).has(0) ? 1 : 0);
}
