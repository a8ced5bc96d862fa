/* SPDX-License-Identifier: MIT */

/*
 * Memory of callbacks: a worker that has run each kind very often holds no
 * more than one that has run it a little. The full size is 100,000 runs of
 * each kind; with ASAN_BUILD the same against a build with the address
 * sanitizer, whose search for leaks at the end must find none; and the same in
 * valgrind's massif, which counts every byte of the heap (an hour; MASSIF=2000
 * is two minutes). In the folder MEMORY_RESULTS, where it is given, each part
 * leaves what it has measured, for memory_report.mjs.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { commit, describe } from "../bench/machine.mjs";
import { BUILD, test } from "../lib/harness.mjs";
import { updateBody, Visitor } from "../lib/visitor.mjs";
import { get, post } from "../lib/wire.mjs";

const { ASAN_BUILD, MEMORY_RESULTS, STRESS } = process.env;
const RUNS = STRESS ? Number(process.env.COUNT ?? 100000) : 150;
const MASSIF_RUNS = Number(process.env.MASSIF ?? RUNS);
/* The store's own caches, of 8 MiB for each of three threads, are filled by
 * kinds that store: 100,000 other runs of such a kind need none at all. */
const CACHES = 3 * (8 << 20);
const BATCH = 50; /* requests on their way at a time */
const UPLOAD = `data:;base64,${Buffer.alloc(900, "upload").toString("base64")}`;

/* Per kind: the request of its n-th run. */
function kindsFor(fields, silent) {
  const ask = (output, value = (n) => n) => (n) =>
    post(updateBody(output, [["in.value", value(n)]]), { fields });
  const cell = (n) => ({ id: { type: "cell", index: 1 }, property: "value", value: n });
  const matches = (n) => ({
    output: '{"index":["MATCH"],"type":"match"}.children',
    outputs: { id: { type: "match", index: 1 }, property: "children" },
    inputs: [cell(n), [cell(n)]],
    changedPropIds: ['{"index":1,"type":"cell"}.value'],
  });
  const several = (n) => ({
    ...updateBody("several-1.children", [["in.value", n]]),
    output: "..several-1.children...several-2.children..",
    outputs: [1, 2].map((i) => ({ id: `several-${i}`, property: "children" })),
  });

  return {
    small: ask("small.children"),
    plain: ask("plain.children"),
    several: (n) => post(several(n), { fields }),
    memoized: ask("kept.children"),
    "from cache": ask("kept.children", () => 1),
    memo: ask("asks.children"),
    "new memo": ask("computes.children"),
    query: ask("queries.children"),
    figure: ask("draws.figure"),
    patch: ask("patches.figure"),
    error: ask("fails.children"),
    "error, alone": ask("breaks.children"),
    "no update": ask("nothing.children"),
    "no output": (n) => post({ ...updateBody(silent, [["quiet.value", n]]), outputs: undefined }, { fields }),
    pattern: (n) => post(matches(n), { fields }),
    session: ask("remembers.children"),
    "on server": ask("keeps.data"),
    cache: ask("stores.children"),
    file: () => post(updateBody("takes.data", [["up.contents", UPLOAD]]), { fields }),
    route: () => get("/route", { fields }),
    rows: () => get("/rows", { fields }),
    form: () =>
      post("name=a+b", {
        target: "/form",
        fields: { ...fields, "Content-Type": "application/x-www-form-urlencoded" },
      }),
    layout: () => get("/_dash-layout", { fields }),
    job: ask("behind.children"),
  };
}

/* The other kinds answer 200. */
const STATUS = { "error, alone": 500, "no update": 204 };

/* Send requests, all at once; their answers in order. */
async function exchange(wire, requests, name) {
  const answers = [];

  wire.write(Buffer.concat(requests));
  while (answers.length < requests.length) {
    const answer = await wire.answer();

    assert.equal(answer.status, STATUS[name] ?? 200, `${name}: ${answer.text.slice(0, 200)}`);
    answers.push(answer);
  }
  return answers;
}

/* Ask for background callbacks until they are over, as a page does. */
async function follow(wire, jobs, fields) {
  const body = {
    ...updateBody("behind.children", [["in.value", null]]),
    changedPropIds: [],
  };

  while (jobs.length > 0) {
    const requests = jobs.map((job) =>
      post(body, {
        fields,
        target: `/_dash-update-component?cacheKey=${job}&job=${job}`,
      }),
    );
    const answers = await exchange(wire, requests, "job");

    jobs = jobs.filter((_, i) => !answers[i].json().response);
  }
}

async function runKind(wire, request, runs, name, fields) {
  for (let done = 0; done < runs; done += BATCH) {
    const count = Math.min(BATCH, runs - done);
    const answers = await exchange(
      wire,
      Array.from({ length: count }, (_, i) => request(done + i)),
      name,
    );

    if (name === "job")
      await follow(wire, answers.map((answer) => answer.json().job), fields);
  }
}

async function start(scene, options) {
  const server = scene.server({
    app: "kinds",
    threads: 2,
    /* One of the kinds fails each time, and says so. */
    args: ["--keep-alive", "600", "--graceful-timeout", "60"],
    ...options,
  });

  await server.waitFor(/event=master\.ready/, { seconds: 120 });
  return server.ready();
}

/*
 * Runs of all kinds in turn, so that a leak of one shows against the others;
 * with more `rounds` all of them come in every part of the time.
 */
async function runAll(t, scene, server, runs, { rounds = 1, memory = () => 0 }) {
  const visitor = new Visitor(scene, server);

  await visitor.get("/");
  const fields = visitor.fields();
  const dependencies = (await visitor.get("/_dash-dependencies")).json();
  const { output: silent } = dependencies.find((one) => one.no_output);
  const kinds = kindsFor(fields, silent);
  const wire = await scene.connect(server);
  const report = {};

  for (const [name, request] of Object.entries(kinds)) {
    report[name] = { bytes: 0, ms: 0 };
    await runKind(wire, request, Math.ceil(runs / 10), name, fields);
  }
  const marks = [memory()];

  for (let round = 0; round < rounds; round++) {
    for (const [name, request] of Object.entries(kinds)) {
      const before = memory();
      const from = Date.now();

      await runKind(wire, request, Math.ceil(runs / rounds), name, fields);
      report[name].bytes += memory() - before;
      report[name].ms += Date.now() - from;
    }
    marks.push(memory());
  }
  t.diagnostic(`KiB more after ${runs} runs: ${Object.entries(report)
    .map(([name, { bytes, ms }]) => `${name} ${bytes >> 10} in ${(ms / 1000).toFixed(1)} s`)
    .join(", ")}`);
  t.diagnostic(`KiB warm, and after each round: ${marks.map((n) => n >> 10).join(", ")}`);
  return { marks, report };
}

/* Numbers are KiB. */
function record(part, runs, report, measured) {
  if (!MEMORY_RESULTS) return;
  const kinds = Object.entries(report).map(([name, { bytes, ms }]) => [
    name,
    { more: bytes >> 10, ms },
  ]);

  fs.mkdirSync(MEMORY_RESULTS, { recursive: true });
  fs.writeFileSync(
    path.join(MEMORY_RESULTS, `${part}.json`),
    `${JSON.stringify({
      ...{ part, runs, ended: new Date().toISOString(), ...commit() },
      ...{ machine: describe(), ...measured, kinds: Object.fromEntries(kinds) },
    }, null, 1)}\n`,
  );
}

const inKiB = (bytes) => Math.round(bytes / 1024);

const minutes = (count) => ({ seconds: count * 60 });

/* A sanitizer keeps what is freed for a while; with one there is the next. */
const skip = /-[at]san$/.test(BUILD) && "not with a sanitizer";

test(`${RUNS} runs of each kind`, { ...minutes(STRESS ? 90 : 3), skip }, async (t, scene) => {
  const server = await start(scene);
  const [pid] = server.workers();
  const { marks, report } = await runAll(t, scene, server, RUNS, {
    rounds: 2,
    memory: () => server.rss(pid),
  });
  const [warm, half, end] = marks;

  record("plain", RUNS, report, { marks: marks.map(inKiB) });
  assert.ok(end - warm < CACHES + (4 << 20), `${(end - warm) >> 10} KiB more`);
  assert.ok(end - half < 4 << 20, `${(end - half) >> 10} KiB more in the second half`);
});

test(
  `${RUNS} runs of each kind, and no leak`,
  { ...minutes(240), skip: !(STRESS && ASAN_BUILD) && "needs STRESS and ASAN_BUILD" },
  async (t, scene) => {
    const server = await start(scene, {
      program: path.join(ASAN_BUILD, "pronghorn"),
      /* What is freed is to be given back, or it would look like a leak. */
      env: { ASAN_OPTIONS: "detect_leaks=1:quarantine_size_mb=1" },
    });
    const [pid] = server.workers();
    const { marks, report } = await runAll(t, scene, server, RUNS, {
      rounds: 2,
      memory: () => server.rss(pid),
    });
    const [, half, end] = marks;

    /* The sanitizer's own book-keeping grows with what has ever been held. */
    assert.ok(end - half < 8 << 20, `${(end - half) >> 10} KiB more in the second half`);
    await server.stop();
    const findings = server.grep(/AddressSanitizer|LeakSanitizer/);

    record("asan", RUNS, report, { marks: marks.map(inKiB), findings: findings.length });
    assert.deepEqual(findings, []);
  },
);

/* [bytes of the heap] in the order in which massif saw them. */
function heapOf(file) {
  return [...fs.readFileSync(file, "utf8").matchAll(/^mem_heap_B=(\d+)$/gm)].map(
    ([, bytes]) => Number(bytes),
  );
}

test(
  `${MASSIF_RUNS} runs of each kind in massif`,
  { ...minutes(240), skip: !STRESS && "takes long: STRESS=1" },
  async (t, scene) => {
    const folder = scene.dir();
    const server = await start(scene, {
      threads: 1,
      wrapper: [
        ...["valgrind", "-q", "--tool=massif", "--detailed-freq=100000"],
        `--massif-out-file=${folder}/massif.%p`,
      ],
    });
    const [pid] = server.workers();

    const { report } = await runAll(t, scene, server, MASSIF_RUNS, { rounds: 20 });

    await server.stop();
    const heap = heapOf(path.join(folder, `massif.${pid}`));
    const half = heap.slice(heap.length / 3, (2 * heap.length) / 3);
    const rest = heap.slice((2 * heap.length) / 3);
    const [second, last] = [half, rest].map((list) => inKiB(Math.max(...list)));

    t.diagnostic(
      `heap of the worker: at most ${second} KiB in the second third, ${last} KiB in the last`,
    );
    record("massif", MASSIF_RUNS, report, { marks: [second, last] });
    assert.ok(last < second + 512);
  },
);
