/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_GUARD_H
#define PRONGHORN_GUARD_H

/*
 * No exception of C++ leaves a function of the app. Included by
 * <pronghorn/app.h>; nothing here is called by an app.
 *
 * The server is C, so an exception that came out of a callback would end the
 * worker. An app that was compiled as C++ has functions that run the app's and
 * make an exception an error of the call, with what() as the reason; the server
 * finds them when it loads the app. The builders of <pronghorn/app.hpp> do the
 * same by themselves, these are for what is given to ph_callback() and the
 * like. Not for hooks, which have no call to fail, nor with -fno-exceptions.
 */
#include <pronghorn/app.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ph_guard_ {
	uint32_t size;
	enum ph_status (*run)(struct ph_call *call, ph_function *function);
	const struct ph_value *(
	    *make)(struct ph_call *call, ph_layout_function *function);
	bool (*ask)(struct ph_call *call, ph_condition_function *function);
};

#ifdef __cplusplus
} /* extern "C" */
#endif

#if defined(__cplusplus) && defined(__cpp_exceptions)
#include <exception>

/* The function's result, or that of a failed call. */
template <typename T, typename F>
static inline T
ph_guarded_(struct ph_call *call, F *function, T failed)
{
	try {
		return function(call);
	} catch (const std::exception &error) {
		(void)ph_fail(call, "%s", error.what());
	} catch (...) {
		(void)ph_fail(call, "an exception of an unknown type");
	}
	return failed;
}

static inline enum ph_status
ph_guard_run_(struct ph_call *call, ph_function *function)
{
	return ph_guarded_(call, function, PH_ERROR);
}

static inline const struct ph_value *
ph_guard_make_(struct ph_call *call, ph_layout_function *function)
{
	return ph_guarded_(call, function,
	    static_cast<const struct ph_value *>(nullptr));
}

static inline bool
ph_guard_ask_(struct ph_call *call, ph_condition_function *function)
{
	return ph_guarded_(call, function, false);
}

/* One per shared object, however many files include this header. */
extern "C" {
__attribute__((visibility("default"),
    used)) inline const struct ph_guard_ ph_guard_ = { sizeof(struct ph_guard_),
	ph_guard_run_, ph_guard_make_, ph_guard_ask_ };
}
#endif

#endif
