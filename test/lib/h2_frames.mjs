/* SPDX-License-Identifier: MIT */

/*
 * HTTP/2 frame by frame, for what no client library would send. Heads are
 * literals without Huffman codes.
 */
import assert from "node:assert/strict";
import tls from "node:tls";

export const TYPE = {
  DATA: 0, HEADERS: 1, PRIORITY: 2, RST_STREAM: 3, SETTINGS: 4, PING: 6, GOAWAY: 7,
  WINDOW_UPDATE: 8, CONTINUATION: 9,
};
export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export function frame(type, flags, stream, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(9);

  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/* A number with a prefix of 7 bits. */
function number7(value) {
  const bytes = [];

  if (value < 127) return Buffer.from([value]);
  for (value -= 127; value > 127; value >>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([127, ...bytes, value]);
}

/* Fields as literals; `kept`: in the dynamic table, too. */
export function block(fields, { kept = false } = {}) {
  return Buffer.concat(
    Object.entries(fields).flatMap(([name, value]) => [
      Buffer.from([kept ? 0x40 : 0]),
      number7(Buffer.byteLength(name)),
      Buffer.from(name),
      number7(Buffer.byteLength(value)),
      Buffer.from(value),
    ]),
  );
}

export const HEAD = {
  ":method": "GET", ":scheme": "https", ":path": "/_ph/health",
  ":authority": "a",
};

export const u32 = (value) => {
  const bytes = Buffer.alloc(4);

  bytes.writeUInt32BE(value);
  return bytes;
};

/* A connection: what has come is in `frames`. */
export class Frames {
  static connect(server, settings = Buffer.alloc(0)) {
    return new Promise((done, fail) => {
      const socket = tls.connect({
        ...server.address,
        rejectUnauthorized: false,
        ALPNProtocols: ["h2"],
      });

      socket.once("error", fail);
      socket.once("secureConnect", () => {
        const it = new Frames(socket);

        socket.off("error", fail);
        assert.equal(socket.alpnProtocol, "h2");
        socket.write(
          Buffer.concat([PREFACE, frame(TYPE.SETTINGS, 0, 0, settings)]),
        );
        done(it);
      });
    });
  }

  constructor(socket) {
    this.socket = socket;
    this.frames = [];
    this.rest = Buffer.alloc(0);
    this.ended = false;
    socket.on("error", () => {});
    socket.on("data", (data) => this.parse(data));
    socket.on("close", () => (this.ended = true));
    socket.on("end", () => (this.ended = true));
  }

  parse(data) {
    let bytes = Buffer.concat([this.rest, data]);

    while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
      const end = 9 + bytes.readUIntBE(0, 3);

      this.frames.push({
        type: bytes[3],
        flags: bytes[4],
        stream: bytes.readUInt32BE(5) & 0x7fffffff,
        payload: bytes.subarray(9, end),
      });
      bytes = bytes.subarray(end);
    }
    this.rest = Buffer.from(bytes);
  }

  /* Resolves when the socket has taken it, or is gone. */
  send(...frames) {
    return new Promise((done) => {
      if (this.ended || this.socket.destroyed) done();
      else this.socket.write(Buffer.concat(frames), () => done());
    });
  }

  of(type, stream) {
    return this.frames.filter(
      (each) => each.type === type && (stream === undefined || each.stream === stream),
    );
  }

  destroy() {
    this.socket.destroy();
  }
}
