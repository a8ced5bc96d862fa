/* SPDX-License-Identifier: MIT */

/*
 * An app of several sources: only those that have changed are compiled, one
 * after the other, and then all objects are linked. One that does not compile
 * does not keep the others from being tried: all errors are told.
 *
 * INVARIANT  An object that is linked was made of what its source and all
 *            headers of it are now.
 * THREADS    One.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/dev/dev_int.h"

bool
dev_part_path(const struct dev *dev, size_t which, const char *ending,
    char path[PATH_MAX])
{
	char name[48];

	(void)snprintf(name, sizeof(name), "part-%zu.%s", which, ending);
	return dev_path(dev, name, path);
}

static bool
is_current(const struct dev *dev, size_t which)
{
	char rules[PATH_MAX];

	return dev_part_path(dev, which, "rules", rules) &&
	       dev_inputs_same(&dev->parts[which], rules, dev->folder);
}

/* Compile the next one that is out of date, or link; false: neither. */
static bool
go_on(struct dev *dev, int *rc)
{
	while (
	    dev->part < dev->words.source_count && is_current(dev, dev->part))
		dev->part++;
	if (dev->part < dev->words.source_count) {
		dev_inputs_begin(&dev->parts[dev->part]);
		*rc = dev_compile_part(dev, dev->part);
	} else if (!dev->failed) {
		*rc = dev_link_parts(dev);
	} else {
		return false;
	}
	return true;
}

/* What was read may not be what would be read now. */
static void
forget_inputs(struct dev *dev)
{
	size_t i;

	for (i = 0; dev->parts != NULL && i < dev->words.source_count; i++)
		dev->parts[i].print = 0;
	dev->ahead_made = false;
}

int
dev_compile(struct dev *dev)
{
	size_t count = dev->words.source_count;
	int rc = 0;

	if (dev->number == 0) /* what is saved from now on counts */
		dev_watch_sources(dev);
	buf_clear(&dev->errors);
	dev->failed = false;
	if (dev->changed & WATCH_NEW)
		forget_inputs(dev);
	dev->changed &= ~WATCH_NEW;
	dev_link_beside(dev);
	dev->number++;
	if (count == 1)
		return dev_compile_whole(dev);
	if (dev->parts == NULL)
		dev->parts = calloc(count, sizeof(*dev->parts));
	if (dev->parts == NULL)
		return -ENOMEM;
	dev->part = 0;
	(void)go_on(dev, &rc);
	return rc;
}

char *
dev_compile_failed(struct dev *dev)
{
	const struct buf *text = &dev->step.text;

	dev->failed = true;
	if (text->len > 0)
		(void)buf_put(&dev->errors, text->data, text->len);
	else
		(void)buf_puts(&dev->errors, "the compiler failed\n");
	return dev->errors.len > 0 ? strndup(dev->errors.data, dev->errors.len)
				   : NULL;
}

bool
dev_compile_more(struct dev *dev, bool good, int *rc)
{
	char rules[PATH_MAX];

	if (dev->parts == NULL || dev->part == dev->words.source_count)
		return false;
	if (good && dev_part_path(dev, dev->part, "rules", rules))
		dev_inputs_end(&dev->parts[dev->part], rules, dev->folder);
	dev->part++;
	return go_on(dev, rc);
}
