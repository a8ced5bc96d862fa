/* SPDX-License-Identifier: MIT */

/*
 * The control socket: letting in, lines in, lines out.
 *
 * INVARIANT  A client's next line is not read before the answer to the last
 *            one is sent, so what waits for a client is one answer.
 * THREADS    Master only.
 * FAILURE    Out of descriptors: nobody is let in for a second, or poll()
 *            would return at once, for ever. A client that breaks a rule gets
 *            an error line, if it reads, and is closed. The server never
 *            notices.
 */
#include "server/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/base/fd.h"
#include "server/base/log.h"

#define BACKLOG 16
#define TURNS_MAX 16 /* nobody holds the loop */
#define PATIENCE_US (30 * INT64_C(1000000))
#define SILENCE_US (2 * INT64_C(1000000)) /* until the first line */
#define PAUSE_US INT64_C(1000000)

void
control_init(struct control *control)
{
	size_t i;

	*control = (struct control){ .private_ = true };
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++)
		control->clients[i].fd = -1;
}

int
control_path(const char *setting, const char *pidfile, struct buf *out)
{
	size_t len = strlen(pidfile);

	if (strcmp(setting, "auto") != 0)
		return buf_puts(out, setting);
	if (len == 0)
		return 0;
	if (len > 4 && strcmp(pidfile + len - 4, ".pid") == 0)
		len -= 4;
	return buf_printf(out, "%.*s.ctl", (int)len, pidfile);
}

int
control_open(struct control *control, const char *path, mode_t mode,
    struct buf *why)
{
	struct buf item = BUF_EMPTY;
	struct buf reason = BUF_EMPTY;
	const char *text;
	struct opt_list bind = { &text, 1 };
	const struct listen_rules rules = { .backlog = BACKLOG,
		.unix_mode = mode };
	struct listen_set fresh = { .count = 0 };
	int rc;

	(void)buf_printf(&item, "unix:%s", path);
	text = buf_cstr(&item);
	rc = text == NULL ? -ENOMEM
			  : listen_open(&fresh, &bind, &rules, &reason);
	if (rc < 0)
		(void)buf_printf(why, "control_socket: %.*s", (int)reason.len,
		    reason.len > 0 ? reason.data : "");
	if (rc == 0) {
		listen_close(&control->socket);
		control->socket = fresh;
		control->private_ = (mode & 077) == 0;
	}
	buf_free(&item);
	buf_free(&reason);
	return rc;
}

static void
drop(struct control_client *client)
{
	fd_close(&client->fd);
	buf_free(&client->out);
	*client = (struct control_client){ .fd = -1 };
}

void
control_forget(struct control *control)
{
	size_t i;

	for (i = 0; i < CONTROL_CLIENTS_MAX; i++)
		drop(&control->clients[i]);
	listen_forget(&control->socket);
}

void
control_close(struct control *control)
{
	size_t i;

	for (i = 0; i < CONTROL_CLIENTS_MAX; i++)
		drop(&control->clients[i]);
	listen_close(&control->socket);
}

void
control_poll(const struct control *control, struct pollfd *polls)
{
	const struct control_client *client;
	bool room = false;
	size_t i;

	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		client = &control->clients[i];
		room = room || client->fd < 0;
		polls[1 + i] = (struct pollfd){ .fd = client->fd };
		if (client->sent < client->out.len)
			polls[1 + i].events = POLLOUT;
		else if (client->waits_for == CONTROL_NOTHING)
			polls[1 + i].events = POLLIN;
	}
	/* Who finds no room waits in the backlog. */
	polls[0] = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (room && control->socket.count > 0 && control->pause_us == 0)
		polls[0].fd = control->socket.fds[0];
}

int64_t
control_deadline(const struct control *control)
{
	int64_t end_us = control->pause_us > 0 ? control->pause_us : INT64_MAX;
	size_t i;

	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (control->clients[i].fd >= 0 &&
		    control->clients[i].waits_for == CONTROL_NOTHING &&
		    control->clients[i].end_us < end_us)
			end_us = control->clients[i].end_us;
	}
	return end_us;
}

/* Who is it, and is he allowed in? */
static bool
is_welcome(const struct control *control, int fd, struct control_client *client)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return false;
	client->uid = who.uid;
	client->pid = who.pid;
	return !control->private_ || who.uid == 0 || who.uid == geteuid();
}

/* Out of descriptors, most likely: one may be free in a while. */
static void
pause_letting_in(struct control *control, int error, int64_t now_us)
{
	control->pause_us = now_us + PAUSE_US;
	if (!control->short_told)
		log_warn(-error, "control.paused",
		    "note=\"clients of the control socket wait\"");
	control->short_told = true;
}

static void
let_in(struct control *control, int64_t now_us)
{
	struct control_client *client;
	size_t i;
	int fd;

	if (now_us < control->pause_us)
		return;
	control->pause_us = 0;
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		client = &control->clients[i];
		if (client->fd >= 0)
			continue;
		fd = accept4(control->socket.fds[0], NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && errno != EAGAIN && errno != ECONNABORTED &&
		    errno != EINTR)
			pause_letting_in(control, errno, now_us);
		if (fd < 0)
			return;
		control->short_told = false;
		client->fd = fd;
		client->end_us = now_us + SILENCE_US;
		if (is_welcome(control, fd, client))
			continue;
		log_warn(0, "control.refused", "uid=%ld peer=%ld",
		    (long)client->uid, (long)client->pid);
		drop(client);
	}
}

static void
answer_line(struct control_client *client, size_t len, int64_t now_us,
    control_answer *answer, void *context)
{
	size_t rest = client->line_len - len - 1;

	client->line[len] = '\0';
	client->end_us = now_us + PATIENCE_US;
	client->line_len = len;
	answer(context, client);
	memmove(client->line, client->line + len + 1, rest);
	client->line_len = rest;
}

/* False when there is nothing more to be had from this client now. */
static bool
read_client(struct control_client *client, int64_t now_us,
    control_answer *answer, void *context)
{
	char *end = memchr(client->line, '\n', client->line_len);
	ssize_t got;

	if (end != NULL) {
		answer_line(client, (size_t)(end - client->line), now_us,
		    answer, context);
		return true;
	}
	if (client->line_len == sizeof(client->line)) {
		(void)buf_putl(&client->out,
		    "{\"ok\":false,\"error\":\"the line is too long\"}\n");
		client->leaving = true;
		return true;
	}
	got = read(client->fd, client->line + client->line_len,
	    sizeof(client->line) - client->line_len);
	if (got > 0) {
		client->line_len += (size_t)got;
		return true;
	}
	if (got == 0 || (errno != EAGAIN && errno != EINTR))
		drop(client);
	return false;
}

/* False when it takes no more now, or is gone. */
static bool
write_client(struct control_client *client)
{
	ssize_t put;

	put = send(client->fd, client->out.data + client->sent,
	    client->out.len - client->sent, MSG_NOSIGNAL);
	if (put > 0)
		client->sent += (size_t)put;
	else if (errno != EAGAIN && errno != EINTR)
		drop(client);
	if (put <= 0 || client->sent < client->out.len)
		return false;
	client->sent = 0;
	buf_free(&client->out);
	if (client->leaving)
		drop(client);
	return client->fd >= 0;
}

static void
serve_client(struct control_client *client, int64_t now_us,
    control_answer *answer, void *context)
{
	unsigned turns = TURNS_MAX;
	bool more = true;

	while (more && client->fd >= 0 && turns-- > 0) {
		if (client->sent < client->out.len)
			more = write_client(client);
		else if (client->waits_for == CONTROL_NOTHING)
			more = read_client(client, now_us, answer, context);
		else
			more = false;
	}
	if (client->fd >= 0 && client->waits_for == CONTROL_NOTHING &&
	    now_us >= client->end_us)
		drop(client);
}

void
control_turn(struct control *control, int64_t now_us, control_answer *answer,
    void *context)
{
	size_t i;

	if (control->socket.count == 0)
		return;
	let_in(control, now_us);
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++)
		serve_client(&control->clients[i], now_us, answer, context);
}
