/* SPDX-License-Identifier: MIT */

/*
 * The program: read the configuration and do what was asked for. The
 * composition root: the only file that knows the master, the worker and the
 * cache at once, and hands the one to the other as functions.
 *
 * FAILURE  One sentence on stderr and status 1.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cache/cache.h"
#include "cache/folder.h"
#include "cache/keeper.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"
#include "server/base/sink.h"
#include "server/base/syslog_out.h"
#include "server/config.h"
#include "server/ctl.h"
#include "server/daemon.h"
#include "server/dev/dev.h"
#include "server/environment.h"
#include "server/master.h"
#include "server/program.h"
#include "server/title.h"
#include "server/upgrade.h"
#include "worker/admin_run.h"
#include "worker/session_cookie.h"
#include "worker/site.h"
#include "worker/tls.h"
#include "worker/worker.h"

/* A cache that cannot be used now is no reason not to serve. */
static int
go_without_cache(const struct config *config, int rc, struct buf *why)
{
	if (rc == 0 || !cache_can_wait(rc))
		return rc;
	log_warn(rc, "cache.unusable",
	    "text=\"%s\" note=\"serving without the cache until it can be "
	    "used\"",
	    why->len > 0 ? buf_cstr(why) : config->cache.cache_dir);
	cache_expect_trouble();
	buf_clear(why);
	return 0;
}

static int
prepare(const void *context, struct buf *why)
{
	const struct config *config = context;
	int rc = cache_prepare(&config->cache, why);

	rc = go_without_cache(config, rc, why);

	/* Before any fork: every worker signs with the same key. */
	return rc < 0 ? rc
		      : session_keys_load(config->session_keys, &config->worker,
			    &config->cache, why);
}

static int
adopt(const void *context, struct buf *why)
{
	const struct config *config = context;

	return session_keys_read(config->session_keys, &config->worker,
	    &config->cache, why);
}

static int
check_folder(const struct config *config, bool strictly, struct buf *why)
{
	int rc = folder_check(config->cache.cache_dir, why);

	if (strictly || rc == 0 || !cache_can_wait(rc))
		return rc;
	buf_free(why); /* what prepare() met it has told */
	return 0;
}

static int
check(const struct config *config, bool strictly, struct buf *why)
{
	int rc = environment_apply(&config->server.raw_env, why);

	if (rc == 0 && config->server.syslog)
		rc = syslog_out_check(config->server.syslog_addr,
		    config->server.syslog_facility, why);
	if (rc == 0)
		rc = session_keys_check(&config->worker, why);
	if (rc == 0 && strcmp(config->cache.cache_type, "sqlite") == 0)
		rc = check_folder(config, strictly, why);
	if (rc == 0)
		rc = worker_check(&config->worker, &config->cache,
		    config->stock, strictly, why);
	return rc;
}

/* Nobody waits for this one: certificates have to be valid, too, and layouts
 * must not fail. */
static int
check_strictly(const void *context, struct buf *why)
{
	const struct config *config = context;
	int rc = check(config, true, why);

	return rc < 0 ? rc
		      : tls_dates_check(&config->worker, config->stock, why);
}

/* At a start it is open by now; at a reload it may be another one. */
static int
errorlog_check(const struct server_options *options, struct buf *why)
{
	const char *path = options->errorlog;
	int rc = 0;

	if (path[0] != '\0' && strcmp(path, "-") != 0)
		rc = sink_check(path);
	if (rc < 0)
		(void)buf_printf(why, "errorlog %s: %s", path, err_str(rc));
	return rc;
}

/* A server has to come back after a reboot, with an old certificate, too. */
static int
check_to_serve(const void *context, struct buf *why)
{
	const struct config *config = context;
	struct buf dates = BUF_EMPTY;
	int rc = errorlog_check(&config->server, why);

	rc = rc < 0 ? rc : check(config, false, why);
	if (rc == 0 &&
	    tls_dates_check(&config->worker, config->stock, &dates) < 0)
		log_warn(0, "tls.certificate", "text=\"%.*s\"", (int)dates.len,
		    dates.data);
	buf_free(&dates);
	return rc;
}

static int
run_worker(const struct handoff *handoff, const void *context)
{
	const struct config *config = context;

	session_keys_use(config->session_keys);
	tls_tickets_settle(true);
	return worker_run(handoff, &config->worker, &config->cache,
	    config->stock);
}

static int
run_keeper(const struct handoff *handoff, const void *context)
{
	const struct config *config = context;

	stock_wipe();
	return keeper_run(handoff, &config->cache);
}

static int
run_admin(const struct handoff *handoff, const void *context)
{
	const struct config *config = context;

	session_keys_use(config->session_keys);
	return admin_run(handoff, &config->worker, &config->cache);
}

static void
log_warnings(const struct config *config)
{
	const char *line = config->warnings.data;
	const char *end = line + config->warnings.len;
	size_t len;

	for (; line != NULL && line < end; line += len + 1) {
		len = strcspn(line, "\n");
		log_warn(0, "config.warning", "text=\"%.*s\"", (int)len, line);
	}
}

static int
reload(const void *context, struct master_settings *settings, struct buf *why)
{
	const struct config *before = context;
	struct config *config = NULL;
	int rc;

	rc = config_reload(before, &config, why);
	if (rc < 0)
		return rc;
	log_warnings(config);
	config->session_keys = session_keys_new(before->session_keys);
	rc = config->session_keys == NULL
		 ? -ENOMEM
		 : stock_take(&config->stock, &config->worker, why);
	if (rc == 0)
		rc = session_keys_read(config->session_keys, &config->worker,
		    &config->cache, why);
	if (rc < 0) {
		config_free(&config);
		return rc;
	}
	*settings = (struct master_settings){ .options = &config->server,
		.context = config,
		.owned = config,
		.threads = config->worker.threads,
		.secure = config->worker.certfile[0] != '\0',
		.path = site_prefix_of(&config->worker).routes,
		.app = config->worker.app,
		.file = config->file_path };
	return 0;
}

/* The keys of tickets: old tickets are still opened, until the next reload. */
static void
turn_over(enum master_turnover what, const void *context)
{
	const struct config *config = context;
	int rc;

	if (what != MASTER_BEGINS) {
		tls_tickets_settle(what == MASTER_DONE);
		return;
	}
	rc = tls_tickets_renew(config->worker.tls_ticket_period);
	if (rc < 0)
		log_warn(rc, "tls.tickets", "going on with the old keys");
}

static int
preload(const void *context, struct buf *why)
{
	const struct config *config = context;

	if (!config->worker.preload_app)
		return 0;
	return worker_preload(&config->worker, config->stock, why);
}

/* Every setting for the control socket, as JSON values. */
static void
settings(const void *context, struct cJSON *list)
{
	config_list(context, list);
}

static void
release(void *owned)
{
	struct config *config = owned;

	config_free(&config);
}

static void
retire(const void *context)
{
	const struct config *config = context;

	stock_empty(config->stock);
}

static int
fail(struct buf *why, int rc)
{
	const char *text = why->len > 0 ? buf_cstr(why) : err_str(rc);

	(void)fprintf(stderr, "pronghorn: %s\n", text);
	return 1;
}

/* Answer --help, --version, --print-config and --print-options. */
static int
print(enum config_action action, const struct config *config)
{
	struct buf text = BUF_EMPTY;
	struct buf why = BUF_EMPTY;
	int rc;

	rc = config_print(action, config, &text);
	if (rc == 0)
		rc = fd_write_full(STDOUT_FILENO, text.data, text.len);
	buf_free(&text);
	return rc < 0 ? fail(&why, rc) : 0;
}

/* --check-config: the settings are good; is the app, too? */
static int
check_config(const struct config *config,
    const struct master_children *children)
{
	struct buf why = BUF_EMPTY;
	int status;
	int rc;

	rc = master_try(&config->server, children, &why);
	status = rc < 0 ? fail(&why, rc) : 0;
	if (status == 0)
		(void)printf("The configuration and the app are good.\n");
	buf_free(&why);
	return status;
}

static int
serve(struct config *config, enum config_action action,
    const struct program *program)
{
	const struct master_children children = { .prepare = prepare,
		.adopt = adopt,
		.check =
		    action == CONFIG_CHECK ? check_strictly : check_to_serve,
		.worker = run_worker,
		.keeper = run_keeper,
		.admin = run_admin,
		.reload = reload,
		.release = release,
		.turn_over = turn_over,
		.retire = retire,
		.preload = preload,
		.hook = worker_master_hook,
		.settings = settings,
		.turn = tls_tickets_advance,
		.context = config,
		.threads = config->worker.threads,
		.secure = config->worker.certfile[0] != '\0',
		.path = site_prefix_of(&config->worker).routes,
		.app = config->worker.app,
		.file = config->file_path,
		.program = program };
	struct buf why = BUF_EMPTY;
	int status;
	int rc;

	log_threshold = config->server.loglevel;
	log_warnings(config);
	config->session_keys = session_keys_new(NULL);
	rc = config->session_keys == NULL ? -ENOMEM
					  : config_apply_chdir(config, &why);
	if (rc == 0)
		rc = stock_take(&config->stock, &config->worker, &why);
	if (rc < 0)
		status = fail(&why, rc);
	else if (action == CONFIG_CHECK)
		status = check_config(config, &children);
	else if ((rc = tls_tickets_renew(config->worker.tls_ticket_period)) < 0)
		status = fail(&why, rc);
	else if (config->server.daemon && !heir_expected() &&
		 (rc = daemon_begin()) < 0)
		status = fail(&why, rc);
	else
		status = master_run(&config->server, &children);
	buf_free(&why);
	return status;
}

/*
 * Blocks from this size on are mapped and given back whole. glibc raises the
 * bound by itself to the largest block that was ever freed, up to 32 MB: then
 * what a compressor takes for a fifth of a millisecond stays as holes in the
 * arena of every thread (7.6 instead of 5.9 MB a worker when 100 sessions were
 * served the chapter's third example).
 */
#define MAPPED_FROM (256 * 1024)

int
main(int argc, char **argv)
{
	enum config_action action = CONFIG_RUN;
	struct config *config = NULL;
	struct program program;
	struct buf why = BUF_EMPTY;
	int status;
	int rc;

	if (argc > 1 && strcmp(argv[1], "ctl") == 0)
		return ctl_main(argc - 1, argv + 1);
	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
	title_note(argv);
	rc = program_note(&program, argv);
	if (rc == 0 && argc > 1 &&
	    (strcmp(argv[1], "dev") == 0 || strcmp(argv[1], "new") == 0)) {
		status = strcmp(argv[1], "dev") == 0
			     ? dev_main(argc - 1, argv + 1, &program)
			     : new_main(argc - 1, argv + 1, &program);
		program_free(&program);
		return status;
	}
	if (rc == 0)
		rc = config_load(argc, argv, &config, &action, &why);
	if (rc < 0)
		status = fail(&why, rc);
	else if (config != NULL &&
		 (action == CONFIG_RUN || action == CONFIG_CHECK))
		status = serve(config, action, &program);
	else
		status = print(action, config);
	config_free(&config);
	program_free(&program);
	buf_free(&why);
	return status;
}
