/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_TEXT_H
#define PRONGHORN_TEXT_H

/*
 * Texts by their length: those with a NUL inside, and bytes. Included by
 * <pronghorn/app.h>, which says what holds for all of this.
 *
 * A value keeps every byte of its text: in memoized values, the cache and
 * sessions, as an argument of SQL and in tables; in JSON a NUL is \u0000. Only
 * ph_text_of() alone does not say that there is more behind the first NUL.
 * Bytes that are no UTF-8 are kept, too, but not sent as JSON.
 *
 * Names cannot have a NUL: ids, paths, headers, names of members and columns.
 * What comes from a browser or is read as JSON has none, as it is refused.
 */
#include <pronghorn/app.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A copy of `len` bytes as a text; NULL gives null. */
static inline const struct ph_value *
ph_text_n(const char *text, size_t len)
{
	return ph_host_->make_text(text, len);
}

/* Bytes of the text that ph_text_of() gives, without the NUL behind it; 0 when
 * it is not a text. */
static inline size_t
ph_text_len_of(const struct ph_value *value)
{
	return ph_host_->text_len_of(value);
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
