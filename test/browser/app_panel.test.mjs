/* SPDX-License-Identifier: MIT */

/*
 * The error panel of development mode, for what ends the process or never
 * reaches the server.
 */
import assert from "node:assert/strict";
import { buildApp } from "../lib/apps.mjs";
import { BUILD, test, until } from "../lib/harness.mjs";
import { launch, Visitor } from "../lib/page.mjs";

async function open(scene, app, options = {}) {
  const [file, symbol] = app.split(":");
  const server = await scene.start({
    app: `${buildApp(file, BUILD)}:${symbol}`,
    args: ["--debug"],
    ...options,
  });
  const visitor = await Visitor.open(await launch(scene), server);

  await visitor.visit();
  await visitor.page.locator("#go").waitFor();
  return { server, visitor };
}

for (const [workers, threads] of [[1, 4], [2, 4], [1, 1]])
  test(`four callbacks crash together, and each is explained: ${workers}x${threads}`, async (t, s) => {
    /* One thread cannot have all four at once: a second worker may come to some. */
    const together = threads === 4;
    const env = together ? { APP_ENDS_WISH: `${s.dir()}/wish`, APP_ENDS_MEET: "yes" } : {};
    const { server, visitor } = await open(s, "app_ends:crashing", { workers, threads, env });
    const answers = [];

    visitor.page.on("response", async (response) => {
      if (response.url().endsWith("/_dash-update-component"))
        answers.push({ status: response.status(), text: await response.text() });
    });
    await visitor.page.locator("#go").click();
    await until("four answers", () => answers.length === 4);
    for (const { status, text } of answers) {
      assert.equal(status, 500);
      assert.match(text, /SIGSEGV in callback crash_\d/);
    }
    for (const n of [1, 2, 3, 4])
      await visitor.page.getByText(`Callback error updating crash_${n}.children`).first().waitFor();
    assert.equal(await visitor.page.getByText("the server did not respond").count(), 0);
    if (together) assert.ok(server.grep(/event=worker\.exit/).length <= workers);
  });

test("a function of the browser that does not compile is named", async (t, s) => {
  const { visitor } = await open(s, "app_values:script");

  await visitor.page.getByText("clicks 0").waitFor();
  await visitor.page.getByText("ph_clientside() for column.children: ").first().waitFor();
  await visitor.page.getByText(/SyntaxError/).first().waitFor();
});
