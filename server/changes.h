/* SPDX-License-Identifier: MIT */
#ifndef SERVER_CHANGES_H
#define SERVER_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Files that are looked at while the server runs, so that `reload` can begin
 * when one of them has changed: the app, the config file, what
 * reload_extra_files names.
 *
 * An item is a path, or a pattern as of glob(7); a folder stands for the files
 * right in it. Items may be missing: coming is a change, too.
 *
 * OWNERSHIP  Owns its descriptor and copies of the items.
 * THREADS    Master only. now_us: microseconds of the monotonic clock.
 */
struct changes_file;

struct changes {
	int fd; /* inotify; -1: nothing is watched, or by looking */
	char **items;
	size_t item_count;
	struct changes_file *files; /* as they were when last looked at */
	size_t file_count;
	bool asked_polling;
	bool polling;
	int64_t look_us;   /* when to look next; INT64_MAX: no need to */
	int64_t latest_us; /* however busy the folder is, then at the latest */
	char changed[256]; /* what changes_look() has found */
};

void changes_init(struct changes *changes);

/*
 * Watch these from now on, instead of what was watched so far. `polling`: by
 * looking once a second, for file systems that tell nothing; also what is
 * done when the kernel has no watch to spare, which is logged. The same items
 * once more change nothing, so that no change is missed meanwhile. 0 or
 * -ENOMEM, and then nothing is watched.
 */
int changes_open(struct changes *changes, const char *const *items,
    size_t count, bool polling);

void changes_close(struct changes *changes);

/* In a child: close the copy. */
void changes_forget(struct changes *changes);

/* To be called when `fd` can be read, and at changes_deadline(). */
int64_t changes_deadline(const struct changes *changes);

/*
 * The name of a file that is another one, or otherwise, than it was; once per
 * change, and only when its folder has been quiet for a moment, as compilers
 * and editors write in many steps. Else NULL.
 */
const char *changes_look(struct changes *changes, int64_t now_us);

#endif
