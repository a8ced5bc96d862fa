/* SPDX-License-Identifier: MIT */

/* Callbacks of every kind in a real browser. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { until } from "../lib/harness.mjs";
import { inBothModes, inTurn } from "../lib/modes.mjs";
import { launch, Visitor } from "../lib/page.mjs";

/* What the page loads beside the app. */
const ASSETS = {
  "functions.js":
    "window.dash_clientside = Object.assign(window.dash_clientside || {}," +
    " { ofAsset: { spaced: (a, b) => `${a || 0} and ${b || 0}` } });",
  "favicon.ico": Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "base64",
  ),
};

/* A server and a browser for all; a visitor for each, who has the page. */
async function place(scene) {
  const assets = scene.dir();

  for (const [name, content] of Object.entries(ASSETS))
    fs.writeFileSync(path.join(assets, name), content);
  const server = await scene.start({
    app: "dash_callbacks",
    workers: 2,
    threads: 2,
    args: ["--assets-folder", assets],
  });
  const browser = await launch(scene);

  return async () => {
    const visitor = await Visitor.open(browser, server);

    await visitor.visit();
    await shows(visitor, "once", "once");
    return visitor;
  };
}

/* The selector of an id, which may be a dict id. */
function locate(visitor, id) {
  return visitor.page.locator(`[id='${id}']`);
}

async function shows(visitor, id, text) {
  let seen;

  await until(
    `${id} to show ${text}`,
    async () => {
      seen = await locate(visitor, id)
        .textContent({ timeout: 5000 })
        .catch(() => null);
      return seen === text;
    },
    15,
  ).catch((error) => {
    throw new Error(
      `${error.message}; seen: ${seen}; ${visitor.complaints.join("; ")}`,
    );
  });
}

const press = (visitor, id) => visitor.page.locator(`#${id}`).click();
const dict = (type, index) => `{"index":${index},"type":"${type}"}`;

/* Each with a page of its own. */
const PARTS = {};

PARTS["why a callback runs and for whom"] = async (visitor) => {
  await visitor.context.addCookies([
    { name: "flavour", value: "salt", url: visitor.server.url },
  ]);
  await shows(visitor, "why", "initial");
  const answer = visitor.page.waitForResponse(
    (response) => response.headers()["x-why"] === "pressed",
  );

  await press(visitor, "b");
  assert.match((await answer).url(), /_dash-update-component$/);
  await shows(visitor, "why", "1 b.n_clicks=1 a=0 b=1");
  await shows(visitor, "who", "|salt|127.0.0.1");
  assert.deepEqual(visitor.complaints, []);
  /* A memoized one must not know: it fails, and says so in the log. */
  await press(visitor, "a");
  await shows(visitor, "why", "1 a.n_clicks=1 a=1 b=0");
  await until("the complaint", () =>
    visitor.server.lines.some((line) =>
      line.includes("ph_client(): nosy is memoized"),
    ),
  );
};

PARTS["outputs, or none, and what happens meanwhile"] = async (visitor) => {
  const { page } = visitor;

  await shows(visitor, "lenient", "absent is null");
  await press(visitor, "side");
  await shows(visitor, "told", "by set_props");
  assert.equal(await page.locator("#told").getAttribute("title"), "tip");
  for (const side of ["left", "right", "left"]) {
    await press(visitor, side);
    await shows(visitor, "shared", side);
  }
  await press(visitor, "slow");
  await shows(visitor, "state", "busy");
  assert.equal(await page.locator("#slow").isDisabled(), true);
  assert.equal(await page.title(), "Wait </script>");
  await shows(visitor, "state", "idle");
  await shows(visitor, "slow-out", "done");
  assert.equal(await page.locator("#slow").isDisabled(), false);
  await press(visitor, "break");
  await shows(visitor, "broken", "no luck today");
  await shows(visitor, "alert", "something broke");
  assert.deepEqual(visitor.complaints, []);
};

PARTS["one output of two, none, a cookie, a failure"] = async (visitor) => {
  const { page } = visitor;
  const told = (status) =>
    page.waitForResponse(
      (answer) =>
        answer.status() === status &&
        answer.request().postData()?.includes("part.n_clicks"),
    );

  await press(visitor, "a");
  await shows(visitor, "client", "<2>");
  await press(visitor, "part");
  await shows(visitor, "part-a", "a1");
  await shows(visitor, "part-b", "b1, a was 1");
  /* Prevented: an answer without a body, and the page stays as it is. */
  const nothing = told(204);

  await press(visitor, "part");
  await nothing;
  await shows(visitor, "part-b", "b1, a was 1");
  await press(visitor, "part");
  await shows(visitor, "part-b", "b3, a was 1");
  await shows(visitor, "part-a", "a1");
  const [cookie] = await visitor.context.cookies();

  assert.deepEqual([cookie.name, cookie.value], ["pressed", "3"]);
  /* This one has no handler of its own, so the app's. */
  await press(visitor, "part");
  await shows(visitor, "alert", "of any callback: no fourth");
  await shows(visitor, "part-b", "b3, a was 1");
  assert.deepEqual(visitor.complaints, []);
};

PARTS["functions in the browser ask no server"] = async (visitor) => {
  await shows(visitor, "client", "<0>");
  await shows(visitor, "spaced", "0 and 0");
  assert.match(await visitor.page.content(), /_dashprivate_clientside_funcs/);
  const policy = (await visitor.page.reload()).headers()[
    "content-security-policy"
  ];

  assert.match(policy, /script-src 'self' 'sha256-[^']+' 'sha256-[^']+'/);
  const icon = await visitor.page.locator('link[rel="icon"]').getAttribute("href");

  assert.match(icon, /\/assets\/favicon\.ico\?m=\d+$/);
  const image = await visitor.page.request.get(new URL(icon, visitor.server.url).href);

  assert.deepEqual(await image.body(), ASSETS["favicon.ico"]);
  await shows(visitor, "client", "<0>");
  await press(visitor, "a");
  await shows(visitor, "client", "<2>");
  await press(visitor, "b");
  await press(visitor, "a");
  await shows(visitor, "spaced", "2 and 1");
};

PARTS["patterns: MATCH, ALL, ALLSMALLER"] = async (visitor) => {
  await shows(visitor, dict("double", 0), "0@0");
  await shows(visitor, dict("double", 1), "2@1");
  await shows(visitor, dict("below", 0), "0 below, sum 0");
  await shows(visitor, dict("below", 1), "1 below, sum 0");
  await shows(visitor, dict("all", 0), "");
  await shows(visitor, dict("all", 1), "#1");
  await shows(visitor, "total", "1");
  await press(visitor, "grow");
  await shows(visitor, dict("double", 2), "4@2");
  await shows(visitor, dict("below", 2), "2 below, sum 1");
  await shows(visitor, dict("all", 2), "#2");
  await shows(visitor, "total", "3");
  await locate(visitor, dict("cell", 1)).fill("7");
  await shows(visitor, dict("double", 1), "14@1");
  await shows(visitor, dict("double", 0), "0@0");
  await shows(visitor, dict("below", 2), "2 below, sum 7");
  await shows(visitor, "total", "9");
  assert.deepEqual(visitor.complaints, []);
};

PARTS["patches change a value in place"] = async (visitor) => {
  await press(visitor, "patch");
  await until("the patched value", async () =>
    (await locate(visitor, "shown").textContent()).includes("new"),
  );
  assert.deepEqual(JSON.parse(await locate(visitor, "shown").textContent()), {
    name: "new",
    list: [0, 9, 1, 3, 4, 50],
    empty: [],
    back: [3, 2, 1],
    n: 7.5,
    deep: { "a.b": [{ c: "<&>" }] },
    merged: true,
  });
  assert.deepEqual(visitor.complaints, []);
};

inBothModes("callbacks", { seconds: 120 }, async (t, scene) =>
  inTurn(t, PARTS, await place(scene)),
);
