/* SPDX-License-Identifier: MIT */

/*
 * Callbacks that run in a circle, as the front end finds them: an app that its
 * development bundle would call circular is refused, one that it takes is
 * taken.
 *
 * The graph is one of properties. From each input there is an edge to each
 * output of its callback, a pattern standing for the ids that it can be with
 * the values that outputs and inputs of the app name: {"index":ALL} is index 1
 * and 4 when 1 and 4 are what the callbacks name, and 0 when they name none.
 * MATCH in an input has the value of the output, ALLSMALLER those in front of
 * it in an order of the front end's own.
 *
 * A property may be input and output of one callback. Such an output is a
 * property of its own ("__output"), which leads to wherever other callbacks
 * have it as an input.
 *
 * An output with PH_OUTPUT_DUPLICATE() leads nowhere, in the front end too.
 *
 * In one thing it is not followed: of the values that it makes up in front of
 * all that are named, for ALLSMALLER, it takes several for one, and so finds
 * circles where there are none.
 *
 * OWNERSHIP  All of the graph goes when its circles have been looked for.
 * THREADS    The loading thread only.
 */
#include <stdlib.h>
#include <string.h>

#include "worker/app.h"
#include "worker/dash_id.h"
#include "worker/spread.h"

/* The front end would need minutes for more. */
#define EDGES_MAX 2000000

#define NO_NODE UINT32_MAX

struct edge {
	uint32_t from;
	uint32_t to;
	uint32_t callback;
};

/* An output that its callback has as an input, too. */
struct twin {
	uint32_t plain;
	uint32_t tagged;
};

struct graph {
	const struct app *app;
	struct arena arena;
	struct spread_domains domains;
	struct buf nodes; /* of const char *, their names */
	struct buf edges; /* of struct edge, callback after callback */
	struct buf twins; /* of struct twin */
	uint32_t *slots;  /* nodes by the hash of their names */
	uint32_t slot_count;
	bool failed; /* no memory or too many edges: no circle is found */
};

/* A buffer as what it holds; it is malloc'ed, so it is aligned for any type. */
#define ITEMS(type, buf) ((type *)(void *)(buf).data)
#define COUNT(type, buf) ((uint32_t)((buf).len / sizeof(type)))

/* --- the graph --------------------------------------------------------------
 */

static uint32_t *
find_slot(const struct graph *graph, const char *name)
{
	const char *const *nodes = ITEMS(const char *const, graph->nodes);
	uint32_t hash = 2166136261U; /* FNV-1a */
	const char *at;

	for (at = name; *at != '\0'; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619U;
	while (graph->slots[hash % graph->slot_count] != NO_NODE &&
	       strcmp(nodes[graph->slots[hash % graph->slot_count]], name) != 0)
		hash++;
	return &graph->slots[hash % graph->slot_count];
}

/* At least half of the slots stay empty. */
static bool
make_slots(struct graph *graph)
{
	uint32_t count = COUNT(const char *, graph->nodes);
	uint32_t *old = graph->slots;
	uint32_t i;

	if (count * 2 < graph->slot_count)
		return true;
	graph->slot_count = count * 4 + 256;
	graph->slots = malloc(graph->slot_count * sizeof(*graph->slots));
	free(old);
	if (graph->slots == NULL)
		return false;
	memset(graph->slots, 0xff, graph->slot_count * sizeof(*graph->slots));
	for (i = 0; i < count; i++)
		*find_slot(graph, ITEMS(const char *, graph->nodes)[i]) = i;
	return true;
}

static uint32_t
node_of(struct graph *graph, const struct spread *spread, const char *tag)
{
	struct buf text = BUF_EMPTY;
	const char *name = spread_name(spread, tag, &text);
	uint32_t node = NO_NODE;
	uint32_t *slot;

	if (name == NULL || !buf_ok(&text) || !make_slots(graph)) {
		graph->failed = true;
		buf_free(&text);
		return node;
	}
	slot = find_slot(graph, name);
	if (*slot == NO_NODE) {
		name = arena_strndup(&graph->arena, name, strlen(name));
		if (name != NULL &&
		    buf_put(&graph->nodes, &name, sizeof(const char *)) == 0)
			*slot = COUNT(const char *, graph->nodes) - 1;
	}
	node = *slot;
	graph->failed |= node == NO_NODE;
	buf_free(&text);
	return node;
}

static void
add_edge(struct graph *graph, uint32_t from, uint32_t to, uint32_t callback)
{
	struct edge edge = { from, to, callback };

	if (COUNT(struct edge, graph->edges) >= EDGES_MAX ||
	    buf_put(&graph->edges, &edge, sizeof(edge)) < 0)
		graph->failed = true;
}

/* MATCH and ALLSMALLER never are the same component of one callback. */
static bool
are_apart(const struct value *a, const struct value *b)
{
	enum dash_wild x;
	enum dash_wild y;
	uint32_t i;

	for (i = 0; i < a->count; i++) {
		x = dash_id_wild(&a->u.members[i].value);
		y = dash_id_wild(&b->u.members[i].value);
		if ((x == DASH_MATCH && y == DASH_ALLSMALLER) ||
		    (x == DASH_ALLSMALLER && y == DASH_MATCH))
			return true;
	}
	return false;
}

static bool
is_input_too(const struct callback *callback, const struct dependency *output)
{
	const struct dependency *input;
	uint32_t i;

	for (i = 0; output->mark == NULL && i < callback->input_count; i++) {
		input = &callback->inputs[i];
		if (strcmp(input->property, output->property) != 0 ||
		    (input->pattern == NULL) != (output->pattern == NULL))
			continue;
		if (input->pattern == NULL
			? strcmp(input->id, output->id) == 0
			: dash_id_overlaps(input->pattern, output->pattern) &&
			      !are_apart(input->pattern, output->pattern))
			return true;
	}
	return false;
}

/* All that leads to one id of an output. */
static void
add_inputs(struct graph *graph, uint32_t which, const struct spread *output,
    uint32_t to)
{
	const struct callback *callback = graph->app->callbacks[which];
	struct spread input;
	uint32_t i;
	bool more;

	for (i = 0; i < callback->input_count; i++) {
		more = spread_begin(&input, &graph->domains,
		    &callback->inputs[i], output);
		for (; more && !graph->failed; more = spread_next(&input))
			add_edge(graph, node_of(graph, &input, ""), to, which);
	}
}

static void
add_output(struct graph *graph, uint32_t which, const struct dependency *output)
{
	bool both = is_input_too(graph->app->callbacks[which], output);
	struct spread spread;
	struct twin twin;
	bool more = spread_begin(&spread, &graph->domains, output, NULL);

	for (; more && !graph->failed; more = spread_next(&spread)) {
		twin.tagged = node_of(graph, &spread, both ? "__output" : "");
		if (both) {
			twin.plain = node_of(graph, &spread, "");
			graph->failed |=
			    buf_put(&graph->twins, &twin, sizeof(twin)) < 0;
		}
		add_inputs(graph, which, &spread, twin.tagged);
	}
}

/* What the edges of one callback have at their ends: for each node the number
 * behind the last callback that had it there. */
struct ends {
	uint32_t *from;
	uint32_t *to;
};

/* From a twin to all that its property leads to, in other callbacks. */
static void
join_twins_of(struct graph *graph, const struct ends *ends, uint32_t first,
    uint32_t end)
{
	const struct edge *edges = ITEMS(struct edge, graph->edges);
	uint32_t which = edges[first].callback;
	struct twin twin;
	uint32_t i, k;

	for (i = first; i < end; i++) {
		ends->from[edges[i].from] = which + 1;
		ends->to[edges[i].to] = which + 1;
	}
	for (k = 0; k < COUNT(struct twin, graph->twins); k++) {
		twin = ITEMS(struct twin, graph->twins)[k];
		if (ends->from[twin.plain] != which + 1 ||
		    ends->to[twin.tagged] == which + 1)
			continue;
		for (i = first; i < end && !graph->failed; i++)
			add_edge(graph, twin.tagged,
			    ITEMS(struct edge, graph->edges)[i].to, which);
	}
}

static void
join_twins(struct graph *graph)
{
	uint32_t count = COUNT(struct edge, graph->edges);
	uint32_t nodes = COUNT(const char *, graph->nodes) + 1;
	struct ends ends = { calloc(nodes, sizeof(uint32_t)),
		calloc(nodes, sizeof(uint32_t)) };
	uint32_t which;
	uint32_t first, end;

	graph->failed |= ends.from == NULL || ends.to == NULL;
	for (first = 0; first < count && !graph->failed; first = end) {
		which = ITEMS(struct edge, graph->edges)[first].callback;
		for (end = first; end < count; end++)
			if (ITEMS(struct edge, graph->edges)[end].callback !=
			    which)
				break;
		join_twins_of(graph, &ends, first, end);
	}
	free(ends.from);
	free(ends.to);
}

/* --- circles ----------------------------------------------------------------
 */

static int
compare_edges(const void *a, const void *b)
{
	const struct edge *x = a;
	const struct edge *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->callback != y->callback)
		return x->callback < y->callback ? -1 : 1;
	return (x->to > y->to) - (x->to < y->to);
}

enum visit { NEW, OPEN, DONE };

struct walk {
	const struct edge *edges; /* by where they come from */
	uint32_t count;
	uint32_t *first;      /* of each node its first edge, and one more */
	unsigned char *state; /* of each node */
	uint32_t *path;       /* edges walked along, from the start */
	uint32_t depth;
};

/* Depth first from `start`; true: the path ends in a circle. */
static bool
walk_from(struct walk *walk, uint32_t start)
{
	uint32_t node = start;
	uint32_t edge = walk->first[node];

	walk->state[node] = OPEN;
	walk->depth = 0;
	for (;;) {
		if (edge < walk->first[node + 1]) {
			walk->path[walk->depth] = edge;
			if (walk->state[walk->edges[edge].to] == OPEN)
				return true;
			if (walk->state[walk->edges[edge].to] == NEW) {
				walk->depth++;
				node = walk->edges[edge].to;
				walk->state[node] = OPEN;
				edge = walk->first[node];
			} else {
				edge++;
			}
			continue;
		}
		walk->state[node] = DONE;
		if (walk->depth == 0)
			return false;
		edge = walk->path[--walk->depth];
		node = walk->edges[edge].from;
		edge++;
	}
}

/* The callbacks of the circle, the one defined first in front. */
static void
tell(struct app *app, const struct walk *walk)
{
	uint32_t begin = walk->depth;
	uint32_t end = walk->edges[walk->path[begin]].to;
	uint32_t least;
	uint32_t count;
	uint32_t i;

#define CALLBACK(i) walk->edges[walk->path[begin + (i) % count]].callback
	while (walk->edges[walk->path[begin]].from != end)
		begin--;
	count = walk->depth - begin + 1;
	for (least = 0, i = 1; i < count; i++)
		least = CALLBACK(i) < CALLBACK(least) ? i : least;
	(void)buf_puts(&app->problems, "callbacks run in a circle: ");
	for (i = least; i <= least + count; i++)
		(void)buf_printf(&app->problems, "%s%s",
		    i > least ? " -> " : "",
		    app->callbacks[CALLBACK(i)]->function);
#undef CALLBACK
	(void)buf_putc(&app->problems, '\n');
}

static void
find_circle(const struct graph *graph, struct app *app)
{
	uint32_t nodes = COUNT(const char *, graph->nodes);
	struct walk walk = { ITEMS(struct edge, graph->edges),
		COUNT(struct edge, graph->edges),
		calloc(nodes + 2, sizeof(uint32_t)), calloc(nodes + 1, 1),
		calloc(nodes + 1, sizeof(uint32_t)), 0 };
	uint32_t i;

	if (walk.count > 0 && walk.first != NULL && walk.state != NULL &&
	    walk.path != NULL) {
		qsort(graph->edges.data, walk.count, sizeof(struct edge),
		    compare_edges);
		for (i = 0; i < walk.count; i++)
			walk.first[walk.edges[i].from + 1] = i + 1;
		for (i = 1; i <= nodes; i++)
			if (walk.first[i] == 0)
				walk.first[i] = walk.first[i - 1];
		for (i = 0; i < nodes; i++) {
			if (walk.state[i] == NEW && walk_from(&walk, i)) {
				tell(app, &walk);
				break;
			}
		}
	}
	free(walk.first);
	free(walk.state);
	free(walk.path);
}

void
app_check_circles(struct app *app)
{
	struct graph graph = { .app = app };
	const struct callback *callback;
	uint32_t which;
	uint32_t i;

	arena_init(&graph.arena, 0);
	graph.failed = !spread_learn(&graph.domains, app, &graph.arena);
	for (which = 0; which < app->callback_count; which++) {
		callback = app->callbacks[which];
		for (i = 0; i < callback->output_count && !graph.failed; i++)
			add_output(&graph, which, &callback->outputs[i]);
	}
	if (!graph.failed)
		join_twins(&graph);
	if (!graph.failed)
		find_circle(&graph, app);
	spread_forget(&graph.domains);
	buf_free(&graph.nodes);
	buf_free(&graph.edges);
	buf_free(&graph.twins);
	free(graph.slots);
	arena_free(&graph.arena);
}
