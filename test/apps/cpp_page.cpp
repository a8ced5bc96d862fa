/* SPDX-License-Identifier: MIT */

/*
 * Callbacks of every kind in C++: context, duplicate outputs, set_props,
 * running, optional inputs, clientside, patterns, patches, headers, progress.
 */
#include <pronghorn/app.hpp>
#include <pronghorn/dcc.hpp>
#include <pronghorn/html.hpp>

/* ---- context ------------------------------------------------------------ */

static void
context(ph::Call call)
{
	if (call.is_initial()) {
		call.output("why.children", "initial");
		return;
	}
	ph::Value first = call.triggered().at(0);

	call.set_header("X-Why", "pressed");
	call.set_cookie("seen", "yes",
	    ph::Cookie().max_age(60).same_site("Strict").for_scripts());
	call.output("why.children",
	    first.member("id").str() + "." + first.member("property").str() +
		" a=" + std::to_string(call.triggered_by("a.n_clicks")));
	call.output("who.children",
	    call.header("X-Requested-For") + "|" + call.cookie("flavour") + "|" +
		call.client());
}

/* ---- outputs of every kind ------------------------------------------------
 */

static void
side(ph::Call call)
{
	call.set_props("told", "children", "by set_props");
	call.set_props(std::string("told"), "title", "tip");
}

static void
left(ph::Call call)
{
	call.output("shared.children", "left");
}

static void
right(ph::Call call)
{
	call.output("shared.children", "right");
}

static void
takes_time(ph::Call call)
{
	call.sleep(0.6);
	call.output("slow-out.children", "done");
}

static void
breaks(ph::Call call)
{
	if (call.input("break.n_clicks").integer() == 1)
		ph::fail("no luck today");
	ph::no_update();
}

static void
comforts(ph::Call call)
{
	call.output("broken.children", "own: " + call.error());
}

static void
breaks_too(ph::Call)
{
	throw 7;
}

static void
explains(ph::Call call)
{
	call.set_props("alert", "children", "app: " + call.error());
}

static void
lenient(ph::Call call)
{
	call.output("lenient.children",
	    call.input("nowhere.value").is_null() &&
		    call.input("nobody.value").is_null()
		? "both absent"
		: "?");
}

/* ---- patterns ---------------------------------------------------------------
 */

static ph::Value
row(int index)
{
	return html::Div().children({
	    dcc::Input().id(ph::id("cell", index)).type("number").value(index),
	    html::Span().id(ph::id("double", index)),
	    html::Span().id(ph::id("below", index)),
	    html::Span().id(ph::id("all", index)),
	});
}

static void
grow(ph::Call call)
{
	int clicks = static_cast<int>(call.input("grow.n_clicks").integer());

	call.output("rows.children", ph::Patch().append("", row(clicks + 1)));
}

static void
twice(ph::Call call)
{
	double number = call.input(ph::match("cell") + ".value").number();
	ph::Value id = call.id_of(PH_MATCH("double") ".children");

	call.output(ph::match("double") + ".children",
	    std::to_string(static_cast<int>(2 * number)) + "@" +
		std::to_string(id.member("index").integer()));
}

static double
sum_of(ph::Value values)
{
	double sum = 0;

	for (ph::Value value : values)
		sum += value.number();
	return sum;
}

static void
below(ph::Call call)
{
	ph::Value values = call.input(ph::all_smaller("cell") + ".value");

	call.output(ph::match("below") + ".children",
	    std::to_string(values.size()) + " below, sum " +
		std::to_string(static_cast<int>(sum_of(values))));
}

static void
total(ph::Call call)
{
	ph::Value values = call.input(ph::all("cell") + ".value");

	for (std::size_t i = 1; i < values.size(); i++)
		call.output_each(ph::all("all") + ".children", i,
		    "#" + std::to_string(i));
	call.output("total.children", sum_of(values));
}

/* ---- patches, figures, jobs -------------------------------------------------
 */

static void
patches(ph::Call call)
{
	call.output("store.data",
	    ph::Patch()
		.assign("name", "new")
		.merge("", ph::Value::object({ { "merged", true } }))
		.erase("gone")
		.append("list", 3)
		.prepend("list", 0)
		.insert("list", 1, 9)
		.extend("list", { 4, 5 })
		.remove("list", 2)
		.assign("list[-1]", 50)
		.clear("empty")
		.reverse("back")
		.add("n", 1)
		.mul("n", 10)
		.sub("n", 5)
		.div("n", 2)
		.assign("deep[\"a.b\"][0].c", "<&>"));
}

static void
draws(ph::Call call)
{
	ph::Value t = ph::table({
	    { "x", ph::Value::array(std::vector<int32_t>{ 1, 2, 3 }) },
	    { "y", ph::Value::array(std::vector<float>{ 2, 4, 8 }) },
	});

	call.output("g.figure",
	    ph::Figure()
		.add(ph::Trace::line().x(t.member("x")).y(t.member("y"))
			 .dash("dot").symbol("x").show_legend(true).name("own"))
		.add(ph::Trace::bar().x({ 1, 2 }).y({ 3, 4 })
			 .orientation("v").y_axis("y2"))
		.x_type("linear").y_range({ 0, 10 }).second_y(true)
		.hover_mode("x unified").title("In C++"));
	call.output_figure("h.figure", PH_JSON({ "data": [{ "type": "bar" }] }),
	    { { "data[0].x", t, "x" }, { "data[0].y", t, "y" } });
}

static void
works(ph::Call call)
{
	for (int i = 0; i < 100 && !call.cancelled(); i++) {
		ph::Scratch scratch(call);

		(void)call.set_progress({ { "bar.children", i } });
		call.sleep(0.02);
	}
	call.output("job.children", "finished");
}

/* ---- the page
 * ------------------------------------------------------------------ */

static ph::Value
button(const char *id)
{
	return html::Button().id(id).children(id);
}

static ph::Value
page(ph::Call)
{
	return html::Div().children({ button("a"), button("b"),
	    html::P().id("why"), html::P().id("who"), button("side"),
	    html::P().id("told"), button("left"), button("right"),
	    html::P().id("shared"), button("slow"), html::P().id("slow-out"),
	    html::P().id("state").children("idle"), button("break"),
	    html::P().id("broken"), button("break-too"),
	    html::P().id("broken-too"), html::P().id("alert"),
	    html::P().id("lenient"), html::P().id("client"), button("grow"),
	    html::Div().id("rows").children({ row(0), row(1) }),
	    html::P().id("total"), button("patch"),
	    dcc::Store().id("store").data(PH_JSON({
		    "name": "old", "gone": 1, "list": [1, 2, 2], "empty": [1],
		    "back": [1, 2, 3], "n": 1, "deep": { "a.b": [{ "c": "" }] }
	    })),
	    html::Pre().id("shown"), dcc::Graph().id("g"), dcc::Graph().id("h"),
	    button("go"), button("stop"), html::P().id("job"),
	    html::P().id("bar") });
}

PH_APP(app)
{
	ph::App whole(app);

	whole.title("All in C++").layout<page>().on_error<explains>();
	whole.options().update_title("Wait").show_undo_redo();
	whole.callback<context>("context").output("why.children")
	    .output("who.children").input("a.n_clicks").input("b.n_clicks");
	whole.callback<side>("side").input("side.n_clicks")
	    .prevent_initial_call();
	whole.callback<left>("left").duplicate_output("shared.children")
	    .input("left.n_clicks").prevent_initial_call();
	whole.callback<right>("right").duplicate_output("shared.children")
	    .input("right.n_clicks").prevent_initial_call();
	whole.callback<takes_time>("takes_time").output("slow-out.children")
	    .input("slow.n_clicks").prevent_initial_call()
	    .running("slow.disabled", true, false)
	    .running(std::string("state.children"), "busy", "idle");
	whole.callback<breaks>("breaks").output("broken.children")
	    .input("break.n_clicks").prevent_initial_call()
	    .on_error<comforts>();
	whole.callback<breaks_too>("breaks_too").output("broken-too.children")
	    .input("break-too.n_clicks").prevent_initial_call();
	whole.callback<lenient>("lenient").output("lenient.children")
	    .input("a.n_clicks").optional_input("nowhere.value")
	    .optional_state("nobody.value");
	whole.clientside("function (n) { return `<${(n || 0) * 2}>`; }")
	    .output("client.children").input("a.n_clicks");
	whole.clientside("function (data) { return JSON.stringify(data); }")
	    .output("shown.children").input("store.data");
	whole.callback<grow>("grow").output("rows.children")
	    .input("grow.n_clicks").prevent_initial_call();
	whole.callback<twice>("twice").output(ph::match("double") + ".children")
	    .input(ph::match("cell") + ".value").memoize().version(1);
	whole.callback<below>("below").output(ph::match("below") + ".children")
	    .input(ph::match("cell") + ".value")
	    .input(ph::all_smaller("cell") + ".value");
	whole.callback<total>("total").output("total.children")
	    .output(ph::all("all") + ".children")
	    .input(ph::all("cell") + ".value");
	whole.callback<patches>("patches").output("store.data")
	    .input("patch.n_clicks").prevent_initial_call();
	whole.callback<draws>("draws").output("g.figure").output("h.figure");
	whole.callback<works>("works").output("job.children")
	    .input("go.n_clicks").prevent_initial_call().background(0.1)
	    .progress("bar.children", "none").cancel("stop.n_clicks")
	    .running("go.disabled", true, false);
}
