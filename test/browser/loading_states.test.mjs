/* SPDX-License-Identifier: MIT */

/*
 * What every example, and the guide, shows while callbacks are under way. The
 * answers are held back until everybody has looked. docs/examples/README.md
 * has the same as a table.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { isAccessible } from "../lib/axe.mjs";
import { BUILD, ROOT, test } from "../lib/harness.mjs";
import { launch, PHONE, Visitor } from "../lib/page.mjs";

const PATIENT = { timeout: 60000 };

const option = async ({ page }, id, text) => {
  await page.locator(id).click();
  await page.locator(".dash-options-list-option", { hasText: text }).first().click();
};
const west = (visitor) => option(visitor, "#dropdown", "west");

/*
 * `ready` is there when the first answers are; `ask` sets off what is held.
 * Then all graphs in `graphs` are faded and have a ring, what is in `lines`
 * has a line above it, and `says` is what words can be read. With none of
 * these it is the bar on top; `still` are those that must not fade.
 */
const STATES = {
  accounts: {
    ready: "#menu a",
    ask: ({ page }) => page.getByText("Log in", { exact: true }).first().click(),
  },
  aggregations: {
    ready: "#graph-3 .bars .point",
    graphs: ["#graph-1", "#graph-2", "#graph-3"],
    lines: [".together"],
    ask: west,
  },
  browser_data: {
    ready: "#graph .js-line",
    graphs: ["#graph"],
    lines: [".together"],
    ask: west,
  },
  caching_and_signaling: {
    ready: "#graph-4 .contourlayer path",
    graphs: ["#graph-1", "#graph-2", "#graph-3", "#graph-4"],
    lines: [".together"],
    ask: (visitor) => option(visitor, "#dropdown", "figs"),
  },
  csv_explorer: {
    ready: "#scatter .point",
    graphs: ["#scatter", "#histogram"],
    lines: [".together"],
    ask: (visitor) => visitor.forge("months", { value: [3, 6] }),
  },
  greeting_cpp: {
    ready: "#dice .bars .point",
    graphs: ["#dice"],
    ask: (visitor) => option(visitor, "#throws", /^10$/),
  },
  million_rows: {
    ready: "#cities .bars .point",
    lines: ["#count"],
    ask: ({ page }) => page.getByRole("button", { name: "Next page" }).click(),
  },
  oscilloscope: { ready: "#screen .js-line", still: ["#screen"] },
  report_form: {
    ready: "#make:disabled",
    lines: ["#months-wrong"],
    ask: ({ page }) => page.locator("#months").fill("6"),
  },
  session_data: {
    ready: "#output-1 pre",
    lines: ["#output-1", "#output-2"],
    says: { "#output-1": "Computing ...", "#output-2": "Computing ..." },
    ask: ({ page }) => page.locator("#get-data-button").click(),
  },
  simulation: { ready: "#plate .js-plotly-plot", still: ["#plate"] },
};

/* The guide has the same under ids of its own. */
const PAGES = {
  "/browser-data": ["browser_data", "browser-"],
  "/aggregations": ["aggregations", "upfront-"],
  "/caching-and-signaling": ["caching_and_signaling", "caching-"],
  "/session-data": ["session_data", "session-"],
};

/* Holds all updates back until they are released; the guide's pages, which
 * come by one, are let through. */
async function hold(page) {
  const address = "**/_dash-update-component";
  let release;
  const released = new Promise((resolve) => (release = resolve));

  await page.route(address, async (route) => {
    if (!/_pages_content/.test(route.request().postData())) await released;
    await route.continue().catch(() => 0); /* of a page that is left */
  });
  return async () => {
    release();
    await page.unroute(address);
  };
}

/* In the page, for each graph: are its marks faded, but no words, with a ring
 * that shows? */
function addLook() {
  window.looksLoading = (graphs) =>
    graphs.map((id) => {
      const graph = document.querySelector(id);
      const ring = getComputedStyle(graph, "::after");
      const seen = (one) => {
        const { opacity } = getComputedStyle(one);

        return one === graph ? opacity : opacity * seen(one.parentElement);
      };
      const all = (what) => [...graph.querySelectorAll(what)].map(seen);

      return (
        graph.querySelector(".overplot") !== null &&
        all(".overplot").every((opacity) => opacity < 0.6) &&
        all("text").every((opacity) => opacity === 1) &&
        ring.content !== "none" &&
        Number(ring.opacity) === 1 &&
        ring.animationName.includes("ph-turn") &&
        parseFloat(ring.width) > 20 &&
        ring.position === "absolute"
      );
    });
}

const bar = () => getComputedStyle(document.body, "::before").content !== "none";

async function showsThatItLoads({ page }, state, what) {
  await page.waitForFunction(bar, null, PATIENT);
  await page
    .waitForFunction(
      (graphs) => window.looksLoading(graphs).every(Boolean),
      state.graphs ?? [],
      PATIENT,
    )
    .catch(() => assert.fail(`the graphs of ${what} do not look as if they load`));
  await page.waitForFunction(
    (lines) =>
      lines.every((id) => {
        const { boxShadow, opacity } = getComputedStyle(document.querySelector(id));

        return / -3px /.test(boxShadow) && Number(opacity) === 1;
      }),
    state.lines ?? [],
    PATIENT,
  );
  for (const [id, text] of Object.entries(state.says ?? {}))
    assert.equal(await page.locator(id).innerText(), text);
  await isAccessible(page, `${what} while it loads`);
}

/* Looks at each frame, from now until all graphs are there and loads no more;
 * gives how many it has seen, and in how many something looked finished while
 * an old graph was still there. */
const watch = ({ page }, graphs) =>
  page.evaluate((ids) => {
    const plots = ids.map((id) => document.querySelector(`${id} .js-plotly-plot`));
    const points = () =>
      plots.map((plot) => plot?._fullData?.[0]?.y ?? plot?._fullData?.[0]?.x);
    const before = points();

    window.seen = new Promise((resolve) => {
      const seen = { frames: 0, finished: 0 };
      const look = () => {
        const now = points();
        const old = now.some((y, i) => y === before[i]);

        if (!old) return resolve(seen);
        seen.frames += 1;
        if (!window.looksLoading(ids).every(Boolean)) seen.finished += 1;
        return requestAnimationFrame(look);
      };

      look();
    });
  }, graphs);

/* The first load and a choice, both held back, then what comes of it. */
async function walk(t, visitor, state, { where = "/", what, prefix = "" }) {
  const { page } = visitor;
  const withPrefix = (id) => id.replace(/#/g, `#${prefix}`);
  const own = {
    ...state,
    graphs: state.graphs?.map(withPrefix),
    lines: state.lines?.map(withPrefix),
    says: Object.fromEntries(
      Object.entries(state.says ?? {}).map(([id, text]) => [withPrefix(id), text]),
    ),
  };
  const [first] = own.lines ?? own.graphs ?? own.still ?? ["main"];
  let release = await hold(page);

  await page.addInitScript(addLook);
  await visitor.visit(where);
  await page.locator(first).waitFor({ state: "attached", ...PATIENT });
  if (own.graphs) await page.locator(`${own.graphs[0]} .js-plotly-plot`).waitFor(PATIENT);
  if (own.still) return staysAsItIs(visitor, own, release, withPrefix(state.ready));
  await showsThatItLoads(visitor, own, `the first load of ${what}`);
  await visitor.screenshot(`loading-${what}`);
  await release();
  await page.locator(withPrefix(state.ready)).first().waitFor(PATIENT);
  await visitor.settled();
  /* A page that rests takes nothing from a battery. */
  await page.waitForFunction(() => document.getAnimations().length === 0, null, PATIENT);
  for (const id of own.graphs ?? [])
    assert.equal(
      await page
        .locator(id)
        .evaluate((one) => getComputedStyle(one, "::after").animationName),
      "none",
    );
  if (prefix || !state.ask) return visitor.settled();
  release = await hold(page);
  await state.ask(visitor);
  await showsThatItLoads(visitor, { ...own, says: {} }, what);
  await page.emulateMedia({ colorScheme: "dark" });
  await isAccessible(page, `${what} while it loads, in the dark`);
  await watch(visitor, own.graphs ?? []);
  await release();
  const { frames, finished } = await page.evaluate(() => window.seen);

  t.diagnostic(`${what}: ${frames} frames, ${finished} looked finished`);
  /* Between two callbacks the fade is held for a tenth of a second: on a busy
   * machine a frame or two come later. */
  if (own.graphs && own.lines?.includes(".together")) assert.ok(finished <= frames / 4);
  return visitor.settled();
}

/* What is renewed all the time does not fade, however long that takes. */
async function staysAsItIs({ page }, state, release, ready) {
  await release();
  await page.locator(ready).first().waitFor(PATIENT);
  const again = await hold(page);

  await page.waitForSelector("[data-dash-is-loading=true]", { state: "attached", ...PATIENT });
  await page.waitForTimeout(600); /* what fades has done so in 400 ms */
  for (const id of state.still)
    assert.ok(
      await page.locator(`${id} .js-plotly-plot`).evaluate((one) => {
        const around = one.closest(".dash-graph");

        return (
          getComputedStyle(one).opacity === "1" &&
          getComputedStyle(around, "::after").content === "none"
        );
      }),
    );
  assert.equal(await page.evaluate(bar), false);
  await again();
}

for (const [name, state] of Object.entries(STATES))
  test(`${name} while it loads`, { seconds: 240 }, async (t, scene) => {
    const server = scene.server({
      app: path.join(BUILD, `examples/${name}.so`),
      env: { PH_DEMO_DELAY: "0.2" },
      workers: 2,
    });

    await server.waitFor(/event=master\.ready/, { seconds: 120 });
    await server.ready();
    const visitor = await Visitor.open(await launch(scene), server);

    await walk(t, visitor, state, { what: name });
  });

test("the guide's pages while they load", { seconds: 300 }, async (t, scene) => {
  const server = await scene.start({
    app: path.join(BUILD, "guide.so"),
    env: { PH_DEMO_DELAY: "0.2" },
    workers: 2,
  });
  const browser = await launch(scene);

  for (const [where, [example, prefix]] of Object.entries(PAGES))
    for (const options of [{}, PHONE]) {
      const visitor = await Visitor.open(browser, server, options);

      await walk(t, visitor, STATES[example], { where, prefix, what: where.slice(1) });
      await visitor.close();
    }
});

test("every row of the table is looked at", () => {
  const readme = fs.readFileSync(path.join(ROOT, "docs/examples/README.md"), "utf8");
  const rows = [...readme.matchAll(/^\| \[(\w+)\]\([^|]*\| ([^|]*) \|/gm)];

  assert.ok(rows.length > 10);
  for (const [, name, cell] of rows) {
    const state = STATES[name];

    if (name === "status") continue; /* status.test has its server */
    assert.ok(state, name);
    assert.equal(/nothing fades/.test(cell), Boolean(state.still), name);
    assert.equal(/graphs? faded|same, for \w+ graphs/.test(cell), Boolean(state.graphs), name);
  }
});
