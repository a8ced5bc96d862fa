/* SPDX-License-Identifier: MIT */

/*
 * Crash reports.
 *
 * SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT are caught, reported and raised
 * again with their default action, so the master sees the true end and a core
 * file is written where the limits allow one. The master sends SIGABRT to a
 * worker that shows no sign of life: then every thread reports its stack.
 *
 * INVARIANT  The handlers call nothing that is not safe in one, but for
 *            backtrace(), whose one unsafe step (loading the unwinder) is made
 *            in crash_install(). Stacks are written to a memory file and read
 *            back, because the library writes to descriptors only.
 * THREADS    A thread writes its own struct watch alone; others read it. The
 *            first thread that crashes reports, others wait for the end.
 * FAILURE    A report that does not get through is lost; the end is the same.
 *            A handler that crashes itself ends the process at once, as its
 *            signal is back to the default by then.
 */
#include "worker/crash.h"

#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/fd.h"
#include "server/base/handoff.h"
#include "worker/capture.h"
#include "worker/debug.h"

#define WATCHES 257 /* the loop and the most threads */
#define FRAMES 48
#define TELL_TRIES 400 /* a millisecond each, and more */
#define STACK_BYTES ((size_t)64 * 1024)
#define TEXT_BYTES ((size_t)16 * 1024)
#define SIG_DUMP (SIGRTMIN + 3)

struct watch {
	_Atomic int tid;          /* 0: no thread */
	_Atomic int64_t since_us; /* 0: not in app code */
	const char *name;
	uint8_t key[CACHE_KEY_LEN];
	bool has_key;
	_Atomic bool found;    /* this run has been reported as stuck */
	int answer_fd;         /* who waits for it, plus 1; 0: nobody is told */
	void *_Atomic request; /* the same, for the loop */
	uint8_t waited[CACHE_KEY_LEN]; /* others wait for this key */
	bool has_waited;
	void *stack;
};

static struct watch watches[WATCHES];
static __thread struct watch *own;
static struct watch *last_found; /* stuck; the loop's own */

/* Between the thread that crashes and the loop. */
enum telling { TELL_NOBODY, TELL_ASKED, TELL_TAKEN, TELL_DONE };
static _Atomic int telling;
static struct crash_about told;
static int loop_fd = -1;
static int report_fd = -1;
static int text_fd = -1;
static char stack_text[TEXT_BYTES];
static _Atomic int reporting; /* tid of the thread that writes */
static _Atomic unsigned dumped;

static const int fatal_sigs[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

static int
own_tid(void)
{
	return (int)syscall(SYS_gettid);
}

static void
pause_ms(long ms)
{
	const struct timespec moment = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&moment, NULL);
}

/* --- text without the C library's printf ---------------------------------- */

struct line {
	struct handoff_status status;
	size_t len;
};

static void
line_begin(struct line *line, enum handoff_status_kind kind)
{
	memset(line, 0, sizeof(*line));
	line->status.kind = (uint32_t)kind;
}

static void
line_put(struct line *line, const char *text, size_t len)
{
	size_t room = sizeof(line->status.text) - 1 - line->len;

	if (len > room)
		len = room;
	memcpy(line->status.text + line->len, text, len);
	line->len += len;
}

static void
line_puts(struct line *line, const char *text)
{
	line_put(line, text, strlen(text));
}

static void
line_number(struct line *line, int64_t number)
{
	char digits[24];
	size_t at = sizeof(digits);
	uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

	do
		digits[--at] = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (number < 0)
		digits[--at] = '-';
	line_put(line, digits + at, sizeof(digits) - at);
}

static void
line_hex(struct line *line, const uint8_t *bytes, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		line_put(line, &hex[bytes[i] >> 4], 1);
		line_put(line, &hex[bytes[i] & 15], 1);
	}
}

static void
line_address(struct line *line, uintptr_t address)
{
	uint8_t bytes[sizeof(address)];
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(address >> (8 * (sizeof(bytes) - 1 - i)));
	line_puts(line, "0x");
	line_hex(line, bytes, sizeof(bytes));
}

static void
line_send(const struct line *line)
{
	unsigned tries = 100;

	while (write(report_fd, &line->status, sizeof(line->status)) < 0 &&
	       (errno == EAGAIN || errno == EINTR) && --tries > 0)
		pause_ms(1);
}

static void
line_watch(struct line *line, const struct watch *watch)
{
	int64_t since_us;

	if (watch == NULL) {
		line_puts(line, " thread=unknown");
		return;
	}
	since_us = atomic_load(&watch->since_us);
	line_puts(line, " thread=");
	if (watch == &watches[0])
		line_puts(line, "loop");
	else
		line_number(line, watch - watches);
	if (since_us == 0)
		return;
	line_puts(line, " callback=");
	line_puts(line, watch->name);
	line_puts(line, " busy_ms=");
	line_number(line, (clock_mono_us() - since_us) / 1000);
	if (!watch->has_key)
		return;
	line_puts(line, " key=");
	line_hex(line, watch->key, sizeof(watch->key));
}

/* --- stacks ----------------------------------------------------------------
 */

/* The stack of this thread, a message per frame. */
static void
report_stack(void)
{
	void *frames[FRAMES];
	struct line line;
	char *at = stack_text;
	char *end;
	ssize_t got;
	int count;

	count = backtrace(frames, FRAMES);
	(void)lseek(text_fd, 0, SEEK_SET);
	(void)!ftruncate(text_fd, 0);
	backtrace_symbols_fd(frames, count, text_fd);
	got = pread(text_fd, stack_text, sizeof(stack_text) - 1, 0);
	stack_text[got > 0 ? got : 0] = '\0';
	for (; *at != '\0'; at = end + (*end == '\n')) {
		end = strchrnul(at, '\n');
		line_begin(&line, HANDOFF_STACK);
		line_put(&line, at, (size_t)(end - at));
		line_send(&line);
	}
}

/* --- the answer of the request --------------------------------------------
 */

static void
answer_text(int fd, const char *text)
{
	size_t len;

	for (; *text != '\0'; text += len) {
		len = strcspn(text, "<&");
		if (len > 0)
			(void)!write(fd, text, len);
		if (text[len] != '\0') {
			(void)!write(fd, text[len] == '<' ? "&lt;" : "&amp;",
			    text[len] == '<' ? 4 : 5);
			len++;
		}
	}
}

/* After report_stack(). The socket does not block: what does not fit in its
 * buffer is lost. */
static void
answer_request(const char *sig)
{
	static const char in[] = " in callback ";
	static const char mid[] = "</p></div><h2 class=\"traceback\">Stack"
				  "</h2><div class=\"plain\"><pre>";
	static const char end[] = "</pre></div></div></body></html>\n";
	int fd = own != NULL ? own->answer_fd - 1 : -1;

	if (fd < 0 || atomic_load(&own->since_us) == 0)
		return;
	(void)!write(fd, debug_crash_head, strlen(debug_crash_head));
	answer_text(fd, sig);
	(void)!write(fd, in, sizeof(in) - 1);
	answer_text(fd, own->name);
	(void)!write(fd, mid, sizeof(mid) - 1);
	answer_text(fd, stack_text);
	(void)!write(fd, end, sizeof(end) - 1);
	(void)shutdown(fd, SHUT_WR);
}

/* What the loop wants to know of a thread; `what` is left to the caller. */
static void
fill_about(struct crash_about *about, const struct watch *watch)
{
	about->name = watch->name;
	about->stack = stack_text;
	about->request = atomic_load(&watch->request);
	about->has_key = watch->has_key || watch->has_waited;
	if (about->has_key)
		memcpy(about->key, watch->has_key ? watch->key : watch->waited,
		    CACHE_KEY_LEN);
}

/*
 * Have the loop answer those who wait for what this thread runs. False: it
 * does not come to it. Who has just asked for it may not be waiting yet, hence
 * the pause.
 */
static bool
tell_loop(const char *sig)
{
	int asked = TELL_ASKED;
	struct line line;
	unsigned tries;

	if (own == NULL || own == &watches[0] || loop_fd < 0 ||
	    atomic_load(&own->since_us) == 0)
		return false;
	fill_about(&told, own);
	line_begin(&line, HANDOFF_CRASH);
	line_puts(&line, "the worker crashed: ");
	line_puts(&line, sig);
	line_puts(&line, " in callback ");
	line_puts(&line, own->name);
	memcpy(told.what, line.status.text, sizeof(told.what) - 1);
	pause_ms(5);
	atomic_store(&telling, TELL_ASKED);
	fd_event_wake(loop_fd);
	for (tries = 0; tries < TELL_TRIES; tries++) {
		if (atomic_load(&telling) == TELL_DONE)
			return true;
		pause_ms(1);
	}
	return !atomic_compare_exchange_strong(&telling, &asked, TELL_NOBODY);
}

static void
report_thread(enum handoff_status_kind kind)
{
	struct line line;

	line_begin(&line, kind);
	line_puts(&line, "stack");
	line_watch(&line, own);
	line_send(&line);
	report_stack();
}

/* One after the other: who comes second waits, for a while. */
static bool
take_turn(void)
{
	unsigned tries = 500;
	int nobody = 0;

	while (
	    !atomic_compare_exchange_strong(&reporting, &nobody, own_tid())) {
		if (nobody == own_tid() || --tries == 0)
			return false;
		nobody = 0;
		pause_ms(1);
	}
	return true;
}

static void
on_dump(int sig)
{
	int saved = errno;

	(void)sig;
	report_thread(HANDOFF_STACK);
	atomic_fetch_add(&dumped, 1);
	errno = saved;
}

/* Have another thread report its stack, and wait until it has. */
static void
dump_thread(const struct watch *watch)
{
	unsigned before = atomic_load(&dumped);
	unsigned tries = 200;
	int tid = atomic_load(&watch->tid);

	if (tid == 0 || tid == own_tid() ||
	    syscall(SYS_tgkill, getpid(), tid, SIG_DUMP) < 0)
		return;
	while (atomic_load(&dumped) == before && --tries > 0)
		pause_ms(1);
}

static void
dump_all(void)
{
	size_t i;

	for (i = 0; i < WATCHES; i++)
		dump_thread(&watches[i]);
}

static const char *
sig_name(int sig)
{
	switch (sig) {
	case SIGSEGV:
		return "SIGSEGV";
	case SIGBUS:
		return "SIGBUS";
	case SIGFPE:
		return "SIGFPE";
	case SIGILL:
		return "SIGILL";
	default:
		return "SIGABRT";
	}
}

static void
on_fatal(int sig, siginfo_t *info, void *context)
{
	/* From another process, that is the master's question. */
	bool asked = sig == SIGABRT && info->si_code == SI_USER &&
		     info->si_pid != getpid();
	struct line line;

	(void)context;
	if (take_turn()) {
		line_begin(&line, HANDOFF_CRASH);
		line_puts(&line, "signal=");
		line_puts(&line, sig_name(sig));
		if (asked)
			line_puts(&line, " asked=yes");
		if (sig == SIGSEGV || sig == SIGBUS) {
			line_puts(&line, " address=");
			line_address(&line, (uintptr_t)info->si_addr);
		}
		line_watch(&line, own);
		line_send(&line);
		report_stack();
		if (!asked && !tell_loop(sig_name(sig)))
			answer_request(sig_name(sig));
		if (asked)
			dump_all();
	}
	capture_crash();
	/* SA_RESETHAND has put the default action back. */
	(void)syscall(SYS_tgkill, getpid(), own_tid(), sig);
}

void
crash_install(int status_fd)
{
	struct sigaction action;
	void *frames[2];
	size_t i;

	report_fd = status_fd;
	text_fd = memfd_create("ph-stack", MFD_CLOEXEC);
	(void)backtrace(frames, 2); /* loads the unwinder now */
	memset(&action, 0, sizeof(action));
	(void)sigemptyset(&action.sa_mask);
	action.sa_sigaction = on_fatal;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND;
	for (i = 0; i < sizeof(fatal_sigs) / sizeof(fatal_sigs[0]); i++)
		(void)sigaction(fatal_sigs[i], &action, NULL);
	action.sa_handler = on_dump;
	action.sa_flags = SA_RESTART | SA_ONSTACK;
	(void)sigaction(SIG_DUMP, &action, NULL);
	crash_thread_begin(0);
}

/* --- threads -------------------------------------------------------------- */

void
crash_thread_begin(unsigned number)
{
	sigset_t dump;
	stack_t stack;

	if (number >= WATCHES || report_fd < 0)
		return;
	own = &watches[number];
	own->stack = malloc(STACK_BYTES);
	memset(&stack, 0, sizeof(stack));
	stack.ss_sp = own->stack;
	stack.ss_size = STACK_BYTES;
	if (own->stack != NULL)
		(void)sigaltstack(&stack, NULL);
	(void)sigemptyset(&dump);
	(void)sigaddset(&dump, SIG_DUMP);
	(void)pthread_sigmask(SIG_UNBLOCK, &dump, NULL);
	atomic_store(&own->since_us, 0);
	atomic_store(&own->tid, own_tid());
}

void
crash_thread_end(void)
{
	stack_t stack;

	if (own == NULL)
		return;
	atomic_store(&own->tid, 0);
	memset(&stack, 0, sizeof(stack));
	stack.ss_flags = SS_DISABLE;
	(void)sigaltstack(&stack, NULL);
	free(own->stack);
	own->stack = NULL;
	own = NULL;
}

void
crash_enter(const char *name, const uint8_t key[CACHE_KEY_LEN])
{
	if (own == NULL)
		return;
	own->name = name;
	own->has_key = key != NULL;
	if (key != NULL)
		memcpy(own->key, key, CACHE_KEY_LEN);
	atomic_store(&own->found, false);
	atomic_store(&own->since_us, clock_mono_us());
}

void
crash_works_for(void *request, const uint8_t key[CACHE_KEY_LEN], int fd)
{
	if (own == NULL)
		return;
	own->answer_fd = fd + 1;
	own->has_waited = key != NULL;
	if (key != NULL)
		memcpy(own->waited, key, CACHE_KEY_LEN);
	atomic_store(&own->request, request);
}

void
crash_rename(const char *name)
{
	if (own != NULL)
		own->name = name;
}

void
crash_tell_loop(int fd)
{
	loop_fd = fd;
}

bool
crash_take(struct crash_about *about)
{
	int asked = TELL_ASKED;

	if (!atomic_compare_exchange_strong(&telling, &asked, TELL_TAKEN))
		return false;
	*about = told;
	return true;
}

void
crash_taken(void)
{
	atomic_store(&telling, TELL_DONE);
}

void
crash_touch(void)
{
	if (own != NULL && atomic_load(&own->since_us) != 0)
		atomic_store(&own->since_us, clock_mono_us());
}

void
crash_leave(void)
{
	if (own != NULL)
		atomic_store(&own->since_us, 0);
}

bool
crash_dump_found(struct crash_about *about)
{
	if (last_found == NULL)
		return false;
	stack_text[0] = '\0';
	dump_thread(last_found);
	fill_about(about, last_found);
	(void)strcpy(about->what, "it did not end within thread_timeout");
	return atomic_load(&last_found->since_us) != 0;
}

bool
crash_find_stuck(int64_t limit_us, char *text, size_t cap)
{
	int64_t now_us = clock_mono_us();
	struct watch *stuck = NULL;
	int64_t oldest_us = INT64_MAX;
	int64_t since_us;
	size_t i;

	for (i = 1; i < WATCHES; i++) {
		since_us = atomic_load(&watches[i].since_us);
		if (atomic_load(&watches[i].tid) == 0 || since_us == 0 ||
		    now_us - since_us < limit_us || since_us >= oldest_us ||
		    atomic_load(&watches[i].found))
			continue;
		oldest_us = since_us;
		stuck = &watches[i];
	}
	if (stuck == NULL)
		return false;
	atomic_store(&stuck->found, true);
	(void)snprintf(text, cap, "thread=%d callback=%s busy_ms=%lld",
	    (int)(stuck - watches), stuck->name,
	    (long long)(now_us - oldest_us) / 1000);
	last_found = stuck;
	return true;
}
