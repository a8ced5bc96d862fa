/* SPDX-License-Identifier: MIT */
#ifndef SERVER_DEV_DEV_H
#define SERVER_DEV_DEV_H

#include "server/program.h"

/*
 * Commands for people who write apps: `pronghorn dev app.c` compiles, serves,
 * watches and swaps; `pronghorn new NAME` writes an app to begin with.
 *
 * argv[0] is the command's own name. They give the program's exit status and
 * say on stderr what went wrong. Main thread; no server runs in this process.
 */
int dev_main(int argc, char **argv, const struct program *program);
int new_main(int argc, char **argv, const struct program *program);

#endif
