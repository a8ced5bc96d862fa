/* SPDX-License-Identifier: MIT */

/*
 * The error log: formats into a stack buffer, escapes, writes once.
 *
 * INVARIANT  A line ends with exactly one newline, its last byte; no other
 *            control byte is ever written, so a client cannot forge a line. A
 *            backslash always begins an escape, \xHH.
 * THREADS    Any. The descriptor is replaced by dup3() in log_reopen(), so a
 *            writer in another thread never sees it closed.
 * FAILURE    A line that cannot be written is dropped and counted (sink.h):
 *            there is nobody left to tell.
 */
#include "server/base/log.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/sink.h"
#include "server/base/syslog_out.h"

#define LOG_LINE_MAX 4096

int log_threshold = LOG_LEVEL_INFO;
int log_fd = STDERR_FILENO;
static char log_path[PATH_MAX] = "-";
static struct sink log_sink = { .fd = STDERR_FILENO };

static const char *const level_names[] = {
	[LOG_LEVEL_CRITICAL] = "critical",
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static const enum syslog_severity severities[] = {
	[LOG_LEVEL_CRITICAL] = SYSLOG_CRITICAL,
	[LOG_LEVEL_ERROR] = SYSLOG_ERROR,
	[LOG_LEVEL_WARNING] = SYSLOG_WARNING,
	[LOG_LEVEL_INFO] = SYSLOG_INFO,
	[LOG_LEVEL_DEBUG] = SYSLOG_DEBUG,
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

int
log_open(const char *path)
{
	struct sink sink = { .fd = -1 };
	bool standard = strcmp(path, "-") == 0;
	int rc;

	if (strlen(path) >= sizeof(log_path))
		return -ENAMETOOLONG;
	rc = standard ? sink_open_standard(&sink, STDERR_FILENO)
		      : sink_open_file(&sink, path);
	if (rc < 0)
		return rc;
	if (log_sink.fd != STDERR_FILENO)
		sink_close(&log_sink);
	log_sink.fd = sink.fd;
	log_sink.kind = sink.kind;
	log_sink.torn = 0;
	log_sink.stuck_ms = 0;
	log_fd = standard ? STDERR_FILENO : sink.fd;
	if (path != log_path)
		(void)snprintf(log_path, sizeof(log_path), "%s", path);
	return 0;
}

int
log_reopen(void)
{
	if (strcmp(log_path, "-") == 0)
		return 0;
	return sink_reopen(&log_sink, log_path);
}

int
log_give(uid_t uid, gid_t gid)
{
	if (strcmp(log_path, "-") == 0 || log_sink.fd < 0)
		return 0;
	return sink_give(&log_sink, uid, gid);
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

/* Copy `text`, control bytes and backslashes as \xHH, until `cap`; returns the
 * new length. */
static size_t
put_escaped(char *out, size_t len, size_t cap, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *c;

	for (c = (const unsigned char *)text; *c != '\0' && len + 4 < cap;
	     c++) {
		if (*c >= 0x20 && *c != 0x7f && *c != '\\') {
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
	size_t stamp;
	size_t len;
	int more;

	stamp = put_time(line, sizeof(line));
	len = stamp;
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
	if (log_fd >= 0)
		(void)sink_write(&log_sink, line, len);
	if (syslog_out_is_on())
		/* It has its own time. */
		syslog_out(severities[level], line + stamp, len - stamp - 1);
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
