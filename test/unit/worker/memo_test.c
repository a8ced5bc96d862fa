/* SPDX-License-Identifier: MIT */

/*
 * ph_memo() against a real cache: what is there is given, what is missing is
 * asked for, and a store that fails makes it slower, never wrong.
 */
#include "test/unit/worker/app_fixture.h"

#include <errno.h>
#include <math.h>

#include "server/base/clock.h"
#include "worker/memo.h"

static struct app_fixture fixture;
static struct call call;
static struct ph_call *ph;
static int runs;

static enum ph_status
twice(struct ph_call *inner)
{
	runs++;
	return ph_return(inner, ph_int(2 * ph_int_of(ph_arg(inner, 0))));
}

static enum ph_status
fails(struct ph_call *inner)
{
	runs++;
	return ph_fail(inner, "no luck with %s", ph_text_of(ph_arg(inner, 0)));
}

static enum ph_status
forgets(struct ph_call *inner)
{
	(void)inner;
	return PH_OK; /* no ph_return(): null */
}

static enum ph_status
deeper(struct ph_call *inner)
{
	const struct ph_value *next = ph_int(ph_int_of(ph_arg(inner, 0)) - 1);

	runs++;
	if (ph_int_of(ph_arg(inner, 0)) == 0)
		return ph_return(inner, ph_text("bottom"));
	next = ph_memo(inner, deeper, next);
	return next != NULL ? ph_return(inner, next) : PH_WAIT;
}

static enum ph_status
unknown(struct ph_call *inner)
{
	(void)inner;
	return PH_OK;
}

static void
begin(void)
{
	call_init(&call, &fixture.kit, &fixture.arena, CALL_CALLBACK, "cb",
	    NULL);
	call_enter(&call);
}

static void
end(void)
{
	call_leave(&call);
	call_fini(&call);
}

static int
set_up(void **state)
{
	struct ph_app *app;

	(void)state;
	fixture_init(&fixture);
	app = fixture_ph(&fixture);
	ph_memoize(app, twice, .timeout = PH_FOREVER, .version = 3);
	ph_memoize(app, fails, .timeout = 60);
	ph_memoize(app, forgets, .timeout = 60);
	ph_memoize(app, deeper, .timeout = 60);
	fixture_open_cache(&fixture);
	ph = (struct ph_call *)(void *)&call;
	runs = 0;
	begin();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	end();
	fixture_fini(&fixture);
	return 0;
}

/* The key of a function's value for JSON arguments. */
static void
key_of(ph_function *function, const char *arguments, uint8_t key[CACHE_KEY_LEN])
{
	struct buf encoded = BUF_EMPTY;

	assert_int_equal(
	    encode_value(fixture_json(&fixture, arguments), &encoded), 0);
	assert_int_equal(memo_key_of(&fixture.kit,
			     app_find_function(fixture.app, function), false,
			     encoded.data, encoded.len, key),
	    0);
	buf_free(&encoded);
}

/* Another worker takes the oldest wanted row. */
static void
claim(struct cache_claim *taken, const char *function, const char *arguments)
{
	struct value *value = NULL;
	void *aligned;

	memset(taken, 0, sizeof(*taken));
	assert_int_equal(cache_claim_next(fixture.other, taken), 0);
	assert_string_equal(buf_cstr(&taken->function), function);
	aligned = malloc(taken->arguments.len);
	assert_non_null(aligned);
	memcpy(aligned, taken->arguments.data, taken->arguments.len);
	assert_int_equal(encode_decode(aligned, taken->arguments.len,
			     &fixture.arena, &value),
	    0);
	fixture_check(value, arguments);
	free(aligned);
}

static void
publish(const struct cache_claim *taken, const char *json)
{
	struct buf bytes = BUF_EMPTY;

	assert_int_equal(encode_value(fixture_json(&fixture, json), &bytes), 0);
	assert_int_equal(cache_publish(fixture.other, taken, CACHE_FORMAT_VALUE,
			     bytes.data, bytes.len, -1),
	    0);
	buf_free(&bytes);
}

static void
a_miss_puts_a_wanted_row(void **state)
{
	struct cache_claim taken;
	uint8_t key[CACHE_KEY_LEN];

	(void)state;
	assert_null(ph_memo(ph, twice, ph_int(21)));
	assert_false(call.failed);
	assert_true(call.waits);
	assert_true(call.wanted_new);
	assert_int_equal(runs, 0); /* nothing is computed here */
	key_of(twice, "[21]", key);
	assert_memory_equal(call.wait_key, key, CACHE_KEY_LEN);
	assert_int_equal(cache_state(fixture.other, key, NULL), CACHE_WAITING);
	end();
	begin();
	assert_null(ph_memo(ph, twice, ph_int(21)));
	assert_true(call.waits);
	assert_false(call.wanted_new); /* somebody had asked before */
	claim(&taken, "twice", "[21]");
	assert_int_equal(cache_claim_next(fixture.other, &taken), -ENOENT);
	cache_claim_free(&taken);
}

static void
a_hit_is_given(void **state)
{
	struct cache_claim taken;
	const struct ph_value *value;

	(void)state;
	assert_null(ph_memo(ph, twice, ph_int(21)));
	claim(&taken, "twice", "[21]");
	assert_null(ph_memo(ph, twice, ph_int(21))); /* being computed */
	publish(&taken, "{\"a\":[\"text\",1.5]}");
	end();
	begin();
	value = ph_memo(ph, twice, ph_int(21));
	assert_non_null(value);
	fixture_check(host_take(value), "{\"a\":[\"text\",1.5]}");
	assert_false(call.waits);
	assert_false(call.failed);
	assert_non_null(call.blobs); /* its bytes live with the call */
	fixture_check(host_take(ph_memo(ph, twice, ph_int(21))),
	    "{\"a\":[\"text\",1.5]}"); /* hit again, in the same call */
	assert_int_equal(runs, 0);
	cache_claim_free(&taken);
}

static void
null_is_a_value(void **state)
{
	struct cache_claim taken;

	(void)state;
	assert_null(ph_memo(ph, forgets, ph_null()));
	claim(&taken, "forgets", "[null]");
	publish(&taken, "null");
	assert_non_null(ph_memo(ph, forgets, ph_null()));
	assert_non_null(ph_memo(ph, forgets, NULL)); /* NULL is null */
	assert_true(ph_is_null(ph_memo(ph, forgets, ph_null())));
	cache_claim_free(&taken);
}

static void
a_failure_is_given_to_everybody(void **state)
{
	struct cache_claim taken;

	(void)state;
	assert_null(ph_memo(ph, fails, ph_text("x")));
	claim(&taken, "fails", "[\"x\"]");
	assert_int_equal(
	    cache_fail(fixture.other, &taken, "out of luck", 60000), 0);
	end();
	begin();
	assert_null(ph_memo(ph, fails, ph_text("x")));
	assert_true(call.failed);
	assert_false(call.waits);
	assert_string_equal(call.error, "fails: out of luck");
	assert_int_equal(runs, 0);
	cache_claim_free(&taken);
}

static void
a_value_that_asks_for_itself(void **state)
{
	uint8_t key[CACHE_KEY_LEN];

	(void)state;
	key_of(twice, "[1]", key);
	call.own_key = key;
	assert_null(ph_memo(ph, twice, ph_int(1)));
	assert_true(call.failed);
	assert_string_equal(call.error, "twice: the value depends on itself");
	assert_int_equal(cache_state(fixture.other, key, NULL), -ENOENT);
	end();
	begin();
	call.own_key = key;
	assert_null(ph_memo(ph, twice, ph_int(2))); /* another one may */
	assert_false(call.failed);
	assert_true(call.waits);
}

static void
check_computed_here(void)
{
	runs = 0;
	fixture_check(host_take(ph_memo(ph, twice, ph_int(21))), "42");
	assert_int_equal(runs, 1);
	assert_false(call.failed);
	assert_false(call.waits);
	fixture_check(host_take(ph_memo(ph, forgets, ph_int(1))), "null");
	assert_null(ph_memo(ph, fails, ph_text("x")));
	assert_true(call.failed);
	assert_string_equal(call.error, "no luck with x");
}

static void
without_a_connection_it_is_computed_here(void **state)
{
	(void)state;
	cache_close(&fixture.kit.cache);
	check_computed_here();
}

static void
with_the_store_null_it_is_computed_here(void **state)
{
	struct cache_peer peer = fixture_peer(&fixture, 0);

	(void)state;
	cache_close(&fixture.kit.cache);
	fixture.cache_options.cache_type = "null";
	assert_int_equal(
	    cache_open(&fixture.kit.cache, &fixture.cache_options, &peer), 0);
	check_computed_here();
}

static void
while_the_store_fails_it_is_computed_here(void **state)
{
	uint8_t key[CACHE_KEY_LEN];

	(void)state;
	assert_false(memo_store_is_failing(&fixture.kit));
	memo_store_failed(&fixture.kit);
	assert_true(memo_store_is_failing(&fixture.kit));
	assert_in_range(fixture.inline_until_ms - clock_boot_ms(), 1, 60000);
	check_computed_here();
	key_of(twice, "[21]", key);
	assert_int_equal(cache_state(fixture.other, key, NULL), -ENOENT);
	end();
	begin();
	fixture.inline_until_ms = clock_boot_ms() - 1; /* the pause is over */
	assert_false(memo_store_is_failing(&fixture.kit));
	assert_null(ph_memo(ph, twice, ph_int(21)));
	assert_true(call.waits);
}

/* What is in the store is given even while writing to it fails. */
static void
a_hit_needs_no_writing(void **state)
{
	struct cache_claim taken;

	(void)state;
	assert_null(ph_memo(ph, twice, ph_int(1)));
	claim(&taken, "twice", "[1]");
	publish(&taken, "\"stored\"");
	memo_store_failed(&fixture.kit);
	fixture_check(host_take(ph_memo(ph, twice, ph_int(1))), "\"stored\"");
	cache_claim_free(&taken);
}

static void
computing_here_nests_to_a_bound(void **state)
{
	(void)state;
	cache_close(&fixture.kit.cache);
	fixture_check(host_take(ph_memo(ph, deeper, ph_int(15))), "\"bottom\"");
	assert_int_equal(runs, 16);
	assert_null(ph_memo(ph, deeper, ph_int(1000000)));
	assert_true(call.failed);
	assert_string_equal(call.error,
	    "deeper: computations nest deeper than 16");
}

/* Bytes in the store that are no value: computed, not trusted. */
static void
damaged_values_are_computed(void **state)
{
	struct cache_claim taken;
	int round;

	(void)state;
	for (round = 0; round < 2; round++) {
		assert_null(ph_memo(ph, twice, ph_int(round)));
		claim(&taken, "twice", round == 0 ? "[0]" : "[1]");
		assert_int_equal(
		    cache_publish(fixture.other, &taken,
			round == 0 ? CACHE_FORMAT_VALUE : CACHE_FORMAT_RESPONSE,
			"\x7fgarbage", 8, -1),
		    0);
		runs = 0;
		assert_int_equal(ph_int_of(ph_memo(ph, twice, ph_int(round))),
		    2 * round);
		assert_int_equal(runs, 1);
		assert_false(call.failed);
		cache_claim_free(&taken);
	}
}

static void
the_loop_never_waits(void **state)
{
	struct cache_claim taken;

	(void)state;
	assert_null(ph_memo(ph, twice, ph_int(1)));
	claim(&taken, "twice", "[1]");
	publish(&taken, "5");
	end();
	begin();
	fixture.kit.on_loop = true;
	assert_int_equal(ph_int_of(ph_memo(ph, twice, ph_int(1))), 5);
	assert_null(ph_memo(ph, twice, ph_int(2)));
	assert_true(call.failed);
	assert_false(call.waits);
	assert_non_null(strstr(call.error, "ph_memo(twice): not there yet"));
	assert_int_equal(runs, 0);
	cache_claim_free(&taken);
}

static void
mistakes_are_named(void **state)
{
	static const struct ph_component_type type = { "s", "Div", NULL, 0 };

	(void)state;
	assert_null(ph_memo(ph, unknown, ph_int(1)));
	assert_string_equal(call.error,
	    "cb: ph_memo() of a function that ph_memoize() does not know");
	assert_null(ph_memo(ph, twice, ph_int(1))); /* failed: no row */
	assert_false(call.waits);
	end();
	begin();
	assert_null(ph_memo(ph, twice, ph_number(NAN)));
	assert_non_null(strstr(call.error,
	    "ph_memo(twice): argument 0 cannot be part of a key: it is"));
	end();
	begin();
	assert_null(ph_memo(ph, twice, ph_component_new(&type, NULL)));
	assert_true(call.failed);
	end();
	begin();
	call.kind = CALL_CREATE;
	assert_null(ph_memo(ph, twice, ph_int(1)));
	assert_string_equal(call.error,
	    "cb: ph_memo() of a function that a create function cannot wait "
	    "for");
}

/* ---- keys ---- */

static void
equal_arguments_have_one_key(void **state)
{
	static const char *const pairs[][2] = {
		{ "[1]", "[1.0]" },
		{ "[0]", "[-0.0]" },
		{ "[{\"a\":1,\"b\":2}]", "[{\"b\":2,\"a\":1}]" },
		{ "[\"\\u00e9\"]", "[\"\xc3\xa9\"]" },
	};
	uint8_t one[CACHE_KEY_LEN];
	uint8_t other[CACHE_KEY_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		key_of(twice, pairs[i][0], one);
		key_of(twice, pairs[i][1], other);
		assert_memory_equal(one, other, CACHE_KEY_LEN);
	}
}

static void
different_arguments_have_different_keys(void **state)
{
	static const char *const all[] = { "[]", "[null]", "[null,null]",
		"[true]", "[false]", "[0]", "[1]", "[-1]", "[1.5]", "[\"1\"]",
		"[\"\"]", "[\"true\"]", "[[]]", "[{}]", "[[1]]",
		"[\"a\",\"b\"]", "[\"ab\"]", "[[\"a\"],\"b\"]", "[{\"a\":1}]",
		"[{\"b\":1}]", "[{\"a\":[1]}]" };
	uint8_t keys[sizeof(all) / sizeof(all[0])][CACHE_KEY_LEN];
	size_t i;
	size_t j;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		key_of(twice, all[i], keys[i]);
		for (j = 0; j < i; j++)
			assert_memory_not_equal(keys[i], keys[j],
			    CACHE_KEY_LEN);
	}
}

static void
everything_else_that_decides_the_value_is_in_the_key(void **state)
{
	static char f[] = "f";
	static char g[] = "g";
	struct computation computation = { .name = f,
		.run = twice,
		.version = 1 };
	uint8_t keys[7][CACHE_KEY_LEN];
	int count = 0;
	int i;
	int j;

	(void)state;
#define KEY(is_callback)                                                      \
	assert_int_equal(memo_key_of(&fixture.kit, &computation, is_callback, \
			     "args", 4, keys[count++]),                       \
	    0)
	KEY(false);
	KEY(true);
	fixture.app->fingerprint[3] = 'b'; /* other code, other answers */
	KEY(true);
	computation.version = 2;
	KEY(false);
	computation.name = g;
	KEY(false);
	fixture.cache_options.cache_key_prefix = "p";
	KEY(false);
	computation.timeout = 5; /* decides nothing but the life */
	KEY(false);
#undef KEY
	assert_memory_equal(keys[5], keys[6], CACHE_KEY_LEN);
	for (i = 0; i < 6; i++)
		for (j = 0; j < i; j++)
			assert_memory_not_equal(keys[i], keys[j],
			    CACHE_KEY_LEN);
	computation =
	    (struct computation){ .name = f, .run = twice, .version = 1 };
	fixture.cache_options.cache_key_prefix = "";
	assert_int_equal(
	    memo_key_of(&fixture.kit, &computation, false, "args", 4, keys[1]),
	    0);
	/* A value outlives a new build of the app: the author has .version. */
	assert_memory_equal(keys[0], keys[1], CACHE_KEY_LEN);
}

static void
lives_in_milliseconds(void **state)
{
	static char f[] = "f";
	static const struct {
		double timeout;
		double by_default;
		int64_t ttl_ms;
	} cases[] = {
		{ 60, 300, 60000 },
		{ 0.5, 300, 500 },
		{ 0, 300, 300000 },
		{ 0, 0, -1 },
		{ PH_FOREVER, 300, -1 },
		{ 5, 0, 5000 },
		{ 1e9, 300, 1000000000000 },
	};
	struct computation computation = { .name = f,
		.run = twice,
		.version = 1 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		computation.timeout = cases[i].timeout;
		fixture.cache_options.cache_default_timeout =
		    cases[i].by_default;
		assert_true(
		    memo_ttl_ms(&fixture.kit, &computation) == cases[i].ttl_ms);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_miss_puts_a_wanted_row),
		TEST(a_hit_is_given),
		TEST(null_is_a_value),
		TEST(a_failure_is_given_to_everybody),
		TEST(a_value_that_asks_for_itself),
		TEST(without_a_connection_it_is_computed_here),
		TEST(with_the_store_null_it_is_computed_here),
		TEST(while_the_store_fails_it_is_computed_here),
		TEST(a_hit_needs_no_writing),
		TEST(computing_here_nests_to_a_bound),
		TEST(damaged_values_are_computed),
		TEST(the_loop_never_waits),
		TEST(mistakes_are_named),
		TEST(equal_arguments_have_one_key),
		TEST(different_arguments_have_different_keys),
		TEST(everything_else_that_decides_the_value_is_in_the_key),
		TEST(lives_in_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
