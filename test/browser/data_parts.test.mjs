/* SPDX-License-Identifier: MIT */

/* Values of every kind as the page sees them, figures of every kind drawn,
 * typed arrays there and back, a CSV file given to a DataTable. */
import assert from "node:assert/strict";
import { inBothModes } from "../lib/modes.mjs";
import { launch, Visitor } from "../lib/page.mjs";

/* What a trace draws, by its kind. */
const DRAWN = {
  scatter: ".scatterlayer .point",
  line: ".scatterlayer path.js-line",
  bar: ".barlayer .point",
  histogram: ".barlayer .point",
  histogram2d: ".heatmaplayer image",
  histogram2dcontour: ".contourlayer path",
  heatmap: ".heatmaplayer image",
  contour: ".contourlayer path",
  box: ".boxlayer path.box",
  violin: ".violinlayer path.violin",
  pie: ".pielayer path.surface",
  candlestick: ".boxlayer path.box",
  ohlc: ".ohlclayer path",
  scattergeo: ".scattergeo path.point",
  choropleth: ".choroplethlayer path.choroplethlocation",
};

inBothModes("values and figures", { seconds: 120 }, async (t, scene, mode) => {
  const server = await scene.start({
    app: "data_parts",
    threads: 2,
  });
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;
  const shows = (id, text) =>
    page.locator(`#${id}`, { hasText: text }).first().waitFor({ timeout: 90000 });

  await visitor.visit();
  await page.waitForFunction(() => window.seen !== undefined, null, { timeout: 90000 });
  assert.deepEqual(await page.evaluate(() => window.seen), {
    ...{ int: 9007199254740991, third: 1 / 3, nan: null, inf: null },
    text: '"<é🦌>\n',
    time: "1970-01-01T00:00:01.500",
    raw: { a: [true, null, -0.5e-7] },
  });
  const rich = page.locator("#rich");

  assert.equal(await rich.textContent(), "one 20.5");
  assert.equal(await rich.getAttribute("data-row"), "7");
  assert.equal(await rich.getAttribute("aria-label"), "a row");
  assert.equal(
    await rich.evaluate((node) => getComputedStyle(node).color),
    "rgb(1, 2, 3)",
  );
  /* A missing number went as NaN and comes back as one: + 1000. */
  await shows("back", "3 numbers, sum 1003.5");
  for (const [type, selector] of Object.entries(DRAWN))
    await page
      .locator(`#g-${type} ${selector}`)
      .first()
      .waitFor({ state: "attached", timeout: 90000 });
  await page.locator("#up input[type=file]").setInputFiles({
    ...{ name: "t.csv", mimeType: "text/csv" },
    buffer: Buffer.from('a,b\n1,"x, y"\n2.5,z\n'),
  });
  await shows("table", "x, y");
  assert.deepEqual(
    await page.locator("#table td").allTextContents(),
    ["1", "x, y", "2.5", "z"],
  );
  await visitor.screenshot(`data-parts-${mode}`);
  for (const url of visitor.requests)
    assert.ok(url.startsWith(`${server.url}/`) || /^(data|blob):/.test(url), url);
  if (mode === "production") assert.deepEqual(visitor.complaints, []);
});
