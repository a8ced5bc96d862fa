/* SPDX-License-Identifier: MIT */

/* The live guide: every page, as visitors see it. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { BUILD, ROOT, test, until } from "../lib/harness.mjs";
import { fits, isAccessible, isAccessibleOpen, isClean, isInOrder } from "../lib/axe.mjs";
import { launch, PHONE, Visitor } from "../lib/page.mjs";

const PATIENT = { timeout: 90000 };

async function open(scene, delay, workers = 2) {
  const server = await scene.start({
    app: path.join(BUILD, "guide.so"),
    workers,
    threads: 2,
    env: { PH_DEMO_DELAY: String(delay) },
  });

  return { server, browser: await launch(scene) };
}

/* No box of code is a white one. */
async function isDark(page, name) {
  const boxes = await page.evaluate(() =>
    [...document.querySelectorAll("pre, pre code")].map(
      (one) => getComputedStyle(one).backgroundColor,
    ),
  );
  const light = boxes.filter((color) => {
    const [red, , , alpha = 1] = color.match(/[\d.]+/g).map(Number);

    return alpha > 0 && red > 128;
  });

  assert.deepEqual(light, [], name);
}

/* Everything that holds for every page. */
async function check(visitor, name, shot) {
  const { page } = visitor;

  await page.waitForFunction(
    () => !document.querySelector("[data-dash-is-loading=true]"),
    null,
    PATIENT,
  );
  await isAccessible(page, name, ["moderate", "serious", "critical"]);
  await isInOrder(page, name);
  await isAccessibleOpen(page, name);
  if (shot) await visitor.picture(`guide-${shot}`);
  await page.setViewportSize({ width: 360, height: 740 });
  await fits(page, name);
  await page.setViewportSize({ width: 1280, height: 800 });
  isClean(visitor, name);
}

/* The source on the page is the file, to the last character. */
async function showsSource(page, file) {
  const shown = await page.locator("pre.source").textContent(PATIENT);

  assert.equal(shown, fs.readFileSync(path.join(ROOT, file), "utf8"));
  /* And no line of it is cut at 1280 pixels. */
  const cut = await page
    .locator("pre.source")
    .evaluate((one) => one.scrollWidth - one.clientWidth);

  assert.ok(cut <= 0, `${file} is ${cut} pixels too wide`);
}

async function drawn(page, id, traces) {
  await page.waitForFunction(
    ([one, count]) =>
      document.querySelector(`#${one} .js-plotly-plot`)?._fullData?.length ===
      count,
    [id, traces],
    PATIENT,
  );
}

test("all pages, one after the other", { seconds: 300 }, async (t, scene) => {
  const { server, browser } = await open(scene, 0);
  const visitor = await Visitor.open(browser, server, {
    viewport: { width: 1280, height: 800 },
  });
  const { page } = visitor;
  const next = () => page.locator(".guide-turn .after").click();

  /* Why: the two counters. */
  await visitor.visit();
  await page.getByRole("heading", { level: 1 }).waitFor(PATIENT);
  await page.locator("#why-count").click();
  await page.locator("#why-verdict", { hasText: "the cache 6." }).waitFor(PATIENT);
  const cells = async (column) =>
    (await page.locator(`td[id^=why-${column}-]`).allTextContents()).map((one) =>
      Number(/: (\d+)$/.exec(one)[1]),
    );

  assert.deepEqual((await cells("right")).sort(), [1, 2, 3, 4, 5, 6]);
  assert.equal((await cells("wrong")).length, 6);
  await showsSource(page, "docs/guide/why.c");
  await check(visitor, "why", "why");
  /* The verdict is about what is there. */
  const twice = await page.locator("#why-right-1").textContent();

  await visitor.forge("why-right-2", { children: twice });
  await page.locator("#why-verdict", { hasText: "the cache 5." }).waitFor(PATIENT);

  /* Example 1. */
  await next();
  await page.waitForURL("**/browser-data");
  await drawn(page, "browser-graph", 3);
  await page.locator("#browser-table tbody tr").nth(2).waitFor(PATIENT);
  const [, all] = / ([\d.]+ kB) per choice, before compression/.exec(
    await page.locator("#browser-bytes", { hasText: "per choice" }).innerText(PATIENT),
  );

  await showsSource(page, "docs/examples/browser_data/app.c");
  await check(visitor, "browser", "browser");

  /* Example 2. */
  await next();
  for (const n of [1, 2, 3]) await drawn(page, `upfront-graph-${n}`, 1);
  const saved = await page
    .locator("#upfront-bytes", { hasText: "are saved" })
    .innerText(PATIENT);

  assert.ok(Number(/(\d+) % are saved/.exec(saved)[1]) > 80, saved);
  assert.ok(saved.includes(`it is ${all}: `), `${saved} but example 1: ${all}`);
  await showsSource(page, "docs/examples/aggregations/app.c");
  await check(visitor, "upfront", "upfront");

  /* Example 3. */
  await next();
  for (const n of [1, 2, 3, 4]) await drawn(page, `caching-graph-${n}`, 1);
  await page.locator("#caching-strip", { hasText: "has a hit" }).waitFor(PATIENT);
  await showsSource(page, "docs/examples/caching_and_signaling/app.c");
  await check(visitor, "caching", "caching");

  /* Example 4. */
  await next();
  await page.locator("#session-visitors th").first().waitFor(PATIENT);
  await showsSource(page, "docs/examples/session_data/app.c");
  await check(visitor, "session", "session");

  /* Tune it: every plot is there. */
  await next();
  await page.waitForFunction(
    () => {
      const plots = [...document.querySelectorAll(".plots img")];

      return plots.length === 6 && plots.every((one) => one.naturalWidth > 0);
    },
    null,
    PATIENT,
  );
  await check(visitor, "tune", "tune");
  /* Each says its numbers, as words can be read: on a phone, too, where a
   * keyboard can reach what is cut. */
  const words = await page.locator(".plots img").evaluateAll((list) =>
    list.map((one) => one.alt),
  );

  assert.match(words[0], /^pronghorn [\d,.]+ \/s; gunicorn-redis [\d,.]+ \/s/);
  for (const one of words) assert.match(one, /\d/);
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 740 });
    const small = await page.locator(".plots img").evaluateAll((list) =>
      list.map((one) => (12 * one.clientWidth) / one.naturalWidth).filter((px) => px < 9),
    );

    assert.deepEqual(small, [], `${width} pixels`);
    /* What is cut is said to be so, and its numbers stand below it. */
    const told = await page.locator(".plots figure").evaluateAll((list) =>
      list.map((one) => {
        const { scrollWidth, clientWidth } = one.querySelector(".wide");

        return {
          cut: scrollWidth > clientWidth,
          said: /\bsideways\b/.test(one.innerText),
          numbers: one.innerText.includes(one.querySelector("img").alt),
        };
      }),
    );
    const cut = width < 560;

    assert.deepEqual(told, told.map(() => ({ cut, said: cut, numbers: cut })), `${width} pixels`);
  }
  const region = page.locator(".plots .wide").first();

  await region.focus();
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction((one) => one.scrollLeft > 0, await region.elementHandle(), PATIENT);
  await page.setViewportSize({ width: 1280, height: 800 });

  /* Reload where we are, and an address that is none. */
  await page.reload();
  await page.locator(".plots img").first().waitFor(PATIENT);
  await visitor.visit("/nothing-here");
  await page.getByText("No such page").waitFor(PATIENT);
  assert.match(visitor.complaints.join(), /404/);
  await isAccessible(page, "no such page");

  /* Somebody else with a phone, by address, and again. */
  const other = await Visitor.open(browser, server, PHONE);

  for (const [path, what] of [
    ["/", "#why-count"],
    ["/browser-data", "#browser-graph .js-plotly-plot"],
    ["/aggregations", "#upfront-graph-3 .js-plotly-plot"],
    ["/caching-and-signaling", "#caching-graph-4 .js-plotly-plot"],
    ["/session-data", "#session-visitors th"],
    ["/tune", ".plots img"],
  ]) {
    const shown = () => other.page.locator(what).first().waitFor(PATIENT);

    await other.visit(path);
    other.complaints.length = 0; /* of what the way here has cut off */
    await shown();
    await other.settled();
    await isAccessible(other.page, `${path} in the dark`);
    await isDark(other.page, path);
    await fits(other.page, path);
    await other.reload();
    await shown();
    await other.settled();
    isClean(other, path);
  }
});

test("two visitors, side by side", { seconds: 300 }, async (t, scene) => {
  const { server, browser } = await open(scene, 1);
  const one = await Visitor.open(browser, server);
  const two = await Visitor.open(browser, server, PHONE);
  const strip = (visitor, text) =>
    visitor.page.locator("#caching-strip", { hasText: text }).waitFor(PATIENT);

  /* The first one waits for what the second one then finds. */
  await one.visit("/caching-and-signaling");
  await strip(one, "has a hit");
  await two.visit("/caching-and-signaling");
  for (const visitor of [one, two])
    for (const n of [1, 2, 3, 4])
      await drawn(visitor.page, `caching-graph-${n}`, 1);
  assert.equal(server.computations().length, 1);
  const [{ pid }] = server.computations();

  await strip(two, `worker ${pid} computed it in 1.`);
  /* Another one, by hand. */
  await one.page.locator("#caching-dropdown").click();
  await one.page.getByText("figs", { exact: true }).last().click();
  await strip(one, "figs: in the cache");
  await one.page
    .locator("#caching-took", { hasText: "figs: a miss" })
    .waitFor(PATIENT);

  /* Sessions: each his own data, both in the list. */
  const times = [];

  for (const visitor of [one, two]) {
    isClean(visitor, "caching");
    await visitor.visit("/session-data");
    visitor.complaints.length = 0; /* of what the way here has cut off */
    const csv = visitor.page.locator("#session-output-1 pre");
    const first = await csv.innerText(PATIENT);

    await visitor.page.locator("#session-get-data-button").click();
    await visitor.page
      .locator("#session-output-1", { hasText: "clicked 1 times" })
      .waitFor(PATIENT);
    assert.equal(await csv.innerText(), first, "the times stay");
    times.push(/\n(\S+),a/.exec(first)[1]);
  }
  assert.notEqual(times[0], times[1]);
  await until("both in the list", async () => {
    const rows = await two.page.locator("#session-visitors").innerText();

    return times.every((time) => rows.includes(time)) && /2, you/.test(rows);
  }, 30);
  await isAccessible(two.page, "sessions in the dark");
  await fits(two.page, "sessions on a phone");
  await two.picture("guide-session-phone");
  for (const visitor of [one, two]) isClean(visitor, "sessions");
});

/* Who is far away waits for each answer, whether the value is there or not. */
async function isFar(visitor) {
  const wire = await visitor.context.newCDPSession(visitor.page);

  await wire.send("Network.enable");
  await wire.send("Network.emulateNetworkConditions", {
    ...{ offline: false, latency: 500 },
    ...{ downloadThroughput: -1, uploadThroughput: -1 },
  });
}

/* The one thread that computes has enough to do for the whole test. */
test("what is wanted while all threads are busy", { seconds: 300 }, async (t, scene) => {
  const { server, browser } = await open(scene, 600, 1);
  const visitor = await Visitor.open(browser, server);
  const { page } = visitor;
  const shows = (text) =>
    page.locator("#caching-strip", { hasText: text }).waitFor(PATIENT);

  await visitor.visit("/caching-and-signaling");
  await shows(/^apples: worker \d+ computes, for /);
  await page.locator("#caching-dropdown").click();
  await page.getByText("figs", { exact: true }).last().click();
  await shows(
    /^figs: wanted, and no thread is free for it yet(, for [\d.]+ s now; 1 request waits)?\. 1 choice came/,
  );
  await isAccessible(page, "a wanted value");
  await visitor.screenshot("guide-caching-wanted");
  isClean(visitor, t.name);
});

test("hit or miss is what the server saw", { seconds: 300 }, async (t, scene) => {
  const { server, browser } = await open(scene, 3);
  const near = await Visitor.open(browser, server);
  const far = await Visitor.open(browser, server);
  const took = (visitor) => visitor.page.locator("#caching-took");
  const says = (visitor, text) =>
    took(visitor).filter({ hasText: text }).waitFor(PATIENT);
  const choose = async (visitor, category) => {
    await visitor.page.locator("#caching-dropdown").click();
    await visitor.page.getByText(category, { exact: true }).last().click();
  };

  await near.visit("/caching-and-signaling");
  await says(near, "apples: a miss");
  await isFar(far);
  await far.visit("/caching-and-signaling");
  await says(far, /apples: a hit/);
  const seconds = Number(/ ([\d.]+) s/.exec(await took(far).innerText())[1]);

  assert.ok(seconds > 0.4, `${seconds} s there and back`);

  /* The last verdict goes at once, and two who wait are counted. */
  await Promise.all([near, far].map((one) => choose(one, "figs")));
  await says(far, "figs: asked");
  await Promise.all([near, far].map((one) => says(one, "figs: a miss")));
  await near.page
    .locator("#caching-strip", {
      hasText: /figs: in the cache .* 2 choices came before it was there/,
    })
    .waitFor(PATIENT);
  assert.equal(server.computations().length, 2);
  await choose(far, "apples");
  await says(far, "apples: a hit");
  await far.screenshot("guide-caching-far");
  for (const one of [near, far]) isClean(one, t.name);

  /* Nothing stands empty while it computes. */
  await near.visit("/session-data");
  await Promise.all([
    near.page.locator("#session-output-1", { hasText: "Computing ..." }).waitFor(PATIENT),
    near.page.locator("#session-visitors", { hasText: "Nobody yet" }).waitFor(PATIENT),
  ]);
});
