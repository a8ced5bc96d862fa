/* SPDX-License-Identifier: MIT */

/* Components of a second package from npm, one with parts that are loaded when
 * they are shown. */
#include <pronghorn/app.h>

#include "dash_mantine_components.h"

/* A week of temperatures, in either unit. */
static enum ph_status
show(struct ph_call *call)
{
	bool warm = ph_bool_of(ph_input(call, "warm.checked"));
	const char *unit = ph_text_of(ph_input(call, "unit.value"));
	const char *const days[] = { "Mon", "Tue", "Wed" };
	const struct ph_value *rows[3];
	int i;

	for (i = 0; i < 3; i++)
		rows[i] = PH_OBJECT({ "day", ph_text(days[i]) },
		    { "t", ph_int((*unit == 'F' ? 50 : 10) + (warm ? 20 : 0) +
				  i) });
	ph_output(call, "chart.data", ph_list(rows, 3));
	return ph_output(call, "out.children",
	    ph_textf("%s in %s", warm ? "Warm" : "Cold", unit));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return dmc_mantine_provider(
		.children = PH_CHILDREN(dmc_switch(.id = "warm",
					    .label = ph_text("Warm"),
					    .checked = PH_FALSE),
		    dmc_segmented_control(.id = "unit", .value = "C",
			.data = PH_LIST(ph_text("C"), ph_text("F"))),
		    dmc_alert(.id = "out", .color = "teal"),
		    dmc_line_chart(.id = "chart", .h = ph_int(200),
			.dataKey = "day", .data = PH_LIST(),
			.series = PH_LIST(PH_OBJECT({ "name", ph_text("t") },
			    { "color", ph_text("teal.6") })))));
}

PH_APP(app)
{
	ph_package(app, "dash_mantine_components");
	ph_layout(app, layout);
	ph_callback(app, show, PH_OUTPUT("out.children"),
	    PH_OUTPUT("chart.data"), PH_INPUT("warm.checked"),
	    PH_INPUT("unit.value"));
}
