/* SPDX-License-Identifier: MIT */

/*
 * A list that comes in several lines is the one list that they make together
 * (RFC 9110 5.3), wherever the server or the app reads one.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import zlib from "node:zlib";
import { test } from "../lib/harness.mjs";
import { updateBody, Visitor } from "../lib/visitor.mjs";
import { get, post } from "../lib/wire.mjs";
import { call } from "../lib/zoo.mjs";

/* A field in several lines, for the helpers of lib/wire.mjs. */
const lines = (name, ...values) => ({ [name]: values.join(`\r\n${name}: `) });

test("Accept-Encoding in several lines, and what is liked best", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const page = await scene.send(server, get("/"));
  const suite = /\/_dash-component-suites\/[^"]*\.js/.exec(page.text)[0];
  const cases = [
    [["identity", "gzip"], "gzip"],
    [["deflate", "gzip", "br"], "br"],
    [["gzip", "br;q=0"], "gzip"],
    [["gzip;q=0, deflate", "br"], "br"],
    [["gzip;q=0.9", "br;q=0.899"], "gzip"],
    [["br;q=0.5, gzip;q=0.5"], "br"],
    [["br;q=0.01", "gzip;q=0.001"], "br"],
    [["gzip; q=1.000", "br; q=0.999"], "gzip"],
    [["deflate", "identity"], undefined],
  ];

  for (const [values, coding] of cases) {
    const fields = lines("Accept-Encoding", ...values);

    for (const bytes of [
      call("echo", "x".repeat(5000), { fields }),
      call("echo_memoized", "y".repeat(5000), { fields }),
      get(suite, { fields }),
      get("/", { fields }),
    ]) {
      const answer = await scene.send(server, bytes);

      assert.equal(answer.status, 200);
      assert.equal(answer.field("content-encoding"), coding, values.join("|"));
      if (coding === "br") zlib.brotliDecompressSync(answer.body);
      if (coding === "gzip") zlib.gunzipSync(answer.body);
    }
  }
});

test("If-None-Match and Connection in several lines", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const etag = (await scene.send(server, get("/favicon.ico"))).field("etag");
  const known = lines("If-None-Match", '"a", "b"', `"c", W/${etag}`);

  assert.equal((await scene.send(server, get("/favicon.ico", { fields: known }))).status, 304);
  const wire = await scene.connect(server);

  wire.write(get("/_ph/health", { fields: lines("Connection", "x", "y, close") }));
  assert.equal((await wire.answer()).status, 200);
  assert.equal((await wire.rest()).length, 0);
});

test("Expect: a list, in one line or several", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });

  for (const values of [["100-continue"], ["x, 100-Continue"], ["x", "100-continue"]]) {
    const wire = await scene.connect(server);
    const bytes = call("echo", 7, { fields: lines("Expect", ...values) });
    const head = bytes.indexOf("\r\n\r\n") + 4;

    wire.write(bytes.subarray(0, head));
    assert.equal((await wire.answer({ interim: true })).status, 100, values.join("|"));
    wire.write(bytes.subarray(head));
    assert.equal((await wire.answer()).status, 200);
  }
});

test("cookies in several lines: session, token, app", async (t, scene) => {
  const sessions = await scene.start({ app: "sessions", args: ["--csrf-token"] });
  const visitor = new Visitor(scene, sessions);

  await visitor.get("/");
  const id = await scene.send(sessions, post(
    updateBody("out.children", [["do.value", ["id"]]]),
    {
      fields: {
        ...lines("Cookie", "a=b", `ph_session=${visitor.cookie}`,
          `c=d; _csrf_token=${visitor.jar.get("_csrf_token")}`),
        "X-CSRFToken": visitor.jar.get("_csrf_token"),
      },
    },
  ));

  assert.equal(id.status, 200);
  assert.match(id.json().response.out.children, /^[0-9a-f]{32}$/);
  const page = await scene.send(sessions, get("/", {
    fields: lines("Cookie", "a=b", `ph_session=${visitor.cookie}`,
      `_csrf_token=${visitor.jar.get("_csrf_token")}`),
  }));

  assert.deepEqual(page.cookies, [], "both are known");
});

test("what the app reads is one list", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const fields = { ...lines("X", "one", "two,three", ""), ...lines("B", "4") };
  const answer = await scene.send(server, get("/zoo/fields", { fields }));

  assert.deepEqual(answer.json(), { x: "one, two,three, ", b: "4" });
});
