/* SPDX-License-Identifier: MIT */

/*
 * Balance. See balance.h.
 *
 * INVARIANT  Our pipe holds 1 + 2 * connections + busy bytes, or as many as
 *            fit (65,536). 0: nobody accepts there.
 * FAILURE    Without pipes every connection is taken at once. A worker that
 *            dies leaves its bytes; the master takes them out.
 */
#include "worker/balance.h"

#include <limits.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "server/base/clock.h"

#define SCAN_US 50000 /* 64 calls that a client waits for */
#define CHANCES 2     /* that a rival may let pass in a row */
/* How often a connection may be left lying: 1, 1, 2, 2, 3, 3, 4, 4, 5 ms. */
#define WAITS 9
#define WAIT_MAX_US 100000 /* whatever the others do meanwhile */
#define IGNORE_US 100000   /* doubles with each further chance */
#define IGNORE_DOUBLINGS 4

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

static void
tell(struct balance *balance)
{
	if (balance->fds != NULL)
		set_level(balance,
		    1 + 2 * balance->connections + (balance->busy ? 1 : 0));
}

void
balance_start(struct balance *balance, const struct handoff *handoff)
{
	*balance = (struct balance){ .fds = handoff->load_fds,
		.slot = handoff->slot,
		.slot_count = handoff->slot_count < BALANCE_SLOTS
				  ? handoff->slot_count
				  : BALANCE_SLOTS };
	tell(balance);
}

void
balance_tell(struct balance *balance, size_t connections)
{
	balance->connections = connections;
	tell(balance);
}

bool
balance_is_waiting(const struct balance *balance)
{
	return balance->waits > 0;
}

bool
balance_is_unsettled(const struct balance *balance)
{
	return balance->busy || balance->waits > 0;
}

bool
balance_settle(struct balance *balance, bool busy)
{
	bool better = balance->busy && !busy;

	balance->busy = busy;
	tell(balance);
	return better && balance->waits > 0;
}

void
balance_stop(struct balance *balance)
{
	if (balance->fds != NULL)
		set_level(balance, 0);
	balance->fds = NULL;
	balance->busy = false;
	balance->waits = 0;
}

/* Bytes in the pipe of a slot; 0: nobody accepts there. */
static int
bytes_of(const struct balance *balance, unsigned slot)
{
	int bytes = 0;

	return ioctl(balance->fds[slot], FIONREAD, &bytes) < 0 ? 0 : bytes;
}

/* Which slots are in use changes rarely: look at all of them now and then. */
static void
scan(struct balance *balance, int64_t now_us)
{
	unsigned slot;

	if (balance->scanned_us != 0 && now_us - balance->scanned_us < SCAN_US)
		return;
	balance->scanned_us = now_us;
	balance->live_count = 0;
	for (slot = 0; slot < balance->slot_count; slot++) {
		if (slot != balance->slot && bytes_of(balance, slot) > 0 &&
		    balance->live_count < BALANCE_LIVE)
			balance->live[balance->live_count++] = slot;
	}
}

/* Has it been given up, and does it show no sign of life? */
static bool
is_ignored(struct balance_rival *rival, int bytes, int64_t now_us)
{
	if (rival->missed == 0)
		return false;
	if (bytes > rival->bytes) {
		rival->missed = 0;
		return false;
	}
	rival->bytes = bytes;
	return now_us < rival->ignored_until_us;
}

static void
count_missed(struct balance_rival *rival, int bytes, int64_t now_us)
{
	unsigned doublings;

	rival->bytes = bytes;
	if (++rival->missed < CHANCES)
		return;
	doublings = rival->missed - CHANCES;
	if (doublings > IGNORE_DOUBLINGS)
		doublings = IGNORE_DOUBLINGS;
	rival->ignored_until_us = now_us + ((int64_t)IGNORE_US << doublings);
}

/*
 * The slot of him who should have the next connection instead of us, and the
 * bytes in his pipe; -1: nobody. An eighth more is as good as even.
 */
static int
find_better(struct balance *balance, bool busy, int64_t now_us, int *bytes)
{
	int own = (int)balance->connections;
	int least[2] = { INT_MAX, INT_MAX }; /* idle ones, busy ones */
	int found[2] = { -1, -1 };
	int there;
	unsigned i;
	int kind;

	scan(balance, now_us);
	for (i = 0; i < balance->live_count; i++) {
		there = bytes_of(balance, balance->live[i]);
		if (there <= 0 || is_ignored(&balance->rivals[balance->live[i]],
				      there, now_us))
			continue;
		kind = (there - 1) % 2;
		if (there < least[kind]) {
			least[kind] = there;
			found[kind] = (int)balance->live[i];
		}
	}
	kind = found[0] >= 0 ? 0 : 1;
	*bytes = least[kind];
	if (found[kind] < 0 || (kind == 1 && !busy))
		return -1;
	if (busy && kind == 0)
		return found[0];
	least[kind] = (least[kind] - 1) / 2;
	return own > least[kind] + least[kind] / 8 ? found[kind] : -1;
}

bool
balance_may_go_on(struct balance *balance, bool busy)
{
	int bytes;

	return balance->fds == NULL ||
	       find_better(balance, busy, clock_mono_us(), &bytes) < 0;
}

void
balance_forget(struct balance *balance)
{
	balance->waits = 0;
}

unsigned
balance_wait_ms(struct balance *balance, bool busy)
{
	int64_t now_us;
	int bytes;
	int rival;

	if (balance->fds == NULL)
		return 0;
	(void)balance_settle(balance, busy);
	if (balance->connections == 0 && !busy) {
		balance->waits = 0;
		return 0;
	}
	now_us = clock_mono_us();
	rival = find_better(balance, busy, now_us, &bytes);
	if (balance->waits == 0)
		balance->wait_us = now_us;
	if (rival < 0 || now_us - balance->wait_us > WAIT_MAX_US) {
		balance->waits = 0;
		return 0;
	}
	/* Each has its own chance; and who takes something gets another. */
	if (balance->waits == 0 || rival != balance->rival ||
	    bytes != balance->rival_bytes) {
		balance->waits = 0;
		balance->rival = rival;
		balance->rival_bytes = bytes;
	}
	if (++balance->waits <= WAITS)
		return (balance->waits + 1) / 2;
	balance->waits = 0;
	count_missed(&balance->rivals[rival], bytes, now_us);
	return 0;
}
