/* SPDX-License-Identifier: MIT */

/* An app below a path of its own, behind nginx, in a real browser. */
import assert from "node:assert/strict";
import { inBothModes } from "../lib/modes.mjs";
import { NGINX, nginx } from "../lib/nginx.mjs";
import { ROWS } from "../lib/points.mjs";
import { launch, Visitor } from "../lib/page.mjs";

inBothModes("the page works below a path behind nginx", {
  skip: !NGINX && "no nginx here",
}, async (t, scene) => {
  const server = await scene.start({
    workers: 2,
    args: ["--requests-pathname-prefix", "/apps/one/"],
  });
  const front = await nginx(
    scene,
    `location /apps/one/ { proxy_pass ${server.url}/; }`,
  );
  const visitor = await Visitor.open(await launch(scene), front);

  await visitor.visit("/apps/one/");
  await visitor.graphs(ROWS.apples);
  assert.deepEqual(visitor.complaints, []);
  for (const url of visitor.requests)
    assert.ok(url.startsWith(`${front.url}/apps/one/`), url);
});
