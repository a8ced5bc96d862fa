/* SPDX-License-Identifier: MIT */

/*
 * --print-config and --help, both from the rows alone.
 */
#include "server/config_int.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/config_value.h"
#include "server/version.h"
#include "worker/metrics.h"

#define HELP_COLUMN 26
#define HELP_WIDTH 79
#define HELP_INDENT "                          "

const char *
config_layer_name(enum config_layer layer)
{
	static const char *const names[] = {
		[CONFIG_SERVER] = "Server",
		[CONFIG_WORKER] = "Worker",
		[CONFIG_CACHE] = "Cache",
	};

	return names[layer];
}

void
config_put_wrapped(struct buf *out, size_t column, const char *indent,
    size_t width, const char *text)
{
	size_t len;
	bool first = true;

	for (;;) {
		text += strspn(text, " ");
		len = strcspn(text, " ");
		if (len == 0)
			break;
		if (!first && column + 1 + len > width) {
			(void)buf_printf(out, "\n%s", indent);
			column = strlen(indent);
		} else if (!first) {
			(void)buf_putc(out, ' ');
			column++;
		}
		(void)buf_put(out, text, len);
		column += len;
		text += len;
		first = false;
	}
	(void)buf_putc(out, '\n');
}

static int
compare_names(const void *a, const void *b)
{
	const struct config_row *const *x = a;
	const struct config_row *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* What nobody is shown: rows whose name says so, unless they are empty. */
static bool
is_hidden(const struct config_row *row, const void *field)
{
	size_t len = strlen(row->name);

	return len > 7 && strcmp(row->name + len - 7, "_secret") == 0 &&
	       row->type == OPT_LIST &&
	       ((const struct opt_list *)field)->count > 0;
}

/* The rows by name; the caller frees the array. NULL without memory. */
static const struct config_row **
sort_rows(void)
{
	const struct config_row **sorted;
	size_t i;

	sorted = calloc(config_row_count, sizeof(*sorted));
	if (sorted == NULL)
		return NULL;
	for (i = 0; i < config_row_count; i++)
		sorted[i] = &config_rows[i];
	qsort(sorted, config_row_count, sizeof(*sorted), compare_names);
	return sorted;
}

static void
list_row(const struct config *config, const struct config_row *row,
    struct cJSON *list)
{
	cJSON *item = cJSON_CreateObject();
	const void *field = config_field_const(config, row);
	struct buf text = BUF_EMPTY;
	const char *value;

	if (is_hidden(row, field))
		(void)buf_puts(&text, "(hidden)");
	else if (row->type == OPT_TEXT || row->type == OPT_PATH)
		(void)buf_puts(&text, *(const char *const *)field);
	else
		config_value_print(row, field, &text);
	value = buf_cstr(&text);
	(void)cJSON_AddStringToObject(item, "name", row->name);
	(void)cJSON_AddStringToObject(item, "value",
	    value != NULL ? value : "");
	(void)cJSON_AddStringToObject(item, "from",
	    config->origins[row - config_rows]);
	(void)cJSON_AddItemToArray(list, item);
	buf_free(&text);
}

void
config_list(const struct config *config, struct cJSON *list)
{
	const struct config_row **sorted = sort_rows();
	size_t i;

	for (i = 0; sorted != NULL && i < config_row_count; i++)
		list_row(config, sorted[i], list);
	free(sorted);
}

static int
print_effective(const struct config *config, struct buf *out)
{
	const struct config_row **sorted = sort_rows();
	const void *field;
	const char *c;
	size_t i;

	if (sorted == NULL)
		return -ENOMEM;
	for (i = 0; i < config_row_count; i++) {
		(void)buf_printf(out, "%s = ", sorted[i]->name);
		field = config_field_const(config, sorted[i]);
		if (is_hidden(sorted[i], field))
			(void)buf_puts(out, "'(hidden)'");
		else
			config_value_print(sorted[i], field, out);
		(void)buf_puts(out, "  # ");
		c = config->origins[sorted[i] - config_rows];
		for (; *c != '\0'; c++) /* a newline would end the comment */
			(void)buf_putc(out,
			    iscntrl((unsigned char)*c) ? '?' : *c);
		(void)buf_putc(out, '\n');
	}
	free(sorted);
	return buf_ok(out) ? 0 : -ENOMEM;
}

static const char *
value_word(enum opt_type type)
{
	static const char *const words[] = {
		[OPT_TEXT] = " TEXT",
		[OPT_PATH] = " PATH",
		[OPT_INT] = " N",
		[OPT_BOOL] = "",
		[OPT_SECONDS] = " SECONDS",
		[OPT_BYTES] = " BYTES",
		[OPT_LEVEL] = " LEVEL",
		[OPT_WORKERS] = " N|auto",
		[OPT_MODE] = " MODE",
		[OPT_LIST] = " ADDRESS",
	};

	return words[type];
}

/* "  -w, --workers N|auto" up to the column of the text. */
static void
put_flags(const char *flags, const char *word, struct buf *out)
{
	size_t start = out->len;
	size_t used;
	size_t len;
	bool first = true;

	(void)buf_puts(out, "  ");
	for (;; flags += len) {
		flags = config_next_flag(flags, &len);
		if (len == 0)
			break;
		(void)buf_printf(out, "%s%.*s", first ? "" : ", ", (int)len,
		    flags);
		first = false;
	}
	(void)buf_puts(out, word);
	used = out->len - start;
	if (used + 2 > HELP_COLUMN)
		(void)buf_puts(out, "\n" HELP_INDENT);
	else
		(void)buf_printf(out, "%*s", (int)(HELP_COLUMN - used), "");
}

static void
put_row(const struct config_row *row, struct buf *out)
{
	struct buf text = BUF_EMPTY;

	(void)buf_puts(&text, row->help);
	if (row->default_text[0] != '\0')
		(void)buf_printf(&text, " Default: %s.", row->default_text);
	(void)buf_putc(&text, '\0');
	put_flags(row->flags, value_word(row->type), out);
	if (buf_ok(&text))
		config_put_wrapped(out, HELP_COLUMN, HELP_INDENT, HELP_WIDTH,
		    text.data);
	else
		out->failed = true;
	buf_free(&text);
}

static void
put_builtin(const char *flags, const char *word, const char *help,
    struct buf *out)
{
	put_flags(flags, word, out);
	config_put_wrapped(out, HELP_COLUMN, HELP_INDENT, HELP_WIDTH, help);
}

static int
print_help(struct buf *out)
{
	enum config_layer layer;
	size_t i;

	(void)buf_puts(out,
	    "usage: pronghorn [-c FILE] [options] APP\n"
	    "       pronghorn dev [--open] [options] app.c [-- cc flags]\n"
	    "       pronghorn new NAME\n"
	    "       pronghorn ctl [-c FILE] COMMAND\n"
	    "\n"
	    "Serve a Dash app written in C. APP is path/app.so[:symbol].\n"
	    "Values come from the defaults, then the config file, then\n"
	    "PRONGHORN_CMD_ARGS in the environment, then this command line.\n"
	    "\n");
	put_builtin("-c --config", " FILE",
	    "Config file, name = value with Python's literals. Default: "
	    "./pronghorn.conf, when there is one.",
	    out);
	put_builtin("--check-config", "",
	    "Read and check everything, say what is wrong, do not serve.", out);
	put_builtin("--print-config", "",
	    "Print every setting, its value and where that comes from.", out);
	put_builtin("--print-options", " FORMAT",
	    "Print what can be set: conf (a config file), md (a table), bash "
	    "(completion), man8 or man5 (man pages), metrics (a table).",
	    out);
	put_builtin("-v --version", "",
	    "Print the versions of this program and its libraries.", out);
	put_builtin("-h --help", "", "Print this text.", out);
	for (layer = CONFIG_SERVER; layer <= CONFIG_CACHE; layer++) {
		(void)buf_printf(out, "\n%s\n", config_layer_name(layer));
		for (i = 0; i < config_row_count; i++) {
			if (config_rows[i].layer == layer)
				put_row(&config_rows[i], out);
		}
	}
	(void)buf_puts(out,
	    "\nSECONDS may be 1.5, 250ms, 90s, 15m or 2h. BYTES may be 4096, "
	    "8KiB, 2MiB or\n1GiB. In the file a name is written with _ and "
	    "without dashes: see\n--print-options=conf.\n");
	return buf_ok(out) ? 0 : -ENOMEM;
}

int
config_print(enum config_action action, const struct config *config,
    struct buf *out)
{
	switch (action) {
	case CONFIG_PRINT:
		return config == NULL ? -EINVAL : print_effective(config, out);
	case CONFIG_VERSION:
		return version_print(out);
	case CONFIG_HELP:
		return print_help(out);
	case CONFIG_OPTIONS_CONF:
		return config_docs_conf(out);
	case CONFIG_OPTIONS_MD:
		return config_docs_md(out);
	case CONFIG_OPTIONS_BASH:
		return config_docs_bash(out);
	case CONFIG_OPTIONS_MAN8:
		return config_man_server(out);
	case CONFIG_OPTIONS_MAN5:
		return config_man_conf(out);
	case CONFIG_OPTIONS_METRICS:
		return metrics_docs(out);
	case CONFIG_RUN:
	case CONFIG_CHECK:
		break;
	}
	return -EINVAL;
}
