/* SPDX-License-Identifier: MIT */

/*
 * Balance. See balance.h.
 *
 * INVARIANT  After balance_tell(n) our pipe holds n + 1 bytes, or as many as
 *            fit (65,536).
 * FAILURE    Without pipes every connection is taken at once. A worker that
 *            dies leaves its bytes; the master takes them out.
 */
#include "worker/balance.h"

#include <limits.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "server/base/clock.h"

#define SCAN_US 50000
#define CHANCES 3     /* connections that a rival may leave lying in a row */
#define WAITS 3       /* milliseconds that one of them may lie */
#define BUSY_WAITS 25 /* the same while our threads are busy */
#define BUSY_LOAD (1 << 20) /* more than anybody has in connections */
#define IGNORE_US 100000
#define LIVE_MAX (sizeof(((struct balance *)0)->live) / sizeof(unsigned))

void
balance_start(struct balance *balance, const struct handoff *handoff)
{
	*balance = (struct balance){ .fds = handoff->load_fds,
		.slot = handoff->slot,
		.slot_count = handoff->slot_count,
		.ignored = -1 };
	balance_tell(balance, 0);
}

static void
set_level(struct balance *balance, size_t level)
{
	static const char zeros[256];
	char taken[256];
	size_t step;
	ssize_t done = 1;
	int fd = balance->fds[balance->slot];

	while (balance->told != level && done > 0) {
		step = balance->told < level ? level - balance->told
					     : balance->told - level;
		if (step > sizeof(taken))
			step = sizeof(taken);
		if (balance->told < level) {
			done = write(fd, zeros, step);
			balance->told += done > 0 ? (size_t)done : 0;
		} else {
			done = read(fd, taken, step);
			balance->told -= done > 0 ? (size_t)done : 0;
		}
	}
}

void
balance_tell(struct balance *balance, size_t connections)
{
	if (balance->fds != NULL)
		set_level(balance, connections + 1);
}

void
balance_stop(struct balance *balance)
{
	if (balance->fds != NULL)
		set_level(balance, 0);
	balance->fds = NULL;
	balance->waits = 0;
}

/* Connections of the worker in a slot; -1: nobody accepts there. */
static int
load_of(const struct balance *balance, unsigned slot)
{
	int bytes = 0;

	if (ioctl(balance->fds[slot], FIONREAD, &bytes) < 0)
		return -1;
	return bytes - 1;
}

/* Which slots are in use changes rarely: look at all of them now and then. */
static void
scan(struct balance *balance, int64_t now_us)
{
	unsigned slot;
	unsigned i;

	balance->scanned_us = now_us;
	balance->live_count = 0;
	/* From the next one on: where there are more than can be looked at,
	 * each has others, and nobody is looked at by none. */
	for (i = 1; i < balance->slot_count && balance->live_count < LIVE_MAX;
	     i++) {
		slot = (balance->slot + i) % balance->slot_count;
		if (load_of(balance, slot) >= 0)
			balance->live[balance->live_count++] = slot;
	}
}

/* The least loaded of the others; INT_MAX: there is none. */
static int
find_rival(const struct balance *balance, int64_t now_us, int *rival, int *sum)
{
	int least = INT_MAX;
	unsigned i;
	int load;

	*rival = -1;
	*sum = 0;
	for (i = 0; i < balance->live_count; i++) {
		if ((int)balance->live[i] == balance->ignored &&
		    now_us < balance->ignored_until_us)
			continue;
		load = load_of(balance, balance->live[i]);
		*sum += load;
		if (load >= 0 && load < least) {
			least = load;
			*rival = (int)balance->live[i];
		}
	}
	return least;
}

bool
balance_may_go_on(struct balance *balance, bool busy)
{
	int64_t now_us = clock_mono_us();
	int rival;
	int least;
	int sum;

	if (balance->fds == NULL)
		return true;
	if (balance->scanned_us == 0 || now_us - balance->scanned_us > SCAN_US)
		scan(balance, now_us);
	least = find_rival(balance, now_us, &rival, &sum);
	return least == INT_MAX ||
	       (!busy && (int)balance->told - 1 <= least + least / 8);
}

bool
balance_is_waiting(const struct balance *balance)
{
	return balance->waits > 0;
}

void
balance_forget(struct balance *balance)
{
	balance->waits = 0;
}

bool
balance_should_wait(struct balance *balance, bool busy)
{
	int64_t now_us;
	unsigned most;
	int least;
	int rival;
	int own;
	int sum;

	if (balance->fds == NULL || (balance->told <= 1 && !busy)) {
		balance->waits = 0;
		return false;
	}
	now_us = clock_mono_us();
	if (balance->scanned_us == 0 || now_us - balance->scanned_us > SCAN_US)
		scan(balance, now_us);
	busy = busy && now_us >= balance->busy_until_us;
	own = (int)balance->told - 1 + (busy ? BUSY_LOAD : 0);
	least = find_rival(balance, now_us, &rival, &sum);
	if (least == INT_MAX || own <= least + least / 8) {
		balance->waits = 0;
		return false;
	}
	/* As long as the others take something they are not to be hurried. */
	if (busy && sum != balance->sum)
		balance->waits = 0;
	if (balance->waits == 0) {
		balance->rival = rival;
		balance->rival_load = least;
		balance->sum = sum;
	}
	most = busy ? BUSY_WAITS : WAITS;
	if (balance->waits++ < most)
		return true;
	/* They have had their chance; perhaps they are as busy as we are. */
	balance->waits = 0;
	if (busy)
		balance->busy_until_us = now_us + IGNORE_US;
	if (busy || rival != balance->rival || least != balance->rival_load) {
		balance->missed = 0;
	} else if (++balance->missed >= CHANCES) {
		balance->missed = 0;
		balance->ignored = rival;
		balance->ignored_until_us = now_us + IGNORE_US;
	}
	return false;
}
