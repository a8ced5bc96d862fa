/* SPDX-License-Identifier: MIT */

/* One callback of each kind, all of them cheap, for counting their memory. */
#include <string.h>

#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

static enum ph_status
create(struct ph_call *call)
{
	return ph_exec(call,
	    "CREATE TABLE t AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL "
	    "SELECT i + 1 FROM c WHERE i < 50) SELECT i, 'row ' || i AS name, "
	    "i / 3.0 AS third FROM c");
}

static enum ph_status
plain(struct ph_call *call)
{
	return ph_output(call, "plain.children",
	    html_div(.children = PH_LIST(ph_input(call, "in.value"),
			 ph_textf("%d", 42), html_b(.id = "b"))));
}

static enum ph_status
small(struct ph_call *call)
{
	return ph_output(call, "small.children", ph_input(call, "in.value"));
}

static enum ph_status
several(struct ph_call *call)
{
	ph_output(call, "several-1.children", ph_input(call, "in.value"));
	ph_set_props(call, "else", "children", ph_text("side"));
	return ph_output(call, "several-2.children",
	    PH_OBJECT({ "a", ph_int(1) },
		{ "b", PH_JSON([ 1, 2, { "c" : 3 } ]) }));
}

static enum ph_status
kept(struct ph_call *call)
{
	return ph_output(call, "kept.children", ph_input(call, "in.value"));
}

static enum ph_status
compute(struct ph_call *call)
{
	return ph_return_query(call, "SELECT * FROM t WHERE i < ?1",
	    ph_arg(call, 0));
}

static enum ph_status
echo(struct ph_call *call)
{
	return ph_return(call, ph_arg(call, 0));
}

static enum ph_status
asks(struct ph_call *call)
{
	const struct ph_value *t = ph_memo(call, compute,
	    ph_int(ph_int_of(ph_input(call, "in.value")) % 40));

	if (t == NULL)
		return PH_WAIT;
	return ph_output(call, "asks.children", ph_csv(t));
}

static enum ph_status
queries(struct ph_call *call)
{
	return ph_output(call, "queries.children",
	    ph_query(call, "SELECT * FROM t WHERE i > ?1 % 40",
		ph_input(call, "in.value")));
}

static enum ph_status
draws(struct ph_call *call)
{
	const struct ph_value *t = ph_query(call, "SELECT i, third FROM t");
	struct ph_figure *figure = ph_figure();

	ph_line(figure, .x = ph_member(t, "i"), .y = ph_member(t, "third"));
	ph_figure_layout(figure, .title = "Thirds", .style = "light");
	return ph_output(call, "draws.figure", ph_figure_value(figure));
}

static enum ph_status
patches(struct ph_call *call)
{
	struct ph_patch *patch = ph_patch();

	ph_patch_append(patch, "data[0].y", ph_input(call, "in.value"));
	ph_patch_assign(patch, "layout.title.text", ph_text("Now"));
	return ph_output(call, "patches.figure", ph_patched(patch));
}

static enum ph_status
fails(struct ph_call *call)
{
	return ph_fail(call, "number %s",
	    ph_text_of(ph_input(call, "in.value")));
}

static enum ph_status
explains(struct ph_call *call)
{
	return ph_output(call, "fails.children", ph_text(ph_error(call)));
}

static enum ph_status
remembers(struct ph_call *call)
{
	ph_session_set(call, "last", ph_input(call, "in.value"));
	ph_set_header(call, "X-Kind", "session");
	return ph_output(call, "remembers.children",
	    ph_session_get(call, "last"));
}

static enum ph_status
stores(struct ph_call *call)
{
	int64_t n;

	ph_cache_set(call, "entry", ph_input(call, "in.value"), .timeout = 60);
	ph_cache_incr(call, "count", 1, &n);
	return ph_output(call, "stores.children", ph_cache_get(call, "entry"));
}

static enum ph_status
takes(struct ph_call *call)
{
	size_t len;
	const char *bytes =
	    ph_upload(call, ph_input(call, "up.contents"), &len);

	return ph_download(call, "takes.data", "x.bin", NULL, bytes, len);
}

/* Each round gives back what it has made; the one in it is left open. */
static enum ph_status
scratches(struct ph_call *call)
{
	const struct ph_value *kept = ph_null();
	int64_t sum = 0;
	int i;

	for (i = 0; i < 20; i++) {
		ph_scratch_begin(call);
		sum += ph_int_of(ph_at(
		    ph_member(ph_query(call, "SELECT i FROM t WHERE i = ?1",
				  ph_int(i)),
			"i"),
		    0));
		if (i == 10)
			kept = ph_keep(call, ph_textf("round %d", i));
		ph_scratch_end(call);
	}
	ph_scratch_begin(call);
	return ph_output(call, "scratches.children",
	    ph_textf("%s %d %s", ph_text_of(ph_input(call, "in.value")),
		(int)sum, ph_text_of(kept)));
}

/* Properties of components that are none of its outputs. */
static enum ph_status
sets(struct ph_call *call)
{
	ph_set_props(call, "else", "children", ph_input(call, "in.value"));
	ph_set_props(call, ph_id("match", ph_int(1)), "children",
	    html_b(.children = ph_text("side")));
	return ph_output(call, "sets.children", ph_null());
}

/* Not memoized: it waits for two values, one after the other, and so runs three
 * times. */
static enum ph_status
waits(struct ph_call *call)
{
	const struct ph_value *in = ph_input(call, "in.value");
	const struct ph_value *first = ph_memo(call, echo, in);
	const struct ph_value *second;

	if (first == NULL)
		return PH_WAIT;
	second = ph_memo(call, echo, PH_LIST(first));
	if (second == NULL)
		return PH_WAIT;
	return ph_output(call, "waits.children", second);
}

/* Computed anew for each input. */
static enum ph_status
computes(struct ph_call *call)
{
	const struct ph_value *value =
	    ph_memo(call, echo, ph_input(call, "in.value"));

	if (value == NULL)
		return PH_WAIT;
	return ph_output(call, "computes.children", value);
}

static enum ph_status
nothing(struct ph_call *call)
{
	ph_output(call, "nothing.children", ph_input(call, "in.value"));
	return PH_NO_UPDATE;
}

/* Without an output of its own. */
static enum ph_status
silent(struct ph_call *call)
{
	return ph_set_props(call, "else", "children",
	    ph_input(call, "quiet.value"));
}

/* Nobody explains it. */
static enum ph_status
breaks(struct ph_call *call)
{
	return ph_fail(call, "number %s",
	    ph_text_of(ph_input(call, "in.value")));
}

static enum ph_status
matches(struct ph_call *call)
{
	return ph_output(call, PH_MATCH("match") ".children",
	    PH_LIST(ph_input(call, PH_MATCH("cell") ".value"),
		ph_input(call, PH_ALL("cell") ".value"),
		ph_id_of(call, PH_MATCH("match") ".children")));
}

/* The value stays here. */
static enum ph_status
keeps(struct ph_call *call)
{
	return ph_output(call, "keeps.data",
	    ph_store_on_server(call, ph_query(call, "SELECT * FROM t")));
}

/* A background callback. */
static enum ph_status
behind(struct ph_call *call)
{
	ph_set_progress(call, { "bar.children", ph_text("begun") });
	return ph_output(call, "behind.children", ph_input(call, "in.value"));
}

static enum ph_status
route(struct ph_call *call)
{
	ph_respond_header(call, "X-Kind", "route");
	return ph_respond_json(call, 200,
	    ph_query(call, "SELECT * FROM t WHERE i < 9"));
}

static enum ph_status
rows(struct ph_call *call)
{
	ph_respond(call, 200, "text/csv", "", 0);
	return ph_respond_csv(call, "SELECT * FROM t");
}

static enum ph_status
form(struct ph_call *call)
{
	return ph_respond_text(call, 200, ph_form_arg(call, "name"));
}

static const struct ph_value *
out(const char *id)
{
	return html_div(.id = id);
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(.children = PH_CHILDREN(dcc_input(.id = "in"),
			    dcc_upload(.id = "up"), dcc_download(.id = "takes"),
			    dcc_graph(.id = "draws"),
			    dcc_graph(.id = "patches"), out("small"),
			    out("plain"), out("several-1"), out("several-2"),
			    out("else"), out("kept"), out("asks"),
			    out("queries"), out("fails"), out("remembers"),
			    out("stores"), out("behind"), out("bar"),
			    out("scratches"), out("sets"), out("waits"),
			    out("computes"), out("nothing"), out("breaks"),
			    dcc_input(.id = "quiet"), dcc_store(.id = "keeps"),
			    dcc_input(.id = ph_id("cell", ph_int(1))),
			    html_div(.id = ph_id("match", ph_int(1)))));
}

PH_APP(app)
{
	ph_sessions(app);
	ph_layout(app, layout);
	ph_database(app, "t", .create = create, .version = 1);
	ph_memoize(app, compute, .timeout = 1);
	ph_callback(app, small, PH_OUTPUT("small.children"),
	    PH_INPUT("in.value"));
	ph_callback(app, plain, PH_OUTPUT("plain.children"),
	    PH_INPUT("in.value"));
	ph_callback(app, several, PH_OUTPUT("several-1.children"),
	    PH_OUTPUT("several-2.children"), PH_INPUT("in.value"));
	ph_callback(app, kept, PH_OUTPUT("kept.children"), PH_INPUT("in.value"),
	    .memoize = true, .timeout = 1);
	ph_callback(app, asks, PH_OUTPUT("asks.children"),
	    PH_INPUT("in.value"));
	ph_callback(app, queries, PH_OUTPUT("queries.children"),
	    PH_INPUT("in.value"));
	ph_callback(app, draws, PH_OUTPUT("draws.figure"),
	    PH_INPUT("in.value"));
	ph_callback(app, patches, PH_OUTPUT("patches.figure"),
	    PH_INPUT("in.value"));
	ph_callback(app, fails, PH_OUTPUT("fails.children"),
	    PH_INPUT("in.value"), .on_error = explains);
	ph_callback(app, remembers, PH_OUTPUT("remembers.children"),
	    PH_INPUT("in.value"));
	ph_callback(app, stores, PH_OUTPUT("stores.children"),
	    PH_INPUT("in.value"));
	ph_callback(app, takes, PH_OUTPUT("takes.data"),
	    PH_INPUT("up.contents"));
	ph_callback(app, behind, PH_OUTPUT("behind.children"),
	    PH_INPUT("in.value"), .background = true, .interval = 0.05,
	    .progress = PH_PROGRESS({ "bar.children", ph_text("none") }));
	ph_memoize(app, echo, .timeout = 1);
	ph_callback(app, computes, PH_OUTPUT("computes.children"),
	    PH_INPUT("in.value"));
	ph_callback(app, scratches, PH_OUTPUT("scratches.children"),
	    PH_INPUT("in.value"));
	ph_callback(app, sets, PH_OUTPUT("sets.children"),
	    PH_INPUT("in.value"));
	ph_callback(app, waits, PH_OUTPUT("waits.children"),
	    PH_INPUT("in.value"));
	ph_callback(app, nothing, PH_OUTPUT("nothing.children"),
	    PH_INPUT("in.value"));
	ph_callback(app, silent, PH_INPUT("quiet.value"));
	ph_callback(app, breaks, PH_OUTPUT("breaks.children"),
	    PH_INPUT("in.value"));
	ph_callback(app, matches, PH_OUTPUT(PH_MATCH("match") ".children"),
	    PH_INPUT(PH_MATCH("cell") ".value"),
	    PH_INPUT(PH_ALL("cell") ".value"));
	ph_callback(app, keeps, PH_OUTPUT("keeps.data"), PH_INPUT("in.value"));
	ph_route(app, "GET", "/route", route);
	ph_route(app, "GET", "/rows", rows);
	ph_route(app, "POST", "/form", form);
}
