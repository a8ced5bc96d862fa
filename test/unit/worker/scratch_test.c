/* SPDX-License-Identifier: MIT */

/* Memory that a call gives back: what goes, what stays, what is a mistake. */
#include "test/unit/worker/app_fixture.h"

#include <malloc.h>
#include <sys/wait.h>

#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

#include "worker/scratch.h"
#include "worker/sides.h"
#include "worker/update.h"

#define ROUNDS 100000

static struct app_fixture fixture;
static struct call call;
static const struct value *outputs[2];
static struct ph_call *ph;

static int
set_up(void **state)
{
	(void)state;
	fixture_init(&fixture);
	ph_callback(fixture_ph(&fixture), fixture_nothing, PH_OUTPUT("a.x"),
	    PH_OUTPUT("b.y"), PH_INPUT("i.v"));
	ph = fixture_enter_callback(&fixture, &call, "[1]", outputs);
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
one_round(int i)
{
	char *bytes = malloc(400);

	ph_scratch_begin(ph);
	assert_non_null(bytes);
	assert_int_equal(call_keep(&call, bytes), 0); /* as of ph_cache_get() */
	(void)PH_LIST(ph_textf("round %d", i), ph_int(i),
	    PH_OBJECT({ "deep", PH_LIST(ph_number(i / 3.0)) }));
	(void)ph_set_props(ph, "side", "children", ph_textf("at %d", i));
	ph_scratch_end(ph);
}

static void
a_long_loop_is_flat(void **state)
{
	size_t used;
	size_t heap;
	int i;

	(void)state;
	one_round(0);
	used = fixture.arena.used;
	heap = mallinfo2().uordblks;
	for (i = 1; i <= ROUNDS; i++)
		one_round(i);
	assert_false(call.failed);
	assert_int_equal(fixture.arena.used, used);
#ifndef __SANITIZE_ADDRESS__ /* it has a heap of its own */
	assert_in_range(mallinfo2().uordblks, 0, heap + 64);
#endif
	(void)heap;
	fixture_check(call.sides->value, "\"at 100000\"");
	assert_null(call.sides->next);
}

/* A value of every kind. */
static const struct ph_value *
everything(void)
{
	static const double numbers[] = { 1.5, 2 };
	const struct ph_value *table =
	    PH_TABLE({ "name", PH_LIST(ph_text("ab"), ph_null()) },
		{ "n", ph_doubles(numbers, 2) },
		{ "i", PH_LIST(ph_int(1), ph_int(2)) });

	return PH_LIST(ph_null(), ph_bool(true), ph_int(7), ph_number(0.25),
	    ph_text("text"), PH_JSON({ "raw" : [ 1, 2 ] }), table,
	    ph_member(table, "n"), ph_member(table, "name"),
	    html_div(.id = "d", .className = "c",
		.more = PH_OBJECT({ "data-x", ph_text("y") }),
		.children = PH_CHILDREN(html_b(.children = ph_text("bold")))));
}

static char *
json_of(const struct value *value)
{
	struct buf out = BUF_EMPTY;
	size_t len;
	const char *why;

	assert_int_equal(json_write_page(value, "children", &out, &why), 0);
	assert_int_equal(buf_putc(&out, '\0'), 0);
	return buf_detach(&out, &len);
}

/* Something else in the memory that was given back. */
static void
overwrite(void)
{
	int i;

	for (i = 0; i < 100; i++)
		free(memset(malloc(8192 + 32), 0xEE, 8192));
}

static void
what_is_handed_over_stays(void **state)
{
	char *want;
	char *got;

	(void)state;
	ph_scratch_begin(ph);
	want = json_of(host_take(everything()));
	assert_int_equal(ph_output(ph, "a.x", everything()), PH_OK);
	assert_int_equal(ph_set_props(ph, "side", "children", everything()),
	    PH_OK);
	ph_tag(ph, ph_format("tag-%d", 1));
	ph_scratch_end(ph);
	overwrite();
	got = json_of(outputs[0]);
	assert_string_equal(got, want);
	free(got);
	got = json_of(call.sides->value);
	assert_string_equal(got, want);
	assert_string_equal(call.sides->what, "side.children");
	assert_string_equal(call.tags[0], "tag-1");
	assert_false(call.failed);
	free(got);
	free(want);
}

static void
results_stay(void **state)
{
	(void)state;
	call.kind = CALL_FUNCTION;
	ph_scratch_begin(ph);
	assert_int_equal(ph_return(ph, PH_LIST(ph_text("kept"))), PH_OK);
	ph_scratch_end(ph);
	overwrite();
	fixture_check(call.result, "[\"kept\"]");
}

static void
keeping_goes_one_scratch_out(void **state)
{
	const struct ph_value *inner;
	const struct ph_value *outer;

	(void)state;
	ph_scratch_begin(ph);
	ph_scratch_begin(ph);
	inner = ph_keep(ph, PH_LIST(ph_text("in")));
	ph_scratch_end(ph);
	overwrite();
	fixture_check(host_take(inner), "[\"in\"]");
	outer = ph_keep(ph, inner);
	ph_scratch_end(ph);
	overwrite();
	fixture_check(host_take(outer), "[\"in\"]");
	assert_ptr_equal(ph_keep(ph, outer), outer); /* it is there already */
	assert_true(ph_is_null(ph_keep(ph, NULL)));
	assert_false(call.failed);
}

/* Of a function that returned in between. */
static void
one_left_open_lives_with_the_call(void **state)
{
	const struct ph_value *text;

	(void)state;
	ph_scratch_begin(ph);
	ph_scratch_begin(ph);
	text = ph_text("still there");
	call_leave(&call);
	assert_null(call.scratch);
	assert_ptr_equal(call.arena, &fixture.arena);
	overwrite();
	fixture_check(host_take(text), "\"still there\"");
	call_enter(&call);
}

static void
an_end_needs_a_beginning(void **state)
{
	(void)state;
	ph_scratch_begin(ph);
	ph_scratch_end(ph);
	assert_false(call.failed);
	ph_scratch_end(ph);
	assert_true(call.failed);
	assert_string_equal(call.error,
	    "nothing: ph_scratch_end() without a ph_scratch_begin()");
}

static void
what_grows_takes_no_part_of_a_scratch(void **state)
{
	struct ph_patch *patch = ph_patch();
	struct ph_figure *figure = ph_figure();

	(void)state;
	ph_scratch_begin(ph);
	ph_patch_append(patch, "x", ph_int(1));
	ph_scratch_end(ph);
	assert_true(call.failed);
	assert_string_equal(call.error,
	    "nothing: the ph_patch() was begun outside of this "
	    "ph_scratch_begin(), or inside of one that has ended");
	call.failed = false;
	ph_scratch_begin(ph);
	ph_line(figure, .y = PH_JSON([ 1, 2 ]));
	ph_scratch_end(ph);
	assert_true(call.failed);
	assert_non_null(strstr(call.error, "the ph_figure() was begun"));
}

/* Both in and out of one they work as ever. */
static void
figures_and_patches_inside(void **state)
{
	struct ph_figure *figure;
	struct ph_patch *patch;

	(void)state;
	ph_scratch_begin(ph);
	patch = ph_patch();
	figure = ph_figure();
	ph_patch_assign(patch, "x", ph_int(1));
	ph_line(figure, .y = PH_JSON([ 1, 2 ]));
	(void)ph_output(ph, "a.x", ph_patched(patch));
	(void)ph_output(ph, "b.y", ph_figure_value(figure));
	ph_scratch_end(ph);
	overwrite();
	assert_false(call.failed);
	assert_int_equal(value_get(outputs[1], "data")->count, 1);
	assert_non_null(value_get(outputs[0], "operations"));
}

static void
the_bound_of_memory_holds(void **state)
{
	char *large = calloc(1, 80 << 10);

	(void)state;
	assert_non_null(large);
	memset(large, 'x', (80 << 10) - 1);
	fixture.arena.max = fixture.arena.used + (100 << 10);
	ph_scratch_begin(ph);
	(void)ph_text(large);
	assert_false(call.failed);
	ph_scratch_begin(ph);
	(void)ph_text(large); /* 160 KiB together */
	assert_true(call.failed);
	ph_scratch_end(ph);
	ph_scratch_end(ph);
	call.failed = false;
	ph_scratch_begin(ph);
	(void)ph_text(large);
	assert_false(call.failed);
	ph_scratch_end(ph);
	fixture.arena.max = 0;
	free(large);
}

/* What a run has waited for is the task's afterwards. */
static void
what_was_waited_for_outlives_it(void **state)
{
	char *bytes = strdup("value");

	(void)state;
	ph_scratch_begin(ph);
	assert_int_equal(call_keep(&call, bytes), 0);
	call.waited_bytes = bytes;
	assert_int_equal(call_keep(&call, strdup("other")), 0);
	ph_scratch_end(ph);
	overwrite();
	assert_string_equal(call.waited_bytes, "value");
	assert_true(call_unkeep(&call, bytes));
	free(bytes);
}

#ifdef __SANITIZE_ADDRESS__
/* The memory is really freed, so a use of it is found. */
static void
use_after_the_end_is_found(void **state)
{
	const struct ph_value *text;
	pid_t child = fork();
	int status = 0;

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		(void)freopen("/dev/null", "w", stderr);
		ph_scratch_begin(ph);
		text = ph_text("gone");
		ph_scratch_end(ph);
		_exit(ph_text_of(text)[0] == 'g' ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1); /* the sanitizer's */
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SCRATCH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		SCRATCH(a_long_loop_is_flat),
		SCRATCH(what_is_handed_over_stays),
		SCRATCH(results_stay),
		SCRATCH(keeping_goes_one_scratch_out),
		SCRATCH(one_left_open_lives_with_the_call),
		SCRATCH(an_end_needs_a_beginning),
		SCRATCH(what_grows_takes_no_part_of_a_scratch),
		SCRATCH(figures_and_patches_inside),
		SCRATCH(the_bound_of_memory_holds),
		SCRATCH(what_was_waited_for_outlives_it),
#ifdef __SANITIZE_ADDRESS__
		SCRATCH(use_after_the_end_is_found),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
