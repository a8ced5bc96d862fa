/* SPDX-License-Identifier: MIT */
#ifndef WORKER_COMPONENT_H
#define WORKER_COMPONENT_H

#include <stdint.h>

#include <pronghorn/app.h>

#include "cache/value.h"

/*
 * An element of the page as an app builds it: its type, described by a
 * generated header, and the properties that were given.
 * Lives in the arena of the call that made it.
 */
struct component {
	const struct ph_component_type *type;
	struct value_member *props; /* given ones, in the type's order */
	uint32_t prop_count;
};

/*
 * Read the properties out of a generated struct. On failure *why names the
 * component and the property. NULL: no memory or a mistake.
 */
struct value *component_new(struct arena *arena,
    const struct ph_component_type *type, const void *props, const char **why);

#endif
