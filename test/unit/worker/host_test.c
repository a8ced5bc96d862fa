/* SPDX-License-Identifier: MIT */

/* What a running call may read and set, and what its mistakes are called. */
#include "test/unit/worker/app_fixture.h"

#include "server/base/clock.h"
#include "worker/update.h"

static struct app_fixture fixture;
static struct call call;
static const struct value *outputs[2];
static struct ph_call *ph;

/* A run of a callback with two outputs, two inputs and a state. */
static int
set_up(void **state)
{
	(void)state;
	fixture_init(&fixture);
	ph_callback(fixture_ph(&fixture), fixture_nothing, PH_OUTPUT("a.x"),
	    PH_OUTPUT("b.y"), PH_INPUT("i.v"), PH_INPUT("j.v"),
	    PH_STATE("s.data"));
	ph =
	    fixture_enter_callback(&fixture, &call, "[1,\"two\",[3]]", outputs);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	fixture_leave(&fixture, &call);
	return 0;
}

static void
begin_function(const char *arguments)
{
	call_leave(&call);
	call_init(&call, &fixture.kit, &fixture.arena, CALL_FUNCTION, "f",
	    arguments != NULL ? fixture_json(&fixture, arguments) : NULL);
	call_enter(&call);
}

static void
inputs_and_states_by_name(void **state)
{
	(void)state;
	fixture_check(host_take(ph_input(ph, "i.v")), "1");
	fixture_check(host_take(ph_input(ph, "j.v")), "\"two\"");
	fixture_check(host_take(ph_input(ph, "s.data")), "[3]");
	assert_false(call.failed);
}

/* Which of many callbacks with one function it is. */
static void
names_of_the_callback(void **state)
{
	(void)state;
	assert_string_equal(ph_output_name(ph, 0), "a.x");
	assert_string_equal(ph_output_name(ph, 1), "b.y");
	assert_string_equal(ph_output_name(ph, 2), "");
	assert_string_equal(ph_input_name(ph, 0), "i.v");
	assert_string_equal(ph_input_name(ph, 2), "s.data");
	assert_string_equal(ph_input_name(ph, 3), "");
	begin_function("[1]");
	assert_string_equal(ph_output_name(ph, 0), "");
	assert_string_equal(ph_input_name(ph, 0), "");
	assert_false(call.failed);
}

static void
names_that_are_null(void **state)
{
	static const char *const verbs[] = { "ph_input()", "ph_output",
		"ph_set_props()", "ph_set_props()", "ph_header()",
		"ph_cookie()" };
	char want[96];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		call.failed = false;
		switch (i) {
		case 0:
			(void)ph_input(ph, NULL);
			break;
		case 1:
			(void)ph_output(ph, NULL, ph_int(1));
			break;
		case 2:
			(void)ph_set_props(ph, NULL, "x", ph_int(1));
			break;
		case 3:
			(void)ph_set_props(ph, "x", NULL, ph_int(1));
			break;
		case 4:
			assert_string_equal(ph_header(ph, NULL), "");
			break;
		default:
			assert_string_equal(ph_cookie(ph, NULL), "");
			break;
		}
		(void)snprintf(want, sizeof(want),
		    "nothing: %s: a name or text is NULL", verbs[i]);
		assert_true(call.failed);
		assert_string_equal(call.error, want);
	}
}

static void
unknown_names_fail_with_the_name(void **state)
{
	(void)state;
	assert_true(ph_is_null(ph_input(ph, "s.dat")));
	assert_true(call.failed);
	assert_string_equal(call.error,
	    "ph_input(\"s.dat\"): not an input or state of nothing");
	/* The first reason stays. */
	assert_int_equal(ph_output(ph, "z.z", ph_null()), PH_ERROR);
	assert_string_equal(call.error,
	    "ph_input(\"s.dat\"): not an input or state of nothing");
}

static void
outputs_by_name(void **state)
{
	(void)state;
	assert_int_equal(ph_output(ph, "b.y", ph_int(5)), PH_OK);
	assert_null(outputs[0]);
	fixture_check(outputs[1], "5");
	assert_int_equal(ph_output(ph, "b.y", ph_int(6)), PH_OK);
	fixture_check(outputs[1], "6"); /* the last one counts */
	assert_int_equal(ph_output(ph, "a.x", NULL), PH_OK);
	fixture_check(outputs[0], "null"); /* set, to null */
	assert_int_equal(ph_output(ph, "i.v", ph_int(5)), PH_ERROR);
	assert_string_equal(call.error,
	    "ph_output(\"i.v\"): not an output of nothing");
}

static void
arguments_of_functions(void **state)
{
	(void)state;
	begin_function("[\"a\",2]");
	fixture_check(host_take(ph_arg(ph, 0)), "\"a\"");
	fixture_check(host_take(ph_arg(ph, 1)), "2");
	assert_false(call.failed);
	assert_true(ph_is_null(ph_arg(ph, 2)));
	assert_string_equal(call.error, "ph_arg(2): f was given 2 arguments");
	begin_function(NULL);
	assert_true(ph_is_null(ph_arg(ph, 0)));
	assert_string_equal(call.error, "ph_arg(0): f was given 0 arguments");
}

static void
results_of_functions(void **state)
{
	(void)state;
	begin_function("[]");
	assert_null(call.result);
	assert_int_equal(ph_return(ph, ph_int(1)), PH_OK);
	fixture_check(call.result, "1");
	assert_int_equal(ph_return(ph, NULL), PH_OK);
	fixture_check(call.result, "null");
}

static void
each_verb_belongs_to_its_kind_of_call(void **state)
{
	(void)state;
	assert_int_equal(ph_return(ph, ph_int(1)), PH_ERROR);
	assert_string_equal(call.error,
	    "ph_return(): nothing is not a memoized function");
	call.failed = false;
	assert_true(ph_is_null(ph_arg(ph, 0)));
	assert_true(call.failed); /* callbacks have inputs */
	begin_function("[1]");
	assert_true(ph_is_null(ph_input(ph, "i.v")));
	assert_true(call.failed);
	begin_function("[1]");
	assert_int_equal(ph_output(ph, "a.x", ph_int(1)), PH_ERROR);
	assert_true(call.failed);
}

static void
failing_keeps_the_first_reason(void **state)
{
	char want[600];

	(void)state;
	assert_int_equal(ph_fail(ph, "no %s in %d", "luck", 3), PH_ERROR);
	assert_true(call.failed);
	assert_int_equal(ph_fail(ph, "second"), PH_ERROR);
	assert_string_equal(call.error, "no luck in 3");
	assert_int_equal(ph_output(ph, "a.x", ph_int(1)), PH_ERROR);
	call.failed = false;
	memset(want, 'x', sizeof(want) - 1);
	want[sizeof(want) - 1] = '\0';
	assert_int_equal(ph_fail(ph, "%s", want), PH_ERROR);
	assert_int_equal(strlen(call.error), sizeof(call.error) - 1);
}

static struct value
table_value(struct value_table *table, struct value_column *column)
{
	static const double numbers[] = { 1, 2 };
	struct value value = { .kind = VALUE_TABLE, .u.table = table };

	memset(column, 0, sizeof(*column));
	column->name = "x";
	column->name_len = 1;
	column->row_count = 2;
	column->type = VALUE_COLUMN_F64;
	column->u.numbers = numbers;
	table->column_count = 1;
	table->row_count = 2;
	table->columns = column;
	return value;
}

static void
figures_take_columns(void **state)
{
	struct value_column column;
	struct value_table table;
	struct value value = table_value(&table, &column);
	const struct ph_value *points = host_give(&value);

	(void)state;
	assert_int_equal(ph_output_figure(ph, "a.x",
			     PH_JSON({ "data" : [ { "type" : "bar" } ] }),
			     PH_COLUMN("data[0].x", points, "x"),
			     PH_COLUMN("data[0].m.y", points, "x")),
	    PH_OK);
	fixture_check(outputs[0],
	    "{\"data\":[{\"type\":\"bar\",\"x\":{\"dtype\":\"f8\",\"bdata\":"
	    "\"AAAAAAAA8D8AAAAAAAAAQA==\"},\"m\":{\"y\":{\"dtype\":\"f8\","
	    "\"bdata\":\"AAAAAAAA8D8AAAAAAAAAQA==\"}}}]}");
	assert_int_equal(ph_output_figure(ph, "b.y", ph_json("{}"),
			     PH_COLUMN("x", points, "x")),
	    PH_OK);
	assert_false(call.failed);
}

/* What could not be made: the output it was for, and no byte as it was. */
static void
bad_values_name_their_output(void **state)
{
	(void)state;
	assert_int_equal(ph_output(ph, "b.y",
			     PH_OBJECT({ "a", PH_LIST(ph_json("\"\xff\"")) })),
	    PH_ERROR);
	assert_non_null(
	    strstr(call.error, "output b.y: PH_JSON(\"\\xff\"...): "));
	/* It stays the first one. */
	assert_int_equal(ph_output(ph, "a.x", ph_json("[")), PH_ERROR);
	assert_non_null(strstr(call.error, "output b.y: PH_JSON("));
	/* What is well made is not to blame. */
	call.failed = call.misbuilt = call.placed = false;
	(void)ph_json("[");
	assert_int_equal(ph_output(ph, "a.x", ph_int(1)), PH_ERROR);
	assert_ptr_equal(strstr(call.error, "PH_JSON("), call.error);
}

static void
bad_figures_are_named(void **state)
{
	struct value_column column;
	struct value_table table;
	struct value value = table_value(&table, &column);
	const struct ph_value *points = host_give(&value);
	const struct {
		struct ph_column column;
		const char *what;
		const char *error;
	} cases[] = {
		{ { "data[0].x", points, "z" }, "a.x",
		    "PH_COLUMN(\"data[0].x\"): no column \"z\"" },
		{ { "data[0].x", ph_int(1), "x" }, "a.x",
		    "PH_COLUMN(\"data[0].x\"): the value is integer, no "
		    "table" },
		{ { "data[0].x", NULL, "x" }, "a.x",
		    "PH_COLUMN(\"data[0].x\"): the value is null, no table" },
		{ { "data[2].x", points, "x" }, "a.x",
		    "PH_COLUMN(\"data[2].x\"): the list has no item at that "
		    "index" },
		{ { "data[0].x", points, "x" }, "a.figure",
		    "ph_output(\"a.figure\"): not an output of nothing" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		call.failed = false;
		assert_int_equal(host_table.output_figure(ph, cases[i].what,
				     PH_JSON({ "data" : [ {} ] }),
				     &cases[i].column, 1),
		    PH_ERROR);
		assert_string_equal(call.error, cases[i].error);
		assert_null(outputs[0]);
	}
}

static void
calls_nest(void **state)
{
	struct call inner;

	(void)state;
	assert_ptr_equal(call_current(), &call);
	call_init(&inner, &fixture.kit, &fixture.arena, CALL_FUNCTION, "in",
	    NULL);
	call_enter(&inner);
	assert_ptr_equal(call_current(), &inner);
	call_error(&inner, "inner only");
	call_leave(&inner);
	assert_ptr_equal(call_current(), &call);
	assert_false(call.failed);
	call_fini(&inner);
}

/* Kept bytes are freed with the call: the leak checker looks. */
static void
kept_bytes_live_as_long_as_the_call(void **state)
{
	struct arena none;
	struct call full;

	(void)state;
	assert_int_equal(call_keep(&call, strdup("one")), 0);
	assert_int_equal(call_keep(&call, strdup("two")), 0);
	call_fini(&call);
	call_fini(&call);
	arena_init(&none, 1);
	call_init(&full, &fixture.kit, &none, CALL_FUNCTION, "full", NULL);
	/* It takes nothing of the arena, which may be full. */
	assert_int_equal(call_keep(&full, strdup("three")), 0);
	call_fini(&full);
	arena_free(&none);
}

static void
sleeping_takes_the_time_it_should(void **state)
{
	int64_t before = clock_mono_us();

	(void)state;
	ph_sleep(ph, 0);
	ph_sleep(ph, -1);
	ph_sleep(ph, __builtin_nan(""));
	ph_sleep(ph, 1e300);
	assert_true(clock_mono_us() - before < 2000000);
	before = clock_mono_us();
	ph_sleep(ph, 0.002);
	assert_true(clock_mono_us() - before >= 2000);
}

static void
log_lines_name_the_function(void **state)
{
	char path[128];
	char *text;
	size_t len;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/log", fixture.dir);
	assert_int_equal(log_open(path), 0);
	log_threshold = LOG_LEVEL_INFO;
	ph_log(ph, "got %d\nlines", 2);
	assert_int_equal(fd_read_file(path, 10000, &text, &len), 0);
	assert_non_null(
	    strstr(text, "event=app.log from=nothing got 2\\x0alines\n"));
	free(text);
	assert_int_equal(log_open("-"), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(inputs_and_states_by_name),
		TEST(names_of_the_callback),
		TEST(names_that_are_null),
		TEST(unknown_names_fail_with_the_name),
		TEST(outputs_by_name),
		TEST(arguments_of_functions),
		TEST(results_of_functions),
		TEST(each_verb_belongs_to_its_kind_of_call),
		TEST(failing_keeps_the_first_reason),
		TEST(figures_take_columns),
		TEST(bad_figures_are_named),
		TEST(bad_values_name_their_output),
		TEST(calls_nest),
		TEST(kept_bytes_live_as_long_as_the_call),
		TEST(sleeping_takes_the_time_it_should),
		TEST(log_lines_name_the_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
