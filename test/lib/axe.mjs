/* SPDX-License-Identifier: MIT */

/* What axe-core finds wrong with a page for people who cannot see it or have
 * no mouse. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";

const source = fs.readFileSync(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
);

/* The tools and the error panel of the development bundles. */
const TOOLS = [".dash-debug-menu__outer", ".dash-debug-menu", ".dash-error-menu"];

/* Fails with every finding that is as grave as one of these. */
export async function isAccessible(page, what, grave = ["serious", "critical"]) {
  await page.evaluate(source);
  const findings = await page.evaluate(
    async ([exclude, impacts]) => {
      const { violations } = await window.axe.run(
        { include: [["body"]], exclude: exclude.map((one) => [one]) },
        { resultTypes: ["violations"] },
      );

      return violations
        .filter(({ impact }) => impacts.includes(impact))
        .flatMap(({ id, help, nodes }) =>
          nodes.map(({ html }) => `${id}: ${help}: ${html.slice(0, 200)}`),
        );
    },
    [TOOLS, grave],
  );

  assert.deepEqual(findings, [], `axe-core about ${what}`);
}

/* One heading, one main part, every label is of something, and every slider is
 * in a group that has a name, from which its handle has it (www/pronghorn.js). */
export async function isInOrder(page, what) {
  const found = await page.evaluate(() => {
    const without = (selector, has) =>
      [...document.querySelectorAll(selector)]
        .filter((one) => !has(one))
        .map((one) => one.outerHTML.slice(0, 200));

    return {
      main: document.querySelectorAll("main").length,
      h1: document.querySelectorAll("h1").length,
      labels: without("label", (one) => one.control),
      sliders: without('[role="slider"]', (one) =>
        one.closest('[role="group"]:is([aria-label], [aria-labelledby])')),
    };
  });

  assert.deepEqual(found, { main: 1, h1: 1, labels: [], sliders: [] }, what);
}

/* Nothing is wider than the window, once graphs have followed its size. */
export async function fits(page, what) {
  const wide = () =>
    document.documentElement.scrollWidth <= window.innerWidth || null;

  await page.waitForFunction(wide, null, { timeout: 60000 }).catch(async () => {
    const who = await page.evaluate(() =>
      [...document.querySelectorAll("body *")]
        .filter((one) => one.getBoundingClientRect().right > window.innerWidth + 1)
        .slice(0, 3)
        .map((one) => one.outerHTML.slice(0, 120)),
    );

    assert.fail(`${what} is too wide: ${who.join(" | ")}`);
  });
}

/* The same with each of its dropdowns open, and once all were left by a click
 * elsewhere: what it opens has the name of the label, or group, that the dropdown
 * has. */
export async function isAccessibleOpen(page, what) {
  const openers = page.locator("button.dash-dropdown:not([disabled]):visible");
  const opened = page.locator(".dash-dropdown-content");

  for (let i = 0; i < (await openers.count()); i++) {
    const opener = openers.nth(i);
    const wanted = await opener.evaluate(
      (one) =>
        (
          one.labels?.[0] ??
          document.getElementById(
            one.closest("[role=group]")?.getAttribute("aria-labelledby"),
          )
        )?.textContent ?? one.closest("[role=group]")?.getAttribute("aria-label"),
    );

    await opener.click();
    await opened.waitFor();
    await isAccessible(page, `${what} with an open dropdown`);
    assert.equal(await opened.getAttribute("aria-label"), wanted, what);
    await page.mouse.click(2, 2);
    await opened.waitFor({ state: "detached" });
    /* The button gets the focus back, and has to be left for good. */
    await page.evaluate(() => document.activeElement.blur());
  }
  await isAccessible(page, `${what} with dropdowns that were left`);
}

/*
 * What holds for every page, whatever its test has done there: one visitor can
 * use it with any senses and load it again, another one has it on a phone in
 * the dark, and nothing goes wrong. `shown(visitor)` waits until it is there.
 */
export async function isWhole(one, other, what, shown) {
  await one.settled();
  await isAccessible(one.page, what);
  await isInOrder(one.page, what);
  await isAccessibleOpen(one.page, what);
  await one.reload();
  await shown(one);
  await other.settled();
  await isAccessible(other.page, `${what} on a phone`);
  await isAccessibleOpen(other.page, `${what} on a phone`);
  await fits(other.page, what);
  isClean(one, what);
  isClean(other, what);
}

/* Nothing went wrong, and nothing left for another host. */
export function isClean(visitor, what) {
  assert.deepEqual(visitor.complaints, [], what);
  for (const url of visitor.requests)
    assert.ok(
      url.startsWith(`${visitor.server.url}/`) || /^(data|blob):/.test(url),
      `${what} contacted ${url}`,
    );
}
