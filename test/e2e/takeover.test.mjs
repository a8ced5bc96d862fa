/* SPDX-License-Identifier: MIT */

/*
 * Workers that die while they compute: another one takes over, nobody else
 * notices, and what kills worker after worker is given up.
 */
import assert from "node:assert/strict";
import { later, now, test, until, within } from "../lib/harness.mjs";
import { checkGraph, readPoints, signals, STATE } from "../lib/points.mjs";
import { callbackBody } from "../lib/session.mjs";
import { owners } from "../lib/sockets.mjs";
import { post } from "../lib/wire.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

/* An answer, or null when the connection just ended. */
async function answerOrEnd(wire) {
  try {
    return await wire.answer();
  } catch (error) {
    assert.match(error.message, /ended without an answer, 0 bytes/);
    return null;
  }
}

/* Clients on at least `least` workers; then all of them send `bytes`. */
async function ask(scene, server, least, bytes) {
  const wires = [];

  await until(`clients on ${least} workers`, async () => {
    wires.push(
      ...(await Promise.all(
        Array.from({ length: 20 }, () => scene.connect(server)),
      )),
    );
    await until("all to be accepted", () => {
      const owner = owners(server);

      return wires.every((wire) => owner.has(wire.localPort));
    });
    return new Set(owners(server).values()).size >= least;
  });
  for (const wire of wires) wire.write(bytes);
  return wires;
}

test("kill -9 of the worker that computes", async (t, scene) => {
  const server = await scene.start({
    workers: 4,
    threads: 2,
    env: { PH_DEMO_DELAY: "2" },
  });
  const body = callbackBody("graph-3.figure", "figs");
  const wires = await ask(scene, server, 3, post(body));

  await server.waitFor(/Computing value with figs/);
  const victim = server.computations()[0].pid;
  const owner = owners(server);
  const answers = later(wires.map(answerOrEnd));
  const start = now();

  server.kill("SIGKILL", victim);
  await server.waitFor(/Computing value with figs/, { count: 2 });
  within(t, "from the kill to the next computation", now() - start, 500);
  assert.notEqual(server.computations()[1].pid, victim);

  const points = readPoints(server.options.cacheDir);
  let right = 0;
  let lost = 0;

  for (const [i, promise] of answers.entries()) {
    const answer = await promise;

    if (owner.get(wires[i].localPort) === victim) {
      assert.equal(answer, null, "its own clients lose the connection");
      lost++;
    } else {
      checkGraph(answer, 2, "figs", points);
      right++;
    }
  }
  within(t, "from the kill to the last answer", now() - start, 2600);
  t.diagnostic(
    `${right} clients of other workers right, ${lost} connections lost`,
  );
  assert.ok(right > 0);
  assert.equal(server.computations().length, 2);
  const handed = server.grep(/event=signal\.handed_on function=global_store/);

  assert.equal(handed.length, 1);
  assert.match(handed[0], new RegExp(`owner_pid=${victim} .*worker-died`));
  assert.equal(signals(server.options.cacheDir)[0].state, STATE.ready);
  assert.equal(server.grep(new RegExp(`worker\\.exit .*child=${victim}`)).length, 1);
  await until("the crew to be whole", () => server.workers().length === 4);
});

test("each of three owners in a row is killed", async (t, scene) => {
  const server = await scene.start({
    workers: 4,
    threads: 1,
    env: { PH_DEMO_DELAY: "0.7" },
    args: ["--compute-attempts", "9"],
  });
  const body = callbackBody("graph-1.figure", "apples");
  const wires = await ask(scene, server, 4, post(body));
  const answers = later(wires.map(answerOrEnd));

  for (let kills = 1; kills <= 3; kills++) {
    await server.waitFor(/Computing value with apples/, { count: kills });
    server.kill("SIGKILL", server.computations()[kills - 1].pid);
  }
  const points = readPoints(server.options.cacheDir);
  const right = (await Promise.all(answers)).filter((answer) => answer);

  for (const answer of right) checkGraph(answer, 0, "apples", points);
  t.diagnostic(`${right.length} right, ${wires.length - right.length} lost`);
  assert.equal(server.computations().length, 4);
  /* Whoever lost the connection asks again, as a user would. */
  checkGraph(await scene.send(server, post(body)), 0, "apples", points);
  assert.equal(server.computations().length, 4);
});

test("a computation that kills its workers is given up", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    workers: 3,
    threads: 2,
    args: ["--compute-attempts", "2"],
  });
  const wires = await ask(scene, server, 3, call("memo_crashes", "x"));
  const answers = await Promise.all(wires.map(answerOrEnd));

  await server.waitFor(/event=signal\.quarantined function=crashes/);
  assert.equal(runs(server, "crashes"), 2);
  for (const answer of answers.filter((answer) => answer))
    assert.equal(answer.status, 500);
  const answered = answers.filter((answer) => answer).length;

  t.diagnostic(`${answered} of ${answers.length} got 500, the rest was reset`);
  assert.ok(answered > 0);
  await until("the crew to be whole", () => server.workers().length === 3);
  const again = await scene.send(server, call("memo_crashes", "x"));

  assert.equal(again.status, 500);
  assert.equal(runs(server, "crashes"), 2, "and it is not tried at once again");
  const echo = await scene.send(server, call("echo", "well?"));

  assert.equal(result(echo, "echo"), "well?");
});

test("a callback that crashes costs one worker", async (t, scene) => {
  const server = await scene.start({ app: "zoo", workers: 2, threads: 2 });
  const before = server.workers();
  const crash = await scene.connect(server);

  crash.write(call("crash_now", 1));
  assert.equal((await answerOrEnd(crash)).status, 500);
  await server.waitFor(/event=worker\.exit .*signal=SIGABRT/);
  const start = now();
  const echo = await scene.send(server, call("echo", "still there"));

  assert.equal(result(echo, "echo"), "still there");
  await until("the crew to be whole", () => server.workers().length === 2);
  within(t, "until the worker is replaced", now() - start, 10000);
  const kept = server.workers().filter((pid) => before.includes(pid));

  assert.equal(kept.length, 1, "the other worker lives on");
});

test("every worker dies, again and again", async (t, scene) => {
  const server = await scene.start({ app: "zoo", workers: 2, threads: 1 });

  for (let round = 1; round <= 10; round++) {
    const pid = server.workers()[round % 2];

    server.kill("SIGKILL", pid);
    await server.waitFor(new RegExp(`event=worker\\.exit .*child=${pid} `));
    const answer = await scene.send(server, call("echo", round));

    assert.equal(result(answer, "echo"), round);
    await until("the crew to be whole", () => server.workers().length === 2);
  }
  const deaths = server.grep(/event=worker\.exit .*signal=SIGKILL/).length;

  assert.equal(deaths, 10);
  t.diagnostic("10 workers killed, 10 replaced, 0 wrong answers");
});

test("the keeper dies and comes back", async (t, scene) => {
  const server = await scene.start({ app: "zoo", workers: 1, threads: 1 });
  const keeper = server.keeper();

  server.kill("SIGKILL", keeper);
  await server.waitFor(/event=keeper\.fork/, { count: 2 });
  assert.notEqual(server.keeper(), keeper);
  const answer = await scene.send(server, call("chain", "k"));

  assert.equal(result(answer, "chain"), "[(<k>)]");
});

/* Nobody else hands on what the dead have computed: the lease is a minute. */
test("a keeper that is stopped is replaced", { seconds: 120 }, async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    workers: 3,
    threads: 2,
    args: ["--compute-lease", "60"],
  });
  const keeper = server.keeper();
  const wires = await ask(scene, server, 3, call("waits", "k"));

  await server.waitFor(/ run slow k/);
  const victim = Number(/pid=(\d+) .* run slow k/.exec(server.grep(/ run slow k/)[0])[1]);
  const owner = owners(server);
  const survivors = wires.filter((wire) => owner.get(wire.localPort) !== victim);
  const answers = later(survivors.map((wire) => wire.answer()));
  const start = now();

  server.kill("SIGSTOP", keeper);
  server.kill("SIGKILL", victim);
  for (const answer of await Promise.all(answers))
    assert.equal(result(answer, "waits"), "k");
  within(t, "from the kill to the last answer", now() - start, 30_000);
  assert.ok(survivors.length > 0);
  assert.equal(runs(server, "slow k"), 2);
  assert.equal(server.grep(/event=keeper\.timeout/).length, 1);
  await server.waitFor(new RegExp(`event=keeper\\.exit child=${keeper} `));
  assert.notEqual(server.keeper(), keeper);
});
