/* SPDX-License-Identifier: MIT */

/*
 * Value rows: what is handed out had the right key and the right checksum.
 */
#include "test/unit/cache/fixture.h"

#include <errno.h>

#include "cache/cache_int.h"
#include "cache/kept.h"
#include "cache/store.h"

static uint64_t
sum_of(const void *data, size_t len)
{
	struct store_value value = { .created = 1,
		.expires = 2,
		.format = CACHE_FORMAT_VALUE,
		.data = data,
		.len = len };

	return store_sum(&value);
}

static void
every_flipped_bit_changes_the_sum(void **state)
{
	static const size_t sizes[] = { 1, 7, 8, 31, 32, 33, 64, 100, 1000 };
	unsigned char data[1000];
	uint64_t sum;
	size_t i;
	size_t j;

	(void)state;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		sum = sum_of(data, sizes[i]);
		for (j = 0; j < sizes[i] * 8; j++) {
			data[j / 8] ^= (unsigned char)(1u << j % 8);
			assert_true(sum_of(data, sizes[i]) != sum);
			data[j / 8] ^= (unsigned char)(1u << j % 8);
		}
		assert_true(sum_of(data, sizes[i]) == sum);
	}
}

static void
swapped_and_moved_bytes_change_the_sum(void **state)
{
	unsigned char data[256] = { 0 };
	uint64_t sum;
	size_t i;

	(void)state;
	/* Zeros of each length differ, and so does each place of a one. */
	for (i = 1; i < sizeof(data); i++)
		assert_true(sum_of(data, i) != sum_of(data, i - 1));
	data[0] = 1;
	sum = sum_of(data, sizeof(data));
	for (i = 1; i < sizeof(data); i++) {
		data[i - 1] = 0;
		data[i] = 1;
		assert_true(sum_of(data, sizeof(data)) != sum);
	}
	/* The top bit of two words, which a plain product would cancel. */
	memset(data, 0, sizeof(data));
	sum = sum_of(data, sizeof(data));
	data[7] = 0x80;
	data[39] = 0x80;
	assert_true(sum_of(data, sizeof(data)) != sum);
}

static void
the_sum_covers_what_is_said_about_the_value(void **state)
{
	struct store_value value = { .created = 1,
		.expires = 2,
		.format = 1,
		.data = "abc",
		.len = 3 };
	uint64_t sum = store_sum(&value);

	(void)state;
	value.created++;
	assert_true(store_sum(&value) != sum);
	value.created--;
	value.expires++;
	assert_true(store_sum(&value) != sum);
	value.expires--;
	value.format++;
	assert_true(store_sum(&value) != sum);
	value.format--;
	assert_true(store_sum(&value) == sum);
}

static void
the_id_is_the_first_63_bits(void **state)
{
	uint8_t key[CACHE_KEY_LEN] = { 0xff, 1, 2, 3, 4, 5, 6, 7, 8 };

	(void)state;
	assert_true(store_id(key) == INT64_C(0x7f01020304050607));
}

/* What is changed behind our back, and must then be a miss. */
static const char *const damages[] = {
	"UPDATE kv SET v = CAST('hellO' AS BLOB)",
	"UPDATE kv SET v = CAST('hell' AS BLOB)",
	"UPDATE kv SET v = x''",
	"UPDATE kv SET v = 5",
	"UPDATE kv SET sum = sum + 1",
	"UPDATE kv SET format = 2",
	"UPDATE kv SET expires = expires - 1",
	"UPDATE kv SET k = x'00'",
	"UPDATE kv SET k = zeroblob(32)",
};

static void
a_changed_row_is_a_miss_and_is_computed_again(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	size_t i;

	kept_set_limit(0); /* it would still have what was there before */
	for (i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		fixture_store(f->a, 1, "hello", 3600000);
		assert_int_equal(fixture_lookup(f->b, 1, "hello"), CACHE_HIT);
		(void)fixture_sql(f, damages[i]);
		f->b->db.bad_sums = 0; /* or it has enough of them */
		assert_int_equal(fixture_lookup(f->b, 1, ""), CACHE_MISS);
		/* Else a reader would be told READY and miss for ever. */
		assert_int_equal(fixture_ask(f->b, 1, &claim), CACHE_OWNED);
		assert_int_equal(fixture_publish(f->b, &claim, "fresh", -1), 0);
		assert_int_equal(fixture_lookup(f->a, 1, "fresh"), CACHE_HIT);
		(void)fixture_sql(f, "DELETE FROM kv");
	}
	cache_claim_free(&claim);
}

static void
values_of_every_size(void **state)
{
	static const size_t sizes[] = { 0, 1, 1000, 16384, 20000, 1000000 };
	struct cache_claim claim = { .epoch = 0 };
	struct buf out = BUF_EMPTY;
	struct fixture *f = *state;
	enum cache_format format;
	char *data = malloc(1000000);
	size_t i;
	int rc;

	assert_non_null(data);
	for (i = 0; i < 1000000; i++)
		data[i] = (char)(i * 31 + i / 256);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		rc = fixture_ask(f->a, (int)i, &claim);
		assert_int_equal(rc, CACHE_OWNED);
		rc = cache_publish(f->a, &claim, CACHE_FORMAT_RESPONSE, data,
		    sizes[i], -1);
		assert_int_equal(rc, 0);
		rc = cache_lookup(f->b, claim.key, &out, &format);
		assert_int_equal(rc, CACHE_HIT);
		assert_int_equal(format, CACHE_FORMAT_RESPONSE);
		assert_int_equal(out.len, sizes[i]);
		assert_int_equal((uintptr_t)out.data & 7, 0);
		if (sizes[i] > 0)
			assert_memory_equal(out.data, data, sizes[i]);
	}
	buf_free(&out);
	cache_claim_free(&claim);
	free(data);
}

static void
a_miss_leaves_the_buffer_empty(void **state)
{
	struct buf out = BUF_EMPTY;
	struct fixture *f = *state;
	enum cache_format format;
	uint8_t key[CACHE_KEY_LEN];

	fixture_key(1, key);
	assert_int_equal(buf_puts(&out, "old"), 0);
	assert_int_equal(cache_lookup(f->a, key, &out, &format), CACHE_MISS);
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

static void
a_bounded_buffer_refuses_a_longer_value(void **state)
{
	struct fixture *f = *state;
	struct buf out;
	enum cache_format format;
	uint8_t key[CACHE_KEY_LEN];

	fixture_store(f->a, 1, "0123456789", -1);
	fixture_key(1, key);
	buf_init(&out, 5);
	assert_int_equal(cache_lookup(f->a, key, &out, &format), ERR_TOO_BIG);
	assert_int_equal(out.len, 0);
	buf_free(&out);
	assert_int_equal(fixture_lookup(f->a, 1, "0123456789"), CACHE_HIT);
}

static void
several_look_ups_see_one_moment(void **state)
{
	struct fixture *f = *state;

	fixture_store(f->a, 1, "one", -1);
	assert_int_equal(cache_read_begin(f->b), 0);
	assert_int_equal(fixture_lookup(f->b, 1, "one"), CACHE_HIT);
	fixture_store(f->a, 2, "two", -1);
	assert_int_equal(fixture_lookup(f->b, 2, ""), CACHE_MISS);
	assert_int_equal(fixture_state(f->b, 1), CACHE_READY);
	cache_read_end(f->b);
	assert_int_equal(fixture_lookup(f->b, 2, "two"), CACHE_HIT);
	cache_read_end(f->b);
	assert_int_equal(cache_read_begin(f->b), 0);
	cache_close(&f->b);
	assert_null(f->b);
	cache_close(&f->b);
}

static void
the_null_cache_computes_always(void **state)
{
	struct cache_peer peer = { .slot = 0, .worker_id = 1 };
	struct cache_claim claim = { .epoch = 0 };
	struct fixture fixture;
	struct cache *cache;
	unsigned count;

	(void)state;
	fixture_init(&fixture);
	fixture.options.cache_type = "null";
	fixture.options.cache_dir = "/nonexistent/folder";
	assert_int_equal(fixture_prepare(&fixture), 0);
	assert_int_equal(cache_open(&cache, &fixture.options, &peer), 0);
	assert_int_equal(fixture_lookup(cache, 1, ""), ERR_STORE);
	assert_int_equal(fixture_ask(cache, 1, &claim), ERR_STORE);
	assert_int_equal(fixture_publish(cache, &claim, "x", 1), ERR_STORE);
	assert_int_equal(cache_fail(cache, &claim, "x", 1), ERR_STORE);
	assert_int_equal(cache_release(cache, &claim), ERR_STORE);
	assert_int_equal(cache_claim_next(cache, &claim), ERR_STORE);
	assert_int_equal(fixture_state(cache, 1), ERR_STORE);
	assert_int_equal(cache_has_wanted(cache), ERR_STORE);
	assert_int_equal(cache_renew(cache), ERR_STORE);
	assert_int_equal(cache_read_begin(cache), ERR_STORE);
	assert_int_equal(cache_release_owner(cache, 1, &count), ERR_STORE);
	cache_read_end(cache);
	cache_hint(cache);
	cache_close(&cache);
	cache_claim_free(&claim);
	fixture_fini(&fixture);
}

static void
damage_closes_the_shop(void **state)
{
	struct fixture *f = *state;
	char path[128];

	fixture_store(f->a, 1, "v", -1);
	assert_int_equal(db_failed(&f->b->db, SQLITE_CORRUPT_INDEX, "test"),
	    ERR_CORRUPT);
	assert_int_equal(fixture_lookup(f->b, 1, ""), ERR_STORE);
	assert_int_equal(fixture_ask(f->b, 2, NULL), ERR_STORE);
	assert_int_equal(fixture_state(f->b, 1), ERR_STORE);
	/* The others go on; the next start will look. */
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_HIT);
	fixture_path(f, DB_DAMAGE_FILE, path);
	assert_int_equal(access(path, F_OK), 0);
}

static const struct translation {
	int code;
	int want;
} translations[] = {
	{ SQLITE_BUSY, ERR_BUSY },
	{ SQLITE_BUSY_SNAPSHOT, ERR_BUSY },
	{ SQLITE_BUSY_RECOVERY, ERR_BUSY },
	{ SQLITE_LOCKED, ERR_BUSY },
	{ SQLITE_PROTOCOL, ERR_BUSY },
	{ SQLITE_FULL, ERR_FULL },
	{ SQLITE_CORRUPT, ERR_CORRUPT },
	{ SQLITE_CORRUPT_VTAB, ERR_CORRUPT },
	{ SQLITE_NOTADB, ERR_CORRUPT },
	{ SQLITE_IOERR_SHORT_READ, ERR_CORRUPT },
	{ SQLITE_IOERR_WRITE, ERR_STORE },
	{ SQLITE_IOERR_FSYNC, ERR_STORE },
	{ SQLITE_CANTOPEN, ERR_STORE },
	{ SQLITE_READONLY, ERR_STORE },
	{ SQLITE_NOMEM, ERR_STORE },
	{ SQLITE_MISUSE, ERR_STORE },
	{ SQLITE_PERM, ERR_STORE },
};

static void
every_code_has_its_error(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(translations) / sizeof(translations[0]); i++)
		assert_int_equal(db_error_of(translations[i].code),
		    translations[i].want);
}

static void
a_full_disk_stops_writing_for_a_while(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;

	fixture_store(f->a, 1, "v", -1);
	assert_int_equal(fixture_ask(f->a, 2, &claim), CACHE_OWNED);
	assert_int_equal(db_write_begin(&f->a->db), 0);
	assert_int_equal(db_failed(&f->a->db, SQLITE_FULL, "test"), ERR_FULL);
	db_write_cancel(&f->a->db);
	assert_int_equal(fixture_publish(f->a, &claim, "w", -1), ERR_FULL);
	assert_int_equal(fixture_ask(f->a, 3, NULL), ERR_STORE);
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_HIT);
	f->a->db.paused_to = 1; /* the time has passed */
	assert_int_equal(fixture_publish(f->a, &claim, "w", -1), 0);
	assert_int_equal(f->a->db.pause_us, 0);
	(void)cache_renew(f->a); /* forgets the claim it remembered */
	cache_claim_free(&claim);
}

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_flipped_bit_changes_the_sum),
		cmocka_unit_test(swapped_and_moved_bytes_change_the_sum),
		cmocka_unit_test(the_sum_covers_what_is_said_about_the_value),
		cmocka_unit_test(the_id_is_the_first_63_bits),
		CASE(a_changed_row_is_a_miss_and_is_computed_again),
		CASE(values_of_every_size),
		CASE(a_miss_leaves_the_buffer_empty),
		CASE(a_bounded_buffer_refuses_a_longer_value),
		CASE(several_look_ups_see_one_moment),
		cmocka_unit_test(the_null_cache_computes_always),
		CASE(damage_closes_the_shop),
		cmocka_unit_test(every_code_has_its_error),
		CASE(a_full_disk_stops_writing_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
