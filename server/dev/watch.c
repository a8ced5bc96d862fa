/* SPDX-License-Identifier: MIT */

/*
 * Watching by inotify. See watch.h.
 *
 * INVARIANT  A number is the kernel's for a folder, not for its path. When
 *            another folder may be at a path on the way to a file, all numbers
 *            are asked for anew before that file counts as changed: what
 *            happens to it after it was read is seen. When a link may lead
 *            elsewhere, so are the names that it leads to.
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
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/fd.h"

#define TREE_DEPTH_MAX 16
#define LINKS_MAX 40 /* on the way to a file; the kernel's own bound */
#define EVENTS                                                      \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | \
	    IN_CREATE | IN_ATTRIB | IN_EXCL_UNLINK | IN_ONLYDIR | IN_MASK_ADD)

/* Of a folder in which only a folder matters: no word of each write there. */
#define WAY_EVENTS                                             \
	(IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | \
	    IN_EXCL_UNLINK | IN_ONLYDIR | IN_MASK_ADD)

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
		free(watch->names[i].path);
	for (i = 0; i < watch->way_count; i++)
		free(watch->ways[i].path);
	for (i = 0; i < watch->tree_count; i++)
		free(watch->trees[i].path);
	free(watch->names);
	free(watch->ways);
	free(watch->trees);
	fd_close(&watch->fd);
	*watch = (struct watch){ .fd = -1 };
}

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Watch the folder that `path` is in: its number or -errno. */
static int
watch_folder(struct watch *watch, const char *path, uint32_t events)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX] = ".";
	int wd;

	if (slash != NULL && snprintf(folder, sizeof(folder), "%.*s",
				 slash == path ? 1 : (int)(slash - path),
				 path) >= (int)sizeof(folder))
		return -ENAMETOOLONG;
	wd = inotify_add_watch(watch->fd, folder, events);
	return wd < 0 ? -errno : wd;
}

/* One that may not be read, as /home of others, is left alone. */
static int
add_way(struct watch *watch, const char *path, size_t len)
{
	struct watch_way *ways = watch->ways;
	char *copy;
	size_t i;

	for (i = 0; i < watch->way_count; i++) {
		if (strncmp(ways[i].path, path, len) == 0 &&
		    ways[i].path[len] == '\0')
			return 0;
	}
	ways = realloc(ways, (watch->way_count + 1) * sizeof(*ways));
	if (ways == NULL)
		return -ENOMEM;
	watch->ways = ways;
	copy = strndup(path, len);
	if (copy == NULL)
		return -ENOMEM;
	ways[watch->way_count++] =
	    (struct watch_way){ .wd = watch_folder(watch, copy, WAY_EVENTS),
		    .path = copy };
	return 0;
}

/* All folders that `path` goes through, from the outermost on. */
static int
add_ways(struct watch *watch, const char *path)
{
	const char *slash = strchr(path, '/');
	int rc = 0;

	for (; rc == 0 && slash != NULL; slash = strchr(slash + 1, '/')) {
		if (slash != path && slash[-1] != '/')
			rc = add_way(watch, path, (size_t)(slash - path));
	}
	return rc;
}

/* Watch a file, or set right what is known of it. */
static int
add_name(struct watch *watch, const struct watch_name *name)
{
	struct watch_name *names = watch->names;
	char *copy;
	size_t i;
	int rc;
	int wd;

	for (i = 0; i < watch->name_count; i++) {
		if (strcmp(names[i].path, name->path) == 0) {
			names[i].meaning |= name->meaning;
			names[i].headers |= name->headers;
			names[i].behind &= name->behind;
			return 0;
		}
	}
	rc = add_ways(watch, name->path);
	if (rc < 0)
		return rc;
	/* That it is not there is no error, as the way to it is watched. */
	wd = watch_folder(watch, name->path, EVENTS);
	if (wd < 0 && wd != -ENOENT && wd != -ENOTDIR && wd != -ELOOP)
		return wd;
	names = realloc(names, (watch->name_count + 1) * sizeof(*names));
	if (names == NULL)
		return -ENOMEM;
	watch->names = names;
	copy = strdup(name->path);
	if (copy == NULL)
		return -ENOMEM;
	names[watch->name_count] = *name;
	names[watch->name_count].wd = wd;
	names[watch->name_count++].path = copy;
	return 0;
}

/*
 * Put what the first link in `path` leads to in its place:
 *
 *   inc/sub/t.h, sub -> ../real: inc/../real/t.h
 *
 * False: there is no link in it.
 */
static bool
replace_link(char path[PATH_MAX])
{
	char target[PATH_MAX];
	char whole[PATH_MAX];
	char *end = path;
	char *part;
	ssize_t len = -1;
	char kept;

	while (len < 0) {
		part = end + strspn(end, "/");
		if (*part == '\0')
			return false;
		end = part + strcspn(part, "/");
		kept = *end;
		*end = '\0';
		len = readlink(path, target, sizeof(target) - 1);
		*end = kept;
	}
	target[len] = '\0';
	if (target[0] == '/')
		part = path;
	if (snprintf(whole, sizeof(whole), "%.*s%s%s", (int)(part - path), path,
		target, end) >= (int)sizeof(whole))
		return false;
	(void)strcpy(path, whole);
	return true;
}

/* Watch what the links on the way to a file lead to, one after the other. */
static int
follow_links(struct watch *watch, const char *from, int meaning)
{
	char path[PATH_MAX];
	const struct watch_name name = { .meaning = meaning,
		.behind = true,
		.path = path };
	int links;
	int rc = 0;

	if (snprintf(path, sizeof(path), "%s", from) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	for (links = 0; rc == 0 && links < LINKS_MAX && replace_link(path);
	     links++)
		rc = add_name(watch, &name);
	return rc;
}

static int
add_file(struct watch *watch, const char *path, int meaning, bool headers)
{
	char copy[PATH_MAX];
	const struct watch_name name = { .meaning = meaning,
		.headers = headers,
		.path = copy };
	int rc;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return -ENAMETOOLONG;
	rc = add_name(watch, &name);
	return rc == 0 ? follow_links(watch, path, meaning) : rc;
}

int
watch_file(struct watch *watch, const char *path, int meaning)
{
	return add_file(watch, path, meaning, false);
}

int
watch_source(struct watch *watch, const char *path)
{
	return add_file(watch, path, WATCH_CODE, true);
}

/* Links may lead elsewhere: only what they lead to now is watched. */
static void
follow_again(struct watch *watch)
{
	struct watch_name *names = watch->names;
	size_t kept = 0;
	size_t i;

	for (i = 0; i < watch->name_count; i++) {
		struct watch_name one = names[i];

		if (one.behind)
			continue;
		names[i] = names[kept];
		names[kept++] = one;
	}
	while (watch->name_count > kept)
		free(names[--watch->name_count].path);
	for (i = 0; i < kept; i++) /* they may move as others are added */
		(void)follow_links(watch, watch->names[i].path,
		    watch->names[i].meaning);
}

/* Folders may have come, gone and changed places. */
static void
look_again(struct watch *watch)
{
	struct watch_way *way;
	struct watch_name *name;

	follow_again(watch);
	for (way = watch->ways; way < watch->ways + watch->way_count; way++)
		way->wd = watch_folder(watch, way->path, WAY_EVENTS);
	for (name = watch->names; name < watch->names + watch->name_count;
	     name++)
		name->wd = watch_folder(watch, name->path, EVENTS);
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

/* Neither what an editor keeps beside one, t.h~, nor a page, t.html. */
static bool
is_header(const char *name)
{
	static const char *const ends[] = { "h", "hh", "hpp", "hxx", "h++" };
	const char *dot = strrchr(name, '.');
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (dot != NULL && name[0] != '.' &&
		    strcmp(dot + 1, ends[i]) == 0)
			return true;
	return false;
}

/* What is in trees. */
static int
meaning_in_trees(struct watch *watch, const struct inotify_event *event,
    const char *name)
{
	int meaning = 0;
	size_t i;

	for (i = 0; i < watch->tree_count; i++) {
		if (watch->trees[i].wd != event->wd || name[0] == '.' ||
		    name[0] == '\0')
			continue;
		meaning |= WATCH_REST;
		if (event->mask & IN_ISDIR)
			(void)walk(watch, watch->trees[i].path, 0);
	}
	return meaning;
}

/* What the files behind the folder `path` mean. */
static int
meaning_behind(const struct watch *watch, const char *path)
{
	size_t len = strlen(path);
	int meaning = 0;
	size_t i;

	for (i = 0; i < watch->name_count; i++) {
		if (strncmp(watch->names[i].path, path, len) == 0 &&
		    watch->names[i].path[len] == '/')
			meaning |= watch->names[i].meaning;
	}
	return meaning;
}

/* A folder on the way to files has come or gone. */
static int
meaning_on_ways(struct watch *watch, const struct inotify_event *event,
    const char *name)
{
	int meaning = 0;
	size_t i;

	if (!(event->mask & (IN_CREATE | IN_DELETE | IN_MOVE)))
		return 0;
	for (i = 0; i < watch->way_count; i++) {
		const struct watch_way *way = &watch->ways[i];

		if (way->wd == event->wd &&
		    strcmp(last_part(way->path), name) == 0)
			meaning |= meaning_behind(watch, way->path);
	}
	if (meaning != 0)
		look_again(watch);
	return meaning;
}

/* A new file's content is still to come, unless it has a name already. */
static bool
is_empty_yet(const struct watch_name *name)
{
	struct stat file;

	return lstat(name->path, &file) < 0 ||
	       (S_ISREG(file.st_mode) && file.st_nlink == 1);
}

/* A file that we know has changed. */
static int
meaning_of_names(struct watch *watch, const struct inotify_event *event,
    const char *name)
{
	bool known = false;
	bool beside = false;
	bool created = (event->mask & IN_CREATE) && !(event->mask & IN_ISDIR);
	int meaning = 0;
	size_t i;

	for (i = 0; i < watch->name_count; i++) {
		const struct watch_name *one = &watch->names[i];
		bool same = strcmp(last_part(one->path), name) == 0;

		if (one->wd != event->wd || name[0] == '\0')
			continue;
		known |= same;
		if (created && (!same || is_empty_yet(one)))
			continue;
		if (same || (one->headers && is_header(name)))
			meaning |= one->meaning;
		beside |= one->headers && is_header(name);
	}
	/* What is created is written next. */
	if (created && !known && is_header(name))
		watch->header_comes = true;
	if (beside && !known &&
	    (watch->header_comes || (event->mask & IN_MOVED_TO))) {
		watch->header_comes = false;
		meaning |= WATCH_NEW;
	}
	/* It may be, or have been, a link. */
	if (meaning != 0 && (event->mask & (IN_CREATE | IN_DELETE | IN_MOVE)))
		follow_again(watch);
	return meaning;
}

/* What an event means: a set of meanings. */
static int
meaning_of(struct watch *watch, const struct inotify_event *event)
{
	const char *name = event->len > 0 ? event->name : "";
	int meaning;

	if (event->mask & IN_Q_OVERFLOW) {
		look_again(watch);
		return WATCH_CODE | WATCH_NEW | WATCH_REST;
	}
	meaning = meaning_in_trees(watch, event, name);
	meaning |= meaning_on_ways(watch, event, name);
	return meaning | meaning_of_names(watch, event, name);
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
