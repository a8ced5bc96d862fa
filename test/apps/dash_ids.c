/* SPDX-License-Identifier: MIT */

/* Callbacks with ids and properties that are not on the page. */
#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

static enum ph_status
nothing(struct ph_call *call)
{
	(void)call;
	return PH_NO_UPDATE;
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(.id = "outer",
	    .children =
		PH_CHILDREN(html_div(.id = "out"), html_div(.id = "other"),
		    dcc_tabs(.id = "tabs",
			.children = PH_CHILDREN(dcc_tab(.label = ph_text("a"),
			    .children = dcc_input(.id = "deep")))),
		    dcc_input(.id = ph_id("cell", ph_int(1)))));
}

PH_APP(app)
{
	ph_layout(app, layout);
	ph_callback(app, nothing, PH_OUTPUT("out.children"),
	    PH_INPUT("deep.value"), PH_STATE("outer.data-row"));
	ph_callback(app, nothing, PH_OUTPUT("gone.children"),
	    PH_INPUT("deep.valeu"), PH_STATE("here.value"),
	    PH_INPUT_OPTIONAL("maybe.value"));
	ph_callback(app, nothing, PH_OUTPUT(PH_ALL("cell") ".colour"),
	    PH_INPUT(PH_ALL("cell") ".value"),
	    PH_STATE(PH_ALL("none") ".value"));
}
