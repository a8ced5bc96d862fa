/* SPDX-License-Identifier: MIT */

/*
 * "Behind a proxy" in docs/OPERATIONS.md: its nginx and its HAProxy, as they are
 * printed but for addresses and files, in front of servers that have the
 * settings printed below them.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import http2 from "node:http2";
import net from "node:net";
import path from "node:path";
import tls from "node:tls";
import { certificate } from "../lib/certificate.mjs";
import { ROOT, test, until } from "../lib/harness.mjs";
import { NGINX, nginxWith, runFront, WHO } from "../lib/nginx.mjs";
import { freePort } from "../lib/op_server.mjs";
import { get, post, Wire } from "../lib/wire.mjs";

const HAPROXY = "/usr/sbin/haproxy";
const CLIENT = "127.0.0.2"; /* another address than the proxy's */

const document = fs.readFileSync(path.join(ROOT, "docs/OPERATIONS.md"), "utf8");
const [, chapter] = /^## Behind a proxy\n(.*?)^## /ms.exec(document);

/* The block of that language that begins like this, and the settings below. */
function blocks(language, begins) {
  const at = chapter.indexOf(`\`\`\`${language}\n${begins}`);
  const all = [...chapter.slice(at).matchAll(/^```(\w+)\n(.*?)^```$/gms)];

  assert.ok(at >= 0, `no block ${begins}`);
  assert.equal(all[1][1], "python");
  return { front: all[0][2], settings: all[1][2] };
}

/* With each of these in the place of what is printed, which must be there. */
function replaced(text, places) {
  return Object.entries(places).reduce((whole, [from, to]) => {
    assert.ok(whole.includes(from), `there is no ${from}`);
    return whole.replaceAll(from, to);
  }, text);
}

/* A server with these settings. */
async function serve(scene, settings) {
  const log = path.join(scene.dir(), "access");
  const server = scene.server({
    app: "dash_callbacks",
    bind: false,
    workers: false,
    threads: false,
    args: [
      ...["-c", scene.file("pronghorn.conf", settings)],
      ...["--access-logfile", log, "--workers", "2", "--threads", "2"],
    ],
  });

  await server.ready();
  server.accesses = () => fs.readFileSync(log, "utf8");
  return server;
}

/* Hands bytes on to `server`, and counts connections. */
async function counter(scene, server) {
  const sockets = new Set();
  const made = { count: 0 };
  const listener = net.createServer((one) => {
    const other = net.connect(server.address);

    made.count += 1;
    for (const socket of [one, other]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
    }
    one.pipe(other).pipe(one);
  });

  await new Promise((done) => listener.listen(0, "127.0.0.1", done));
  scene.later(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  made.host = `127.0.0.1:${listener.address().port}`;
  return made;
}

/* A browser's connection that speaks `protocol`. */
function secure(port, protocol) {
  return new Promise((done, fail) => {
    const socket = tls.connect({
      host: "127.0.0.1",
      port,
      localAddress: CLIENT,
      rejectUnauthorized: false,
      ALPNProtocols: [protocol],
    });

    socket.once("error", fail);
    socket.once("secureConnect", () => {
      assert.equal(socket.alpnProtocol, protocol);
      done(socket);
    });
  });
}

async function askSecurely(scene, port, bytes) {
  const wire = new Wire(await secure(port, "http/1.1"));

  scene.wires.push(wire);
  wire.write(bytes);
  return wire.answer();
}

/* One request over HTTP/2: [status, body]. */
async function askH2(scene, port, fields, body) {
  const socket = await secure(port, "h2");
  const session = http2.connect(`https://127.0.0.1:${port}`, {
    createConnection: () => socket,
  });

  scene.later(() => session.destroy());
  const stream = session.request(fields);
  let text = "";

  stream.setEncoding("utf8");
  stream.on("data", (more) => (text += more));
  stream.end(body);
  const [status] = await Promise.all([
    new Promise((done) => stream.on("response", (one) => done(one[":status"]))),
    new Promise((done) => stream.on("end", done)),
  ]);

  return [status, text];
}

const clientOf = (text) => JSON.parse(text).response.who.children.split("|")[2];

/* What any proxy in front has to do. */
async function isInFront(scene, plain, port) {
  const host = `127.0.0.1:${port}`;
  const who = (fields) =>
    askSecurely(scene, port, post(WHO, { host, fields }));

  /* To https. */
  const wire = await Wire.connect({ host: "127.0.0.1", port: plain });

  scene.wires.push(wire);
  wire.write(get("/deep?x=1", { host: "127.0.0.1" }));
  const sent = await wire.answer();

  assert.equal(sent.status, 301);
  assert.equal(sent.field("location"), "https://127.0.0.1/deep?x=1");
  /* The page, and a callback that comes from it. */
  const page = await askSecurely(scene, port, get("/", { host }));

  assert.equal(page.status, 200);
  assert.match(page.text, /_dash-config/);
  const answer = await who({ Origin: `https://${host}` });

  assert.equal(answer.status, 200, answer.text);
  assert.equal(clientOf(answer.text), CLIENT);
  /* It is known to be https, and who asks says nothing about himself. */
  assert.equal((await who({ Origin: `http://${host}` })).status, 403);
  const forged = await who({
    "Origin": `https://${host}`,
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "http",
  });

  assert.equal(forged.status, 200, forged.text);
  assert.equal(clientOf(forged.text), CLIENT);
  /* The same over HTTP/2. */
  assert.equal((await askH2(scene, port, { ":path": "/" }))[0], 200);
  const [status, text] = await askH2(
    scene,
    port,
    {
      ":method": "POST",
      ":path": "/_dash-update-component",
      "content-type": "application/json",
      "origin": `https://${host}`,
    },
    JSON.stringify(WHO),
  );

  assert.equal(status, 200, text);
  assert.equal(clientOf(text), CLIENT);
}

test("nginx as it is printed", async (t, scene) => {
  const { front, settings } = blocks("nginx", "upstream ");
  const server = await serve(
    scene,
    replaced(settings, { "127.0.0.1:8000": "127.0.0.1:0" }),
  );
  const between = await counter(scene, server);
  const { cert, key } = certificate(scene.dir());
  const [plain, port] = [await freePort(), await freePort()];

  await nginxWith(
    scene,
    replaced(front, {
      "127.0.0.1:8000": between.host,
      "listen 80;": `listen 127.0.0.1:${plain};`,
      "listen 443 ": `listen 127.0.0.1:${port} `,
      "/etc/ssl/dash.pem": cert,
      "/etc/ssl/dash.key": key,
    }),
    port,
  );
  await isInFront(scene, plain, port);
  /* One after the other, over a connection that is kept. */
  const { count } = between;

  for (let i = 0; i < 10; i++)
    assert.equal((await askSecurely(scene, port, get("/_ph/health"))).status, 200);
  assert.equal(between.count, count);
});

test("HAProxy as it is printed", { seconds: 120 }, async (t, scene) => {
  const { front, settings } = blocks("haproxy", "global\n");
  const server = await serve(
    scene,
    replaced(settings, { "10.0.0.5:8000": "127.0.0.1:0", "10.0.0.2": "127.0.0.1" }),
  );
  const { cert, key } = certificate(scene.dir());
  const both = scene.file("site.pem", fs.readFileSync(cert) + fs.readFileSync(key));
  const [plain, port] = [await freePort(), await freePort()];
  const file = scene.file(
    "haproxy.cfg",
    replaced(front, {
      "10.0.0.5:8000": server.host,
      "bind :80\n": `bind 127.0.0.1:${plain}\n`,
      "bind :443 ": `bind 127.0.0.1:${port} `,
      "/etc/haproxy/site.pem": both,
    }),
  );

  await runFront(scene, HAPROXY, ["-db", "-f", file], port);
  await isInFront(scene, plain, port);
  /* Its checks come in, as its own. */
  await until("a check", () =>
    /^127\.0\.0\.1 .*"GET \/_ph\/ready HTTP\/1\.[01]" 200 /m.test(server.accesses()));
  assert.deepEqual(server.grep(/event=proxy\.refused/), []);
  /* It has left before the server goes: nobody is turned away meanwhile. */
  const page = get("/_ph/health");

  server.kill("SIGTERM");
  const last = await until(
    "HAProxy knows",
    async () => {
      const answer = await askSecurely(scene, port, page);

      if (answer.status !== 200) return answer;
      assert.equal(answer.text, "ok\n");
      return null;
    },
    30,
  );

  assert.equal(last.status, 503);
  assert.equal((await server.exited).status, 0);
  assert.equal(server.accesses().match(/"GET \/_ph\/ready HTTP\S+ 503 /g).length >= 3, true);
});
