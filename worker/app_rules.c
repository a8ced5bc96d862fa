/* SPDX-License-Identifier: MIT */

/*
 * What makes a set of callbacks consistent: the rules of the front end,
 * checked at start, each with the names the author used.
 *
 * THREADS  The loading thread only.
 */
#include <stdlib.h>
#include <string.h>

#include "worker/app.h"
#include "worker/dash_id.h"
#include "worker/pages.h"
#include "worker/routes.h"

/* May both stand for the same property of the same component? */
static bool
overlaps(const struct dependency *a, const struct dependency *b)
{
	if (strcmp(a->property, b->property) != 0)
		return false;
	if (a->pattern != NULL && b->pattern != NULL)
		return dash_id_overlaps(a->pattern, b->pattern);
	return a->pattern == NULL && b->pattern == NULL &&
	       strcmp(a->id, b->id) == 0;
}

/* Output `i` of a callback against those in front of it. */
static void
check_own_outputs(struct app *app, const struct callback *callback, uint32_t i)
{
	uint32_t j;

	for (j = 0; j < i; j++) {
		if (!overlaps(&callback->outputs[i], &callback->outputs[j]))
			continue;
		(void)buf_printf(&app->problems,
		    "ph_callback(%s): output \"%s\" is there twice\n",
		    callback->function, callback->outputs[i].what);
		return;
	}
}

static void
check_initial(struct app *app, const struct callback *callback)
{
	bool duplicate = false;
	uint32_t i;

	for (i = 0; i < callback->output_count; i++)
		duplicate |= callback->outputs[i].duplicate;
	if (!callback->initial_duplicate)
		return;
	if (!duplicate)
		(void)buf_printf(&app->problems,
		    "ph_callback(%s): .initial_duplicate without "
		    "PH_OUTPUT_DUPLICATE() has no meaning\n",
		    callback->function);
	else if (callback->prevent_initial_call)
		(void)buf_printf(&app->problems,
		    "ph_callback(%s): .initial_duplicate says that it runs "
		    "when the page appears, .prevent_initial_call that it "
		    "does not\n",
		    callback->function);
}

static void
check_outputs(struct app *app, size_t which)
{
	const struct callback *a = app->callbacks[which];
	const struct callback *b;
	uint32_t i, j;
	size_t k;

	for (i = 0; i < a->output_count; i++) {
		if (a->outputs[i].duplicate && !a->prevent_initial_call &&
		    !a->initial_duplicate)
			(void)buf_printf(&app->problems,
			    "ph_callback(%s): PH_OUTPUT_DUPLICATE(\"%s\") "
			    "needs .prevent_initial_call = true: which of "
			    "them would come last? (.initial_duplicate = true "
			    "says that it makes no difference)\n",
			    a->function, a->outputs[i].what);
		check_own_outputs(app, a, i);
		for (k = 0; k < which; k++) {
			b = app->callbacks[k];
			for (j = 0; j < b->output_count; j++) {
				if (a->outputs[i].duplicate ||
				    b->outputs[j].duplicate ||
				    !overlaps(&a->outputs[i], &b->outputs[j]))
					continue;
				(void)buf_printf(&app->problems,
				    "ph_callback(%s): output \"%s\" "
				    "already belongs to %s: "
				    "PH_OUTPUT_DUPLICATE() allows that\n",
				    a->function, a->outputs[i].what,
				    b->function);
			}
		}
	}
}

/* Is the member `name` of this pattern a MATCH? */
static bool
has_match(const struct dependency *dependency, const char *name)
{
	const struct value *value = dependency->pattern != NULL
					? value_get(dependency->pattern, name)
					: NULL;

	return value != NULL && dash_id_wild(value) == DASH_MATCH;
}

static bool
has_any_match(const struct dependency *dependency)
{
	uint32_t i;

	for (i = 0;
	     dependency->pattern != NULL && i < dependency->pattern->count;
	     i++) {
		if (dash_id_wild(&dependency->pattern->u.members[i].value) ==
		    DASH_MATCH)
			return true;
	}
	return false;
}

/* One pattern against that of the first output. */
static void
check_pattern(struct app *app, const struct callback *callback,
    const struct dependency *dependency, bool is_output)
{
	const struct dependency *first = callback->outputs;
	const struct value_member *member;
	const char *wrong;
	enum dash_wild wild;
	uint32_t i;

	for (i = 0;
	     dependency->pattern != NULL && i < dependency->pattern->count;
	     i++) {
		member = &dependency->pattern->u.members[i];
		wild = dash_id_wild(&member->value);
		wrong = NULL;
		if (is_output && wild == DASH_ALLSMALLER)
			wrong = "ALLSMALLER is for inputs and states";
		else if (wild == DASH_ALLSMALLER &&
			 (callback->output_count == 0 ||
			     !has_match(first, member->name)))
			wrong = "ALLSMALLER needs MATCH in the outputs";
		else if (callback->output_count == 0)
			continue;
		else if (wild == DASH_MATCH && has_any_match(first) &&
			 !has_match(first, member->name))
			wrong = "MATCH has to be in the outputs, too";
		else if (is_output && wild == DASH_MATCH &&
			 !has_any_match(first))
			wrong = "all outputs need the same MATCH";
		if (wrong != NULL)
			(void)buf_printf(&app->problems,
			    "ph_callback(%s): \"%s\": member \"%s\": %s\n",
			    callback->function, dependency->what, member->name,
			    wrong);
	}
}

/* The other way round: what the first output matches, all do. */
static void
check_all_match(struct app *app, const struct callback *callback)
{
	const struct value *first =
	    callback->output_count > 0 ? callback->outputs[0].pattern : NULL;
	const struct value_member *member;
	uint32_t i, j;

	for (i = 0; first != NULL && i < first->count; i++) {
		member = &first->u.members[i];
		if (dash_id_wild(&member->value) != DASH_MATCH)
			continue;
		for (j = 1; j < callback->output_count; j++) {
			if (!has_match(&callback->outputs[j], member->name))
				(void)buf_printf(&app->problems,
				    "ph_callback(%s): \"%s\": all outputs need "
				    "MATCH at member \"%s\"\n",
				    callback->function,
				    callback->outputs[j].what, member->name);
		}
	}
}

/* The front end looks for the input that has set it off, to fill MATCH in;
 * when the page appears there is none, and the callback never runs. */
static void
check_running(struct app *app, const struct callback *callback)
{
	struct dependency dependency;
	uint32_t i;

	for (i = 0; i < callback->running_count; i++) {
		memset(&dependency, 0, sizeof(dependency));
		if (!callback->prevent_initial_call &&
		    app_parse_dependency(app, callback->running[i].given,
			&dependency) == NULL &&
		    has_any_match(&dependency))
			(void)buf_printf(&app->problems,
			    "ph_callback(%s): .running \"%s\": MATCH needs "
			    ".prevent_initial_call = true: when the page "
			    "appears nothing has been matched\n",
			    callback->function, callback->running[i].given);
		app_dependency_clear(&dependency);
	}
}

static void
check_patterns(struct app *app, const struct callback *callback)
{
	uint32_t i;

	for (i = 0; i < callback->output_count; i++)
		check_pattern(app, callback, &callback->outputs[i], true);
	for (i = 0; i < callback->arg_count; i++)
		check_pattern(app, callback, &callback->inputs[i], false);
	check_all_match(app, callback);
	check_running(app, callback);
}

static void
check_form(struct app *app, const struct callback *callback)
{
	const char *wrong = NULL;

	if (callback->output_count == 0 && callback->input_count == 0)
		wrong = "neither PH_OUTPUT() nor PH_INPUT()";
	else if (callback->input_count == 0 && callback->prevent_initial_call)
		wrong = "without PH_INPUT() it runs when the page appears, so "
			".prevent_initial_call would mean never";
	if (wrong != NULL)
		(void)buf_printf(&app->problems, "ph_callback(%s): %s\n",
		    callback->function, wrong);
}

/* Without an output of its own a callback is known by its inputs. */
static void
check_key(struct app *app, size_t which)
{
	const struct callback *callback = app->callbacks[which];
	size_t i;

	if (callback->output_count > 0 && !callback->outputs[0].duplicate)
		return;
	for (i = 0; i < which; i++) {
		if (strcmp(callback->output, app->callbacks[i]->output) == 0)
			(void)buf_printf(&app->problems,
			    "ph_callback(%s): defined twice with the same "
			    "inputs\n",
			    callback->function);
	}
}

/* Functions and databases are known by their names. */
static void
check_names(struct app *app)
{
	size_t i, j;

	for (i = 0; i < app->function_count; i++) {
		for (j = 0; j < i; j++)
			if (strcmp(app->functions[i]->name,
				app->functions[j]->name) == 0)
				(void)buf_printf(&app->problems,
				    "ph_memoize(%s): the name is taken\n",
				    app->functions[i]->name);
	}
	for (i = 0; i < app->database_count; i++) {
		for (j = 0; j < i; j++)
			if (strcmp(app->databases[i]->name,
				app->databases[j]->name) == 0)
				(void)buf_printf(&app->problems,
				    "ph_database(%s): the name is taken\n",
				    app->databases[i]->name);
	}
}

void
app_validate(struct app *app)
{
	size_t i;

	if (app->layout == NULL)
		(void)buf_puts(&app->problems,
		    "the app has no page: call ph_layout(app, function)\n");
	for (i = 0; i < app->callback_count; i++) {
		check_form(app, app->callbacks[i]);
		check_patterns(app, app->callbacks[i]);
		check_initial(app, app->callbacks[i]);
		check_outputs(app, i);
		check_key(app, i);
	}
	pages_validate(app);
	routes_validate(app);
	if (app->problems.len == 0)
		app_check_circles(app);
	check_names(app);
	app_check_whole(app);
}
