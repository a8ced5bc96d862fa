/* SPDX-License-Identifier: MIT */

/*
 * Floods of frames that carry nothing: empty DATA, PRIORITY, WINDOW_UPDATE,
 * PING, SETTINGS, frames of unknown types or for streams that are gone
 * (CVE-2019-9511 to 9518). One connection could keep a worker busy with ten
 * million of them a second.
 *
 * The frames are counted here, as nghttp2 tells nothing of those that it
 * ignores. What may come for nothing is chosen so that no client that is
 * meant well comes near it:
 *
 *   - a download: two WINDOW_UPDATEs, of stream and connection, for each 512
 *     bytes that are read. Browsers send them for hundreds of kilobytes.
 *   - a small answer: its head, two WINDOW_UPDATEs, a PRIORITY or two, a
 *     PING: sixteen. Firefox sends six PRIORITYs once per connection.
 *   - a request that is given up, CONTINUATION, keepalive PINGs: a thousand a
 *     second, and ten thousand at once.
 *
 * INVARIANT  account <= ACCOUNT_MAX, so nothing is saved up for a flood.
 * THREADS    The owner's only.
 */
#include "worker/h2_calm.h"

#include <string.h>

#define FRAME 256 /* what one costs */
#define ACCOUNT_MAX ((int64_t)10000 * FRAME)
#define PER_SECOND ((int64_t)1000 * FRAME)
#define PER_ANSWER ((int64_t)16 * FRAME)
#define PREFACE_LEN 24
#define HEAD_REST 6 /* of a frame's head, behind its length */

void
h2_calm_init(struct h2_calm *calm, int64_t now_us)
{
	memset(calm, 0, sizeof(*calm));
	calm->account = ACCOUNT_MAX;
	calm->filled_us = now_us;
	calm->skip = PREFACE_LEN;
}

static void
pay_back(struct h2_calm *calm, int64_t amount)
{
	calm->account += amount;
	if (calm->account > ACCOUNT_MAX)
		calm->account = ACCOUNT_MAX;
}

void
h2_calm_body(struct h2_calm *calm)
{
	pay_back(calm, FRAME);
}

void
h2_calm_finished(struct h2_calm *calm)
{
	pay_back(calm, PER_ANSWER);
}

void
h2_calm_sent(struct h2_calm *calm, size_t bytes)
{
	pay_back(calm,
	    bytes < (size_t)ACCOUNT_MAX ? (int64_t)bytes : ACCOUNT_MAX);
}

static void
fill_up(struct h2_calm *calm, int64_t now_us)
{
	int64_t since_us = now_us - calm->filled_us;

	if (since_us > 60000000)
		since_us = 60000000;
	if (since_us < 1000) /* or it would round away */
		return;
	calm->filled_us = now_us;
	pay_back(calm, since_us * PER_SECOND / 1000000);
}

bool
h2_calm_receive(struct h2_calm *calm, const void *bytes, size_t len,
    int64_t now_us)
{
	const uint8_t *at = bytes;
	const uint8_t *end = at + len;

	fill_up(calm, now_us);
	while (at < end) {
		if (calm->skip > (uint64_t)(end - at)) {
			calm->skip -= (uint64_t)(end - at);
			break;
		}
		at += calm->skip;
		calm->skip = 0;
		if (at == end)
			break;
		calm->len[calm->given++] = *at++;
		if (calm->given < sizeof(calm->len))
			continue;
		calm->given = 0;
		calm->skip = ((uint64_t)calm->len[0] << 16 |
				 (uint64_t)calm->len[1] << 8 | calm->len[2]) +
			     HEAD_REST;
		calm->account -= FRAME;
		if (calm->account < 0)
			return false;
	}
	return true;
}
