/* SPDX-License-Identifier: MIT */

/*
 * A log that was cut short, or whose bytes were changed, while nobody had it
 * open: whatever is opened then is sound, and no value is wrong. What was
 * copied into the database before is not lost.
 */
#include "test/unit/cache/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "cache/cache_int.h"
#include "cache/upkeep.h"

#define OLD_VALUES 20 /* in the database */
#define NEW_VALUES 60 /* in the log only */
#define LONG_VALUE 40000

static char *values[OLD_VALUES + NEW_VALUES];

/* Different lengths, on one page and on several. */
static void
make_values(void)
{
	size_t len;
	int i;

	for (i = 0; i < OLD_VALUES + NEW_VALUES; i++) {
		len = i % 7 == 0 ? LONG_VALUE : 10 + (size_t)i * 13;
		values[i] = malloc(len + 1);
		assert_non_null(values[i]);
		memset(values[i], 'a' + i % 26, len);
		(void)snprintf(values[i], 10, "%08u", (unsigned)i % 100000000);
		values[i][8] = '-';
		values[i][len] = '\0';
	}
}

static void
free_values(void)
{
	int i;

	for (i = 0; i < OLD_VALUES + NEW_VALUES; i++)
		free(values[i]);
}

static void
fill(struct fixture *f)
{
	struct upkeep upkeep;
	int i;

	for (i = 0; i < OLD_VALUES; i++)
		fixture_store(f->a, i, values[i], -1);
	upkeep_init(&upkeep);
	upkeep.copied_ms = -10000;
	assert_int_equal(upkeep_checkpoint(&upkeep, f->a), 1);
	for (; i < OLD_VALUES + NEW_VALUES; i++)
		fixture_store(f->a, i, values[i], -1);
	cache_close(&f->a);
	cache_close(&f->b);
}

struct copy {
	char *db;
	char *wal;
	size_t db_len;
	size_t wal_len;
};

static void
read_file(const struct fixture *f, const char *name, char **data, size_t *len)
{
	char path[128];

	fixture_path(f, name, path);
	*data = NULL;
	assert_int_equal(fd_read_file(path, (size_t)64 << 20, data, len), 0);
}

static void
write_file(const struct fixture *f, const char *name, const char *data,
    size_t len)
{
	char path[128];
	int fd;

	fixture_path(f, name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, data, len), 0);
	fd_close(&fd);
}

/* As after a crash: the index is gone, it is made from the log again. */
static void
put_back(const struct fixture *f, const struct copy *copy, size_t wal_len)
{
	char path[128];

	write_file(f, "cache-v1.db", copy->db, copy->db_len);
	write_file(f, "cache-v1.db-wal", copy->wal, wal_len);
	fixture_path(f, "cache-v1.db-shm", path);
	(void)unlink(path);
}

/* Open as the next start does. How many of the newer values are there. */
static int
judge(struct fixture *f)
{
	int found = 0;
	bool gap = false;
	int rc;
	int i;

	assert_int_equal(fixture_prepare(f), 0);
	f->a = fixture_open(f, 1, 101);
	/* fixture_lookup() compares what is found with what it must be. */
	for (i = 0; i < OLD_VALUES; i++)
		assert_int_equal(fixture_lookup(f->a, i, values[i]), CACHE_HIT);
	for (; i < OLD_VALUES + NEW_VALUES; i++) {
		rc = fixture_lookup(f->a, i, values[i]);
		assert_true(rc == CACHE_HIT || rc == CACHE_MISS);
		/* Commits are lost from the end only. */
		assert_false(rc == CACHE_HIT && gap);
		gap = rc == CACHE_MISS;
		found += rc == CACHE_HIT;
	}
	fixture_store(f->a, 1000, "new", -1);
	assert_int_equal(fixture_lookup(f->a, 1000, "new"), CACHE_HIT);
	cache_close(&f->a);
	fixture_check_integrity(f);
	return found;
}

static void
start(struct fixture *f, struct copy *copy)
{
	fixture_init(f);
	assert_int_equal(fixture_prepare(f), 0);
	f->a = fixture_open(f, 1, 101);
	make_values();
	fill(f);
	read_file(f, "cache-v1.db", &copy->db, &copy->db_len);
	read_file(f, "cache-v1.db-wal", &copy->wal, &copy->wal_len);
	assert_true(copy->wal_len > (size_t)NEW_VALUES * SCHEMA_PAGE_SIZE);
	put_back(f, copy, copy->wal_len);
	assert_int_equal(judge(f), NEW_VALUES);
}

static void
end(struct fixture *f, struct copy *copy)
{
	free(copy->db);
	free(copy->wal);
	free_values();
	fixture_fini(f);
}

/* At the borders of frames, one byte beside them, and anywhere. */
static void
a_log_that_was_cut_short(void **state)
{
	static const long beside[] = { -1, 0, 1, 24, 8000 };
	size_t frame = (size_t)SCHEMA_WAL_BYTES(1);
	struct fixture f;
	struct copy copy;
	int before = 0;
	int found;
	size_t frames;
	size_t len;
	size_t i;
	size_t k;

	(void)state;
	start(&f, &copy);
	frames = (copy.wal_len - 32) / frame;
	for (i = 0; i <= frames; i += 1 + frames / 20) {
		for (k = 0; k < sizeof(beside) / sizeof(beside[0]); k++) {
			len = 32 + i * frame + (size_t)beside[k];
			if (len > copy.wal_len)
				continue;
			put_back(&f, &copy, len);
			found = judge(&f);
			assert_true(found >= before - 1);
			before = found > before ? found : before;
		}
	}
	put_back(&f, &copy, 0);
	assert_int_equal(judge(&f), 0);
	put_back(&f, &copy, 31);
	assert_int_equal(judge(&f), 0);
	print_message("%zu frames, cut at %zu lengths\n", frames,
	    frames / (1 + frames / 20) * 5);
	end(&f, &copy);
}

static void
a_log_with_changed_bytes(void **state)
{
	struct fixture f;
	struct copy copy;
	unsigned seed = (unsigned)getpid();
	int lost = 0;
	size_t at;
	int i;

	(void)state;
	start(&f, &copy);
	for (i = 0; i < 60; i++) {
		/* The header of the log, of a frame, and anywhere. */
		at = i < 8 ? (size_t)i * 4 : (size_t)rand_r(&seed) * 7919;
		if (i % 3 == 1)
			at = 32 + at % 40 * (size_t)SCHEMA_WAL_BYTES(1) +
			     (size_t)(i % 24);
		at %= copy.wal_len;
		copy.wal[at] = (char)(copy.wal[at] ^ (1 << i % 8));
		put_back(&f, &copy, copy.wal_len);
		copy.wal[at] = (char)(copy.wal[at] ^ (1 << i % 8));
		lost += judge(&f) < NEW_VALUES;
	}
	print_message("seed %u, %d of 60 lost something\n", (unsigned)getpid(),
	    lost);
	assert_true(lost > 10);
	end(&f, &copy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_that_was_cut_short),
		cmocka_unit_test(a_log_with_changed_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
