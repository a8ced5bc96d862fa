/* SPDX-License-Identifier: MIT */

/*
 * Running the layout function: the page's component tree for one visitor.
 *
 * THREADS  The loop, or a pool thread where the app wants that.
 * FAILURE  What the layout does wrong ends as TASK_FAILED with a sentence.
 */
#include <errno.h>

#include "cache/encode.h"
#include "server/base/err.h"
#include "worker/crash.h"
#include "worker/host.h"
#include "worker/json_write.h"
#include "worker/pattern.h"
#include "worker/task.h"
#include "worker/update.h"

/* Who asks, for ph_header() and the like. 0 or negative. */
static int
give_request(const struct task *task, const struct value *request,
    struct call *call)
{
	const struct http_span query = { task->arguments.data,
		task->arguments.len };
	struct value *about =
	    value_array(call->arena, (uint32_t)UPDATE_ABOUT_COUNT);
	struct value *decoded = NULL;
	int rc = about != NULL ? 0 : -ENOMEM;

	if (rc == 0 && request == NULL && task->about.len > 0)
		rc = encode_decode(task->about.data, task->about.len,
		    call->arena, &decoded);
	if (decoded != NULL)
		request = decoded;
	if (rc < 0 || request == NULL)
		return rc;
	about->u.items[UPDATE_REQUEST] = *request;
	call->about = about;
	call->query_args = pattern_query(query, call->arena);
	return 0;
}

void
task_layout(struct task *task, struct toolkit *kit, const struct value *request)
{
	const struct ph_value *page;
	struct arena arena;
	struct call call;
	const char *why = NULL;
	int rc;

	arena_init(&arena, (size_t)kit->options->limit_request_memory);
	call_init(&call, kit, &arena, CALL_LAYOUT, "layout", NULL);
	task_begin(task, kit, &call);
	rc = give_request(task, request, &call);
	if (rc < 0) {
		task_fail(task, call.name, err_str(rc));
		arena_free(&arena);
		return;
	}
	call_enter(&call);
	crash_enter("layout", NULL);
	page = call_make(&call, kit->app->layout);
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
