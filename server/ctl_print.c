/* SPDX-License-Identifier: MIT */

/*
 * Answers for people: a list of objects becomes a table, what else is in the
 * answer a line each. Control characters never reach the terminal.
 */
#include "server/ctl_int.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#define COLUMNS_MAX 32
#define GAP 2

static void
put_plain(const char *text, struct buf *out)
{
	for (; *text != '\0'; text++)
		(void)buf_putc(out,
		    iscntrl((unsigned char)*text) && *text != '\n' ? '?'
								   : *text);
}

static void
put_value(const cJSON *value, struct buf *out)
{
	const cJSON *item;

	if (cJSON_IsString(value))
		put_plain(value->valuestring[0] != '\0' ? value->valuestring
							: "-",
		    out);
	else if (cJSON_IsNumber(value))
		(void)buf_printf(out,
		    fabs(value->valuedouble - floor(value->valuedouble)) > 0
			? "%.3f"
			: "%.0f",
		    value->valuedouble);
	else if (cJSON_IsBool(value))
		(void)buf_puts(out, cJSON_IsTrue(value) ? "yes" : "no");
	else if (cJSON_IsArray(value))
		cJSON_ArrayForEach(item, value)
		{
			put_value(item, out);
			if (item->next != NULL)
				(void)buf_puts(out, ", ");
		}
	else
		(void)buf_putc(out, '-');
}

static size_t
width_of(const cJSON *value)
{
	struct buf text = BUF_EMPTY;
	size_t width;

	put_value(value, &text);
	width = text.len;
	buf_free(&text);
	return width;
}

static void
pad(size_t used, size_t width, bool last, struct buf *out)
{
	while (!last && used++ < width + GAP)
		(void)buf_putc(out, ' ');
}

static void
put_row(const cJSON *row, const size_t *widths, bool names, struct buf *out)
{
	const cJSON *cell;
	size_t column = 0;
	size_t start;

	cJSON_ArrayForEach(cell, row)
	{
		if (column == COLUMNS_MAX)
			break;
		start = out->len;
		if (names)
			(void)buf_puts(out, cell->string);
		else
			put_value(cell, out);
		pad(out->len - start, widths[column++], cell->next == NULL,
		    out);
	}
	(void)buf_putc(out, '\n');
}

static void
put_table(const cJSON *list, struct buf *out)
{
	size_t widths[COLUMNS_MAX] = { 0 };
	const cJSON *row;
	const cJSON *cell;
	size_t column;
	size_t width;

	cJSON_ArrayForEach(row, list)
	{
		column = 0;
		cJSON_ArrayForEach(cell, row)
		{
			if (column == COLUMNS_MAX)
				break;
			width = width_of(cell);
			if (strlen(cell->string) > width)
				width = strlen(cell->string);
			if (width > widths[column])
				widths[column] = width;
			column++;
		}
	}
	put_row(list->child, widths, true, out);
	cJSON_ArrayForEach(row, list)
	{
		put_row(row, widths, false, out);
	}
}

void
ctl_print(const cJSON *answer, struct buf *out)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, answer)
	{
		if (strcmp(item->string, "ok") == 0)
			continue;
		if (cJSON_IsArray(item) && cJSON_IsObject(item->child)) {
			put_table(item, out);
		} else if (cJSON_IsArray(item) && item->child == NULL) {
			(void)buf_printf(out, "no %s\n", item->string);
		} else {
			(void)buf_printf(out, "%-20s ", item->string);
			put_value(item, out);
			(void)buf_putc(out, '\n');
		}
	}
}
