/* SPDX-License-Identifier: MIT */
#ifndef SERVER_TITLE_H
#define SERVER_TITLE_H

/*
 * What ps shows for a child: "sales: worker 2" in the place of the arguments
 * that its master was started with. The master's own line stays what it is,
 * as the arguments are needed for SIGUSR2.
 *
 * OWNERSHIP  Writes over the texts of main()'s argv, in a child only.
 * THREADS    The main thread of a child, before others start.
 */

/* To be called in main() with its argv. Without it title_set() does nothing. */
void title_note(char *const *argv);

/* "NAME: ROLE", cut to the room that the arguments had. */
void title_set(const char *name, const char *role);

#endif
