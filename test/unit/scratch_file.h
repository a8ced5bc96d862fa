/* SPDX-License-Identifier: MIT */
#ifndef TEST_SCRATCH_FILE_H
#define TEST_SCRATCH_FILE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A folder of the test's own, and the one file in it that the test is about,
 * with another name for that, as logs get. */
static char folder[64];
static char path[96];
static char moved[100];

static inline int
scratch_make(const char *name)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/pronghorn-unit.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	(void)snprintf(moved, sizeof(moved), "%s.1", path);
	return 0;
}

/* Fails when anything else was left there. */
static inline int
scratch_remove(void)
{
	(void)unlink(path);
	(void)unlink(moved);
	return rmdir(folder);
}

#endif
