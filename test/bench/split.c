/* SPDX-License-Identifier: MIT */

/*
 * A run over several processes. See split.h.
 *
 * INVARIANT  A slot is written by its process before that sets `given`, and
 *            read by the first one after it saw that the process has ended.
 * OWNERSHIP  The mapping is shared by all; the first process has the others'
 *            ids and waits for each. They die with it (PR_SET_PDEATHSIG).
 * THREADS    One in each process; what two of them touch at a time is atomic.
 */
#include "test/bench/split.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/bench/load.h"

#define SECONDS_MAX 4096 /* the timeline of a longer run ends there */

struct slot {
	bool given;
	char trouble[512];  /* why it could not go on; empty: it could */
	struct meter meter; /* without its pointers */
	uint64_t starts;
	double cpu_s;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t connects;
	uint64_t retries;
	bool spoke_http_2;
	int own_limit;
	uint64_t checked;
	uint64_t entries;
	uint64_t unknown;
	uint64_t wrong;
	char example[sizeof(((struct oracle *)0)->example)];
	struct meter_second seconds[SECONDS_MAX];
	struct histogram steps[STEP_COUNT];
};

struct split {
	unsigned count;
	size_t bytes; /* of the mapping */
	pid_t pids[SPLIT_PROCESSES_MAX];
	_Atomic bool primed;
	_Atomic unsigned ready;
	_Atomic bool stopped;
	struct slot slots[];
};

struct split *
split_new(unsigned count)
{
	size_t bytes = sizeof(struct split) + count * sizeof(struct slot);
	struct split *split = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (split == MAP_FAILED)
		return NULL;
	split->count = count;
	split->bytes = bytes;
	return split;
}

/* Wait for a process; it has its place no more. */
static void
reap(struct split *split, unsigned index)
{
	if (split->pids[index] <= 0)
		return;
	while (waitpid(split->pids[index], NULL, 0) < 0 && errno == EINTR)
		continue;
	split->pids[index] = 0;
}

void
split_free(struct split **split)
{
	unsigned i;

	if (*split == NULL)
		return;
	split_stop(*split);
	for (i = 1; i < (*split)->count; i++)
		reap(*split, i);
	(void)munmap(*split, (*split)->bytes);
	*split = NULL;
}

int
split_fork(struct split *split)
{
	pid_t first = getpid();
	unsigned i;
	pid_t pid;

	for (i = 1; i < split->count; i++) {
		pid = fork();
		if (pid < 0)
			return -errno;
		if (pid == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != first)
				_exit(1);
			return (int)i;
		}
		split->pids[i] = pid;
	}
	return 0;
}

void
split_options(const struct bench_options *all, unsigned index,
    struct bench_options *mine)
{
	unsigned least = all->sessions / all->processes;
	unsigned more = all->sessions % all->processes; /* have one more */

	*mine = *all;
	mine->sessions = least + (index < more ? 1 : 0);
	/* Sessions have the numbers that they would have in one process, and
	 * so the same random numbers. */
	mine->first = index * least + (index < more ? index : more);
	/* By sessions, as these may not divide evenly. */
	mine->rate = all->rate * mine->sessions / all->sessions;
	mine->arrival = all->arrival * mine->sessions / all->sessions;
	if (index == 0)
		return;
	mine->quiet = true;
	mine->server_count = 0;
	mine->computed = NULL;
	mine->json = NULL;
	mine->svg = NULL;
}

void
split_set_primed(struct split *split)
{
	split->primed = true;
}

bool
split_is_primed(const struct split *split)
{
	return split->primed;
}

void
split_add_ready(struct split *split)
{
	split->ready++;
}

bool
split_is_ready(const struct split *split)
{
	return split->ready >= split->count;
}

void
split_stop(struct split *split)
{
	split->stopped = true;
}

bool
split_is_stopped(const struct split *split)
{
	return split->stopped;
}

void
split_give(struct split *split, unsigned index, const struct load *load)
{
	struct slot *slot = &split->slots[index];
	const struct oracle *oracle = &load->oracle;

	if (load->trouble != NULL)
		(void)snprintf(slot->trouble, sizeof(slot->trouble), "%s",
		    load->trouble);
	slot->meter = load->meter;
	if (slot->meter.second_count > SECONDS_MAX)
		slot->meter.second_count = SECONDS_MAX;
	if (slot->meter.second_count > 0)
		memcpy(slot->seconds, load->meter.seconds,
		    slot->meter.second_count * sizeof(slot->seconds[0]));
	memcpy(slot->steps, load->meter.steps, sizeof(slot->steps));
	slot->starts = load->starts;
	slot->cpu_s = load->cpu_s;
	slot->bytes_in = load->bytes_in;
	slot->bytes_out = load->bytes_out;
	slot->connects = load->common.connects;
	slot->retries = load->common.retries;
	slot->spoke_http_2 = load->common.spoke_http_2;
	slot->own_limit = load->common.own_limit;
	slot->checked = oracle->checked;
	slot->entries = oracle->entries;
	slot->unknown = oracle->unknown;
	slot->wrong = oracle->wrong;
	memcpy(slot->example, oracle->example, sizeof(slot->example));
	slot->given = true;
}

/* Seconds began together, to a tick. What cannot be added: the mean of the
 * middles, and the worst of the ends. */
static void
add_second(struct meter_second *to, const struct meter_second *from)
{
	double all = (double)to->requests + from->requests;

	if (all > 0)
		to->p50_us =
		    (uint32_t)(((double)to->p50_us * to->requests +
				   (double)from->p50_us * from->requests) /
			       all);
	if (from->p99_us > to->p99_us)
		to->p99_us = from->p99_us;
	to->requests += from->requests;
	to->callbacks += from->callbacks;
	to->rounds += from->rounds;
	to->errors += from->errors;
}

/* One process may measure longer, when all have a number of rounds to do. */
static void
add_seconds(struct meter *to, const struct meter *from,
    const struct meter_second *seconds)
{
	struct meter_second *longer;
	size_t i;

	if (from->second_count > to->second_count) {
		longer =
		    realloc(to->seconds, from->second_count * sizeof(*longer));
		if (longer == NULL)
			return; /* the timeline is without this process */
		memset(longer + to->second_count, 0,
		    (from->second_count - to->second_count) * sizeof(*longer));
		to->seconds = longer;
		to->second_count = from->second_count;
	}
	for (i = 0; i < from->second_count; i++)
		add_second(&to->seconds[i], &seconds[i]);
}

static void
add_meter(struct meter *to, const struct slot *slot)
{
	const struct meter *from = &slot->meter;
	size_t i;

	for (i = 0; i < STEP_COUNT; i++)
		histogram_merge(&to->steps[i], &slot->steps[i]);
	for (i = 0; i < METER_ERRORS; i++)
		to->errors[i] += from->errors[i];
	add_seconds(to, from, slot->seconds);
	to->requests += from->requests;
	to->callbacks += from->callbacks;
	to->rounds += from->rounds;
	to->loads += from->loads;
	to->all_requests += from->all_requests;
}

static void
add_slot(struct load *load, const struct slot *slot)
{
	struct oracle *oracle = &load->oracle;

	add_meter(&load->meter, slot);
	load->starts += slot->starts;
	load->cpu_s += slot->cpu_s;
	if (slot->cpu_s > load->cpu_most_s)
		load->cpu_most_s = slot->cpu_s;
	load->bytes_in += slot->bytes_in;
	load->bytes_out += slot->bytes_out;
	load->common.connects += slot->connects;
	load->common.retries += slot->retries;
	load->common.spoke_http_2 |= slot->spoke_http_2;
	if (slot->own_limit != 0)
		load->common.own_limit = slot->own_limit;
	oracle->checked += slot->checked;
	oracle->unknown += slot->unknown;
	oracle->wrong += slot->wrong;
	if (slot->entries > oracle->entries)
		oracle->entries = slot->entries; /* mostly the same ones */
	if (oracle->example[0] == '\0')
		memcpy(oracle->example, slot->example, sizeof(slot->example));
}

/*
 * The time that the counts belong to. With a number of rounds: from the first
 * start to the last end. Else all measured equally long, but for a tick, and
 * not from the same tick on: the mean of their times.
 */
struct span {
	int64_t first_us;
	int64_t last_us;
	int64_t sum_us;
	unsigned count;
};

static void
stretch(struct span *span, const struct meter *meter)
{
	if (span->count == 0 || meter->start_us < span->first_us)
		span->first_us = meter->start_us;
	if (span->count == 0 || meter->end_us > span->last_us)
		span->last_us = meter->end_us;
	span->sum_us += meter->end_us - meter->start_us;
	span->count++;
}

static void
set_time(struct load *load, const struct span *span)
{
	struct meter *meter = &load->meter;

	if (load_counts_at_once(load)) {
		meter->start_us = span->first_us;
		meter->end_us = span->last_us;
	} else {
		meter->end_us = meter->start_us + span->sum_us / span->count;
	}
}

int
split_take(struct split *split, struct load *load)
{
	struct span span = { .count = 0 };
	const char *trouble = NULL;
	struct slot *slot;
	unsigned i;

	stretch(&span, &load->meter);
	for (i = 1; i < split->count; i++) {
		slot = &split->slots[i];
		reap(split, i);
		if (slot->given) {
			add_slot(load, slot);
			stretch(&span, &slot->meter);
		} else {
			trouble = "a process of the generator has ended early";
		}
		if (slot->trouble[0] != '\0')
			trouble = slot->trouble;
	}
	set_time(load, &span);
	if (load->trouble == NULL)
		load->trouble = trouble;
	return load->trouble != NULL ? -EPROTO : 0;
}
