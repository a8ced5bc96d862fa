/* SPDX-License-Identifier: MIT */

/*
 * Is it a command of ctl, with arguments as it takes them? Known without a
 * server, so that wrong usage is told as such whether one runs or not.
 *
 * FAILURE  A sentence; the master checks everything once more.
 */
#include <string.h>

#include "server/ctl_int.h"

enum kind { WORD, NUMBER };

static const struct word_row {
	const char *name;
	int least;
	int most;
	enum kind kind;
} rows[] = {
#define COMMAND(name, least, most, kind, function) { name, least, most, kind },
#include "server/control.def"
#undef COMMAND
	/* Of the database; ctl_store() looks at their arguments. */
	{ "signals", 0, 0, WORD },
	{ "sessions", 0, 2, WORD },
};

static void
put_nearest(const char *word, struct buf *why)
{
	const char *best = NULL;
	/* As for settings: one wrong letter in three. */
	unsigned least = (unsigned)(strlen(word) + 2) / 3 + 1;
	unsigned distance;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		distance = config_distance(word, rows[i].name);
		if (distance >= least)
			continue;
		least = distance;
		best = rows[i].name;
	}
	if (best != NULL)
		(void)buf_printf(why, "; did you mean %s?", best);
}

static int
check_arguments(const struct word_row *row, struct ctl *ctl)
{
	int count = ctl->count - 1;
	const char *text;

	if (count < row->least || count > row->most) {
		(void)buf_printf(&ctl->why, "%s takes %s", row->name,
		    row->most == 0    ? "no argument"
		    : row->least == 0 ? "one argument at most"
				      : "one argument");
		return CTL_USAGE;
	}
	text = ctl->words[ctl->count - 1];
	if (row->kind == NUMBER &&
	    (text[0] == '\0' || strspn(text, "0123456789") < strlen(text))) {
		(void)buf_printf(&ctl->why, "%s %.40s: not a number", row->name,
		    text);
		return CTL_USAGE;
	}
	return CTL_OK;
}

int
ctl_check_words(struct ctl *ctl)
{
	const char *word = ctl->words[0];
	size_t i;

	if (ctl_is_store(word))
		return CTL_OK;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, word) == 0)
			return check_arguments(&rows[i], ctl);
	}
	(void)buf_printf(&ctl->why, "there is no command %.40s", word);
	put_nearest(word, &ctl->why);
	return CTL_USAGE;
}
