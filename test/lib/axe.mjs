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
 * Parts of the front end that are not ours to mend: what they lack no property
 * of the component can give. A dcc.Dropdown is not among them: it has its name
 * from the label whose htmlFor is its id.
 */
const FOREIGN = [
  /* A dcc.Dropdown's hidden input, which takes the focus for its button. */
  ".dash-dropdown-focus-target",
  /* The handle of a slider has values, but no name. */
  ".dash-slider-thumb",
  /* A list of boxes is a listbox without a name, with boxes in its options. */
  ".dash-options-list",
  /* The pager of a DataTable: arrows drawn by CSS. Its "Aa" is too light, and
   * brings its colour with it. */
  ...[".previous-next-container", ".dash-filter--case"],
  /* The tools and the error panel of the development bundles. */
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
