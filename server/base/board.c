/* SPDX-License-Identifier: MIT */

/*
 * The board: two places for its content and a number that says which of them
 * is valid. A reader that was overtaken twice meanwhile reads again. Then a
 * ring of rows with a counter, which has more places than rows that may be
 * read: the place that is being written is none of these.
 *
 * FAILURE  Without the file there are no metrics; everything else goes on.
 */
#include "server/base/board.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"

#define PLACE_BYTES (((off_t)sizeof(struct board) + 4095) / 4096 * 4096)
#define READS_MAX 8
#define DEPTH_MAX 4 /* of computations that wait for others */
#define RING 512    /* places; the spare ones give readers two minutes */
#define RING_AT (4096 + 2 * PLACE_BYTES)
#define CRASH_AT (RING_AT + RING * (off_t)sizeof(struct board_row))
#define COUNT_AT ((off_t)sizeof(uint64_t))

int
board_open(int *write_fd, int *read_fd)
{
	char path[32];
	int rc = 0;

	*read_fd = -1;
	*write_fd = memfd_create("ph-board", MFD_CLOEXEC);
	if (*write_fd < 0)
		return -errno;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", *write_fd);
	*read_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*read_fd < 0) {
		rc = -errno;
		fd_close(write_fd);
	}
	return rc;
}

static off_t
place_of(uint64_t number)
{
	return 4096 + (off_t)(number % 2) * PLACE_BYTES;
}

int
board_write(int write_fd, const struct board *board)
{
	uint64_t number = 0;

	if (pread(write_fd, &number, sizeof(number), 0) < 0)
		return -errno;
	number++;
	if (pwrite(write_fd, board, sizeof(*board), place_of(number)) !=
	    (ssize_t)sizeof(*board))
		return errno != 0 ? -errno : -EIO;
	return pwrite(write_fd, &number, sizeof(number), 0) < 0 ? -errno : 0;
}

int
board_read(int read_fd, struct board *board)
{
	uint64_t before;
	uint64_t after;
	int tries;

	for (tries = 0; tries < READS_MAX; tries++) {
		if (pread(read_fd, &before, sizeof(before), 0) !=
			(ssize_t)sizeof(before) ||
		    before == 0)
			return ERR_STALE;
		if (pread(read_fd, board, sizeof(*board), place_of(before)) !=
			(ssize_t)sizeof(*board) ||
		    pread(read_fd, &after, sizeof(after), 0) !=
			(ssize_t)sizeof(after))
			return -EIO;
		if (before == after)
			return 0;
	}
	return ERR_BUSY;
}

void
board_note_wait(struct handoff_waits *waits, const uint8_t *key,
    uint32_t requests)
{
	unsigned least = 0;
	unsigned i;

	for (i = 1; i < HANDOFF_WAITS; i++) {
		if (waits->rows[i].requests < waits->rows[least].requests)
			least = i;
	}
	if (requests <= waits->rows[least].requests) {
		waits->others += requests;
		return;
	}
	waits->others += waits->rows[least].requests;
	waits->rows[least].requests = requests;
	memcpy(waits->rows[least].key, key, HANDOFF_WAIT_KEY);
}

void
board_note_chain(struct handoff_waits *waits, const uint8_t *computed,
    const uint8_t *wanted)
{
	uint32_t at = waits->chain_count;

	if (at == HANDOFF_CHAINS) {
		waits->others++;
		return;
	}
	memcpy(waits->chains[at].computed, computed, HANDOFF_WAIT_KEY);
	memcpy(waits->chains[at].wanted, wanted, HANDOFF_WAIT_KEY);
	waits->chain_count++;
}

/* Those of one worker, for this key and no other. */
static uint32_t
waiting_in(const struct handoff_waits *waits, const uint8_t *key)
{
	unsigned i;

	for (i = 0; i < HANDOFF_WAITS; i++) {
		if (waits->rows[i].requests > 0 &&
		    memcmp(waits->rows[i].key, key, HANDOFF_WAIT_KEY) == 0)
			return waits->rows[i].requests;
	}
	return 0;
}

/* A computation waits for one value at a time, so nobody counts twice; a
 * chain that is too long, or told half before and half after a change, ends. */
static uint32_t
waiting(const struct board *board, const uint8_t *key, unsigned depth)
{
	const struct handoff_waits *waits;
	uint32_t sum = 0;
	uint32_t i;
	uint32_t k;

	for (i = 0; i < board->worker_count; i++) {
		waits = &board->workers[i].waits;
		sum += waiting_in(waits, key);
		for (k = 0; depth > 0 && k < waits->chain_count; k++) {
			if (memcmp(waits->chains[k].wanted, key,
				HANDOFF_WAIT_KEY) == 0)
				sum += waiting(board, waits->chains[k].computed,
				    depth - 1);
		}
	}
	return sum;
}

uint32_t
board_waiting(const struct board *board, const uint8_t *key, bool *more)
{
	uint32_t i;

	*more = false;
	for (i = 0; i < board->worker_count; i++) {
		if (board->workers[i].waits.others > 0)
			*more = true;
	}
	return waiting(board, key, DEPTH_MAX);
}

int
board_add_row(int write_fd, const struct board_row *row)
{
	uint64_t count = 0;
	off_t at;

	if (pread(write_fd, &count, sizeof(count), COUNT_AT) < 0)
		return -errno;
	at = RING_AT + (off_t)(count % RING) * (off_t)sizeof(*row);
	if (pwrite(write_fd, row, sizeof(*row), at) != (ssize_t)sizeof(*row))
		return errno != 0 ? -errno : -EIO;
	count++;
	return pwrite(write_fd, &count, sizeof(count), COUNT_AT) < 0 ? -errno
								     : 0;
}

/* `count` rows from number `first` on, wherever the ring begins again. */
static int
read_ring(int read_fd, uint64_t first, size_t count, struct board_row *rows)
{
	size_t start = (size_t)(first % RING);
	size_t head = count < RING - start ? count : RING - start;
	size_t size = sizeof(*rows);

	if (pread(read_fd, rows, head * size,
		RING_AT + (off_t)(start * size)) != (ssize_t)(head * size) ||
	    pread(read_fd, rows + head, (count - head) * size, RING_AT) !=
		(ssize_t)((count - head) * size))
		return -EIO;
	return 0;
}

int
board_rows(int read_fd, struct board_row rows[BOARD_ROWS])
{
	uint64_t count;
	uint64_t after;
	size_t wanted;
	int tries;

	for (tries = 0; tries < READS_MAX; tries++) {
		if (pread(read_fd, &count, sizeof(count), COUNT_AT) !=
		    (ssize_t)sizeof(count))
			return 0; /* nothing yet */
		wanted = count < BOARD_ROWS ? (size_t)count : BOARD_ROWS;
		if (read_ring(read_fd, count - wanted, wanted, rows) < 0 ||
		    pread(read_fd, &after, sizeof(after), COUNT_AT) !=
			(ssize_t)sizeof(after))
			return -EIO;
		if (after - (count - wanted) < RING)
			return (int)wanted;
	}
	return ERR_BUSY;
}

int
board_put_crash(int write_fd, const char *text)
{
	size_t len = strnlen(text, BOARD_CRASH_MAX - 1);
	char end = '\0';

	if (pwrite(write_fd, text, len, CRASH_AT) < 0 ||
	    pwrite(write_fd, &end, 1, CRASH_AT + (off_t)len) < 0)
		return -errno;
	return 0;
}

int
board_crash(int read_fd, char text[BOARD_CRASH_MAX])
{
	ssize_t got = pread(read_fd, text, BOARD_CRASH_MAX - 1, CRASH_AT);

	text[got > 0 ? got : 0] = '\0';
	return got < 0 ? -errno : 0;
}
