/* SPDX-License-Identifier: MIT */

/*
 * Watched files.
 *
 * Whether something has changed is told by comparing what stat() says of
 * every file with what it said before; inotify only says when it is worth
 * looking. So nothing depends on which events which way of writing a file
 * gives, and a lost event costs nothing but time. Folders are watched, not
 * files, since a file is often replaced by another one of the same name.
 *
 * INVARIANT  `files` is sorted by item and, within one, by name.
 * FAILURE    Without inotify, or without watches left, it looks once a second.
 * THREADS    Master only.
 */
#include "server/changes.h"

#include <errno.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"

#define QUIET_US INT64_C(250000)
#define LATEST_US INT64_C(2000000)
#define POLL_US INT64_C(1000000)
#define FILES_MAX 10000
#define EVENTS                                                     \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |  \
	    IN_MOVED_TO | IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | \
	    IN_MOVE_SELF | IN_ONLYDIR)

struct changes_file {
	char *path;
	uint64_t device;
	uint64_t inode;
	int64_t size;
	int64_t modified_ns;
	bool there;
};

struct list {
	struct changes_file *files;
	size_t count;
	size_t room;
	bool failed; /* no memory */
};

void
changes_init(struct changes *changes)
{
	*changes = (struct changes){ .fd = -1, .look_us = INT64_MAX };
}

static void
free_files(struct changes_file *files, size_t count)
{
	size_t i;

	for (i = 0; files != NULL && i < count; i++)
		free(files[i].path);
	free(files);
}

void
changes_close(struct changes *changes)
{
	size_t i;

	fd_close(&changes->fd);
	for (i = 0; i < changes->item_count; i++)
		free(changes->items[i]);
	free(changes->items);
	free_files(changes->files, changes->file_count);
	changes_init(changes);
}

void
changes_forget(struct changes *changes)
{
	fd_close(&changes->fd);
}

/* The kernel tells no more: look instead. */
static void
give_up_events(struct changes *changes, const char *path)
{
	if (changes->fd >= 0)
		log_warn(-errno, "changes.folder",
		    "path=%s note=\"looking once a second instead\"", path);
	fd_close(&changes->fd);
	changes->polling = true;
}

/* Hear of changes in the folder that holds `path`, if it is there. */
static void
listen_to_folder(struct changes *changes, const char *path)
{
	char copy[PATH_MAX];

	if (changes->fd < 0 || strlen(path) >= sizeof(copy))
		return;
	(void)snprintf(copy, sizeof(copy), "%s", path);
	path = dirname(copy);
	if (inotify_add_watch(changes->fd, path, EVENTS) < 0 &&
	    errno != ENOENT && errno != ENOTDIR && errno != EACCES)
		give_up_events(changes, path);
}

/* Also where a link leads to. */
static void
listen_to_target(struct changes *changes, const char *path)
{
	char *target = realpath(path, NULL);

	if (target != NULL)
		listen_to_folder(changes, target);
	free(target);
}

static void
add_file(struct list *list, const char *path, const struct stat *st)
{
	struct changes_file *more;
	size_t room;

	if (list->count >= FILES_MAX || list->failed)
		return;
	if (list->count == list->room) {
		room = list->room * 2 + 16;
		more = realloc(list->files, room * sizeof(*more));
		list->failed = more == NULL;
		if (more == NULL)
			return;
		list->files = more;
		list->room = room;
	}
	more = &list->files[list->count];
	*more = (struct changes_file){ .path = strdup(path) };
	list->failed = more->path == NULL;
	if (st != NULL) {
		more->there = true;
		more->device = (uint64_t)st->st_dev;
		more->inode = (uint64_t)st->st_ino;
		more->size = (int64_t)st->st_size;
		more->modified_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 +
				    st->st_mtim.tv_nsec;
	}
	if (!list->failed)
		list->count++;
}

/* Every file that a pattern finds; folders in them only when `deeper`. */
static void
add_matches(struct changes *changes, struct list *list, const char *pattern,
    bool deeper)
{
	char inside[PATH_MAX];
	struct stat st;
	glob_t found;
	size_t i;

	listen_to_folder(changes, pattern);
	if (glob(pattern, 0, NULL, &found) != 0) {
		globfree(&found);
		add_file(list, pattern, NULL);
		return;
	}
	for (i = 0; i < found.gl_pathc; i++) {
		listen_to_folder(changes, found.gl_pathv[i]);
		listen_to_target(changes, found.gl_pathv[i]);
		if (stat(found.gl_pathv[i], &st) < 0)
			add_file(list, found.gl_pathv[i], NULL);
		else if (!S_ISDIR(st.st_mode))
			add_file(list, found.gl_pathv[i], &st);
		else if (deeper && snprintf(inside, sizeof(inside), "%s/*",
				       found.gl_pathv[i]) < (int)sizeof(inside))
			add_matches(changes, list, inside, false);
	}
	globfree(&found);
}

static void
list_all(struct changes *changes, struct list *list)
{
	size_t i;

	*list = (struct list){ .files = NULL };
	for (i = 0; i < changes->item_count; i++)
		add_matches(changes, list, changes->items[i], true);
}

static bool
is_same(const struct changes_file *a, const struct changes_file *b)
{
	return strcmp(a->path, b->path) == 0 && a->there == b->there &&
	       a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && a->modified_ns == b->modified_ns;
}

/* Look at all of them. True, and `changed`, when anything is not as it was. */
static bool
compare(struct changes *changes)
{
	const struct changes_file *differs = NULL;
	struct list now;
	size_t i;

	list_all(changes, &now);
	if (now.failed) {
		free_files(now.files, now.count);
		return false;
	}
	for (i = 0; i < now.count || i < changes->file_count; i++) {
		if (i >= now.count)
			differs = &changes->files[i];
		else if (i >= changes->file_count ||
			 !is_same(&now.files[i], &changes->files[i]))
			differs = &now.files[i];
		if (differs != NULL)
			break;
	}
	if (differs != NULL)
		(void)snprintf(changes->changed, sizeof(changes->changed), "%s",
		    differs->path);
	free_files(changes->files, changes->file_count);
	changes->files = now.files;
	changes->file_count = now.count;
	return differs != NULL;
}

static bool
is_watching(const struct changes *changes, const char *const *items,
    size_t count, bool polling)
{
	size_t i;

	if (changes->items == NULL || changes->item_count != count ||
	    changes->asked_polling != polling)
		return false;
	for (i = 0; i < count; i++) {
		if (strcmp(changes->items[i], items[i]) != 0)
			return false;
	}
	return true;
}

int
changes_open(struct changes *changes, const char *const *items, size_t count,
    bool polling)
{
	size_t i;

	if (is_watching(changes, items, count, polling))
		return 0;
	changes_close(changes);
	changes->items = calloc(count, sizeof(*changes->items));
	if (changes->items == NULL && count > 0)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		changes->items[i] = strdup(items[i]);
		if (changes->items[i] == NULL) {
			changes_close(changes);
			return -ENOMEM;
		}
		changes->item_count++;
	}
	changes->asked_polling = polling;
	changes->polling = polling;
	if (!polling) {
		changes->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		if (changes->fd < 0) {
			log_warn(-errno, "changes.open",
			    "note=\"looking once a second instead\"");
			changes->polling = true;
		}
	}
	(void)compare(changes);
	if (changes->polling)
		changes->look_us = clock_mono_us() + POLL_US;
	return 0;
}

int64_t
changes_deadline(const struct changes *changes)
{
	return changes->look_us;
}

/* Take what has been told; which file it was about comparing will show. */
static bool
take_events(struct changes *changes)
{
	_Alignas(struct inotify_event) char bytes[4096];
	bool told = false;

	while (changes->fd >= 0 && read(changes->fd, bytes, sizeof(bytes)) > 0)
		told = true;
	return told;
}

const char *
changes_look(struct changes *changes, int64_t now_us)
{
	bool differs;

	if (take_events(changes)) {
		if (changes->look_us == INT64_MAX)
			changes->latest_us = now_us + LATEST_US;
		changes->look_us = now_us + QUIET_US < changes->latest_us
				       ? now_us + QUIET_US
				       : changes->latest_us;
	}
	if (now_us < changes->look_us)
		return NULL;
	differs = compare(changes);
	changes->look_us = changes->polling ? now_us + POLL_US : INT64_MAX;
	return differs ? changes->changed : NULL;
}
