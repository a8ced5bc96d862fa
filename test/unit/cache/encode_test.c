/* SPDX-License-Identifier: MIT */

/*
 * The encoding: its bytes, what must differ, what is refused, and that what
 * is read back is the same value, in place.
 */
#include "test/unit/arena_test_case.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cache/encode.h"
#include "server/base/err.h"

static struct value
text(const char *bytes)
{
	struct value value = { .kind = VALUE_TEXT,
		.count = (uint32_t)strlen(bytes) };

	value.u.text = bytes;
	return value;
}

static struct value
integer(int64_t number)
{
	struct value value = { .kind = VALUE_INT };

	value.u.integer = number;
	return value;
}

static struct value
number(double number)
{
	struct value value = { .kind = VALUE_DOUBLE };

	value.u.number = number;
	return value;
}

static struct value
flag(bool on)
{
	struct value value = { .kind = VALUE_BOOL, .flag = on };

	return value;
}

static struct value
null(void)
{
	struct value value = { .kind = VALUE_NULL };

	return value;
}

static void
set_member(struct value *object, uint32_t i, const char *name,
    struct value value)
{
	object->u.members[i].name = name;
	object->u.members[i].name_len = (uint32_t)strlen(name);
	object->u.members[i].value = value;
}

static struct value_column
column(const char *name, uint8_t type, uint32_t rows, const void *data)
{
	struct value_column new = { .name = name,
		.name_len = (uint32_t)strlen(name),
		.row_count = rows,
		.type = type };

	if (type == VALUE_COLUMN_F64)
		new.u.numbers = data;
	else if (type == VALUE_COLUMN_I64)
		new.u.integers = data;
	else
		new.u.texts = data;
	return new;
}

static void
assert_bytes(const struct value *value, const char *want, size_t len)
{
	struct buf out = BUF_EMPTY;

	assert_int_equal(encode_value(value, &out), 0);
	assert_int_equal(out.len, len);
	assert_memory_equal(out.data, want, len);
	buf_free(&out);
}

#define assert_encodes(value, literal) \
	assert_bytes((value), literal, sizeof(literal) - 1)

static void
scalars_have_these_bytes(void **state)
{
	struct value value;

	(void)state;
	value = null();
	assert_encodes(&value, "\x01");
	value = flag(false);
	assert_encodes(&value, "\x02");
	value = flag(true);
	assert_encodes(&value, "\x03");
	value = integer(-2);
	assert_encodes(&value, "\x04\xfe\xff\xff\xff\xff\xff\xff\xff");
	value = number(1.0);
	assert_encodes(&value, "\x05\0\0\0\0\0\0\xf0\x3f");
	value = number(-0.0);
	assert_encodes(&value, "\x05\0\0\0\0\0\0\0\0");
	value = text("ab");
	assert_encodes(&value, "\x06\2\0\0\0ab\0");
	value.kind = VALUE_JSON;
	assert_encodes(&value, "\x07\2\0\0\0ab\0");
	value = text("");
	assert_encodes(&value, "\x06\0\0\0\0\0");
}

static void
trees_have_these_bytes(void **state)
{
	struct value *array = value_array(&arena, 2);
	struct value *object = value_object(&arena, 3);

	(void)state;
	array->u.items[0] = flag(true);
	assert_encodes(array, "\x08\2\0\0\0\3\1");
	set_member(object, 0, "b", null());
	set_member(object, 1, "ab", flag(false));
	set_member(object, 2, "a", flag(true));
	assert_encodes(object, "\x09\3\0\0\0"
			       "\1\0\0\0a\0\3"
			       "\2\0\0\0ab\0\2"
			       "\1\0\0\0b\0\1");
}

static void
tables_have_these_bytes(void **state)
{
	static const double numbers[] = { 1.0, NAN };
	static const int64_t integers[] = { 1, -1 };
	static const struct value_text texts[] = { { "xy", 2 }, { NULL, 0 } };
	struct value_column columns[3];
	struct value_table table = { .column_count = 3,
		.row_count = 2,
		.columns = columns };
	struct value value = { .kind = VALUE_TABLE };
	uint64_t nan_bits;
	char want[128] = "\x0a\3\0\0\0\2\0\0\0";
	size_t at = 9;

	(void)state;
	columns[0] = column("t", VALUE_COLUMN_TEXT, 2, texts);
	columns[1] = column("n", VALUE_COLUMN_F64, 2, numbers);
	columns[2] = column("i", VALUE_COLUMN_I64, 2, integers);
	value.u.table = &table;
	memcpy(want + at, "\2\1\0\0\0t\0\2\0\0\0\xff\xff\xff\xffxy", 17);
	at += 17;
	memcpy(want + at, "\0\1\0\0\0n\0", 7);
	at = 40; /* 33 rounded up */
	memcpy(want + at, "\0\0\0\0\0\0\xf0\x3f", 8);
	memcpy(&nan_bits, &numbers[1], 8);
	memcpy(want + at + 8, &nan_bits, 8);
	at += 16;
	memcpy(want + at, "\1\1\0\0\0i\0\0", 8);
	at += 8;
	memcpy(want + at, "\1\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
	    16);
	at += 16;
	assert_bytes(&value, want, at);
	value.kind = VALUE_COLUMN;
	value.u.column = &columns[2];
	assert_encodes(&value,
	    "\x0b\2\0\0\0\1\1\0\0\0i\0\0\0\0\0"
	    "\1\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff");
}

static void
what_looks_alike_differs(void **state)
{
	struct value values[16];
	struct buf bytes[16];
	size_t count = 0;
	size_t i;
	size_t j;

	(void)state;
	values[count++] = null();
	values[count++] = flag(false);
	values[count++] = flag(true);
	values[count++] = integer(0);
	values[count++] = integer(1);
	values[count++] = number(0);
	values[count++] = number(1);
	values[count++] = text("");
	values[count++] = text("1");
	values[count++] = text("1.0");
	values[count++] = text("null");
	values[count] = text("1");
	values[count++].kind = VALUE_JSON;
	values[count++] = *value_array(&arena, 0);
	values[count++] = *value_array(&arena, 1);
	values[count++] = *value_object(&arena, 0);
	for (i = 0; i < count; i++) {
		buf_init(&bytes[i], 0);
		assert_int_equal(encode_value(&values[i], &bytes[i]), 0);
	}
	for (i = 0; i < count; i++) {
		for (j = 0; j < i; j++)
			assert_false(bytes[i].len == bytes[j].len &&
				     memcmp(bytes[i].data, bytes[j].data,
					 bytes[i].len) == 0);
	}
	for (i = 0; i < count; i++)
		buf_free(&bytes[i]);
}

static void
the_order_of_members_does_not_count(void **state)
{
	static const char names[][4] = { "a", "b", "ba", "c", "", "zz", "aa" };
	struct value *one = value_object(&arena, 40);
	struct value *two = value_object(&arena, 40);
	struct buf first = BUF_EMPTY;
	struct buf second = BUF_EMPTY;
	char *name;
	uint32_t i;

	(void)state;
	for (i = 0; i < 40; i++) {
		name = arena_alloc(&arena, 8);
		name[0] = (char)('0' + i / 7);
		memcpy(name + 1, names[i % 7], 4);
		set_member(one, i, name, integer(i));
		set_member(two, 39 - i, name, integer(i));
	}
	assert_int_equal(encode_value(one, &first), 0);
	assert_int_equal(encode_value(two, &second), 0);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
	buf_free(&first);
	buf_free(&second);
}

static void
assert_refused(const struct value *value, int rc)
{
	struct buf out = BUF_EMPTY;

	assert_int_equal(buf_puts(&out, "abc"), 0);
	assert_int_equal(encode_value(value, &out), rc);
	assert_int_equal(out.len, 3);
	assert_true(buf_ok(&out));
	buf_free(&out);
}

static struct value *
nest(unsigned depth)
{
	struct value *outer = value_array(&arena, 1);
	struct value *inner = outer;
	unsigned i;

	for (i = 0; i < depth; i++) {
		inner->u.items[0] = *value_array(&arena, 1);
		inner = &inner->u.items[0];
	}
	inner->count = 0;
	return outer;
}

static void
what_is_refused(void **state)
{
	struct value_column columns[1];
	struct value_table table = { .column_count = 1,
		.row_count = 3,
		.columns = columns };
	struct value value;
	struct value *object = value_object(&arena, 2);

	(void)state;
	value = number(NAN);
	assert_refused(&value, -EDOM);
	value = number(INFINITY);
	assert_refused(&value, -EDOM);
	value.kind = VALUE_COMPONENT;
	assert_refused(&value, -EINVAL);
	value.kind = 200;
	assert_refused(&value, -EINVAL);
	set_member(object, 0, "a", null());
	set_member(object, 1, "a", flag(true));
	assert_refused(object, -EINVAL);
	columns[0] = column("c", VALUE_COLUMN_I64, 2, "0123456789abcdef");
	value.kind = VALUE_TABLE;
	value.u.table = &table;
	assert_refused(&value, -EINVAL);
	assert_refused(nest(ENCODE_DEPTH_MAX + 1), ERR_TOO_BIG);
	/* Nested deep inside what else is fine: nothing stays behind. */
	object->u.members[1].name = "b";
	object->u.members[1].value = number(-INFINITY);
	assert_refused(object, -EDOM);
}

static void
starts_at_a_multiple_of_eight(void **state)
{
	struct value value = integer(1);
	struct buf out = BUF_EMPTY;

	(void)state;
	assert_int_equal(buf_puts(&out, "abc"), 0);
	assert_int_equal(encode_value(&value, &out), 0);
	assert_int_equal(out.len, 17);
	assert_memory_equal(out.data, "abc\0\0\0\0\0\x04\1", 10);
	buf_free(&out);
}

static void
a_bound_is_kept(void **state)
{
	struct value *deepest = nest(ENCODE_DEPTH_MAX);
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	assert_int_equal(encode_value(deepest, &out), ERR_TOO_BIG);
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

static void
what_is_kept_has_null_for_nan(void **state)
{
	struct value *array = value_array(&arena, 3);
	struct value *same = value_array(&arena, 3);
	struct value component = { .kind = VALUE_COMPONENT };
	struct buf out = BUF_EMPTY;
	struct buf other = BUF_EMPTY;
	const char *why = NULL;

	(void)state;
	array->u.items[0] = number(NAN);
	array->u.items[1] = number(1.5);
	array->u.items[2] = number(-INFINITY);
	same->u.items[0] = null();
	same->u.items[1] = number(1.5);
	same->u.items[2] = null();
	assert_int_equal(encode_stored(array, &out, &why), 0);
	assert_int_equal(encode_value(same, &other), 0);
	assert_int_equal(out.len, other.len);
	assert_memory_equal(out.data, other.data, out.len);
	assert_null(why);
	assert_int_equal(encode_stored(&component, &out, &why), -EINVAL);
	assert_string_equal(why, "a component cannot be stored");
	assert_int_equal(encode_stored(nest(ENCODE_DEPTH_MAX + 1), &out, &why),
	    ERR_TOO_BIG);
	assert_string_equal(why, "it is too large, or nested too deeply");
	assert_int_equal(out.len, other.len);
	buf_free(&out);
	buf_free(&other);
}

/* --- reading ----------------------------------------------------------- */

/* Encode, decode, encode again: the same bytes. Returns the value read. */
static struct value *
round_trip(const struct value *value, struct buf *out)
{
	struct buf again = BUF_EMPTY;
	struct value *read = NULL;

	assert_int_equal(encode_value(value, out), 0);
	assert_int_equal(encode_decode(out->data, out->len, &arena, &read), 0);
	assert_int_equal(encode_value(read, &again), 0);
	assert_int_equal(out->len, again.len);
	assert_memory_equal(out->data, again.data, again.len);
	buf_free(&again);
	return read;
}

static bool
lies_in(const void *pointer, const struct buf *bytes)
{
	const char *at = pointer;

	return at >= bytes->data && at < bytes->data + bytes->len;
}

static void
reads_a_tree_in_place(void **state)
{
	struct value *object = value_object(&arena, 3);
	struct value *array = value_array(&arena, 3);
	struct buf out = BUF_EMPTY;
	const struct value *got;
	struct value *read;

	(void)state;
	array->u.items[0] = text("hello");
	array->u.items[1] = number(2.5);
	array->u.items[2] = *value_object(&arena, 0);
	set_member(object, 0, "list", *array);
	set_member(object, 1, "yes", flag(true));
	set_member(object, 2, "big", integer(INT64_MIN));
	read = round_trip(object, &out);
	assert_int_equal(read->kind, VALUE_OBJECT);
	got = value_get(read, "big");
	assert_true(got->u.integer == INT64_MIN);
	assert_true(value_get(read, "yes")->flag);
	got = value_get(read, "list");
	assert_int_equal(got->count, 3);
	assert_string_equal(got->u.items[0].u.text, "hello");
	assert_true(lies_in(got->u.items[0].u.text, &out));
	assert_true(got->u.items[1].u.number == 2.5);
	buf_free(&out);
}

static void
reads_a_table_in_place(void **state)
{
	static const double numbers[] = { 1.5, NAN, -0.0 };
	static const struct value_text texts[] = { { "one", 3 }, { NULL, 0 },
		{ "", 0 } };
	struct value_column columns[2];
	struct value_table table = { .column_count = 2,
		.row_count = 3,
		.columns = columns };
	struct value *array = value_array(&arena, 2);
	const struct value_table *got;
	struct buf out = BUF_EMPTY;
	struct value *read;

	(void)state;
	columns[0] = column("text", VALUE_COLUMN_TEXT, 3, texts);
	columns[1] = column("number", VALUE_COLUMN_F64, 3, numbers);
	array->u.items[1].kind = VALUE_TABLE;
	array->u.items[1].u.table = &table;
	read = round_trip(array, &out);
	got = read->u.items[1].u.table;
	assert_int_equal(got->row_count, 3);
	assert_string_equal(got->columns[0].name, "text");
	assert_memory_equal(got->columns[0].u.texts[0].text, "one", 3);
	assert_null(got->columns[0].u.texts[1].text);
	assert_non_null(got->columns[0].u.texts[2].text);
	assert_int_equal(got->columns[0].u.texts[2].len, 0);
	assert_true(lies_in(got->columns[1].u.numbers, &out));
	assert_int_equal((uintptr_t)got->columns[1].u.numbers & 7, 0);
	assert_memory_equal(got->columns[1].u.numbers, numbers, 24);
	buf_free(&out);
}

static void
reads_a_lone_column_and_empty_ones(void **state)
{
	struct value_column lone = column("x", VALUE_COLUMN_F64, 0, NULL);
	struct value_table table = { .row_count = 7 };
	struct value value = { .kind = VALUE_COLUMN };
	struct buf out = BUF_EMPTY;
	struct value *read;

	(void)state;
	value.u.column = &lone;
	read = round_trip(&value, &out);
	assert_int_equal(read->u.column->row_count, 0);
	buf_free(&out);
	value.kind = VALUE_TABLE;
	value.u.table = &table;
	read = round_trip(&value, &out);
	assert_int_equal(read->u.table->row_count, 7);
	assert_int_equal(read->u.table->column_count, 0);
	buf_free(&out);
}

static void
reads_as_deep_as_it_writes(void **state)
{
	struct buf out = BUF_EMPTY;
	char bytes[5 * (ENCODE_DEPTH_MAX + 2)];
	struct value *read;
	size_t i;

	(void)state;
	(void)round_trip(nest(ENCODE_DEPTH_MAX), &out);
	for (i = 0; i < ENCODE_DEPTH_MAX + 2; i++)
		memcpy(bytes + 5 * i, "\x08\1\0\0\0", 5);
	bytes[sizeof(bytes) - 4] = 0;
	buf_clear(&out);
	assert_int_equal(buf_put(&out, bytes, sizeof(bytes)), 0);
	assert_int_equal(encode_decode(out.data, out.len, &arena, &read),
	    ERR_CORRUPT);
	buf_free(&out);
}

static const struct bad {
	const char *bytes;
	size_t len;
} bads[] = {
#define BAD(literal)                         \
	{                                    \
		literal, sizeof(literal) - 1 \
	}
	BAD(""), BAD("\x00"), BAD("\x0c"), BAD("\xff"),
	BAD("\x01\x01"),                 /* something behind it */
	BAD("\x04\0\0\0\0\0\0\0"),       /* seven bytes */
	BAD("\x05\0\0\0\0\0\0\0\x80"),   /* -0.0 */
	BAD("\x05\0\0\0\0\0\0\xf0\x7f"), /* infinity */
	BAD("\x05\1\0\0\0\0\0\xf0\x7f"), /* NaN */
	BAD("\x06\2\0\0\0ab"),           /* no NUL */
	BAD("\x06\2\0\0\0abc"),          /* not NUL */
	BAD("\x06\xff\xff\xff\xff\0"),   /* length beyond the end */
	BAD("\x06\2\0\0"),               /* length cut off */
	BAD("\x08\2\0\0\0\1"),           /* one item of two */
	BAD("\x08\xff\xff\xff\xff\1\1"), /* count beyond the end */
	BAD("\x09\2\0\0\0\1\0\0\0b\0\1\1\0\0\0a\0\1"), /* wrong order */
	BAD("\x09\2\0\0\0\1\0\0\0a\0\1\1\0\0\0a\0\1"), /* twice */
	BAD("\x0a\1\0\0\0\1\0\0\0\3\0\0\0\0\0"),       /* type of column */
	BAD("\x0a\1\0\0\0\1\0\0\0\1\0\0\0\0\0"
	    "\1\1\0\0\0\0\0\0\0"),           /* padding not zero */
	BAD("\x0a\xff\xff\xff\xff\0\0\0\0"), /* columns */
	BAD("\x0a\1\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0"), /* rows */
	BAD("\x0a\1\0\0\0\xff\xff\xff\xff\2\0\0\0\0\0\0"), /* rows */
	BAD("\x0b\1\0\0\0\2\0\0\0\0\0\2\0\0\0a"),          /* text cut off */
};

static void
what_is_not_read(void **state)
{
	_Alignas(8) char bytes[64];
	struct value *read;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		memcpy(bytes, bads[i].bytes, bads[i].len);
		assert_int_equal(
		    encode_decode(bytes, bads[i].len, &arena, &read),
		    ERR_CORRUPT);
		assert_null(read);
	}
	assert_int_equal(encode_decode(bytes + 1, 8, &arena, &read), -EINVAL);
}

static void
a_full_arena_is_no_memory(void **state)
{
	struct value *array = value_array(&arena, 1000);
	struct buf out = BUF_EMPTY;
	struct arena small;
	struct value *read;

	(void)state;
	assert_int_equal(encode_value(array, &out), 0);
	arena_init(&small, 1000);
	assert_int_equal(encode_decode(out.data, out.len, &small, &read),
	    -ENOMEM);
	arena_free(&small);
	buf_free(&out);
}

#define CASE(name) ARENA_TEST(name)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(scalars_have_these_bytes),
		CASE(trees_have_these_bytes),
		CASE(tables_have_these_bytes),
		CASE(what_looks_alike_differs),
		CASE(the_order_of_members_does_not_count),
		CASE(what_is_kept_has_null_for_nan),
		CASE(what_is_refused),
		CASE(starts_at_a_multiple_of_eight),
		CASE(a_bound_is_kept),
		CASE(reads_a_tree_in_place),
		CASE(reads_a_table_in_place),
		CASE(reads_a_lone_column_and_empty_ones),
		CASE(reads_as_deep_as_it_writes),
		CASE(what_is_not_read),
		CASE(a_full_arena_is_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
