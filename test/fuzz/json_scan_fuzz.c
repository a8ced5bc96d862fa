/* SPDX-License-Identifier: MIT */

/*
 * Fuzz target: the JSON validator.
 *
 * Properties: what it accepts cJSON accepts too, with finite numbers and with
 * exactly the nodes that were counted; a fault lies inside the text; limits
 * just met do not refuse, and one less does.
 */

#include "test/fuzz/fuzz.h"

#include <math.h>

#include <cjson/cJSON.h>

#include "worker/json_scan.h"

static const struct json_limits limits = {
	.depth = JSON_DEPTH_MAX,
	.nodes = 100000,
	.members = 1000,
};

/* The depth is bounded by JSON_DEPTH_MAX, so recursion is all right here. */
static size_t
count_nodes(const cJSON *node)
{
	const cJSON *child;
	size_t n = 1;

	FUZZ_CHECK(!cJSON_IsNumber(node) || isfinite(node->valuedouble));
	cJSON_ArrayForEach(child, node)
	{
		n += count_nodes(child);
	}
	return n;
}

static void
check_tree(const char *text, size_t size, size_t nodes)
{
	cJSON *tree = cJSON_ParseWithLength(text, size);

	FUZZ_CHECK(tree != NULL);
	FUZZ_CHECK(count_nodes(tree) == nodes);
	cJSON_Delete(tree);
}

static void
check_edges(const char *text, size_t size, const struct json_scan_result *was)
{
	struct json_limits with = limits;
	struct json_scan_result result;

	with.nodes = was->nodes;
	if (was->depth > 0)
		with.depth = was->depth;
	FUZZ_CHECK(json_scan(text, size, &with, &result) == JSON_OK);
	with.nodes = was->nodes - 1;
	FUZZ_CHECK(
	    json_scan(text, size, &with, &result) == JSON_TOO_MANY_NODES);
	with.nodes = was->nodes;
	if (was->depth < 2)
		return;
	with.depth = was->depth - 1;
	FUZZ_CHECK(json_scan(text, size, &with, &result) == JSON_TOO_DEEP);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct json_scan_result result;
	int rc = json_scan(text, size, &limits, &result);

	FUZZ_CHECK(result.offset <= size);
	FUZZ_CHECK((result.error == NULL) == (rc == JSON_OK));
	FUZZ_CHECK(result.nodes <= limits.nodes);
	FUZZ_CHECK(result.depth <= limits.depth);
	if (rc != JSON_OK) {
		FUZZ_CHECK(
		    rc <= JSON_BAD_SYNTAX && rc >= JSON_TOO_MANY_MEMBERS);
		return 0;
	}
	FUZZ_CHECK(result.offset == size);
	check_tree(text, size, result.nodes);
	check_edges(text, size, &result);
	return 0;
}
