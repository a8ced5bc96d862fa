/* SPDX-License-Identifier: MIT */

/*
 * What a layout knows of who asks, and what the start says of one that fails.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { buildApp } from "../lib/apps.mjs";
import { BUILD, test } from "../lib/harness.mjs";

const app = (name) => `${buildApp("layout_context", BUILD)}:${name}`;

for (const name of ["app", "blocking"])
  test(`a layout sees the request: ${name}`, async (t, s) => {
    const server = await s.start({ app: app(name) });
    const layout = await fetch(`${server.url}/_dash-layout`, {
      headers: {
        "accept-language": "gsw",
        cookie: "a=b; theme=dark",
        referer: `${server.url}/some/page?x=1&q=a%20b#part`,
      },
    });

    assert.equal(layout.status, 200);
    const text = JSON.stringify(await layout.json());

    assert.match(text, /"children":"gsw"/);
    assert.match(text, /"children":"dark"/);
    assert.match(text, /"children":"a b"/);
    assert.match(text, /"children":"127\.0\.0\.1"/);
    const bare = await fetch(`${server.url}/_dash-layout`);

    assert.equal(bare.status, 200, "without any of them");
    assert.equal(server.grep(/app\.layout/).length, 0);
  });

test("the start says which layouts fail", async (t, s) => {
  const server = await s.start({ app: app("failing") });

  assert.match(
    server.grep(/level=warning .*event=app\.layout/)[0],
    /ph_session_set\(\): a page function cannot change a session/,
  );
});

for (const [name, fault] of [
  ["failing", /layout: it fails: ph_session_set\(\): .*cannot change/],
  ["failing_slowly", /layout: it fails: .*nowhere\.value/],
  ["failing_for_nobody", null],
  ["app", null],
  ["blocking", null],
])
  test(`--check-config and the layout of ${name}`, (t, s) => {
    const { status, stdout, stderr } = spawnSync(
      path.join(BUILD, "pronghorn"),
      ["--check-config", "--bind", "127.0.0.1:0", "--cache-dir", s.dir(), app(name)],
      { encoding: "utf8" },
    );

    assert.equal(status, fault ? 1 : 0, stdout + stderr);
    if (fault) assert.match(stderr, fault);
    else assert.match(stdout, /are good/);
  });

for (const name of ["app", "blocking"])
  test(`a layout believes no page but its own: ${name}`, async (t, s) => {
    const prefix = "/below/";
    const server = await s.start({ app: app(name), args: ["--url-base-pathname", prefix] });
    const { host, port } = server.address;
    const query = async (referer, fields = {}) => {
      const answer = await fetch(`${server.url}${prefix}_dash-layout`, {
        headers: { referer, ...fields },
      });

      assert.equal(answer.status, 200);
      return /"children":"(seen)"/.exec(await answer.text())?.[1];
    };
    const other = "http://other.example/below/?q=seen";

    assert.equal(await query(`http://${host}:${port}/below/?q=seen`), "seen");
    assert.equal(await query(`http://${host}:${port}/below/a/b?x=1&q=seen#q=no`), "seen");
    for (const referer of [
      ...[other, `http://${host}:${Number(port) + 1}/below/?q=seen`],
      ...[`http://${host}:${port}/above/?q=seen`, `http://${host}:${port}?q=seen`],
      ...[`http://${host}:${port}.other.example/below/?q=seen`, `${host}:${port}/below/?q=seen`],
      `http://other.example/http://${host}:${port}/below/?q=seen`,
    ])
      assert.equal(await query(referer), undefined, referer);
    /* As a proxy may have put another name into Host. */
    assert.equal(await query(other, { "sec-fetch-site": "same-origin" }), "seen");
    assert.equal(await query(other, { "sec-fetch-site": "cross-site" }), undefined);
  });

test("scripts and stylesheets of others, and what the policy allows", async (t, s) => {
  const server = await s.start({ app: app("app") });
  const page = await fetch(server.url);
  const html = await page.text();
  const policy = page.headers.get("content-security-policy");
  const sources = (name) => new RegExp(`${name} ([^;]*)`).exec(policy)[1].split(" ");

  assert.match(html, /<script src="https:\/\/cdn\.example\/lib\/x\.js\?v=1" integrity="sha384-abc" crossorigin="anonymous" defer><\/script>/);
  assert.match(html, /<link rel="stylesheet" href="\/\/fonts\.example\/css\?family=A">/);
  assert.ok(html.indexOf("cdn.example") < html.indexOf("/dash-renderer/"));
  assert.ok(sources("script-src").includes("https://cdn.example/lib/x.js"));
  for (const name of ["style-src", "font-src", "img-src"])
    assert.ok(sources(name).includes("fonts.example"), name);
  assert.ok(!sources("script-src").includes("fonts.example"));
  assert.ok(!sources("connect-src").some((source) => /example/.test(source)));
});
