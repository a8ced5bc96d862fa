/* SPDX-License-Identifier: MIT */

/*
 * The state of cache and sessions as JSON. See status_json.h.
 *
 * THREADS  The loop of the admin process.
 */
#include "worker/status_json.h"

#include <string.h>

#include "cache/inspect.h"
#include "cache/session_inspect.h"
#include "worker/json_write.h"

#define SIGNALS_MAX 100
#define KEY_SHOWN 12 /* digits */

static void
put_text(const char *name, const char *text, struct buf *out)
{
	(void)buf_printf(out, "\"%s\":", name);
	if (json_write_text(text, strlen(text), out) < 0)
		(void)buf_putl(out, "\"?\"");
	(void)buf_putc(out, ',');
}

static void
put_seconds(const char *name, int64_t ms, struct buf *out)
{
	(void)buf_printf(out, "\"%s\":%lld.%03lld,", name,
	    (long long)(ms < 0 ? 0 : ms) / 1000,
	    (long long)(ms < 0 ? 0 : ms) % 1000);
}

static void
put_number(const char *name, int64_t number, struct buf *out)
{
	(void)buf_printf(out, "\"%s\":%lld,", name, (long long)number);
}

/* In the place of the last comma. */
static void
close_with(const char *end, struct buf *out)
{
	if (out->len > 0 && out->data[out->len - 1] == ',')
		out->len--;
	(void)buf_puts(out, end);
}

static void
put_signal(void *context, const struct inspect_signal *row)
{
	struct buf *out = context;

	(void)buf_putc(out, '{');
	put_text("state", row->state, out);
	put_text("function", row->function, out);
	(void)buf_printf(out, "\"key\":\"%.*s\",", KEY_SHOWN, row->key);
	put_number("slot", row->owner_slot, out);
	put_number("pid", row->owner_pid, out);
	put_seconds("age", row->age_ms, out);
	put_seconds("wanted", row->wanted_ms, out);
	put_number("attempts", row->attempts, out);
	put_number("waiters", row->waiters, out);
	put_number("computations", row->computations, out);
	put_seconds("progress", row->progress, out);
	put_text("error", row->error, out);
	close_with("},", out);
}

static void
put_cache(const struct inspect_summary *sum, struct buf *out)
{
	put_number("values", sum->values, out);
	put_number("value_bytes", sum->value_bytes, out);
	put_number("expired", sum->expired, out);
	put_seconds("oldest", sum->oldest_ms, out);
	put_number("wanted", sum->wanted, out);
	put_number("computing", sum->computing, out);
	put_number("ready", sum->ready, out);
	put_number("failed", sum->failed, out);
	put_number("quarantined", sum->quarantined, out);
	put_number("file_bytes", sum->file_bytes, out);
	put_number("log_bytes", sum->log_bytes, out);
}

static void
put_sessions(const struct inspect_sessions *sum, struct buf *out)
{
	put_number("count", sum->count, out);
	put_seconds("oldest", sum->oldest_ms, out);
	put_number("entries", sum->entries, out);
	put_number("bytes", sum->bytes, out);
}

int
status_json(const struct cache_options *options, struct buf *out)
{
	struct inspect *inspect = NULL;
	struct inspect_sessions sessions;
	struct inspect_summary sum;
	struct buf why = BUF_EMPTY;
	int rc;

	rc = inspect_open(&inspect, options->cache_dir, &why);
	buf_free(&why);
	(void)buf_putl(out, "{\"signals\":[");
	if (rc == 0)
		rc = inspect_signals(inspect, SIGNALS_MAX, put_signal, out);
	close_with("],\"cache\":{", out);
	if (rc == 0)
		rc = inspect_summarize(inspect, &sum);
	if (rc == 0)
		put_cache(&sum, out);
	close_with("},\"sessions\":{", out);
	if (rc == 0)
		rc = inspect_sessions_summarize(inspect, &sessions);
	if (rc == 0)
		put_sessions(&sessions, out);
	close_with("}}\n", out);
	inspect_close(&inspect);
	return rc < 0 ? rc : buf_ok(out) ? 0 : -1;
}
