/* SPDX-License-Identifier: MIT */

/*
 * Names and lines of the functions in a stack.
 *
 * The C library knows neither static functions nor lines. addr2line does, and
 * where an app is compiled it is there: gcc needs its package. One run per
 * file, as reading a file's debug information is what takes long.
 *
 * INVARIANT  Nothing is allocated: who asks may have died within malloc().
 * THREADS    One at a time, see symbols.h.
 * FAILURE    What cannot be found, or not in time, is left out.
 */
#include "worker/symbols.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/base/clock.h"

#define FRAMES_MAX 24 /* of the app */
#define OFFSET_MAX 20
#define FOUND_BYTES 8192
#define PATIENCE_US 900000 /* in the whole life of the process */

struct frame {
	const char *file; /* the loader's */
	uintptr_t offset;
	bool exact; /* the instruction itself, not the one after a call */
};

struct frames {
	struct frame list[FRAMES_MAX];
	size_t count;
};

struct names {
	char *text;
	size_t cap;
	size_t len;
};

static char program[PATH_MAX];       /* addr2line; empty: there is none */
static char system_folder[PATH_MAX]; /* of the C library */
static size_t system_len;
static int64_t patience_us = PATIENCE_US;

extern char **environ;

static bool
is_own(const Dl_info *info)
{
	Dl_info own;

	return dladdr((const void *)(uintptr_t)&symbols_of_stack, &own) != 0 &&
	       own.dli_fbase == info->dli_fbase;
}

/* Does it stand beside the C library? Below that there may be apps. */
static bool
is_system(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash != NULL && (size_t)(slash - file) == system_len &&
	       strncmp(file, system_folder, system_len) == 0;
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

/* What the process writes, until it ends or time is up. How much. */
static size_t
read_all(int fd, int64_t end_us, char *data, size_t cap)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	int64_t left_us;
	size_t len = 0;
	ssize_t got;

	while (len < cap && (left_us = end_us - clock_mono_us()) > 0) {
		if (poll(&wait, 1, (int)(left_us / 1000) + 1) <= 0)
			continue;
		got = read(fd, data + len, cap - len);
		if (got == 0 || (got < 0 && errno != EINTR))
			break;
		if (got > 0)
			len += (size_t)got;
	}
	return len;
}

/* Not posix_spawn(), whose actions allocate, nor fork(), whose handlers take
 * locks. */
static size_t
run(char *const argv[], int64_t end_us, char *data, size_t cap)
{
	size_t len = 0;
	int ends[2];
	pid_t child;
	int null;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return 0;
	child = _Fork();
	if (child == 0) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
		(void)execve(argv[0], argv, environ);
		(void)syscall(SYS_exit_group, 127);
	}
	(void)close(ends[1]);
	if (child > 0) {
		len = read_all(ends[0], end_us, data, cap);
		(void)kill(child, SIGKILL);
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	(void)close(ends[0]);
	return len;
}

static void
put(struct names *out, const char *text, size_t len)
{
	if (len > out->cap - out->len)
		len = out->cap - out->len;
	memcpy(out->text + out->len, text, len);
	out->len += len;
}

/* "f at a.c:3", " (inlined by) g at a.c:9"; without debug information
 * "f at ??:?", and "?? ??:0" for what has no name at all. */
static void
put_lines(const char *text, struct names *out)
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
		put(out, text, len);
		put(out, "\n", 1);
	}
}

static void
write_hex(uintptr_t number, char out[OFFSET_MAX])
{
	char digits[OFFSET_MAX];
	size_t at = sizeof(digits);

	digits[--at] = '\0';
	do
		digits[--at] = "0123456789abcdef"[number % 16];
	while ((number /= 16) > 0);
	memcpy(out, digits + at, sizeof(digits) - at);
}

/* All frames from `first` on that are in one file. How many. */
static size_t
explain_file(const struct frames *frames, size_t first, struct names *out)
{
	static char found[FOUND_BYTES];
	char offsets[FRAMES_MAX][OFFSET_MAX];
	char options[] = "-Cfipe";
	char file[PATH_MAX];
	char *argv[FRAMES_MAX + 4] = { program, options, file };
	const struct frame *frame = &frames->list[first];
	int64_t began_us = clock_mono_us();
	size_t count = 0;
	size_t len;

	(void)strncpy(file, frame->file, sizeof(file) - 1);
	file[sizeof(file) - 1] = '\0';
	for (; first + count < frames->count &&
	       strcmp(frame[count].file, frame->file) == 0;
	     count++) {
		write_hex((uintptr_t)frame[count].offset - !frame[count].exact,
		    offsets[count]);
		argv[3 + count] = offsets[count];
	}
	len = run(argv, began_us + patience_us, found, sizeof(found) - 1);
	patience_us -= clock_mono_us() - began_us;
	found[len] = '\0';
	put_lines(found, out);
	return count;
}

/* Where the loader has found the C library. */
static void
find_system(void)
{
	const void *known = dlsym(RTLD_DEFAULT, "gnu_get_libc_version");
	const char *slash;
	Dl_info info;

	if (known == NULL || dladdr(known, &info) == 0)
		return;
	slash = strrchr(info.dli_fname, '/');
	if (slash == NULL || slash - info.dli_fname >= PATH_MAX)
		return;
	system_len = (size_t)(slash - info.dli_fname);
	memcpy(system_folder, info.dli_fname, system_len);
}

void
symbols_prepare(void)
{
	const char *at = getenv("PATH");
	size_t len;

	find_system();
	for (; at != NULL && *at != '\0'; at += len + (at[len] == ':')) {
		len = strcspn(at, ":");
		if (len > 0 &&
		    (size_t)snprintf(program, sizeof(program), "%.*s/addr2line",
			(int)len, at) < sizeof(program) &&
		    access(program, X_OK) == 0)
			return;
	}
	program[0] = '\0';
}

size_t
symbols_of_stack(const char *stack, char *text, size_t cap)
{
	struct names out = { .text = text, .cap = cap };
	struct frames frames = { .count = 0 };
	size_t at = 0;

	if (program[0] == '\0')
		return 0;
	find_frames(stack, &frames);
	while (at < frames.count && patience_us > 0)
		at += explain_file(&frames, at, &out);
	return out.len;
}
