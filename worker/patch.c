/* SPDX-License-Identifier: MIT */

/*
 * Patches: changes of a property that the browser makes itself.
 *
 * A patch is an object with a mark and a list of operations, each with a
 * place and what to do there. The front end knows it wherever an output may
 * stand.
 *
 * OWNERSHIP  The arena of the call.
 * THREADS    The thread that runs the call.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "worker/host.h"
#include "worker/scratch.h"

#define PATH_STEPS 32

struct step {
	struct step *next;
	struct value value; /* the finished operation */
};

/* What the app sees as struct ph_patch. */
struct patch {
	struct step *first;
	struct step **last;
	uint32_t count;
	struct arena *arena; /* of all of it */
};

static const char *const operations[] = {
	[PH_PATCH_ASSIGN] = "Assign",
	[PH_PATCH_MERGE] = "Merge",
	[PH_PATCH_DELETE] = "Delete",
	[PH_PATCH_APPEND] = "Append",
	[PH_PATCH_PREPEND] = "Prepend",
	[PH_PATCH_INSERT] = "Insert",
	[PH_PATCH_EXTEND] = "Extend",
	[PH_PATCH_REMOVE] = "Remove",
	[PH_PATCH_CLEAR] = "Clear",
	[PH_PATCH_REVERSE] = "Reverse",
	[PH_PATCH_ADD] = "Add",
	[PH_PATCH_SUB] = "Sub",
	[PH_PATCH_MUL] = "Mul",
	[PH_PATCH_DIV] = "Div",
};

struct ph_patch *
host_patch_new(void)
{
	struct call *call = call_current();
	struct patch *patch = NULL;

	if (call != NULL)
		patch = arena_calloc(call->arena, 1, sizeof(*patch));
	if (patch != NULL) {
		patch->last = &patch->first;
		patch->arena = call->arena;
	} else if (call != NULL)
		call_error(call, "ph_patch(): out of memory");
	return (struct ph_patch *)(void *)patch;
}

/* One step of a path into `out`; NULL: not of the form. */
static const char *
path_step(const char *at, const struct ph_value **out)
{
	char *end;
	long long index;
	size_t len;

	if (*at != '[') {
		len = strcspn(at, ".[");
		*out = host_make_text(at, len);
		return len > 0 ? at + len : NULL;
	}
	if (at[1] == '"') {
		at += 2;
		len = strcspn(at, "\"");
		*out = host_make_text(at, len);
		return strncmp(at + len, "\"]", 2) == 0 ? at + len + 2 : NULL;
	}
	/* strtoll() would take blanks and a plus sign, too. */
	if (!isdigit((unsigned char)at[at[1] == '-' ? 2 : 1]))
		return NULL;
	errno = 0;
	index = strtoll(at + 1, &end, 10);
	*out = host_make_int(index);
	return errno == 0 && *end == ']' ? end + 1 : NULL;
}

/* "data[0].x" into ["data",0,"x"]; NULL: call_error set. */
static const struct ph_value *
location(struct call *call, const char *path)
{
	const struct ph_value *steps[PATH_STEPS];
	const char *at = path;
	size_t count = 0;

	while (at != NULL && *at != '\0' && count < PATH_STEPS) {
		if (count > 0 && *at == '.')
			at++;
		at = path_step(at, &steps[count]);
		if (at != NULL && *at != '\0' && strchr(".[", *at) == NULL)
			at = NULL;
		count++;
	}
	if (at == NULL || *at != '\0') {
		call_error(call,
		    "ph_patch: the path \"%s\" is not like data[0].x%s", path,
		    at != NULL ? ", or too long" : "");
		return NULL;
	}
	return host_make_list(steps, count);
}

/* Those that take none are given NULL; else it is null. */
static bool
takes_value(enum ph_patch_operation operation)
{
	return operation != PH_PATCH_DELETE && operation != PH_PATCH_CLEAR &&
	       operation != PH_PATCH_REVERSE;
}

void
host_patch_step(struct ph_patch *ph, enum ph_patch_operation operation,
    const char *path, const struct ph_value *value, int64_t index)
{
	struct patch *patch = (struct patch *)(void *)ph;
	struct call *call = call_current();
	const struct ph_value *place;
	const struct ph_value *params;
	const char *name;
	struct step *step;

	if (call == NULL || !host_is_given("ph_patch", "the patch is", patch) ||
	    !host_is_given("ph_patch", "the path is", path))
		return;
	if ((unsigned)operation >= sizeof(operations) / sizeof(*operations)) {
		call_error(call, "ph_patch: no such operation");
		return;
	}
	if (!scratch_is_here(call, patch->arena, "the ph_patch()"))
		return;
	place = location(call, path);
	step = arena_calloc(call->arena, 1, sizeof(*step));
	if (place == NULL || step == NULL)
		return;
	if (operation == PH_PATCH_INSERT)
		params = HOST_OBJECT({ "value", value },
		    { "index", host_make_int(index) });
	else if (takes_value(operation))
		params = HOST_OBJECT({ "value", value });
	else
		params = host_make_object(NULL, NULL, 0);
	name = operations[operation];
	step->value = *host_take(
	    HOST_OBJECT({ "operation", host_make_text(name, strlen(name)) },
		{ "location", place }, { "params", params }));
	*patch->last = step;
	patch->last = &step->next;
	patch->count++;
}

const struct ph_value *
host_patch_value(struct ph_patch *ph)
{
	static const char mark[] = "__dash_patch_update";
	const struct patch *patch = (const struct patch *)(void *)ph;
	struct call *call = call_current();
	const struct step *step;
	struct value *list = NULL;
	uint32_t i = 0;

	if (!host_is_given("ph_patched()", "the patch is", patch))
		return host_give(&call_null_value);
	if (call != NULL)
		list = value_array(call->arena, patch->count);
	if (list == NULL) {
		if (call != NULL)
			call_error(call, "ph_patched(): out of memory");
		return host_give(&call_null_value);
	}
	for (step = patch->first; step != NULL; step = step->next)
		list->u.items[i++] = step->value;
	return HOST_OBJECT({ mark, host_make_text(mark, sizeof(mark) - 1) },
	    { "operations", host_give(list) });
}
