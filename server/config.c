/* SPDX-License-Identifier: MIT */

/*
 * Loading: the layers' tables put together, and the sources read in order.
 *
 * INVARIANT  Every row has a value and an origin after load_defaults(), and
 *            whatever replaces one replaces both.
 * OWNERSHIP  All texts are copied into the config's arena.
 * FAILURE    A load gives a whole config or none.
 */
#include "server/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/config_int.h"
#include "server/config_value.h"

#define ROW(layer_, member_, field_, type_, text_, min_, max_, applies_, \
    flags_, help_)                                                       \
	{ .name = #field_,                                               \
		.layer = CONFIG_##layer_,                                \
		.type = OPT_##type_,                                     \
		.default_text = text_,                                   \
		.min = min_,                                             \
		.max = max_,                                             \
		.applies = OPT_##applies_,                               \
		.flags = flags_,                                         \
		.help = help_,                                           \
		.offset = offsetof(struct config, member_) +             \
			  offsetof(struct member_##_options, field_) },

const struct config_row config_rows[] = {
#define OPT(...) ROW(SERVER, server, __VA_ARGS__)
#include "server/options.def"
#undef OPT
#define OPT(...) ROW(WORKER, worker, __VA_ARGS__)
#include "worker/options.def"
#undef OPT
#define OPT(...) ROW(CACHE, cache, __VA_ARGS__)
#include "cache/options.def"
#undef OPT
};
const size_t config_row_count = sizeof(config_rows) / sizeof(config_rows[0]);

void *
config_field(struct config *config, const struct config_row *row)
{
	return (char *)config + row->offset;
}

const void *
config_field_const(const struct config *config, const struct config_row *row)
{
	return (const char *)config + row->offset;
}

static int
set_origin(struct config *config, const struct config_row *row,
    const char *origin)
{
	const char *copy =
	    arena_strndup(&config->arena, origin, strlen(origin));

	if (copy == NULL)
		return -ENOMEM;
	config->origins[row - config_rows] = copy;
	return 0;
}

int
config_set_text(struct config *config, const struct config_row *row,
    const char *const *texts, size_t count, const char *origin, struct buf *why)
{
	struct buf reason = BUF_EMPTY;
	int rc;

	rc = config_value_from_texts(row, texts, count, &config->arena,
	    config_field(config, row), &reason);
	if (rc == 0)
		rc = set_origin(config, row, origin);
	else if (rc != -ENOMEM)
		(void)buf_printf(why, "%s: %s = %.*s: %.*s", origin, row->name,
		    CONFIG_SHOWN_MAX, texts[count - 1], (int)reason.len,
		    reason.data);
	buf_free(&reason);
	return rc;
}

int
config_set_literal(struct config *config, const struct config_row *row,
    const struct literal *value, const char *origin, struct buf *why)
{
	struct buf reason = BUF_EMPTY;
	int rc;

	rc = config_value_from_literal(row, value, &config->arena,
	    config_field(config, row), &reason);
	if (rc == 0) {
		rc = set_origin(config, row, origin);
	} else if (rc != -ENOMEM) {
		(void)buf_printf(why, "%s: %s = ", origin, row->name);
		literal_print(value, CONFIG_SHOWN_MAX, why);
		(void)buf_printf(why, ": %.*s", (int)reason.len, reason.data);
	}
	buf_free(&reason);
	return rc;
}

void
config_warn(struct config *config, const char *format, ...)
{
	char line[2048];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	(void)buf_printf(&config->warnings, "%s\n", line);
}

static int
load_defaults(struct config *config, struct buf *why)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < config_row_count && rc == 0; i++)
		rc = config_set_text(config, &config_rows[i],
		    &config_rows[i].default_text, 1, "default", why);
	return rc;
}

/* As gunicorn reads SENDFILE. */
static bool
is_yes(const char *text)
{
	return strcasecmp(text, "y") == 0 || strcasecmp(text, "yes") == 0 ||
	       strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0;
}

/* The value of a variable changes the default of a setting; one that is unset
 * or empty does not. */
static int
take_variable(struct config *config, const char *variable, const char *name,
    const char *text, struct buf *why)
{
	char origin[64];

	if (text == NULL || text[0] == '\0')
		return 0;
	(void)snprintf(origin, sizeof(origin), "environment %s", variable);
	return config_set_text(config, config_row_find(name), &text, 1, origin,
	    why);
}

/* Variables that platforms set change defaults, as in gunicorn; and so does
 * the one that keeps the cache of `pronghorn dev` beside the app. */
static int
load_environment(struct config *config, struct buf *why)
{
	static const char *const plain[][2] = {
		{ "WEB_CONCURRENCY", "workers" },
		{ "FORWARDED_ALLOW_IPS", "forwarded_allow_ips" },
		{ CONFIG_CACHE_DIR_VARIABLE, "cache_dir" },
	};
	const char *port = getenv("PORT");
	const char *sendfile = getenv("SENDFILE");
	char address[64];
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(plain) / sizeof(plain[0]) && rc == 0; i++)
		rc = take_variable(config, plain[i][0], plain[i][1],
		    getenv(plain[i][0]), why);
	if (rc == 0 && sendfile != NULL && sendfile[0] != '\0')
		rc = take_variable(config, "SENDFILE", "sendfile",
		    is_yes(sendfile) ? "True" : "False", why);
	if (rc < 0 || port == NULL || port[0] == '\0')
		return rc;
	(void)snprintf(address, sizeof(address), "0.0.0.0:%s", port);
	return take_variable(config, "PORT", "bind", address, why);
}

/* gunicorn's prefixes: file:PATH is PATH, python:MODULE would be code. */
static int
load_named_file(struct config *config, const char *name, struct buf *why)
{
	struct buf path = BUF_EMPTY;
	const char *full;
	bool named = name != NULL;
	int rc;

	if (!named)
		name = CONFIG_DEFAULT_FILE;
	if (strncmp(name, "python:", 7) == 0) {
		(void)buf_printf(why, "%s: code is not run; name a file", name);
		return ERR_SYNTAX;
	}
	if (strncmp(name, "file:", 5) == 0)
		name += 5;
	if (name[0] != '/')
		(void)buf_printf(&path, "%s/", config->start_dir);
	(void)buf_puts(&path, name);
	full = buf_cstr(&path);
	if (full == NULL) {
		rc = -ENOMEM;
		goto out;
	}
	rc = config_file_read(config, full, name, why);
	if (rc == -ENOENT && !named) {
		rc = 0;
		goto out;
	}
	if (rc == -ENOENT)
		(void)buf_printf(why, "%s: no such config file", name);
	if (rc == 0) {
		config->file =
		    arena_strndup(&config->arena, name, strlen(name));
		config->file_path =
		    arena_strndup(&config->arena, full, strlen(full));
		rc = config->file == NULL || config->file_path == NULL ? -ENOMEM
								       : 0;
	}
out:
	buf_free(&path);
	return rc;
}

static int
check(struct config *config, enum config_action action, struct buf *why)
{
	int rc = config_fix_cache_type(config, why);

	if (rc == 0)
		rc = config_fix_values(config, why);
	if (rc == 0)
		rc = config_check_server(config, why);
	if (rc == 0)
		rc = config_check_worker(config, why);
	if (rc == 0)
		rc = config_check_cache(config, why);
	if (rc == 0 && action != CONFIG_PRINT &&
	    config->worker.app[0] == '\0') {
		(void)buf_puts(why,
		    "no app is named: pronghorn [options] path/app.so");
		rc = ERR_SYNTAX;
	}
	return rc;
}

/* All sources into a config whose arguments and start_dir are set. */
static int
load_sources(struct config *config, enum config_action *action, struct buf *why)
{
	struct config_cli variable = { .origin = CONFIG_ARGS_VARIABLE };
	struct config_cli line = { .origin = "command line" };
	const char *extra = getenv(CONFIG_ARGS_VARIABLE);
	const char *const *words = NULL;
	size_t count = 0;
	int rc = 0;

	if (extra != NULL)
		rc = config_split_words(extra, &config->arena, &words, &count,
		    why);
	if (rc == ERR_SYNTAX) {
		struct buf reason = *why;

		buf_init(why, reason.max);
		(void)buf_printf(why, "%s: %.*s", CONFIG_ARGS_VARIABLE,
		    (int)reason.len, reason.data);
		buf_free(&reason);
	}
	/* The command line first: --help works whatever the rest is. */
	if (rc == 0)
		rc = config_cli_parse(&line, config->args, config->arg_count,
		    &config->arena, why);
	if (rc == 0 && line.action <= CONFIG_PRINT)
		rc = config_cli_parse(&variable, words, count, &config->arena,
		    why);
	*action = line.action > variable.action ? line.action : variable.action;
	if (rc < 0 || *action > CONFIG_PRINT)
		return rc;
	rc = load_defaults(config, why);
	if (rc == 0)
		rc = load_environment(config, why);
	if (rc == 0)
		rc = load_named_file(config,
		    line.file != NULL ? line.file : variable.file, why);
	if (rc == 0)
		rc = config_cli_apply(config, &variable, why);
	if (rc == 0)
		rc = config_cli_apply(config, &line, why);
	return rc < 0 ? rc : check(config, *action, why);
}

static struct config *
config_new(const char *const *args, size_t count, const char *start_dir)
{
	struct config *config = calloc(1, sizeof(*config));
	const char **copy;
	size_t i;

	if (config == NULL)
		return NULL;
	arena_init(&config->arena, CONFIG_MEMORY_MAX);
	config->file = "";
	config->file_path = "";
	config->origins = arena_calloc(&config->arena, config_row_count,
	    sizeof(*config->origins));
	config->start_dir =
	    arena_strndup(&config->arena, start_dir, strlen(start_dir));
	copy = arena_calloc(&config->arena, count + 1, sizeof(*copy));
	if (config->origins == NULL || config->start_dir == NULL ||
	    copy == NULL) {
		config_free(&config);
		return NULL;
	}
	config->args = copy;
	config->arg_count = count;
	for (i = 0; i < count; i++) {
		copy[i] =
		    arena_strndup(&config->arena, args[i], strlen(args[i]));
		if (copy[i] == NULL) {
			config_free(&config);
			return NULL;
		}
	}
	return config;
}

static int
load(const char *const *args, size_t count, const char *start_dir,
    struct config **out, enum config_action *action, struct buf *why)
{
	struct config *config = config_new(args, count, start_dir);
	int rc = config == NULL ? -ENOMEM : load_sources(config, action, why);

	if (rc == 0 && !buf_ok(&config->warnings))
		rc = -ENOMEM;
	if (rc < 0 && why->len == 0)
		(void)buf_printf(why, "configuration: %s", err_str(rc));
	if (rc == 0 && *action <= CONFIG_PRINT) {
		*out = config; /* ownership moves to the caller */
		config = NULL;
	}
	config_free(&config);
	return rc;
}

int
config_load(int argc, char **argv, struct config **out,
    enum config_action *action, struct buf *why)
{
	char *start_dir = getcwd(NULL, 0);
	int rc;

	*out = NULL;
	*action = CONFIG_RUN;
	if (start_dir == NULL) {
		rc = -errno;
		(void)buf_printf(why, "current directory: %s", err_str(rc));
		return rc;
	}
	rc = load((const char *const *)argv + (argc > 0),
	    (size_t)(argc > 0 ? argc - 1 : 0), start_dir, out, action, why);
	free(start_dir);
	return rc;
}

/* Put the old value back where a running server cannot take a new one. */
static int
keep_old(const struct config *old, struct config *config)
{
	const struct config_row *row;
	struct buf text = BUF_EMPTY;
	size_t i;
	int rc = 0;

	for (i = 0; i < config_row_count && rc == 0; i++) {
		row = &config_rows[i];
		if (row->applies != OPT_RESTART ||
		    config_value_equal(row, config_field_const(old, row),
			config_field_const(config, row)))
			continue;
		buf_clear(&text);
		config_value_print(row, config_field_const(old, row), &text);
		config_warn(config,
		    "%s: %s needs a restart; %.*s stays in use until then",
		    config->origins[i], row->name, (int)text.len, text.data);
		rc = config_value_copy(row, config_field_const(old, row),
		    &config->arena, config_field(config, row));
		if (rc == 0)
			rc = set_origin(config, row, old->origins[i]);
	}
	buf_free(&text);
	return rc;
}

int
config_reload(const struct config *old, struct config **out, struct buf *why)
{
	struct config *config = NULL;
	enum config_action action = CONFIG_RUN;
	int rc;

	*out = NULL;
	rc = load(old->args, old->arg_count, old->start_dir, &config, &action,
	    why);
	if (rc == 0 && config != NULL)
		rc = keep_old(old, config);
	if (rc < 0)
		config_free(&config);
	*out = config;
	return rc;
}

void
config_free(struct config **config)
{
	struct arena arena;

	if (*config == NULL)
		return;
	buf_free(&(*config)->warnings);
	stock_free(&(*config)->stock);
	session_keys_free(&(*config)->session_keys);
	arena = (*config)->arena;
	arena_free(&arena);
	free(*config);
	*config = NULL;
}

int
config_apply_chdir(const struct config *config, struct buf *why)
{
	int rc = 0;

	if (config->server.chdir[0] == '\0')
		return 0;
	if (chdir(config->start_dir) < 0 || chdir(config->server.chdir) < 0) {
		rc = -errno;
		config_put_place(config, "chdir", why);
		(void)buf_puts(why, err_str(rc));
	}
	return rc;
}

const char *
config_origin(const struct config *config, const char *name)
{
	const struct config_row *row = config_row_find(name);

	return row == NULL ? NULL : config->origins[row - config_rows];
}
