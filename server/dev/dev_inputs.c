/* SPDX-License-Identifier: MIT */

/*
 * What a run of the compiler has read, to be known again: one number over
 * which files they were (device, inode) and in what state (size, times).
 *
 * The time of its content alone would not do: who restores a file (mv, cp -p,
 * tar, a swapped folder) gives it an older one.
 *
 * INVARIANT  Inputs that are the same are what the result was made of. What
 *            may have changed while it was read is never the same again.
 * THREADS    Any.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/base/fd.h"
#include "server/dev/dev_int.h"

#define RULES_MAX ((size_t)1024 * 1024)
#define PRINT_BASE UINT64_C(14695981039346656037) /* FNV-1a, 64 bits */
#define PRINT_PRIME UINT64_C(1099511628211)

static uint64_t
print_word(uint64_t print, uint64_t word)
{
	unsigned i;

	for (i = 0; i < 64; i += 8)
		print = (print ^ ((word >> i) & 0xff)) * PRINT_PRIME;
	return print;
}

static uint64_t
print_file(uint64_t print, const struct stat *file)
{
	const uint64_t words[] = { file->st_dev, file->st_ino,
		(uint64_t)file->st_size, (uint64_t)file->st_mtim.tv_sec,
		(uint64_t)file->st_mtim.tv_nsec, (uint64_t)file->st_ctim.tv_sec,
		(uint64_t)file->st_ctim.tv_nsec };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		print = print_word(print, words[i]);
	return print;
}

static bool
is_before(const struct timespec *one, const struct timespec *two)
{
	return one->tv_sec < two->tv_sec ||
	       (one->tv_sec == two->tv_sec && one->tv_nsec < two->tv_nsec);
}

static bool
is_in(const char *folder, const char *path)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && path[len] == '/';
}

/*
 * Over the files that the make rules at `path` name; 0: one of them is gone,
 * or was touched at or after `since`, which may be NULL.
 */
static uint64_t
print_of(const char *path, const char *ours, const struct timespec *since)
{
	uint64_t print = PRINT_BASE;
	struct stat file;
	char *rules = NULL;
	char *word;
	char *at;
	size_t len;

	if (fd_read_file(path, RULES_MAX, &rules, &len) < 0)
		return 0;
	for (at = rules; print != 0 && (word = dev_next_word(&at)) != NULL;) {
		len = strlen(word);
		if ((len > 0 && word[len - 1] == ':') || is_in(ours, word))
			continue;
		if (stat(word, &file) < 0 ||
		    (since != NULL && !is_before(&file.st_ctim, since)))
			print = 0;
		else
			print = print_file(print, &file);
	}
	free(rules);
	return print;
}

/* The clock is the one that files have their times from. */
void
dev_inputs_begin(struct dev_inputs *inputs)
{
	inputs->print = 0;
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &inputs->since);
}

void
dev_inputs_end(struct dev_inputs *inputs, const char *rules, const char *ours)
{
	inputs->print = print_of(rules, ours, &inputs->since);
}

bool
dev_inputs_same(const struct dev_inputs *inputs, const char *rules,
    const char *ours)
{
	return inputs->print != 0 &&
	       inputs->print == print_of(rules, ours, NULL);
}
