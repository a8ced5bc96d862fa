/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_LIST_H
#define PRONGHORN_LIST_H

/*
 * Lists that may be empty. Included by <pronghorn/app.h>.
 *
 * __VA_OPT__ is of C23 and C++20; gcc since 8 and clang since 12 know it in
 * every mode, and -Wpedantic says so for all that is not a system header.
 */
#pragma GCC system_header

/* PH_ARRAY_(type, ...) with `end` behind it. */
#define PH_ENDED_(type, end, ...) \
	PH_ARRAY_(type, __VA_ARGS__ __VA_OPT__(, ) end)

#endif
