/* SPDX-License-Identifier: MIT */

/*
 * Headers that are not there, and so are in no make rules, and yet are waited
 * for: those that the compiler has not found, as of a generator that has not
 * run, and those that a source asks for by __has_include. Of the first the
 * compiler says the name, whatever language it speaks, and shows the line:
 *
 *   app.c:1:10: fatal error: gen/t.h: No such file or directory
 *       1 | #include "gen/t.h"
 *   app.c:1:10: fatal error: 'gen/t.h' file not found
 *
 * Wherever it may have looked is watched: beside the file that is named, where
 * -I, -iquote, -isystem and -idirafter and the like lead, on the command line
 * and in CC and CXX, in the folders of CPATH and the like, and in those that
 * all systems have. One name too many does no harm.
 *
 * NOT SEEN   What comes into a folder that is named in another way (--sysroot,
 *            -iprefix, @file, the compiler's own); beside another header, when
 *            a macro of a third file is the name; a name of __has_include that
 *            is a macro; what comes nearer than a header that was found, except
 *            beside a source.
 * THREADS    One.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/fd.h"
#include "server/dev/dev_int.h"

#define FILE_MAX                                                    \
	((size_t)1024 * 1024) /* of a source that is looked through \
			       */
#define HAS_INCLUDE "__has_include"

/* A name of a header, and what it means when it comes. */
struct wanted {
	const char *name;
	size_t len;
	int meaning;
};

/* In the folder of the first `len` bytes; none: where we are. */
static void
watch_in(struct dev *dev, const char *folder, size_t len,
    const struct wanted *header)
{
	const char *slash = len > 0 && folder[len - 1] != '/' ? "/" : "";
	char path[PATH_MAX];

	if (header->name[0] == '/')
		len = 0;
	if (snprintf(path, sizeof(path), "%.*s%s%.*s", (int)len, folder,
		len > 0 ? slash : "", (int)header->len,
		header->name) < (int)sizeof(path))
		(void)watch_file(&dev->watch, path, header->meaning);
}

/* Beside the file of the first `len` bytes. */
static void
watch_beside(struct dev *dev, const char *file, size_t len,
    const struct wanted *header)
{
	while (len > 0 && file[len - 1] != '/')
		len--;
	watch_in(dev, file, len, header);
}

/* The folder that a word of a command line names: NULL: none; "": it is the
 * next word. */
static const char *
folder_of(const char *word)
{
	static const char *const flags[] = { "-I", "-iquote", "-isystem",
		"-idirafter", "--include-directory-after=",
		"--include-directory=", "--include-directory" };
	size_t len;
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		len = strlen(flags[i]);
		if (strncmp(word, flags[i], len) == 0)
			return word + len;
	}
	return NULL;
}

/* What CC or CXX says. */
static void
watch_in_compiler(struct dev *dev, const char *variable,
    const struct wanted *header)
{
	const char *value = getenv(variable);
	char *copy = strdup(value != NULL ? value : "");
	char *save = NULL;
	char *word = copy != NULL ? strtok_r(copy, " \t", &save) : NULL;
	const char *folder;

	for (; word != NULL; word = strtok_r(NULL, " \t", &save)) {
		folder = folder_of(word);
		if (folder != NULL && folder[0] == '\0')
			folder = strtok_r(NULL, " \t", &save);
		if (folder != NULL)
			watch_in(dev, folder, strlen(folder), header);
	}
	free(copy);
}

/* The folders of a variable: a:b. */
static void
watch_in_list(struct dev *dev, const char *variable,
    const struct wanted *header)
{
	const char *at = getenv(variable);
	size_t len;

	for (; at != NULL; at = at[len] == ':' ? at + len + 1 : NULL) {
		len = strcspn(at, ":");
		watch_in(dev, at, len, header);
	}
}

/* In all folders that do not depend on who includes it. */
static void
watch_in_places(struct dev *dev, const struct wanted *header)
{
	static const char *const compilers[] = { "CC", "CXX" };
	static const char *const lists[] = { "CPATH", "C_INCLUDE_PATH",
		"CPLUS_INCLUDE_PATH" };
	static const char *const common[] = { "/usr/local/include",
		"/usr/include" };
	const struct dev_words *words = &dev->words;
	const char *folder;
	size_t i;

	for (i = 0; i < words->compiler_count; i++) {
		folder = folder_of(words->compiler[i]);
		if (folder != NULL && folder[0] == '\0' &&
		    i + 1 < words->compiler_count)
			folder = words->compiler[++i];
		if (folder != NULL)
			watch_in(dev, folder, strlen(folder), header);
	}
	for (i = 0; i < sizeof(compilers) / sizeof(compilers[0]); i++)
		watch_in_compiler(dev, compilers[i], header);
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		watch_in_list(dev, lists[i], header);
	for (i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		watch_in(dev, common[i], strlen(common[i]), header);
}

/* The name in "..." or <...> at `at`; false: there is none. */
static bool
read_name(const char *at, struct wanted *header)
{
	if (*at != '"' && *at != '<')
		return false;
	header->name = at + 1;
	header->len = strcspn(at + 1, *at == '"' ? "\"\n" : ">\n");
	return header->len > 0;
}

/* The name in FILE: ERROR: NAME: REASON, or in FILE: ERROR: 'NAME' REASON. */
static bool
read_told_name(const char *line, size_t len, struct wanted *header)
{
	const char *end = line + len;
	const char *from = memmem(line, len, ": ", 2);
	const char *to;

	if (from != NULL)
		from = memmem(from + 2, (size_t)(end - from) - 2, ": ", 2);
	if (from == NULL || from + 2 == end)
		return false;
	from += from[2] == '\'' ? 3 : 2;
	to = from[-1] == '\'' ? memchr(from, '\'', (size_t)(end - from))
			      : memmem(from, (size_t)(end - from), ": ", 2);
	if (to == NULL || to == from ||
	    memchr(from, ' ', (size_t)(to - from)) != NULL)
		return false;
	header->name = from;
	header->len = (size_t)(to - from);
	return true;
}

/* The compiler has told of it in `line`, which begins with a file. */
static void
watch_told(struct dev *dev, const char *line, const struct wanted *header)
{
	size_t i;

	watch_beside(dev, line, strcspn(line, ":\n"), header);
	for (i = 0; i < dev->words.source_count; i++)
		watch_beside(dev, dev->words.sources[i],
		    strlen(dev->words.sources[i]), header);
	watch_in_places(dev, header);
}

void
dev_watch_missing(struct dev *dev)
{
	struct wanted header = { .meaning = WATCH_CODE };
	const char *line = buf_cstr(&dev->step.text);
	const char *before = line;
	const char *at;
	size_t len;

	if (line == NULL)
		return;
	for (; *line != '\0';
	     before = line, line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		if (read_told_name(line, len, &header))
			watch_told(dev, line, &header);
		at = memmem(line, len, "include", 7);
		if (at != NULL &&
		    read_name(at + 7 + strspn(at + 7, " \t"), &header))
			watch_told(dev, before, &header);
	}
}

void
dev_watch_optional(struct dev *dev, const char *path)
{
	struct wanted header = { .meaning = WATCH_CODE | WATCH_NEW };
	char *text = NULL;
	const char *at;
	size_t len;

	if (fd_read_file(path, FILE_MAX, &text, &len) < 0)
		return;
	for (at = text; (at = strstr(at, HAS_INCLUDE)) != NULL;) {
		at += strlen(HAS_INCLUDE);
		at += strspn(at, " \t(");
		if (!read_name(at, &header))
			continue;
		watch_beside(dev, path, strlen(path), &header);
		watch_in_places(dev, &header);
	}
	free(text);
}
