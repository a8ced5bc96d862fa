/* SPDX-License-Identifier: MIT */

/* Which children an answer may have, and what it is told of the others. */
#include "test/unit/worker/app_fixture.h"

#include "worker/component.h"
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(children_that_cannot_be_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
