/* SPDX-License-Identifier: MIT */

/*
 * The commands about the cache, answered from its database.
 */
#include "server/ctl_int.h"

#include "cache/inspect.h"
#include "server/base/err.h"

#define SIGNALS_MAX 1000

static void
put_signal(void *context, const struct inspect_signal *signal)
{
	cJSON *row = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(row, "state", signal->state);
	(void)cJSON_AddStringToObject(row, "function", signal->function);
	(void)cJSON_AddStringToObject(row, "key", signal->key);
	(void)cJSON_AddNumberToObject(row, "slot", (double)signal->owner_slot);
	(void)cJSON_AddNumberToObject(row, "pid", (double)signal->owner_pid);
	(void)cJSON_AddNumberToObject(row, "lease",
	    (double)signal->lease_ms / 1000);
	(void)cJSON_AddNumberToObject(row, "age",
	    (double)signal->age_ms / 1000);
	(void)cJSON_AddNumberToObject(row, "attempts",
	    (double)signal->attempts);
	(void)cJSON_AddNumberToObject(row, "waiters", (double)signal->waiters);
	(void)cJSON_AddNumberToObject(row, "computations",
	    (double)signal->computations);
	(void)cJSON_AddNumberToObject(row, "progress",
	    (double)signal->progress / 1000);
	(void)cJSON_AddNumberToObject(row, "wanted",
	    (double)signal->wanted_ms / 1000);
	(void)cJSON_AddStringToObject(row, "scope", signal->scope);
	(void)cJSON_AddStringToObject(row, "error", signal->error);
	(void)cJSON_AddItemToArray(context, row);
}

static int
add_signals(struct inspect *inspect, cJSON *answer)
{
	cJSON *list = cJSON_AddArrayToObject(answer, "signals");

	return inspect_signals(inspect, SIGNALS_MAX, put_signal, list);
}

static int
add_summary(struct inspect *inspect, const char *dir, cJSON *answer)
{
	struct inspect_summary sum;
	int rc = inspect_summarize(inspect, &sum);

	(void)cJSON_AddStringToObject(answer, "folder", dir);
	(void)cJSON_AddNumberToObject(answer, "values", (double)sum.values);
	(void)cJSON_AddNumberToObject(answer, "value_bytes",
	    (double)sum.value_bytes);
	(void)cJSON_AddNumberToObject(answer, "expired", (double)sum.expired);
	(void)cJSON_AddNumberToObject(answer, "oldest",
	    (double)sum.oldest_ms / 1000);
	(void)cJSON_AddNumberToObject(answer, "wanted", (double)sum.wanted);
	(void)cJSON_AddNumberToObject(answer, "computing",
	    (double)sum.computing);
	(void)cJSON_AddNumberToObject(answer, "ready", (double)sum.ready);
	(void)cJSON_AddNumberToObject(answer, "failed", (double)sum.failed);
	(void)cJSON_AddNumberToObject(answer, "quarantined",
	    (double)sum.quarantined);
	(void)cJSON_AddNumberToObject(answer, "passing", (double)sum.passing);
	(void)cJSON_AddNumberToObject(answer, "file_bytes",
	    (double)sum.file_bytes);
	(void)cJSON_AddNumberToObject(answer, "log_bytes",
	    (double)sum.log_bytes);
	return rc;
}

cJSON *
ctl_cache(const char *dir, bool signals, struct buf *why)
{
	struct inspect *inspect = NULL;
	cJSON *answer = cJSON_CreateObject();
	int rc;

	(void)cJSON_AddTrueToObject(answer, "ok");
	rc = inspect_open(&inspect, dir, why);
	if (rc == 0 && signals)
		rc = add_signals(inspect, answer);
	else if (rc == 0)
		rc = add_summary(inspect, dir, answer);
	if (rc < 0 && why->len == 0)
		(void)buf_printf(why, "the cache in %s: %s", dir, err_str(rc));
	inspect_close(&inspect);
	if (rc == 0)
		return answer;
	cJSON_Delete(answer);
	return NULL;
}
