/* SPDX-License-Identifier: MIT */

/*
 * A recursive descent over the filter's text. See table_filter.h.
 *
 * The rules of comparing are JavaScript's, which decides by the type of each
 * cell and not by that of a column. In SQLite's order numbers come before
 * texts, so `c < ''` are the numbers of a column and `c >= ''` its texts, and
 * an index of the column serves either part.
 *
 * INVARIANT  Only fixed words, parameters (?N) and quoted names of columns
 *            that the table has are ever written to the SQL.
 */
#include "worker/table_filter.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/base/err.h"
#include "worker/cell_text.h"
#include "worker/json_write.h"

#define DEPTH_MAX 32

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

/* Take `word` if it is next, in whatever case. */
static bool
take(struct parser *p, const char *word)
{
	size_t len = strlen(word);

	skip_space(p);
	if ((size_t)(p->end - p->at) < len ||
	    strncasecmp(p->at, word, len) != 0)
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

/* A text between quotes, with backslashes undone; NULL too when it has no
 * end. */
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
	if (p->at == p->end)
		return NULL;
	p->at++;
	return value_text(p->arena, text, len);
}

/* A number when it looks like one, else a text; up to a space or ). */
static const struct value *
read_word(struct parser *p)
{
	const char *from = p->at;
	char *text = arena_alloc(p->arena, (size_t)(p->end - p->at) + 1);
	struct value number;
	size_t len = 0;

	while (text != NULL && p->at < p->end &&
	       !isspace((unsigned char)*p->at) && *p->at != ')') {
		if (strchr("(){}'\"`", *p->at) != NULL)
			return NULL;
		if (*p->at == '\\' && p->at + 1 < p->end)
			p->at++;
		text[len++] = *p->at++;
	}
	if (len == 0)
		return NULL;
	if (!cell_number(from, (size_t)(p->at - from), &number))
		return value_text(p->arena, text, len);
	return number.kind == VALUE_INT
		   ? value_int(p->arena, number.u.integer)
		   : value_double(p->arena, number.u.number);
}

static int
read_operand(struct parser *p, const struct value **operand)
{
	bool quoted;

	skip_space(p);
	if (p->at == p->end)
		return wrong(p, "nothing to compare with");
	quoted = strchr("\"'`", *p->at) != NULL;
	*operand = quoted ? read_quoted(p) : read_word(p);
	return *operand != NULL ? 0
				: wrong(p, quoted ? "a quote is not closed"
						  : "nothing to compare with");
}

/* --- comparisons ---------------------------------------------------------- */

static const struct relation {
	const char *word;
	const char *sql;
	char kind; /* = ! equal and not, < any order, c contains, d date */
} operators[] = {
	/* The longer ones first. */
	{ "datestartswith", NULL, 'd' },
	{ "contains", NULL, 'c' },
	{ "==", "=", '=' },
	{ "!=", NULL, '!' },
	{ ">=", ">=", '<' },
	{ "<=", "<=", '<' },
	{ "eq", "=", '=' },
	{ "ne", NULL, '!' },
	{ "ge", ">=", '<' },
	{ "le", "<=", '<' },
	{ "gt", ">", '<' },
	{ "lt", "<", '<' },
	{ "=", "=", '=' },
	{ ">", ">", '<' },
	{ "<", "<", '<' },
};

#define OPERATORS (sizeof(operators) / sizeof(operators[0]))

/* The operator, NULL when there is none; *fold: ignore case. */
static const struct relation *
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
				*fold = mark == 'i';
				return &operators[i];
			}
		}
		if (mark != '\0' || p->at == p->end ||
		    strchr("iIsS", *p->at) == NULL)
			break;
		mark = *p->at++;
	}
	p->at = from;
	return NULL;
}

/* What a cell is compared with, in the forms in which it is needed. */
struct comparison {
	const char *column;
	const char *sql; /* of the operator */
	const struct value *text;
	const struct value *number; /* NULL: it is none */
	bool is_text;               /* written as one */
	bool zero_passes;           /* what is missing counts as 0 */
};

/*
 * Write `template`: @ is the column, ~ the operator, # the text as a
 * parameter, $ the number as one.
 */
static int
put_sql(struct parser *p, const struct comparison *c, const char *template)
{
	struct table_filter *filter = p->filter;
	unsigned text = 0;
	unsigned number = 0;
	unsigned *place;

	for (; *template != '\0'; template ++) {
		if (*template == '@') {
			table_sql_name(c->column, &filter->sql);
			continue;
		}
		if (*template == '~')
			(void)buf_puts(&filter->sql, c->sql);
		else if (*template != '#' && *template != '$')
			(void)buf_putc(&filter->sql, *template);
		if (*template != '#' && *template != '$')
			continue;
		place = *template == '#' ? &text : &number;
		if (*place == 0) {
			if (filter->count == TABLE_FILTER_PARAMETERS)
				return wrong(p,
				    "it compares with too many values");
			filter->parameters[filter->count] =
			    *template == '#' ? c->text : c->number;
			*place = ++filter->count;
		}
		(void)buf_printf(&filter->sql, "?%u", *place);
	}
	return 0;
}

/* A number compares with what is a number or reads as one. */
static int
put_equal(struct parser *p, const struct comparison *c)
{
	if (c->number == NULL)
		return put_sql(p, c, "@ = #");
	return put_sql(p, c,
	    "(@ = $ AND @ < '') OR (@ >= '' AND filter_number(@) = $)");
}

/* Two texts compare as texts, anything else as numbers. */
static int
put_order(struct parser *p, const struct comparison *c)
{
	int rc;

	if (!c->is_text)
		rc = put_sql(p, c,
		    "(@ ~ $ AND @ < '') OR (@ >= '' AND filter_order(@) ~ $)");
	else if (c->number == NULL)
		rc = put_sql(p, c, "@ ~ # AND @ >= ''");
	else /* + keeps SQLite from making a number of the text */
		rc =
		    put_sql(p, c, "(+@ ~ # AND @ >= '') OR (@ ~ $ AND @ < '')");
	if (rc == 0 && c->zero_passes)
		rc = put_sql(p, c, " OR @ IS NULL");
	return rc;
}

static int
put_contains(struct parser *p, const struct comparison *c, bool fold)
{
	if (fold && c->is_text)
		return put_sql(p, c, "instr(filter_upper(@), #) > 0");
	if (fold)
		return put_sql(p, c,
		    "@ >= '' AND instr(filter_upper(@), #) > 0");
	if (c->is_text)
		return put_sql(p, c,
		    "instr(CASE typeof(@) WHEN 'real' THEN filter_text(@) "
		    "ELSE @ END, #) > 0");
	return put_sql(p, c, "@ >= '' AND instr(@, #) > 0");
}

static int
put_date(struct parser *p, struct comparison *c)
{
	char date[CELL_DATE];

	if (!cell_date(c->text->u.text, c->text->count, date))
		return put_sql(p, c, "0");
	c->text = value_text(p->arena, date, strlen(date));
	if (c->text == NULL)
		return -ENOMEM;
	return put_sql(p, c, "instr(filter_date(@), #) = 1");
}

/* Does 0 pass `0 op number`? */
static bool
zero_passes(const char *sql, const struct value *number)
{
	double with;

	if (number == NULL)
		return false;
	with = number->kind == VALUE_INT ? (double)number->u.integer
					 : number->u.number;
	return (with > 0 && sql[0] == '<') || (with < 0 && sql[0] == '>') ||
	       (with == 0 && sql[1] == '=');
}

/* The operand as a text, as the browser would write it; in capitals to fold. */
static const struct value *
text_of(struct parser *p, const struct value *operand, bool fold)
{
	const struct value *value = operand;
	struct buf text = BUF_EMPTY;
	struct buf upper = BUF_EMPTY;

	if (operand->kind == VALUE_INT)
		(void)buf_printf(&text, "%" PRId64, operand->u.integer);
	else if (operand->kind == VALUE_DOUBLE)
		(void)json_write_number(operand->u.number, &text);
	if (operand->kind != VALUE_TEXT)
		value = buf_ok(&text)
			    ? value_text(p->arena, text.data, text.len)
			    : NULL;
	if (value != NULL && fold)
		value = cell_upper(value->u.text, value->count, &upper) == 0
			    ? value_text(p->arena,
				  upper.len > 0 ? upper.data : "", upper.len)
			    : NULL;
	buf_free(&upper);
	buf_free(&text);
	return value;
}

/* A text's number as a value; NULL: it is none. An empty one is 0 where there
 * is an order. */
static const struct value *
number_of(struct parser *p, const struct value *text, char kind)
{
	struct value *number = value_int(p->arena, 0);

	if (number != NULL && !cell_number(text->u.text, text->count, number) &&
	    (kind != '<' || !cell_is_blank(text->u.text, text->count)))
		return NULL;
	return number;
}

static int
put_comparison(struct parser *p, const char *column, const struct relation *op,
    const struct value *operand, bool fold)
{
	struct comparison c = { column, op->sql, text_of(p, operand, fold),
		operand, operand->kind == VALUE_TEXT, false };

	if (c.is_text)
		c.number = number_of(p, operand, op->kind);
	if (c.text == NULL)
		return -ENOMEM;
	c.zero_passes = op->kind == '<' && zero_passes(op->sql, c.number);
	switch (op->kind) {
	case 'd':
		return put_date(p, &c);
	case 'c':
		return put_contains(p, &c, fold);
	case '!':
		return put_sql(p, &c,
		    fold        ? "filter_upper(@) IS NOT #"
		    : c.is_text ? "+@ IS NOT #"
				: "+@ IS NOT $");
	case '=':
		return fold && c.number == NULL
			   ? put_sql(p, &c, "filter_upper(@) = #")
			   : put_equal(p, &c);
	default:
		return fold ? put_sql(p, &c, "filter_upper(@) ~ #")
			    : put_order(p, &c);
	}
}

static const struct {
	const char *word;
	const char *sql;
} tests[] = {
	{ "blank", "coalesce(@, '') = ''" },
	{ "bool", "0" },
	{ "nil", "@ IS NULL" },
	{ "num", "@ < ''" },
	{ "object", "0" },
	{ "str", "@ >= ''" },
	/* What is no integer of SQLite's is so large that it is even. */
	{ "even", "@ < '' AND ((@ % 2 = 0 AND @ = CAST(@ AS INTEGER)) OR "
		  "@ > 9.3e18 OR @ < -9.3e18)" },
	{ "odd", "@ < '' AND abs(@ % 2) = 1 AND @ = CAST(@ AS INTEGER)" },
};

static int
read_comparison(struct parser *p)
{
	const struct value *operand = NULL;
	const struct relation *op;
	struct comparison c = { NULL, NULL, NULL, NULL, false, false };
	bool fold = false;
	size_t i;
	int rc = read_column(p, &c.column);

	if (rc < 0)
		return rc;
	if (take(p, "is ")) {
		for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
			if (take(p, tests[i].word))
				return put_sql(p, &c, tests[i].sql);
		}
		return wrong(p, "unknown test behind `is`");
	}
	op = read_operator(p, &fold);
	if (op == NULL)
		return wrong(p, "unknown operator");
	rc = read_operand(p, &operand);
	return rc < 0 ? rc : put_comparison(p, c.column, op, operand, fold);
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
		/* A comparison with what is missing is false, not unknown. */
		(void)buf_putc(sql, '(');
		rc = read_one(p);
		(void)buf_putl(sql, " IS NOT TRUE");
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
		/* What is missing comes last both ways. */
		(void)buf_puts(out,
		    direction != NULL && direction->kind == VALUE_TEXT &&
			    strcmp(direction->u.text, "desc") == 0
			? " DESC"
			: " NULLS LAST");
	}
}
