/* SPDX-License-Identifier: MIT */

/*
 * What one call of the cache costs, one process and the keeper: p50 and p99 in
 * microseconds. Usage: cache_micro [FOLDER], a new folder on the disk that is
 * to be measured.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cache/cache.h"
#include "cache/keeper.h"
#include "cache/memo_key.h"
#include "server/base/err.h"

#define ROUNDS 4000

static double samples[ROUNDS];

static double
now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int
compare(const void *a, const void *b)
{
	const double *left = a;
	const double *right = b;

	return (*left > *right) - (*left < *right);
}

static void
print(const char *name, int count)
{
	qsort(samples, (size_t)count, sizeof(samples[0]), compare);
	printf("%-34s %8.1f %8.1f %9.1f\n", name, samples[count / 2],
	    samples[count * 99 / 100], samples[count - 1]);
}

static void
make_key(int n, uint8_t key[CACHE_KEY_LEN])
{
	if (memo_key("", "bench", 1, "", &n, sizeof(n), key) < 0)
		exit(1);
}

static void
expect(int got, int want, const char *what)
{
	if (got == want)
		return;
	fprintf(stderr, "%s: %d (%s)\n", what, got,
	    got < 0 ? err_str(got) : "");
	exit(1);
}

/* Ask, claim and publish ROUNDS values of `size` bytes, from number `from`. */
static void
measure_writes(struct cache *cache, int from, size_t size, const char *label)
{
	static double asks[ROUNDS];
	static double claims[ROUNDS];
	struct cache_claim claim = { .epoch = 0 };
	char *data = malloc(size);
	uint8_t key[CACHE_KEY_LEN];
	double start;
	int i;

	if (data == NULL)
		exit(1);
	for (i = 0; i < ROUNDS; i++) {
		make_key(from + i, key);
		memset(data, i, size);
		start = now_us();
		expect(
		    cache_ask(cache, key, "bench", &i, sizeof(i), NULL, NULL),
		    CACHE_WANTED_NEW, "ask");
		asks[i] = now_us() - start;
		start = now_us();
		expect(cache_claim_next(cache, &claim), 0, "claim");
		claims[i] = now_us() - start;
		start = now_us();
		expect(cache_publish(cache, &claim, CACHE_FORMAT_VALUE, data,
			   size, -1),
		    0, "publish");
		samples[i] = now_us() - start;
	}
	printf("%s\n", label);
	print("  publish", ROUNDS);
	memcpy(samples, asks, sizeof(samples));
	print("  ask, missing: wanted", ROUNDS);
	memcpy(samples, claims, sizeof(samples));
	print("  claim the next", ROUNDS);
	cache_claim_free(&claim);
	free(data);
}

/* Look up ROUNDS values, each alone or sixteen in one read transaction. */
static void
measure_reads(struct cache *cache, int from, int want, int group,
    const char *label)
{
	struct buf out = BUF_EMPTY;
	enum cache_format format;
	uint8_t key[CACHE_KEY_LEN];
	double start;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		make_key(from + (int)((unsigned)i * 2654435761u % ROUNDS), key);
		if (group > 1 && i % group == 0)
			expect(cache_read_begin(cache), 0, "read");
		start = now_us();
		expect(cache_lookup(cache, key, &out, &format), want, "get");
		samples[i] = now_us() - start;
		if (group > 1 && i % group == group - 1)
			cache_read_end(cache);
	}
	print(label, ROUNDS);
	buf_free(&out);
}

static void
measure_keys(void)
{
	uint8_t key[CACHE_KEY_LEN];
	double start;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		start = now_us();
		make_key(i, key);
		samples[i] = now_us() - start;
	}
	print("memo_key", ROUNDS);
}

/* As in the server: somebody else copies the log. */
static pid_t
start_keeper(const struct cache_options *options)
{
	struct handoff handoff = { .notes_fd = -1 };
	int death[2];
	int status[2];
	pid_t pid;

	if (pipe(death) < 0 || pipe(status) < 0)
		exit(1);
	pid = fork();
	if (pid == 0) {
		handoff.death_fd = death[0];
		handoff.status_fd = status[1];
		(void)close(death[1]);
		_exit(keeper_run(&handoff, options));
	}
	return pid;
}

int
main(int argc, char **argv)
{
	struct cache_options options = { .cache_type = "sqlite",
		.cache_dir = argc > 1 ? argv[1] : "cache-micro",
		.cache_key_prefix = "",
		.cache_busy_timeout = 0.25,
		.compute_lease = 15,
		.compute_attempts = 3 };
	struct cache_peer peer = { .slot = 0, .worker_id = 1 };
	struct buf why = BUF_EMPTY;
	struct cache *cache;
	pid_t keeper;

	if (cache_prepare(&options, &why) < 0) {
		fprintf(stderr, "%s\n", buf_cstr(&why));
		return 1;
	}
	keeper = start_keeper(&options);
	expect(cache_open(&cache, &options, &peer), 0, "open");
	printf("%-34s %8s %8s %9s\n", "microseconds", "p50", "p99", "max");
	measure_keys();
	measure_writes(cache, 0, 1024, "values of 1 KB");
	measure_reads(cache, 0, CACHE_HIT, 1, "  get");
	measure_reads(cache, 0, CACHE_HIT, 16, "  get, 16 in one transaction");
	measure_writes(cache, 1000000, 20480, "values of 20 KB");
	measure_reads(cache, 1000000, CACHE_HIT, 1, "  get");
	measure_reads(cache, 1000000, CACHE_HIT, 16,
	    "  get, 16 in one transaction");
	measure_reads(cache, 5000000, CACHE_MISS, 1, "get, missing");
	cache_close(&cache);
	(void)kill(keeper, SIGTERM);
	(void)waitpid(keeper, NULL, 0);
	buf_free(&why);
	return 0;
}
