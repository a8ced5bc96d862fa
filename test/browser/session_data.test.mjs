/* SPDX-License-Identifier: MIT */

/* Sessions in a real browser: the example, its errors, a store on the server. */
import assert from "node:assert/strict";
import path from "node:path";
import { isWhole } from "../lib/axe.mjs";
import { BUILD, now, test } from "../lib/harness.mjs";
import { inBothModes } from "../lib/modes.mjs";
import { launch, PHONE, Visitor } from "../lib/page.mjs";
import { updateBody } from "../lib/visitor.mjs";

const APP = path.join(BUILD, "examples/session_data.so");

async function table(visitor, n) {
  await visitor.page.waitForFunction(
    (clicks) =>
      [1, 2].every((i) =>
        document
          .querySelector(`#output-${i}`)
          ?.textContent.includes(`Output ${i} - Button has been clicked ${clicks} times`)),
    n,
  );
  const texts = await visitor.page.locator("pre").allTextContents();

  assert.equal(texts.length, 2);
  assert.equal(texts[0], texts[1]);
  return texts[0];
}

inBothModes("two browsers, two tables", { seconds: 300 }, async (t, scene) => {
  const server = await scene.start({
    app: APP, workers: 2, threads: 2, env: { PH_DEMO_DELAY: "1" },
    args: ["--session-limit", "7"],
  });
  const browser = await launch(scene);
  const one = await Visitor.open(browser, server);
  const other = await Visitor.open(browser, server, PHONE);

  await one.visit();
  await one.page.getByRole("heading", { level: 1 }).waitFor();
  const mine = await table(one, 0);
  const before = now();

  await one.page.click("#get-data-button");
  assert.equal(await table(one, 1), mine);
  t.diagnostic(`a click: ${(now() - before).toFixed(0)} ms`);
  await other.visit();
  const theirs = await table(other, 0);

  assert.notEqual(theirs, mine);
  /* The button asks anew: now there are two. */
  await one.page.click("#get-data-button");
  await one.page.getByText("Sessions: 2 of at most 7").waitFor();
  await table(one, 2);
  await isWhole(one, other, "session_data", async () =>
    assert.equal(await table(one, 0), mine, "the timestamps stay"),
  );
  await one.screenshot("session-data");
});

test("what no worker survives is an error on the page", { seconds: 300 }, async (t, scene) => {
  const server = await scene.start({
    app: APP,
    workers: 2,
    threads: 2,
    env: { PH_DEMO_DELAY: "30" },
    args: ["--compute-attempts", "1"],
  });
  const visitor = await Visitor.open(await launch(scene), server);
  const { page } = visitor;

  await visitor.visit();
  const [, pid] = await server.waitFor(/pid=(\d+) .*Computing data of session/);

  await page
    .getByRole("main")
    .locator("#output-1", { hasText: "Computing ..." })
    .waitFor();
  server.kill("SIGKILL", Number(pid));
  await server.waitFor(/event=worker\.exit/, { seconds: 30 });
  /* One of the two may have been with the worker that died. */
  await page.locator("#get-data-button").click();
  await page
    .locator("#error", { hasText: "This did not work: " })
    .waitFor({ timeout: 90000 });
  assert.equal(await page.getByText("Computing ...").count(), 0);
});

inBothModes("a store on the server", { seconds: 300 }, async (t, scene) => {
  const server = await scene.start({ app: "sessions", workers: 2, threads: 2 });
  const visitor = await Visitor.open(await launch(scene), server);
  const sizes = [];
  const bodies = [];

  visitor.page.on("request", (request) => {
    if (request.url().includes("_dash-update-component"))
      sizes.push(request.postData().length);
  });
  visitor.page.on("response", (response) => {
    if (response.url().includes("_dash-update-component") && response.status() === 200)
      bodies.push(response.body());
  });
  await visitor.visit();
  for (let n = 1; n <= 3; n++) {
    await visitor.page.click("#make");
    await visitor.page.waitForFunction(
      (text) => document.querySelector("#seen")?.textContent === text,
      `1000 rows, made by click ${n}`,
    );
  }
  await visitor.settled();
  for (const body of await Promise.all(bodies)) sizes.push(body.length);
  t.diagnostic(`largest body to or from the page: ${Math.max(...sizes)} bytes`);
  assert.ok(Math.max(...sizes) < 1000, "the rows stayed on the server");
  assert.deepEqual(visitor.complaints, []);
});

/* The browser follows 307 by itself, with the cookie it has by then. */
test("an id that changes beside other requests", { seconds: 120 }, async (t, scene) => {
  const server = await scene.start({ app: "sessions", workers: 2, threads: 2 });
  const visitor = await Visitor.open(await launch(scene), server);
  const act = (...what) => updateBody("out.children", [["do.value", what]]);

  await visitor.visit();
  const told = await visitor.page.evaluate(
    async ({ set, get, rotate, rounds }) => {
      const send = async (body) => {
        const answer = await fetch("/_dash-update-component", {
          ...{ method: "POST", body: JSON.stringify(body) },
          headers: { "Content-Type": "application/json" },
        });
        const text = await answer.text();

        return answer.ok
          ? `${JSON.parse(text).response.out.children}${answer.redirected ? ", again" : ""}`
          : `${answer.status} ${text}`;
      };
      const all = [];

      await send(set);
      for (let i = 0; i < rounds; i++)
        all.push(...(await Promise.all([get, get, rotate, get, get, get].map(send))));
      return all;
    },
    { set: act("set", "x", "kept"), get: act("get", "x"), rotate: act("rotate"), rounds: 50 },
  );
  const count = (what) => told.filter((one) => one === what).length;

  t.diagnostic(`of ${told.length} answers ${count("kept, again")} were asked for again`);
  assert.equal(count("kept") + count("kept, again"), 250, [...new Set(told)].join("; "));
  assert.equal(count("true"), 50);
  assert.ok(count("kept, again") > 0, "no request met the change");
  assert.equal(server.grep(/level=error/).length, 0);
});
