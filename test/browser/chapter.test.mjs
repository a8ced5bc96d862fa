/* SPDX-License-Identifier: MIT */

/*
 * The chapter's examples 1 and 2 as they stand alone, under its component ids.
 * Examples 3 and 4 have files of their own.
 */
import assert from "node:assert/strict";
import path from "node:path";
import { isAccessible, isWhole } from "../lib/axe.mjs";
import { BUILD, test } from "../lib/harness.mjs";
import { launch, PHONE, Visitor } from "../lib/page.mjs";

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

async function choose(page, market) {
  await page.locator("#dropdown").click();
  await page.getByText(market, { exact: true }).last().click();
}

/* Load, choose, an error, and what holds for every page. */
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

  await page.getByRole("heading", { level: 1 }).waitFor(PATIENT);
  await page.getByRole("main").waitFor(PATIENT);
  assert.ok(
    await page.evaluate(() => document.querySelector("label").control?.id),
    "the label is the dropdown's",
  );
  const bytes = await kilobytes(page);

  await choose(page, "west");
  await page.waitForFunction(
    ([id, before]) => {
      const { y } = document.querySelector(`#${id} .js-plotly-plot`)._fullData[0];

      return [...y].reduce((sum, x) => sum + x, 0) / y.length > before + 0.3;
    },
    [graph, north],
    PATIENT,
  );
  /* An error, without data of another market, and on. */
  const told = page.locator("#error", { hasText: "no prices have come from east" });

  await choose(page, "east");
  await told.waitFor(PATIENT);
  await page.waitForFunction(
    (id) =>
      document.querySelector(`#${id} .js-plotly-plot`)._fullData.length === 0,
    graph,
    PATIENT,
  );
  await visitor.settled();
  await isAccessible(page, `an error of ${example}`);
  await choose(page, "south");
  await told.waitFor({ state: "detached", ...PATIENT });
  await mean(page, graph);
  /* What is in the browser goes with the page. */
  const other = await Visitor.open(browser, server, PHONE);

  await other.visit();
  assert.equal(await mean(other.page, graph), north);
  await isWhole(visitor, other, example, async () => {
    assert.equal(await mean(page, graph), north);
    await kilobytes(page);
  });
  return { page, bytes };
}

test("data in the browser", { seconds: 240 }, async (t, scene) => {
  const { page, bytes } = await walk(scene, "browser_data", "graph");

  assert.ok(bytes > 15, `${bytes} kB`);
  assert.match(
    await page.locator("#bytes").innerText(),
    /before compression/,
    "what is on the wire is less",
  );
  assert.equal(await page.locator("#table tbody tr").count(), 3);
  assert.match(await page.locator("#intermediate-value").textContent(), /^\{"columns"/);
});

test("aggregations upfront", { seconds: 240 }, async (t, scene) => {
  const { page, bytes } = await walk(scene, "aggregations", "graph-1");

  assert.ok(bytes < 3, `${bytes} kB`);
  for (const id of ["graph-2", "graph-3"]) await mean(page, id);
});
