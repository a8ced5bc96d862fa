/* SPDX-License-Identifier: MIT */
#ifndef SERVER_CTL_INT_H
#define SERVER_CTL_INT_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "server/base/buf.h"
#include "server/config.h"

/*
 * The parts of pronghorn ctl: ctl.c (words and connection), ctl_store.c (the
 * commands about the cache's database), ctl_cache.c and ctl_sessions.c (what
 * they tell and do), ctl_print.c (tables for people).
 */
enum { CTL_OK, CTL_FAILED, CTL_USAGE, CTL_NO_SERVER };

struct ctl {
	const char *socket; /* NULL: ask the configuration */
	const char *file;
	bool json;
	int seconds; /* to wait for the answer; 0: as the command needs */
	int count;
	char **words; /* the command and its arguments */
	struct buf why;
};

/* Is it a command with arguments as it takes them? CTL_OK, or CTL_USAGE with
 * a sentence in why. */
int ctl_check_words(struct ctl *ctl);

/* Put a command to the server. CTL_OK, or a status with a sentence in why. */
int ctl_ask(struct ctl *ctl, char *const *words, int count, cJSON **answer);

/* The configuration the server would read; changes to its folder. 0, -errno,
 * ERR_*, with a sentence in why. */
int ctl_read_config(struct ctl *ctl, struct config **config);

/* Is this a command about the database? Then carry it out: a status. */
bool ctl_is_store(const char *command);
int ctl_store(struct ctl *ctl, cJSON **answer);

/* What the cache in `dir` holds, in numbers. NULL: see *why. */
cJSON *ctl_cache(const char *dir, struct buf *why);

/*
 * Computations; with `brief` keys are cut for a table. `waiting` is what the
 * server says of those who wait; NULL: there is none. NULL: see *why.
 */
cJSON *ctl_signals(const char *dir, bool brief, const cJSON *waiting,
    struct buf *why);

/*
 * Forget what the words say. `prefix` is cache_key_prefix. NULL: see *why; an
 * empty sentence there means wrong usage.
 */
cJSON *ctl_cache_delete(const char *dir, const char *prefix, char *const *words,
    int count, struct buf *why);

/* What becomes of the keys that the words name. The same. */
cJSON *ctl_cache_why(const char *dir, const char *prefix, char *const *words,
    int count, struct buf *why);

/* Is everything as it was written? NULL: no, or it cannot be told; see *why. */
cJSON *ctl_cache_check(const char *dir, struct buf *why);

/* The sessions in `dir`; with `end` end those whose name begins like that. */
cJSON *ctl_sessions(const char *dir, const char *end, struct buf *why);

/* Append an answer as text: lists of objects become tables. */
void ctl_print(const cJSON *answer, struct buf *out);

#endif
