/* SPDX-License-Identifier: MIT */

/*
 * Session data: what one visitor has computed, others do not see.
 *
 * Two callbacks show the same small table. It takes long to make, so it is
 * memoized, with the scope of the session: each session has a table of its
 * own, made once, however often the button is clicked and whichever worker is
 * asked. Whose request it is says a cookie that the server has signed, so
 * nobody can ask for another one's data.
 *
 * PH_DEMO_DELAY (seconds, default 5) is what making it pretends to cost.
 */
#include <stdlib.h>
#include <time.h>

#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

static double
delay(void)
{
	const char *text = getenv("PH_DEMO_DELAY");

	return text != NULL ? strtod(text, NULL) : 5.0;
}

static const struct ph_value *
row(time_t when, const char *value)
{
	return PH_OBJECT({ "time", ph_time((double)when) },
	    { "values", ph_text(value) });
}

/* Expensive, so memoized: runs once per session. */
static enum ph_status
get_dataframe(struct ph_call *call)
{
	time_t now;

	ph_log(call, "Computing data of session %s", ph_session_id(call));
	ph_sleep(call, delay()); /* stands for the expensive query */
	now = time(NULL);
	return ph_return(call,
	    PH_LIST(row(now - 15, "a"), row(now - 10, "b"), row(now - 5, "a"),
		row(now, "c")));
}

/* "Output N" with the number of clicks and the table as CSV. */
static enum ph_status
show(struct ph_call *call, const char *title, const char *output)
{
	const struct ph_value *rows = ph_memo(call, get_dataframe);
	const struct ph_value *csv = ph_text("time,values\n");
	size_t i;

	if (rows == NULL)
		return PH_WAIT; /* runs again when the value is ready */
	for (i = 0; i < ph_count_of(rows); i++)
		csv = ph_textf("%s%s,%s\n", ph_text_of(csv),
		    ph_text_of(ph_member(ph_at(rows, i), "time")),
		    ph_text_of(ph_member(ph_at(rows, i), "values")));
	return ph_output(call, output,
	    html_div(.children = PH_CHILDREN(
		html_div(.children = ph_textf(
		    "%s - Button has been clicked %lld times", title,
		    (long long)ph_int_of(
			ph_input(call, "get-data-button.n_clicks")))),
		html_pre(.children = csv))));
}

/* Whichever of the two has failed: the page says so once, and shows no more
 * that it computes. */
static enum ph_status
show_error(struct ph_call *call)
{
	ph_set_props(call, "output-1", "children", ph_null());
	ph_set_props(call, "output-2", "children", ph_null());
	return ph_set_props(call, "error", "children",
	    ph_textf("This did not work: %s.", ph_error(call)));
}

static enum ph_status
display_value_1(struct ph_call *call)
{
	return show(call, "Output 1", "output-1.children");
}

static enum ph_status
display_value_2(struct ph_call *call)
{
	return show(call, "Output 2", "output-2.children");
}

/* How many visitors there are, and how many the server keeps; 0: all. */
static enum ph_status
count_sessions(struct ph_call *call)
{
	long long count = ph_session_count(call);
	long long limit = ph_session_limit(call);

	return ph_output(call, "sessions.children", limit > 0
		? ph_textf("Sessions: %lld of at most %lld", count, limit)
		: ph_textf("Sessions: %lld", count));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_main(.className = "container", .children = PH_CHILDREN(
	    html_h1(.children = ph_text("Session data")),
	    html_button(.id = "get-data-button",
		.children = ph_text("Get data")),
	    html_p(.id = "error", .role = "alert"),
	    html_div(.id = "output-1", .children = ph_text("Computing ...")),
	    html_div(.id = "output-2", .children = ph_text("Computing ...")),
	    html_p(.id = "sessions")));
}

PH_APP(app)
{
	ph_title(app, "Session data");
	ph_sessions(app);
	ph_layout(app, layout);
	ph_memoize(app, get_dataframe, .timeout = PH_FOREVER,
	    .scope = PH_SCOPE_SESSION);
	ph_callback(app, display_value_1, PH_OUTPUT("output-1.children"),
	    PH_INPUT("get-data-button.n_clicks"), .on_error = show_error);
	ph_callback(app, display_value_2, PH_OUTPUT("output-2.children"),
	    PH_INPUT("get-data-button.n_clicks"), .on_error = show_error);
	ph_callback(app, count_sessions, PH_OUTPUT("sessions.children"),
	    PH_INPUT("get-data-button.n_clicks"));
	ph_clientside(app, "function() { return ''; }",
	    PH_OUTPUT("error.children"), PH_INPUT("get-data-button.n_clicks"));
}
