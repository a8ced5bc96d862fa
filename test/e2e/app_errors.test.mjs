/* SPDX-License-Identifier: MIT */

/*
 * Apps that make mistakes: the client gets a fixed page with status 500 and
 * never the reason, the log gets the reason, and the next request works.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { ROOT, later, now, test, until, within } from "../lib/harness.mjs";
import { run } from "../lib/server.mjs";
import { connectionCount } from "../lib/sockets.mjs";
import { signals } from "../lib/points.mjs";
import { request } from "../lib/wire.mjs";
import { call, result, runs } from "../lib/zoo.mjs";

const BODY =
  '<!DOCTYPE html><html lang="en"><title>Internal Server Error</title>' +
  "<h1>Internal Server Error</h1></html>\n";

function isFixedError(answer) {
  assert.equal(answer.status, 500);
  assert.equal(answer.text, BODY);
  assert.match(answer.field("content-type"), /^text\/html/);
  assert.equal(answer.field("cache-control"), "no-store");
}

/* Ask on one connection, so that it is seen to survive errors. */
async function exchange(wire, bytes) {
  wire.write(bytes);
  return wire.answer();
}

const MISTAKES = [
  ["moody", "fail", /name=moody reason="<b>secret<\/b> reason"/],
  ["bare_error", 1, /name=bare_error reason="it returned PH_ERROR"/],
  ["bare_wait", 1, /name=bare_wait reason="PH_WAIT without a ph_memo\(\)/],
  ["bad_text", 1, /name=bad_text reason="output bad_text\.out: .*UTF-8/],
  ["wrong_output", 1, /ph_output\(\\?"nobody\.out\\?"\): not an output/],
  ["wrong_input", 1, /nobody\.value/],
  ["self", "s", /itself: the value depends on itself/],
];

test("mistakes of callbacks", async (t, scene) => {
  const server = await scene.start({ app: "zoo", threads: 2 });
  const [worker] = server.workers();
  const wire = await scene.connect(server);

  for (const [name, value, reason] of MISTAKES) {
    const from = server.lines.length;

    isFixedError(await exchange(wire, call(name, value)));
    await server.waitFor(/event=callback\.failed/, { from });
    assert.ok(
      server.lines.slice(from).some((line) => reason.test(line)),
      `the log says ${reason}`,
    );
    const next = await exchange(wire, call("moody", "fine"));

    assert.equal(result(next, "moody"), "fine", `after ${name}`);
  }
  assert.deepEqual(server.workers(), [worker]);
  t.diagnostic(`${MISTAKES.length} mistakes: 500 and the reason in the log`);
});

test("no update is 204", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const wire = await scene.connect(server);

  for (const name of ["nothing", "forgets"]) {
    const answer = await exchange(wire, call(name, 1));

    assert.equal(answer.status, 204, name);
    assert.equal(answer.field("content-type"), undefined);
  }
});

test("numbers that JSON cannot say are null", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const answer = await scene.send(server, call("not_a_number", 1));

  assert.deepEqual(result(answer, "not_a_number"), [null, null, null, 0.1]);
});

test("several outputs and a state", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const wire = await scene.connect(server);
  const body = (value, state) => ({
    output: "..several.a...several.b...other.c..",
    outputs: [
      { id: "several", property: "a" },
      { id: "several", property: "b" },
      { id: "other", property: "c" },
    ],
    inputs: [{ id: "in", property: "value", value }],
    changedPropIds: ["in.value"],
    state: [{ id: "extra", property: "state", value: state }],
  });
  const send = async (value) => {
    const json = JSON.stringify(value);
    const answer = await exchange(
      wire,
      request("POST", "/_dash-update-component", {
        fields: { "Content-Type": "application/json; charset=utf-8" },
        body: json,
      }),
    );

    assert.equal(answer.status, 200);
    return answer.json();
  };

  assert.deepEqual(await send(body("x", { deep: [1, "é", null] })), {
    multi: true,
    response: {
      several: { a: "x", b: "b" },
      other: { c: { deep: [1, "é", null] } },
    },
  });
  assert.deepEqual((await send(body(null, 1))).response, {
    several: { a: null },
    other: { c: 1 },
  });
  /* A value that is undefined in the browser is left out: null. */
  const absent = body("x", 1);

  delete absent.state[0].value;
  assert.equal((await send(absent)).response.other.c, null);
});

test("a memoized function that fails", async (t, scene) => {
  const server = await scene.start({
    app: "zoo",
    workers: 2,
    threads: 2,
    args: ["--compute-error-timeout", "1.5"],
  });
  const names = ["memo_fails", "memo_fails_memoized"];
  const wires = await Promise.all(
    Array.from({ length: 20 }, () => scene.connect(server)),
  );
  const answers = await Promise.all(
    wires.map((wire, i) => exchange(wire, call(names[i % 2], "apples"))),
  );

  answers.forEach(isFixedError);
  assert.equal(runs(server, "fails"), 1, "computed once for all of them");
  t.diagnostic("20 waiters: 20 x 500, 1 run");
  assert.match(
    signals(server.options.cacheDir, "fails")[0].error,
    /the query of apples failed/,
  );

  /* For a while its error is remembered, then it is tried again. */
  isFixedError(await exchange(wires[0], call("memo_fails", "apples")));
  assert.equal(runs(server, "fails"), 1);
  const start = now();

  await until("the next try", async () => {
    isFixedError(await exchange(wires[0], call("memo_fails", "apples")));
    return runs(server, "fails") === 2;
  });
  within(t, "until it is tried again", now() - start, 2500);
  isFixedError(await exchange(wires[1], call("memo_fails_memoized", "figs")));
});

test("memoized functions that ask for others", async (t, scene) => {
  for (const [workers, threads] of [
    [1, 1],
    [1, 3],
    [3, 1],
  ]) {
    const server = await scene.start({ app: "zoo", workers, threads });
    const wires = await Promise.all(
      Array.from({ length: 12 }, () => scene.connect(server)),
    );
    const answers = await Promise.all(
      wires.map((wire) => exchange(wire, call("chain", "é"))),
    );

    for (const answer of answers)
      assert.equal(result(answer, "chain"), "[(<é>)]");
    for (const name of ["innermost", "middle", "outermost"])
      assert.equal(runs(server, name), 1, `${name} runs once`);
    t.diagnostic(`${workers} x ${threads}: a chain of 3, each computed once`);
    await server.stop();
  }
});

test("a cycle is an error, not a deadlock", { seconds: 10 }, async (t, scene) => {
  const server = await scene.start({ app: "zoo", workers: 1, threads: 2 });
  const answer = await scene.send(server, call("cycle", "c"));

  isFixedError(answer);
});

test("a value of 20 MB", async (t, scene) => {
  const server = await scene.start({ app: "zoo", workers: 2, threads: 2 });

  for (const name of ["big", "big_memoized", "big", "big_memoized"]) {
    const start = now();
    const answer = await scene.send(server, call(name, "v"));

    assert.equal(answer.status, 200);
    const text = result(answer, name);

    assert.equal(text.length, 20e6);
    assert.match(text, /^ba+c$/);
    t.diagnostic(`${name}: ${(now() - start).toFixed(0)} ms`);
  }
  assert.equal(runs(server, "large"), 1);
});

test("waiting tasks hold no thread either", async (t, scene) => {
  const server = await scene.start({ app: "zoo", workers: 1, threads: 1 });
  const wires = await Promise.all(
    Array.from({ length: 100 }, () => scene.connect(server)),
  );
  const names = ["waits", "waits_memoized"];
  const quick = await scene.connect(server);

  await exchange(quick, call("chain", "warm"));
  let answered = 0;
  const answers = later(
    wires.map(async (wire, i) => {
      const answer = await exchange(wire, call(names[i % 2], "w"));

      answered++;
      return result(answer, names[i % 2]);
    }),
  );

  await server.waitFor(/run slow w/);
  assert.equal(answered, 0);
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(["w"]));
  assert.equal(runs(server, "slow"), 1);
  t.diagnostic("100 unmemoized and memoized callbacks, 1 run");
});

test("clients that leave while they wait", async (t, scene) => {
  const server = await scene.start({ app: "zoo", workers: 1, threads: 2 });
  const [worker] = server.workers();
  const names = ["waits", "waits_memoized", "naps"];
  const wires = await Promise.all(
    Array.from({ length: 30 }, () => scene.connect(server)),
  );

  wires.forEach((wire, i) =>
    wire.write(call(names[i % 3], i % 3 === 2 ? 0.2 : "gone")),
  );
  await server.waitFor(/run slow gone/);
  for (const wire of wires) wire.socket.resetAndDestroy();
  await until("all connections to be closed", () => connectionCount(server) === 0);
  const answer = await scene.send(server, call("waits", "gone"));

  assert.equal(result(answer, "waits"), "gone");
  assert.equal(runs(server, "slow"), 1, "the value is not lost");
  assert.deepEqual(server.workers(), [worker]);
});

/* Layouts, as one object has them: [name, layout, what else PH_APP() says]. */
const LAYOUTS = [
  ["good", 'html_div(.id = "a", .children = PH_CHILDREN(ph_text("x"), html_p(.id = "b")))'],
  ["list", 'PH_CHILDREN(html_div(.id = "a"), html_div(.id = "b"))'],
  ["plain", "html_p()"],
  ["open", 'html_div(.children = ph_text(ph_header(call, "A")))'],
  ["asks", 'html_div(.children = ph_query(call, "SELECT 1"))', "", /layout: it fails: ph_query\(\) .*\.blocking/],
  ["says", '(ph_fail(call, "not now"), NULL)', "", /layout: it fails: not now/],
  ["lacks", "html_div(.children = dcc_location())", "", /component Location needs property/],
  ["pattern", 'html_div(.id = PH_MATCH("x"))', "", /the id .*MATCH.* is a pattern, for callbacks/],
  ["raw", 'ph_json("{a")', "", /PH_JSON\(\{a\.\.\.\)/],
  ["nothing", "(const struct ph_value *)(call == NULL ? call : NULL)", "", /layout: the page: is NULL/],
  ["letters", 'html_div(.title = "\\xff")', "", /layout: the page: .*UTF-8/],
  ["number", "ph_int(7)", "", /layout: the page: is no component/],
  ["object", 'PH_OBJECT({ "a", ph_int(1) })', "", /layout: the page: is no component/],
  ["twice", 'html_div(.id = "a", .children = html_p(.id = "a"))', "", /the layout has two components with the id \\?"a\\?"/],
  [
    ...["twice_id", 'html_div(.id = ph_id("t", ph_int(1)), .children = html_p(.id = ph_id("t", ph_int(1))))'],
    ...["", /the layout has two components with the id .*index.*type/],
  ],
  ["nested", "html_div(.children = PH_CHILDREN(PH_CHILDREN(html_p())))", "", /component Div: \.children has a list with a list in it/],
  ["thing", 'html_div(.children = PH_OBJECT({ "a", ph_int(1) }))', "", /component Div: \.children is an object/],
  [
    ...["pages_twice", "html_div(.children = ph_page_container())"],
    'ph_page(app, "/", layout_good); ph_page(app, "/b", layout_twice);',
    /page \\?"\/b\\?" has two components with the id \\?"a\\?"/,
  ],
  [
    ...["pages_share", 'html_div(.children = PH_CHILDREN(html_p(.id = "b"), ph_page_container()))'],
    'ph_page(app, "/", layout_good);',
    /page \\?"\/\\?" has two components with the id \\?"b\\?"/,
  ],
  [
    ...["pages_apart", "html_div(.children = ph_page_container())"],
    'ph_page(app, "/", layout_good); ph_page(app, "/b", layout_good);',
  ],
];

const NOPE = 'ph_callback(app, work, PH_OUTPUT("b.children"), PH_INPUT("nope.value"));';
const CALLBACK = (more) =>
  `ph_callback(app, work, PH_OUTPUT("b.children"), PH_INPUT("a.n_clicks"), ${more});`;
/* Ids that are nowhere: refused in development, warnings otherwise. */
const IDS = [
  ["id", NOPE, /input .*nope\.value/],
  /* A layout that asks who asks leaves it open, unless another one says more. */
  ["unknown", NOPE, undefined, "open"],
  ["validated", `ph_validation_layout(app, layout_good); ${NOPE}`, /input .*nope\.value/, "open"],
  ["valid", `ph_validation_layout(app, layout_good); ${CALLBACK(".memoize = true")}`, undefined, "open"],
  ["pages_nowhere", 'ph_page(app, "/", layout_list);', /ph_page\(\): the layout has no ph_page_container\(\)/, "plain"],
  ["pages_later", 'ph_page(app, "/", layout_list); ph_validation_layout(app, layout_pages_apart);', undefined, "plain"],
  ["pages_open", 'ph_page(app, "/", layout_list);', undefined, "open"],
  ["running", CALLBACK('.running = PH_RUNNING(PH_WHILE("nope.disabled", ph_bool(true), ph_bool(false)))'), /\.running .*nope\.disabled/],
  ["cancel", CALLBACK('.background = true, .cancel = PH_TEXTS("nope.n_clicks")'), /\.cancel .*nope\.n_clicks/],
  ["progress", CALLBACK('.background = true, .progress = PH_PROGRESS({ "nope.value", ph_int(0) })'), /\.progress .*nope\.value/],
];

function layoutsObject(scene) {
  const functions = LAYOUTS.map(
    ([name, page]) => `
static const struct ph_value *
layout_${name}(struct ph_call *call)
{
	(void)call;
	return ${page};
}
`,
  );
  const apps = LAYOUTS.flatMap(([name, , more = ""]) => [
    `PH_APP(${name}) { struct ph_app *app = ${name}; ph_layout(app, layout_${name}); ${more} }\n`,
    `PH_APP(${name}_quiet) { struct ph_app *app = ${name}_quiet; ph_layout(app, layout_${name}); ${more}
	ph_options(app, .suppress_callback_exceptions = true); }\n`,
  ]);
  const ids = IDS.flatMap(([name, more, , layout = "good"]) => [
    `PH_APP(ids_${name}) { struct ph_app *app = ids_${name}; ph_layout(app, layout_${layout}); ${more} }\n`,
    `PH_APP(ids_${name}_quiet) { struct ph_app *app = ids_${name}_quiet; ph_layout(app, layout_${layout}); ${more}
	ph_options(app, .suppress_callback_exceptions = true); }\n`,
  ]);
  const source = scene.file(
    "layouts.c",
    `#include <pronghorn/dcc.h>
#include <pronghorn/data.h>
#include <pronghorn/html.h>
#include <pronghorn/pages.h>
static enum ph_status work(struct ph_call *call) { (void)call; return PH_OK; }
${[...functions, ...apps, ...ids].join("")}`,
  );
  const object = source.replace(/c$/, "so");

  execFileSync("cc", [
    ...["-std=c11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"],
    ...[`-I${ROOT}/worker/sdk`, "-o", object, source],
  ]);
  return object;
}

test("layouts that no browser could show do not start", { seconds: 120 }, async (t, scene) => {
  const object = layoutsObject(scene);
  const check = (name, ...args) =>
    run(scene, {
      args: ["--check-config", "--bind", "127.0.0.1:0", ...args, `${object}:${name}`],
    });

  for (const [name, , , why] of LAYOUTS)
    for (const variant of [name, `${name}_quiet`]) {
      const end = await check(variant);

      assert.equal(end.status, why ? 1 : 0, `${variant}: ${end.stderr}`);
      if (why) assert.match(end.stderr, why, variant);
    }
  for (const [name, , why] of IDS) {
    const strict = await check(`ids_${name}`, "--debug");

    assert.equal(strict.status, why ? 1 : 0, `${name}: ${strict.stderr}`);
    if (why) assert.match(strict.stderr, why, name);
    const warned = await check(`ids_${name}`);

    assert.equal(warned.status, 0, `${name}: ${warned.stderr}`);
    if (why) assert.match(warned.stderr, /level=warning .*event=app\.ids/, name);
    const quiet = await check(`ids_${name}_quiet`, "--debug");

    assert.equal(quiet.status, 0, `${name}: ${quiet.stderr}`);
  }
});
