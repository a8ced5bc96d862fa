/* SPDX-License-Identifier: MIT */

/*
 * Reports. The three forms take their numbers from the same few functions,
 * so that they cannot differ.
 *
 * FAILURE  A file that cannot be written is -errno.
 */
#include "test/bench/bench_report.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/bench/load.h"
#include "test/bench/svg.h"

#define CPU_LIMIT 0.8 /* of a core; above, the generator may be the limit */

static double
seconds_of(const struct load *load)
{
	double us = (double)(load->meter.end_us - load->meter.start_us);

	return us > 0 ? us / 1e6 : 1e-6;
}

static double
server_us(const struct load *load)
{
	double ns =
	    (double)load->server_end.cpu_ns - (double)load->server_start.cpu_ns;

	return ns > 0 ? ns / 1e3 : 0;
}

/* Requests answered while the servers' CPU time was watched. */
static double
per_request(const struct load *load, double sum)
{
	return load->meter.requests > 0 ? sum / (double)load->meter.requests
					: 0;
}

/* ---- the table
 * -------------------------------------------------------------------- */

static void
print_step(const struct histogram *histogram, const char *name)
{
	static const double percents[] = { 50, 90, 99, 99.9 };
	size_t i;

	if (histogram->count == 0)
		return;
	printf("%-13s %9llu %9.3f", name, (unsigned long long)histogram->count,
	    histogram_mean(histogram) / 1e3);
	for (i = 0; i < 4; i++)
		printf(" %9.3f",
		    (double)histogram_percentile(histogram, percents[i]) / 1e3);
	printf(" %9.3f\n", (double)histogram->max / 1e3);
}

static void
print_app(const struct load *load)
{
	const struct app_model *model = load->models;

	if (model == NULL)
		return;
	printf("callbacks: %u of %u driven", model->driven,
	    model->graph.callback_count);
	if (model->graph.clientside > 0)
		printf(", %u run in the browser", model->graph.clientside);
	if (model->graph.background > 0)
		printf(", %u background", model->graph.background);
	if (model->graph.wildcards > 0)
		printf(", %u with wildcards", model->graph.wildcards);
	if (model->absent > 0)
		printf(", %u not on the page", model->absent);
	printf("; controls: %u\n", model->control_count);
}

static void
print_checks(const struct load *load)
{
	const struct oracle *oracle = &load->oracle;

	if (oracle->checked + oracle->unknown == 0)
		return;
	printf("checked: %llu answers, %llu different requests, %llu wrong",
	    (unsigned long long)oracle->checked,
	    (unsigned long long)oracle->entries,
	    (unsigned long long)oracle->wrong);
	if (oracle->unknown > 0)
		printf(", %llu unknown", (unsigned long long)oracle->unknown);
	puts("");
	if (oracle->example[0] != '\0')
		printf("first wrong: %s\n", oracle->example);
}

static void
print_errors(const struct load *load)
{
	int i;

	if (meter_failures(&load->meter) == 0) {
		puts("errors: none");
		return;
	}
	printf("errors:");
	for (i = 0; i < METER_ERRORS; i++) {
		if (load->meter.errors[i] > 0)
			printf(" %s %llu", meter_error_name(i),
			    (unsigned long long)load->meter.errors[i]);
	}
	puts("");
}

static void
print_servers(const struct load *load)
{
	double us = server_us(load);

	if (load->options->server_count == 0)
		return;
	printf("server: %.2f cores, %.1f us CPU and %.2f wake-ups per "
	       "request, PSS %.1f MB, %u processes, %u threads\n",
	    us / 1e6 / seconds_of(load), per_request(load, us),
	    per_request(load, (double)load->server_end.wakeups -
				  (double)load->server_start.wakeups),
	    (double)load->server_end.pss_kb / 1024, load->server_end.processes,
	    load->server_end.threads);
}

void
bench_report_print(const struct load *load)
{
	const struct meter *meter = &load->meter;
	double seconds = seconds_of(load);
	double share = load->cpu_most_s / seconds;
	int i;

	printf("%u sessions, %.2f s measured%s\n", load->count, seconds,
	    load->options->rate > 0 ? ", open model" : "");
	print_app(load);
	printf("%.1f requests/s", (double)meter->requests / seconds);
	if (meter->callbacks > 0)
		printf(", %.1f callbacks/s, %.1f rounds/s",
		    (double)meter->callbacks / seconds,
		    (double)meter->rounds / seconds);
	printf(", %.2f MB/s in, %.2f MB/s out\n",
	    (double)load->bytes_in / 1e6 / seconds,
	    (double)load->bytes_out / 1e6 / seconds);
	printf("%-13s %9s %9s %9s %9s %9s %9s %9s   (ms)\n", "step", "count",
	    "mean", "p50", "p90", "p99", "p99.9", "max");
	for (i = 0; i < STEP_COUNT; i++)
		print_step(&meter->steps[i],
		    meter_step_name((enum meter_step)i));
	print_errors(load);
	print_checks(load);
	if (load->options->computed != NULL && load->computations >= 0)
		printf("computations: %ld\n", load->computations);
	print_servers(load);
	printf("generator: %.0f %% of a core", 100 * share);
	if (load->options->processes > 1)
		printf(" in the busiest of %u processes, %.2f cores in all",
		    load->options->processes, load->cpu_s / seconds);
	printf(", %s, %llu connections, %llu sent again\n",
	    load->common.spoke_http_2 ? "HTTP/2" : "HTTP/1.1",
	    (unsigned long long)load->common.connects,
	    (unsigned long long)load->common.retries);
	if (share > CPU_LIMIT)
		puts("warning: the generator was nearly out of CPU; the "
		     "server may be faster than this shows");
}

/* ---- JSON
 * -------------------------------------------------------------------------- */

static void
add_number(cJSON *to, const char *name, double value)
{
	(void)cJSON_AddNumberToObject(to, name, value);
}

static cJSON *
json_step(const struct histogram *histogram)
{
	static const struct {
		const char *name;
		double percent;
	} percents[] = { { "p50", 50 }, { "p75", 75 }, { "p90", 90 },
		{ "p95", 95 }, { "p99", 99 }, { "p99_9", 99.9 } };
	cJSON *step = cJSON_CreateObject();
	size_t i;

	add_number(step, "count", (double)histogram->count);
	add_number(step, "mean", histogram_mean(histogram));
	add_number(step, "min", (double)histogram->min);
	for (i = 0; i < sizeof(percents) / sizeof(percents[0]); i++)
		add_number(step, percents[i].name,
		    (double)histogram_percentile(histogram,
			percents[i].percent));
	add_number(step, "max", (double)histogram->max);
	return step;
}

static void
add_steps(cJSON *root, const struct meter *meter)
{
	cJSON *steps = cJSON_AddObjectToObject(root, "latency_us");
	cJSON *errors = cJSON_AddObjectToObject(root, "errors");
	int i;

	for (i = 0; i < STEP_COUNT; i++) {
		if (meter->steps[i].count > 0)
			(void)cJSON_AddItemToObject(steps,
			    meter_step_name((enum meter_step)i),
			    json_step(&meter->steps[i]));
	}
	for (i = 0; i < METER_ERRORS; i++) {
		if (meter->errors[i] > 0)
			add_number(errors, meter_error_name(i),
			    (double)meter->errors[i]);
	}
}

static void
add_seconds(cJSON *root, const struct meter *meter)
{
	cJSON *list = cJSON_AddArrayToObject(root, "seconds");
	const struct meter_second *second;
	cJSON *item;
	size_t i;

	for (i = 0; i < meter->second_count; i++) {
		second = &meter->seconds[i];
		item = cJSON_CreateObject();
		add_number(item, "requests", second->requests);
		add_number(item, "callbacks", second->callbacks);
		add_number(item, "rounds", second->rounds);
		add_number(item, "errors", second->errors);
		add_number(item, "p50_us", second->p50_us);
		add_number(item, "p99_us", second->p99_us);
		(void)cJSON_AddItemToArray(list, item);
	}
}

static void
add_totals(cJSON *root, const struct load *load)
{
	const struct meter *meter = &load->meter;
	double seconds = seconds_of(load);

	add_number(root, "sessions", load->count);
	add_number(root, "seconds_measured", seconds);
	add_number(root, "requests", (double)meter->requests);
	add_number(root, "callbacks", (double)meter->callbacks);
	add_number(root, "rounds", (double)meter->rounds);
	add_number(root, "loads", (double)meter->loads);
	add_number(root, "starts_due", (double)load->starts);
	add_number(root, "requests_per_s", (double)meter->requests / seconds);
	add_number(root, "callbacks_per_s", (double)meter->callbacks / seconds);
	add_number(root, "rounds_per_s", (double)meter->rounds / seconds);
	if (load->options->computed != NULL && load->computations >= 0)
		add_number(root, "computations", (double)load->computations);
	add_number(root, "bytes_in", (double)load->bytes_in);
	add_number(root, "bytes_out", (double)load->bytes_out);
	add_number(root, "failures", (double)meter_failures(meter));
}

static void
add_parts(cJSON *root, const struct load *load)
{
	double seconds = seconds_of(load);
	cJSON *part = cJSON_AddObjectToObject(root, "generator");

	add_number(part, "processes", load->options->processes);
	add_number(part, "cpu_share", load->cpu_most_s / seconds);
	add_number(part, "cores", load->cpu_s / seconds);
	(void)cJSON_AddStringToObject(part, "protocol",
	    load->common.spoke_http_2 ? "HTTP/2" : "HTTP/1.1");
	add_number(part, "connections", (double)load->common.connects);
	add_number(part, "sent_again", (double)load->common.retries);
	part = cJSON_AddObjectToObject(root, "checks");
	add_number(part, "checked", (double)load->oracle.checked);
	add_number(part, "different", (double)load->oracle.entries);
	add_number(part, "unknown", (double)load->oracle.unknown);
	add_number(part, "wrong", (double)load->oracle.wrong);
	if (load->options->server_count == 0)
		return;
	part = cJSON_AddObjectToObject(root, "server");
	add_number(part, "cores", server_us(load) / 1e6 / seconds);
	add_number(part, "cpu_us_per_request",
	    per_request(load, server_us(load)));
	add_number(part, "wakeups_per_request",
	    per_request(load, (double)load->server_end.wakeups -
				  (double)load->server_start.wakeups));
	add_number(part, "pss_kb", (double)load->server_end.pss_kb);
	add_number(part, "private_kb", (double)load->server_end.private_kb);
	add_number(part, "processes", load->server_end.processes);
	add_number(part, "threads", load->server_end.threads);
}

int
bench_report_json(const struct load *load, const char *path)
{
	cJSON *root = cJSON_CreateObject();
	FILE *file = stdout;
	char *text;
	int rc = 0;

	(void)cJSON_AddStringToObject(root, "url", load->options->url);
	add_totals(root, load);
	add_steps(root, &load->meter);
	add_parts(root, load);
	add_seconds(root, &load->meter);
	text = cJSON_Print(root);
	cJSON_Delete(root);
	if (text == NULL)
		return -ENOMEM;
	if (strcmp(path, "-") != 0)
		file = fopen(path, "we");
	if (file == NULL || fprintf(file, "%s\n", text) < 0)
		rc = -errno;
	if (file != NULL && file != stdout && fclose(file) != 0)
		rc = -errno;
	free(text);
	return rc;
}

/* ---- plots
 * -------------------------------------------------------------------------- */

#define CURVE_POINTS 61

/* Latency over percentiles, whose distance from 100 shrinks tenfold. */
static void
plot_latency(FILE *file, const struct meter *meter)
{
	static const double ticks[] = { 0, 1, 2, 3, 4 };
	static const char *const names[] = { "0", "90", "99", "99.9",
		"99.99 %" };
	static double x[CURVE_POINTS];
	static double y[STEP_COUNT][CURVE_POINTS];
	struct svg_axis across = { "percentile", ticks, names, 5, 0 };
	struct svg_axis up = { "latency, ms", NULL, NULL, 0, 1 };
	struct svg_line lines[STEP_COUNT];
	size_t count = 0;
	size_t i;
	int s;

	for (i = 0; i < CURVE_POINTS; i++)
		x[i] = 4.0 * (double)i / (CURVE_POINTS - 1);
	for (s = 0; s < STEP_COUNT; s++) {
		if (meter->steps[s].count == 0)
			continue;
		for (i = 0; i < CURVE_POINTS; i++)
			y[count][i] =
			    (double)histogram_percentile(&meter->steps[s],
				100 - 100 * __builtin_pow(10, -x[i])) /
			    1e3;
		lines[count] =
		    (struct svg_line){ meter_step_name((enum meter_step)s), x,
			    y[count], CURVE_POINTS };
		count++;
	}
	svg_lines(file, 70, 60, 560, 260, &across, &up, lines, count);
}

static void
plot_time(FILE *file, const struct meter *meter)
{
	struct svg_axis across = { "seconds", NULL, NULL, 0, 0 };
	struct svg_axis up = { "per second", NULL, NULL, 0, 0 };
	struct svg_line lines[3];
	size_t n = meter->second_count;
	double *data = calloc(4 * n + 1, sizeof(*data));
	size_t i;

	if (data == NULL || n == 0) {
		free(data);
		return;
	}
	for (i = 0; i < n; i++) {
		data[i] = (double)i + 1;
		data[n + i] = meter->seconds[i].requests;
		data[2 * n + i] = meter->seconds[i].rounds;
		data[3 * n + i] = meter->seconds[i].errors;
	}
	lines[0] = (struct svg_line){ "requests", data, data + n, n };
	lines[1] = (struct svg_line){ "errors", data, data + 3 * n, n };
	lines[2] = (struct svg_line){ "rounds", data, data + 2 * n, n };
	svg_lines(file, 70, 400, 560, 180, &across, &up, lines,
	    meter->rounds > 0 ? 3 : 2);
	free(data);
}

int
bench_report_svg(const struct load *load, const char *path)
{
	FILE *file = fopen(path, "we");
	char title[400];

	if (file == NULL)
		return -errno;
	(void)snprintf(title, sizeof(title), "%u sessions, %.0f requests/s",
	    load->count, (double)load->meter.requests / seconds_of(load));
	svg_open(file, 760, 640, title);
	plot_latency(file, &load->meter);
	plot_time(file, &load->meter);
	svg_close(file);
	return fclose(file) == 0 ? 0 : -EIO;
}
