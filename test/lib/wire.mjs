/* SPDX-License-Identifier: MIT */

/*
 * A connection as a test wants it: exact bytes out, exact answers in.
 *
 * Answers are parsed more strictly than any browser does, so that a server
 * that is a little wrong is found out.
 */
import assert from "node:assert/strict";
import net from "node:net";

const EMPTY = Buffer.alloc(0);

function parseHead(text) {
  const lines = text.split("\r\n");
  const line = /^HTTP\/1\.1 (\d{3}) ([ -~]+)$/.exec(lines[0]);

  assert.ok(line, `not a status line: ${JSON.stringify(lines[0])}`);
  const fields = new Map();
  const cookies = [];

  for (const field of lines.slice(1)) {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([ -~]*)$/.exec(field);

    assert.ok(match, `not a field: ${JSON.stringify(field)}`);
    const name = match[1].toLowerCase();

    if (name === "set-cookie") cookies.push(match[2]);
    else assert.ok(!fields.has(name), `field ${name} twice`);
    fields.set(name, match[2]);
  }
  return { status: Number(line[1]), reason: line[2], fields, cookies };
}

export class Answer {
  constructor(head, body) {
    Object.assign(this, head);
    this.body = body;
  }

  field(name) {
    return this.fields.get(name);
  }

  get text() {
    return this.body.toString("utf8");
  }

  json() {
    return JSON.parse(this.text);
  }
}

export class Wire {
  constructor(socket) {
    this.socket = socket;
    this.chunks = [];
    this.size = 0;
    this.ended = false;
    this.waiting = null;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => {
      this.chunks.push(chunk);
      this.size += chunk.length;
      this.wake();
    });
    socket.on("end", () => {
      this.ended = true;
      this.wake();
    });
    socket.on("error", (error) => {
      this.error = error;
      this.ended = true;
      this.wake();
    });
    this.closed = new Promise((done) => {
      socket.on("close", () => {
        this.ended = true;
        this.wake();
        done();
      });
    });
  }

  /* `address` as net.connect() takes it. `reading` false: see read(). */
  static connect(address, { reading = true } = {}) {
    return new Promise((done, fail) => {
      const socket = net.connect({ ...address, allowHalfOpen: true });

      socket.once("error", fail);
      socket.once("connect", () => {
        const wire = new Wire(socket);

        socket.off("error", fail);
        if (!reading) socket.pause();
        done(wire);
      });
    });
  }

  wake() {
    const waiting = this.waiting;

    this.waiting = null;
    if (waiting) waiting();
  }

  /* Until more has come, or the end. */
  more() {
    assert.equal(this.waiting, null, "two wait on one connection");
    return new Promise((done) => {
      this.waiting = done;
    });
  }

  /* Everything that has come and was not taken. */
  peek() {
    if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks)];
    return this.chunks[0] ?? EMPTY;
  }

  take(count) {
    const all = this.peek();

    this.chunks = [all.subarray(count)];
    this.size = all.length - count;
    return all.subarray(0, count);
  }

  get localPort() {
    return this.socket.localPort;
  }

  write(bytes) {
    return new Promise((done) => this.socket.write(bytes, () => done()));
  }

  /* Send each piece when the one before has reached the socket. */
  async writePieces(pieces) {
    for (const piece of pieces) {
      await this.write(piece);
      await new Promise((done) => setImmediate(done));
    }
  }

  /* No more bytes from us; the answer can still come. */
  finish() {
    this.socket.end();
  }

  read() {
    this.socket.resume();
  }

  destroy() {
    this.socket.destroy();
  }

  async takeHead() {
    let at = this.peek().indexOf("\r\n\r\n");

    while (at < 0) {
      if (this.ended) return null;
      await this.more();
      at = this.peek().indexOf("\r\n\r\n");
    }
    return parseHead(this.take(at + 4).toString("latin1").slice(0, -4));
  }

  async takeBody(length) {
    while (this.size < length) {
      if (this.ended)
        throw new Error(`the end after ${this.size} of ${length} bytes`);
      await this.more();
    }
    return this.take(length);
  }

  /* The next final answer. `head`: it was asked for with HEAD. */
  async answer({ head = false, interim = false } = {}) {
    const parsed = await this.takeHead();

    if (parsed === null)
      throw new Error(
        `the connection ended without an answer, ${this.size} bytes before` +
          (this.error ? `: ${this.error.code}` : ""),
      );
    if (parsed.status >= 100 && parsed.status < 200)
      return interim ? new Answer(parsed, EMPTY) : this.answer({ head });
    const length = parsed.fields.get("content-length");

    if (parsed.status === 204 || parsed.status === 304) {
      assert.equal(length, undefined, "no length where there is no body");
      return new Answer(parsed, EMPTY);
    }
    assert.match(length ?? "none", /^\d+$/, "Content-Length");
    const body = head ? EMPTY : await this.takeBody(Number(length));

    return new Answer(parsed, body);
  }

  /* All answers until the server closes, and the bytes that are left. */
  async answers() {
    const list = [];

    for (;;) {
      while (this.size === 0 && !this.ended) await this.more();
      if (this.size === 0) return list;
      list.push(await this.answer());
    }
  }

  /* Until the server has closed its side; gives the bytes that came. */
  async rest() {
    while (!this.ended) await this.more();
    return this.take(this.size);
  }
}

/* A request head with the fields a browser always sends, and the body. */
export function request(method, target, { fields = {}, body, host } = {}) {
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${host ?? "test"}`];

  for (const [name, value] of Object.entries(fields))
    lines.push(`${name}: ${value}`);
  if (body !== undefined)
    lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.concat([
    Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"),
    Buffer.from(body ?? ""),
  ]);
}

export const get = (target, options) => request("GET", target, options);

export function post(body, { fields, target, ...rest } = {}) {
  return request("POST", target ?? "/_dash-update-component", {
    ...rest,
    fields: { "Content-Type": "application/json", ...fields },
    body: typeof body === "string" || Buffer.isBuffer(body)
      ? body
      : JSON.stringify(body),
  });
}
