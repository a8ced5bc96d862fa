/* SPDX-License-Identifier: MIT */

/*
 * Watching by inotify. See watch.h.
 *
 * INVARIANT  The kernel gives one number per folder, however it is spelt, so
 *            a name is looked for under that number.
 * FAILURE    When events were lost, everything counts as changed.
 */
#include "server/dev/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "server/base/fd.h"

#define TREE_DEPTH_MAX 16
#define EVENTS                                                      \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | \
	    IN_CREATE | IN_ATTRIB | IN_EXCL_UNLINK | IN_ONLYDIR)

int
watch_open(struct watch *watch)
{
	*watch =
	    (struct watch){ .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK) };
	return watch->fd < 0 ? -errno : 0;
}

void
watch_close(struct watch *watch)
{
	size_t i;

	for (i = 0; i < watch->name_count; i++)
		free(watch->names[i].name);
	for (i = 0; i < watch->tree_count; i++)
		free(watch->trees[i].path);
	free(watch->names);
	free(watch->trees);
	fd_close(&watch->fd);
	*watch = (struct watch){ .fd = -1 };
}

/* The folder of `path`; its last part goes to *name. */
static int
watch_folder(struct watch *watch, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX] = ".";
	int wd;

	*name = slash != NULL ? slash + 1 : path;
	if (slash != NULL && snprintf(folder, sizeof(folder), "%.*s",
				 slash == path ? 1 : (int)(slash - path),
				 path) >= (int)sizeof(folder))
		return -ENAMETOOLONG;
	wd = inotify_add_watch(watch->fd, folder, EVENTS);
	return wd < 0 ? -errno : wd;
}

static bool
is_same_name(const char *one, const char *two)
{
	return one == NULL || two == NULL ? one == two : strcmp(one, two) == 0;
}

static int
add_name(struct watch *watch, int wd, const char *name, int meaning)
{
	struct watch_name *names = watch->names;
	char *copy;
	size_t i;

	for (i = 0; i < watch->name_count; i++) {
		if (names[i].wd == wd && is_same_name(names[i].name, name)) {
			names[i].meaning |= meaning;
			return 0;
		}
	}
	names = realloc(names, (watch->name_count + 1) * sizeof(*names));
	if (names == NULL)
		return -ENOMEM;
	watch->names = names;
	copy = name != NULL ? strdup(name) : NULL;
	if (name != NULL && copy == NULL)
		return -ENOMEM;
	names[watch->name_count++] = (struct watch_name){ wd, meaning, copy };
	return 0;
}

int
watch_file(struct watch *watch, const char *path, int meaning)
{
	const char *name;
	int wd = watch_folder(watch, path, &name);

	return wd < 0 ? wd : add_name(watch, wd, name, meaning);
}

int
watch_headers(struct watch *watch, const char *path)
{
	const char *name;
	int wd = watch_folder(watch, path, &name);

	return wd < 0 ? wd : add_name(watch, wd, NULL, WATCH_CODE);
}

static int
add_tree(struct watch *watch, int wd, const char *path)
{
	struct watch_tree *trees = watch->trees;
	char *copy;
	size_t i;

	for (i = 0; i < watch->tree_count; i++) {
		if (trees[i].wd == wd)
			return 0;
	}
	trees = realloc(trees, (watch->tree_count + 1) * sizeof(*trees));
	if (trees == NULL)
		return -ENOMEM;
	watch->trees = trees;
	copy = strdup(path);
	if (copy == NULL)
		return -ENOMEM;
	trees[watch->tree_count++] = (struct watch_tree){ wd, copy };
	return 0;
}

static int
walk(struct watch *watch, const char *path, int depth)
{
	struct dirent *entry;
	char below[PATH_MAX];
	DIR *dir;
	int rc;
	int wd;

	wd = inotify_add_watch(watch->fd, path, EVENTS);
	if (wd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	rc = add_tree(watch, wd, path);
	dir = rc == 0 && depth < TREE_DEPTH_MAX ? opendir(path) : NULL;
	while (rc == 0 && dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.' && entry->d_type == DT_DIR &&
		    snprintf(below, sizeof(below), "%s/%s", path,
			entry->d_name) < (int)sizeof(below))
			rc = walk(watch, below, depth + 1);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return rc;
}

int
watch_tree(struct watch *watch, const char *path)
{
	return walk(watch, path, 0);
}

static bool
is_header(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot != NULL && dot[1] == 'h' && name[0] != '.';
}

/* What an event means: a set of meanings. */
static int
meaning_of(struct watch *watch, const struct inotify_event *event)
{
	const char *name = event->len > 0 ? event->name : "";
	int meaning = 0;
	size_t i;

	if (event->mask & IN_Q_OVERFLOW)
		return WATCH_CODE | WATCH_REST;
	for (i = 0; i < watch->tree_count; i++) {
		if (watch->trees[i].wd != event->wd || name[0] == '.' ||
		    name[0] == '\0')
			continue;
		meaning |= WATCH_REST;
		if (event->mask & IN_ISDIR)
			(void)walk(watch, watch->trees[i].path, 0);
	}
	/* A new file's content is still to come. */
	if ((event->mask & IN_CREATE) && !(event->mask & IN_ISDIR))
		return meaning;
	for (i = 0; i < watch->name_count; i++) {
		const struct watch_name *one = &watch->names[i];

		if (one->wd == event->wd && name[0] != '\0' &&
		    (one->name != NULL ? strcmp(one->name, name) == 0
				       : is_header(name)))
			meaning |= one->meaning;
	}
	return meaning;
}

int
watch_read(struct watch *watch)
{
	_Alignas(struct inotify_event) char events[8192];
	const struct inotify_event *event;
	int meaning = 0;
	ssize_t got;
	ssize_t at;

	for (;;) {
		got = read(watch->fd, events, sizeof(events));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return meaning;
		for (at = 0; at < got;
		     at += (ssize_t)(sizeof(*event) + event->len)) {
			event = (const void *)(events + at);
			meaning |= meaning_of(watch, event);
		}
	}
}
