/* SPDX-License-Identifier: MIT */

/*
 * www/pronghorn.js in every page: a banner while the server is away or has
 * failed, figures that follow a dark page, names and roles.
 */
import assert from "node:assert/strict";
import path from "node:path";
import { isAccessible } from "../lib/axe.mjs";
import { BUILD, test, until } from "../lib/harness.mjs";
import { launch, PHONE, Visitor } from "../lib/page.mjs";
import { ROWS } from "../lib/points.mjs";

const example = (name) => path.join(BUILD, `examples/${name}.so`);
const AWAY = "The server cannot be reached";
const FAILED = "The server could not do this";
const PATIENT = { timeout: 60000 };

const banner = (visitor) => visitor.page.getByRole("alert");
const says = (visitor, text) =>
  banner(visitor).filter({ hasText: text }).waitFor(PATIENT);
const silent = (visitor) =>
  visitor.page.waitForFunction(
    () => document.querySelector(".ph-banner").innerText.trim() === "",
    null,
    PATIENT,
  );

test("the server goes and comes back", { seconds: 240 }, async (t, scene) => {
  const server = await scene.start({ app: example("greeting_cpp") });
  const [host, port] = [server.address.host, server.address.port];
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;
  const greets = (name) =>
    page.locator("#greeting", { hasText: `Good luck, ${name}!` }).waitFor(PATIENT);

  await visitor.visit();
  await greets("Ada");
  await visitor.settled();
  await silent(visitor);
  assert.equal(await page.locator(".ph-banner").evaluate((one) => one.offsetHeight), 0);
  assert.equal((await server.stop()).status, 0);
  await page.locator("#name").fill("Grace");
  await says(visitor, AWAY);
  await isAccessible(page, "a page without its server");
  await visitor.screenshot("banner-away");
  /* Nobody does anything: the page finds it out by itself. */
  const again = scene.server({
    app: example("greeting_cpp"),
    bind: `${host}:${port}`,
  });

  await page.locator("#name").fill("Joan");
  const sent = [];

  page.on("request", (request) => {
    if (/_dash-update-component$/.test(request.url())) sent.push(request.postData());
  });
  await again.ready();
  await silent(visitor);
  /* What was changed meanwhile is done, once, as it is now. */
  await greets("Joan");
  await visitor.settled();
  await silent(visitor);
  assert.deepEqual(sent.filter((body) => /Grace/.test(body)), []);
  assert.equal(sent.filter((body) => /"greeting"/.test(body)).length, 1);
  await page.locator("#name").fill("Edith");
  await greets("Edith");
  /* Beside the server itself, nobody was asked. */
  for (const url of visitor.requests) assert.ok(url.startsWith(`${server.url}/`), url);
});

test("a choice made while the server is away", { seconds: 240 }, async (t, scene) => {
  const app = example("caching_and_signaling");
  const env = { PH_DEMO_DELAY: "0.3" };
  const server = await scene.start({ app, env });
  const [host, port] = [server.address.host, server.address.port];
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;

  await visitor.visit();
  await visitor.graphs(ROWS.apples);
  assert.equal((await server.stop()).status, 0);
  await page.locator("#dropdown").click();
  await page.locator(".dash-options-list-option", { hasText: "oranges" }).click();
  await says(visitor, AWAY);
  /* It waits, for as long as that takes: nothing turns, nothing is pale. */
  await page.waitForFunction(
    () =>
      document.querySelector("[data-dash-is-loading=true]") &&
      document.getAnimations().every(({ playState }) => playState !== "running") &&
      [...document.querySelectorAll(".overplot")].every(
        (one) => getComputedStyle(one).opacity === "1",
      ),
    null,
    PATIENT,
  );
  await scene.server({ app, env, bind: `${host}:${port}` }).ready();
  await silent(visitor);
  await visitor.graphs(ROWS.oranges);
  await visitor.settled();
  await silent(visitor);
});

test("what failed again is told", { seconds: 240 }, async (t, scene) => {
  const server = await scene.start({ app: example("greeting_cpp") });
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;
  let tries = 0;

  await visitor.visit();
  await visitor.settled();
  await page.route(/_favicon\.ico\?/, (route) => route.abort());
  await page.route("**/_dash-update-component", (route) => {
    tries += 1;
    return route.abort();
  });
  await page.locator("#name").fill("Grace");
  await says(visitor, AWAY);
  /* Its failure does not take the server away for a second time. */
  await page.unroute(/_favicon\.ico\?/);
  await says(visitor, FAILED);
  assert.equal(tries, 2);
});

test("a late look at an update that was done since", { seconds: 240 }, async (t, scene) => {
  const server = await scene.start({ app: example("greeting_cpp") });
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;
  let first = true;
  let looked = false;
  let goOn;
  const wanted = new Promise((resolve) => (goOn = resolve));

  await visitor.visit();
  await visitor.settled();
  await page.route(/_favicon\.ico\?/, async (route) => {
    await wanted;
    await route.continue();
    looked = true;
  });
  await page.route("**/_dash-update-component", (route) => {
    if (!first) return route.continue();
    first = false;
    return route.fulfill({ status: 503, body: "no" });
  });
  await page.locator("#name").fill("Grace");
  await until("it failed", () => !first);
  await page.locator("#name").fill("Edith");
  await page.locator("#greeting", { hasText: "Good luck, Edith!" }).waitFor(PATIENT);
  goOn();
  await until("it was looked at", () => looked);
  await page.waitForTimeout(500);
  await silent(visitor);
});

test("one request fails, and is done again", { seconds: 240 }, async (t, scene) => {
  const server = await scene.start({ app: example("greeting_cpp") });
  const visitor = await Visitor.open(await launch(scene), server, PHONE);
  const { page } = visitor;
  const update = "**/_dash-update-component";
  const close = page.getByRole("button", { name: "Close" });

  await visitor.visit();
  await visitor.settled();
  for (const answer of [
    (route) => route.fulfill({ status: 500, body: "no" }),
    (route) => route.fulfill({ status: 504, body: "no" }),
    (route) => route.abort(), /* while others reach it */
  ]) {
    await page.route(update, answer);
    await page.locator("#name").fill("Grace");
    await says(visitor, FAILED);
    await isAccessible(page, "a page with a failure");
    await page.unroute(update);
    /* Something else works: it is still not done. */
    await page.locator("#throws").click();
    await page.locator(".dash-options-list-option").last().click();
    await visitor.settled();
    await says(visitor, FAILED);
    await page.locator("#name").fill("Edith");
    await silent(visitor);
  }
  await page.route(update, (route) => route.fulfill({ status: 500, body: "no" }));
  await page.locator("#name").fill("Grace");
  await close.click();
  await silent(visitor);
  await close.waitFor({ state: "hidden" });
});

test("a page that is left complains of nothing", async (t, scene) => {
  const server = await scene.start({
    app: example("session_data"),
    env: { PH_DEMO_DELAY: "2" },
  });
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;
  const heads = () => visitor.requests.filter((url) => /_favicon\.ico\?/.test(url));

  await visitor.visit();
  await page.getByText("Computing ...").first().waitFor();
  await visitor.reload();
  await page.getByText("Button has been clicked").first().waitFor(PATIENT);
  assert.deepEqual(heads(), []);
});

/* The colours of a figure's paper, its words and its grid. */
const look = (visitor, id) =>
  visitor.page.evaluate((one) => {
    const { _fullLayout: full } = document.querySelector(`#${one} .js-plotly-plot`);

    return [full.paper_bgcolor, full.font.color, full.yaxis.gridcolor];
  }, id);

test("figures are dark on a dark page", { seconds: 240 }, async (t, scene) => {
  const server = await scene.start({ app: example("greeting_cpp") });
  const browser = await launch(scene);
  const visitor = await Visitor.open(browser, server);
  const { page } = visitor;
  const becomes = (paper) =>
    until(`paper ${paper}`, async () => (await look(visitor, "dice"))[0] === paper);
  const bars = () =>
    page.evaluate(() => [...document.querySelector(".js-plotly-plot")._fullData[0].y]);

  await visitor.visit();
  await page.locator("#dice .bars .point").first().waitFor(PATIENT);
  const light = await look(visitor, "dice");
  const before = await bars();

  assert.equal(light[0], "#fff");
  await page.emulateMedia({ colorScheme: "dark" });
  await becomes("rgba(0, 0, 0, 0)");
  const dark = await look(visitor, "dice");

  assert.equal(dark[1], "rgb(228, 232, 239)");
  assert.equal(dark[2], "#394252");
  /* Words can be read, on what is behind them. */
  assert.equal(
    await page
      .locator("#dice .xtick text")
      .first()
      .evaluate((one) => getComputedStyle(one).fill),
    "rgb(228, 232, 239)",
  );
  /* A figure that comes now is as dark. */
  await page.locator("#throws").click();
  await page.locator(".dash-options-list-option", { hasText: /^10$/ }).click();
  await until("new bars", async () => `${await bars()}` !== `${before}`);
  assert.deepEqual(await look(visitor, "dice"), dark);
  await page.emulateMedia({ colorScheme: "light" });
  await becomes("#fff");
  assert.deepEqual(await look(visitor, "dice"), light);
  assert.deepEqual(visitor.complaints, []);

  /* Who chose a look has it. */
  const scope = await scene.start({ app: example("oscilloscope") });
  const other = await Visitor.open(browser, scope, { colorScheme: "light" });

  await other.visit();
  await other.page.locator("#screen .scatterlayer path.js-line").first().waitFor(PATIENT);
  const chosen = await look(other, "screen");

  await other.page.emulateMedia({ colorScheme: "dark" });
  await other.page.waitForTimeout(500);
  assert.deepEqual(await look(other, "screen"), chosen);
});

test("parts that have no name get one", { seconds: 120 }, async (t, scene) => {
  const browser = await launch(scene);
  const scope = await Visitor.open(
    browser,
    await scene.start({ app: example("oscilloscope") }),
  );

  await scope.visit();
  await scope.page.getByRole("slider", { name: "Time base, ms" }).waitFor(PATIENT);
  const runs = await Visitor.open(
    browser,
    await scene.start({ app: example("csv_explorer") }),
  );
  const { page } = runs;

  await runs.visit();
  for (const name of ["First page", "Previous page", "Next page", "Last page"])
    await page.getByRole("button", { name, exact: true }).waitFor(PATIENT);
  await page.locator("#machines").click();
  await page
    .getByRole("dialog", { name: "Machines" })
    .getByRole("group", { name: "Machines" })
    .waitFor(PATIENT);
});

/* What has the focus: an id, or its name. */
const focus = ({ page }) =>
  page.evaluate(() => {
    const { activeElement: one } = document;

    return one.id || one.getAttribute("aria-label") || one.className || one.tagName;
  });

/* One press after the other, and what has the focus after each. */
async function walk(visitor, key, times) {
  const places = [];

  for (let i = 0; i < times; i++) {
    await visitor.page.keyboard.press(key);
    places.push(await focus(visitor));
  }
  return places;
}

test("the Tab key comes to each dropdown once", { seconds: 120 }, async (t, scene) => {
  const server = await scene.start({ app: example("csv_explorer") });
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;
  const count = () => page.locator("#count").textContent();
  const stops = page.locator(".dash-dropdown-focus-target:not([tabindex='-1'])");
  const inOrder = async (when) => {
    await page.evaluate(() => document.activeElement.blur());
    await page.mouse.click(2, 2);
    assert.deepEqual(
      await walk(visitor, "Tab", 4),
      ["plant", "machines", "Minimum", "Maximum"],
      when,
    );
    assert.deepEqual(
      await walk(visitor, "Shift+Tab", 3),
      ["Minimum", "machines", "plant"],
      when,
    );
    assert.equal(await stops.count(), 0, when);
  };

  await visitor.visit();
  await page.locator("#count", { hasText: "819 runs" }).waitFor(PATIENT);
  await visitor.settled();
  await inOrder("a page that was loaded");
  /* It is on the plant now; what is chosen there changes the machines. */
  await page.keyboard.press("Enter");
  await page.locator(".dash-dropdown-content :focus").waitFor(PATIENT);
  await page.keyboard.press("ArrowDown");
  await page.locator(".dash-options-list :focus").waitFor(PATIENT);
  await page.keyboard.press("Space");
  await until("fewer runs", async () => !/^819 /.test(await count()));
  await page.keyboard.press("Escape");
  await page.locator(".dash-dropdown-content").waitFor({ state: "detached" });
  await visitor.settled();
  assert.equal(await focus(visitor), "plant");
  await inOrder("after a choice");
  /* Opened and left with the mouse. */
  await page.locator("#machines").click();
  await page.locator(".dash-dropdown-content").waitFor(PATIENT);
  await page.mouse.click(2, 2);
  await page.locator(".dash-dropdown-content").waitFor({ state: "detached" });
  await page.evaluate(() => document.activeElement.blur());
  await isAccessible(page, "a dropdown that was left");
  await inOrder("after the mouse");
  assert.deepEqual(visitor.complaints, []);
});

test("the Tab key leaves a table's pager and filters", { seconds: 120 }, async (t, scene) => {
  const server = await scene.start({ app: example("csv_explorer") });
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;
  const press = (key) => page.keyboard.press(key);
  const onPage = (n) =>
    page.locator(`input.current-page[placeholder="${n}"]`).waitFor(PATIENT);

  await visitor.visit();
  await page.locator("#count", { hasText: "819 runs" }).waitFor(PATIENT);
  await visitor.settled();
  await page.locator("input.current-page").focus();
  assert.deepEqual(await walk(visitor, "Tab", 2), ["Next page", "Last page"]);
  assert.deepEqual(await walk(visitor, "Shift+Tab", 2), ["Next page", "Page"]);
  /* A number and Enter turn the page as before, and Enter does what a click does. */
  await page.keyboard.type("3");
  await press("Enter");
  await onPage(3);
  await page.getByRole("button", { name: "Next page" }).focus();
  await press("Enter");
  await onPage(4);
  assert.deepEqual(await walk(visitor, "Shift+Tab", 2), ["Page", "Previous page"]);
  /* With a cell that is chosen, too; which stays, as does the key in the cells. */
  await page.locator("td.dash-cell").nth(1).click();
  await press("Tab");
  assert.equal(await page.locator("td.focused").getAttribute("data-dash-column"),
    await page.locator("td.dash-cell").nth(2).getAttribute("data-dash-column"));
  await page.locator("input.current-page").focus();
  assert.deepEqual(await walk(visitor, "Tab", 1), ["Next page"]);
  assert.deepEqual(visitor.complaints, []);

  const rows = await Visitor.open(
    await launch(scene),
    await scene.start({ app: example("million_rows") }),
  );

  await rows.visit();
  await rows.page.locator("td.dash-cell").first().waitFor({ timeout: 100000 });
  await rows.settled();
  const filters = rows.page.locator(".dash-filter input:visible");
  const total = await filters.count();

  assert.ok(total > 4, `${total} parts of filters`);
  await filters.first().focus();
  for (const key of ["Tab", "Shift+Tab"]) {
    const seen = [];

    for (let i = 0; i < total; i++) {
      seen.push(
        await filters.evaluateAll((all) => all.indexOf(document.activeElement)),
      );
      await rows.page.keyboard.press(key);
    }
    /* Each of them once, and then somewhere else. */
    assert.equal(new Set(seen).size, total, `${key}: ${seen}`);
    assert.equal(await filters.evaluateAll((all) => all.indexOf(document.activeElement)), -1, key);
    await filters.last().focus();
  }
});

/* Contrast of words with what is behind them, as WCAG has it; colours as computed. */
const contrast = (page, selector, pseudo) =>
  page.locator(selector).first().evaluate((one, part) => {
    const parts = (color) => color.match(/[\d.]+/g).map(Number);
    const behind = (node) => {
      const [r, g, b, a = 1] = parts(getComputedStyle(node).backgroundColor);

      if (a === 1 || !node.parentElement) return [r, g, b];
      return behind(node.parentElement).map((x, i) => x * (1 - a) + [r, g, b][i] * a);
    };
    const light = (rgb) =>
      rgb
        .slice(0, 3)
        .map((x) => x / 255)
        .map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4))
        .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
    const both = [parts(getComputedStyle(one, part).color), behind(one)].map(light);

    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
  }, pseudo);

test("a table's selection and page can be read", { seconds: 120 }, async (t, scene) => {
  const server = await scene.start({ app: example("csv_explorer") });
  const browser = await launch(scene);

  for (const colorScheme of ["dark", "light"]) {
    const visitor = await Visitor.open(browser, server, { colorScheme });
    const { page } = visitor;

    await visitor.visit();
    await page.locator("#count", { hasText: "819 runs" }).waitFor(PATIENT);
    await visitor.settled();
    await page.locator("td.dash-cell").nth(1).click();
    await page.keyboard.press("Shift+ArrowDown");
    await page.keyboard.press("Shift+ArrowDown");
    await page.locator("td.cell--selected").nth(2).waitFor(PATIENT);
    await isAccessible(page, `a selection, ${colorScheme}`);
    for (const [what, pseudo] of [
      ["td.cell--selected", null],
      ["td.cell--selected.focused", null],
      ["input.current-page", null],
      ["input.current-page", "::placeholder"],
    ]) {
      const is = await contrast(page, what, pseudo);

      assert.ok(is >= 4.5, `${what} ${pseudo} ${colorScheme}: ${is}`);
    }
  }
});

/* What the front end draws as options of listboxes, with boxes in them. */
test("lists of boxes are groups of boxes", { seconds: 120 }, async (t, scene) => {
  const server = await scene.start({ app: "boxes" });
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;
  const chosen = (text) =>
    page.locator("#chosen", { hasText: new RegExp(`^${text}$`) }).waitFor(PATIENT);
  const whole = async (what) => {
    await visitor.settled();
    await isAccessible(page, what, ["moderate", "serious", "critical"]);
    assert.equal(
      await page.locator(":is([role=listbox], [role=option], label[aria-selected])").count(),
      0,
      what,
    );
  };
  const press = (key) => page.keyboard.press(key);

  await visitor.visit();
  const fruit = page.getByRole("group", { name: "Fruit" }).last();
  const size = page.getByRole("radiogroup", { name: "Size" });
  const figs = fruit.getByRole("checkbox", { name: "figs" });
  const large = size.getByRole("radio", { name: "large" });

  await chosen("1 small 0");
  for (const name of ["Weight", "Months, least", "Months, most"])
    await page.getByRole("spinbutton", { name, exact: true }).waitFor(PATIENT);
  await whole("boxes");
  assert.equal(await figs.isChecked(), true);
  /* With the keyboard alone. */
  await figs.focus();
  await press("Space");
  await chosen("0 small 0");
  await press("Shift+Tab");
  await press("Space");
  await chosen("1 small 0");
  assert.equal(await fruit.getByRole("checkbox", { name: "apples" }).isChecked(), true);
  await size.getByRole("radio", { name: "small" }).focus();
  await press("ArrowDown");
  await chosen("1 large 0");
  assert.equal(await large.isChecked(), true);
  await whole("boxes that were chosen");
  /* A list so long that only what is in sight is drawn. */
  await page.getByRole("button", { name: "Cities", exact: true }).focus();
  await press("ArrowDown");
  const list = page.getByRole("dialog", { name: "Cities" });
  const city = (n) => list.getByRole("checkbox", { name: `city ${n}`, exact: true });

  await city(0).waitFor(PATIENT);
  await whole("an open list");
  await page.locator(".dash-dropdown-content :focus").waitFor(PATIENT);
  await press("ArrowDown");
  await page.locator(".dash-options-list :focus").waitFor(PATIENT);
  await press("Space");
  await chosen("1 large 1");
  await press("End");
  await city(299).waitFor(PATIENT);
  await press("Space");
  await chosen("1 large 2");
  await whole("the end of an open list");
  await press("Escape");
  await list.waitFor({ state: "detached" });
  await page.getByRole("button", { name: /^Cities city 0, city 299 2 selected$/ }).waitFor(PATIENT);
  /* What it mends it mends once: nothing goes on in a page that rests. */
  const changes = await page.evaluate(async () => {
    let count = 0;

    new MutationObserver((all) => (count += all.length)).observe(document, {
      attributes: true,
      childList: true,
      subtree: true,
    });
    for (let i = 0; i < 5; i++) await new Promise(requestAnimationFrame);
    return count;
  });

  assert.equal(changes, 0);
  assert.deepEqual(visitor.complaints, []);
});
