/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TARGET_H
#define BENCH_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/*
 * Where the load goes: a URL and the one address it stands for.
 * Layer: test. Threads: read-only once made.
 */
struct target {
	struct sockaddr_storage address;
	socklen_t address_len;
	bool local; /* a unix socket */
	bool tls;
	char host[280];   /* what the Host field says: name:port */
	char prefix[512]; /* of all paths, without the last slash; "" */
};

/*
 * Read http[s]://HOST[:PORT][/PREFIX] or unix:/PATH and look the name up.
 * why[why_len] receives a sentence. 0, -EINVAL or -ENOENT.
 */
int target_parse(struct target *target, const char *url, char *why,
    size_t why_len);

/* A new non-blocking socket on its way to the target. >= 0 or -errno. */
int target_connect(const struct target *target);

#endif
