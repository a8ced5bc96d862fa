/* SPDX-License-Identifier: MIT */

/* See share.h. The loop reads its clock once a pass, so that tells them apart.
 */
#include "worker/share.h"

#include "worker/worker_int.h"

#define SHARE_MAX ((size_t)4 * 1024 * 1024)

bool
share_is_left(struct worker *worker)
{
	struct timeval pass;

	(void)event_base_gettimeofday_cached(worker->base, &pass);
	if (pass.tv_usec != worker->share_pass.tv_usec ||
	    pass.tv_sec != worker->share_pass.tv_sec) {
		worker->share_pass = pass;
		worker->share_used = 0;
	}
	return worker->share_used < SHARE_MAX;
}

void
share_take(struct worker *worker, size_t sent)
{
	worker->share_used += sent;
}
