/* SPDX-License-Identifier: MIT */

/*
 * What every thread of the worker runs, and its stack.
 *
 * Each has a place in a table; who reports a crash, looks for the stuck or
 * asks for all stacks reads there. How a crash ends: crash_end.c. The master
 * sends SIGABRT to a worker that shows no sign of life: then every thread
 * reports its stack.
 *
 * INVARIANT  What a signal handler calls here is safe in one, but for
 *            backtrace(), whose one unsafe step (loading the unwinder) is made
 *            in crash_install(). Stacks are written to a memory file and read
 *            back, because the library writes to descriptors only.
 * THREADS    A thread writes its own struct crash_watch alone; others read it.
 *            The text of a stack is of who has the turn (crash_take_turn()), or
 *            of the thread that it has told to report (dump_thread()). The loop
 *            takes a copy while that lasts (crash_keep_stack()).
 * FAILURE    A report that does not get through is lost; the end is the same.
 */
#include "worker/crash.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/handoff.h"
#include "worker/crash_int.h"
#include "worker/symbols.h"

#define WATCHES 257 /* the loop and the most threads */
#define FRAMES 48
#define TEXT_BYTES ((size_t)16 * 1024)
#define NAMES_BYTES ((size_t)8 * 1024)
#define DUMP_TRIES 200  /* a millisecond each, until it begins */
#define DUMP_BEGUN (-1) /* no tid */
#define SIG_DUMP (SIGRTMIN + 3)

static struct crash_watch watches[WATCHES];
static __thread struct crash_watch *own;
static struct crash_watch *last_found; /* stuck; the loop's own */

static bool installed;
static bool explains;
static int text_fd = -1;
static char stack_text[TEXT_BYTES];
static char kept_text[TEXT_BYTES]; /* the loop's own */

/* The tid that is to report its stack, DUMP_BEGUN while it does, then 0. */
static _Atomic int dumping;

static bool tells_parts;

int
crash_tid(void)
{
	return (int)syscall(SYS_gettid);
}

void
crash_pause_ms(long ms)
{
	const struct timespec moment = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&moment, NULL);
}

struct crash_watch *
crash_own(void)
{
	return own;
}

bool
crash_is_loop(const struct crash_watch *watch)
{
	return watch == &watches[0];
}

/* As the kernel says, in the field behind the name of the thread. */
bool
crash_loop_runs(void)
{
	struct crash_line path;
	char text[256];
	const char *state;
	ssize_t len;
	int fd;

	crash_line_begin(&path, HANDOFF_STACK);
	crash_line_puts(&path, "/proc/self/task/");
	crash_line_number(&path, atomic_load(&watches[0].tid));
	crash_line_puts(&path, "/stat");
	fd = open(path.status.text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	text[len > 0 ? len : 0] = '\0';
	state = strrchr(text, ')');
	return state != NULL && strncmp(state, ") R", 3) == 0;
}

struct crash_watch *
crash_next_busy(unsigned *at)
{
	struct crash_watch *watch;

	while (*at < WATCHES) {
		watch = &watches[(*at)++];
		if (atomic_load(&watch->tid) != 0 &&
		    atomic_load(&watch->since_us) != 0)
			return watch;
	}
	return NULL;
}

/* --- stacks ----------------------------------------------------------------
 */

static void
send_lines(const char *text)
{
	struct crash_line line;
	const char *end;

	for (; *text != '\0'; text = end + (*end == '\n')) {
		end = strchrnul(text, '\n');
		crash_line_begin(&line, HANDOFF_STACK);
		crash_line_put(&line, text, (size_t)(end - text));
		crash_line_send(&line);
	}
}

/* The stack of this thread, a message per frame. */
void
crash_send_stack(void)
{
	void *frames[FRAMES];
	ssize_t got;
	int count;

	count = backtrace(frames, FRAMES);
	(void)lseek(text_fd, 0, SEEK_SET);
	(void)!ftruncate(text_fd, 0);
	backtrace_symbols_fd(frames, count, text_fd);
	got = pread(text_fd, stack_text, sizeof(stack_text) - 1, 0);
	stack_text[got > 0 ? got : 0] = '\0';
	send_lines(stack_text);
}

void
crash_explain_stack(void)
{
	static char names[NAMES_BYTES];
	size_t rest = strlen(stack_text);
	size_t len;

	if (!explains)
		return;
	len = symbols_of_stack(stack_text, names, sizeof(names) - 1);
	names[len] = '\0';
	if (len == 0)
		return;
	send_lines(names);
	names[len++] = '\n';
	if (rest > sizeof(stack_text) - 1 - len)
		rest = sizeof(stack_text) - 1 - len;
	memmove(stack_text + len, stack_text, rest);
	memcpy(stack_text, names, len);
	stack_text[len + rest] = '\0';
}

void
crash_explains(void)
{
	symbols_prepare();
	explains = true;
}

char *
crash_stack(void)
{
	return stack_text;
}

const char *
crash_keep_stack(void)
{
	memcpy(kept_text, stack_text, sizeof(kept_text));
	return kept_text;
}

void
crash_fill(struct crash_about *about, const struct crash_watch *watch)
{
	about->name = watch->name;
	about->request = atomic_load(&watch->request);
	about->has_key = watch->has_key || watch->has_waited;
	if (about->has_key)
		memcpy(about->key, watch->has_key ? watch->key : watch->waited,
		    CACHE_KEY_LEN);
}

static void
report_thread(enum handoff_status_kind kind)
{
	struct crash_line line;

	crash_line_begin(&line, kind);
	crash_line_puts(&line, "stack");
	crash_line_thread(&line, own);
	crash_line_send(&line);
	crash_send_stack();
}

/* It may come late, when nobody waits for it any more. */
static void
on_dump(int sig)
{
	int saved = errno;
	int tid = crash_tid();

	(void)sig;
	if (atomic_compare_exchange_strong(&dumping, &tid, DUMP_BEGUN)) {
		report_thread(HANDOFF_STACK);
		atomic_store(&dumping, 0);
	}
	errno = saved;
}

static bool
is_dumping(unsigned tries)
{
	while (atomic_load(&dumping) != 0) {
		if (tries-- == 0)
			return true;
		crash_pause_ms(1);
	}
	return false;
}

/*
 * Have another thread report its stack, and wait until it has: it may take a
 * while to come to it, and then one for a pipe that is full.
 */
static void
dump_thread(const struct crash_watch *watch)
{
	int tid = atomic_load(&watch->tid);

	if (tid == 0 || tid == crash_tid())
		return;
	atomic_store(&dumping, tid);
	if (syscall(SYS_tgkill, getpid(), tid, SIG_DUMP) == 0 &&
	    !is_dumping(DUMP_TRIES))
		return;
	if (!atomic_compare_exchange_strong(&dumping, &tid, 0))
		(void)is_dumping(FRAMES * DUMP_TRIES);
}

void
crash_dump_all(void)
{
	size_t i;

	for (i = 0; i < WATCHES; i++)
		dump_thread(&watches[i]);
}

void
crash_install(int status_fd)
{
	struct sigaction action;
	void *frames[2];

	crash_line_to(status_fd);
	installed = true;
	text_fd = memfd_create("ph-stack", MFD_CLOEXEC);
	(void)backtrace(frames, 2); /* loads the unwinder now */
	memset(&action, 0, sizeof(action));
	(void)sigemptyset(&action.sa_mask);
	action.sa_handler = on_dump;
	action.sa_flags = SA_RESTART | SA_ONSTACK;
	(void)sigaction(SIG_DUMP, &action, NULL);
	crash_end_install();
	crash_signal_stack();
	crash_thread_begin(0);
}

/* --- threads -------------------------------------------------------------- */

void
crash_thread_begin(unsigned number)
{
	sigset_t dump;

	if (number >= WATCHES || !installed)
		return;
	own = &watches[number];
	own->number = number;
	(void)sigemptyset(&dump);
	(void)sigaddset(&dump, SIG_DUMP);
	(void)pthread_sigmask(SIG_UNBLOCK, &dump, NULL);
	atomic_store(&own->since_us, 0);
	atomic_store(&own->tid, crash_tid());
}

void
crash_thread_end(void)
{
	if (own == NULL)
		return;
	atomic_store(&own->tid, 0);
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
crash_tells_parts(void)
{
	tells_parts = true;
}

void
crash_part(const char *name)
{
	struct crash_line line;

	if (!tells_parts)
		return;
	crash_line_begin(&line, HANDOFF_PART);
	crash_line_puts(&line, name);
	crash_line_send(&line);
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

bool
crash_leads(const uint8_t key[CACHE_KEY_LEN])
{
	if (own == NULL || (key != NULL && own->has_waited))
		return false;
	own->has_waited = key != NULL;
	if (key != NULL)
		memcpy(own->waited, key, CACHE_KEY_LEN);
	return key != NULL;
}

void
crash_rename(const char *name)
{
	if (own != NULL)
		own->name = name;
}

bool
crash_next_running(unsigned *at, struct crash_about *about)
{
	const struct crash_watch *watch = crash_next_busy(at);

	if (watch == NULL)
		return false;
	crash_fill(about, watch);
	return true;
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
	if (last_found == NULL || !crash_take_turn(0))
		return false; /* or others report just now */
	stack_text[0] = '\0';
	dump_thread(last_found);
	crash_fill(about, last_found);
	about->stack = crash_keep_stack();
	(void)strcpy(about->what, "it did not end within thread_timeout");
	crash_give_turn();
	return atomic_load(&last_found->since_us) != 0;
}

bool
crash_find_stuck(int64_t limit_us, char *text, size_t cap)
{
	int64_t now_us = clock_mono_us();
	struct crash_watch *stuck = NULL;
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
