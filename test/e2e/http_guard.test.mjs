/* SPDX-License-Identifier: MIT */

/*
 * Who may ask: names of the server, pages of other sites, the CSRF token, and
 * what the page allows a browser.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import crypto from "node:crypto";
import { test } from "../lib/harness.mjs";
import { get, request } from "../lib/wire.mjs";
import { call, runs } from "../lib/zoo.mjs";

const UPDATE = "/_dash-update-component";

/* One request on a connection of its own: a refused body ends it. */
async function once(scene, server, bytes) {
  const wire = await scene.connect(server);

  wire.write(bytes);
  const answer = await wire.answer();

  wire.destroy();
  return answer;
}

async function ask(wire, bytes) {
  wire.write(bytes);
  return wire.answer();
}

test("only names of the list are answered [H13]", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: ["--allowed-host", "app.example", "--allowed-host", ".inner"],
  });
  const wire = await scene.connect(server);

  for (const host of ["app.example", "APP.example:80", "inner", "a.b.inner:1"])
    assert.equal((await ask(wire, get("/", { host }))).status, 200, host);
  for (const host of ["evil", "app.example.evil", "127.0.0.1", "xinner"]) {
    const answer = await ask(wire, get("/", { host }));

    assert.equal(answer.status, 421, host);
    assert.ok(!answer.text.includes(host), "the name is not repeated");
    assert.equal((await once(scene, server, call("echo", 1, { host }))).status, 421);
  }
  /* A probe asks by address. */
  assert.equal((await ask(wire, get("/_ph/health", { host: "10.0.0.1" }))).status, 200);
});

test("pages of other sites send no callbacks [H14]", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: ["--trusted-origin", "https://portal.example"],
  });
  const status = async (fields) =>
    (await once(scene, server, call("echo", "x", { fields }))).status;
  const before = runs(server, "echo").length;

  for (const fields of [
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site" },
    { "Sec-Fetch-Site": "cross-site", Origin: "http://test" },
    { Origin: "https://evil.example" },
    { Origin: "null" },
    { Origin: "http://test.evil" },
  ])
    assert.equal(await status(fields), 403, JSON.stringify(fields));
  assert.equal(runs(server, "echo").length, before, "no callback ran");
  for (const fields of [
    {},
    { "Sec-Fetch-Site": "same-origin", Origin: "http://test" },
    { Origin: "http://test" },
    { Origin: "https://test" },
    { "Sec-Fetch-Site": "cross-site", Origin: "https://portal.example" },
  ])
    assert.equal(await status(fields), 200, JSON.stringify(fields));

  const open = await scene.start({ app: "zoo", args: ["--any-origin"] });
  const other = await scene.connect(open);
  const fields = { Origin: "https://evil.example" };

  assert.equal((await ask(other, call("echo", 1, { fields }))).status, 200);
});

test("types that a form can send are refused [H14]", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });

  for (const type of [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "",
  ]) {
    const fields = { "Content-Type": type };

    const answer = await once(scene, server, call("echo", 1, { fields }));

    assert.equal(answer.status, 415);
    assert.equal(answer.field("connection"), "close");
  }
  const bare = request("POST", UPDATE, { body: "{}" });

  assert.equal((await once(scene, server, bare)).status, 415);
});

test("the CSRF token [H14]", async (t, scene) => {
  const server = await scene.start({ app: "zoo", args: ["--csrf-token"] });
  const wire = await scene.connect(server);
  const page = await ask(wire, get("/"));
  const set = page.field("set-cookie");
  const token = /^_csrf_token=([0-9a-f]{32}); Path=\/; SameSite=Strict$/.exec(set)[1];

  assert.match(page.field("cache-control"), /private/);
  assert.match(page.text, /"csrf_header_name":"X-CSRFToken"/);
  const cookie = `a=b; _csrf_token=${token}`;
  const again = await ask(wire, get("/", { fields: { Cookie: cookie } }));

  assert.equal(again.field("set-cookie"), undefined, "it is kept");
  const status = async (fields) =>
    (await once(scene, server, call("echo", 1, { fields }))).status;

  assert.equal(await status({ Cookie: cookie, "X-CSRFToken": token }), 200);
  assert.equal(await status({ Cookie: cookie }), 403);
  assert.equal(await status({ "X-CSRFToken": token }), 403);
  assert.equal(await status({}), 403);
  assert.equal(
    await status({ Cookie: cookie, "X-CSRFToken": "0".repeat(32) }),
    403,
  );
  assert.equal(await status({ Cookie: "_csrf_token=", "X-CSRFToken": "" }), 403);
});

test("headers of the page", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const wire = await scene.connect(server);
  const page = await ask(wire, get("/"));
  const policy = page.field("content-security-policy");
  /* All inline scripts, and nothing else. */
  const hashes = [
    ...page.text.matchAll(/<script(?: id="_dash-renderer"[^>]*)?>([^<]+)</g),
  ].map(([, script]) => {
    const hash = crypto.createHash("sha256").update(script).digest("base64");

    return ` 'sha256-${hash}'`;
  });

  assert.ok(policy.includes(`script-src 'self'${hashes.join("")};`), policy);
  assert.ok(!/script-src[^;]*unsafe/.test(policy), "no unsafe scripts");
  assert.ok(policy.includes("frame-ancestors 'self'"));
  assert.equal(page.field("x-frame-options"), "SAMEORIGIN");
  assert.equal(page.field("referrer-policy"), "same-origin");
  for (const target of ["/", "/_dash-layout", "/_favicon.ico", "/_dash-none"]) {
    const answer = await ask(wire, get(target));

    assert.equal(answer.field("x-content-type-options"), "nosniff", target);
  }

  const other = await scene.start({
    app: "zoo",
    args: [
      "--csp-extra=img-src https://tiles.example",
      "--frame-ancestors=",
      "--referrer-policy=",
    ],
  });
  const page2 = await scene.send(other, get("/"));

  assert.match(page2.field("content-security-policy"), /img-src 'self' data: blob: https:\/\/tiles/);
  assert.equal(page2.field("x-frame-options"), undefined);
  assert.equal(page2.field("referrer-policy"), undefined);
  const none = await scene.start({ app: "zoo", args: ["--content-security-policy="] });

  assert.equal((await scene.send(none, get("/"))).field("content-security-policy"), undefined);
});

test("what the head decides is decided before the body [H7]", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: ["--allowed-host", "test"],
  });
  const head = (line, fields) =>
    `${line}\r\n${fields.join("\r\n")}\r\nContent-Length: 100\r\n\r\n`;
  const typed = "Content-Type: application/json";
  const cases = [
    [head(`POST ${UPDATE} HTTP/1.1`, ["Host: evil", typed]), 421],
    [head(`POST ${UPDATE} HTTP/1.1`, ["Host: test"]), 415],
    [head(`POST ${UPDATE} HTTP/1.1`, ["Host: test", typed, "Origin: null"]), 403],
    [head("POST / HTTP/1.1", ["Host: test", typed]), 405],
    [head("PUT /_dash-layout HTTP/1.1", ["Host: test", "Expect: 100-continue"]), 405],
    [head(`POST ${UPDATE} HTTP/1.1`, ["Host: test", "Expect: 100-continue"]), 415],
  ];

  for (const [bytes, status] of cases) {
    const wire = await scene.connect(server);

    wire.write(bytes);
    const answer = await wire.answer({ interim: true });

    assert.equal(answer.status, status, bytes);
    assert.equal(answer.field("connection"), "close");
    wire.write("x".repeat(100));
    assert.equal((await wire.rest()).length, 0, "nothing else is answered");
  }
  const wire = await scene.connect(server);

  wire.write(`POST ${UPDATE} HTTP/1.1\r\nHost: test\r\n${typed}\r\n\r\n`);
  assert.equal((await wire.answer()).status, 411);
  wire.write(call("echo", 7));
  assert.equal((await wire.rest()).length, 0, "it may be the body");
});
