/* SPDX-License-Identifier: MIT */
#ifndef WORKER_DECIMAL_H
#define WORKER_DECIMAL_H

/*
 * strtod() with a point for the decimal separator, whatever locale an app
 * has set: JSON, filters and files do not change their meaning with it.
 * Layer: worker. Needs libc only. Threads: any.
 *
 * `text` ends with a NUL; *end as strtod() sets it, or NULL.
 */
double decimal_read(const char *text, char **end);

#endif
