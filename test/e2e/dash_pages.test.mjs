/* SPDX-License-Identifier: MIT */

/*
 * What each address of an app with pages is answered with.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { test } from "../lib/harness.mjs";

test("documents have the title and meta tags of their page", async (t, s) => {
  const server = await s.start({ app: "dash_pages" });
  const get = async (path, options) => {
    const answer = await fetch(server.url + path, options);

    return {
      status: answer.status,
      text: await answer.text(),
      headers: answer.headers,
    };
  };
  const home = await get("/");

  assert.equal(home.status, 200);
  assert.match(home.text, /<title>Welcome<\/title>/);
  assert.match(
    home.text,
    /<meta name="author" content="A &quot;B&quot; &lt;C&gt;">/,
  );
  const report = await get("/quarterly-report/");

  assert.equal(report.status, 200);
  assert.match(report.text, /<title>Quarterly report<\/title>/);
  assert.match(report.text, /name="description" content="Numbers &amp; more"/);
  assert.match(report.text, /property="og:image" content="[^"]*report\.png"/);
  /* Each name once: the page's own word before the app's, and that before ours. */
  const metas = ({ text }, name) =>
    [...text.matchAll(new RegExp(`<meta name="${name}" content="([^"]*)"`, "g"))].map((one) => one[1]);

  assert.deepEqual(metas(home, "description"), ["Of all pages"]);
  assert.deepEqual(metas(report, "description"), ["Numbers &amp; more"]);
  for (const page of [home, report]) assert.deepEqual(metas(page, "viewport"), ["width=device-width"]);
  assert.match((await get("/asset/9")).text, /<title>Asset<\/title>/);
  for (const path of ["/asset", "/asset/", "/asset/1/2", "/nowhere"]) {
    const answer = await get(path);

    assert.equal(answer.status, 404, path);
    assert.match(answer.text, /_dash-config/);
  }
  const moved = await get("/old/report?a=1&b=2", { redirect: "manual" });

  assert.equal(moved.status, 301);
  assert.equal(moved.headers.get("location"), "/quarterly-report?a=1&b=2");
  const etag = report.headers.get("etag");

  assert.notEqual(etag, home.headers.get("etag"));
  assert.equal(
    (await get("/quarterly-report", { headers: { "If-None-Match": etag } }))
      .status,
    304,
  );
});

test("the page that is there for none knows the address", async (t, s) => {
  const server = await s.start({ app: "dash_pages" });
  const list = await (await fetch(`${server.url}/_dash-dependencies`)).json();
  const { output } = list.find((one) => one.output.includes("_pages_content.children"));
  const values = { pathname: "/no%20where", search: "" };
  const answer = await fetch(`${server.url}/_dash-update-component`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      output,
      outputs: output.slice(2, -2).split("...").map((one) => {
        const [id, property] = one.split(".");

        return { id, property };
      }),
      inputs: Object.entries(values).map(([property, value]) => ({
        ...{ id: "_pages_location", property, value },
      })),
      changedPropIds: ["_pages_location.pathname"],
    }),
  });

  assert.match(await answer.text(), /No such page: \/no where"/);
});
