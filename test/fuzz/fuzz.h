/* SPDX-License-Identifier: MIT */
#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * What every fuzz target shares. A target is one source file with the entry
 * point below; linked with clang's -fsanitize=fuzzer it searches, linked with
 * standalone_main.c it replays files, under any compiler.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that must hold for every input; active in every build. */
#define FUZZ_CHECK(condition)                                              \
	do {                                                               \
		if (!(condition)) {                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
			    #condition);                                   \
			abort();                                           \
		}                                                          \
	} while (0)

#endif
