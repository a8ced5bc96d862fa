/* SPDX-License-Identifier: MIT */

/*
 * pronghorn ctl sessions: what there is, and ending one.
 */
#include "server/ctl_int.h"

#include "cache/session_inspect.h"
#include "server/base/err.h"

#define SESSIONS_MAX 1000

static void
put_session(void *context, const struct inspect_session *session)
{
	cJSON *row = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(row, "session", session->scope);
	(void)cJSON_AddNumberToObject(row, "age",
	    (double)session->age_ms / 1000);
	(void)cJSON_AddNumberToObject(row, "idle",
	    (double)session->idle_ms / 1000);
	(void)cJSON_AddNumberToObject(row, "entries", (double)session->entries);
	(void)cJSON_AddNumberToObject(row, "bytes", (double)session->bytes);
	(void)cJSON_AddBoolToObject(row, "named", session->named);
	(void)cJSON_AddItemToArray(context, row);
}

static int
list(struct inspect *inspect, cJSON *answer)
{
	struct inspect_sessions sum;
	int rc = inspect_sessions_summarize(inspect, &sum);

	(void)cJSON_AddNumberToObject(answer, "count", (double)sum.count);
	(void)cJSON_AddNumberToObject(answer, "oldest",
	    (double)sum.oldest_ms / 1000);
	(void)cJSON_AddNumberToObject(answer, "entries", (double)sum.entries);
	(void)cJSON_AddNumberToObject(answer, "bytes", (double)sum.bytes);
	return rc < 0
		   ? rc
		   : inspect_sessions_list(inspect, SESSIONS_MAX, put_session,
			 cJSON_AddArrayToObject(answer, "sessions"));
}

cJSON *
ctl_sessions(const char *dir, const char *end, struct buf *why)
{
	struct inspect *inspect = NULL;
	cJSON *answer = cJSON_CreateObject();
	int rc;

	(void)cJSON_AddTrueToObject(answer, "ok");
	if (end != NULL) {
		rc = inspect_sessions_end(dir, end, why);
		(void)cJSON_AddNumberToObject(answer, "ended", rc > 0 ? rc : 0);
	} else {
		rc = inspect_open(&inspect, dir, why);
		if (rc == 0)
			rc = list(inspect, answer);
		inspect_close(&inspect);
	}
	if (rc < 0 && why->len == 0)
		(void)buf_printf(why, "the sessions in %s: %s", dir,
		    err_str(rc));
	if (rc >= 0)
		return answer;
	cJSON_Delete(answer);
	return NULL;
}
