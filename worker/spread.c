/* SPDX-License-Identifier: MIT */

/*
 * The ids that a pattern stands for. See spread.h.
 */
#include "worker/spread.h"

#include <stdlib.h>
#include <string.h>

#include "worker/cell_text.h"

#define NOWHERE UINT32_MAX

static struct spread_domain *
find_domain(const struct spread_domains *domains, const char *name)
{
	/* The buffer is malloc'ed, so it is aligned for any type. */
	struct spread_domain *all =
	    (struct spread_domain *)(void *)domains->all.data;
	size_t i;

	for (i = 0; i < domains->all.len / sizeof(*all); i++) {
		if (strcmp(all[i].name, name) == 0)
			return &all[i];
	}
	return NULL;
}

/* Its index among the values named; `count`: it is none. */
static uint32_t
find_value(const struct spread_domain *domain, const struct value *value)
{
	uint32_t i;

	for (i = 0; i < domain->count; i++) {
		if (dash_id_same(domain->values[i], value))
			break;
	}
	return i;
}

static uint32_t
place_of(const struct spread_domain *domain, const struct value *value)
{
	return domain->smaller + find_value(domain, value);
}

static uint32_t
places(const struct spread_domain *domain)
{
	if (domain->count > 0)
		return domain->count + 2 * domain->smaller;
	return domain->smaller > 0 ? domain->smaller : 1;
}

static bool
add_value(struct spread_domain *domain, const struct value *value,
    struct arena *arena)
{
	const struct value **wider;

	if (domain->count == domain->room) {
		domain->room = domain->room == 0 ? 8 : domain->room * 2;
		wider =
		    arena_calloc(arena, domain->room, sizeof(struct value *));
		if (wider == NULL)
			return false;
		if (domain->count > 0)
			memcpy(wider, domain->values,
			    domain->count * sizeof(*wider));
		domain->values = wider;
	}
	domain->values[domain->count++] = value;
	return true;
}

static bool
learn_pattern(struct spread_domains *domains, const struct value *pattern,
    struct arena *arena)
{
	struct spread_domain fresh = { NULL, NULL, 0, 0, 0 };
	const struct value_member *member;
	struct spread_domain *domain;
	enum dash_wild wild;
	uint32_t i;

	for (i = 0; pattern != NULL && i < pattern->count; i++) {
		member = &pattern->u.members[i];
		fresh.name = member->name;
		if (find_domain(domains, member->name) == NULL)
			(void)buf_put(&domains->all, &fresh, sizeof(fresh));
		domain = find_domain(domains, member->name);
		if (domain == NULL)
			return false;
		wild = dash_id_wild(&member->value);
		if (wild == DASH_ALLSMALLER)
			domain->smaller++;
		else if (wild == DASH_PLAIN &&
			 find_value(domain, &member->value) == domain->count &&
			 !add_value(domain, &member->value, arena))
			return false;
	}
	return true;
}

/* The number that JavaScript makes of an id's value. */
static bool
number_of(const struct value *value, double *number)
{
	struct value read = *value;

	if (value->kind == VALUE_TEXT &&
	    !cell_number(value->u.text, value->count, &read))
		return false;
	if (read.kind != VALUE_INT && read.kind != VALUE_DOUBLE)
		return false;
	*number =
	    read.kind == VALUE_INT ? (double)read.u.integer : read.u.number;
	return true;
}

/* Numbers, then booleans, then texts. */
static int
compare_values(const void *a, const void *b)
{
	const struct value *x = *(const struct value *const *)a;
	const struct value *y = *(const struct value *const *)b;
	double m = 0;
	double n = 0;
	bool x_counts = number_of(x, &m);
	bool y_counts = number_of(y, &n);

	if (x_counts != y_counts)
		return x_counts ? -1 : 1;
	if (x_counts)
		return (m > n) - (m < n);
	if (x->kind != y->kind)
		return x->kind == VALUE_BOOL ? -1 : 1;
	return x->kind == VALUE_BOOL ? (int)x->flag - (int)y->flag
				     : dash_id_compare(x->u.text, y->u.text);
}

bool
spread_learn(struct spread_domains *domains, const struct app *app,
    struct arena *arena)
{
	const struct callback *callback;
	struct spread_domain *domain;
	bool good = true;
	uint32_t i;
	size_t k;

	memset(domains, 0, sizeof(*domains));
	for (k = 0; k < app->callback_count; k++) {
		callback = app->callbacks[k];
		for (i = 0; good && i < callback->output_count; i++)
			good = learn_pattern(domains,
			    callback->outputs[i].pattern, arena);
		for (i = 0; good && i < callback->input_count; i++)
			good = learn_pattern(domains,
			    callback->inputs[i].pattern, arena);
	}
	domain = (struct spread_domain *)(void *)domains->all.data;
	for (k = 0; k < domains->all.len / sizeof(*domain); k++, domain++) {
		if (domain->smaller > 0 && domain->count > 1)
			qsort(domain->values, domain->count,
			    sizeof(*domain->values), compare_values);
	}
	return good;
}

void
spread_forget(struct spread_domains *domains)
{
	buf_free(&domains->all);
}

/* The place that `name` has in the output's id. */
static uint32_t
place_in(const struct spread *output, const char *name)
{
	uint32_t i;

	for (i = 0; output != NULL && i < output->count; i++) {
		if (strcmp(output->domains[i]->name, name) == 0)
			return output->at[i];
	}
	return NOWHERE;
}

bool
spread_begin(struct spread *spread, const struct spread_domains *domains,
    const struct dependency *of, const struct spread *output)
{
	const struct value_member *member;
	enum dash_wild wild;
	uint32_t place;
	uint32_t i;

	memset(spread, 0, sizeof(*spread));
	spread->of = of;
	spread->count = of->pattern != NULL ? of->pattern->count : 0;
	for (i = 0; i < spread->count; i++) {
		member = &of->pattern->u.members[i];
		spread->domains[i] = find_domain(domains, member->name);
		wild = dash_id_wild(&member->value);
		place = wild == DASH_PLAIN
			    ? place_of(spread->domains[i], &member->value)
			    : place_in(output, member->name);
		spread->high[i] = place + 1;
		if (wild == DASH_ALLSMALLER)
			spread->high[i] = place != NOWHERE ? place : 0;
		else if (wild == DASH_ALL || place == NOWHERE)
			spread->high[i] = places(spread->domains[i]);
		else
			spread->low[i] = place;
		spread->at[i] = spread->low[i];
		if (spread->low[i] >= spread->high[i])
			return false;
	}
	return true;
}

bool
spread_next(struct spread *spread)
{
	uint32_t i;

	for (i = 0; i < spread->count; i++) {
		if (++spread->at[i] < spread->high[i])
			return true;
		spread->at[i] = spread->low[i];
	}
	return false;
}

const char *
spread_name(const struct spread *spread, const char *tag, struct buf *out)
{
	const struct dependency *of = spread->of;
	uint32_t i;

	buf_clear(out);
	if (of->pattern == NULL)
		(void)buf_puts(out, of->id);
	for (i = 0; i < spread->count; i++)
		(void)buf_printf(out, "{%zu:%s=%u",
		    strlen(spread->domains[i]->name), spread->domains[i]->name,
		    spread->at[i]);
	(void)buf_printf(out, ".%s%s%s", of->property,
	    of->mark != NULL ? of->mark : "", tag);
	return buf_cstr(out);
}
