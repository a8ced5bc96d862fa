/* SPDX-License-Identifier: MIT */

/*
 * Memory of callbacks: a worker that has run a kind very often holds no more
 * than one that has run it a little. The full size is 100,000 runs of each
 * kind, each in a server of its own, in three parts:
 *
 *   plain   what the process has of its own (anonymous memory: heap and stacks;
 *           the pages of the cache's file that it has mapped are the file's)
 *   asan    a server and an app (all of the SDK's inline functions are in that)
 *           with the address sanitizer: no finding, and no leak at the end
 *   massif  every byte of the heap in valgrind's massif, which is slow: MASSIF
 *           is the number of runs there
 *   bounds  what a worker remembers on purpose, with the bounds of the release:
 *           ever new values, until they are reached
 *
 *   STRESS=1 ASAN_BUILD=folder   all of it, else a little of the first part
 *   PARTS="asan massif"          only these
 *   COUNT=1000 MASSIF=100        other numbers of runs
 *   MEMORY_RESULTS=folder        what is measured is left there kind by kind, for
 *                                memory_report.mjs; what is there is not run again
 *   PAUSE=file                   wait as long as there is such a file
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { commit, describe } from "../bench/machine.mjs";
import { BUILD, test } from "../lib/harness.mjs";
import { updateBody, Visitor } from "../lib/visitor.mjs";
import { get, post } from "../lib/wire.mjs";
import { growth, isFlat, PARTS as LIMITS } from "./memory_report.mjs";

const { ASAN_BUILD, MEMORY_RESULTS, PAUSE, STRESS } = process.env;
const RUNS = Number(process.env.COUNT ?? 100000);
const MASSIF_RUNS = Number(process.env.MASSIF ?? RUNS);
const PARTS = (process.env.PARTS ?? "plain asan massif bounds").split(" ");
const MARKS = 10; /* looks at the memory, evenly */
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
    wait: ask("waits.children"),
    scratch: ask("scratches.children"),
    "set props": ask("sets.children"),
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

async function runKind(wire, request, { from, runs, name, fields }) {
  for (let done = 0; done < runs; done += BATCH) {
    const count = Math.min(BATCH, runs - done);

    while (PAUSE && fs.existsSync(PAUSE)) await sleep(1000);
    const answers = await exchange(
      wire,
      Array.from({ length: count }, (_, i) => request(from + done + i)),
      name,
    );

    if (name === "job")
      await follow(wire, answers.map((answer) => answer.json().job), fields);
  }
}

/* What a process has in memory, in KiB: all of it, and what is its alone. */
function memoryOf(pid) {
  const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
  const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)[1]);

  return { resident: field("Rss"), own: field("Anonymous") };
}

/*
 * What a worker remembers on purpose has bounds (cache_memory, answer_memory, and
 * the entries of the store, whose pages SQLite keeps): they are small, so that
 * they are reached before the first look.
 */
const BOUNDS = ["--cache-memory", "512KiB", "--answer-memory", "512KiB"];
/* A job has three entries, which have to be there for as long as it runs. */
const ENTRIES = { job: 10000 };

async function start(scene, { kind, bounds = true, ...options } = {}) {
  const server = scene.server({
    app: "kinds",
    threads: 2,
    args: [
      ...(bounds ? BOUNDS : []),
      ...["--cache-threshold", ENTRIES[kind] ?? (kind && bounds ? 500 : 10000)],
      ...["--keep-alive", "600", "--graceful-timeout", "60"],
    ],
    ...options,
  });

  await server.waitFor(/event=master\.ready/, { seconds: 120 });
  await server.ready();
  return server;
}

/* A page's connection, and the kinds of requests that it may send. */
async function visit(scene, server) {
  const visitor = new Visitor(scene, server);

  await visitor.get("/");
  const fields = visitor.fields();
  const dependencies = (await visitor.get("/_dash-dependencies")).json();
  const { output: silent } = dependencies.find((one) => one.no_output);

  return { fields, kinds: kindsFor(fields, silent), wire: await scene.connect(server) };
}

/*
 * Runs of one kind, after a tenth as many that make it warm: the memory then and
 * after each of MARKS equal steps.
 */
async function runOne(scene, server, name, runs) {
  const { fields, kinds, wire } = await visit(scene, server);
  const [pid] = server.workers();
  const warm = Math.ceil(runs / MARKS);
  const marks = [];
  const began = Date.now();

  for (let done = 0; done < warm + runs; done += warm) {
    await runKind(wire, kinds[name], { from: done, runs: warm, name, fields });
    marks.push(memoryOf(pid));
  }
  wire.destroy();
  return {
    seconds: (Date.now() - began) / 1000,
    own: marks.map(({ own }) => own),
    resident: marks.map(({ resident }) => resident),
  };
}

const fileOf = (part, name) =>
  path.join(MEMORY_RESULTS, `${part}-${name.replaceAll(/\W+/g, "-")}.json`);

function record(part, name, runs, measured) {
  if (!MEMORY_RESULTS) return;
  fs.mkdirSync(MEMORY_RESULTS, { recursive: true });
  fs.writeFileSync(
    fileOf(part, name),
    `${JSON.stringify({
      ...{ part, kind: name, runs, ended: new Date().toISOString(), ...commit() },
      ...{ machine: describe(), ...measured },
    }, null, 1)}\n`,
  );
}

const minutes = (count) => ({ seconds: count * 60 });

/* A sanitizer keeps what is freed for a while; with one there is the asan part. */
const skip = /-[at]san$/.test(BUILD) && "not with a sanitizer";

test("150 runs of each kind", { ...minutes(3), skip: skip || STRESS }, async (t, scene) => {
  const server = await start(scene);
  const { fields, kinds, wire } = await visit(scene, server);
  const [pid] = server.workers();
  const marks = [];

  for (let round = 0; round < 3; round++) {
    for (const [name, request] of Object.entries(kinds))
      await runKind(wire, request, { from: 50 * round, runs: 50, name, fields });
    marks.push(memoryOf(pid).own);
  }
  t.diagnostic(`KiB after each 50 of each kind: ${marks.join(", ")}`);
  assert.ok(marks[2] - marks[1] < 4096, `${marks[2] - marks[1]} KiB more`);
});

/* One test per kind of a part of the campaign. */
function campaign(part, runs, body, skipped, names = Object.keys(kindsFor({}, ""))) {
  if (!STRESS) return;
  for (const name of names) {
    const why =
      (!PARTS.includes(part) && "not in PARTS") ||
      (MEMORY_RESULTS && fs.existsSync(fileOf(part, name)) && "has its result") ||
      skipped;

    test(`${part}: ${runs} of ${name}`, { ...minutes(240), skip: why }, async (t, scene) => {
      const measured = await body(scene, name, runs);
      const what = `${growth({ part, ...measured })} KiB more, bound ${LIMITS[part].more}`;

      t.diagnostic(`${what}, in ${measured.seconds} s: ${JSON.stringify(measured)}`);
      record(part, name, runs, measured);
      assert.ok(isFlat({ part, ...measured }), `${what}, ${measured.findings ?? 0} findings`);
    });
  }
}

campaign(
  "plain",
  RUNS,
  async (scene, name, runs) => runOne(scene, await start(scene, { kind: name }), name, runs),
  skip,
);

campaign(
  "asan",
  RUNS,
  async (scene, name, runs) => {
    const server = await start(scene, {
      kind: name,
      program: path.join(ASAN_BUILD, "pronghorn"),
      app: path.join(ASAN_BUILD, "test-apps/kinds.so"),
      /* What is freed is to be given back, or it would look like a leak. */
      env: { ASAN_OPTIONS: "detect_leaks=1:quarantine_size_mb=1" },
    });
    const measured = await runOne(scene, server, name, runs);

    await server.stop();
    const findings = server.grep(/AddressSanitizer|LeakSanitizer|runtime error/);

    return { ...measured, findings: findings.length };
  },
  !ASAN_BUILD && "needs ASAN_BUILD",
);

/* [KiB of the heap] in the order in which massif saw them. */
function heapOf(file) {
  return [...fs.readFileSync(file, "utf8").matchAll(/^mem_heap_B=(\d+)$/gm)].map(
    ([, bytes]) => Math.round(bytes / 1024),
  );
}

campaign("massif", MASSIF_RUNS, async (scene, name, runs) => {
  const folder = scene.dir();
  const server = await start(scene, {
    kind: name,
    threads: 1,
    wrapper: [
      ...["valgrind", "-q", "--tool=massif", "--detailed-freq=100000"],
      `--massif-out-file=${folder}/massif.%p`,
    ],
  });
  const [pid] = server.workers();
  const { seconds } = await runOne(scene, server, name, runs);

  await server.stop();
  return { seconds, heap: heapOf(path.join(folder, `massif.${pid}`)) };
});

campaign(
  "bounds",
  3 * RUNS,
  async (scene, name, runs) =>
    runOne(scene, await start(scene, { kind: name, bounds: false }), name, runs),
  skip,
  ["new memo"],
);
