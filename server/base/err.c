/* SPDX-License-Identifier: MIT */

/*
 * Sentences for return codes: our own rows first, errno otherwise.
 *
 * THREADS  Any; strerrordesc_np() reads a constant table.
 */
#include "server/base/err.h"

#include <string.h>

const char *
err_str(int rc)
{
	const char *text;

	switch (rc) {
	case 0:
		return "success";
#define ERR(name, number, sentence) \
	case ERR_##name:            \
		return sentence;
#include "server/base/err.def"
#undef ERR
	default:
		text = strerrordesc_np(-rc);
		return text != NULL ? text : "unknown error";
	}
}
