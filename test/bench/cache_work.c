/* SPDX-License-Identifier: MIT */

/*
 * The work of cache_work.h.
 *
 * All keys are set before the time begins. Keys are visited in an order that
 * jumps, the same in every store. A value begins with its key, so that a
 * wrong one is seen; a get ends when its first and last byte were read.
 */
#include "test/bench/cache_work.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEYS 1000
#define KEYS_OF_LARGE 200 /* of values over 50,000 bytes */
#define SAMPLES 200000
#define PROCESSES_MAX 64

enum kind { GET, SET, MIXED };

struct work {
	enum kind kind;
	size_t size;
	unsigned keys;
	double seconds;
};

struct outcome {
	uint64_t operations;
	uint64_t wrong;
	double seconds;
	unsigned samples;
	float us[SAMPLES];
};

static double
now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void
name_key(unsigned n, char key[32])
{
	(void)snprintf(key, 32, "bench:value:%08u", n);
}

static void
set_one(const struct cache_work_store *store, void *handle, char *data,
    const struct work *work, unsigned n)
{
	char key[32];

	name_key(n, key);
	memcpy(data, key, 21);
	store->set(handle, key, data, work->size);
}

static bool
get_one(const struct cache_work_store *store, void *handle,
    const struct work *work, unsigned n)
{
	const char *data;
	char key[32];
	size_t len;

	name_key(n, key);
	data = store->get(handle, key, &len);
	return data != NULL && len == work->size &&
	       memcmp(data, key, 21) == 0 && data[len - 1] == 'v';
}

static void
run(const struct cache_work_store *store, const char *where,
    const struct work *work, unsigned who, struct outcome *outcome)
{
	void *handle = store->open(where);
	char *data = malloc(work->size);
	uint64_t x = who * UINT64_C(7919) + 1;
	double start;
	double from;
	double to;

	if (data == NULL)
		exit(1);
	memset(data, 'v', work->size);
	start = now_us();
	to = start;
	while (to - start < work->seconds * 1e6) {
		unsigned n;
		bool set;

		x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
		n = (unsigned)(x >> 33) % work->keys;
		set = work->kind == SET ||
		      (work->kind == MIXED && (x >> 20) % 10 == 0);
		from = now_us();
		if (set)
			set_one(store, handle, data, work, n);
		else if (!get_one(store, handle, work, n))
			outcome->wrong++;
		to = now_us();
		/* Later ones take the place of earlier ones. */
		outcome->us[outcome->operations++ % SAMPLES] =
		    (float)(to - from);
	}
	outcome->seconds = (to - start) / 1e6;
	outcome->samples = outcome->operations < SAMPLES
			       ? (unsigned)outcome->operations
			       : SAMPLES;
	store->close(handle);
	free(data);
}

/* In a process of its own; what came out goes to `out`. */
static void
run_child(const struct cache_work_store *store, const char *where,
    const struct work *work, unsigned who, int go, int out)
{
	static struct outcome outcome;
	const char *at = (const char *)&outcome;
	size_t left = sizeof(outcome);
	ssize_t done;
	char byte;

	if (read(go, &byte, 1) != 0) /* the end of file says go */
		_exit(1);
	run(store, where, work, who, &outcome);
	while (left > 0 && (done = write(out, at, left)) > 0) {
		at += done;
		left -= (size_t)done;
	}
	_exit(left > 0);
}

static int
compare(const void *a, const void *b)
{
	const float *left = a;
	const float *right = b;

	return (*left > *right) - (*left < *right);
}

static bool
read_all(int fd, void *to, size_t len)
{
	char *at = to;
	ssize_t got = 1;

	while (len > 0 && (got = read(fd, at, len)) > 0) {
		at += got;
		len -= (size_t)got;
	}
	return len == 0;
}

static int
report(const int *outs, unsigned processes)
{
	static struct outcome one;
	float *all = malloc(sizeof(one.us) * processes);
	size_t count = 0;
	uint64_t operations = 0;
	uint64_t wrong = 0;
	double per_second = 0;
	unsigned i;

	for (i = 0; all != NULL && i < processes; i++) {
		if (!read_all(outs[i], &one, sizeof(one)) || one.samples == 0)
			break;
		memcpy(all + count, one.us, one.samples * sizeof(*all));
		count += one.samples;
		operations += one.operations;
		wrong += one.wrong;
		per_second += (double)one.operations / one.seconds;
	}
	if (i < processes) {
		fprintf(stderr, "a process failed\n");
		free(all);
		return 1;
	}
	qsort(all, count, sizeof(*all), compare);
	printf("{\"processes\":%u,\"operations\":%llu,\"ops_per_s\":%.0f,"
	       "\"p50_us\":%.2f,\"p99_us\":%.2f,\"wrong\":%llu}\n",
	    processes, (unsigned long long)operations, per_second,
	    (double)all[count / 2], (double)all[count * 99 / 100],
	    (unsigned long long)wrong);
	free(all);
	return wrong > 0;
}

static void
fill(const struct cache_work_store *store, const char *where,
    const struct work *work)
{
	void *handle = store->open(where);
	char *data = malloc(work->size);
	unsigned n;

	if (data == NULL)
		exit(1);
	memset(data, 'v', work->size);
	for (n = 0; n < work->keys; n++)
		set_one(store, handle, data, work, n);
	store->close(handle);
	free(data);
}

static int
run_all(const struct cache_work_store *store, const char *where,
    const struct work *work, unsigned processes)
{
	int outs[PROCESSES_MAX];
	int gate[2];
	int out[2];
	unsigned i;
	int rc;

	if (pipe(gate) < 0)
		return 1;
	for (i = 0; i < processes; i++) {
		if (pipe(out) < 0)
			return 1;
		if (fork() == 0) {
			(void)close(gate[1]);
			run_child(store, where, work, i, gate[0], out[1]);
		}
		(void)close(out[1]);
		outs[i] = out[0];
	}
	(void)close(gate[1]);
	rc = report(outs, processes);
	while (wait(NULL) > 0)
		continue;
	return rc;
}

int
cache_work_main(int argc, char **argv, const struct cache_work_store *store)
{
	static const char *const kinds[] = { "get", "set", "mixed" };
	struct work work = { .kind = GET };
	long processes;
	int status;

	if (argc != 6) {
		fprintf(stderr,
		    "usage: %s WHERE get|set|mixed SIZE PROCESSES SECONDS\n",
		    argv[0]);
		return 2;
	}
	while (work.kind < MIXED && strcmp(argv[2], kinds[work.kind]) != 0)
		work.kind++;
	work.size = (size_t)strtoul(argv[3], NULL, 10);
	processes = strtol(argv[4], NULL, 10);
	work.seconds = strtod(argv[5], NULL);
	work.keys = work.size > 50000 ? KEYS_OF_LARGE : KEYS;
	if (work.size < 32 || processes < 1 || processes > PROCESSES_MAX)
		return 2;
	/* In a child: a handle of SQLite must not cross a fork. */
	if (fork() == 0) {
		fill(store, argv[1], &work);
		_exit(0);
	}
	if (wait(&status) < 0 || status != 0)
		return 1;
	return run_all(store, argv[1], &work, (unsigned)processes);
}
