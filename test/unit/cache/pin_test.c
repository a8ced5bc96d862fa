/* SPDX-License-Identifier: MIT */

/* Who keeps the log from being copied, and for how long. */
#include "test/unit/cache/fixture.h"

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/pin.h"

/* A process of no worker that has a read open; it ends with `end`. */
struct reader {
	pid_t pid;
	int end;
};

static void
read_until(const char *path, int said, int end)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *handle = NULL;
	char byte = 'x';

	if (sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY, NULL) !=
		SQLITE_OK ||
	    sqlite3_prepare_v2(handle, "SELECT * FROM kv", -1, &stmt, NULL) !=
		SQLITE_OK ||
	    sqlite3_step(stmt) != SQLITE_ROW || write(said, &byte, 1) != 1)
		_exit(1);
	_exit(read(end, &byte, 1) != 0);
}

static void
start_reader(const struct fixture *f, struct reader *reader)
{
	char path[128];
	int said[2];
	int end[2];
	char byte;

	fixture_path(f, "cache-v1.db", path);
	assert_int_equal(pipe(said), 0);
	assert_int_equal(pipe(end), 0);
	reader->pid = fork();
	assert_true(reader->pid >= 0);
	if (reader->pid == 0) {
		(void)close(end[1]);
		read_until(path, said[1], end[0]);
	}
	(void)close(said[1]);
	(void)close(end[0]);
	assert_int_equal(read(said[0], &byte, 1), 1);
	(void)close(said[0]);
	reader->end = end[1];
}

static void
end_reader(const struct reader *reader)
{
	(void)close(reader->end);
	fixture_wait(reader->pid);
}

static void
a_reader_of_another_process_is_found(void **state)
{
	struct fixture *f = *state;
	struct reader reader;

	fixture_store(f->a, 1, "v", -1);
	assert_int_equal(pin_find_reader(f->dir), 0);
	assert_int_equal(cache_read_begin(f->a), 0);
	assert_int_equal(pin_find_reader(f->dir), 0); /* it is ourselves */
	start_reader(f, &reader);
	assert_int_equal(pin_find_reader(f->dir), reader.pid);
	cache_read_end(f->a);
	assert_int_equal(pin_find_reader(f->dir), reader.pid);
	end_reader(&reader);
	assert_int_equal(pin_find_reader(f->dir), 0);
	assert_int_equal(pin_find_reader("/nowhere/at/all"), 0);
}

static void
it_is_looked_for_after_a_second(void **state)
{
	struct fixture *f = *state;
	struct reader reader;
	struct pin pin = { .from_ms = 0 };

	fixture_store(f->a, 1, "v", -1);
	start_reader(f, &reader);
	assert_int_equal(pin_ms(&pin, 5000), 0);
	pin_note(&pin, f->dir, 10, 5000);
	assert_int_equal(pin.frames, 10);
	assert_int_equal(pin.pid, 0); /* most readers are gone by then */
	assert_int_equal(pin_ms(&pin, 5999), 999);
	pin_note(&pin, f->dir, 12, 5999);
	assert_int_equal(pin.pid, 0);
	pin_note(&pin, f->dir, 13, 6000);
	assert_int_equal(pin.frames, 13);
	assert_int_equal(pin.pid, reader.pid);
	assert_int_equal(pin_ms(&pin, 7000), 2000);
	end_reader(&reader);
	/* All was copied: the next one counts from its own beginning. */
	pin_note(&pin, f->dir, 0, 7000);
	assert_int_equal(pin_ms(&pin, 8000), 0);
	assert_int_equal(pin.frames, 0);
	assert_int_equal(pin.pid, 0);
	pin_note(&pin, f->dir, 3, 8000);
	assert_int_equal(pin_ms(&pin, 8001), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_reader_of_another_process_is_found, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(it_is_looked_for_after_a_second,
		    fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
