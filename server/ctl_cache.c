/* SPDX-License-Identifier: MIT */

/*
 * The cache and its computations, told from the database, and forgetting.
 */
#include "server/ctl_int.h"

#include <stdio.h>
#include <string.h>

#include "cache/inspect.h"
#include "cache/inspect_forget.h"
#include "server/base/err.h"
#include "server/base/handoff.h"

#define SIGNALS_MAX 1000
#define BRIEF_KEY 12 /* digits of a key in a table */

#define WAIT_KEY (2 * HANDOFF_WAIT_KEY) /* ... of those who wait */

/* A list that grows. */
struct list {
	cJSON *rows;
	const cJSON *waits; /* requests by the first digits; NULL: not known */
	bool more;          /* ... and some that are not in it */
	bool brief;
};

/* "5+" in a table: at least 5, as a worker did not name all. */
static void
put_requests(const struct list *list, const char *key, cJSON *row)
{
	char text[WAIT_KEY + 1];
	const cJSON *found;
	double requests;

	if (list->waits == NULL)
		return;
	(void)snprintf(text, sizeof(text), "%.*s", WAIT_KEY, key);
	found = cJSON_GetObjectItemCaseSensitive(list->waits, text);
	requests = found != NULL ? cJSON_GetNumberValue(found) : 0;
	if (list->brief && list->more) {
		(void)snprintf(text, sizeof(text), "%.0f+", requests);
		(void)cJSON_AddStringToObject(row, "requests", text);
		return;
	}
	(void)cJSON_AddNumberToObject(row, "requests", requests);
	if (!list->brief)
		(void)cJSON_AddBoolToObject(row, "more", list->more);
}

static void
put_signal(void *context, const struct inspect_signal *signal)
{
	const struct list *list = context;
	cJSON *row = cJSON_CreateObject();
	char key[65];

	(void)snprintf(key, sizeof(key), "%.*s",
	    list->brief ? BRIEF_KEY : (int)sizeof(key) - 1, signal->key);
	(void)cJSON_AddStringToObject(row, "state", signal->state);
	(void)cJSON_AddStringToObject(row, "function", signal->function);
	(void)cJSON_AddStringToObject(row, "key", key);
	(void)cJSON_AddNumberToObject(row, "slot", (double)signal->owner_slot);
	(void)cJSON_AddNumberToObject(row, "pid", (double)signal->owner_pid);
	(void)cJSON_AddNumberToObject(row, "lease",
	    (double)signal->lease_ms / 1000);
	(void)cJSON_AddNumberToObject(row, "age",
	    (double)signal->age_ms / 1000);
	(void)cJSON_AddNumberToObject(row, "attempts",
	    (double)signal->attempts);
	(void)cJSON_AddNumberToObject(row, "waiting_workers",
	    (double)signal->waiters);
	put_requests(list, signal->key, row);
	(void)cJSON_AddNumberToObject(row, "computations",
	    (double)signal->computations);
	(void)cJSON_AddNumberToObject(row, "progress",
	    (double)signal->progress / 1000);
	(void)cJSON_AddNumberToObject(row, "wanted",
	    (double)signal->wanted_ms / 1000);
	(void)cJSON_AddStringToObject(row, "scope", signal->scope);
	(void)cJSON_AddStringToObject(row, "error", signal->error);
	(void)cJSON_AddItemToArray(list->rows, row);
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

/* An answer that was made, or none when that failed. */
static cJSON *
finish(cJSON *answer, int rc, const char *dir, struct buf *why)
{
	if (rc >= 0)
		return answer;
	if (why->len == 0)
		(void)buf_printf(why, "the cache in %s: %s", dir, err_str(rc));
	cJSON_Delete(answer);
	return NULL;
}

cJSON *
ctl_cache(const char *dir, struct buf *why)
{
	struct inspect *inspect = NULL;
	cJSON *answer = cJSON_CreateObject();
	int rc;

	(void)cJSON_AddTrueToObject(answer, "ok");
	rc = inspect_open(&inspect, dir, why);
	if (rc == 0)
		rc = add_summary(inspect, dir, answer);
	inspect_close(&inspect);
	return finish(answer, rc, dir, why);
}

cJSON *
ctl_signals(const char *dir, bool brief, const cJSON *waiting, struct buf *why)
{
	struct inspect *inspect = NULL;
	cJSON *answer = cJSON_CreateObject();
	struct list list = { .brief = brief,
		.waits = cJSON_GetObjectItemCaseSensitive(waiting, "waits"),
		.more = cJSON_IsTrue(
		    cJSON_GetObjectItemCaseSensitive(waiting, "more")) };
	int rc;

	(void)cJSON_AddTrueToObject(answer, "ok");
	list.rows = cJSON_AddArrayToObject(answer, "signals");
	rc = inspect_open(&inspect, dir, why);
	if (rc == 0)
		rc = inspect_signals(inspect, SIGNALS_MAX, put_signal, &list);
	inspect_close(&inspect);
	return finish(answer, rc, dir, why);
}

/* One key, or a sentence why it is not one. */
static int
delete_key(const char *dir, const char *prefix, const char *digits,
    const char *function, struct buf *why)
{
	int rc = inspect_forget_key(dir, prefix, digits, function, why);

	if (rc < 0 || rc == 1)
		return rc;
	(void)buf_printf(why,
	    rc == 0 ? "no value%s%s has a key that begins with %s"
		    : "several values%s%s have a key that begins with %s: "
		      "give more digits",
	    function != NULL ? " of " : "", function != NULL ? function : "",
	    digits);
	return ERR_RANGE;
}

/* Who has mistyped the name sees it by the count. */
static int
delete_group(const char *dir, const char *prefix, enum cache_group group,
    const char *name, cJSON *answer, struct buf *why)
{
	struct inspect_count count;
	int rc = inspect_forget(dir, prefix, group, name, &count, why);

	(void)cJSON_AddNumberToObject(answer, "count", (double)count.values);
	if (count.more)
		(void)cJSON_AddTrueToObject(answer, "more");
	return rc;
}

static int
delete_user(const char *dir, const char *prefix, const char *name,
    cJSON *answer, struct buf *why)
{
	struct buf scope = BUF_EMPTY;
	int rc = buf_printf(&scope, "user:%s", name);

	if (rc == 0)
		rc = delete_group(dir, prefix, CACHE_GROUP_SCOPE,
		    buf_cstr(&scope), answer, why);
	buf_free(&scope);
	return rc;
}

/* 1: there is no such kind of thing to delete. */
static int
delete_one(const char *dir, const char *prefix, const char *kind,
    const char *name, cJSON *answer, struct buf *why)
{
	int rc;

	if (strcmp(kind, "function") == 0)
		return delete_group(dir, prefix, CACHE_GROUP_FUNCTION, name,
		    answer, why);
	if (strcmp(kind, "tag") == 0)
		return delete_group(dir, prefix, CACHE_GROUP_TAG, name, answer,
		    why);
	if (strcmp(kind, "user") == 0)
		return delete_user(dir, prefix, name, answer, why);
	if (strcmp(kind, "key") == 0)
		rc = delete_key(dir, prefix, name, NULL, why);
	else if (strcmp(kind, "entry") == 0)
		rc = inspect_forget_entry(dir, prefix, name, why);
	else if (strcmp(kind, "session") == 0)
		rc = inspect_forget_session(dir, prefix, name, why);
	else
		return 1;
	if (rc >= 0)
		(void)cJSON_AddNumberToObject(answer, "count", rc);
	return rc < 0 ? rc : 0;
}

/* "function", its name, and the key of a value of it. */
static int
delete_in_function(const char *dir, const char *prefix, char *const *words,
    cJSON *answer, struct buf *why)
{
	int rc = delete_key(dir, prefix, words[2], words[1], why);

	(void)cJSON_AddNumberToObject(answer, "count", rc > 0);
	return rc < 0 ? ERR_RANGE : 0;
}

cJSON *
ctl_cache_delete(const char *dir, const char *prefix, char *const *words,
    int count, struct buf *why)
{
	cJSON *answer = cJSON_CreateObject();
	int rc = 1;

	(void)cJSON_AddTrueToObject(answer, "ok");
	(void)cJSON_AddStringToObject(answer, "deleted", words[0]);
	if (count == 1 && strcmp(words[0], "all") == 0)
		rc =
		    delete_group(dir, prefix, CACHE_GROUP_ALL, "", answer, why);
	else if (count == 2)
		rc = delete_one(dir, prefix, words[0], words[1], answer, why);
	else if (count == 3 && strcmp(words[0], "function") == 0)
		rc = delete_in_function(dir, prefix, words, answer, why);
	if (rc != 1)
		return finish(answer, rc, dir, why);
	cJSON_Delete(answer);
	return NULL;
}
