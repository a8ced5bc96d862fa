/* SPDX-License-Identifier: MIT */
#ifndef SERVER_DEV_WATCH_H
#define SERVER_DEV_WATCH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Files whose change means something, watched by inotify through their
 * folders, as editors replace files instead of writing to them; and so are
 * the folders on the way to them, which may be moved, swapped or removed. Of
 * a file and its folders none has to be there yet. Where the file or a folder
 * is a link, what it leads to is watched in the same way.
 *
 * OWNERSHIP  The struct owns the descriptor and the paths.
 * THREADS    Main thread.
 */

/* What a change means. */
enum {
	WATCH_CODE = 1, /* compile */
	WATCH_REST = 2, /* only load again: assets, settings */
	WATCH_NEW = 4   /* with WATCH_CODE: all of it, whatever was read
			   before; a file has come that may be read now */
};

struct watch_name {
	int wd; /* of its folder; negative: there is none now */
	int meaning;
	bool headers; /* and every header beside it */
	bool behind;  /* nobody asked for it: a link leads there */
	char *path;
};

/* A folder on the way to files. */
struct watch_way {
	int wd; /* of the one it is in; negative: there is none now */
	char *path;
};

struct watch_tree {
	int wd;
	char *path;
};

struct watch {
	int fd;
	struct watch_name *names;
	size_t name_count;
	struct watch_way *ways;
	size_t way_count;
	struct watch_tree *trees; /* folders all of whose files count */
	size_t tree_count;
	bool header_comes; /* one was created, and is not written yet */
};

/* 0 or -errno. */
int watch_open(struct watch *watch);
void watch_close(struct watch *watch);

/* Watch a file; one that is watched already only gets one more meaning. 0 or
 * -errno. */
int watch_file(struct watch *watch, const char *path, int meaning);

/* Watch a source, and all headers beside it, those to come, too, which mean
 * WATCH_NEW. */
int watch_source(struct watch *watch, const char *path);

/* Watch all files below a folder, of meaning WATCH_REST. That it is not
 * there is no error. 0 or -errno. */
int watch_tree(struct watch *watch, const char *path);

/* Take what has happened: a set of meanings. Does not wait. */
int watch_read(struct watch *watch);

#endif
