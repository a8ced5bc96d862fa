/* SPDX-License-Identifier: MIT */

/* Pages as visitors meet them, in a document of the app's own, in both modes. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { until } from "../lib/harness.mjs";
import { inBothModes } from "../lib/modes.mjs";
import { launch, Visitor } from "../lib/page.mjs";

/* Each writes over what the one before has written. */
const ASSETS = {
  "b.css": "#frame { color: rgb(2, 2, 2); order: 7 }",
  "a.css": "#frame { color: rgb(1, 1, 1); opacity: 0.5 }",
  "2.js": "window.order.push(2);",
  "1.js": "window.order = [1];",
  "deeper/3.js": "window.order.push(3);",
};

/* The template is around the app, its script has run, and the assets came in
 * the order of their names, folders after files. */
async function isFramed(page) {
  const seen = await page.evaluate(() => {
    const frame = document.querySelector("body > header#frame");
    const { color, opacity, order } = getComputedStyle(frame);

    return {
      text: frame.textContent,
      language: document.documentElement.lang,
      script: window.ofTemplate,
      below: document.querySelector("header ~ #react-entry-point #menu") !== null,
      styles: [color, opacity, order],
      order: window.order,
    };
  });

  assert.deepEqual(seen, {
    text: "Of the template",
    language: "en",
    script: "ran",
    below: true,
    styles: ["rgb(2, 2, 2)", "0.5", "7"],
    order: [1, 2, 3],
  });
}

/* What search engines and other sites read. */
async function hasMetas(page, author, description) {
  const content = async (selector) => {
    const found = page.locator(`head meta[${selector}]`);

    return (await found.count()) ? found.first().getAttribute("content") : null;
  };

  assert.equal(await content('name="author"'), author);
  assert.equal(await content('name="description"'), description);
  /* While callbacks run the title says that. */
  await until("the title", async () => (await content('property="og:title"')) === (await page.title()));
}

inBothModes("links, addresses, titles, 404", async (t, scene, mode) => {
  const assets = scene.dir();

  for (const [name, content] of Object.entries(ASSETS)) {
    fs.mkdirSync(path.dirname(path.join(assets, name)), { recursive: true });
    fs.writeFileSync(path.join(assets, name), content);
  }
  const server = await scene.start({
    app: "dash_pages",
    workers: 2,
    threads: 2,
    args: ["--assets-folder", assets],
  });
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;
  const shows = async (id, text, title) => {
    await page.locator(`#${id}`).filter({ hasText: text }).waitFor();
    await until(
      `the title ${title}`,
      async () => (await page.title()) === title,
    );
  };

  await visitor.visit();
  await shows("home", "Home", "Welcome");
  await shows("out", "<x>", "Welcome");
  assert.deepEqual(await page.locator("#menu a").allTextContents(), [
    "Home",
    "Quarterly report",
  ]);
  await isFramed(page);
  await hasMetas(page, "A \"B\" <C>", "Of all pages");
  /* Without a request for the document. */
  const documents = () =>
    visitor.requests.filter((url) => !url.includes("_")).length;
  const before = documents();

  await page.locator("#seven").click();
  await shows("asset", "asset 7, unit m/s", "Asset");
  /* A callback of ids that this page only has. */
  await page.locator("#more-7").click();
  await page.locator("#seven-out", { hasText: "more 1" }).waitFor();
  await page.getByText("Quarterly report").click();
  await shows("report", "computed", "Quarterly report");
  await page.goBack();
  await shows("asset", "asset 7, unit m/s", "Asset");
  assert.equal(documents(), before);
  /* With one; the development bundles take seconds each time. */
  if (mode === "development") return;
  await visitor.visit("/quarterly-report");
  await hasMetas(page, "A \"B\" <C>", "Numbers & more");
  await visitor.visit("/asset/a%20b?unit=%C3%A9");
  await shows("asset", "asset a b, unit é", "Asset");
  await visitor.visit("/report?x=1");
  await shows("report", "computed", "Quarterly report");
  assert.equal(page.url(), `${server.url}/quarterly-report?x=1`);
  const complaints = visitor.complaints.filter(
    (text) => !/DevTools|Warning:|favicon/.test(text),
  );

  assert.deepEqual(complaints, []);
  await visitor.visit("/nowhere");
  await shows("missing", "No such page: /nowhere", "The site");
});
