/* SPDX-License-Identifier: MIT */

/* The example in a real browser, with the real front end. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { isAccessible, isClean, isWhole } from "../lib/axe.mjs";
import { now, test, within } from "../lib/harness.mjs";
import { inBothModes } from "../lib/modes.mjs";
import { launch, PHONE, Visitor } from "../lib/page.mjs";
import { readPoints, ROWS } from "../lib/points.mjs";

const TRACES = [
  ["scatter", "markers"],
  ["scatter", "lines"],
  ["histogram2d", undefined],
  ["histogram2dcontour", undefined],
];

function startExample(scene, delay) {
  return scene.start({
    workers: 4,
    threads: 2,
    env: { PH_DEMO_DELAY: String(delay) },
  });
}

function doubles(bytes) {
  const list = [];

  for (let at = 0; at < bytes.length; at += 8) list.push(bytes.readDoubleLE(at));
  return list;
}

/* Do the graphs in the page hold exactly the points of the database? */
function checkGraphs(graphs, category, points) {
  const x = doubles(points[category].x);
  const y = doubles(points[category].y);

  graphs.forEach((graph, i) => {
    const what = `graph-${i + 1} of ${category}`;

    assert.deepEqual([graph.type, graph.mode], TRACES[i], what);
    assert.deepEqual(graph.x, x, what);
    assert.deepEqual(graph.y, y, what);
    assert.equal(graph.calculated, ROWS[category], what);
  });
  assert.equal(graphs[0].points, ROWS[category], "each marker is drawn");
}

inBothModes("the page, its graphs and its dropdown", { seconds: 300 }, async (t, scene) => {
  const server = await startExample(scene, 1);
  const points = readPoints(server.options.cacheDir);
  const browser = await launch(scene);
  const visitor = await Visitor.open(browser, server);
  const start = now();

  await visitor.visit();
  checkGraphs(await visitor.graphs(ROWS.apples), "apples", points);
  await visitor.page.getByRole("heading", { level: 1 }).waitFor();
  await visitor.page
    .getByRole("main")
    .getByRole("group", { name: "Category" })
    .locator("#dropdown")
    .waitFor();
  await visitor.page.waitForFunction(
    () => document.title === "Caching and signaling",
  );
  t.diagnostic(`first page, cold: ${(now() - start).toFixed(0)} ms`);
  assert.equal(server.computations().length, 1);
  await visitor.screenshot("apples");

  for (const category of ["figs", "pineapples", "oranges", "apples"]) {
    const before = now();
    const posts = visitor.requests.length;

    await visitor.choose(category);
    const graphs = await visitor.graphs(ROWS[category]);

    t.diagnostic(`${category} redrawn in ${(now() - before).toFixed(0)} ms`);
    checkGraphs(graphs, category, points);
    const sent = visitor.requests.slice(posts);

    assert.equal(sent.length, 5, "one change is five callbacks");
    await visitor.screenshot(category);
  }
  assert.equal(server.computations().length, 4);
  const other = await Visitor.open(browser, server, PHONE);

  await other.visit();
  await other.graphs(ROWS.apples);
  await isWhole(visitor, other, "caching_and_signaling", (one) =>
    one.graphs(ROWS.apples),
  );
  t.diagnostic(`${visitor.requests.length} requests, no complaint`);
});

test("a loading state while it waits", { seconds: 300 }, async (t, scene) => {
  const server = await startExample(scene, 5);
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;
  const loading = "[data-dash-is-loading=true]";

  await visitor.visit();
  await server.waitFor(/Computing value with apples/);
  await page.waitForFunction(() => document.title === "Updating...");
  await page.waitForSelector(loading, { state: "attached" });
  await visitor.screenshot("loading");
  await visitor.graphs(ROWS.apples);
  await page.waitForFunction(() => document.title === "Caching and signaling");
  await page.waitForSelector(loading, { state: "detached" });

  /*
   * The dropdown aside, the page must look different while it waits. Pictures
   * are taken when what fades has faded, and several, as a sign may move.
   */
  const look = async () => {
    const start = now();
    const pictures = [];

    await page.mouse.move(1, 1);
    while (now() - start < 2000 || pictures.length < 4) {
      const picture = await page.screenshot({
        mask: [page.locator("#dropdown")],
      });

      if (now() - start > 1000) pictures.push(picture);
    }
    return pictures;
  };

  await visitor.choose("figs"); /* for the frame around the dropdown */
  await visitor.graphs(ROWS.figs);
  await page.waitForSelector(loading, { state: "detached" });
  const atRest = (await look()).at(-1);

  await visitor.choose("oranges");
  await server.waitFor(/Computing value with oranges/);
  await page.waitForSelector(loading, { state: "attached" });
  const waiting = (await look()).find((picture) => !picture.equals(atRest));
  const shown = await page.evaluate(
    () => document.querySelector(".js-plotly-plot")._fullData[0].x.length,
  );

  assert.equal(shown, ROWS.figs, "that was before the answer");
  assert.ok(waiting, "the user can see that it loads");
  visitor.keep("loading-again", waiting);
  await visitor.graphs(ROWS.oranges);
  isClean(visitor, t.name);
});

test("a second visitor gets the cached value", { seconds: 300 }, async (t, scene) => {
  const server = await startExample(scene, 8);
  const points = readPoints(server.options.cacheDir);
  const browser = await launch(scene);
  const first = await Visitor.open(browser, server);
  const second = await Visitor.open(browser, server);

  await first.visit();
  await first.graphs(ROWS.apples);
  const start = now();

  await second.visit();
  checkGraphs(await second.graphs(ROWS.apples), "apples", points);
  within(t, "second visitor until all is drawn", now() - start, 30000);
  assert.equal(server.computations().length, 1);

  /* And what the second one has computed is there for the first. */
  await second.choose("figs");
  await second.graphs(ROWS.figs);
  const again = now();

  await first.choose("figs");
  checkGraphs(await first.graphs(ROWS.figs), "figs", points);
  within(t, "first visitor, the other's category", now() - again, 30000);
  assert.equal(server.computations().length, 2);
  isClean(first, "the first");
  isClean(second, "the second");
});

test("a second visit loads no file again", { seconds: 300 }, async (t, scene) => {
  const server = await startExample(scene, 0);
  const visitor = await Visitor.open(await launch(scene), server);
  const fetched = [];

  await visitor.visit();
  await visitor.graphs(ROWS.apples);
  visitor.page.on("response", async (response) => {
    const sizes = await response.request().sizes();

    if (sizes.responseBodySize > 0) fetched.push(response.url());
  });
  await visitor.page.reload();
  await visitor.graphs(ROWS.apples);
  const files = fetched.filter((url) => url.includes("component-suites"));

  t.diagnostic(`second visit: ${fetched.length} bodies from the server`);
  assert.deepEqual(files, []);
  assert.deepEqual(visitor.complaints, []);
});

for (const width of [360, 768, 1280]) {
  test(`at a width of ${width}`, { seconds: 300 }, async (t, scene) => {
    const server = await startExample(scene, 0);
    const visitor = await Visitor.open(await launch(scene), server, {
      viewport: { width, height: 740 },
      isMobile: width < 600,
      hasTouch: width < 600,
    });

    await visitor.visit();
    await visitor.graphs(ROWS.apples);
    await visitor.screenshot(`width-${width}`);
    const sizes = await visitor.page.evaluate(() => ({
      page: document.documentElement.scrollWidth,
      view: document.documentElement.clientWidth,
      graphs: [...document.querySelectorAll(".js-plotly-plot")].map((gd) => {
        const { left, right, height } = gd.getBoundingClientRect();

        return { left, right, height };
      }),
    }));

    t.diagnostic(`${sizes.page} of ${sizes.view} pixels used`);
    assert.equal(sizes.view, width);
    assert.ok(sizes.page <= sizes.view, "no scrolling to the side");
    for (const { left, right, height } of sizes.graphs) {
      assert.ok(left >= 0 && right <= width, `graph from ${left} to ${right}`);
      assert.ok(height > 100, `graph ${height} pixels high`);
    }
    /* Below each other on a phone, two beside each other on a desk. */
    const lefts = new Set(sizes.graphs.map(({ left }) => Math.round(left)));

    assert.equal(lefts.size, width < 600 ? 1 : 2);
    isClean(visitor, t.name);
  });
}

test("an error state, until something else is chosen", { seconds: 300 }, async (t, scene) => {
  const server = await startExample(scene, 0);
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;
  /* Changed behind the server's back, the file may also be seen in between. */
  const told = page.locator("#error", {
    hasText: /no such table: points|database disk image is malformed/,
  });

  await visitor.visit();
  await visitor.graphs(ROWS.apples);
  execFileSync("sqlite3", [
    path.join(server.options.cacheDir, "points-v1.db"),
    "DROP TABLE points",
  ]);
  await visitor.choose("figs");
  await told.waitFor({ timeout: 90000 });
  await visitor.settled();
  await isAccessible(page, "an error of caching_and_signaling");
  await visitor.screenshot("caching-error");
  /* What is in the cache is there all the same. */
  await visitor.choose("apples");
  await told.waitFor({ state: "detached", timeout: 90000 });
  await visitor.graphs(ROWS.apples);
  isClean(visitor, "an error");
});

test("workers that are killed between two clicks", { seconds: 300 }, async (t, scene) => {
  const server = await startExample(scene, 0);
  const points = readPoints(server.options.cacheDir);
  const visitor = await Visitor.open(await launch(scene), server);

  await visitor.visit();
  await visitor.graphs(ROWS.apples);
  for (const pid of server.workers().slice(1)) server.kill("SIGKILL", pid);
  await server.waitFor(/event=worker\.exit/, { count: 3 });
  await visitor.choose("oranges");
  checkGraphs(await visitor.graphs(ROWS.oranges), "oranges", points);
});
