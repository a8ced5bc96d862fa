/* SPDX-License-Identifier: MIT */

/*
 * Why the app was not loaded, in its author's words: the server knows it as
 * app.so in our folder, the author as a source. The place of a crash stands
 * in the stack; as the page shows the first line above all, it is put there.
 *
 * THREADS  Any.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/buf.h"
#include "server/dev/dev_int.h"

/* The length of the name of an .so of ours at `path`; 0: it is none. */
static size_t
own_so(const struct dev *dev, const char *path)
{
	size_t len = strlen(dev->folder);
	const char *name = path + len + 1;
	size_t digits;

	if (len == 0 || strncmp(path, dev->folder, len) != 0 ||
	    path[len] != '/' || strncmp(name, "app", 3) != 0)
		return 0;
	name += 3;
	digits = name[0] == '-' ? strspn(name + 1, "0123456789") : 0;
	if (digits > 0)
		name += 1 + digits;
	return strncmp(name, ".so", 3) == 0 ? (size_t)(name + 3 - path) : 0;
}

/* " at FILE:LINE" of the first line of the stack below `line` that knows it;
 * NULL: none does. */
static const char *
place_below(const char *line, size_t *len)
{
	const char *at = NULL;
	size_t rest;

	while (at == NULL && (line = strchr(line, '\n')) != NULL) {
		line++;
		*len = strcspn(line, "\n");
		at = memmem(line, *len, " at ", 4);
		if (at == NULL)
			continue;
		*len -= (size_t)(at - line);
		rest = *len;
		while (rest > 0 && strchr("0123456789", at[rest - 1]) != NULL)
			rest--;
		if (rest == *len || at[rest - 1] != ':')
			at = NULL;
	}
	return at;
}

char *
dev_error_text(const struct dev *dev, const char *error)
{
	struct buf text = BUF_EMPTY;
	const char *place;
	const char *at;
	size_t first = strcspn(error, "\n");
	size_t place_len;
	size_t len;

	for (at = error; *at != '\0';) {
		len = own_so(dev, at);
		if (len > 0) {
			(void)buf_puts(&text, dev->words.sources[0]);
			at += len;
			continue;
		}
		if (at == error + first && strstr(error, " crashed ") != NULL &&
		    (place = place_below(at, &place_len)) != NULL)
			(void)buf_put(&text, place, place_len);
		(void)buf_putc(&text, *at++);
	}
	if (buf_cstr(&text) == NULL) {
		buf_free(&text);
		return NULL;
	}
	return buf_detach(&text, &len);
}
