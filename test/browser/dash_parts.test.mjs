/* SPDX-License-Identifier: MIT */

/* Files up and down, timer, stores, address, loading, persistence. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { inBothModes } from "../lib/modes.mjs";
import { launch, Visitor } from "../lib/page.mjs";

inBothModes("parts of a page", async (t, scene) => {
  const server = await scene.start({
    app: "dash_parts",
    workers: 2,
    threads: 2,
  });
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;
  const shows = (id, text) =>
    page.locator(`#${id}`).filter({ hasText: text }).waitFor();
  const press = (id) => page.locator(`#${id}`).click();
  const download = async (id) => {
    const coming = page.waitForEvent("download");

    await press(id);
    const file = await coming;

    return [file.suggestedFilename(), fs.readFileSync(await file.path())];
  };

  await visitor.visit("/here?x=1#y");
  await shows("where", "/here|?x=1|#y");
  await shows("ticks", /^3$/);
  await page.locator("#up input[type=file]").setInputFiles({
    name: "a b.bin",
    mimeType: "application/octet-stream",
    buffer: Buffer.from([0, 255, 1, 2]),
  });
  await shows("up-out", "a b.bin 4 258");
  assert.deepEqual(await download("get"), [
    "all.bin",
    Buffer.from([0, 1, 2, 255, 10]),
  ]);
  assert.deepEqual(await download("get2"), [
    "all.csv",
    Buffer.from("a,b\n1,2\n"),
  ]);
  await press("count");
  await shows("stored", "stored 1");
  await visitor.forge("many", {
    data: Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`sensor ${i}`, 1])),
  });
  await shows("weight", "5000 names, 5000");
  await press("load");
  await page.locator("#loading .dash-circle-spinner, .dash-spinner").first()
    .waitFor({ state: "attached" });
  await shows("loaded", "loaded 1");
  await press("go");
  await shows("where", "/here|?went=1|");
  await press("link");
  await shows("where", "/there|?a=b|#c");
  await page.locator("#keep").fill("second");
  await shows("kept", "second");
  /* What stays in the browser is there again. */
  await page.reload();
  await shows("stored", "stored 1");
  await shows("kept", "second");
  assert.equal(await page.locator("#keep").inputValue(), "second");
});
