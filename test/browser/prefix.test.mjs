/* SPDX-License-Identifier: MIT */

/* An app below a path of its own, behind nginx that takes the path away or
 * leaves it, in a real browser. */
import assert from "node:assert/strict";
import { inBothModes } from "../lib/modes.mjs";
import { NGINX, nginx } from "../lib/nginx.mjs";
import { launch, Visitor } from "../lib/page.mjs";

const PREFIX = "/apps/one";

/* [what is told to the server, what nginx passes on]. */
const WAYS = [
  ["--requests-pathname-prefix", "/"],
  ["--url-base-pathname", ""],
];

inBothModes("the page works below a path behind nginx", {
  skip: !NGINX && "no nginx here",
}, async (t, scene) => {
  const browser = await launch(scene);

  for (const [option, path] of WAYS) {
    const server = await scene.start({
      app: "dash_pages",
      workers: 2,
      args: [option, `${PREFIX}/`],
    });
    const front = await nginx(
      scene,
      `location ${PREFIX}/ { proxy_pass ${server.url}${path}; }`,
    );
    const visitor = await Visitor.open(browser, front);
    const { page } = visitor;

    /* Scripts, a callback, a link, an address, one that has moved. */
    await visitor.visit(`${PREFIX}/`);
    await page.locator("#out", { hasText: "<x>" }).waitFor();
    await page.locator("#seven").click();
    await page.locator("#asset", { hasText: "asset 7, unit m/s" }).waitFor();
    await page.locator("#more-7").click();
    await page.locator("#seven-out", { hasText: "more 1" }).waitFor();
    await visitor.visit(`${PREFIX}/report?x=1`);
    await page.locator("#report", { hasText: "computed" }).waitFor();
    assert.equal(page.url(), `${front.url}${PREFIX}/quarterly-report?x=1`);
    assert.deepEqual(visitor.complaints, []);
    for (const url of visitor.requests)
      assert.ok(url.startsWith(`${front.url}${PREFIX}/`), url);
    await visitor.close();
  }
});
