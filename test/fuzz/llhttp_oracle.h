/* SPDX-License-Identifier: MIT */
#ifndef TEST_FUZZ_LLHTTP_ORACLE_H
#define TEST_FUZZ_LLHTTP_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What llhttp, the parser of Node.js, makes of a request. In files of its own
 * because its header and ours have the same names for methods.
 */

#define ORACLE_FIELDS_MAX 256
#define ORACLE_BODY_MAX 4096

struct oracle_span {
	const char *data; /* into the request; NULL when absent */
	size_t len;
};

struct oracle {
	bool head_done;
	bool message_done;
	bool keep_alive;
	bool chunked;
	bool has_length;
	int minor;          /* of HTTP/1 */
	const char *method; /* static text; set with head_done */
	uint64_t length;
	struct oracle_span target;
	size_t field_count; /* of the head, without trailers */
	struct oracle_span names[ORACLE_FIELDS_MAX];
	struct oracle_span values[ORACLE_FIELDS_MAX];
	size_t body_len;
	char body[ORACLE_BODY_MAX];
};

/* Let llhttp parse `len` bytes: one request or a part of one. */
void oracle_run(struct oracle *oracle, const char *bytes, size_t len);

#endif
