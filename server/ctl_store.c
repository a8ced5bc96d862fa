/* SPDX-License-Identifier: MIT */

/*
 * The commands about the cache's database. The master holds no database
 * handle, so ctl looks itself; from the server it learns where the database
 * is and what has been done with it. Without a server it looks all the same.
 */
#include "server/ctl_int.h"
#include "server/json_text.h"

#include <string.h>

/* Where the database is, and under which prefix its keys are. */
struct place {
	struct buf dir;
	struct buf prefix;
	bool live; /* a server answers */
};

bool
ctl_is_store(const char *command)
{
	return strcmp(command, "cache") == 0 ||
	       strcmp(command, "signals") == 0 ||
	       strcmp(command, "sessions") == 0;
}

static const char *
setting(const cJSON *answer, const char *name)
{
	const cJSON *row;

	cJSON_ArrayForEach(row,
	    cJSON_GetObjectItemCaseSensitive(answer, "config"))
	{
		if (strcmp(json_text(row, "name"), name) == 0)
			return json_text(row, "value");
	}
	return "";
}

/* Ask a running server. */
static int
ask_for_place(struct ctl *ctl, struct place *place)
{
	char status[] = "status";
	char config[] = "config";
	char *words[] = { status };
	cJSON *answer = NULL;
	const char *dir;
	int rc;

	rc = ctl_ask(ctl, words, 1, &answer);
	if (rc != CTL_OK)
		return rc;
	(void)buf_puts(&place->dir, json_text(answer, "folder"));
	cJSON_Delete(answer);
	answer = NULL;
	words[0] = config;
	rc = ctl_ask(ctl, words, 1, &answer);
	dir = setting(answer, "cache_dir");
	if (dir[0] == '/')
		buf_clear(&place->dir);
	else
		(void)buf_putc(&place->dir, '/');
	(void)buf_puts(&place->dir, dir);
	(void)buf_puts(&place->prefix, setting(answer, "cache_key_prefix"));
	cJSON_Delete(answer);
	place->live = rc == CTL_OK;
	return rc;
}

/* A server that runs, else the configuration it would read. */
static int
find_place(struct ctl *ctl, struct place *place)
{
	struct config *config = NULL;
	int status = ask_for_place(ctl, place);

	if (status == CTL_OK || ctl->socket != NULL)
		return status;
	buf_clear(&ctl->why);
	buf_clear(&place->dir);
	if (ctl_read_config(ctl, &config) < 0)
		return status;
	(void)buf_puts(&place->dir, config->cache.cache_dir);
	(void)buf_puts(&place->prefix, config->cache.cache_key_prefix);
	config_free(&config);
	return CTL_OK;
}

/* What the processes have counted, behind what is in the database. */
static void
add_counters(struct ctl *ctl, cJSON *answer)
{
	char command[] = "cache";
	char *words[] = { command };
	cJSON *counters = NULL;
	cJSON *item;

	if (ctl_ask(ctl, words, 1, &counters) == CTL_OK) {
		while (counters != NULL && (item = counters->child) != NULL) {
			(void)cJSON_DetachItemViaPointer(counters, item);
			if (strcmp(item->string, "ok") == 0)
				cJSON_Delete(item);
			else
				(void)cJSON_AddItemToObject(answer,
				    item->string, item);
		}
	}
	cJSON_Delete(counters);
	buf_clear(&ctl->why);
}

/* Are the words after the command what it takes? */
static bool
is_usage_right(const struct ctl *ctl)
{
	const char *command = ctl->words[0];

	if (ctl->count == 1)
		return true;
	if (strcmp(command, "sessions") == 0)
		return ctl->count == 3 && strcmp(ctl->words[1], "end") == 0;
	if (strcmp(command, "cache") != 0)
		return false;
	if (ctl->count == 2)
		return strcmp(ctl->words[1], "check") == 0;
	return strcmp(ctl->words[1], "delete") == 0 ||
	       (strcmp(ctl->words[1], "why") == 0 && ctl->count > 3);
}

/* The database has no requests: in which workers they wait these tell. */
static cJSON *
signals(struct ctl *ctl, const struct place *place, const char *dir)
{
	char command[] = "signals";
	char *words[] = { command };
	cJSON *waiting = NULL;
	cJSON *answer;

	if (place->live)
		(void)ctl_ask(ctl, words, 1, &waiting);
	buf_clear(&ctl->why);
	answer = ctl_signals(dir, !ctl->json, waiting, &ctl->why);
	cJSON_Delete(waiting);
	return answer;
}

static cJSON *
run(struct ctl *ctl, const struct place *place, const char *dir,
    const char *prefix)
{
	const char *command = ctl->words[0];
	cJSON *answer;

	if (strcmp(command, "sessions") == 0)
		return ctl_sessions(dir, ctl->count == 3 ? ctl->words[2] : NULL,
		    &ctl->why);
	if (strcmp(command, "signals") == 0)
		return signals(ctl, place, dir);
	if (ctl->count == 2)
		return ctl_cache_check(dir, &ctl->why);
	if (ctl->count > 2 && strcmp(ctl->words[1], "why") == 0)
		return ctl_cache_why(dir, prefix, ctl->words + 2,
		    ctl->count - 2, &ctl->why);
	if (ctl->count > 2)
		return ctl_cache_delete(dir, prefix, ctl->words + 2,
		    ctl->count - 2, &ctl->why);
	answer = ctl_cache(dir, &ctl->why);
	if (answer != NULL && place->live)
		add_counters(ctl, answer);
	return answer;
}

int
ctl_store(struct ctl *ctl, cJSON **answer)
{
	struct place place = { .dir = BUF_EMPTY, .prefix = BUF_EMPTY };
	const char *dir;
	const char *prefix;
	int status;

	if (!is_usage_right(ctl))
		return CTL_USAGE;
	status = find_place(ctl, &place);
	dir = buf_cstr(&place.dir);
	prefix = buf_cstr(&place.prefix);
	if (status == CTL_OK && dir != NULL && prefix != NULL) {
		*answer = run(ctl, &place, dir, prefix);
		if (*answer == NULL)
			status = ctl->why.len > 0 ? CTL_FAILED : CTL_USAGE;
	}
	buf_free(&place.dir);
	buf_free(&place.prefix);
	return status;
}
