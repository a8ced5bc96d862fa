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
 * Of the front end's own components, which are not ours to mend: the hidden
 * input of a dcc.Dropdown takes the focus for its visible button.
 */
const FOREIGN = [".dash-dropdown-focus-target"];

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

  await page.waitForFunction(wide, null, { timeout: 20000 }).catch(async () => {
    const who = await page.evaluate(() =>
      [...document.querySelectorAll("body *")]
        .filter((one) => one.getBoundingClientRect().right > window.innerWidth + 1)
        .slice(0, 3)
        .map((one) => one.outerHTML.slice(0, 120)),
    );

    assert.fail(`${what} is too wide: ${who.join(" | ")}`);
  });
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
