/* SPDX-License-Identifier: MIT */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/*
 * One return convention: 0 is success, a negative number is the reason.
 * Reasons are -errno or one of the rows of err.def, which lie below -20000
 * so that both fit one int.
 */
enum err {
#define ERR(name, number, sentence) ERR_##name = (number),
#include "server/base/err.def"
#undef ERR
};

/*
 * The sentence for a negative return code. Any thread. The text is static
 * or belongs to the C library's own table; never free it.
 */
const char *err_str(int rc);

#endif
