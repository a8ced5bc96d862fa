/* SPDX-License-Identifier: MIT */

/*
 * Lines of 64 bytes in a ring. SQLite's wal-index counts commits and goes up by
 * one with each; a line stands at the number of commits that there will have
 * been with its own. The writer lock is held from before the line is written
 * until the commit is over; so whoever sees a number of commits in the
 * wal-index finds the line of that number written. A reader goes from the line
 * it knows to that one, and trusts none that is for another number of commits,
 * another database, has a wrong sum, or does not follow on the one before it.
 *
 * It does when its own number is the next one. A writer takes the number from
 * the line before; when there is none, somebody has committed without a line,
 * or the wal-index was made anew and counts from zero. The writer then begins
 * with a number that was never used, and says that anything may have changed.
 * The line of a transaction that was not committed is written over by the next.
 *
 * INVARIANT  Lines that follow on each other are those of all commits between.
 * INVARIANT  Nothing is told of commit number 0, which is where a wal-index
 *            that was made anew begins, whatever the log holds.
 * FAILURE    A line that cannot be written is missing, see above.
 */
#include "cache/news.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cache/db.h"

#define LINES 1024 /* of the ring; power of two, so that 2^32 is a multiple */
#define CHUNK 32   /* read at once */
#define ALL UINT32_MAX

struct line {
	uint64_t number;
	uint64_t inode; /* of the database */
	uint32_t commits;
	uint32_t sum;
	struct news news;
};

_Static_assert(sizeof(struct line) == 64, "no padding: it is summed up");

void
news_add(struct news *news, int64_t id)
{
	uint32_t part = news_part(id);
	uint32_t i;

	if (news->count > NEWS_PARTS)
		return;
	for (i = 0; i < news->count; i++) {
		if (news->parts[i] == part)
			return;
	}
	if (news->count < NEWS_PARTS)
		news->parts[news->count++] = part;
	else
		news_add_all(news);
}

void
news_add_all(struct news *news)
{
	news->count = ALL;
}

int
news_open(const char *dir)
{
	char path[PATH_MAX];
	int fd;

	if (db_path(path, sizeof(path), dir, NEWS_FILE) < 0)
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

/* FNV-1a by words; against halves of lines, not against anybody. */
static uint32_t
sum_of(const struct line *line)
{
	struct line copy = *line;
	uint32_t words[sizeof(copy) / sizeof(uint32_t)];
	uint32_t sum = 2166136261;
	unsigned i;

	copy.sum = 0;
	memcpy(words, &copy, sizeof(words));
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sum = (sum ^ words[i]) * 16777619;
	return sum;
}

static off_t
place_of(uint32_t commits)
{
	return (off_t)(commits % LINES) * (off_t)sizeof(struct line);
}

static bool
is_good(const struct line *line, uint64_t inode, uint32_t commits)
{
	return line->commits == commits && commits != 0 &&
	       line->inode == inode && line->sum == sum_of(line);
}

/* The number of the line for so many commits, or 0. */
static uint64_t
number_of(int fd, uint64_t inode, uint32_t commits)
{
	struct line line;

	if (commits == 0 ||
	    pread(fd, &line, sizeof(line), place_of(commits)) !=
		(ssize_t)sizeof(line) ||
	    !is_good(&line, inode, commits))
		return 0;
	return line.number;
}

/* A number never used before: lines are not written each nanosecond. */
static uint64_t
draw_number(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void
news_tell(int fd, uint64_t inode, uint32_t commits, const struct news *news)
{
	struct line line = { .inode = inode,
		.commits = commits + 1,
		.news = *news };
	uint64_t before = number_of(fd, inode, commits);

	if (commits == 0) /* the other lines are of another count */
		(void)!ftruncate(fd, 0);
	if (before == 0) {
		before = draw_number();
		news_add_all(&line.news);
	}
	line.number = before + 1;
	line.sum = sum_of(&line);
	(void)!pwrite(fd, &line, sizeof(line), place_of(line.commits));
}

/* One line after the other; false: it does not follow, or tells nothing. */
static bool
tell_line(const struct line *line, uint64_t inode, struct news_place *place,
    void (*changed)(uint32_t part))
{
	uint32_t i;

	if (!is_good(line, inode, place->commits + 1) ||
	    line->number != place->number + 1 || line->news.count > NEWS_PARTS)
		return false;
	for (i = 0; i < line->news.count; i++)
		changed(line->news.parts[i]);
	place->commits++;
	place->number++;
	return true;
}

/* As news_follow(), as far as lines follow on each other. */
static bool
tell_lines(int fd, uint64_t inode, uint32_t commits, struct news_place *place,
    void (*changed)(uint32_t part))
{
	struct line lines[CHUNK];
	uint32_t count;
	uint32_t i;

	if (place->number == 0 || commits - place->commits >= LINES)
		return false;
	/* A new wal-index may have come to the same number of commits. */
	if (place->commits == commits)
		return number_of(fd, inode, commits) == place->number;
	while (place->commits != commits) {
		count = LINES - (place->commits + 1) % LINES; /* to the wrap */
		if (count > commits - place->commits)
			count = commits - place->commits;
		if (count > CHUNK)
			count = CHUNK;
		if (pread(fd, lines, count * sizeof(lines[0]),
			place_of(place->commits + 1)) !=
		    (ssize_t)(count * sizeof(lines[0])))
			return false;
		for (i = 0; i < count; i++) {
			if (!tell_line(&lines[i], inode, place, changed))
				return false;
		}
	}
	return true;
}

bool
news_follow(int fd, uint64_t inode, uint32_t commits, struct news_place *place,
    void (*changed)(uint32_t part))
{
	if (fd >= 0 && commits != 0 &&
	    tell_lines(fd, inode, commits, place, changed))
		return true;
	place->commits = commits;
	place->number = fd < 0 ? 0 : number_of(fd, inode, commits);
	return false;
}
