/* SPDX-License-Identifier: MIT */

/*
 * The state of workers, cache and sessions as JSON. See status_json.h.
 *
 * THREADS  The loop of the admin process.
 * FAILURE  What cannot be read is empty; the rest is there. A server in
 *          trouble is when somebody looks.
 */
#include "worker/status_json.h"

#include <errno.h>
#include <string.h>

#include "cache/inspect.h"
#include "cache/session_inspect.h"
#include "server/base/board.h"
#include "server/base/err.h"
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

/* The bytes that so many hexadecimal digits stand for. */
static void
read_key(const char *digits, uint8_t key[HANDOFF_WAIT_KEY])
{
	static const char hex[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < HANDOFF_WAIT_KEY; i++)
		key[i] = (uint8_t)((strchrnul(hex, digits[2 * i]) - hex) << 4 |
				   (strchrnul(hex, digits[2 * i + 1]) - hex));
}

struct signals {
	struct buf *out;
	const struct board *board; /* NULL: cannot be read */
};

static void
put_requests(const struct board *board, const char *digits, struct buf *out)
{
	uint8_t key[HANDOFF_WAIT_KEY];
	uint32_t requests;
	bool more;

	read_key(digits, key);
	requests = board_waiting(board, key, &more);
	put_number("requests", requests, out);
	(void)buf_printf(out, "\"more\":%s,", more ? "true" : "false");
}

static void
put_signal(void *context, const struct inspect_signal *row)
{
	const struct signals *signals = context;
	struct buf *out = signals->out;

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
	if (signals->board != NULL)
		put_requests(signals->board, row->key, out);
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

static void
put_worker(const struct board_worker *row, struct buf *out)
{
	static const char *const states[] = { "gone", "booting", "ready",
		"leaving" };
	const struct handoff_beat *beat = &row->beat;

	(void)buf_putc(out, '{');
	put_number("slot", row->slot, out);
	put_number("pid", row->pid, out);
	put_text("state", states[row->state < 4 ? row->state : 0], out);
	put_number("generation", row->generation, out);
	put_number("restarts", row->restarts, out);
	put_seconds("age", row->age_ms, out);
	put_seconds("silent", row->silent_ms, out);
	put_number("threads", beat->threads, out);
	put_number("busy_threads", beat->computing, out);
	put_number("queued", beat->queued, out);
	put_number("parked", beat->parked, out);
	put_number("waiting", beat->waiting, out);
	put_number("connections", beat->connections, out);
	put_number("memory", (int64_t)beat->memory, out);
	close_with("},", out);
}

static void
put_workers(const struct board *board, struct buf *out)
{
	uint32_t i;

	for (i = 0; board != NULL && i < board->worker_count; i++)
		put_worker(&board->workers[i], out);
}

static void
put_percentile(unsigned bucket, struct buf *out)
{
	static const unsigned bounds[] = { HANDOFF_BUCKET_BOUNDS_US };

	if (bucket < HANDOFF_BUCKETS - 1)
		(void)buf_printf(out, "%u,", bounds[bucket]);
	else if (bucket == HANDOFF_BUCKETS - 1)
		(void)buf_putl(out, "\"inf\",");
	else
		(void)buf_putl(out, "null,");
}

static void
put_row(const struct board_row *row, struct buf *out)
{
	const uint64_t rest[] = { row->hits, row->misses, row->evictions,
		row->bytes };
	size_t i;

	(void)buf_printf(out, "[%lld,%u,%llu,", (long long)row->wall_ms,
	    row->span_ms, (unsigned long long)row->answers);
	put_percentile(row->p50, out);
	put_percentile(row->p99, out);
	for (i = 0; i < sizeof(rest) / sizeof(rest[0]); i++)
		(void)buf_printf(out, "%llu,", (unsigned long long)rest[i]);
	close_with("],", out);
}

/* The number behind since=, 0: there is none. */
static int64_t
since_of(struct http_span query)
{
	static const char name[] = "since=";
	size_t len = sizeof(name) - 1;
	int64_t since = 0;
	size_t i;

	if (query.data == NULL || query.len < len ||
	    memcmp(query.data, name, len) != 0)
		return 0;
	for (i = len; i < query.len; i++) {
		if (query.data[i] < '0' || query.data[i] > '9' ||
		    since > INT64_MAX / 20)
			return 0;
		since = since * 10 + (query.data[i] - '0');
	}
	return since;
}

static void
put_history(int board_fd, int64_t since_ms, struct buf *out)
{
	static struct board_row rows[BOARD_ROWS]; /* the loop's; large */
	int count = board_fd < 0 ? 0 : board_rows(board_fd, rows);
	int i;

	/* It asks for the future: the clock has been set back. */
	if (count > 0 && since_ms > rows[count - 1].wall_ms)
		since_ms = 0;
	for (i = 0; i < count; i++) {
		if (rows[i].wall_ms > since_ms)
			put_row(&rows[i], out);
	}
}

/* What the database knows. 0 or ERR_*. */
static int
put_database(const struct cache_options *options, const struct board *board,
    struct buf *out)
{
	struct signals signals = { .out = out, .board = board };
	struct inspect *inspect = NULL;
	struct inspect_sessions sessions;
	struct inspect_summary sum;
	struct buf why = BUF_EMPTY;
	int rc;

	rc = inspect_open(&inspect, options->cache_dir, &why);
	buf_free(&why);
	(void)buf_putl(out, "\"signals\":[");
	if (rc == 0)
		rc =
		    inspect_signals(inspect, SIGNALS_MAX, put_signal, &signals);
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
	close_with("},", out);
	inspect_close(&inspect);
	return rc;
}

int
status_json(const struct cache_options *options, int board_fd,
    struct http_span query, struct buf *out)
{
	static struct board place; /* the loop's; large */
	const struct board *board = NULL;
	int rc;

	if (board_fd >= 0 && board_read(board_fd, &place) == 0)
		board = &place;
	(void)buf_putl(out, "{\"workers\":[");
	put_workers(board, out);
	close_with("],\"history\":{\"columns\":[\"time\",\"span\",\"answers\","
		   "\"p50\",\"p99\",\"hits\",\"misses\",\"evictions\","
		   "\"bytes\"],\"rows\":[",
	    out);
	put_history(board_fd, since_of(query), out);
	close_with("]},", out);
	rc = put_database(options, board, out);
	put_text("cache_error", rc == 0 || rc == -ENOENT ? "" : err_str(rc),
	    out);
	close_with("}\n", out);
	return buf_ok(out) ? 0 : -ENOMEM;
}
