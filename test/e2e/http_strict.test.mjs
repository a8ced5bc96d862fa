/* SPDX-License-Identifier: MIT */

/*
 * Requests as attackers write them: what the server makes of each does not
 * depend on how it is cut into packets, ends the connection where the framing
 * is in doubt, and hides no second request in a body.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { test } from "../lib/harness.mjs";
import {
  ACCEPTED, CUTS, FOLLOWED, GUARDED, GUARDED_ARGS, REFUSED, REFUSED_BODIES,
  UNFINISHED,
} from "../lib/http_cases.mjs";
import { get } from "../lib/wire.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

/* The line of the log when an app's header, cookie or status is refused. */
const SAID = /reason=".*ph_(set_header|set_cookie|respond|respond_header)\(/;
const CANARY = get("/_ph/health", { fields: { "X-Second": "1" } });

/* The statuses of all answers until the server closes. */
async function verdict(scene, server, pieces) {
  const wire = await scene.connect(server);

  await wire.writePieces(pieces);
  const statuses = (await wire.answers()).map((answer) => answer.status);

  wire.destroy();
  return statuses;
}

for (const [cut, split] of Object.entries(CUTS)) {
  test(`refused requests, ${cut}`, { seconds: 120 }, async (t, scene) => {
    const server = await scene.start({ app: "zoo", threads: 2 });
    const [worker] = server.workers();
    const wrong = [];

    for (const [what, text, status] of REFUSED) {
      const bytes = Buffer.from(text, "latin1");
      /* Bytes behind must never be taken for a request of their own. */
      const pieces = [...split(bytes), CANARY];
      const got = await verdict(scene, server, pieces);

      if (String(got) !== String([status]))
        wrong.push(`${what}: ${got}, not ${status}`);
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(server.workers(), [worker]);
    assert.equal(runs(server, ""), 0);
    const echo = await scene.send(server, call("echo", 1));

    assert.equal(result(echo, "echo"), 1);
    t.diagnostic(`${REFUSED.length} requests refused, connection closed`);
  });
}

for (const [cut, split] of Object.entries(CUTS)) {
  test(`refused before the line has ended, ${cut}`, { seconds: 120 }, async (t, scene) => {
    const args = ["--header-timeout", "100"]; /* so it is not that */
    const server = await scene.start({ app: "zoo", threads: 2, args });

    for (const [what, text, status] of UNFINISHED) {
      const got = await verdict(scene, server, split(Buffer.from(text, "latin1")));

      assert.deepEqual(got, [status], what);
    }
  });
}

for (const [cut, split] of Object.entries(CUTS)) {
  test(`what comes behind a request, ${cut}`, async (t, scene) => {
    const server = await scene.start({ app: "zoo", threads: 2 });

    for (const [what, text, statuses] of FOLLOWED) {
      const wire = await scene.connect(server);

      await wire.writePieces(split(Buffer.from(text, "latin1")));
      const got = [];

      while (got.length < statuses.length)
        got.push((await wire.answer()).status);
      wire.finish();
      assert.deepEqual(got, statuses, what);
      assert.deepEqual(await wire.answers(), [], what);
    }
  });
}

for (const [cut, split] of Object.entries(CUTS)) {
  test(`refused bodies, ${cut}`, { seconds: 120 }, async (t, scene) => {
    const server = await scene.start({ app: "zoo", threads: 2 });
    const wrong = [];

    for (const [what, text, statuses] of REFUSED_BODIES) {
      const wire = await scene.connect(server);

      await wire.writePieces(split(Buffer.from(text, "latin1")));
      const answers = await wire.answers(); /* until the server closes */
      const got = answers.map((answer) => answer.status);

      if (String(got) !== String(statuses))
        wrong.push(`${what}: ${got}, not ${statuses}`);
      else if (answers[0].field("connection") !== "close")
        wrong.push(`${what}: no Connection: close`);
      wire.destroy();
    }
    assert.deepEqual(wrong, []);
    assert.equal(runs(server, ""), 0);
  });
}

/* The end of the connection is not the end of a chunked body. */
test("chunks that end too early [5]", async (t, scene) => {
  const server = await scene.start({ app: "zoo", threads: 2 });
  const head = ACCEPTED.find(([what]) => what === "one chunk")[1];
  const bytes = Buffer.from(head, "latin1");

  for (const missing of [1, 2, 3, 4, 5, 7, 20]) {
    const wire = await scene.connect(server);

    await wire.write(bytes.subarray(0, bytes.length - missing));
    wire.finish();
    const statuses = (await wire.answers()).map((answer) => answer.status);

    assert.ok(
      statuses.length === 0 || String(statuses) === "400",
      `without the last ${missing} bytes: ${statuses}`,
    );
  }
  const echo = await scene.send(server, call("echo", 1));

  assert.equal(result(echo, "echo"), 1);
  assert.equal(runs(server, ""), 0, "no callback ran but the last");
});

for (const [cut, split] of Object.entries(CUTS)) {
  test(`accepted requests, ${cut}`, { seconds: 120 }, async (t, scene) => {
    const server = await scene.start({ app: "zoo", threads: 2 });
    const wire = await scene.connect(server);

    for (const [what, text, status, body] of ACCEPTED) {
      const from = server.lines.length;

      await wire.writePieces(split(Buffer.from(text, "latin1")));
      const answer = await wire.answer();

      assert.equal(answer.status, status, what);
      assert.equal(answer.field("connection"), undefined, what);
      assert.equal(answer.field("x-evil"), undefined, what);
      if (body !== undefined) assert.equal(answer.text, body, what);
      if (status === 500) {
        assert.deepEqual([answer.cookies, answer.field("x-a")], [[], undefined], what);
        assert.match(server.lines.slice(from).join("\n"), SAID, what);
      }
      await wire.write(CANARY);
      assert.equal((await wire.answer()).text, "ok\n", `behind ${what}`);
    }
    t.diagnostic(`${ACCEPTED.length} requests answered on one connection`);
  });
}

for (const [cut, split] of Object.entries(CUTS)) {
  test(`names, tokens and limits, ${cut}`, { seconds: 120 }, async (t, scene) => {
    const server = await scene.start({ app: "zoo", threads: 2, args: GUARDED_ARGS });
    const wrong = [];

    for (const [what, text, status] of GUARDED) {
      const wire = await scene.connect(server);

      await wire.writePieces(split(Buffer.from(text, "latin1")));
      const first = await wire.answer();

      wire.finish();
      const got = [first, ...(await wire.answers())].map((answer) => answer.status);

      if (String(got) !== String([status]))
        wrong.push(`${what}: ${got}, not ${status}`);
      wire.destroy();
    }
    assert.deepEqual(wrong, []);
  });
}
