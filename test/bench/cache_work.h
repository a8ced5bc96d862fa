/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CACHE_WORK_H
#define BENCH_CACHE_WORK_H

#include <stddef.h>

/*
 * The same work for every store whose client is written in C: get, set, and
 * nine gets to one set, by one or several processes at once. The peers in
 * Python do the same in peers/cache_peer.py.
 *
 * A program that has a store calls cache_work_main() with it:
 *
 *   PROGRAM WHERE get|set|mixed SIZE PROCESSES SECONDS
 *
 * prints one line of JSON: processes, operations, ops_per_s (of all processes
 * together), p50_us and p99_us of a call, wrong.
 */
struct cache_work_store {
	/* In each process, after fork. Exits with a message on failure. */
	void *(*open)(const char *where);
	void (*set)(void *store, const char *key, const void *data, size_t len);
	/* Bytes of the value as the client library gives them out, valid until
	 * the next call; NULL: not there. */
	const void *(*get)(void *store, const char *key, size_t *len);
	void (*close)(void *store);
};

int cache_work_main(int argc, char **argv,
    const struct cache_work_store *store);

#endif
