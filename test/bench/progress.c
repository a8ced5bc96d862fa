/* SPDX-License-Identifier: MIT */

/*
 * The progress line.
 */
#include "test/bench/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "test/bench/load.h"

static const char *const phases[] = {
	[LOAD_PRIMING] = "priming",
	[LOAD_ARRIVING] = "arriving",
	[LOAD_WARMUP] = "warm-up",
	[LOAD_MEASURE] = "measuring",
	[LOAD_DRAIN] = "draining",
	[LOAD_OVER] = "over",
};

static bool
is_wanted(const struct load *load)
{
	return !load->options->quiet && isatty(STDERR_FILENO);
}

void
progress_show(const struct load *load, int64_t now_us)
{
	static int64_t next_us;
	static uint64_t last;
	uint64_t done = load->meter.all_requests;
	/* A tick's time may be from before the phase. */
	int64_t since_us =
	    now_us > load->phase_us ? now_us - load->phase_us : 0;

	if (now_us < next_us)
		return;
	next_us = now_us + 1000000;
	if (is_wanted(load))
		(void)fprintf(stderr,
		    "\r%-9s %5.1f s  %u/%u sessions  %llu requests/s  "
		    "%ld connections  %llu errors\033[K",
		    phases[load->phase], (double)since_us / 1e6, load->loaded,
		    load->count, (unsigned long long)(done - last),
		    load->common.open,
		    (unsigned long long)meter_failures(&load->meter));
	last = done;
}

void
progress_end(const struct load *load)
{
	if (is_wanted(load))
		(void)fputs("\r\033[K", stderr);
}
