/* SPDX-License-Identifier: MIT */

/*
 * Real browsers beside simulated ones, so that the simulated can be believed:
 * contexts of one Chromium have the page open and change the dropdown at the
 * same moment, as do as many sessions of pronghorn-bench.
 *
 * data     from the change to the last byte of the last graph's answer
 * drawn    from the change until plotly.js has drawn all graphs
 * server   the part of data in which the page waited for the server: the
 *          signal's request and the slowest of the graphs', each from when it
 *          was sent to its first byte (the browser's own resource timing)
 * before   from the change until the page sent its first request
 * between  from the signal's answer until the page sent the first graph's
 */
import fs from "node:fs";
import { sleep } from "./machine.mjs";

const PROGRAMS = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/* The browser's driver and program, or why there is none. */
export async function findChromium() {
  const executablePath = PROGRAMS.find((file) => file && fs.existsSync(file));

  if (!executablePath) return { why: "Chromium is not installed" };
  try {
    const { chromium } = await import("playwright-core");

    return { chromium, executablePath };
  } catch {
    return { why: "playwright-core is missing; make deps-test installs it" };
  }
}

/* In the page: all four graphs have points. */
function isDrawn() {
  const list = [...document.querySelectorAll(".js-plotly-plot")];

  return list.length === 4 && list.every((gd) => gd._fullData?.[0]?.x?.length);
}

/* In the page: change at `when` (Date.now), give the times in ms. */
function changeAt([value, when]) {
  const graphs = [...document.querySelectorAll(".js-plotly-plot")];
  const points = (gd) => gd._fullData?.[0]?.x;

  return new Promise((done, fail) => {
    const ask = () => {
      const start = performance.now();
      const old = new Map(graphs.map((gd) => [gd, points(gd)]));
      const waited = (entry) => entry.responseStart - entry.requestStart;
      let left = graphs.length;
      const tell = (drawn) => {
        const [signal, ...four] = performance
          .getEntriesByType("resource")
          .filter((entry) => entry.name.endsWith("_dash-update-component"))
          .filter((entry) => entry.startTime >= start)
          .sort((a, b) => a.startTime - b.startTime);

        /* Entries come a moment after what they are about. */
        if (four.length < graphs.length) {
          setTimeout(tell, 10, drawn);
          return;
        }
        done({
          data: Math.max(...four.map((entry) => entry.responseEnd)) - start,
          drawn,
          server: waited(signal) + Math.max(...four.map(waited)),
          before: signal.startTime - start,
          between: four[0].startTime - signal.responseEnd,
        });
      };

      for (const gd of graphs) {
        const seen = () => {
          /* On a busy machine the last plot may end after the change. */
          if (points(gd) === old.get(gd)) return;
          gd.removeListener("plotly_afterplot", seen);
          if (--left === 0) tell(performance.now() - start);
        };

        gd.on("plotly_afterplot", seen);
      }
      performance.clearResourceTimings();
      window.dash_clientside.set_props("dropdown", { value });
    };

    setTimeout(ask, when - Date.now());
    setTimeout(fail, 120000, new Error(`${value} was not drawn within 120 s`));
  });
}

/*
 * `count` contexts on `url`. changes: [{ cache, value }]; gives for each the
 * list of { data, drawn }, and how long the page took to its first graphs.
 */
export async function runBrowsers({ chromium, executablePath }, url, count, changes) {
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });

  try {
    const pages = [];

    for (let i = 0; i < count; i++)
      pages.push(await (await browser.newContext()).newPage());
    const start = performance.now();

    await Promise.all(
      pages.map(async (page) => {
        await page.goto(url);
        await page.waitForFunction(isDrawn, null, { timeout: 120000 });
      }),
    );
    const loaded = performance.now() - start;
    const runs = [];

    for (const change of changes) {
      await sleep(500);
      const when = Date.now() + 300;

      runs.push({
        ...change,
        times: await Promise.all(
          pages.map((page) => page.evaluate(changeAt, [change.value, when])),
        ),
      });
    }
    return { loaded_ms: loaded, runs };
  } finally {
    await browser.close();
  }
}
