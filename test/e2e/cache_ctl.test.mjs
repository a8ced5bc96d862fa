/* SPDX-License-Identifier: MIT */

/*
 * Looking into the cache of a running server, and taking things out of it:
 * pronghorn ctl cache, signals, cache delete; the same figures as metrics.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import path from "node:path";
import { later, now, test, until } from "../lib/harness.mjs";
import { ctl, ctlJson } from "../lib/op_ctl.mjs";
import { Server } from "../lib/server.mjs";
import { Visitor } from "../lib/visitor.mjs";
import { get } from "../lib/wire.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

async function open(scene, app = "cache", args = []) {
  const socket = path.join(scene.dir(), "ctl.sock");
  const server = await scene.start({
    ...{ app, workers: 2, threads: 2 },
    args: ["--control-socket", socket, ...args],
  });
  const ask = async (name, value = null) => {
    const answer = await scene.send(server, call(name, value));

    assert.equal(answer.status, 200, `${name}: ${answer.status}`);
    return result(answer, name);
  };

  server.controlSocket = socket;
  return { server, ask };
}

test("ctl cache tells what is there and what was done", async (t, scene) => {
  const { server, ask } = await open(scene);

  await ask("set", "x".repeat(5000));
  for (let i = 0; i < 10; i++) await ask("tagged", "k");
  /* Heartbeats come about once a second. */
  const cache = await until("the counters", async () => {
    const seen = await ctlJson(server, "cache");

    return seen.hits >= 9 && seen.stores >= 2 && seen.misses >= 1 && seen;
  }, 20);

  assert.equal(cache.values, 2);
  assert.ok(cache.value_bytes > 10000 && cache.file_bytes >= 16384);
  assert.ok(cache.hit_ratio > 0.4 && cache.hit_ratio <= 1);
  assert.deepEqual(
    [cache.evictions, cache.store_failures, cache.errors, cache.damaged],
    [0, 0, 0, 0],
  );
  for (const name of ["log_bytes", "oldest_read", "oldest_reader", "busy",
    "expirations", "takeovers", "quarantines", "checkpoints", "log_unmoved"])
    assert.equal(typeof cache[name], "number", name);
  const { out } = await ctl(server, "cache");

  assert.match(out, /^values +2$/m);
  assert.match(out, /^hits +\d+$/m);
  await server.stop();
  const after = await ctl({ file: scene.file("pronghorn.conf",
    `cache_dir = "${server.options.cacheDir}"\n`) }, "--json", "cache");

  assert.equal(JSON.parse(after.out).values, 2, "without a server, too");
  assert.equal(JSON.parse(after.out).hits, undefined);
});

test("ctl signals: who computes what since when", async (t, scene) => {
  const { server } = await open(scene, "flight");
  const asked = Promise.all(Array.from({ length: 8 }, () =>
    scene.send(server, call("slow", "v:2500"))));
  const running = await until("it to run", async () => {
    const { signals } = await ctlJson(server, "signals");

    return signals.find((row) => row.state === "computing" && row.age > 0.2);
  }, 20);

  assert.equal(running.function, "slow");
  assert.match(running.key, /^[0-9a-f]{64}$/);
  assert.ok(server.workers().includes(running.pid));
  assert.ok(running.waiting_workers >= 1 && running.lease > 0 && running.attempts === 1);
  const table = (await ctl(server, "signals")).out.split("\n");

  assert.match(table[0], /^state +function +key +slot +pid +lease +age /);
  assert.ok(table[1].includes(` ${running.key.slice(0, 12)} `), table[1]);
  for (const answer of await asked) assert.equal(answer.status, 200);
  const { signals } = await ctlJson(server, "signals");

  assert.deepEqual([signals[0].state, signals[0].computations], ["ready", 1]);
});

test("ctl signals: how many requests wait for each", async (t, scene) => {
  const { server } = await open(scene, "flight", ["--threads", "4"]);
  const counts = { a: 3, b: 7, c: 20 };
  const asked = later(Object.entries(counts).flatMap(([name, count]) =>
    Array.from({ length: count }, () => scene.send(server, call("slow", `${name}:6000`)))));
  /* Workers tell about once a second. */
  const rows = await until("all thirty", async () => {
    const { signals } = await ctlJson(server, "signals");
    const found = signals.filter((row) => row.state === "computing");
    const sum = found.reduce((all, row) => all + row.requests, 0);

    return found.length === 3 && sum === 30 && found;
  });

  assert.deepEqual(rows.map((row) => row.requests).sort((a, b) => a - b), [3, 7, 20]);
  assert.ok(rows.every((row) => row.more === false));
  assert.ok(rows.some((row) => row.waiting_workers === 2), JSON.stringify(rows));
  const [names, ...lines] = (await ctl(server, "signals")).out.trim().split("\n");
  const at = names.indexOf("requests");
  const told = lines.filter((line) => line.startsWith("computing")).map((line) => parseInt(line.slice(at), 10));

  assert.deepEqual(told.sort((a, b) => a - b), [3, 7, 20]);
  for (const answer of await Promise.all(asked)) assert.equal(answer.status, 200);
  await until("nobody", async () =>
    (await ctlJson(server, "signals")).signals.every((row) => row.requests === 0));
  await server.stop();
  const { out } = await ctl({ file: scene.file("pronghorn.conf",
    `cache_dir = "${server.options.cacheDir}"\n`) }, "--json", "signals");

  assert.ok(JSON.parse(out).signals.length >= 3);
  assert.equal(JSON.parse(out).signals[0].requests, undefined, "without a server nobody knows");
});

test("ctl cache why: what becomes of a key", async (t, scene) => {
  const { server, ask } = await open(scene);
  const why = async (...words) => {
    const { keys } = await ctlJson(server, "cache", "why", ...words);

    assert.equal(keys.length, 1);
    return keys[0];
  };

  assert.match((await why("entry", "source")).verdict, /there is no value$/);
  await ask("set", "v");
  const entry = await why("entry", "source");

  assert.equal(entry.verdict, "the value is given out");
  assert.deepEqual([entry.value, entry.fresh, entry.stale], [true, null, null]);
  assert.equal(await ask("tagged", "k"), "v");
  const made = await why("function", "tagged", "k");

  assert.equal(made.verdict, "the value is given out");
  assert.deepEqual([made.state, made.function], ["ready", "tagged"]);
  assert.ok(made.epoch > 0);
  assert.equal((await why("function", "tagged", '"k"')).key, made.key);
  assert.equal((await why("key", made.key.slice(0, 8))).key, made.key);
  await ask("forget_tag", "sensors");
  const gone = await why("key", made.key);

  assert.match(gone.verdict, /forgotten after it was made$/);
  assert.ok(gone.forgotten && gone.value);
  const slow = ask("tagged", "slow");
  const busy = await until("the computation", async () => {
    const { keys } = JSON.parse((await ctl(server, "--json", "cache", "why",
      "function", "tagged", "slow")).out || "{}");

    return keys?.[0].state === "computing" && keys[0];
  });

  assert.match(busy.verdict, /waits for the computation under way$/);
  assert.ok(server.workers().includes(busy.pid) && busy.lease > 0);
  await slow;
  const none = await ctl(server, "cache", "why", "function", "tagged", "7");

  assert.equal(none.status, 1);
  assert.match(none.err, /nobody has asked tagged for these arguments/);
  assert.equal((await ctl(server, "cache", "why", "what", "k")).status, 2);
  const table = (await ctl(server, "cache", "why", "entry", "source")).out;

  assert.match(table, /^key +verdict +value +bytes /);
});

test("ctl cache check reads everything", async (t, scene) => {
  const { server, ask } = await open(scene);

  for (let i = 0; i < 5; i++) await ask("set_many", { [`n${i}`]: "x".repeat(9000) });
  const sound = await ctlJson(server, "cache", "check");

  assert.equal(sound.values, 5);
  assert.ok(sound.bytes > 45000);

  execFileSync("sqlite3", [
    path.join(server.options.cacheDir, "cache-v1.db"),
    "UPDATE kv SET v = zeroblob(length(v)) WHERE id = (SELECT max(id) FROM kv)",
  ]);
  const { status, err } = await ctl(server, "cache", "check");

  assert.equal(status, 1);
  assert.match(err, /is damaged: 1 of 5 values do not match their checksums/);
});

/* Ask, take it out by `words`, ask again: it must have been made anew. */
async function checkDelete(scene, words, gone, count) {
  const { server, ask } = await open(scene);

  await ask("set", 1);
  assert.equal(await ask("tagged", "k"), 1);
  assert.equal(await ask("tagged", "other"), 1);
  await ask("set", 2);
  const { signals } = await ctlJson(server, "signals");
  const key = async (name) => {
    /* The newest of the two was asked for last. */
    const row = signals[name === "k" ? 1 : 0];

    return row.key;
  };
  const full = await Promise.all(
    words.map(async (word) =>
      word === "KEY" ? key("k") : word === "DIGITS" ? (await key("k")).slice(0, 8) : word));
  const { status, out, err } = await ctl(server, "cache", "delete", ...full);

  assert.equal(status, 0, err);
  assert.match(out, /^deleted +\w+$/m);
  if (count !== undefined) assert.match(out, new RegExp(`^count +${count}$`, "m"));
  for (const [name, value] of Object.entries(gone))
    for (let i = 0; i < 4; i++)
      assert.equal(await ask("tagged", name), value, `${words}: ${name}`);
}

for (const [words, gone, count] of [
  [["function", "tagged"], { k: 2, other: 2 }, 2],
  [["function", "swr"], { k: 1, other: 1 }, 0],
  [["function", "tagged", "KEY"], { k: 2, other: 1 }, 1],
  [["key", "DIGITS"], { k: 2, other: 1 }, 1],
  [["tag", "sensors"], { k: 2, other: 2 }, 2],
  [["tag", "others"], { k: 1, other: 1 }, 0],
  [["user", "nobody"], { k: 1, other: 1 }, 0],
  [["all"], { k: null, other: null }, 3],
])
  test(`ctl cache delete ${words.join(" ")}`, (t, scene) =>
    checkDelete(scene, words, gone, count));

test("ctl cache delete: entries, and what is not there", async (t, scene) => {
  const { server, ask } = await open(scene);

  await ask("set", 1);
  const once = await ctlJson(server, "cache", "delete", "entry", "source");

  assert.equal(once.count, 1);
  assert.equal(await ask("get", "source"), "(none)");
  const again = await ctlJson(server, "cache", "delete", "entry", "source");

  assert.equal(again.count, 0);
  for (const [words, status, sentence] of [
    [["key", "0123456789"], 1, /no value has a key that begins with 0123456789/],
    [["key", "xyz"], 1, /a key is named by 8 to 64 hexadecimal digits/],
    [["function", "tagged", "0123456789"], 1, /no value of tagged has a key/],
    [["session", "0123"], 1, /a session is named by 8 to 32 hexadecimal digits/],
    [["nothing", "x"], 2, /usage/],
    [["all", "x"], 2, /usage/],
    [[], 2, /usage/],
  ]) {
    const answer = await ctl(server, "cache", "delete", ...words);

    assert.equal(answer.status, status, words.join(" "));
    assert.match(answer.err, sentence);
  }
});

test("ctl cache delete session leaves the others", async (t, scene) => {
  const { server } = await open(scene, "sessions");
  const visitors = [new Visitor(scene, server), new Visitor(scene, server)];
  const ask = async (visitor) => {
    const answer = await visitor.update("mine.children", [["do.value", "x"]]);

    assert.equal(answer.status, 200);
  };

  for (const visitor of visitors) {
    await visitor.get("/");
    await ask(visitor);
    await ask(visitor);
  }
  assert.equal(runs(server, "mine"), 2);
  const { sessions } = await ctlJson(server, "sessions");

  assert.equal(sessions.length, 2);
  const deleted = await ctlJson(
    ...[server, "cache", "delete", "session", sessions[0].session.slice(0, 10)],
  );

  assert.equal(deleted.count, 1);
  for (const visitor of visitors) await ask(visitor);
  assert.equal(runs(server, "mine"), 3);
  assert.equal((await ctlJson(server, "sessions")).sessions.length, 2, "both live");
});

test("ctl cache delete during a computation", async (t, scene) => {
  const { server, ask } = await open(scene);

  await ask("set", 1);
  const early = ask("tagged", "slow");

  await until("it to run", async () => runs(server, "tagged slow") === 1);
  await ctlJson(server, "cache", "delete", "function", "tagged");
  await ask("set", 2);
  assert.equal(await early, 2);
  assert.equal(runs(server, "tagged slow"), 2);
});

/* Which metric says what a line of `ctl cache` says. */
const METRICS = {
  values: "cache_entries",
  file_bytes: "cache_file_bytes",
  log_bytes: "cache_wal_bytes",
  log_unmoved: "cache_wal_unmoved_bytes",
  wanted: 'signals{state="wanted"}',
  computing: 'signals{state="computing"}',
  oldest_read: "cache_oldest_read_seconds",
  pinned_frames: "cache_wal_pinned_frames",
  pinned_seconds: "cache_wal_pinned_seconds",
  ...Object.fromEntries(
    ["hits", "stale", "misses", "shared", "stores", "store_failures", "busy", "errors",
      "damaged", "reopened", "uses_dropped", "evictions", "expirations",
      "takeovers", "quarantines", "checkpoints"].map((name) => [name, `cache_${name}_total`]),
  ),
};

/* Not counted while running, or made of two others. */
const NO_METRIC = ["ok", "folder", "value_bytes", "expired", "oldest", "ready",
  "failed", "quarantined", "passing", "hit_ratio", "oldest_reader", "pinned_by"];

test("ctl cache names a reader outside that pins the log", async (t, scene) => {
  const { server, ask } = await open(scene);
  const reader = spawn("sqlite3", [`${server.options.cacheDir}/cache-v1.db`], {
    stdio: ["pipe", "pipe", "inherit"],
  });

  scene.later(() => reader.kill());
  await ask("set", 0);
  assert.equal((await ctlJson(server, "cache")).pinned, undefined);
  reader.stdin.write("BEGIN; SELECT count(*) FROM kv;\n");
  await new Promise((done) => reader.stdout.once("data", done));
  const pinned = await until("it to be told", async () => {
    await ask("set", now()); /* something to be kept from being copied */
    const cache = await ctlJson(server, "cache");

    return cache.pinned && cache.pinned_by && cache;
  }, 20);

  assert.equal(pinned.pinned_by, reader.pid);
  assert.ok(pinned.pinned_frames >= 1);
  assert.ok(pinned.pinned_seconds >= 1 && pinned.pinned_seconds < 30);
  assert.match(pinned.pinned,
    new RegExp(`^a reader outside \\(pid ${reader.pid}\\) pins \\d+ frames of the log since \\d+ s$`));
  assert.match((await ctl(server, "cache")).out, /^pinned +a reader outside/m);
  reader.stdin.end("COMMIT;\n");
  await until("it to be over", async () => {
    const cache = await ctlJson(server, "cache");

    return cache.pinned_frames === 0 && cache.pinned === undefined;
  }, 20);
});

test("the figures of ctl cache are metrics, too", async (t, scene) => {
  const { server, ask } = await open(scene, "cache", ["--metrics-bind", "127.0.0.1:0"]);
  const [, address] = await server.waitFor(/event=metrics\.bound address=(\S+)/);
  const admin = { address: Server.parseAddress(address) };
  const scrape = async () => {
    const answer = await scene.send(admin, get("/_ph/metrics"));

    const samples = [...answer.text.matchAll(/^pronghorn_(\w+)(\{[^}]*\})? (\S+)$/gm)];

    return new Map(samples.flatMap(([, name, labels, value]) =>
      [name, `${name}${labels ?? ""}`].map((key) => [key, Number(value)])));
  };

  await ask("set", 1);
  for (let i = 0; i < 5; i++) await ask("tagged", "k");
  await until("the same numbers", async () => {
    const cache = await ctlJson(server, "cache");
    const metrics = await scrape().catch(() => new Map());

    assert.deepEqual(
      Object.keys(cache).filter((name) => !NO_METRIC.includes(name)).sort(),
      Object.keys(METRICS).sort(),
    );
    return cache.hits > 0 && Object.entries(METRICS).every(([name, metric]) =>
      metrics.has(metric) && (name === "oldest_read" || metrics.get(metric) === cache[name]));
  }, 30);
  assert.equal((await scrape()).get("sessions"), 0);
});
