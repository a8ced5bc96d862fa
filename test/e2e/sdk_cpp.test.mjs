/* SPDX-License-Identifier: MIT */

/* An app in C++: values, builders, exceptions, memoized functions. */
import assert from "node:assert/strict";
import path from "node:path";
import { BUILD, test } from "../lib/harness.mjs";
import { post } from "../lib/wire.mjs";

const APP = path.join(BUILD, "examples/greeting_cpp.so");

function update(output, id, value) {
  const [outputId, property] = output.split(".");

  return post({
    output,
    outputs: { id: outputId, property },
    inputs: [{ id, property: "value", value }],
    changedPropIds: [`${id}.value`],
  });
}

test("an app in C++ answers, waits, declines and fails", async (t, scene) => {
  const server = await scene.start({ app: APP, threads: 2 });
  const wire = await scene.connect(server);
  const ask = async (...what) => {
    wire.write(update(...what));
    return wire.answer();
  };
  const greeting = await ask("greeting.children", "name", "Bob");
  const dice = await ask("dice.figure", "throws", 1000);

  assert.deepEqual(JSON.parse(greeting.body).response, {
    greeting: { children: "Good luck, Bob!" },
  });
  assert.equal((await ask("greeting.children", "name", "")).status, 204);
  const [bars] = JSON.parse(dice.body).response.dice.figure.data;
  const counts = new Float64Array(
    Uint8Array.from(Buffer.from(bars.y.bdata, "base64")).buffer,
  );

  assert.equal(bars.type, "bar");
  assert.equal(
    counts.reduce((sum, count) => sum + count),
    1000,
  );
  await ask("dice.figure", "throws", 1000);
  assert.equal(server.grep(/Throwing 1000 times/).length, 1);
  assert.equal((await ask("dice.figure", "throws", -1)).status, 500);
  assert.equal(server.grep(/throw between 1 and 1,000,000/).length > 0, true);
  /* The exception has not taken the worker with it. */
  assert.equal((await ask("greeting.children", "name", "x")).status, 200);
});
