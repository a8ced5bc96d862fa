/* SPDX-License-Identifier: MIT */

/*
 * The n-th allocation of the cache's own code fails, once and from then on,
 * for n = 1, 2, ... until a life of the cache passes without it. The linker
 * puts these functions in the place of the C library's in all of our objects
 * (see the Makefile), so SQLite's are not among them; OpenSSL's are.
 *
 * INVARIANT  A life gives back what it took: checked with each fault.
 */
#include "test/fault/cache_scenario_tools.h"
#include "test/fault/failing.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t most);
char *__real_realpath(const char *path, char *out);
DIR *__real_opendir(const char *path);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t most);
char *__wrap_realpath(const char *path, char *out);
DIR *__wrap_opendir(const char *path);

static long live;       /* allocations that were not given back */
static long live_armed; /* as it was when the call to fail was chosen */

static bool
fails(void)
{
	if (!failing_now())
		return false;
	errno = ENOMEM;
	return true;
}

static void *
count(void *memory)
{
	live += memory != NULL;
	return memory;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : count(__real_malloc(size));
}

void *
__wrap_calloc(size_t number, size_t size)
{
	return fails() ? NULL : count(__real_calloc(number, size));
}

void *
__wrap_realloc(void *memory, size_t size)
{
	void *new;

	if (fails())
		return NULL;
	new = __real_realloc(memory, size);
	return memory == NULL ? count(new) : new;
}

void
__wrap_free(void *memory)
{
	live -= memory != NULL;
	__real_free(memory);
}

char *
__wrap_strdup(const char *text)
{
	return fails() ? NULL : count(__real_strdup(text));
}

char *
__wrap_strndup(const char *text, size_t most)
{
	return fails() ? NULL : count(__real_strndup(text, most));
}

char *
__wrap_realpath(const char *path, char *out)
{
	char *found = fails() ? NULL : __real_realpath(path, out);

	return out == NULL ? count(found) : found;
}

/* closedir() gives it back. */
DIR *
__wrap_opendir(const char *path)
{
	return fails() ? NULL : __real_opendir(path);
}

static void *
crypto_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return failing_now() ? NULL : __real_malloc(size);
}

static void *
crypto_realloc(void *memory, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return failing_now() ? NULL : __real_realloc(memory, size);
}

static void
crypto_free(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	__real_free(memory);
}

/* Disarming ends a life: whatever it took has been given back. */
static void
arm(long n, bool for_ever)
{
	failing_arm(n, for_ever);
	if (n > 0)
		live_armed = live;
	else
		assert_int_equal(live, live_armed);
}

static void
run_both(const char *name, long (*all)(struct scenario *, bool), long least)
{
	struct scenario scenario;
	unsigned mode;
	long rounds;

	for (mode = 0; mode < 2; mode++) {
		live_armed = live;
		scenario_init(&scenario, arm, failing_fired);
		scenario.few = true;
		rounds = all(&scenario, mode == 1);
		print_message("%s, %s: %ld rounds\n", name,
		    mode ? "for ever" : "once", rounds);
		assert_true(rounds > least);
		scenario_fini(&scenario);
	}
}

static void
a_life_without_memory(void **state)
{
	(void)state;
	run_both("life", scenario_all, 10);
}

static void
entries_and_sessions_without_memory(void **state)
{
	(void)state;
	run_both("entries", scenario_all_more, 10);
}

static void
repairing_without_memory(void **state)
{
	(void)state;
	run_both("repair", scenario_all_repair, 3);
}

static void
preparing_without_memory(void **state)
{
	(void)state;
	run_both("prepare", scenario_all_prepare, 3);
}

static void
creating_without_memory(void **state)
{
	(void)state;
	run_both("create", scenario_all_create, 3);
}

static void
looking_in_without_memory(void **state)
{
	(void)state;
	run_both("tools", scenario_all_tools, 20);
}

/* The first key of a process, in a process of its own. */
static void
first_key(long n, bool for_ever, bool *fired)
{
	uint8_t key[CACHE_KEY_LEN];
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		failing_arm(n, for_ever);
		status = memo_key("", "f", 1, "", "", 0, key) == 0 ? 0 : 1;
		if (status == 0 || !failing_fired())
			status |= failing_fired() ? 2 : 0;
		failing_arm(0, false);
		/* Whatever it was, the next one is made. */
		if (memo_key("", "f", 1, "", "", 0, key) != 0)
			status = 99;
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 99);
	*fired = WEXITSTATUS(status) != 0;
}

static void
the_first_key_without_memory(void **state)
{
	bool fired = true;
	long n;

	(void)state;
	for (n = 1; fired; n++)
		first_key(n, false, &fired);
	print_message("key, once: %ld rounds\n", n);
	assert_true(n > 2);
	for (n = 1, fired = true; fired; n++)
		first_key(n, true, &fired);
	print_message("key, for ever: %ld rounds\n", n);
}

/* OpenSSL sets itself up once, and does not get over a failure in that. */
static int
setup_group(void **state)
{
	EVP_MD *other = EVP_MD_fetch(NULL, "SHA512", NULL);

	(void)state;
	fixture_spare = failing_spare;
	EVP_MD_free(other);
	return other != NULL ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		/* First, as the others have made keys. */
		cmocka_unit_test(the_first_key_without_memory),
		cmocka_unit_test(a_life_without_memory),
		cmocka_unit_test(entries_and_sessions_without_memory),
		cmocka_unit_test(repairing_without_memory),
		cmocka_unit_test(preparing_without_memory),
		cmocka_unit_test(creating_without_memory),
		cmocka_unit_test(looking_in_without_memory),
	};

	if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc,
		crypto_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, setup_group, NULL);
}
