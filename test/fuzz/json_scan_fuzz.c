/* SPDX-License-Identifier: MIT */

/*
 * Fuzz target: the JSON validator and the reader behind it.
 *
 * Properties: what it accepts cJSON accepts too, with finite numbers and with
 * exactly the nodes that were counted, and the reader makes the same of it as
 * cJSON does, but for names that stand twice; a fault lies inside the text;
 * limits just met do not refuse, and one less does; what is refused for a text
 * that C cannot hold alone is read with a mark in it.
 */

#include "test/fuzz/fuzz.h"

#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "server/base/err.h"
#include "worker/json_read.h"
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
check_scalar(const cJSON *node, const struct value *value)
{
	double number = node->valuedouble;

	switch (node->type & 0xff) {
	case cJSON_NULL:
		FUZZ_CHECK(value->kind == VALUE_NULL);
		break;
	case cJSON_True:
	case cJSON_False:
		FUZZ_CHECK(value->kind == VALUE_BOOL);
		FUZZ_CHECK(value->flag == !!cJSON_IsTrue(node));
		break;
	case cJSON_Number:
		if (value->kind == VALUE_INT)
			FUZZ_CHECK((double)value->u.integer == number);
		else
			FUZZ_CHECK(value->kind == VALUE_DOUBLE &&
				   value->u.number == number);
		FUZZ_CHECK((value->kind == VALUE_INT) ==
			   (number == trunc(number) &&
			       fabs(number) <= 9007199254740992.0));
		break;
	default:
		FUZZ_CHECK(value->kind == VALUE_TEXT);
		FUZZ_CHECK(value->count == strlen(node->valuestring));
		FUZZ_CHECK(strcmp(value->u.text, node->valuestring) == 0);
	}
}

static void
check_same(const cJSON *node, const struct value *value)
{
	const struct value_member *member;
	const cJSON *child;
	uint32_t i = 0;

	if (!cJSON_IsArray(node) && !cJSON_IsObject(node)) {
		check_scalar(node, value);
		return;
	}
	FUZZ_CHECK(
	    value->kind == (cJSON_IsArray(node) ? VALUE_ARRAY : VALUE_OBJECT));
	cJSON_ArrayForEach(child, node)
	{
		FUZZ_CHECK(i < value->count);
		if (value->kind == VALUE_ARRAY) {
			check_same(child, &value->u.items[i++]);
			continue;
		}
		member = &value->u.members[i++];
		FUZZ_CHECK(strcmp(member->name, child->string) == 0);
		FUZZ_CHECK(member->name_len == strlen(child->string));
		check_same(child, &member->value);
	}
	FUZZ_CHECK(i == value->count);
}

static int
has_twice(const cJSON *node)
{
	const cJSON *child;
	const cJSON *other;

	cJSON_ArrayForEach(child, node)
	{
		for (other = child->next;
		     child->string != NULL && other != NULL;
		     other = other->next) {
			if (strcmp(child->string, other->string) == 0)
				return 1;
		}
		if (has_twice(child))
			return 1;
	}
	return 0;
}

static void
check_tree(const char *text, size_t size, size_t nodes)
{
	cJSON *tree = cJSON_ParseWithLength(text, size);
	struct value *value = NULL;
	struct arena arena;
	const char *why;
	int rc;

	FUZZ_CHECK(tree != NULL);
	FUZZ_CHECK(count_nodes(tree) == nodes);
	arena_init(&arena, 0);
	rc = json_read(text, size, &limits, &arena, &value, &why);
	FUZZ_CHECK(rc == (has_twice(tree) ? ERR_SYNTAX : 0));
	if (rc == 0)
		check_same(tree, value);
	arena_free(&arena);
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

static int
has_mark(const struct value *value)
{
	const struct value_member *member;
	uint32_t i;

	if (value->kind == VALUE_TEXT)
		return memchr(value->u.text, JSON_UNHELD, value->count) != NULL;
	for (i = 0; value->kind == VALUE_ARRAY && i < value->count; i++) {
		if (has_mark(&value->u.items[i]))
			return 1;
	}
	for (i = 0; value->kind == VALUE_OBJECT && i < value->count; i++) {
		member = &value->u.members[i];
		if (memchr(member->name, JSON_UNHELD, member->name_len) !=
			NULL ||
		    has_mark(&member->value))
			return 1;
	}
	return 0;
}

static void
check_lenient(const char *text, size_t size, int strict)
{
	struct json_limits with = limits;
	struct value *value = NULL;
	struct arena arena;
	const char *why;
	int rc;

	with.any_text = true;
	arena_init(&arena, 0);
	rc = json_read(text, size, &with, &arena, &value, &why);
	if (rc == 0)
		FUZZ_CHECK(has_mark(value) == (strict != JSON_OK));
	arena_free(&arena);
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
	check_lenient(text, size, rc);
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
