/* SPDX-License-Identifier: MIT */

/*
 * From a layout to what a user can do with it. A component is a control when
 * one of its properties is an input of some callback and the layout says what
 * values that may have: `options` of dropdowns, radio items and the like, min
 * and max of a slider. If there is none, buttons are pressed.
 *
 * OWNERSHIP  Texts live in the arena of the graph.
 * THREADS    The loop only.
 */
#include "test/bench/app_model.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUNDLES_MAX 256u
#define SLIDER_VALUES 10

/* ---- ids --------------------------------------------------------------------
 */

/* An id as the dependencies write it: keys of objects sorted. */
static char *
id_text(const cJSON *id)
{
	cJSON *sorted;
	const cJSON *item;
	const cJSON *least;
	const char *last = "";
	char *text;
	int left;

	if (cJSON_IsString(id))
		return strdup(id->valuestring);
	if (!cJSON_IsObject(id))
		return NULL;
	sorted = cJSON_CreateObject();
	for (left = cJSON_GetArraySize(id); left > 0; left--) {
		least = NULL;
		cJSON_ArrayForEach(item, id)
		{
			if (strcmp(item->string, last) > 0 &&
			    (least == NULL ||
				strcmp(item->string, least->string) < 0))
				least = item;
		}
		if (least == NULL)
			break;
		last = least->string;
		(void)cJSON_AddItemToObject(sorted, last,
		    cJSON_Duplicate(least, true));
	}
	text = cJSON_PrintUnformatted(sorted);
	cJSON_Delete(sorted);
	return text;
}

static const char *
keep_json(struct app_model *model, const cJSON *value)
{
	char *text = cJSON_PrintUnformatted(value);
	const char *kept = NULL;

	if (text != NULL)
		kept = arena_strndup(&model->graph.arena, text, strlen(text));
	free(text);
	return kept;
}

/* ---- controls
 * ---------------------------------------------------------------- */

static struct control *
add_control(struct app_model *model, unsigned slot, size_t values)
{
	struct control *more;

	more = realloc(model->controls,
	    (model->control_count + 1) * sizeof(*more));
	if (more == NULL)
		return NULL;
	model->controls = more;
	more += model->control_count;
	more->slot = slot;
	more->count = 0;
	more->values = arena_calloc(&model->graph.arena, values + 1,
	    sizeof(*more->values));
	if (more->values == NULL)
		return NULL;
	model->control_count++;
	return more;
}

/* An option is a value, or an object with one; a multi dropdown takes a list.
 */
static void
add_value(struct app_model *model, struct control *control, const cJSON *option,
    bool multi)
{
	const cJSON *value = option;
	const char *text;
	size_t len;
	char *list;

	if (cJSON_IsObject(option))
		value = cJSON_GetObjectItem(option, "value");
	if (value == NULL ||
	    cJSON_IsTrue(cJSON_GetObjectItem(option, "disabled")))
		return;
	text = keep_json(model, value);
	if (text != NULL && multi) {
		len = strlen(text);
		list = arena_alloc(&model->graph.arena, len + 3);
		if (list != NULL)
			(void)snprintf(list, len + 3, "[%s]", text);
		text = list;
	}
	if (text != NULL)
		control->values[control->count++] = text;
}

static void
add_options(struct app_model *model, unsigned slot, const cJSON *options,
    bool multi)
{
	struct control *control;
	const cJSON *option;
	cJSON *key;

	control = add_control(model, slot, (size_t)cJSON_GetArraySize(options));
	if (control == NULL)
		return;
	cJSON_ArrayForEach(option, options)
	{
		if (cJSON_IsObject(options)) { /* { value: label } */
			key = cJSON_CreateString(option->string);
			add_value(model, control, key, multi);
			cJSON_Delete(key);
		} else {
			add_value(model, control, option, multi);
		}
	}
	if (control->count == 0)
		model->control_count--;
}

static void
add_slider(struct app_model *model, unsigned slot, double min, double max,
    double step)
{
	struct control *control = add_control(model, slot, SLIDER_VALUES);
	cJSON *number;
	double value;
	int i;

	if (control == NULL)
		return;
	if (step <= 0)
		step = (max - min) / SLIDER_VALUES;
	for (i = 0; i < SLIDER_VALUES; i++) {
		value = min + step * i;
		if (value > max)
			break;
		number = cJSON_CreateNumber(value);
		add_value(model, control, number, false);
		cJSON_Delete(number);
	}
}

static void
find_control(struct app_model *model, unsigned slot, const cJSON *props,
    const cJSON *type)
{
	const cJSON *options = cJSON_GetObjectItem(props, "options");
	const cJSON *min = cJSON_GetObjectItem(props, "min");
	const cJSON *max = cJSON_GetObjectItem(props, "max");
	const cJSON *step = cJSON_GetObjectItem(props, "step");
	const char *name = cJSON_GetStringValue(type);
	bool multi;

	if (strcmp(model->graph.slots[slot].property, "value") != 0 ||
	    model->graph.slots[slot].reader_count == 0)
		return;
	multi = cJSON_IsTrue(cJSON_GetObjectItem(props, "multi")) ||
		(name != NULL && strcmp(name, "Checklist") == 0);
	if (cJSON_GetArraySize(options) > 0)
		add_options(model, slot, options, multi);
	else if (cJSON_IsNumber(min) && cJSON_IsNumber(max) &&
		 !(name != NULL && strcmp(name, "RangeSlider") == 0))
		add_slider(model, slot, min->valuedouble, max->valuedouble,
		    cJSON_IsNumber(step) ? step->valuedouble : 0);
}

/* ---- the layout
 * --------------------------------------------------------------- */

/* A component: note its properties that callbacks read, mark it as there. */
static void
read_component(struct app_model *model, bool *there, const cJSON *component)
{
	const cJSON *props = cJSON_GetObjectItem(component, "props");
	const cJSON *value;
	char *id = id_text(cJSON_GetObjectItem(props, "id"));
	struct graph_slot *slot;
	unsigned i;

	if (id == NULL)
		return;
	for (i = 0; i < model->graph.slot_count; i++) {
		slot = &model->graph.slots[i];
		if (strcmp(slot->id, id) != 0)
			continue;
		there[i] = true;
		value = cJSON_GetObjectItemCaseSensitive(props, slot->property);
		if (slot->carried && value != NULL)
			model->initial[i] = keep_json(model, value);
		find_control(model, i, props,
		    cJSON_GetObjectItem(component, "type"));
	}
	free(id);
}

static void
read_layout(struct app_model *model, bool *there, const cJSON *node)
{
	const cJSON *child;

	if (cJSON_IsObject(node) &&
	    cJSON_IsObject(cJSON_GetObjectItem(node, "props")))
		read_component(model, there, node);
	cJSON_ArrayForEach(child, node)
	{
		if (cJSON_IsObject(child) || cJSON_IsArray(child))
			read_layout(model, there, child);
	}
}

/* Callbacks whose components are not on the page do not run. */
static void
drop_absent(struct app_model *model, const bool *there)
{
	struct graph_callback *callback;
	unsigned missing;
	unsigned c;
	unsigned i;

	for (c = 0; c < model->graph.callback_count; c++) {
		callback = &model->graph.callbacks[c];
		missing = 0;
		for (i = 0; i < callback->input_count; i++)
			missing += !there[callback->inputs[i]];
		if (callback->driven && missing > 0) {
			callback->driven = false;
			model->absent++;
		}
		model->driven += callback->driven;
	}
}

static void
add_buttons(struct app_model *model, const bool *there)
{
	const struct graph_slot *slot;
	unsigned i;

	for (i = 0; i < model->graph.slot_count; i++) {
		slot = &model->graph.slots[i];
		if (there[i] && slot->reader_count > 0 &&
		    strcmp(slot->property, "n_clicks") == 0)
			(void)add_control(model, i, 0);
	}
}

/* ---- wishes
 * ------------------------------------------------------------------- */

static bool
is_json(const char *text)
{
	cJSON *tree = cJSON_ParseWithOpts(text, NULL, true);
	bool good = tree != NULL;

	cJSON_Delete(tree);
	return good;
}

/* a,b,3 or "a","b",3: what is not JSON is a text. */
static int
use_values(struct app_model *model, struct control *control, const char *values)
{
	char *copy = strdup(values);
	char *rest = copy;
	char *word;
	cJSON *text;

	if (copy == NULL)
		return -ENOMEM;
	control->count = 0;
	control->values = arena_calloc(&model->graph.arena, strlen(values) + 1,
	    sizeof(*control->values));
	while (control->values != NULL && (word = strsep(&rest, ",")) != NULL) {
		text = is_json(word) ? cJSON_CreateRaw(word)
				     : cJSON_CreateString(word);
		control->values[control->count] = keep_json(model, text);
		if (control->values[control->count] != NULL)
			control->count++;
		cJSON_Delete(text);
	}
	free(copy);
	return control->count > 0 ? 0 : -ENOMEM;
}

/* Leave only the control that was asked for, with the values given. */
static int
apply_wish(struct app_model *model, const struct app_model_wish *wish,
    const char **why)
{
	struct control *control;
	unsigned i;

	if (wish->control != NULL) {
		for (i = 0; i < model->graph.slot_count; i++) {
			if (strcmp(model->graph.slots[i].key, wish->control) ==
			    0)
				break;
		}
		if (i == model->graph.slot_count) {
			*why = "no callback has that control as an input";
			return -EPROTO;
		}
		while (
		    model->control_count > 0 && model->controls[0].slot != i) {
			model->control_count--;
			memmove(model->controls, model->controls + 1,
			    model->control_count * sizeof(*model->controls));
		}
		if (model->control_count == 0 &&
		    add_control(model, i, 0) == NULL)
			return -ENOMEM;
		model->control_count = 1;
	}
	if (wish->values == NULL)
		return 0;
	if (model->control_count == 0) {
		*why = "the page has nothing to choose values for";
		return -EPROTO;
	}
	control = &model->controls[0];
	model->control_count = 1;
	return use_values(model, control, wish->values);
}

/* ---- making
 * ------------------------------------------------------------------- */

static int
keep_bytes(char **to, size_t *to_len, const char *bytes, size_t len)
{
	*to = malloc(len + 1);
	if (*to == NULL)
		return -ENOMEM;
	memcpy(*to, bytes, len);
	*to_len = len;
	return 0;
}

static int
read_app(struct app_model *model, const cJSON *layout,
    const struct app_model_wish *wish, const char **why)
{
	bool *there = arena_calloc(&model->graph.arena,
	    model->graph.slot_count + 1, sizeof(bool));

	model->initial = arena_calloc(&model->graph.arena,
	    model->graph.slot_count + 1, sizeof(*model->initial));
	if (there == NULL || model->initial == NULL)
		return -ENOMEM;
	read_layout(model, there, layout);
	drop_absent(model, there);
	if (model->control_count == 0)
		add_buttons(model, there);
	return apply_wish(model, wish, why);
}

int
app_model_new(struct app_model **out, const char *layout, size_t layout_len,
    const char *dependencies, size_t dependencies_len,
    const struct app_model_wish *wish, const char **why)
{
	struct app_model *model = calloc(1, sizeof(*model));
	cJSON *tree = cJSON_ParseWithLength(layout, layout_len);
	int rc = -ENOMEM;

	*why = "out of memory";
	if (model == NULL)
		goto out;
	rc = -EPROTO;
	*why = "the layout is not JSON";
	if (tree == NULL)
		goto out;
	*why = "_dash-dependencies is not a list of callbacks";
	rc = graph_parse(&model->graph, dependencies, dependencies_len);
	if (rc < 0)
		goto out;
	*why = "out of memory";
	rc = keep_bytes(&model->layout, &model->layout_len, layout, layout_len);
	if (rc == 0)
		rc = keep_bytes(&model->dependencies, &model->dependencies_len,
		    dependencies, dependencies_len);
	if (rc == 0)
		rc = read_app(model, tree, wish, why);
	if (rc == 0) {
		*out = model;
		model = NULL;
	}
out:
	cJSON_Delete(tree);
	app_model_free(model);
	return rc;
}

void
app_model_free(struct app_model *model)
{
	if (model == NULL)
		return;
	graph_free(&model->graph);
	free(model->layout);
	free(model->dependencies);
	free(model->controls);
	free(model);
}

bool
app_model_is(const struct app_model *model, const char *layout,
    size_t layout_len, const char *dependencies, size_t dependencies_len)
{
	return model->layout_len == layout_len &&
	       model->dependencies_len == dependencies_len &&
	       memcmp(model->layout, layout, layout_len) == 0 &&
	       memcmp(model->dependencies, dependencies, dependencies_len) == 0;
}

/* ---- the page
 * ------------------------------------------------------------------ */

/* The value of an attribute of the tag [tag, end), in double quotes. */
static const char *
attribute(const char *tag, const char *end, const char *name, size_t *len)
{
	const char *at = memmem(tag, (size_t)(end - tag), name, strlen(name));
	const char *quote;

	if (at == NULL)
		return NULL;
	at += strlen(name);
	quote = memchr(at, '"', (size_t)(end - at));
	if (quote == NULL)
		return NULL;
	*len = (size_t)(quote - at);
	return at;
}

void
app_model_each_bundle(const char *html, size_t len,
    void (*take)(void *arg, const char *path, size_t path_len), void *arg)
{
	const char *end = html + len;
	const char *tag = html;
	const char *close;
	const char *path;
	unsigned count = 0;
	size_t n = 0;

	while (count < BUNDLES_MAX &&
	       (tag = memchr(tag, '<', (size_t)(end - tag))) != NULL) {
		close = memchr(tag, '>', (size_t)(end - tag));
		if (close == NULL)
			return;
		path = NULL;
		if (close - tag > 7 && memcmp(tag, "<script", 7) == 0)
			path = attribute(tag, close, " src=\"", &n);
		else if (close - tag > 5 && memcmp(tag, "<link", 5) == 0 &&
			 memmem(tag, (size_t)(close - tag), "stylesheet", 10) !=
			     NULL)
			path = attribute(tag, close, " href=\"", &n);
		if (path != NULL && n > 0 && path[0] == '/' &&
		    (n < 2 || path[1] != '/')) {
			take(arg, path, n);
			count++;
		}
		tag = close;
	}
}
