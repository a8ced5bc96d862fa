/* SPDX-License-Identifier: MIT */
#ifndef CACHE_INSPECT_WHY_H
#define CACHE_INSPECT_WHY_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/cache.h"
#include "cache/inspect.h"

/*
 * One key from outside, and the whole file: is a value there, would it be
 * given out, and if not, why; is everything as it was written. Read-only, see
 * inspect.h. Nothing here holds a read open for longer than a few rows take,
 * but the check of the file's structure, which is as long as the file.
 */
struct inspect_key {
	uint8_t key[CACHE_KEY_LEN];
	bool has_value;
	bool forgotten; /* what it belongs to, after it was made */
	bool damaged;   /* its checksum does not match */
	int64_t bytes;
	int64_t age_ms;   /* since it was made */
	int64_t fresh_ms; /* left; INT64_MAX: without end */
	int64_t stale_ms; /* left until it is not given out; the same */
	int64_t cost_us;
	/* The computation, as in struct inspect_signal; state "absent": none */
	const char *state;
	char function[128];
	char error[256];
	int64_t epoch;
	int64_t owner_slot;
	int64_t owner_pid;
	int64_t lease_ms;
	int64_t attempts;
	int64_t due_ms; /* failed: how much longer that holds */
};

/* Find what is under the key in out->key. 0 or ERR_*. */
int inspect_why(struct inspect *inspect, struct inspect_key *out);

/* What whoever asks for it now gets, in a sentence. */
const char *inspect_verdict(const struct inspect_key *key);

/*
 * The keys that begin with these hexadecimal digits (at least 8), or, with
 * `digits` NULL, those of a function with these arguments (encode.h bytes of
 * an array). How many there are, of which the first `most` are in keys; ERR_*.
 */
int inspect_find(struct inspect *inspect, const char *digits,
    const char *function, const void *arguments, size_t len,
    uint8_t (*keys)[CACHE_KEY_LEN], int most);

struct inspect_check {
	int64_t values;  /* looked at */
	int64_t bytes;   /* of them */
	int64_t damaged; /* whose checksum does not match */
};

/*
 * Check the structure of the file and each value's checksum; what is wrong
 * with the structure goes to *found, a line each. 0 or ERR_*.
 */
int inspect_check(struct inspect *inspect, struct inspect_check *out,
    struct buf *found);

#endif
