/* SPDX-License-Identifier: MIT */

/* Components of two packages from npm answer to a visitor. */
import assert from "node:assert/strict";
import path from "node:path";
import { BUILD } from "../lib/harness.mjs";
import { inBothModes } from "../lib/modes.mjs";
import { launch, Visitor } from "../lib/page.mjs";

async function open(scene, app) {
  const server = await scene.start({
    app: path.join(BUILD, "packages", `${app}.so`),
    threads: 2,
  });
  const visitor = await Visitor.open(await launch(scene), server);

  await visitor.visit();
  return visitor;
}

/* Nothing came from anywhere else, and nothing was complained about. */
function checkEnd(visitor, mode) {
  for (const url of visitor.requests)
    assert.ok(
      url.startsWith(`${visitor.server.url}/`) || /^(data|blob):/.test(url),
      url,
    );
  if (mode === "production") assert.deepEqual(visitor.complaints, []);
}

inBothModes("dash-bootstrap-components", async (t, scene, mode) => {
  const visitor = await open(scene, "app");
  const { page } = visitor;

  /* A component within a property that is a list of objects. */
  await page.locator("#boxes em#label").click();
  await page.locator("#go.btn-danger").click();
  await page.locator("#out", { hasText: '1 clicks on ["b","a"]' }).waitFor();
  /* ... and one that is a property itself. */
  await page.locator("#toast strong#header", { hasText: "News" }).waitFor();
  await page.locator("#toast", { hasText: "It is open" }).waitFor();
  /* Its style sheet, which comes from this server, too. */
  assert.equal(
    await page
      .locator("#go")
      .evaluate((node) =>
        getComputedStyle(node).getPropertyValue("--bs-btn-bg"),
      ),
    "#dc3545",
  );
  await visitor.screenshot(`package-${mode}`);
  checkEnd(visitor, mode);
});

inBothModes("dash_mantine_components", async (t, scene, mode) => {
  const visitor = await open(scene, "mantine");
  const { page } = visitor;
  const out = (text) => page.locator("#out", { hasText: text }).waitFor();
  /* The highest tick of the chart follows the rows that the callback sends. */
  const top = (text) =>
    page.locator("#chart .recharts-yAxis-tick-labels, #chart .recharts-yAxis", { hasText: text }).waitFor();

  await out("Cold in C");
  await top("12");
  await page.getByText("F", { exact: true }).click();
  await out("Cold in F");
  await page.getByText("Warm", { exact: true }).click();
  await out("Warm in F");
  await top("80");
  assert.equal(await page.locator("#chart path.recharts-line-curve").count(), 1);
  /* The chart is a part of the bundle that is fetched when one is shown. */
  assert.equal(
    visitor.requests.filter((url) => /dash_mantine_components\/.*async-LineChart/.test(url)).length,
    1,
  );
  assert.equal(
    visitor.requests.filter((url) => /async-BarChart/.test(url)).length, 0);
  /* Its styles are in the bundle: the colour of an alert is theirs. */
  assert.notEqual(
    await page.locator("#out").evaluate((node) => getComputedStyle(node).backgroundColor),
    "rgba(0, 0, 0, 0)",
  );
  await visitor.screenshot(`package-mantine-${mode}`);
  checkEnd(visitor, mode);
});
