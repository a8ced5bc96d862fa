/* SPDX-License-Identifier: MIT */
#ifndef CACHE_NEWS_H
#define CACHE_NEWS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Which values the last commits changed: a small file beside the database that
 * every write transaction adds a line to before its COMMIT. So a process that
 * keeps values in memory (kept.h) need not doubt all of them whenever somebody
 * wrote something.
 *
 * It is a help, never a truth: a line counts only together with the number of
 * commits in SQLite's wal-index, and whatever does not fit means that anything
 * may have changed. Losing the file costs time.
 *
 * THREADS  A descriptor belongs to a connection. news_tell() only while that
 *          holds SQLite's writer lock, so there is one writer.
 */
#define NEWS_FILE "cache-v1.news"

/* Values are told by 32 bits of their row's number. */
#define NEWS_PARTS 9

/* What a transaction changed; zeros: nothing. */
struct news {
	uint32_t count; /* more than NEWS_PARTS: anything */
	uint32_t parts[NEWS_PARTS];
};

static inline uint32_t
news_part(int64_t id)
{
	return (uint32_t)id;
}

void news_add(struct news *news, int64_t id);
void news_add_all(struct news *news);

/* A descriptor, or -errno. */
int news_open(const char *dir);

/* A line: how many commits there were with its own, and its number. */
struct news_place {
	uint32_t commits;
	uint64_t number; /* 0: unknown */
};

/*
 * Say what the transaction changes that is about to be committed on top of
 * `commits` commits (of the wal-index) to the database `inode`. Failing is no
 * harm.
 */
void news_tell(int fd, uint64_t inode, uint32_t commits,
    const struct news *news);

/*
 * Go from *place to where there have been `commits` commits, and call
 * changed() with each value that was changed in between. False: any may have
 * been. The number of *place is 0 when nothing is known from there on, either.
 */
bool news_follow(int fd, uint64_t inode, uint32_t commits,
    struct news_place *place, void (*changed)(uint32_t part));

#endif
