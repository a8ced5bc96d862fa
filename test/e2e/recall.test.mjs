/* SPDX-License-Identifier: MIT */

/* Finished answers that workers keep in their own memory (answer_memory). */
import assert from "node:assert/strict";
import { test } from "../lib/harness.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

async function open(scene, args = []) {
  const server = await scene.start({ app: "cache", workers: 2, threads: 2, args });
  const ask = async (name, value = null) => {
    const answer = await scene.send(server, call(name, value));

    assert.equal(answer.status, 200, `${name}: ${answer.status}`);
    return result(answer, name);
  };
  /* Enough connections that every worker has been asked, and more than once. */
  const askAll = async (value) =>
    new Set(await Promise.all(Array.from({ length: 24 }, () => ask("kept", value))));

  return { server, ask, askAll };
}

for (const [memory, args] of [
  ["16 MiB", []],
  ["none", ["--answer-memory", "0"]],
  ["room for no answer", ["--answer-memory", "64"]],
])
  test(`memory for answers: ${memory}`, async (t, scene) => {
    const { server, ask, askAll } = await open(scene, args);

    await ask("set", 1);
    for (let i = 0; i < 3; i++) assert.deepEqual(await askAll("k"), new Set([1]));
    assert.equal(runs(server, "kept k"), 1);

    await ask("set", 2); /* something else is written */
    assert.deepEqual(await askAll("k"), new Set([1]));
    assert.equal(runs(server, "kept k"), 1);

    await ask("forget_tag", "sensors");
    for (let i = 0; i < 3; i++) assert.deepEqual(await askAll("k"), new Set([2]));
    assert.equal(runs(server, "kept k"), 2);

    await ask("forget_all");
    assert.deepEqual(await askAll("k"), new Set([null]));
    assert.equal(runs(server, "kept k"), 3);
  });

test("what is forgotten is gone at once, whoever forgets it", async (t, scene) => {
  const { ask } = await open(scene);

  for (let i = 0; i < 200; i++) {
    await ask("set", i);
    await ask("forget_tag", "sensors");
    assert.equal(await ask("kept", "k"), i);
    assert.equal(await ask("kept", "k"), i);
  }
});
