/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_SCRATCH_H
#define PRONGHORN_SCRATCH_H

/*
 * Scratches: memory that is given back before the function returns. Included
 * by <pronghorn/app.h>, which says what holds for all of this.
 *
 * Whatever is made in a call lives until it returns. That is right for all but
 * long loops, of a background callback for one: a million rounds that make a
 * text each would have a million texts at the end (limit_request_memory ends
 * the call before). So a round of such a loop gives back what it has made:
 *
 *     for (i = 0; i < steps && !ph_cancelled(call); i++) {
 *         ph_scratch_begin(call);
 *         sum += ph_number_of(ph_member(ph_query(call, SQL, ph_int(i)), "n"));
 *         ph_set_progress(call, { "bar.value", ph_int(i) });
 *         ph_scratch_end(call);
 *     }
 *
 * OWNERSHIP  What was made, read or asked for between the two is gone with the
 *            end: values, and what ph_text_of(), ph_format(), ph_id(),
 *            ph_upload() and their like have given. Using it later is an error
 *            that the address sanitizer finds. What a C variable holds itself,
 *            a number for one, stays.
 *            What is handed over stays, as it is copied: with ph_output(),
 *            ph_set_props(), ph_return(), ph_set_header(), ph_tag(). Copies of
 *            outputs and results are memory of the call: set them once.
 *            ph_keep() copies a value to where it outlives the scratch.
 *            A patch or a figure takes values only where it was begun: adding
 *            to one from inside of a scratch is an error that says so.
 * NESTING    They may be in one another. One that is open when the function
 *            returns, with PH_WAIT or an error for one, ends with the call; an
 *            end without a beginning is an error.
 * COST       Some hundred nanoseconds.
 */
#include <pronghorn/app.h>

#ifdef __cplusplus
extern "C" {
#endif

/* From here on what is made lives until ph_scratch_end(). */
static inline void
ph_scratch_begin(struct ph_call *call)
{
	ph_host_->scratch_begin(call);
}

/* Give back what was made since the last ph_scratch_begin() that is open. */
static inline void
ph_scratch_end(struct ph_call *call)
{
	ph_host_->scratch_end(call);
}

/* A copy that lives as if it had been made before the innermost scratch that is
 * open was begun. Without one: the value itself. */
static inline const struct ph_value *
ph_keep(struct ph_call *call, const struct ph_value *value)
{
	return ph_host_->keep(call, value);
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
