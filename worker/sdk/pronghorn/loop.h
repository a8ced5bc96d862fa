/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_LOOP_H
#define PRONGHORN_LOOP_H

/*
 * Callbacks in a loop: ids that are known only when the app is defined, such
 * as those of a list in a file, and one function for all of them. Included by
 * <pronghorn/app.h>, which says what holds for all of this.
 *
 *     for (i = 0; i < count; i++)
 *         ph_callback(app, draw, PH_OUTPUTF("graph-%s.figure", names[i]),
 *             PH_INPUTF("range-%s.value", names[i]));
 *
 * In draw() ph_output_name(call, 0) and ph_input_name(call, 0) say which of
 * them runs. Where components come and go while the page is open, a pattern
 * does it: PH_MATCH().
 */
#include <pronghorn/app.h>

#ifdef __cplusplus
extern "C" {
#endif

/* printf into a dependency. The format is a literal: PH_INPUTF("%s", what). A
 * dict id: PH_INPUTF("%s.value", ph_id("range", ph_int(i))). Only inside
 * PH_APP(). */
#define PH_OUTPUTF(...) ph_format(PH_MARK_OUTPUT_ __VA_ARGS__)
#define PH_INPUTF(...) ph_format(PH_MARK_INPUT_ __VA_ARGS__)
#define PH_STATEF(...) ph_format(PH_MARK_STATE_ __VA_ARGS__)
#define PH_OUTPUT_DUPLICATEF(...) ph_format(PH_MARK_DUPLICATE_ __VA_ARGS__)
#define PH_INPUT_OPTIONALF(...) ph_format(PH_MARK_INPUT_OPTIONAL_ __VA_ARGS__)
#define PH_STATE_OPTIONALF(...) ph_format(PH_MARK_STATE_OPTIONAL_ __VA_ARGS__)

/* The n-th output of this callback as PH_APP() has it, "id.property", counted
 * from 0; "" beyond the last, and where no callback runs. */
static inline const char *
ph_output_name(struct ph_call *call, unsigned index)
{
	return ph_host_->dependency_name(call, true, index);
}

/* The same for its inputs, and behind them its states. */
static inline const char *
ph_input_name(struct ph_call *call, unsigned index)
{
	return ph_host_->dependency_name(call, false, index);
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
