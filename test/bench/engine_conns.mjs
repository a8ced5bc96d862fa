/* SPDX-License-Identifier: MIT */

/*
 * Many connections at once: what an idle one costs, and what slow ones do to
 * a client beside them, the canary.
 */
import fs from "node:fs";
import { Worker } from "node:worker_threads";
import { say } from "./common.mjs";
import { ask, dial } from "./engine_dial.mjs";
import { sleep } from "./machine.mjs";

const addressOf = (server) => {
  const { hostname, port } = new URL(server.url);

  return { host: hostname, port: Number(port) };
};

/* The process that serves: the child that holds the listening socket's work. */
function workerOf(server) {
  const pid = server.pids[0];
  const children = fs
    .readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1")
    .trim()
    .split(/\s+/);

  /* The keeper has no event loop with a thread pool beside it. */
  return children.find((child) => fs.readdirSync(`/proc/${child}/task`).length > 1);
}

function privateKb(pid) {
  const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");

  return Number(/Private_Dirty:\s+(\d+)/.exec(text)[1]);
}

/* `count` connections, each of which has had an answer and is idle. */
export async function idle(server, count) {
  const address = addressOf(server);
  const sockets = [];
  const worker = workerOf(server);

  say(`engine: ${count} idle connections`);
  const warm = await dial(address);

  await ask(warm);
  const before = privateKb(worker);

  while (sockets.length < count) {
    const some = await Promise.all(
      Array.from({ length: 100 }, () => dial(address)),
    );

    await Promise.all(some.map(ask));
    sockets.push(...some);
  }
  const bytes = ((privateKb(worker) - before) * 1024) / count;

  for (const socket of [warm, ...sockets]) socket.destroy();
  return {
    what: `${count} idle keep-alive connections, bytes each`,
    value: bytes,
    target: 1024,
    met: bytes < 1024,
  };
}

const SLOW = {
  /* A head that comes a byte at a time. */
  head: {
    begin: (socket) => socket.write("GET / HTTP/1.1\r\nHost: a\r\n"),
    step: (socket) => socket.write("X"),
  },
  /* A body that does. */
  body: {
    begin: (socket) =>
      socket.write(
        "POST /_dash-update-component HTTP/1.1\r\nHost: a\r\n" +
          "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n",
      ),
    step: (socket) => socket.write(" "),
  },
  /* Large answers asked for again and again, and never read. */
  read: {
    begin: (socket) => {
      socket.pause();
      socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100));
    },
    step: () => {},
  },
  /* An answer that the app makes for each of them, and that is never read. */
  "read of 1 MB": {
    begin: (socket) => {
      socket.pause();
      socket.write("GET /bytes?count=1000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    },
    step: () => {},
  },
};

/* The canary at work; the times of its answers come with end(). */
async function watch(address) {
  const thread = new Worker(new URL("engine_canary.mjs", import.meta.url), { workerData: address });
  const next = () =>
    new Promise((done, fail) => {
      thread.once("message", done);
      thread.once("error", fail);
    });

  await next();
  return {
    end() {
      thread.postMessage("end");
      return next();
    },
  };
}

/*
 * p99 of a canary's answers, at most a hundred a second, while `count` slow
 * clients come and for as long as they stay.
 */
export async function slow(server, kind, count, seconds) {
  const address = addressOf(server);
  const sockets = [];
  const end = performance.now() + seconds * 1000;
  let at = 0;

  say(`engine: ${count} clients with a slow ${kind}`);
  const canary = await watch(address);

  while (sockets.length < count) {
    const some = await Promise.all(
      Array.from({ length: 50 }, () => dial(address)),
    );

    some.forEach(SLOW[kind].begin);
    sockets.push(...some);
  }
  /* Each slow client moves once a second. */
  const timer = setInterval(() => {
    for (let i = 0; i < count / 100; i++)
      SLOW[kind].step(sockets[at++ % sockets.length]);
  }, 10);

  await sleep(Math.max(0, end - performance.now()));
  const times = await canary.end();

  clearInterval(timer);
  for (const socket of sockets) socket.destroy();
  times.sort((a, b) => a - b);
  const p99 = times[Math.ceil(times.length * 0.99) - 1];

  return {
    what: `${count} clients with a slow ${kind}: p99 of a canary, ms`,
    value: p99,
    target: 50,
    met: p99 < 50,
  };
}
