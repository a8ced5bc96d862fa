/* SPDX-License-Identifier: MIT */
#ifndef WORKER_H2_CALM_H
#define WORKER_H2_CALM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How many frames a client may send for nothing.
 *
 * Each frame costs one of an account, and what is useful pays back: bytes of
 * a body its frame, an answered request sixteen, every 256 bytes that are
 * sent to the client one. The account fills up by a thousand a second, to
 * ten thousand, which a connection begins with.
 *
 * THREADS  The owner's only.
 */
struct h2_calm {
	int64_t account; /* in 256ths of a frame */
	int64_t filled_us;
	uint64_t skip;  /* bytes until the next frame begins */
	uint32_t given; /* bytes of `len` that have come */
	uint8_t len[3]; /* ... of the frame that begins */
};

void h2_calm_init(struct h2_calm *calm, int64_t now_us);

/* Bytes from the client, the preface first. False: too many frames. */
bool h2_calm_receive(struct h2_calm *calm, const void *bytes, size_t len,
    int64_t now_us);

void h2_calm_body(struct h2_calm *calm);
void h2_calm_finished(struct h2_calm *calm);
void h2_calm_sent(struct h2_calm *calm, size_t bytes);

#endif
