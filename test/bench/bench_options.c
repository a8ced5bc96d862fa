/* SPDX-License-Identifier: MIT */

/*
 * Options, one row each with its help; getopt_long reads the same table.
 *
 * FAILURE  Bad input is one sentence on stderr that names the option.
 */
#include "test/bench/bench_options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/bench/out_file.h"
#include "test/bench/split.h"

#define POINTS_OF_EXAMPLE "apples=500,oranges=1000,figs=2000,pineapples=1500"

struct row {
	const char *name;
	char code;
	const char *value; /* NULL: a switch */
	const char *help;
};

static const struct row rows[] = {
	{ "sessions", 's', "N", "browsers, or connections with --path (10)" },
	{ "duration", 'd', "SECONDS", "measured time (10)" },
	{ "warmup", 'w', "SECONDS", "unmeasured time before it (2)" },
	{ "scenario", 'S', "warm|cold|mixed",
	    "warm: each value is asked for once before; cold: no warm-up,\n"
	    "one round per session, its value instead of the page's own;\n"
	    "mixed: half of the values are asked for before (warm)" },
	{ "think", 't', "PAUSE",
	    "between rounds: constant:S, uniform:S,S or exp:S (constant:0)" },
	{ "arrival", 'a', "all|rate:N", "how sessions arrive (all)" },
	{ "together", 'y', NULL,
	    "no rounds before every session has its page" },
	{ "rate", 'r', "N",
	    "open model: so many rounds (requests with --path) start per\n"
	    "second, whether or not a session is free; latencies count\n"
	    "from when they should have started" },
	{ "spacing", 'p', "constant|exp",
	    "of the starts of --rate (constant)" },
	{ "rounds", 'n', "N", "rounds per session, then it is done" },
	{ "processes", 'x', "N",
	    "of the generator, when one CPU is too little for it; each has\n"
	    "its part of the sessions (1)" },
	{ "connections", 'c', "N", "of one session at most (6)" },
	{ "timeout", 'T', "SECONDS", "for one answer (30)" },
	{ "seed", 'e', "N", "of all random choices (1)" },
	{ "bundles", 'b', NULL, "load the page's scripts and styles, too" },
	{ "gzip", 'z', NULL, "accept gzip" },
	{ "http", '2', "auto|1.1|2",
	    "over TLS: what to speak; auto: what ALPN chooses, as browsers\n"
	    "do; 2: one connection per session (auto)" },
	{ "no-initial", 'i', NULL,
	    "do not run the callbacks of a freshly loaded page" },
	{ "control", 'C', "ID.PROP", "what to change (all that is found)" },
	{ "values", 'v', "A,B,...", "values to choose from (its options)" },
	{ "path", 'P', "PATH", "plain requests instead of sessions" },
	{ "body", 'B', "TEXT|@FILE", "POST this to --path" },
	{ "header", 'H', "LINE", "more fields for --path" },
	{ "check", 'k', "same|points[:V=N,...]",
	    "same: the same request must always get the same bytes;\n"
	    "points: figures have so many points (default: example 3's)" },
	{ "sample", 'm', "SHARE",
	    "read and check only so many of the answers that no other\n"
	    "callback depends on, 0 to 1; saves CPU of the generator (1)" },
	{ "oracle", 'o', "FILE", "the right answers, as --record wrote them" },
	{ "record", 'R', "FILE", "write all requests and their answers" },
	{ "server-pid", 'I', "PID[,...]",
	    "measure CPU and memory of these trees of processes" },
	{ "computed", 'K', "FILE[:WORD]",
	    "count computations: lines with WORD (Computing value with)\n"
	    "that the server writes into its log meanwhile" },
	{ "json", 'j', "FILE|-", "write the results" },
	{ "svg", 'g', "FILE", "plot latencies and throughput" },
	{ "quiet", 'q', NULL, "no progress, no table" },
	{ "help", 'h', NULL, "this text" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void
print_help(void)
{
	const char *line;
	char name[64];
	size_t i;
	int len;

	puts(
	    "Usage: pronghorn-bench URL [options]\n"
	    "       pronghorn-bench tune --app APP [options], see tune --help\n"
	    "\n"
	    "Behaves as many browsers on a server that speaks the Dash "
	    "protocol.\n"
	    "URL is http[s]://HOST[:PORT][/PREFIX] or unix:/PATH.\n");
	for (i = 0; i < ROWS; i++) {
		(void)snprintf(name, sizeof(name), "--%s %s", rows[i].name,
		    rows[i].value != NULL ? rows[i].value : "");
		line = rows[i].help;
		printf("  %-30s", name);
		for (;;) {
			len = (int)strcspn(line, "\n");
			printf(" %.*s\n", len, line);
			if (line[len] == '\0')
				break;
			line += len + 1;
			printf("  %-30s", "");
		}
	}
	puts(
	    "\nExit status: 0 all answers good, 1 wrong answers, 2 usage, 3 no "
	    "answer at\nall, 4 failures (by kind in the table and in --json) "
	    "or "
	    "answers unknown to the\noracle, 128 + N ended by signal N; what "
	    "was measured until then is shown.");
}

static int
bad(const char *option, const char *value, const char *wanted)
{
	(void)fprintf(stderr,
	    "pronghorn-bench: --%s %s: expected %s (see --help)\n", option,
	    value, wanted);
	return -EINVAL;
}

/* The number after the first `skip` bytes of what was given. */
static int
number_in(const char *option, const char *given, size_t skip, double min,
    double max, double *out)
{
	const char *text = given + skip;
	char wanted[64];
	char *end;

	*out = strtod(text, &end);
	if (end != text && *end == '\0' && isfinite(*out) && *out >= min &&
	    *out <= max)
		return 0;
	(void)snprintf(wanted, sizeof(wanted), "%.*s%sa number from %g to %g",
	    (int)skip, given, skip > 0 ? " and " : "", min, max);
	return bad(option, given, wanted);
}

static int
number(const char *option, const char *text, double min, double max,
    double *out)
{
	return number_in(option, text, 0, min, max, out);
}

static int
whole(const char *option, const char *text, double min, double max,
    unsigned *out)
{
	double value;
	int rc = number(option, text, min, max, &value);

	if (rc == 0 && value != floor(value))
		rc = bad(option, text, "a whole number");
	if (rc == 0)
		*out = (unsigned)value;
	return rc;
}

static int
pause_of(const char *text, struct bench_pause *pause)
{
	char rest;

	if (sscanf(text, "constant:%lf%c", &pause->a, &rest) == 1) {
		pause->spread = SPREAD_CONSTANT;
	} else if (sscanf(text, "uniform:%lf,%lf%c", &pause->a, &pause->b,
		       &rest) == 2) {
		pause->spread = SPREAD_UNIFORM;
		if (!(pause->b >= pause->a))
			return bad("think", text, "the lesser number first");
	} else if (sscanf(text, "exp:%lf%c", &pause->a, &rest) == 1) {
		pause->spread = SPREAD_EXP;
	} else {
		return bad("think", text, "constant:S, uniform:S,S or exp:S");
	}
	if (!(pause->a >= 0) || !(pause->a <= 86400) || !(pause->b <= 86400))
		return bad("think", text, "seconds from 0 to 86400");
	return 0;
}

static int
scenario_of(const char *text, struct bench_options *options)
{
	if (strcmp(text, "warm") == 0) {
		options->scenario = BENCH_WARM;
	} else if (strcmp(text, "mixed") == 0) {
		options->scenario = BENCH_MIXED;
	} else if (strcmp(text, "cold") == 0) {
		options->scenario = BENCH_COLD;
		options->no_initial = true;
		options->warmup = 0;
		if (options->rounds == 0)
			options->rounds = 1;
	} else {
		return bad("scenario", text, "warm, cold or mixed");
	}
	return 0;
}

static int
check_of(const char *text, struct bench_options *options)
{
	if (strcmp(text, "same") == 0)
		options->check_same = true;
	else if (strcmp(text, "points") == 0)
		options->check_points = POINTS_OF_EXAMPLE;
	else if (strncmp(text, "points:", 7) == 0)
		options->check_points = text + 7;
	else
		return bad("check", text, "same or points[:VALUE=COUNT,...]");
	return 0;
}

static int
servers_of(const char *text, struct bench_options *options)
{
	char *end;
	long pid;

	for (;; text = end + 1) {
		pid = strtol(text, &end, 10);
		if (end == text || pid < 1 || (*end != ',' && *end != '\0') ||
		    options->server_count == BENCH_SERVERS_MAX)
			return bad("server-pid", text, "process ids");
		if (pid > INT_MAX ||
		    (kill((pid_t)pid, 0) < 0 && errno == ESRCH))
			return bad("server-pid", text,
			    "ids of processes that run");
		options->servers[options->server_count++] = (pid_t)pid;
		if (*end == '\0')
			return 0;
	}
}

static int
http_of(const char *text, struct bench_options *options)
{
	if (strcmp(text, "auto") == 0)
		options->http = CLIENT_HTTP_AUTO;
	else if (strcmp(text, "1.1") == 0 || strcmp(text, "1") == 0)
		options->http = CLIENT_HTTP_1;
	else if (strcmp(text, "2") == 0)
		options->http = CLIENT_HTTP_2;
	else
		return bad("http", text, "auto, 1.1 or 2");
	return 0;
}

static int
arrival_of(const char *text, struct bench_options *options)
{
	options->arrival = 0;
	if (strcmp(text, "all") == 0)
		return 0;
	if (strncmp(text, "rate:", 5) != 0)
		return bad("arrival", text, "all or rate:N");
	return number_in("arrival", text, 5, 0.001, 1e6, &options->arrival);
}

static int
spacing_of(const char *text, struct bench_options *options)
{
	if (strcmp(text, "constant") != 0 && strcmp(text, "exp") != 0)
		return bad("spacing", text, "constant or exp");
	options->spacing = *text == 'e' ? SPREAD_EXP : SPREAD_CONSTANT;
	return 0;
}

static int
apply_number(struct bench_options *options, char code, const char *value)
{
	double seed;
	int rc;

	switch (code) {
	case 's':
		return whole("sessions", value, 1, 1e6, &options->sessions);
	case 'd':
		return number("duration", value, 0.01, 1e6, &options->duration);
	case 'w':
		return number("warmup", value, 0, 1e6, &options->warmup);
	case 'T':
		return number("timeout", value, 0.01, 1e6, &options->timeout);
	case 'm':
		return number("sample", value, 0, 1, &options->sample);
	case 'r':
		return number("rate", value, 0.001, 1e7, &options->rate);
	case 'n':
		return whole("rounds", value, 1, 1e9, &options->rounds);
	case 'x':
		return whole("processes", value, 1, SPLIT_PROCESSES_MAX,
		    &options->processes);
	case 'c':
		return whole("connections", value, 1, 256,
		    &options->connections);
	default:
		rc = number("seed", value, 0, 9e15, &seed);
		if (rc == 0 && seed != floor(seed))
			rc = bad("seed", value, "a whole number");
		options->seed = (uint64_t)seed;
		return rc;
	}
}

static int
apply(struct bench_options *options, char code, const char *value)
{
	switch (code) {
	case 'S':
		return scenario_of(value, options);
	case 't':
		return pause_of(value, &options->think);
	case 'a':
		return arrival_of(value, options);
	case 'p':
		return spacing_of(value, options);
	case 'k':
		return check_of(value, options);
	case 'I':
		return servers_of(value, options);
	case '2':
		return http_of(value, options);
	case 'H':
		if (options->header_count == 8)
			return bad("header", value, "at most 8");
		options->headers[options->header_count++] = value;
		return 0;
	case 'b':
		options->bundles = true;
		return 0;
	case 'z':
		options->gzip = true;
		return 0;
	case 'i':
		options->no_initial = true;
		return 0;
	case 'y':
		options->together = true;
		return 0;
	case 'q':
		options->quiet = true;
		return 0;
	default:
		return apply_number(options, code, value);
	}
}

static const char **
text_of(struct bench_options *options, char code)
{
	switch (code) {
	case 'C':
		return &options->control;
	case 'v':
		return &options->values;
	case 'P':
		return &options->path;
	case 'B':
		return &options->body;
	case 'o':
		return &options->oracle;
	case 'R':
		return &options->record;
	case 'K':
		return &options->computed;
	case 'j':
		return &options->json;
	case 'g':
		return &options->svg;
	default:
		return NULL;
	}
}

static int
bad_processes(const struct bench_options *options)
{
	char given[16];
	char wanted[64];

	(void)snprintf(given, sizeof(given), "%u", options->processes);
	(void)snprintf(wanted, sizeof(wanted),
	    "not more of them than --sessions, which is %u", options->sessions);
	return bad("processes", given, wanted);
}

static int
finish(struct bench_options *options, int argc, char **argv)
{
	int rc;

	if (optind + 1 != argc) {
		(void)fprintf(stderr,
		    "pronghorn-bench: expected one URL (see --help)\n");
		return -EINVAL;
	}
	options->url = argv[optind];
	if (options->path != NULL && options->path[0] != '/')
		return bad("path", options->path, "a path that starts with /");
	if (options->http == CLIENT_HTTP_2 &&
	    strncmp(options->url, "https:", 6) != 0)
		return bad("http", "2", "an https URL beside it");
	if (options->body != NULL && options->path == NULL)
		return bad("body", options->body, "--path beside it");
	if (options->values != NULL &&
	    strspn(options->values, ",") == strlen(options->values))
		return bad("values", options->values, "at least one value");
	if (options->path != NULL)
		options->connections = 1;
	if (options->record != NULL)
		options->check_same = true;
	if (options->processes > options->sessions)
		return bad_processes(options);
	if (options->processes > 1 && options->record != NULL)
		return bad("record", options->record, "one process");
	rc = out_file_check("json", options->json);
	if (rc == 0)
		rc = out_file_check("svg", options->svg);
	if (rc == 0)
		rc = out_file_check("record", options->record);
	return rc;
}

int
bench_options_parse(struct bench_options *options, int argc, char **argv)
{
	struct option longs[ROWS + 1];
	size_t i;
	int code;
	int rc;

	optind = 0; /* tune parses a second list */
	memset(options, 0, sizeof(*options));
	options->sessions = 10;
	options->processes = 1;
	options->connections = 6;
	options->duration = 10;
	options->warmup = 2;
	options->timeout = 30;
	options->seed = 1;
	options->sample = 1;
	memset(longs, 0, sizeof(longs));
	for (i = 0; i < ROWS; i++) {
		longs[i].name = rows[i].name;
		longs[i].has_arg =
		    rows[i].value != NULL ? required_argument : no_argument;
		longs[i].val = (unsigned char)rows[i].code;
	}
	while ((code = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (code == 'h') {
			print_help();
			return 1;
		}
		if (code == '?')
			return -EINVAL;
		if (text_of(options, (char)code) != NULL) {
			*text_of(options, (char)code) = optarg;
			continue;
		}
		rc = apply(options, (char)code, optarg);
		if (rc < 0)
			return rc;
	}
	return finish(options, argc, argv);
}
