/* SPDX-License-Identifier: MIT */

/*
 * What is sent of values, and in development what is told of those that no
 * browser shows.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { test } from "../lib/harness.mjs";

async function run(server, name) {
  const answer = await fetch(`${server.url}/_dash-update-component`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      output: `${name}.children`,
      outputs: { id: name, property: "children" },
      inputs: [{ id: "go", property: "n_clicks", value: 1 }],
      changedPropIds: ["go.n_clicks"],
    }),
  });

  return { status: answer.status, text: await answer.text() };
}

const children = ({ text }, name) => JSON.parse(text).response[name].children;

test("what no browser shows is an error in development", async (t, s) => {
  const dev = await s.start({ app: "app_values", args: ["--debug"] });
  const production = await s.start({ app: "app_values" });

  for (const [name, why] of [
    ["nested", "it has a list with a list in it: give one list"],
    ["object", "it is an object, not a component"],
    ["inner", "component Div: .children has a list with an object"],
    ["table", "it is a table, which is a list of objects there"],
  ]) {
    const { status, text } = await run(dev, name);

    assert.equal(status, 500);
    assert.ok(text.includes(`${name}: output ${name}.children: ${why}`), text);
    assert.equal((await run(production, name)).status, 200, "apps keep values there");
  }
});

test("numbers in children, and in a figure", async (t, s) => {
  for (const args of [[], ["--debug"]]) {
    const server = await s.start({ app: "app_values", args });
    const large = await run(server, "large");

    assert.deepEqual(children(await run(server, "column"), "column"), [1, 2.5, 1e-7]);
    assert.deepEqual(children(large, "large"), ["9007199254740993", " ", 1e-7]);
    assert.match(large.text, /,1e-7\]/);
    const graph = children(await run(server, "graph"), "graph");

    assert.equal(graph.props.figure.data[0].y.dtype, "f8");
  }
});
