/* SPDX-License-Identifier: MIT */

/*
 * Fuzz target: gzip request bodies.
 *
 * Properties: what comes out stays within the limit and one step; what is
 * accepted is accepted again with the limit just met, refused with one less.
 */

#include "test/fuzz/fuzz.h"

#include "worker/body.h"

#define LIMIT ((size_t)1000000)
#define STEP ((size_t)64 * 1024)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = BUF_EMPTY;
	const char *bytes = (const char *)data;
	size_t len;
	int rc;

	rc = body_gunzip(bytes, size, LIMIT, 100, &out);
	len = out.len;
	FUZZ_CHECK(rc == 0 || rc == -400 || rc == -413);
	FUZZ_CHECK(len <= LIMIT + STEP);
	if (rc == 0) {
		FUZZ_CHECK(body_gunzip(bytes, size, len, 100, &out) == 0);
		if (len > 0)
			FUZZ_CHECK(body_gunzip(bytes, size, len - 1, 100,
				       &out) == -413);
	}
	buf_free(&out);
	return 0;
}
