/* SPDX-License-Identifier: MIT */

/*
 * The access log: one line for each request, in a form that programs read,
 * whatever bytes a client sends.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test, until } from "../lib/harness.mjs";
import { get, request } from "../lib/wire.mjs";
import { call } from "../lib/zoo.mjs";

/* Combined log format and the microseconds it took. */
const LINE = new RegExp(
  "^(\\S+) - - " +
    "\\[(\\d{2}/[A-Z][a-z]{2}/\\d{4}:\\d{2}:\\d{2}:\\d{2} \\+0000)\\] " +
    '"(\\S+) (\\S+) HTTP/1\\.([01])" (\\d{3}) (\\d+) ' +
    '"([^"]*)" "([^"]*)" (\\d+)$',
);

function parse(line) {
  const match = LINE.exec(line);

  assert.ok(match, `not a line of an access log: ${line}`);
  const [, peer, time, method, target, minor, status, bytes, referer, agent] =
    match;

  return {
    ...{ peer, time, method, target, minor: Number(minor) },
    ...{ status: Number(status), bytes: Number(bytes), referer, agent },
    us: Number(match[10]),
  };
}

async function lines(file, count) {
  return until(`${count} lines`, () => {
    const text = fs.existsSync(file) ? fs.readFileSync(file, "latin1") : "";
    const list = text.split("\n");

    return list.length > count ? list.slice(0, -1) : null;
  });
}

test("one line for each request", async (t, scene) => {
  const file = path.join(scene.dir(), "access.log");
  const server = await scene.start({
    app: "zoo",
    threads: 2,
    args: ["--access-logfile", file],
  });
  const wire = await scene.connect(server);
  const fields = { Referer: "http://a/b?c", "User-Agent": "tester (x; y)" };
  const ask = async (bytes, options) => {
    wire.write(bytes);
    return wire.answer(options);
  };

  const page = await ask(get("/?q=1", { fields }));

  await ask(request("HEAD", "/"), { head: true });
  await ask(call("echo", 1, { fields }));
  await ask(call("naps", 0.2));
  await ask(call("nothing", 1));
  await ask(call("waits_memoized", "x"));
  await ask(get("/_dash-none"));
  await ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  await ask("GET\r\n\r\n");

  const list = (await lines(file, 9)).map(parse);

  assert.deepEqual(
    list.map(({ method, target, status }) => [method, target, status]),
    [
      ["GET", "/?q=1", 200],
      ["HEAD", "/", 200],
      ["POST", "/_dash-update-component", 200],
      ["POST", "/_dash-update-component", 200],
      ["POST", "/_dash-update-component", 204],
      ["POST", "/_dash-update-component", 200],
      ["GET", "/_dash-none", 404],
      ["GET", "/", 200],
      ["-", "-", 400],
    ],
  );
  assert.equal(list[0].bytes, page.body.length);
  assert.equal(list[1].bytes, 0);
  assert.deepEqual(
    [list[0].referer, list[0].agent, list[0].peer],
    [fields.Referer, fields["User-Agent"], "127.0.0.1"],
  );
  assert.deepEqual([list[3].referer, list[3].agent], ["-", "-"]);
  assert.equal(list[7].minor, 0);
  assert.ok(list[3].us >= 200000, `a nap of 0.2 s took ${list[3].us} us`);
  assert.ok(list[5].us >= 1000000, `1 s of waiting took ${list[5].us} us`);
  t.diagnostic(`${list.length} requests, ${list.length} lines that parse`);
});

test("no client can forge a line [H11]", async (t, scene) => {
  const file = path.join(scene.dir(), "access.log");
  const server = await scene.start({
    app: "zoo",
    args: ["--access-logfile", file],
  });
  const agents = [
    '" 200 0 "forged" "x" 1',
    "a\\nb \\x41 \\",
    "%s%n%d %00",
    "\x1b[31mred\x1b[0m",
    "caf\xe9 \xff",
    "\ttab",
    "x".repeat(8000),
  ];
  let count = 0;

  for (const agent of agents) {
    const wire = await scene.connect(server);

    wire.write(get('/"<>%0a', { fields: { "User-Agent": agent, Referer: agent } }));
    await wire.answer();
    wire.destroy();
    count++;
    for (const line of await lines(file, count)) {
      parse(line);
      assert.match(line, /^[\x20-\x7e]*$/, "only printable ASCII");
      assert.ok(line.length < 20000);
    }
    assert.equal((await lines(file, count)).length, count);
  }
  /* The error log takes nothing raw either. */
  for (const line of server.lines) assert.match(line, /^[\x20-\x7e]*$/);
  t.diagnostic(`${agents.length} hostile clients: ${count} clean lines`);
});

test("to stdout, and opened again on USR1", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    args: ["--access-logfile", "-"],
  });

  await scene.send(server, get("/"));
  await until("a line on stdout", () => server.output.length === 1);
  parse(server.output[0]);

  const file = path.join(scene.dir(), "access.log");
  const other = await scene.start({
    app: "zoo",
    args: ["--access-logfile", file],
  });

  await scene.send(other, get("/before"));
  await lines(file, 1);
  fs.renameSync(file, `${file}.1`);
  other.kill("SIGUSR1");
  await other.waitFor(/event=master\.reopen/);
  await until("the new file", () => fs.existsSync(file));
  await scene.send(other, get("/after"));
  assert.match((await lines(file, 1)).join("\n"), /\/after/);
  assert.match(fs.readFileSync(`${file}.1`, "latin1"), /\/before/);
});

test("every request of many connections", async (t, scene) => {
  const file = path.join(scene.dir(), "access.log");
  const server = await scene.start({
    app: "zoo",
    workers: 3,
    threads: 2,
    args: ["--access-logfile", file],
  });
  const wires = await Promise.all(
    Array.from({ length: 50 }, () => scene.connect(server)),
  );

  await Promise.all(
    wires.map(async (wire, i) => {
      for (let k = 0; k < 20; k++) {
        wire.write(get(`/c${i}/${k}`));
        await wire.answer();
      }
    }),
  );
  const list = (await lines(file, 1000)).map(parse);

  assert.equal(list.length, 1000);
  assert.equal(new Set(list.map(({ target }) => target)).size, 1000);
  t.diagnostic("1000 requests to 3 workers: 1000 lines, none torn");
});
