/* SPDX-License-Identifier: MIT */

/*
 * An exception that leaves a function in C++ is an error of its call, with
 * what() as the reason, also of one that was given to the server as those of C
 * are; and the worker lives on. See <pronghorn/guard.h>.
 */
import assert from "node:assert/strict";
import { test } from "../lib/harness.mjs";
import { Visitor } from "../lib/visitor.mjs";

const REASONS = {
  error: "it is .*xff %s",
  int: "an exception of an unknown type",
  own: "an exception of an unknown type",
  memory: "std::bad_alloc",
  range: "basic_string::at: .*",
};

test("what leaves a function in C++ is an error", { seconds: 120 }, async (t, scene) => {
  const server = await scene.start({ app: "cpp_throws", threads: 2 });
  const visitor = new Visitor(scene, server);
  const [worker] = server.workers();
  const logged = (name, reason) =>
    server.grep(new RegExp(`event=\\S+\\.failed .*name=${name} .*reason="[^"]*${reason}`)).length;
  const update = (output, what) => visitor.update(output, [["in.value", what]]);
  const get = (query) => fetch(`${server.url}/get?${query}`);

  for (const [what, reason] of Object.entries(REASONS)) {
    assert.equal((await update("out.children", what)).status, 500, what);
    assert.ok(logged("plain", reason) > 0, what);
    assert.equal((await update("asks.children", what)).status, 500, what);
    assert.equal((await get(`what=${what}`)).status, 500, what);
    assert.ok(logged("get", reason) > 0, what);
    for (const where of ["key", "unless"]) {
      assert.equal((await get(`where=${where}&what=${what}`)).status, 500, where);
      assert.ok(logged("get", reason) > 0, where);
    }
    const explained = (await update("caught.children", what)).json();

    assert.match(
      explained.response.caught.children,
      new RegExp(reason),
    );
    const page = await fetch(`${server.url}/_dash-layout`, { headers: { "X-What": what } });

    assert.equal(page.status, 500, what);
    assert.ok(logged("layout", reason) > 0, what);
  }
  assert.equal(
    (await update("out.children", "x")).json().response.out.children, "x");
  assert.equal((await update("asks.children", "y")).json().response.asks.children, "y");
  assert.equal(await (await get("where=key&what=fine")).text(), "fine");
  assert.deepEqual(server.workers(), [worker]);
  assert.equal(server.grep(/Sanitizer|worker\.crash|terminate called/).length, 0);
});
