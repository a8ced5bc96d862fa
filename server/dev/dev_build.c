/* SPDX-License-Identifier: MIT */

/*
 * Compiling the app while it is being written: without optimisation, to a file
 * with a number, and a link that names the one to load. A new file each time,
 * since what is loaded must not change; a link, since the server's arguments
 * stay the same.
 *
 * Which headers belong to the app the compiler tells: in make rules, asked for
 * by -MMD. That gives a file per source, and names them as it likes; so for
 * several sources they are asked for by DEPENDENCIES_OUTPUT, one file for all,
 * which clang does not know: then the headers beside the sources have to do.
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

static bool
is_cpp(const char *source)
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

/* Run the compiler on `sources`, for .so number `number`. */
static int
compile(struct dev *dev, char *const *sources, size_t count, bool cpp,
    unsigned number)
{
	char flags[][40] = { "-g", "-O0", "-Wall", "-fPIC", "-shared",
		"-fvisibility=hidden", "-Wl,-z,defs",
		"-Werror=implicit-function-declaration" };
	char standard[] = "-std=c++17";
	char ahead[PATH_MAX];
	char dash_include[] = "-include";
	const struct dev_words *words = &dev->words;
	char dash_i[] = "-I";
	char dash_o[] = "-o";
	char dash_mmd[] = "-MMD";
	char dash_mf[] = "-MF";
	char dash_lm[] = "-lm";
	char name[32];
	char out[PATH_MAX];
	char rules[PATH_MAX];
	char *compiler = compiler_of(cpp);
	char **argv =
	    calloc(COMPILER_WORDS + OWN_WORDS + count + words->compiler_count,
		sizeof(*argv));
	char *env = NULL;
	size_t at;
	size_t i;
	int rc = -ENOMEM;

	(void)snprintf(name, sizeof(name), "app-%u.so", number);
	if (compiler == NULL || argv == NULL || !dev_path(dev, name, out) ||
	    !dev_path(dev, "rules", rules) ||
	    asprintf(&env, "DEPENDENCIES_OUTPUT=%s", rules) < 0)
		goto out;
	(void)unlink(rules);
	at = split(compiler, argv);
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		argv[at++] = flags[i];
	if (cpp) /* instead of the last one, which is for C only */
		argv[at - 1] = standard;
	argv[at++] = dash_i;
	argv[at++] = dev->include;
	if (cpp && dev_ahead_usable(dev, ahead)) {
		argv[at++] = dash_include;
		argv[at++] = ahead;
	}
	argv[at++] = dash_o;
	argv[at++] = out;
	if (count == 1) {
		argv[at++] = dash_mmd;
		argv[at++] = dash_mf;
		argv[at++] = rules;
	}
	for (i = 0; i < count; i++)
		argv[at++] = sources[i];
	for (i = 0; number > 0 && i < words->compiler_count; i++)
		argv[at++] = words->compiler[i];
	argv[at++] = dash_lm;
	rc = step_start(&dev->step, argv, count > 1 ? env : NULL);
out:
	free(compiler);
	free(argv);
	free(env);
	return rc;
}

int
dev_compile(struct dev *dev)
{
	const struct dev_words *words = &dev->words;
	bool cpp = false;
	size_t i;

	dev_link_beside(dev);
	for (i = 0; i < words->source_count; i++)
		cpp = cpp || is_cpp(words->sources[i]);
	return compile(dev, words->sources, words->source_count, cpp,
	    ++dev->number);
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

int
dev_compile_ahead(struct dev *dev)
{
	/* Those of compile() that are not for the linker, or it is not taken;
	 * behind what else there is to do. */
	char flags[][20] = { "-g", "-O0", "-Wall", "-fPIC",
		"-fvisibility=hidden", "-std=c++17", "-c", "-x", "c++-header" };
	char nice[] = "nice";
	char dash_i[] = "-I";
	char dash_o[] = "-o";
	char dash_md[] = "-MD";
	char dash_mf[] = "-MF";
	char header[PATH_MAX];
	char fresh[PATH_MAX];
	char rules[PATH_MAX];
	const struct dev_words *words = &dev->words;
	char *compiler = compiler_of(true);
	char **argv = calloc(COMPILER_WORDS + OWN_WORDS + words->compiler_count,
	    sizeof(*argv));
	size_t at = 0;
	size_t i;
	int rc = -ENOMEM;

	if (compiler == NULL || argv == NULL ||
	    !dev_path(dev, "ahead.hpp", header) ||
	    !dev_path(dev, "ahead.new", fresh) ||
	    !dev_path(dev, "ahead.rules", rules))
		goto out;
	argv[at++] = nice;
	at += split(compiler, argv + at);
	for (i = 0; i < words->compiler_count; i++)
		if (!is_for_linker(words->compiler[i]))
			argv[at++] = words->compiler[i];
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
	rc = step_start(&dev->step, argv, NULL);
out:
	free(compiler);
	free(argv);
	return rc;
}

int
dev_compile_stopgap(struct dev *dev)
{
	char path[PATH_MAX];
	char *sources[] = { path };
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
	return rc < 0 ? rc : compile(dev, sources, 1, false, 0);
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

void
dev_watch_sources(struct dev *dev)
{
	const struct dev_words *words = &dev->words;
	char path[PATH_MAX];
	char *text = NULL;
	char *at;
	char *word;
	size_t len;
	size_t i;

	for (i = 0; i < words->source_count; i++) {
		(void)watch_file(&dev->watch, words->sources[i], WATCH_CODE);
		(void)watch_headers(&dev->watch, words->sources[i]);
	}
	if (!dev_path(dev, "rules", path) ||
	    fd_read_file(path, DEPENDENCIES_MAX, &text, &len) < 0)
		return;
	for (at = text; (word = dev_next_word(&at)) != NULL;) {
		len = strlen(word);
		if (len > 0 && word[len - 1] != ':')
			(void)watch_file(&dev->watch, word, WATCH_CODE);
	}
	free(text);
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
