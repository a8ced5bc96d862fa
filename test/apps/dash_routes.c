/* SPDX-License-Identifier: MIT */

/* HTTP beside the page: an API, a form, a file, a webhook. */
#include <stdlib.h>
#include <string.h>

#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

static enum ph_status
get_thing(struct ph_call *call)
{
	if (strcmp(ph_path_arg(call, "id"), "none") == 0)
		return ph_respond_text(call, 404, "no such thing\n");
	ph_respond_header(call, "X-Thing", ph_path_arg(call, "id"));
	return ph_respond_json(call, 200,
	    PH_OBJECT({ "id", ph_text(ph_path_arg(call, "id")) },
		{ "unit", ph_text(ph_query_arg(call, "unit")) },
		{ "path", ph_text(ph_path(call)) },
		{ "agent", ph_text(ph_header(call, "User-Agent")) }));
}

static enum ph_status
put_thing(struct ph_call *call)
{
	const struct ph_value *body = ph_body_json(call);

	return ph_respond_json(call, 201,
	    PH_OBJECT({ "was", ph_member(body, "name") }));
}

static enum ph_status
delete_thing(struct ph_call *call)
{
	(void)call;
	return PH_OK; /* nothing to say */
}

static enum ph_status
slow(struct ph_call *call)
{
	return ph_return(call, ph_int(42));
}

static enum ph_status
get_slow(struct ph_call *call)
{
	const struct ph_value *value = ph_memo(call, slow, ph_int(1));

	if (value == NULL)
		return PH_WAIT;
	return ph_respond_json(call, 200, value);
}

static enum ph_status
post_form(struct ph_call *call)
{
	return ph_respond_text(call, 200, ph_form_arg(call, "name"));
}

static enum ph_status
post_hook(struct ph_call *call)
{
	size_t len;
	const char *body = ph_body(call, &len);

	return ph_respond(call, 202, "application/octet-stream", body, len);
}

static enum ph_status
get_file(struct ph_call *call)
{
	return ph_respond_file(call, getenv("ROUTE_FILE"), "text/csv",
	    "r\303\251sum\303\251.csv");
}

/* One that says itself which version it is, and who may keep it. */
static enum ph_status
get_version(struct ph_call *call)
{
	ph_respond_header(call, "ETag", "\"v1\"");
	ph_respond_header(call, "Cache-Control", "max-age=60");
	ph_respond_header(call, "Last-Modified",
	    "Sun, 06 Nov 1994 08:49:37 GMT");
	ph_respond_header(call, "X-Last", "1");
	return ph_respond_file(call, getenv("ROUTE_FILE"), "text/csv", NULL);
}

/* Who posts gets all of it. */
static enum ph_status
post_file(struct ph_call *call)
{
	return ph_respond_file(call, getenv("ROUTE_FILE"), "text/csv", NULL);
}

/* Longer than anything that is kept in one piece. */
static enum ph_status
get_long(struct ph_call *call)
{
	char part[1024];
	int i;

	memset(part, 'x', sizeof(part) - 1);
	part[sizeof(part) - 1] = '\n';
	ph_respond(call, 200, "text/plain", "start\n", 6);
	for (i = 0; i < 3000; i++)
		ph_respond_more(call, part, sizeof(part));
	return ph_respond_more(call, "end\n", 4);
}

static enum ph_status
get_broken(struct ph_call *call)
{
	return ph_fail(call, "the secret of the handler");
}

static enum ph_status
get_split(struct ph_call *call)
{
	ph_respond_header(call, "X-A", ph_query_arg(call, "v"));
	return ph_respond_text(call, 200, "split\n");
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(.children = PH_CHILDREN(
			    html_form(.id = "form", .action = ph_href("/form"),
				.method = "post",
				.children = PH_CHILDREN(
				    html_label(.htmlFor = "name",
					.children = ph_text("Name")),
				    dcc_input(.id = "name", .name = "name"),
				    html_button(.id = "send", .type = "submit",
					.children = ph_text("Send")))),
			    html_a(.id = "save", .href = ph_href("/file"),
				.children = ph_text("Save")),
			    html_a(.id = "long", .href = ph_href("/long"),
				.children = ph_text("Long"))));
}

PH_APP(app)
{
	ph_layout(app, layout);
	ph_memoize(app, slow);
	ph_route(app, "GET", "/api/things/<id>", get_thing);
	ph_route(app, "PUT", "/api/things/<id>", put_thing, .max_body = 1000);
	ph_route(app, "DELETE", "/api/things/<id>", delete_thing);
	ph_route(app, "GET", "/api/slow", get_slow);
	ph_route(app, "POST", "/form", post_form);
	ph_route(app, "POST", "/hook", post_hook, .any_origin = true);
	ph_route(app, "GET", "/file", get_file);
	ph_route(app, "GET", "/version", get_version);
	ph_route(app, "POST", "/file", post_file, .any_origin = true);
	ph_route(app, "GET", "/long", get_long);
	ph_route(app, "GET", "/broken", get_broken);
	ph_route(app, "GET", "/split", get_split);
}
