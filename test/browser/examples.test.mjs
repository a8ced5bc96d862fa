/* SPDX-License-Identifier: MIT */

/*
 * The sample apps: first page, what a hand does there, what is empty or wrong,
 * and what holds for every page.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { isClean, isWhole } from "../lib/axe.mjs";
import { BUILD, ROOT, test, until } from "../lib/harness.mjs";
import { inBothModes } from "../lib/modes.mjs";
import { launch, PHONE, Visitor } from "../lib/page.mjs";
import { signals, STATE } from "../lib/points.mjs";

/* Two visitors of an example, with profiles of their own, one with a phone. */
async function visitors(scene, name, options = {}) {
  const server = scene.server({
    app: path.join(BUILD, `examples/${name}.so`),
    workers: 2,
    threads: 2,
    ...options,
  });
  /* A million rows are made at the first start. */
  await server.waitFor(/event=master\.ready/, { seconds: 120 });
  await server.ready();
  const browser = await launch(scene);

  return [
    await Visitor.open(browser, server),
    await Visitor.open(browser, server, PHONE),
    server,
  ];
}

const becomes = (visitor, look, argument) =>
  visitor.page.waitForFunction(look, argument, { timeout: 90000 });

/* The text of an element that matches, sooner or later. */
async function shows(visitor, selector, text) {
  const found = visitor.page.locator(selector, { hasText: text }).first();

  await found.waitFor({ timeout: 90000 });
  return found.textContent();
}

/* For pictures: the tools of development would lie over the page. */
const isProduction = (scene) => !scene.args.includes("--debug");

/* In development the first half of an example may be enough: the bundles are
 * others then, and what it does is the same. */
function isEnough(scene, visitor, name) {
  if (isProduction(scene)) return false;
  isClean(visitor, name);
  return true;
}

const press = (visitor, selector) => visitor.page.locator(selector).click();

function example(name, body, run = test) {
  run(name, { seconds: 300 }, (t, scene) => body(scene, t));
}

example("CSV explorer: filters depend on each other", async (scene) => {
  const [one, other] = await visitors(scene, "csv_explorer");
  const { page } = one;
  const count = async () =>
    Number.parseInt(await page.locator("#count").textContent(), 10);
  const falls = (from) =>
    becomes(
      one,
      (n) => Number.parseInt(document.querySelector("#count").textContent, 10) < n,
      from,
    );

  await one.visit();
  await shows(one, "#count", "819 runs");
  await press(one, "#plant");
  await page.locator(".dash-options-list-option", { hasText: "Turku" }).click();
  await falls(819);
  const turku = await count();

  await becomes(
    one,
    (n) =>
      document.querySelector("#scatter .js-plotly-plot")?._fullData?.[0]?.x
        .length === n,
    turku,
  );
  /* Box some points: the rest of the page follows. */
  const plot = await page.locator("#scatter .nsewdrag").first().boundingBox();

  await page.mouse.move(plot.x + 10, plot.y + 10);
  await page.mouse.down();
  await page.mouse.move(plot.x + plot.width / 2, plot.y + plot.height - 5, {
    steps: 5,
  });
  await page.mouse.up();
  await falls(turku);
  assert.ok((await count()) > 0);
  await one.page.mouse.move(0, 0);
  if (isProduction(scene)) await one.picture("example-csv-explorer");
  await other.visit();
  await shows(other, "#count", "819 runs");
  await isWhole(one, other, "csv_explorer", () =>
    shows(one, "#count", "819 runs"),
  );
  await one.forge("months", { value: [3, 2] });
  await shows(one, "#count", "No runs: fewer filters");
}, inBothModes);

example("oscilloscope: 4 x 1,000 points, ten times a second", async (scene, t) => {
  const [one, other] = await visitors(scene, "oscilloscope");
  const sweeps = (visitor) =>
    visitor.page.evaluate(
      () => document.querySelector(".js-plotly-plot")._fullData.map(({ y }) => [...y]),
    );

  await one.visit();
  await shows(one, "#tiles", "V peak");
  await becomes(one, () => document.querySelector(".js-plotly-plot")?._fullData);
  const first = await sweeps(one);

  assert.deepEqual(first.map((y) => y.length), [1000, 1000, 1000, 1000]);
  const start = Date.now();
  let answers = 0;

  one.page.on("response", () => answers++);
  while (answers < 20) await one.page.waitForEvent("response");
  t.diagnostic(`${(20000 / (Date.now() - start)).toFixed(1)} sweeps per second`);
  assert.notDeepEqual(await sweeps(one), first);
  if (isEnough(scene, one, "oscilloscope")) return;
  await press(one, "#run");
  await shows(one, "#run", "Run");
  await one.picture("example-oscilloscope");
  await one.forge("span", { value: 5000 });
  await shows(one, "#tiles", "The time base is 1 to 1000 ms");
  await other.visit();
  await shows(other, "#tiles", "V peak");
  await press(other, "#run");
  await shows(other, "#run", "Run");
  await isWhole(one, other, "oscilloscope", () =>
    shows(one, "#tiles", "V peak"),
  );
}, inBothModes);

example("report form: checked while typing, made behind", async (scene) => {
  const [one, other] = await visitors(scene, "report_form", {
    env: { PH_DEMO_DELAY: "3" },
  });
  const { page } = one;

  await one.visit();
  await other.visit();
  await becomes(one, () => document.querySelector("#make").disabled);
  await page.locator("#name").fill("A");
  await shows(one, "#name-wrong", "At least two letters");
  await page.locator("#name").fill("Ada");
  await page.locator("#mail").fill("ada");
  await shows(one, "#mail-wrong", "An address");
  await page.locator("#mail").fill("ada@example.org");
  await page.locator("#months").fill("6");
  await becomes(one, () => !document.querySelector("#make").disabled);
  await press(one, "#make");
  await shows(one, "#state", /Month \d of 6/);
  await becomes(one, () => !document.querySelector("#cancel").disabled);
  if (isProduction(scene)) await one.screenshot("example-report-form");
  const coming = page.waitForEvent("download", { timeout: 60000 });

  await shows(one, "#state", "Report for Ada: ");
  const file = await coming;

  assert.equal(file.suggestedFilename(), "report.csv");
  assert.match(fs.readFileSync(await file.path(), "utf8"), /^month,total\r\n1,100\r\n2,207/);
  if (isEnough(scene, one, "report_form")) return;
  /* A second one is given up. */
  await press(one, "#make");
  await shows(one, "#state", /Month \d of 6/);
  await press(one, "#cancel");
  await becomes(one, () => document.querySelector("#cancel").disabled);
  /* What the page would not send. */
  await one.forge("months", { value: 99 });
  await shows(one, "#months-wrong", "From 1 to 36");
  await one.forge("make", { n_clicks: 99 });
  await shows(one, "#state", "Months is not valid");
  assert.equal(await other.page.locator("#state").textContent(), "");
  await isWhole(one, other, "report_form", () =>
    becomes(one, () => document.querySelector("#make")?.disabled),
  );
}, inBothModes);

example("accounts: who is there", async (scene) => {
  const [one, other] = await visitors(scene, "accounts");
  const { page } = one;

  await one.visit("/notes");
  await shows(one, "main", "This page is for users");
  await page.getByText("log in", { exact: true }).click();
  await page.locator("#user").fill("ada");
  await page.locator("#password").fill("wrong");
  await press(one, "#login");
  await shows(one, "#refused", "No such user");
  await page.locator("#password").fill("engine");
  await page.locator("#password").press("Enter");
  await shows(one, "h1", "Notes of ada");
  await page.locator("#text").fill("The engine weaves.");
  await press(one, "#keep");
  await shows(one, "#kept", "Kept");
  await page.getByText("Home", { exact: true }).click();
  await shows(one, "h1", "Good to see you, ada");
  await page.reload();
  await shows(one, "h1", "Good to see you, ada");
  await page.getByText("Notes", { exact: true }).click();
  await becomes(one, () => document.querySelector("#text")?.value === "The engine weaves.");
  if (isEnough(scene, one, "accounts")) return;
  await one.screenshot("example-accounts");
  await other.visit("/book/Iliad?page=3");
  await shows(other, "h1", "Iliad, page 3");
  await other.page.getByText("Home", { exact: true }).click();
  await shows(other, "h1", "open to everybody");
  await press(one, "#logout");
  await shows(one, "h1", "open to everybody");
  await isWhole(one, other, "accounts", () =>
    shows(one, "h1", "open to everybody"),
  );
}, inBothModes);

/* Somebody renames the table and makes another one of it while the app runs. */
async function isBackAgain(visitor, file) {
  const change = (sql) => execFileSync("sqlite3", ["-bail", file, sql]);

  change("ALTER TABLE orders RENAME TO away");
  await visitor.forge("table", { page_current: 1 });
  await shows(visitor, '#count [role="alert"]', "cannot be read just now");
  change("ALTER TABLE away RENAME COLUMN pieces TO parts");
  change("ALTER TABLE away ADD COLUMN pieces DEFAULT 77");
  change("ALTER TABLE away RENAME TO orders");
  await shows(visitor, "#count", "1000000 of 1000000 rows");
  await shows(visitor, 'td[data-dash-column="pieces"][data-dash-row="0"]', "77");
  await shows(visitor, 'td[data-dash-column="id"][data-dash-row="0"]', /^21$/);
}

example("a million rows, twenty at a time", async (scene, t) => {
  const cacheDir = scene.dir();
  const [one, other, server] = await visitors(scene, "million_rows", { cacheDir });
  const { page } = one;
  const first = (id) => `td[data-dash-column="${id}"][data-dash-row="0"]`;

  await one.visit();
  await shows(one, "#count", "1000000 of 1000000 rows");
  await becomes(one, () => document.querySelectorAll('td[data-dash-column="id"]').length === 20);
  await becomes(one, () => document.querySelector(".js-plotly-plot")?._fullData?.[0]?.y.length === 5);
  /* The tools of development lie over it. */
  await page.locator("button.next-page").dispatchEvent("click");
  await shows(one, first("id"), /^21$/);
  await page.locator('th[data-dash-column="price"] .column-header--sort').click();
  await shows(one, first("price"), /^0(\.0\d)?$/);
  /* A year below a column of texts: the table asks for the number 2021. */
  const day = page.locator('th.dash-filter[data-dash-column="day"] input[type="text"]');

  await day.fill("2021");
  await day.press("Enter");
  await shows(one, "#count", "166668 of 1000000 rows");
  await shows(one, first("day"), /^2021-/);
  await day.fill("");
  await day.press("Enter");
  await shows(one, "#count", "1000000 of 1000000 rows");
  await page.locator('th.dash-filter[data-dash-column="city"] input[type="text"]').fill("Oslo");
  await page.locator('th.dash-filter[data-dash-column="city"] input[type="text"]').press("Enter");
  await shows(one, "#count", "200000 of 1000000 rows");
  await shows(one, first("city"), "Oslo");
  await one.screenshot("example-million-rows");
  await other.visit();
  await shows(other, "#count", "1000000 of 1000000 rows");
  await becomes(other, () => document.querySelector(".js-plotly-plot")?._fullData?.[0]?.y.length === 5);
  await other.settled();
  if (isProduction(scene)) await other.picture("example-million-rows-dark");
  await isWhole(one, other, "million_rows", () =>
    shows(one, "#count", "1000000 of 1000000 rows"),
  );
  await one.forge("table", { filter_query: '{city} = "Atlantis"' });
  await shows(one, "#count", /^0 of 1000000 rows/);

  await one.forge("table", { filter_query: "" });
  await shows(one, "#count", "1000000 of 1000000 rows");
  await isBackAgain(one, path.join(cacheDir, "orders-v1.db"));

  const start = Date.now();
  const answer = await fetch(`${server.url}/export.csv`);
  let lines = 0;
  let bytes = 0;

  for await (const part of answer.body) {
    bytes += part.length;
    for (const byte of part) if (byte === 10) lines++;
  }
  t.diagnostic(`${bytes} bytes of CSV in ${Date.now() - start} ms`);
  assert.equal(lines, 1000001);
  for (const pid of server.workers())
    assert.ok(server.rss(pid) < 300e6, `${server.rss(pid)} bytes`);
}, inBothModes);

example("a simulation that is steered", async (scene) => {
  const cacheDir = scene.dir();
  const [one, other] = await visitors(scene, "simulation", { cacheDir });
  const running = () =>
    signals(cacheDir, "callback:start.title").filter(
      ({ state }) => state === STATE.wanted || state === STATE.computing,
    ).length;
  const mean = (visitor) =>
    visitor.page.evaluate(() =>
      Number.parseFloat(document.querySelector("#mean").textContent.slice(5)),
    );
  const rises = (visitor, from) =>
    becomes(
      visitor,
      (low) => Number.parseFloat(document.querySelector("#mean").textContent.slice(5)) > low,
      from,
    );

  await one.visit();
  await shows(one, "#mean", "Not begun");
  await press(one, "#start");
  await shows(one, "#mean", "running");
  await rises(one, await mean(one));
  if (isEnough(scene, one, "simulation")) return;
  /* Somebody else looks on, and steers. */
  await other.visit();
  await shows(other, "#mean", "running");
  await other.page.locator('#heat [role="slider"]').first().focus();
  await other.page.keyboard.press("End");
  await becomes(one, () => {
    const gd = document.querySelector(".js-plotly-plot");

    return gd?._fullData?.some(({ z }) => z.some((row) => row.some((v) => v > 900)));
  });
  await one.screenshot("example-simulation");
  /* It runs for everybody: who comes later cannot start it once more, and
   * whoever sends that all the same is too late. */
  const disabled = (visitor, start) =>
    becomes(
      visitor,
      (is) =>
        document.querySelector("#start")?.disabled === is &&
        document.querySelector("#stop")?.disabled === !is,
      start,
    );

  for (const visitor of [one, other]) await disabled(visitor, true);
  await one.reload();
  await disabled(one, true);
  const asked = other.page.waitForResponse((answer) =>
    answer.request().postData()?.includes('"changedPropIds":["start.n_clicks"]'),
  );

  await other.forge("start", { n_clicks: 9 });
  assert.equal((await asked).status(), 204);
  await other.settled();
  assert.equal(running(), 1);
  await rises(one, await mean(one));
  /* And anybody stops it, whoever has started it. */
  await press(other, "#stop");
  for (const visitor of [one, other]) {
    await shows(visitor, "#mean", "stopped");
    await disabled(visitor, false);
  }
  await until("no thread has it", () => running() === 0);
  await press(other, "#start");
  for (const visitor of [one, other]) await shows(visitor, "#mean", "running");
  await other.reload();
  await press(one, "#stop");
  await shows(other, "#mean", "stopped");
  await isWhole(one, other, "simulation", () =>
    shows(one, "#mean", "stopped"),
  );
  await one.forge("flame", { value: 99 });
  await shows(one, "#problem", "on the plate");
  await one.forge("flame", { value: 9 });
  await becomes(one, () => document.querySelector("#problem").textContent === "");
}, inBothModes);

example("two dice, in C++", async (scene) => {
  const [one, other] = await visitors(scene, "greeting_cpp");
  const { page } = one;
  const drawn = (visitor) =>
    becomes(visitor, () => {
      const gd = document.querySelector("#dice .js-plotly-plot");

      return gd?._fullData?.[0]?.y.length === 11;
    });

  await one.visit();
  await shows(one, "#greeting", "Good luck, Ada!");
  await drawn(one);
  await page.locator("#name").fill("Grace");
  await shows(one, "#greeting", "Good luck, Grace!");
  await press(one, "#throws");
  await page.locator(".dash-options-list-option", { hasText: /^10$/ }).click();
  await becomes(one, () => {
    const { y } = document.querySelector("#dice .js-plotly-plot")._fullData[0];

    return y.reduce((sum, n) => sum + n, 0) === 10;
  });
  if (isEnough(scene, one, "greeting_cpp")) return;
  await other.visit();
  await drawn(other);
  await isWhole(one, other, "greeting_cpp", () => drawn(one));
  /* A name can be empty, and then nothing changes. */
  await page.locator("#name").fill("");
  await one.settled();
  await shows(one, "#greeting", "Good luck, Ada!");
}, inBothModes);

test("no example is without a test", () => {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const tests = fs
    .readdirSync(here)
    .filter((name) => name.endsWith(".test.mjs"))
    .map((name) => fs.readFileSync(path.join(here, name), "utf8"))
    .join("");

  for (const name of fs.readdirSync(path.join(ROOT, "docs/examples")))
    if (!["status", "README.md"].includes(name)) /* its page has a file of its own */
      assert.ok(tests.includes(`"${name}"`), name);
});
