/* SPDX-License-Identifier: MIT */

/*
 * Dependencies of every kind, and what is made of a layout.
 */
#include "test/bench/callback_graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "test/bench/app_model.h"

#define INPUT(id, property) "{\"id\":\"" id "\",\"property\":\"" property "\"}"
#define CALLBACK(output, inputs, state, more)                                  \
	"{\"output\":\"" output "\",\"inputs\":[" inputs "],\"state\":[" state \
	"]" more "}"

static int
parse(struct graph *graph, const char *json)
{
	return graph_parse(graph, json, strlen(json));
}

static void
example_3(void **state)
{
	static const char json[] = "[" CALLBACK("signal.children",
	    INPUT("dropdown", "value"), "", "") "," CALLBACK("graph-1.figure",
	    INPUT("signal", "children"), "", "") "," CALLBACK("graph-2.figure",
	    INPUT("signal", "children"), "", "") "]";
	struct graph graph;
	const struct graph_callback *callback;
	const struct graph_slot *slot;

	(void)state;
	assert_int_equal(parse(&graph, json), 0);
	assert_int_equal(graph.callback_count, 3);
	assert_int_equal(graph.slot_count, 4);
	callback = &graph.callbacks[0];
	assert_true(callback->driven);
	assert_true(callback->initial);
	assert_true(callback->writes_carried);
	assert_string_equal(callback->start,
	    "{\"output\":\"signal.children\",\"outputs\":{\"id\":\"signal\","
	    "\"property\":\"children\"},\"inputs\":[");
	slot = &graph.slots[callback->outputs[0]];
	assert_string_equal(slot->key, "signal.children");
	assert_int_equal(slot->reader_count, 2);
	assert_int_equal(slot->writer_count, 1);
	assert_false(graph.callbacks[1].writes_carried);
	graph_free(&graph);
}

static void
outputs_of_all_kinds(void **state)
{
	static const char json[] =
	    "[" CALLBACK("..a.x...b.y..", INPUT("i", "value"), "",
		",\"prevent_initial_call\":true") "," CALLBACK("c.x@12ab",
		INPUT("i", "value"), INPUT("a", "x"),
		"") "," CALLBACK("deadbeef", INPUT("i", "value"), "",
		",\"no_output\":true") "," CALLBACK("{\\\"index\\\":1}.z",
		INPUT("i", "value"), "", "") "]";
	struct graph graph;

	(void)state;
	assert_int_equal(parse(&graph, json), 0);
	assert_int_equal(graph.callbacks[0].output_count, 2);
	assert_false(graph.callbacks[0].initial);
	assert_string_equal(graph.callbacks[0].start,
	    "{\"output\":\"..a.x...b.y..\",\"outputs\":[{\"id\":\"a\","
	    "\"property\":\"x\"},{\"id\":\"b\",\"property\":\"y\"}],"
	    "\"inputs\":[");
	assert_string_equal(graph.callbacks[1].start,
	    "{\"output\":\"c.x@12ab\",\"outputs\":{\"id\":\"c\","
	    "\"property\":\"x@12ab\"},\"inputs\":[");
	assert_string_equal(graph.slots[graph.callbacks[1].outputs[0]].property,
	    "x");
	assert_string_equal(graph.callbacks[2].start,
	    "{\"output\":\"deadbeef\",\"inputs\":[");
	assert_int_equal(graph.callbacks[2].output_count, 0);
	assert_string_equal(graph.callbacks[3].start,
	    "{\"output\":\"{\\\"index\\\":1}.z\",\"outputs\":{\"id\":"
	    "{\"index\":1},\"property\":\"z\"},\"inputs\":[");
	assert_true(graph.callbacks[3].driven);
	graph_free(&graph);
}

static void
what_is_not_driven(void **state)
{
	static const char json[] = "[" CALLBACK("a.x", INPUT("i", "value"), "",
	    ",\"clientside_function\":{\"namespace\":\"n\"}") "," CALLBACK("b."
									   "x",
	    INPUT("i", "value"), "",
	    ",\"background\":{\"interval\":1000}") "," CALLBACK("{\\\"index\\\""
								":["
								"\\\"MATCH\\\"]"
								"}.x",
	    INPUT("i", "value"), "", "") "," CALLBACK("d.x",
	    INPUT("{\\\"index\\\":[\\\"ALL\\\"]}", "value"), "", "") "]";
	struct graph graph;
	unsigned i;

	(void)state;
	assert_int_equal(parse(&graph, json), 0);
	for (i = 0; i < 4; i++)
		assert_false(graph.callbacks[i].driven);
	assert_int_equal(graph.clientside, 1);
	assert_int_equal(graph.background, 1);
	assert_int_equal(graph.wildcards, 2);
	graph_free(&graph);
}

static void
no_dependencies(void **state)
{
	static const char *const bad[] = { "", "{}", "[1]", "[{}]",
		"[{\"output\":\"nodot\",\"inputs\":[]}]",
		"[{\"output\":\"....\",\"inputs\":[]}]",
		"[{\"output\":\"a.b\",\"inputs\":[{\"id\":\"x\"}]}]" };
	struct graph graph;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(parse(&graph, bad[i]) < 0);
	assert_int_equal(parse(&graph, "[]"), 0);
	graph_free(&graph);
}

/* ---- layouts
 * ------------------------------------------------------------------ */

static struct app_model *
model_of(const char *layout, const char *dependencies,
    const struct app_model_wish *wish)
{
	static const struct app_model_wish none = { NULL, NULL };
	struct app_model *model = NULL;
	const char *why;

	if (app_model_new(&model, layout, strlen(layout), dependencies,
		strlen(dependencies), wish != NULL ? wish : &none, &why) < 0)
		return NULL;
	return model;
}

static const char one_callback[] =
    "[" CALLBACK("o.x", INPUT("i", "value"), "", "") "]";

static void
expect_values(const char *props, const char *const *values, unsigned count)
{
	char layout[512];
	struct app_model *model;
	unsigned i;

	(void)snprintf(layout, sizeof(layout),
	    "{\"type\":\"Div\",\"namespace\":\"h\",\"props\":{\"children\":["
	    "\"text\",null,{\"type\":\"Dropdown\",\"namespace\":\"d\","
	    "\"props\":{\"id\":\"i\",%s}}]}}",
	    props);
	model = model_of(layout, one_callback, NULL);
	assert_non_null(model);
	assert_int_equal(model->driven, 1);
	assert_int_equal(model->control_count, count > 0);
	for (i = 0; i < count; i++)
		assert_string_equal(model->controls[0].values[i], values[i]);
	if (count > 0)
		assert_int_equal(model->controls[0].count, count);
	app_model_free(model);
}

static void
controls(void **state)
{
	static const char *const texts[] = { "\"a\"", "\"b\"" };
	static const char *const mixed[] = { "1", "\"b\"", "true" };
	static const char *const lists[] = { "[\"a\"]", "[\"b\"]" };
	static const char *const steps[] = { "0", "5", "10" };

	(void)state;
	expect_values("\"options\":[\"a\",\"b\"]", texts, 2);
	expect_values("\"options\":{\"a\":\"A\",\"b\":\"B\"}", texts, 2);
	expect_values("\"options\":[{\"label\":\"A\",\"value\":1},"
		      "{\"label\":\"B\",\"value\":\"b\"},"
		      "{\"label\":\"C\",\"value\":3,\"disabled\":true},"
		      "{\"label\":\"D\",\"value\":true}]",
	    mixed, 3);
	expect_values("\"options\":[\"a\",\"b\"],\"multi\":true", lists, 2);
	expect_values("\"min\":0,\"max\":10,\"step\":5", steps, 3);
	expect_values("\"options\":[]", NULL, 0);
}

static void
wishes(void **state)
{
	static const char layout[] =
	    "{\"type\":\"Input\",\"namespace\":\"d\",\"props\":{\"id\":\"i\"}}";
	struct app_model_wish wish = { "i.value", "x,7,\"y z\"" };
	struct app_model *model = model_of(layout, one_callback, &wish);

	(void)state;
	assert_non_null(model);
	assert_int_equal(model->control_count, 1);
	assert_int_equal(model->controls[0].count, 3);
	assert_string_equal(model->controls[0].values[0], "\"x\"");
	assert_string_equal(model->controls[0].values[1], "7");
	assert_string_equal(model->controls[0].values[2], "\"y z\"");
	app_model_free(model);
	wish.control = "j.value";
	assert_null(model_of(layout, one_callback, &wish));
	wish.control = NULL;
	assert_null(model_of(layout, one_callback, &wish));
	assert_null(model_of("no JSON", one_callback, NULL));
}

/* Ids that are objects are the same in any order; others may be missing. */
static void
ids_and_absence(void **state)
{
	static const char layout[] =
	    "{\"type\":\"Button\",\"namespace\":\"h\",\"props\":{\"id\":"
	    "{\"type\":\"t\",\"index\":1},\"n_clicks\":0}}";
	static const char dependencies[] = "[" CALLBACK("o.x",
	    INPUT("{\\\"index\\\":1,\\\"type\\\":\\\"t\\\"}", "n_clicks"), "",
	    "") "," CALLBACK("p.x", INPUT("gone", "value"), "", "") "]";
	struct app_model *model = model_of(layout, dependencies, NULL);

	(void)state;
	assert_non_null(model);
	assert_int_equal(model->driven, 1);
	assert_int_equal(model->absent, 1);
	assert_int_equal(model->control_count, 1);
	assert_int_equal(model->controls[0].count, 0);
	app_model_free(model);
}

static char bundles[512];

static void
note_bundle(void *arg, const char *path, size_t len)
{
	(void)arg;
	strncat(bundles, path, len);
	strcat(bundles, " ");
}

static void
bundles_of_a_page(void **state)
{
	static const char html[] =
	    "<link rel=\"icon\" href=\"/icon\">"
	    "<link rel=\"stylesheet\" href=\"/a.css?m=1\">"
	    "<script src=\"/one.js\"></script><script>x</script>"
	    "<script src=\"https://elsewhere.example/x.js\"></script>"
	    "<script src=\"//elsewhere.example/x.js\"></script>"
	    "<script async src=\"/two.js\"></script><script src=\"";

	(void)state;
	app_model_each_bundle(html, sizeof(html) - 1, note_bundle, NULL);
	assert_string_equal(bundles, "/a.css?m=1 /one.js /two.js ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_3),
		cmocka_unit_test(outputs_of_all_kinds),
		cmocka_unit_test(what_is_not_driven),
		cmocka_unit_test(no_dependencies),
		cmocka_unit_test(controls),
		cmocka_unit_test(wishes),
		cmocka_unit_test(ids_and_absence),
		cmocka_unit_test(bundles_of_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
