/* SPDX-License-Identifier: MIT */

/* The example: data of one session, made once, seen by nobody else. */
import assert from "node:assert/strict";
import path from "node:path";
import { BUILD, now, test, within } from "../lib/harness.mjs";
import { Visitor } from "../lib/visitor.mjs";

const APP = path.join(BUILD, "examples/session_data.so");
const DELAY = 1.5;

const start = (scene, args = []) =>
  scene.start({
    app: APP, workers: 4, threads: 2, args,
    env: { PH_DEMO_DELAY: String(DELAY) },
  });

async function click(one, n) {
  const answers = await Promise.all([1, 2].map((i) =>
    one.update(`output-${i}.children`, [["get-data-button.n_clicks", n]])));

  return answers.map((answer, i) => {
    assert.equal(answer.status, 200);
    const box = answer.json().response[`output-${i + 1}`].children;
    const [title, csv] = box.props.children.map(({ props }) => props.children);

    assert.equal(title, `Output ${i + 1} - Button has been clicked ${n ?? 0} times`);
    assert.match(csv, /^time,values\n(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^,]*,[abc]\n){4}$/);
    return csv;
  });
}

const computed = (server) =>
  server.lines.filter((line) => line.includes("Computing data of session")).length;

test("slow once, then instant, each session its own", { seconds: 60 }, async (t, scene) => {
  const server = await start(scene);
  const one = new Visitor(scene, server);
  const other = new Visitor(scene, server);

  await one.get("/");
  await other.get("/");
  let before = now();
  const [first, second] = await click(one, null);
  const slow = now() - before;

  assert.equal(first, second, "both outputs show the same table");
  assert.ok(slow >= DELAY * 1000, `${slow} ms`);
  assert.equal(computed(server), 1);
  for (let n = 1; n <= 10; n++) {
    before = now();
    assert.deepEqual(await click(one, n), [first, first], "no new timestamp");
    within(t, `click ${n}`, now() - before, DELAY * 900);
  }
  const [theirs] = await click(other, 1);

  assert.notEqual(theirs, first, "made later, so other timestamps");
  assert.deepEqual(await click(one, 11), [first, first]);
  assert.equal(computed(server), 2);
});

test("no more sessions than the limit", { seconds: 60 }, async (t, scene) => {
  const server = await start(scene, ["--session-limit", "3"]);
  const all = Array.from({ length: 4 }, () => new Visitor(scene, server));

  for (const one of all) {
    await one.get("/");
    await click(one, 1);
  }
  assert.equal(computed(server), 4);
  await click(all[3], 2);
  assert.equal(computed(server), 4, "the last one still has its data");
  await all[0].get("/");
  await click(all[0], 2);
  assert.equal(computed(server), 5, "the first one had made room");
});
