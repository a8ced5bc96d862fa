/* SPDX-License-Identifier: MIT */

/*
 * Computations, counted in a server's log.
 *
 * FAILURE  A file that cannot be read is told to the caller. A last line
 *          without its end counts, too.
 */
#include "test/bench/computed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WORD "Computing value with"

int
computed_start(struct computed *computed, const char *text)
{
	const char *colon = strchr(text, ':');
	const char *word = colon != NULL ? colon + 1 : WORD;
	size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);
	struct stat status;

	memset(computed, 0, sizeof(*computed));
	if (len == 0 || len >= sizeof(computed->path) || *word == '\0' ||
	    strlen(word) >= sizeof(computed->word))
		return -EINVAL;
	memcpy(computed->path, text, len);
	memcpy(computed->word, word, strlen(word));
	if (stat(computed->path, &status) < 0)
		return -errno;
	computed->start = status.st_size;
	return 0;
}

long
computed_count(const struct computed *computed)
{
	FILE *file = fopen(computed->path, "re");
	char *line = NULL;
	size_t cap = 0;
	long count = 0;
	int rc = 0;

	if (file == NULL)
		return errno == ENOENT ? 0 : -errno;
	if (fseeko(file, computed->start, SEEK_SET) < 0)
		rc = -errno;
	while (rc == 0 && getline(&line, &cap, file) > 0)
		count += strstr(line, computed->word) != NULL;
	if (rc == 0 && ferror(file))
		rc = -EIO;
	free(line);
	(void)fclose(file);
	return rc < 0 ? rc : count;
}
