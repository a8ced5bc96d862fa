/* SPDX-License-Identifier: MIT */

/*
 * Titles of children. See title.h.
 *
 * The kernel shows the bytes between two addresses of the process, where the
 * arguments stand one behind the other.
 */
#include "server/title.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static char *room;
static size_t room_len;

void
title_note(char *const *argv)
{
	char *end = argv[0];

	room = argv[0];
	for (; *argv != NULL && *argv == end; argv++)
		end = *argv + strlen(*argv) + 1;
	room_len = (size_t)(end - room);
}

void
title_set(const char *name, const char *role)
{
	if (room == NULL || name == NULL || room_len == 0)
		return;
	memset(room, 0, room_len);
	(void)snprintf(room, room_len, "%s: %s", name, role);
}
