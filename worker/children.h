/* SPDX-License-Identifier: MIT */
#ifndef WORKER_CHILDREN_H
#define WORKER_CHILDREN_H

#include <stdbool.h>

#include <pronghorn/app.h>

#include "cache/value.h"

/*
 * What React cannot show as the children of a component. It would take the
 * whole page away (error #31) or leave a part out without a word.
 */

/* Of one `children`: "has a list with a list in it: ..."; NULL: all is well. */
const char *children_fault(const struct value *children);

/*
 * The same for every component in `value`. NULL: all is well; else the fault,
 * and *type is whose children they are.
 */
const char *children_fault_within(const struct value *value,
    const struct ph_component_type **type);

/* Is it a component that was made out of JSON? */
bool children_is_finished(const struct value *value);

/* Does it have children that are shown? */
bool children_are_taken(const struct ph_component_type *type);

#endif
