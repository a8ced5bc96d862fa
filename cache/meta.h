/* SPDX-License-Identifier: MIT */
#ifndef CACHE_META_H
#define CACHE_META_H

#include <stddef.h>
#include <stdint.h>

#include "cache/db.h"
#include "server/base/clock.h"

/*
 * The table `meta`: a few texts by their names (schema.h), among them the boot
 * that the file was used in and the clock of that boot. For prepare.c.
 * FAILURE  0 or ERR_*, written to the log by db.c.
 */

/* Read a row into `text`, "" when there is none. */
int meta_get(struct db *db, const char *name, char *text, size_t cap);

int meta_put(struct db *db, const char *name, const char *value);
/* A number; as it was when there is none. */
int meta_get_number(struct db *db, const char *name, int64_t *number);
int meta_put_number(struct db *db, const char *name, int64_t number);

/* The boot's id. Where the kernel does not tell, no two boots are the same. */
#define META_NO_BOOT_ID "unknown"
void meta_boot(char text[CLOCK_BOOT_ID_LEN + 1]);

/*
 * Decide the clock for this boot (now.h), before the boot is noted and in the
 * same transaction: what the file says if it was used in this boot already;
 * else as it is in this process, but not behind what is stored.
 */
int meta_set_clock(struct db *db, const char *boot);

/* This process goes by the clock of the file from now on. */
int meta_follow_clock(struct db *db);

#endif
