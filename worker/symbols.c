/* SPDX-License-Identifier: MIT */

/*
 * Names and lines of the functions in a stack.
 *
 * The C library knows neither static functions nor lines. addr2line does, and
 * where an app is compiled it is there: gcc needs its package. One run per
 * file, as reading a file's debug information is what takes long.
 *
 * THREADS  See symbols.h; nothing is kept.
 * FAILURE  What cannot be found is left out.
 */
#include "worker/symbols.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/fd.h"

#define FRAMES_MAX 24 /* of the app */
#define PATIENCE_US 1000000

struct frame {
	const char *file; /* the loader's */
	uintptr_t offset;
	bool exact; /* the instruction itself, not the one after a call */
};

struct frames {
	struct frame list[FRAMES_MAX];
	size_t count;
};

extern char **environ;

static bool
is_own(const Dl_info *info)
{
	Dl_info own;

	return dladdr((const void *)(uintptr_t)&symbols_of_stack, &own) != 0 &&
	       own.dli_fbase == info->dli_fbase;
}

static bool
is_system(const char *file)
{
	return strncmp(file, "/lib", 4) == 0 ||
	       strncmp(file, "/usr/lib", 8) == 0;
}

/* The address at the end of "file(function+0x1)[0x2]". */
static bool
read_address(const char *line, const char *end, uintptr_t *address)
{
	const char *at = end;

	while (at > line && at[-1] != '[')
		at--;
	if (at == line)
		return false;
	*address = (uintptr_t)strtoull(at, NULL, 16);
	return *address != 0;
}

/*
 * A signal's handler is called by one frame of the C library, so that the
 * instruction that failed is the next one; abort() has more of them.
 */
static void
find_frames(const char *stack, struct frames *frames)
{
	unsigned between = 0; /* of the library since our own */
	const char *end;
	uintptr_t address;
	Dl_info info;

	for (; *stack != '\0' && frames->count < FRAMES_MAX;
	     stack = end + (*end == '\n')) {
		end = strchrnul(stack, '\n');
		if (!read_address(stack, end, &address) ||
		    dladdr((const void *)address, &info) == 0 ||
		    info.dli_fname == NULL)
			continue;
		if (is_own(&info)) {
			between = 0;
			continue;
		}
		if (is_system(info.dli_fname)) {
			between++;
			continue;
		}
		frames->list[frames->count] = (struct frame){
			.file = info.dli_fname,
			.offset = address - (uintptr_t)info.dli_fbase,
			.exact = frames->count == 0 && between == 1,
		};
		frames->count++;
	}
}

/* What the process writes, until it ends or has had its time. */
static void
read_all(int fd, struct buf *out)
{
	int64_t end_us = clock_mono_us() + PATIENCE_US;
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char data[1024];
	int64_t left_us;
	ssize_t got;

	while ((left_us = end_us - clock_mono_us()) > 0) {
		if (poll(&wait, 1, (int)(left_us / 1000) + 1) <= 0)
			continue;
		got = read(fd, data, sizeof(data));
		if (got == 0 || (got < 0 && errno != EINTR))
			return;
		if (got > 0)
			(void)buf_put(out, data, (size_t)got);
	}
}

static void
run(char *const argv[], struct buf *out)
{
	posix_spawn_file_actions_t actions;
	int ends[2];
	pid_t child;
	int rc;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, ends[1],
	    STDOUT_FILENO);
	(void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO,
	    "/dev/null", O_WRONLY, 0);
	rc = posix_spawnp(&child, argv[0], &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	fd_close(&ends[1]);
	if (rc == 0) {
		read_all(ends[0], out);
		(void)kill(child, SIGKILL);
		(void)waitpid(child, NULL, 0);
	}
	fd_close(&ends[0]);
}

/* "f at a.c:3", " (inlined by) g at a.c:9"; without debug information
 * "f at ??:?", and "?? ??:0" for what has no name at all. */
static void
put_lines(const char *text, struct buf *out)
{
	static const char inlined[] = " (inlined by) ";
	const char *end;
	size_t len;

	for (; *text != '\0'; text = end + (*end == '\n')) {
		end = strchrnul(text, '\n');
		if (strncmp(text, inlined, sizeof(inlined) - 1) == 0)
			text += sizeof(inlined) - 1;
		len = (size_t)(end - text);
		if (len > 7 && memcmp(end - 7, " at ??:", 7) == 0)
			len -= 7;
		else if (len > 8 && memcmp(end - 8, " at ??:", 7) == 0)
			len -= 8;
		if (len == 0 || *text == '?')
			continue;
		(void)buf_put(out, text, len);
		(void)buf_putc(out, '\n');
	}
}

/* All frames from `first` on that are in one file. How many. */
static size_t
explain_file(const struct frames *frames, size_t first, struct buf *out)
{
	char file[4096];
	char offsets[FRAMES_MAX][24];
	char program[] = "addr2line";
	char options[] = "-Cfipe";
	char *argv[FRAMES_MAX + 4] = { program, options, file };
	const struct frame *frame = &frames->list[first];
	struct buf found = BUF_EMPTY;
	size_t count = 0;

	(void)snprintf(file, sizeof(file), "%s", frame->file);
	for (; first + count < frames->count &&
	       strcmp(frame[count].file, file) == 0;
	     count++) {
		(void)snprintf(offsets[count], sizeof(offsets[count]), "0x%zx",
		    (size_t)frame[count].offset - !frame[count].exact);
		argv[3 + count] = offsets[count];
	}
	run(argv, &found);
	if (buf_cstr(&found) != NULL)
		put_lines(found.data, out);
	buf_free(&found);
	return count;
}

void
symbols_of_stack(const char *stack, struct buf *out)
{
	struct frames frames = { .count = 0 };
	size_t at = 0;

	find_frames(stack, &frames);
	while (at < frames.count)
		at += explain_file(&frames, at, out);
}
