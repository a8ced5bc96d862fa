/* SPDX-License-Identifier: MIT */

/*
 * From text or literal to value, one function per type; the way back is in
 * config_value_print.c. Defaults go through the same code as what a user
 * types, so one test proves that each lies inside its own bounds.
 *
 * FAILURE  A refusal says what is allowed, never only that it is wrong.
 */
#include "server/config_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "server/base/err.h"
#include "server/base/log.h"
#include "server/config_int.h"
#include "server/cpus.h"
#include "worker/utf8.h"

struct suffix {
	const char *text;
	double factor;
};

static const struct suffix seconds_suffixes[] = { { "ms", 0.001 }, { "s", 1 },
	{ "m", 60 }, { "h", 3600 }, { NULL, 0 } };
static const struct suffix bytes_suffixes[] = { { "KiB", 1024 }, { "k", 1024 },
	{ "K", 1024 }, { "MiB", 1048576 }, { "M", 1048576 },
	{ "GiB", 1073741824 }, { "G", 1073741824 }, { NULL, 0 } };

/* "must be <bounds>", with what is wrong in front when that is not plain. */
static int
refuse(const struct config_row *row, int rc, const char *what, struct buf *why)
{
	if (what != NULL)
		(void)buf_printf(why, "%s; ", what);
	(void)buf_puts(why, "must be ");
	config_value_print_bounds(row, why);
	return rc;
}

static int
set_number(const struct config_row *row, double number, int64_t whole,
    void *field, struct buf *why)
{
	if (number < row->min || number > row->max)
		return refuse(row, ERR_RANGE, NULL, why);
	switch (row->type) {
	case OPT_SECONDS:
		*(double *)field = number;
		break;
	case OPT_WORKERS:
		*(int *)field = (int)whole;
		break;
	default:
		*(int64_t *)field = whole;
		break;
	}
	return 0;
}

/* Cut off a suffix of the table; *factor is 1 without one. */
static size_t
without_suffix(const char *text, size_t len, const struct suffix *table,
    double *factor)
{
	size_t size;

	*factor = 1;
	for (; table->text != NULL; table++) {
		size = strlen(table->text);
		if (len > size &&
		    memcmp(text + len - size, table->text, size) == 0) {
			*factor = table->factor;
			len -= size;
			break;
		}
	}
	while (len > 0 && text[len - 1] == ' ')
		len--;
	return len;
}

static int
seconds_from_text(const struct config_row *row, const char *text, void *field,
    struct buf *why)
{
	double factor;
	double number = 0;
	int64_t whole = 0;
	size_t len;
	int rc;

	len = without_suffix(text, strlen(text), seconds_suffixes, &factor);
	rc = literal_int(text, len, &whole);
	number = (double)whole;
	if (rc == ERR_SYNTAX)
		rc = literal_float(text, len, &number);
	if (rc == ERR_SYNTAX)
		return refuse(row, rc,
		    "not a duration such as 1.5, 250ms, 90s, 15m or 2h", why);
	if (rc < 0)
		return refuse(row, rc, NULL, why);
	/* 250 / 1000 is the number people write as 0.25; 250 * 0.001 not. */
	number = factor < 1 ? number / 1000 : number * factor;
	return set_number(row, number, 0, field, why);
}

static int
bytes_from_text(const struct config_row *row, const char *text, void *field,
    struct buf *why)
{
	double factor;
	int64_t whole = 0;
	size_t len;
	int rc;

	len = without_suffix(text, strlen(text), bytes_suffixes, &factor);
	rc = literal_int(text, len, &whole);
	if (rc == ERR_SYNTAX)
		return refuse(row, rc,
		    "not a number of bytes such as 4096, 8KiB, 2MiB or 1GiB",
		    why);
	/* Out of bounds before it is out of int64_t. */
	if (rc < 0 || (double)whole * factor > 9e18 ||
	    (double)whole * factor < -9e18)
		return refuse(row, ERR_RANGE, NULL, why);
	whole *= (int64_t)factor;
	return set_number(row, (double)whole, whole, field, why);
}

static int
whole_from_text(const struct config_row *row, const char *text, void *field,
    struct buf *why)
{
	int64_t whole = 0;
	int rc;

	if (row->type == OPT_WORKERS && strcmp(text, "auto") == 0) {
		whole = cpus_usable();
		if ((double)whole > row->max)
			whole = (int64_t)row->max;
		return set_number(row, (double)whole, whole, field, why);
	}
	rc = literal_int(text, strlen(text), &whole);
	if (rc == ERR_SYNTAX)
		return refuse(row, rc, "not a whole number", why);
	if (rc < 0)
		return refuse(row, rc, NULL, why);
	return set_number(row, (double)whole, whole, field, why);
}

/* As chmod reads them: digits are octal, with or without 0o in front. */
static int
mode_from_text(const struct config_row *row, const char *text, void *field,
    struct buf *why)
{
	size_t skip = strncasecmp(text, "0o", 2) == 0 ? 2 : 0;
	int64_t mode = 0;
	size_t i;

	for (i = skip; text[i] >= '0' && text[i] <= '7' && mode < 07777; i++)
		mode = mode * 8 + (text[i] - '0');
	if (i == skip || text[i] != '\0')
		return refuse(row, ERR_SYNTAX, "not octal digits", why);
	return set_number(row, (double)mode, mode, field, why);
}

static int
level_from_text(const struct config_row *row, const char *text, void *field,
    struct buf *why)
{
	int level = log_level_parse(text);

	if (level < 0)
		return refuse(row, ERR_SYNTAX, NULL, why);
	*(int *)field = level;
	return 0;
}

static int
bool_from_text(const struct config_row *row, const char *text, void *field,
    struct buf *why)
{
	if (strcasecmp(text, "true") == 0)
		*(bool *)field = true;
	else if (strcasecmp(text, "false") == 0)
		*(bool *)field = false;
	else
		return refuse(row, ERR_SYNTAX, NULL, why);
	return 0;
}

static int
check_text(const char *text, size_t len, struct buf *why)
{
	const char *end = text + len;
	size_t step;

	for (; text < end; text += step) {
		step = utf8_char_len(text, end);
		if (step == 0) {
			(void)buf_puts(why, "not UTF-8");
			return ERR_SYNTAX;
		}
		if (iscntrl((unsigned char)*text)) {
			(void)buf_puts(why, "holds a control character");
			return ERR_SYNTAX;
		}
	}
	return 0;
}

static int
text_from_text(const struct config_row *row, const char *text,
    struct arena *arena, void *field, struct buf *why)
{
	size_t len = strlen(text);
	const char *copy;
	int rc = check_text(text, len, why);

	if (rc < 0)
		return rc;
	if ((double)len < row->min || (double)len > row->max ||
	    (config_words_of(row) != NULL &&
		!config_has_word(config_words_of(row), text)))
		return refuse(row, ERR_RANGE, NULL, why);
	copy = arena_strndup(arena, text, len);
	if (copy == NULL)
		return -ENOMEM;
	*(const char **)field = copy;
	return 0;
}

/* Items of a list while they are gathered. */
struct items {
	const char **items;
	size_t count;
	size_t room;
};

static int
add_item(struct items *items, const char *text, size_t len, struct arena *arena,
    struct buf *why)
{
	size_t room = items->room == 0 ? 8 : items->room * 2;
	const char **bigger;
	int rc = check_text(text, len, why);

	if (rc < 0)
		return rc;
	if (items->count == items->room) {
		bigger = arena_calloc(arena, room, sizeof(*bigger));
		if (bigger == NULL)
			return -ENOMEM;
		if (items->count > 0)
			memcpy(bigger, items->items,
			    items->count * sizeof(*bigger));
		items->items = bigger;
		items->room = room;
	}
	items->items[items->count] = arena_strndup(arena, text, len);
	if (items->items[items->count] == NULL)
		return -ENOMEM;
	items->count++;
	return 0;
}

/* "a, b" is two items, as gunicorn splits it. */
static int
add_items(struct items *items, const char *text, struct arena *arena,
    struct buf *why)
{
	size_t len;
	int rc = 0;

	while (rc == 0 && *text != '\0') {
		size_t size = strcspn(text, ",");

		for (len = size; len > 0 && text[len - 1] == ' '; len--)
			continue;
		while (len > 0 && *text == ' ') {
			text++;
			len--;
			size--;
		}
		if (len > 0)
			rc = add_item(items, text, len, arena, why);
		text += size;
		text += *text == ',';
	}
	return rc;
}

static int
set_list(const struct config_row *row, const struct items *items, void *field,
    struct buf *why)
{
	struct opt_list *list = field;

	if ((double)items->count < row->min || (double)items->count > row->max)
		return refuse(row, ERR_RANGE, NULL, why);
	list->items = items->items;
	list->count = items->count;
	return 0;
}

static int
list_from_texts(const struct config_row *row, const char *const *texts,
    size_t count, struct arena *arena, void *field, struct buf *why)
{
	struct items items = { 0 };
	size_t i;
	int rc = 0;

	for (i = 0; i < count && rc == 0; i++)
		rc = add_items(&items, texts[i], arena, why);
	return rc < 0 ? rc : set_list(row, &items, field, why);
}

static int
list_from_literal(const struct config_row *row, const struct literal *value,
    struct arena *arena, void *field, struct buf *why)
{
	struct items items = { 0 };
	const struct literal *item;
	int rc;

	for (item = value->first; item != NULL; item = item->next) {
		if (item->kind != LITERAL_TEXT)
			return refuse(row, ERR_SYNTAX,
			    "every item is a text in quotes", why);
		rc = add_item(&items, item->text, strlen(item->text), arena,
		    why);
		if (rc < 0)
			return rc;
	}
	return set_list(row, &items, field, why);
}

/* {"NAME": "VALUE"} is the item "NAME: VALUE". */
static int
list_from_dict(const struct config_row *row, const struct literal *value,
    struct arena *arena, void *field, struct buf *why)
{
	struct items items = { 0 };
	struct buf text = BUF_EMPTY;
	const struct literal *item;
	int rc = 0;

	for (item = value->first; item != NULL && rc == 0;
	     item = item->next->next) {
		if (item->kind != LITERAL_TEXT || item->next == NULL ||
		    item->next->kind != LITERAL_TEXT) {
			buf_free(&text);
			return refuse(row, ERR_SYNTAX,
			    "names and values are texts in quotes", why);
		}
		buf_clear(&text);
		rc = buf_printf(&text, "%s: %s", item->text, item->next->text);
		if (rc == 0)
			rc = add_item(&items, text.data, text.len, arena, why);
	}
	buf_free(&text);
	return rc < 0 ? rc : set_list(row, &items, field, why);
}

int
config_value_from_texts(const struct config_row *row, const char *const *texts,
    size_t count, struct arena *arena, void *field, struct buf *why)
{
	const char *text = texts[count - 1];

	switch (row->type) {
	case OPT_TEXT:
	case OPT_PATH:
		return text_from_text(row, text, arena, field, why);
	case OPT_LIST:
		return list_from_texts(row, texts, count, arena, field, why);
	case OPT_BOOL:
		return bool_from_text(row, text, field, why);
	case OPT_SECONDS:
		return seconds_from_text(row, text, field, why);
	case OPT_BYTES:
		return bytes_from_text(row, text, field, why);
	case OPT_LEVEL:
		return level_from_text(row, text, field, why);
	case OPT_MODE:
		return mode_from_text(row, text, field, why);
	case OPT_INT:
	case OPT_WORKERS:
		break;
	}
	return whole_from_text(row, text, field, why);
}

static bool
is_texts(enum opt_type type)
{
	return type == OPT_TEXT || type == OPT_PATH || type == OPT_LIST;
}

/* A user or group is a name or a number. */
static bool
is_identity(const struct config_row *row)
{
	return strcmp(row->name, "user") == 0 ||
	       strcmp(row->name, "group") == 0;
}

static int
number_to_name(const struct config_row *row, int64_t number,
    struct arena *arena, void *field, struct buf *why)
{
	char text[24];
	const char *name = text;

	(void)snprintf(text, sizeof(text), "%lld", (long long)number);
	return config_value_from_texts(row, &name, 1, arena, field, why);
}

static int
none_to_value(const struct config_row *row, struct arena *arena, void *field,
    struct buf *why)
{
	const char *text = row->default_text;

	/* gunicorn's own default of its sendfile. */
	if (row->type == OPT_BOOL)
		return config_value_from_texts(row, &text, 1, arena, field,
		    why);
	if (!is_texts(row->type))
		return refuse(row, ERR_SYNTAX, "None is not a value here", why);
	if (row->type != OPT_LIST && row->min <= 0)
		text = "";
	return config_value_from_texts(row, &text, 1, arena, field, why);
}

int
config_value_from_literal(const struct config_row *row,
    const struct literal *value, struct arena *arena, void *field,
    struct buf *why)
{
	const char *text;

	switch (value->kind) {
	case LITERAL_NONE:
		return none_to_value(row, arena, field, why);
	case LITERAL_TEXT:
		text = value->text;
		return config_value_from_texts(row, &text, 1, arena, field,
		    why);
	case LITERAL_BOOL:
		/* A switch of older versions that has become a choice. */
		if (row->type == OPT_TEXT &&
		    strcmp(row->default_text, "off") == 0) {
			text = value->truth ? "True" : "False";
			return config_value_from_texts(row, &text, 1, arena,
			    field, why);
		}
		if (row->type != OPT_BOOL)
			break;
		*(bool *)field = value->truth;
		return 0;
	case LITERAL_INT:
		if (is_identity(row))
			return number_to_name(row, value->integer, arena, field,
			    why);
		if (is_texts(row->type) || row->type == OPT_BOOL ||
		    row->type == OPT_LEVEL)
			break;
		return set_number(row, (double)value->integer, value->integer,
		    field, why);
	case LITERAL_FLOAT:
		if (row->type != OPT_SECONDS)
			break;
		return set_number(row, value->number, 0, field, why);
	case LITERAL_LIST:
		if (row->type != OPT_LIST)
			break;
		return list_from_literal(row, value, arena, field, why);
	case LITERAL_DICT:
		/* Only where items have the form NAME: VALUE. */
		if (row->type != OPT_LIST ||
		    strstr(row->default_text, ": ") == NULL)
			break;
		return list_from_dict(row, value, arena, field, why);
	}
	return refuse(row, ERR_SYNTAX,
	    is_texts(row->type)            ? "not a text in quotes"
	    : value->kind == LITERAL_FLOAT ? "not a whole number"
	    : value->kind == LITERAL_LIST  ? "a list is not a value here"
	    : value->kind == LITERAL_DICT  ? "a dict is not a value here"
					   : NULL,
	    why);
}
