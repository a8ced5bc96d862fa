/* SPDX-License-Identifier: MIT */

/*
 * The error log: formats into a stack buffer, escapes, writes once.
 *
 * INVARIANT  A line ends with exactly one newline, its last byte; no other
 *            control byte is ever written, so a client cannot forge a line.
 * THREADS    Any. The descriptor is replaced by dup3() in log_reopen(), so a
 *            writer in another thread never sees it closed.
 * FAILURE    A failed write is dropped: there is nobody left to tell.
 */
#include "server/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"

#define LOG_LINE_MAX 4096

int log_threshold = LOG_LEVEL_INFO;
int log_fd = STDERR_FILENO;
static char log_path[PATH_MAX] = "-";

static const char *const level_names[] = {
	[LOG_LEVEL_CRITICAL] = "critical",
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

const char *
log_level_name(int level)
{
	if (level < LOG_LEVEL_CRITICAL || level > LOG_LEVEL_DEBUG)
		return "?";
	return level_names[level];
}

int
log_level_parse(const char *name)
{
	int level;

	for (level = LOG_LEVEL_CRITICAL; level <= LOG_LEVEL_DEBUG; level++) {
		if (strcasecmp(name, level_names[level]) == 0)
			return level;
	}
	return -1;
}

static int
open_append(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);

	return fd < 0 ? -errno : fd;
}

int
log_open(const char *path)
{
	int fd;

	if (strlen(path) >= sizeof(log_path))
		return -ENAMETOOLONG;
	if (strcmp(path, "-") == 0) {
		fd = STDERR_FILENO;
	} else {
		fd = open_append(path);
		if (fd < 0)
			return fd;
	}
	if (log_fd != STDERR_FILENO)
		fd_close(&log_fd);
	log_fd = fd;
	if (path != log_path)
		(void)snprintf(log_path, sizeof(log_path), "%s", path);
	return 0;
}

int
log_reopen(void)
{
	int fd;
	int rc = 0;

	if (strcmp(log_path, "-") == 0)
		return 0;
	fd = open_append(log_path);
	if (fd < 0)
		return fd;
	if (dup3(fd, log_fd, O_CLOEXEC) < 0)
		rc = -errno;
	fd_close(&fd);
	return rc;
}

static size_t
put_time(char *out, size_t cap)
{
	int64_t now = clock_wall_ms();
	time_t seconds = (time_t)(now / 1000);
	struct tm tm;
	size_t len;
	int more;

	(void)gmtime_r(&seconds, &tm);
	len = strftime(out, cap, "time=%Y-%m-%dT%H:%M:%S", &tm);
	more = snprintf(out + len, cap - len, ".%03dZ ", (int)(now % 1000));
	return len + (more > 0 ? (size_t)more : 0);
}

/* Copy `text`, control bytes as \xHH, until `cap`; returns the new length. */
static size_t
put_escaped(char *out, size_t len, size_t cap, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *c;

	for (c = (const unsigned char *)text; *c != '\0' && len + 4 < cap;
	     c++) {
		if (*c >= 0x20 && *c != 0x7f) {
			out[len++] = (char)*c;
			continue;
		}
		out[len++] = '\\';
		out[len++] = 'x';
		out[len++] = hex[*c >> 4];
		out[len++] = hex[*c & 15];
	}
	return len;
}

void
log_vline(enum log_level level, int rc, const char *event, const char *format,
    va_list args)
{
	char line[LOG_LINE_MAX];
	char text[LOG_LINE_MAX - 512];
	int saved = errno;
	size_t len;
	int more;

	len = put_time(line, sizeof(line));
	more = snprintf(line + len, sizeof(line) - len,
	    "level=%s pid=%ld event=%s ", log_level_name((int)level),
	    (long)getpid(), event);
	len += more > 0 ? (size_t)more : 0;
	if (rc < 0) {
		more = snprintf(line + len, sizeof(line) - len,
		    "rc=%d why=\"%s\" ", rc, err_str(rc));
		len += more > 0 ? (size_t)more : 0;
	}
	if (vsnprintf(text, sizeof(text), format, args) < 0)
		text[0] = '\0';
	len = put_escaped(line, len, sizeof(line) - 1, text);
	line[len++] = '\n';
	if (write(log_fd, line, len) < 0)
		errno = saved;
	errno = saved;
}

void
log_line(enum log_level level, int rc, const char *event, const char *format,
    ...)
{
	va_list args;

	va_start(args, format);
	log_vline(level, rc, event, format, args);
	va_end(args);
}

int
log_gate_open(struct log_gate *gate, unsigned *suppressed)
{
	long now = (long)clock_boot_ms();
	long next = gate->next_ms;

	*suppressed = 0;
	if (now < next || !atomic_compare_exchange_strong(&gate->next_ms, &next,
			      now + 1000)) {
		atomic_fetch_add(&gate->suppressed, 1);
		return 0;
	}
	*suppressed = atomic_exchange(&gate->suppressed, 0);
	return 1;
}
