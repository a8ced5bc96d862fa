/* SPDX-License-Identifier: MIT */

/*
 * A table from the body of an answer to a file with its head and its bytes.
 *
 * An answer of 20 KB costs the kernel 8.5 us when it is copied out of our
 * memory and 6.9 us when its pages are sent (docs/decisions/0017). A head
 * changes each second, so the file is made anew each second, and only for what
 * has been asked for WHOLE_AFTER times in it: then its 20 us are soon saved.
 * A file is never changed: sockets may still hold its pages.
 *
 * INVARIANT  A file has the bytes of its slot's head and body, and these are
 *            compared before it is given: pointers of a body that is held, the
 *            bytes of a head.
 * THREADS    The loop only.
 */
#include "worker/whole.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/base/fd.h"

#define WHOLE_AFTER 8
#define HEAD_MAX 1024

struct slot {
	struct blob *blob; /* holds the body; NULL: the slot is free */
	const void *body;
	size_t len;
	struct blob *file; /* NULL: not made, or it could not be */
	unsigned asked;    /* for this head */
	bool used;         /* since the last sweep */
	size_t head_len;
	char head[HEAD_MAX];
};

struct whole {
	struct slot slots[WHOLE_SLOTS];
};

struct whole *
whole_new(void)
{
	return calloc(1, sizeof(struct whole));
}

static void
slot_clear(struct slot *slot)
{
	blob_unref(slot->blob);
	blob_unref(slot->file);
	slot->blob = NULL;
	slot->file = NULL;
	slot->asked = 0;
	slot->used = false;
}

void
whole_free(struct whole **whole_in)
{
	struct whole *whole = *whole_in;
	size_t i;

	*whole_in = NULL;
	for (i = 0; whole != NULL && i < WHOLE_SLOTS; i++)
		slot_clear(&whole->slots[i]);
	free(whole);
}

void
whole_sweep(struct whole *whole)
{
	struct slot *slot;
	size_t i;

	for (i = 0; whole != NULL && i < WHOLE_SLOTS; i++) {
		slot = &whole->slots[i];
		if (slot->blob != NULL && !slot->used)
			slot_clear(slot);
		slot->used = false;
	}
}

static void
make_file(struct slot *slot)
{
	int fd = memfd_create("answer", MFD_CLOEXEC);

	if (fd >= 0 && fd_write_full(fd, slot->head, slot->head_len) == 0 &&
	    fd_write_full(fd, slot->body, slot->len) == 0)
		slot->file = blob_new_file(fd, slot->head_len + slot->len);
	else
		fd_close(&fd);
}

static bool
is_of(const struct slot *slot, const struct reply *reply)
{
	return slot->blob == reply->blob && slot->body == reply->body &&
	       slot->len == reply->len;
}

struct blob *
whole_get(struct whole *whole, const char *head, size_t len,
    const struct reply *reply)
{
	uintptr_t at = (uintptr_t)reply->body;
	struct slot *slot;

	if (whole == NULL || reply->len < WHOLE_MIN || reply->len > WHOLE_MAX ||
	    len > HEAD_MAX)
		return NULL;
	slot = &whole->slots[(at >> 4 ^ at >> 12) % WHOLE_SLOTS];
	if (!is_of(slot, reply) || slot->head_len != len ||
	    memcmp(slot->head, head, len) != 0) {
		slot_clear(slot);
		slot->blob = blob_ref(reply->blob);
		slot->body = reply->body;
		slot->len = reply->len;
		slot->head_len = len;
		memcpy(slot->head, head, len);
	}
	slot->used = true;
	if (++slot->asked == WHOLE_AFTER)
		make_file(slot);
	return slot->file;
}
