/* SPDX-License-Identifier: MIT */

/* A DataTable with boxes, lists and links in its cells, and columns that can be
 * hidden: names, the way of the keyboard, both colour schemes, a phone. */
import assert from "node:assert/strict";
import { isAccessible } from "../lib/axe.mjs";
import { test } from "../lib/harness.mjs";
import { launch, PHONE, Visitor } from "../lib/page.mjs";

const PATIENT = { timeout: 60000 };

async function open(scene) {
  const server = await scene.start({ app: "table_parts" });
  const visitor = await Visitor.open(await launch(scene), server);

  await visitor.visit();
  await visitor.page.locator("#said", { hasText: "fig, 0 chosen" }).waitFor(PATIENT);
  await visitor.settled();
  return visitor;
}

/* What has the focus, and whether it can be told by its outline. */
const focus = (page) =>
  page.evaluate(() => {
    const { activeElement: one } = document;
    const style = getComputedStyle(one);

    const by = (one.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean);
    const texts = by.map((id) => document.getElementById(id)).map((part) =>
      part.getAttribute("aria-label") ?? part.textContent);

    return {
      name:
        texts.join(" ") || one.id || one.getAttribute("aria-label") || one.innerText?.trim() || one.className || one.tagName,
      ring: style.outlineStyle !== "none" || style.boxShadow !== "none",
    };
  });

test("all parts of a table have names", { seconds: 120 }, async (t, scene) => {
  const visitor = await open(scene);
  const { page } = visitor;

  await isAccessible(page, "a table");
  await page.getByRole("checkbox", { name: "Row 2" }).check();
  await page.locator("#said", { hasText: "fig, 1 chosen" }).waitFor(PATIENT);
  await isAccessible(page, "a table with a chosen row");
  const called = (role, name) => page.getByRole(role, { name, exact: true }).waitFor(PATIENT);
  const controls = async (...columns) => {
    for (const name of columns) {
      if (name !== "Where") await called("radio", `Select ${name}`);
      await called("textbox", `Filter ${name}`);
      await called("button", `Case in the filter of ${name}`);
    }
  };

  await controls("Fruit", "Where", "Number");
  await called("textbox", "Page");
  /* What is drawn anew for another column is called by that one. */
  await page.getByRole("button", { name: "Hide Fruit" }).click();
  await page.getByRole("textbox", { name: "Filter Fruit" }).waitFor({ state: "detached" });
  await controls("Where", "Number");
  await page.getByRole("button", { name: "Toggle Columns" }).click();
  await page.locator(".show-hide-menu-item", { hasText: "Fruit" }).locator("input").check();
  await controls("Fruit", "Where", "Number");
  await page.getByRole("button", { name: "Toggle Columns" }).click();
  await visitor.screenshot("table-parts");
  await page.emulateMedia({ colorScheme: "dark" });
  await isAccessible(page, "a dark table");
  await page.locator(".Select-arrow").first().click();
  await page.locator(".Select-menu-outer").waitFor(PATIENT);
  await isAccessible(page, "a list in a dark table");
  await visitor.screenshot("table-parts-list");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.locator("#said", { hasText: "plum, 1 chosen" }).waitFor(PATIENT);
  await visitor.screenshot("table-parts-dark");
  await page.locator("td.dash-cell.column-2").first().dblclick();
  await called("textbox", "Number, row 1");
  await isAccessible(page, "a dark table with a cell that is written in");
  await page.keyboard.press("Escape");
  await page.locator("td.dash-cell input.unfocused").waitFor(PATIENT);
  await isAccessible(page, "a dark table with a cell that was written in");
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(PHONE.viewport ?? PHONE);
  await isAccessible(page, "a table on a phone");
  for (const arrows of await page.locator(".column-header--sort").all())
    assert.ok((await arrows.boundingBox()).width >= 10);
  assert.deepEqual(visitor.complaints, []);
});

test("the Tab key passes through a table", { seconds: 120 }, async (t, scene) => {
  const visitor = await open(scene);
  const { page } = visitor;
  const stops = [];

  for (const [key, first, last] of [
    ["Tab", "#before", "after"],
    ["Shift+Tab", "#after", "before"],
  ]) {
    const seen = [];

    await page.locator(first).focus();
    for (let i = 0; i < 60 && seen.at(-1) !== last; i++) {
      await page.keyboard.press(key);
      const { name, ring } = await focus(page);

      assert.ok(ring, `${key}: ${name} shows that it has the focus`);
      seen.push(name);
    }
    assert.equal(seen.at(-1), last, `${key}: ${seen}`);
    stops.push(seen.slice(0, -1));
  }
  assert.deepEqual(stops[1].reverse(), stops[0]);
  for (const name of ["Sort by Fruit", "Hide Fruit", "the first", "the second", "Row 1", "Row 2", "Next page"])
    assert.equal(stops[0].filter((one) => one === name).length, 1, `${name}: ${stops[0]}`);
  /* And what it stops at can be used: from the smallest number, from the largest. */
  const first = page.locator("td.dash-cell.column-2").first();

  for (const [key, number] of [["Enter", "1"], [" ", "3"]]) {
    await page.getByRole("button", { name: "Sort by Number" }).focus();
    await page.keyboard.press(key);
    await first.filter({ hasText: number }).waitFor(PATIENT);
  }
  await page.getByRole("button", { name: "Hide Fruit" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Sort by Fruit" }).waitFor({ state: "detached" });
});
