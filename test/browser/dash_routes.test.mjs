/* SPDX-License-Identifier: MIT */

/* HTTP beside the page, as the page itself uses it: its scripts, a form, a
 * link to a file; here and below a path of its own. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { inBothModes } from "../lib/modes.mjs";
import { launch, Visitor } from "../lib/page.mjs";

/* A request by a script of the page: [status, text]. */
const ask = (page, path, options) =>
  page.evaluate(
    async ([url, how]) => {
      const answer = await fetch(url, how);

      return [answer.status, await answer.text(), answer.headers.get("x-thing")];
    },
    [path, options],
  );

const json = (value) => ({
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(value),
});

/* Methods, variables of the path, query, JSON, a value that is computed. */
async function hasApi(page, prefix) {
  const [status, text, header] = await ask(page, `${prefix}/api/things/a%20b?unit=%C3%A9`);

  assert.deepEqual([status, header], [200, "a b"]);
  assert.deepEqual(JSON.parse(text), {
    ...{ id: "a b", unit: "\u00e9", path: "/api/things/a b" },
    agent: await page.evaluate(() => navigator.userAgent),
  });
  assert.deepEqual(
    await ask(page, `${prefix}/api/things/1`, { method: "PUT", ...json({ name: "x" }) }),
    [201, '{"was":"x"}', null],
  );
  assert.deepEqual(await ask(page, `${prefix}/api/things/1`, { method: "DELETE" }), [204, "", null]);
  assert.deepEqual(await ask(page, `${prefix}/api/slow`), [200, "42", null]);
  const [, long] = await ask(page, `${prefix}/long`);

  assert.equal(long.length, 6 + 3000 * 1024 + 4);
  assert.match(long, /^start\nx+\n/);
  assert.match(long, /x\nend\n$/);
}

async function downloads(page, selector) {
  const coming = page.waitForEvent("download");

  await page.locator(selector).click();
  const file = await coming;

  return [file.suggestedFilename(), fs.readFileSync(await file.path(), "utf8")];
}

/* What the page's own elements do, the last of which leaves the page. */
async function hasElements(page) {
  assert.deepEqual(await downloads(page, "#save"), ["r\u00e9sum\u00e9.csv", "a,b\n1,2\n"]);
  await page.locator("#name").fill("J\u00fcrgen & Co");
  await page.locator("#send").click();
  await page.waitForURL("**/form");
  assert.equal(await page.locator("body").innerText(), "J\u00fcrgen & Co");
}

inBothModes("an API, a form, a file", { seconds: 120 }, async (t, scene, mode) => {
  const env = { ROUTE_FILE: scene.file("f.csv", "a,b\n1,2\n") };
  const browser = await launch(scene);

  for (const prefix of ["", "/apps/one"]) {
    const server = await scene.start({
      ...{ app: "dash_routes", env },
      args: prefix ? ["--url-base-pathname", `${prefix}/`] : [],
    });
    const visitor = await Visitor.open(browser, server);
    const { page } = visitor;

    await visitor.visit(`${prefix}/`);
    await page.locator("#send").waitFor();
    await hasApi(page, prefix);
    assert.deepEqual(visitor.complaints, []);
    /* What fails in a handler is nobody's business but the developer's. */
    const [status, text] = await ask(page, `${prefix}/broken`);

    assert.equal(status, 500);
    assert.equal(/get_broken: the secret/.test(text), mode === "development");
    await hasElements(page);
    await visitor.close();
  }
});
