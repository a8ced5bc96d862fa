/* SPDX-License-Identifier: MIT */

/* Background callbacks on the wire: jobs, who may ask, death of a worker. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test, until } from "../lib/harness.mjs";

const AGENT = "a browser";

/* Send an update; `query` as the front end puts it behind the path. */
async function post(server, output, inputs, state, query = "", agent = AGENT) {
  const dot = output.lastIndexOf(".");
  const answer = await fetch(`${server.url}/_dash-update-component${query}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "User-Agent": agent },
    body: JSON.stringify({
      output,
      outputs: {
        id: output.slice(0, dot),
        property: output.slice(dot + 1).split("@")[0],
      },
      inputs,
      changedPropIds: inputs.map((i) => `${i.id}.${i.property}`),
      ...(state ? { state } : {}),
    }),
  });
  const text = await answer.text();

  return {
    status: answer.status,
    text,
    json: answer.status === 200 ? JSON.parse(text) : null,
  };
}

const clicks = (id, value) => [{ id, property: "n_clicks", value }];
const begin = (server, file, clicked = 1, query = "") =>
  post(
    server,
    "out.children",
    clicks("go", clicked),
    [{ id: "file", property: "value", value: file }],
    query,
  );
const poll = (server, job, output = "out.children", agent = AGENT) =>
  post(
    server,
    output,
    clicks("go", null),
    null,
    `?cacheKey=${job}&job=${job}`,
    agent,
  );

function open(scene, options = {}) {
  return scene.start({ app: "dash_background", threads: 2, ...options });
}

test("what a job sets of the page besides comes while it runs", async (t, s) => {
  const server = await open(s);
  const file = path.join(s.dir(), "stop");
  const { json } = await begin(server, file);
  const seen = await until("the first news", async () =>
    (await poll(server, json.job)).json.sideUpdate);

  assert.deepEqual(seen, { "side.title": "on the way" });
  await until("it not to be repeated for ever", async () => {
    const { json: now } = await poll(server, json.job);

    assert.equal("response" in now, false);
    return now.sideUpdate === undefined;
  });
  fs.writeFileSync(file, "");
  const last = await until("the result", async () => {
    const { json: now } = await poll(server, json.job);

    return now.response && now;
  });

  assert.deepEqual(last.sideUpdate, {
    "side.title": "on the way",
    "side.children": "by the way",
  });
});

test("a long loop fits into little memory when its rounds give back", async (t, s) => {
  const server = await open(s, { args: ["--limit-request-memory", "1MiB"] });
  const end = async (clicked) => {
    const { json } = await post(server, "looped.children", clicks("loop", clicked));

    return until("the end", async () => {
      const now = await poll(server, json.job, "looped.children");

      return (now.status !== 200 || now.json.response) && now;
    });
  };
  const kept = await end(2);

  assert.equal(kept.status, 500, "all of it is more than 1 MiB");
  const { response, sideUpdate } = (await end(1)).json;

  assert.equal(response.looped.children, `${(100000 * 99999) / 2}, round 50000`);
  assert.deepEqual(sideUpdate, { "side.title": "round 99000" });
});

for (const [clicked, count, where, seen] of [
  [3, 40, "in ph_sleep()", { "side.title": 39, "side.children": 40 }],
  [1, 3, "elsewhere", { "side.title": 3, "side.children": 2 }],
  [2, 40, "elsewhere", { "side.title": 39, "side.children": 40 }],
])
  test(`${count} things set before a long sleep ${where}`, async (t, s) => {
    const server = await open(s);
    const { json } = await post(server, "set_many.children", clicks("many", clicked));
    const begun = Date.now();

    await until("the last of them", async () => {
      const now = (await poll(server, json.job, "set_many.children")).json;

      assert.ok(now, "it has ended before they came");
      return Object.keys(seen).every((key) => now.sideUpdate?.[key] === seen[key]);
    });
    assert.ok(Date.now() - begun < 5000);
  });

test("a job says how far it is and ends with its result", async (t, s) => {
  const server = await open(s, { threads: 1 });
  const file = path.join(s.dir(), "stop");
  const { json } = await begin(server, file);

  assert.match(json.job, /^[0-9a-f]{32}$/);
  assert.equal(typeof json.cacheKey, "string");
  assert.equal("response" in json, false);
  assert.deepEqual(json.cancel, [{ id: "stop", property: "n_clicks" }]);
  assert.deepEqual(json.progressDefault, { "bar.children": "none" });
  /* The only thread is busy; asking needs none. */
  const seen = await until("progress", async () => {
    const answer = await poll(server, json.job);

    assert.deepEqual(answer.json?.multi, true);
    return answer.json.progress;
  });

  assert.match(seen["bar.children"], /^\d+$/);
  assert.match(seen["bar.title"], /^pid \d+$/);
  /* Somebody else's, or nobody's. */
  assert.equal(
    (await poll(server, json.job, "out.children", "another")).status,
    204,
  );
  assert.equal((await poll(server, "0".repeat(32))).status, 204);
  fs.writeFileSync(file, "");
  const done = await until("the result", async () => {
    const answer = await poll(server, json.job);

    return answer.json?.response && answer;
  });

  assert.match(done.json.response.out.children, /^done 1 by \d+$/);
  /* Beside what it has set before, if it came that far. */
  assert.equal(done.json.sideUpdate["side.children"], "by the way");
  assert.deepEqual((await poll(server, json.job)).json, done.json);
});

test("newer ones replace older ones, and cancel cancels", async (t, s) => {
  const server = await open(s, { threads: 3 });
  const file = path.join(s.dir(), "stop");
  const first = (await begin(server, file)).json.job;

  await server.waitFor(/began with/);
  const second = (await begin(server, file, 2, `?oldJob=${first}`)).json.job;

  await server.waitFor(/cancelled in round/);
  assert.equal((await poll(server, first)).status, 204);
  await until("the second", async () => {
    const answer = await poll(server, second);

    assert.equal(answer.status, 200);
    return answer.json.progress;
  });
  const [hidden] = (
    await (await fetch(`${server.url}/_dash-dependencies`)).json()
  ).filter((d) => d.output.startsWith("stop.id@"));

  assert.equal(hidden.hidden, true);
  /* Another browser cannot, even if it knew. */
  await post(
    server,
    hidden.output,
    clicks("stop", 1),
    null,
    `?cancelJob=${second}`,
    "another",
  );
  assert.equal((await poll(server, second)).status, 200);
  const answer = await post(
    server,
    hidden.output,
    clicks("stop", 1),
    null,
    `?cancelJob=${second}`,
  );

  assert.equal(answer.status, 204);
  await server.waitFor(/cancelled in round/, { count: 2 });
  assert.equal((await poll(server, second)).status, 204);
});

test("failure and no change end a job, too", async (t, s) => {
  const server = await open(s);
  const ends = async (output, id, status) => {
    const { json } = await post(server, output, clicks(id, 1));
    let last;

    await until(`${output} to end`, async () => {
      last = await poll(server, json.job, output);
      return last.status !== 200;
    });
    assert.equal(last.status, status);
    return last.text;
  };

  assert.doesNotMatch(await ends("failed.children", "fail", 500), /luck/);
  await ends("unchanged.children", "same", 204);
});

test("a job outlives the worker that runs it", async (t, s) => {
  const server = await open(s, { workers: 2 });
  const file = path.join(s.dir(), "stop");
  const { job } = (await begin(server, file)).json;
  const pidOf = async (not) =>
    until("a process that runs it", async () => {
      const answer = await poll(server, job).catch(() => null);
      const pid = answer?.json?.progress?.["bar.title"].slice(4);

      return pid && pid !== not && pid;
    });
  const victim = await pidOf();

  server.kill("SIGKILL", Number(victim));
  const heir = await pidOf(victim);

  fs.writeFileSync(file, "");
  const text = await until("the result", async () => {
    const answer = await poll(server, job);

    return answer.json?.response?.out.children;
  });

  assert.equal(text, `done 1 by ${heir}`);
});

test("a memoized result is computed once for everybody", async (t, s) => {
  const server = await open(s);
  const ask = () =>
    post(server, "kept.children", clicks("keep", 1), [
      { id: "what", property: "value", value: "x" },
    ]);
  const jobs = (await Promise.all([ask(), ask()])).map((a) => a.json.job);

  assert.notEqual(jobs[0], jobs[1]);
  for (const job of jobs)
    await until("the kept one", async () => {
      const answer = await poll(server, job, "kept.children");

      return answer.json?.response?.kept.children === "kept x";
    });
  /* Who comes later need not ask again. */
  assert.equal((await ask()).json.response.kept.children, "kept x");
  assert.equal(server.grep(/computing what is kept/).length, 1);
});
