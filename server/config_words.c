/* SPDX-License-Identifier: MIT */

/*
 * A line to words, as a POSIX shell splits it without expanding anything:
 * '...' takes everything, in "..." a backslash frees " and \ only, elsewhere
 * it frees any character.
 */
#include "server/config_int.h"

#include <errno.h>
#include <string.h>

#include "server/base/err.h"

struct split {
	const char *line;
	const char *at;
	struct buf *word;
	struct buf *why;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* From a quote to the one that closes it. */
static int
take_quoted(struct split *split)
{
	const char *open = split->at;
	char quote = *split->at++;
	int rc = 0;

	while (rc == 0 && *split->at != quote) {
		if (*split->at == '\0') {
			(void)buf_printf(split->why,
			    "the quote %c at character %zu is not closed",
			    quote, (size_t)(open - split->line) + 1);
			return ERR_SYNTAX;
		}
		if (quote == '"' && *split->at == '\\' &&
		    (split->at[1] == '"' || split->at[1] == '\\'))
			split->at++;
		rc = buf_putc(split->word, *split->at++);
	}
	split->at++;
	return rc;
}

static int
take_word(struct split *split)
{
	int rc = 0;

	buf_clear(split->word);
	while (rc == 0 && *split->at != '\0' && !is_blank(*split->at)) {
		if (*split->at == '\'' || *split->at == '"') {
			rc = take_quoted(split);
			continue;
		}
		if (*split->at == '\\' && *++split->at == '\0') {
			(void)buf_puts(split->why,
			    "nothing follows the backslash at the end");
			return ERR_SYNTAX;
		}
		rc = buf_putc(split->word, *split->at++);
	}
	return rc;
}

int
config_split_words(const char *line, struct arena *arena,
    const char *const **words, size_t *count, struct buf *why)
{
	struct buf word = BUF_EMPTY;
	struct split split = {
		.line = line,
		.at = line,
		.word = &word,
		.why = why,
	};
	const char **list;
	int rc = 0;

	*count = 0;
	/* Every second byte at most ends a word. */
	list = arena_calloc(arena, strlen(line) / 2 + 2, sizeof(*list));
	*words = list;
	if (list == NULL)
		return -ENOMEM;
	for (;;) {
		while (is_blank(*split.at))
			split.at++;
		if (*split.at == '\0')
			break;
		rc = take_word(&split);
		if (rc < 0)
			break;
		list[*count] = arena_strndup(arena,
		    word.data != NULL ? word.data : "", word.len);
		if (list[*count] == NULL) {
			rc = -ENOMEM;
			break;
		}
		++*count;
	}
	buf_free(&word);
	return rc;
}
