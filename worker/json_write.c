/* SPDX-License-Identifier: MIT */

/*
 * Values to JSON. See json_write.h for the rules.
 *
 * A broken answer with status 200 would leave the browser waiting for ever,
 * so nothing is written that is not valid: texts are checked for UTF-8, and
 * numbers without a JSON form become null, as plotly expects.
 *
 * THREADS  Any; no state.
 */
#include "worker/json_write.h"

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"
#include "worker/base64.h"
#include "worker/component.h"
#include "worker/utf8.h"

#define DEPTH_MAX 200
#define NUMBER_TEXT 40 /* bytes: -1.7976931348623157e+308 and room */

#define SAFE_MAX (INT64_C(1) << 53)

/* Where it goes. */
struct sink {
	struct buf *out;
	bool page;   /* to a browser's page, not to any client */
	bool figure; /* in a figure: plotly reads typed arrays */
	const char **why;
	bool name;      /* it is a name that is none */
	char path[160]; /* after a failure: where in the value */
};

static int write_value(const struct value *value, struct sink *to,
    unsigned depth);

/* On the way out of a text that is none: it was in this member, or item. */
static int
put_place(struct sink *to, const char *member, size_t index)
{
	char path[sizeof(to->path)];
	char part[sizeof(to->path)];

	if (member != NULL)
		(void)snprintf(part, sizeof(part), ".%s", member);
	else
		(void)snprintf(part, sizeof(part), "[%zu]", index);
	(void)snprintf(path, sizeof(path), "%s", to->path);
	(void)snprintf(to->path, sizeof(to->path), "%.80s%.79s", part, path);
	return ERR_SYNTAX;
}

static int
bad_name(int rc, struct sink *to)
{
	to->name = true;
	return rc;
}

/* Bytes that cannot stand in a JSON text inside HTML as they are. */
static int
escape_byte(unsigned char c, struct buf *out)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	const char *s;

	for (s = shorts; *s != '\0'; s += 2) {
		if ((unsigned char)s[0] == c) {
			char pair[2] = { '\\', s[1] };

			return buf_put(out, pair, 2);
		}
	}
	return buf_printf(out, "\\u%04x", c);
}

static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<' &&
	       c != '>' && c != '&';
}

/* U+2028 and U+2029 end a line in old JavaScript: escape them. */
static int
write_multibyte(const char *at, size_t len, struct buf *out)
{
	if (len == 3 && memcmp(at, "\xe2\x80\xa8", 3) == 0)
		return buf_putl(out, "\\u2028");
	if (len == 3 && memcmp(at, "\xe2\x80\xa9", 3) == 0)
		return buf_putl(out, "\\u2029");
	return buf_put(out, at, len);
}

int
json_write_text(const char *text, size_t len, struct buf *out)
{
	const char *at = text;
	const char *end = text + len;
	const char *run;
	size_t step;

	(void)buf_putc(out, '"');
	while (at < end) {
		for (run = at; at < end && is_plain((unsigned char)*at); at++)
			continue;
		if (at > run)
			(void)buf_put(out, run, (size_t)(at - run));
		if (at == end)
			break;
		if ((unsigned char)*at < 0x80) {
			(void)escape_byte((unsigned char)*at++, out);
			continue;
		}
		step = utf8_char_len(at, end);
		if (step == 0)
			return ERR_SYNTAX;
		(void)write_multibyte(at, step, out);
		at += step;
	}
	(void)buf_putc(out, '"');
	return buf_ok(out) ? 0 : -ENOMEM;
}

/*
 * The fewest digits that give the number back, as "d.ddde+x": 15 are exact for
 * decimal texts, 17 for any double. Below the normal numbers there are fewer
 * to tell apart.
 */
static void
find_digits(double number, bool single, char *text, size_t size)
{
	double normal = single ? (double)FLT_MIN : DBL_MIN;
	int first = fabs(number) < normal ? 1 : single ? 6 : 15;
	int last = single ? 9 : 17;
	char *comma;
	int digits;

	for (digits = first; digits <= last; digits++) {
		(void)snprintf(text, size, "%.*e", digits - 1, number);
		if (single ? strtof(text, NULL) == (float)number
			   : strtod(text, NULL) == number)
			break;
	}
	comma = strchr(text, ','); /* an app may have called setlocale() */
	if (comma != NULL)
		*comma = '.';
}

/* As JavaScript writes it: 1e-7, 0.000001, 123456789012345680, 1e+21. */
static int
put_number(double number, bool single, struct buf *out)
{
	char text[NUMBER_TEXT] = "0e0";
	char digits[NUMBER_TEXT] = "0";
	int count = 0;
	int point; /* digits in front of it */
	const char *at = text;

	find_digits(number, single, text, sizeof(text));
	if (*at == '-')
		(void)buf_putc(out, *at++);
	for (; *at != 'e'; at++) {
		if (*at != '.')
			digits[count++] = *at;
	}
	point = atoi(at + 1) + 1;
	while (count > 1 && digits[count - 1] == '0')
		count--;
	if (point > 21 || point < -5) {
		(void)buf_putc(out, digits[0]);
		if (count > 1)
			(void)buf_putc(out, '.');
		(void)buf_put(out, digits + 1, (size_t)count - 1);
		return buf_printf(out, "e%+d", point - 1);
	}
	if (point <= 0)
		return buf_printf(out, "0.%.*s%.*s", -point, "00000", count,
		    digits);
	if (point >= count)
		return buf_printf(out, "%.*s%.*s", count, digits, point - count,
		    "00000000000000000000");
	return buf_printf(out, "%.*s.%.*s", point, digits, count - point,
	    digits + point);
}

int
json_write_number(double number, struct buf *out)
{
	if (!isfinite(number))
		return buf_putl(out, "null");
	if (number == trunc(number) && fabs(number) < 1e15)
		return buf_printf(out, "%" PRId64, (int64_t)number);
	return put_number(number, false, out);
}

static bool
is_safe(int64_t integer)
{
	return integer <= SAFE_MAX && integer >= -SAFE_MAX;
}

/*
 * A browser has no integers beyond 2^53: it would show another one. A text is
 * shown as it is, and compares with an integer column in SQL.
 */
static int
write_integer(int64_t integer, struct sink *to)
{
	if (to->page && !is_safe(integer))
		return buf_printf(to->out, "\"%" PRId64 "\"", integer);
	return buf_printf(to->out, "%" PRId64, integer);
}

static int
write_typed_array(const char *dtype, const void *data, size_t len,
    struct buf *out)
{
	(void)buf_putl(out, "{\"dtype\":\"");
	(void)buf_puts(out, dtype);
	(void)buf_putl(out, "\",\"bdata\":\"");
	(void)base64_encode(data, len, out);
	return buf_putl(out, "\"}");
}

/* The types that plotly reads, smallest first; never i8, which breaks the
 * graph. */
static const struct integer_type {
	const char *dtype;
	int64_t low;
	int64_t high;
	unsigned size;
} integer_types[] = {
	{ "i1", INT8_MIN, INT8_MAX, 1 },
	{ "u1", 0, UINT8_MAX, 1 },
	{ "i2", INT16_MIN, INT16_MAX, 2 },
	{ "u2", 0, UINT16_MAX, 2 },
	{ "i4", INT32_MIN, INT32_MAX, 4 },
	{ "u4", 0, UINT32_MAX, 4 },
};

/* The first that holds all of them, or NULL. */
static const struct integer_type *
smallest_type(const struct value_column *column)
{
	int64_t low = 0;
	int64_t high = 0;
	uint32_t i;

	for (i = 0; i < column->row_count; i++) {
		if (column->u.integers[i] < low)
			low = column->u.integers[i];
		if (column->u.integers[i] > high)
			high = column->u.integers[i];
	}
	for (i = 0; i < sizeof(integer_types) / sizeof(integer_types[0]); i++)
		if (low >= integer_types[i].low &&
		    high <= integer_types[i].high)
			return &integer_types[i];
	return NULL;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "typed arrays travel in the order of bytes of the machine");

/* Is each of them one that a typed array holds, if need be of doubles? */
static bool
are_safe(const struct value_column *column)
{
	uint32_t i;

	for (i = 0; i < column->row_count; i++) {
		if (!is_safe(column->u.integers[i]))
			return false;
	}
	return true;
}

static int
write_integers(const struct value_column *column, struct buf *out)
{
	const struct integer_type *type = smallest_type(column);
	size_t size = type != NULL ? type->size : sizeof(double);
	char *data = malloc(size * column->row_count + 1);
	double number;
	uint32_t i;
	int rc;

	if (data == NULL)
		return -ENOMEM;
	for (i = 0; i < column->row_count; i++) {
		number = (double)column->u.integers[i];
		memcpy(data + size * i,
		    type != NULL ? (const void *)&column->u.integers[i]
				 : (const void *)&number,
		    size);
	}
	rc = write_typed_array(type != NULL ? type->dtype : "f8", data,
	    size * column->row_count, out);
	free(data);
	return rc;
}

/* One cell as plain JSON. */
static int
write_cell(const struct value_column *column, uint32_t row, struct sink *to)
{
	const struct value_text *text;

	switch (column->type) {
	case VALUE_COLUMN_F64:
		return json_write_number(column->u.numbers[row], to->out);
	case VALUE_COLUMN_I64:
		return write_integer(column->u.integers[row], to);
	case VALUE_COLUMN_F32:
		if (!isfinite(column->u.floats[row]))
			return buf_putl(to->out, "null");
		return put_number((double)column->u.floats[row], true, to->out);
	default:
		text = &column->u.texts[row];
		if (text->text == NULL)
			return buf_putl(to->out, "null");
		return json_write_text(text->text, text->len, to->out);
	}
}

static int
write_column(const struct value_column *column, bool typed, struct sink *to)
{
	uint32_t row;
	int rc = 0;

	if (typed && column->type == VALUE_COLUMN_F64)
		return write_typed_array("f8", column->u.numbers,
		    sizeof(double) * column->row_count, to->out);
	if (typed && column->type == VALUE_COLUMN_F32)
		return write_typed_array("f4", column->u.floats,
		    sizeof(float) * column->row_count, to->out);
	if (typed && column->type == VALUE_COLUMN_I64 && are_safe(column))
		return write_integers(column, to->out);
	(void)buf_putc(to->out, '[');
	for (row = 0; row < column->row_count && rc == 0; row++) {
		if (row > 0)
			(void)buf_putc(to->out, ',');
		rc = write_cell(column, row, to);
		if (rc == ERR_SYNTAX)
			(void)put_place(to, NULL, row);
	}
	(void)buf_putc(to->out, ']');
	return rc;
}

/* A cell with the name of its column. */
static int
write_field(const struct value_column *column, uint32_t row, struct sink *to)
{
	int rc = json_write_text(column->name, column->name_len, to->out);

	if (rc < 0)
		return bad_name(rc, to);
	(void)buf_putc(to->out, ':');
	rc = write_cell(column, row, to);
	return rc == ERR_SYNTAX ? put_place(to, column->name, 0) : rc;
}

static int
write_table(const struct value_table *table, struct sink *to)
{
	uint32_t row;
	uint32_t i;
	int rc = 0;

	(void)buf_putc(to->out, '[');
	for (row = 0; row < table->row_count && rc == 0; row++) {
		(void)buf_puts(to->out, row > 0 ? ",{" : "{");
		for (i = 0; i < table->column_count && rc == 0; i++) {
			if (i > 0)
				(void)buf_putc(to->out, ',');
			rc = write_field(&table->columns[i], row, to);
		}
		(void)buf_putc(to->out, '}');
		if (rc == ERR_SYNTAX)
			(void)put_place(to, NULL, row);
	}
	(void)buf_putc(to->out, ']');
	return rc;
}

static int
write_member(const struct value_member *member, struct sink *to, unsigned depth)
{
	int rc = json_write_text(member->name, member->name_len, to->out);

	if (rc < 0)
		return bad_name(rc, to);
	(void)buf_putc(to->out, ':');
	rc = write_value(&member->value, to, depth);
	return rc == ERR_SYNTAX ? put_place(to, member->name, 0) : rc;
}

static int
write_members(const struct value_member *members, uint32_t count,
    struct sink *to, unsigned depth)
{
	uint32_t i;
	int rc = 0;

	(void)buf_putc(to->out, '{');
	for (i = 0; i < count && rc == 0; i++) {
		if (i > 0)
			(void)buf_putc(to->out, ',');
		rc = write_member(&members[i], to, depth);
	}
	(void)buf_putc(to->out, '}');
	return rc;
}

/* Which properties of components plotly reads. */
static bool
is_figure(const char *property)
{
	return strcmp(property, "figure") == 0 ||
	       strcmp(property, "extendData") == 0 ||
	       strcmp(property, "prependData") == 0;
}

static int
write_component(const struct component *component, struct sink *to,
    unsigned depth)
{
	const struct value_member *prop = component->props;
	bool figure = to->figure;
	uint32_t i;
	int rc = 0;

	(void)buf_putl(to->out, "{\"props\":{");
	for (i = 0; i < component->prop_count && rc == 0; i++, prop++) {
		if (i > 0)
			(void)buf_putc(to->out, ',');
		to->figure = figure || is_figure(prop->name);
		rc = write_member(prop, to, depth);
	}
	to->figure = figure;
	(void)buf_putc(to->out, '}');
	(void)buf_putl(to->out, ",\"type\":\"");
	(void)buf_puts(to->out, component->type->name);
	(void)buf_putl(to->out, "\",\"namespace\":\"");
	(void)buf_puts(to->out, component->type->name_space);
	(void)buf_putl(to->out, "\"}");
	return rc;
}

static int
write_array(const struct value *value, struct sink *to, unsigned depth)
{
	uint32_t i;
	int rc = 0;

	(void)buf_putc(to->out, '[');
	for (i = 0; i < value->count && rc == 0; i++) {
		if (i > 0)
			(void)buf_putc(to->out, ',');
		rc = write_value(&value->u.items[i], to, depth);
		if (rc == ERR_SYNTAX)
			(void)put_place(to, NULL, i);
	}
	(void)buf_putc(to->out, ']');
	return rc;
}

static int
write_scalar(const struct value *value, struct sink *to)
{
	switch (value->kind) {
	case VALUE_BOOL:
		return buf_puts(to->out, value->flag ? "true" : "false");
	case VALUE_INT:
		return write_integer(value->u.integer, to);
	case VALUE_DOUBLE:
		return json_write_number(value->u.number, to->out);
	case VALUE_TEXT:
		return json_write_text(value->u.text, value->count, to->out);
	case VALUE_JSON:
		return buf_put(to->out, value->u.text, value->count);
	default:
		return buf_putl(to->out, "null");
	}
}

static int
write_value(const struct value *value, struct sink *to, unsigned depth)
{
	int rc;

	if (depth >= DEPTH_MAX) {
		*to->why = "nested more than 200 levels deep";
		return ERR_TOO_BIG;
	}
	switch (value->kind) {
	case VALUE_ARRAY:
		return write_array(value, to, depth + 1);
	case VALUE_OBJECT:
		return write_members(value->u.members, value->count, to,
		    depth + 1);
	case VALUE_COMPONENT:
		return write_component(value->u.component, to, depth + 1);
	case VALUE_TABLE:
		rc = write_table(value->u.table, to);
		break;
	case VALUE_COLUMN:
		rc = write_column(value->u.column,
		    to->figure || (to->page && value->flag), to);
		break;
	default:
		rc = write_scalar(value, to);
		break;
	}
	return rc;
}

/* What is not UTF-8, and where it is. */
static const char *
invalid(const struct sink *to)
{
	static _Thread_local char text[256];
	const char *path = to->path[0] == '.' ? to->path + 1 : to->path;

	(void)snprintf(text, sizeof(text), "a %s is not valid UTF-8%s%s",
	    to->name ? "name" : "text", path[0] != '\0' ? ": " : "", path);
	return text;
}

static int
write_all(const struct value *value, struct sink *to)
{
	int rc;

	*to->why = "out of memory or larger than allowed";
	rc = write_value(value, to, 0);
	if (rc == ERR_SYNTAX)
		*to->why = invalid(to);
	if (rc == 0 && !buf_ok(to->out))
		rc = -ENOMEM;
	return rc;
}

int
json_write(const struct value *value, struct buf *out, const char **why)
{
	struct sink to = { .out = out, .why = why };

	return write_all(value, &to);
}

int
json_write_typed(const struct value *value, struct buf *out, const char **why)
{
	struct sink to = { .out = out, .figure = true, .why = why };

	return write_all(value, &to);
}

int
json_write_page(const struct value *value, const char *property,
    struct buf *out, const char **why)
{
	struct sink to = { .out = out,
		.page = true,
		.figure = property != NULL && is_figure(property),
		.why = why };

	return write_all(value, &to);
}
