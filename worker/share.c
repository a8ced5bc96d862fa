/* SPDX-License-Identifier: MIT */

/* See share.h. */
#include "worker/share.h"

#include "worker/worker_int.h"

#define SHARE_MAX ((size_t)4 * 1024 * 1024)

void
share_begin(struct worker *worker)
{
	worker->share_used = 0;
}

bool
share_is_left(const struct worker *worker)
{
	return worker->share_used < SHARE_MAX;
}

void
share_take(struct worker *worker, size_t sent)
{
	worker->share_used += sent;
}
