/* SPDX-License-Identifier: MIT */

/*
 * An exception that leaves a function in C++ is an error of its call, with
 * what() as the reason, also of one that was given to the server as those of C
 * are; and the worker lives on. So are those of hooks and of PH_APP(). See <pronghorn/guard.h>.
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

/* ph::wait() and ph::no_update(), in functions written as those of C are. */
test("what leaves without a result is no error", { seconds: 60 }, async (t, scene) => {
  const server = await scene.start({ app: "cpp_throws", threads: 2 });
  const visitor = new Visitor(scene, server);
  const update = (output, what) => visitor.update(output, [["in.value", what]]);

  assert.equal((await update("out.children", "no update")).status, 204);
  assert.equal((await update("caught.children", "no update")).status, 204);
  assert.equal(
    (await update("leaves.children", "x")).json().response.leaves.children, "x");
  assert.equal(server.grep(/event=(?!hook)\S+\.failed/).length, 0);
  const page = await fetch(`${server.url}/_dash-layout`, { headers: { "X-What": "no update" } });

  assert.equal(page.status, 500);
  assert.equal(server.grep(/name=layout .*reason="ph::no_update\(\) is for callbacks/).length, 1);
});

test("hooks that throw", { seconds: 60 }, async (t, scene) => {
  const server = await scene.start({ app: "cpp_throws", threads: 1 });
  const [worker] = server.workers();
  const ask = (what) => fetch(`${server.url}/get?where=unless`, { headers: { "X-Hook": what } });

  assert.equal((await ask("fine")).status, 200);
  await server.waitFor(/hook\.failed .*hook=post_request reason="after the answer"/);
  for (const [what, reason] of Object.entries({ ...REASONS, error: "it is .* %s" })) {
    assert.equal((await ask(what)).status, 500, what);
    await server.waitFor(new RegExp(`hook\\.failed .*hook=pre_request .*${reason}`));
  }
  assert.deepEqual(server.workers(), [worker]);
  await server.stop();
  assert.equal(server.grep(/hook=worker_exit reason="on the way out"/).length, 1);
  assert.equal(server.grep(/worker\.crash|terminate called/).length, 0);
});

test("a start that throws is refused with the reason", { seconds: 60 }, async (t, scene) => {
  const refused = async (env, why) => {
    const server = scene.server({ app: "cpp_throws", env });

    await assert.rejects(server.ready());
    assert.ok(server.grep(why).length > 0, server.log);
  };

  await refused({ THROW_IN_APP: "error" }, /PH_APP\(\): it is .*xff %s/);
  await refused({ THROW_IN_APP: "int" }, /PH_APP\(\): an exception of an unknown type/);
  await refused({ THROW_IN_APP: "wait" }, /PH_APP\(\): ph::wait\(\) has no meaning here/);
  await refused({ THROW_IN_FORK: "range" }, /basic_string::at/);
  await refused({ THROW_IN_FORK: "no update" }, /ph::no_update\(\) is for callbacks/);
});

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
