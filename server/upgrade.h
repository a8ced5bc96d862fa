/* SPDX-License-Identifier: MIT */
#ifndef SERVER_UPGRADE_H
#define SERVER_UPGRADE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/base/buf.h"
#include "server/listen.h"

/*
 * SIGUSR2: a new program takes over from the one that runs, without closing
 * a listening socket. Two masters are involved, and each has its half here.
 *
 *   old                               new
 *   upgrade_begin: fork, exec  -----> heir_take: the sockets, from a variable
 *   both serve                 <----- heir_ready: "I serve"
 *   WINCH: its workers go
 *   TERM or QUIT: it ends      -----> heir_look: the old one is gone, the
 *   (TERM before that waits for       names of pid file and sockets are mine
 *   the "I serve")
 *   or HUP: its workers are back,
 *   TERM to the new one        <----- it ends: as if nothing had been
 *
 * THREADS  Master only.
 */
struct master;

/* The old master's half: its new one. */
struct upgrade {
	pid_t pid;      /* 0: there is none */
	int ready_fd;   /* read end: a byte when it serves; -1: nothing more */
	bool ready;     /* it serves */
	bool overdue;   /* it was told to go, as it did not serve in time */
	bool then_stop; /* the old one is to stop when that is decided */
	int64_t end_us; /* until when it must serve */
	char text[128]; /* how the last one went; "": none yet */
};

#define UPGRADE_EMPTY          \
	{                      \
		.ready_fd = -1 \
	}

/* The new master's half: what it has from the old one. */
struct heir {
	pid_t parent;   /* 0: nobody's heir, or not any more */
	int parent_fd;  /* ends with the old master */
	int tell_fd;    /* where it hears that we serve; -1: has been told */
	bool activated; /* the service manager opened the sockets */
	int64_t names_end_us; /* try to get the names until then; 0: not now */
	struct listen_set legacy; /* all that were handed over */
	struct listen_set admin;  /* those of metrics_bind */
};

#define HEIR_EMPTY                             \
	{                                      \
		.parent_fd = -1, .tell_fd = -1 \
	}

/* The environment variable that carries what is handed over. */
#define UPGRADE_VARIABLE "PRONGHORN_UPGRADE"

/* What the name of a file gets while the old master has that name. */
#define HEIR_SUFFIX ".2"

/* Start the new program. NULL, or why not, also in the log. */
const char *upgrade_begin(struct master *master);

/* Each turn of the loop; when it has to be called again at the latest. */
void upgrade_look(struct master *master);
int64_t upgrade_deadline(const struct master *master);

/* The new master has ended: the old one goes on alone. */
void upgrade_ended(struct master *master, int status);

/*
 * The old one is asked to stop, before the new one serves: true when that is
 * waited for. Asked once more it does not wait, and both end.
 */
bool upgrade_defers_stop(struct master *master);

/*
 * The old one is asked to stop: true when the new one goes on, so that what
 * both use is not to be removed.
 */
bool upgrade_passes_on(const struct master *master);

/* In a child: close the copies. */
void upgrade_forget(struct upgrade *upgrade);

/*
 * Is this process a new master, made by SIGUSR2? Then take what was handed
 * over. 0 or negative with a sentence in *why.
 */
int heir_take(struct heir *heir, struct buf *why);

/* Is this going to be one? Looks only. */
bool heir_expected(void);

/* The new master serves. */
void heir_ready(struct heir *heir);

/* Each turn of the loop: is the old one gone? When to be called again. */
void heir_look(struct master *master);
int64_t heir_deadline(const struct master *master);

/* In a child: close the copies. At the end: the same. */
void heir_forget(struct heir *heir);

#endif
