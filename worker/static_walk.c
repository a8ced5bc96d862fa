/* SPDX-License-Identifier: MIT */

/*
 * What of the assets folder the page loads: style sheets, scripts and an
 * icon, collected once, folder by folder in sorted order as Dash does it.
 *
 * THREADS  The thread that opens the site.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"
#include "server/base/fd.h"
#include "worker/http_class.h"
#include "worker/static_int.h"

#define DEPTH_MAX 16
#define ITEMS_MAX 4096

static bool
ends_with(const char *text, const char *ending)
{
	size_t len = strlen(text);
	size_t tail = strlen(ending);

	return len > tail && strcmp(text + len - tail, ending) == 0;
}

static bool
is_loaded(const char *path)
{
	return ends_with(path, ".css") || ends_with(path, ".js") ||
	       ends_with(path, ".mjs") || strcmp(path, "favicon.ico") == 0;
}

/* A file that is written in two steps, as one that is made first and filled
 * then, has the size of each, and mostly a time of each. */
uint64_t
static_version(const struct stat *st)
{
	return ((uint64_t)st->st_mtim.tv_sec * 1000000000 +
		   (uint64_t)st->st_mtim.tv_nsec) *
		   31 +
	       (uint64_t)st->st_size;
}

static int
add_item(struct static_folder *folder, const char *path, const struct stat *st)
{
	struct static_item *items;

	if (folder->item_count >= ITEMS_MAX)
		return ERR_TOO_BIG;
	items =
	    realloc(folder->items, (folder->item_count + 1) * sizeof(*items));
	if (items == NULL)
		return -ENOMEM;
	folder->items = items;
	items[folder->item_count].path = strdup(path);
	items[folder->item_count].version = static_version(st);
	if (items[folder->item_count].path == NULL)
		return -ENOMEM;
	folder->item_count++;
	return 0;
}

static int walk(struct static_folder *folder, const char *path, int depth);

static int
look_at(struct static_folder *folder, const char *dir, const char *name,
    int dir_fd, int depth)
{
	char path[PATH_MAX];
	struct stat st;
	int len;

	len = snprintf(path, sizeof(path), "%s%s%s", dir,
	    dir[0] != '\0' ? "/" : "", name);
	if (len < 0 || len >= PATH_MAX ||
	    fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0; /* gone meanwhile */
	if (S_ISDIR(st.st_mode))
		return depth < DEPTH_MAX ? walk(folder, path, depth + 1) : 0;
	if (S_ISREG(st.st_mode) && is_loaded(path))
		return add_item(folder, path, &st);
	return 0;
}

static int
walk(struct static_folder *folder, const char *path, int depth)
{
	struct dirent *entry;
	int rc = 0;
	DIR *dir;
	int fd;

	fd = static_open_file(folder, path[0] != '\0' ? path : ".",
	    O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return 0; /* not readable: nothing of it is loaded */
	dir = fdopendir(fd);
	if (dir == NULL) {
		fd_close(&fd);
		return -ENOMEM;
	}
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			rc = look_at(folder, path, entry->d_name, fd, depth);
	}
	(void)closedir(dir);
	return rc;
}

/* By folder, then by name. */
static int
compare_items(const void *a, const void *b)
{
	const char *one = ((const struct static_item *)a)->path;
	const char *two = ((const struct static_item *)b)->path;
	const char *slash = strrchr(one, '/');
	const char *slash2 = strrchr(two, '/');
	size_t len = slash != NULL ? (size_t)(slash - one) : 0;
	size_t len2 = slash2 != NULL ? (size_t)(slash2 - two) : 0;
	int order = strncmp(one, two, len < len2 ? len : len2);

	if (order != 0)
		return order;
	if (len != len2)
		return len < len2 ? -1 : 1;
	return strcmp(one + len, two + len2);
}

int
static_walk(struct static_folder *folder)
{
	int rc = walk(folder, "", 0);

	if (folder->item_count > 1)
		qsort(folder->items, folder->item_count, sizeof(*folder->items),
		    compare_items);
	return rc;
}

/* The URL, with all bytes encoded that are not plain in any context. */
static void
put_url(const struct static_item *item, const char *prefix, struct buf *out)
{
	const char *p;

	(void)buf_printf(out, "%sassets/", prefix);
	for (p = item->path; *p != '\0'; p++) {
		if (*p == '/' || strchr("-._~", *p) != NULL ||
		    (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
		    (*p >= 'A' && *p <= 'Z'))
			(void)buf_putc(out, *p);
		else
			(void)buf_printf(out, "%%%02X", (unsigned char)*p);
	}
	(void)buf_printf(out, "?m=%llu", (unsigned long long)item->version);
}

void
static_put_css(const struct static_folder *folder, const char *prefix,
    struct buf *out)
{
	size_t i;

	for (i = 0; folder != NULL && i < folder->item_count; i++) {
		if (!ends_with(folder->items[i].path, ".css"))
			continue;
		(void)buf_putl(out, "\n    <link rel=\"stylesheet\" href=\"");
		put_url(&folder->items[i], prefix, out);
		(void)buf_putl(out, "\">");
	}
}

void
static_put_scripts(const struct static_folder *folder, const char *prefix,
    struct buf *out)
{
	const char *path;
	size_t i;

	for (i = 0; folder != NULL && i < folder->item_count; i++) {
		path = folder->items[i].path;
		if (!ends_with(path, ".js") && !ends_with(path, ".mjs"))
			continue;
		(void)buf_putl(out, "<script src=\"");
		put_url(&folder->items[i], prefix, out);
		(void)buf_puts(out,
		    ends_with(path, ".mjs") ? "\" type=\"module\"" : "\"");
		(void)buf_putl(out, "></script>\n      ");
	}
}

int
static_put_favicon(const struct static_folder *folder, const char *prefix,
    struct buf *out)
{
	size_t i;

	for (i = 0; folder != NULL && i < folder->item_count; i++) {
		if (strcmp(folder->items[i].path, "favicon.ico") == 0) {
			put_url(&folder->items[i], prefix, out);
			return 0;
		}
	}
	return -ENOENT;
}

void
static_put_opened(const struct static_folder *folder, struct buf *out)
{
	size_t i;

	for (i = 0; folder != NULL && i < folder->item_count; i++)
		(void)buf_printf(out, "%s %llu\n", folder->items[i].path,
		    (unsigned long long)folder->items[i].version);
}

void
static_put_state(const struct static_folder *folder, struct buf *out)
{
	struct static_folder now;
	size_t i;

	if (folder == NULL)
		return;
	memset(&now, 0, sizeof(now));
	now.fd = folder->fd;
	(void)static_walk(&now);
	static_put_opened(&now, out);
	for (i = 0; i < now.item_count; i++)
		free(now.items[i].path);
	free(now.items);
}
