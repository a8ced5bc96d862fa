/* SPDX-License-Identifier: MIT */

/*
 * What goes wrong, as it is seen in a browser: everything in development mode,
 * nothing in production.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import { test, until } from "../lib/harness.mjs";
import { launch, Visitor } from "../lib/page.mjs";

async function open(scene, args, workers = 2) {
  const server = await scene.start({
    app: "dash_errors",
    workers,
    threads: 2,
    args,
  });
  const visitor = await Visitor.open(await launch(scene), server);

  await visitor.visit();
  await visitor.page.getByText("worked 0").waitFor();
  return visitor;
}

/* Press a button and wait for the answer of its callback. */
async function press(visitor, id) {
  const answer = visitor.page
    .waitForResponse((r) =>
      r.request().postData()?.includes(`"changedPropIds":["${id}.n_clicks"]`),
    )
    .catch(() => null);

  /* The panel may lie over it. */
  await visitor.page.locator(`#${id}`).dispatchEvent("click");
  return answer;
}

/* Give the input a text, as JavaScript may have any. */
async function enter(visitor, text) {
  const answer = visitor.page.waitForResponse((r) =>
    r.request().postData()?.includes('"changedPropIds":["text.value"]'),
  );

  await visitor.forge("text", { value: text });
  return answer;
}

/* Open the error about an output in the panel, and wait for what it says. */
async function panelShows(visitor, output, pattern) {
  const { page } = visitor;
  let seen = "";

  const title = page.getByText(`Callback error updating ${output}`).first();

  await title.waitFor();
  await until(`an error like ${pattern}`, async () => {
    seen = "";
    for (const frame of page.frames())
      seen += await frame
        .locator("body")
        .innerText({ timeout: 1000 })
        .catch(() => "");
    if (pattern.test(seen)) return true;
    /* An entry may open by itself; a click turns it over. */
    await title.click();
    await page
      .locator("iframe")
      .first()
      .waitFor({ timeout: 1000 })
      .catch(() => {});
    return false;
  }).catch(async (error) => {
    await visitor.screenshot("dash_errors-failed");
    throw new Error(`${error.message}; seen: ${seen}`);
  });
  return seen;
}

test("development mode shows what failed and why", async (t, scene) => {
  const assets = scene.dir();

  fs.writeFileSync(`${assets}/a.css`, "#out { color: red }");
  const visitor = await open(scene, [
    ...["--request-timeout", "1", "--debug", "--assets-folder", assets],
  ]);
  const { page } = visitor;

  assert.match(await page.content(), /dash_renderer\.dev\.js/);
  await press(visitor, "fail");
  await panelShows(visitor, "o1.children", /returns_error: no <b>luck<\/b> & no gain/);
  await press(visitor, "file");
  await panelShows(visitor, "out.title", /lacks_file: cannot open nowhere.csv: No such/);
  await press(visitor, "memo");
  await panelShows(visitor, "o4.children", /cannot_be_remembered: not even once/);
  await press(visitor, "latin");
  await panelShows(visitor, "o6.children", /writes_latin: .*o6\.children.*UTF-8/);
  await press(visitor, "late");
  await panelShows(visitor, "o3.children", /is_late: it took longer than request_timeout/);
  /* A text that C has not: which input it is in, also in a large body. */
  await enter(visitor, "a\u0000b");
  await panelShows(visitor, "o5.children", /takes_text: input text\.value: \\u0000 is refused/);
  await enter(visitor, `${"x".repeat(200000)}\ud800`);
  await panelShows(visitor, "o5.children", /takes_text: input text\.value: half of a surrogate/);
  await enter(visitor, "\ud83d\ude00");
  await page.locator("#o5", { hasText: "\u{1f600}" }).waitFor();
  await press(visitor, "crash");
  const seen = await panelShows(visitor, "o2.children", /SIGSEGV in callback crashes/);

  assert.match(seen, /dash_errors\.so/);
  await visitor.screenshot("dash_errors");
  /* The front end's own script in the frame may run: it tells its height. */
  assert.deepEqual(
    visitor.complaints.filter((text) => /Content Security Policy/.test(text)),
    [],
  );
  /* Life goes on. */
  await press(visitor, "work");
  await page.getByText("worked 1").waitFor();
  /* What the page is made of changes: it loads itself again. */
  const soon = new Date(Date.now() + 5000);
  const again = page.waitForEvent("load", { timeout: 60000 });

  fs.utimesSync(`${assets}/a.css`, soon, soon);
  await again;
  await page.getByText("worked 0").waitFor();
});

test("jobs, values, pages and endless callbacks say what failed, too", async (t, scene) => {
  const visitor = await open(scene, ["--debug", "--thread-timeout", "1"], 1);
  const { page, server } = visitor;
  const count = (pattern) => server.lines.filter((line) => pattern.test(line)).length;

  await press(visitor, "job");
  await panelShows(visitor, "o7.children", /job_fails: not in the background/);
  await page.locator("#broken").dispatchEvent("click");
  await panelShows(visitor, ".._pages_content.children", /page \/broken: no such luck/);
  await press(visitor, "endless");
  let seen = await panelShows(
    visitor,
    "o10.children",
    /is_endless: it did not end within thread_timeout/,
  );

  assert.match(seen, /dash_errors\.so/);
  assert.equal(count(/event=worker\.stuck /), 1);
  await press(visitor, "deep");
  seen = await panelShows(
    visitor,
    "o9.children",
    /asks_deep: the worker crashed: SIGSEGV in callback deep/,
  );
  assert.match(seen, /dash_errors\.so/);
  await press(visitor, "died");
  seen = await panelShows(visitor, "o8.children", /job_crashes: its worker died/);
  assert.match(seen, /signal=SIGSEGV .*callback=job_crashes/);
  assert.match(seen, /dash_errors\.so/);
  assert.equal(count(/event=worker\.stuck /), 1);
});

test("a page that crashes is named", async (t, scene) => {
  const visitor = await open(scene, ["--debug"], 1);

  await visitor.page.locator("#crash-page").dispatchEvent("click");
  await panelShows(
    visitor,
    ".._pages_content.children",
    /page \/crash: the worker crashed: SIGSEGV in callback page \/crash/,
  );
});

test("production shows nothing of it", async (t, scene) => {
  const visitor = await open(scene, ["--request-timeout", "1"]);
  const { page, server } = visitor;
  const texts = [];

  assert.doesNotMatch(await page.content(), /dash_renderer\.dev\.js/);
  for (const id of ["fail", "file", "memo", "latin"]) {
    const answer = await press(visitor, id);

    assert.equal(answer.status(), 500);
    texts.push(await answer.text());
  }
  const died = await press(visitor, "crash");

  assert.equal(died.status(), 500);
  texts.push(await died.text());
  await server.waitFor(/event=worker\.exit .*SIGSEGV/);
  assert.equal(server.lines.filter((line) => /event=worker\.crash /.test(line)).length, 1);
  const refused = await enter(visitor, "a\u0000b");

  assert.equal(refused.status(), 422);
  texts.push(await refused.text());
  await server.waitFor(/update\.refused.*input text\.value/);
  const late = await press(visitor, "late");

  assert.equal(late.status(), 504);
  texts.push(await late.text(), await page.content());
  assert.doesNotMatch(
    texts.join("\n"),
    /luck|nowhere|not even once|writes_latin|returns_error|is_late|takes_text|SIGSEGV|crashes|text\.value|surrogate/,
  );
  assert.equal((await fetch(`${server.url}/_reload-hash`)).status, 404);
  await press(visitor, "work");
  await page.getByText("worked 1").waitFor();
});
