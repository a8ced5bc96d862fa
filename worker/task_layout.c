/* SPDX-License-Identifier: MIT */

/*
 * Running the layout function: the page's component tree for one visitor.
 *
 * THREADS  The loop, or a pool thread where the app wants that.
 * FAILURE  What the layout does wrong ends as TASK_FAILED with a sentence.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "cache/encode.h"
#include "server/base/err.h"
#include "worker/crash.h"
#include "worker/host.h"
#include "worker/json_write.h"
#include "worker/pattern.h"
#include "worker/task.h"
#include "worker/update.h"

/* The query of the page that asks: only the Referer knows it, as the front end
 * asks for the layout at an address of its own. */
static struct http_span
query_of(const struct value *request)
{
	const struct value *fields = value_get(request, "fields");
	struct http_span query = { NULL, 0 };
	const char *at;
	uint32_t i;

	for (i = 0; fields != NULL && i + 1 < fields->count; i += 2) {
		if (strcasecmp(fields->u.items[i].u.text, "referer") != 0)
			continue;
		at = strchr(fields->u.items[i + 1].u.text, '?');
		if (at != NULL)
			query =
			    (struct http_span){ at + 1, strcspn(at + 1, "#") };
		break;
	}
	return query;
}

/* Who asks, for ph_header() and the like. 0 or negative. */
static int
read_request(const struct task *task, struct call *call)
{
	struct value *about =
	    value_array(call->arena, (uint32_t)UPDATE_ABOUT_COUNT);
	struct value *request = NULL;
	int rc = about != NULL ? 0 : -ENOMEM;

	if (rc == 0 && task->about.len > 0)
		rc = encode_decode(task->about.data, task->about.len,
		    call->arena, &request);
	if (rc < 0 || request == NULL)
		return rc;
	about->u.items[UPDATE_REQUEST] = *request;
	call->about = about;
	call->query_args = pattern_query(query_of(request), call->arena);
	return 0;
}

void
task_layout(struct task *task, struct toolkit *kit)
{
	const struct ph_value *page;
	struct arena arena;
	struct call call;
	const char *why = NULL;
	int rc;

	arena_init(&arena, (size_t)kit->options->limit_request_memory);
	call_init(&call, kit, &arena, CALL_LAYOUT, "layout", NULL);
	task_begin(task, kit, &call);
	rc = read_request(task, &call);
	if (rc < 0) {
		task_fail(task, call.name, err_str(rc));
		arena_free(&arena);
		return;
	}
	call_enter(&call);
	crash_enter("layout", NULL);
	page = kit->app->layout((struct ph_call *)(void *)&call);
	crash_leave();
	call_leave(&call);
	buf_clear(&task->response);
	if (page == NULL && !call.waits)
		call_error(&call, "the layout function returned NULL");
	if (!call.failed && page != NULL &&
	    json_write_page(host_take(page), NULL, &task->response, &why) < 0)
		call_error(&call, "layout: %s", why);
	task_fields(task, &call);
	(void)task_judge(task, &call, page == NULL ? PH_WAIT : PH_OK);
	call_fini(&call);
	arena_free(&arena);
}
