/* SPDX-License-Identifier: MIT */

/*
 * Callbacks of components that others add: the first layout lacks them, the
 * validation layout has them, and only them.
 */
#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

#define AWKWARD "</script><!--\"'&"

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(.children = PH_CHILDREN(
			    html_button(.id = "go", .children = ph_text("go")),
			    html_div(.id = "box"),
			    html_p(.id = AWKWARD,
				.children = ph_text("secret of a tree"))));
}

static const struct ph_value *
later(struct ph_call *call)
{
	(void)call;
	return PH_CHILDREN(html_button(.id = "in", .children = ph_text("in")),
	    dcc_input(.id = ph_id("cell", ph_int(1)), .value = ph_text("one")),
	    html_p(.id = "seen"));
}

/* The same for everybody, but nobody can know. */
static const struct ph_value *
greets(struct ph_call *call)
{
	(void)ph_header(call, "User-Agent");
	return later(call);
}

static enum ph_status
more(struct ph_call *call)
{
	return ph_output(call, "box.children", later(call));
}

static enum ph_status
tell(struct ph_call *call)
{
	return ph_output(call, "seen.children",
	    ph_textf("pressed %d",
		(int)ph_int_of(ph_input(call, "in.n_clicks"))));
}

static enum ph_status
nothing(struct ph_call *call)
{
	(void)call;
	return PH_NO_UPDATE;
}

static void
define(struct ph_app *app)
{
	ph_layout(app, layout);
	ph_callback(app, more, PH_OUTPUT("box.children"),
	    PH_INPUT("go.n_clicks"), .prevent_initial_call = true);
	ph_callback(app, tell, PH_OUTPUT("seen.children"),
	    PH_INPUT("in.n_clicks"), PH_STATE(PH_ALL("cell") ".value"));
	ph_callback(app, nothing, PH_OUTPUT(AWKWARD ".title"),
	    PH_INPUT("in.n_clicks"));
}

PH_APP(app)
{
	define(app);
	ph_validation_layout(app, later);
}

PH_APP(unsure)
{
	define(unsure);
	ph_validation_layout(unsure, greets);
}

PH_APP(suppressed)
{
	define(suppressed);
	ph_options(suppressed, .suppress_callback_exceptions = true);
	ph_validation_layout(suppressed, later);
}

PH_APP(bare)
{
	define(bare);
}
