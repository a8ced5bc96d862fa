/* SPDX-License-Identifier: MIT */

/*
 * App code that ends its process: who waits for it is told, by name, and it
 * costs one worker. Several threads at once, exit(), threads of the app's own.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import http2 from "node:http2";
import path from "node:path";
import { certificate } from "../lib/certificate.mjs";
import { ROOT, SLOW, test, until } from "../lib/harness.mjs";

const DEV = ["--debug"];

const bodyOf = (name) =>
  JSON.stringify({
    output: `${name}.children`,
    outputs: { id: name, property: "children" },
    inputs: [{ id: "go", property: "n_clicks", value: 1 }],
    changedPropIds: ["go.n_clicks"],
  });

/* The answer of one callback, on a connection of its own: status and text. */
async function run(server, name, query = "") {
  try {
    const answer = await fetch(`${server.url}/_dash-update-component${query}`, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body: bodyOf(name),
    });

    return { status: answer.status, text: await answer.text() };
  } catch {
    return { status: 0, text: "" };
  }
}

/* The bytes of such a request. */
function message(server, name) {
  const body = bodyOf(name);

  return [
    "POST /_dash-update-component HTTP/1.1",
    `Host: ${server.address.host}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
}

/* The same as a stream of a session of HTTP/2. */
function runStream(session, name) {
  return new Promise((done) => {
    const stream = session.request({
      ":method": "POST",
      ":path": "/_dash-update-component",
      "content-type": "application/json",
    });
    let status = 0;
    let text = "";

    stream.on("response", (fields) => (status = fields[":status"]));
    stream.on("data", (data) => (text += data));
    stream.on("error", () => {});
    stream.on("close", () => done({ status, text }));
    stream.end(bodyOf(name));
  });
}

const exits = (server) => server.grep(/event=worker\.exit/).length;
const runAll = (server, names) =>
  Promise.all(names.map((name) => run(server, name)));

for (const [mode, args] of [["development", DEV], ["production", []]])
  for (const [workers, threads] of [[1, 4], [2, 4], [1, 1]])
    test(`four crash at once: ${workers}x${threads}, ${mode}`, async (t, s) => {
      const wish = `${s.dir()}/wish`;
      const meet = threads === 4 ? { APP_ENDS_WISH: wish, APP_ENDS_MEET: "yes" } : {};
      const server = await s.start({ app: "app_ends", workers, threads, args, env: meet });
      const all = ["crash_1", "crash_2", "crash_3", "crash_4"];
      const most = mode === "production" && threads === 1 ? 2 : 4;

      for (let round = 1; round <= 3; round++) {
        const before = exits(server);
        const answers = await runAll(server, all);
        const told = answers.filter(({ status }) => status === 500);

        assert.ok(told.length >= most, JSON.stringify(answers));
        for (const [i, { status, text }] of answers.entries()) {
          if (status === 0) continue;
          assert.equal(/SIGSEGV in callback crash_\d/.test(text), mode !== "production");
          if (mode !== "production" && threads === 4)
            assert.match(text, new RegExp(`SIGSEGV in callback ${all[i]}.*app_ends\\.so`, "s"));
        }
        await server.waitFor(/event=worker\.exit/, { count: before + 1 });
        await until("all workers", () => server.grep(/event=worker\.ready/).length === workers + exits(server));
        if (threads === 4) assert.ok(exits(server) <= before + workers);
        for (const name of all) fs.rmSync(`${wish}.${name}`, { force: true });
      }
      if (threads === 4)
        for (const name of all)
          assert.equal(server.grep(new RegExp(`worker\\.crash .*callback=${name} `)).length, 3);
    });

/* Connected before the crash, and has sent nothing or half a head by then. The
 * worker waits half a second for it: on a busy machine it may come later. */
for (const sent of [0, 20])
  test(`a request that was on its way: ${sent} bytes`, async (t, s) => {
    const server = await s.start({ app: "app_ends", workers: 1, threads: 4 });
    const bytes = (name) => message(server, name);
    let answer = null;
    let round = 0;

    while (answer === null && round++ < 5) {
      const late = await s.connect(server);
      const first = await s.connect(server);

      late.write(bytes("crash_2").slice(0, sent));
      first.write(bytes("crash_1"));
      assert.equal((await first.answer()).status, 500);
      await new Promise((done) => setTimeout(done, 100));
      late.write(bytes("crash_2").slice(sent));
      answer = await late.answer().catch(() => null);
      await server.waitFor(/event=worker\.ready/, { count: round + 1 });
    }
    assert.equal(answer?.status, 500);
    /* Once in a round, and in one of them in time for the answer. */
    const crashes = server.grep(/worker\.crash .*callback=crash_2 /).length;

    assert.ok(crashes >= 1 && crashes <= round, `${crashes} in ${round} rounds`);
  });

test("a crash while the server's own thread is busy", async (t, s) => {
  const file = `${s.dir()}/wish`;
  const server = await s.start({ app: "app_ends", workers: 1, threads: 2, env: { APP_ENDS_WISH: file } });
  const crash = run(server, "crash_beside");

  await until("the callback", () => fs.existsSync(`${file}.begun`));
  fs.writeFileSync(file, "busy");
  const layout = await fetch(`${server.url}/_dash-layout`);

  assert.equal((await crash).status, 500);
  assert.equal(layout.status, 200);
});

test("a crash lets the others finish what they do", async (t, s) => {
  const server = await s.start({ app: "app_ends", workers: 1, threads: 4 });
  const [quick, crash] = await runAll(server, ["is_quick", "crash_1"]);

  assert.equal(crash.status, 500);
  assert.equal(quick.status, 200);
  assert.match(quick.text, /done/);
});

for (const [mode, args] of [["development", DEV], ["production", []]])
  test(`streams beside a crash: ${mode}`, async (t, s) => {
    const server = await s.start({
      app: "app_ends",
      workers: 1,
      threads: 4,
      args: [...certificate(s.dir()).args, ...args],
    });
    const { host, port } = server.address;
    const session = http2.connect(`https://${host}:${port}`, { rejectUnauthorized: false });

    session.on("error", () => {});
    t.after(() => session.destroy());
    const [crash, ...others] = await Promise.all(
      ["crash_1", "sleeps", "sleeps", "sleeps"].map((name) => runStream(session, name)),
    );

    assert.equal(crash.status, 500);
    for (const { status, text } of others) {
      assert.equal(status, mode === "development" ? 500 : 503);
      assert.equal(/SIGSEGV.*before this was done/.test(text), mode === "development");
    }
  });

for (const [name, status] of [["exits", 0], ["exits_at_once", 3]])
  test(`exit in a callback: ${name}`, async (t, s) => {
    const server = await s.start({ app: "app_ends", args: DEV, workers: 1 });
    const answer = await run(server, name);

    assert.equal(answer.status, 500);
    assert.match(answer.text, new RegExp(`exit\\(${status}\\) called by the app in callback ${name}`));
    await server.waitFor(/event=worker\.exit/);
    assert.equal(server.grep(new RegExp(`level=error .*worker\\.crash .*reason="exit\\(${status}\\) called by the app" .*callback=${name}`)).length, 1);
    assert.equal(server.grep(new RegExp(`worker\\.exit .*verdict=crashed status=4`)).length, 1);
    assert.equal(server.grep(/recycled/).length, 0);
  });

test("exit in a memoized function, and in a job", async (t, s) => {
  const server = await s.start({ app: "app_ends", args: DEV, workers: 1 });
  const answer = await run(server, "asks");

  assert.equal(answer.status, 500);
  assert.match(answer.text, /exit\(0\) called by the app in callback exiting_value/);
  const job = JSON.parse((await run(server, "exiting_job")).text).job;
  const text = await until("its end", async () => {
    const last = await run(server, "exiting_job", `?job=${job}`);

    return last.status === 500 && last.text;
  });

  assert.match(text, /exit\(0\) called by the app.*callback=exiting_job/s);
  assert.equal(server.grep(/recycled/).length, 0);
});

for (const [name, what] of [
  ["thread_crashes", /SIGSEGV in a thread started by the app; running were: /],
  ["thread_exits", /exit\(5\) called by the app in a thread started by the app; running were: /],
])
  test(`a thread of the app's own: ${name}`, async (t, s) => {
    const server = await s.start({ app: "app_ends", args: DEV, workers: 1, threads: 4 });
    const both = runAll(server, name === "thread_crashes" ? [name, "sleeps"] : [name]);

    for (const { status, text } of await both) {
      assert.equal(status, 500);
      assert.match(text, what);
      assert.match(text, new RegExp(`running were: [^<]*${name}`));
      assert.match(text, /app_ends\.so/);
    }
    await server.waitFor(/event=worker\.exit/);
    assert.equal(exits(server), 1);
    assert.match(server.grep(/event=worker\.crash/)[0], /thread=app/);
    assert.equal(server.grep(new RegExp(`worker\\.stack .*running callback=${name}`)).length, 1);
  });

test("a thread of the app's own uses up its stack", async (t, s) => {
  if (SLOW > 1) return t.skip("a sanitizer has signal stacks of its own");
  const server = await s.start({ app: "app_ends", args: DEV, workers: 1, threads: 2 });

  assert.match((await run(server, "thread_returns")).text, /:true/);
  const { status, text } = await run(server, "thread_overflows");

  assert.equal(status, 500);
  assert.match(text, /SIGSEGV in a thread started by the app; running were: thread_overflows/);
});

test("functions and lines, in development", async (t, s) => {
  const server = await s.start({ app: "app_ends", args: DEV, workers: 1, threads: 2 });
  const source = fs.readFileSync(path.join(ROOT, "test/apps/app_ends.c"), "utf8");
  const line = source.split("\n").findIndex((text) => /never \+ 8/.test(text)) + 1;
  const { text } = await run(server, "crash_1");

  assert.match(text, new RegExp(`fall_over at [^ ]*app_ends\\.c:${line}\\b.*\n.*crash_1 at [^ ]*app_ends\\.c:\\d+`));
  await server.waitFor(/event=worker\.exit/);
  assert.equal(server.grep(new RegExp(`worker\\.stack .*at="fall_over at .*app_ends\\.c:${line}`)).length, 1);
  const quiet = await s.start({ app: "app_ends", workers: 1, threads: 2 });

  await run(quiet, "crash_1");
  await quiet.waitFor(/event=worker\.exit/);
  assert.equal(quiet.grep(/fall_over at/).length, 0);
});

for (const name of ["spoils_heap", "frees_twice"])
  test(`the C library finds the heap spoilt: ${name}`, async (t, s) => {
    if (SLOW > 1) return t.skip("a sanitizer finds it first");
    const server = await s.start({ app: "app_ends", args: DEV, workers: 1, threads: 4 });
    let named = 0;

    for (let round = 1; round <= 3; round++) {
      const begun = Date.now();
      const { status, text } = await run(server, name);

      assert.equal(status, 500);
      assert.ok(Date.now() - begun < 4000, `${Date.now() - begun} ms`);
      assert.match(text, /SIGABRT in callback /);
      named += new RegExp(`${name} at [^ ]*app_ends\\.c:\\d+`).test(text);
      await server.waitFor(/event=worker\.exit/, { count: round });
      await server.waitFor(/event=worker\.ready/, { count: round + 1 });
    }
    /* Not in time, on a busy machine. */
    assert.ok(named > 0);
  });

test("a child of the app's own may end", async (t, s) => {
  /* The child ends by exit(): a sanitizer would take what it has for leaks. */
  const env = { ASAN_OPTIONS: "detect_leaks=0" };
  const server = await s.start({ app: "app_ends", args: DEV, workers: 1, env });
  const answer = await run(server, "forks");

  assert.match(answer.text, /:7/);
  assert.equal(exits(server), 0);
  assert.equal(server.grep(/worker\.crash/).length, 0);
});

for (const [mode, args] of [["development", DEV], ["production", []]])
  for (const [wish, what, verdict] of [
    ["crash", /SIGSEGV in callback layout.*app_ends\.so/s, "signal=SIGSEGV"],
    ["exit", /exit\(6\) called by the app in callback layout/, "verdict=crashed status=4"],
  ])
    test(`a layout that ends the process by ${wish}: ${mode}`, async (t, s) => {
      const file = `${s.dir()}/wish`;
      const server = await s.start({
        app: "app_ends",
        args,
        workers: 1,
        env: { APP_ENDS_WISH: file },
      });

      fs.writeFileSync(file, wish);
      const answer = await fetch(`${server.url}/_dash-layout`);
      const text = await answer.text();

      assert.equal(answer.status, 500);
      assert.equal(what.test(text), mode === "development");
      fs.rmSync(file);
      await server.waitFor(new RegExp(`event=worker\\.exit .*${verdict}`));
      await server.waitFor(/event=worker\.ready/, { count: 2 });
      assert.equal(exits(server), 1);
      assert.equal((await fetch(`${server.url}/_dash-layout`)).status, 200);
    });
