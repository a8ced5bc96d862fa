/* SPDX-License-Identifier: MIT */

/*
 * What the compiler reads first, compiled ahead: the headers of C++ take it a
 * second, which is most of the way from a saved file to the page; those of C
 * are half of what it does.
 *
 *   app.cpp:  #include <random>            ahead.h: the same lines,
 *             #include <pronghorn/app.hpp>          ahead.h.gch made of it
 *             code
 *
 * The first lines of the source, as long as they are comments and includes in
 * angle brackets, stand in a header of our own; while nothing else is to be
 * done that is precompiled, and later runs of the compiler begin with it. As
 * it is what the source begins with, nothing can be seen that the source does
 * not include. Only for an app of one source: of several few are compiled.
 *
 * Whatever goes wrong here is no mistake of the author: then there is no such
 * header, and all takes the time that it takes.
 *
 * INVARIANT  It is used only while the source begins with the lines it was
 *            made of and no header that it contains is another.
 * THREADS    One.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/buf.h"
#include "server/base/fd.h"
#include "server/dev/dev_int.h"

#define SOURCE_MAX ((size_t)16 * 1024 * 1024)

static const char *
skip_space(const char *p)
{
	while (*p != '\0' && isspace((unsigned char)*p))
		p++;
	return p;
}

/* Behind spaces and comments; at the end of the text if one has no end. */
static const char *
skip_comments(const char *p)
{
	const char *end;

	for (p = skip_space(p); *p == '/'; p = skip_space(p)) {
		if (p[1] == '/') {
			p += strcspn(p, "\n");
			continue;
		}
		end = p[1] == '*' ? strstr(p + 2, "*/") : NULL;
		if (end == NULL)
			return p[1] == '*' ? p + strlen(p) : p;
		p = end + 2;
	}
	return p;
}

/* Is it a header that may be there twice? What has another ending is made to
 * be included again and again. */
static bool
is_header(const char *name, size_t len)
{
	static const char *const endings[] = { "h", "hh", "hpp", "hxx" };
	const char *dot = memrchr(name, '.', len);
	size_t rest = dot != NULL ? (size_t)(name + len - dot) - 1 : 0;
	size_t i;

	for (i = 0; dot != NULL && i < sizeof(endings) / sizeof(*endings); i++)
		if (strlen(endings[i]) == rest &&
		    memcmp(dot + 1, endings[i], rest) == 0)
			return true;
	return dot == NULL;
}

/* The next include in angle brackets, at `*at`: its name; NULL: none. */
static const char *
next_include(const char **at, size_t *len)
{
	const char *p = skip_comments(*at);
	const char *name;

	if (*p != '#')
		return NULL;
	p++;
	p += strspn(p, " \t");
	if (strncmp(p, "include", 7) != 0)
		return NULL;
	p += 7;
	p += strspn(p, " \t");
	if (*p != '<')
		return NULL;
	name = p + 1;
	*len = strcspn(name, ">\n");
	if (name[*len] != '>' || !is_header(name, *len))
		return NULL;
	*at = name + *len + 1;
	return name;
}

char *
dev_ahead_lines(const char *source)
{
	struct buf lines = BUF_EMPTY;
	const char *at = source;
	const char *name;
	size_t len;

	while ((name = next_include(&at, &len)) != NULL)
		(void)buf_printf(&lines, "#include <%.*s>\n", (int)len, name);
	if (lines.len == 0 || buf_cstr(&lines) == NULL) {
		buf_free(&lines);
		return NULL;
	}
	return buf_detach(&lines, &len);
}

/* What the source begins with now; NULL: nothing that counts. */
static char *
lines_now(const struct dev *dev)
{
	char *source = NULL;
	char *lines = NULL;
	size_t len;

	if (dev->words.source_count == 1 &&
	    fd_read_file(dev->words.sources[0], SOURCE_MAX, &source, &len) == 0)
		lines = dev_ahead_lines(source);
	free(source);
	return lines;
}

bool
dev_ahead_usable(struct dev *dev, char path[PATH_MAX])
{
	char rules[PATH_MAX];
	char *lines = dev->ahead_made ? lines_now(dev) : NULL;
	bool usable = lines != NULL && strcmp(lines, dev->ahead) == 0 &&
		      dev_path(dev, "ahead.rules", rules) &&
		      dev_inputs_same(&dev->ahead_inputs, rules, dev->folder);

	free(lines);
	return usable && dev_path(dev, "ahead.h", path);
}

bool
dev_ahead_begin(struct dev *dev)
{
	char path[PATH_MAX];
	char *lines = lines_now(dev);
	FILE *file;
	bool good;

	if (lines == NULL || dev_ahead_usable(dev, path) ||
	    !dev_path(dev, "ahead.h", path)) {
		free(lines);
		return false;
	}
	free(dev->ahead);
	dev->ahead = lines;
	dev->ahead_made = false;
	file = fopen(path, "we");
	good = file != NULL && fputs(lines, file) >= 0;
	if (file != NULL && fclose(file) != 0)
		good = false;
	dev_inputs_begin(&dev->ahead_inputs);
	return good && dev_compile_ahead(dev) == 0;
}

void
dev_ahead_end(struct dev *dev, bool good)
{
	char fresh[PATH_MAX];
	char path[PATH_MAX];
	char rules[PATH_MAX];

	dev->ahead_made = good && dev_path(dev, "ahead.new", fresh) &&
			  dev_path(dev, "ahead.h.gch", path) &&
			  rename(fresh, path) == 0;
	if (dev->ahead_made && dev_path(dev, "ahead.rules", rules))
		dev_inputs_end(&dev->ahead_inputs, rules, dev->folder);
}

bool
dev_ahead_spoiled(struct dev *dev)
{
	const char *text = dev->step.text.len > 0 ? dev->step.text.data : "";
	bool spoiled = dev->ahead_made && memmem(text, dev->step.text.len,
					      "precompiled", 11) != NULL;

	if (spoiled)
		dev->ahead_made = false;
	return spoiled;
}
