/* SPDX-License-Identifier: MIT */

/*
 * A whole load: which source wins, where a value came from, what the command
 * line refuses, and what a reload may change.
 */
#include "server/config.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/err.h"
#include "server/config_int.h"

#define ARGS_MAX 16

static char folder[] = "/tmp/config_test.XXXXXX";

static void
write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(0, fclose(file));
}

static void
clear(void)
{
	(void)unsetenv("PORT");
	(void)unsetenv("WEB_CONCURRENCY");
	(void)unsetenv("PRONGHORN_CMD_ARGS");
	(void)unsetenv("SENDFILE");
	(void)unlink("pronghorn.conf");
	(void)unlink("other.conf");
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL || chdir(folder) < 0)
		return -1;
	return mkdir("sub", 0700);
}

static int
each(void **state)
{
	(void)state;
	if (chdir(folder) < 0)
		return -1;
	clear();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (chdir(folder) < 0)
		return -1;
	clear();
	(void)rmdir("sub");
	return chdir("/") < 0 || rmdir(folder) < 0;
}

/* Load with a command line split at spaces. */
static int
load(const char *line, struct config **config, enum config_action *action,
    struct buf *why)
{
	char text[1024];
	char program[] = "pronghorn";
	char *argv[ARGS_MAX + 1] = { program, NULL };
	char *rest = NULL;
	char *word;
	int argc = 1;

	(void)snprintf(text, sizeof(text), "%s", line);
	for (word = strtok_r(text, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest)) {
		assert_true(argc < ARGS_MAX);
		argv[argc++] = word;
	}
	buf_clear(why);
	return config_load(argc, argv, config, action, why);
}

static struct config *
load_good(const char *line)
{
	struct config *config = NULL;
	enum config_action action;
	struct buf why = BUF_EMPTY;

	if (load(line, &config, &action, &why) < 0)
		fail_msg("%s: %s", line, buf_cstr(&why));
	assert_non_null(config);
	buf_free(&why);
	return config;
}

static void
expect_bad(const char *line, const char *expected)
{
	struct config *config = NULL;
	enum config_action action;
	struct buf why = BUF_EMPTY;

	if (load(line, &config, &action, &why) >= 0)
		fail_msg("was read: %s", line);
	assert_null(config);
	assert_string_equal(expected, buf_cstr(&why));
	buf_free(&why);
}

static void
test_later_sources_win(void **state)
{
	struct config *config;

	(void)state;
	config = load_good("a.so");
	assert_int_equal(1, config->server.workers);
	assert_string_equal("default", config_origin(config, "workers"));
	assert_string_equal("", config->file);
	config_free(&config);
	assert_null(config);

	assert_int_equal(0, setenv("WEB_CONCURRENCY", "2", 1));
	config = load_good("a.so");
	assert_int_equal(2, config->server.workers);
	assert_string_equal("environment WEB_CONCURRENCY",
	    config_origin(config, "workers"));
	config_free(&config);

	write_file("pronghorn.conf", "# c\nworkers = 3\n");
	config = load_good("a.so");
	assert_int_equal(3, config->server.workers);
	assert_string_equal("pronghorn.conf:2",
	    config_origin(config, "workers"));
	assert_string_equal("pronghorn.conf", config->file);
	config_free(&config);

	assert_int_equal(0, setenv("PRONGHORN_CMD_ARGS", "--workers 4", 1));
	config = load_good("a.so");
	assert_int_equal(4, config->server.workers);
	assert_string_equal("PRONGHORN_CMD_ARGS --workers",
	    config_origin(config, "workers"));
	config_free(&config);

	config = load_good("-w5 a.so");
	assert_int_equal(5, config->server.workers);
	assert_string_equal("command line -w",
	    config_origin(config, "workers"));
	assert_string_equal("a.so", config->worker.app);
	assert_string_equal("command line APP", config_origin(config, "app"));
	config_free(&config);
}

static void
test_port_is_a_default(void **state)
{
	struct config *config;

	(void)state;
	assert_int_equal(0, setenv("PORT", "9000", 1));
	config = load_good("a.so");
	assert_int_equal(1, config->server.bind.count);
	assert_string_equal("0.0.0.0:9000", config->server.bind.items[0]);
	assert_string_equal("environment PORT", config_origin(config, "bind"));
	config_free(&config);
	config = load_good("-b :1 a.so");
	assert_string_equal(":1", config->server.bind.items[0]);
	config_free(&config);
	assert_int_equal(0, setenv("PORT", "", 1));
	config = load_good("a.so");
	assert_string_equal("127.0.0.1:8000", config->server.bind.items[0]);
	config_free(&config);
	assert_int_equal(0, setenv("PORT", "x", 1));
	expect_bad("a.so",
	    "environment PORT: bind = \"0.0.0.0:x\": port x is not a number");
}

static void
test_spellings_of_flags(void **state)
{
	static const char *const lines[] = { "-w4 a.so", "-w 4 a.so",
		"-w=4 a.so", "--workers 4 a.so", "--workers=4 a.so",
		"a.so --workers=4", "-w 9 -w 4 a.so", "-w 4 -- a.so" };
	struct config *config;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		config = load_good(lines[i]);
		assert_int_equal(4, config->server.workers);
		assert_string_equal("a.so", config->worker.app);
		config_free(&config);
	}
	config = load_good("-b :1 -w 2 --bind :2,:3 --access-logfile - a.so");
	assert_int_equal(3, config->server.bind.count);
	assert_string_equal(":3", config->server.bind.items[2]);
	assert_string_equal("-", config->worker.accesslog);
	config_free(&config);
}

static void
test_switches_go_both_ways(void **state)
{
	struct config *config;

	(void)state;
	config = load_good("a.so");
	assert_true(config->worker.sendfile && config->server.initgroups);
	config_free(&config);
	config = load_good("--no-sendfile --no-initgroups a.so");
	assert_false(config->worker.sendfile || config->server.initgroups);
	assert_string_equal("command line --no-sendfile",
	    config_origin(config, "sendfile"));
	config_free(&config);
	assert_int_equal(0, setenv("SENDFILE", "no", 1));
	config = load_good("a.so");
	assert_false(config->worker.sendfile);
	config_free(&config);
	config = load_good("--sendfile --no-control-socket a.so");
	assert_true(config->worker.sendfile);
	/* Not all that begins like that is the other side of a switch. */
	assert_true(config->server.control_socket_disable);
	config_free(&config);
	(void)unsetenv("SENDFILE");
}

static void
test_command_line_replaces_lists(void **state)
{
	struct config *config;

	(void)state;
	write_file("pronghorn.conf", "bind = [':1', ':2']\n");
	assert_int_equal(0, setenv("PRONGHORN_CMD_ARGS", "-b :3 -b :4", 1));
	config = load_good("a.so");
	assert_int_equal(2, config->server.bind.count);
	assert_string_equal(":3", config->server.bind.items[0]);
	config_free(&config);
	config = load_good("-b :5 a.so");
	assert_int_equal(1, config->server.bind.count);
	assert_string_equal(":5", config->server.bind.items[0]);
	config_free(&config);
}

static void
test_actions(void **state)
{
	static const struct {
		const char *line;
		enum config_action action;
		bool config;
	} rows[] = {
		{ "a.so", CONFIG_RUN, true },
		{ "--check-config a.so", CONFIG_CHECK, true },
		{ "--print-config", CONFIG_PRINT, true },
		{ "--print-config --check-config", CONFIG_PRINT, true },
		{ "--version", CONFIG_VERSION, false },
		{ "-v -w nonsense", CONFIG_VERSION, false },
		{ "--help", CONFIG_HELP, false },
		{ "-h --nonsense", CONFIG_HELP, false },
		{ "-c missing.conf --help", CONFIG_HELP, false },
		{ "--print-options=conf", CONFIG_OPTIONS_CONF, false },
		{ "--print-options md", CONFIG_OPTIONS_MD, false },
		{ "--print-options bash", CONFIG_OPTIONS_BASH, false },
		{ "--print-options=man8", CONFIG_OPTIONS_MAN8, false },
		{ "--print-options=man5", CONFIG_OPTIONS_MAN5, false },
		{ "--print-options=metrics", CONFIG_OPTIONS_METRICS, false },
	};
	struct buf why = BUF_EMPTY;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum config_action action = CONFIG_RUN;
		struct config *config = NULL;

		assert_int_equal(0, load(rows[i].line, &config, &action, &why));
		assert_int_equal(rows[i].action, action);
		assert_int_equal(rows[i].config, config != NULL);
		config_free(&config);
	}
	buf_free(&why);
}

static const char *const bad_lines[][2] = {
	{ "", "no app is named: pronghorn [options] path/app.so" },
	{ "--check-config",
	    "no app is named: pronghorn [options] path/app.so" },
	{ "a.so b.so",
	    "command line: b.so: one APP is served, this is a second "
	    "one" },
	{ "--wokers 3 a.so",
	    "command line: --wokers: no such option; did you mean "
	    "--workers?" },
	{ "-z a.so", "command line: -z: no such option" },
	{ "--threads=0 a.so",
	    "command line --threads: threads = 0: must be 1..256" },
	{ "a.so -w", "command line: -w: a value is missing" },
	{ "-w --threads 2 a.so", "command line: -w: a value is missing" },
	{ "--check-config=1 a.so",
	    "command line: --check-config: takes no value" },
	{ "-h1", "command line: -h: takes no value" },
	{ "--preload=1 a.so", "command line: --preload: takes no value" },
	{ "--print-options=xml",
	    "command line: --print-options: must be conf, md, bash, "
	    "man8, man5 or metrics" },
	{ "--no-sendfile=1 a.so",
	    "command line: --no-sendfile: takes no value" },
	{ "--no-workers a.so",
	    "command line: --no-workers: no such option; did you mean "
	    "--workers?" },
	{ "--reload-engine epoll a.so",
	    "command line --reload-engine: reload_engine = epoll: "
	    "must be one of: auto inotify poll" },
	{ "--reload-strategy one a.so",
	    "command line --reload-strategy: reload_strategy = one: "
	    "must be one of: all rolling" },
	{ "--header-map keep a.so",
	    "command line --header-map: header_map = keep: must be one "
	    "of: drop refuse dangerous" },
	{ "--client-ip-header X_Real_IP a.so",
	    "command line --client-ip-header: client_ip_header = "
	    "\"X_Real_IP\": \"X_Real_IP\" has an underscore, and "
	    "header_map is \"drop\" (default)" },
	{ "-c missing.conf a.so", "missing.conf: no such config file" },
	{ "-c sub a.so", "sub: Is a directory" },
	{ "-c python:x.y a.so", "python:x.y: code is not run; name a file" },
	{ "app:server",
	    "command line APP: app = \"app:server\": not the path of "
	    "a compiled app: path/app.so[:symbol]" },
	{ "-b 8000 a.so", "command line -b: bind = \"8000\": a port alone is "
			  "written :PORT, an address HOST:PORT" },
	{ "-b :80 -b 0.0.0.0:80 a.so",
	    "command line -b: bind = \"0.0.0.0:80\": the address "
	    "stands twice" },
	{ "--limit-request-head 1KiB a.so",
	    "command line --limit-request-head: limit_request_head = "
	    "\"1KiB\": must be at least limit_request_line, which is "
	    "4094 (default)" },
	{ "--limit-request-head 5KiB a.so",
	    "command line --limit-request-head: limit_request_head = "
	    "\"5KiB\": must be at least limit_request_field_size, "
	    "which is 8190 (default)" },
	{ "--limit-request-line 63 a.so",
	    "command line --limit-request-line: limit_request_line = 63: "
	    "must be 0, or from 64 to 65536" },
	{ "--cache-type RedisCache a.so",
	    "command line --cache-type: cache_type = \"RedisCache\": "
	    "this build stores in SQLite only; write \"sqlite\"" },
	{ "--cache-type tape a.so",
	    "command line --cache-type: cache_type = \"tape\": must "
	    "be sqlite or null" },
	{ "--reload-engine foo a.so",
	    "command line --reload-engine: reload_engine = foo: "
	    "must be one of: auto inotify poll" },
	{ "--tls-min-version 1.1 a.so",
	    "command line --tls-min-version: tls_min_version = 1.1: "
	    "must be one of: 1.2 1.3" },
	{ "--proxy-protocol proxies a.so",
	    "command line --proxy-protocol: proxy_protocol = proxies: "
	    "must be 2..5 bytes long" },
};

static void
test_refuses_command_lines(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad_lines) / sizeof(bad_lines[0]); i++)
		expect_bad(bad_lines[i][0], bad_lines[i][1]);
	assert_int_equal(0, setenv("WEB_CONCURRENCY", "many", 1));
	expect_bad("a.so",
	    "environment WEB_CONCURRENCY: workers = many: not a whole "
	    "number; must be 1..256 or auto");
	(void)unsetenv("WEB_CONCURRENCY");
	assert_int_equal(0, setenv("PRONGHORN_CMD_ARGS", "-w '4", 1));
	expect_bad("a.so",
	    "PRONGHORN_CMD_ARGS: the quote ' at character 4 is not closed");
	assert_int_equal(0, setenv("PRONGHORN_CMD_ARGS", "--nonsense", 1));
	expect_bad("a.so", "PRONGHORN_CMD_ARGS: --nonsense: no such option");
}

static void
test_which_file_is_read(void **state)
{
	struct config *config;

	(void)state;
	write_file("pronghorn.conf", "threads = 2\n");
	write_file("other.conf", "threads = 3\n");
	config = load_good("-c other.conf a.so");
	assert_int_equal(3, config->worker.threads);
	assert_string_equal("other.conf", config->file);
	config_free(&config);
	config = load_good("-c file:other.conf a.so");
	assert_int_equal(3, config->worker.threads);
	config_free(&config);
	assert_int_equal(0, setenv("PRONGHORN_CMD_ARGS", "-c other.conf", 1));
	config = load_good("a.so");
	assert_int_equal(3, config->worker.threads);
	config_free(&config);
	config = load_good("-c pronghorn.conf a.so");
	assert_int_equal(2, config->worker.threads);
	config_free(&config);
	write_file("pronghorn.conf", "app = 'b.so'\nthreads = 0\n");
	(void)unsetenv("PRONGHORN_CMD_ARGS");
	expect_bad("", "pronghorn.conf:2: threads = 0: must be 1..256");
	/* A wrong value is wrong even where a flag would replace it. */
	expect_bad("--threads 2",
	    "pronghorn.conf:2: threads = 0: must be 1..256");
}

/* gunicorn's 0 is no limit. */
static void
test_limits_of_0(void **state)
{
	struct config *config;

	(void)state;
	config = load_good("--limit-request-line 0 a.so");
	assert_int_equal(65536, config->worker.limit_request_line);
	assert_string_equal("command line --limit-request-line: "
			    "limit_request_line = 0: some limit there has to "
			    "be; it is 65536\n",
	    buf_cstr(&config->warnings));
	config_free(&config);
	config = load_good("--limit-request-fields 0 a.so");
	assert_int_equal(1024, config->worker.limit_request_fields);
	config_free(&config);
	config = load_good("--limit-request-fields 32768 a.so");
	assert_int_equal(1024, config->worker.limit_request_fields);
	assert_string_equal("command line --limit-request-fields: "
			    "limit_request_fields = 32768: it is 1024, the "
			    "most there is\n",
	    buf_cstr(&config->warnings));
	config_free(&config);
	config = load_good("--limit-request-fields 1024 a.so");
	assert_int_equal(1024, config->worker.limit_request_fields);
	assert_int_equal(0, config->warnings.len);
	config_free(&config);
	config = load_good("--root-path /x a.so");
	assert_string_equal("/x/", config->worker.url_base_pathname);
	config_free(&config);
	config = load_good("--limit-request-field_size 0 "
			   "--limit-request-head 10000 a.so");
	assert_int_equal(10000, config->worker.limit_request_field_size);
	assert_int_equal(4094, config->worker.limit_request_line);
	config_free(&config);
}

static void
test_cache_types_of_flask_caching(void **state)
{
	static const char *const rows[][2] = {
		{ "sqlite", "sqlite" },
		{ "null", "null" },
		{ "NullCache", "null" },
		{ "simple", "sqlite" },
		{ "SimpleCache", "sqlite" },
		{ "filesystem", "sqlite" },
		{ "FileSystemCache", "sqlite" },
		{ "SQLiteCache", "sqlite" },
	};
	struct config *config;
	char line[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool told = strcmp(rows[i][1], "sqlite") == 0 &&
			    strcmp(rows[i][0], "sqlite") != 0;

		(void)snprintf(line, sizeof(line), "--cache-type %s a.so",
		    rows[i][0]);
		config = load_good(line);
		assert_string_equal(rows[i][1], config->cache.cache_type);
		assert_int_equal(told, config->warnings.len > 0);
		config_free(&config);
	}
	config = load_good("--cache-type backends.SimpleCache a.so");
	assert_string_equal("command line --cache-type: cache_type = "
			    "\"backends.SimpleCache\": values are kept in "
			    "SQLite, shared by all workers; write \"sqlite\"\n",
	    buf_cstr(&config->warnings));
	config_free(&config);
}

static void
test_chdir(void **state)
{
	char cwd[PATH_MAX];
	struct config *config;
	struct buf why = BUF_EMPTY;

	(void)state;
	write_file("pronghorn.conf", "chdir = 'sub'\n");
	config = load_good("a.so");
	/* Loading itself changes nothing. */
	assert_string_equal(folder, getcwd(cwd, sizeof(cwd)));
	assert_string_equal(folder, config->start_dir);
	assert_int_equal(0, config_apply_chdir(config, &why));
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_string_equal("sub", strrchr(cwd, '/') + 1);
	/* It is relative to the start, so a second call does no harm. */
	assert_int_equal(0, config_apply_chdir(config, &why));
	config_free(&config);
	assert_int_equal(0, chdir(folder));
	config = load_good("--chdir nowhere a.so");
	assert_int_equal(-ENOENT, config_apply_chdir(config, &why));
	assert_string_equal("command line --chdir: chdir = \"nowhere\": No "
			    "such file or directory",
	    buf_cstr(&why));
	config_free(&config);
	buf_free(&why);
}

static void
test_reload(void **state)
{
	struct config *config;
	struct config *next = NULL;
	struct buf why = BUF_EMPTY;

	(void)state;
	write_file("pronghorn.conf",
	    "bind = ':1'\nworkers = 2\ntimeout = 3\nchdir = 'sub'\n");
	config = load_good("--timeout 4 a.so");
	assert_int_equal(0, config_apply_chdir(config, &why));
	write_file("../pronghorn.conf",
	    "workers = 5\nbind = [':7', ':8']\ntimeout = 6\nchdir = 'b'\n");
	assert_int_equal(0, config_reload(config, &next, &why));
	assert_int_equal(5, next->server.workers);
	assert_string_equal("pronghorn.conf:1", config_origin(next, "workers"));
	assert_true(next->server.timeout > 3.9 && next->server.timeout < 4.1);
	assert_string_equal("a.so", next->worker.app);
	assert_int_equal(2, next->server.bind.count);
	assert_string_equal(":8", next->server.bind.items[1]);
	/* The folder everything is relative to cannot change under way. */
	assert_string_equal("sub", next->server.chdir);
	assert_string_equal("pronghorn.conf:4", config_origin(next, "chdir"));
	assert_string_equal("pronghorn.conf:4: chdir needs a restart; "
			    "\"sub\" stays in use until then\n",
	    buf_cstr(&next->warnings));
	config_free(&config); /* the new one stands on its own */
	assert_string_equal("sub", next->server.chdir);
	config = next;
	write_file("../pronghorn.conf", "workers = 0\n");
	assert_true(config_reload(config, &next, &why) < 0);
	assert_null(next);
	assert_string_equal(
	    "pronghorn.conf:1: workers = 0: must be 1..256 or auto",
	    buf_cstr(&why));
	assert_int_equal(5, config->server.workers);
	config_free(&config);
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_later_sources_win, each),
		cmocka_unit_test_setup(test_port_is_a_default, each),
		cmocka_unit_test_setup(test_spellings_of_flags, each),
		cmocka_unit_test_setup(test_switches_go_both_ways, each),
		cmocka_unit_test_setup(test_command_line_replaces_lists, each),
		cmocka_unit_test_setup(test_actions, each),
		cmocka_unit_test_setup(test_refuses_command_lines, each),
		cmocka_unit_test_setup(test_which_file_is_read, each),
		cmocka_unit_test_setup(test_cache_types_of_flask_caching, each),
		cmocka_unit_test_setup(test_limits_of_0, each),
		cmocka_unit_test_setup(test_chdir, each),
		cmocka_unit_test_setup(test_reload, each),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
