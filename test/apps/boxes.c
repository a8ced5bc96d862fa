/* SPDX-License-Identifier: MIT */

/* Lists of boxes: Checklist, RadioItems, and a Dropdown that is long; and
 * sliders with numbers beside them. */
#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

#define CITIES 300

static enum ph_status
tell(struct ph_call *call)
{
	return ph_output(call, "chosen.children",
	    ph_textf("%zu %s %zu", ph_count_of(ph_input(call, "fruit.value")),
		ph_text_of(ph_input(call, "size.value")),
		ph_count_of(ph_input(call, "cities.value"))));
}

static const struct ph_value *
group(const char *name, const struct ph_value *child)
{
	return html_fieldset(.children = PH_CHILDREN(
				 html_legend(.children = ph_text(name)),
				 child));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	const struct ph_value *cities[CITIES];
	size_t i;

	(void)call;
	for (i = 0; i < CITIES; i++)
		cities[i] = ph_textf("city %zu", i);
	return html_main(
		.children = PH_CHILDREN(html_h1(.children = ph_text("Boxes")),
		    group("Fruit",
			dcc_checklist(.id = "fruit",
			    .options = PH_JSON([ "apples", "figs", "plums" ]),
			    .value = PH_JSON(["figs"]))),
		    group("Size", dcc_radio_items(.id = "size",
				      .options = PH_JSON([ "small", "large" ]),
				      .value = ph_text("small"))),
		    group("Cities", dcc_dropdown(.id = "cities",
					.options = ph_list(cities, CITIES),
					.multi = PH_TRUE)),
		    group("Weight", dcc_slider(.id = "weight", .min = ph_int(0),
					.max = ph_int(9), .value = ph_int(3))),
		    group("Months",
			dcc_range_slider(.id = "months", .min = ph_int(1),
			    .max = ph_int(12), .value = PH_JSON([ 2, 4 ]))),
		    html_p(.id = "chosen")));
}

PH_APP(app)
{
	ph_title(app, "Boxes");
	ph_layout(app, layout);
	ph_callback(app, tell, PH_OUTPUT("chosen.children"),
	    PH_INPUT("fruit.value"), PH_INPUT("size.value"),
	    PH_INPUT("cities.value"));
}
