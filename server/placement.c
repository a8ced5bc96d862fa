/* SPDX-License-Identifier: MIT */

/*
 * Placement. See placement.h.
 *
 * A generation takes other slots than the one before it, so which worker gets
 * which CPU changes with each reload; that each CPU gets its share does not,
 * as long as the slots in use follow each other.
 *
 * THREADS  See placement.h.
 */
#include "server/placement.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "server/base/log.h"

static bool
parse_number(const char **text, unsigned *number)
{
	char *end;
	unsigned long value;

	if (**text < '0' || **text > '9')
		return false;
	value = strtoul(*text, &end, 10);
	*text = end;
	*number = (unsigned)value;
	return value < CPU_SETSIZE;
}

bool
placement_parse(const char *text, unsigned *first, unsigned *last)
{
	if (!parse_number(&text, first))
		return false;
	*last = *first;
	if (*text == '-') {
		text++;
		if (!parse_number(&text, last))
			return false;
	}
	return *text == '\0' && *last >= *first;
}

/* The CPU with the number `index` among those we may use. */
static void
choose_one(unsigned index, cpu_set_t *set)
{
	cpu_set_t usable;
	unsigned cpu;

	CPU_ZERO(set);
	if (sched_getaffinity(0, sizeof(usable), &usable) < 0)
		return;
	index %= (unsigned)CPU_COUNT(&usable);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &usable) && index-- == 0) {
			CPU_SET(cpu, set);
			return;
		}
	}
}

static void
choose_range(const char *text, cpu_set_t *set)
{
	unsigned first = 0;
	unsigned last = 0;

	CPU_ZERO(set);
	(void)placement_parse(text, &first, &last);
	for (; first <= last; first++)
		CPU_SET(first, set);
}

void
placement_apply(const struct server_options *options, unsigned slot)
{
	const struct opt_list *list = &options->cpu_affinity;
	cpu_set_t set;

	if (options->worker_nice != 0) {
		errno = 0;
		if (setpriority(PRIO_PROCESS, 0,
			getpriority(PRIO_PROCESS, 0) +
			    (int)options->worker_nice) < 0)
			log_warn(-errno, "worker.nice", "slot=%u", slot);
	}
	if (list->count == 0)
		return;
	if (strcmp(list->items[0], "auto") == 0)
		choose_one(slot, &set);
	else
		choose_range(list->items[slot % list->count], &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		log_warn(-errno, "worker.affinity", "slot=%u cpus=%s", slot,
		    list->items[slot % list->count]);
}
