/* SPDX-License-Identifier: MIT */

/*
 * The man pages pronghorn(8) and pronghorn.conf(5), made from the tables of
 * settings and of POSIX signals and from what `pronghorn ctl --help` says.
 * `make lint` compares docs/man with what these functions give.
 *
 * The macros are those of man(7), which every formatter knows.
 */
#include "server/config_int.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "server/config_value.h"
#include "server/ctl.h"
#include "server/sig.h"
#include "server/version.h"

/* Text as roff takes it: no escapes, no requests at the start of a line. */
static void
put(struct buf *out, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if ((text[i] == '.' || text[i] == '\'') &&
		    (out->len == 0 || out->data[out->len - 1] == '\n'))
			(void)buf_puts(out, "\\&");
		if (text[i] == '\\')
			(void)buf_puts(out, "\\e");
		else if (text[i] == '-')
			(void)buf_puts(out, "\\-");
		else
			(void)buf_putc(out, text[i]);
	}
}

static void
puts_text(struct buf *out, const char *text)
{
	put(out, text, strlen(text));
}

static void
put_value(struct buf *out, const struct config_row *row,
    void (*print)(const struct config_row *row, struct buf *out))
{
	struct buf text = BUF_EMPTY;

	print(row, &text);
	put(out, text.data != NULL ? text.data : "", text.len);
	buf_free(&text);
}

static void
put_flags(struct buf *out, const char *flags)
{
	const char *separator = "";
	size_t len;

	for (;; flags += len) {
		flags = config_next_flag(flags, &len);
		if (len == 0)
			return;
		(void)buf_printf(out, "%s\\fB", separator);
		put(out, flags, len);
		(void)buf_puts(out, "\\fR");
		separator = ", ";
	}
}

static void
put_title(struct buf *out, const char *name, int section)
{
	(void)buf_printf(out,
	    ".\\\" Made by pronghorn --print-options=man%d\n"
	    ".TH %s %d \"\" \"pronghorn %s\"\n",
	    section, name, section, PRONGHORN_VERSION);
}

static void
conf_row(struct buf *out, const struct config_row *row)
{
	(void)buf_printf(out, ".TP\n\\fB%s\\fR = ", row->name);
	put_value(out, row, config_value_print_default);
	(void)buf_putc(out, '\n');
	puts_text(out, row->help);
	(void)buf_puts(out, "\n.br\nAllowed: ");
	put_value(out, row, config_value_print_bounds);
	(void)buf_puts(out, ". Flag: ");
	put_flags(out, row->flags);
	(void)buf_printf(out, ". Takes effect on %s.\n",
	    row->applies == OPT_RELOAD ? "HUP" : "restart");
}

int
config_man_conf(struct buf *out)
{
	enum config_layer layer;
	size_t i;

	put_title(out, "PRONGHORN.CONF", 5);
	(void)buf_puts(out,
	    ".SH NAME\npronghorn.conf \\- settings of pronghorn(8)\n"
	    ".SH DESCRIPTION\n"
	    "One setting a line: \\fIname\\fR = \\fIvalue\\fR. Values are "
	    "Python literals, so a\ngunicorn.conf.py without code can be used "
	    "as it is: quoted text, numbers, True,\nFalse, None, lists and "
	    "tuples over several lines; # begins a comment. Names that\nare "
	    "not known are errors. Durations may be 1.5, \"250ms\", \"90s\", "
	    "\"15m\" or \"2h\",\nsizes 4096, \"8KiB\", \"2MiB\" or \"1GiB\".\n"
	    ".PP\nA setting comes from its default, then this file, then "
	    "PRONGHORN_CMD_ARGS in the\nenvironment, then the command line. "
	    "\\fBpronghorn \\-\\-print\\-config\\fR shows each value\nand "
	    "where "
	    "it comes from.\n"
	    ".PP\nSettings of gunicorn that mean nothing here give one warning "
	    "that says what to\nset instead; docs/CONFIGURATION.md lists "
	    "them.\n");
	for (layer = CONFIG_SERVER; layer <= CONFIG_CACHE; layer++) {
		(void)buf_printf(out, ".SH %s SETTINGS\n",
		    layer == CONFIG_SERVER   ? "SERVER"
		    : layer == CONFIG_WORKER ? "WORKER"
					     : "CACHE");
		for (i = 0; i < config_row_count; i++) {
			if (config_rows[i].layer == layer)
				conf_row(out, &config_rows[i]);
		}
	}
	(void)buf_puts(out,
	    ".SH FILES\n.TP\n\\fI./pronghorn.conf\\fR\nread when no other "
	    "file is named with \\fB\\-c\\fR\n"
	    ".SH SEE ALSO\n\\fBpronghorn\\fR(8)\n");
	return buf_ok(out) ? 0 : -ENOMEM;
}

static void
put_option(struct buf *out, const char *flags, const char *help)
{
	(void)buf_puts(out, ".TP\n");
	put_flags(out, flags);
	(void)buf_putc(out, '\n');
	puts_text(out, help);
	(void)buf_putc(out, '\n');
}

static void
put_options(struct buf *out)
{
	size_t i;

	(void)buf_puts(out, ".SH OPTIONS\n");
	put_option(out, "-c --config",
	    "The config file. Default: ./pronghorn.conf, when there is one.");
	put_option(out, "--check-config",
	    "Try everything a start would need, say what is wrong, do not "
	    "serve.");
	put_option(out, "--print-config",
	    "Print every setting, its value and where that comes from.");
	put_option(out, "--print-options",
	    "Print what can be set, conf, md, bash, man8 or man5, or the table "
	    "of "
	    "metrics.");
	put_option(out, "-v --version", "Print versions.");
	put_option(out, "-h --help", "Print a summary.");
	(void)buf_puts(out, ".PP\nEvery setting of \\fBpronghorn.conf\\fR(5) "
			    "has a flag:\n.PP\n.nf\n");
	for (i = 0; i < config_row_count; i++) {
		put_flags(out, config_rows[i].flags);
		(void)buf_putc(out, '\n');
	}
	(void)buf_puts(out, ".fi\n");
}

static void
put_sigs(struct buf *out)
{
	const struct sig_row *row;

	(void)buf_puts(out,
	    ".SH SIGNALS\nTo be sent to the master. Workers ignore what is "
	    "not meant for them.\n");
	for (row = sig_table; row->number != 0; row++) {
		if (row->action == SIG_DO_REAP)
			continue;
		(void)buf_printf(out, ".TP\n\\fB%s\\fR\n", row->name);
		puts_text(out, row->help);
		(void)buf_putc(out, '\n');
	}
}

int
config_man_server(struct buf *out)
{
	put_title(out, "PRONGHORN", 8);
	(void)buf_puts(out,
	    ".SH NAME\npronghorn \\- application server for dashboards written "
	    "in C\n"
	    ".SH SYNOPSIS\n\\fBpronghorn\\fR [\\fB\\-c\\fR \\fIFILE\\fR] "
	    "[\\fIoptions\\fR] \\fIAPP\\fR\n.br\n"
	    "\\fBpronghorn ctl\\fR [\\fB\\-\\-socket\\fR \\fIPATH\\fR | "
	    "\\fB\\-c\\fR \\fIFILE\\fR] [\\fB\\-\\-json\\fR] "
	    "\\fICOMMAND\\fR\n.br\n"
	    "\\fBpronghorn dev\\fR [\\fB\\-\\-open\\fR] [\\fIoptions\\fR] "
	    "\\fIapp.c\\fR [\\fB\\-\\-\\fR \\fIcc flags\\fR]\n.br\n"
	    "\\fBpronghorn new\\fR \\fINAME\\fR\n"
	    ".SH DESCRIPTION\n"
	    "Serves a Dash app that is compiled to a shared object. "
	    "\\fIAPP\\fR is\n\\fIpath/app.so\\fR[:\\fIsymbol\\fR]. One master "
	    "process binds, forks and supervises workers,\nwhich share no "
	    "memory; what one computes the others read from a cache.\n"
	    ".PP\n\\fBpronghorn dev\\fR compiles an app, serves it and swaps "
	    "it whenever a file of it\nchanges; \\fBpronghorn new\\fR writes "
	    "an app to begin with. Both have \\fB\\-\\-help\\fR.\n");
	put_options(out);
	put_sigs(out);
	(void)buf_puts(out, ".SH CONTROL\n.nf\n");
	puts_text(out, ctl_usage());
	(void)buf_puts(out,
	    ".fi\n.SH ENVIRONMENT\n"
	    ".TP\nPRONGHORN_CMD_ARGS\narguments in front of those of the "
	    "command line\n"
	    ".TP\nPRONGHORN_CONTROL\ncontrol socket that pronghorn ctl "
	    "uses\n"
	    ".TP\nPORT, WEB_CONCURRENCY, PRONGHORN_CACHE_DIR\ndefaults of "
	    "bind, workers and cache_dir\n"
	    ".TP\nLISTEN_FDS, LISTEN_PID, NOTIFY_SOCKET, WATCHDOG_USEC, "
	    "WATCHDOG_PID\nthe service manager's, see "
	    "\\fBsd_listen_fds\\fR(3) and \\fBsd_notify\\fR(3)\n"
	    ".SH EXIT STATUS\n0 after an orderly stop, 1 when the settings, "
	    "the app or the addresses are not good\nor no worker starts.\n"
	    ".SH SEE ALSO\n\\fBpronghorn.conf\\fR(5)\n");
	return buf_ok(out) ? 0 : -ENOMEM;
}
