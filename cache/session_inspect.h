/* SPDX-License-Identifier: MIT */
#ifndef CACHE_SESSION_INSPECT_H
#define CACHE_SESSION_INSPECT_H

#include <stdint.h>

#include "cache/inspect.h"

/*
 * A look at the sessions from outside, for tools; see inspect.h. What is
 * shown of a session is the name of its data, not the id of its cookie.
 */
struct inspect_session {
	const char *scope; /* 32 hexadecimal digits */
	int64_t age_ms;
	int64_t idle_ms; /* since the last use, to ten seconds at most */
	int64_t entries;
	int64_t bytes;
	bool named; /* the app has said who the user is */
};

struct inspect_sessions {
	int64_t count; /* that live */
	int64_t oldest_ms;
	int64_t entries;
	int64_t bytes;
};

/* All of them in numbers. 0 or ERR_*. */
int inspect_sessions_summarize(struct inspect *inspect,
    struct inspect_sessions *out);

/* Those that live, used last first; at most `limit`. 0 or ERR_*. */
int inspect_sessions_list(struct inspect *inspect, unsigned limit,
    void (*put)(void *context, const struct inspect_session *session),
    void *context);

/*
 * End the sessions whose name begins with `prefix`, 8 digits at least, in
 * the database in `dir`. The number of them, or negative with a sentence in
 * *why.
 */
int inspect_sessions_end(const char *dir, const char *prefix, struct buf *why);

#endif
