/* SPDX-License-Identifier: MIT */

/*
 * The recipes of docs/APPS.md in a real browser: each shows its page and has
 * nothing to complain of; those whose point is what the browser does are used.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { isAccessible } from "../lib/axe.mjs";
import { ROOT, test, until } from "../lib/harness.mjs";
import { launch, Visitor } from "../lib/page.mjs";
import { compile, recipes } from "../lib/recipes.mjs";

async function shows(page, selector, text) {
  await until(`${selector} to show ${text}`, async () =>
    (await page.locator(selector).innerText()) === text);
}

/* By the title, without the number in front of it. */
const USES = {
  async "One input, one output"(page) {
    const before = await page.locator("body").innerText();

    await page.locator("input").first().fill("7");
    await until("another text", async () =>
      (await page.locator("body").innerText()) !== before);
  },
  async "As many components as there are: pattern-matching ids"(page) {
    await shows(page, "#sum", "3");
    await page.locator("input").nth(1).fill("40");
    await shows(page, "#sum", "41");
  },
  async "Add to what is there: a patch"(page) {
    const points = () =>
      page.locator("#graph .js-plotly-plot").evaluate((plot) => plot.data[0].y.length);

    await page.locator("#go").click();
    await until("a second point", async () => (await points()) === 2);
  },
  async "In the browser only"(page, visitor) {
    const before = visitor.requests.length;

    await page.locator("#text").fill("quiet");
    await shows(page, "#upper", "QUIET");
    assert.equal(visitor.requests.length, before, "no server was asked");
  },
  async "A long job in the background"(page) {
    await page.locator("#go").click();
    await until("the button to be disabled", () => page.locator("#go").isDisabled());
    await until("some progress", async () =>
      Number(await page.locator("#bar").getAttribute("value")) > 0);
    await page.locator("#stop").click();
    await until("the button to be there again", () => page.locator("#go").isEnabled());
    await page.locator("#go").click();
    await shows(page, "#out", "The report is ready");
  },
  async "A long loop in little memory"(page) {
    await page.locator("#go").click();
    await shows(page, "#out", "The last is 999982");
  },
};

const nameOf = (title) => title.replace(/^\d+\. /, "");

test("what is used are recipes", () => {
  const names = recipes.map(({ title }) => nameOf(title));

  assert.deepEqual(Object.keys(USES).filter((name) => !names.includes(name)), []);
});

for (const { title, language, source } of recipes)
  test(`recipe ${title}`, async (t, scene) => {
    const server = await scene.start({
      app: compile(source, language, scene.dir()),
      threads: 2,
    });
    const visitor = await Visitor.open(await launch(scene), server);

    await visitor.visit();
    await until("a page", async () =>
      (await visitor.page.locator("#react-entry-point").innerText()) !== "Loading...");
    await USES[nameOf(title)]?.(visitor.page, visitor);
    assert.deepEqual(visitor.complaints, []);
  });

test("the app in the README", { seconds: 120 }, async (t, scene) => {
  const readme = fs.readFileSync(path.join(ROOT, "README.md"), "utf8");
  const [, source] = /```c\n([^]*?)```/.exec(readme);
  const server = await scene.start({ app: compile(source, "c", scene.dir()) });
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;

  await visitor.visit();
  await shows(page, "#y", "9");
  await page.getByRole("slider", { name: "x", exact: true }).focus();
  await page.keyboard.press("ArrowRight");
  await shows(page, "#y", "16");
  await visitor.settled();
  await isAccessible(page, "the app in the README");
  await visitor.screenshot("readme-app");
  assert.deepEqual(visitor.complaints, []);
});
