/* SPDX-License-Identifier: MIT */
#ifndef BENCH_ORACLE_H
#define BENCH_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Is an answer right? By what a file says, by what the same request was
 * answered before, or by the number of points in its figures.
 * Layer: test. Threads: the loop only.
 */
struct oracle_entry {
	struct oracle_entry *next; /* of the same bucket */
	uint64_t hash;
	char *request;
	size_t request_len;
	char *answer;
	size_t answer_len;
	bool side; /* holds "sideUpdate" somewhere */
};

struct oracle_points {
	char value[64]; /* an input's value, with quotes if it is a text */
	size_t count;
};

#define ORACLE_BUCKETS 4096u
#define ORACLE_POINTS_MAX 32u

struct oracle {
	bool same;  /* the same request must get the same bytes */
	bool given; /* a file was read: other requests are not learnt */
	struct oracle_points points[ORACLE_POINTS_MAX];
	unsigned point_count; /* 0: points are not counted */
	struct oracle_entry *buckets[ORACLE_BUCKETS];
	size_t bytes; /* held */
	uint64_t entries;
	uint64_t checked;
	uint64_t unknown; /* neither in the file nor learnt: no room */
	uint64_t wrong;
	char example[512]; /* about the first wrong one */
};

enum oracle_verdict {
	ORACLE_UNKNOWN, /* nothing to compare with */
	ORACLE_SAME,    /* byte for byte as known */
	ORACLE_NEW,     /* learnt, as it was seen for the first time */
	ORACLE_WRONG
};

/* *side: may the answer hold a sideUpdate? NULL: not asked. */
enum oracle_verdict oracle_check(struct oracle *oracle, const char *request,
    size_t request_len, const char *answer, size_t answer_len, bool *side);

/* "apples=500,oranges=1000". 0 or -EINVAL. */
int oracle_set_points(struct oracle *oracle, const char *text);

/*
 * Read or write a file with one {"request":"...","answer":"..."} per line.
 * 0, -errno, or -EPROTO with *line set.
 */
int oracle_read(struct oracle *oracle, const char *path, unsigned *line);
int oracle_write(const struct oracle *oracle, const char *path);

void oracle_free(struct oracle *oracle);

#endif
