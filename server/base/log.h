/* SPDX-License-Identifier: MIT */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * The error log: one event is one line is one write(2), key=value:
 *
 *   time=2026-11-23T02:30:01.123Z level=error pid=7 event=blob.read
 *       rc=-2 why="No such file or directory" path=/nope      (one line)
 *
 * `event` is module.verb. Nothing is allocated, errno is kept. Control
 * bytes and backslashes are escaped, so text from clients cannot forge a line.
 * Lines go to syslog, too, when that is on (syslog_out.h).
 *
 * THREADS  Any; a line is a single write and so never torn.
 */
enum log_level {
	LOG_LEVEL_CRITICAL,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

extern int log_threshold; /* an enum log_level; lines above it are dropped */

/* The file lines go to; the number of stderr for "-". Negative: nowhere. */
extern int log_fd;

/* Send lines to `path` ("-": stderr); appends, creates 0640. 0 or -errno. */
int log_open(const char *path);

/* Open the path of the last log_open() again (after rotation). */
int log_reopen(void);

/* Hand its file over to the user whose processes open it next. 0 or -errno. */
int log_give(uid_t uid, gid_t gid);

/* Printable name of a level, as gunicorn spells it; and back (-1: none). */
const char *log_level_name(int level);
int log_level_parse(const char *name);

/*
 * Write a line. `rc` negative adds rc= and why=. Use the macros below.
 * Bytes of the formatted text below 0x20, 0x7f and `\` are written as \xHH.
 */
void log_line(enum log_level level, int rc, const char *event,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
void log_vline(enum log_level level, int rc, const char *event,
    const char *format, va_list args) __attribute__((format(printf, 4, 0)));

#define LOG_AT(level, ...)                              \
	do {                                            \
		if ((int)(level) <= log_threshold)      \
			log_line((level), __VA_ARGS__); \
	} while (0)

#define log_critical(rc, event, ...) \
	LOG_AT(LOG_LEVEL_CRITICAL, (rc), (event), __VA_ARGS__)
#define log_error(rc, event, ...) \
	LOG_AT(LOG_LEVEL_ERROR, (rc), (event), __VA_ARGS__)
#define log_warn(rc, event, ...) \
	LOG_AT(LOG_LEVEL_WARNING, (rc), (event), __VA_ARGS__)
#define log_info(event, ...) LOG_AT(LOG_LEVEL_INFO, 0, (event), __VA_ARGS__)
#define log_debug(event, ...) LOG_AT(LOG_LEVEL_DEBUG, 0, (event), __VA_ARGS__)

/*
 * A gate for failures that may repeat at any rate: opens once per second.
 * Zero-initialise; one per call site, usually static.
 */
struct log_gate {
	_Atomic long next_ms;
	_Atomic unsigned suppressed;
};

/* True when a line may be written now; *suppressed = lines held back. */
int log_gate_open(struct log_gate *gate, unsigned *suppressed);

#endif
