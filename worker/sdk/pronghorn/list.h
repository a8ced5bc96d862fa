/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_LIST_H
#define PRONGHORN_LIST_H

/*
 * Lists that may be empty, and what compilers need not say of this SDK.
 * Included by <pronghorn/app.h>.
 *
 * __VA_OPT__ is of C23 and C++20; gcc since 8 and clang since 12 know it in
 * every mode, and -Wpedantic says so for all that is not a system header.
 */
#pragma GCC system_header

#include <stddef.h> /* something to compile, where this is alone */

/* PH_ARRAY_(type, ...) with `end` behind it. */
#ifdef __cppcheck__ /* does not know __VA_OPT__ */
#define PH_ENDED_(type, end, ...) PH_ARRAY_(type, __VA_ARGS__, end)
#else
#define PH_ENDED_(type, end, ...) \
	PH_ARRAY_(type, __VA_ARGS__ __VA_OPT__(, ) end)
#endif

/* Options as they are given, the others zero; -Wextra would name each of those
 * in C++. */
#define PH_WITH_(options, ...)        \
	__extension__(struct options) \
	{                             \
		__VA_ARGS__           \
	}

/* Around a function that is called as a struct is, which -Wshadow dislikes in
 * C++. */
#define PH_TWO_NAMES_                  \
	_Pragma("GCC diagnostic push") \
	    _Pragma("GCC diagnostic ignored \"-Wshadow\"")
#define PH_TWO_NAMES_END_ _Pragma("GCC diagnostic pop")

#endif
