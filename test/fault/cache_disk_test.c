/* SPDX-License-Identifier: MIT */

/*
 * The n-th call of one kind to the file system fails, once and from then on,
 * for n = 1, 2, ... until a life of the cache passes without it. A VFS that
 * hands everything on to SQLite's own does the failing.
 */
#include "test/fault/cache_scenario_tools.h"
#include "test/fault/failing.h"

#include "cache/gate.h"

/* The calls that can fail, and how. */
static const struct kind {
	const char *name;
	unsigned calls; /* which */
	int code;       /* what they return then */
	bool torn;      /* a write does its first half before */
	bool once;      /* never for ever: SQLite itself tries for 10 s */
} kinds[] = {
#define CALL_OPEN 1u
#define CALL_READ 2u
#define CALL_WRITE 4u
#define CALL_TRUNCATE 8u
#define CALL_SYNC 16u
#define CALL_LOCK 32u
#define CALL_SHM_MAP 64u
#define CALL_SHM_LOCK 128u
#define CALL_SIZE 256u
#define CALL_DELETE 512u
	{ "open", CALL_OPEN, SQLITE_CANTOPEN, false, false },
	{ "read", CALL_READ, SQLITE_IOERR_READ, false, false },
	{ "write: error", CALL_WRITE, SQLITE_IOERR_WRITE, false, false },
	{ "write: torn", CALL_WRITE, SQLITE_IOERR_WRITE, true, false },
	{ "write: full", CALL_WRITE | CALL_TRUNCATE, SQLITE_FULL, false,
	    false },
	{ "truncate", CALL_TRUNCATE, SQLITE_IOERR_TRUNCATE, false, false },
	{ "sync", CALL_SYNC, SQLITE_IOERR_FSYNC, false, false },
	{ "lock: error", CALL_LOCK, SQLITE_IOERR_LOCK, false, false },
	{ "lock: busy", CALL_LOCK | CALL_SHM_LOCK, SQLITE_BUSY, false, true },
#define KIND_PROTOCOL 9
	{ "lock: protocol", CALL_SHM_LOCK, SQLITE_PROTOCOL, false, false },
	{ "shm map", CALL_SHM_MAP, SQLITE_IOERR_SHMMAP, false, false },
	{ "shm lock", CALL_SHM_LOCK, SQLITE_IOERR_SHMLOCK, false, false },
	{ "size", CALL_SIZE, SQLITE_IOERR_FSTAT, false, false },
	{ "delete", CALL_DELETE, SQLITE_IOERR_DELETE, false, false },
	{ "all: error", ~0u, SQLITE_IOERR, true, false },
};

static const struct kind *kind;
/* Is this the call that fails? */
static bool
fails(unsigned call)
{
	return (kind->calls & call) && failing_now();
}

/* --- the VFS ----------------------------------------------------------- */

static sqlite3_vfs *base;

struct shim_file {
	sqlite3_file file;
	sqlite3_file *real; /* behind this struct */
};

static sqlite3_file *
real_of(sqlite3_file *file)
{
	struct shim_file *shim = (struct shim_file *)(void *)file;

	return shim->real;
}

static int
shim_close(sqlite3_file *file)
{
	return real_of(file)->pMethods->xClose(real_of(file));
}

static int
shim_read(sqlite3_file *file, void *data, int len, sqlite3_int64 at)
{
	if (fails(CALL_READ))
		return kind->code;
	return real_of(file)->pMethods->xRead(real_of(file), data, len, at);
}

static int
shim_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
	sqlite3_file *real = real_of(file);

	if (!fails(CALL_WRITE))
		return real->pMethods->xWrite(real, data, len, at);
	if (kind->torn && len > 1)
		(void)real->pMethods->xWrite(real, data, len / 2, at);
	return kind->code;
}

static int
shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	if (fails(CALL_TRUNCATE))
		return kind->code;
	return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int
shim_sync(sqlite3_file *file, int flags)
{
	if (fails(CALL_SYNC))
		return kind->code;
	return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int
shim_size(sqlite3_file *file, sqlite3_int64 *size)
{
	if (fails(CALL_SIZE))
		return kind->code;
	return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int
shim_lock(sqlite3_file *file, int level)
{
	if (fails(CALL_LOCK))
		return kind->code;
	return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int
shim_unlock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int
shim_reserved(sqlite3_file *file, int *out)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int
shim_control(sqlite3_file *file, int operation, void *argument)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), operation,
	    argument);
}

static int
shim_sector(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int
shim_device(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int
shim_shm_map(sqlite3_file *file, int page, int size, int extend,
    void volatile **out)
{
	if (fails(CALL_SHM_MAP))
		return kind->code;
	return real_of(file)->pMethods->xShmMap(real_of(file), page, size,
	    extend, out);
}

static int
shim_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	if (!(flags & SQLITE_SHM_UNLOCK) && fails(CALL_SHM_LOCK))
		return kind->code;
	return real_of(file)->pMethods->xShmLock(real_of(file), offset, n,
	    flags);
}

static void
shim_shm_barrier(sqlite3_file *file)
{
	real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int
shim_shm_unmap(sqlite3_file *file, int remove)
{
	return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods methods = { 2, shim_close, shim_read,
	shim_write, shim_truncate, shim_sync, shim_size, shim_lock, shim_unlock,
	shim_reserved, shim_control, shim_sector, shim_device, shim_shm_map,
	shim_shm_lock, shim_shm_barrier, shim_shm_unmap, NULL, NULL };

static int
shim_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file,
    int flags, int *out)
{
	struct shim_file *shim = (struct shim_file *)(void *)file;
	int code;

	(void)vfs;
	file->pMethods = NULL;
	if (fails(CALL_OPEN))
		return kind->code;
	shim->real = (sqlite3_file *)(void *)(shim + 1);
	code = base->xOpen(base, name, shim->real, flags, out);
	if (code == SQLITE_OK)
		file->pMethods = &methods;
	return code;
}

static int
shim_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)vfs;
	if (fails(CALL_DELETE))
		return kind->code;
	return base->xDelete(base, name, sync);
}

static int
setup_group(void **state)
{
	static sqlite3_vfs shim;

	(void)state;
	base = sqlite3_vfs_find(NULL);
	if (base == NULL)
		return -1;
	shim = *base;
	shim.pNext = NULL;
	shim.zName = "failing";
	shim.szOsFile += (int)sizeof(struct shim_file);
	shim.xOpen = shim_open;
	shim.xDelete = shim_delete;
	kind = &kinds[0];
	return sqlite3_vfs_register(&shim, 1) == SQLITE_OK ? 0 : -1;
}

/* --- the tests --------------------------------------------------------- */

static void
run_kinds(long (*all)(struct scenario *, bool))
{
	struct scenario scenario;
	unsigned mode;
	long rounds;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		kind = &kinds[i];
		for (mode = 0; mode < (kind->once ? 1 : 2); mode++) {
			scenario_init(&scenario, failing_arm, failing_fired);
			scenario.many = all == scenario_all_tools;
			rounds = all(&scenario, mode == 1);
			print_message("%s, %s: %ld rounds\n", kind->name,
			    mode ? "for ever" : "once", rounds);
			scenario_fini(&scenario);
		}
	}
}

static void
a_life_on_a_failing_disk(void **state)
{
	(void)state;
	run_kinds(scenario_all);
}

static void
entries_and_sessions_on_a_failing_disk(void **state)
{
	(void)state;
	run_kinds(scenario_all_more);
}

static void
repairing_on_a_failing_disk(void **state)
{
	(void)state;
	run_kinds(scenario_all_repair);
}

static void
preparing_on_a_failing_disk(void **state)
{
	(void)state;
	run_kinds(scenario_all_prepare);
}

static void
creating_on_a_failing_disk(void **state)
{
	(void)state;
	run_kinds(scenario_all_create);
}

static void
looking_in_on_a_failing_disk(void **state)
{
	(void)state;
	run_kinds(scenario_all_tools);
}

/*
 * A race for a lock of the log that was lost too often, at any place: nobody
 * notices, for there is a second try. (For ever: a_life_on_a_failing_disk.)
 */
static void
a_lost_race_is_not_noticed(void **state)
{
	struct upkeep upkeep;
	struct scenario s;
	bool more = true;
	int n;

	(void)state;
	kind = &kinds[KIND_PROTOCOL];
	assert_int_equal(kind->code, SQLITE_PROTOCOL);
	scenario_init(&s, failing_arm, failing_fired);
	s.fixture.options.cache_memory = 0;
	upkeep_init(&upkeep);
	for (n = 1; more; n++) {
		failing_arm(n, false);
		s.fixture.a = fixture_open(&s.fixture, 1, 101);
		assert_int_equal(
		    fixture_lookup(s.fixture.a, SCENARIO_KEPT, "kept"),
		    CACHE_HIT);
		assert_int_equal(fixture_state(s.fixture.a, SCENARIO_KEPT),
		    CACHE_READY);
		fixture_store(s.fixture.a, 100 + n, "value", -1);
		assert_int_equal(cache_read_begin(s.fixture.a), 0);
		assert_int_equal(fixture_lookup(s.fixture.a, 100 + n, "value"),
		    CACHE_HIT);
		cache_read_end(s.fixture.a);
		assert_int_equal(
		    cache_forget(s.fixture.a, CACHE_GROUP_TAG, "nobody's"), 0);
		assert_int_equal(cache_renew(s.fixture.a), 0);
		assert_true(upkeep_measure(&upkeep, s.fixture.a) == 0);
		more = failing_fired();
		failing_arm(0, false);
		cache_close(&s.fixture.a);
	}
	print_message("%d places\n", n - 2);
	assert_true(n > 10);
	scenario_fini(&s);
}

/* The pause after a full disk, and that it ends by itself. */
static void
a_full_disk_heals(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct scenario s;

	(void)state;
	kind = &kinds[4];
	scenario_init(&s, failing_arm, failing_fired);
	s.fixture.a = fixture_open(&s.fixture, 1, 101);
	assert_int_equal(fixture_ask(s.fixture.a, 7, &claim), CACHE_OWNED);
	failing_arm(1, true);
	assert_int_equal(fixture_publish(s.fixture.a, &claim, "v", -1),
	    ERR_FULL);
	assert_true(failing_fired());
	/* Reading goes on; writing is not even tried. */
	assert_int_equal(fixture_lookup(s.fixture.a, SCENARIO_KEPT, "kept"),
	    CACHE_HIT);
	failing_arm(1, true);
	assert_int_equal(fixture_publish(s.fixture.a, &claim, "v", -1),
	    ERR_FULL);
	assert_false(failing_fired());
	failing_arm(0, false);
	s.fixture.a->db.paused_to = 1; /* the pause is over */
	assert_int_equal(fixture_publish(s.fixture.a, &claim, "v", -1), 0);
	assert_int_equal(fixture_lookup(s.fixture.a, 7, "v"), CACHE_HIT);
	cache_claim_free(&claim);
	scenario_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life_on_a_failing_disk),
		cmocka_unit_test(entries_and_sessions_on_a_failing_disk),
		cmocka_unit_test(repairing_on_a_failing_disk),
		cmocka_unit_test(preparing_on_a_failing_disk),
		cmocka_unit_test(creating_on_a_failing_disk),
		cmocka_unit_test(looking_in_on_a_failing_disk),
		cmocka_unit_test(a_lost_race_is_not_noticed),
		cmocka_unit_test(a_full_disk_heals),
	};

	return cmocka_run_group_tests(tests, setup_group, NULL);
}
