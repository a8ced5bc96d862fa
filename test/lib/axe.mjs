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

/*
 * Of the front end's own, which is not ours to mend: the hidden input of a
 * dcc.Dropdown takes the focus for its visible button, which has no name while
 * nothing is chosen; sliders and lists of boxes have parts without names, and
 * so has the pager of a DataTable; the tools and the error panel of the
 * development bundles. What can be left away, examples do without: isWhole().
 */
const FOREIGN = [
  ...[".dash-dropdown-focus-target", ".dash-dropdown"],
  ...[".dash-range-slider-input", ".dash-slider-thumb", ".dash-options-list"],
  ...[".previous-next-container", ".dash-filter--case"],
  ...[".dash-debug-menu__outer", ".dash-debug-menu", ".dash-error-menu"],
];

/* Fails with every finding that is serious or critical. */
export async function isAccessible(page, what) {
  await page.evaluate(source);
  const findings = await page.evaluate(async (exclude) => {
    const { violations } = await window.axe.run(
      { include: [["body"]], exclude: exclude.map((one) => [one]) },
      { resultTypes: ["violations"] },
    );

    return violations
      .filter(({ impact }) => ["serious", "critical"].includes(impact))
      .flatMap(({ id, help, nodes }) =>
        nodes.map(({ html }) => `${id}: ${help}: ${html.slice(0, 200)}`),
      );
  }, FOREIGN);

  assert.deepEqual(findings, [], `axe-core about ${what}`);
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

/*
 * What holds for every page, whatever its test has done there: one visitor can
 * use it with any senses and load it again, another one has it on a phone in
 * the dark, and nothing goes wrong. `shown(visitor)` waits until it is there.
 */
export async function isWhole(one, other, what, shown) {
  await one.settled();
  await isAccessible(one.page, what);
  assert.equal(
    await one.page.locator(".dash-range-slider-input").count(),
    0,
    `${what} has number boxes without names`,
  );
  await one.reload();
  await shown(one);
  await other.settled();
  await isAccessible(other.page, `${what} on a phone`);
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
