/* SPDX-License-Identifier: MIT */

/*
 * What every example and every page of the guide says when something goes
 * wrong: a bad input or a callback that fails, until what comes next works;
 * and a server that is gone, until it is back. docs/examples/README.md has the
 * same as a table.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { isAccessible } from "../lib/axe.mjs";
import { BUILD, ROOT, test } from "../lib/harness.mjs";
import { launch, Visitor } from "../lib/page.mjs";

const PATIENT = { timeout: 40000 };
const AWAY = "The server cannot be reached";

const option = async (visitor, id, text) => {
  await visitor.page.locator(id).click();
  await visitor.page.locator(".dash-options-list-option", { hasText: text }).first().click();
};

/*
 * How each one is brought to fail, where it says so and with which words, and
 * what makes it good again. `ready` is what its page has when it is there.
 */
const STATES = {
  accounts: {
    ready: "#menu a",
    at: "#problem",
    says: "This did not work: nobody is logged in",
    async fail({ page, context }) {
      await page.getByText("Log in", { exact: true }).first().click();
      await page.locator("#user").fill("ada");
      await page.locator("#password").fill("engine");
      await page.locator("#login").click();
      await page.getByRole("heading", { name: "Notes of ada" }).waitFor(PATIENT);
      const other = await context.newPage(); /* logs out behind its back */

      await other.goto(page.url());
      await other.locator("#logout").click();
      await other.getByText("open to everybody").waitFor(PATIENT);
      await page.locator("#keep").click();
    },
    mend: ({ page }) => page.getByText("Home", { exact: true }).click(),
  },
  aggregations: {
    ready: "#graph-1 .js-plotly-plot",
    at: "#error",
    says: "no prices have come from east",
    fail: (visitor) => option(visitor, "#dropdown", "east"),
    mend: (visitor) => option(visitor, "#dropdown", "south"),
  },
  browser_data: {
    ready: "#graph .js-plotly-plot",
    at: "#error",
    says: "no prices have come from east",
    fail: (visitor) => option(visitor, "#dropdown", "east"),
    mend: (visitor) => option(visitor, "#dropdown", "south"),
  },
  csv_explorer: {
    ready: "#scatter .js-plotly-plot",
    at: "#count",
    says: "This did not work",
    fail: (visitor) => visitor.forge("scatter", { selectedData: { points: ["none"] } }),
    mend: (visitor) => visitor.forge("scatter", { selectedData: null }),
  },
  greeting_cpp: {
    ready: "#dice .js-plotly-plot",
    at: "#error",
    says: "throw between 1 and 1,000,000 times",
    fail: (visitor) => visitor.forge("throws", { value: 0 }),
    mend: (visitor) => option(visitor, "#throws", /^10$/),
  },
  million_rows: {
    ready: "#cities .js-plotly-plot",
    at: "#count",
    says: "The orders cannot be read just now",
    async fail(visitor, cacheDir) {
      /* Behind the server's back. */
      execFileSync("sqlite3", [path.join(cacheDir, "orders-v1.db"), "DROP TABLE orders"]);
      await visitor.forge("table", { page_current: 30000 });
    },
  },
  oscilloscope: {
    ready: "#tiles .tile",
    at: '#tiles [role="alert"]',
    says: "The time base is 1 to 1000 ms",
    fail: (visitor) => visitor.forge("span", { value: 5000 }),
    mend: (visitor) => visitor.forge("span", { value: 100 }),
  },
  report_form: {
    ready: "#make:disabled",
    at: "#state",
    says: "This did not work: Months is not valid",
    async fail(visitor) {
      await visitor.page.locator("#name").fill("Ada");
      await visitor.page.locator("#mail").fill("ada");
      await visitor.page.locator("#mail-wrong", { hasText: "An address" }).waitFor(PATIENT);
      await isAccessible(visitor.page, "a wrong address");
      await visitor.page.locator("#mail").fill("ada@example.org");
      await visitor.page.locator("#months").fill("6");
      await visitor.page.locator("#make:enabled").waitFor(PATIENT);
      await visitor.forge("months", { value: 99 });
      await visitor.page.locator("#months-wrong", { hasText: "From 1" }).waitFor(PATIENT);
      await visitor.forge("make", { n_clicks: 9 });
    },
    async mend({ page }) {
      await page.locator("#months").fill("2");
      await page.locator("#make:enabled").click();
    },
  },
  simulation: {
    ready: "#mean:not(:empty)",
    at: "#problem",
    says: "The flame has to be on the plate",
    fail: (visitor) => visitor.forge("flame", { value: 99 }),
    mend: (visitor) => visitor.forge("flame", { value: 9 }),
  },
};

/* What has error states that take more: files of their own have the tests. */
const ELSEWHERE = {
  caching_and_signaling: "caching_and_signaling.test.mjs",
  session_data: "session_data.test.mjs",
  status: "status.test.mjs",
};

const gone = (visitor) =>
  visitor.page.locator(".ph-banner [role=alert]", { hasText: AWAY });

/* Stop, do what asks the server, see the banner, see it go, and `use` the page
 * as before. */
async function outage(scene, server, visitor, options, { ask, use }) {
  const bind = server.host;

  await server.stop();
  await ask(visitor);
  await gone(visitor).waitFor(PATIENT);
  await isAccessible(visitor.page, "a page without its server");
  const again = scene.server({ ...options, bind });

  await again.waitFor(/event=master\.ready/, { seconds: 120 });
  await gone(visitor).waitFor({ state: "detached", ...PATIENT });
  await use();
  await again.stop();
}

for (const [name, state] of Object.entries(STATES))
  test(`errors of ${name}`, { seconds: 300 }, async (t, scene) => {
    const options = {
      app: path.join(BUILD, `examples/${name}.so`),
      env: { PH_DEMO_DELAY: "0" },
      cacheDir: path.join(scene.dir(), "cache"),
    };
    const server = scene.server(options);

    /* A million rows are made at the first start. */
    await server.waitFor(/event=master\.ready/, { seconds: 120 });
    await server.ready();
    const visitor = await Visitor.open(await launch(scene), server);
    const told = visitor.page.locator(state.at, { hasText: state.says });

    await visitor.visit();
    await visitor.page.locator(state.ready).first().waitFor(PATIENT);
    await visitor.settled();
    assert.equal(await told.count(), 0);
    const fails = async () => {
      await state.fail(visitor, options.cacheDir);
      await told.waitFor(PATIENT);
    };
    const mends = async () => {
      await state.mend(visitor);
      await told.waitFor({ state: "detached", ...PATIENT });
    };

    await fails();
    await isAccessible(visitor.page, `an error of ${name}`);
    await visitor.screenshot(`error-${name}`);
    if (state.mend) await mends();
    /* The app has said it: the page needs no banner for it. */
    assert.equal(await visitor.page.locator(".ph-banner.shown").count(), 0);
    /* Whatever asks: the same again, as a visitor would. */
    await outage(scene, server, visitor, options, {
      /* It may be held until the server is back: nobody waits for it. */
      ask: () =>
        visitor.page.evaluate(() => {
          fetch("_dash-update-component", { method: "POST", body: "{}" }).catch(() => 0);
        }),
      async use() {
        if (!state.mend) return;
        await fails();
        await mends();
      },
    });
  });

test("errors of the guide's pages", { seconds: 300 }, async (t, scene) => {
  const options = {
    app: path.join(BUILD, "guide.so"),
    env: { PH_DEMO_DELAY: "0" },
    workers: 2,
    cacheDir: path.join(scene.dir(), "cache"),
  };
  const server = await scene.start(options);
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;

  const fails = async (where, id) => {
    await visitor.visit(where);
    const found = page.locator(`#${id}dropdown`);

    await found.waitFor(PATIENT);
    await visitor.settled();
    const told = page.locator(`#${id}error`, { hasText: "This did not work" });

    await option(visitor, `#${id}dropdown`, "east");
    await told.waitFor(PATIENT);
    await option(visitor, `#${id}dropdown`, "south");
    await told.waitFor({ state: "detached", ...PATIENT });
  };

  await fails("/browser-data", "browser-");
  await fails("/aggregations", "upfront-");
  /* A page that asks by itself needs nobody to find it out. */
  await visitor.visit("/caching-and-signaling");
  await page.locator("#caching-strip", { hasText: "apples" }).waitFor(PATIENT);
  await outage(scene, server, visitor, options, {
    ask: () => 0,
    use: () => fails("/browser-data", "browser-"),
  });
});

test("every example has its row", () => {
  const readme = fs.readFileSync(path.join(ROOT, "docs/examples/README.md"), "utf8");
  const here = path.join(ROOT, "test/browser");

  for (const name of fs.readdirSync(path.join(ROOT, "docs/examples"))) {
    if (name === "README.md") continue;
    assert.match(readme, new RegExp(`^\\| \\[${name}\\]\\(.*\\|.*\\|.*\\|.*\\|$`, "m"));
    if (STATES[name]) assert.ok(readme.includes(STATES[name].says.replace(/^This did not work: /, "")), name);
    else assert.match(fs.readFileSync(path.join(here, ELSEWHERE[name]), "utf8"), /#error/);
  }
});
