/* SPDX-License-Identifier: MIT */

/* Background callbacks as the front end runs them, in both modes. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { until } from "../lib/harness.mjs";
import { inBothModes, inTurn } from "../lib/modes.mjs";
import { launch, Visitor } from "../lib/page.mjs";

/* The app with a visitor for each part; a job ends when `file` is there. */
async function place(scene) {
  const server = await scene.start({
    app: "dash_background",
    workers: 2,
    threads: 3,
  });
  const browser = await launch(scene);

  return async () => {
    const visitor = await Visitor.open(browser, server);
    const { page } = visitor;

    await visitor.visit();
    visitor.file = path.join(scene.dir(), "stop");
    visitor.shows = (id, pattern) =>
      page.locator(`#${id}`).filter({ hasText: pattern }).waitFor();
    visitor.press = (id) => page.locator(`#${id}`).click();
    await page.locator("#file").fill(visitor.file);
    return visitor;
  };
}

/* playwright takes a 204 for a failed request. */
const isFree = (visitor) =>
  assert.deepEqual(
    visitor.complaints.filter((text) => !/^failed: .*[jJ]ob=/.test(text)),
    [],
  );

/* Who computes, as the page itself shows it. */
const runner = async ({ page }) =>
  Number(/^pid (\d+)$/.exec(await page.locator("#bar").getAttribute("title"))?.[1]);

const PARTS = {};

PARTS["progress, cancel, replace, result"] = async (visitor) => {
  const { page, server, shows, press } = visitor;

  await press("go");
  await shows("state", "busy");
  await shows("bar", /^\d+$/);
  assert.ok((await runner(visitor)) > 0);
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
  fs.writeFileSync(visitor.file, "");
  await shows("out", /^done 3 by \d+$/);
  await shows("side", "by the way");
  await shows("state", "idle");
  await shows("bar", "none");
  await press("keep");
  await shows("kept", "kept a");
  await page.locator("#out").waitFor();
  isFree(visitor);
};

PARTS["the worker that computes is killed, and the page gets its result"] = async (
  visitor,
) => {
  const { page, server, shows, press } = visitor;

  await press("go");
  await shows("bar", /^\d+$/);
  const victim = await runner(visitor);

  assert.ok(server.workers().includes(victim));
  server.kill("SIGKILL", victim);
  await server.waitFor(new RegExp(`event=worker\\.exit .*child=${victim} .*signal=`));
  /* Another one has taken it up, from its start, and the page goes on. */
  const heir = await until("another runner", async () => {
    const pid = await runner(visitor);

    return pid !== victim && pid;
  });

  await shows("state", "busy");
  fs.writeFileSync(visitor.file, "");
  await shows("out", new RegExp(`^done 1 by ${heir}$`));
  await shows("state", "idle");
  /* The page was open to a worker that died: that one request may have. */
  assert.deepEqual(
    visitor.complaints.filter((text) => !/[jJ]ob=|ERR_|Failed to fetch|did not respond/.test(text)),
    [],
  );
  assert.equal(await page.locator("._dash-error-card, .dash-error-card").count(), 0);
};

PARTS["nobody else gets at a job"] = async (visitor) => {
  const { page, shows, press } = visitor;
  const asked = page.waitForRequest((request) => /[?&]job=/.test(request.url()));

  await press("go");
  const request = await asked;
  const [, job] = /[?&]job=([0-9a-f]+)/.exec(request.url());

  assert.match(job, /^[0-9a-f]{32}$/);
  /* Another program, with all that the page sends. */
  const answer = await fetch(request.url(), {
    method: "POST",
    headers: { "Content-Type": "application/json", "User-Agent": "another" },
    body: request.postData(),
  });

  assert.equal(answer.status, 204);
  fs.writeFileSync(visitor.file, "");
  await shows("out", /^done 1 by \d+$/);
  isFree(visitor);
};

inBothModes("background callbacks", { seconds: 120 }, async (t, scene) =>
  inTurn(t, PARTS, await place(scene)),
);
