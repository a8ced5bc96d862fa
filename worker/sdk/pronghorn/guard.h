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
 * finds them when it loads the app. PH_APP() fails by one, a hook of the server
 * returns -1 and one of a request 500. ph::wait() and ph::no_update() leave as
 * <pronghorn/app.hpp> says, be the function given to a builder of that or to
 * ph_callback() and the like. Not with -fno-exceptions.
 */
#include <pronghorn/app.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ph_request;
struct ph_server;

struct ph_guard_ {
	uint32_t size;
	enum ph_status (*run)(struct ph_call *call, ph_function *function);
	const struct ph_value *(
	    *make)(struct ph_call *call, ph_layout_function *function);
	bool (*ask)(struct ph_call *call, ph_condition_function *function);
	/* These write into `why`, of `size` bytes, what they caught; else
	 * nothing. hooks.h has the types of hooks. */
	void (*define)(struct ph_app *app, void (*function)(struct ph_app *app),
	    char *why, size_t size);
	int (*serve)(const struct ph_server *server,
	    int (*hook)(const struct ph_server *server), char *why,
	    size_t size);
	int (*request)(const struct ph_request *request,
	    int (*hook)(const struct ph_request *request), char *why,
	    size_t size);
};

#ifdef __cplusplus
} /* extern "C" */
#endif

#if defined(__cplusplus) && defined(__cpp_exceptions)
#include <exception>

namespace ph
{

/* Leaves a function: run me again when the value is ready. */
struct Wait {
};
/* Leaves a callback: nothing changes on the page. */
struct NoUpdate {
};

} /* namespace ph */

/* In a catch block: what is no std::exception, where it cannot be meant. */
static inline const char *
ph_guard_other_()
{
	try {
		throw;
	} catch (const ph::Wait &) {
		return "ph::wait() has no meaning here";
	} catch (const ph::NoUpdate &) {
		return "ph::no_update() is for callbacks";
	} catch (...) {
		return "an exception of an unknown type";
	}
}

static inline enum ph_status
ph_guard_run_(struct ph_call *call, ph_function *function)
{
	try {
		return function(call);
	} catch (const ph::Wait &) {
		return PH_WAIT;
	} catch (const ph::NoUpdate &) {
		return PH_NO_UPDATE;
	} catch (const std::exception &error) {
		return ph_fail(call, "%s", error.what());
	} catch (...) {
		return ph_fail(call, "an exception of an unknown type");
	}
}

static inline const struct ph_value *
ph_guard_make_(struct ph_call *call, ph_layout_function *function)
{
	try {
		return function(call);
	} catch (const ph::Wait &) {
		return nullptr; /* of a page: again when the value is there */
	} catch (const std::exception &error) {
		(void)ph_fail(call, "%s", error.what());
	} catch (...) {
		(void)ph_fail(call, "%s", ph_guard_other_());
	}
	return nullptr;
}

static inline bool
ph_guard_ask_(struct ph_call *call, ph_condition_function *function)
{
	try {
		return function(call);
	} catch (const std::exception &error) {
		(void)ph_fail(call, "%s", error.what());
	} catch (...) {
		(void)ph_fail(call, "%s", ph_guard_other_());
	}
	return false;
}

static inline void
ph_guard_say_(char *why, size_t size, const char *text)
{
	for (; size > 1 && *text != '\0'; size--)
		*why++ = *text++;
	*why = '\0';
}

static inline void
ph_guard_define_(struct ph_app *app, void (*function)(struct ph_app *app),
    char *why, size_t size)
{
	try {
		function(app);
	} catch (const std::exception &error) {
		ph_guard_say_(why, size, error.what());
	} catch (...) {
		ph_guard_say_(why, size, ph_guard_other_());
	}
}

/* A hook's result, or `failed`. */
template <typename T>
static inline int
ph_guard_hook_(const T *about, int (*hook)(const T *about), int failed,
    char *why, size_t size)
{
	try {
		return hook(about);
	} catch (const std::exception &error) {
		ph_guard_say_(why, size, error.what());
	} catch (...) {
		ph_guard_say_(why, size, ph_guard_other_());
	}
	return failed;
}

static inline int
ph_guard_serve_(const struct ph_server *server,
    int (*hook)(const struct ph_server *server), char *why, size_t size)
{
	return ph_guard_hook_(server, hook, -1, why, size);
}

static inline int
ph_guard_request_(const struct ph_request *request,
    int (*hook)(const struct ph_request *request), char *why, size_t size)
{
	return ph_guard_hook_(request, hook, 500, why, size);
}

/* One per shared object, however many files include this header. */
extern "C" {
__attribute__((visibility("default"),
    used)) inline const struct ph_guard_ ph_guard_ = { sizeof(struct ph_guard_),
	ph_guard_run_, ph_guard_make_, ph_guard_ask_, ph_guard_define_,
	ph_guard_serve_, ph_guard_request_ };
}
#endif

#endif
