/* SPDX-License-Identifier: MIT */

/*
 * POST _dash-update-component with everything wrong that a body can have: the
 * status says so, the worker lives, and nothing is computed.
 */
import assert from "node:assert/strict";
import { SLOW, test } from "../lib/harness.mjs";
import { cpuSeconds } from "../lib/op_process.mjs";
import { callbackBody } from "../lib/session.mjs";
import { get, post, request } from "../lib/wire.mjs";
import { call, result } from "../lib/zoo.mjs";

const WRONG = [null, [], ["x"], 1, -0.5, "x", "", {}, { a: 1 }, true, false];
const good = () => callbackBody("signal.children", "apples");

/* What is sent in place of one field; `undefined` leaves it out. */
const FIELDS = [
  ["output", (body, value) => (body.output = value)],
  ["outputs", (body, value) => (body.outputs = value)],
  ["outputs.id", (body, value) => (body.outputs.id = value)],
  ["outputs.property", (body, value) => (body.outputs.property = value)],
  ["inputs", (body, value) => (body.inputs = value)],
  ["inputs[0]", (body, value) => (body.inputs[0] = value)],
  ["inputs[0].id", (body, value) => (body.inputs[0].id = value)],
  ["inputs[0].property", (body, value) => (body.inputs[0].property = value)],
  ["state", (body, value) => (body.state = value)],
  ["changedPropIds", (body, value) => (body.changedPropIds = value)],
  ["changedPropIds[0]", (body, value) => (body.changedPropIds[0] = value)],
];

function isRight(field, value) {
  if (field === "state") return value === undefined || isEmptyList(value);
  if (field === "changedPropIds")
    return (
      value === undefined ||
      (Array.isArray(value) && value.every((item) => typeof item === "string"))
    );
  if (field === "changedPropIds[0]") return typeof value === "string";
  return false;
}

function isEmptyList(value) {
  return Array.isArray(value) && value.length === 0;
}

/* worker/update.c: 500 for a text that is no output, 400 for the rest. */
function expected(field, value) {
  if (isRight(field, value)) return 200;
  return field === "output" && typeof value === "string" ? 500 : 400;
}

/* A server where only "apples" has been computed, on one connection. */
async function warm(scene, options) {
  const server = await scene.start({
    threads: 2,
    env: { PH_DEMO_DELAY: "0" },
    ...options,
  });
  const wire = await scene.connect(server);
  const ask = async (bytes) => {
    wire.write(bytes);
    return wire.answer();
  };

  if (!options?.app) {
    assert.equal((await ask(post(good()))).status, 200);
    assert.equal(server.computations().length, 1);
  }
  return { server, wire, ask, worker: server.workers()[0] };
}

/* The same worker lives, answers, and nothing more was computed. */
async function isUnharmed(scene, { server, worker }) {
  const answer = await scene.send(server, post(good()));

  assert.equal(answer.status, 200);
  assert.deepEqual(server.workers(), [worker]);
  assert.equal(server.computations().length, 1);
}

test("wrong types in every field", async (t, scene) => {
  const site = await warm(scene);
  let count = 0;

  for (const [field, change] of FIELDS) {
    for (const value of [...WRONG, undefined]) {
      const body = good();

      change(body, value);
      const answer = await site.ask(post(JSON.stringify(body)));

      assert.equal(
        answer.status,
        expected(field, value),
        `${field}: ${JSON.stringify(value)}`,
      );
      count++;
    }
  }
  for (const value of WRONG) {
    const answer = await site.ask(post(JSON.stringify(value)));

    assert.equal(answer.status, 400, `body: ${JSON.stringify(value)}`);
    count++;
  }
  await isUnharmed(scene, site);
  t.diagnostic(`${count} bodies with a field of another type`);
});

test("values of another type compute nothing", async (t, scene) => {
  const site = await warm(scene);

  for (const value of [...WRONG, undefined, "durians", "a".repeat(10000)]) {
    for (const output of ["signal.children", "graph-2.figure"]) {
      const body = callbackBody(output, value);
      const { status } = await site.ask(post(JSON.stringify(body)));
      const what = `${output} for ${JSON.stringify(value)?.slice(0, 20)}`;

      assert.ok([204, 400, 500].includes(status), `${what}: ${status}`);
      assert.equal(site.server.computations().length, 1, what);
    }
  }
  await isUnharmed(scene, site);
});

test("requests that do not fit the definition", async (t, scene) => {
  const site = await warm(scene);
  const outputs = (id, property) => ({ id, property });
  const changed = (change) => {
    const body = good();

    change(body);
    return body;
  };
  const table = [
    [500, { ...good(), output: "nobody.children" }],
    [500, { ...good(), output: "signal.value" }],
    [500, { ...good(), output: "..signal.children.." }],
    [500, { ...good(), output: "signal.children\u0001" }],
    [500, { ...good(), output: "x".repeat(100000) }],
    [400, { ...good(), outputs: outputs("graph-1", "figure") }],
    [400, { ...good(), outputs: [outputs("signal", "children")] }],
    [400, { ...good(), outputs: outputs("signal", "children@1") }],
    [400, changed((body) => body.inputs.push(body.inputs[0]))],
    [400, changed((body) => body.inputs.pop())],
    [400, changed((body) => (body.inputs[0].id = "signal"))],
    [400, changed((body) => (body.inputs[0].property = "children"))],
    [400, changed((body) => (body.inputs = [body.inputs]))],
    [400, { ...good(), state: [{ id: "a", property: "b", value: 1 }] }],
    [200, { ...good(), unknown: { more: [1, 2, 3] } }],
    [200, { ...good(), parsedChangedPropsIds: undefined }],
  ];

  for (const [status, body] of table) {
    const answer = await site.ask(post(JSON.stringify(body)));

    assert.equal(answer.status, status, JSON.stringify(body).slice(0, 200));
  }
  await isUnharmed(scene, site);
  t.diagnostic(`${table.length} bodies`);
});

/* Not JSON, or JSON that is refused. */
const NOT_JSON = [
  ["", 400],
  [" ", 400],
  ["null", 400],
  ["{", 400],
  ["}", 400],
  ['{"output"', 400],
  ['{"output":', 400],
  ['{"output":"signal.children"', 400],
  ['{"output":"signal.children",}', 400],
  ["{'output':'signal.children'}", 400],
  ["{output:1}", 400],
  ["output=signal.children", 400],
  ["<xml/>", 400],
  ["{}{}", 400],
  ["{} x", 400],
  ['{"1":1,', 400],
  ['{"a":01}', 400],
  ['{"a":+1}', 400],
  ['{"a":.5}', 400],
  ['{"a":1.}', 400],
  ['{"a":1e}', 400],
  ['{"a":-}', 400],
  ['{"a":NaN}', 400],
  ['{"a":Infinity}', 400],
  ['{"a":tru}', 400],
  ['{"a":"\\x41"}', 400],
  ['{"a":"\\u12"}', 400],
  ['{"a":"\\uZZZZ"}', 400],
  ['{"a":"\\ud800"}', 400],
  ['{"a":"\\udc00\\ud800"}', 400],
  ['{"a":"\\ud800\\u0041"}', 400],
  ['{"a":"\\u0000"}', 400],
  ['{"a":"tab\t"}', 400],
  ['{"a":"newline\n"}', 400],
  ['{"a":"unterminated', 400],
  ['{"a":"\\', 400],
  ['{"a":1e400}', 400],
  ['{"a":-1e400}', 400],
  [`{"a":${"9".repeat(1000)}}`, 400],
  ["\ufeff{}", 400],
  [Buffer.from('{"a":"\xff"}', "latin1"), 400],
  [Buffer.from('{"a":"\xc0\xaf"}', "latin1"), 400],
  [Buffer.from('{"a":"\xed\xa0\x80"}', "latin1"), 400],
  [Buffer.from("{\0}", "latin1"), 400],
  [Buffer.from(JSON.stringify(good()), "utf16le"), 400],
  [`${JSON.stringify(good())}\0`, 400],
  ['{"output":"signal.children","output":"graph-1.figure"}', 400],
];

test("bodies that are not JSON [H8]", async (t, scene) => {
  const site = await warm(scene);

  for (const [body, status] of NOT_JSON) {
    const answer = await site.ask(post(body));

    assert.equal(answer.status, status, String(body).slice(0, 80));
  }
  await isUnharmed(scene, site);
  t.diagnostic(`${NOT_JSON.length} bodies: 400`);
});

test("huge and deep JSON [H8]", { seconds: 120 }, async (t, scene) => {
  const site = await warm(scene, {
    args: ["--limit-request-body", "32MiB"],
  });
  const body = (value) =>
    `${JSON.stringify(good()).slice(0, -1)},"more":${value}}`;
  const nested = (depth) => "[".repeat(depth) + "]".repeat(depth);
  const keys = (count) =>
    `{${Array.from({ length: count }, (_, i) => `"k${i}":0`).join(",")}}`;
  const table = [
    ["10 MB of zeros", `[0${",0".repeat(5e6 - 1)}]`, 413],
    ["10 MB of zeros, no end", `[0${",0".repeat(5e6 - 1)}`, 413],
    ["10 MB of zeros in a field", body(`[0${",0".repeat(5e6 - 1)}]`), 413],
    ["10 MB of objects", `[{}${",{}".repeat(3e6)}]`, 413],
    ["10 MB of text", body(JSON.stringify("x".repeat(1e7))), 200],
    ["1,001 nested arrays", nested(1001), 400],
    ["2,000 nested arrays", nested(2000), 400],
    ["100,000 nested arrays", nested(1e5), 400],
    ["2,000 open arrays", "[".repeat(2000), 400],
    ["1,000 nested arrays in a field", body(nested(1000)), 400],
    ["5 million open arrays", "[".repeat(5e6), 400],
    ["nested objects", body('{"a":'.repeat(1000) + "1" + "}".repeat(1000)), 400],
    ["50 nested arrays in a field", body(nested(50)), 200],
    ["a million keys", body(keys(1e6)), 413],
    ["10 MB of one number", body("9".repeat(1e7)), 400],
    ["10 MB of escapes", body(`"${"\\u0041".repeat(1.6e6)}"`), 200],
  ];
  const before = site.server.rss(site.worker);

  for (const [what, text, status] of table) {
    const start = cpuSeconds(site.worker);
    const answer = await site.ask(post(text));
    const ms = (cpuSeconds(site.worker) - start) * 1000;

    assert.equal(answer.status, status, what);
    /* Of the processor, whatever else the machine does. */
    assert.ok(ms < 1000 * SLOW, `${what} took ${ms} ms`);
    t.diagnostic(`${what}: ${answer.status} in ${ms.toFixed(0)} ms`);
  }
  const grown = site.server.rss(site.worker) - before;

  t.diagnostic(`the worker grew by ${(grown / 1e6).toFixed(1)} MB`);
  assert.ok(grown < 64e6 * SLOW, `${grown} bytes`);
  await isUnharmed(scene, site);
});

test("10 MB of zeros with the default limits [H8]", async (t, scene) => {
  const site = await warm(scene);
  const wire = await scene.connect(site.server);
  const body = `[0${",0".repeat(5e6 - 1)}]`;

  /* Refused before it is read, and the client can read the answer. */
  wire.write(post(body));
  const answer = await wire.answer();

  assert.equal(answer.status, 413);
  assert.equal(answer.field("connection"), "close");
  await isUnharmed(scene, site);
});

test("only JSON, only POST", async (t, scene) => {
  const site = await warm(scene);
  const json = JSON.stringify(good());
  /* A refused body ends its connection. */
  const send = (bytes) => scene.send(site.server, bytes);
  const types = [
    ["application/json", 200],
    ["application/json;charset=UTF-8", 200],
    ["application/json ; charset=utf-8", 200],
    ["APPLICATION/JSON", 200],
    ["text/plain", 415],
    ["text/json", 415],
    ["text/plain; application/json", 415],
    ["application/jsonp", 415],
    ["application/json5", 415],
    ["application/x-www-form-urlencoded", 415],
    ["multipart/form-data; boundary=x", 415],
    ["", 415],
    [undefined, 415],
  ];

  for (const [type, status] of types) {
    const fields = type === undefined ? {} : { "Content-Type": type };
    const bytes = request("POST", "/_dash-update-component", {
      fields,
      body: json,
    });

    assert.equal((await send(bytes)).status, status, `type ${type}`);
  }
  for (const [coding, status] of [["identity", 200], ["deflate", 415], ["br", 415], ["", 415]]) {
    const bytes = post(json, { fields: { "Content-Encoding": coding } });

    assert.equal((await send(bytes)).status, status, `coding ${coding}`);
  }
  for (const method of ["GET", "PUT", "DELETE", "PATCH"]) {
    const answer = await site.ask(request(method, "/_dash-update-component"));

    assert.equal(answer.status, 405, method);
    assert.equal(answer.field("allow"), "POST, OPTIONS");
  }
  const options = await site.ask(request("OPTIONS", "/_dash-update-component"));

  assert.equal(options.status, 204);
  assert.equal(options.field("allow"), "POST, OPTIONS");
  assert.equal(options.field("content-type"), undefined, "of nothing");
  for (const target of ["/", "/_dash-layout", "/_dash-dependencies"]) {
    const answer = await send(post(json, { target }));

    assert.equal(answer.status, 405, target);
    assert.equal(answer.field("allow"), "GET, HEAD, OPTIONS");
    assert.equal((await site.ask(get(target))).status, 200);
  }
  assert.equal((await site.ask(request("BREW", "/"))).status, 501);
  await isUnharmed(scene, site);
});

test("values survive the way in and out", async (t, scene) => {
  const site = await warm(scene, { app: "zoo" });
  const values = [
    null,
    true,
    false,
    0,
    -1,
    0.1,
    1e308,
    5e-324,
    9007199254740991,
    -9007199254740991,
    "",
    "é\u20ac\u{1f600}",
    'quotes " \\ / \b\f\n\r\t \u0001\u007f',
    "</script><script>\u2028\u2029",
    [],
    {},
    [[], [{}], [null, [1, 2, [3]]]],
    { a: { "": [1, "x", null] }, "key with \"": true },
    "x".repeat(100000),
    Array.from({ length: 20000 }, (_, i) => i / 7),
  ];

  for (const value of values) {
    const answer = await site.ask(call("echo", value));

    assert.equal(answer.status, 200);
    assert.deepEqual(result(answer, "echo"), value);
  }
  t.diagnostic(`${values.length} values came back as they were`);
});
