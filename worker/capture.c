/* SPDX-License-Identifier: MIT */

/*
 * Two pipes in the place of descriptors 1 and 2, and a thread that reads
 * them. A thread, because app code also runs on the loop: whoever writes more
 * than a pipe holds would otherwise wait for himself.
 *
 * THREADS  See capture.h.
 */
#include "worker/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/base/fd.h"
#include "server/base/log.h"

#define PART_MAX 2048 /* longer lines become several */

struct stream {
	const char *name;
	int fd; /* read end */
	size_t len;
	char data[PART_MAX];
};

static struct stream streams[2] = { { .name = "stdout", .fd = -1 },
	{ .name = "stderr", .fd = -1 } };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void
put_line(const struct stream *stream, const char *line, size_t len)
{
	log_info("app.output", "stream=%s %.*s", stream->name, (int)len, line);
}

/* Log the lines that are complete; `all`: the rest, too. */
static void
put_lines(struct stream *stream, bool all)
{
	char *at = stream->data;
	char *end = stream->data + stream->len;
	char *stop;

	while (
	    at < end && (stop = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		put_line(stream, at, (size_t)(stop - at));
		at = stop + 1;
	}
	stream->len = (size_t)(end - at);
	if (stream->len > 0 && (all || stream->len == sizeof(stream->data))) {
		put_line(stream, at, stream->len);
		stream->len = 0;
	}
	memmove(stream->data, at, stream->len);
}

/* False: nothing there now. */
static bool
take(struct stream *stream)
{
	ssize_t got = read(stream->fd, stream->data + stream->len,
	    sizeof(stream->data) - stream->len);

	if (got <= 0)
		return false;
	stream->len += (size_t)got;
	put_lines(stream, false);
	return true;
}

static void *
run(void *arg)
{
	struct pollfd polls[2] = { { .fd = streams[0].fd, .events = POLLIN },
		{ .fd = streams[1].fd, .events = POLLIN } };
	int i;

	(void)arg;
	for (;;) {
		if (poll(polls, 2, -1) < 0)
			continue;
		(void)pthread_mutex_lock(&lock);
		for (i = 0; i < 2; i++) {
			if (polls[i].revents != 0)
				(void)take(&streams[i]);
		}
		(void)pthread_mutex_unlock(&lock);
	}
	return NULL;
}

/* 0 or -errno. */
static int
replace(int number, struct stream *stream)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	if (dup2(ends[1], number) < 0) {
		fd_close(&ends[0]);
		fd_close(&ends[1]);
		return -errno;
	}
	fd_close(&ends[1]);
	stream->fd = ends[0];
	return 0;
}

int
capture_start(void)
{
	pthread_t thread;
	int rc;

	rc = replace(STDOUT_FILENO, &streams[0]);
	if (rc == 0)
		rc = replace(STDERR_FILENO, &streams[1]);
	if (rc < 0)
		return rc;
	/* A pipe is no terminal; a line should not wait for 4096 others. */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	rc = -pthread_create(&thread, NULL, run, NULL);
	if (rc == 0)
		(void)pthread_detach(thread);
	return rc;
}

void
capture_finish(void)
{
	int i;

	(void)fflush(stdout);
	(void)pthread_mutex_lock(&lock);
	for (i = 0; i < 2; i++) {
		while (streams[i].fd >= 0 && take(&streams[i]))
			continue;
		put_lines(&streams[i], true);
	}
	(void)pthread_mutex_unlock(&lock);
}

/*
 * A line of raw bytes, in a single write, from a signal handler. Control bytes
 * become blanks.
 */
static void
put_raw(const char *data, size_t len)
{
	static const char head[] = "event=app.output note=\"before the end\" ";
	char line[sizeof(head) + PART_MAX];
	size_t at = sizeof(head) - 1;
	size_t i;

	memcpy(line, head, at);
	for (i = 0; i < len && i < PART_MAX; i++)
		line[at++] = data[i] >= 0 && data[i] < 0x20 ? ' ' : data[i];
	line[at++] = '\n';
	(void)!write(log_fd, line, at);
}

/* The thread that reads may be anywhere: what it holds is read as it is. */
void
capture_crash(void)
{
	char data[1024];
	ssize_t got;
	size_t len;
	int s;

	for (s = 0; s < 2; s++) {
		if (streams[s].fd < 0)
			continue;
		len = *(volatile size_t *)&streams[s].len;
		if (len > 0 && len <= PART_MAX)
			put_raw(streams[s].data, len);
		while ((got = read(streams[s].fd, data, sizeof(data))) > 0)
			put_raw(data, (size_t)got);
	}
}
