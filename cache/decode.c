/* SPDX-License-Identifier: MIT */

/*
 * Reading the bytes of a value; encode.h has the layout, encode.c writes it.
 *
 * INVARIANT  Accepts exactly what encode_value() writes: bytes that decode
 *            encode to the same bytes again (test/fuzz/encode_fuzz.c).
 * INVARIANT  Memory for a count is taken only after it is clear that so many
 *            items can be in the bytes that are left.
 * OWNERSHIP  Nodes belong to the arena, texts and numbers to the caller's
 *            bytes.
 */
#include "cache/encode.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "cache/encode_int.h"
#include "server/base/err.h"

/* Shortest encodings, which bound a count by the bytes that are left. */
#define MEMBER_MIN 6 /* name length, NUL, tag */
#define COLUMN_MIN 6 /* type, name length, NUL */

static const char zeros[8];

struct reader {
	const char *data;
	size_t at;
	size_t len;
	struct arena *arena;
};

static int read_value(struct reader *reader, struct value *value,
    unsigned depth);

static size_t
left(const struct reader *reader)
{
	return reader->len - reader->at;
}

/* The next `size` bytes, NULL when there are not so many. */
static const char *
take(struct reader *reader, size_t size)
{
	const char *bytes = reader->data + reader->at;

	if (size > left(reader))
		return NULL;
	reader->at += size;
	return bytes;
}

static int
read_u32(struct reader *reader, uint32_t *number)
{
	const char *bytes = take(reader, sizeof(*number));

	if (bytes == NULL)
		return ERR_CORRUPT;
	memcpy(number, bytes, sizeof(*number));
	return 0;
}

/* A count of things that take at least `min` bytes each. */
static int
read_count(struct reader *reader, size_t min, uint32_t *count)
{
	int rc = read_u32(reader, count);

	if (rc == 0 && *count > left(reader) / min)
		rc = ERR_CORRUPT;
	return rc;
}

static int
read_text(struct reader *reader, const char **text, uint32_t *len)
{
	int rc = read_u32(reader, len);

	if (rc < 0)
		return rc;
	*text = take(reader, (size_t)*len + 1);
	return *text != NULL && (*text)[*len] == '\0' ? 0 : ERR_CORRUPT;
}

static int
read_double(struct reader *reader, struct value *value)
{
	const char *bytes = take(reader, 8);

	if (bytes == NULL)
		return ERR_CORRUPT;
	memcpy(&value->u.number, bytes, 8);
	if (!isfinite(value->u.number) ||
	    (value->u.number == 0 && signbit(value->u.number)))
		return ERR_CORRUPT;
	return 0;
}

static int
read_array(struct reader *reader, struct value *value, unsigned depth)
{
	uint32_t i;
	int rc;

	rc = read_count(reader, 1, &value->count);
	if (rc < 0)
		return rc;
	value->u.items =
	    arena_calloc(reader->arena, value->count, sizeof(*value->u.items));
	if (value->u.items == NULL)
		return -ENOMEM;
	for (i = 0; i < value->count && rc == 0; i++)
		rc = read_value(reader, &value->u.items[i], depth + 1);
	return rc;
}

static int
read_object(struct reader *reader, struct value *value, unsigned depth)
{
	struct value_member *member;
	uint32_t i;
	int rc;

	rc = read_count(reader, MEMBER_MIN, &value->count);
	if (rc < 0)
		return rc;
	value->u.members = arena_calloc(reader->arena, value->count,
	    sizeof(*value->u.members));
	if (value->u.members == NULL)
		return -ENOMEM;
	for (i = 0; i < value->count && rc == 0; i++) {
		member = &value->u.members[i];
		rc = read_text(reader, &member->name, &member->name_len);
		if (rc == 0 && i > 0 &&
		    encode_compare_names(member[-1].name, member[-1].name_len,
			member->name, member->name_len) >= 0)
			rc = ERR_CORRUPT;
		if (rc == 0)
			rc = read_value(reader, &member->value, depth + 1);
	}
	return rc;
}

static int
read_padding(struct reader *reader)
{
	size_t size = -reader->at & 7;
	const char *bytes = take(reader, size);

	if (bytes == NULL || memcmp(bytes, zeros, size) != 0)
		return ERR_CORRUPT;
	return 0;
}

static int
read_texts(struct reader *reader, struct value_column *column)
{
	struct value_text *texts;
	const char *lengths;
	uint32_t i;

	lengths = take(reader, (size_t)column->row_count * 4);
	if (lengths == NULL)
		return ERR_CORRUPT;
	texts = arena_calloc(reader->arena, column->row_count, sizeof(*texts));
	if (texts == NULL)
		return -ENOMEM;
	for (i = 0; i < column->row_count; i++) {
		memcpy(&texts[i].len, lengths + (size_t)i * 4, 4);
		if (texts[i].len == ENCODE_MISSING) {
			texts[i].len = 0;
			continue;
		}
		texts[i].text = take(reader, texts[i].len);
		if (texts[i].text == NULL)
			return ERR_CORRUPT;
	}
	column->u.texts = texts;
	return 0;
}

static int
read_column(struct reader *reader, struct value_column *column,
    uint32_t row_count)
{
	const char *bytes = take(reader, 1);
	int rc;

	if (bytes == NULL || (uint8_t)*bytes > VALUE_COLUMN_F32)
		return ERR_CORRUPT;
	column->type = (uint8_t)*bytes;
	column->row_count = row_count;
	rc = read_text(reader, &column->name, &column->name_len);
	if (rc < 0)
		return rc;
	if (column->type == VALUE_COLUMN_TEXT)
		return read_texts(reader, column);
	rc = read_padding(reader);
	if (rc < 0)
		return rc;
	bytes = take(reader,
	    (size_t)row_count * (column->type == VALUE_COLUMN_F32 ? 4 : 8));
	if (bytes == NULL)
		return ERR_CORRUPT;
	if (column->type == VALUE_COLUMN_F64)
		column->u.numbers = (const double *)(const void *)bytes;
	else if (column->type == VALUE_COLUMN_F32)
		column->u.floats = (const float *)(const void *)bytes;
	else
		column->u.integers = (const int64_t *)(const void *)bytes;
	return 0;
}

static int
read_table(struct reader *reader, struct value *value)
{
	struct value_table *table;
	uint32_t i;
	int rc;

	table = arena_calloc(reader->arena, 1, sizeof(*table));
	if (table == NULL)
		return -ENOMEM;
	rc = read_u32(reader, &table->column_count);
	if (rc == 0)
		rc = read_u32(reader, &table->row_count);
	if (rc == 0 && table->column_count > left(reader) / COLUMN_MIN)
		rc = ERR_CORRUPT;
	if (rc < 0)
		return rc;
	table->columns = arena_calloc(reader->arena, table->column_count,
	    sizeof(*table->columns));
	if (table->columns == NULL)
		return -ENOMEM;
	for (i = 0; i < table->column_count && rc == 0; i++)
		rc = read_column(reader, &table->columns[i], table->row_count);
	value->u.table = table;
	return rc;
}

static int
read_lone_column(struct reader *reader, struct value *value)
{
	struct value_column *column;
	uint32_t row_count;
	int rc;

	column = arena_calloc(reader->arena, 1, sizeof(*column));
	if (column == NULL)
		return -ENOMEM;
	value->u.column = column;
	rc = read_u32(reader, &row_count);
	return rc < 0 ? rc : read_column(reader, column, row_count);
}

static int
read_scalar(struct reader *reader, struct value *value, enum encode_tag tag)
{
	const char *bytes;

	switch (tag) {
	case ENCODE_TAG_NULL:
		value->kind = VALUE_NULL;
		return 0;
	case ENCODE_TAG_FALSE:
	case ENCODE_TAG_TRUE:
		value->kind = VALUE_BOOL;
		value->flag = tag == ENCODE_TAG_TRUE;
		return 0;
	case ENCODE_TAG_INT:
		value->kind = VALUE_INT;
		bytes = take(reader, 8);
		if (bytes == NULL)
			return ERR_CORRUPT;
		memcpy(&value->u.integer, bytes, 8);
		return 0;
	case ENCODE_TAG_DOUBLE:
		value->kind = VALUE_DOUBLE;
		return read_double(reader, value);
	case ENCODE_TAG_TEXT:
	case ENCODE_TAG_JSON:
		value->kind = tag == ENCODE_TAG_TEXT ? VALUE_TEXT : VALUE_JSON;
		return read_text(reader, &value->u.text, &value->count);
	default:
		return ERR_CORRUPT;
	}
}

static int
read_value(struct reader *reader, struct value *value, unsigned depth)
{
	const char *tag = take(reader, 1);

	memset(value, 0, sizeof(*value));
	if (tag == NULL || depth > ENCODE_DEPTH_MAX)
		return ERR_CORRUPT;
	switch (*tag) {
	case ENCODE_TAG_ARRAY:
		value->kind = VALUE_ARRAY;
		return read_array(reader, value, depth);
	case ENCODE_TAG_OBJECT:
		value->kind = VALUE_OBJECT;
		return read_object(reader, value, depth);
	case ENCODE_TAG_TABLE:
		value->kind = VALUE_TABLE;
		return read_table(reader, value);
	case ENCODE_TAG_COLUMN:
		value->kind = VALUE_COLUMN;
		return read_lone_column(reader, value);
	default:
		return read_scalar(reader, value, (enum encode_tag) * tag);
	}
}

int
encode_decode(const void *data, size_t len, struct arena *arena,
    struct value **out)
{
	struct reader reader = { .data = data, .len = len, .arena = arena };
	struct value *value;
	int rc;

	*out = NULL;
	if (((uintptr_t)data & 7) != 0)
		return -EINVAL;
	value = arena_alloc(arena, sizeof(*value));
	if (value == NULL)
		return -ENOMEM;
	rc = read_value(&reader, value, 0);
	if (rc == 0 && reader.at != len)
		rc = ERR_CORRUPT;
	if (rc == 0)
		*out = value;
	return rc;
}
