/* SPDX-License-Identifier: MIT */

/*
 * One page with every kind of callback: context, no output, no input, some
 * outputs, duplicate outputs, set_props, running, clientside, patterns,
 * patches.
 */
#include <string.h>

#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

/* ---- context ------------------------------------------------------------ */

/* Says why it runs and for whom. */
static enum ph_status
context(struct ph_call *call)
{
	const struct ph_value *triggered = ph_triggered(call);
	const struct ph_value *first = ph_at(triggered, 0);

	if (ph_is_initial(call))
		return ph_output(call, "why.children", ph_text("initial"));
	ph_set_header(call, "X-Why", "pressed");
	ph_output(call, "who.children",
	    ph_textf("%s|%s|%s", ph_header(call, "X-REQUESTED-FOR"),
		ph_cookie(call, "flavour"), ph_client(call)));
	return ph_output(call, "why.children",
	    ph_textf("%zu %s.%s=%d a=%d b=%d", ph_count_of(triggered),
		ph_text_of(ph_member(first, "id")),
		ph_text_of(ph_member(first, "property")),
		(int)ph_int_of(ph_member(first, "value")),
		ph_triggered_by(call, "a.n_clicks"),
		ph_triggered_by(call, "b.n_clicks")));
}

/* Must not know it: others get the same answer. */
static enum ph_status
nosy(struct ph_call *call)
{
	return ph_output(call, "nosy.children", ph_text(ph_client(call)));
}

/* ---- outputs of every kind ------------------------------------------------
 */

static enum ph_status
no_input(struct ph_call *call)
{
	return ph_output(call, "once.children", ph_text("once"));
}

static enum ph_status
no_output(struct ph_call *call)
{
	ph_set_props(call, "told", "children", ph_text("first"));
	ph_set_props(call, "told", "children", ph_text("by set_props"));
	return ph_set_props(call, "told", "title", ph_text("tip"));
}

static enum ph_status
left(struct ph_call *call)
{
	return ph_output(call, "shared.children", ph_text("left"));
}

static enum ph_status
right(struct ph_call *call)
{
	return ph_output(call, "shared.children", ph_text("right"));
}

static enum ph_status
takes_time(struct ph_call *call)
{
	ph_sleep(call, 0.6);
	return ph_output(call, "slow-out.children", ph_text("done"));
}

static enum ph_status
breaks(struct ph_call *call)
{
	return ph_fail(call, "no %s today", "luck");
}

static enum ph_status
comforts(struct ph_call *call)
{
	ph_set_props(call, "alert", "children", ph_text("something broke"));
	return ph_output(call, "broken.children", ph_text(ph_error(call)));
}

/* Both outputs, none, the second one only; then it fails. */
static enum ph_status
partly(struct ph_call *call)
{
	int clicks = (int)ph_int_of(ph_input(call, "part.n_clicks"));

	if (clicks == 2)
		return PH_NO_UPDATE;
	if (clicks > 3)
		return ph_fail(call, "no fourth");
	ph_set_cookie(call, "pressed", ph_format("%d", clicks));
	if (clicks == 1)
		ph_output(call, "part-a.children", ph_text("a1"));
	return ph_output(call, "part-b.children",
	    ph_textf("b%d, a was %d", clicks,
		(int)ph_int_of(ph_input(call, "a.n_clicks"))));
}

/* For all that have no handler of their own. */
static enum ph_status
mourns(struct ph_call *call)
{
	return ph_set_props(call, "alert", "children",
	    ph_textf("of any callback: %s", ph_error(call)));
}

/* An input that the page does not have. */
static enum ph_status
lenient(struct ph_call *call)
{
	return ph_output(call, "lenient.children",
	    ph_textf("absent is %s",
		ph_is_null(ph_input(call, "nowhere.value")) ? "null" : "?"));
}

/* ---- patterns ---------------------------------------------------------------
 */

static const struct ph_value *
row(int index)
{
	return html_div(.children = PH_CHILDREN(
			    dcc_input(.id = ph_id("cell", ph_int(index)),
				.type = "number", .value = ph_int(index)),
			    html_span(.id = ph_id("double", ph_int(index))),
			    html_span(.id = ph_id("below", ph_int(index))),
			    html_span(.id = ph_id("all", ph_int(index)))));
}

/* A further row at the end, as a patch. */
static enum ph_status
grow(struct ph_call *call)
{
	struct ph_patch *patch = ph_patch();
	int clicks = (int)ph_int_of(ph_input(call, "grow.n_clicks"));

	ph_patch_append(patch, "", row(clicks + 1));
	return ph_output(call, "rows.children", ph_patched(patch));
}

static enum ph_status
twice(struct ph_call *call)
{
	double number = ph_number_of(ph_input(call, PH_MATCH("cell") ".value"));
	const struct ph_value *id =
	    ph_id_of(call, PH_MATCH("double") ".children");

	return ph_output(call, PH_MATCH("double") ".children",
	    ph_textf("%g@%d", 2 * number,
		(int)ph_int_of(ph_member(id, "index"))));
}

static enum ph_status
below(struct ph_call *call)
{
	const struct ph_value *values =
	    ph_input(call, PH_ALLSMALLER("cell") ".value");
	double sum = 0;
	size_t i;

	for (i = 0; i < ph_count_of(values); i++)
		sum += ph_number_of(ph_at(values, i));
	return ph_output(call, PH_MATCH("below") ".children",
	    ph_textf("%zu below, sum %g", ph_count_of(values), sum));
}

/* Spelled differently, but the same pattern. */
#define CELLS PH_ID({ "type" : "cell", "index" : ALL }) ".value"

static enum ph_status
total(struct ph_call *call)
{
	const struct ph_value *values = ph_input(call, CELLS);
	const struct ph_value *ids = ph_id_of(call, PH_ALL("cell") ".value");
	double sum = 0;
	size_t i;

	for (i = 0; i < ph_count_of(values); i++) {
		sum += ph_number_of(ph_at(values, i));
		if (i > 0) /* the first one stays as it is */
			ph_output_each(call, PH_ALL("all") ".children", i,
			    ph_textf("#%d", (int)ph_int_of(ph_member(
						ph_at(ids, i), "index"))));
	}
	return ph_output(call, "total.children", ph_textf("%g", sum));
}

/* ---- patches
 * ----------------------------------------------------------------- */

static enum ph_status
patches(struct ph_call *call)
{
	struct ph_patch *patch = ph_patch();

	ph_patch_assign(patch, "name", ph_text("new"));
	ph_patch_merge(patch, "", PH_OBJECT({ "merged", ph_bool(true) }));
	ph_patch_delete_(patch, "gone");
	ph_patch_append(patch, "list", ph_int(3));
	ph_patch_prepend(patch, "list", ph_int(0));
	ph_patch_insert(patch, "list", 1, ph_int(9));
	ph_patch_extend(patch, "list", PH_LIST(ph_int(4), ph_int(5)));
	ph_patch_remove(patch, "list", ph_int(2));
	ph_patch_assign(patch, "list[-1]", ph_int(50));
	ph_patch_clear(patch, "empty");
	ph_patch_reverse(patch, "back");
	ph_patch_add(patch, "n", ph_int(1));
	ph_patch_mul(patch, "n", ph_int(10));
	ph_patch_sub(patch, "n", ph_int(5));
	ph_patch_div(patch, "n", ph_int(2));
	ph_patch_assign(patch, "deep[\"a.b\"][0].c", ph_text("<&>"));
	return ph_output(call, "store.data", ph_patched(patch));
}

/* ---- the page
 * ------------------------------------------------------------------ */

static const struct ph_value *
button(const char *id)
{
	return html_button(.id = id, .children = ph_text(id));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(.children = PH_CHILDREN(button("a"), button("b"),
			    html_p(.id = "why"), html_p(.id = "who"),
			    html_p(.id = "nosy"), html_p(.id = "once"),
			    button("side"), html_p(.id = "told"),
			    button("left"), button("right"),
			    html_p(.id = "shared"), button("slow"),
			    html_p(.id = "slow-out"),
			    html_p(.id = "state", .children = ph_text("idle")),
			    button("break"), html_p(.id = "broken"),
			    html_p(.id = "alert"), button("part"),
			    html_p(.id = "part-a"), html_p(.id = "part-b"),
			    html_p(.id = "lenient"), html_p(.id = "client"),
			    html_p(.id = "spaced"), button("grow"),
			    html_div(.id = "rows",
				.children = PH_CHILDREN(row(0), row(1))),
			    html_p(.id = "total"), button("patch"),
			    dcc_store(.id = "store", .data = PH_JSON({
				    "name" : "old",
				    "gone" : 1,
				    "list" : [ 1, 2, 2 ],
				    "empty" : [1],
				    "back" : [ 1, 2, 3 ],
				    "n" : 1,
				    "deep" : { "a.b" : [ { "c" : "" } ] }
			    })),
			    html_pre(.id = "shown")));
}

PH_APP(app)
{
	ph_layout(app, layout);
	ph_options(app, .update_title = "Wait </script>",
	    .show_undo_redo = true);
	ph_callback(app, context, PH_OUTPUT("why.children"),
	    PH_OUTPUT("who.children"), PH_INPUT("a.n_clicks"),
	    PH_INPUT("b.n_clicks"));
	ph_callback(app, nosy, PH_OUTPUT("nosy.children"),
	    PH_INPUT("a.n_clicks"), .memoize = true,
	    .prevent_initial_call = true);
	ph_callback(app, no_input, PH_OUTPUT("once.children"));
	ph_callback(app, no_output, PH_INPUT("side.n_clicks"),
	    .prevent_initial_call = true);
	ph_callback(app, left, PH_OUTPUT_DUPLICATE("shared.children"),
	    PH_INPUT("left.n_clicks"), .prevent_initial_call = true);
	ph_callback(app, right, PH_OUTPUT_DUPLICATE("shared.children"),
	    PH_INPUT("right.n_clicks"), .prevent_initial_call = true);
	ph_callback(app, takes_time, PH_OUTPUT("slow-out.children"),
	    PH_INPUT("slow.n_clicks"), .prevent_initial_call = true,
	    .running = PH_RUNNING(
		PH_WHILE("slow.disabled", ph_bool(true), ph_bool(false)),
		PH_WHILE("state.children", ph_text("busy"), ph_text("idle"))));
	ph_callback(app, breaks, PH_OUTPUT("broken.children"),
	    PH_INPUT("break.n_clicks"), .prevent_initial_call = true,
	    .on_error = comforts);
	ph_callback(app, partly, PH_OUTPUT("part-a.children"),
	    PH_OUTPUT("part-b.children"), PH_INPUT("part.n_clicks"),
	    PH_STATE("a.n_clicks"), .prevent_initial_call = true);
	ph_on_error(app, mourns);
	ph_callback(app, lenient, PH_OUTPUT("lenient.children"),
	    PH_INPUT("a.n_clicks"), PH_INPUT_OPTIONAL("nowhere.value"));
	ph_clientside(app,
	    "function (n) { return `<${(n || 0) * 2}>`; } // twice",
	    PH_OUTPUT("client.children"), PH_INPUT("a.n_clicks"));
	ph_clientside(app, "ofAsset.spaced", PH_OUTPUT("spaced.children"),
	    PH_INPUT("a.n_clicks"), PH_STATE("b.n_clicks"));
	ph_clientside(app, "function (data) { return JSON.stringify(data); }",
	    PH_OUTPUT("shown.children"), PH_INPUT("store.data"));
	ph_callback(app, grow, PH_OUTPUT("rows.children"),
	    PH_INPUT("grow.n_clicks"), .prevent_initial_call = true);
	ph_callback(app, twice, PH_OUTPUT(PH_MATCH("double") ".children"),
	    PH_INPUT(PH_MATCH("cell") ".value"), .memoize = true);
	ph_callback(app, below, PH_OUTPUT(PH_MATCH("below") ".children"),
	    PH_INPUT(PH_MATCH("cell") ".value"),
	    PH_INPUT(PH_ALLSMALLER("cell") ".value"));
	ph_callback(app, total, PH_OUTPUT("total.children"),
	    PH_OUTPUT(PH_ALL("all") ".children"), PH_INPUT(CELLS));
	ph_callback(app, patches, PH_OUTPUT("store.data"),
	    PH_INPUT("patch.n_clicks"), .prevent_initial_call = true);
}
