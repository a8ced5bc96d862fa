/* SPDX-License-Identifier: MIT */

/* The status page of the server, served by its admin process. */
#include <pronghorn/app.h>
#include <pronghorn/html.h>

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_main(.children = html_h1(.children = ph_text("Status")));
}

PH_APP(app)
{
	ph_title(app, "Server status");
	ph_layout(app, layout);
}
