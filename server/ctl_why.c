/* SPDX-License-Identifier: MIT */

/*
 * ctl cache why and ctl cache check: what becomes of one key, and whether
 * everything is as it was written.
 */
#include "server/ctl_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/encode.h"
#include "cache/inspect_forget.h"
#include "cache/inspect_why.h"
#include "cache/plain.h"
#include "server/base/arena.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "worker/json_read.h"

#define KEYS_MAX 16

struct keys {
	uint8_t keys[KEYS_MAX][CACHE_KEY_LEN];
};

/* A time that may be without end: then there is none. */
static void
add_seconds(cJSON *row, const char *name, int64_t ms)
{
	if (ms == INT64_MAX)
		(void)cJSON_AddNullToObject(row, name);
	else
		(void)cJSON_AddNumberToObject(row, name, (double)ms / 1000);
}

static int
add_key(struct inspect *inspect, const uint8_t *key, cJSON *rows)
{
	struct inspect_key found;
	char text[2 * CACHE_KEY_LEN + 1];
	cJSON *row;
	unsigned i;
	int rc;

	memcpy(found.key, key, CACHE_KEY_LEN);
	rc = inspect_why(inspect, &found);
	if (rc < 0)
		return rc;
	for (i = 0; i < CACHE_KEY_LEN; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", key[i]);
	row = cJSON_CreateObject();
	(void)cJSON_AddStringToObject(row, "key", text);
	(void)cJSON_AddStringToObject(row, "verdict", inspect_verdict(&found));
	(void)cJSON_AddBoolToObject(row, "value", found.has_value);
	(void)cJSON_AddNumberToObject(row, "bytes", (double)found.bytes);
	add_seconds(row, "age", found.age_ms);
	add_seconds(row, "fresh", found.fresh_ms);
	add_seconds(row, "stale", found.stale_ms);
	add_seconds(row, "took", found.cost_us / 1000);
	(void)cJSON_AddBoolToObject(row, "forgotten", found.forgotten);
	(void)cJSON_AddBoolToObject(row, "damaged", found.damaged);
	(void)cJSON_AddStringToObject(row, "state", found.state);
	(void)cJSON_AddStringToObject(row, "function", found.function);
	(void)cJSON_AddNumberToObject(row, "epoch", (double)found.epoch);
	(void)cJSON_AddNumberToObject(row, "slot", (double)found.owner_slot);
	(void)cJSON_AddNumberToObject(row, "pid", (double)found.owner_pid);
	add_seconds(row, "lease", found.lease_ms);
	(void)cJSON_AddNumberToObject(row, "attempts", (double)found.attempts);
	add_seconds(row, "due", found.due_ms);
	(void)cJSON_AddStringToObject(row, "error", found.error);
	(void)cJSON_AddItemToArray(rows, row);
	return 0;
}

/* The arguments as a call of the function has them: each is JSON, or a text
 * that is none. */
static int
encode_arguments(char *const *words, int count, struct buf *out)
{
	struct json_limits limits = { .depth = 32,
		.nodes = 10000,
		.members = 1000 };
	struct value *list;
	struct value *item;
	struct arena arena;
	const char *reason;
	int rc = -ENOMEM;
	int i;

	arena_init(&arena, 0);
	list = value_array(&arena, (uint32_t)count);
	for (i = 0; list != NULL && i < count; i++) {
		if (json_read(words[i], strlen(words[i]), &limits, &arena,
			&item, &reason) < 0)
			item = value_text(&arena, words[i], strlen(words[i]));
		if (item == NULL)
			break;
		list->u.items[i] = *item;
	}
	if (list != NULL && i == count)
		rc = encode_value(list, out);
	arena_free(&arena);
	return rc;
}

/* Which keys are meant? Their number, negative, or ERR_SYNTAX: wrong usage,
 * with no sentence. */
static int
find_keys(struct inspect *inspect, const char *prefix, char *const *words,
    int count, struct keys *keys, struct buf *why)
{
	struct buf arguments = BUF_EMPTY;
	int rc = ERR_SYNTAX;

	if (strcmp(words[0], "entry") == 0 && count == 2) {
		rc = cache_entry_key(prefix, words[1], keys->keys[0]);
		return rc < 0 ? rc : 1;
	}
	if (strcmp(words[0], "key") == 0 && count == 2) {
		if (strlen(words[1]) >= INSPECT_DIGITS_MIN)
			rc = inspect_find(inspect, words[1], NULL, NULL, 0,
			    keys->keys, KEYS_MAX);
		else
			(void)buf_printf(why,
			    "a key is named by %d digits at "
			    "least",
			    INSPECT_DIGITS_MIN);
		if (rc == 0)
			(void)buf_printf(why, "no key begins with %s",
			    words[1]);
	} else if (strcmp(words[0], "function") == 0) {
		rc = encode_arguments(words + 2, count - 2, &arguments);
		if (rc == 0)
			rc = inspect_find(inspect, NULL, words[1],
			    arguments.data, arguments.len, keys->keys,
			    KEYS_MAX);
		buf_free(&arguments);
		if (rc == 0)
			(void)buf_printf(why,
			    "nobody has asked %s for these arguments: whoever "
			    "does has it computed",
			    words[1]);
	}
	return rc;
}

cJSON *
ctl_cache_why(const char *dir, const char *prefix, char *const *words,
    int count, struct buf *why)
{
	cJSON *answer = cJSON_CreateObject();
	cJSON *rows = cJSON_AddArrayToObject(answer, "keys");
	struct inspect *inspect = NULL;
	struct keys keys = { .keys = { { 0 } } };
	int found;
	int i;
	int rc;

	(void)cJSON_AddTrueToObject(answer, "ok");
	rc = inspect_open(&inspect, dir, why);
	if (rc == 0)
		rc = find_keys(inspect, prefix, words, count, &keys, why);
	found = rc < KEYS_MAX ? rc : KEYS_MAX;
	for (i = 0; i < found && rc >= 0; i++)
		rc = add_key(inspect, keys.keys[i], rows);
	inspect_close(&inspect);
	if (rc >= 0 && why->len == 0)
		return answer;
	if (rc != ERR_SYNTAX && why->len == 0)
		(void)buf_printf(why, "the cache in %s: %s", dir, err_str(rc));
	cJSON_Delete(answer);
	return NULL;
}

cJSON *
ctl_cache_check(const char *dir, struct buf *why)
{
	int64_t from = clock_mono_us();
	cJSON *answer = cJSON_CreateObject();
	struct inspect *inspect = NULL;
	struct inspect_check sum = { .values = 0 };
	struct buf found = BUF_EMPTY;
	int rc;

	(void)cJSON_AddTrueToObject(answer, "ok");
	rc = inspect_open(&inspect, dir, why);
	if (rc == 0)
		rc = inspect_check(inspect, &sum, &found);
	inspect_close(&inspect);
	if (rc < 0 && why->len == 0)
		(void)buf_printf(why, "the cache in %s: %s", dir, err_str(rc));
	if (rc == 0 && (found.len > 0 || sum.damaged > 0))
		(void)buf_printf(why,
		    "the cache in %s is damaged: %lld of %lld values do not "
		    "match their checksums\n%s",
		    dir, (long long)sum.damaged, (long long)sum.values,
		    found.len > 0 ? buf_cstr(&found) : "");
	buf_free(&found);
	if (why->len > 0) {
		cJSON_Delete(answer);
		return NULL;
	}
	(void)cJSON_AddStringToObject(answer, "folder", dir);
	(void)cJSON_AddStringToObject(answer, "verdict",
	    "everything is as it was written");
	(void)cJSON_AddNumberToObject(answer, "values", (double)sum.values);
	(void)cJSON_AddNumberToObject(answer, "bytes", (double)sum.bytes);
	(void)cJSON_AddNumberToObject(answer, "seconds",
	    (double)(clock_mono_us() - from) / 1e6);
	return answer;
}
