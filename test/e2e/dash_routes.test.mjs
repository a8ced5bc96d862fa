/* SPDX-License-Identifier: MIT */

/*
 * The app's own paths: methods, what handlers read and set, refusals.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "../lib/harness.mjs";
import { request } from "../lib/wire.mjs";

test("routes", async (t, scene) => {
  const content = "a,b\n".repeat(100000);
  const file = scene.file("data.csv", content);
  const server = await scene.start({
    app: "dash_routes",
    threads: 2,
    env: { ROUTE_FILE: file },
  });
  const ask = async (method, path, body, headers = {}) => {
    const answer = await fetch(server.url + path, { method, body, headers });

    return {
      status: answer.status,
      text: await answer.text(),
      headers: answer.headers,
    };
  };
  const json = { "Content-Type": "application/json" };

  await t.test("variables, query, headers, JSON", async () => {
    const answer = await ask("GET", "/api/things/a%20b?unit=m%2Fs&x", null, {
      "User-Agent": "me",
    });

    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("x-thing"), "a b");
    assert.equal(answer.headers.get("content-type"), "application/json");
    assert.deepEqual(JSON.parse(answer.text), {
      ...{ id: "a b", unit: "m/s", path: "/api/things/a b", agent: "me" },
    });
    assert.equal((await ask("GET", "/api/things/none")).status, 404);
    assert.equal((await ask("GET", "/api/slow")).text, "42");
  });

  await t.test("methods", async () => {
    const put = await ask("PUT", "/api/things/1", '{"name":"é"}', json);

    assert.equal(put.status, 201);
    assert.deepEqual(JSON.parse(put.text), { was: "é" });
    assert.equal((await ask("DELETE", "/api/things/1")).status, 204);
    const head = await ask("HEAD", "/api/things/1");

    assert.equal(head.status, 200);
    assert.equal(head.text, "");
    for (const [method, status] of [
      ["POST", 405],
      ["PATCH", 405],
      ["OPTIONS", 204],
    ]) {
      const answer = await ask(method, "/api/things/1");

      assert.equal(answer.status, status);
      assert.equal(
        answer.headers.get("allow"),
        "GET, HEAD, PUT, DELETE, OPTIONS",
      );
    }
    /* fetch() refuses to send TRACE. */
    for (const [target, allow] of [
      ["/api/things/1", "GET, HEAD, PUT, DELETE, OPTIONS"],
      ["/hook", "POST, OPTIONS"],
      ["/_dash-update-component", "POST, OPTIONS"],
      ["/_dash-layout", "GET, HEAD, OPTIONS"],
      ["/", "GET, HEAD, OPTIONS"],
    ]) {
      const answer = await scene.send(server, request("TRACE", target));

      assert.equal(answer.status, 405, target);
      assert.equal(answer.field("allow"), allow, target);
    }
    /* Other paths are the page's, as ever. */
    assert.match((await ask("GET", "/api")).text, /_dash-config/);
    assert.equal((await ask("POST", "/api")).status, 405);
  });

  await t.test("bodies", async () => {
    assert.equal((await ask("PUT", "/api/things/1", "{", json)).status, 400);
    assert.equal((await ask("PUT", "/api/things/1", "{}")).status, 400);
    const large = JSON.stringify({ name: "x".repeat(1000) });

    assert.equal((await ask("PUT", "/api/things/1", large, json)).status, 413);
    const form = { "Content-Type": "application/x-www-form-urlencoded" };

    assert.equal(
      (await ask("POST", "/form", "a=1&name=J%C3%BCrgen+S", form)).text,
      "Jürgen S",
    );
    const bytes = Buffer.from([0, 1, 255, 10]);
    const echo = await fetch(`${server.url}/hook`, {
      method: "POST",
      body: bytes,
    });

    assert.equal(echo.status, 202);
    assert.deepEqual(Buffer.from(await echo.arrayBuffer()), bytes);
  });

  await t.test("a file", async () => {
    const answer = await ask("GET", "/file");

    assert.equal(answer.text, content);
    assert.equal(answer.headers.get("content-type"), "text/csv");
    assert.equal(
      answer.headers.get("content-disposition"),
      "attachment; filename=\"r__sum__.csv\"; filename*=UTF-8''r%C3%A9sum%C3%A9.csv",
    );
  });

  await t.test("parts of a file", async () => {
    const whole = await ask("GET", "/file");
    const etag = whole.headers.get("etag");
    const modified = whole.headers.get("last-modified");

    assert.equal(whole.headers.get("accept-ranges"), "bytes");
    assert.match(etag, /^"[0-9a-f]+-61a80"$/);
    assert.equal(whole.headers.get("cache-control"), "no-store");
    assert.equal(Date.parse(modified), Math.floor(fs.statSync(file).mtimeMs / 1000) * 1000);
    for (const [range, status, extent, text] of [
      ["bytes=0-2", 206, "0-2", "a,b"],
      ["bytes=399998-", 206, "399998-399999", "b\n"],
      ["bytes=-4", 206, "399996-399999", "a,b\n"],
      ["bytes=399999-900000", 206, "399999-399999", "\n"],
      ["bytes=400000-", 416, "*", null],
      ["bytes=2-1", 200, null, content],
      ["bytes=0-1,3-4", 200, null, content],
      ["lines=0-1", 200, null, content],
    ]) {
      const part = await ask("GET", "/file", null, { Range: range });

      assert.equal(part.status, status, range);
      assert.equal(part.headers.get("content-range"), extent && `bytes ${extent}/400000`, range);
      if (text === null) continue;
      assert.equal(part.text, text, range);
      assert.equal(part.headers.get("etag"), etag);
      assert.match(part.headers.get("content-disposition"), /^attachment/);
    }
    const range = { Range: "bytes=4-7" };

    for (const [condition, status] of [
      [{ "If-Range": etag }, 206],
      [{ "If-Range": modified }, 206],
      [{ "If-Range": '"other"' }, 200],
      [{ "If-Range": "Sun, 06 Nov 1994 08:49:37 GMT" }, 200],
      [{ "If-None-Match": `"x", ${etag}` }, 304],
      [{ "If-None-Match": '"x"' }, 206],
      [{ "If-Modified-Since": modified }, 304],
      [{ "If-Match": '"x"' }, 412],
      [{ "If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:37 GMT" }, 412],
      [{ "If-Match": etag }, 206],
    ]) {
      const answer = await ask("GET", "/file", null, { ...range, ...condition });

      assert.equal(answer.status, status, JSON.stringify(condition));
      if (status === 304) assert.equal(answer.text, "");
    }
    /* RFC 9110 14.2: only of GET. */
    const head = await ask("HEAD", "/file", null, range);

    assert.equal(head.status, 200);
    assert.equal(head.headers.get("content-length"), "400000");
    assert.equal(head.headers.get("accept-ranges"), "bytes");
    assert.equal(head.headers.get("etag"), etag);
    assert.equal(
      (await ask("HEAD", "/file", null, { "If-None-Match": etag })).status, 304);
    const posted = await ask("POST", "/file", "", { ...range, "If-None-Match": "*" });

    assert.equal(posted.status, 200);
    assert.equal(posted.text, content);
    assert.equal(posted.headers.get("etag"), null);
  });

  await t.test("a file of which the app says the version", async () => {
    const get = (headers) => ask("GET", "/version", null, headers);
    const whole = await get();

    assert.equal(whole.headers.get("etag"), '"v1"');
    assert.equal(whole.headers.get("last-modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert.equal(whole.headers.get("cache-control"), "max-age=60");
    assert.equal(whole.headers.get("x-last"), "1");
    const range = { Range: "bytes=0-0" };

    for (const [condition, status] of [
      [{ "If-None-Match": '"v1"' }, 304],
      [{ "If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT" }, 304],
      [{ ...range, "If-Range": '"v1"' }, 206],
      [{ ...range, "If-Range": '"v2"' }, 200],
      [{ "If-Match": '"v2"' }, 412],
    ]) {
      const answer = await get(condition);

      assert.equal(answer.status, status, JSON.stringify(condition));
      assert.equal(
        answer.headers.get("cache-control"),
        status === 412 ? "no-store" : "max-age=60",
      );
    }
  });

  await t.test("other sites", async () => {
    const foreign = { Origin: "https://evil.example" };

    assert.equal((await ask("DELETE", "/api/things/1", null, foreign)).status, 403);
    assert.equal((await ask("POST", "/hook", "x", foreign)).status, 202);
    assert.equal((await ask("GET", "/api/things/1", null, foreign)).status, 200);
    assert.equal(
      (await ask("DELETE", "/api/things/1", null, { Origin: server.url }))
        .status,
      204,
    );
  });

  await t.test("failure shows nothing, headers cannot be split", async () => {
    const broken = await ask("GET", "/broken");

    assert.equal(broken.status, 500);
    assert.doesNotMatch(broken.text, /secret/);
    const split = await ask("GET", "/split?v=a%0d%0aX-B:%201");

    assert.equal(split.status, 500);
    assert.equal(split.headers.get("x-b"), null);
  });
});

test("routes below a path", async (t, scene) => {
  for (const [requests, routes, here] of [
    ["/a/b/", "/a/b/", "/a/b"],
    ["/apps/sales/", "/sales/", "/sales"],
    ["/x/", "/", ""],
  ]) {
    const server = await scene.start({
      app: "dash_routes",
      args: [
        ...["--requests-pathname-prefix", requests],
        ...["--routes-pathname-prefix", routes],
      ],
    });
    const ask = (path, method = "GET", body) =>
      fetch(server.url + path, { method, body });
    const thing = await ask(`${here}/api/things/a%20b?unit=K`);

    assert.equal(thing.status, 200);
    /* Handlers need not know where they are. */
    const { id, path } = await thing.json();

    assert.deepEqual({ id, path }, { id: "a b", path: "/api/things/a b" });
    assert.equal((await ask(`${here}/api/slow`)).status, 200);
    assert.equal((await ask(`${here}/hook`, "POST", "x")).status, 202);
    assert.equal((await ask(`${here}/hook`)).status, 405);
    assert.match(await (await ask(`${here}/`)).text(), /_dash-config/);
    if (here === "") continue;
    for (const [path, method] of [
      ["/api/things/a", "GET"],
      ["/hook", "POST"],
      [`${here}x/api/slow`, "GET"],
      [`/api/slow${here}`, "GET"],
    ])
      assert.equal((await ask(path, method)).status, 404, path);
  }
});
