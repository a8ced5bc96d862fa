/* SPDX-License-Identifier: MIT */

/*
 * TLS from outside: versions, names, client certificates, tickets over all
 * workers, large answers in both directions, and clients that get it wrong.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import tls from "node:tls";
import { certificate } from "../lib/certificate.mjs";
import { now, SLOW, test, until, within } from "../lib/harness.mjs";
import { cpuSeconds } from "../lib/op_process.mjs";
import { get, request, Wire } from "../lib/wire.mjs";
import { call, result } from "../lib/zoo.mjs";

async function start(scene, { args = [], workers = 1, ...options } = {}) {
  const dir = scene.dir();
  const pair = certificate(dir, "app.example", { alt: "DNS:app.example" });
  const server = await scene.start({
    app: "zoo",
    threads: 2,
    workers,
    ...options,
    args: ["--certfile", pair.cert, "--keyfile", pair.key, ...args],
  });

  return { dir, pair, server };
}

/* A TLS connection as a Wire, with its socket. */
function connect(server, options = {}) {
  return new Promise((done, fail) => {
    const socket = tls.connect({
      ...server.address,
      servername: "app.example",
      rejectUnauthorized: false,
      ...options,
    });

    if (options.onSession) socket.on("session", options.onSession);
    socket.once("error", fail);
    socket.once("secureConnect", () => {
      socket.off("error", fail);
      done(new Wire(socket));
    });
  });
}

test("requests over TLS", async (t, scene) => {
  const { server } = await start(scene);

  for (const version of ["TLSv1.2", "TLSv1.3"]) {
    const wire = await connect(server, {
      minVersion: version,
      maxVersion: version,
    });

    assert.equal(wire.socket.getProtocol(), version);
    wire.write(get("/_ph/health"));
    assert.equal((await wire.answer()).text, "ok\n");
    /* Large both ways, and pipelined. */
    const value = "x".repeat(3e6);

    wire.write(call("echo", value));
    assert.equal(result(await wire.answer(), "echo"), value);
    wire.write(Buffer.concat([...Array(50).fill(get("/")), call("echo", 1)]));
    const first = (await wire.answer()).text;

    for (let i = 1; i < 50; i++) assert.equal((await wire.answer()).text, first);
    assert.equal(result(await wire.answer(), "echo"), 1);
    wire.write(get("/", { fields: { Connection: "close" } }));
    assert.equal((await wire.answer()).text, first);
    await wire.rest();
    assert.equal(wire.error, undefined, "closed with a goodbye");
  }
  for (const version of ["TLSv1", "TLSv1.1"])
    await assert.rejects(
      connect(server, {
        minVersion: version,
        maxVersion: version,
        ciphers: "DEFAULT@SECLEVEL=0",
      }),
    );
});

/* What is held back for an answer waits for none: the kernel would give it
 * up after 200 ms. */
test("a ticket without a request, an answer that takes its time", async (t, scene) => {
  const { server } = await start(scene);
  const times = [];

  for (let i = 0; i < 9; i++) {
    const begin = now();

    await new Promise((done, fail) => {
      connect(server, { onSession: done }).then((wire) => scene.wires.push(wire), fail);
    });
    times.push(now() - begin);
  }
  times.sort((a, b) => a - b);
  within(t, "a ticket", times[4], 150);
  let ticket = 0;
  const begin = now();
  const wire = await connect(server, { onSession: () => (ticket = now() - begin) });

  wire.write(call("naps", 0.6 * SLOW));
  assert.equal(result(await wire.answer(), "naps"), "rested");
  assert.ok(ticket > 0 && ticket < 500 * SLOW, `a ticket after ${ticket} ms`);
});

test("a reader that is late", async (t, scene) => {
  const { server } = await start(scene);
  const wire = await connect(server);

  wire.socket.pause();
  wire.write(Buffer.concat(Array(3).fill(call("big_memoized", "v"))));
  const other = await connect(server);

  other.write(get("/_ph/health"));
  assert.equal((await other.answer()).status, 200);
  wire.read();
  const first = (await wire.answer()).body;

  assert.ok(first.length > 20e6);
  for (let i = 0; i < 2; i++) assert.ok((await wire.answer()).body.equals(first));
});

test("assets by file over TLS", async (t, scene) => {
  const root = path.join(scene.dir(), "assets");
  const data = Buffer.alloc(3000001, "0123456789abc");

  fs.mkdirSync(root);
  fs.writeFileSync(path.join(root, "big.bin"), data);
  const { server } = await start(scene, { args: ["--assets-folder", root] });
  const wire = await connect(server);

  wire.socket.pause();
  for (let i = 0; i < 4; i++) wire.write(get("/assets/big.bin"));
  wire.read();
  for (let i = 0; i < 4; i++)
    assert.ok((await wire.answer()).body.equals(data), `number ${i}`);
});

test("tickets work over all workers, and over a reload [H17]", async (t, scene) => {
  const { server } = await start(scene, { workers: 4 });

  for (const version of ["TLSv1.2", "TLSv1.3"]) {
    const versions = { minVersion: version, maxVersion: version };
    let session;
    const once = async () => {
      const onSession = (fresh) => (session = fresh);
      const wire = await connect(server, { ...versions, session, onSession });

      wire.write(get("/_ph/health"));
      assert.equal((await wire.answer()).status, 200);
      const reused = wire.socket.isSessionReused();

      await until("a ticket", () => session !== undefined);
      wire.destroy();
      return reused;
    };

    assert.equal(await once(), false);
    let reused = 0;

    for (let i = 0; i < 40; i++) reused += await once();
    t.diagnostic(`${version}: ${reused} of 40 resumed over 4 workers`);
    assert.equal(reused, 40);
    server.kill("SIGHUP");
    await server.waitFor(/event=master\.restarted/, {
      count: version === "TLSv1.2" ? 1 : 2,
    });
    assert.equal(await once(), true, "the keys before the reload still open");
  }
});

test("a ticket is good for the name it was given for [H17]", async (t, scene) => {
  const dir = scene.dir();
  const two = certificate(dir, "two.example", { alt: "DNS:two.example" });
  const { server } = await start(scene, {
    args: ["--sni-certfile", `${two.cert}:${two.key}`],
  });

  for (const version of ["TLSv1.2", "TLSv1.3"]) {
    const visit = async (servername, session) => {
      let fresh;
      const wire = await connect(server, {
        ...{ minVersion: version, maxVersion: version, servername, session },
        onSession: (ticket) => (fresh ??= ticket),
      });

      wire.write(get("/_ph/health"));
      assert.equal((await wire.answer()).status, 200);
      const reused = wire.socket.isSessionReused();

      if (!session) await until("a ticket", () => fresh);
      wire.destroy();
      return { reused, fresh };
    };
    const names = ["app.example", "two.example", "other.example", ""];

    for (const given of names)
      for (const asked of names) {
        const { fresh } = await visit(given);
        const { reused } = await visit(asked, fresh);

        assert.equal(reused, given === asked, `${version}: "${given}", then "${asked}"`);
      }
    const { fresh } = await visit("two.example");

    assert.equal((await visit("TWO.example", fresh)).reused, true, "case is no difference");
  }
});

/* Whether the check finds it or the new workers: no process has other keys
 * then, so a worker that is forked later opens the tickets of before. */
for (const [what, spoil, mend] of [
  ["the check", (file) => fs.writeFileSync(file, ""), (file) => fs.rmSync(file)],
  ["the workers", (file) => fs.writeFileSync(`${file}.wears`, ""),
    (file) => fs.rmSync(`${file}.wears.worn`)],
])
  test(`a reload that fails in ${what} changes no keys`, async (t, scene) => {
    const file = path.join(scene.dir(), "broken");
    const { server } = await start(scene, {
      app: "op_faults",
      env: { OP_BROKEN: file, OP_WEARS_OUT: `${file}.wears` },
    });
    let session;
    const once = async () => {
      const wire = await connect(server, { session, onSession: (fresh) => (session ??= fresh) });

      wire.write(get("/_ph/health"));
      assert.equal((await wire.answer()).status, 200);
      await until("a ticket", () => session !== undefined);
      const reused = wire.socket.isSessionReused();

      wire.destroy();
      return reused;
    };

    assert.equal(await once(), false);
    /* Twice, as the keys before the last ones still open tickets. */
    for (let round = 1; round <= 2; round++) {
      spoil(file);
      server.kill("SIGHUP");
      await server.waitFor(/event=master\.reload_failed/, { count: round });
      mend(file);
    }
    const ready = server.grep(/event=worker\.ready/).length;

    server.kill("SIGKILL", server.workers()[0]);
    await server.waitFor(/event=worker\.ready/, { count: ready + 1 });
    assert.equal(await once(), true);
    server.kill("SIGHUP");
    await server.waitFor(/event=master\.restarted/);
    assert.equal(await once(), true, "a good one opens them, too");
    server.kill("SIGHUP");
    await server.waitFor(/event=master\.restarted/, { count: 2 });
    assert.equal(await once(), false, "and the next one has forgotten them");
  });

test("old tickets are refused, at the same time by all [H17]", async (t, scene) => {
  const { server } = await start(scene, {
    workers: 3,
    args: ["--tls-ticket-period", "2"],
  });
  /* Try a ticket; gives whether it was good, and a fresh one. */
  const use = async (session) => {
    let fresh;
    const wire = await connect(server, {
      session,
      onSession: (ticket) => (fresh ??= ticket),
    });

    wire.write(get("/_ph/health"));
    assert.equal((await wire.answer()).status, 200);
    await until("a ticket", () => fresh);
    const good = wire.socket.isSessionReused();

    wire.destroy();
    return [good, fresh];
  };
  const [, first] = await use();

  assert.equal((await use(first))[0], true, "at once");
  await until("its end", async () => !(await use(first))[0], 10);
  /* Refused by one worker, it is refused by all; new ones are good. */
  for (let i = 0; i < 12; i++) assert.equal((await use(first))[0], false);
  const [, second] = await use();

  for (let i = 0; i < 12; i++) assert.equal((await use(second))[0], true);
});

test("names and their certificates [H17]", async (t, scene) => {
  const dir = scene.dir();
  const one = certificate(dir, "one.example", { alt: "DNS:one.example" });
  const two = certificate(dir, "two.example", { alt: "DNS:two.example" });
  const { server } = await start(scene, {
    args: [
      "--sni-certfile", `${one.cert}:${one.key}`,
      "--sni-certfile", `${two.cert}:${two.key}`,
    ],
  });

  for (const [asked, got] of [
    ["one.example", "one.example"],
    ["two.example", "two.example"],
    ["TWO.example", "two.example"],
    ["app.example", "app.example"],
    ["other.example", "app.example"],
    ["", "app.example"],
  ]) {
    const wire = await connect(server, { servername: asked });

    assert.equal(wire.socket.getPeerCertificate().subject.CN, got, asked);
    wire.destroy();
  }
});

test("client certificates", async (t, scene) => {
  const dir = scene.dir();
  const ca = certificate(dir, "clients");
  const stranger = certificate(dir, "stranger");
  const ask = async (server, options) => {
    const wire = await connect(server, options);

    wire.write(get("/_ph/health"));
    return (await wire.answer()).status;
  };
  const good = { cert: fs.readFileSync(ca.cert), key: fs.readFileSync(ca.key) };
  const bad = { cert: fs.readFileSync(stranger.cert), key: fs.readFileSync(stranger.key) };
  const required = await start(scene, {
    args: ["--ca-certs", ca.cert, "--cert-reqs", "2"],
  });

  assert.equal(await ask(required.server, good), 200);
  await assert.rejects(ask(required.server, {}));
  await assert.rejects(ask(required.server, bad));
  const optional = await start(scene, {
    args: ["--ca-certs", ca.cert, "--cert-reqs", "1"],
  });

  assert.equal(await ask(optional.server, good), 200);
  assert.equal(await ask(optional.server, {}), 200);
  await assert.rejects(ask(optional.server, bad));
});

test("clients that get it wrong [24] [H17]", async (t, scene) => {
  const { server } = await start(scene, {
    args: ["--tls-handshake-timeout", "0.7"],
  });
  const used = cpuSeconds(server.workers()[0]);

  for (let i = 0; i < 20; i++) {
    const plain = await Wire.connect(server.address);

    plain.write(get("/"));
    const refused = await plain.answer();

    assert.equal(refused.status, 400);
    assert.equal(refused.field("connection"), "close");
    await plain.rest();
    plain.destroy();
  }
  assert.ok(cpuSeconds(server.workers()[0]) - used < SLOW, "it does not spin");

  /* Garbage, and handshakes cut anywhere. */
  const hello = await new Promise((done) => {
    const listener = net.createServer((socket) =>
      socket.once("data", (bytes) => {
        socket.destroy();
        listener.close();
        done(bytes);
      }),
    );

    listener.listen(0, "127.0.0.1", () =>
      tls
        .connect({ port: listener.address().port, host: "127.0.0.1" })
        .on("error", () => {}),
    );
  });

  for (let i = 0; i < 200; i++) {
    const bytes = Buffer.from(hello.subarray(0, 1 + ((i * 37) % hello.length)));

    if (i % 2) bytes[(i * 31) % bytes.length] ^= 1 << i % 8;
    const wire = await Wire.connect(server.address);

    wire.write(i % 5 === 0 ? Buffer.alloc(300, i) : bytes);
    if (i % 3 === 0) wire.destroy();
  }
  /* Silence has an end, and so has a byte now and then. */
  const slow = await Wire.connect(server.address);
  const start_ = now();

  for (let i = 0; i < hello.length && !slow.ended; i++) {
    await slow.write(hello.subarray(i, i + 1));
    await new Promise((done) => setTimeout(done, 100));
  }
  await slow.rest();
  within(t, "a handshake byte by byte", now() - start_, 4000);
  const wire = await connect(server);

  wire.write(get("/_ph/health"));
  assert.equal((await wire.answer()).status, 200, "still serving");
});

test("any method of plain HTTP on the TLS port [24]", async (t, scene) => {
  const { server } = await start(scene);

  for (const method of ["GET", "POST", "HEAD", "OPTIONS", "DELETE", "PATCH", "PROPFIND", "M-SEARCH"]) {
    const plain = await Wire.connect(server.address);

    plain.write(request(method, "/"));
    const refused = await plain.answer();

    assert.equal(refused.status, 400, method);
    assert.equal(refused.field("connection"), "close");
    await plain.rest();
    plain.destroy();
  }
});

/* A relay that sends what the client says, but its last bytes one by one. */
async function trickling(scene, server) {
  const relay = { slow: false, ended: false };
  const listener = net.createServer((socket) => {
    const other = net.connect(server.address);
    const queue = [];

    socket.on("error", () => {});
    other.on("error", () => {});
    other.on("data", (bytes) => socket.write(bytes));
    other.on("close", () => {
      relay.ended = true;
      clearInterval(timer);
      socket.destroy();
    });
    socket.on("close", () => other.destroy());
    socket.on("data", (bytes) => {
      if (relay.slow) queue.push(...bytes);
      else other.write(bytes);
    });
    const timer = setInterval(() => {
      if (queue.length > 0) other.write(Buffer.from([queue.shift()]));
    }, 300);
  });

  await new Promise((done) => listener.listen(0, "127.0.0.1", done));
  scene.later(() => listener.close());
  relay.address = { port: listener.address().port, host: "127.0.0.1" };
  return relay;
}

test("a TLS record that trickles [37] [H5]", { seconds: 120 }, async (t, scene) => {
  const { server } = await start(scene, {
    args: ["--keep-alive", "1.5", "--header-timeout", "2"],
  });

  for (const first of [false, true]) {
    const relay = await trickling(scene, server);
    const ticket = {};
    const wire = await connect({ address: relay.address }, {
      onSession: () => (ticket.came = true),
    });

    await until("the end of the handshake", () => ticket.came);
    if (first) {
      wire.write(get("/_ph/health"));
      assert.equal((await wire.answer()).status, 200);
    }
    relay.slow = true;
    const begin = now();

    wire.write(get("/_ph/health")); /* a record of 60 bytes or so */
    await until("its end", () => relay.ended, 25);
    within(t, "a byte each 0.3 s", now() - begin, 7000);
    wire.destroy();
  }
  /* In time it is a request as any. */
  const wire = await connect(server);

  for (let i = 0; i < 4; i++) {
    wire.write(get("/_ph/health"));
    assert.equal((await wire.answer()).status, 200);
    await new Promise((done) => setTimeout(done, 700));
  }
});

test("files that cannot be used [H17]", async (t, scene) => {
  const dir = scene.dir();
  const one = certificate(dir, "one");
  const two = certificate(dir, "two");

  for (const [args, pattern] of [
    [["--certfile", one.cert], /one\.pem: there is no private key in it/],
    [["--certfile", "/none.pem"], /certfile \/none\.pem: /],
    [["--certfile", one.cert, "--keyfile", two.key], /keyfile .*two\.key: /],
    [["--certfile", one.cert, "--keyfile", one.key, "--cert-reqs", "2"], /ca_certs/],
    [["--certfile", one.cert, "--keyfile", one.key, "--ciphers", "nonsense"], /ciphers nonsense: /],
    [["--certfile", one.cert, "--keyfile", one.key, "--tls-min-version", "1.1"], /must be one of: 1\.2 1\.3/],
    [["--keyfile", one.key], /certfile, which is not set/],
  ]) {
    const server = scene.server({ app: "zoo", args });

    assert.notEqual((await server.exited).status, 0);
    assert.ok(server.grep(pattern).length > 0, String(pattern));
  }
});
