/* SPDX-License-Identifier: MIT */

/*
 * A real browser in front of a server: Debian's chromium, without a window,
 * and what the tests want to know of the page it shows.
 */
import fs from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";
import { BUILD } from "./harness.mjs";
import { isUpToDate } from "./pictures.mjs";

const PROGRAMS = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/* What React's development bundle tells those who write components. */
const ADVICE = /React DevTools|^Warning: /;

/* How a development page finds out that it is out of date. */
const LOOK = /\/_reload-hash$/;

/* Options of a visitor with a phone, in the evening. */
export const PHONE = {
  viewport: { width: 360, height: 740 },
  hasTouch: true,
  colorScheme: "dark",
};

/* A browser for a test; it is closed with the scene. Without `gl`, flags for
 * a kind of WebGL, it has none. */
export async function launch(scene, gl = ["--disable-gpu"]) {
  const browser = await chromium.launch({
    executablePath: PROGRAMS.find((file) => file && fs.existsSync(file)),
    headless: true,
    args: [
      ...["--no-sandbox", "--disable-quic", ...gl],
      ...["--no-first-run", "--disable-background-networking"],
      ...["--disable-component-update", "--disable-sync"],
    ],
  });

  scene.later(() => browser.close());
  return browser;
}

/*
 * A visitor with a profile of his own. Everything that goes wrong in the page
 * is collected in `complaints`, every request in `requests`.
 */
export class Visitor {
  static async open(browser, server, options = {}) {
    const visitor = new Visitor();

    visitor.server = server;
    visitor.complaints = [];
    visitor.requests = [];
    visitor.context = await browser.newContext(options);
    visitor.page = await visitor.context.newPage();
    visitor.page.on("console", (message) => {
      if (
        ["error", "warning"].includes(message.type()) &&
        !(server.args?.includes("--debug") && ADVICE.test(message.text()))
      )
        visitor.complaints.push(`${message.type()}: ${message.text()}`);
    });
    visitor.page.on("pageerror", (error) => {
      visitor.complaints.push(`page error: ${error.message}`);
    });
    /* Chromium calls a request aborted when its answer is 204. */
    const answered = new WeakSet();

    visitor.page.on("requestfailed", (request) => {
      const why = request.failure()?.errorText;

      /* A page that is left gives up its look, and nothing is wrong. */
      if (LOOK.test(request.url()) && why === "net::ERR_ABORTED") return;
      if (!answered.has(request))
        visitor.complaints.push(
          `failed: ${request.url()} ${why}`,
        );
    });
    visitor.page.on("response", (response) => {
      if (response.status() === 204) answered.add(response.request());
      if (response.status() >= 400)
        visitor.complaints.push(`${response.status()}: ${response.url()}`);
    });
    /* Only looked at: to route them would switch the browser's cache off. */
    visitor.context.on("request", (request) => {
      if (!LOOK.test(request.url())) visitor.requests.push(request.url());
    });
    return visitor;
  }

  async visit(target = "/") {
    await this.page.goto(this.server.url + target);
  }

  /* Load the page again; what was on its way is cut off, and no complaint. */
  async reload() {
    const before = this.complaints.length;

    await this.page.reload();
    this.complaints.push(
      ...this.complaints
        .splice(before)
        .filter((text) => !/ERR_ABORTED|Failed to fetch|server did not respond/.test(text)),
    );
  }

  /* Until no callback is under way. */
  async settled() {
    await this.page.waitForFunction(
      () => !document.querySelector("[data-dash-is-loading=true]"),
      null,
      { timeout: 60000 },
    );
  }

  /* Send a value that no control of the page would, as anybody can. */
  async forge(id, props) {
    await this.page.evaluate(
      ([to, values]) => window.dash_clientside.set_props(to, values),
      [id, props],
    );
  }

  /*
   * Wait until every graph shows `rows` points. Gives, per graph, the type of
   * its trace, the points that plotly.js has and how many it draws.
   */
  async graphs(rows, seconds = 90) {
    await this.page.waitForFunction(
      (count) => {
        const list = [...document.querySelectorAll(".js-plotly-plot")];

        return (
          list.length === 4 &&
          list.every((gd) => gd._fullData?.[0]?.x?.length === count)
        );
      },
      rows,
      { timeout: seconds * 1000 },
    );
    /* Drawing goes on for a moment after the data is there. */
    await this.page.waitForFunction(() => {
      const drawn = (id, selector) =>
        document.querySelector(`#${id} ${selector}`) !== null;

      return (
        drawn("graph-1", ".scatterlayer .point") &&
        drawn("graph-2", ".scatterlayer path.js-line") &&
        drawn("graph-3", ".heatmaplayer image") &&
        drawn("graph-4", ".contourlayer path")
      );
    });
    return this.page.evaluate(() =>
      [1, 2, 3, 4].map((n) => {
        const gd = document.querySelector(`#graph-${n} .js-plotly-plot`);
        const { type, mode, x, y } = gd._fullData[0];
        const z = gd.calcdata[0][0].z;
        const count = (rows) =>
          rows.reduce((sum, row) => sum + row.reduce((a, b) => a + b, 0), 0);

        return {
          ...{ type, mode },
          x: [...x],
          y: [...y],
          calculated: z ? count(z) : gd.calcdata[0].length,
          points: document.querySelectorAll(`#graph-${n} .point`).length,
        };
      }),
    );
  }

  /* Open the dropdown and take an entry, as a hand would. */
  async choose(category) {
    await this.page.locator("#dropdown").click();
    await this.page
      .getByText(category, { exact: true })
      .locator("visible=true")
      .last()
      .click();
  }

  /* Keep a picture for human eyes. */
  keep(name, picture) {
    const folder = path.join(BUILD, "screenshots");

    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, `${name}.png`), picture);
  }

  async screenshot(name) {
    this.keep(name, await this.page.screenshot({ fullPage: true }));
  }

  /* The same for docs/screenshots: what is in the window, so a small file. */
  async picture(name) {
    const picture = await this.page.screenshot();

    this.keep(name, picture);
    await isUpToDate(this.context, name, picture);
  }

  close() {
    return this.context.close();
  }
}
