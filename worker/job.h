/* SPDX-License-Identifier: MIT */
#ifndef WORKER_JOB_H
#define WORKER_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/cache.h"
#include "server/base/arena.h"
#include "server/base/buf.h"
#include "worker/call.h"
#include "worker/http_parse.h"

/*
 * Jobs: the runs of background callbacks.
 *
 * A job is a row of the signal table, like every other computation, and an
 * entry in the store under the job's id, its ticket. The ticket says which
 * row it is and who may ask; while it is there somebody wants the result.
 * Cancelling is removing it. Asking renews it, so that a job whose page was
 * closed is cancelled by itself.
 *
 * The id is 128 random bits and is all that a client has to know; it is bound
 * to the requester besides (job_requester()).
 */
#define JOB_ID_LEN 32 /* hexadecimal digits */

/* A ticket as it was read. */
struct job_ticket {
	uint8_t key[CACHE_KEY_LEN]; /* of the row */
	bool stale;                 /* time to renew it */
};

/* Who asks, as 32 hexadecimal digits: what the head says of the browser. */
void job_requester(const struct worker_options *options,
    const struct http_head *head, char out[JOB_ID_LEN + 1]);

/* The next value of `name` in a query, from *at on; false: none left. Only
 * ids are taken, what is of another form is passed over. */
bool job_next_id(struct http_span query, const char *name, size_t *at,
    char id[JOB_ID_LEN + 1]);

/*
 * Read the ticket of a job. 0; -ENOENT: none, or it is somebody else's;
 * ERR_BUSY, ERR_STORE. Reads only, so any thread.
 */
int job_read(struct cache *cache, const struct cache_options *options,
    const char *id, const char *requester, struct job_ticket *ticket);

/* Write or renew a ticket. 0, ERR_*. Pool threads. */
int job_write(struct toolkit *kit, const char *id, const char *requester,
    const uint8_t key[CACHE_KEY_LEN]);

/* Remove a ticket, if it is the requester's. Pool threads. */
void job_cancel(struct toolkit *kit, const char *id, const char *requester);

/* Does anybody want it still? True when the store fails. */
bool job_is_wanted(const struct toolkit *kit, const char *id);

/* A fresh id. 0, or ERR_STORE when the system gives no random bytes. */
int job_new_id(char id[JOB_ID_LEN + 1]);

/* The key under which the progress of a row stands, and what it has set of the
 * page besides. */
int job_progress_key(const struct cache_options *options,
    const uint8_t key[CACHE_KEY_LEN], uint8_t out[CACHE_KEY_LEN]);
int job_sides_key(const struct cache_options *options,
    const uint8_t key[CACHE_KEY_LEN], uint8_t out[CACHE_KEY_LEN]);

/* Write finished JSON under one of them. False: the store failed. */
bool job_store(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    int64_t life_ms, const struct buf *json);

/* host_background.c: has the job that this call runs as been ended? Looks at
 * most every 50 ms. */
bool job_is_cancelled(struct call *call);

extern const struct ph_background_host host_background_table;

/* What a hidden callback of a .cancel input runs. */
enum ph_status job_nothing(struct ph_call *call);

struct task;

/*
 * TASK_JOB: cancel what the request names, then start the callback's job and
 * answer with its id, or with the result when that is there. False: the
 * store fails, so the callback is to be run at once, as any other. Pool
 * thread.
 */
bool job_start(struct task *task, struct toolkit *kit);

#endif
