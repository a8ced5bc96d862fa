/* SPDX-License-Identifier: MIT */

/* The status page of the admin process, live, in a real browser. */
import assert from "node:assert/strict";
import path from "node:path";
import { BUILD, test, until } from "../lib/harness.mjs";
import { isAccessible, isWhole } from "../lib/axe.mjs";
import { launch, PHONE, Visitor } from "../lib/page.mjs";
import { GRAPHS, callbackBody } from "../lib/session.mjs";
import { post } from "../lib/wire.mjs";

async function start(scene, options) {
  const server = await scene.start({
    ...options,
    workers: 2,
    threads: 2,
    env: { PH_DEMO_DELAY: "5" },
    args: ["--metrics-bind", "127.0.0.1:0"],
  });
  const [, address] = await server.waitFor(
    /event=metrics\.bound address=(\S+)/,
  );

  return { server, url: `http://${address}` };
}

async function open(browser, url, options) {
  const visitor = await Visitor.open(browser, { url }, options);

  visitor.page.setDefaultTimeout(90000);
  await visitor.visit("/_ph/status/");
  await ready(visitor);
  return visitor;
}

const ready = ({ page }) =>
  page.getByText("2 of 2", { exact: true }).first().waitFor();

/* The points of the first plot: [time, value]. */
const points = ({ page }) =>
  page.evaluate(() => {
    const trace = document.querySelector("#rate .js-plotly-plot")?.data?.[0];

    return (trace?.x ?? []).map((x, i) => [x, trace.y[i]]);
  });

/* One number of the metrics. */
const metric = async (url, name) =>
  Number(
    new RegExp(`^pronghorn_${name} (\\S+)$`, "m").exec(
      await (await fetch(`${url}/_ph/metrics`)).text(),
    )?.[1],
  );

test("the status page shows what the server does", { seconds: 240 }, async (t, scene) => {
  const { server, url } = await start(scene);
  const browser = await launch(scene);
  const visitor = await open(browser, url, PHONE);
  const { page } = visitor;
  const shows = (text) => page.getByText(text, { exact: true }).first().waitFor();

  await shows("Workers ready");
  await page.getByRole("table", { name: "Workers", exact: true }).waitFor();
  for (const pid of server.workers())
    await page
      .getByRole("row", { name: new RegExp(`^[01] ${pid} ready \\d of 2 [\\d.]+ MB 0 \\d`) })
      .waitFor();

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
  const late = await Promise.all([scene.connect(server), scene.connect(server)]);

  for (const one of late)
    one.write(post(callbackBody("signal.children", "figs")));
  await server.waitFor(/Computing value with figs/, { seconds: 60 });
  /* What workers say once a second has to have come before. */
  await until("waiting", async () =>
    (await metric(url, "parked_requests")) === 2 &&
    (await metric(url, "threads_computing")) >= 1);
  for (const pid of server.workers()) server.kill("SIGSTOP", pid);
  const flight = page.getByRole("row", {
    name: /^global_store \w+ computing .* 2 requests$/,
  });

  await flight.waitFor();
  await page.locator("#waiting", { hasText: "2" }).waitFor();
  /* Who computes it is found in the other table. */
  const computing = await flight.locator("td").nth(3).textContent();

  assert.ok(server.workers().includes(Number(computing)), computing);
  await page
    .getByRole("row", { name: new RegExp(`^\\d ${computing} ready [12] of 2 `) })
    .waitFor();
  for (const pid of server.workers()) server.kill("SIGCONT", pid);
  for (const one of late) assert.equal((await one.answer()).status, 200);
  /* Its data is for those who may see the metrics. */
  assert.equal((await fetch(`${server.url}/_ph/status.json`)).status, 404);

  await visitor.picture("status-phone-dark");
  /* A second one, in the light at a desk. */
  const other = await open(browser, url);

  await isWhole(other, visitor, "the status page", ready);
  await other.screenshot("status-whole-desk");
  /* A worker that has died is counted where it was. */
  const [dead] = server.workers();

  server.kill("SIGKILL", dead);
  await page.getByRole("row", { name: /^[01] \d+ ready \d of 2 [\d.]+ MB 1 \d/ }).waitFor();
  await page.getByRole("row", { name: "crashed 1" }).waitFor();
  /* The server does not answer: the page says so, until it does again. */
  const told = page.locator("#error", { hasText: "does not say how it is" });

  await page.route("**/_ph/metrics", (route) => route.abort());
  await told.waitFor();
  await shows("Workers ready");
  await isAccessible(page, "the status page without a server");
  await page.unroute("**/_ph/metrics");
  await told.waitFor({ state: "detached" });
});

test("a computation that says how far it is", { seconds: 120 }, async (t, scene) => {
  const { server, url } = await start(scene, { app: path.join(BUILD, "test-apps/cache.so") });
  const { page } = await open(await launch(scene), url);
  const wire = await scene.connect(server);

  /* It says 0.5, and then takes an hour. */
  wire.write(post(JSON.stringify({
    output: "tagged.out",
    outputs: { id: "tagged", property: "out" },
    inputs: [{ id: "in", property: "value", value: "endless" }],
    changedPropIds: ["in.value"],
  })));
  await page.getByRole("row", { name: /^tagged \w+ computing .* 50 % \d+ 1 request$/ }).waitFor();
});

test("who opens the page later sees the past", { seconds: 240 }, async (t, scene) => {
  const { server, url } = await start(scene);
  const browser = await launch(scene);
  const wire = await scene.connect(server);

  wire.write(post(callbackBody("signal.children", "apples")));
  assert.equal((await wire.answer()).status, 200);
  /* The admin process is another one meanwhile. */
  const [, admin] = await server.waitFor(/event=admin\.fork child=(\d+)/);

  server.kill("SIGKILL", Number(admin));
  await server.waitFor(/event=admin\.fork child=(\d+)/, { count: 2 });
  await until("rows", async () => {
    const answer = await fetch(`${url}/_ph/status.json`).catch(() => null);

    return answer && (await answer.json()).history.rows.length >= 5;
  });
  const zone = "America/St_Johns"; /* its clock is half an hour off, too */
  const visitor = await open(browser, url, { timezoneId: zone });
  const { page } = visitor;

  await until("points", async () => (await points(visitor)).length >= 5);
  const past = await points(visitor);

  assert.ok(past.some(([, rate]) => rate > 0), "the request is seen");
  await until("newer ones", async () =>
    (await points(visitor)).length >= past.length + 2);
  const later = await points(visitor);

  assert.deepEqual(later.slice(0, past.length), past);
  /* Only what is new has been sent for them. */
  const since = visitor.requests
    .map((request) => /status\.json\?since=(\d+)$/.exec(request)?.[1])
    .filter((text) => text !== undefined)
    .map(Number);

  assert.equal(since[0], 0);
  assert.ok(since.slice(1).every((time) => time > Date.now() - 900000));
  const rest = await (
    await fetch(`${url}/_ph/status.json?since=${since.at(-1)}`)
  ).json();

  assert.ok(rest.history.rows.length <= 3, "a few new rows");
  await visitor.reload();
  await ready(visitor);
  await until("the same past", async () =>
    (await points(visitor)).length >= later.length);
  assert.deepEqual((await points(visitor)).slice(0, later.length), later);

  /* The clock of the axis is that of the browser, and it says so. */
  const [last] = (await points(visitor)).at(-1);
  const local = new Date().toLocaleString("sv", { timeZone: zone });

  await page.getByText(`Time (${zone})`).first().waitFor();
  assert.ok(
    Math.abs(Date.parse(`${last}Z`) - Date.parse(`${local.replace(" ", "T")}Z`)) < 20000,
    `${last} is about ${local}`,
  );
});

test("the status page keeps focus and place", { seconds: 240 }, async (t, scene) => {
  const { url } = await start(scene);
  const browser = await launch(scene);
  const visitor = await open(browser, url, PHONE);
  const { page } = visitor;
  const region = page.getByRole("region", { name: "Workers", exact: true });
  const looks = () =>
    visitor.requests.filter((request) => /status\.json/.test(request)).length;

  await page.getByRole("row", { name: /^1 \d+ ready/ }).waitFor();
  await region.focus();
  await region.evaluate((node) => {
    node.scrollLeft = 60;
    node.dataset.mark = "mine";
  });
  const before = looks();

  await until("three looks", () => looks() >= before + 3, { seconds: 60 });
  assert.deepEqual(
    await page.evaluate(() => {
      const { activeElement: node } = document;

      return [node.dataset.mark, node.scrollLeft, node.getAttribute("aria-label")];
    }),
    ["mine", 60, "Workers"],
  );

  /* Plots have names and a line of text, and no buttons for a mouse. */
  for (const name of ["Requests per second", "Latency, ms", "Cache hits, %", "Cache, MB and evictions"]) {
    await page.getByRole("heading", { name }).waitFor();
    await page.getByRole("img", { name }).waitFor();
  }
  /* Of two units each has an axis. */
  for (const part of [".ytick", ".y2tick"])
    await page.locator(`#size ${part}`).first().waitFor();
  await page.getByText(/^Now \d+\.\d, at most \d+\.\d\.$/).waitFor();
  /* What is empty says why. */
  for (const why of [/^Nothing now: a value stands here/, "None has answered yet: no page has been used since the server started."])
    await page.getByText(why).waitFor();
  /* And to its end, on a phone. */
  assert.deepEqual(
    await page.locator(".wide caption, .wide td[colspan]").evaluateAll((list) =>
      list.flatMap((one) => {
        const range = document.createRange();

        range.selectNodeContents(one);
        return range.getBoundingClientRect().right > window.innerWidth ? [one.textContent] : [];
      }),
    ),
    [],
  );
  assert.equal(await page.locator(".modebar").count(), 0);
  /* No words over others. */
  const overlaps = await page.evaluate(() => {
    const box = (node) => node.getBoundingClientRect();
    const touch = (a, b) =>
      a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

    return [...document.querySelectorAll(".js-plotly-plot")].flatMap((plot) => {
      const words = [...plot.querySelectorAll(".legend, .xtick, .xtitle")];

      return words.flatMap((a, i) =>
        words
          .slice(i + 1)
          .filter((b) => touch(box(a), box(b)))
          .map((b) => `${a.textContent} over ${b.textContent}`),
      );
    });
  });

  assert.deepEqual(overlaps, []);
  assert.equal(await page.locator(".legend").count(), 2);

  /* Slower than all bounds is not nothing. */
  await page.route("**/_ph/status.json*", async (route) => {
    const response = await route.fetch();
    const json = await response.json();

    json.history.rows.push(
      [Date.now() - 2000, 2000, 9, 2500000, "inf", 1, 0, 0, 0],
      [Date.now(), 2000, 9, 2500000, "inf", 0, 0, 0, 0],
    );
    await route.fulfill({ response, json });
  });
  await page.route("**/_ph/metrics", async (route) => {
    const response = await route.fetch();
    const label = 'callback="slow"';
    const base = "pronghorn_callback_duration_seconds";
    const body = `${await response.text()}${[
      `${base}_bucket{${label},le="10"} 0`,
      `${base}_bucket{${label},le="+Inf"} 3`,
      `${base}_count{${label}} 3`,
    ].join("\n")}\n`;

    await route.fulfill({ response, body });
  });
  await page.locator("#p99", { hasText: "> 10 s" }).waitFor();
  await page.locator("#p50", { hasText: "≤ 2.5 s" }).waitFor();
  await page.getByRole("row", { name: "slow 3 > 10 s 0" }).waitFor();
  await page.getByText(/^99 % now > 10 s, at worst > 10 s\.$/).waitFor();
  await page.getByText(/^Nothing is looked up now, at worst [\d.]+ %\.$/).waitFor();
  await visitor.screenshot("status-whole-phone-dark");
});

test("as an app of its own it says where the figures are", { seconds: 120 }, async (t, scene) => {
  const server = await scene.start({ app: path.join(BUILD, "examples/status.so") });
  const browser = await launch(scene);
  const visitors = [
    await Visitor.open(browser, server),
    await Visitor.open(browser, server, PHONE),
  ];
  const there = async ({ page }) => {
    await page
      .getByText("--metrics-bind 127.0.0.1:9100", { exact: true })
      .waitFor({ timeout: 60000 });
    for (const id of ["flights", "latest", "workers", "ends", "callbacks", "functions", "cache", "sessions"])
      await page.locator(`#${id}`, { hasText: "No figures on this address" }).waitFor();
  };
  const [{ page }] = visitors;

  await page.clock.install();
  for (const visitor of visitors) {
    await visitor.visit();
    await there(visitor);
  }
  assert.equal(await page.locator("#error").textContent(), "");
  /* More than one of its intervals of two seconds. */
  await page.clock.runFor(5000);
  for (const { requests } of visitors)
    assert.deepEqual(requests.filter((url) => /_ph\//.test(url)), []);
  await isWhole(...visitors, "the status page alone", there);
});
