/* SPDX-License-Identifier: MIT */

/*
 * A small disk of the server's own, and a log that cannot be copied any more:
 * everybody is answered all the time, and soon values are stored again. Needs
 * the right to mount a tmpfs.
 */
import assert from "node:assert/strict";
import { now, test, until, within } from "../lib/harness.mjs";
import { NO_DISK, smallDisk } from "../lib/small_disk.mjs";
import { get } from "../lib/wire.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

const PAD = "v".repeat(100_000);

test("a log that cannot be copied", { seconds: 120 }, async (t, scene) => {
  const disk = await smallDisk(scene, "16m");

  if (disk === null) return t.skip(NO_DISK);
  const server = await scene.start({
    ...{ app: "zoo", workers: 2, threads: 2, ...disk.place },
    args: ["--timeout", "0"], /* the keeper is held up, and not replaced */
  });
  let longest = 0;
  const ask = async (name) => {
    const start = now();
    const answer = await scene.send(server, call("memo_identity", name + PAD));

    longest = Math.max(longest, now() - start);
    assert.equal(answer.status, 200);
    assert.ok(result(answer, "memo_identity") === name + PAD, "the right value");
  };
  /* Is a value that one has computed there for the next? */
  const isShared = async (name) => {
    await ask(name);
    const known = runs(server, "identity");

    for (let i = 0; i < 4; i++) await ask(name);
    return runs(server, "identity") === known;
  };

  assert.ok(await isShared("first"));
  server.kill("SIGSTOP", server.keeper());
  for (let i = 0; i < 400 && !server.grep(/cache\.failed .*code=13 /).length; i++)
    await Promise.all([0, 1, 2, 3].map((j) => ask(`${i}-${j} `)));
  assert.ok(server.grep(/cache\.failed .*code=13 /).length > 0, "the disk is full");
  /* Something else takes what is left: now the log cannot be copied. */
  disk.fill();
  /* What is stored can be read: no reason to send nobody here. */
  await new Promise((done) => setTimeout(done, 6000));
  for (let i = 0; i < 8; i++)
    assert.equal((await scene.send(server, get("/_ph/ready", { close: true }))).status, 200);
  server.kill("SIGCONT", server.keeper());
  const start = now();
  let round = 0;

  for (; !(await isShared(`again ${round} `)); round++)
    assert.ok(now() - start < 60_000, "storing is on again");
  t.diagnostic(
    `stored again after ${Math.round(now() - start)} ms and ${round} rounds: ` +
      server.grep(/event=keeper\.(no_room|emptied|removed|new_file)/).length +
      " lines of the keeper",
  );
  assert.ok(server.grep(/event=keeper\.no_room/).length > 0);
  /* It stays so, with far more than the disk holds. */
  for (let i = 0; i < 60; i++)
    await Promise.all([0, 1, 2, 3].map((j) => ask(`more ${i}-${j} `)));
  await until("storing to be on", () => isShared(`last ${round++} `), 30);
  within(t, "the longest answer", longest, 20_000);
  assert.equal(server.workers().length, 2);
});
