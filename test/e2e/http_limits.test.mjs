/* SPDX-License-Identifier: MIT */

/*
 * Limits on connections and rates: who is slow is dropped in time, who comes
 * when the worker is full is served, and one address does not take it all.
 */
import assert from "node:assert/strict";
import { now, SLOW, test, until, within } from "../lib/harness.mjs";
import { connectionCount } from "../lib/sockets.mjs";
import { get } from "../lib/wire.mjs";
import { call } from "../lib/zoo.mjs";

const HEALTH = get("/_ph/health");

/* Is it still open, and served? */
async function isServed(wire, what) {
  wire.write(HEALTH);
  assert.equal((await wire.answer()).status, 200, what);
}

test("the connection idle longest makes room [H6]", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: ["--worker-connections", "5", "--keep-alive", "60"],
  });
  const wires = [];

  for (let i = 0; i < 5; i++) {
    wires.push(await scene.connect(server));
    await isServed(wires[i], `number ${i}`);
  }
  /* As many as there may be: none has gone, and in this order they wait. */
  await new Promise((done) => setTimeout(done, 300));
  assert.equal(connectionCount(server), 5);
  for (let i = 0; i < 5; i++) {
    assert.equal(wires[i].ended, false, `number ${i} is open`);
    await isServed(wires[i], `number ${i} is still served`);
  }
  for (let i = 0; i < 5; i++) {
    const fresh = await scene.connect(server);
    const start = now();

    fresh.write(HEALTH);
    assert.equal((await fresh.answer()).status, 200);
    within(t, "one more than there is room for", now() - start, 500);
    assert.equal((await wires[i].rest()).length, 0, `number ${i} made room`);
    assert.equal(connectionCount(server), 5, "and nobody else");
    wires.slice(i + 1).forEach((wire) => assert.equal(wire.ended, false));
  }
});

test("a connection that is used is not the idle one, however short that is ago", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: ["--worker-connections", "20", "--keep-alive", "60"],
  });
  const used = await scene.connect(server);

  for (let i = 0; i < 60; i++) {
    used.write(HEALTH);
    assert.equal((await used.answer()).text, "ok\n");
    const other = await scene.connect(server);

    other.write(HEALTH);
    assert.equal((await other.answer()).text, "ok\n");
  }
  assert.equal(used.ended, false);
});

test("room for one connection [H6]", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: ["--worker-connections", "1", "--keep-alive", "60"],
  });

  for (let i = 0; i < 3; i++) {
    const wire = await scene.connect(server);

    await new Promise((done) => setTimeout(done, 150));
    await isServed(wire, "who takes his time is not closed for nobody");
  }
});

test("room for one beside half heads [H6]", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: ["--worker-connections", "20", "--header-timeout", "60"],
  });

  for (let i = 0; i < 19; i++) {
    const half = await scene.connect(server);

    await half.write("GET / HTTP/1.1\r\nHo");
  }
  await until("them to be there", () => connectionCount(server) === 19);
  for (let i = 0; i < 5; i++) {
    const wire = await scene.connect(server);

    await new Promise((done) => setTimeout(done, 100));
    await isServed(wire, `newcomer ${i}`);
  }
});

test("connections of one address [H6]", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: ["--limit-client-connections", "3"],
  });
  const wires = [];

  for (let i = 0; i < 3; i++) {
    wires.push(await scene.connect(server));
    wires[i].write(HEALTH);
    assert.equal((await wires[i].answer()).status, 200);
  }
  const more = await scene.connect(server);
  const refused = await more.answer();

  assert.equal(refused.status, 503);
  assert.equal(refused.field("retry-after"), "1");
  await more.rest();
  wires[0].destroy();
  for (;;) {
    const next = await scene.connect(server);

    next.write(HEALTH);
    const answer = await next.answer();

    if (answer.status === 200) break; /* the close has been noticed */
    assert.equal(answer.status, 503);
  }
});

/* More than it could read: without care the end of it all is a reset. */
test("who is one too many reads it, whatever he has sent [H6]", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: ["--limit-client-connections", "1", "--worker-connections", "3"],
  });
  const first = await scene.connect(server);

  await isServed(first, "the first");
  for (let i = 0; i < 20; i++) {
    const more = await scene.connect(server, { reading: false });

    for (let sent = 0; sent < 4; sent++) {
      more.socket.write(call("echo", "x".repeat(30000)));
      await new Promise((done) => setTimeout(done, 10));
    }
    more.read();
    const answers = await more.answers();

    assert.equal(more.error, undefined, `number ${i}`);
    assert.deepEqual(answers.map((answer) => answer.status), [503]);
    assert.equal(answers[0].field("connection"), "close");
    more.destroy();
  }
  await isServed(first, "the first, still");
  /* Those who only stay are few, and not for long. */
  const many = [];

  for (let i = 0; i < 100; i++)
    many.push(await scene.connect(server, { reading: false }));
  await until("all of them to be seen", () => connectionCount(server) <= 33);
  await isServed(first, "the first, with them");
  await until("them to be gone", () => connectionCount(server) === 1);
});

test("a body that trickles [37] [H5]", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: ["--body-timeout", "0.8", "--min-rate", "2000"],
  });
  const bytes = call("echo", "x".repeat(20000));
  const trickle = async (size, pause) => {
    const wire = await scene.connect(server);
    const start = now();

    for (let at = 0; at < bytes.length && !wire.ended; at += size) {
      await wire.write(bytes.subarray(at, at + size));
      await new Promise((done) => setTimeout(done, pause));
    }
    const answer = await wire.answer();

    return [answer.status, now() - start];
  };
  const [slow, took] = await trickle(20, 50);

  assert.equal(slow, 408);
  within(t, "400 bytes a second", took, 1500);
  const [steady, longer] = await trickle(500, 40 / SLOW);

  assert.equal(steady, 200, "who keeps the rate up may take longer");
  assert.ok(longer > 900 / SLOW);
});

test("an answer that is taken a little at a time [37] [H5]", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    threads: 2,
    /* More than the sockets' buffers take, which may be 10 MB, in 2 s. */
    args: ["--send-timeout", "1", "--min-rate", "8MiB"],
  });
  const wire = await scene.connect(server, { reading: false });
  const start = now();

  wire.write(call("big", "v"));
  /* Reading a little resets the timer of a stalled write, not the rate. */
  const timer = setInterval(() => {
    wire.socket.read(1000);
  }, 100);

  await until("it to be there", () => connectionCount(server) > 0);
  await until("it to be dropped", () => connectionCount(server) === 0);
  clearInterval(timer);
  within(t, "until dropped", now() - start, 20000);
});

test("the size line of a chunk [H7]", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: ["--limit-chunk-line", "20"],
  });
  const send = async (line) => {
    const wire = await scene.connect(server);

    wire.write(
      "POST /_dash-update-component HTTP/1.1\r\nHost: a\r\n" +
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
        `${line}\r\n{}\r\n0\r\n\r\n`,
    );
    const answer = await wire.answer();

    return [answer.status, answer.field("connection")];
  };

  assert.deepEqual(await send(`2;${"x".repeat(18)}`), [400, undefined]);
  assert.deepEqual(await send(`2;${"x".repeat(19)}`), [400, "close"]);
});
