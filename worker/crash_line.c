/* SPDX-License-Identifier: MIT */

/*
 * Lines of a crash report, put together by hand: printf() may allocate, and
 * may wait for a lock that the crashed thread holds.
 *
 * THREADS  Any, each with lines of its own; also in a signal handler.
 * FAILURE  What does not fit is cut off. A line that the pipe does not take
 *          within 100 ms is lost.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "worker/crash_int.h"

#define SEND_TRIES 100 /* a millisecond each */

static int report_fd = -1;

void
crash_line_to(int fd)
{
	report_fd = fd;
}

void
crash_line_begin(struct crash_line *line, enum handoff_status_kind kind)
{
	memset(line, 0, sizeof(*line));
	line->status.kind = (uint32_t)kind;
}

void
crash_line_put(struct crash_line *line, const char *text, size_t len)
{
	size_t room = sizeof(line->status.text) - 1 - line->len;

	if (len > room)
		len = room;
	memcpy(line->status.text + line->len, text, len);
	line->len += len;
}

void
crash_line_puts(struct crash_line *line, const char *text)
{
	crash_line_put(line, text, strlen(text));
}

void
crash_line_number(struct crash_line *line, int64_t number)
{
	char digits[24];
	size_t at = sizeof(digits);
	uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

	do
		digits[--at] = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (number < 0)
		digits[--at] = '-';
	crash_line_put(line, digits + at, sizeof(digits) - at);
}

static void
put_hex(struct crash_line *line, const uint8_t *bytes, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		crash_line_put(line, &hex[bytes[i] >> 4], 1);
		crash_line_put(line, &hex[bytes[i] & 15], 1);
	}
}

void
crash_line_address(struct crash_line *line, uintptr_t address)
{
	uint8_t bytes[sizeof(address)];
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(address >> (8 * (sizeof(bytes) - 1 - i)));
	crash_line_puts(line, "0x");
	put_hex(line, bytes, sizeof(bytes));
}

void
crash_line_thread(struct crash_line *line, const struct crash_watch *watch)
{
	crash_line_puts(line, " thread=");
	if (watch == NULL) {
		crash_line_puts(line, "app");
		return;
	}
	if (crash_is_loop(watch))
		crash_line_puts(line, "loop");
	else
		crash_line_number(line, watch->number);
	crash_line_run(line, watch);
}

void
crash_line_run(struct crash_line *line, const struct crash_watch *watch)
{
	int64_t since_us = atomic_load(&watch->since_us);

	if (since_us == 0)
		return;
	crash_line_puts(line, " callback=");
	crash_line_puts(line, watch->name);
	crash_line_puts(line, " busy_ms=");
	crash_line_number(line, (clock_mono_us() - since_us) / 1000);
	if (!watch->has_key)
		return;
	crash_line_puts(line, " key=");
	put_hex(line, watch->key, sizeof(watch->key));
}

void
crash_line_send(const struct crash_line *line)
{
	unsigned tries = SEND_TRIES;

	while (write(report_fd, &line->status, sizeof(line->status)) < 0 &&
	       (errno == EAGAIN || errno == EINTR) && --tries > 0)
		crash_pause_ms(1);
}
