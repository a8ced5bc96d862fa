/* SPDX-License-Identifier: MIT */

/*
 * The update protocol: what a browser sends is compared with what the app
 * defined before any app code runs.
 *
 * Only the values are taken from the body. Ids and properties have to be
 * those of the definition, so a forged body can never make a callback run
 * with arguments of another shape.
 *
 * THREADS  Any; no state but the text of the last failure.
 * Source of the protocol: the front end's own requests, dash-renderer 3.4.
 */
#include "worker/update.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/base/err.h"
#include "worker/json_read.h"
#include "worker/json_write.h"

#define JSON_MEMBERS 2000 /* of one object */

static bool
is_text(const struct value *value, const char *text)
{
	return value != NULL && value->kind == VALUE_TEXT &&
	       strcmp(value->u.text, text) == 0;
}

/* {"id": ..., "property": ...} as defined? */
static bool
is_dependency(const struct value *item, const struct dependency *dependency)
{
	return is_text(value_get(item, "id"), dependency->id) &&
	       is_text(value_get(item, "property"), dependency->property);
}

/* The outputs are redundant, so they must agree. */
static bool
outputs_agree(const struct callback *callback, const struct value *outputs)
{
	uint32_t i;

	if (outputs == NULL)
		return false;
	if (!callback->several)
		return is_dependency(outputs, &callback->outputs[0]);
	if (outputs->kind != VALUE_ARRAY ||
	    outputs->count != callback->output_count)
		return false;
	for (i = 0; i < outputs->count; i++) {
		if (!is_dependency(&outputs->u.items[i], &callback->outputs[i]))
			return false;
	}
	return true;
}

/* Copy the values of a list of inputs or states into `to`. */
static bool
take_values(const struct value *list, const struct dependency *dependencies,
    uint32_t count, struct value *to)
{
	const struct value *value;
	uint32_t i;

	if (list == NULL)
		return count == 0; /* the browser leaves an empty list out */
	if (list->kind != VALUE_ARRAY || list->count != count)
		return false;
	for (i = 0; i < count; i++) {
		if (!is_dependency(&list->u.items[i], &dependencies[i]))
			return false;
		value = value_get(&list->u.items[i], "value");
		if (value != NULL) /* absent means undefined: null */
			to[i] = *value;
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

static void
parse_tree(const struct app *app, const struct value *tree, struct arena *arena,
    struct update *update)
{
	const struct value *output = value_get(tree, "output");
	const struct callback *callback;

	if (output == NULL || output->kind != VALUE_TEXT) {
		refuse(update, 400, "\"output\" is not a text");
		return;
	}
	callback = app_find_callback(app, output->u.text);
	if (callback == NULL) {
		refuse(update, 500, "no callback has this output");
		return;
	}
	update->callback = callback;
	update->arguments = value_array(arena, callback->arg_count);
	if (update->arguments == NULL)
		refuse(update, 503, "out of memory");
	else if (!outputs_agree(callback, value_get(tree, "outputs")))
		refuse(update, 400, "\"outputs\" differs from \"output\"");
	else if (!take_values(value_get(tree, "inputs"), callback->inputs,
		     callback->input_count, update->arguments->u.items))
		refuse(update, 400, "\"inputs\" are not those of the callback");
	else if (!take_values(value_get(tree, "state"),
		     callback->inputs + callback->input_count,
		     callback->arg_count - callback->input_count,
		     update->arguments->u.items + callback->input_count))
		refuse(update, 400, "\"state\" is not that of the callback");
	else if (!changed_is_valid(value_get(tree, "changedPropIds")))
		refuse(update, 400, "\"changedPropIds\" is not a list of text");
}

void
update_parse(const struct app *app, const struct worker_options *options,
    const char *body, size_t len, struct arena *arena, struct update *update)
{
	struct json_limits limits = { (size_t)options->limit_json_depth,
		(size_t)options->limit_json_nodes, JSON_MEMBERS };
	struct value *tree = NULL;
	int rc;

	memset(update, 0, sizeof(*update));
	rc = json_read(body, len, &limits, arena, &tree, &update->why);
	if (rc == ERR_TOO_BIG)
		update->status = 413;
	else if (rc == -ENOMEM)
		update->status = 503;
	else if (rc < 0)
		update->status = 400;
	else if (tree->kind != VALUE_OBJECT)
		refuse(update, 400, "the body is not a JSON object");
	else
		parse_tree(app, tree, arena, update);
}

/* The first output with this id: it opens the id's object. */
static bool
opens_id(const struct callback *callback, const struct value *const *outputs,
    uint32_t which)
{
	uint32_t i;

	for (i = 0; i < which; i++) {
		if (outputs[i] != NULL && strcmp(callback->outputs[i].id,
					      callback->outputs[which].id) == 0)
			return false;
	}
	return true;
}

static int
put_properties(const struct callback *callback,
    const struct value *const *outputs, uint32_t from, struct buf *out,
    const char **why)
{
	static _Thread_local char text[256];
	const struct dependency *output;
	uint32_t i;
	int rc;

	(void)buf_putc(out, '{');
	for (i = from; i < callback->output_count; i++) {
		output = &callback->outputs[i];
		if (outputs[i] == NULL ||
		    strcmp(output->id, callback->outputs[from].id) != 0)
			continue;
		if (i > from)
			(void)buf_putc(out, ',');
		(void)json_write_text(output->property,
		    strlen(output->property), out);
		(void)buf_putc(out, ':');
		rc = json_write(outputs[i], out, why);
		if (rc < 0) {
			(void)snprintf(text, sizeof(text), "output %s: %s",
			    output->what, *why);
			*why = text;
			return rc;
		}
	}
	return buf_putc(out, '}');
}

int
update_response(const struct callback *callback,
    const struct value *const *outputs, struct buf *out, const char **why)
{
	bool any = false;
	uint32_t i;
	int rc = 0;

	*why = "out of memory";
	for (i = 0; i < callback->output_count && rc == 0; i++) {
		if (outputs[i] == NULL || !opens_id(callback, outputs, i))
			continue;
		(void)buf_puts(out,
		    any ? "," : "{\"multi\":true,\"response\":{");
		any = true;
		(void)json_write_text(callback->outputs[i].id,
		    strlen(callback->outputs[i].id), out);
		(void)buf_putc(out, ':');
		rc = put_properties(callback, outputs, i, out, why);
	}
	if (any)
		(void)buf_putl(out, "}}");
	if (rc == 0 && !buf_ok(out))
		rc = -ENOMEM;
	return rc;
}
