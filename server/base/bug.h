/* SPDX-License-Identifier: MIT */
#ifndef BASE_BUG_H
#define BASE_BUG_H

/*
 * Broken contracts inside our own code. Always compiled in: one process
 * dies with a message, the master replaces it. Never for anything that a
 * client, a file, an app or the kernel can cause.
 */
_Noreturn void bug_abort(const char *file, int line, const char *what);

#define ASSERT(condition)                                          \
	do {                                                       \
		if (!(condition))                                  \
			bug_abort(__FILE__, __LINE__, #condition); \
	} while (0)

#define BUG(what) bug_abort(__FILE__, __LINE__, (what))

#endif
