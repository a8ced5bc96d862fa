/* SPDX-License-Identifier: MIT */

/*
 * The app's own paths: how they are defined and found.
 *
 * THREADS  Defined by the loading thread; found by the loop.
 */
#include "worker/routes.h"
#include "worker/spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/fd.h"
#include "worker/guard.h"
#include "worker/pattern.h"
#include "worker/routes_int.h"

static const struct method {
	const char *name;
	enum http_method method;
} methods[] = {
	{ "GET", HTTP_GET },
	{ "POST", HTTP_POST },
	{ "PUT", HTTP_PUT },
	{ "PATCH", HTTP_PATCH },
	{ "DELETE", HTTP_DELETE },
};

#define METHODS (sizeof(methods) / sizeof(methods[0]))

void
routes_define(struct ph_app *ph, const char *method, const char *path,
    ph_function *handler, const char *name,
    const struct ph_route_options *options)
{
	struct app *app = (struct app *)(void *)ph;
	const char *wrong = pattern_check(path);
	struct app_route *list;
	size_t i = 0;

	while (i < METHODS && strcmp(method, methods[i].name) != 0)
		i++;
	if (wrong == NULL && i == METHODS)
		wrong = "the method is GET, POST, PUT, PATCH or DELETE";
	if (wrong == NULL && handler == NULL)
		wrong = "the handler is NULL";
	if (wrong == NULL && pattern_is_of_server(path))
		wrong = "such a path is the server's own";
	if (wrong == NULL && options->any_origin &&
	    methods[i].method == HTTP_GET)
		wrong = ".any_origin is for methods that change something: GET "
			"is answered to all";
	if (wrong != NULL) {
		(void)buf_printf(&app->problems, "ph_route(%s \"%s\"): %s\n",
		    method, path != NULL ? path : "NULL", wrong);
		return;
	}
	list = realloc(app->routes, (app->route_count + 1) * sizeof(*list));
	if (list == NULL) {
		(void)buf_printf(&app->problems,
		    "ph_route(\"%s\"): no memory\n", path);
		return;
	}
	app->routes = list;
	list += app->route_count++;
	memset(list, 0, sizeof(*list));
	list->path = arena_strndup(&app->arena, path, strlen(path));
	list->name = arena_strndup(&app->arena, name, strlen(name));
	list->handler = handler;
	list->method = methods[i].method;
	list->any_origin = options->any_origin;
	list->max_body = options->max_body;
}

void
routes_validate(struct app *app)
{
	const struct app_route *a;
	const struct app_route *b;
	size_t i;
	size_t j;

	for (i = 0; i < app->route_count; i++) {
		for (j = 0; j < i; j++) {
			a = &app->routes[i];
			b = &app->routes[j];
			if (a->method == b->method &&
			    pattern_has_variables(a->path) ==
				pattern_has_variables(b->path) &&
			    pattern_overlaps(a->path, b->path))
				(void)buf_printf(&app->problems,
				    "ph_route(\"%s\"): a request would be for "
				    "\"%s\", too\n",
				    a->path, b->path);
		}
	}
}

static void
allow(struct route_match *match, const char *name)
{
	size_t len = strlen(match->allow);

	if (strstr(match->allow, name) != NULL)
		return;
	(void)snprintf(match->allow + len, sizeof(match->allow) - len, "%s%s",
	    len > 0 ? ", " : "", name);
}

static void
look(const struct app_route *route, enum http_method method,
    struct route_match *match)
{
	size_t i;

	match->known = true;
	for (i = 0; i < METHODS; i++) {
		if (methods[i].method == route->method)
			allow(match, methods[i].name);
	}
	if (route->method == HTTP_GET)
		allow(match, "HEAD");
	if (match->route == NULL &&
	    (route->method == method ||
		(route->method == HTTP_GET && method == HTTP_HEAD)))
		match->route = route;
}

void
routes_find(const struct app *app, const char *path, enum http_method method,
    struct arena *arena, struct route_match *match)
{
	size_t i;

	memset(match, 0, sizeof(*match));
	/* Without variables first: "/thing/new" is not "/thing/<id>". */
	for (i = 0; i < app->route_count; i++) {
		if (strcmp(app->routes[i].path, path) == 0)
			look(&app->routes[i], method, match);
	}
	for (i = 0; i < app->route_count; i++) {
		if (pattern_has_variables(app->routes[i].path) &&
		    pattern_match(app->routes[i].path, path, arena, NULL))
			look(&app->routes[i], method, match);
	}
	if (match->known)
		allow(match, "OPTIONS");
}

int
routes_check(const struct worker_options *options,
    const struct app_route *route, const struct http_head *head, bool secure)
{
	if (route->max_body > 0 && head->content_length >= 0 &&
	    (uint64_t)head->content_length > route->max_body)
		return 413;
	if (route->method == HTTP_GET || route->any_origin)
		return 0;
	return guard_origin(options, head, secure) && guard_token(options, head)
		   ? 0
		   : 403;
}

void
route_answer_free(struct route_answer **answer_in)
{
	struct route_answer *answer = *answer_in;

	*answer_in = NULL;
	if (answer == NULL)
		return;
	buf_free(&answer->fields);
	fd_close(&answer->fd);
	spool_unref(&answer->spool);
	free(answer);
}
