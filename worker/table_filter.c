/* SPDX-License-Identifier: MIT */

/*
 * A recursive descent over the filter's text. See table_filter.h.
 *
 * INVARIANT  Only fixed words, parameters (?N) and quoted names of columns
 *            that the table has are ever written to the SQL.
 */
#include "worker/table_filter.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/base/err.h"
#include "worker/decimal.h"

#define DEPTH_MAX 32
#define NUMBER_MAX 63

struct parser {
	const char *from;
	const char *at;
	const char *end;
	const char *const *columns;
	size_t column_count;
	struct arena *arena;
	struct table_filter *filter;
	unsigned depth;
};

static int
wrong(struct parser *p, const char *why)
{
	p->filter->why = why;
	p->filter->offset = (size_t)(p->at - p->from);
	return ERR_SYNTAX;
}

static void
skip_space(struct parser *p)
{
	while (p->at < p->end && isspace((unsigned char)*p->at))
		p->at++;
}

/* Take `word` if it is next. */
static bool
take(struct parser *p, const char *word)
{
	size_t len = strlen(word);

	skip_space(p);
	if ((size_t)(p->end - p->at) < len || memcmp(p->at, word, len) != 0)
		return false;
	p->at += len;
	return true;
}

void
table_sql_name(const char *name, struct buf *out)
{
	(void)buf_putc(out, '"');
	for (; *name != '\0'; name++) {
		if (*name == '"')
			(void)buf_putc(out, '"');
		(void)buf_putc(out, *name);
	}
	(void)buf_putc(out, '"');
}

static const char *
find_column(const char *const *columns, size_t count, const char *name,
    size_t len)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strlen(columns[i]) == len &&
		    memcmp(columns[i], name, len) == 0)
			return columns[i];
	return NULL;
}

/* {column}: in a name, braces and backslashes have a backslash in front. */
static int
read_column(struct parser *p, const char **column)
{
	char *name;
	size_t len = 0;

	skip_space(p);
	if (p->at == p->end || *p->at != '{')
		return wrong(p, "a comparison begins with a {column}");
	name = arena_alloc(p->arena, (size_t)(p->end - p->at) + 1);
	if (name == NULL)
		return -ENOMEM;
	for (p->at++; p->at < p->end && *p->at != '}'; p->at++) {
		if (*p->at == '\\' && p->at + 1 < p->end)
			p->at++;
		name[len++] = *p->at;
	}
	if (p->at == p->end)
		return wrong(p, "a { has no }");
	p->at++;
	*column = find_column(p->columns, p->column_count, name, len);
	return *column != NULL ? 0 : wrong(p, "there is no such column");
}

static int
put_parameter(struct parser *p, const struct value *value)
{
	struct table_filter *filter = p->filter;

	if (filter->count == TABLE_FILTER_PARAMETERS)
		return wrong(p, "it compares with too many values");
	if (value == NULL)
		return -ENOMEM;
	filter->parameters[filter->count++] = value;
	return buf_printf(&filter->sql, "?%u", filter->count);
}

/* A text between quotes, with backslashes undone. */
static const struct value *
read_quoted(struct parser *p)
{
	char quote = *p->at++;
	char *text = arena_alloc(p->arena, (size_t)(p->end - p->at) + 1);
	size_t len = 0;

	if (text == NULL)
		return NULL;
	for (; p->at < p->end && *p->at != quote; p->at++) {
		if (*p->at == '\\' && p->at + 1 < p->end)
			p->at++;
		text[len++] = *p->at;
	}
	if (p->at < p->end)
		p->at++;
	return value_text(p->arena, text, len);
}

static const struct value *
read_number_or_word(struct parser *p)
{
	const char *from = p->at;
	char text[NUMBER_MAX + 1];
	char *end = text;
	size_t len;
	double number = 0;

	while (p->at < p->end && !isspace((unsigned char)*p->at) &&
	       strchr("(){}&|!", *p->at) == NULL)
		p->at++;
	len = (size_t)(p->at - from);
	if (len > 0 && len <= NUMBER_MAX) {
		memcpy(text, from, len);
		text[len] = '\0';
		number = decimal_read(text, &end);
		if (strspn(text, "+-.0123456789eE") == len && *end == '\0')
			return value_double(p->arena, number);
	}
	return len > 0 ? value_text(p->arena, from, len) : NULL;
}

static int
read_operand(struct parser *p, const struct value **operand)
{
	skip_space(p);
	if (p->at == p->end)
		return wrong(p, "nothing to compare with");
	*operand = strchr("\"'`", *p->at) != NULL ? read_quoted(p)
						  : read_number_or_word(p);
	return *operand != NULL ? 0 : wrong(p, "nothing to compare with");
}

/* --- comparisons ---------------------------------------------------------- */

static const struct {
	const char *word;
	const char *sql; /* NULL: contains or datestartswith */
	char kind;       /* = comparison, c contains, d datestartswith */
} operators[] = {
	/* The longer ones first. */
	{ "datestartswith", NULL, 'd' },
	{ "contains", NULL, 'c' },
	{ "==", " = ", '=' },
	{ "!=", " <> ", '=' },
	{ ">=", " >= ", '=' },
	{ "<=", " <= ", '=' },
	{ "eq", " = ", '=' },
	{ "ne", " <> ", '=' },
	{ "ge", " >= ", '=' },
	{ "le", " <= ", '=' },
	{ "gt", " > ", '=' },
	{ "lt", " < ", '=' },
	{ "=", " = ", '=' },
	{ ">", " > ", '=' },
	{ "<", " < ", '=' },
};

#define OPERATORS (sizeof(operators) / sizeof(operators[0]))

/* The operator, SIZE_MAX when there is none; *fold: ignore case. */
static size_t
read_operator(struct parser *p, bool *fold)
{
	const char *from;
	char mark = '\0';
	size_t i;

	skip_space(p);
	from = p->at;
	for (;;) {
		for (i = 0; i < OPERATORS; i++) {
			if (take(p, operators[i].word)) {
				*fold =
				    mark == 'i' ||
				    (mark == '\0' && operators[i].kind == 'c');
				return i;
			}
		}
		if (mark != '\0' || p->at == p->end ||
		    (*p->at != 'i' && *p->at != 's'))
			break;
		mark = *p->at++;
	}
	p->at = from;
	return SIZE_MAX;
}

/* {c} contains "x": a substring; a number counts as its text. */
static int
put_contains(struct parser *p, const char *column, const struct value *operand,
    bool fold, bool at_start)
{
	struct buf *sql = &p->filter->sql;
	int rc;

	(void)buf_puts(sql, fold ? "instr(lower(" : "instr((");
	table_sql_name(column, sql);
	(void)buf_puts(sql, fold ? "), lower(CAST(" : "), (CAST(");
	rc = put_parameter(p, operand);
	(void)buf_puts(sql, at_start ? " AS TEXT))) = 1" : " AS TEXT))) > 0");
	return rc;
}

static int
put_comparison(struct parser *p, const char *column, size_t op,
    const struct value *operand, bool fold)
{
	struct buf *sql = &p->filter->sql;
	int rc;

	table_sql_name(column, sql);
	(void)buf_puts(sql, operators[op].sql);
	rc = put_parameter(p, operand);
	if (fold)
		(void)buf_putl(sql, " COLLATE NOCASE");
	return rc;
}

static const struct {
	const char *word;
	const char *before;
	const char *after;
} tests[] = {
	{ "blank", "coalesce(", ", '') = ''" },
	{ "nil", "", " IS NULL" },
	{ "num", "typeof(", ") IN ('integer', 'real')" },
	{ "str", "typeof(", ") = 'text'" },
	{ "even", "", " % 2 = 0" },
	{ "odd", "abs(", ") % 2 = 1" },
};

static int
read_comparison(struct parser *p)
{
	const struct value *operand = NULL;
	const char *column = NULL;
	struct buf *sql = &p->filter->sql;
	bool fold = false;
	size_t i;
	int rc = read_column(p, &column);

	if (rc < 0)
		return rc;
	if (take(p, "is ")) {
		for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
			if (!take(p, tests[i].word))
				continue;
			(void)buf_puts(sql, tests[i].before);
			table_sql_name(column, sql);
			return buf_puts(sql, tests[i].after);
		}
		return wrong(p, "unknown test behind `is`");
	}
	i = read_operator(p, &fold);
	if (i == SIZE_MAX)
		return wrong(p, "unknown operator");
	rc = read_operand(p, &operand);
	if (rc < 0)
		return rc;
	if (operators[i].kind == '=')
		return put_comparison(p, column, i, operand, fold);
	return put_contains(p, column, operand, fold, operators[i].kind == 'd');
}

/* --- logic ------------------------------------------------------------------
 */

static int read_any(struct parser *p);

static int
read_one(struct parser *p)
{
	struct buf *sql = &p->filter->sql;
	int rc;

	if (++p->depth > DEPTH_MAX)
		return wrong(p, "it is nested too deeply");
	if (take(p, "!")) {
		(void)buf_putl(sql, "NOT (");
		rc = read_one(p);
	} else if (take(p, "(")) {
		(void)buf_putc(sql, '(');
		rc = read_any(p);
		if (rc == 0 && !take(p, ")"))
			rc = wrong(p, "a ( has no )");
	} else {
		(void)buf_putc(sql, '(');
		rc = read_comparison(p);
	}
	(void)buf_putc(sql, ')');
	p->depth--;
	return rc;
}

static int
read_all(struct parser *p)
{
	int rc = read_one(p);

	while (rc == 0 && (take(p, "&&") || take(p, "and "))) {
		(void)buf_putl(&p->filter->sql, " AND ");
		rc = read_one(p);
	}
	return rc;
}

static int
read_any(struct parser *p)
{
	int rc = read_all(p);

	while (rc == 0 && (take(p, "||") || take(p, "or "))) {
		(void)buf_putl(&p->filter->sql, " OR ");
		rc = read_all(p);
	}
	return rc;
}

int
table_filter_parse(struct table_filter *filter, struct arena *arena,
    const char *text, size_t len, const char *const *columns, size_t count)
{
	struct parser p = { text, text, text + len, columns, count, arena,
		filter, 0 };
	int rc;

	memset(filter, 0, sizeof(*filter));
	buf_init(&filter->sql, 64 * 1024);
	skip_space(&p);
	if (p.at == p.end)
		return 0;
	rc = read_any(&p);
	skip_space(&p);
	if (rc == 0 && p.at < p.end)
		rc = wrong(&p, "something is left over");
	if (rc == 0 && !buf_ok(&filter->sql))
		rc = -ENOMEM;
	return rc;
}

void
table_filter_free(struct table_filter *filter)
{
	buf_free(&filter->sql);
}

void
table_sort_sql(const struct value *sort_by, const char *const *columns,
    size_t count, struct buf *out)
{
	const struct value *name;
	const struct value *direction;
	const char *column;
	bool first = true;
	uint32_t i;

	if (sort_by->kind != VALUE_ARRAY)
		return;
	for (i = 0; i < sort_by->count && i < 16; i++) {
		name = value_get(&sort_by->u.items[i], "column_id");
		direction = value_get(&sort_by->u.items[i], "direction");
		if (name == NULL || name->kind != VALUE_TEXT)
			continue;
		column = find_column(columns, count, name->u.text, name->count);
		if (column == NULL)
			continue;
		if (!first)
			(void)buf_putl(out, ", ");
		first = false;
		table_sql_name(column, out);
		if (direction != NULL && direction->kind == VALUE_TEXT &&
		    strcmp(direction->u.text, "desc") == 0)
			(void)buf_putl(out, " DESC");
	}
}
