/* SPDX-License-Identifier: MIT */

/*
 * Headers that the compiler has not found: they are not in its make rules, and
 * yet are what it waits for, as those of a generator that has not run. It
 * shows the line that names them, whatever language it speaks:
 *
 *   app.c:1:10: fatal error: gen/t.h: No such file or directory
 *       1 | #include "gen/t.h"
 *
 * Wherever it may have looked is watched. One name too many does no harm.
 *
 * THREADS  One.
 */
#include <stdio.h>
#include <string.h>

#include "server/dev/dev_int.h"

/* Watch `name` in the folder of the first `len` bytes. */
static void
watch_in(struct dev *dev, const char *folder, size_t len, const char *name,
    size_t name_len)
{
	const char *slash = len > 0 && folder[len - 1] != '/' ? "/" : "";
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%.*s%s%.*s", (int)len, folder, slash,
		(int)name_len, name) < (int)sizeof(path))
		(void)watch_file(&dev->watch, path, WATCH_CODE);
}

/* Beside the file that `line` begins with, FILE:LINE:COLUMN: ... */
static void
watch_beside(struct dev *dev, const char *line, const char *name, size_t len)
{
	size_t file = strcspn(line, ":\n");

	if (line[file] != ':')
		return;
	while (file > 0 && line[file - 1] != '/')
		file--;
	watch_in(dev, line, file, name, len);
}

/* In the folders that the command line names. */
static void
watch_in_places(struct dev *dev, const char *name, size_t len)
{
	char *const *words = dev->words.compiler;
	size_t count = dev->words.compiler_count;
	const char *folder;
	size_t i;

	for (i = 0; i < count; i++) {
		if (strncmp(words[i], "-I", 2) != 0)
			continue;
		folder = words[i] + 2;
		if (folder[0] == '\0' && i + 1 < count)
			folder = words[++i];
		watch_in(dev, folder, strlen(folder), name, len);
	}
}

void
dev_watch_missing(struct dev *dev)
{
	const char *line = buf_cstr(&dev->step.text);
	const char *before = line;
	const char *at;
	size_t len;

	if (line == NULL)
		return;
	for (; *line != '\0';
	     before = line, line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		at = memmem(line, len, "include", 7);
		if (at == NULL)
			continue;
		at += 7;
		at += strspn(at, " \t");
		if (*at != '"' && *at != '<')
			continue;
		at++;
		watch_beside(dev, before, at, strcspn(at, "\">\n"));
		watch_in_places(dev, at, strcspn(at, "\">\n"));
	}
}
