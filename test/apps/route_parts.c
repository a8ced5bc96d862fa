/* SPDX-License-Identifier: MIT */

/* Routes with large and divided bodies, both ways, and with sessions. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

static enum ph_status
create(struct ph_call *call)
{
	return ph_exec(call,
	    "CREATE TABLE t AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL "
	    "SELECT i + 1 FROM c WHERE i < 200000) SELECT i, 'row, ' || i AS "
	    "name FROM c");
}

/* Anything large enough to be wrong somewhere: a sum over all bytes. */
static int64_t
sum_of(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	int64_t sum = 0;
	size_t i;

	for (i = 0; i < len; i++)
		sum = (sum * 31 + at[i]) % 1000000007;
	return sum;
}

static enum ph_status
post_form(struct ph_call *call)
{
	const struct ph_value *list[16];
	struct ph_part part;
	size_t count = ph_form_count(call);
	size_t i;

	for (i = 0; i < count && i < 16 && ph_form_part(call, i, &part); i++)
		list[i] = PH_OBJECT({ "name", ph_text(part.name) },
		    { "file", ph_text(part.file_name) },
		    { "type", ph_text(part.type) },
		    { "len", ph_int((int64_t)part.len) },
		    { "sum", ph_int(sum_of(part.bytes, part.len)) });
	if (ph_form_file(call, "save", &part))
		ph_save(call, part.bytes, part.len, getenv("ROUTE_SAVE"));
	return ph_respond_json(call, 200,
	    PH_OBJECT({ "note", ph_text(ph_form_arg(call, "note")) },
		{ "parts", ph_list(list, i) }));
}

static enum ph_status
post_bytes(struct ph_call *call)
{
	size_t len;
	const char *body = ph_body(call, &len);

	return ph_respond_json(call, 200,
	    PH_OBJECT({ "len", ph_int((int64_t)len) },
		{ "sum", ph_int(sum_of(body, len)) },
		{ "end", ph_int(body[len]) }));
}

/* What a program would find that can only read files. */
static const struct ph_value *
look_at(const char *path, const void *bytes, size_t len)
{
	struct stat about = { .st_size = -1 };
	char *read_back = malloc(len + 1);
	int fd = open(path, O_RDONLY);
	bool same = fd >= 0 && read_back != NULL &&
		    read(fd, read_back, len + 1) == (ssize_t)len &&
		    memcmp(read_back, bytes, len) == 0;

	free(read_back);
	if (fd >= 0) {
		(void)fstat(fd, &about);
		(void)close(fd);
	}
	return PH_OBJECT({ "path", ph_text(path) },
	    { "len", ph_int((int64_t)about.st_size) },
	    { "mode", ph_int((int64_t)(about.st_mode & 07777)) },
	    { "same", ph_bool(same) });
}

static enum ph_status
post_path(struct ph_call *call)
{
	const char *what = ph_query_arg(call, "then");
	const char *path = ph_body_path(call);
	struct ph_part part;
	size_t len;
	const void *body = ph_body(call, &len);
	const struct ph_value *found = look_at(path, body, len);

	if (strcmp(what, "keep") == 0)
		(void)rename(path, getenv("ROUTE_SAVE"));
	else if (strcmp(what, "die") == 0)
		abort();
	else if (strcmp(what, "part") == 0 && ph_form_file(call, "up", &part))
		found = look_at(ph_bytes_path(call, part.bytes, part.len),
		    part.bytes, part.len);
	else if (strcmp(what, "back") == 0)
		return ph_respond_file(call, path, "text/plain", NULL);
	else if (strcmp(what, "twice") == 0 &&
		 strcmp(path, ph_body_path(call)) != 0)
		return ph_fail(call, "another path");
	return ph_respond_json(call, 200, found);
}

/* The same in a callback. */
static enum ph_status
uploaded(struct ph_call *call)
{
	size_t len;
	const void *bytes =
	    ph_upload(call, ph_input(call, "up.contents"), &len);

	return ph_output(call, "seen.children",
	    ph_json_text(look_at(ph_bytes_path(call, bytes, len), bytes, len)));
}

static enum ph_status
post_small(struct ph_call *call)
{
	return ph_respond_text(call, 200, ph_body(call, NULL));
}

static enum ph_status
get_long(struct ph_call *call)
{
	const char *parts = ph_query_arg(call, "parts");
	int count = *parts != '\0' ? atoi(parts) : 5000;
	char part[1000];
	int i;

	memset(part, 'x', sizeof(part));
	ph_respond(call, 200, "text/plain", "start\n", 6);
	for (i = 0; i < count; i++)
		ph_respond_more(call, part, sizeof(part));
	return ph_respond_more(call, "\nend\n", 5);
}

static enum ph_status
get_csv(struct ph_call *call)
{
	ph_respond(call, 200, "text/csv", "", 0);
	return ph_respond_csv(call, "SELECT i, name FROM t WHERE i <= ?1",
	    ph_json_parse(ph_text(ph_query_arg(call, "most"))));
}

static enum ph_status
get_nothing_yet(struct ph_call *call)
{
	return ph_respond_more(call, "x", 1);
}

static enum ph_status
get_me(struct ph_call *call)
{
	int64_t n = ph_int_of(ph_session_get(call, "visits")) + 1;

	ph_session_set(call, "visits", ph_int(n));
	ph_set_cookie(call, "seen", "yes");
	return ph_respond_json(call, 200,
	    PH_OBJECT({ "user", ph_text(ph_user(call)) },
		{ "visits", ph_int(n) }));
}

static enum ph_status
post_login(struct ph_call *call)
{
	if (!ph_set_user(call, ph_form_arg(call, "user")))
		return ph_fail(call, "no session");
	return PH_OK;
}

/* What a background callback knows of the session that began it. */
static enum ph_status
background(struct ph_call *call)
{
	return ph_output(call, "out.children",
	    ph_textf("%s %d %zu", ph_user(call),
		(int)ph_int_of(ph_session_get(call, "visits")),
		strlen(ph_session_id(call))));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(.children = PH_CHILDREN(html_button(.id = "go"),
			    html_div(.id = "out"), dcc_upload(.id = "up"),
			    html_div(.id = "seen")));
}

PH_APP(app)
{
	ph_sessions(app);
	ph_layout(app, layout);
	ph_database(app, "t", .create = create, .version = 1);
	ph_route(app, "POST", "/form", post_form);
	ph_route(app, "POST", "/bytes", post_bytes);
	ph_route(app, "POST", "/path", post_path);
	ph_callback(app, uploaded, PH_OUTPUT("seen.children"),
	    PH_INPUT("up.contents"), .prevent_initial_call = true);
	ph_route(app, "POST", "/small", post_small, .max_body = 100);
	ph_route(app, "GET", "/long", get_long);
	ph_route(app, "GET", "/csv", get_csv);
	ph_route(app, "GET", "/early", get_nothing_yet);
	ph_route(app, "GET", "/me", get_me);
	ph_route(app, "POST", "/login", post_login);
	ph_callback(app, background, PH_OUTPUT("out.children"),
	    PH_INPUT("go.n_clicks"), .background = true,
	    .prevent_initial_call = true);
}
