/* SPDX-License-Identifier: MIT */

/* A struct of properties becomes the given ones, in order. */
#include "test/unit/arena_test_case.h"

#include <stdio.h>
#include <string.h>

#include "worker/component.h"

/* As a generated header has it. */
struct card {
	const char *id;
	const char *title;
	enum ph_bool open;
	const struct ph_value *children;
	const struct ph_value *more;
};

#define ROW(name, kind, flags)                                            \
	{                                                                 \
#name, offsetof(struct card, name), PH_PROP_##kind, flags \
	}

static const struct ph_prop card_props[] = {
	ROW(id, TEXT, PH_PROP_REQUIRED),
	ROW(title, TEXT, 0),
	ROW(open, BOOL, 0),
	ROW(children, VALUE, PH_PROP_CHILDREN),
	ROW(more, VALUE, 0),
};

static const struct ph_component_type card = { "space", "Card", card_props, 5 };

static const struct ph_value *
as_given(const struct value *value)
{
	return (const struct ph_value *)(const void *)value;
}

static const struct component *
make(const struct card *props)
{
	const char *why = "?";
	struct value *value = component_new(&arena, &card, props, &why);

	assert_non_null(value);
	assert_int_equal(value->kind, VALUE_COMPONENT);
	return value->u.component;
}

static void
check_name(const struct component *component, uint32_t which, const char *name)
{
	assert_true(which < component->prop_count);
	assert_string_equal(component->props[which].name, name);
	assert_int_equal(component->props[which].name_len, strlen(name));
}

static void
only_given_properties_are_there(void **state)
{
	struct card props = { .id = "a" };
	const struct component *component = make(&props);

	(void)state;
	assert_ptr_equal(component->type, &card);
	assert_int_equal(component->prop_count, 1);
	check_name(component, 0, "id");
	assert_int_equal(component->props[0].value.kind, VALUE_TEXT);
	assert_string_equal(component->props[0].value.u.text, "a");
}

static void
all_kinds_in_the_order_of_the_type(void **state)
{
	struct card props = { .children = as_given(value_int(&arena, 7)),
		.open = PH_TRUE,
		.title = "",
		.id = "x" };
	const struct component *component = make(&props);

	(void)state;
	assert_int_equal(component->prop_count, 4);
	check_name(component, 0, "id");
	check_name(component, 1, "title");
	assert_int_equal(component->props[1].value.count, 0);
	assert_string_equal(component->props[1].value.u.text, "");
	check_name(component, 2, "open");
	assert_int_equal(component->props[2].value.kind, VALUE_BOOL);
	assert_true(component->props[2].value.flag);
	check_name(component, 3, "children");
	assert_int_equal(component->props[3].value.kind, VALUE_INT);
	assert_int_equal(component->props[3].value.u.integer, 7);
}

static void
booleans_have_three_states(void **state)
{
	static const struct {
		enum ph_bool given;
		uint32_t count;
		bool flag;
	} cases[] = {
		{ PH_UNSET, 1, false },
		{ PH_TRUE, 2, true },
		{ PH_FALSE, 2, false },
	};
	const struct component *component;
	struct card props = { .id = "a" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		props.open = cases[i].given;
		component = make(&props);
		assert_int_equal(component->prop_count, cases[i].count);
		if (cases[i].count == 2)
			assert_int_equal(component->props[1].value.flag,
			    cases[i].flag);
	}
}

/* Null is a value that a property may have; NULL is not given. */
static void
null_is_given(void **state)
{
	struct card props = { .id = "a",
		.children = as_given(value_null(&arena)) };
	const struct component *component = make(&props);

	(void)state;
	assert_int_equal(component->prop_count, 2);
	assert_int_equal(component->props[1].value.kind, VALUE_NULL);
}

static void
texts_are_copied(void **state)
{
	char id[] = "before";
	struct card props = { .id = id };
	const struct component *component = make(&props);

	(void)state;
	memcpy(id, "after!", 7);
	assert_string_equal(component->props[0].value.u.text, "before");
}

static void
a_required_one_is_missed_by_name(void **state)
{
	struct card props = { .title = "no id" };
	const char *why = NULL;

	(void)state;
	assert_null(component_new(&arena, &card, &props, &why));
	assert_string_equal(why, "component Card needs property id");
}

static void
more_adds_its_members(void **state)
{
	struct value *more = value_object(&arena, 2);
	struct card props = { .id = "a",
		.open = PH_FALSE,
		.more = as_given(more) };
	const struct component *component;

	(void)state;
	more->u.members[0].name = "data-row";
	more->u.members[0].name_len = 8;
	more->u.members[0].value = *value_int(&arena, 3);
	more->u.members[1].name = "aria-label";
	more->u.members[1].name_len = 10;
	more->u.members[1].value = *value_text(&arena, "x", 1);
	component = make(&props);
	assert_int_equal(component->prop_count, 4);
	check_name(component, 0, "id");
	check_name(component, 1, "open");
	check_name(component, 2, "data-row");
	assert_int_equal(component->props[2].value.u.integer, 3);
	check_name(component, 3, "aria-label");
	assert_string_equal(component->props[3].value.u.text, "x");
}

/* What is no object, given twice, or an id that none can be. */
static void
more_in_odd_shapes(void **state)
{
	struct value *more = value_object(&arena, 1);
	struct card props = { .id = "a", .more = as_given(more) };
	const char *why;

	(void)state;
	more->u.members[0].name = "id";
	more->u.members[0].name_len = 2;
	more->u.members[0].value = *value_text(&arena, "b", 1);
	assert_null(component_new(&arena, &card, &props, &why));
	assert_string_equal(why,
	    "component Card: .more has \"id\", which is given already");
	props.more = as_given(value_text(&arena, "x", 1));
	assert_null(component_new(&arena, &card, &props, &why));
	assert_string_equal(why,
	    "component Card: .more is text, not an object");
	props.more = as_given(value_null(&arena));
	assert_int_equal(make(&props)->prop_count, 1);
}

/* A wrong letter in it is found, where all properties are known. */
static void
more_that_nobody_knows(void **state)
{
	static const struct ph_component_type own = { "dash_html_components",
		"Card", card_props, 5 };
	static const char *const names[] = { "data-a", "aria-a", "title",
		"dta-x", "more", "data" };
	struct value *more = value_object(&arena, 1);
	struct card props = { .id = "a", .more = as_given(more) };
	char want[128];
	const char *why;
	size_t i;

	(void)state;
	more->u.members[0].value = *value_text(&arena, "b", 1);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		more->u.members[0].name = names[i];
		more->u.members[0].name_len = (uint32_t)strlen(names[i]);
		assert_non_null(component_new(&arena, &card, &props, &why));
		if (i < 3) {
			assert_non_null(
			    component_new(&arena, &own, &props, &why));
			continue;
		}
		assert_null(component_new(&arena, &own, &props, &why));
		(void)snprintf(want, sizeof(want),
		    "component Card: .more has \"%s\", which is neither a "
		    "property of it nor data-* or aria-*",
		    names[i]);
		assert_string_equal(why, want);
	}
}

/* A callback names many by a pattern; a component has one id. */
static void
a_pattern_is_no_id(void **state)
{
	static const char *const wrong[] = { PH_MATCH("x"), PH_ALL("x"),
		PH_ALLSMALLER("x"), PH_ID({ "type" : ALL, "index" : 1 }) };
	struct card props = { .id = PH_ID({ "type" : "ALL", "index" : 1 }) };
	char want[160];
	const char *why;
	size_t i;

	(void)state;
	assert_int_equal(make(&props)->prop_count, 1);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		props.id = wrong[i];
		assert_null(component_new(&arena, &card, &props, &why));
		(void)snprintf(want, sizeof(want),
		    "the id %s is a pattern, for callbacks; a component has "
		    "one id: ph_id(\"type\", index)",
		    wrong[i]);
		assert_string_equal(why, want);
	}
}

static void
a_component_without_properties(void **state)
{
	static const struct ph_component_type type = { "space", "Br", NULL, 0 };
	const char *why;
	struct value *value = component_new(&arena, &type, NULL, &why);
	const struct component *component;

	(void)state;
	assert_non_null(value);
	component = value->u.component;
	assert_int_equal(component->prop_count, 0);
}

static void
a_full_arena_is_an_error(void **state)
{
	struct card props = { .id = "a long enough text", .title = "b" };
	struct value *value = NULL;
	struct arena small;
	const char *why;
	size_t max;

	(void)state;
	for (max = 1; value == NULL && max < 100000; max += 16) {
		arena_init(&small, max);
		why = NULL;
		value = component_new(&small, &card, &props, &why);
		if (value == NULL)
			assert_string_equal(why, "out of memory");
		arena_free(&small);
	}
	assert_true(max > 200 && max < 100000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ARENA_TEST(only_given_properties_are_there),
		ARENA_TEST(all_kinds_in_the_order_of_the_type),
		ARENA_TEST(booleans_have_three_states),
		ARENA_TEST(null_is_given),
		ARENA_TEST(texts_are_copied),
		ARENA_TEST(a_required_one_is_missed_by_name),
		ARENA_TEST(more_adds_its_members),
		ARENA_TEST(more_in_odd_shapes),
		ARENA_TEST(more_that_nobody_knows),
		ARENA_TEST(a_pattern_is_no_id),
		ARENA_TEST(a_component_without_properties),
		ARENA_TEST(a_full_arena_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
