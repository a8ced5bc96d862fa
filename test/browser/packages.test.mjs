/* SPDX-License-Identifier: MIT */

/* Components of a package from npm answer to a visitor. */
import assert from "node:assert/strict";
import path from "node:path";
import { BUILD } from "../lib/harness.mjs";
import { inBothModes } from "../lib/modes.mjs";
import { launch, Visitor } from "../lib/page.mjs";

const APP = path.join(BUILD, "packages/app.so");

inBothModes("a component package", async (t, scene, mode) => {
  const server = await scene.start({
    app: APP,
    threads: 2,
  });
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;

  await visitor.visit();
  /* A component within a property that is a list of objects. */
  await page.locator("#boxes em#label").click();
  await page.locator("#go.btn-danger").click();
  await page.locator("#out", { hasText: '1 clicks on ["b","a"]' }).waitFor();
  /* ... and one that is a property itself. */
  await page.locator("#toast strong#header", { hasText: "News" }).waitFor();
  await page.locator("#toast", { hasText: "It is open" }).waitFor();
  /* Its style sheet, which comes from this server, too. */
  assert.equal(
    await page
      .locator("#go")
      .evaluate((node) =>
        getComputedStyle(node).getPropertyValue("--bs-btn-bg"),
      ),
    "#dc3545",
  );
  await visitor.screenshot(`package-${mode}`);
  for (const url of visitor.requests)
    assert.ok(
      url.startsWith(`${server.url}/`) || /^(data|blob):/.test(url),
      url,
    );
  if (mode === "production") assert.deepEqual(visitor.complaints, []);
});
