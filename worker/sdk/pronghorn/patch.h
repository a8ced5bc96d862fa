/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_PATCH_H
#define PRONGHORN_PATCH_H

/*
 * Changes of a property instead of a whole new value, so that a long list or
 * a figure need not be sent again. Included by <pronghorn/app.h>, which says
 * what holds for all of this.
 *
 *     struct ph_patch *patch = ph_patch();
 *     ph_patch_assign(patch, "layout.title.text", ph_text("Now"));
 *     ph_patch_append(patch, "data[0].y", ph_number(4));
 *     return ph_output(call, "graph.figure", ph_patched(patch));
 *
 * A path has names and indices, [-1] from the end, ["a.b"] for odd names; ""
 * is the property itself. The steps are done in their order, in the browser,
 * which must have a value already.
 */

#include <pronghorn/app.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A patch without steps yet; it lives as long as the call. */
PH_TWO_NAMES_
static inline struct ph_patch *
ph_patch(void)
{
	return ph_host_->patch_new();
}
PH_TWO_NAMES_END_

/* The steps so far, for ph_output() and ph_set_props(). */
static inline const struct ph_value *
ph_patched(struct ph_patch *patch)
{
	return ph_host_->patch_value(patch);
}

#define PH_PATCH_WITH_(verb, operation)                                 \
	static inline void ph_patch_##verb(struct ph_patch *patch,      \
	    const char *path, const struct ph_value *value)             \
	{                                                               \
		ph_host_->patch_step(patch, operation, path, value, 0); \
	}
#define PH_PATCH_ALONE_(verb, operation)                               \
	static inline void ph_patch_##verb(struct ph_patch *patch,     \
	    const char *path)                                          \
	{                                                              \
		ph_host_->patch_step(patch, operation, path, NULL, 0); \
	}
PH_PATCH_WITH_(assign, PH_PATCH_ASSIGN)    /* set what is at the path */
PH_PATCH_WITH_(merge, PH_PATCH_MERGE)      /* an object's members into it */
PH_PATCH_WITH_(append, PH_PATCH_APPEND)    /* one item at the list's end */
PH_PATCH_WITH_(prepend, PH_PATCH_PREPEND)  /* ... at its start */
PH_PATCH_WITH_(extend, PH_PATCH_EXTEND)    /* a list's items at the end */
PH_PATCH_WITH_(remove, PH_PATCH_REMOVE)    /* all items equal to this */
PH_PATCH_WITH_(add, PH_PATCH_ADD)          /* to the number there */
PH_PATCH_WITH_(sub, PH_PATCH_SUB)          /* from the number there */
PH_PATCH_WITH_(mul, PH_PATCH_MUL)          /* the number there by this */
PH_PATCH_WITH_(div, PH_PATCH_DIV)          /* the number there by this */
PH_PATCH_ALONE_(delete_, PH_PATCH_DELETE)  /* the member or item itself */
PH_PATCH_ALONE_(clear, PH_PATCH_CLEAR)     /* the list becomes empty */
PH_PATCH_ALONE_(reverse, PH_PATCH_REVERSE) /* the list's order */

/* One item into a list, in front of item `index`, from 0; at the end when
 * there is no such item. */
static inline void
ph_patch_insert(struct ph_patch *patch, const char *path, int64_t index,
    const struct ph_value *value)
{
	ph_host_->patch_step(patch, PH_PATCH_INSERT, path, value, index);
}

#ifdef __cplusplus
}
#endif

#endif
