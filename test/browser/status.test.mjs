/* SPDX-License-Identifier: MIT */

/* The status page of the admin process, live, in a real browser. */
import assert from "node:assert/strict";
import { test } from "../lib/harness.mjs";
import { isAccessible, isWhole } from "../lib/axe.mjs";
import { launch, PHONE, Visitor } from "../lib/page.mjs";
import { GRAPHS, callbackBody } from "../lib/session.mjs";
import { post } from "../lib/wire.mjs";

test("the status page shows what the server does", { seconds: 240 }, async (t, scene) => {
  const server = await scene.start({
    workers: 2,
    threads: 2,
    env: { PH_DEMO_DELAY: "1" },
    args: ["--metrics-bind", "127.0.0.1:0"],
  });
  const [, address] = await server.waitFor(
    /event=metrics\.bound address=(\S+)/,
  );
  const url = `http://${address}`;
  const browser = await launch(scene);
  const visitor = await Visitor.open(browser, { url }, PHONE);
  const { page } = visitor;

  page.setDefaultTimeout(90000);
  const shows = (text) => page.getByText(text, { exact: true }).first().waitFor();

  await visitor.visit("/_ph/status/");
  await shows("Workers ready");
  await shows("2 of 2");
  await page.getByRole("table", { name: "Workers", exact: true }).waitFor();
  await page.getByRole("row", { name: /^1 \d/ }).waitFor();

  /* What happens now is there with the next look. */
  const wire = await scene.connect(server);

  for (const output of ["signal.children", ...GRAPHS]) {
    wire.write(post(callbackBody(output, "apples")));
    assert.equal((await wire.answer()).status, 200);
  }
  await page.getByRole("row", { name: /^global_store 1 / }).waitFor();
  await page.getByRole("row", { name: /^update_graph_4 1 / }).waitFor();
  await page.waitForFunction(
    () => document.querySelectorAll("#rate .scatterlayer .trace").length === 1,
  );

  await page.getByRole("table", { name: "Browser sessions" }).waitFor();
  await page.getByRole("row", { name: /^global_store [0-9a-f]{6} ready/ }).waitFor();
  await isAccessible(page, "the status page in the dark");

  /* What is computed just now: the workers stand still meanwhile. */
  const late = await scene.connect(server); /* the first may be idle too long */

  late.write(post(callbackBody("signal.children", "figs")));
  await server.waitFor(/Computing value with figs/, { seconds: 60 });
  for (const pid of server.workers()) server.kill("SIGSTOP", pid);
  await page
    .getByRole("row", { name: /^global_store \w+ (computing|wanted) .* worker$/ })
    .waitFor();
  for (const pid of server.workers()) server.kill("SIGCONT", pid);
  assert.equal((await late.answer()).status, 200);
  /* Its data is for those who may see the metrics. */
  assert.equal((await fetch(`${server.url}/_ph/status.json`)).status, 404);

  await visitor.picture("status-phone-dark");
  /* A second one, in the light at a desk. */
  const other = await Visitor.open(browser, { url });

  await other.visit("/_ph/status/");
  await other.page.getByText("Workers ready").first().waitFor();
  await isWhole(other, visitor, "the status page", () =>
    other.page.getByText("Workers ready").first().waitFor(),
  );
  /* The server does not answer: the page says so, until it does again. */
  const told = page.locator("#error", { hasText: "does not say how it is" });

  await page.route("**/_ph/metrics", (route) => route.abort());
  await told.waitFor();
  await shows("Workers ready");
  await isAccessible(page, "the status page without a server");
  await page.unroute("**/_ph/metrics");
  await told.waitFor({ state: "detached" });
});
