/* SPDX-License-Identifier: MIT */

/* Answers with as many header lines of their own as an app may give. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pronghorn/app.h>
#include <pronghorn/html.h>

#define VALUE_MAX 8000

static size_t
number(struct ph_call *call, const char *name)
{
	return strtoul(ph_query_arg(call, name), NULL, 10);
}

/* A value of so many bytes; at most VALUE_MAX. */
static const char *
value(struct ph_call *call, const char *name, char out[VALUE_MAX + 1])
{
	size_t len = number(call, name);

	memset(out, 'v', VALUE_MAX);
	out[len < VALUE_MAX ? len : VALUE_MAX] = '\0';
	return out;
}

static void
put_fields(struct ph_call *call)
{
	char text[VALUE_MAX + 1];
	char name[32];
	size_t i;

	for (i = 0; i < number(call, "set"); i++) {
		(void)snprintf(name, sizeof(name), "X-Set-%03zu", i);
		ph_set_header(call, name, value(call, "set_bytes", text));
	}
	for (i = 0; i < number(call, "lines"); i++) {
		(void)snprintf(name, sizeof(name), "X-%03zu", i);
		ph_respond_header(call, name, value(call, "bytes", text));
	}
	if (number(call, "session") > 0)
		(void)ph_session_set(call, "seen", ph_int(1));
}

static enum ph_status
get_head(struct ph_call *call)
{
	put_fields(call);
	return ph_respond_text(call, 200, "body\n");
}

/* A name of so many letters that are two bytes each. */
static enum ph_status
get_file(struct ph_call *call)
{
	char name[2 * VALUE_MAX + 1];
	size_t letters = number(call, "letters");
	size_t i;

	for (i = 0; i < letters && i < VALUE_MAX; i++)
		memcpy(name + 2 * i, "\303\251", 2);
	name[2 * i] = '\0';
	put_fields(call);
	return ph_respond_file(call, getenv("ROUTE_FILE"), "text/plain", name);
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(.id = "out");
}

PH_APP(app)
{
	ph_sessions(app);
	ph_layout(app, layout);
	ph_route(app, "GET", "/head", get_head);
	ph_route(app, "GET", "/saved", get_file);
}
