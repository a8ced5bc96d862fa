/* SPDX-License-Identifier: MIT */

/* Answers of as many rows as the header X-Rows says: a layout, a callback, a
 * route; with X-Session they depend on one. BLOCKING: the layout is made in the
 * pool. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

#include <pronghorn/app.h>
#include <pronghorn/html.h>

#define ROW 16

static const struct ph_value *
rows(struct ph_call *call)
{
	int count = atoi(ph_header(call, "X-Rows"));
	char *text = malloc((size_t)count * ROW + 1);
	const struct ph_value *value;
	int i;

	if (text == NULL)
		return ph_null();
	text[0] = '\0';
	for (i = 0; i < count; i++)
		(void)snprintf(text + (size_t)i * ROW, ROW + 1, "row %11d\n",
		    i);
	value = ph_text(text);
	free(text);
	if (*ph_header(call, "X-Session") != '\0')
		(void)ph_session_get(call, "name");
	return value;
}

static void
hold(const char *text)
{
	double seconds = strtod(text, NULL);
	struct timespec time = { .tv_sec = (time_t)seconds };

	time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
	(void)thrd_sleep(&time, NULL);
}

/* On the loop, for as long as the file X-Hold is there. */
static const struct ph_value *
layout(struct ph_call *call)
{
	while (access(ph_header(call, "X-Hold"), F_OK) == 0)
		hold("0.001");
	return html_div(.id = "out", .children = rows(call));
}

static enum ph_status
shows(struct ph_call *call)
{
	return ph_output(call, "out.title", rows(call));
}

static enum ph_status
sends(struct ph_call *call)
{
	return ph_respond_text(call, 200, ph_text_of(rows(call)));
}

/* As many bytes as the query says, made in no time. */
static enum ph_status
bytes(struct ph_call *call)
{
	size_t count = strtoul(ph_query_arg(call, "count"), NULL, 10);
	char *data = malloc(count + 1);
	enum ph_status status;

	if (data == NULL)
		return PH_ERROR;
	memset(data, 'x', count);
	status = ph_respond(call, 200, "application/octet-stream", data, count);
	free(data);
	return status;
}

/* Holds a thread for that long. */
static enum ph_status
sleeps(struct ph_call *call)
{
	ph_log(call, "sleeps now");
	hold(ph_query_arg(call, "seconds"));
	return ph_respond_text(call, 200, "slept");
}

PH_APP(app)
{
	ph_sessions(app);
	if (getenv("BLOCKING") != NULL)
		ph_layout(app, layout, .blocking = true);
	else
		ph_layout(app, layout);
	ph_callback(app, shows, PH_OUTPUT("out.title"), PH_INPUT("out.id"));
	ph_route(app, "GET", "/rows", sends);
	ph_route(app, "GET", "/bytes", bytes);
	ph_route(app, "GET", "/sleep", sleeps);
}
