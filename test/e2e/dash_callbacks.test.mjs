/* SPDX-License-Identifier: MIT */

/*
 * What the front end is told about callbacks, and what forged bodies get.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { test } from "../lib/harness.mjs";
import { get, post } from "../lib/wire.mjs";

const start = (scene) => scene.start({ app: "dash_callbacks" });

async function dependencies(scene, server) {
  return (await scene.send(server, get("/_dash-dependencies"))).json();
}

const cell = (index, value) => ({
  id: { type: "cell", index },
  property: "value",
  value,
});
const out = (type, index) => ({ id: { type, index }, property: "children" });

test("the dependencies of every kind of callback", async (t, scene) => {
  const list = await dependencies(scene, await start(scene));
  const by = (find) => list.filter(find);

  assert.equal(new Set(list.map(({ output }) => output)).size, list.length);
  const shared = by(({ output }) => output.startsWith("shared.children@"));

  assert.equal(shared.length, 2);
  assert.ok(shared.every((entry) => entry.prevent_initial_call));
  const [silent] = by((entry) => entry.no_output);

  assert.deepEqual(silent.inputs, [{ id: "side", property: "n_clicks" }]);
  assert.doesNotMatch(silent.output, /^\.\.|\./);
  const [once] = by(({ output }) => output === "once.children");

  assert.deepEqual(once.inputs, []);
  const [slow] = by(({ output }) => output === "slow-out.children");

  assert.deepEqual(slow.running, {
    running: { "slow.disabled": true, "state.children": "busy" },
    runningOff: { "slow.disabled": false, "state.children": "idle" },
  });
  const [lenient] = by(({ output }) => output === "lenient.children");

  assert.deepEqual(lenient.inputs[1], {
    ...{ id: "nowhere", property: "value" },
    allow_optional: true,
  });
  const [below] = by(({ output }) => output.includes('"below"'));

  assert.equal(below.output, '{"index":["MATCH"],"type":"below"}.children');
  assert.deepEqual(
    below.inputs.map(({ id }) => id),
    [
      '{"index":["MATCH"],"type":"cell"}',
      '{"index":["ALLSMALLER"],"type":"cell"}',
    ],
  );
});

test("the page carries options and functions, safely", async (t, scene) => {
  const page = (await scene.send(await start(scene), get("/"))).text;
  const config = JSON.parse(
    /<script id="_dash-config"[^>]*>(.*?)<\/script>/.exec(page)[1],
  );

  assert.equal(config.update_title, "Wait </script>");
  assert.equal(config.show_undo_redo, true);
  assert.equal(config.suppress_callback_exceptions, false);
  assert.ok(page.indexOf("clientside_") < page.indexOf("_dash-renderer"));
});

test("a layout with ids that are objects", async (t, scene) => {
  const answer = await scene.send(await start(scene), get("/_dash-layout"));

  assert.match(answer.text, /"id":\{"index":1,"type":"cell"\}/);
});

test("a callback is told of the request", async (t, scene) => {
  const server = await start(scene);
  const body = {
    output: "..why.children...who.children..",
    outputs: ["why", "who"].map((id) => ({ id, property: "children" })),
    inputs: [
      { id: "a", property: "n_clicks", value: 4 },
      { id: "b", property: "n_clicks" },
    ],
    changedPropIds: ["a.n_clicks", "gone.by", "nonsense"],
  };
  const fields = {
    "X-Requested-For": "me",
    Cookie: "xflavour=no\r\nCookie: flavour=sweet; flavour=2",
  };
  /* Small ones are read by the loop, large ones by a pool thread. */
  for (const pad of ["", "x".repeat(100000)]) {
    const answer = await scene.send(
      server,
      post({ ...body, unknown: pad }, { fields }),
    );

    assert.deepEqual(answer.json().response, {
      why: { children: "2 a.n_clicks=4 a=1 b=0" },
      who: { children: "me|sweet|127.0.0.1" },
    });
  }
});

test("patterns: the ids of the request, checked", async (t, scene) => {
  const server = await start(scene);
  const ask = (outputs, inputs) =>
    scene.send(
      server,
      post({
        output: '{"index":["MATCH"],"type":"below"}.children',
        outputs,
        inputs,
        changedPropIds: [],
      }),
    );
  const good = await ask(out("below", 5), [
    cell(5, 1),
    [cell(0, 2), cell(3, 4)],
  ]);

  assert.deepEqual(good.json(), {
    multi: true,
    response: {
      '{"index":5,"type":"below"}': { children: "2 below, sum 6" },
    },
  });
  for (const [outputs, inputs] of [
    [out("double", 5), [cell(5, 1), []]],
    [out("below", 6), [cell(5, 1), []]],
    [out("below", 5), [cell(5, 1), [cell(6, 1)]]],
    [{ id: "victim", property: "children" }, [cell(5, 1), []]],
    [{ id: out("below", 5).id, property: "style" }, [cell(5, 1), []]],
    [[out("below", 5)], [cell(5, 1), []]],
  ])
    assert.equal((await ask(outputs, inputs)).status, 400);
});

test("a callback without output answers nothing, or set_props", async (t, scene) => {
  const server = await start(scene);
  const list = await dependencies(scene, server);
  const { output } = list.find((entry) => entry.no_output);
  const inputs = [{ id: "side", property: "n_clicks", value: 1 }];
  const answer = await scene.send(server, post({ output, inputs }));

  assert.deepEqual(answer.json(), {
    multi: true,
    response: {},
    sideUpdate: { "told.children": "by set_props", "told.title": "tip" },
  });
});
