/* SPDX-License-Identifier: MIT */
#ifndef WORKER_ACCESS_FORMAT_INT_H
#define WORKER_ACCESS_FORMAT_INT_H

#include <stdbool.h>

#include "worker/access_format.h"

/* Between the three files of the access log's lines: formats, ends of
 * connections, and JSON. */
#define STEPS_MAX 256
#define FIELD_BYTES 2048 /* of one client text in a line */

struct line {
	const struct access_entry *entry;
	const char *time;
	struct buf *out;
};

struct step {
	void (*put)(const struct line *line, const struct step *step);
	const char *text; /* literal, or name of a field */
	size_t len;
	unsigned extra;
};

struct access_format {
	char *text; /* a copy, cut into names */
	bool json;
	unsigned extra_count;
	unsigned step_count;
	const char *extras[ACCESS_EXTRAS];
	struct step steps[STEPS_MAX];
};

/* access_ends.c: SERVER_NAME and so on */
void access_put_server_name(const struct line *line, const struct step *step);
void access_put_server_port(const struct line *line, const struct step *step);
void access_put_remote_port(const struct line *line, const struct step *step);

/* access_json.c */
struct http_span access_path(const struct access_entry *entry);
struct http_span access_query(const struct access_entry *entry);
struct http_span access_extra(const struct access_entry *entry, unsigned index);
const char *access_protocol(const struct access_entry *entry);
void access_json_put(const struct line *line);

/* The number of a request field among those to be kept; negative: none free. */
int access_want_extra(struct access_format *format, const char *name);

#endif
