/* SPDX-License-Identifier: MIT */

/*
 * The master's orders, from a pipe of this worker's own.
 *
 * FAILURE  What is not known is left undone: a master is never older than its
 *          workers, so it can only be damage.
 * THREADS  The loop only.
 */
#include <errno.h>
#include <unistd.h>

#include "server/base/log.h"
#include "worker/worker_int.h"

static void
obey(const struct handoff_order *order)
{
	if (order->kind == HANDOFF_ORDER_LOG_LEVEL &&
	    order->value <= LOG_LEVEL_DEBUG) {
		log_threshold = (int)order->value;
		log_debug("orders.log_level", "level=%s",
		    log_level_name(log_threshold));
	}
}

static void
on_order(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;
	struct handoff_order order;
	ssize_t got;

	(void)what;
	while (
	    (got = read(fd, &order, sizeof(order))) == (ssize_t)sizeof(order))
		obey(&order);
	if (got == 0)
		(void)event_del(&worker->orders_event);
}

int
orders_start(struct worker *worker)
{
	if (worker->handoff->orders_fd < 0)
		return 0;
	(void)event_assign(&worker->orders_event, worker->base,
	    worker->handoff->orders_fd, EV_READ | EV_PERSIST, on_order, worker);
	return event_add(&worker->orders_event, NULL) < 0 ? -ENOMEM : 0;
}
