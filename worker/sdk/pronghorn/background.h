/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_BACKGROUND_H
#define PRONGHORN_BACKGROUND_H

/*
 * Background callbacks: they may run for minutes, while the page asks every
 * now and then how far they are. Included by <pronghorn/app.h>, which says
 * what holds for all of this.
 *
 *     ph_callback(app, report, PH_OUTPUT("out.children"),
 *         PH_INPUT("go.n_clicks"), .prevent_initial_call = true,
 *         .background = true, .interval = 0.5,
 *         .progress = PH_PROGRESS({ "bar.value", ph_int(0) }),
 *         .cancel = PH_TEXTS("stop.n_clicks"),
 *         .running = PH_RUNNING(PH_WHILE("go.disabled", ph_bool(true),
 *             ph_bool(false))));
 *
 * One is run by any thread of any worker, like a memoized function, and at
 * most `threads` - 1 of them at a time in one worker. When its worker dies it
 * begins again in another one. The page that asks holds no thread.
 *
 * It ends without a result when a .cancel input changes, when the same page
 * starts it anew, or when no page has asked for it in three minutes: then
 * ph_cancelled() (cache.h) is true, and what is returned does not matter. A
 * function that does not ask runs to its end, and nobody sees what it returns.
 * Asking costs a look into the store at most every 50 ms, and tells the server
 * that the thread is not stuck (thread_timeout).
 *
 * With .memoize = true the result is kept for all who ask with the same
 * inputs, and is not cancelled, as others may wait for it, too.
 *
 * ph_cookie() and the fields Cookie and Authorization are empty in it: they
 * are not written into the store.
 */
#include <pronghorn/app.h>

#ifdef __cplusplus
extern "C" {
#endif

/* .progress = PH_PROGRESS({ "bar.value", ph_int(0) }): properties and what
 * they are before and after; NULL: they are left alone then. */
#define PH_PROGRESS(...) \
	PH_ARRAY_(struct ph_member, __VA_ARGS__, { NULL, NULL })

struct ph_background_host {
	uint32_t size;
	bool (*set_progress)(struct ph_call *call,
	    const struct ph_member *members, size_t count);
};

/*
 * Set properties of the page while the callback runs, those of .progress:
 *     ph_set_progress(call, { "bar.value", ph_int(done) });
 * The page shows them when it asks next. It replaces what was set before.
 * Calls within 50 ms of the last one do nothing, so a loop may call it for
 * each of its rounds. Also tells the server that the thread is not stuck
 * (thread_timeout). False: it was not written.
 */
#define ph_set_progress(call, ...) \
	ph_set_progress_of_(call,  \
	    PH_ARRAY_(struct ph_member, __VA_ARGS__, PH_END_MEMBER_))
static inline bool
ph_set_progress_of_(struct ph_call *call, const struct ph_member *members)
{
	return ph_host_->background->set_progress(call, members,
	    ph_count_members_(members));
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
