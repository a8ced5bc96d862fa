/* SPDX-License-Identifier: MIT */

/*
 * The program's own beginning, kept for a second one.
 *
 * Neither /proc/self/exe nor the resolved path will do: after an update the
 * first names a deleted file, the second the old release behind a link.
 *
 * THREADS  Main thread.
 */
#include "server/program.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SELF "/proc/self/exe"

/* Where the shell has found `name`; NULL: nowhere in PATH. */
static char *
search_path(const char *name)
{
	const char *path = getenv("PATH");
	char full[PATH_MAX];
	size_t len;
	int put;

	for (; path != NULL && *path != '\0';
	     path += len + (path[len] == ':')) {
		len = strcspn(path, ":");
		put = snprintf(full, sizeof(full), "%.*s/%s", (int)len, path,
		    name);
		if (len > 0 && put > 0 && (size_t)put < sizeof(full) &&
		    full[0] == '/' && access(full, X_OK) == 0)
			return strdup(full);
	}
	return NULL;
}

static char *
find_program(const char *name, const char *folder)
{
	char full[PATH_MAX];
	char *found = NULL;
	int put;

	if (name != NULL && name[0] == '/')
		found = strdup(name);
	else if (name != NULL && strchr(name, '/') != NULL) {
		put = snprintf(full, sizeof(full), "%s/%s", folder, name);
		if (put > 0 && (size_t)put < sizeof(full))
			found = strdup(full);
	} else if (name != NULL) {
		found = search_path(name);
	}
	if (found != NULL && access(found, X_OK) == 0)
		return found;
	free(found);
	return realpath(SELF, NULL);
}

int
program_note(struct program *program, char *const *argv)
{
	size_t count = 0;

	*program = (struct program){ .argv = argv };
	while (environ[count] != NULL)
		count++;
	program->env = calloc(count + 1, sizeof(*program->env));
	if (program->env == NULL)
		return -ENOMEM;
	memcpy(program->env, environ, count * sizeof(*program->env));
	program->folder = getcwd(NULL, 0);
	if (program->folder == NULL)
		return -errno;
	program->path = find_program(argv[0], program->folder);
	return program->path != NULL ? 0 : -errno;
}

/* Do `entry` and `variable` have the same name? */
static bool
is_same_name(const char *entry, const char *variable)
{
	size_t len = strcspn(variable, "=");

	return strncmp(entry, variable, len) == 0 && entry[len] == '=';
}

/* The environment of the next one; the caller frees the array. */
static char **
make_environment(const struct program *program, const char *const *variables)
{
	size_t extra = 0;
	size_t count = 0;
	size_t used = 0;
	char **list;
	size_t i;
	size_t j;

	while (variables[extra] != NULL)
		extra++;
	while (program->env[count] != NULL)
		count++;
	list = calloc(count + extra + 1, sizeof(*list));
	for (i = 0; list != NULL && i < count; i++) {
		for (j = 0; j < extra; j++) {
			if (is_same_name(program->env[i], variables[j]))
				break;
		}
		if (j == extra)
			list[used++] = program->env[i];
	}
	for (j = 0; list != NULL && j < extra; j++) {
		if (strchr(variables[j], '=') != NULL)
			list[used++] = (char *)(uintptr_t)variables[j];
	}
	return list;
}

int
program_exec(const struct program *program, const char *const *variables)
{
	char **env = make_environment(program, variables);
	int rc = -ENOMEM;

	if (env == NULL)
		return rc;
	if (chdir(program->folder) < 0) {
		rc = -errno;
	} else {
		(void)execve(program->path, program->argv, env);
		rc = -errno;
	}
	free(env);
	return rc;
}

void
program_free(struct program *program)
{
	free(program->path);
	free(program->folder);
	free(program->env);
	*program = (struct program){ .path = NULL };
}
