/* SPDX-License-Identifier: MIT */

/*
 * A crowd of clients: many connections, each with one request, all sent at
 * once. Made for the tests, which node's sockets would slow down.
 *
 *   crowd ADDRESS PORT COUNT OUTPUT VALUE... < /dev/null
 *
 * Connects COUNT times, writes "connected", waits for a line on its input,
 * sends everything (client i asks for OUTPUT with in.value = VALUE number
 * i modulo their count), writes "sent", and reads the answers. A line on the
 * input then ends it early. At the end it writes one JSON object: how many
 * answers had which status, how many connections ended without one, how many
 * answers did not have the value they should, and times in microseconds of
 * CLOCK_REALTIME. An answer's value is "VALUE <when it was computed, us>".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX 4096
#define AT_ONCE 200 /* connections on their way */

struct client {
	int fd;
	unsigned value;
	bool connected;
	bool done;
	size_t got;
	char *answer;
};

static struct client *clients;
static unsigned count;
static unsigned done;
static unsigned values;
static char **value_texts;
static const char *output;
static struct sockaddr_in address;
static int poll_fd;

static unsigned ok, failed, other, lost, wrong;
static int64_t first_us, last_us, computed_us, computed_first_us;
static int64_t *waits; /* from when its value was computed to its last byte */
static unsigned wait_count;

static int64_t
now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
die(const char *what)
{
	fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
start(struct client *client)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT,
		.data.ptr = client };

	client->fd =
	    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		die("socket");
	if (connect(client->fd, (struct sockaddr *)&address, sizeof(address)) <
		0 &&
	    errno != EINPROGRESS)
		die("connect");
	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, client->fd, &event) < 0)
		die("epoll_ctl");
}

static void
connect_all(void)
{
	struct epoll_event events[256];
	unsigned started = 0;
	unsigned connected = 0;
	struct client *client;
	struct epoll_event wait = { .events = EPOLLIN };
	int error;
	socklen_t len;
	int n;
	int i;

	while (connected < count) {
		while (started < count && started - connected < AT_ONCE)
			start(&clients[started++]);
		n = epoll_wait(poll_fd, events, 256, 20000);
		if (n <= 0)
			die("connecting");
		for (i = 0; i < n; i++) {
			client = events[i].data.ptr;
			error = 0;
			len = sizeof(error);
			(void)getsockopt(client->fd, SOL_SOCKET, SO_ERROR,
			    &error, &len);
			errno = error;
			if (error != 0)
				die("connect");
			wait.data.ptr = client;
			(void)epoll_ctl(poll_fd, EPOLL_CTL_MOD, client->fd,
			    &wait);
			connected += !client->connected;
			client->connected = true;
		}
	}
}

static void
send_request(struct client *client)
{
	const char *dot = strrchr(output, '.');
	char body[1024];
	char text[2048];
	int len;

	len = snprintf(body, sizeof(body),
	    "{\"output\":\"%s\",\"outputs\":{\"id\":\"%.*s\",\"property\":"
	    "\"%s\"},\"inputs\":[{\"id\":\"in\",\"property\":\"value\","
	    "\"value\":\"%s\"}],\"changedPropIds\":[\"in.value\"]}",
	    output, (int)(dot - output), output, dot + 1,
	    value_texts[client->value]);
	len = snprintf(text, sizeof(text),
	    "POST /_dash-update-component HTTP/1.1\r\nHost: crowd\r\n"
	    "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
	    len, body);
	if (send(client->fd, text, (size_t)len, MSG_NOSIGNAL) != len)
		lost += 0; /* seen when it is read */
}

/* Is the whole answer there? */
static bool
is_whole(const struct client *client)
{
	const char *head = strstr(client->answer, "\r\n\r\n");
	const char *length;

	if (head == NULL)
		return false;
	length = strcasestr(client->answer, "\r\ncontent-length:");
	if (length == NULL || length > head)
		return true; /* 204 */
	return client->got >= (size_t)(head + 4 - client->answer) +
				  strtoul(length + 17, NULL, 10);
}

static void
judge(const struct client *client)
{
	const char *value = value_texts[client->value];
	char expected[256];
	const char *at;
	int64_t at_us = now_us();
	int64_t made_us;

	if (strncmp(client->answer, "HTTP/1.1 200", 12) != 0) {
		if (strncmp(client->answer, "HTTP/1.1 500", 12) == 0)
			failed++;
		else
			other++;
		return;
	}
	ok++;
	(void)snprintf(expected, sizeof(expected), "\"%s ", value);
	at = strstr(client->answer, expected);
	if (at == NULL) {
		wrong++;
		return;
	}
	made_us = strtoll(at + strlen(expected), NULL, 10);
	if (made_us > computed_us)
		computed_us = made_us;
	if (computed_first_us == 0 || made_us < computed_first_us)
		computed_first_us = made_us;
	waits[wait_count++] = at_us - made_us;
	if (first_us == 0)
		first_us = at_us;
	last_us = at_us;
}

static void
finish(struct client *client)
{
	client->done = true;
	(void)epoll_ctl(poll_fd, EPOLL_CTL_DEL, client->fd, NULL);
	done++;
}

static void
receive(struct client *client)
{
	ssize_t got;

	if (client->done)
		return;
	if (client->answer == NULL)
		client->answer = calloc(1, ANSWER_MAX + 1);
	if (client->answer == NULL)
		die("memory");
	got = recv(client->fd, client->answer + client->got,
	    ANSWER_MAX - client->got, 0);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		lost++;
		finish(client);
		return;
	}
	client->got += (size_t)got;
	if (!is_whole(client))
		return;
	judge(client);
	finish(client);
	free(client->answer);
	client->answer = NULL;
}

/* False: the input ended or had a line, so that is all. */
static bool
read_answers(void)
{
	static struct client input; /* stands for standard input */
	struct epoll_event events[512];
	struct epoll_event wait = { .events = EPOLLIN, .data.ptr = &input };
	int n;
	int i;

	(void)epoll_ctl(poll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &wait);
	while (done < count) {
		n = epoll_wait(poll_fd, events, 512, 120000);
		if (n <= 0)
			die("waiting");
		for (i = 0; i < n; i++) {
			if (events[i].data.ptr == &input)
				return false;
			receive(events[i].data.ptr);
		}
	}
	return true;
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	int64_t sent_us;
	char line[16];
	unsigned i;

	if (argc < 6) {
		fprintf(stderr, "usage: crowd ADDRESS PORT COUNT OUTPUT VALUE"
				"...\n");
		return 2;
	}
	address.sin_family = AF_INET;
	address.sin_port = htons((uint16_t)atoi(argv[2]));
	if (inet_pton(AF_INET, argv[1], &address.sin_addr) != 1)
		die(argv[1]);
	count = (unsigned)atoi(argv[3]);
	output = argv[4];
	value_texts = argv + 5;
	values = (unsigned)argc - 5;
	clients = calloc(count, sizeof(*clients));
	waits = calloc(count, sizeof(*waits));
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (clients == NULL || waits == NULL || poll_fd < 0)
		die("start");
	for (i = 0; i < count; i++)
		clients[i].value = i % values;
	connect_all();
	printf("connected\n");
	(void)fflush(stdout);
	if (fgets(line, sizeof(line), stdin) == NULL)
		return 0;
	sent_us = now_us();
	for (i = 0; i < count; i++)
		send_request(&clients[i]);
	printf("sent\n");
	(void)fflush(stdout);
	(void)read_answers();
	qsort(waits, wait_count, sizeof(*waits), compare);
	printf("{\"ok\":%u,\"failed\":%u,\"other\":%u,\"lost\":%u,\"wrong\":%u,"
	       "\"sent\":%lld,\"computed_first\":%lld,\"computed\":%lld,"
	       "\"first\":%lld,\"last\":%lld,\"median\":%lld}\n",
	    ok, failed, other, lost, wrong, (long long)sent_us,
	    (long long)computed_first_us, (long long)computed_us,
	    (long long)first_us, (long long)last_us,
	    wait_count > 0 ? (long long)waits[wait_count / 2] : 0);
	return 0;
}
