/* SPDX-License-Identifier: MIT */

/*
 * Layouts that look at who asks: in `app` and `blocking` they may, in `failing`
 * and `failing_slowly` they never go well, in `failing_for_nobody` for some.
 */
#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>
#include <pronghorn/pages.h>

static const struct ph_value *
layout(struct ph_call *call)
{
	return html_div(.children = PH_CHILDREN(
			    html_p(.id = "language",
				.children = ph_text(
				    ph_header(call, "Accept-Language"))),
			    html_p(.id = "theme",
				.children = ph_text(ph_cookie(call, "theme"))),
			    html_p(.id = "client",
				.children = ph_text(ph_client(call))),
			    html_p(.id = "query",
				.children = ph_text(ph_query_arg(call, "q"))),
			    html_p(.id = "user",
				.children = ph_text(ph_user(call))),
			    ph_page_container()));
}

static const struct ph_value *
page(struct ph_call *call)
{
	ph_session_set(call, "seen", ph_bool(true));
	ph_set_cookie(call, "seen", "yes", .max_age = 60);
	return html_p(.id = "page",
	    .children = ph_textf("%s %s %s", ph_header(call, "Accept-Language"),
		ph_query_arg(call, "q"),
		ph_text_of(ph_input(call, "_pages_location.pathname"))));
}

static enum ph_status
says(struct ph_call *call)
{
	return ph_output(call, "query.children", ph_input(call, "user.title"));
}

PH_APP(app)
{
	ph_sessions(app);
	ph_external_script(app, "https://cdn.example/lib/x.js?v=1",
	    .integrity = "sha384-abc", .defer = true);
	ph_external_stylesheet(app, "//fonts.example/css?family=A");
	ph_layout(app, layout);
	ph_page(app, "/", page);
	ph_callback(app, says, PH_OUTPUT("query.children"),
	    PH_INPUT("user.title"), .prevent_initial_call = true);
}

PH_APP(blocking)
{
	ph_sessions(blocking);
	ph_layout(blocking, layout, .blocking = true);
	ph_page(blocking, "/", page);
}

static const struct ph_value *
never(struct ph_call *call)
{
	ph_session_set(call, "seen", ph_bool(true));
	return html_p(.children = ph_input(call, "nowhere.value"));
}

static const struct ph_value *
unknown(struct ph_call *call)
{
	return html_p(.children = ph_input(call, "nowhere.value"));
}

/* Whom it knows it would let in. */
static const struct ph_value *
refuses(struct ph_call *call)
{
	if (ph_header(call, "Accept-Language")[0] == '\0')
		(void)ph_fail(call, "no language");
	return html_p(.id = "in");
}

PH_APP(failing)
{
	ph_sessions(failing);
	ph_layout(failing, never);
}

PH_APP(failing_slowly)
{
	ph_sessions(failing_slowly);
	ph_layout(failing_slowly, unknown, .blocking = true);
}

PH_APP(failing_for_nobody)
{
	ph_layout(failing_for_nobody, refuses);
}
