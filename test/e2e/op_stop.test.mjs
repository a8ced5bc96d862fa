/* SPDX-License-Identifier: MIT */

/*
 * An orderly stop while clients go on coming: whoever can connect is served,
 * everybody else is refused at once. Nobody is left waiting in a backlog that
 * nobody empties, to be reset when the last worker has gone.
 */
import assert from "node:assert/strict";
import net from "node:net";
import path from "node:path";
import { isAlive, now, test, until, within } from "../lib/harness.mjs";
import { ctlJson } from "../lib/op_ctl.mjs";
import { act, configured } from "../lib/op_server.mjs";
import { post } from "../lib/wire.mjs";

const LAST = "GET /_ph/health HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
const STOPS = 3;
const CLIENTS = 8;

async function start(scene, settings) {
  const socket = path.join(scene.dir(), "ctl.sock");
  const server = await configured(scene, {
    control_socket: socket,
    ...settings,
  });

  server.controlSocket = socket;
  return server;
}

/* A callback that runs for `seconds`; gives its connection. */
async function busy(scene, server, seconds) {
  const wire = await scene.connect(server);

  wire.write(post(act(`sleep:${seconds}`)));
  await until("it to run", async () =>
    (await ctlJson(server, "workers")).workers.some((row) => row.busy > 0));
  return wire;
}

/* What becomes of one new client: "200 OK", or the code of its error. */
function visit(address) {
  return new Promise((done) => {
    const socket = net.connect(address, () => socket.write(LAST));
    let text = "";

    socket.setEncoding("latin1");
    socket.on("data", (more) => (text += more));
    socket.on("error", (error) => done(error.code));
    socket.on("close", () => done(text.slice(9, 15) || "closed"));
  });
}

for (const kind of ["tcp", "unix"]) {
  for (const hung of kind === "tcp" ? [true, false] : [true]) {
    const name = hung ? ", while a worker hangs" : "";

    test(`TERM: new clients are refused at once, ${kind}${name}`, async (t, s) => {
      const bind =
        kind === "unix" ? `unix:${path.join(s.dir(), "web.sock")}` : undefined;
      const server = await start(s, { bind, workers: 2, threads: 2 });
      const wire = await busy(s, server, 3);
      const { workers } = await ctlJson(server, "workers");
      const idle = workers.find((row) => row.busy === 0).pid;

      if (hung) {
        server.kill("SIGSTOP", idle);
        s.later(() => isAlive(idle) && server.kill("SIGCONT", idle));
      }
      server.kill("SIGTERM");
      await server.waitFor(/event=worker\.draining/);
      await until("refusal", async () => !(await server.accepts()), 3);
      const begin = now();
      const seen = await Promise.all(
        Array.from({ length: 4 }, () => visit(server.address)),
      );

      within(t, "refusal of 4 clients", now() - begin, 1000);
      assert.ok(seen.every((one) => /^(ECONNREFUSED|ENOENT)$/.test(one)), `${seen}`);
      assert.equal((await wire.answer()).status, 200, "the old one is served");
      if (hung) server.kill("SIGCONT", idle);
      assert.deepEqual(await server.exited, { status: 0, sig: null });
    });
  }
}

test("TERM amid new clients: served or refused, none is reset", async (t, s) => {
  const seen = {};

  for (let i = 0; i < STOPS; i++) {
    const server = await start(s, { workers: 2 });
    let served = 0;
    const client = async () => {
      for (;;) {
        const one = await visit(server.address);

        seen[one] = (seen[one] ?? 0) + 1;
        if (one !== "200 OK") return;
        served++;
      }
    };
    const clients = Array.from({ length: CLIENTS }, client);

    await until("load", () => served > 200);
    server.kill("SIGTERM");
    await Promise.all(clients);
    assert.deepEqual(await server.exited, { status: 0, sig: null });
  }
  t.diagnostic(JSON.stringify(seen));
  assert.deepEqual(Object.keys(seen).sort(), ["200 OK", "ECONNREFUSED"]);
});

test("a socket that others have opened goes on listening", async (t, s) => {
  const holder = net.createServer();

  await new Promise((done) => holder.listen(0, "127.0.0.1", done));
  const { port } = holder.address();
  const servers = [];

  for (let i = 0; i < 2; i++)
    servers.push(
      await configured(
        s,
        { bind: "fd://3", workers: 2 },
        { fds: [holder._handle.fd] },
      ),
    );
  holder.close();
  servers[0].kill("SIGTERM");
  assert.deepEqual(await servers[0].exited, { status: 0, sig: null });
  for (let i = 0; i < 20; i++)
    assert.equal(await visit({ host: "127.0.0.1", port }), "200 OK");
});
