/* SPDX-License-Identifier: MIT */

/*
 * From value to text: as it would stand in the file, and in messages.
 *
 * INVARIANT  What config_value_print() writes, config_value_from_literal()
 *            reads back as the same value.
 */
#include "server/config_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"

static void
print_seconds(double number, struct buf *out)
{
	char text[40];
	int digits;

	for (digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, number);
		if (strtod(text, NULL) >= number &&
		    strtod(text, NULL) <= number)
			break;
	}
	(void)buf_puts(out, text);
}

/* Bare text: 8MiB, 4094. */
static void
print_bytes(int64_t number, struct buf *out)
{
	static const char *const units[] = { "", "KiB", "MiB", "GiB" };
	size_t unit = 0;

	while (number != 0 && number % 1024 == 0 && unit < 3) {
		number /= 1024;
		unit++;
	}
	(void)buf_printf(out, "%lld%s", (long long)number, units[unit]);
}

static void
print_mode(int64_t mode, struct buf *out)
{
	(void)buf_printf(out, "0o%llo", (unsigned long long)mode);
}

static void
print_list(const struct opt_list *list, struct buf *out)
{
	size_t i;

	(void)buf_putc(out, '[');
	for (i = 0; i < list->count; i++) {
		(void)buf_puts(out, i > 0 ? ", " : "");
		literal_print_text(list->items[i], out);
	}
	(void)buf_putc(out, ']');
}

void
config_value_print(const struct config_row *row, const void *field,
    struct buf *out)
{
	int64_t number;

	switch (row->type) {
	case OPT_TEXT:
	case OPT_PATH:
		literal_print_text(*(const char *const *)field, out);
		break;
	case OPT_INT:
		number = *(const int64_t *)field;
		(void)buf_printf(out, "%lld", (long long)number);
		break;
	case OPT_BOOL:
		(void)buf_puts(out, *(const bool *)field ? "True" : "False");
		break;
	case OPT_SECONDS:
		print_seconds(*(const double *)field, out);
		break;
	case OPT_BYTES:
		number = *(const int64_t *)field;
		if (number == 0 || number % 1024 != 0) {
			(void)buf_printf(out, "%lld", (long long)number);
			break;
		}
		(void)buf_putc(out, '"');
		print_bytes(number, out);
		(void)buf_putc(out, '"');
		break;
	case OPT_LEVEL:
		(void)buf_printf(out, "\"%s\"",
		    log_level_name(*(const int *)field));
		break;
	case OPT_WORKERS:
		(void)buf_printf(out, "%d", *(const int *)field);
		break;
	case OPT_MODE:
		print_mode(*(const int64_t *)field, out);
		break;
	case OPT_LIST:
		print_list(field, out);
		break;
	}
}

void
config_value_print_default(const struct config_row *row, struct buf *out)
{
	union {
		const char *text;
		int64_t whole;
		double number;
		int level;
		bool truth;
		struct opt_list list;
	} field = { 0 };
	struct arena arena;
	struct buf why = BUF_EMPTY;

	if (row->type == OPT_WORKERS &&
	    strcmp(row->default_text, "auto") == 0) {
		(void)buf_puts(out, "\"auto\"");
		return;
	}
	arena_init(&arena, 0);
	if (config_value_from_texts(row, &row->default_text, 1, &arena, &field,
		&why) == 0)
		config_value_print(row, &field, out);
	buf_free(&why);
	arena_free(&arena);
}

const char *
config_words_of(const struct config_row *row)
{
	static const struct {
		const char *name;
		const char *words;
	} rows[] = {
		{ "header_map", "drop refuse dangerous" },
		{ "reload_engine", "auto inotify poll" },
		{ "reload_strategy", "all rolling" },
		{ "tls_min_version", "1.2 1.3" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, row->name) == 0)
			return rows[i].words;
	}
	return NULL;
}

static void
print_range(const struct config_row *row, const char *unit, struct buf *out)
{
	print_seconds(row->min, out);
	(void)buf_puts(out, "..");
	print_seconds(row->max, out);
	(void)buf_puts(out, unit);
}

void
config_value_print_bounds(const struct config_row *row, struct buf *out)
{
	switch (row->type) {
	case OPT_TEXT:
	case OPT_PATH:
		if (config_words_of(row) != NULL)
			(void)buf_printf(out, "one of: %s",
			    config_words_of(row));
		else
			print_range(row, " bytes long", out);
		break;
	case OPT_INT:
		print_range(row, "", out);
		break;
	case OPT_BOOL:
		(void)buf_puts(out, "True or False");
		break;
	case OPT_SECONDS:
		print_range(row, " seconds", out);
		break;
	case OPT_BYTES:
		print_bytes((int64_t)row->min, out);
		(void)buf_puts(out, "..");
		print_bytes((int64_t)row->max, out);
		break;
	case OPT_LEVEL:
		(void)buf_puts(out, "debug, info, warning, error or critical");
		break;
	case OPT_WORKERS:
		print_range(row, " or auto", out);
		break;
	case OPT_MODE:
		print_mode((int64_t)row->min, out);
		(void)buf_puts(out, "..");
		print_mode((int64_t)row->max, out);
		break;
	case OPT_LIST:
		print_range(row, " items", out);
		break;
	}
}

static int
copy_list(const struct opt_list *from, struct arena *arena, struct opt_list *to)
{
	const char **items =
	    arena_calloc(arena, from->count + 1, sizeof(*items));
	size_t i;

	if (items == NULL)
		return -ENOMEM;
	for (i = 0; i < from->count; i++) {
		items[i] = arena_strndup(arena, from->items[i],
		    strlen(from->items[i]));
		if (items[i] == NULL)
			return -ENOMEM;
	}
	to->items = items;
	to->count = from->count;
	return 0;
}

int
config_value_copy(const struct config_row *row, const void *from,
    struct arena *arena, void *to)
{
	const char *text;

	switch (row->type) {
	case OPT_TEXT:
	case OPT_PATH:
		text = *(const char *const *)from;
		text = arena_strndup(arena, text, strlen(text));
		if (text == NULL)
			return -ENOMEM;
		*(const char **)to = text;
		break;
	case OPT_LIST:
		return copy_list(from, arena, to);
	case OPT_INT:
	case OPT_BYTES:
	case OPT_MODE:
		*(int64_t *)to = *(const int64_t *)from;
		break;
	case OPT_BOOL:
		*(bool *)to = *(const bool *)from;
		break;
	case OPT_SECONDS:
		*(double *)to = *(const double *)from;
		break;
	case OPT_LEVEL:
	case OPT_WORKERS:
		*(int *)to = *(const int *)from;
		break;
	}
	return 0;
}

bool
config_value_equal(const struct config_row *row, const void *a, const void *b)
{
	struct buf x = BUF_EMPTY;
	struct buf y = BUF_EMPTY;
	bool equal;

	/* The printed form reads back as the same value, so it decides. */
	config_value_print(row, a, &x);
	config_value_print(row, b, &y);
	equal = buf_ok(&x) && buf_ok(&y) && x.len == y.len &&
		memcmp(x.data, y.data, x.len) == 0;
	buf_free(&x);
	buf_free(&y);
	return equal;
}
