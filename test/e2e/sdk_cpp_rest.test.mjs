/* SPDX-License-Identifier: MIT */

/*
 * All of the SDK in C++: what test/apps/cpp_rest.cpp finds, that both
 * compilers are content with it, and that nothing of C is missing.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { BUILD, ROOT, test } from "../lib/harness.mjs";
import { buildApp } from "../lib/apps.mjs";
import { updateBody, Visitor } from "../lib/visitor.mjs";
import { post } from "../lib/wire.mjs";

const SDK = path.join(ROOT, "worker/sdk/pronghorn");

/* A copy, as it writes beside itself. */
async function open(scene) {
  const object = path.join(scene.dir(), "rest.so");

  fs.copyFileSync(buildApp("cpp_rest", BUILD), object);
  const server = await scene.start({ app: object, threads: 3 });
  const visitor = new Visitor(scene, server);

  return { server, visitor, object, json: async (what) => (await visitor.get(what)).json() };
}

test("an exception that nobody catches is named", async (t, scene) => {
  const object = path.join(scene.dir(), "rest.so");

  fs.copyFileSync(buildApp("cpp_rest", BUILD), object);
  const server = await scene.start({ app: object, threads: 3, workers: 1, args: ["--debug"] });
  const answer = await fetch(`${server.url}/_dash-update-component`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify({
      output: "lost.children",
      outputs: { id: "lost", property: "children" },
      inputs: [{ id: "go", property: "n_clicks", value: 1000 }],
      changedPropIds: ["go.n_clicks"],
    }),
  });

  assert.equal(answer.status, 500);
  assert.match(await answer.text(), /SIGABRT \(it is ('|&#\d+;|&apos;)nowhere('|&#\d+;|&apos;)\) in a thread started by the app/);
  await server.waitFor(/event=worker\.stack .*at="it is 'nowhere'"/);
});

test("memoized functions in C++", async (t, scene) => {
  const { server, json } = await open(scene);
  const ask = (how, of = "x", more = "") => json(`/memo/${how}?of=${of}${more}`);

  assert.equal((await ask("state")).state, "absent");
  assert.deepEqual(await ask("plain"), { of: "x", run: 1 });
  assert.equal((await ask("state")).state, "ready");
  assert.deepEqual(await ask("plain"), { of: "x", run: 1 });
  assert.deepEqual(await ask("young"), { of: "x", run: 1 });
  assert.deepEqual(await ask("new"), { of: "x", run: 2 });
  assert.deepEqual(await ask("alone"), { of: "x", run: 3 });
  assert.deepEqual(await ask("plain"), { of: "x", run: 2 });
  assert.equal(await ask("forget-args"), true);
  assert.deepEqual(await ask("plain"), { of: "x", run: 4 });
  assert.equal(await ask("forget"), true);
  assert.deepEqual(await ask("plain"), { of: "x", run: 5 });
  /* One key for all. */
  assert.deepEqual(await ask("named", "y"), { of: "y", run: 6 });
  assert.deepEqual(await ask("named", "z"), { of: "y", run: 6 });
  /* Those that wait get it; it is not kept. */
  assert.equal((await ask("plain", "never")).run, 7);
  assert.equal((await ask("plain", "never")).run, 8);
  /* Functions of the definition: key, unless, an argument left out. */
  assert.equal(await ask("keyed", "apple"), "apple");
  assert.equal(await ask("keyed", "avocado"), "apple");
  assert.equal(await ask("open", "a", "&by=1"), "a/1");
  assert.equal(await ask("open", "a", "&by=2"), "a/1");
  assert.equal(await ask("open", "secret", "&by=1"), "secret/1");
  assert.equal(await ask("open", "secret", "&by=2"), "secret/2");
  assert.equal(server.grep(/run open a/).length, 1);
});

test("the cache in C++", async (t, scene) => {
  const { json } = await open(scene);

  assert.deepEqual(await json("/cache"), {
    ...{ absent: false, set: true, added: false, many: true, touched: true },
    ...{ sum: 5, next: 6, "no number": false },
    ...{ all: [[1, 2], "B", null], got: [1, 2], forgot: true, after: false },
    ...{ swapped: true, "not again": false, made: true, popped: "D", gone: false },
    ...{ removed: true, again: false, nothing: true },
  });
});

test("a NUL is a byte of a text in C++", async (t, scene) => {
  const { server, json } = await open(scene);
  const text = "a\0b";

  assert.deepEqual(await json("/nul"), {
    ...{ text, made: true, view: true, cache: true, session: true, memo: true },
    ...{ sql: true, table: true, why: 'a NUL in a name: "a" is not all of it' },
  });
  assert.equal(await (await fetch(`${server.url}/nul?as=text`)).text(), text);
});

test("data in C++", async (t, scene) => {
  const { json } = await open(scene);
  const rows = [
    { x: 1.5, name: "a" },
    { x: 2, name: "b" },
    { x: 3, name: "c" },
  ];

  assert.deepEqual(await json("/data"), {
    split: {
      columns: ["x", "name"],
      index: [0, 1, 2],
      data: rows.map(({ x, name }) => [x, name]),
    },
    columns: { x: [1.5, 2, 3], name: ["a", "b", "c"] },
    ...{ cell: "c", rows: 3, again: rows, own: 3 },
    ...{ text: [{ c1: "1", c2: "02" }], csv: "1.5;a\r\n2;b\r\n3;c\r\n" },
    ...{ page: [{ name: "c" }, { name: "b" }], pages: 2, all: 3 },
    ...{ min: true, lttb: 100, numbers: [1.5, 2, 3], list: [7] },
    ...{ date: "1970-01-01T00:00:01.500", back: 1.5, none: true },
    ...{ second: "b", big: 2 ** 40, nothing: null, empty: [] },
    ...{ empties: [[], {}, [1]], thousand: 1000 },
  });
});

test("routes, files and sessions in C++", async (t, scene) => {
  const { server, visitor, object } = await open(scene);
  const csv = await visitor.get("/csv");

  assert.equal(csv.text, "name\r\na\r\nb\r\n");
  const file = await visitor.get("/file");

  assert.match(file.field("content-disposition"), /filename="?out\.csv/);
  assert.match(file.text, /^x;name/);
  const send = (what, body, headers) =>
    fetch(server.url + what, { method: "POST", body, headers });
  const form = new FormData();

  form.set("up", new Blob(["bytes"]), "b.txt");
  const saved = await send("/form?as=1", form, { Cookie: "who=me" });

  assert.equal(await saved.text(), "b.txt by 127.0.0.1 me");
  assert.match(saved.headers.get("set-cookie"), /^sent=1; .*HttpOnly/);
  assert.equal(fs.readFileSync(path.join(path.dirname(object), "saved-1"), "utf8"), "bytes");
  assert.equal((await send("/form?as=2", new URLSearchParams({ a: "b" }))).status, 422);
  form.set("up", new Blob(["x".repeat(3000)]), "b.txt");
  assert.equal((await send("/form?as=3", form)).status, 413);
  const hook = await send("/hook", '{"a":[1]}', {
    ...{ "Content-Type": "application/json", Origin: "http://elsewhere.example" },
  });

  assert.deepEqual(await hook.json(), { a: [1] });
  const id = '{"id":9007199254740993}';

  assert.equal(await (await send("/hook", id, { "Content-Type": "application/json" })).text(), id);
  await visitor.get("/");
  const contents = `data:;base64,${Buffer.from("hello").toString("base64")}`;
  const taken = await visitor.take(
    post(
      {
        ...updateBody("..down.data...down-text.data..", [["up.contents", contents]]),
        outputs: ["down", "down-text"].map((id) => ({ id, property: "data" })),
      },
      { fields: visitor.fields() },
    ),
  );

  assert.equal(taken.json().response.down.data.content, "aGVsbG8=");
  assert.equal(taken.json().response["down-text"].data.filename, "t.csv");
});

test("pages in C++", async (t, scene) => {
  const { server, visitor } = await open(scene);
  const page = await visitor.get("/");

  assert.match(page.text, /<title>Home<\/title>|<title>Home page<\/title>/);
  assert.match(page.text, /theme-color[^>]*#123456/);
  assert.match(page.text, /all of it/);
  for (const old of ["/old", "/older"]) {
    const answer = await visitor.get(old);

    assert.equal(answer.status, 301);
    assert.equal(answer.field("location"), "/");
  }
  assert.equal((await visitor.get("/nowhere")).status, 404);
  const menu = (await visitor.get("/_dash-layout")).text;

  assert.ok(menu.indexOf('"Home"') > 0 && menu.indexOf('"Home"') < menu.indexOf('"Other"'));
  assert.doesNotMatch(menu, /asset\/</);
  assert.equal(server.grep(/level=error/).length, 0);
});

test("hooks in C++, and what they throw", async (t, scene) => {
  const { server, visitor } = await open(scene);

  assert.equal(server.grep(/hook post_fork/).length, 1);
  assert.equal((await visitor.get("/secret")).status, 403);
  assert.equal((await visitor.get("/cache", { "X-Throw": "yes" })).status, 500);
  await server.waitFor(/thrown by a hook/);
  await server.waitFor(/hook answered GET \/secret for 127\.0\.0\.1 with 403/);
});

/* ---- the headers ---------------------------------------------------------- */

test("g++ and clang++ take all of it without a warning", { seconds: 240 }, () => {
  for (const compiler of ["g++", "clang++"])
    for (const name of ["test/apps/cpp_page.cpp", "test/apps/cpp_rest.cpp", "docs/examples/greeting_cpp/app.cpp"])
      execFileSync(compiler, [
        ...["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"],
        ...[`-I${ROOT}/worker/sdk`, path.join(ROOT, name)],
      ]);
});

const read = (ending) =>
  fs
    .readdirSync(SDK)
    .filter((name) => name.endsWith(ending) && !/^(html|dcc|dash_table)\./.test(name))
    .map((name) => fs.readFileSync(path.join(SDK, name), "utf8"))
    .join("\n");

/* In C++ the language has it, or a macro needs what only C has: then the host
 * function behind it is called. */
const INSTEAD = {
  ...{ ph_textf: "ph_text_n(", ph_format: "ph_text_n(", ph_text: "ph_text(" },
  ...{ ph_callback: "ph_callback_add(", ph_layout: "ph_layout_add", ph_memoize: "ph_memoize_add" },
  ...{ ph_clientside: "ph_clientside_add", ph_options: "ph_options_set", ph_database: "ph_database_add" },
  ...{ ph_output_figure: "ph_host_->output_figure", ph_return_query: "ph_return(" },
  ...{ ph_memo: "ph_host_->memo(", ph_query: "ph_host_->query(", ph_exec: "ph_host_->exec(" },
  ...{ ph_memo_new: "cache->memo_new(", ph_memo_with: "cache->memo_with(", ph_memo_state: "cache->memo_state(" },
  ...{ ph_forget_args: "cache->forget_args(", ph_cache_get_many: "cache->get_many" },
  ...{ ph_cache_set: "cache->set,", ph_cache_add: "cache->add,", ph_cache_set_many: "ph_cache_put_many_(" },
  ...{ ph_cache_cas: "ph_cache_cas_(", ph_cache_touch: "ph_cache_touch_(", ph_set_cookie: "ph_set_cookie_(" },
  ...{ ph_set_progress: "background->set_progress(", ph_respond_csv: "routes->respond_csv(" },
  ...{ ph_read_csv: "ph_read_csv_(", ph_import_csv: "ph_import_csv_(", ph_csv: "ph_csv_text_(" },
  ...{ ph_table_page: "ph_table_page_(", ph_hooks: "hooks->define(" },
  ...{ ph_page: "ph_page_add(", ph_route: "ph_route_add(" },
  ...{ ph_figure_layout: "ph_figure_arrange_(", ph_trace: "ph_trace_add_(" },
  ...{ ph_external_script: "PH_EXTERNAL_SCRIPT,", ph_external_stylesheet: "PH_EXTERNAL_STYLESHEET," },
  ...{ ph_fail: "fail(const std::string &why)" }, /* whose exception guard.h catches */
  ...{ ph_component_new: null }, /* the generated headers call it */
};

test("ph_callback() is for C++17 and C++20, too", () => {
  const source = `#include <pronghorn/app.h>
static enum ph_status run(struct ph_call *) { return PH_NO_UPDATE; }
PH_APP(app) { ph_callback(app, run, PH_OUTPUT("a.x"), PH_INPUT("b.x")); }
`;

  for (const compiler of ["g++", "clang++"])
    for (const standard of ["c++17", "c++20"])
      execFileSync(
        compiler,
        [`-std=${standard}`, "-Wall", "-Werror", "-fsyntax-only", `-I${ROOT}/worker/sdk`, "-xc++", "-"],
        { input: source },
      );
});

test("nothing that C has is missing in C++", () => {
  const own = read(".hpp");
  const c = read(".h");
  const names = [
    ...c.matchAll(/^(ph_[a-z0-9_]*[a-z0-9])\(/gm),
    ...c.matchAll(/^#define (ph_[a-z0-9_]*[a-z0-9])\(/gm),
    ...c.matchAll(/^PH_PATCH_\w+_\((\w+),/gm),
  ].map(([text, name]) => (text.startsWith("PH_PATCH") ? `ph_patch_${name}` : name));

  assert.ok(names.length > 150, `only ${names.length}`);
  const missing = [];

  for (const name of new Set(names)) {
    /* ph_scatter() and so on are traces of that name. */
    const trace = new RegExp(`ph_trace\\(figure, "(\\w+)"`).exec(
      new RegExp(`^#define ${name}\\([^]*?[^\\\\]$`, "m").exec(c)?.[0] ?? "",
    );
    const instead = INSTEAD[name];

    if (instead === null) continue;
    const want = instead ?? (trace ? `Trace("${trace[1]}")` : `${name}(`);

    if (!own.includes(want)) missing.push(`${name}: ${want}`);
  }
  assert.deepEqual(missing, []);
});

test("every option of C has a method in C++", () => {
  const own = read(".hpp");
  const c = read(".h");
  const structs = [...c.matchAll(/^struct (ph_(?:\w+_options|page_about|hooks|trace)) \{\n([^]*?)^\};/gm)];
  let count = 0;

  assert.ok(structs.length >= 14, `only ${structs.length}`);
  for (const [, name, body] of structs) {
    if (name === "ph_external_options") continue; /* given as it is */
    const code = body.replace(/\/\*[^]*?\*\//g, "");

    for (const [, list] of code.matchAll(/^\s*[\w ]+?[ *]((?:\**\w+(?:, )?)+);/gm))
      for (const field of list.split(/, ?/).map((one) => one.replace(/\W/g, ""))) {
        if (/^(ph_\w+_|[ad]\d+)$/.test(field)) continue;
        count++;
        assert.match(own, new RegExp(`[._]${field}\\b`), `${name}.${field}`);
      }
  }
  assert.ok(count > 110, `only ${count} options`);
});
