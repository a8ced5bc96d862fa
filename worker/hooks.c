/* SPDX-License-Identifier: MIT */

/*
 * Hooks. See hooks.h.
 *
 * What a hook is shown of a request are copies with a NUL behind them, in a
 * buffer of this file: one request at a time is looked at, by one thread.
 *
 * FAILURE  A text that does not fit is cut; a hook that returns a status no
 *          refusal can have refuses with 403.
 */
#include "worker/hooks.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/base/log.h"

#define TEXT_MAX 8192
#define WHY_MAX 512

static char path_text[TEXT_MAX];
static char header_text[TEXT_MAX];
static char method_text[64];

static ph_server_hook *
find(const struct ph_hooks *hooks, enum hook_event event, const char **name)
{
	const struct {
		const char *name;
		ph_server_hook *run;
	} all[] = {
		[HOOK_POST_FORK] = { "post_fork", hooks->post_fork },
		[HOOK_POST_WORKER_INIT] = { "post_worker_init",
		    hooks->post_worker_init },
		[HOOK_WORKER_INT] = { "worker_int", hooks->worker_int },
		[HOOK_WORKER_EXIT] = { "worker_exit", hooks->worker_exit },
		[HOOK_ON_STARTING] = { "on_starting", hooks->on_starting },
		[HOOK_WHEN_READY] = { "when_ready", hooks->when_ready },
		[HOOK_PRE_FORK] = { "pre_fork", hooks->pre_fork },
		[HOOK_CHILD_EXIT] = { "child_exit", hooks->child_exit },
		[HOOK_NWORKERS_CHANGED] = { "nworkers_changed",
		    hooks->nworkers_changed },
		[HOOK_ON_RELOAD] = { "on_reload", hooks->on_reload },
		[HOOK_PRE_EXEC] = { "pre_exec", hooks->pre_exec },
		[HOOK_ON_EXIT] = { "on_exit", hooks->on_exit },
	};

	*name = all[event].name;
	return all[event].run;
}

/* What was thrown by a hook in C++, if anything was. */
static void
tell(const char *hook, const char *why)
{
	if (why[0] != '\0')
		log_error(0, "hook.failed", "hook=%s reason=\"%s\"", hook, why);
}

int
hooks_run(const struct app *app, enum hook_event event,
    const struct hook_about *about)
{
	struct ph_server server = { .slot = about->slot,
		.pid = about->pid,
		.workers = about->workers,
		.before = about->before,
		.status = about->status };
	ph_server_hook *run = find(&app->hooks, event, &server.hook);

	char why[WHY_MAX] = "";
	int rc;

	if (run == NULL)
		return 0;
	if (app->guard == NULL)
		return run(&server);
	rc = app->guard->serve(&server, run, why, sizeof(why));
	tell(server.hook, why);
	return rc;
}

const char *
hooks_of_master(const struct app *app)
{
	const char *name;
	int event;

	for (event = HOOK_ON_STARTING; event <= HOOK_ON_EXIT; event++) {
		if (find(&app->hooks, (enum hook_event)event, &name) != NULL)
			return name;
	}
	return NULL;
}

static void
copy(struct http_span span, char *out, size_t size)
{
	size_t len = span.len < size ? span.len : size - 1;

	if (len > 0)
		memcpy(out, span.data, len);
	out[len] = '\0';
}

static int
run_request(const struct app *app, const char *name, ph_request_hook *hook,
    const struct ph_request *request)
{
	char why[WHY_MAX] = "";
	int rc;

	if (app->guard == NULL)
		return hook(request);
	rc = app->guard->request(request, hook, why, sizeof(why));
	tell(name, why);
	return rc;
}

int
hooks_before(const struct app *app, const struct conn *conn,
    const struct http_head *head)
{
	const struct ph_request request = { .method = method_text,
		.path = path_text,
		.client = conn->peer,
		.host_ = head };
	int status;

	if (app->hooks.pre_request == NULL)
		return 0;
	copy(head->method_name, method_text, sizeof(method_text));
	copy(head->target, path_text, sizeof(path_text));
	status =
	    run_request(app, "pre_request", app->hooks.pre_request, &request);
	if (status == 0 || (status >= 400 && status <= 599))
		return status;
	return 403;
}

void
hooks_after(const struct app *app, const struct conn *conn,
    const struct answer_to *to, int status, int64_t duration_us)
{
	const struct ph_request request = { .method = method_text,
		.path = path_text,
		.client = conn->peer,
		.status = status,
		.seconds = (double)duration_us / 1e6 };

	if (app->hooks.post_request == NULL)
		return;
	copy(to->method, method_text, sizeof(method_text));
	copy(to->target, path_text, sizeof(path_text));
	(void)run_request(app, "post_request", app->hooks.post_request,
	    &request);
}

static void
define(struct ph_app *ph, const struct ph_hooks *hooks)
{
	struct app *app = (struct app *)(void *)ph;

	app->hooks = *hooks;
}

static const char *
header(const struct ph_request *request, const char *name)
{
	const struct http_span *value;
	size_t from = 0;
	size_t len;

	if (request->host_ == NULL)
		return NULL;
	value = http_head_find_next(request->host_, name, &from);
	if (value == NULL)
		return NULL;
	copy(*value, header_text, sizeof(header_text));
	/* Several lines are one list. */
	while ((value = http_head_find_next(request->host_, name, &from)) !=
		   NULL &&
	       (len = strlen(header_text)) + 3 < sizeof(header_text)) {
		memcpy(header_text + len, ", ", 2);
		copy(*value, header_text + len + 2,
		    sizeof(header_text) - len - 2);
	}
	return header_text;
}

__attribute__((format(printf, 1, 2))) static void
say(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_info("app.log", "from=hook %s", text);
}

const struct ph_hooks_host hooks_host_table = {
	.size = sizeof(struct ph_hooks_host),
	.define = define,
	.header = header,
	.log = say,
};
