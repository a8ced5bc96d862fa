/* SPDX-License-Identifier: MIT */

/* Background callbacks as the front end runs them, in both modes. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { inBothModes } from "../lib/modes.mjs";
import { launch, Visitor } from "../lib/page.mjs";

inBothModes("progress, cancel, replace, result", async (t, scene) => {
  const server = await scene.start({
    app: "dash_background",
    workers: 2,
    threads: 3,
  });
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;
  const file = path.join(scene.dir(), "stop");
  const shows = (id, pattern) =>
    page.locator(`#${id}`).filter({ hasText: pattern }).waitFor();
  const press = (id) => page.locator(`#${id}`).click();

  await visitor.visit();
  await page.locator("#file").fill(file);
  await press("go");
  await shows("state", "busy");
  await shows("bar", /^\d+$/);
  assert.match(await page.locator("#bar").getAttribute("title"), /^pid \d+$/);
  /* Cancel. */
  await press("stop");
  await server.waitFor(/cancelled in round/);
  await shows("state", "idle");
  await shows("bar", "none");
  /* Start twice: the first one is replaced. */
  await press("go");
  await shows("bar", /^\d+$/);
  await press("go");
  await server.waitFor(/cancelled in round/, { count: 2 });
  await shows("bar", /^\d+$/);
  fs.writeFileSync(file, "");
  await shows("out", /^done 3 by \d+$/);
  await shows("side", "by the way");
  await shows("state", "idle");
  await shows("bar", "none");
  await press("keep");
  await shows("kept", "kept a");
  /* playwright takes a 204 for a failed request. */
  assert.deepEqual(
    visitor.complaints.filter(
      (text) => !/DevTools|Warning:|^failed: .*[jJ]ob=/.test(text),
    ),
    [],
  );
});
