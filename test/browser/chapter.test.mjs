/* SPDX-License-Identifier: MIT */

/*
 * The chapter's examples 1 and 2 as they stand alone, under its component ids.
 * Examples 3 and 4 have files of their own.
 */
import assert from "node:assert/strict";
import path from "node:path";
import { BUILD, test } from "../lib/harness.mjs";
import { fits, isAccessible, isClean } from "../lib/axe.mjs";
import { launch, Visitor } from "../lib/page.mjs";

const PATIENT = { timeout: 90000 };

/* The first number of the line about bytes, in kB. */
async function kilobytes(page) {
  const text = await page
    .locator("#bytes", { hasText: "per choice" })
    .innerText(PATIENT);

  return Number(/^([\d.]+) kB/.exec(text)[1]);
}

async function mean(page, id) {
  const of = (one) => {
    const y = document.querySelector(`#${one} .js-plotly-plot`)?._fullData?.[0]?.y;

    return y ? [...y].reduce((sum, x) => sum + x, 0) / y.length : null;
  };

  return (await page.waitForFunction(of, id, PATIENT)).jsonValue();
}

/* Load, choose, reload, a second visitor on a phone. */
async function walk(scene, example, graph) {
  const server = await scene.start({
    app: path.join(BUILD, `examples/${example}.so`),
    workers: 2,
    env: { PH_DEMO_DELAY: "0" },
  });
  const browser = await launch(scene);
  const visitor = await Visitor.open(browser, server);
  const { page } = visitor;

  await visitor.visit();
  const north = await mean(page, graph);
  const bytes = await kilobytes(page);

  await isAccessible(page, example);
  await page.locator("#dropdown").click();
  await page.getByText("west", { exact: true }).last().click();
  await page.waitForFunction(
    ([id, before]) => {
      const { y } = document.querySelector(`#${id} .js-plotly-plot`)._fullData[0];

      return [...y].reduce((sum, x) => sum + x, 0) / y.length > before + 0.3;
    },
    [graph, north],
    PATIENT,
  );
  /* What is in the browser goes with the page. */
  await page.waitForFunction(
    () => !document.querySelector("[data-dash-is-loading=true]"),
    null,
    PATIENT,
  );
  await page.reload();
  assert.equal(await mean(page, graph), north);
  await kilobytes(page);
  isClean(visitor, example);
  const other = await Visitor.open(browser, server, {
    viewport: { width: 360, height: 740 },
    colorScheme: "dark",
  });

  await other.visit();
  assert.equal(await mean(other.page, graph), north);
  await fits(other.page, example);
  isClean(other, example);
  return { page, bytes };
}

test("data in the browser", { seconds: 240 }, async (t, scene) => {
  const { page, bytes } = await walk(scene, "browser_data", "graph");

  assert.ok(bytes > 15, `${bytes} kB`);
  assert.equal(await page.locator("#table tbody tr").count(), 3);
  assert.match(await page.locator("#intermediate-value").textContent(), /^\{"columns"/);
});

test("aggregations upfront", { seconds: 240 }, async (t, scene) => {
  const { page, bytes } = await walk(scene, "aggregations", "graph-1");

  assert.ok(bytes < 3, `${bytes} kB`);
  for (const id of ["graph-2", "graph-3"]) await mean(page, id);
});
