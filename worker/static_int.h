/* SPDX-License-Identifier: MIT */
#ifndef WORKER_STATIC_INT_H
#define WORKER_STATIC_INT_H

#include <sys/stat.h>

#include "worker/static.h"
#include "worker/static_pack.h"

/* Between the two files of the assets folder: serving, and the tags. */

#define STATIC_SLOTS 64
#define STATIC_CACHED_MAX ((size_t)128 * 1024)

/* How a file's bytes are sent. */
enum static_form {
	STATIC_FORM_PLAIN,
	STATIC_FORM_GZIP,
	STATIC_FORM_BR,
	STATIC_FORM_COUNT
};

struct static_type; /* by the ending of a name */

/* A small file as it was a moment ago. */
struct static_entry {
	char *path; /* NULL: the slot is free */
	int64_t looked_us;
	struct stat st;
	struct blob *plain;
	struct blob *gzip; /* NULL: does not shrink */
	struct blob *br;
	const struct static_type *type;
	struct static_texts texts[STATIC_FORM_COUNT]; /* made once */
};

/* A file that the page loads. */
struct static_item {
	char *path;       /* below the folder */
	uint64_t version; /* another after each change */
};

struct static_folder {
	int fd;
	struct static_pack *pack;  /* forms of large files; NULL: not begun */
	struct static_item *items; /* in the order of their tags */
	size_t item_count;
	struct static_entry slots[STATIC_SLOTS];
};

/* Read a whole file into a blob. NULL: it cannot be read, or was cut. */
struct blob *static_read_blob(int fd, size_t len);

/* A number that is another one after each change of a file, but for those that
 * follow on each other within a tick of the file system's clock. */
uint64_t static_version(const struct stat *st);

/* Collect the items of a folder just opened. 0 or negative. */
int static_walk(struct static_folder *folder);

/* Open a path beneath the folder: a descriptor, or -errno. */
int static_open_file(const struct static_folder *folder, const char *path,
    int flags);

#endif
