/* SPDX-License-Identifier: MIT */

/*
 * The graph of callbacks. Everything that requests need again and again, such
 * as the JSON of the outputs, is made here once.
 *
 * INVARIANT  A driven callback has at most GRAPH_INPUTS_MAX inputs and no id
 *            with wildcards.
 * OWNERSHIP  All in graph->arena.
 * FAILURE    A list that is not as the protocol says is -EPROTO.
 */
#include "test/bench/callback_graph.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/buf.h"

/* The slot of a component's property, made when it is new; -1: no memory. */
static int
slot_of(struct graph *graph, const char *id, size_t id_len,
    const char *property)
{
	size_t len = strlen(property);
	struct graph_slot *slot;
	struct graph_slot *more;
	char *key;
	unsigned i;

	for (i = 0; i < graph->slot_count; i++) {
		slot = &graph->slots[i];
		if (strlen(slot->id) == id_len &&
		    memcmp(slot->id, id, id_len) == 0 &&
		    strcmp(slot->property, property) == 0)
			return (int)i;
	}
	more = realloc(graph->slots, (i + 1) * sizeof(*more));
	if (more == NULL)
		return -1;
	graph->slots = more;
	slot = &graph->slots[i];
	memset(slot, 0, sizeof(*slot));
	slot->id = arena_strndup(&graph->arena, id, id_len);
	slot->property = arena_strndup(&graph->arena, property, len);
	key = arena_alloc(&graph->arena, id_len + len + 2);
	if (slot->id == NULL || slot->property == NULL || key == NULL)
		return -1;
	memcpy(key, id, id_len);
	key[id_len] = '.';
	memcpy(key + id_len + 1, property, len + 1);
	slot->key = key;
	graph->slot_count++;
	return (int)i;
}

static bool
has_wildcard(const char *id, size_t len)
{
	return id != NULL && len > 0 && id[0] == '{' &&
	       (memmem(id, len, "[\"MATCH\"]", 9) != NULL ||
		   memmem(id, len, "[\"ALL\"]", 7) != NULL ||
		   memmem(id, len, "[\"ALLSMALLER\"]", 14) != NULL);
}

static void
put_text(struct buf *out, const char *text, size_t len)
{
	size_t i;

	(void)buf_putc(out, '"');
	for (i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			(void)buf_putc(out, '\\');
		(void)buf_putc(out, text[i]);
	}
	(void)buf_putc(out, '"');
}

/* An id as JSON: an object as it is, a text in quotes. */
static void
put_id(struct buf *out, const char *id, size_t len)
{
	if (len > 0 && id[0] == '{')
		(void)buf_put(out, id, len);
	else
		put_text(out, id, len);
}

/* ---- outputs ---------------------------------------------------------------
 */

/* One `id.property[@unique]`; appends to the JSON of the outputs. */
static int
add_output(struct graph *graph, struct graph_callback *callback,
    struct buf *json, const char *text, size_t len)
{
	char property[256];
	const char *dot = memrchr(text, '.', len);
	const char *at;
	size_t n;
	int slot;

	n = dot != NULL ? (size_t)(text + len - dot) - 1 : 0;
	if (n == 0 || n >= sizeof(property))
		return -EPROTO;
	memcpy(property, dot + 1, n);
	property[n] = '\0';
	if (callback->output_count > 0)
		(void)buf_putc(json, ',');
	(void)buf_putl(json, "{\"id\":");
	put_id(json, text, (size_t)(dot - text));
	(void)buf_printf(json, ",\"property\":\"%s\"}", property);
	if (has_wildcard(text, (size_t)(dot - text)))
		callback->driven = false;
	at = strchr(property, '@');
	if (at != NULL)
		property[at - property] = '\0';
	slot = slot_of(graph, text, (size_t)(dot - text), property);
	if (slot < 0)
		return -ENOMEM;
	callback->outputs[callback->output_count++] = (unsigned)slot;
	return 0;
}

static unsigned
count_outputs(const char *output)
{
	const char *at = output;
	unsigned count = 1;

	while ((at = strstr(at, "...")) != NULL) {
		count++;
		at += 3;
	}
	return count;
}

static int
add_outputs(struct graph *graph, struct graph_callback *callback,
    struct buf *json, const char *output)
{
	const char *at = output + 2;
	const char *end = output + strlen(output) - 2;
	const char *next;
	int rc;

	callback->outputs = arena_calloc(&graph->arena, count_outputs(output),
	    sizeof(unsigned));
	if (callback->outputs == NULL)
		return -ENOMEM;
	if (strncmp(output, "..", 2) != 0)
		return add_output(graph, callback, json, output,
		    strlen(output));
	if (end <= at)
		return -EPROTO;
	(void)buf_putc(json, '[');
	while (at < end) {
		next = memmem(at, (size_t)(end - at), "...", 3);
		if (next == NULL)
			next = end;
		rc = add_output(graph, callback, json, at, (size_t)(next - at));
		if (rc < 0)
			return rc;
		at = next + 3;
	}
	return buf_putc(json, ']');
}

/* ---- inputs and states ------------------------------------------------------
 */

static int
add_list(struct graph *graph, struct graph_callback *callback,
    const cJSON *list, unsigned **slots, unsigned *count)
{
	const cJSON *item;
	const char *id;
	const char *property;
	int slot;

	*slots = arena_calloc(&graph->arena,
	    (size_t)cJSON_GetArraySize(list) + 1, sizeof(unsigned));
	if (*slots == NULL)
		return -ENOMEM;
	cJSON_ArrayForEach(item, list)
	{
		id = cJSON_GetStringValue(cJSON_GetObjectItem(item, "id"));
		property =
		    cJSON_GetStringValue(cJSON_GetObjectItem(item, "property"));
		if (id == NULL || property == NULL)
			return -EPROTO;
		if (has_wildcard(id, strlen(id)))
			callback->driven = false;
		slot = slot_of(graph, id, strlen(id), property);
		if (slot < 0)
			return -ENOMEM;
		graph->slots[slot].carried = true;
		(*slots)[(*count)++] = (unsigned)slot;
	}
	return 0;
}

static bool
is_true(const cJSON *entry, const char *name)
{
	return cJSON_IsTrue(cJSON_GetObjectItem(entry, name));
}

static bool
is_set(const cJSON *entry, const char *name)
{
	const cJSON *item = cJSON_GetObjectItem(entry, name);

	return item != NULL && !cJSON_IsNull(item) && !cJSON_IsFalse(item);
}

static int
add_callback(struct graph *graph, struct graph_callback *callback,
    const cJSON *entry, struct buf *json)
{
	const char *output =
	    cJSON_GetStringValue(cJSON_GetObjectItem(entry, "output"));
	int rc;

	if (output == NULL)
		return -EPROTO;
	callback->driven = true;
	callback->initial = !is_true(entry, "prevent_initial_call");
	callback->output = arena_strndup(&graph->arena, output, strlen(output));
	buf_clear(json);
	(void)buf_putl(json, "{\"output\":");
	put_text(json, output, strlen(output));
	if (!is_true(entry, "no_output")) {
		(void)buf_putl(json, ",\"outputs\":");
		rc = add_outputs(graph, callback, json, output);
		if (rc < 0)
			return rc;
	}
	(void)buf_putl(json, ",\"inputs\":[");
	callback->start = arena_strndup(&graph->arena, json->data, json->len);
	if (!buf_ok(json) || callback->output == NULL ||
	    callback->start == NULL)
		return -ENOMEM;
	rc = add_list(graph, callback, cJSON_GetObjectItem(entry, "inputs"),
	    &callback->inputs, &callback->input_count);
	if (rc == 0)
		rc = add_list(graph, callback,
		    cJSON_GetObjectItem(entry, "state"), &callback->states,
		    &callback->state_count);
	if (!callback->driven)
		graph->wildcards++;
	else if (is_set(entry, "clientside_function"))
		graph->clientside++;
	else if (is_set(entry, "background"))
		graph->background++;
	else
		return rc;
	callback->driven = false;
	return rc;
}

/* ---- who reads and writes a slot
 * --------------------------------------------- */

static int
link_slot(struct graph *graph, unsigned index)
{
	struct graph_slot *slot = &graph->slots[index];
	struct graph_callback *callback;
	unsigned c;
	unsigned i;

	slot->readers = arena_calloc(&graph->arena, graph->callback_count + 1,
	    sizeof(unsigned));
	slot->writers = arena_calloc(&graph->arena, graph->callback_count + 1,
	    sizeof(unsigned));
	if (slot->readers == NULL || slot->writers == NULL)
		return -ENOMEM;
	for (c = 0; c < graph->callback_count; c++) {
		callback = &graph->callbacks[c];
		if (!callback->driven)
			continue;
		for (i = 0; i < callback->input_count; i++) {
			if (callback->inputs[i] == index) {
				slot->readers[slot->reader_count++] = c;
				break;
			}
		}
		for (i = 0; i < callback->output_count; i++) {
			if (callback->outputs[i] == index) {
				slot->writers[slot->writer_count++] = c;
				callback->writes_carried |= slot->carried;
				break;
			}
		}
	}
	return 0;
}

int
graph_parse(struct graph *graph, const char *json, size_t len)
{
	cJSON *tree = cJSON_ParseWithLength(json, len);
	struct buf text = BUF_EMPTY;
	const cJSON *entry;
	unsigned i;
	int rc = -EPROTO;

	memset(graph, 0, sizeof(*graph));
	arena_init(&graph->arena, 0);
	if (!cJSON_IsArray(tree))
		goto out;
	rc = -ENOMEM;
	graph->callbacks = arena_calloc(&graph->arena,
	    (size_t)cJSON_GetArraySize(tree) + 1, sizeof(*graph->callbacks));
	if (graph->callbacks == NULL)
		goto out;
	rc = 0;
	cJSON_ArrayForEach(entry, tree)
	{
		struct graph_callback *callback =
		    &graph->callbacks[graph->callback_count++];

		rc = add_callback(graph, callback, entry, &text);
		if (rc < 0)
			goto out;
		if (callback->input_count > GRAPH_INPUTS_MAX)
			callback->driven = false;
	}
	for (i = 0; i < graph->slot_count && rc == 0; i++)
		rc = link_slot(graph, i);
out:
	buf_free(&text);
	cJSON_Delete(tree);
	if (rc < 0)
		graph_free(graph);
	return rc;
}

void
graph_free(struct graph *graph)
{
	free(graph->slots);
	arena_free(&graph->arena);
	memset(graph, 0, sizeof(*graph));
}
