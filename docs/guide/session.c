/* SPDX-License-Identifier: MIT */

/*
 * Page "4 Sessions": the example session_data, and a list of the latest
 * visitors with the first time in their data, so that two can be seen side by
 * side. A visitor gets a number, which says nothing about his session.
 */
#define GUIDE_PREFIX "session-"
#define GUIDE_DEFINE define
#include "docs/guide/example.h"
/* Behind it: what it redefines. */
#include "docs/examples/session_data/app.c"

EMBED(guide_session_prose, "docs/guide/text/session.md");
EMBED(guide_session_source, "docs/examples/session_data/app.c");

#define SHOWN 5

/* This visitor's number: his first time, the next one. 0: no number. */
static int64_t
number_of_visitor(struct ph_call *call)
{
	int64_t number = ph_int_of(ph_session_get(call, "guide.number"));

	if (number > 0)
		return number;
	if (!ph_cache_incr(call, "guide.visitors", 1, &number) ||
	    !ph_session_set(call, "guide.number", ph_int(number)))
		return 0;
	return number;
}

static const struct ph_value *
row_of(struct ph_call *call, int64_t number, int64_t own)
{
	const struct ph_value *time =
	    number > 0
		? ph_cache_get(call, ph_text_of(ph_textf("guide.visitor.%lld",
					 (long long)number)))
		: NULL;

	if (ph_is_null(time))
		return ph_null();
	return html_tr(.children = PH_CHILDREN(
	    html_th(.scope = "row", .children = ph_textf("Visitor %lld%s",
		(long long)number, number == own ? ", you" : "")),
	    html_td(.children = time)));
}

/* Runs when the data is on the page, so it is there. */
static enum ph_status
list_visitors(struct ph_call *call)
{
	const struct ph_value *rows = ph_memo(call, get_dataframe);
	const struct ph_value *list[SHOWN];
	int64_t newest;
	int64_t own;
	int i;

	if (rows == NULL)
		return PH_WAIT;
	own = number_of_visitor(call);
	if (own == 0 ||
	    !ph_cache_set(call,
		ph_text_of(ph_textf("guide.visitor.%lld", (long long)own)),
		ph_member(ph_at(rows, 0), "time"), .timeout = 86400))
		return ph_fail(call, "the cache keeps no visitors");
	if (!ph_cache_incr(call, "guide.visitors", 0, &newest))
		newest = own;
	for (i = 0; i < SHOWN; i++)
		list[i] = row_of(call, newest - i, own);
	return ph_output(call, "visitors.children",
	    ph_host_->make_list(list, SHOWN));
}

static const struct ph_value *
visitors(void)
{
	return html_table(.children = PH_CHILDREN(
	    html_caption(.children = ph_text("The latest visitors")),
	    html_thead(.children = html_tr(.children = PH_CHILDREN(
		html_th(.scope = "col", .children = ph_text("Who")),
		html_th(.scope = "col",
		    .children = ph_text("First time in the data"))))),
	    html_tbody(.id = "visitors", .children = html_tr(.children =
		html_td(.colSpan = ph_int(2),
		    .children = ph_text("Nobody yet"))))));
}

static const struct ph_value *
page(struct ph_call *call)
{
	const struct guide_page page = { .path = "/session-data",
		.prose = guide_session_prose,
		.live = html_div(
		    .children = PH_CHILDREN(layout(call), visitors())),
		.source_name = "docs/examples/session_data/app.c",
		.source = guide_session_source };

	return guide_frame(call, &page);
}

void
guide_session(struct ph_app *app)
{
	define(app);
	ph_callback(app, list_visitors, PH_OUTPUT("visitors.children"),
	    PH_INPUT("output-1.children"), .prevent_initial_call = true);
	ph_page(app, "/session-data", page, .name = "Session data",
	    .title = "Example 4: session data on the server");
}
