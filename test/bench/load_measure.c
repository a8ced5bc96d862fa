/* SPDX-License-Identifier: MIT */

/*
 * The two ends of the measured time: own CPU, bytes, and what the servers'
 * processes use. Memory is read at the end, while all sessions are open.
 */
#include <string.h>
#include <sys/resource.h>

#include "server/base/clock.h"
#include "test/bench/load.h"
#include "test/bench/load_int.h"

static double
own_cpu(void)
{
	struct rusage use;

	(void)getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void
read_servers(const struct load *load, struct proc_usage *sum)
{
	struct proc_usage one;
	unsigned i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < load->options->server_count; i++) {
		if (proc_stat_tree(load->options->servers[i], &one) < 0)
			continue;
		sum->cpu_ns += one.cpu_ns;
		sum->wakeups += one.wakeups;
		sum->pss_kb += one.pss_kb;
		sum->private_kb += one.private_kb;
		sum->processes += one.processes;
		sum->threads += one.threads;
	}
}

void
load_measure_start(struct load *load)
{
	read_servers(load, &load->server_start);
	load->cpu_s = own_cpu();
	load->bytes_in = load->common.bytes_in;
	load->bytes_out = load->common.bytes_out;
	meter_start(&load->meter, clock_mono_us());
}

void
load_measure_stop(struct load *load)
{
	if (!load->meter.running)
		return;
	meter_stop(&load->meter, clock_mono_us());
	load->cpu_s = own_cpu() - load->cpu_s;
	load->cpu_most_s = load->cpu_s;
	load->bytes_in = load->common.bytes_in - load->bytes_in;
	load->bytes_out = load->common.bytes_out - load->bytes_out;
	read_servers(load, &load->server_end);
}
