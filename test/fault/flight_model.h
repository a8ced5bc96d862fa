/* SPDX-License-Identifier: MIT */
#ifndef TEST_FLIGHT_MODEL_H
#define TEST_FLIGHT_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"
#include "cache/flight.h"
#include "server/base/err.h"

/*
 * The oracle of flight_model_test.c: the signal table as a few integers, and
 * what each verb does to them, written down a second time and as simply as
 * can be. It knows no SQL, no clock and no process.
 */
#define PROCS 4
#define KEYS 5
#define ATTEMPTS 3
#define NOBODY (-1)

struct model_row {
	enum flight_state state;
	int owner; /* process, or NOBODY */
	int64_t owner_id;
	int claim; /* number of the claim that holds it */
	int attempts;
	unsigned waiters; /* bit per process */
	int turn;
	int client;
	int waits_for;  /* key, or NOBODY */
	bool due;       /* an error or PASS whose time is over */
	bool forgotten; /* its scope was, since it began */
};

enum model_value { NONE, NORMAL, ONCE };

struct model {
	struct model_row rows[KEYS];
	enum model_value values[KEYS];
};

/* Computations that may stop are the even keys, scoped ones the first two. */
static inline bool
model_may_stop(int key)
{
	return key % 2 == 0;
}

static inline bool
model_has_scope(int key)
{
	return key < 2;
}

static inline bool
model_is_live(const struct model_row *row)
{
	return row->state == FLIGHT_WANTED || row->state == FLIGHT_COMPUTING;
}

/* The turn of a row that `client` asks for now. */
static inline int
model_turn(const struct model *m, int client)
{
	int least = -1;
	int most = -1;
	int turn;
	int k;

	for (k = 0; k < KEYS; k++) {
		const struct model_row *row = &m->rows[k];

		if (row->state == FLIGHT_WANTED &&
		    (least < 0 || row->turn < least))
			least = row->turn;
		if (row->state == FLIGHT_COMPUTING && row->turn > most)
			most = row->turn;
	}
	turn = least >= 0 ? least : most >= 0 ? most : 0;
	for (k = 0; k < KEYS; k++) {
		const struct model_row *row = &m->rows[k];

		if (model_is_live(row) && row->client == client &&
		    row->turn + 1 > turn)
			turn = row->turn + 1;
	}
	return turn;
}

/* What cache_ask_for() gives, and does; `asker` a key or NOBODY. */
static inline int
model_ask(struct model *m, int proc, int key, int client, int asker, int claim,
    int64_t owner_id)
{
	struct model_row *row = &m->rows[key];
	struct model_row before = *row;
	int rc;
	int at;

	if (m->values[key] == NORMAL)
		return CACHE_READY;
	if ((row->state == FLIGHT_FAILED || row->state == FLIGHT_QUARANTINED) &&
	    !row->due)
		return CACHE_FAILED;
	if (row->state == FLIGHT_PASS && !row->due)
		return CACHE_PASS;
	if (model_is_live(row)) {
		row->waiters |= 1u << proc;
		rc = CACHE_WAITING;
	} else {
		*row = (struct model_row){ .state = claim != NOBODY
							? FLIGHT_COMPUTING
							: FLIGHT_WANTED,
			.owner = claim != NOBODY ? proc : NOBODY,
			.owner_id = claim != NOBODY ? owner_id : 0,
			.claim = claim,
			.attempts = before.attempts + (claim != NOBODY),
			.waiters = 1u << proc,
			.turn = model_turn(m, client),
			.client = client,
			.waits_for = NOBODY };
		rc = claim != NOBODY ? CACHE_OWNED : CACHE_WANTED_NEW;
	}
	if (asker == NOBODY)
		return rc;
	for (at = key; at != NOBODY; at = m->rows[at].waits_for) {
		if (at == asker) {
			*row = before;
			return ERR_CYCLE;
		}
		if (!model_is_live(&m->rows[at]))
			break;
	}
	if (m->rows[asker].state == FLIGHT_COMPUTING)
		m->rows[asker].waits_for = key;
	return rc;
}

/* May this row be the one that cache_claim_next() gives? */
static inline bool
model_is_next(const struct model *m, int key)
{
	int k;

	if (m->rows[key].state != FLIGHT_WANTED)
		return false;
	for (k = 0; k < KEYS; k++) {
		if (m->rows[k].state == FLIGHT_WANTED &&
		    m->rows[k].turn < m->rows[key].turn)
			return false;
	}
	return true;
}

static inline bool
model_has_wanted(const struct model *m)
{
	int k;

	for (k = 0; k < KEYS; k++) {
		if (m->rows[k].state == FLIGHT_WANTED)
			return true;
	}
	return false;
}

static inline void
model_take(struct model *m, int proc, int key, int claim, int64_t owner_id)
{
	struct model_row *row = &m->rows[key];

	row->state = FLIGHT_COMPUTING;
	row->owner = proc;
	row->owner_id = owner_id;
	row->claim = claim;
	row->attempts++;
	row->waits_for = NOBODY;
	row->forgotten = false;
}

static inline bool
model_holds(const struct model *m, int key, int claim)
{
	return m->rows[key].state == FLIGHT_COMPUTING &&
	       m->rows[key].claim == claim;
}

/* The row leaves COMPUTING. */
static inline void
model_end(struct model *m, int key, enum flight_state to, int attempts)
{
	struct model_row *row = &m->rows[key];

	row->state = to;
	row->owner = NOBODY;
	row->owner_id = 0;
	row->claim = NOBODY;
	row->attempts = attempts;
	row->due = false;
	if (to != FLIGHT_WANTED)
		row->waiters = 0;
	if (to == FLIGHT_ABSENT)
		*row = (struct model_row){ .state = FLIGHT_ABSENT,
			.owner = NOBODY,
			.claim = NOBODY,
			.waits_for = NOBODY };
}

static inline int
model_publish(struct model *m, int key, int claim, enum model_value value)
{
	if (!model_holds(m, key, claim))
		return ERR_STALE;
	if (m->rows[key].forgotten) {
		model_end(m, key, FLIGHT_WANTED, 0);
		return ERR_STALE;
	}
	model_end(m, key, value == ONCE ? FLIGHT_PASS : FLIGHT_READY, 0);
	m->values[key] = value;
	return 0;
}

static inline int
model_fail(struct model *m, int key, int claim)
{
	if (!model_holds(m, key, claim))
		return ERR_STALE;
	model_end(m, key, FLIGHT_FAILED, 0);
	return 0;
}

static inline int
model_release(struct model *m, int key, int claim)
{
	if (!model_holds(m, key, claim))
		return ERR_STALE;
	model_end(m, key, FLIGHT_WANTED, m->rows[key].attempts - 1);
	return 0;
}

static inline int
model_give_up(struct model *m, int key, int claim)
{
	if (!model_holds(m, key, claim))
		return ERR_STALE;
	model_end(m, key,
	    m->rows[key].waiters != 0 ? FLIGHT_WANTED : FLIGHT_ABSENT,
	    m->rows[key].attempts - 1);
	return 0;
}

static inline int
model_leave(struct model *m, int proc, int key)
{
	struct model_row *row = &m->rows[key];

	if (!model_may_stop(key) || !model_is_live(row))
		return 0;
	row->waiters &= ~(1u << proc);
	if (row->waiters != 0)
		return 0;
	if (row->state == FLIGHT_WANTED)
		model_end(m, key, FLIGHT_ABSENT, 0);
	return 1;
}

/* The keeper takes a computation from an owner that is dead or late. */
static inline void
model_hand_on(struct model *m, int key)
{
	int attempts = m->rows[key].attempts;

	model_end(m, key,
	    attempts >= ATTEMPTS ? FLIGHT_QUARANTINED : FLIGHT_WANTED,
	    attempts);
}

static inline void
model_again(struct model *m, int key)
{
	if (m->rows[key].state != FLIGHT_COMPUTING)
		return;
	model_end(m, key, FLIGHT_WANTED, 0);
	m->rows[key].waits_for = NOBODY;
}

static inline void
model_forget_key(struct model *m, int key)
{
	m->values[key] = NONE;
	model_again(m, key);
	m->rows[key].due = true;
}

static inline void
model_forget_function(struct model *m)
{
	int k;

	for (k = 0; k < KEYS; k++) {
		m->values[k] = NONE;
		model_again(m, k);
		if (m->rows[k].state == FLIGHT_FAILED ||
		    m->rows[k].state == FLIGHT_QUARANTINED)
			m->rows[k].due = true;
	}
}

static inline void
model_forget_scope(struct model *m)
{
	int k;

	for (k = 0; k < KEYS; k++) {
		if (!model_has_scope(k))
			continue;
		m->values[k] = NONE;
		if (m->rows[k].state == FLIGHT_COMPUTING)
			m->rows[k].forgotten = true;
	}
}

/* What cache_state() says. */
static inline int
model_state(const struct model *m, int key)
{
	const struct model_row *row = &m->rows[key];

	if (model_is_live(row))
		return CACHE_WAITING;
	if ((row->state == FLIGHT_FAILED || row->state == FLIGHT_QUARANTINED) &&
	    !row->due)
		return CACHE_FAILED;
	if (row->state == FLIGHT_PASS && !row->due)
		return CACHE_READY;
	return m->values[key] != NONE ? CACHE_READY : -ENOENT;
}

#endif
