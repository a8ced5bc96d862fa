/* SPDX-License-Identifier: MIT */

/* Components of a package from npm, beside the server's own. */
#include <pronghorn/app.h>
#include <pronghorn/html.h>

#include "dash_bootstrap_components.h"

static enum ph_status
count(struct ph_call *call)
{
	ph_output(call, "toast.is_open", ph_bool(true));
	return ph_output(call, "out.children",
	    ph_textf("%d clicks on %s",
		(int)ph_int_of(ph_input(call, "go.n_clicks")),
		ph_text_of(ph_json_text(ph_input(call, "boxes.value")))));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return dbc_container(
		.children = PH_CHILDREN(
		    dbc_alert(.id = "out", .color = "success"),
		    dbc_checklist(.id = "boxes", .value = PH_JSON(["b"]),
			.options = PH_LIST(
			    PH_OBJECT(
				{ "label", html_em(.id = "label",
					       .children = ph_text("first")) },
				{ "value", ph_text("a") }),
			    PH_OBJECT({ "label", ph_text("second") },
				{ "value", ph_text("b") }))),
		    dbc_button(.id = "go", .color = "danger",
			.n_clicks = ph_int(0), .children = ph_text("Click")),
		    dbc_toast(.id = "toast", .is_open = PH_FALSE,
			.header = html_strong(.id = "header",
			    .children = ph_text("News")),
			.children = ph_text("It is open"))));
}

PH_APP(app)
{
	ph_package(app, "dash_bootstrap_components");
	ph_layout(app, layout);
	ph_callback(app, count, PH_OUTPUT("out.children"),
	    PH_OUTPUT("toast.is_open"), PH_INPUT("go.n_clicks"),
	    PH_INPUT("boxes.value"), .prevent_initial_call = true);
}
