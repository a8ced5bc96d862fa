/* SPDX-License-Identifier: MIT */
#ifndef SERVER_CTL_H
#define SERVER_CTL_H

/*
 * pronghorn ctl: ask a running server through its control socket. A process
 * of its own; the database of the cache is read here, never by the master.
 */

/* argv[0] is "ctl". The exit status: 0, 1 failed, 2 usage, 3 no server. */
int ctl_main(int argc, char **argv);

/* What `pronghorn ctl --help` prints. */
const char *ctl_usage(void);

#endif
