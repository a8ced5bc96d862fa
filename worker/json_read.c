/* SPDX-License-Identifier: MIT */

/*
 * JSON text to a value in an arena.
 *
 * json_scan() bounds depth and number of values first, so the tree that
 * cJSON builds (about forty bytes per byte of a hostile body) stays bounded
 * and the recursion here no deeper than the limit.
 *
 * OWNERSHIP  The cJSON tree lives only inside json_read(); the result
 *            belongs to the arena.
 * THREADS    Any.
 */
#include "worker/json_read.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"

#define FEW_NAMES 16
#define EXACT_INTEGER 9007199254740992.0 /* 2^53 */

static int convert(const cJSON *item, struct arena *arena, struct value *out,
    const char **why);

static uint32_t
child_count(const cJSON *item)
{
	const cJSON *child;
	uint32_t count = 0;

	for (child = item->child; child != NULL; child = child->next)
		count++;
	return count;
}

static int
convert_array(const cJSON *item, struct arena *arena, struct value *out,
    const char **why)
{
	const cJSON *child;
	uint32_t i = 0;
	int rc;

	out->kind = VALUE_ARRAY;
	out->count = child_count(item);
	out->u.items = arena_calloc(arena, out->count, sizeof(struct value));
	if (out->u.items == NULL)
		return -ENOMEM;
	for (child = item->child; child != NULL; child = child->next) {
		rc = convert(child, arena, &out->u.items[i++], why);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * 1: some name stands twice, 0: none, -ENOMEM. Few names are compared with
 * each other, many are sorted: a body full of names costs no square.
 */
static int
has_repeated(const struct value *object, struct arena *arena)
{
	const char **names;
	uint32_t i;
	uint32_t j;

	for (i = 1; object->count <= FEW_NAMES && i < object->count; i++) {
		for (j = 0; j < i; j++) {
			if (strcmp(object->u.members[i].name,
				object->u.members[j].name) == 0)
				return 1;
		}
	}
	if (object->count <= FEW_NAMES)
		return 0;
	names = arena_calloc(arena, object->count, sizeof(*names));
	if (names == NULL)
		return -ENOMEM;
	for (i = 0; i < object->count; i++)
		names[i] = object->u.members[i].name;
	qsort(names, object->count, sizeof(*names), compare_names);
	for (i = 1; i < object->count; i++) {
		if (strcmp(names[i - 1], names[i]) == 0)
			return 1;
	}
	return 0;
}

static int
convert_object(const cJSON *item, struct arena *arena, struct value *out,
    const char **why)
{
	const cJSON *child;
	struct value_member *member;
	uint32_t i = 0;
	int rc;

	out->kind = VALUE_OBJECT;
	out->count = child_count(item);
	out->u.members =
	    arena_calloc(arena, out->count, sizeof(struct value_member));
	if (out->u.members == NULL)
		return -ENOMEM;
	for (child = item->child; child != NULL; child = child->next, i++) {
		member = &out->u.members[i];
		member->name_len = (uint32_t)strlen(child->string);
		member->name =
		    arena_strndup(arena, child->string, member->name_len);
		if (member->name == NULL)
			return -ENOMEM;
		rc = convert(child, arena, &member->value, why);
		if (rc < 0)
			return rc;
	}
	rc = has_repeated(out, arena);
	if (rc <= 0)
		return rc;
	*why = "an object has the same name twice";
	return ERR_SYNTAX;
}

static void
convert_number(double number, struct value *out)
{
	if (number == trunc(number) && fabs(number) <= EXACT_INTEGER) {
		out->kind = VALUE_INT;
		out->u.integer = (int64_t)number;
		return;
	}
	out->kind = VALUE_DOUBLE;
	out->u.number = number;
}

static int
convert(const cJSON *item, struct arena *arena, struct value *out,
    const char **why)
{
	memset(out, 0, sizeof(*out));
	switch (item->type & 0xff) {
	case cJSON_True:
	case cJSON_False:
		out->kind = VALUE_BOOL;
		out->flag = cJSON_IsTrue(item);
		return 0;
	case cJSON_Number:
		convert_number(item->valuedouble, out);
		return 0;
	case cJSON_String:
		out->kind = VALUE_TEXT;
		out->count = (uint32_t)strlen(item->valuestring);
		out->u.text =
		    arena_strndup(arena, item->valuestring, out->count);
		return out->u.text != NULL ? 0 : -ENOMEM;
	case cJSON_Array:
		return convert_array(item, arena, out, why);
	case cJSON_Object:
		return convert_object(item, arena, out, why);
	default:
		out->kind = VALUE_NULL;
		return 0;
	}
}

static int
scan_error(int verdict)
{
	return verdict == JSON_TOO_MANY_NODES ||
		       verdict == JSON_TOO_MANY_MEMBERS
		   ? ERR_TOO_BIG
		   : ERR_SYNTAX;
}

int
json_read(const char *text, size_t len, const struct json_limits *limits,
    struct arena *arena, struct value **out, const char **why)
{
	struct json_scan_result scan;
	cJSON *tree = NULL;
	struct value *value;
	int rc;

	*why = "out of memory";
	rc = json_scan(text, len, limits, &scan);
	if (rc != JSON_OK) {
		*why = scan.error;
		return scan_error(rc);
	}
	value = value_null(arena);
	tree = cJSON_ParseWithLength(text, len);
	if (value == NULL || tree == NULL) {
		rc = -ENOMEM;
		goto out;
	}
	rc = convert(tree, arena, value, why);
	if (rc == 0)
		*out = value;
out:
	cJSON_Delete(tree);
	return rc;
}
