/* SPDX-License-Identifier: MIT */

/* Pages as visitors meet them, in both modes. */
import assert from "node:assert/strict";
import { until } from "../lib/harness.mjs";
import { inBothModes } from "../lib/modes.mjs";
import { launch, Visitor } from "../lib/page.mjs";

inBothModes("links, addresses, titles, 404", async (t, scene, mode) => {
  const server = await scene.start({
    app: "dash_pages",
    workers: 2,
    threads: 2,
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
  /* Without a request for the document. */
  const documents = () =>
    visitor.requests.filter((url) => !url.includes("_")).length;
  const before = documents();

  await page.locator("#seven").click();
  await shows("asset", "asset 7, unit m/s", "Asset");
  await page.getByText("Quarterly report").click();
  await shows("report", "computed", "Quarterly report");
  await page.goBack();
  await shows("asset", "asset 7, unit m/s", "Asset");
  assert.equal(documents(), before);
  /* With one; the development bundles take seconds each time. */
  if (mode === "development") return;
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
  await shows("missing", "No such page", "The site");
});
