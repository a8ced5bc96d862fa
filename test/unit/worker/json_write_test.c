/* SPDX-License-Identifier: MIT */

/* What is written is strict JSON, safe inside HTML, exact in numbers. */
#include "test/unit/arena_test_case.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/arena.h"
#include "server/base/err.h"
#include "worker/base64.h"
#include "worker/component.h"
#include "worker/json_scan.h"
#include "worker/json_write.h"

static void
check_json(const struct value *value, const char *want)
{
	struct json_limits limits = { JSON_DEPTH_MAX, 1000000, 1000000, false,
		false };
	struct json_scan_result result;
	struct buf out = BUF_EMPTY;
	const char *why;

	assert_int_equal(json_write_typed(value, &out, &why), 0);
	assert_string_equal(buf_cstr(&out), want);
	assert_int_equal(json_scan(out.data, out.len, &limits, &result),
	    JSON_OK);
	buf_free(&out);
}

static void
check_refused(const struct value *value, int rc, const char *want_why)
{
	struct buf out = BUF_EMPTY;
	const char *why = NULL;

	assert_int_equal(json_write(value, &out, &why), rc);
	assert_non_null(why);
	if (want_why != NULL)
		assert_string_equal(why, want_why);
	buf_free(&out);
}

static void
scalars(void **state)
{
	(void)state;
	check_json(value_null(&arena), "null");
	check_json(value_bool(&arena, true), "true");
	check_json(value_bool(&arena, false), "false");
	check_json(value_int(&arena, 0), "0");
	check_json(value_int(&arena, -1), "-1");
	check_json(value_int(&arena, INT64_MAX), "9223372036854775807");
	check_json(value_int(&arena, INT64_MIN), "-9223372036854775808");
	check_json(value_text(&arena, "", 0), "\"\"");
	check_json(value_text(&arena, "a b", 3), "\"a b\"");
}

static void
finished_json_is_passed_on(void **state)
{
	struct value *list = value_array(&arena, 2);

	(void)state;
	list->u.items[0].kind = VALUE_JSON;
	list->u.items[0].u.text = "{\"a\":[1,2]}";
	list->u.items[0].count = 11;
	list->u.items[1].kind = VALUE_INT;
	check_json(list, "[{\"a\":[1,2]},0]");
}

static void
texts_are_escaped(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *json;
	} cases[] = {
		{ "\"", 1, "\"\\\"\"" },
		{ "\\", 1, "\"\\\\\"" },
		{ "/", 1, "\"/\"" },
		{ "\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"" },
		{ "\0\1\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\\u007f\"" },
		{ "a\0b", 3, "\"a\\u0000b\"" },
		{ "</script><!--", 13, "\"\\u003c/script\\u003e\\u003c!--\"" },
		{ "a&amp;b", 7, "\"a\\u0026amp;b\"" },
		{ "\xe2\x80\xa8", 3, "\"\\u2028\"" },
		{ "x\xe2\x80\xa9y", 5, "\"x\\u2029y\"" },
		{ "\xe2\x80\xa7\xe2\x80\xaa", 6,
		    "\"\xe2\x80\xa7\xe2\x80\xaa\"" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9,
		    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\xef\xbf\xbf\xf4\x8f\xbf\xbf", 7,
		    "\"\xef\xbf\xbf\xf4\x8f\xbf\xbf\"" },
	};
	struct buf out = BUF_EMPTY;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		assert_int_equal(
		    json_write_text(cases[i].text, cases[i].len, &out), 0);
		assert_string_equal(buf_cstr(&out), cases[i].json);
	}
	buf_free(&out);
}

/* No byte below 0x80 gets through that means something in HTML or JSON. */
static void
every_ascii_byte(void **state)
{
	struct buf out = BUF_EMPTY;
	const char *json;
	char byte;
	int c;

	(void)state;
	for (c = 0; c < 128; c++) {
		byte = (char)c;
		buf_clear(&out);
		assert_int_equal(json_write_text(&byte, 1, &out), 0);
		json = buf_cstr(&out);
		if (out.len == 3)
			assert_true(c >= 0x20 && c < 0x7f &&
				    strchr("\"\\<>&", c) == NULL);
		else
			assert_int_equal(json[1], '\\');
	}
	buf_free(&out);
}

static const struct {
	const char *bytes;
	size_t len;
} bad_texts[] = {
	{ "\x80", 1 },
	{ "\xc0\xaf", 2 },
	{ "\xe0\x80\xaf", 3 },
	{ "\xf0\x8f\xbf\xbf", 4 },
	{ "\xed\xa0\x80", 3 },
	{ "\xed\xbf\xbf", 3 },
	{ "\xed\xa0\xbd\xed\xb8\x80", 6 },
	{ "\xf4\x90\x80\x80", 4 },
	{ "\xf5\x80\x80\x80", 4 },
	{ "\xfe\xff", 2 },
	{ "ok \xe2\x82", 5 },
	{ "\xc3(", 2 },
	{ "\xf0\x9f\x98 ", 4 },
	{ "caf\xe9", 4 },
};

/* Wherever a text may stand: a value, a name, a cell, a column's name. */
static void
texts_that_are_not_utf8_are_refused(void **state)
{
	static double numbers[1] = { 1 };
	struct value_text cell;
	struct value_column column;
	struct value_table table = { 1, 1, &column };
	struct value holder;
	struct value *object;
	struct value *text;
	struct buf out = BUF_EMPTY;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++) {
		buf_clear(&out);
		assert_int_equal(
		    json_write_text(bad_texts[i].bytes, bad_texts[i].len, &out),
		    ERR_SYNTAX);
		text = value_text(&arena, bad_texts[i].bytes, bad_texts[i].len);
		check_refused(text, ERR_SYNTAX, "a text is not valid UTF-8");
		object = value_object(&arena, 1);
		object->u.members[0].name = "a";
		object->u.members[0].name_len = 1;
		object->u.members[0].value = *text;
		check_refused(object, ERR_SYNTAX,
		    "a text is not valid UTF-8: a");
		object->u.members[0].name = text->u.text;
		object->u.members[0].name_len = text->count;
		object->u.members[0].value.kind = VALUE_NULL;
		check_refused(object, ERR_SYNTAX, "a name is not valid UTF-8");
		memset(&holder, 0, sizeof(holder));
		memset(&column, 0, sizeof(column));
		cell.text = text->u.text;
		cell.len = text->count;
		column.name = "c";
		column.name_len = 1;
		column.row_count = 1;
		column.type = VALUE_COLUMN_TEXT;
		column.u.texts = &cell;
		holder.kind = VALUE_COLUMN;
		holder.u.column = &column;
		check_refused(&holder, ERR_SYNTAX,
		    "a text is not valid UTF-8: [0]");
		holder.kind = VALUE_TABLE;
		holder.u.table = &table;
		object->u.members[0].name = "a";
		object->u.members[0].name_len = 1;
		object->u.members[0].value = holder;
		check_refused(object, ERR_SYNTAX,
		    "a text is not valid UTF-8: a[0].c");
		column.name = text->u.text;
		column.name_len = text->count;
		column.type = VALUE_COLUMN_F64;
		column.u.numbers = numbers;
		check_refused(&holder, ERR_SYNTAX,
		    "a name is not valid UTF-8: [0]");
	}
	buf_free(&out);
}

static void
numbers(void **state)
{
	static const struct {
		double number;
		const char *json;
	} cases[] = {
		{ 0.0, "0" },
		{ -0.0,
		    "0" }, /* JavaScript cannot tell them apart, nor a key */
		{ 1.0, "1" },
		{ -1.0, "-1" },
		{ 0.1, "0.1" },
		{ 0.5, "0.5" },
		{ 1.5, "1.5" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 123456789012345.0, "123456789012345" },
		{ 999999999999999.0, "999999999999999" },
		{ 1e15, "1000000000000000" },
		{ 9007199254740993.0, "9007199254740992" },
		{ 1e21, "1e+21" },
		{ -1e21, "-1e+21" },
		{ 1e300, "1e+300" },
		{ DBL_MIN, "2.2250738585072014e-308" },
		{ 5e-324, "5e-324" },
		{ DBL_MAX, "1.7976931348623157e+308" },
		{ -DBL_MAX, "-1.7976931348623157e+308" },
		{ (double)INT64_MAX, "9223372036854776000" },
		{ 1e20, "100000000000000000000" },
		{ -123456789012345678.0, "-123456789012345680" },
		{ 12345678901234567890.5, "12345678901234567000" },
		{ 1e-6, "0.000001" },
		{ 1.25e-6, "0.00000125" },
		{ 1e-7, "1e-7" },
		{ -1.5e-10, "-1.5e-10" },
		{ 123.456, "123.456" },
		{ 1.5e22, "1.5e+22" },
		{ NAN, "null" },
		{ -NAN, "null" },
		{ INFINITY, "null" },
		{ -INFINITY, "null" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_json(value_double(&arena, cases[i].number),
		    cases[i].json);
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Bit patterns of all sizes, and decimal numbers people write. */
static void
check_round_trips(char point)
{
	struct buf out = BUF_EMPTY;
	uint64_t seed = 88172645463325252u;
	uint64_t bits;
	double number;
	char *text;
	int i;

	for (i = 0; i < 20000; i++) {
		bits = next_random(&seed);
		memcpy(&number, &bits, sizeof(number));
		if (i % 2 == 0)
			number = (double)(int64_t)(bits % 2000001) / 1000.0;
		if (!isfinite(number))
			continue;
		buf_clear(&out);
		assert_int_equal(json_write_number(number, &out), 0);
		assert_null(memchr(out.data, ',', out.len));
		(void)buf_cstr(&out);
		text = strchr(out.data, '.');
		if (text != NULL)
			*text = point; /* as strtod() wants it here */
		assert_true(strtod(out.data, NULL) == number);
	}
	buf_free(&out);
}

static void
numbers_round_trip(void **state)
{
	(void)state;
	check_round_trips('.');
}

/* An app may call setlocale(); it must not change what browsers get. */
static void
numbers_in_a_locale_with_a_comma(void **state)
{
	char folder[] = "/tmp/json_write_test.XXXXXX";
	char command[256];
	bool comma;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(command, sizeof(command),
	    "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >%s/log 2>&1", folder,
	    folder);
	comma = system(command) == 0 && setenv("LOCPATH", folder, 1) == 0 &&
		setlocale(LC_ALL, "de_DE.UTF-8") != NULL &&
		strcmp(localeconv()->decimal_point, ",") == 0;
	if (comma) {
		numbers(state);
		check_round_trips(',');
	}
	(void)setlocale(LC_ALL, "C");
	(void)unsetenv("LOCPATH");
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
	if (!comma)
		skip(); /* this machine cannot make such a locale */
}

static void
lists_and_objects(void **state)
{
	static const char *const names[] = { "a", "", "<b>" };
	struct value *object = value_object(&arena, 3);
	struct value *list = value_array(&arena, 3);
	int i;

	(void)state;
	check_json(value_array(&arena, 0), "[]");
	check_json(value_object(&arena, 0), "{}");
	check_json(list, "[null,null,null]");
	for (i = 0; i < 3; i++) {
		object->u.members[i].name = names[i];
		object->u.members[i].name_len = (uint32_t)strlen(names[i]);
		object->u.members[i].value = *value_int(&arena, i);
	}
	list->u.items[1] = *object;
	check_json(list, "[null,{\"a\":0,\"\":1,\"\\u003cb\\u003e\":2},null]");
}

/* `depth` lists or objects in each other. */
static struct value *
nest(unsigned depth, bool objects)
{
	struct value *value = value_null(&arena);
	struct value *outer;

	while (depth-- > 0) {
		outer =
		    objects ? value_object(&arena, 1) : value_array(&arena, 1);
		if (objects) {
			outer->u.members[0].name = "a";
			outer->u.members[0].name_len = 1;
			outer->u.members[0].value = *value;
		} else {
			outer->u.items[0] = *value;
		}
		value = outer;
	}
	return value;
}

static void
depth_is_bounded(void **state)
{
	struct buf out = BUF_EMPTY;
	const char *why;
	int objects;

	(void)state;
	for (objects = 0; objects < 2; objects++) {
		buf_clear(&out);
		assert_int_equal(json_write(nest(199, objects), &out, &why), 0);
		check_refused(nest(200, objects), ERR_TOO_BIG,
		    "nested more than 200 levels deep");
		check_refused(nest(100000, objects), ERR_TOO_BIG, NULL);
	}
	buf_free(&out);
}

static struct value
column_of(struct value_column *column, uint8_t type, const void *cells,
    uint32_t rows)
{
	struct value value = { .kind = VALUE_COLUMN };

	memset(column, 0, sizeof(*column));
	column->name = "c";
	column->name_len = 1;
	column->type = type;
	column->row_count = rows;
	if (type == VALUE_COLUMN_F64)
		column->u.numbers = cells;
	else if (type == VALUE_COLUMN_I64)
		column->u.integers = cells;
	else
		column->u.texts = cells;
	value.u.column = column;
	return value;
}

/* {"dtype":"...","bdata":"<base64 of the bytes>"} */
static void
check_typed(const struct value *value, const char *dtype, const void *bytes,
    size_t len)
{
	struct buf want = BUF_EMPTY;

	(void)buf_printf(&want, "{\"dtype\":\"%s\",\"bdata\":\"", dtype);
	assert_int_equal(base64_encode(bytes, len, &want), 0);
	(void)buf_puts(&want, "\"}");
	check_json(value, buf_cstr(&want));
	buf_free(&want);
}

static void
number_columns_are_typed_arrays(void **state)
{
	static const double numbers[] = { 1, 0.5, -3, 0, NAN };
	static const int64_t small[] = { 1, -2, INT32_MAX, INT32_MIN };
	static const int32_t narrow[] = { 1, -2, INT32_MAX, INT32_MIN };
	static const int64_t high[] = { 1, (int64_t)UINT32_MAX + 1 };
	static const double high_wide[] = { 1, 4294967296.0 };
	static const int64_t low[] = { (int64_t)INT32_MIN - 1, 5 };
	static const double low_wide[] = { -2147483649.0, 5 };
	struct value_column column;
	struct value value;

	(void)state;
	value = column_of(&column, VALUE_COLUMN_F64, numbers, 5);
	check_typed(&value, "f8", numbers, sizeof(numbers));
	check_json(&value,
	    "{\"dtype\":\"f8\",\"bdata\":"
	    "\"AAAAAAAA8D8AAAAAAADgPwAAAAAAAAjAAAAAAAAAAAAAAAAAAAD4fw=="
	    "\"}");
	value = column_of(&column, VALUE_COLUMN_I64, small, 4);
	check_typed(&value, "i4", narrow, sizeof(narrow));
	value = column_of(&column, VALUE_COLUMN_I64, small, 1);
	check_json(&value, "{\"dtype\":\"i1\",\"bdata\":\"AQ==\"}");
	value = column_of(&column, VALUE_COLUMN_I64, high, 2);
	check_typed(&value, "f8", high_wide, sizeof(high_wide));
	value = column_of(&column, VALUE_COLUMN_I64, low, 2);
	check_typed(&value, "f8", low_wide, sizeof(low_wide));
	value = column_of(&column, VALUE_COLUMN_F64, numbers, 0);
	check_json(&value, "{\"dtype\":\"f8\",\"bdata\":\"\"}");
	value = column_of(&column, VALUE_COLUMN_I64, small, 0);
	check_json(&value, "{\"dtype\":\"i1\",\"bdata\":\"\"}");
}

static void
text_columns_are_lists(void **state)
{
	static const struct value_text texts[] = { { "a\"b", 3 }, { NULL, 0 },
		{ "", 0 }, { "longer", 4 } };
	struct value_column column;
	struct value value;

	(void)state;
	value = column_of(&column, VALUE_COLUMN_TEXT, texts, 4);
	check_json(&value, "[\"a\\\"b\",null,\"\",\"long\"]");
	value = column_of(&column, VALUE_COLUMN_TEXT, texts, 0);
	check_json(&value, "[]");
}

static void
tables_are_records(void **state)
{
	static const double numbers[] = { 0.5, NAN };
	static const int64_t integers[] = { INT64_MAX, -1 };
	static const struct value_text texts[] = { { "x", 1 }, { NULL, 0 } };
	struct value_column columns[3];
	struct value_table table = { 3, 2, columns };
	struct value value = { .kind = VALUE_TABLE, .u.table = &table };

	(void)state;
	(void)column_of(&columns[0], VALUE_COLUMN_F64, numbers, 2);
	(void)column_of(&columns[1], VALUE_COLUMN_I64, integers, 2);
	(void)column_of(&columns[2], VALUE_COLUMN_TEXT, texts, 2);
	columns[1].name = "d";
	columns[2].name = "<e>";
	columns[2].name_len = 3;
	check_json(&value,
	    "[{\"c\":0.5,\"d\":9223372036854775807,\"\\u003ce\\u003e\":\"x\"},"
	    "{\"c\":null,\"d\":-1,\"\\u003ce\\u003e\":null}]");
	table.row_count = 0;
	check_json(&value, "[]");
	table.row_count = 1;
	table.column_count = 0;
	check_json(&value, "[{}]");
}

static void
components_have_type_and_namespace(void **state)
{
	static const struct ph_component_type type = { "dash_html_components",
		"Div", NULL, 0 };
	struct value_member props[2];
	struct component component = { &type, props, 2 };
	struct component inner = { &type, NULL, 0 };
	struct value value = { .kind = VALUE_COMPONENT,
		.u.component = &component };

	(void)state;
	memset(props, 0, sizeof(props));
	props[0].name = "id";
	props[0].name_len = 2;
	props[0].value = *value_text(&arena, "a<b", 3);
	props[1].name = "children";
	props[1].name_len = 8;
	props[1].value.kind = VALUE_COMPONENT;
	props[1].value.u.component = &inner;
	check_json(&value,
	    "{\"props\":{\"id\":\"a\\u003cb\",\"children\":{\"props\":{},"
	    "\"type\":\"Div\",\"namespace\":\"dash_html_components\"}},"
	    "\"type\":\"Div\",\"namespace\":\"dash_html_components\"}");
	props[0].value = *value_text(&arena, "\xff", 1);
	check_refused(&value, ERR_SYNTAX, "a text is not valid UTF-8: id");
}

/* A bounded buffer that is too small is an error, never half an answer. */
static void
a_full_buffer_is_an_error(void **state)
{
	struct value *value = nest(20, true);
	struct buf out = BUF_EMPTY;
	const char *why;
	size_t len;
	size_t max;

	(void)state;
	assert_int_equal(json_write(value, &out, &why), 0);
	len = out.len;
	buf_free(&out);
	for (max = 1; max < len; max++) {
		buf_init(&out, max);
		assert_true(json_write(value, &out, &why) < 0);
		assert_true(out.len <= max);
		buf_free(&out);
	}
	buf_init(&out, len);
	assert_int_equal(json_write(value, &out, &why), 0);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ARENA_TEST(scalars),
		ARENA_TEST(finished_json_is_passed_on),
		ARENA_TEST(texts_are_escaped),
		ARENA_TEST(every_ascii_byte),
		ARENA_TEST(texts_that_are_not_utf8_are_refused),
		ARENA_TEST(numbers),
		ARENA_TEST(numbers_round_trip),
		ARENA_TEST(numbers_in_a_locale_with_a_comma),
		ARENA_TEST(lists_and_objects),
		ARENA_TEST(depth_is_bounded),
		ARENA_TEST(number_columns_are_typed_arrays),
		ARENA_TEST(text_columns_are_lists),
		ARENA_TEST(tables_are_records),
		ARENA_TEST(components_have_type_and_namespace),
		ARENA_TEST(a_full_buffer_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
