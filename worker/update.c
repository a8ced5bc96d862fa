/* SPDX-License-Identifier: MIT */

/*
 * The update protocol: what a browser sends is compared with what the app
 * defined before any app code runs.
 *
 * Ids and properties have to be those of the definition, or such as its
 * patterns stand for, so a forged body can never make a callback run with
 * arguments of another shape or set what is not an output of it.
 *
 * THREADS  Any; no state but the text of the last failure.
 * Source of the protocol: the front end's own requests, dash-renderer 3.4.
 */
#include "worker/update.h"

#include <errno.h>
#include <string.h>

#include "server/base/err.h"
#include "worker/dash_id.h"
#include "worker/json_read.h"

/* What is learned while a body is compared with a definition. */
struct parsing {
	struct arena *arena;
	struct dash_match match; /* outputs first: they say what MATCH is */
	struct value *outputs;   /* ids */
	struct value *ids;       /* of inputs and states */
};

static bool
is_text(const struct value *value, const char *text)
{
	return value != NULL && value->kind == VALUE_TEXT &&
	       strcmp(value->u.text, text) == 0;
}

/* The property as defined? With or without the mark of a duplicate. */
static bool
is_property(const struct value *item, const struct dependency *dependency)
{
	const struct value *property = value_get(item, "property");
	size_t len = strlen(dependency->property);

	if (property == NULL || property->kind != VALUE_TEXT ||
	    strncmp(property->u.text, dependency->property, len) != 0)
		return false;
	return property->u.text[len] == '\0' ||
	       (dependency->mark != NULL &&
		   strcmp(property->u.text + len, dependency->mark) == 0);
}

/* {"id": ..., "property": ...} as defined? Puts its id into *id. */
static bool
take_item(struct parsing *parsing, const struct value *item,
    const struct dependency *dependency, struct value *id)
{
	const struct value *given = value_get(item, "id");
	struct value *sorted;

	if (given == NULL || !is_property(item, dependency))
		return false;
	if (dependency->pattern == NULL) {
		*id = *given;
		return is_text(given, dependency->id);
	}
	sorted = dash_id_sorted(parsing->arena, given);
	if (sorted == NULL ||
	    !dash_id_matches(dependency->pattern, sorted, &parsing->match))
		return false;
	*id = *sorted;
	return true;
}

/* A list for ALL and ALLSMALLER; false: not as defined. */
static bool
take_list(struct parsing *parsing, const struct value *list,
    const struct dependency *dependency, struct value *ids,
    struct value *values)
{
	const struct value *value;
	struct value *all;
	struct value *given;
	uint32_t i;

	if (list->kind != VALUE_ARRAY)
		return false;
	all = value_array(parsing->arena, list->count);
	given = value_array(parsing->arena, list->count);
	if (all == NULL || given == NULL)
		return false;
	for (i = 0; i < list->count; i++) {
		if (!take_item(parsing, &list->u.items[i], dependency,
			&all->u.items[i]))
			return false;
		value = value_get(&list->u.items[i], "value");
		if (value != NULL)
			given->u.items[i] = *value;
	}
	*ids = *all;
	if (values != NULL)
		*values = *given;
	return true;
}

/* One input, state or output of the body. `value` may be NULL. */
static bool
take(struct parsing *parsing, const struct value *item,
    const struct dependency *dependency, struct value *id, struct value *value)
{
	const struct value *given;

	if (dependency->is_list)
		return take_list(parsing, item, dependency, id, value);
	if (!take_item(parsing, item, dependency, id))
		return false;
	given = value_get(item, "value");
	if (value != NULL && given != NULL) /* absent is undefined: null */
		*value = *given;
	return true;
}

/* The outputs are redundant, so they must agree. */
static bool
take_outputs(struct parsing *parsing, const struct callback *callback,
    const struct value *outputs, struct value *ids)
{
	uint32_t i;

	if (callback->output_count == 0)
		return outputs == NULL || outputs->kind == VALUE_NULL ||
		       (outputs->kind == VALUE_ARRAY && outputs->count == 0);
	if (outputs == NULL)
		return false;
	if (!callback->several)
		return take(parsing, outputs, &callback->outputs[0],
		    &ids->u.items[0], NULL);
	if (outputs->kind != VALUE_ARRAY ||
	    outputs->count != callback->output_count)
		return false;
	for (i = 0; i < outputs->count; i++) {
		if (!take(parsing, &outputs->u.items[i], &callback->outputs[i],
			&ids->u.items[i], NULL))
			return false;
	}
	return true;
}

/* Copy the values of a list of inputs or states into `to`. */
static bool
take_values(struct parsing *parsing, const struct value *list,
    const struct dependency *dependencies, uint32_t count, struct value *ids,
    struct value *to)
{
	uint32_t i;

	if (list == NULL)
		return count == 0; /* the browser leaves an empty list out */
	if (list->kind != VALUE_ARRAY || list->count != count)
		return false;
	for (i = 0; i < count; i++) {
		if (!take(parsing, &list->u.items[i], &dependencies[i], &ids[i],
			&to[i]))
			return false;
	}
	return true;
}

static bool
changed_is_valid(const struct value *changed)
{
	uint32_t i;

	if (changed == NULL)
		return true;
	if (changed->kind != VALUE_ARRAY)
		return false;
	for (i = 0; i < changed->count; i++) {
		if (changed->u.items[i].kind != VALUE_TEXT)
			return false;
	}
	return true;
}

static void
refuse(struct update *update, int status, const char *why)
{
	update->status = status;
	update->why = why;
}

/* Where the parts of a request go. */
static bool
prepare(struct parsing *parsing, struct update *update)
{
	const struct callback *callback = update->callback;

	update->arguments = value_array(parsing->arena, callback->arg_count);
	update->about = value_array(parsing->arena, UPDATE_ABOUT_COUNT);
	parsing->outputs = value_array(parsing->arena, callback->output_count);
	parsing->ids = value_array(parsing->arena, callback->arg_count);
	return update->arguments != NULL && update->about != NULL &&
	       parsing->outputs != NULL && parsing->ids != NULL;
}

/* Only what the callback may depend on. */
static void
keep_about(const struct parsing *parsing, const struct value *changed,
    struct update *update)
{
	struct value *about = update->about->u.items;

	if (update->callback->patterned) {
		about[UPDATE_OUTPUTS] = *parsing->outputs;
		about[UPDATE_IDS] = *parsing->ids;
	} else if (update->callback->memoize) {
		update->about = NULL;
	}
	if (update->callback->memoize)
		return;
	if (changed != NULL)
		about[UPDATE_TRIGGERED] = *changed;
	else
		about[UPDATE_TRIGGERED].kind = VALUE_ARRAY;
}

static void
parse_tree(const struct app *app, const struct value *tree, struct arena *arena,
    struct update *update)
{
	const struct value *output = value_get(tree, "output");
	const struct value *changed = value_get(tree, "changedPropIds");
	const struct callback *callback;
	struct parsing parsing = { .arena = arena };

	if (output == NULL || output->kind != VALUE_TEXT) {
		refuse(update, 400, "\"output\" is not a text");
		return;
	}
	callback = app_find_callback(app, output->u.text);
	if (callback == NULL || callback->computation.run == NULL) {
		refuse(update, 500, "no callback has this output");
		return;
	}
	update->callback = callback;
	if (!prepare(&parsing, update))
		refuse(update, 503, "out of memory");
	else if (!take_outputs(&parsing, callback, value_get(tree, "outputs"),
		     parsing.outputs))
		refuse(update, 400, "\"outputs\" differs from \"output\"");
	else if (!take_values(&parsing, value_get(tree, "inputs"),
		     callback->inputs, callback->input_count,
		     parsing.ids->u.items, update->arguments->u.items))
		refuse(update, 400, "\"inputs\" are not those of the callback");
	else if (!take_values(&parsing, value_get(tree, "state"),
		     callback->inputs + callback->input_count,
		     callback->arg_count - callback->input_count,
		     parsing.ids->u.items + callback->input_count,
		     update->arguments->u.items + callback->input_count))
		refuse(update, 400, "\"state\" is not that of the callback");
	else if (!changed_is_valid(changed))
		refuse(update, 400, "\"changedPropIds\" is not a list of text");
	else
		keep_about(&parsing, changed, update);
}

/* Is JSON_UNHELD in it, or in something inside it? */
static bool
has_unheld(const struct value *value)
{
	const struct value_member *member;
	bool found = false;
	uint32_t i;

	if (value->kind == VALUE_TEXT)
		return memchr(value->u.text, (unsigned char)JSON_UNHELD,
			   value->count) != NULL;
	for (i = 0; value->kind == VALUE_ARRAY && !found && i < value->count;
	     i++)
		found = has_unheld(&value->u.items[i]);
	for (i = 0; value->kind == VALUE_OBJECT && !found && i < value->count;
	     i++) {
		member = &value->u.members[i];
		found = memchr(member->name, (unsigned char)JSON_UNHELD,
			    member->name_len) != NULL ||
			has_unheld(&member->value);
	}
	return found;
}

/*
 * A refused body may be good but for a text: JavaScript has such as no text of
 * C can be. Then say in which input it is, as its user can do something
 * about that.
 */
static void
name_input(const struct app *app, const struct json_limits *limits,
    const char *body, size_t len, struct arena *arena, struct update *update)
{
	struct json_limits lenient = *limits;
	struct update found = { .status = 0 };
	const struct callback *callback;
	struct buf text = BUF_EMPTY;
	const char *why = NULL;
	struct value *tree;
	uint32_t i;

	lenient.any_text = true;
	if (json_read(body, len, &lenient, arena, &tree, &why) < 0 ||
	    tree->kind != VALUE_OBJECT)
		return;
	parse_tree(app, tree, arena, &found);
	callback = found.callback;
	for (i = 0; found.status == 0 && i < callback->arg_count; i++) {
		if (!has_unheld(&found.arguments->u.items[i]))
			continue;
		update->callback = callback;
		update->status = 422; /* the panel does not show a 400 */
		(void)buf_printf(&text, "%s %s: %s",
		    i < callback->input_count ? "input" : "state",
		    callback->inputs[i].what, update->why);
		why = arena_strndup(arena, text.data, text.len);
		if (text.len > 0 && why != NULL)
			update->why = why;
		buf_free(&text);
		return;
	}
}

void
update_parse(const struct app *app, const struct worker_options *options,
    const char *body, size_t len, struct arena *arena, struct update *update)
{
	struct json_limits limits = { (size_t)options->limit_json_depth,
		(size_t)options->limit_json_nodes,
		(size_t)options->limit_json_nodes, false, false };
	struct value *tree = NULL;
	int rc;

	memset(update, 0, sizeof(*update));
	rc = json_read(body, len, &limits, arena, &tree, &update->why);
	if (rc == ERR_TOO_BIG)
		update->status = 413;
	else if (rc == -ENOMEM)
		update->status = 503;
	else if (rc < 0) {
		update->status = 400;
		name_input(app, &limits, body, len, arena, update);
	} else if (tree->kind != VALUE_OBJECT)
		refuse(update, 400, "the body is not a JSON object");
	else
		parse_tree(app, tree, arena, update);
}
