/* SPDX-License-Identifier: MIT */

/*
 * The front end checks the ids of callbacks, too: against the first layout, and
 * what a validation layout adds to it.
 */
import assert from "node:assert/strict";
import path from "node:path";
import { BUILD, test, until } from "../lib/harness.mjs";
import { inBothModes } from "../lib/modes.mjs";
import { launch, Visitor } from "../lib/page.mjs";

const app = (name) => path.join(BUILD, `test-apps/dash_validation.so:${name}`);

async function open(scene, options) {
  const server = await scene.start({ workers: 2, ...options });
  const visitor = await Visitor.open(await launch(scene), server);

  await visitor.visit();
  await visitor.page.locator("#react-entry-point [id]").first().waitFor();
  await visitor.settled();
  return visitor;
}

const config = ({ page }) =>
  page.evaluate(() => JSON.parse(document.getElementById("_dash-config").textContent));

/* In production nothing but the console tells; in development the panel, too. */
async function isClean(visitor) {
  await visitor.settled();
  assert.deepEqual(
    visitor.complaints.filter((text) => !/DevTools|Warning:/.test(text)),
    [],
  );
  assert.deepEqual(await visitor.page.locator(".dash-fe-error__title").allInnerTexts(), []);
}

inBothModes("ids that come later", async (t, scene) => {
  const visitor = await open(scene, { app: app("app") });
  const { page } = visitor;
  const { validation_layout: sent } = await config(visitor);

  /* Those of the first layout, too, and of none more than its id. */
  assert.deepEqual(
    sent.props.children.map(({ props, type }) => [type, ...Object.keys(props)]).sort(),
    ["Button", "Button", "Div", "Input", "P", "P"].map((type) => [type, "id"]),
  );
  assert.ok(sent.props.children.some(({ props }) => props.id === "</script><!--\"'&"));
  await isClean(visitor);
  await page.locator("#go").click();
  await page.locator("#seen", { hasText: "pressed" }).waitFor();
  await page.locator("#in").click();
  await page.locator("#seen", { hasText: "pressed 1" }).waitFor();
  await isClean(visitor);
});

inBothModes("a validation layout that asks who the visitor is", async (t, scene) => {
  const visitor = await open(scene, { app: app("unsure") });
  const sent = await config(visitor);

  assert.equal("validation_layout" in sent, false);
  assert.equal(sent.suppress_callback_exceptions, true, "as the start does not check");
  await isClean(visitor);
});

inBothModes("ids that nobody checks", async (t, scene) => {
  const visitor = await open(scene, { app: app("suppressed") });

  assert.equal("validation_layout" in (await config(visitor)), false);
  await isClean(visitor);
});

inBothModes("with pages", async (t, scene) => {
  const visitor = await open(scene, { app: "dash_pages" });
  const sent = await config(visitor);

  assert.equal(sent.suppress_callback_exceptions, true);
  assert.equal("validation_layout" in sent, false);
  await visitor.page.locator("#out", { hasText: "<x>" }).waitFor();
  await visitor.page.locator("#seven").click();
  await visitor.page.locator("#more-7").click();
  await visitor.page.locator("#seven-out", { hasText: "more 1" }).waitFor();
  await isClean(visitor);
});

test("what the browser says without one", async (t, scene) => {
  const visitor = await open(scene, { app: app("bare") });

  await until("two ids to be missed", async () =>
    visitor.complaints.filter((text) => /ID not found in layout/.test(text)).length >= 2);
});
