/* SPDX-License-Identifier: MIT */

/*
 * An app of several sources: only those that have changed are compiled, one
 * after the other, and then all objects are linked.
 *
 * INVARIANT  An object that counts as made was made of what its source and all
 *            headers of it were at `read_at`, and those have not changed since.
 *            That time is of the clock that files have theirs from.
 * THREADS    One.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/base/fd.h"
#include "server/dev/dev_int.h"

#define RULES_MAX ((size_t)1024 * 1024)

bool
dev_part_path(const struct dev *dev, size_t which, const char *ending,
    char path[PATH_MAX])
{
	char name[48];

	(void)snprintf(name, sizeof(name), "part-%zu.%s", which, ending);
	return dev_path(dev, name, path);
}

bool
dev_is_newer(const char *path, const struct timespec *than)
{
	struct stat file;

	return stat(path, &file) < 0 || file.st_mtim.tv_sec > than->tv_sec ||
	       (file.st_mtim.tv_sec == than->tv_sec &&
		   file.st_mtim.tv_nsec >= than->tv_nsec);
}

bool
dev_rules_newer(const char *path, const struct timespec *than)
{
	char *rules = NULL;
	char *word;
	char *at;
	size_t len;
	bool newer = false;

	if (fd_read_file(path, RULES_MAX, &rules, &len) < 0)
		return true;
	for (at = rules; !newer && (word = dev_next_word(&at)) != NULL;) {
		len = strlen(word);
		if (len > 0 && word[len - 1] != ':')
			newer = dev_is_newer(word, than);
	}
	free(rules);
	return newer;
}

static bool
is_current(const struct dev *dev, size_t which)
{
	const struct dev_part *part = &dev->parts[which];
	char path[PATH_MAX];

	return part->made && dev_part_path(dev, which, "rules", path) &&
	       !dev_rules_newer(path, &part->read_at);
}

/* Compile the next one that is out of date, or link. */
static int
go_on(struct dev *dev)
{
	struct dev_part *part;

	while (
	    dev->part < dev->words.source_count && is_current(dev, dev->part))
		dev->part++;
	if (dev->part == dev->words.source_count)
		return dev_link_parts(dev);
	part = &dev->parts[dev->part];
	part->made = false;
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &part->read_at);
	return dev_compile_part(dev, dev->part);
}

int
dev_compile(struct dev *dev)
{
	size_t count = dev->words.source_count;

	dev_link_beside(dev);
	dev->number++;
	if (count == 1)
		return dev_compile_whole(dev);
	if (dev->parts == NULL)
		dev->parts = calloc(count, sizeof(*dev->parts));
	if (dev->parts == NULL)
		return -ENOMEM;
	dev->part = 0;
	return go_on(dev);
}

bool
dev_compile_more(struct dev *dev, int *rc)
{
	if (dev->parts == NULL || dev->part == dev->words.source_count)
		return false;
	dev->parts[dev->part++].made = true;
	*rc = go_on(dev);
	return true;
}
