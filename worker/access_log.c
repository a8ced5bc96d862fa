/* SPDX-License-Identifier: MIT */

/*
 * The access log. See access_log.h.
 *
 * FAILURE  A failed write drops the collected lines and warns once a second;
 *          serving goes on.
 */
#include "worker/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/fd.h"
#include "server/base/log.h"

#define COLLECT_BYTES ((size_t)32 * 1024)
#define FIELD_BYTES 2048 /* of one client text in a line */

int
access_log_open(struct access_log *log, const char *path)
{
	log->fd = -1;
	log->path = path;
	buf_init(&log->lines, COLLECT_BYTES * 2);
	if (path[0] == '\0')
		return 0;
	if (strcmp(path, "-") == 0)
		log->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		log->fd =
		    open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	return log->fd < 0 ? -errno : 0;
}

int
access_log_reopen(struct access_log *log)
{
	struct access_log fresh;
	int rc;

	if (log->fd < 0 || strcmp(log->path, "-") == 0)
		return 0;
	access_log_flush(log);
	rc = access_log_open(&fresh, log->path);
	if (rc < 0)
		return rc;
	fd_close(&log->fd);
	log->fd = fresh.fd;
	return 0;
}

void
access_log_close(struct access_log *log)
{
	access_log_flush(log);
	fd_close(&log->fd);
	buf_free(&log->lines);
}

static void
put_escaped(struct buf *out, struct http_span text)
{
	size_t len = text.len < FIELD_BYTES ? text.len : FIELD_BYTES;
	unsigned char c;
	size_t i;

	if (text.data == NULL || len == 0) {
		(void)buf_putc(out, '-');
		return;
	}
	for (i = 0; i < len; i++) {
		c = (unsigned char)text.data[i];
		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			(void)buf_printf(out, "\\x%02x", c);
		else
			(void)buf_putc(out, (char)c);
	}
}

static void
put_time(struct buf *out)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = (time_t)(clock_wall_ms() / 1000);
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)buf_printf(out, "[%02d/%.3s/%04d:%02d:%02d:%02d +0000]",
	    tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
}

void
access_log_put(struct access_log *log, const struct access_entry *entry)
{
	struct buf *out = &log->lines;
	size_t before;

	if (out->len >= COLLECT_BYTES)
		access_log_flush(log);
	before = out->len;
	(void)buf_printf(out, "%s - - ",
	    entry->peer[0] != '\0' ? entry->peer : "-");
	put_time(out);
	(void)buf_putl(out, " \"");
	put_escaped(out, entry->method);
	(void)buf_putc(out, ' ');
	put_escaped(out, entry->target);
	(void)buf_printf(out, " HTTP/1.%d\" %d %zu \"", entry->minor,
	    entry->status, entry->bytes);
	put_escaped(out, entry->referer);
	(void)buf_putl(out, "\" \"");
	put_escaped(out, entry->user_agent);
	(void)buf_printf(out, "\" %lld\n", (long long)entry->duration_us);
	if (!buf_ok(out)) { /* no half lines */
		out->len = before;
		out->failed = false;
	}
}

void
access_log_flush(struct access_log *log)
{
	static struct log_gate gate;
	unsigned suppressed;
	int rc;

	if (log->lines.len == 0)
		return;
	rc = fd_write_full(log->fd, log->lines.data, log->lines.len);
	if (rc < 0 && log_gate_open(&gate, &suppressed))
		log_warn(rc, "access_log.write", "path=%s suppressed=%u",
		    log->path, suppressed);
	buf_clear(&log->lines);
}
