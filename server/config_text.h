/* SPDX-License-Identifier: MIT */
#ifndef SERVER_CONFIG_TEXT_H
#define SERVER_CONFIG_TEXT_H

#include <stdbool.h>

#include "server/config_literal.h"

/*
 * Read the text at the current place, and those that stand right behind it:
 * 'a' "b" is ab. With `lines` (inside brackets) they may be lines apart.
 * Knows ' " ''' """, r and u in front, and every escape but \N{NAME}.
 * f'' is code and b'' is bytes: both are refused. Codes as literal_parse().
 */
int config_text_parse(struct literal_source *source, bool lines,
    struct literal **value);

#endif
