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
obey(struct worker *worker, const struct handoff_order *order)
{
	if (order->kind == HANDOFF_ORDER_LOG_LEVEL &&
	    order->value <= LOG_LEVEL_DEBUG) {
		log_threshold = (int)order->value;
		log_debug("orders.log_level", "level=%s",
		    log_level_name(log_threshold));
	}
	if (order->kind == HANDOFF_ORDER_SHUT)
		worker->shut = true;
}

bool
orders_read(struct worker *worker)
{
	struct handoff_order order;
	ssize_t got;

	if (worker->handoff->orders_fd < 0)
		return false;
	while ((got = read(worker->handoff->orders_fd, &order,
		    sizeof(order))) == (ssize_t)sizeof(order))
		obey(worker, &order);
	return got != 0;
}

static void
on_order(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	(void)fd;
	(void)what;
	if (!orders_read(worker))
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
