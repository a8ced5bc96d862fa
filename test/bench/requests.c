/* SPDX-License-Identifier: MIT */

/*
 * Fields as Chromium sends them, so that a server has as much to read as in
 * real life, in the form that does not depend on a version.
 */
#include "test/bench/requests.h"

#include <stdlib.h>
#include <string.h>

#include "server/base/fd.h"

#define BODY_MAX (64u << 20)

static void
put_common(struct buf *out, const struct target *target,
    const struct bench_options *options)
{
	(void)buf_printf(out,
	    "Host: %s\r\n"
	    "Connection: keep-alive\r\n"
	    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 "
	    "(KHTML, like Gecko) pronghorn-bench\r\n"
	    "Accept-Encoding: %s\r\n"
	    "Accept-Language: en-US,en;q=0.9\r\n"
	    "Sec-Fetch-Site: same-origin\r\n"
	    "Sec-Fetch-Mode: cors\r\n"
	    "Sec-Fetch-Dest: empty\r\n"
	    "Referer: %s://%s%s/\r\n",
	    target->host, options->gzip ? "gzip" : "identity",
	    target->tls ? "https" : "http", target->host, target->prefix);
}

void
requests_put_get(struct buf *out, const struct target *target,
    const struct bench_options *options)
{
	put_common(out, target, options);
	(void)buf_putl(out, "Accept: */*\r\n");
}

void
requests_put_post(struct buf *out, const struct target *target,
    const struct bench_options *options)
{
	(void)buf_printf(out, "POST %s/_dash-update-component HTTP/1.1\r\n",
	    target->prefix);
	put_common(out, target, options);
	(void)buf_printf(out,
	    "Accept: application/json\r\n"
	    "Content-Type: application/json\r\n"
	    "Origin: %s://%s\r\n",
	    target->tls ? "https" : "http", target->host);
}

int
requests_put_plain(struct buf *out, size_t *body_at,
    const struct target *target, const struct bench_options *options)
{
	const char *body = options->body;
	char *file = NULL;
	size_t len = body != NULL ? strlen(body) : 0;
	unsigned i;
	int rc;

	if (body != NULL && body[0] == '@') {
		rc = fd_read_file(body + 1, BODY_MAX, &file, &len);
		if (rc < 0)
			return rc;
		body = file;
	}
	(void)buf_printf(out, "%s %s%s HTTP/1.1\r\nHost: %s\r\n",
	    body != NULL ? "POST" : "GET", target->prefix, options->path,
	    target->host);
	for (i = 0; i < options->header_count; i++)
		(void)buf_printf(out, "%s\r\n", options->headers[i]);
	if (body != NULL)
		(void)buf_printf(out,
		    "Content-Type: application/json\r\n"
		    "Content-Length: %zu\r\n",
		    len);
	(void)buf_putl(out, "\r\n");
	*body_at = out->len;
	if (body != NULL)
		(void)buf_put(out, body, len);
	free(file);
	return 0;
}
