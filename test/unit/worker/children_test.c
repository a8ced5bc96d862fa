/* SPDX-License-Identifier: MIT */

/* Which children an answer may have, what it is told of the others, and which
 * numbers reach a page in which form. */
#include "test/unit/worker/app_fixture.h"

#include "worker/component.h"
#include "worker/json_write.h"
#include "worker/update.h"

static struct app_fixture fixture;

/* What React shows no visitor: it would take the page away. */
static void
children_that_cannot_be_shown(void **state)
{
	static const struct ph_prop props[] = {
		{ "children", 0, PH_PROP_VALUE, PH_PROP_CHILDREN },
	};
	static const struct ph_component_type div = { "space", "Div", props,
		1 };
	static const struct {
		const char *children;
		const char *why;
	} cases[] = {
		{ "[1,[2]]", "has a list with a list in it: give one list" },
		{ "{\"a\":1}", "is an object, not a component" },
		{ "[{\"a\":1}]", "has a list with an object, not a component" },
		{ "[1,\"a\",null,{\"namespace\":\"n\",\"type\":\"t\","
		  "\"props\":{\"children\":[1]}}]",
		    NULL },
		{ "{\"__dash_patch_update\":\"__dash_patch_update\","
		  "\"operations\":[{\"params\":{\"value\":[[1]]}}]}",
		    NULL },
	};
	struct update_side side = { .what = "m.children" };
	struct value *list;
	const struct ph_value *given;
	char want[160];
	const char *why;
	size_t i;
	bool shown;

	(void)state;
	fixture_init(&fixture);
	list = value_array(&fixture.arena, 2);
	assert_non_null(list);
	for (i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		side.value = fixture_json(&fixture, cases[i / 2].children);
		(void)snprintf(want, sizeof(want), "output m.children: it %s",
		    cases[i / 2].why);
		if (i % 2 == 1) { /* ... and deep in another one */
			given =
			    (const struct ph_value *)(const void *)side.value;
			list->u.items[1] =
			    *component_new(&fixture.arena, &div, &given, &why);
			side.value = list;
			(void)snprintf(want, sizeof(want),
			    "output m.children: component Div: .children %s",
			    cases[i / 2].why);
		}
		shown = update_can_be_shown(NULL, 0, NULL, &side, &why);
		assert_int_equal(shown, cases[i / 2].why == NULL);
		if (cases[i / 2].why != NULL)
			assert_string_equal(why, want);
	}
	/* Only children are shown: a store may have any list. */
	side.what = "m.data";
	side.value = fixture_json(&fixture, "[[1],{\"a\":1}]");
	assert_true(update_can_be_shown(NULL, 0, NULL, &side, &why));
	fixture_fini(&fixture);
}

/* Columns are lists but in a figure; what a browser cannot count is a text. */
static void
what_a_page_gets(void **state)
{
	static const int64_t large[] = { INT64_C(9007199254740993),
		INT64_C(-9007199254740992) };
	struct value_column column = { .name = "n",
		.name_len = 1,
		.type = VALUE_COLUMN_I64,
		.row_count = 2,
		.u.integers = large };
	struct value_table table = { .row_count = 2,
		.column_count = 1,
		.columns = &column };
	struct value value = { .kind = VALUE_COLUMN, .u.column = &column };
	struct value records = { .kind = VALUE_TABLE, .u.table = &table };
	static const struct {
		const char *property;
		bool table;
		const char *json;
	} cases[] = {
		{ "children", false,
		    "[\"9007199254740993\",-9007199254740992]" },
		{ "data", true,
		    "[{\"n\":\"9007199254740993\"},{\"n\":-9007199254740992}"
		    "]" },
		{ "figure", false, "[\"9007199254740993\",-9007199254740992]" },
	};
	struct buf out = BUF_EMPTY;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		assert_int_equal(
		    json_write_page(cases[i].table ? &records : &value,
			cases[i].property, &out, &why),
		    0);
		assert_string_equal(buf_cstr(&out), cases[i].json);
	}
	buf_clear(&out);
	assert_int_equal(json_write(&value, &out, &why), 0);
	assert_string_equal(buf_cstr(&out),
	    "[9007199254740993,-9007199254740992]");
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(children_that_cannot_be_shown),
		cmocka_unit_test(what_a_page_gets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
