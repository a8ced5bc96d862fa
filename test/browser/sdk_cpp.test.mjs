/* SPDX-License-Identifier: MIT */

/* Apps in C++ in a real browser: callbacks of every kind, and pages. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { BUILD, until } from "../lib/harness.mjs";
import { buildApp } from "../lib/apps.mjs";
import { inBothModes } from "../lib/modes.mjs";
import { launch, Visitor } from "../lib/page.mjs";

async function open(scene, app) {
  const server = await scene.start({ app, workers: 2, threads: 3 });

  return Visitor.open(await launch(scene), server);
}

/* The front end does not look at allow_optional of states. */
const isForeign = (text) => /ID not found in layout.*State item[^]*lenient/.test(text);

const dict = (type, index) => `{"index":${index},"type":"${type}"}`;

function hands({ page }) {
  return {
    shows: (id, text) =>
      page.locator(`[id='${id}']`).filter({ hasText: text }).waitFor(),
    press: (id) => page.locator(`#${id}`).click(),
  };
}

inBothModes("callbacks of every kind in C++", { seconds: 120 }, async (t, scene) => {
  const visitor = await open(scene, "cpp_page");
  const { page } = visitor;
  const { shows, press } = hands(visitor);

  await visitor.context.addCookies([
    { name: "flavour", value: "salt", url: visitor.server.url },
  ]);
  await visitor.visit();
  await shows("why", "initial");
  await shows("lenient", "both absent");
  await shows("client", "<0>");
  const answer = page.waitForResponse((r) => r.headers()["x-why"] === "pressed");

  await press("a");
  await answer;
  await shows("why", "a.n_clicks a=1");
  await shows("who", "|salt|127.0.0.1");
  await shows("client", "<2>");
  const seen = (await visitor.context.cookies()).find(({ name }) => name === "seen");

  assert.deepEqual(
    { value: seen.value, sameSite: seen.sameSite, httpOnly: seen.httpOnly },
    { value: "yes", sameSite: "Strict", httpOnly: false },
  );
  await press("side");
  await shows("told", "by set_props");
  assert.equal(await page.locator("#told").getAttribute("title"), "tip");
  for (const side of ["left", "right", "left"]) {
    await press(side);
    await shows("shared", side);
  }
  await press("slow");
  await shows("state", "busy");
  assert.equal(await page.locator("#slow").isDisabled(), true);
  assert.equal(await page.title(), "Wait");
  await shows("slow-out", "done");
  await shows("state", "idle");
  await press("break");
  await shows("broken", "own: no luck today");
  await press("break-too");
  await shows("alert", "app: an exception of an unknown type");
  assert.deepEqual(visitor.complaints.filter((text) => !isForeign(text)), []);
});

inBothModes("patterns, patches, figures and jobs in C++", { seconds: 120 }, async (t, scene) => {
  const visitor = await open(scene, "cpp_page");
  const { page } = visitor;
  const { shows, press } = hands(visitor);

  await visitor.visit();
  await shows(dict("double", 1), "2@1");
  await shows(dict("below", 1), "1 below, sum 0");
  await press("grow");
  await shows(dict("double", 2), "4@2");
  await shows(dict("below", 2), "2 below, sum 1");
  await shows(dict("all", 2), "#2");
  await shows("total", "3");
  await press("patch");
  await shows("shown", "new");
  assert.deepEqual(JSON.parse(await page.locator("#shown").textContent()), {
    name: "new",
    list: [0, 9, 1, 3, 4, 50],
    empty: [],
    back: [3, 2, 1],
    n: 7.5,
    deep: { "a.b": [{ c: "<&>" }] },
    merged: true,
  });
  await page.waitForFunction(
    () =>
      document.querySelector("#g .js-plotly-plot")?._fullData?.length === 2 &&
      document.querySelector("#h .js-plotly-plot")?._fullData?.length === 1,
  );
  assert.deepEqual(
    await page.evaluate(() => {
      const of = (id) => document.querySelector(`#${id} .js-plotly-plot`);
      const [line, bar] = of("g")._fullData;
      const [{ x, y }] = of("h")._fullData;

      return {
        line: [line.mode, line.line.dash, [...line.x], [...line.y]],
        bar: [bar.type, bar.yaxis, [...bar.y]],
        layout: [of("g").layout.title.text, of("g").layout.yaxis.range],
        columns: [[...x], [...y]],
      };
    }),
    {
      line: ["lines", "dot", [1, 2, 3], [2, 4, 8]],
      bar: ["bar", "y2", [3, 4]],
      layout: ["In C++", [0, 10]],
      columns: [[1, 2, 3], [2, 4, 8]],
    },
  );
  await press("go");
  await shows("bar", /^\d+$/);
  assert.equal(await page.locator("#go").isDisabled(), true);
  await press("stop");
  await shows("bar", "none");
  await page.locator("#go:enabled").waitFor(); /* with the job's next poll */
  await press("go");
  await shows("job", "finished");
  assert.deepEqual(
    visitor.complaints.filter((text) => !isForeign(text) && !/^failed: .*[jJ]ob=/.test(text)),
    [],
  );
});

inBothModes("pages, files and stores in C++", { seconds: 120 }, async (t, scene) => {
  /* It writes beside itself. */
  const object = path.join(scene.dir(), "rest.so");

  fs.copyFileSync(buildApp("cpp_rest", BUILD), object);
  const visitor = await open(scene, object);
  const { page } = visitor;
  const { shows, press } = hands(visitor);

  await visitor.visit();
  await shows("home", "welcome");
  assert.equal(await page.title(), "Home page");
  assert.deepEqual(await page.locator("#menu a").allTextContents(), ["Home", "Other"]);
  await page.getByText("Other").click();
  await shows("asset", "?");
  await press("go");
  await shows("count", "3");
  const files = [];

  page.on("download", (file) => files.push(file));
  await page.locator("#up input[type=file]").setInputFiles({
    ...{ name: "a.bin", mimeType: "application/octet-stream" },
    buffer: Buffer.from([0, 255, 1]),
  });
  await until("two downloads", () => files.length === 2);
  const texts = {};

  for (const file of files)
    texts[file.suggestedFilename()] = fs.readFileSync(await file.path());
  assert.deepEqual(texts["copy.bin"], Buffer.from([0, 255, 1]));
  assert.equal(texts["t.csv"].toString(), "name\r\na\r\nb\r\nc\r\n");
  assert.deepEqual(visitor.complaints, []);
  await visitor.visit("/asset/7?q=a%20b");
  await shows("asset", "7?a b");
  assert.equal(await page.title(), "One asset");
  await visitor.visit("/nowhere");
  await shows("lost", "nothing here");
});
