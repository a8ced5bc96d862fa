/* SPDX-License-Identifier: MIT */
#ifndef CACHE_PIN_H
#define CACHE_PIN_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Who keeps the log from being copied. A reader does, of this server or not,
 * as long as its transaction is open: what was written since it began stays
 * in the log.
 *
 * THREADS  Keeper only.
 */
struct pin {
	int64_t
	    from_ms; /* clock_boot_ms of the first copy it hindered; 0: none */
	int64_t frames; /* pages it keeps in the log */
	pid_t pid;      /* whose it is; 0: not known */
};

/* A copy went as far as it could and left so many pages; 0: none. */
void pin_note(struct pin *pin, const char *dir, int64_t frames, int64_t now_ms);

/* For how long it has been hindered, ms. */
int64_t pin_ms(const struct pin *pin, int64_t now_ms);

/*
 * A process that has a read of the database in that folder open at this
 * moment, our own not counted. 0: none, or it cannot be told.
 */
pid_t pin_find_reader(const char *dir);

#endif
