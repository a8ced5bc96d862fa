/* SPDX-License-Identifier: MIT */

/*
 * Variables of raw_env. See environment.h.
 *
 * OWNERSHIP  `saved` has what the variables were before, for the life of the
 *            process: an environment is the process's, too.
 * FAILURE    What was set before the item at fault stays set; the next call
 *            takes it back.
 */
#include "server/environment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"

struct variable {
	char *name;
	char *value; /* NULL: it was not there */
};

static struct variable *saved;
static size_t saved_count;

/* The latest first: a name may stand in the list twice. */
static void
undo(void)
{
	struct variable *variable;

	while (saved_count > 0) {
		variable = &saved[--saved_count];
		if (variable->value != NULL)
			(void)setenv(variable->name, variable->value, 1);
		else
			(void)unsetenv(variable->name);
		free(variable->name);
		free(variable->value);
	}
	free(saved);
	saved = NULL;
}

static int
set(const char *item, size_t name_len)
{
	struct variable *variable = &saved[saved_count];
	const char *old;

	variable->name = strndup(item, name_len);
	if (variable->name == NULL)
		return -ENOMEM;
	old = getenv(variable->name);
	variable->value = old != NULL ? strdup(old) : NULL;
	saved_count++;
	if (old != NULL && variable->value == NULL)
		return -ENOMEM;
	return setenv(variable->name, item + name_len + 1, 1) < 0 ? -errno : 0;
}

int
environment_apply(const struct opt_list *list, struct buf *why)
{
	const char *equals;
	size_t i;
	int rc = 0;

	undo();
	if (list->count == 0)
		return 0;
	saved = calloc(list->count, sizeof(*saved));
	if (saved == NULL)
		return -ENOMEM;
	for (i = 0; i < list->count && rc == 0; i++) {
		equals = strchr(list->items[i], '=');
		if (equals == NULL || equals == list->items[i]) {
			(void)buf_printf(why,
			    "raw_env: \"%s\" is not NAME=VALUE",
			    list->items[i]);
			return ERR_SYNTAX;
		}
		rc = set(list->items[i], (size_t)(equals - list->items[i]));
	}
	return rc;
}
