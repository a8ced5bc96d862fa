/* SPDX-License-Identifier: MIT */

/*
 * Writing the bytes of a value; encode.h has the layout, decode.c reads it.
 *
 * INVARIANT  Equal values give equal bytes, whatever the order of members
 *            in memory.
 * FAILURE    The buffer is left as it was.
 */
#include "cache/encode.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cache/encode_int.h"
#include "server/base/err.h"

static const char zeros[8];

/* --- writing ----------------------------------------------------------- */

/* Where the bytes go; `start` is where this encoding began. */
struct writer {
	struct buf *out;
	size_t start;
	bool null_for_nan; /* what no number is becomes null */
	const char *why;   /* what -EINVAL is about */
};

static int write_value(struct writer *writer, const struct value *value,
    unsigned depth);

static int
write_u32(struct writer *writer, uint32_t number)
{
	return buf_put(writer->out, &number, sizeof(number));
}

static int
write_padding(struct writer *writer)
{
	size_t over = (writer->out->len - writer->start) & 7;

	return over == 0 ? 0 : buf_put(writer->out, zeros, 8 - over);
}

static int
write_text(struct writer *writer, const char *text, uint32_t len)
{
	int rc;

	rc = write_u32(writer, len);
	if (rc == 0)
		rc = buf_put(writer->out, text, len);
	return rc < 0 ? rc : buf_put(writer->out, zeros, 1);
}

static int
write_double(struct writer *writer, double number)
{
	if (!isfinite(number))
		return -EDOM;
	if (number == 0)
		number = 0; /* -0.0 is equal, so it must be the same */
	return buf_put(writer->out, &number, sizeof(number));
}

static int
write_array(struct writer *writer, const struct value *value, unsigned depth)
{
	uint32_t i;
	int rc;

	rc = write_u32(writer, value->count);
	for (i = 0; i < value->count && rc == 0; i++)
		rc = write_value(writer, &value->u.items[i], depth + 1);
	return rc;
}

int
encode_compare_names(const char *a, uint32_t a_len, const char *b,
    uint32_t b_len)
{
	uint32_t len = a_len < b_len ? a_len : b_len;
	int order = len > 0 ? memcmp(a, b, len) : 0;

	if (order != 0)
		return order;
	return a_len < b_len ? -1 : a_len > b_len;
}

static int
compare_members(const void *a, const void *b)
{
	const struct value_member *const *left = a;
	const struct value_member *const *right = b;

	return encode_compare_names((*left)->name, (*left)->name_len,
	    (*right)->name, (*right)->name_len);
}

static int
write_members(struct writer *writer, const struct value_member **members,
    uint32_t count, unsigned depth)
{
	uint32_t i;
	int rc;

	rc = write_u32(writer, count);
	for (i = 0; i < count && rc == 0; i++) {
		if (i > 0 &&
		    compare_members(&members[i - 1], &members[i]) == 0) {
			writer->why = "an object in it has a name twice";
			return -EINVAL;
		}
		rc = write_text(writer, members[i]->name, members[i]->name_len);
		if (rc == 0)
			rc = write_value(writer, &members[i]->value, depth + 1);
	}
	return rc;
}

static int
write_object(struct writer *writer, const struct value *value, unsigned depth)
{
	const struct value_member *few[32];
	const struct value_member **members = few;
	uint32_t i;
	int rc;

	if (value->count > sizeof(few) / sizeof(few[0])) {
		members = malloc(value->count * sizeof(*members));
		if (members == NULL)
			return -ENOMEM;
	}
	for (i = 0; i < value->count; i++)
		members[i] = &value->u.members[i];
	if (value->count > 1)
		qsort(members, value->count, sizeof(*members), compare_members);
	rc = write_members(writer, members, value->count, depth);
	if (members != few)
		free(members);
	return rc;
}

static int
write_texts(struct writer *writer, const struct value_column *column)
{
	const struct value_text *texts = column->u.texts;
	uint32_t i;
	int rc = 0;

	for (i = 0; i < column->row_count && rc == 0; i++) {
		if (texts[i].text != NULL && texts[i].len == ENCODE_MISSING)
			return -EINVAL;
		rc = write_u32(writer,
		    texts[i].text == NULL ? ENCODE_MISSING : texts[i].len);
	}
	for (i = 0; i < column->row_count && rc == 0; i++) {
		if (texts[i].text != NULL)
			rc = buf_put(writer->out, texts[i].text, texts[i].len);
	}
	return rc;
}

static int
write_column(struct writer *writer, const struct value_column *column)
{
	size_t size = (size_t)column->row_count * 8;
	int rc;

	if (column->type > VALUE_COLUMN_F32)
		return -EINVAL;
	rc = buf_put(writer->out, &column->type, 1);
	if (rc == 0)
		rc = write_text(writer, column->name, column->name_len);
	if (rc < 0)
		return rc;
	if (column->type == VALUE_COLUMN_TEXT)
		return write_texts(writer, column);
	rc = write_padding(writer);
	if (rc == 0 && column->type == VALUE_COLUMN_F64)
		rc = buf_put(writer->out, column->u.numbers, size);
	else if (rc == 0 && column->type == VALUE_COLUMN_F32)
		rc = buf_put(writer->out, column->u.floats, size / 2);
	else if (rc == 0)
		rc = buf_put(writer->out, column->u.integers, size);
	return rc;
}

static int
write_table(struct writer *writer, const struct value_table *table)
{
	uint32_t i;
	int rc;

	rc = write_u32(writer, table->column_count);
	if (rc == 0)
		rc = write_u32(writer, table->row_count);
	for (i = 0; i < table->column_count && rc == 0; i++) {
		if (table->columns[i].row_count != table->row_count)
			return -EINVAL;
		rc = write_column(writer, &table->columns[i]);
	}
	return rc;
}

/* What follows the tag. */
static int
write_content(struct writer *writer, const struct value *value, unsigned depth)
{
	int rc;

	switch (value->kind) {
	case VALUE_NULL:
	case VALUE_BOOL:
		return 0;
	case VALUE_INT:
		return buf_put(writer->out, &value->u.integer, 8);
	case VALUE_DOUBLE:
		return write_double(writer, value->u.number);
	case VALUE_TEXT:
	case VALUE_JSON:
		return write_text(writer, value->u.text, value->count);
	case VALUE_ARRAY:
		return write_array(writer, value, depth);
	case VALUE_OBJECT:
		return write_object(writer, value, depth);
	case VALUE_TABLE:
		return write_table(writer, value->u.table);
	default: /* VALUE_COLUMN */
		rc = write_u32(writer, value->u.column->row_count);
		return rc < 0 ? rc : write_column(writer, value->u.column);
	}
}

static int
write_value(struct writer *writer, const struct value *value, unsigned depth)
{
	static const uint8_t tags[] = {
		[VALUE_NULL] = ENCODE_TAG_NULL,
		[VALUE_BOOL] = ENCODE_TAG_FALSE,
		[VALUE_INT] = ENCODE_TAG_INT,
		[VALUE_DOUBLE] = ENCODE_TAG_DOUBLE,
		[VALUE_TEXT] = ENCODE_TAG_TEXT,
		[VALUE_JSON] = ENCODE_TAG_JSON,
		[VALUE_ARRAY] = ENCODE_TAG_ARRAY,
		[VALUE_OBJECT] = ENCODE_TAG_OBJECT,
		[VALUE_TABLE] = ENCODE_TAG_TABLE,
		[VALUE_COLUMN] = ENCODE_TAG_COLUMN,
	};
	static const struct value null = { .kind = VALUE_NULL };
	uint8_t tag;
	int rc;

	if (value->kind >= sizeof(tags)) {
		writer->why = "a component cannot be stored";
		return -EINVAL;
	}
	if (depth > ENCODE_DEPTH_MAX)
		return ERR_TOO_BIG;
	tag = tags[value->kind];
	if (value->kind == VALUE_BOOL && value->flag)
		tag = ENCODE_TAG_TRUE;
	if (writer->null_for_nan && value->kind == VALUE_DOUBLE &&
	    !isfinite(value->u.number)) {
		tag = ENCODE_TAG_NULL;
		value = &null;
	}
	rc = buf_put(writer->out, &tag, 1);
	return rc < 0 ? rc : write_content(writer, value, depth);
}

static int
encode(struct writer *writer, const struct value *value)
{
	struct buf *out = writer->out;
	size_t before = out->len;
	bool failed = out->failed;
	int rc;

	rc = write_padding(writer);
	writer->start = out->len;
	if (rc == 0)
		rc = write_value(writer, value, 0);
	if (rc < 0) {
		out->len = before;
		out->failed = failed;
	}
	return rc;
}

int
encode_value(const struct value *value, struct buf *out)
{
	struct writer writer = { .out = out };

	return encode(&writer, value);
}

int
encode_stored(const struct value *value, struct buf *out, const char **why)
{
	struct writer writer = { .out = out, .null_for_nan = true };
	int rc = encode(&writer, value);

	if (rc == -EINVAL)
		*why = writer.why != NULL ? writer.why
					  : "its columns differ in length";
	else if (rc == ERR_TOO_BIG)
		*why = "it is too large, or nested too deeply";
	else if (rc < 0)
		*why = err_str(rc);
	return rc;
}
