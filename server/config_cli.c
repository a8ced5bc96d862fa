/* SPDX-License-Identifier: MIT */

/*
 * The command line, and PRONGHORN_CMD_ARGS, which is one in the environment.
 * Taken apart first and applied later, as -c must be known before the file is
 * read and the file before anything is applied.
 */
#include "server/config_int.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/base/err.h"

/* Where the parse stands. */
struct cli_parse {
	struct config_cli *cli;
	const char *const *words;
	size_t count;
	size_t at;
	struct config_arg **tail;
	struct arena *arena;
	struct buf *why;
	bool app_seen;
};

/* One word taken apart: --name=value, --name, -x, -xVALUE. */
struct flag {
	const char *name;
	const char *value; /* NULL: not in this word */
};

static int
fail(const struct cli_parse *parse, int rc, const char *word, const char *what)
{
	(void)buf_printf(parse->why, "%s: %.*s: %s", parse->cli->origin, 200,
	    word, what);
	return rc;
}

static int
split_flag(const struct cli_parse *parse, const char *word, struct flag *flag)
{
	const char *equals = strchr(word, '=');
	size_t len = strlen(word);

	flag->value = NULL;
	if (word[1] == '-' && equals != NULL) {
		len = (size_t)(equals - word);
		flag->value = equals + 1;
	} else if (word[1] != '-' && word[2] != '\0') {
		len = 2;
		flag->value = word + 2 + (word[2] == '=');
	}
	flag->name = arena_strndup(parse->arena, word, len);
	return flag->name != NULL ? 0 : -ENOMEM;
}

/* A word that can be the value of the flag before it. */
static bool
is_value(const char *word)
{
	return word[0] != '-' || word[1] == '\0' ||
	       isdigit((unsigned char)word[1]) || word[1] == '.';
}

static int
take_value(struct cli_parse *parse, struct flag *flag)
{
	if (flag->value != NULL)
		return 0;
	if (parse->at == parse->count || !is_value(parse->words[parse->at]))
		return fail(parse, ERR_SYNTAX, flag->name,
		    "a value is missing");
	flag->value = parse->words[parse->at++];
	return 0;
}

static int
take_no_value(const struct cli_parse *parse, const struct flag *flag)
{
	if (flag->value != NULL)
		return fail(parse, ERR_SYNTAX, flag->name, "takes no value");
	return 0;
}

static int
add_arg(struct cli_parse *parse, const struct config_row *row,
    const struct config_compat *compat, const struct flag *flag)
{
	struct config_arg *arg = arena_calloc(parse->arena, 1, sizeof(*arg));

	if (arg == NULL)
		return -ENOMEM;
	arg->row = row;
	arg->compat = compat;
	arg->flag = flag->name;
	arg->value = flag->value;
	*parse->tail = arg;
	parse->tail = &arg->next;
	return 0;
}

static int
parse_options_format(struct cli_parse *parse, struct flag *flag)
{
	int rc = take_value(parse, flag);

	if (rc < 0)
		return rc;
	if (strcmp(flag->value, "conf") == 0)
		parse->cli->action = CONFIG_OPTIONS_CONF;
	else if (strcmp(flag->value, "md") == 0)
		parse->cli->action = CONFIG_OPTIONS_MD;
	else if (strcmp(flag->value, "bash") == 0)
		parse->cli->action = CONFIG_OPTIONS_BASH;
	else if (strcmp(flag->value, "man8") == 0)
		parse->cli->action = CONFIG_OPTIONS_MAN8;
	else if (strcmp(flag->value, "man5") == 0)
		parse->cli->action = CONFIG_OPTIONS_MAN5;
	else if (strcmp(flag->value, "metrics") == 0)
		parse->cli->action = CONFIG_OPTIONS_METRICS;
	else
		return fail(parse, ERR_SYNTAX, flag->name,
		    "must be conf, md, bash, man8, man5 or metrics");
	return 0;
}

/* The flags that are not settings. *known false: not one of them. */
static int
parse_builtin(struct cli_parse *parse, struct flag *flag, bool *known)
{
	struct config_cli *cli = parse->cli;
	const char *name = flag->name;
	int rc = 0;

	*known = true;
	if (strcmp(name, "-c") == 0 || strcmp(name, "--config") == 0) {
		rc = take_value(parse, flag);
		cli->file = flag->value;
		return rc;
	}
	if (strcmp(name, "--print-options") == 0)
		return parse_options_format(parse, flag);
	if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0) {
		rc = take_no_value(parse, flag);
		cli->action = CONFIG_HELP;
	} else if (strcmp(name, "-v") == 0 || strcmp(name, "--version") == 0) {
		rc = take_no_value(parse, flag);
		cli->action = CONFIG_VERSION;
	} else if (strcmp(name, "--print-config") == 0) {
		rc = take_no_value(parse, flag);
		cli->action = CONFIG_PRINT;
	} else if (strcmp(name, "--check-config") == 0) {
		rc = take_no_value(parse, flag);
		if (cli->action == CONFIG_RUN)
			cli->action = CONFIG_CHECK;
	} else {
		*known = false;
	}
	return rc;
}

static int
parse_flag(struct cli_parse *parse, const char *word)
{
	const struct config_compat *compat;
	const struct config_row *row;
	struct flag flag;
	bool known;
	int rc;

	rc = split_flag(parse, word, &flag);
	if (rc < 0)
		return rc;
	rc = parse_builtin(parse, &flag, &known);
	if (known)
		return rc;
	row = config_row_find_flag(flag.name);
	if (row != NULL) {
		rc = row->type == OPT_BOOL ? take_no_value(parse, &flag)
					   : take_value(parse, &flag);
		return rc < 0 ? rc : add_arg(parse, row, NULL, &flag);
	}
	compat = config_compat_find_flag(flag.name);
	if (compat == NULL) {
		(void)fail(parse, 0, flag.name, "no such option");
		config_put_nearest(flag.name, parse->why);
		return ERR_UNKNOWN;
	}
	rc = compat->arity == COMPAT_SWITCH ? take_no_value(parse, &flag)
					    : take_value(parse, &flag);
	return rc < 0 ? rc : add_arg(parse, NULL, compat, &flag);
}

static int
parse_app(struct cli_parse *parse, const char *word)
{
	struct flag flag = { .name = "APP", .value = word };

	if (parse->app_seen)
		return fail(parse, ERR_SYNTAX, word,
		    "one APP is served, this is a second one");
	parse->app_seen = true;
	return add_arg(parse, config_row_find("app"), NULL, &flag);
}

int
config_cli_parse(struct config_cli *cli, const char *const *words, size_t count,
    struct arena *arena, struct buf *why)
{
	struct cli_parse parse = {
		.cli = cli,
		.words = words,
		.count = count,
		.tail = &cli->first,
		.arena = arena,
		.why = why,
	};
	bool flags = true;
	int rc = 0;

	while (rc == 0 && parse.at < count && cli->action <= CONFIG_PRINT) {
		const char *word = words[parse.at++];

		if (flags && strcmp(word, "--") == 0)
			flags = false;
		else if (flags && word[0] == '-' && word[1] != '\0')
			rc = parse_flag(&parse, word);
		else
			rc = parse_app(&parse, word);
	}
	return rc;
}

/* All values of a list in order, from `arg` on. */
static int
set_list(struct config *config, const struct config_arg *arg,
    const char *origin, struct buf *why)
{
	const struct config_arg *other;
	const char **texts;
	size_t count = 0;

	for (other = arg; other != NULL; other = other->next)
		count += other->row == arg->row;
	texts = arena_calloc(&config->arena, count, sizeof(*texts));
	if (texts == NULL)
		return -ENOMEM;
	count = 0;
	for (other = arg; other != NULL; other = other->next) {
		if (other->row == arg->row)
			texts[count++] = other->value;
	}
	return config_set_text(config, arg->row, texts, count, origin, why);
}

/* True when an earlier argument already set the same row. */
static bool
is_repeated(const struct config_cli *cli, const struct config_arg *arg)
{
	const struct config_arg *other;

	for (other = cli->first; other != arg; other = other->next) {
		if (other->row == arg->row)
			return true;
	}
	return false;
}

/* Is this the flag of a row that is switched off by it? --no-x of --x. */
static bool
is_negation(const struct config_row *row, const char *flag)
{
	char positive[CONFIG_NAME_MAX + 3];

	if (row == NULL || row->type != OPT_BOOL ||
	    strncmp(flag, "--no-", 5) != 0 || strlen(flag) > CONFIG_NAME_MAX)
		return false;
	(void)snprintf(positive, sizeof(positive), "--%s", flag + 5);
	return config_row_find_flag(positive) == row;
}

static int
apply_arg(struct config *config, const struct config_cli *cli,
    const struct config_arg *arg, struct buf *why)
{
	const struct config_row *row = arg->row;
	const char *text = arg->value != NULL            ? arg->value
			   : is_negation(row, arg->flag) ? "false"
							 : "true";
	struct buf origin = BUF_EMPTY;
	const char *place;
	int rc = 0;

	(void)buf_printf(&origin, "%s %s", cli->origin, arg->flag);
	place = buf_cstr(&origin);
	if (place == NULL)
		rc = -ENOMEM;
	else if (arg->compat != NULL)
		rc = config_compat_apply(config, arg->compat, place, NULL,
		    arg->value, &row, why);
	if (rc < 0 || row == NULL)
		goto out;
	if (row->type != OPT_LIST)
		rc = config_set_text(config, row, &text, 1, place, why);
	else if (!is_repeated(cli, arg)) /* the first one takes them all */
		rc = set_list(config, arg, place, why);
out:
	buf_free(&origin);
	return rc;
}

int
config_cli_apply(struct config *config, const struct config_cli *cli,
    struct buf *why)
{
	const struct config_arg *arg;
	int rc = 0;

	for (arg = cli->first; arg != NULL && rc == 0; arg = arg->next)
		rc = apply_arg(config, cli, arg, why);
	return rc;
}
