/* SPDX-License-Identifier: MIT */

/*
 * What monitoring sees: Prometheus' text, statsd, health and readiness, and
 * the pause before a stop.
 */
import assert from "node:assert/strict";
import dgram from "node:dgram";
import fs from "node:fs";
import path from "node:path";
import { ROOT, test, until } from "../lib/harness.mjs";
import { Server } from "../lib/server.mjs";
import { get } from "../lib/wire.mjs";
import { call } from "../lib/zoo.mjs";

async function start(scene, { args = [], ...options } = {}) {
  const server = await scene.start({
    app: "zoo",
    workers: 2,
    threads: 2,
    args: ["--metrics-bind", "127.0.0.1:0", ...args],
    ...options,
  });
  const [, address] = await server.waitFor(/event=metrics\.bound address=(\S+)/);

  server.admin = { address: Server.parseAddress(address) };
  await until("the admin process", async () => {
    const answer = await scrape(scene, server).catch(() => null);

    return answer?.status === 200;
  });
  return server;
}

const scrape = (scene, server) =>
  scene.send(server.admin, get("/_ph/metrics"));

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABELS = `\\{(?:${NAME}="(?:[^"\\\\\n]|\\\\["\\\\n])*",?)*\\}`;
const SAMPLE = new RegExp(
  `^(${NAME})(${LABELS})? (-?[0-9.]+(?:e[+-]?\\d+)?|\\+Inf|NaN)$`,
);

/* As promtool would: gives a map of sample to number, or fails. */
function check(text) {
  const samples = new Map();
  const types = new Map();
  let current = null;

  assert.ok(text.endsWith("\n"));
  for (const line of text.slice(0, -1).split("\n")) {
    const help = new RegExp(`^# HELP (${NAME}) \\S.*$`).exec(line);
    const type = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`).exec(
      line,
    );

    if (help) {
      assert.ok(!types.has(help[1]), `${help[1]} twice`);
      [, current] = help;
      continue;
    }
    if (type) {
      assert.equal(type[1], current);
      types.set(type[1], type[2]);
      if (type[2] === "counter") assert.match(type[1], /_total$/);
      else assert.doesNotMatch(type[1], /_total$/);
      continue;
    }
    const sample = SAMPLE.exec(line);

    assert.ok(sample, `not a sample: ${line}`);
    const [, name, labels = "", value] = sample;
    const base =
      types.get(current) === "histogram"
        ? name.replace(/_(bucket|sum|count)$/, "")
        : name;

    assert.equal(base, current, "samples of a metric stand together");
    assert.ok(!samples.has(name + labels), `${name}${labels} twice`);
    samples.set(name + labels, Number(value));
  }
  /* Histograms: buckets grow, the last one is the count. */
  for (const [name, kind] of types) {
    if (kind !== "histogram") continue;
    const series = new Map();

    for (const [key, value] of samples) {
      const bucket = new RegExp(`^${name}_bucket\\{(.*)le="([^"]+)"\\}$`).exec(key);

      if (!bucket) continue;
      const list = series.get(bucket[1]) ?? [];

      list.push([Number(bucket[2].replace("+Inf", "Infinity")), value]);
      series.set(bucket[1], list);
    }
    for (const [labels, list] of series) {
      const inner = labels.replace(/,$/, "");
      const count = samples.get(`${name}_count${inner && `{${inner}}`}`);

      assert.equal(list.at(-1)[0], Infinity);
      assert.equal(list.at(-1)[1], count);
      for (let i = 1; i < list.length; i++) {
        assert.ok(list[i][0] > list[i - 1][0]);
        assert.ok(list[i][1] >= list[i - 1][1]);
      }
    }
  }
  samples.types = types;
  return samples;
}

const read = async (scene, server) =>
  check((await scrape(scene, server)).text);

/* Nobody could scrape: its socket takes connections and answers none. */
test("an admin process that is stopped is replaced", async (t, scene) => {
  const server = await start(scene);
  const [, child] = await server.waitFor(/event=admin\.fork child=(\d+)/);
  const from = server.lines.length;

  server.kill("SIGSTOP", Number(child));
  await server.waitFor(new RegExp(`event=admin\\.timeout child=${child} `), { from });
  await server.waitFor(new RegExp(`event=admin\\.exit child=${child} `), { from });
  await server.waitFor(/event=admin\.fork/, { from });
  assert.equal((await scrape(scene, server)).status, 200);
  /* One that serves stays, also while it tells of the whole database. */
  const status = await scene.send(server.admin, get("/_ph/status.json"));

  assert.equal(status.status, 200);
  assert.equal(server.grep(/event=admin\.timeout/).length, 1);
});

test("Prometheus' text, and every metric is documented", async (t, scene) => {
  const server = await start(scene);
  const before = await read(scene, server);

  for (let i = 0; i < 5; i++) await scene.send(server, call("echo", i));
  await scene.send(server, call("waits_memoized", "x"));
  await scene.send(server, get("/_dash-none"));
  const after = await until("the numbers", async () => {
    const now = await read(scene, server);

    return (
      now.get('pronghorn_requests_total{class="2xx"}') >= 6 &&
      now.get('pronghorn_requests_total{class="4xx"}') >= 1 &&
      [...now.keys()].some((key) => /computation_duration_seconds_count\{/.test(key)) &&
      now
    );
  });
  const answer = await scrape(scene, server);

  assert.equal(
    answer.field("content-type"),
    "text/plain; version=0.0.4; charset=utf-8",
  );
  assert.equal(before.get("pronghorn_workers_ready"), 2);
  assert.equal(after.get("pronghorn_threads"), 4);
  assert.ok(
    [...after.keys()].some((key) =>
      /callback_duration_seconds_count\{callback="echo"\}/.test(key),
    ),
    [...after.keys()].join("\n"),
  );
  const docs = fs.readFileSync(path.join(ROOT, "docs/OPERATIONS.md"), "utf8");

  for (const name of after.types.keys())
    assert.ok(docs.includes(`\`${name}\``), `${name} in OPERATIONS.md`);
});

test("off the public address unless asked for", async (t, scene) => {
  const server = await start(scene);

  assert.equal((await scene.send(server, get("/_ph/metrics"))).status, 404);
  /* And no app of the users on the other one. */
  assert.equal((await scene.send(server.admin, get("/"))).status, 404);

  const open = await scene.start({ app: "zoo", args: ["--metrics-public"] });
  const answer = await scene.send(open, get("/_ph/metrics"));

  assert.equal(answer.status, 200);
  check(answer.text);
});

test("counters do not fall when workers go", async (t, scene) => {
  const server = await start(scene, { args: ["--max-requests", "40"] });
  let last = await read(scene, server);
  const look = async () => {
    const now = await read(scene, server);

    for (const [key, value] of last) {
      const name = key.replace(/\{.*/, "");
      const kind = last.types.get(name.replace(/_(bucket|sum|count)$/, ""));

      if (last.types.get(name) === "counter" || kind === "histogram")
        assert.ok(now.get(key) >= value, `${key}: ${value}, ${now.get(key)}`);
    }
    last = now;
    return now;
  };

  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 30; i++) await scene.send(server, call("echo", i));
    if (round === 2) server.kill("SIGHUP");
    await look();
  }
  await until("all 120 answers", async () => {
    const now = await look();

    return now.get('pronghorn_requests_total{class="2xx"}') >= 120;
  }, 20);
  await until("ended workers", async () => {
    const now = await look();

    return (
      now.get('pronghorn_worker_ends_total{reason="asked"}') >= 2 &&
      now.get('pronghorn_reloads_total{result="ok"}') === 1
    );
  }, 20);
  /* Any may be on its way out: one that was asked to go and is killed then has
   * not crashed. So one after the other, until one has. */
  const ends = (now) => [...now].filter(([key]) => key.startsWith("pronghorn_worker_ends_total"))
    .reduce((sum, [, value]) => sum + value, 0);

  await until("a crashed worker", async () => {
    const known = ends(await look());
    const pid = server.workers().at(-1);

    if (pid === undefined) return false;
    try {
      server.kill("SIGKILL", pid);
    } catch (error) {
      assert.equal(error.code, "ESRCH");
    }
    await until("its end to be counted", async () => ends(await look()) > known);
    return last.get('pronghorn_worker_ends_total{reason="crashed"}') >= 1;
  }, 30);
});

test("metrics are there while all workers hang", async (t, scene) => {
  const server = await start(scene);

  for (const pid of server.workers()) server.kill("SIGSTOP", pid);
  const samples = await read(scene, server);

  assert.equal(samples.get("pronghorn_workers_wanted"), 2);
  for (const pid of server.workers()) server.kill("SIGCONT", pid);
});

test("the admin process is started again", async (t, scene) => {
  const server = await start(scene);
  const [, pid] = await server.waitFor(/event=admin\.fork child=(\d+)/);

  server.kill("SIGKILL", Number(pid));
  await server.waitFor(/event=admin\.fork child=(\d+)/, { count: 2 });
  await until("metrics", async () => {
    const answer = await scrape(scene, server).catch(() => null);

    return answer?.status === 200;
  });
  const end = await server.stop();

  assert.deepEqual(end, { status: 0, sig: null });
});

test("statsd, plain and with tags", async (t, scene) => {
  for (const [args, pattern] of [
    [[], /^my\.app\.pronghorn\.requests\.2xx:\d+\|c$/m],
    [
      ["--dogstatsd-tags", "env:test"],
      /^my\.app\.pronghorn\.requests:\d+\|c\|#env:test,class:2xx$/m,
    ],
  ]) {
    const socket = dgram.createSocket("udp4");
    let text = "";

    socket.on("message", (data) => {
      assert.ok(data.length <= 1400);
      text += `${data}\n`;
    });
    await new Promise((done) => socket.bind(0, "127.0.0.1", done));
    scene.later(() => socket.close());
    const server = await scene.start({
      app: "zoo",
      args: [
        ...["--statsd-host", `127.0.0.1:${socket.address().port}`],
        ...["--statsd-prefix", "my.app", ...args],
      ],
    });

    for (let i = 0; i < 3; i++) await scene.send(server, call("echo", 1));
    await until("lines", () => pattern.test(text));
    await until("a percentile", () =>
      /^my\.app\.pronghorn\.request_duration_seconds\.p95:[\d.]+\|g/m.test(text),
    );
    for (const line of text.trim().split("\n"))
      assert.match(
        line,
        /^[\w.-]+:-?[\d.]+(e[+-]?\d+)?\|[cg](\|#[\w.:,<>-]+)?$/,
      );
  }
});

test("what statsd loses is no line of a log", async (t, scene) => {
  const socket = dgram.createSocket("udp4");

  await new Promise((done) => socket.bind(0, "127.0.0.1", done));
  const { port } = socket.address();

  /* Nobody there: the kernel refuses what comes after the first datagram. */
  await new Promise((done) => socket.close(done));
  const server = await start(scene, {
    args: ["--statsd-host", `127.0.0.1:${port}`],
  });
  const number = async (name) =>
    Number(
      new RegExp(`^pronghorn_${name} (\\d+)$`, "m").exec(
        (await scrape(scene, server)).text,
      )?.[1],
    );

  await until("a lost datagram", async () =>
    (await number("statsd_drops_total")) > 0);
  assert.equal(await number("master_log_drops_total"), 0);
});

test("health, readiness, and drain_delay", async (t, scene) => {
  const server = await start(scene, { args: ["--drain-delay", "2"] });
  const ask = async (target) => (await scene.send(server, get(target))).status;

  assert.equal(await ask("/_ph/health"), 200);
  assert.equal(await ask("/_ph/ready"), 200);
  assert.equal(
    (await scene.send(server.admin, get("/_ph/ready"))).status,
    200,
  );
  const since = Date.now();

  server.kill("SIGTERM");
  await until("not ready", async () => (await ask("/_ph/ready")) === 503);
  assert.equal(await ask("/_ph/health"), 200);
  assert.equal((await scene.send(server, call("echo", 1))).status, 200);
  assert.equal(
    (await scene.send(server.admin, get("/_ph/ready"))).text,
    "the server is stopping\n",
  );
  assert.deepEqual(await server.exited, { status: 0, sig: null });
  assert.ok(Date.now() - since >= 1900, "not before drain_delay is over");
});
