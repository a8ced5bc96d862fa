/* SPDX-License-Identifier: MIT */

/*
 * What the front end asks for before and between callbacks.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { test } from "../lib/harness.mjs";
import { ROWS } from "../lib/points.mjs";
import { GRAPHS } from "../lib/session.mjs";
import { get } from "../lib/wire.mjs";

/* All components of a layout, depth first. */
function components(node) {
  if (Array.isArray(node)) return node.flatMap(components);
  if (node === null || typeof node !== "object") return [];
  return [node, ...components(node.props?.children)];
}

test("the layout of the example", async (t, scene) => {
  const server = await scene.start();
  const answer = await scene.send(server, get("/_dash-layout"));

  assert.equal(answer.field("content-type"), "application/json");
  const byId = new Map(
    components(answer.json()).map((node) => [node.props.id, node]),
  );

  assert.deepEqual(
    [...byId.keys()].filter((id) => id).sort(),
    ["dropdown", "error", "graph-1", "graph-2", "graph-3", "graph-4", "signal"],
  );
  const { type, namespace, props } = byId.get("dropdown");

  assert.deepEqual([type, namespace], ["Dropdown", "dash_core_components"]);
  assert.equal(props.value, "apples");
  assert.deepEqual(props.options, Object.keys(ROWS));
  assert.equal(byId.get("signal").props.style.display, "none");
  for (const output of GRAPHS)
    assert.equal(byId.get(output.split(".")[0]).type, "Graph");
});

test("the dependencies of the example", async (t, scene) => {
  const server = await scene.start();
  const answer = await scene.send(server, get("/_dash-dependencies"));

  assert.equal(answer.field("content-type"), "application/json");
  const list = answer.json();
  const input = (id, property) => [{ id, property }];

  assert.deepEqual(
    list.map(({ output, inputs, state }) => ({ output, inputs, state })),
    [
      {
        output: "signal.children",
        inputs: input("dropdown", "value"),
        state: [],
      },
      /* In the browser: a new choice takes the last error away. */
      {
        output: "error.children",
        inputs: input("dropdown", "value"),
        state: [],
      },
      ...GRAPHS.map((output) => ({
        output,
        inputs: input("signal", "children"),
        state: [],
      })),
    ],
  );
  for (const entry of list)
    assert.deepEqual(
      [entry.prevent_initial_call, entry.no_output, entry.background],
      [false, false, null],
    );
});

test("several outputs in the dependencies", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const list = (await scene.send(server, get("/_dash-dependencies"))).json();
  const several = list.find(({ output }) => output.startsWith(".."));

  assert.equal(several.output, "..several.a...several.b...other.c..");
  assert.deepEqual(several.state, [{ id: "extra", property: "state" }]);
});

test("alive and ready", async (t, scene) => {
  const server = await scene.start();

  for (const target of ["/_ph/health", "/_ph/ready"]) {
    const answer = await scene.send(server, get(target));

    assert.equal(answer.status, 200);
    assert.equal(answer.text, "ok\n");
    assert.equal(answer.field("content-type"), "text/plain; charset=utf-8");
  }
});
