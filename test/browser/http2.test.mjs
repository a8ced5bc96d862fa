/* SPDX-License-Identifier: MIT */

/*
 * The page over TLS: the browser speaks HTTP/2, all its callbacks go over one
 * connection, and neither the policy of the page nor the CSRF token is in the
 * way of the real front end.
 */
import assert from "node:assert/strict";
import { certificate } from "../lib/certificate.mjs";
import { test, until } from "../lib/harness.mjs";
import { launch, Visitor } from "../lib/page.mjs";
import { ROWS } from "../lib/points.mjs";
import { connectionCount } from "../lib/sockets.mjs";

test("all callbacks over one connection", { seconds: 120 }, async (t, scene) => {
  const { args } = certificate(scene.dir(), "127.0.0.1", { alt: "IP:127.0.0.1" });
  const server = await scene.start({
    workers: 1,
    threads: 2,
    env: { PH_DEMO_DELAY: "0.5" },
    args: [...args, "--csrf-token", "--keep-alive", "60"],
  });

  server.url = `https://${server.host}`;
  const visitor = await Visitor.open(await launch(scene), server, {
    ignoreHTTPSErrors: true,
  });

  await visitor.visit();
  await visitor.graphs(ROWS.apples);
  await visitor.choose("oranges");
  await until("its callbacks", () =>
    visitor.requests.filter((url) => url.endsWith("/_dash-update-component"))
      .length >= 10);
  await visitor.graphs(ROWS.oranges);
  const used = await visitor.page.evaluate(() =>
    [
      ...performance.getEntriesByType("navigation"),
      ...performance.getEntriesByType("resource"),
    ].map((entry) => [new URL(entry.name).pathname, entry.nextHopProtocol]),
  );
  const updates = used.filter(([at]) => at === "/_dash-update-component");

  t.diagnostic(`${used.length} requests, ${updates.length} callbacks`);
  assert.ok(updates.length >= 10);
  for (const [at, protocol] of used) assert.equal(protocol, "h2", at);
  await until("one connection only", () => connectionCount(server) === 1);
  assert.deepEqual(visitor.complaints, []);
});
