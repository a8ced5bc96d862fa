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

static int write_value(const struct value *value, struct buf *out,
    unsigned depth, const char **why);

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

int
json_write_number(double number, struct buf *out)
{
	char text[NUMBER_TEXT];
	char *comma;
	int digits;

	if (!isfinite(number))
		return buf_putl(out, "null");
	if (number == trunc(number) && fabs(number) < 1e15) {
		(void)snprintf(text, sizeof(text), "%" PRId64, (int64_t)number);
		return buf_puts(out, text);
	}
	/* Below the normal numbers there are fewer digits to tell apart. */
	for (digits = fabs(number) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	comma = strchr(text, ','); /* an app may have called setlocale() */
	if (comma != NULL)
		*comma = '.';
	return buf_puts(out, text);
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

/* A number of 32 bits in the fewest digits that give it back. */
static int
write_float(float number, struct buf *out)
{
	char text[NUMBER_TEXT];
	char *comma;
	int digits;

	if (!isfinite(number))
		return buf_putl(out, "null");
	for (digits = 6; digits <= 9; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits,
		    (double)number);
		if (strtof(text, NULL) == number)
			break;
	}
	comma = strchr(text, ',');
	if (comma != NULL)
		*comma = '.';
	return buf_puts(out, text);
}

/* One cell as plain JSON. */
static int
write_cell(const struct value_column *column, uint32_t row, struct buf *out)
{
	const struct value_text *text;

	switch (column->type) {
	case VALUE_COLUMN_F64:
		return json_write_number(column->u.numbers[row], out);
	case VALUE_COLUMN_I64:
		return buf_printf(out, "%" PRId64, column->u.integers[row]);
	case VALUE_COLUMN_F32:
		return write_float(column->u.floats[row], out);
	default:
		text = &column->u.texts[row];
		if (text->text == NULL)
			return buf_putl(out, "null");
		return json_write_text(text->text, text->len, out);
	}
}

static int
write_column(const struct value_column *column, struct buf *out)
{
	uint32_t row;
	int rc = 0;

	if (column->type == VALUE_COLUMN_F64)
		return write_typed_array("f8", column->u.numbers,
		    sizeof(double) * column->row_count, out);
	if (column->type == VALUE_COLUMN_F32)
		return write_typed_array("f4", column->u.floats,
		    sizeof(float) * column->row_count, out);
	if (column->type == VALUE_COLUMN_I64)
		return write_integers(column, out);
	(void)buf_putc(out, '[');
	for (row = 0; row < column->row_count && rc == 0; row++) {
		if (row > 0)
			(void)buf_putc(out, ',');
		rc = write_cell(column, row, out);
	}
	(void)buf_putc(out, ']');
	return rc;
}

static int
write_table(const struct value_table *table, struct buf *out)
{
	uint32_t row;
	uint32_t i;
	int rc = 0;

	(void)buf_putc(out, '[');
	for (row = 0; row < table->row_count && rc == 0; row++) {
		(void)buf_puts(out, row > 0 ? ",{" : "{");
		for (i = 0; i < table->column_count && rc == 0; i++) {
			if (i > 0)
				(void)buf_putc(out, ',');
			rc = json_write_text(table->columns[i].name,
			    table->columns[i].name_len, out);
			(void)buf_putc(out, ':');
			if (rc == 0)
				rc = write_cell(&table->columns[i], row, out);
		}
		(void)buf_putc(out, '}');
	}
	(void)buf_putc(out, ']');
	return rc;
}

static int
write_members(const struct value_member *members, uint32_t count,
    struct buf *out, unsigned depth, const char **why)
{
	uint32_t i;
	int rc = 0;

	(void)buf_putc(out, '{');
	for (i = 0; i < count && rc == 0; i++) {
		if (i > 0)
			(void)buf_putc(out, ',');
		rc = json_write_text(members[i].name, members[i].name_len, out);
		if (rc < 0)
			*why = "a name is not valid UTF-8";
		(void)buf_putc(out, ':');
		if (rc == 0)
			rc = write_value(&members[i].value, out, depth, why);
	}
	(void)buf_putc(out, '}');
	return rc;
}

static int
write_component(const struct component *component, struct buf *out,
    unsigned depth, const char **why)
{
	int rc;

	(void)buf_putl(out, "{\"props\":");
	rc = write_members(component->props, component->prop_count, out, depth,
	    why);
	(void)buf_putl(out, ",\"type\":\"");
	(void)buf_puts(out, component->type->name);
	(void)buf_putl(out, "\",\"namespace\":\"");
	(void)buf_puts(out, component->type->name_space);
	(void)buf_putl(out, "\"}");
	return rc;
}

static int
write_array(const struct value *value, struct buf *out, unsigned depth,
    const char **why)
{
	uint32_t i;
	int rc = 0;

	(void)buf_putc(out, '[');
	for (i = 0; i < value->count && rc == 0; i++) {
		if (i > 0)
			(void)buf_putc(out, ',');
		rc = write_value(&value->u.items[i], out, depth, why);
	}
	(void)buf_putc(out, ']');
	return rc;
}

static int
write_scalar(const struct value *value, struct buf *out)
{
	switch (value->kind) {
	case VALUE_BOOL:
		return buf_puts(out, value->flag ? "true" : "false");
	case VALUE_INT:
		return buf_printf(out, "%" PRId64, value->u.integer);
	case VALUE_DOUBLE:
		return json_write_number(value->u.number, out);
	case VALUE_TEXT:
		return json_write_text(value->u.text, value->count, out);
	case VALUE_JSON:
		return buf_put(out, value->u.text, value->count);
	default:
		return buf_putl(out, "null");
	}
}

static int
write_value(const struct value *value, struct buf *out, unsigned depth,
    const char **why)
{
	int rc;

	if (depth >= DEPTH_MAX) {
		*why = "nested more than 200 levels deep";
		return ERR_TOO_BIG;
	}
	switch (value->kind) {
	case VALUE_ARRAY:
		return write_array(value, out, depth + 1, why);
	case VALUE_OBJECT:
		return write_members(value->u.members, value->count, out,
		    depth + 1, why);
	case VALUE_COMPONENT:
		return write_component(value->u.component, out, depth + 1, why);
	case VALUE_TABLE:
		rc = write_table(value->u.table, out);
		break;
	case VALUE_COLUMN:
		rc = write_column(value->u.column, out);
		break;
	default:
		rc = write_scalar(value, out);
		break;
	}
	if (rc == ERR_SYNTAX)
		*why = "a text is not valid UTF-8";
	return rc;
}

int
json_write(const struct value *value, struct buf *out, const char **why)
{
	int rc;

	*why = "out of memory or larger than allowed";
	rc = write_value(value, out, 0, why);
	if (rc == 0 && !buf_ok(out))
		rc = -ENOMEM;
	return rc;
}
