/* SPDX-License-Identifier: MIT */

/* Values as an app makes and reads them, through the table it is given. */
#include "test/unit/worker/app_fixture.h"

#include <math.h>

static struct app_fixture fixture;
static struct call call;

static int
set_up(void **state)
{
	(void)state;
	fixture_init(&fixture);
	call_init(&call, &fixture.kit, &fixture.arena, CALL_LAYOUT, "page",
	    NULL);
	call_enter(&call);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	call_leave(&call);
	call_fini(&call);
	fixture_fini(&fixture);
	return call_current() == NULL ? 0 : -1;
}

static void
check(const struct ph_value *value, const char *want)
{
	assert_non_null(value);
	fixture_check(host_take(value), want);
	assert_false(call.failed);
}

/* NULL where a name belongs: named, and the worker lives. */
static void
names_that_are_null(void **state)
{
	const char *const names[] = { NULL };
	const struct ph_value *values[] = { ph_int(1) };
	const struct ph_value *table = PH_TABLE({ "a", PH_LIST(ph_int(1)) });
	const char *verbs[] = { "ph_json()", "PH_OBJECT()", "ph_object()",
		"PH_TABLE()", "ph_member()", "ph_member()", "ph_cell()",
		"ph_id()", "ph_figure_set()" };
	struct ph_figure *figure = ph_figure();
	char want[96];
	size_t i;

	(void)state;
	assert_false(call.failed);
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		call.failed = false;
		call.misbuilt = false;
		switch (i) {
		case 0:
			(void)ph_json(NULL);
			break;
		case 1:
			(void)PH_OBJECT({ "a", ph_null() },
			    { NULL, ph_null() });
			break;
		case 2:
			(void)ph_object(names, values, 1);
			break;
		case 3:
			(void)PH_TABLE({ NULL, PH_LIST(ph_int(1)) });
			break;
		case 4:
			(void)ph_member(PH_JSON({ "a" : 1 }), NULL);
			break;
		case 5:
			(void)ph_member(table, NULL);
			break;
		case 6:
			(void)ph_cell(table, 0, NULL);
			break;
		case 7:
			(void)ph_id(NULL, ph_int(1));
			break;
		default:
			ph_figure_set(figure, NULL, ph_int(1));
			break;
		}
		(void)snprintf(want, sizeof(want),
		    "page: %s: a name or text is NULL", verbs[i]);
		assert_true(call.failed);
		assert_true(call.misbuilt);
		assert_string_equal(call.error, want);
	}
}

/* JSON with a name twice is refused where it is read. */
static void
names_that_stand_twice(void **state)
{
	const char *names[40];
	const struct ph_value *values[40] = { NULL };
	char text[40][8];
	size_t i;

	(void)state;
	(void)PH_OBJECT({ "a", ph_int(1) }, { "b", ph_int(2) },
	    { "a", ph_int(3) });
	assert_true(call.failed);
	assert_string_equal(call.error,
	    "page: PH_OBJECT(): the name \"a\" stands twice");
	call.failed = false;
	call.misbuilt = false;
	for (i = 0; i < 40; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "n%zu", i);
		names[i] = text[i];
	}
	assert_int_equal(ph_count_of(ph_object(names, values, 40)), 40);
	assert_false(call.failed);
	names[39] = "n7";
	(void)ph_object(names, values, 40);
	assert_true(call.failed);
	assert_string_equal(call.error,
	    "page: ph_object(): the name \"n7\" stands twice");
}

/* A NUL is a byte of a text like others, but no part of an id. */
static void
texts_with_a_nul(void **state)
{
	const struct ph_value *text = ph_text_n("1\0b", 3);
	const struct ph_value *table = PH_TABLE({ "t", PH_LIST(text) });

	(void)state;
	assert_int_equal(ph_text_len_of(text), 3);
	assert_memory_equal(ph_text_of(text), "1\0b", 4);
	assert_int_equal(ph_text_len_of(ph_cell(table, 0, "t")), 3);
	assert_int_equal(ph_text_len_of(ph_text("")), 0);
	assert_int_equal(ph_text_len_of(ph_int(12)), 0);
	assert_int_equal(ph_text_len_of(NULL), 0);
	assert_true(ph_is_null(ph_text_n(NULL, 0)));
	assert_int_equal(ph_int_of(text), 0);
	assert_string_equal(ph_text_of(ph_json_text(text)), "\"1\\u0000b\"");
	assert_false(call.failed);
	assert_string_equal(ph_id("button", text), "");
	assert_true(call.failed);
	assert_string_equal(call.error,
	    "page: ph_id(\"button\"): the index has a NUL");
}

static void
give_null(size_t which, struct ph_patch *patch)
{
	/* Without what the compiler knows of formats. */
	const struct ph_value *(*textf)(const char *, ...) =
	    host_table.make_textf;

	switch (which) {
	case 0:
		ph_scatter(NULL, .y = PH_JSON([1]));
		break;
	case 1:
		ph_figure_layout(NULL, .title = "t");
		break;
	case 2:
		ph_figure_set(NULL, "layout.height", ph_int(1));
		break;
	case 3:
		(void)ph_figure_value(NULL);
		break;
	case 4:
		(void)ph_doubles(NULL, 5);
		break;
	case 5:
		(void)ph_grid(NULL, 2, 2);
		break;
	case 6:
		ph_patch_assign(NULL, "a", ph_int(1));
		break;
	case 7:
		ph_patch_assign(patch, NULL, ph_int(1));
		break;
	case 8:
		(void)ph_patched(NULL);
		break;
	default:
		(void)textf(NULL);
		break;
	}
}

/* What is no name, but has to be there. */
static void
what_is_null_is_told(void **state)
{
	static const char *const wants[] = {
		"page: a trace: the figure is NULL",
		"page: ph_figure_layout(): the figure is NULL",
		"page: ph_figure_set(): the figure is NULL",
		"page: ph_figure_value(): the figure is NULL",
		"page: an array: 5 items at NULL",
		"page: ph_grid(): the cells are NULL",
		"page: ph_patch: the patch is NULL",
		"page: ph_patch: the path is NULL",
		"page: ph_patched(): the patch is NULL",
		"page: ph_textf(): the format is NULL",
	};
	struct ph_patch *patch = ph_patch();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		call.failed = false;
		call.misbuilt = false;
		give_null(i, patch);
		assert_true(call.failed);
		assert_true(call.misbuilt);
		assert_string_equal(call.error, wants[i]);
	}
	call.failed = false;
	check(ph_json_text(ph_doubles(NULL, 0)),
	    "\"{\\\"dtype\\\":\\\"f8\\\",\\\"bdata\\\":\\\"\\\"}\"");
	/* No value is null, as everywhere. */
	ph_patch_assign(patch, "a", NULL);
	check(ph_patched(patch),
	    "{\"__dash_patch_update\":\"__dash_patch_update\","
	    "\"operations\":[{\"operation\":\"Assign\",\"location\":[\"a\"],"
	    "\"params\":{\"value\":null}}]}");
}

/* What no int64_t is, is not another number. */
static void
unsigned_integers(void **state)
{
	(void)state;
	check(ph_uint(0), "0");
	check(ph_uint(INT64_MAX), "9223372036854775807");
	(void)ph_uint((uint64_t)INT64_MAX + 1);
	assert_true(call.failed);
	assert_string_equal(call.error,
	    "page: the integer 9223372036854775808 is beyond 2^63 - 1: "
	    "ph_text() keeps it");
	call.failed = false;
	(void)ph_uint(UINT64_MAX);
	assert_string_equal(call.error,
	    "page: the integer 18446744073709551615 is beyond 2^63 - 1: "
	    "ph_text() keeps it");
	call.failed = false;
}

static void
scalars(void **state)
{
	char text[] = "before";
	const struct ph_value *copy = ph_text(text);

	(void)state;
	memcpy(text, "after!", 6);
	check(copy, "\"before\"");
	check(ph_null(), "null");
	check(ph_bool(true), "true");
	check(ph_bool(false), "false");
	check(ph_int(INT64_MIN), "-9223372036854775808");
	check(ph_number(0.1), "0.1");
	check(ph_number(NAN), "null");
	check(ph_text(""), "\"\"");
	check(ph_text(NULL), "null");
	check(ph_textf("%s-%03d", "a", 7), "\"a-007\"");
	check(ph_textf("%s", ""), "\"\"");
}

static void
textf_of_any_length(void **state)
{
	static char long_text[100001];

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	assert_string_equal(ph_text_of(ph_textf("%s", long_text)), long_text);
}

static void
json_literals(void **state)
{
	(void)state;
	check(PH_JSON({ "a" : [ 1, 2.5, null, true ], "b" : {} }),
	    "{\"a\":[1,2.5,null,true],\"b\":{}}");
	check(ph_json("\"x\""), "\"x\"");
	check(PH_JSON([]), "[]");
}

static void
bad_json_fails_the_call(void **state)
{
	(void)state;
	assert_true(ph_is_null(ph_json("{\"a\":")));
	assert_true(call.failed);
	assert_memory_equal(call.error, "PH_JSON({\"a\":", 13);
}

static void
lists_and_objects(void **state)
{
	const char *names[] = { "one", "two" };
	const struct ph_value *values[] = { ph_int(1), NULL };
	const struct ph_value *none[] = { NULL };

	(void)state;
	check(PH_LIST(ph_int(1), ph_text("a"), ph_null()), "[1,\"a\",null]");
	check(PH_LIST(PH_LIST(ph_int(1)), PH_LIST(ph_int(2))), "[[1],[2]]");
	check(PH_LIST(ph_int(1), NULL), "[1,null]");
	check(PH_LIST(NULL), "[null]");
	check(PH_LIST(PH_LIST(), PH_CHILDREN(), PH_OBJECT()), "[[],[],{}]");
	check(ph_host_->make_list(none, 0), "[]");
	check(ph_object(names, values, 2), "{\"one\":1,\"two\":null}");
	check(ph_object(names, values, 0), "{}");
}

struct card {
	const char *id;
	const struct ph_value *children;
};

static const struct ph_prop card_props[] = {
	{ "id", offsetof(struct card, id), PH_PROP_TEXT, PH_PROP_REQUIRED },
	{ "children", offsetof(struct card, children), PH_PROP_VALUE,
	    PH_PROP_CHILDREN },
};

static const struct ph_component_type card_type = { "space", "Card", card_props,
	2 };

static void
components(void **state)
{
	struct card inner = { .id = "in" };
	struct card outer = { .id = "out" };

	(void)state;
	outer.children =
	    PH_CHILDREN(ph_text("x"), ph_component_new(&card_type, &inner));
	check(ph_component_new(&card_type, &outer),
	    "{\"props\":{\"id\":\"out\",\"children\":[\"x\",{\"props\":{"
	    "\"id\":\"in\"},\"type\":\"Card\",\"namespace\":\"space\"}]},"
	    "\"type\":\"Card\",\"namespace\":\"space\"}");
	outer.id = NULL;
	assert_true(ph_is_null(ph_component_new(&card_type, &outer)));
	assert_true(call.failed);
	assert_string_equal(call.error,
	    "page: component Card needs property id");
}

/* Each reader on each kind: the documented answer for the wrong one. */
static void
readers_on_every_kind(void **state)
{
	static const struct {
		const char *json;
		bool is_null;
		const char *text;
		double number; /* NaN: not one */
		int64_t integer;
		bool flag;
		size_t count;
	} cases[] = {
		{ "null", true, "", NAN, 0, false, 0 },
		{ "true", false, "", NAN, 0, true, 0 },
		{ "false", false, "", NAN, 0, false, 0 },
		{ "7", false, "", 7, 7, false, 0 },
		{ "-7", false, "", -7, -7, false, 0 },
		{ "2.9", false, "", 2.9, 2, false, 0 },
		{ "-2.9", false, "", -2.9, -2, false, 0 },
		{ "1e300", false, "", 1e300, 0, false, 0 },
		{ "-1e300", false, "", -1e300, 0, false, 0 },
		{ "\"\"", false, "", NAN, 0, false, 0 },
		{ "\"12\"", false, "12", NAN, 12, false, 0 },
		{ "\"true\"", false, "true", NAN, 0, false, 0 },
		{ "[]", false, "", NAN, 0, false, 0 },
		{ "[1,2,3]", false, "", NAN, 0, false, 3 },
		{ "{\"a\":1,\"b\":2}", false, "", NAN, 0, false, 2 },
	};
	const struct ph_value *value;
	double number;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		value = ph_json(cases[i].json);
		number = ph_number_of(value);
		assert_int_equal(ph_is_null(value), cases[i].is_null);
		assert_string_equal(ph_text_of(value), cases[i].text);
		assert_true(isnan(cases[i].number) ? isnan(number)
						   : number == cases[i].number);
		assert_true(ph_int_of(value) == cases[i].integer);
		assert_int_equal(ph_bool_of(value), cases[i].flag);
		assert_int_equal(ph_count_of(value), cases[i].count);
	}
	assert_false(call.failed);
}

static void
integers_at_the_edge(void **state)
{
	(void)state;
	assert_true(ph_int_of(ph_int(INT64_MAX)) == INT64_MAX);
	assert_true(ph_int_of(ph_number(9.1e18)) == 9100000000000000000);
	assert_int_equal(ph_int_of(ph_number(9.3e18)), 0);
	assert_int_equal(ph_int_of(ph_number(INFINITY)), 0);
	assert_int_equal(ph_int_of(ph_number(-INFINITY)), 0);
	assert_int_equal(ph_int_of(ph_number(NAN)), 0);
	assert_true(ph_number_of(ph_int(3)) == 3);
	/* Read as JSON they are what they were. */
	assert_true(ph_int_of(ph_member(PH_JSON({ "id" : 9007199254740993 }),
			"id")) == 9007199254740993);
	assert_true(
	    ph_number_of(PH_JSON(9007199254740993)) == 9007199254740992.0);
	assert_true(
	    ph_int_of(ph_cell(
		ph_table_of(ph_json_text(ph_split(PH_TABLE({ "id",
		    PH_LIST(ph_int(9007199254740993), ph_int(INT64_MIN)) })))),
		0, "id")) == 9007199254740993);
	assert_true(ph_int_of(ph_text("9007199254740993")) == 9007199254740993);
	assert_true(ph_int_of(ph_text("-9223372036854775808")) == INT64_MIN);
	assert_int_equal(ph_int_of(ph_text("9223372036854775808")), 0);
	assert_int_equal(ph_int_of(ph_text("7 ")), 0);
	assert_int_equal(ph_int_of(ph_text(" 7")), 0);
	assert_int_equal(ph_int_of(ph_text("+7")), 0);
	assert_int_equal(ph_int_of(ph_text("7.0")), 0);
	assert_int_equal(ph_int_of(ph_text("-")), 0);
	assert_int_equal(ph_int_of(ph_text("")), 0);
}

static void
null_pointers_read_as_null(void **state)
{
	(void)state;
	assert_true(ph_is_null(NULL));
	assert_string_equal(ph_text_of(NULL), "");
	assert_true(isnan(ph_number_of(NULL)));
	assert_int_equal(ph_int_of(NULL), 0);
	assert_false(ph_bool_of(NULL));
	assert_int_equal(ph_count_of(NULL), 0);
	assert_true(ph_is_null(ph_at(NULL, 0)));
	assert_true(ph_is_null(ph_member(NULL, "a")));
}

static void
items_and_members(void **state)
{
	const struct ph_value *list = ph_json("[1,[2,3]]");
	const struct ph_value *object = ph_json("{\"a\":{\"b\":5},\"\":6}");

	(void)state;
	assert_int_equal(ph_int_of(ph_at(list, 0)), 1);
	assert_int_equal(ph_int_of(ph_at(ph_at(list, 1), 1)), 3);
	assert_true(ph_is_null(ph_at(list, 2)));
	assert_true(ph_is_null(ph_at(list, SIZE_MAX)));
	assert_string_equal(ph_name_at(object, 0), "a");
	assert_int_equal(ph_int_of(ph_at(object, 1)), 6);
	assert_true(ph_is_null(ph_at(object, 2)));
	assert_string_equal(ph_name_at(object, 2), "");
	assert_string_equal(ph_name_at(list, 0), "");
	assert_string_equal(ph_id("b\"", ph_int(2)),
	    "{\"index\":2,\"type\":\"b\\\"\"}");
	fixture_check(host_take(PH_OBJECT({ "x", ph_int(1) }, { "y", NULL })),
	    "{\"x\":1,\"y\":null}");
	assert_int_equal(ph_int_of(ph_member(ph_member(object, "a"), "b")), 5);
	assert_int_equal(ph_int_of(ph_member(object, "")), 6);
	assert_true(ph_is_null(ph_member(object, "c")));
	assert_true(ph_is_null(ph_member(list, "a")));
	assert_false(call.failed);
}

static void
tables_count_their_rows(void **state)
{
	struct value_table table = { 0, 12, NULL };
	struct value value = { .kind = VALUE_TABLE, .u.table = &table };

	(void)state;
	assert_int_equal(ph_count_of(host_give(&value)), 12);
	assert_int_equal(ph_count_of(ph_at(host_give(&value), 11)), 0);
	assert_true(ph_is_null(ph_at(host_give(&value), 12)));
}

/* Every maker in a full arena: null, and the call has failed. */
static void
a_full_arena_fails_the_call(void **state)
{
	const char *names[] = { "a" };
	const struct ph_value *values[] = { NULL };
	struct card card = { .id = "x" };
	const struct ph_value *made;
	struct arena small;
	int which;

	(void)state;
	for (which = 0; which < 9; which++) {
		arena_init(&small, 1);
		call_init(&call, &fixture.kit, &small, CALL_LAYOUT, "page",
		    NULL);
		made = which == 0   ? ph_bool(true)
		       : which == 1 ? ph_int(1)
		       : which == 2 ? ph_number(1)
		       : which == 3 ? ph_text("x")
		       : which == 4 ? ph_textf("x")
		       : which == 5 ? ph_json("[1]")
		       : which == 6 ? PH_LIST(values[0])
		       : which == 7 ? ph_object(names, values, 1)
				    : ph_component_new(&card_type, &card);
		assert_true(ph_is_null(made));
		assert_true(call.failed);
		assert_non_null(strstr(call.error, "out of memory"));
		arena_free(&small);
	}
}

static void
outside_a_call_everything_is_null(void **state)
{
	const char *names[] = { "a" };
	const struct ph_value *values[] = { NULL };
	struct card card = { .id = "x" };

	(void)state;
	call_leave(&call);
	assert_true(ph_is_null(ph_bool(true)));
	assert_true(ph_is_null(ph_int(1)));
	assert_true(ph_is_null(ph_number(1)));
	assert_true(ph_is_null(ph_text("x")));
	assert_true(ph_is_null(ph_textf("x")));
	assert_true(ph_is_null(ph_json("[1]")));
	assert_true(ph_is_null(PH_LIST(ph_int(1))));
	assert_true(ph_is_null(ph_object(names, values, 1)));
	assert_true(ph_is_null(ph_component_new(&card_type, &card)));
	call_enter(&call);
}

static void
the_table_is_whole(void **state)
{
	const void *const *members =
	    (const void *const *)(const void *)&host_table;
	size_t i;

	(void)state;
	assert_int_equal(host_table.size, sizeof(struct ph_host));
	assert_int_equal(host_table.abi_major, PH_ABI_MAJOR);
	assert_int_equal(host_table.abi_minor, PH_ABI_MINOR);
	for (i = 1; i < sizeof(struct ph_host) / sizeof(void *); i++)
		assert_non_null(members[i]);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(names_that_are_null),
		TEST(names_that_stand_twice),
		TEST(texts_with_a_nul),
		TEST(what_is_null_is_told),
		TEST(unsigned_integers),
		TEST(scalars),
		TEST(textf_of_any_length),
		TEST(json_literals),
		TEST(bad_json_fails_the_call),
		TEST(lists_and_objects),
		TEST(components),
		TEST(readers_on_every_kind),
		TEST(integers_at_the_edge),
		TEST(null_pointers_read_as_null),
		TEST(items_and_members),
		TEST(tables_count_their_rows),
		TEST(a_full_arena_fails_the_call),
		TEST(outside_a_call_everything_is_null),
		TEST(the_table_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
