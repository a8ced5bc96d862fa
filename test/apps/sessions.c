/* SPDX-License-Identifier: MIT */

/*
 * Sessions from every side: "do.value" says what to do, "out.children" tells
 * what came of it; a value that stays on the server; headers and cookies.
 */
#include <string.h>

#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

static enum ph_status
say(struct ph_call *call, const struct ph_value *value)
{
	return ph_output(call, "out.children", value);
}

/* ["verb", ...] */
static enum ph_status
act(struct ph_call *call)
{
	const struct ph_value *what = ph_input(call, "do.value");
	const char *verb = ph_text_of(ph_at(what, 0));
	const char *name = ph_text_of(ph_at(what, 1));
	const struct ph_value *found;

	if (strcmp(verb, "id") == 0)
		return say(call, ph_text(ph_session_id(call)));
	if (strcmp(verb, "get") == 0) {
		found = ph_session_get(call, name);
		return say(call, found != NULL ? found : ph_text("nothing"));
	}
	if (strcmp(verb, "set") == 0)
		return say(call,
		    ph_bool(ph_session_set(call, name, ph_at(what, 2))));
	if (strcmp(verb, "delete") == 0)
		return say(call, ph_bool(ph_session_delete(call, name)));
	if (strcmp(verb, "rotate") == 0)
		return say(call, ph_bool(ph_session_rotate(call)));
	if (strcmp(verb, "end") == 0)
		return say(call, ph_bool(ph_session_end(call)));
	if (strcmp(verb, "forget") == 0)
		return say(call, ph_bool(ph_session_forget(call)));
	if (strcmp(verb, "login") == 0)
		return say(call, ph_bool(ph_set_user(call, name)));
	if (strcmp(verb, "user") == 0)
		return say(call, ph_text(ph_user(call)));
	if (strcmp(verb, "count") == 0)
		return say(call,
		    ph_textf("%lld of %lld", (long long)ph_session_count(call),
			(long long)ph_session_limit(call)));
	if (strcmp(verb, "fail") == 0) {
		ph_session_rotate(call);
		return ph_fail(call, "after the change");
	}
	if (strcmp(verb, "header") == 0) {
		ph_set_header(call, name, ph_text_of(ph_at(what, 2)));
		return say(call, ph_text("set"));
	}
	if (strcmp(verb, "cookie") == 0) {
		ph_set_cookie(call, name, ph_text_of(ph_at(what, 2)),
		    .max_age = ph_number_of(ph_at(what, 3)));
		return say(call, ph_text("set"));
	}
	return say(call, ph_text("public")); /* knows nothing of sessions */
}

/* Its answer would be given to others. */
static enum ph_status
nosy(struct ph_call *call)
{
	return ph_output(call, "nosy.children", ph_text(ph_session_id(call)));
}

static enum ph_status
nosy_header(struct ph_call *call)
{
	ph_set_header(call, "X-Nosy", "1");
	return ph_output(call, "nosy-header.children", ph_text("x"));
}

static enum ph_status
produce(struct ph_call *call)
{
	const struct ph_value *rows[1000];
	const struct ph_value *mark = ph_input(call, "make.n_clicks");
	int i;

	for (i = 0; i < 1000; i++)
		rows[i] = ph_textf("%d: a row of a hundred characters or so, "
				   "as it might come from a database of ours",
		    i);
	return ph_output(call, "store.data",
	    ph_store_on_server(call,
		PH_OBJECT({ "mark", mark },
		    { "rows", ph_host_->make_list(rows, 1000) })));
}

static enum ph_status
consume(struct ph_call *call)
{
	const struct ph_value *data = ph_input(call, "store.data");

	if (ph_is_null(data))
		return ph_output(call, "seen.children",
		    ph_textf("lost: %s", ph_lost(call, "store.data")));
	return ph_output(call, "seen.children",
	    ph_textf("%zu rows, made by click %d",
		ph_count_of(ph_member(data, "rows")),
		(int)ph_int_of(ph_member(data, "mark"))));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	return html_div(.children = PH_CHILDREN(
			    html_div(.id = "who",
				.children = ph_text(ph_session_id(call))),
			    dcc_input(.id = "do"), html_div(.id = "out"),
			    html_div(.id = "nosy"), html_div(.id = "mine"),
			    html_div(.id = "nap"),
			    html_div(.id = "nosy-header"),
			    html_button(.id = "make",
				.children = ph_text("Make")),
			    dcc_store(.id = "store"), html_div(.id = "seen")));
}

/* Each session's own. */
static enum ph_status
mine(struct ph_call *call)
{
	ph_log(call, "run mine");
	return ph_return(call, ph_arg(call, 0));
}

static enum ph_status
get_mine(struct ph_call *call)
{
	const struct ph_value *value =
	    ph_memo(call, mine, ph_input(call, "do.value"));

	return value != NULL ? ph_output(call, "mine.children", value)
			     : PH_WAIT;
}

/* Everybody's, and takes its time. */
static enum ph_status
nap(struct ph_call *call)
{
	ph_sleep(call, 0.2);
	return ph_return(call, ph_arg(call, 0));
}

static enum ph_status
get_nap(struct ph_call *call)
{
	const struct ph_value *value =
	    ph_memo(call, nap, ph_input(call, "do.value"));

	return value != NULL ? ph_output(call, "nap.children", value) : PH_WAIT;
}

PH_APP(app)
{
	ph_sessions(app);
	ph_memoize(app, mine, .scope = PH_SCOPE_SESSION, .timeout = PH_FOREVER);
	ph_memoize(app, nap);
	ph_layout(app, layout);
	ph_callback(app, get_nap, PH_OUTPUT("nap.children"),
	    PH_INPUT("do.value"));
	ph_callback(app, act, PH_OUTPUT("out.children"), PH_INPUT("do.value"));
	ph_callback(app, nosy, PH_OUTPUT("nosy.children"), PH_INPUT("do.value"),
	    .memoize = true, .prevent_initial_call = true);
	ph_callback(app, nosy_header, PH_OUTPUT("nosy-header.children"),
	    PH_INPUT("do.value"), .memoize = true,
	    .prevent_initial_call = true);
	ph_callback(app, produce, PH_OUTPUT("store.data"),
	    PH_INPUT("make.n_clicks"), .prevent_initial_call = true);
	ph_callback(app, get_mine, PH_OUTPUT("mine.children"),
	    PH_INPUT("do.value"), .prevent_initial_call = true);
	ph_callback(app, consume, PH_OUTPUT("seen.children"),
	    PH_INPUT("store.data"));
}
