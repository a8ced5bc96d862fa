/* SPDX-License-Identifier: MIT */

/*
 * Statsd. See statsd.h.
 *
 * Both boards are gone through in step: each holds what the one before it
 * held, in the same order, and sometimes more behind it (series and workers
 * are told apart by their names).
 *
 * THREADS  Master only.
 */
#include "server/statsd.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/master_int.h"
#include "worker/metrics.h"

#define EVERY_US INT64_C(1000000)
#define DATAGRAM_MAX 1400

void
statsd_init(struct statsd *statsd)
{
	*statsd = (struct statsd){ .fd = -1 };
}

void
statsd_close(struct statsd *statsd)
{
	fd_close(&statsd->fd);
	free(statsd->prefix_copy);
	free(statsd->tags_copy);
	free(statsd->last);
	statsd_init(statsd);
}

static int
connect_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	(void)strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int rc = -errno;

		(void)close(fd);
		return rc;
	}
	return fd;
}

/* A connected socket, or negative with *why. */
static int
connect_udp(const char *target, struct buf *why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	const char *colon = strrchr(target, ':');
	struct addrinfo *found = NULL;
	char host[200];
	int rc;
	int fd;

	if (colon == NULL || colon == target || colon[1] == '\0' ||
	    (size_t)(colon - target) >= sizeof(host)) {
		(void)buf_printf(why,
		    "statsd_host: \"%s\" is not of the form HOST:PORT or "
		    "unix://PATH",
		    target);
		return ERR_SYNTAX;
	}
	memcpy(host, target, (size_t)(colon - target));
	host[colon - target] = '\0';
	rc = getaddrinfo(host, colon + 1, &hints, &found);
	if (rc != 0) {
		(void)buf_printf(why, "statsd_host: %s: %s", target,
		    gai_strerror(rc));
		return ERR_UNKNOWN;
	}
	fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) < 0)
		fd_close(&fd);
	freeaddrinfo(found);
	return fd < 0 ? -errno : fd;
}

int
statsd_open(struct statsd *statsd, const struct server_options *options,
    struct buf *why)
{
	const char *target = options->statsd_host;
	int fd;

	if (target[0] == '\0')
		return 0;
	fd = strncmp(target, "unix://", 7) == 0 ? connect_unix(target + 7)
						: connect_udp(target, why);
	if (fd < 0) {
		if (why->len == 0)
			(void)buf_printf(why, "statsd_host: %s: %s", target,
			    err_str(fd));
		return fd;
	}
	statsd->fd = fd;
	statsd->prefix_copy = strdup(options->statsd_prefix);
	statsd->tags_copy = strdup(options->dogstatsd_tags);
	statsd->last = calloc(1, sizeof(*statsd->last));
	if (statsd->prefix_copy == NULL || statsd->tags_copy == NULL ||
	    statsd->last == NULL) {
		statsd_close(statsd);
		return -ENOMEM;
	}
	statsd->prefix = statsd->prefix_copy;
	statsd->tags = statsd->tags_copy;
	return 0;
}

/* The samples of one board, to be found again by name and label. */
struct found {
	struct metric_sample *samples;
	char (*labels)[sizeof(((struct handoff_series *)0)->name)];
	size_t count;
	size_t room;
};

static void
keep(void *context, const struct metric_sample *sample)
{
	struct found *found = context;

	if (found->count == found->room)
		return;
	found->samples[found->count] = *sample;
	(void)strncpy(found->labels[found->count], sample->label_value,
	    sizeof(found->labels[0]) - 1);
	found->count++;
}

static const struct metric_sample *
find(const struct found *found, const struct metric_sample *sample)
{
	size_t i;

	for (i = 0; i < found->count; i++) {
		if (found->samples[i].metric == sample->metric &&
		    strcmp(found->labels[i], sample->label_value) == 0)
			return &found->samples[i];
	}
	return NULL;
}

struct sending {
	const struct statsd *statsd;
	const struct found *last;
	struct buf *out;
};

/* A name may hold letters, digits and some marks; others become _. */
static void
put_name(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		(void)buf_putc(out,
		    strchr(":|@#, \n", *text) != NULL ? '_' : *text);
}

static void
put(const struct sending *sending, const struct metric_sample *sample,
    const char *suffix, double value, const char *type)
{
	const struct statsd *statsd = sending->statsd;
	const char *name = sample->metric->name;
	struct buf *out = sending->out;
	size_t len = strlen(name);
	bool tagged = statsd->tags[0] != '\0';

	if (sample->metric->type == METRIC_COUNTER && len > 6)
		len -= 6; /* _total */
	if (statsd->prefix[0] != '\0') {
		put_name(out, statsd->prefix);
		(void)buf_putc(out, '.');
	}
	(void)buf_printf(out, "pronghorn.%.*s", (int)len, name);
	if (!tagged && sample->label_value[0] != '\0') {
		(void)buf_putc(out, '.');
		put_name(out, sample->label_value);
	}
	(void)buf_printf(out, "%s:%.10g|%s", suffix, value, type);
	if (tagged)
		(void)buf_printf(out, "|#%s", statsd->tags);
	if (tagged && sample->label_value[0] != '\0') {
		(void)buf_printf(out, ",%s:", sample->metric->label);
		put_name(out, sample->label_value);
	}
	(void)buf_putc(out, '\n');
}

static void
put_histogram(const struct sending *sending, const struct metric_sample *sample,
    const struct metric_sample *last)
{
	uint64_t more[HANDOFF_BUCKETS];
	uint64_t count = sample->count - (last != NULL ? last->count : 0);
	unsigned i;

	if (count == 0)
		return;
	for (i = 0; i < HANDOFF_BUCKETS; i++)
		more[i] =
		    sample->buckets[i] - (last != NULL ? last->buckets[i] : 0);
	put(sending, sample, ".count", (double)count, "c");
	put(sending, sample, ".sum_ms",
	    (sample->value - (last != NULL ? last->value : 0)) * 1000, "c");
	put(sending, sample, ".p50",
	    metrics_percentile(more, count, 0.5) * 1000, "g");
	put(sending, sample, ".p95",
	    metrics_percentile(more, count, 0.95) * 1000, "g");
	put(sending, sample, ".p99",
	    metrics_percentile(more, count, 0.99) * 1000, "g");
}

static void
send_sample(void *context, const struct metric_sample *sample)
{
	const struct sending *sending = context;
	const struct metric_sample *last = find(sending->last, sample);
	double more = sample->value - (last != NULL ? last->value : 0);

	if (sample->metric->type == METRIC_GAUGE)
		put(sending, sample, "", sample->value, "g");
	else if (sample->metric->type == METRIC_HISTOGRAM)
		put_histogram(sending, sample, last);
	else if (more > 0)
		put(sending, sample, "", more, "c");
}

void
statsd_lines(const struct statsd *statsd, const struct board *last,
    const struct board *board, struct buf *out)
{
	struct found found = { .room = 1024 };
	const struct sending sending = { statsd, &found, out };

	found.samples = calloc(found.room, sizeof(*found.samples));
	found.labels = calloc(found.room, sizeof(*found.labels));
	if (found.samples != NULL && found.labels != NULL) {
		metrics_each(last, keep, &found);
		metrics_each(board, send_sample, (void *)(uintptr_t)&sending);
	}
	free(found.samples);
	free(found.labels);
}

int64_t
statsd_deadline(const struct statsd *statsd)
{
	return statsd->fd >= 0 ? statsd->next_us : INT64_MAX;
}

/* Whole lines in datagrams that fit a packet. */
static void
send_all(struct statsd *statsd, const struct buf *lines)
{
	const char *at = lines->data;
	const char *end = at + lines->len;
	const char *stop;
	const char *next;

	while (at < end) {
		stop = at;
		while (
		    stop < end &&
		    (next = memchr(stop, '\n', (size_t)(end - stop))) != NULL &&
		    (next + 1 - at <= DATAGRAM_MAX || stop == at))
			stop = next + 1;
		if (stop == at)
			return;
		if (send(statsd->fd, at, (size_t)(stop - at) - 1,
			MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			statsd->drops++;
		at = stop;
	}
}

void
statsd_look(struct master *master)
{
	struct statsd *statsd = &master->statsd;
	struct buf lines = BUF_EMPTY;

	if (statsd->fd < 0 || master->now_us < statsd->next_us)
		return;
	statsd->next_us = master->now_us + EVERY_US;
	tally_put(master, true);
	statsd_lines(statsd, statsd->last, &master->tally.board, &lines);
	memcpy(statsd->last, &master->tally.board, sizeof(*statsd->last));
	if (buf_ok(&lines) && lines.len > 0)
		send_all(statsd, &lines);
	buf_free(&lines);
}
