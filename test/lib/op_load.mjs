/* SPDX-License-Identifier: MIT */

/*
 * Steady load from clients that count every request which was not answered
 * as it should be. A keep-alive client that finds its connection closed
 * between two requests opens another one, as a browser does; a request that
 * was written and not answered is a failure.
 */
import net from "node:net";

const REQUEST = "GET /_dash-layout HTTP/1.1\r\nHost: test\r\n\r\n";
const LAST =
  "GET /_dash-layout HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

/* Bytes of the first whole answer in `text`, 0: not there yet. */
function answerLength(text) {
  const end = text.indexOf("\r\n\r\n");

  if (end < 0) return 0;
  const match = /^content-length: (\d+)\r?$/im.exec(text.slice(0, end + 2));
  const length = end + 4 + (match ? Number(match[1]) : 0);

  return text.length >= length ? length : 0;
}

export class Load {
  /*
   * keepAlive: clients that keep their connection; single: clients that open
   * one per request.
   */
  constructor(address, { keepAlive = 4, single = 4 } = {}) {
    this.address = address;
    this.answered = 0;
    this.failures = [];
    this.running = true;
    this.clients = [];
    for (let i = 0; i < keepAlive; i++) this.clients.push(this.keepOn());
    for (let i = 0; i < single; i++) this.clients.push(this.oneByOne());
  }

  take(text) {
    if (text.startsWith("HTTP/1.1 200 ")) this.answered++;
    else this.failures.push(text.slice(0, 60));
  }

  /* A connection whose requests are asked one after the other. */
  open() {
    const socket = net.connect(this.address);
    const state = { socket, text: "", closed: false, waiter: null };
    const look = (error) => {
      if (error) state.error = error;
      if (state.waiter) state.waiter();
    };

    socket.setEncoding("latin1");
    socket.on("data", (text) => {
      state.text += text;
      look();
    });
    socket.on("error", look);
    socket.on("close", () => {
      state.closed = true;
      look();
    });
    return state;
  }

  /* "ok", "closed" (before any byte of an answer) or "failed". */
  ask(state, bytes) {
    return new Promise((done) => {
      const look = () => {
        const length = answerLength(state.text);

        if (length === 0 && !state.closed) return;
        state.waiter = null;
        if (length > 0) {
          this.take(state.text);
          state.last = /^connection: close\r?$/im.test(
            state.text.slice(0, length),
          );
          state.text = state.text.slice(length);
          done("ok");
        } else {
          done(state.text === "" ? "closed" : "failed");
        }
      };

      state.waiter = look;
      state.socket.write(bytes);
      look();
    });
  }

  async keepOn() {
    let state = null;
    let asked = 0;

    while (this.running) {
      if (state === null || state.closed) {
        state = this.open();
        asked = 0;
      }
      const outcome = await this.ask(state, REQUEST);

      asked++;
      if (outcome === "ok") {
        if (state.last) state = null; /* as RFC 9112 section 9.6 asks */
        continue;
      }
      /*
       * RFC 9112 section 9.3.1: a server may close an idle connection at the
       * moment the client writes; then nothing was read, and it ends
       * orderly, not by a reset.
       */
      if (outcome === "failed" || asked === 1 || state.error)
        this.failures.push(`keep-alive: ${outcome} ${state.error ?? ""}`);
      else this.raced = (this.raced ?? 0) + 1;
      state = null;
    }
    state?.socket.destroy();
  }

  async oneByOne() {
    while (this.running) {
      const state = this.open();
      const outcome = await this.ask(state, LAST);

      if (outcome !== "ok")
        this.failures.push(`single: ${outcome} ${state.error ?? ""}`);
      state.socket.destroy();
    }
  }

  async stop() {
    this.running = false;
    await Promise.all(this.clients);
    return this;
  }
}
