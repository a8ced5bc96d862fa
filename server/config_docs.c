/* SPDX-License-Identifier: MIT */

/*
 * The generated files: conf/pronghorn.conf, the tables in
 * docs/CONFIGURATION.md and conf/pronghorn.bash. `make lint` and a unit test
 * compare them with what these functions give.
 */
#include "server/config_int.h"

#include <errno.h>
#include <string.h>

#include "server/config_value.h"
#include "server/ctl.h"

#define CONF_WIDTH 79

static const char *
applies_word(const struct config_row *row)
{
	return row->applies == OPT_RELOAD ? "HUP" : "restart";
}

static void
conf_row(const struct config_row *row, struct buf *out)
{
	struct buf note = BUF_EMPTY;

	(void)buf_puts(out, "# ");
	config_put_wrapped(out, 2, "# ", CONF_WIDTH, row->help);
	(void)buf_puts(&note, "Allowed: ");
	config_value_print_bounds(row, &note);
	(void)buf_printf(&note, ". Flag: %s. Takes effect on %s.", row->flags,
	    applies_word(row));
	(void)buf_putc(&note, '\0');
	if (buf_ok(&note)) {
		(void)buf_puts(out, "# ");
		config_put_wrapped(out, 2, "# ", CONF_WIDTH, note.data);
	} else {
		out->failed = true;
	}
	(void)buf_printf(out, "#%s = ", row->name);
	config_value_print_default(row, out);
	(void)buf_puts(out, "\n\n");
	buf_free(&note);
}

int
config_docs_conf(struct buf *out)
{
	enum config_layer layer;
	size_t i;

	(void)buf_puts(out,
	    "# Pronghorn: every setting with its default. Made by\n"
	    "# pronghorn --print-options=conf; docs/CONFIGURATION.md explains "
	    "more.\n"
	    "#\n"
	    "# name = value, values as Python writes them: \"text\", 1, 1.5, "
	    "True, None,\n"
	    "# [\"a\", \"b\"]. Durations may be \"250ms\", \"90s\", \"15m\", "
	    "\"2h\", sizes \"8KiB\",\n"
	    "# \"2MiB\", \"1GiB\".\n");
	for (layer = CONFIG_SERVER; layer <= CONFIG_CACHE; layer++) {
		(void)buf_printf(out, "\n# ---- %s ----\n\n",
		    config_layer_name(layer));
		for (i = 0; i < config_row_count; i++) {
			if (config_rows[i].layer == layer)
				conf_row(&config_rows[i], out);
		}
	}
	while (out->len > 1 && out->data[out->len - 2] == '\n')
		out->len--;
	return buf_ok(out) ? 0 : -ENOMEM;
}

/* In a table cell a bar would end the cell. */
static void
md_put(const char *text, size_t len, struct buf *out)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '|')
			(void)buf_putc(out, '\\');
		(void)buf_putc(out, text[i]);
	}
}

static void
md_flags(const char *flags, struct buf *out)
{
	size_t len;
	bool first = true;

	for (;; flags += len) {
		flags = config_next_flag(flags, &len);
		if (len == 0)
			return;
		(void)buf_printf(out, "%s`%.*s`", first ? "" : " ", (int)len,
		    flags);
		first = false;
	}
}

static void
md_row(const struct config_row *row, struct buf *out)
{
	(void)buf_printf(out, "| `%s` | ", row->name);
	md_flags(row->flags, out);
	(void)buf_puts(out, " | `");
	config_value_print_default(row, out);
	(void)buf_puts(out, "` | ");
	config_value_print_bounds(row, out);
	(void)buf_printf(out, " | %s | ", applies_word(row));
	md_put(row->help, strlen(row->help), out);
	(void)buf_puts(out, " |\n");
}

static const char *
compat_word(enum config_compat_kind kind)
{
	switch (kind) {
	case COMPAT_IGNORED:
		return "ignored";
	case COMPAT_NOT_YET:
		return "not yet";
	case COMPAT_RENAMED:
		return "renamed";
	case COMPAT_UNSAFE:
		return "refused";
	case COMPAT_ROOT:
		return "refused as root";
	}
	return "";
}

static void
md_compats(struct buf *out)
{
	const struct config_compat *compat;
	size_t i;

	(void)buf_puts(out,
	    "\n### Known but not used\n\n"
	    "Settings of gunicorn and Flask-Caching without a meaning of "
	    "their own here.\nEach gives one warning (or, where it says "
	    "refused, an error) unless it is off\nanyway (`None`, `False`, "
	    "`0`, `\"off\"`, empty).\n\n"
	    "| setting | here | what to do |\n|---|---|---|\n");
	for (i = 0; i < config_compat_count; i++) {
		compat = &config_compats[i];
		if (config_row_find(compat->name) != NULL)
			continue; /* it has become a real one */
		(void)buf_printf(out, "| `%s` | %s | ", compat->name,
		    compat_word(compat->kind));
		if (compat->kind == COMPAT_RENAMED)
			(void)buf_printf(out, "set `%s`", compat->advice);
		else
			md_put(compat->advice, strlen(compat->advice), out);
		(void)buf_puts(out, " |\n");
	}
}

int
config_docs_md(struct buf *out)
{
	enum config_layer layer;
	size_t i;

	for (layer = CONFIG_SERVER; layer <= CONFIG_CACHE; layer++) {
		(void)buf_printf(out,
		    "%s### %s\n\n"
		    "| setting | flags | default | allowed | takes effect on "
		    "| meaning |\n|---|---|---|---|---|---|\n",
		    layer == CONFIG_SERVER ? "" : "\n",
		    config_layer_name(layer));
		for (i = 0; i < config_row_count; i++) {
			if (config_rows[i].layer == layer)
				md_row(&config_rows[i], out);
		}
	}
	md_compats(out);
	return buf_ok(out) ? 0 : -ENOMEM;
}

/* A case of the completion: all flags whose type is one of two. */
static void
bash_case(enum opt_type a, enum opt_type b, const char *extra, const char *body,
    struct buf *out)
{
	const char *flags;
	size_t column;
	size_t len;
	size_t i;

	(void)buf_printf(out, "\t%s", extra);
	column = 8 + strlen(extra);
	for (i = 0; i < config_row_count; i++) {
		if (config_rows[i].type != a && config_rows[i].type != b)
			continue;
		flags = config_rows[i].flags;
		for (;; flags += len) {
			flags = config_next_flag(flags, &len);
			if (len == 0)
				break;
			if (column + len + 3 > CONF_WIDTH) {
				(void)buf_puts(out, " | \\\n\t    ");
				column = 12;
			} else if (column > 8) {
				(void)buf_puts(out, " | ");
				column += 3;
			}
			(void)buf_put(out, flags, len);
			column += len;
		}
	}
	(void)buf_printf(out, ")\n%s\t\treturn\n\t\t;;\n", body);
}

static void
bash_flags(struct buf *out)
{
	struct buf all = BUF_EMPTY;
	size_t i;

	(void)buf_puts(&all,
	    "-c --config -h --help -v --version --check-config "
	    "--print-config --print-options");
	for (i = 0; i < config_row_count; i++)
		(void)buf_printf(&all, " %s", config_rows[i].flags);
	(void)buf_putc(&all, '\0');
	(void)buf_puts(out, "\tlocal flags=\"\n\t    ");
	if (buf_ok(&all))
		config_put_wrapped(out, 12, "\t    ", CONF_WIDTH - 11,
		    all.data);
	else
		out->failed = true;
	(void)buf_puts(out, "\t\"\n");
	buf_free(&all);
}

/* The first word of each line of the help that tells of a command, once. */
static void
put_commands(struct buf *out)
{
	const char *line = ctl_usage();
	const char *last = "";
	size_t last_len = 0;
	const char *word;
	size_t len;

	for (; *line != '\0'; line += *line == '\n') {
		word = line + 2;
		if (strncmp(line, "  ", 2) == 0 && *word >= 'a' &&
		    *word <= 'z') {
			len = strcspn(word, " \n");
			if (len != last_len || strncmp(word, last, len) != 0)
				(void)buf_printf(out, " %.*s", (int)len, word);
			last = word;
			last_len = len;
		}
		line += strcspn(line, "\n");
	}
}

/* pronghorn ctl COMMAND */
static void
bash_ctl(struct buf *out)
{
	struct buf all = BUF_EMPTY;

	(void)buf_puts(&all, "--socket -c --config --json --help");
	put_commands(&all);
	(void)buf_putc(&all, '\0');
	(void)buf_puts(out, "\tlocal commands=\"\n\t    ");
	if (buf_ok(&all))
		config_put_wrapped(out, 12, "\t    ", CONF_WIDTH - 11,
		    all.data);
	else
		out->failed = true;
	(void)buf_puts(out,
	    "\t\"\n"
	    "\n"
	    "\tif [[ ${COMP_WORDS[1]} == ctl && $COMP_CWORD -gt 1 ]]; then\n"
	    "\t\tcase $before in\n"
	    "\t\t--socket | -c | --config)\n"
	    "\t\t\tcompopt -o filenames\n"
	    "\t\t\tCOMPREPLY=($(compgen -f -- \"$word\"))\n"
	    "\t\t\t;;\n"
	    "\t\tlog-level)\n"
	    "\t\t\tCOMPREPLY=($(compgen -W \\\n"
	    "\t\t\t    \"debug info warning error critical\" -- \"$word\"))\n"
	    "\t\t\t;;\n"
	    "\t\t*)\n"
	    "\t\t\tCOMPREPLY=($(compgen -W \"$commands\" -- \"$word\"))\n"
	    "\t\t\t;;\n"
	    "\t\tesac\n"
	    "\t\treturn\n"
	    "\tfi\n");
	buf_free(&all);
}

int
config_docs_bash(struct buf *out)
{
	(void)buf_puts(out, "# Completion of pronghorn for bash. Made by\n"
			    "# pronghorn --print-options=bash\n"
			    "\n"
			    "_pronghorn()\n"
			    "{\n"
			    "\tlocal word=${COMP_WORDS[COMP_CWORD]}\n"
			    "\tlocal before=${COMP_WORDS[COMP_CWORD - 1]}\n");
	bash_flags(out);
	bash_ctl(out);
	(void)buf_puts(out, "\n"
			    "\tcase $before in\n"
			    "\t--print-options)\n"
			    "\t\tCOMPREPLY=($(compgen -W \"conf md bash man8 "
			    "man5 metrics\" -- \"$word\"))\n"
			    "\t\treturn\n"
			    "\t\t;;\n");
	bash_case(OPT_PATH, OPT_PATH, "-c | --config",
	    "\t\tcompopt -o filenames\n"
	    "\t\tCOMPREPLY=($(compgen -f -- \"$word\"))\n",
	    out);
	bash_case(OPT_LEVEL, OPT_LEVEL, "",
	    "\t\tCOMPREPLY=($(compgen -W \\\n"
	    "\t\t    \"debug info warning error critical\" -- \"$word\"))\n",
	    out);
	bash_case(OPT_WORKERS, OPT_WORKERS, "",
	    "\t\tCOMPREPLY=($(compgen -W \"auto\" -- \"$word\"))\n", out);
	(void)buf_puts(out,
	    "\tesac\n"
	    "\n"
	    "\tif [[ $word == -* ]]; then\n"
	    "\t\tCOMPREPLY=($(compgen -W \"$flags\" -- \"$word\"))\n"
	    "\telse\n"
	    "\t\tcompopt -o filenames\n"
	    "\t\tCOMPREPLY=($(compgen -f -X '!*.so' -- \"$word\")\n"
	    "\t\t    $(compgen -d -- \"$word\"))\n"
	    "\t\t[[ $COMP_CWORD -eq 1 ]] &&\n"
	    "\t\t\tCOMPREPLY+=($(compgen -W ctl -- \"$word\"))\n"
	    "\tfi\n"
	    "}\n"
	    "\n"
	    "complete -F _pronghorn pronghorn\n");
	return buf_ok(out) ? 0 : -ENOMEM;
}
