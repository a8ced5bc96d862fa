/* SPDX-License-Identifier: MIT */

/* Plain connections to a server, and a request on one of them. */
import net from "node:net";

const HEALTH = "GET /_ph/health HTTP/1.1\r\nHost: a\r\n\r\n";

export function dial(address, options = {}) {
  return new Promise((done, fail) => {
    const socket = net.connect({ ...address, ...options });

    socket.once("connect", () => {
      socket.off("error", fail);
      socket.on("error", () => {});
      done(socket);
    });
    socket.once("error", fail);
  });
}

/* One request on a connection of its own: milliseconds until its answer. */
export function ask(socket) {
  const start = performance.now();

  return new Promise((done, fail) => {
    const closed = () => fail(new Error("closed"));

    socket.once("data", () => {
      socket.off("close", closed);
      done(performance.now() - start);
    });
    socket.once("close", closed);
    socket.write(HEALTH);
  });
}
