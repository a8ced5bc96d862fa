/* SPDX-License-Identifier: MIT */

/*
 * Proxies in front: whose address counts, what is https, the PROXY protocol,
 * and apps below a path of their own.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import tls from "node:tls";
import { certificate } from "../lib/certificate.mjs";
import { test, until } from "../lib/harness.mjs";
import { NGINX, nginx, WHO } from "../lib/nginx.mjs";
import { get, post, Wire } from "../lib/wire.mjs";
import { run } from "../lib/server.mjs";


/* The address that the app is told. */
async function client(scene, server, fields = {}, target) {
  const answer = await scene.send(server, post(WHO, { fields, target }));

  return answer.json().response.who.children.split("|")[2];
}

const start = (scene, args = [], options = {}) =>
  scene.start({ app: "dash_callbacks", args, ...options });

/* The addresses in the access log, when `count` lines are there. */
const logged = (file, count) =>
  until(`${count} lines`, () => {
    const lines = fs.readFileSync(file, "latin1").split("\n").slice(0, -1);

    return lines.length >= count && lines.map((line) => line.split(" ")[0]);
  });

test("X-Forwarded-For of trusted proxies only", async (t, scene) => {
  const log = path.join(scene.dir(), "access");
  const server = await start(scene, [
    ...["--forwarded-allow-ips", "127.0.0.1,10.0.0.0/8"],
    ...["--access-logfile", log],
  ]);
  const fields = { "X-Forwarded-For": "6.6.6.6, 203.0.113.9, 10.1.1.1" };

  assert.equal(await client(scene, server, fields), "203.0.113.9");
  assert.equal(await client(scene, server), "127.0.0.1");
  assert.deepEqual(await logged(log, 2), ["203.0.113.9", "127.0.0.1"]);

  const strict = await start(scene, ["--forwarded-allow-ips", "10.0.0.0/8"]);

  assert.equal(await client(scene, strict, fields), "127.0.0.1");
});

test("over a unix socket the proxy is always believed", async (t, scene) => {
  const socket = path.join(scene.dir(), "s");
  const server = await start(scene, ["--forwarded-allow-ips", "10.0.0.0/8"], {
    bind: `unix:${socket}`,
  });

  assert.equal(
    await client(scene, server, { "X-Forwarded-For": "203.0.113.9" }),
    "203.0.113.9",
  );
});

test("https in front: cookies, origins, contradictions", async (t, scene) => {
  const server = await start(scene, ["--csrf-token", "true"].slice(0, 1), {
    env: { FORWARDED_ALLOW_IPS: "127.0.0.1" },
  });
  const page = (fields) => scene.send(server, get("/", { fields }));
  const https = { "X-Forwarded-Proto": "https" };

  assert.match((await page(https)).field("set-cookie"), /; Secure/);
  assert.doesNotMatch((await page({})).field("set-cookie"), /Secure/);

  const plain = await start(scene, [
    ...["--secure-scheme-header", "X-Forwarded-Proto: https"],
    ...["--secure-scheme-header", "X-Forwarded-Ssl: on"],
  ]);
  const send = async (fields) =>
    (await scene.send(plain, post(WHO, { fields, host: "a.example" }))).status;

  assert.equal(await send({ ...https, Origin: "https://a.example" }), 200);
  assert.equal(await send({ ...https, Origin: "http://a.example" }), 403);
  assert.equal(await send({ Origin: "http://a.example" }), 200);
  assert.equal(await send({ ...https, "X-Forwarded-Ssl": "off" }), 400);
  assert.equal(await send({ ...https, "X-Forwarded-Ssl": "on" }), 200);
});

test("wrong lists are refused at start", async (t, scene) => {
  for (const [flag, value, text] of [
    ["--forwarded-allow-ips", "10.0.0.1/8", /forwarded_allow_ips: "10\.0/],
    ["--proxy-allow-from", "here", /proxy_allow_ips: "here" is no address/],
    ["--proxy-protocol", "v3", /proxy_protocol: "v3" is none of off, v1/],
    ["--secure-scheme-header", "X-A", /secure_scheme_headers: "X-A"/],
    ["--url-base-pathname", "dash", /url_base_pathname: "dash" must begin/],
    ["--requests-pathname-prefix", "/a/../", /has an empty part, \. or/],
  ]) {
    const server = scene.server({ app: "zoo", args: [flag, value] });
    const end = await server.exited;

    assert.notEqual(end.status, 0);
    assert.match(server.lines.join("\n"), text);
  }
});

const V1 = "PROXY TCP4 203.0.113.9 198.51.100.7 51234 443\r\n";
const V2 = Buffer.concat([
  Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1"),
  Buffer.from([0x21, 0x11, 0, 12, 203, 0, 113, 10, 198, 51, 100, 7]),
  Buffer.from([0xc8, 0x22, 1, 0xbb]),
]);
const LOCAL = Buffer.concat([
  Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1"),
  Buffer.from([0x20, 0, 0, 0]),
]);

test("the PROXY protocol is mandatory when on", async (t, scene) => {
  const log = path.join(scene.dir(), "access");
  const server = await start(scene, [
    ...["--proxy-protocol", "auto", "--access-logfile", log],
  ]);
  const ask = async (...pieces) => {
    const wire = await scene.connect(server);

    await wire.writePieces(pieces);
    return wire.answer();
  };
  const page = get("/_ph/health");

  assert.equal((await ask(V1, page)).status, 200);
  assert.equal((await ask(V1 + page)).status, 200);
  assert.equal((await ask(...V1, page)).status, 200, "byte by byte");
  assert.equal((await ask(V2, page)).status, 200);
  assert.equal((await ask(...Array.from(V2, (b) => Buffer.of(b)), page)).status,
    200);
  assert.equal((await ask(LOCAL, page)).status, 200);
  assert.deepEqual(await logged(log, 6), [
    ...["203.0.113.9", "203.0.113.9", "203.0.113.9"],
    ...["203.0.113.10", "203.0.113.10", "127.0.0.1"],
  ]);
  /* A second one on the same connection is no request. */
  assert.equal((await ask(V1, V1, page)).status, 400);
  for (const bytes of [page, "PROXY TCP4 1.2.3.4 \r\n", "\r\n\r\n\0\r\nQUIX"]) {
    const wire = await scene.connect(server);

    await wire.write(bytes);
    assert.deepEqual(await wire.answers(), [], "closed without a word");
  }
  await server.waitFor(/event=proxy\.refused .*no valid PROXY header/);
});

test("the PROXY header says who, a field says how", async (t, scene) => {
  const args = ["--proxy-protocol", "auto"];
  const chained = [...args, "--forwarded-allow-ips", "203.0.113.9"];
  const pages = (more) => start(scene, [...more, "--csrf-token"]);
  const [server, tokens] = [await start(scene, args), await pages(args)];
  const ask = async (where, header, bytes) => {
    const wire = await scene.connect(where);

    await wire.writePieces([header, bytes]);
    return wire.answer();
  };
  const fields = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "6.6.6.6",
  };
  const who = async (where, header) => {
    const answer = await ask(where, header, post(WHO, { fields }));

    return answer.json().response.who.children.split("|")[2];
  };
  const cookie = async (where, header) =>
    (await ask(where, header, get("/", { fields }))).field("set-cookie");

  assert.match(await cookie(tokens, V1), /; Secure/);
  assert.match(await cookie(tokens, V2), /; Secure/);
  assert.match(await cookie(tokens, LOCAL), /; Secure/);
  /* The field may be the visitor's own. */
  assert.equal(await who(server, V1), "203.0.113.9");
  assert.equal(await who(server, V2), "203.0.113.10");
  /* The proxy itself is the client of a check, and of a chain of proxies. */
  assert.equal(await who(server, LOCAL), "6.6.6.6");
  const chain = await start(scene, chained);

  assert.equal(await who(chain, V1), "6.6.6.6");
  assert.equal(await who(chain, V2), "203.0.113.10");
  const chainTokens = await pages(chained);

  assert.match(await cookie(chainTokens, V1), /; Secure/);
  assert.doesNotMatch(await cookie(chainTokens, V2), /Secure/);
});

test("PROXY headers of strangers, and of one version", async (t, scene) => {
  const strict = await start(scene, [
    ...["--proxy-protocol", "v2", "--proxy-allow-from", "10.0.0.0/8"],
  ]);
  const wire = await scene.connect(strict);

  await wire.write(V2);
  assert.deepEqual(await wire.answers(), []);
  await strict.waitFor(/event=proxy\.refused .*not in proxy_allow_ips/);

  const second = await start(scene, ["--proxy-protocol", "v2"]);
  const old = await scene.connect(second);

  await old.write(V1 + get("/_ph/health"));
  assert.deepEqual(await old.answers(), []);
});

test("limits count the client of the PROXY header", async (t, scene) => {
  const server = await start(scene, [
    ...["--proxy-protocol", "v1", "--limit-client-connections", "1"],
  ]);
  const open = async (address) => {
    const wire = await scene.connect(server);

    await wire.write(`PROXY TCP4 ${address} 1.1.1.1 1 2\r\n`);
    await wire.write(get("/_ph/health"));
    return wire;
  };
  const one = await open("192.0.2.1");

  assert.equal((await one.answer()).status, 200);
  assert.equal((await (await open("192.0.2.2")).answer()).status, 200);
  const refused = await (await open("192.0.2.1")).answers();

  assert.deepEqual(refused.map((answer) => answer.status), [503]);
  one.destroy();
  await until("room", async () => {
    const answers = await (await open("192.0.2.1")).answer().catch(() => null);

    return answers?.status === 200;
  });
});

test("the PROXY header comes before TLS", async (t, scene) => {
  const server = await start(scene, [
    ...certificate(scene.dir()).args,
    ...["--proxy-protocol", "auto"],
  ]);

  for (const header of [V1, V2]) {
    const wire = await scene.connect(server);

    await wire.write(header.slice(0, 5));
    await wire.write(header.slice(5));
    const socket = tls.connect({
      socket: wire.socket,
      servername: "a",
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
    });

    wire.socket.removeAllListeners("data");
    const secure = new Wire(socket);

    await secure.write(post(WHO, {}));
    const answer = await secure.answer();

    assert.match(answer.json().response.who.children, /203\.0\.113\.(9|10)$/);
    secure.destroy();
  }
});

test("below a path", async (t, scene) => {
  const server = await start(scene, ["--url-base-pathname", "/a/b/"]);
  const ask = (target) => scene.send(server, get(target));
  const page = await ask("/a/b/");

  assert.equal(page.status, 200);
  assert.match(page.text, /"requests_pathname_prefix":"\/a\/b\/"/);
  assert.match(page.text, /"url_base_pathname":"\/a\/b\/"/);
  const urls = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)];

  assert.ok(urls.length > 5);
  for (const [, url] of urls) {
    assert.match(url, /^\/a\/b\//);
    assert.equal((await ask(url)).status, 200, url);
  }
  assert.equal((await ask("/a/b/_dash-layout")).status, 200);
  assert.equal((await ask("/a/b/deep/link")).status, 200);
  assert.equal((await ask("/_ph/health")).status, 200);
  assert.equal((await ask("/a/b/_ph/health")).status, 200);
  for (const target of ["/", "/a/", "/a/bc", "/_dash-layout", "/x/a/b/"])
    assert.equal((await ask(target)).status, 404, target);
  const bare = await ask("/a/b");

  assert.equal(bare.status, 308);
  assert.equal(bare.field("location"), "/a/b/");
  assert.equal(
    await client(scene, server, {}, "/a/b/_dash-update-component"),
    "127.0.0.1",
  );
});

test("behind nginx, which takes a part of the path away", {
  skip: !NGINX && "no nginx here",
}, async (t, scene) => {
  const server = await start(scene, [
    ...["--requests-pathname-prefix", "/apps/sales/"],
    ...["--routes-pathname-prefix", "/sales/"],
    "--csrf-token",
  ]);
  const front = await nginx(
    scene,
    `location /apps/ {
       proxy_pass ${server.url}/;
       proxy_set_header Host $host;
       proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
       proxy_set_header X-Forwarded-Proto https;
     }`,
  );
  const ask = (target, fields) => scene.send(front, get(target, { fields }));
  const page = await ask("/apps/sales/");

  assert.equal(page.status, 200);
  assert.match(page.text, /"requests_pathname_prefix":"\/apps\/sales\/"/);
  assert.match(page.field("set-cookie"), /; Path=\/apps\/sales\/; .*Secure/);
  for (const [, url] of page.text.matchAll(/(?:src|href)="([^"]+)"/g))
    assert.equal((await ask(url)).status, 200, url);
  assert.equal((await ask("/apps/")).status, 404);

  const open = await start(scene, [
    ...["--requests-pathname-prefix", "/x/", "--routes-pathname-prefix", "/"],
  ]);
  const second = await nginx(
    scene,
    `location /x/ {
       proxy_pass ${open.url}/;
       proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
     }`,
  );

  assert.equal(
    await client(
      scene,
      second,
      { "X-Forwarded-For": "6.6.6.6" },
      "/x/_dash-update-component",
    ),
    "6.6.6.6",
    "both proxies are trusted, so their word counts",
  );
});

test("a gunicorn file with these settings", async (t, scene) => {
  const file = scene.file(
    "gunicorn.conf.py",
    `forwarded_allow_ips = "10.0.0.0/8,127.0.0.1"
secure_scheme_headers = {"X-FORWARDED-PROTO": "https", "X-FORWARDED-SSL": "on"}
proxy_protocol = True
proxy_allow_ips = "*"
`,
  );
  const { status, stdout, stderr } = await run(scene, {
    args: ["-c", file, "--print-config"],
  });

  assert.equal(status, 0, stderr);
  assert.match(stdout, /X-FORWARDED-PROTO: https/);
  assert.match(stdout, /proxy_protocol\s*=\s*"True"/);
});
