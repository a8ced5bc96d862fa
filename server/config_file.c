/* SPDX-License-Identifier: MIT */

/*
 * The config file: lines of `name = literal`, the part of Python in which a
 * gunicorn.conf.py without code is written. Texts that stand alone (the
 * docstring) are comments.
 *
 * FAILURE  The first mistake ends the load, with file, line and, for what is
 *          not well formed, column.
 */
#include "server/config_int.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"
#include "server/base/fd.h"

/* Lines on which rows and compat rows were set; 0: not yet. */
struct seen {
	unsigned *rows;
	unsigned *compats;
};

static const char *const keywords[] = { "import", "from", "def", "class", "if",
	"elif", "else", "for", "while", "with", "try", "except", "finally",
	"async", "await", "del", "return", "pass", "global", "assert", "raise",
	"lambda", "yield", "not", "match", "print", "exec", NULL };

static bool
is_keyword(const char *name)
{
	size_t i;

	for (i = 0; keywords[i] != NULL; i++) {
		if (strcmp(name, keywords[i]) == 0)
			return true;
	}
	return false;
}

/* A line that starts with a keyword is code, whatever follows. */
static int
refuse_statement(struct literal_source *source, size_t at, const char *name)
{
	const char *advice = "write name = value with the value itself";

	if (strcmp(name, "import") == 0 || strcmp(name, "from") == 0)
		advice = "write the values themselves; workers = \"auto\" "
			 "makes one worker per CPU";
	else if (strcmp(name, "def") == 0 || strcmp(name, "async") == 0)
		advice = "hooks are Python functions and have no place here";
	return literal_fail_code(source, at, advice);
}

/* "workers: int = 4": the type says nothing that the table does not know. */
static void
skip_annotation(struct literal_source *source)
{
	int c = ':';

	while (c != 0 && (isalnum(c) || strchr(":_.[], |\"'\t", c) != NULL)) {
		source->at++;
		c = literal_peek(source, 0);
	}
}

/* Steps over "=" or says what stands there instead. */
static int
parse_equals(struct literal_source *source, size_t start, const char *name)
{
	int c;

	literal_skip(source, false);
	if (literal_peek(source, 0) == ':')
		skip_annotation(source);
	c = literal_peek(source, 0);
	if (c == '=' && literal_peek(source, 1) != '=') {
		source->at++;
		literal_skip(source, false);
		return 0;
	}
	if (c == 0 || c == '\n' || c == '#')
		return literal_fail(source, start, ERR_SYNTAX,
		    "'= value' is missing after %s", name);
	if (strchr("([.:+-*/%@&|^<>=!,", c) != NULL)
		return literal_fail_code(source, start,
		    "write name = value with the value itself");
	return literal_fail(source, source->at, ERR_SYNTAX,
	    "'=' must follow %s", name);
}

static int
parse_end_of_line(struct literal_source *source)
{
	int c;

	literal_skip(source, false);
	c = literal_peek(source, 0);
	if (c == '#') {
		while (
		    literal_peek(source, 0) != '\n' && source->at < source->len)
			source->at++;
		return 0;
	}
	if (c == 0 || c == '\n')
		return 0;
	if (c == ';')
		return literal_fail(source, source->at, ERR_SYNTAX,
		    "one setting a line; ';' is not read");
	if (c == '=')
		return literal_fail_code(source, source->at,
		    "one name a value");
	return literal_fail(source, source->at, ERR_SYNTAX,
	    "'%c' is out of place behind the value", isprint(c) ? c : '?');
}

static bool
has_upper(const char *name)
{
	for (; *name != '\0'; name++) {
		if (isupper((unsigned char)*name))
			return true;
	}
	return false;
}

static int
refuse_unknown(const char *shown, unsigned line, const char *name,
    struct buf *why)
{
	char lower[CONFIG_NAME_MAX + 1];
	size_t i;

	for (i = 0; i < CONFIG_NAME_MAX && name[i] != '\0'; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	lower[i] = '\0';
	(void)buf_printf(why, "%s:%u: %.*s: ", shown, line, CONFIG_NAME_MAX,
	    name);
	if (has_upper(name) && (config_row_find(lower) != NULL ||
				   config_compat_find(lower) != NULL)) {
		(void)buf_printf(why,
		    "settings are written in lower case here: %s", lower);
		return ERR_UNKNOWN;
	}
	(void)buf_puts(why, "no such setting");
	config_put_nearest(name, why);
	return ERR_UNKNOWN;
}

/* A name may stand once in a file; remembers the line. */
static int
check_once(unsigned *line_seen, const char *origin, const char *name,
    unsigned line, struct buf *why)
{
	if (*line_seen != 0) {
		(void)buf_printf(why, "%s: %s: already set on line %u", origin,
		    name, *line_seen);
		return ERR_SYNTAX;
	}
	*line_seen = line;
	return 0;
}

static int
set_setting(struct config *config, const struct literal_source *source,
    const struct seen *seen, unsigned line, const char *name,
    const struct literal *value)
{
	const struct config_row *row = config_row_find(name);
	const struct config_compat *compat;
	struct buf origin = BUF_EMPTY;
	const char *place;
	int rc = 0;

	(void)buf_printf(&origin, "%s:%u", source->name, line);
	place = buf_cstr(&origin);
	compat = row == NULL ? config_compat_find(name) : NULL;
	if (place == NULL) {
		rc = -ENOMEM;
	} else if (row == NULL && compat == NULL) {
		rc = refuse_unknown(source->name, line, name, source->why);
	} else if (compat != NULL) {
		rc = check_once(&seen->compats[compat - config_compats], place,
		    name, line, source->why);
		if (rc == 0)
			rc = config_compat_apply(config, compat, place, value,
			    NULL, &row, source->why);
	}
	if (rc == 0 && row != NULL)
		rc = check_once(&seen->rows[row - config_rows], place,
		    row->name, line, source->why);
	if (rc == 0 && row != NULL)
		rc = config_set_literal(config, row, value, place, source->why);
	buf_free(&origin);
	return rc;
}

/* One line that is neither blank nor a comment. */
static int
parse_statement(struct config *config, struct literal_source *source,
    const struct seen *seen)
{
	size_t start = source->at;
	unsigned line = source->line;
	size_t len = literal_word(source);
	struct literal *value = NULL;
	char *name;
	int rc;

	if (literal_at_text(source)) {
		rc = literal_parse(source, &value);
		return rc < 0 ? rc : parse_end_of_line(source);
	}
	if (len == 0)
		return literal_fail(source, start, ERR_SYNTAX,
		    "a line starts with the name of a setting");
	name = arena_strndup(source->arena, source->text + start, len);
	if (name == NULL)
		return -ENOMEM;
	if (is_keyword(name))
		return refuse_statement(source, start, name);
	source->at += len;
	rc = parse_equals(source, start, name);
	if (rc == 0)
		rc = literal_parse(source, &value);
	if (rc == ERR_RANGE)
		(void)buf_printf(source->why, " for %s", name);
	if (rc == 0)
		rc = parse_end_of_line(source);
	if (rc < 0)
		return rc;
	return set_setting(config, source, seen, line, name, value);
}

static int
parse_all(struct config *config, struct literal_source *source,
    const struct seen *seen)
{
	size_t start;
	int rc;

	rc = literal_source_check(source);
	while (rc == 0) {
		literal_skip(source, true);
		if (source->at == source->len)
			return 0;
		start = source->at;
		if (start > 0 && source->text[start - 1] != '\n' &&
		    !(start == 3 && source->text[0] == '\xEF'))
			return literal_fail(source, start, ERR_SYNTAX,
			    "the line is indented");
		rc = parse_statement(config, source, seen);
		arena_reset(source->arena);
	}
	return rc;
}

int
config_file_parse(struct config *config, const char *shown, const char *text,
    size_t len, struct buf *why)
{
	struct arena arena;
	struct seen seen = { 0 };
	struct literal_source source = {
		.name = shown,
		.text = text,
		.len = len,
		.arena = &arena,
		.why = why,
	};
	int rc;

	arena_init(&arena, CONFIG_MEMORY_MAX);
	seen.rows = calloc(config_row_count, sizeof(*seen.rows));
	seen.compats = calloc(config_compat_count, sizeof(*seen.compats));
	if (seen.rows == NULL || seen.compats == NULL)
		rc = -ENOMEM;
	else
		rc = parse_all(config, &source, &seen);
	if (rc < 0 && why->len == 0)
		(void)buf_printf(why, "%s: %s", shown, err_str(rc));
	free(seen.rows);
	free(seen.compats);
	arena_free(&arena);
	return rc;
}

int
config_file_read(struct config *config, const char *path, const char *shown,
    struct buf *why)
{
	char *text = NULL;
	size_t len = 0;
	int rc;

	rc = fd_read_file(path, CONFIG_FILE_MAX, &text, &len);
	if (rc == -ENOENT)
		return rc;
	if (rc == ERR_TOO_BIG)
		(void)buf_printf(why, "%s: a config file is at most 1 MiB long",
		    shown);
	else if (rc == -EINVAL)
		(void)buf_printf(why, "%s: not a regular file", shown);
	else if (rc < 0)
		(void)buf_printf(why, "%s: %s", shown, err_str(rc));
	if (rc == 0)
		rc = config_file_parse(config, shown, text, len, why);
	free(text);
	return rc;
}
