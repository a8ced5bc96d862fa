/* SPDX-License-Identifier: MIT */

/*
 * Objects with a great many names, as a dcc.Store has of ten thousand
 * sensors: taken, within limit_json_nodes, and without work that grows with
 * the square of the names, whatever they are.
 */
#include "test/unit/worker/app_fixture.h"

#include <time.h>

#include "worker/frame.h"
#include "worker/update.h"

#define COMMON 5000
#define HUGE_COUNT 190000
/* Of the processor, sanitizers included; a square takes minutes. */
#define SECONDS_MAX 10

static struct app_fixture fixture;

static enum ph_status
nothing(struct ph_call *call)
{
	(void)call;
	return PH_OK;
}

static int
set_up(void **state)
{
	(void)state;
	fixture_init(&fixture);
	ph_callback(fixture_ph(&fixture), nothing, PH_OUTPUT("out.children"),
	    PH_INPUT("store.data"));
	return fixture.app->problems.len == 0 ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	fixture_fini(&fixture);
	return 0;
}

static double
seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

/* Names that differ in their last bytes only, from `count` - 1 down to 0. */
static void
put_object(struct buf *out, int count, const char *value)
{
	int i;

	(void)buf_puts(out, "{");
	for (i = count - 1; i >= 0; i--)
		(void)buf_printf(out, "\"sensor of the north wing %06d\":%s%s",
		    i, value, i > 0 ? "," : "");
	(void)buf_puts(out, "}");
}

/* What is wrong with a request whose input is the text in `object`. */
static int
status_of(const struct buf *object, const char *wanted)
{
	struct buf body = BUF_EMPTY;
	struct update update;

	(void)buf_puts(&body, "{\"output\":\"out.children\",\"outputs\":{"
			      "\"id\":\"out\",\"property\":\"children\"},"
			      "\"inputs\":[{\"id\":\"store\",\"property\":"
			      "\"data\",\"value\":");
	(void)buf_put(&body, object->data, object->len);
	(void)buf_puts(&body, "}]}");
	update_parse(fixture.app, &fixture.options, body.data, body.len,
	    &fixture.arena, &update);
	if (update.status == 0) {
		assert_int_equal(update.arguments->count, 1);
		assert_non_null(value_get(update.arguments->u.items, wanted));
	}
	buf_free(&body);
	return update.status;
}

static void
a_request_may_have_one(void **state)
{
	struct buf object = BUF_EMPTY;

	(void)state;
	put_object(&object, COMMON, "[1,2]");
	assert_int_equal(status_of(&object, "sensor of the north wing 004999"),
	    0);
	/* It is the number of values that is bounded. */
	fixture.options.limit_json_nodes = 3 * COMMON;
	assert_int_equal(status_of(&object, ""), 413);
	/* The same name once more, at the other end. */
	fixture.options.limit_json_nodes = 200000;
	object.data[object.len - 1] = ',';
	(void)buf_puts(&object, "\"sensor of the north wing 004999\":0}");
	assert_int_equal(status_of(&object, ""), 400);
	buf_free(&object);
}

static void
the_largest_one_costs_little(void **state)
{
	struct buf object = BUF_EMPTY;
	double from = seconds();

	(void)state;
	fixture.options.limit_json_nodes = 200000;
	put_object(&object, HUGE_COUNT, "0");
	assert_int_equal(status_of(&object, "sensor of the north wing 000000"),
	    0);
	assert_true(seconds() - from < SECONDS_MAX);
	buf_free(&object);
}

/* As records, as columns: the names are those of a table's columns. */
static void
so_does_a_table_of_it(void **state)
{
	static const struct {
		const char *before, *value, *after;
	} forms[] = { { "[", "1", "]" }, { "", "[1]", "" } };
	struct json_limits limits = { 10, 1000000, 1000000, false, false };
	struct buf text = BUF_EMPTY;
	const struct value *table;
	struct value *value;
	const char *why;
	double from;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		buf_clear(&text);
		(void)buf_puts(&text, forms[i].before);
		put_object(&text, HUGE_COUNT, forms[i].value);
		(void)buf_puts(&text, forms[i].after);
		assert_int_equal(json_read(text.data, text.len, &limits,
				     &fixture.arena, &value, &why),
		    0);
		from = seconds();
		table = frame_parse(&fixture.arena, value, &why);
		assert_non_null(table);
		assert_int_equal(table->u.table->column_count, HUGE_COUNT);
		assert_int_equal(table->u.table->row_count, 1);
		assert_true(seconds() - from < SECONDS_MAX);
	}
	buf_free(&text);
}

/* Which cell belongs to which column does not depend on the order of names;
 * what only a later record has is a column, too, what one has not is null. */
static void
records_need_no_order(void **state)
{
	const struct value *table;
	const char *why;

	(void)state;
	table = frame_parse(&fixture.arena,
	    fixture_json(&fixture, "[{\"b\":1,\"a\":2,\"c\":3},"
				   "{\"c\":4,\"x\":9,\"a\":5},7]"),
	    &why);
	fixture_check(table, "[{\"b\":1,\"a\":2,\"c\":3,\"x\":null},"
			     "{\"b\":null,\"a\":5,\"c\":4,\"x\":9},"
			     "{\"b\":null,\"a\":null,\"c\":null,\"x\":null}]");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_request_may_have_one, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(the_largest_one_costs_little,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(so_does_a_table_of_it, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(records_need_no_order, set_up,
		    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
