/* SPDX-License-Identifier: MIT */
#ifndef SERVER_CONTROL_H
#define SERVER_CONTROL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/base/buf.h"
#include "server/listen.h"

/*
 * The control socket: a unix socket in the master's loop. A client writes one
 * line and gets one line, as often as it likes:
 *
 *   {"command":"scale","arguments":["3"]}
 *   {"ok":true,"workers":3}       or     {"ok":false,"error":"..."}
 *
 * Everything is bounded: clients, the length of a line, the size of what
 * waits to be sent, and the time a client may be silent. What a command does
 * is the business of control_command.c.
 *
 * OWNERSHIP  struct control owns the socket, its name and the clients.
 * THREADS    Master only.
 */
#define CONTROL_CLIENTS_MAX 8
#define CONTROL_LINE_MAX 1024
#define CONTROL_POLLS (1 + CONTROL_CLIENTS_MAX)

/* What an answer may have to wait for. */
enum control_wait { CONTROL_NOTHING, CONTROL_RELOAD, CONTROL_UPGRADE };

struct control_client {
	int fd; /* -1: a free place */
	uid_t uid;
	pid_t pid;
	int64_t end_us;              /* thrown out at this time */
	enum control_wait waits_for; /* the answer comes later; nothing is read
				      */
	bool leaving;                /* close when all is sent */
	char line[CONTROL_LINE_MAX];
	size_t line_len;
	struct buf out;
	size_t sent; /* of out */
};

struct control {
	struct listen_set socket; /* none: count 0 */
	bool private_;            /* only root and our own user are let in */
	int64_t pause_us;         /* nobody is let in until then; 0: no pause */
	bool short_told; /* the log has it that descriptors are short */
	struct control_client clients[CONTROL_CLIENTS_MAX];
};

/* Answers a line (without its newline) into client->out, or sets waits_for. */
typedef void control_answer(void *context, struct control_client *client);

void control_init(struct control *control);

/*
 * Append where the control socket is, from the two settings: `setting` itself,
 * or, when it is "auto", beside the pid file, .ctl in the place of .pid.
 * Nothing when there is to be none. 0 or -ENOMEM.
 */
int control_path(const char *setting, const char *pidfile, struct buf *out);

/*
 * Listen on `path`, which gets the permissions `mode`, and on no other path
 * any more; clients that are in stay. A socket that somebody
 * answers on is left to him. 0 or negative with a sentence in *why.
 */
int control_open(struct control *control, const char *path, mode_t mode,
    struct buf *why);

/* Close, and remove the socket. */
void control_close(struct control *control);

/* In a child: close the copies. */
void control_forget(struct control *control);

/* Fill in CONTROL_POLLS places; when to look again, INT64_MAX: never. */
void control_poll(const struct control *control, struct pollfd *polls);
int64_t control_deadline(const struct control *control);

/* Let in, read, answer, write, throw out; whatever can be done now. */
void control_turn(struct control *control, int64_t now_us,
    control_answer *answer, void *context);

#endif
