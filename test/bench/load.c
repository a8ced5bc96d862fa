/* SPDX-License-Identifier: MIT */

/*
 * A run from its first connection to its last answer.
 *
 *   priming    warm and mixed: one browser asks for (half of) all values
 *   arriving   browsers load the page, and go on at once
 *   warm-up    all are there; not measured yet
 *   measure
 *   drain      what began, or was due, in the measured time may still end
 *
 * Closed model: a browser starts its next round when the last one has ended
 * and it has thought. Open model: starts are due by the clock; each goes to
 * an idle browser or waits for one, and its latency counts from when it was
 * due, so that a server that stalls cannot hide it (coordinated omission).
 *
 * Of several processes (split.h) the first one primes, and all wait for each
 * other before the warm-up.
 *
 * INVARIANT  In the open model a browser is busy or on the `idle` stack, and
 *            starts wait only while that stack is empty.
 * THREADS    The loop only.
 * FAILURE    load_give_up() keeps the first reason and ends the loop.
 */
#include "test/bench/load.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "test/bench/load_int.h"
#include "test/bench/progress.h"

#define TICK_US 20000
#define EXPIRE_US 250000
#define RETRY_S 0.5

void
load_give_up(struct load *load, const char *why)
{
	if (load->trouble == NULL)
		load->trouble = why;
	if (load->split != NULL)
		split_stop(load->split);
	(void)event_base_loopbreak(load->base);
}

static struct timeval
timeval_of(double seconds)
{
	struct timeval tv;

	if (seconds < 0)
		seconds = 0;
	tv.tv_sec = (time_t)seconds;
	tv.tv_usec = (suseconds_t)((seconds - (double)tv.tv_sec) * 1e6);
	return tv;
}

static void
set_phase(struct load *load, enum load_phase phase)
{
	load->phase = phase;
	load->phase_us = clock_mono_us();
}

/* All sessions are there, or done already: no other process need wait. */
static void
tell_ready(struct load *load)
{
	if (load->split != NULL && !load->told_ready)
		split_add_ready(load->split);
	load->told_ready = true;
}

static void
finish(struct load *load)
{
	load_measure_stop(load);
	tell_ready(load);
	set_phase(load, LOAD_OVER);
	(void)event_base_loopbreak(load->base);
}

/* ---- the open model
 * --------------------------------------------------------------- */

static void
on_schedule(evutil_socket_t fd, short what, void *arg)
{
	struct load *load = arg;
	struct timeval wait;
	int64_t now = clock_mono_us();
	int64_t due_us;

	(void)fd;
	(void)what;
	if (load->phase != LOAD_WARMUP && load->phase != LOAD_MEASURE)
		return;
	while (load->next_start_us <= (double)now) {
		due_us = (int64_t)load->next_start_us;
		load->starts +=
		    load->meter.running && due_us >= load->meter.start_us;
		if (load->idle_count > 0)
			browser_round(load->idle[--load->idle_count], due_us);
		else if (schedule_push(&load->late, due_us) < 0)
			meter_fail(&load->meter, METER_UNSERVED);
		load->next_start_us += schedule_gap_us(load->options->rate,
		    load->options->spacing, browser_random(&load->primer));
	}
	wait = timeval_of((load->next_start_us - (double)now) / 1e6);
	(void)event_add(&load->schedule, &wait);
}

static void
start_schedule(struct load *load)
{
	if (load->options->rate <= 0)
		return;
	load->next_start_us = (double)clock_mono_us();
	on_schedule(-1, 0, load);
}

/* The browser is free: give it what has waited longest. */
static void
serve_late(struct browser *browser)
{
	struct load *load = browser->load;

	if (load->late.count == 0 || load->phase == LOAD_OVER) {
		load->idle[load->idle_count++] = browser;
		return;
	}
	browser_round(browser, schedule_pop(&load->late));
}

/* ---- a browser's life
 * ---------------------------------------------------------------- */

/* Closed model: nothing is begun any more. */
static bool
is_closing(const struct load *load)
{
	return load->phase >= LOAD_DRAIN && load->options->rate <= 0;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct browser *browser = arg;

	(void)fd;
	(void)what;
	if (is_closing(browser->load))
		return;
	if (browser->phase == BROWSER_AWAY)
		browser_open(browser, clock_mono_us());
	else if (browser->load->options->rate > 0)
		serve_late(browser);
	else
		browser_round(browser, clock_mono_us());
}

static void
wait_for(struct browser *browser, double seconds)
{
	struct timeval wait = timeval_of(seconds);

	if (!event_initialized(&browser->timer))
		(void)event_assign(&browser->timer, browser->load->base, -1, 0,
		    on_timer, browser);
	(void)event_add(&browser->timer, &wait);
}

static void
go_on(struct browser *browser, bool first)
{
	struct load *load = browser->load;
	const struct bench_options *options = load->options;
	double pause;

	if (options->rounds > 0 && browser->rounds >= options->rounds) {
		browser->phase = BROWSER_DONE;
		if (++load->done == load->count)
			finish(load);
		return;
	}
	if (options->rate > 0) {
		serve_late(browser);
		return;
	}
	if (load->phase == LOAD_OVER || is_closing(load) ||
	    (first && options->together && load->phase == LOAD_ARRIVING))
		return;
	pause = schedule_pause(&options->think, browser_random(browser));
	if (pause > 0 && !(first && options->scenario == BENCH_COLD))
		wait_for(browser, pause);
	else
		browser_round(browser, clock_mono_us());
}

static void arrive(struct load *load);

/* The primer's next value, every other one in the mixed scenario. */
static void
prime(struct load *load)
{
	const struct app_model *model = load->primer.model;
	const struct control *control;

	while (load->prime_control < model->control_count) {
		control = &model->controls[load->prime_control];
		if (load->prime_value >= control->count) {
			load->prime_control++;
			load->prime_value = 0;
			continue;
		}
		load->primer.forced = control->values[load->prime_value];
		load->primer.forced_control = load->prime_control;
		load->prime_value +=
		    load->options->scenario == BENCH_MIXED ? 2 : 1;
		browser_round(&load->primer, clock_mono_us());
		return;
	}
	arrive(load);
}

void
load_on_loaded(struct browser *browser, bool good)
{
	struct load *load = browser->load;

	if (!good && browser == &load->primer && ++load->prime_failures == 3) {
		load_give_up(load, "the page cannot be loaded");
		return;
	}
	if (!good) {
		wait_for(browser, RETRY_S);
		return;
	}
	if (browser->model->control_count == 0) {
		load_give_up(load,
		    "the page has nothing to change: no options, no slider, "
		    "no button that a callback reads (see --control, "
		    "--values)");
		return;
	}
	if (browser == &load->primer) {
		prime(load);
		return;
	}
	load->loaded++;
	go_on(browser, true);
}

void
load_on_round(struct browser *browser, bool good)
{
	struct load *load = browser->load;

	if (browser == &load->primer) {
		if (good)
			prime(load);
		else
			load_give_up(load,
			    "asking for a value once before measuring failed");
		return;
	}
	/* What fails at once must not be tried again in the same breath. */
	if (!good && load->options->rounds == 0)
		wait_for(browser, 0.1);
	else
		go_on(browser, false);
}

/* ---- arriving
 * -------------------------------------------------------------------------- */

static void
arrive_one(struct load *load)
{
	struct browser *browser = &load->browsers[load->arrived++];

	if (load->options->path == NULL) {
		browser_open(browser, clock_mono_us());
		return;
	}
	load->loaded++;
	browser->phase = BROWSER_IDLE;
	go_on(browser, true);
}

static void
on_arrival(evutil_socket_t fd, short what, void *arg)
{
	struct load *load = arg;
	struct timeval wait;
	unsigned due;

	(void)fd;
	(void)what;
	due = schedule_arrived(load->options->arrival,
	    clock_mono_us() - load->phase_us, load->count);
	while (load->arrived < due)
		arrive_one(load);
	if (load->arrived < load->count) {
		wait = timeval_of(0.001);
		(void)event_add(&load->arrival, &wait);
	}
}

bool
load_counts_at_once(const struct load *load)
{
	return load->options->rounds > 0 ||
	       load->options->scenario == BENCH_COLD;
}

static void
arrive(struct load *load)
{
	if (load->split != NULL)
		split_set_primed(load->split);
	if (load_counts_at_once(load))
		load_measure_start(load);
	set_phase(load, LOAD_ARRIVING);
	on_arrival(-1, 0, load);
}

/* ---- time
 * ------------------------------------------------------------------------------
 */

static void
expire(struct load *load, int64_t now)
{
	unsigned i;

	load->expire_us = now + EXPIRE_US;
	for (i = 0; i < load->arrived; i++)
		client_expire(&load->browsers[i].client, now);
	if (load->primer.load != NULL)
		client_expire(&load->primer.client, now);
}

static bool
all_idle(const struct load *load)
{
	unsigned i;

	if (load->options->rate > 0)
		return load->late.count == 0 && load->idle_count == load->count;
	for (i = 0; i < load->arrived; i++) {
		if (load->browsers[i].waiting > 0)
			return false;
	}
	return true;
}

static void
step_arriving(struct load *load, double since)
{
	double patience = 2 * load->options->timeout + 10;
	unsigned i;

	if (load->options->arrival > 0)
		patience += load->count / load->options->arrival;
	if (load->loaded == load->count)
		tell_ready(load);
	if (load->loaded == load->count &&
	    (load->split == NULL || split_is_ready(load->split))) {
		set_phase(load,
		    load_counts_at_once(load) ? LOAD_MEASURE : LOAD_WARMUP);
		start_schedule(load);
		for (i = 0; load->options->together && i < load->count; i++)
			go_on(&load->browsers[i], true);
	} else if (since > patience) {
		load_give_up(load, "not all sessions could load the page");
	}
}

static void
step_phase(struct load *load, int64_t now)
{
	const struct bench_options *options = load->options;
	double since = (double)(now - load->phase_us) / 1e6;
	size_t i;

	switch (load->phase) {
	case LOAD_PRIMING:
		if (load->part > 0 && split_is_primed(load->split))
			arrive(load);
		else if (since > 20 * options->timeout)
			load_give_up(load, "asking for every value once "
					   "before measuring took too long");
		break;
	case LOAD_ARRIVING:
		step_arriving(load, since);
		break;
	case LOAD_WARMUP:
		if (since < options->warmup)
			break;
		load_measure_start(load);
		set_phase(load, LOAD_MEASURE);
		break;
	case LOAD_MEASURE:
		if (options->rounds > 0 || since < options->duration)
			break;
		load_measure_stop(load);
		set_phase(load, LOAD_DRAIN);
		break;
	case LOAD_DRAIN:
		/* What has no answer then has failed: expire(). */
		if (!all_idle(load) &&
		    since < options->timeout + 2 * EXPIRE_US / 1e6)
			break;
		for (i = 0; i < load->late.count; i++)
			meter_fail(&load->meter, METER_UNSERVED);
		finish(load);
		break;
	case LOAD_OVER:
		break;
	}
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct load *load = arg;
	int64_t now = clock_mono_us();

	(void)fd;
	(void)what;
	meter_tick(&load->meter, now);
	if (now >= load->expire_us)
		expire(load, now);
	if (load->common.refused)
		load_give_up(load, "the server does not speak HTTP/2 here");
	step_phase(load, now);
	if (load->sig_caught != NULL && *load->sig_caught != 0) {
		if (load->split != NULL)
			split_stop(load->split);
		finish(load);
	} else if (load->split != NULL && split_is_stopped(load->split)) {
		finish(load);
	}
	progress_show(load, now);
}

/* ---- the whole
 * ----------------------------------------------------------------------------
 */

const struct app_model *
load_model(struct load *load, const struct buf *layout,
    const struct buf *dependencies)
{
	struct app_model *model;
	const char *why;

	for (model = load->models; model != NULL; model = model->next) {
		if (app_model_is(model, layout->data, layout->len,
			dependencies->data, dependencies->len))
			return model;
	}
	if (app_model_new(&model, layout->data, layout->len, dependencies->data,
		dependencies->len, &load->wish, &why) < 0) {
		load_give_up(load, why);
		return NULL;
	}
	model->next = load->models;
	load->models = model;
	return model;
}

static int
make_browsers(struct load *load)
{
	unsigned i;
	int rc;

	load->browsers = calloc(load->count, sizeof(*load->browsers));
	load->idle = calloc(load->count, sizeof(*load->idle));
	if (load->browsers == NULL || load->idle == NULL)
		return -ENOMEM;
	for (i = 0; i < load->count; i++) {
		rc = browser_init(&load->browsers[i], load,
		    load->options->first + i);
		if (rc < 0)
			return rc;
	}
	return browser_init(&load->primer, load, UINT_MAX);
}

int
load_init(struct load *load, const struct bench_options *options)
{
	struct event_config *config = event_config_new();
	static char why[512];

	memset(load, 0, sizeof(*load));
	load->options = options;
	load->count = options->sessions;
	load->wish.control = options->control;
	load->wish.values = options->values;
	/* It costs two system calls a turn, so only where starts are timed. */
	if (config == NULL ||
	    (options->rate > 0 && event_config_set_flag(config,
				      EVENT_BASE_FLAG_PRECISE_TIMER) < 0))
		load->trouble = "libevent could not be set up";
	else
		load->base = event_base_new_with_config(config);
	if (config != NULL)
		event_config_free(config);
	load->common.base = load->base;
	load->common.target = &load->target;
	load->common.http = options->http;
	load->common.timeout_us = (int64_t)(options->timeout * 1e6);
	load->common.scratch = malloc(CLIENT_SCRATCH);
	if (load->base == NULL || load->common.scratch == NULL ||
	    meter_init(&load->meter) < 0 || make_browsers(load) < 0) {
		load->trouble = "out of memory";
		return -ENOMEM;
	}
	if (target_parse(&load->target, options->url, why, sizeof(why)) < 0) {
		load->trouble = why;
		return -EINVAL;
	}
	load->oracle.same = options->check_same;
	return 0;
}

void
load_free(struct load *load)
{
	struct app_model *model;
	unsigned i;

	for (i = 0; load->browsers != NULL && i < load->count; i++)
		browser_free(&load->browsers[i]);
	browser_free(&load->primer);
	while ((model = load->models) != NULL) {
		load->models = model->next;
		app_model_free(model);
	}
	free(load->browsers);
	free(load->idle);
	schedule_free(&load->late);
	client_common_free(&load->common);
	free(load->common.scratch);
	buf_free(&load->body);
	buf_free(&load->get_fields);
	buf_free(&load->post_fields);
	buf_free(&load->plain);
	meter_free(&load->meter);
	oracle_free(&load->oracle);
	if (load->base != NULL)
		event_base_free(load->base);
	memset(load, 0, sizeof(*load));
}

int
load_run(struct load *load)
{
	struct timeval tick = { 0, TICK_US };

	(void)event_assign(&load->tick, load->base, -1, EV_PERSIST, on_tick,
	    load);
	(void)event_assign(&load->arrival, load->base, -1, 0, on_arrival, load);
	(void)event_assign(&load->schedule, load->base, -1, 0, on_schedule,
	    load);
	(void)event_add(&load->tick, &tick);
	load->begin_us = clock_mono_us();
	if (load->options->scenario == BENCH_COLD ||
	    load->options->path != NULL) {
		arrive(load);
	} else {
		set_phase(load, LOAD_PRIMING);
		if (load->part == 0) /* once for all processes */
			browser_open(&load->primer, load->begin_us);
	}
	if (load->phase != LOAD_OVER && load->trouble == NULL)
		(void)event_base_dispatch(load->base);
	load_measure_stop(load);
	if (load->options->computed != NULL)
		load->computations = computed_count(&load->computed);
	progress_end(load);
	return load->trouble != NULL ? -EPROTO : 0;
}
