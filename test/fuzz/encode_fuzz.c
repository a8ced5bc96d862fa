/* SPDX-License-Identifier: MIT */

/*
 * Fuzz target: stored values.
 *
 * Property: bytes that decode encode to the same bytes again, and nothing
 * the value points to lies outside them.
 */

#include "test/fuzz/fuzz.h"

#include <string.h>

#include "cache/encode.h"
#include "server/base/err.h"

#define ARENA_MAX ((size_t)64 << 20)

static const char *begin;
static const char *end;

static void
check_inside(const void *pointer, size_t len)
{
	const char *at = pointer;

	FUZZ_CHECK(at >= begin && at <= end && len <= (size_t)(end - at));
}

static void
check_column(const struct value_column *column)
{
	uint32_t i;

	check_inside(column->name, (size_t)column->name_len + 1);
	if (column->type == VALUE_COLUMN_F64)
		check_inside(column->u.numbers, (size_t)column->row_count * 8);
	if (column->type == VALUE_COLUMN_I64)
		check_inside(column->u.integers, (size_t)column->row_count * 8);
	if (column->type == VALUE_COLUMN_F32)
		check_inside(column->u.floats, (size_t)column->row_count * 4);
	for (i = 0; column->type == VALUE_COLUMN_TEXT && i < column->row_count;
	     i++) {
		if (column->u.texts[i].text != NULL)
			check_inside(column->u.texts[i].text,
			    column->u.texts[i].len);
	}
}

static void
check_value(const struct value *value)
{
	const struct value_member *member;
	uint32_t i;

	switch (value->kind) {
	case VALUE_TEXT:
	case VALUE_JSON:
		check_inside(value->u.text, (size_t)value->count + 1);
		FUZZ_CHECK(value->u.text[value->count] == '\0');
		break;
	case VALUE_ARRAY:
		for (i = 0; i < value->count; i++)
			check_value(&value->u.items[i]);
		break;
	case VALUE_OBJECT:
		for (i = 0; i < value->count; i++) {
			member = &value->u.members[i];
			check_inside(member->name,
			    (size_t)member->name_len + 1);
			check_value(&member->value);
		}
		break;
	case VALUE_TABLE:
		for (i = 0; i < value->u.table->column_count; i++)
			check_column(&value->u.table->columns[i]);
		break;
	case VALUE_COLUMN:
		check_column(value->u.column);
		break;
	default:
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = BUF_EMPTY;
	struct value *value;
	struct arena arena;
	char *copy = malloc(size + (size == 0)); /* aligned, exact */
	int rc;

	FUZZ_CHECK(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	begin = copy;
	end = copy + size;
	arena_init(&arena, ARENA_MAX);
	rc = encode_decode(copy, size, &arena, &value);
	FUZZ_CHECK((rc == 0) == (value != NULL));
	if (rc == 0) {
		check_value(value);
		FUZZ_CHECK(encode_value(value, &out) == 0);
		FUZZ_CHECK(out.len == size);
		FUZZ_CHECK(memcmp(out.data, copy, size) == 0);
	}
	buf_free(&out);
	arena_free(&arena);
	free(copy);
	return 0;
}
