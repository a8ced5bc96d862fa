/* SPDX-License-Identifier: MIT */
#ifndef SERVER_IDENTITY_H
#define SERVER_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

#include "server/base/buf.h"
#include "server/base/opt.h"

/*
 * Who the children are. Names are looked up in the master, before the first
 * fork; a child then takes the identity and can never go back.
 *
 * THREADS  Master only, and a child before its own code.
 */
struct identity {
	bool change; /* else the child stays who we are */
	uid_t uid;
	gid_t gid;
	gid_t groups[64];
	int group_count;
	bool no_new_privs;
	mode_t umask;
};

/*
 * Look up user and group, names or numbers, "" for none. Refused, with a
 * sentence in *why: an unknown name, and another user without being root.
 * 0 or negative.
 */
int identity_find(struct identity *identity, const char *user,
    const char *group, bool initgroups, bool no_new_privs, struct buf *why);

/* Take it, for ever. 0, or -errno (logged). */
int identity_become(const struct identity *identity);

/* Hand a file the master has made over to the children. 0 or -errno. */
int identity_give(const struct identity *identity, const char *path);

/*
 * The same for the file of the error log, whenever the master has opened one:
 * they open it themselves after a rotation. 0 or -errno (logged).
 */
int identity_give_log(const struct identity *identity);

#endif
