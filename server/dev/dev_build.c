/* SPDX-License-Identifier: MIT */

/*
 * Compiling the app while it is being written: without optimisation, to a file
 * with a number, and a link that names the one to load. A new file each time,
 * since what is loaded must not change; a link, since the server's arguments
 * stay the same.
 *
 * Which headers belong to the app the compiler tells: in make rules, asked for
 * by -MMD, a file per source.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/fd.h"
#include "server/dev/dev_int.h"
#include "server/dev/embed.h"

#define DEPENDENCIES_MAX ((size_t)1024 * 1024)
#define COMPILER_WORDS 16 /* of CC or CXX */
#define OWN_WORDS 24      /* flags of ours */

EMBED(dev_stopgap, "stopgap.c.in");

int
dev_find_sdk(const char *program, char path[PATH_MAX])
{
	static const char *const places[] = { "../worker/sdk", "../include" };
	const char *slash = strrchr(program, '/');
	char header[PATH_MAX];
	char *real;
	size_t i;

	for (i = 0; slash != NULL && i < 2; i++) {
		if (snprintf(header, sizeof(header), "%.*s/%s",
			(int)(slash - program), program,
			places[i]) >= (int)sizeof(header))
			continue;
		real = realpath(header, NULL);
		if (real == NULL)
			continue;
		if (snprintf(header, sizeof(header), "%s/pronghorn/app.h",
			real) < (int)sizeof(header) &&
		    access(header, R_OK) == 0) {
			(void)snprintf(path, PATH_MAX, "%s", real);
			free(real);
			return 0;
		}
		free(real);
	}
	return -ENOENT;
}

bool
dev_is_cpp(const char *source)
{
	return strcmp(strrchr(source, '.'), ".c") != 0;
}

/* The words of CC or CXX; `text` is taken apart. */
static size_t
split(char *text, char **words)
{
	size_t count = 0;
	char *save = NULL;
	char *word = strtok_r(text, " \t", &save);

	for (; word != NULL && count < COMPILER_WORDS;
	     word = strtok_r(NULL, " \t", &save))
		words[count++] = word;
	return count;
}

/* What is to be run, with its own words; NULL: no memory. */
static char *
compiler_of(bool cpp)
{
	const char *variable = getenv(cpp ? "CXX" : "CC");

	if (variable != NULL && variable[0] != '\0')
		return strdup(variable);
	return strdup(cpp ? "c++" : "cc");
}

/* gold takes a third of the time, where it is beside the usual compiler: who
 * names another one has reasons. */
static bool
has_gold(bool cpp)
{
	const char *named = getenv(cpp ? "CXX" : "CC");

	return (named == NULL || named[0] == '\0') &&
	       access("/usr/bin/ld.gold", X_OK) == 0;
}

/* Does the linker alone care for it? */
static bool
is_for_linker(const char *word)
{
	const char *dot = strrchr(word, '.');

	if (word[0] == '-')
		return strncmp(word, "-l", 2) == 0 ||
		       strncmp(word, "-L", 2) == 0 ||
		       strncmp(word, "-Wl,", 4) == 0;
	return dot != NULL &&
	       (strcmp(dot, ".o") == 0 || strcmp(dot, ".a") == 0 ||
		   strcmp(dot, ".so") == 0);
}

/* Of a flag for all sources: is it for those of the other language alone? */
static bool
is_for_other(const char *word, bool cpp)
{
	static const char *const of_cpp[] = { "-frtti", "-fno-rtti",
		"-fpermissive", "-fno-threadsafe-statics" };
	size_t i;

	if (strncmp(word, "-std=", 5) == 0 || strncmp(word, "--std=", 6) == 0)
		return cpp != (strstr(word, "++") != NULL);
	for (i = 0; i < sizeof(of_cpp) / sizeof(of_cpp[0]); i++)
		if (strcmp(word, of_cpp[i]) == 0)
			return !cpp;
	return false;
}

/* One run of the compiler. */
struct run {
	char *const *sources; /* or objects, to be linked */
	size_t count;
	const char *out;
	const char *rules; /* what it reads is to stand there; NULL: nothing */
	bool cpp;
	bool object; /* make an object, and nothing that can be loaded */
	bool own;    /* without the flags of the command line */
};

/* Of every run: what is compiled ahead is taken only when they are the same. */
static char common[][24] = { "-g", "-O0", "-Wall", "-fPIC",
	"-fvisibility=hidden" };
/* Lines, which crashes are told with, but no types: those take a quarter. */
static char cxx[][12] = { "-std=c++17", "-g1" };
/* A text where a value is meant is no warning: it would be read as one. */
static char c[][40] = { "-Werror=implicit-function-declaration",
	"-Werror=incompatible-pointer-types", "-Werror=int-conversion" };

static size_t
add_common(bool cpp, char **argv)
{
	size_t at = 0;
	size_t i;

	for (i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		argv[at++] = common[i];
	for (i = 0; cpp && i < sizeof(cxx) / sizeof(cxx[0]); i++)
		argv[at++] = cxx[i];
	for (i = 0; !cpp && i < sizeof(c) / sizeof(c[0]); i++)
		argv[at++] = c[i];
	return at;
}

static size_t
add_flags(const struct run *run, char **argv)
{
	static char loaded[][16] = { "-shared", "-Wl,-z,defs" };
	static char gold[] = "-fuse-ld=gold";
	static char object[] = "-c";
	size_t at = add_common(run->cpp, argv);
	size_t i;

	if (run->object)
		argv[at++] = object;
	for (i = 0; !run->object && i < 2; i++)
		argv[at++] = loaded[i];
	if (!run->object && has_gold(run->cpp))
		argv[at++] = gold;
	return at;
}

static int
start(struct dev *dev, const struct run *run)
{
	static char dash_i[] = "-I";
	static char dash_o[] = "-o";
	static char dash_mmd[] = "-MMD";
	static char dash_mf[] = "-MF";
	static char dash_lm[] = "-lm";
	static char dash_include[] = "-include";
	const struct dev_words *words = &dev->words;
	char ahead[PATH_MAX];
	char *compiler = compiler_of(run->cpp);
	char *out = strdup(run->out);
	char *rules = strdup(run->rules != NULL ? run->rules : "");
	char **argv = calloc(COMPILER_WORDS + OWN_WORDS + run->count +
				 words->compiler_count,
	    sizeof(*argv));
	size_t at;
	size_t i;
	int rc = -ENOMEM;

	if (compiler == NULL || out == NULL || rules == NULL || argv == NULL)
		goto out;
	at = split(compiler, argv);
	at += add_flags(run, argv + at);
	argv[at++] = dash_i;
	argv[at++] = dev->include;
	if (!run->own && dev_ahead_usable(dev, ahead)) {
		argv[at++] = dash_include;
		argv[at++] = ahead;
	}
	argv[at++] = dash_o;
	argv[at++] = out;
	if (rules[0] != '\0') {
		argv[at++] = dash_mmd;
		argv[at++] = dash_mf;
		argv[at++] = rules;
	}
	for (i = 0; i < run->count; i++)
		argv[at++] = run->sources[i];
	for (i = 0; !run->own && i < words->compiler_count; i++)
		if (!run->object ||
		    (!is_for_linker(words->compiler[i]) &&
			!is_for_other(words->compiler[i], run->cpp)))
			argv[at++] = words->compiler[i];
	if (!run->object)
		argv[at++] = dash_lm;
	rc = step_start(&dev->step, argv, dev->folder);
out:
	free(compiler);
	free(out);
	free(rules);
	free(argv);
	return rc;
}

static bool
is_any_cpp(const struct dev_words *words)
{
	bool cpp = false;
	size_t i;

	for (i = 0; i < words->source_count; i++)
		cpp = cpp || dev_is_cpp(words->sources[i]);
	return cpp;
}

int
dev_compile_whole(struct dev *dev)
{
	char name[32];
	char out[PATH_MAX];
	char rules[PATH_MAX];
	const struct run run = { .sources = dev->words.sources,
		.count = 1,
		.out = out,
		.rules = rules,
		.cpp = is_any_cpp(&dev->words) };

	(void)snprintf(name, sizeof(name), "app-%u.so", dev->number);
	if (!dev_path(dev, name, out) || !dev_path(dev, "rules", rules))
		return -ENAMETOOLONG;
	(void)unlink(rules);
	return start(dev, &run);
}

int
dev_compile_part(struct dev *dev, size_t which)
{
	char out[PATH_MAX];
	char rules[PATH_MAX];
	const struct run run = { .sources = &dev->words.sources[which],
		.count = 1,
		.out = out,
		.rules = rules,
		.cpp = dev_is_cpp(dev->words.sources[which]),
		.object = true };

	if (!dev_part_path(dev, which, "o", out) ||
	    !dev_part_path(dev, which, "rules", rules))
		return -ENAMETOOLONG;
	return start(dev, &run);
}

int
dev_link_parts(struct dev *dev)
{
	size_t count = dev->words.source_count;
	char name[32];
	char path[PATH_MAX];
	char out[PATH_MAX];
	char **objects = calloc(count, sizeof(*objects));
	const struct run run = { .sources = objects,
		.count = count,
		.out = out,
		.cpp = is_any_cpp(&dev->words) };
	size_t i;
	int rc = objects != NULL ? 0 : -ENOMEM;

	(void)snprintf(name, sizeof(name), "app-%u.so", dev->number);
	if (!dev_path(dev, name, out))
		rc = -ENAMETOOLONG;
	for (i = 0; rc == 0 && i < count; i++) {
		if (dev_part_path(dev, i, "o", path))
			objects[i] = strdup(path);
		if (objects[i] == NULL)
			rc = -ENOMEM;
	}
	if (rc == 0)
		rc = start(dev, &run);
	for (i = 0; objects != NULL && i < count; i++)
		free(objects[i]);
	free(objects);
	return rc;
}

int
dev_compile_ahead(struct dev *dev)
{
	bool cpp = dev_is_cpp(dev->words.sources[0]);
	char flags[][12] = { "-c", "-x", "c++-header" };
	char nice[] = "nice";
	char dash_i[] = "-I";
	char dash_o[] = "-o";
	char dash_md[] = "-MD";
	char dash_mf[] = "-MF";
	char header[PATH_MAX];
	char fresh[PATH_MAX];
	char rules[PATH_MAX];
	const struct dev_words *words = &dev->words;
	char *compiler = compiler_of(cpp);
	char **argv = calloc(COMPILER_WORDS + OWN_WORDS + words->compiler_count,
	    sizeof(*argv));
	size_t at = 0;
	size_t i;
	int rc = -ENOMEM;

	if (compiler == NULL || argv == NULL ||
	    !dev_path(dev, "ahead.h", header) ||
	    !dev_path(dev, "ahead.new", fresh) ||
	    !dev_path(dev, "ahead.rules", rules))
		goto out;
	argv[at++] = nice; /* behind what else there is to do */
	at += split(compiler, argv + at);
	at += add_common(cpp, argv + at);
	for (i = 0; i < words->compiler_count; i++)
		if (!is_for_linker(words->compiler[i]))
			argv[at++] = words->compiler[i];
	if (!cpp)
		(void)strcpy(flags[2], "c-header");
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		argv[at++] = flags[i];
	argv[at++] = header;
	argv[at++] = dash_i;
	argv[at++] = dev->include;
	argv[at++] = dash_o;
	argv[at++] = fresh;
	argv[at++] = dash_md;
	argv[at++] = dash_mf;
	argv[at++] = rules;
	rc = step_start(&dev->step, argv, dev->folder);
out:
	free(compiler);
	free(argv);
	return rc;
}

int
dev_compile_stopgap(struct dev *dev)
{
	char path[PATH_MAX];
	char out[PATH_MAX];
	char *sources[] = { path };
	const struct run run = { .sources = sources,
		.count = 1,
		.out = out,
		.own = true };
	FILE *file;
	int rc;

	if (!dev_path(dev, "stopgap.c", path))
		return -ENAMETOOLONG;
	file = fopen(path, "we");
	if (file == NULL)
		return -errno;
	rc = fputs(dev_stopgap, file) < 0 ? -EIO : 0;
	if (fclose(file) != 0)
		rc = -EIO;
	if (rc < 0)
		return rc;
	if (!dev_path(dev, "app-0.so", out))
		return -ENAMETOOLONG;
	return start(dev, &run);
}

char *
dev_next_word(char **at)
{
	char *from = *at;
	char *to;
	char *word;

	while (*from == ' ' || *from == '\t' || *from == '\n' ||
	       (from[0] == '\\' && from[1] == '\n'))
		from += *from == '\\' ? 2 : 1;
	if (*from == '\0')
		return NULL;
	word = from;
	for (to = from; *from != '\0' && strchr(" \t\n", *from) == NULL;) {
		if (from[0] == '\\' && from[1] == '\n')
			break;
		if ((from[0] == '\\' && strchr(" #\\", from[1]) != NULL &&
			from[1] != '\0') ||
		    (from[0] == '$' && from[1] == '$'))
			from++;
		*to++ = *from++;
	}
	*at = *from == '\0' ? from : from + 1;
	*to = '\0';
	return word;
}

/* Watch what the make rules at `path` name. */
static void
watch_rules(struct dev *dev, const char *path)
{
	char *text = NULL;
	char *at;
	char *word;
	size_t len;

	if (fd_read_file(path, DEPENDENCIES_MAX, &text, &len) < 0)
		return;
	for (at = text; (word = dev_next_word(&at)) != NULL;) {
		len = strlen(word);
		if (len == 0 || word[len - 1] == ':')
			continue;
		(void)watch_file(&dev->watch, word, WATCH_CODE);
		dev_watch_optional(dev, word);
	}
	free(text);
}

void
dev_watch_sources(struct dev *dev)
{
	const struct dev_words *words = &dev->words;
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < words->source_count; i++) {
		(void)watch_source(&dev->watch, words->sources[i]);
		if (dev_part_path(dev, i, "rules", path))
			watch_rules(dev, path);
	}
	if (dev_path(dev, "rules", path))
		watch_rules(dev, path);
}

int
dev_point(struct dev *dev, unsigned number)
{
	char name[32];
	char link[PATH_MAX];
	char fresh[PATH_MAX];

	(void)snprintf(name, sizeof(name), "app-%u.so", number);
	if (!dev_path(dev, "app.so", link) || !dev_path(dev, "app.new", fresh))
		return -ENAMETOOLONG;
	(void)unlink(fresh);
	if (symlink(name, fresh) < 0 || rename(fresh, link) < 0)
		return -errno;
	return 0;
}

void
dev_forget(struct dev *dev, unsigned number)
{
	char name[32];
	char path[PATH_MAX];

	(void)snprintf(name, sizeof(name), "app-%u.so", number);
	if (number > 0 && dev_path(dev, name, path))
		(void)unlink(path);
}
