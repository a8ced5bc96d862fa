/* SPDX-License-Identifier: MIT */

/*
 * One worker process: start-up, the loop, orderly end.
 *
 * The loop is `while (running) { handle events once; write the access log }`.
 * Everything that may take long is a task for the pool.
 *
 * INVARIANT  READY is reported only when the app is loaded, the pool runs
 *            and the listeners are watched.
 * THREADS    This is the loop thread; libevent is touched by no other.
 * FAILURE    A start that cannot succeed is reported to the master with a
 *            sentence and ends with HANDOFF_EXIT_BOOT. When the master is
 *            gone the worker ends at once: nobody could replace or stop it.
 */
#include "worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/base/bug.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"
#include "worker/capture.h"
#include "worker/compress.h"
#include "worker/conn.h"
#include "worker/conn_peers.h"
#include "worker/conn_proxy.h"
#include "worker/crash.h"
#include "worker/data.h"
#include "worker/dispatch.h"
#include "worker/forwarded.h"
#include "worker/hooks.h"
#include "worker/memo_name.h"
#include "worker/recall.h"
#include "worker/session_cookie.h"
#include "worker/share.h"
#include "worker/sides.h"
#include "worker/tls.h"
#include "worker/unsent.h"
#include "worker/whole.h"
#include "worker/worker_int.h"

#define FILES_OTHER 100              /* cache, logs, pipes */
#define REQUEST_BLOCK ((size_t)4000) /* an ordinary update fits in */

#define BEAT_MS 1000
static const struct timeval beat_interval = { BEAT_MS / 1000, 0 };

static int
run_hook(const struct worker *worker, enum hook_event event)
{
	const struct hook_about about = { .slot = (int)worker->handoff->slot,
		.pid = getpid() };

	return hooks_run(worker->app, event, &about);
}

/* The start ends here when the app says so. */
static int
run_start_hook(const struct worker *worker, enum hook_event event,
    struct buf *why)
{
	int rc = run_hook(worker, event);

	if (rc == 0)
		return 0;
	(void)buf_printf(why, "the app's hook %s returned %d\n",
	    event == HOOK_POST_FORK ? "post_fork" : "post_worker_init", rc);
	return ERR_PLUGIN;
}

static void
report(const struct handoff *handoff, enum handoff_status_kind kind,
    uint32_t value, const char *text)
{
	struct handoff_status status;

	memset(&status, 0, sizeof(status));
	status.kind = (uint32_t)kind;
	status.value = value;
	if (text != NULL)
		(void)strncpy(status.text, text, sizeof(status.text) - 1);
	/* The master reads whenever it can; a full pipe loses a heartbeat. */
	if (write(handoff->status_fd, &status, sizeof(status)) < 0 &&
	    errno != EAGAIN)
		log_debug("worker.report", "status pipe: %s", err_str(-errno));
}

void
worker_read_begin(struct worker *worker)
{
	if (!worker->reading && worker->kit.cache != NULL)
		worker->reading = cache_read_begin(worker->kit.cache) == 0;
}

void
worker_read_end(struct worker *worker)
{
	if (worker->reading)
		cache_read_end(worker->kit.cache);
	worker->reading = false;
}

static void
on_mail(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	(void)what;
	(void)fd_event_drain(fd);
	worker_read_end(worker);
	dispatch_on_mail(worker, false);
	ending_look(worker);
	worker_drain_check(worker);
}

/* Where values have to go within seconds, those in use are told of sooner. */
static void
write_uses(struct worker *worker)
{
	struct timeval again = { 0, 0 };
	int64_t rest_ms;

	if (worker->kit.cache == NULL)
		return;
	worker_read_end(worker);
	rest_ms = cache_write_uses(worker->kit.cache);
	again.tv_usec = (suseconds_t)(rest_ms * 1000);
	if (rest_ms < BEAT_MS && !evtimer_pending(&worker->uses_event, NULL))
		(void)evtimer_add(&worker->uses_event, &again);
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	(void)what;
	(void)fd_event_drain(fd);
	dispatch_on_wake(worker);
	write_uses(worker); /* the keeper may want it sooner from now on */
	pool_want(worker->pool);
}

/* The safety net: hints are only hints. */
static void
on_net(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	(void)fd;
	(void)what;
	if (dispatch_on_net(worker))
		pool_want(worker->pool);
	worker_drain_check(worker);
}

static void
look_soon(struct worker *worker)
{
	static const struct timeval soon = { 0, POOL_HURRY_US };

	if (!evtimer_pending(&worker->hurry_event, NULL))
		(void)evtimer_add(&worker->hurry_event, &soon);
}

static void
on_hurry(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	(void)fd;
	(void)what;
	if (pool_hurry(worker->pool))
		look_soon(worker);
}

static void
on_uses(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	write_uses(arg);
}

static void
on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	(void)fd;
	(void)what;
	http_reply_date(clock_wall_ms(), worker->date);
	/* Always: it also gives back claims whose end could not be written. */
	if (worker->kit.cache != NULL) {
		worker_read_end(worker);
		if (cache_watch(worker->kit.cache))
			pool_follow(worker->pool);
		(void)cache_renew(worker->kit.cache); /* again in a second */
		write_uses(worker);
		heartbeat_look_at_cache(worker, false);
		session_keys_keep(worker->kit.cache_options);
	}
	heartbeat_send(worker);
	worker_drain_check(worker);
}

static void
on_master_gone(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	log_warn(0, "worker.orphan", "the master is gone");
	_exit(0);
}

static void
on_sig_term(evutil_socket_t sig, short what, void *arg)
{
	struct worker *worker = arg;

	(void)sig;
	(void)what;
	if (worker->draining)
		return;
	worker->draining = true;
	(void)orders_read(worker); /* the one that tells why has come before */
	log_info("worker.draining", "slot=%u connections=%zu",
	    worker->handoff->slot, worker->conn_count);
	accept_stop(worker);
	conn_drain_all(worker);
	worker_drain_check(worker);
}

static void
on_sig_quit(evutil_socket_t sig, short what, void *arg)
{
	struct worker *worker = arg;

	(void)sig;
	(void)what;
	access_log_flush(&worker->access_log);
	(void)run_hook(worker, HOOK_WORKER_INT);
	_exit(0); /* rows we compute are handed on when we are reaped */
}

static void
on_sig_usr1(evutil_socket_t sig, short what, void *arg)
{
	struct worker *worker = arg;
	int rc = log_reopen();
	int access_rc = access_log_reopen(&worker->access_log);

	(void)sig;
	(void)what;
	rc = rc < 0 ? rc : access_rc;
	if (rc < 0)
		log_warn(rc, "worker.reopen", "a log file cannot be opened");
}

void
worker_drain_check(struct worker *worker)
{
	if (worker->draining && !worker->ending && worker->conn_count == 0 &&
	    !worker->listening && pool_busy(worker->pool) == 0)
		(void)event_base_loopbreak(worker->base);
}

static struct timeval
seconds_to_timeval(double seconds)
{
	struct timeval tv;

	tv.tv_sec = (time_t)seconds;
	tv.tv_usec = (suseconds_t)((seconds - (double)tv.tv_sec) * 1e6);
	return tv;
}

/* One queue per duration instead of a heap of timers. */
static const struct timeval *
common_timeout(struct worker *worker, double seconds)
{
	struct timeval tv = seconds_to_timeval(seconds);

	return event_base_init_common_timeout(worker->base, &tv);
}

static void
watch_sig(struct worker *worker, int place, int sig, event_callback_fn handler)
{
	(void)evsignal_assign(&worker->sig_events[place], worker->base, sig,
	    handler, worker);
	(void)evsignal_add(&worker->sig_events[place], NULL);
}

static int
watch_all(struct worker *worker)
{
	const struct worker_options *options = worker->options;

	worker->head_timeout = common_timeout(worker, options->header_timeout);
	worker->body_timeout = common_timeout(worker, options->body_timeout);
	worker->send_timeout = common_timeout(worker, options->send_timeout);
	worker->linger_timeout = common_timeout(worker, 2);
	if (options->request_timeout > 0)
		worker->request_timeout =
		    common_timeout(worker, options->request_timeout);
	(void)event_assign(&worker->mail_event, worker->base, worker->mail_fd,
	    EV_READ | EV_PERSIST, on_mail, worker);
	(void)event_assign(&worker->wake_event, worker->base,
	    worker->handoff->wake_fds[worker->handoff->slot],
	    EV_READ | EV_PERSIST, on_wake, worker);
	(void)event_assign(&worker->death_event, worker->base,
	    worker->handoff->death_fd, EV_READ | EV_PERSIST, on_master_gone,
	    worker);
	(void)evtimer_assign(&worker->net_event, worker->base, on_net, worker);
	(void)event_assign(&worker->beat_event, worker->base, -1, EV_PERSIST,
	    on_beat, worker);
	(void)evtimer_assign(&worker->uses_event, worker->base, on_uses,
	    worker);
	(void)evtimer_assign(&worker->hurry_event, worker->base, on_hurry,
	    worker);
	unsent_start(worker);
	watch_sig(worker, 0, SIGTERM, on_sig_term);
	watch_sig(worker, 1, SIGQUIT, on_sig_quit);
	watch_sig(worker, 2, SIGINT, on_sig_quit);
	watch_sig(worker, 3, SIGUSR1, on_sig_usr1);
	if (worker->linger_timeout == NULL || orders_start(worker) < 0 ||
	    event_add(&worker->mail_event, NULL) < 0 ||
	    event_add(&worker->wake_event, NULL) < 0 ||
	    event_add(&worker->death_event, NULL) < 0 ||
	    event_add(&worker->beat_event, &beat_interval) < 0)
		return -ENOMEM;
	return 0;
}

static int
start_pool(struct worker *worker, struct buf *why)
{
	struct cache_peer peer = {
		.slot = worker->handoff->slot,
		.worker_id = worker->handoff->worker_id,
		.wake_fds = worker->handoff->wake_fds,
		.slot_count = worker->handoff->slot_count,
		.can_compute = memo_can_compute,
		.can_compute_arg = worker->app,
	};
	struct toolkit *kit = &worker->kit;
	int rc;

	kit->app = worker->app;
	kit->options = worker->options;
	kit->cache_options = worker->cache_options;
	kit->handoff = worker->handoff;
	kit->on_loop = true;
	kit->inline_until_ms = &worker->inline_until_ms;
	/* Made by the check child; made again if somebody took it away. */
	if (data_prepare(kit, why) < 0)
		log_error(0, "worker.data", "%s", buf_cstr(why));
	buf_clear(why);
	rc = cache_open_patient(&kit->cache, kit->cache_options, &peer);
	if (rc < 0)
		log_warn(rc, "worker.cache", "going on without the cache");
	if (worker->options->debug)
		crash_explains();
	crash_tell_loop(worker->mail_fd);
	return pool_start(&worker->pool, kit, &peer, worker->mail_fd);
}

/* Each connection is a descriptor. */
static void
check_file_limit(const struct worker *worker)
{
	struct rlimit limit;

	if (worker->handoff->slot == 0 &&
	    getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur <
		(rlim_t)worker->options->worker_connections + FILES_OTHER)
		log_warn(0, "worker.file_limit",
		    "descriptors=%llu worker_connections=%lld "
		    "note=\"raise LimitNOFILE, or connections wait\"",
		    (unsigned long long)limit.rlim_cur,
		    (long long)worker->options->worker_connections);
}

static void
set_limits(struct worker *worker)
{
	const struct worker_options *options = worker->options;

	check_file_limit(worker);

	worker->limits.request_line = (size_t)options->limit_request_line;
	worker->limits.fields = (size_t)options->limit_request_fields;
	worker->limits.field_size = (size_t)options->limit_request_field_size;
	worker->limits.head_size = (size_t)options->limit_request_head;
	worker->limits.underscores =
	    strcmp(options->header_map, "drop") == 0 ? HTTP_UNDERSCORES_DROP
	    : strcmp(options->header_map, "refuse") == 0
		? HTTP_UNDERSCORES_REFUSE
		: HTTP_UNDERSCORES_KEEP;
	arena_init_sized(&worker->arena, (size_t)options->limit_request_memory,
	    REQUEST_BLOCK);
	http_reply_date(clock_wall_ms(), worker->date);
}

/*
 * The check of the start has opened it, too: if that fails now it is by a
 * change under way, and no reason not to serve.
 */
static int
open_access_log(struct worker *worker, struct buf *why)
{
	int rc = access_log_open(&worker->access_log, worker->options, why);

	if (rc == 0 || worker->access_log.format == NULL)
		return rc;
	log_error(rc, "worker.access_log",
	    "slot=%u note=\"not written until SIGUSR1 can open it\" %s",
	    worker->handoff->slot, buf_cstr(why));
	buf_clear(why);
	return 0;
}

/* Everything up to the point where connections may come. */
static int
boot(struct worker *worker, const struct stock *stock, struct buf *why)
{
	int rc;

	set_limits(worker);
	stats_init(&worker->stats, worker->options);
	/* "-" is the stdout that we were given. */
	rc = open_access_log(worker, why);
	if (rc == 0 && worker->options->capture_output)
		rc = capture_start();
	if (rc < 0)
		return rc;
	rc = worker_find_app(worker->options->app, stock, &worker->app, why);
	if (rc == 0)
		rc = run_start_hook(worker, HOOK_POST_FORK, why);
	if (rc == 0)
		worker_gather_ids(worker->app, worker->options,
		    worker->cache_options);
	if (rc == 0)
		rc =
		    site_open(&worker->site, worker->options, worker->app, why);
	if (rc < 0)
		return rc;
	rc = tls_context_open(&worker->tls, worker->options, stock, why);
	stock_wipe();
	if (rc == 0)
		rc = forwarded_open(&worker->forwarded, worker->options, why);
	if (rc == 0)
		rc = conn_proxy_open(worker, why);
	if (rc < 0)
		return rc;
	worker->base = event_base_new();
	worker->park = park_new();
	worker->recall = recall_new((size_t)worker->options->answer_memory);
	if (worker->base == NULL || worker->park == NULL ||
	    worker->recall == NULL)
		return -ENOMEM;
	worker->mail_fd = fd_event_new();
	rc = worker->mail_fd < 0 ? worker->mail_fd : watch_all(worker);
	if (rc == 0)
		rc = start_pool(worker, why);
	if (rc == 0) {
		spool_sweep(conn_spool_dir(worker)); /* of the killed */
		static_begin(worker->site->assets);
	}
	if (rc == 0)
		rc = run_start_hook(worker, HOOK_POST_WORKER_INIT, why);
	if (rc == 0)
		rc = accept_start(worker);
	return rc;
}

/* The orderly end; what the kernel frees anyway is left to it. */
static void
shut_down(struct worker *worker)
{
	while (worker->conns != NULL)
		conn_close(worker->conns);
	heartbeat_numbers(worker); /* nothing that was counted is lost */
	stats_free(&worker->stats);
	pool_stop(&worker->pool);
	dispatch_stop_packer(worker);
	sides_stop();
	(void)run_hook(worker, HOOK_WORKER_EXIT);
	capture_finish();
	cache_close(&worker->kit.cache);
	access_log_close(&worker->access_log);
	park_free(&worker->park);
	recall_free(&worker->recall);
	event_base_free(worker->base);
	site_close(&worker->site);
	worker_leave_app(&worker->app);
	arena_free(&worker->arena);
	buf_free(&worker->scratch);
	buf_free(&worker->found);
	buf_free(&worker->jobs);
	buf_free(&worker->inflated);
	fd_close(&worker->mail_fd);
	free(worker->accept_events);
	conn_peers_free(&worker->peers);
	tls_context_close(&worker->tls);
	forwarded_close(&worker->forwarded);
	conn_proxy_close(worker);
	compress_free(&worker->compress);
	whole_free(&worker->whole);
	free(worker);
}

int
worker_run(const struct handoff *handoff, const struct worker_options *options,
    const struct cache_options *cache_options, const struct stock *stock)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	struct buf why = BUF_EMPTY;
	int rc = -ENOMEM;

	(void)signal(SIGPIPE, SIG_IGN);
	crash_install(handoff->status_fd);
	if (worker != NULL) {
		worker->handoff = handoff;
		worker->options = options;
		worker->cache_options = cache_options;
		rc = boot(worker, stock, &why);
	}
	if (rc < 0) {
		if (why.len == 0)
			(void)buf_printf(&why, "%s", err_str(rc));
		log_error(rc, "worker.boot", "slot=%u %s", handoff->slot,
		    buf_cstr(&why));
		report(handoff, HANDOFF_FAILED, 0, buf_cstr(&why));
		return HANDOFF_EXIT_BOOT;
	}
	/* First the numbers: whether it can use the cache is among them. */
	heartbeat_look_at_cache(worker, true);
	heartbeat_numbers(worker);
	report(handoff, HANDOFF_READY, 0, NULL);
	while (event_base_got_break(worker->base) == 0) {
		ASSERT(cache_is_idle(worker->kit.cache));
		share_begin(worker);
		if (event_base_loop(worker->base, EVLOOP_ONCE) < 0)
			break;
		if (pool_kick(worker->pool))
			look_soon(worker);
		worker_read_end(worker);
		access_log_flush(&worker->access_log);
	}
	shut_down(worker);
	return 0;
}
