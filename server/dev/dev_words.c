/* SPDX-License-Identifier: MIT */

/*
 * The command line of `pronghorn dev`:
 *
 *   pronghorn dev [--open] [options of the server] app.c ... [-- cc flags]
 *
 * The options are the server's own business and passed on; all that is looked
 * for here are the sources, by how their names end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/dev/dev_int.h"

#define CONFIG_NAME "pronghorn.conf"

static bool
is_source(const char *word)
{
	static const char *const endings[] = { ".c", ".cc", ".cpp", ".cxx" };
	const char *dot = strrchr(word, '.');
	size_t i;

	for (i = 0; dot != NULL && i < sizeof(endings) / sizeof(endings[0]);
	     i++) {
		if (word[0] != '-' && strcmp(dot, endings[i]) == 0)
			return true;
	}
	return false;
}

/* The value of a flag, in this word or the next; NULL: it is not that flag. */
static const char *
value_of(char **argv, int at, int argc, const char *flag)
{
	size_t len = strlen(flag);

	if (strncmp(argv[at], flag, len) != 0)
		return NULL;
	if (argv[at][len] == '=')
		return argv[at] + len + 1;
	return argv[at][len] == '\0' && at + 1 < argc ? argv[at + 1] : NULL;
}

static void
read_word(struct dev_words *words, char **argv, int at, int argc)
{
	const char *word = argv[at];
	const char *value;

	if (strcmp(word, "--open") == 0) {
		words->open = true;
		return;
	}
	if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
		words->help = true;
	if (strcmp(word, "--cflags") == 0)
		words->cflags = true;
	if (is_source(word)) {
		words->sources[words->source_count++] = argv[at];
		return;
	}
	words->server[words->server_count++] = argv[at];
	if ((value = value_of(argv, at, argc, "--config")) != NULL ||
	    (value = value_of(argv, at, argc, "-c")) != NULL)
		words->config = value;
	if ((value = value_of(argv, at, argc, "--assets-folder")) != NULL)
		words->assets = value;
}

/* Is it the folder of an app? Then its app.c or app.cpp is the source. */
static int
take_folder(struct dev_words *words, const char *folder)
{
	static const char *const names[] = { "app.c", "app.cpp" };
	size_t i;

	for (i = 0; i < 2; i++) {
		if (asprintf(&words->found, "%s/%s", folder, names[i]) < 0) {
			words->found = NULL;
			return -ENOMEM;
		}
		if (access(words->found, R_OK) == 0) {
			words->sources[words->source_count++] = words->found;
			return 0;
		}
		free(words->found);
		words->found = NULL;
	}
	return -ENOENT;
}

/* Not a flag, nor perhaps the value of the one before it. */
static bool
stands_alone(const struct dev_words *words, size_t at)
{
	const char *before = at > 0 ? words->server[at - 1] : "";

	return words->server[at][0] != '-' &&
	       (before[0] != '-' || strchr(before, '=') != NULL);
}

/*
 * No source is named: then a word is the folder of an app. One that stands
 * alone; else the last one, behind a flag that has no value.
 */
static int
look_in_folder(struct dev_words *words)
{
	size_t last = words->server_count;
	const char *odd = NULL;
	size_t at;
	int rc = -ENOENT;

	for (at = 0; words->server[at] != NULL && rc == -ENOENT; at++) {
		if (at + 1 < last && !stands_alone(words, at))
			continue;
		rc = take_folder(words, words->server[at]);
		if (rc == -ENOENT && stands_alone(words, at))
			odd = words->server[at];
	}
	if (rc == 0) {
		for (; at <= last; at++)
			words->server[at - 1] = words->server[at];
		words->server_count--;
	} else if (rc == -ENOENT && odd != NULL) {
		(void)fprintf(stderr,
		    "pronghorn dev: %s is neither a source (.c, .cc, .cpp, "
		    ".cxx) nor a folder with an app.c or app.cpp\n",
		    odd);
	} else if (rc == -ENOENT) {
		(void)fprintf(stderr,
		    "pronghorn dev: no source is named: pronghorn dev "
		    "[options] app.c [-- cc flags]\n");
	}
	return rc;
}

/* A config file beside the app is the app's. */
static int
look_for_config(struct dev_words *words)
{
	const char *source = words->sources[0];
	const char *slash;

	if (source == NULL || words->config != NULL)
		return 0;
	slash = strrchr(source, '/');
	if (slash != NULL) {
		if (asprintf(&words->found_config, "%.*s/" CONFIG_NAME,
			(int)(slash - source), source) < 0) {
			words->found_config = NULL;
			return -ENOMEM;
		}
		if (access(words->found_config, R_OK) == 0) {
			words->config = words->found_config;
			return 0;
		}
	}
	return 0;
}

int
dev_words_read(struct dev_words *words, int argc, char **argv)
{
	int rc = 0;
	int i;

	*words = (struct dev_words){ .open = false };
	words->sources = calloc((size_t)argc + 1, sizeof(char *));
	words->server = calloc((size_t)argc + 1, sizeof(char *));
	if (words->sources == NULL || words->server == NULL)
		return -ENOMEM;
	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		read_word(words, argv, i, argc);
	if (i < argc) {
		words->compiler = argv + i + 1;
		words->compiler_count = (size_t)(argc - i - 1);
	}
	if (words->help || words->cflags)
		return 0;
	if (words->source_count == 0)
		rc = look_in_folder(words);
	if (rc == 0)
		rc = look_for_config(words);
	for (i = 0; rc == 0 && words->sources[i] != NULL; i++) {
		if (access(words->sources[i], R_OK) == 0)
			continue;
		rc = -errno;
		(void)fprintf(stderr, "pronghorn dev: %s: %s\n",
		    words->sources[i], strerror(errno));
	}
	return rc;
}

void
dev_words_free(struct dev_words *words)
{
	free(words->sources);
	free(words->server);
	free(words->found);
	free(words->found_config);
	*words = (struct dev_words){ .sources = NULL };
}
