/* SPDX-License-Identifier: MIT */

/*
 * An app in C++: values, builders, exceptions, memoized functions.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { BUILD, ROOT, test } from "../lib/harness.mjs";
import { Visitor } from "../lib/visitor.mjs";
import { post } from "../lib/wire.mjs";

const APP = path.join(BUILD, "examples/greeting_cpp.so");

/* One output, or several: "..a.b...c.d..". */
function update(output, id, value) {
  const outputs = output
    .replace(/^\.\.|\.\.$/g, "")
    .split("...")
    .map((one) => one.split("."))
    .map(([of, property]) => ({ id: of, property }));

  return post({
    output,
    outputs: output.startsWith("..") ? outputs : outputs[0],
    inputs: [{ id, property: "value", value }],
    changedPropIds: [`${id}.value`],
  });
}

test("an app in C++ answers, waits, declines and fails", async (t, scene) => {
  const server = await scene.start({ app: APP, threads: 2 });
  const wire = await scene.connect(server);
  const ask = async (...what) => {
    wire.write(update(...what));
    return wire.answer();
  };
  const both = "..dice.figure...error.children..";
  const greeting = await ask("greeting.children", "name", "Bob");
  const dice = await ask(both, "throws", 1000);

  assert.deepEqual(JSON.parse(greeting.body).response, {
    greeting: { children: "Good luck, Bob!" },
  });
  assert.equal((await ask("greeting.children", "name", "")).status, 204);
  const [bars] = JSON.parse(dice.body).response.dice.figure.data;
  const counts = new Float64Array(
    Uint8Array.from(Buffer.from(bars.y.bdata, "base64")).buffer,
  );

  assert.equal(bars.type, "bar");
  assert.equal(
    counts.reduce((sum, count) => sum + count),
    1000,
  );
  await ask(both, "throws", 1000);
  assert.equal(server.grep(/Throwing 1000 times/).length, 1);
  const failed = await ask(both, "throws", -1);

  assert.equal(failed.status, 200, "on_error says it in the page");
  assert.match(JSON.parse(failed.body).sideUpdate["error.children"], /throw between 1/);
  assert.equal(server.grep(/throw between 1 and 1,000,000/).length > 0, true);
  /* The exception has not taken the worker with it. */
  assert.equal((await ask("greeting.children", "name", "x")).status, 200);
});

const WHOLE = `
#include <pronghorn/app.hpp>
#include <pronghorn/dcc.hpp>
#include <pronghorn/html.hpp>

static void create(ph::Call call)
{
	call.exec("CREATE TABLE t (x REAL, y REAL)");
	for (int i = 0; i < 4; i++)
		call.exec("INSERT INTO t VALUES (?1, ?2)", i, i * i);
}

static void draw(ph::Call call)
{
	ph::Value t = call.query("SELECT x, y FROM t");

	call.output("g.figure", ph::Figure()
	    .add(ph::Trace("scatter").x(t.member("x")).y(t.member("y"))
		.name("squares").mode("lines"))
	    .title(std::string("n = ") + std::to_string(t.size()))
	    .margin(20));
}

static void count(ph::Call call)
{
	ph::Session session(call);
	int64_t n = session.get("n").integer() + 1;

	session.set("n", n);
	if (n == 2)
		session.set_user("ada");
	call.output("out.children", session.user() + " " + std::to_string(n));
}

static void work(ph::Call call)
{
	for (int i = 0; i < 3 && !ph::cancelled(call); i++)
		ph::progress(call, { { "bar.children", i } });
	call.output("job.children", "done");
}

static void thing(ph::Call call)
{
	ph::Request request(call);

	if (request.method() == "POST") {
		request.respond(200, "text/plain", request.body());
		request.more("!");
		return;
	}
	request.header("X-Thing", request.path_arg("id"));
	request.json(200, ph::Value::object({ { "id", request.path_arg("id") },
	    { "csv", ph::csv(ph::table({ { "a", ph::Value{ 1, 2 } } })) } }));
}

static ph::Value home(ph::Call)
{
	return html::Div().children({ dcc::Graph().id("g"),
	    html::P().id("out"), html::P().id("job"), html::P().id("bar"),
	    html::Button().id("go"), html::Button().id("stop"),
	    dcc::Link().href(ph::href("/thing/7")).children("7") });
}

static ph::Value page(ph::Call)
{
	return html::Div().children(ph::page_container());
}

PH_APP(app)
{
	ph::App whole(app);

	whole.title("Whole").sessions().layout<page>();
	whole.page<home>("/", "Home");
	whole.route<thing>("GET", "/thing/<id>", "thing");
	whole.route<thing>("POST", "/thing", "thing");
	whole.database<create>("t", 1);
	whole.callback<draw>("draw").output("g.figure").input("go.n_clicks");
	whole.callback<count>("count").output("out.children").input("go.n_clicks");
	whole.callback<work>("work").output("job.children").input("go.n_clicks")
	    .prevent_initial_call().background(0.1).cancel("stop.n_clicks")
	    .progress("bar.children", 0).running("go.disabled", true, false);
}
`;

test("sessions, pages, routes, jobs, figures and data in C++", { seconds: 120 }, async (t, scene) => {
  const source = scene.file("app.cpp", WHOLE);
  const object = source.replace(/cpp$/, "so");

  execFileSync("g++", [
    ...["-std=c++17", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"],
    ...[`-I${ROOT}/worker/sdk`, "-o", object, source],
  ]);
  const server = await scene.start({ app: object, threads: 3 });
  const one = new Visitor(scene, server);

  assert.match((await one.get("/")).text, /<title>Home<\/title>/);
  const figure = (await one.update("g.figure", [["go.n_clicks", 1]])).json();

  assert.equal(figure.response.g.figure.layout.title.text, "n = 4");
  assert.equal(figure.response.g.figure.data[0].name, "squares");
  const say = async () =>
    (await one.update("out.children", [["go.n_clicks", 1]])).json().response.out.children;

  assert.equal(await say(), " 1");
  assert.equal(await say(), "ada 2");
  assert.equal(await say(), "ada 3");
  const thing = await one.get("/thing/7");

  assert.equal(thing.field("x-thing"), "7");
  assert.deepEqual(thing.json(), { id: "7", csv: "a\r\n1\r\n2\r\n" });
  const echo = await fetch(`${server.url}/thing`, { method: "POST", body: "bytes" });

  assert.equal(await echo.text(), "bytes!");
  const job = (await one.update("job.children", [["go.n_clicks", 1]])).json();

  assert.match(job.job, /^[0-9a-f]{32}$/);
  assert.deepEqual(job.progressDefault, { "bar.children": 0 });
  assert.deepEqual(job.cancel, [{ id: "stop", property: "n_clicks" }]);
});

/* A macro of one header must not take a method of another. */
test("the headers in C++ in every order, and all of their names", { seconds: 120 }, async (t, scene) => {
  const use = `
const struct ph_value *page(void);
const struct ph_value *page(void)
{
	return html::Div().children({ dcc::Clipboard().html_content("x"),
	    html::Content().id("c") });
}
`;
  const names = ["html", "dcc", "dash_table"];

  for (const first of names)
    for (const last of names.filter((name) => name !== first)) {
      const middle = names.find((name) => name !== first && name !== last);
      const source = scene.file(
        "order.cpp",
        [first, middle, last].map((name) => `#include <pronghorn/${name}.hpp>\n`).join("") + use,
      );

      execFileSync("g++", [
        ...["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"],
        ...[`-I${ROOT}/worker/sdk`, source],
      ]);
    }
});

test("the headers of C in C++ are without warnings", { seconds: 60 }, async (t, scene) => {
  const names = ["app", "background", "cache", "data", "figure", "hooks", "loop", "pages", "patch"];
  const source = scene.file(
    "plain.cpp",
    [...names, "route", "scratch", "session", "text"].map((name) => `#include <pronghorn/${name}.h>\n`).join("") + `
static const struct ph_value *
page(struct ph_call *call)
{
	struct ph_patch *patch = ph_patch();

	ph_csv(ph_table_page(call, "t"));
	return ph_member(ph_patched(patch), "x");
}

static enum ph_status
run(struct ph_call *)
{
	return PH_OK;
}

PH_APP(app)
{
	ph_layout(app, page);
	ph_layout(app, page, .blocking = true);
	ph_memoize(app, run, .timeout = 5);
	ph_database(app, "t", .path = "x");
	ph_callback(app, run, PH_OUTPUT("a.x"), PH_INPUT("b.x"));
}
`);

  for (const standard of ["c++17", "c++20"])
    execFileSync("g++", [
      ...[`-std=${standard}`, "-Wall", "-Wextra", "-Wshadow", "-Werror", "-fsyntax-only"],
      ...[`-I${ROOT}/worker/sdk`, source],
    ]);
});
