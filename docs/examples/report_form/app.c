/* SPDX-License-Identifier: MIT */

/*
 * A form that says what is wrong while it is filled in, and a report that is
 * made in the background: with a bar, a Cancel button and a file at the end.
 *
 * The server decides what is valid, for the messages and again when a report is
 * asked for. It is made on any thread of any worker and holds up nobody; when
 * its worker dies it begins anew. PH_DEMO_DELAY (seconds, default 5) is what it
 * pretends to cost.
 */
#include <stdlib.h>
#include <string.h>
#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

static const char *
check_name(const struct ph_value *value)
{
	return strlen(ph_text_of(value)) < 2 ? "At least two letters" : "";
}

static const char *
check_mail(const struct ph_value *value)
{
	const char *at = strchr(ph_text_of(value), '@');

	return at == NULL || at == ph_text_of(value) || strchr(at, '.') == NULL
		   ? "An address such as ada@example.org" : "";
}

static const char *
check_months(const struct ph_value *value)
{
	double months = ph_number_of(value); /* NaN when it is no number */

	return months >= 1 && months <= 36 ? "" : "From 1 to 36 months";
}

static const struct field {
	const char *id, *label, *type, *value, *wrong;
	const char *(*check)(const struct ph_value *value);
} fields[] = {
	{ "name", "Name", "text", "name.value", "name-wrong.children", check_name },
	{ "mail", "E-mail", "email", "mail.value", "mail-wrong.children", check_mail },
	{ "months", "Months", "number", "months.value", "months-wrong.children", check_months },
};

/* What is wrong beside each field; the button works when nothing is. */
static enum ph_status
validate(struct ph_call *call)
{
	bool good = true;

	for (int i = 0; i < 3; i++) {
		const struct ph_value *value = ph_input(call, fields[i].value);
		const char *wrong = fields[i].check(value);

		good = good && wrong[0] == '\0';
		/* A field that nobody has touched is not called wrong. */
		ph_output(call, fields[i].wrong,
		    ph_text(ph_is_null(value) ? "" : wrong));
	}
	return ph_output(call, "make.disabled", ph_bool(!good));
}

static enum ph_status
show_error(struct ph_call *call)
{
	return ph_set_props(call, "state", "children", html_span(.role = "alert",
	    .children = ph_textf("This did not work: %s", ph_error(call))));
}

/* Runs in the background; see .background below. */
static enum ph_status
make_report(struct ph_call *call)
{
	const char *delay = getenv("PH_DEMO_DELAY");
	double seconds = delay != NULL ? strtod(delay, NULL) : 5;
	int months = (int)ph_int_of(ph_input(call, "months.value"));
	double totals[36] = { 0 }, total = 0;
	int32_t numbers[36], i;

	for (i = 0; i < 3; i++) /* anything can come from a browser */
		if (fields[i].check(ph_input(call, fields[i].value))[0] != '\0')
			return ph_fail(call, "%s is not valid", fields[i].label);
	for (i = 0; i < months && !ph_cancelled(call); i++) {
		ph_set_progress(call, { "bar.value", ph_textf("%d", i) },
		    { "bar.max", ph_textf("%d", months) },
		    { "state.children", ph_textf("Month %d of %d", i + 1, months) });
		ph_sleep(call, seconds / months); /* the hard work */
		total += 100 + i * 7 % 40;
		totals[i] = total;
		numbers[i] = i + 1;
	}
	ph_download_text(call, "file.data", "report.csv", ph_csv(PH_TABLE(
	    { "month", ph_int32s(numbers, (size_t)i) },
	    { "total", ph_doubles(totals, (size_t)i) })));
	return ph_output(call, "state.children", ph_textf("Report for %s: %.2f in %d months",
	    ph_text_of(ph_input(call, "name.value")), total, months));
}

static const struct ph_value *
row(const struct field *field)
{
	return html_div(.className = "row", .children = PH_CHILDREN(
	    html_label(.className = "two columns", .htmlFor = field->id,
		.children = ph_text(field->label)),
	    html_div(.className = "five columns", .children = dcc_input(
		.id = field->id, .type = field->type)),
	    html_div(.id = ph_format("%s-wrong", field->id),
		.className = "five columns", .role = "alert")));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_main(.className = "container", .children = PH_CHILDREN(
	    html_h1(.children = ph_text("Order a report")),
	    row(&fields[0]), row(&fields[1]), row(&fields[2]),
	    html_button(.id = "make", .children = ph_text("Make it")),
	    html_button(.id = "cancel", .children = ph_text("Cancel"), .disabled = PH_TRUE),
	    html_p(.children = html_progress(.id = "bar", .value = "0")),
	    html_p(.id = "state", .more = PH_JSON({ "aria-live": "polite" })),
	    dcc_download(.id = "file")));
}

PH_APP(app)
{
	ph_title(app, "Order a report");
	ph_layout(app, layout);
	ph_on_error(app, show_error);
	ph_callback(app, validate, PH_OUTPUT("name-wrong.children"),
	    PH_OUTPUT("mail-wrong.children"), PH_OUTPUT("months-wrong.children"),
	    PH_OUTPUT("make.disabled"), PH_INPUT("name.value"),
	    PH_INPUT("mail.value"), PH_INPUT("months.value"));
	ph_callback(app, make_report, PH_OUTPUT("state.children"),
	    PH_OUTPUT("file.data"), PH_INPUT("make.n_clicks"),
	    PH_STATE("name.value"), PH_STATE("mail.value"),
	    PH_STATE("months.value"), .prevent_initial_call = true,
	    .background = true, .interval = 0.2,
	    .cancel = PH_TEXTS("cancel.n_clicks"),
	    .progress = PH_PROGRESS({ "bar.value", ph_text("0") },
		{ "bar.max", NULL }, { "state.children", NULL }),
	    .running = PH_RUNNING(
		PH_WHILE("cancel.disabled", ph_bool(false), ph_bool(true))));
}
