/* SPDX-License-Identifier: MIT */

/* What a layout knows of who asks, and what the start says of one that fails. */
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
  const checked = spawnSync(
    path.join(BUILD, "pronghorn"),
    ["--check-config", "--cache-dir", s.dir(), app("failing")],
    { encoding: "utf8" },
  );

  assert.match(checked.stdout + checked.stderr, /event=app\.layout .*layout: .*cannot change/);
  const good = spawnSync(
    path.join(BUILD, "pronghorn"),
    ["--check-config", "--cache-dir", s.dir(), app("app")],
    { encoding: "utf8" },
  );

  assert.doesNotMatch(good.stdout + good.stderr, /app\.layout/);
  assert.equal(good.status, 0);
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
