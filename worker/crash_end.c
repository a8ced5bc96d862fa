/* SPDX-License-Identifier: MIT */

/*
 * The end of a process by a thread that runs app code: by a signal, or by
 * exit().
 *
 * Such a thread reports itself, has the loop answer those who wait for it, and
 * then stands still until the loop says that it is over, or until nothing more
 * can be hoped for. Only then is the signal raised again with its default
 * action, so the master sees the true end and a core file is written where the
 * limits allow one. Meanwhile further threads may crash, and do the same.
 *
 * INVARIANT  The handlers call nothing that is not safe in one, but for
 *            backtrace(), whose one unsafe step (loading the unwinder) is made
 *            in crash_install(), and siglongjmp() out of app code.
 * THREADS    Any thread that crashes; they report and are told of one after
 *            the other. crash_take() and what follows it: the loop.
 * FAILURE    A report that does not get through is lost; the end is the same.
 *            Where the loop does not answer (it needs a lock that the crashed
 *            thread has) the stack is written to the client's socket, in
 *            development. A thread that crashes within the handler ends the
 *            process at once, as the signals are blocked there.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "server/base/fd.h"
#include "worker/capture.h"
#include "worker/crash.h"
#include "worker/crash_int.h"
#include "worker/debug.h"

/* A millisecond each, and more on a busy machine. */
#define TURN_TRIES 4000  /* to report, after others */
#define TAKE_TRIES 400   /* until the loop takes notice, while it sleeps */
#define ANSWER_TRIES 600 /* until it has answered, the same */
#define RUN_TRIES 2000   /* for either, while it runs, or wants to */
#define OVER_TRIES 4000  /* until it says that it is over */
#define ALONE_TRIES 300  /* the same when it does not answer at all */
#define LOOP_TRIES 100   /* a loop that crashes itself */
#define RECOVERED_S 3    /* a loop that goes on after that must end by then */

/* How this thread ends the process. */
struct way {
	int sig;          /* 0: by exit() */
	siginfo_t *info;  /* with a signal */
	bool asked;       /* the master asks a worker that hangs */
	const char *what; /* "SIGSEGV", "exit(0) called by the app" */
};

/* Between the thread whose turn it is and the loop. */
enum telling { TELL_NOBODY, TELL_ASKED, TELL_TAKEN, TELL_DONE };
static _Atomic int telling;
static struct crash_about told;
static int loop_fd = -1;
static _Atomic int turn_of;      /* tid of the thread that reports */
static _Atomic unsigned pending; /* threads the loop has not seen to */
static _Atomic bool over;        /* the loop has nothing left to do */
static _Atomic bool deaf;        /* the loop does not answer */
static _Atomic int captured;
static struct way loop_way; /* the loop's own, after it went on */
static bool jumped;
static _Atomic pid_t worker_pid;

static __thread char last_words[128]; /* of the app, in this thread */

static const int fatal_sigs[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

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

bool
crash_take_turn(unsigned tries)
{
	int nobody = 0;

	while (
	    !atomic_compare_exchange_strong(&turn_of, &nobody, crash_tid())) {
		if (nobody == crash_tid() || tries-- == 0)
			return false;
		nobody = 0;
		crash_pause_ms(1);
	}
	return true;
}

void
crash_give_turn(void)
{
	atomic_store(&turn_of, 0);
}

/* --- the report ----------------------------------------------------------- */

static bool
is_in_app(const struct crash_watch *own)
{
	return own == NULL || atomic_load(&own->since_us) != 0;
}

/* A thread of the app's own: for which of them it works is not to be known. */
static void
send_busy(void)
{
	const struct crash_watch *watch;
	struct crash_line line;
	unsigned at = 0;

	while ((watch = crash_next_busy(&at)) != NULL) {
		crash_line_begin(&line, HANDOFF_STACK);
		crash_line_puts(&line, "running");
		crash_line_run(&line, watch);
		crash_line_send(&line);
	}
}

static void
report(const struct way *way)
{
	const struct crash_watch *own = crash_own();
	struct crash_line line;

	crash_line_begin(&line, HANDOFF_CRASH);
	if (way->sig == 0) {
		crash_line_puts(&line, "reason=\"");
		crash_line_puts(&line, way->what);
		crash_line_puts(&line, "\"");
	} else {
		crash_line_puts(&line, "signal=");
		crash_line_puts(&line, way->what);
	}
	if (way->asked)
		crash_line_puts(&line, " asked=yes");
	if (way->sig == SIGSEGV || way->sig == SIGBUS) {
		crash_line_puts(&line, " address=");
		crash_line_address(&line, (uintptr_t)way->info->si_addr);
	}
	crash_line_thread(&line, own);
	crash_line_send(&line);
	if (last_words[0] != '\0') {
		crash_line_begin(&line, HANDOFF_STACK);
		crash_line_puts(&line, last_words);
		crash_line_send(&line);
	}
	if (own == NULL)
		send_busy();
	crash_send_stack();
	if (!way->asked)
		crash_explain_stack();
}

/* --- those who wait ------------------------------------------------------- */

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

/* After report(). The socket does not block: what does not fit in its buffer
 * is lost. */
static void
answer_request(const struct crash_watch *own, const char *what)
{
	static const char in[] = " in callback ";
	static const char mid[] = "</p></div><h2 class=\"traceback\">Stack"
				  "</h2><div class=\"plain\"><pre>";
	static const char end[] = "</pre></div></div></body></html>\n";
	int fd = own != NULL ? own->answer_fd - 1 : -1;

	if (fd < 0 || !is_in_app(own))
		return;
	(void)!write(fd, debug_crash_head, strlen(debug_crash_head));
	answer_text(fd, what);
	(void)!write(fd, in, sizeof(in) - 1);
	answer_text(fd, own->name);
	(void)!write(fd, mid, sizeof(mid) - 1);
	answer_text(fd, crash_stack());
	(void)!write(fd, end, sizeof(end) - 1);
	(void)shutdown(fd, SHUT_WR);
}

/* The names of all that runs, once each. */
static void
put_names(struct crash_line *line)
{
	const struct crash_watch *watch;
	const char *sep = "";
	unsigned at = 0;

	while ((watch = crash_next_busy(&at)) != NULL) {
		crash_line_puts(line, sep);
		crash_line_puts(line, watch->name);
		sep = ", ";
	}
	if (*sep == '\0')
		crash_line_puts(line, "none");
}

static void
fill_told(const struct way *way, const struct crash_watch *own)
{
	struct crash_line line;

	memset(&told, 0, sizeof(told));
	crash_line_begin(&line, HANDOFF_CRASH);
	crash_line_puts(&line,
	    way->sig != 0 ? "the worker crashed: " : "the worker ended: ");
	crash_line_puts(&line, way->what);
	if (last_words[0] != '\0') {
		crash_line_puts(&line, " (");
		crash_line_puts(&line, last_words);
		crash_line_puts(&line, ")");
	}
	if (own != NULL) {
		crash_fill(&told, own);
		crash_line_puts(&line, " in callback ");
		crash_line_puts(&line, own->name);
	} else {
		told.everybody = true;
		crash_line_puts(&line,
		    " in a thread started by the app; running were: ");
		put_names(&line);
	}
	memcpy(told.what, line.status.text, sizeof(told.what) - 1);
}

/*
 * Until the loop has got further than that. One that sleeps on may need a lock
 * that this thread has; one that runs has something else to do first, or no
 * processor, on a machine that has more to do than it can.
 */
static bool
wait_while(int value, unsigned asleep)
{
	unsigned awake = RUN_TRIES;

	while (atomic_load(&telling) == value) {
		if (crash_loop_runs() ? awake-- == 0 : asleep-- == 0)
			return false;
		crash_pause_ms(1);
	}
	return true;
}

/*
 * Have the loop answer those who wait for what this thread runs. False: it
 * does not come to it. Who has just asked for it may not be waiting yet, hence
 * the pause.
 */
static bool
tell_loop(const struct way *way, const struct crash_watch *own)
{
	int asked = TELL_ASKED;
	int taken = TELL_TAKEN;

	if (loop_fd < 0 || atomic_load(&deaf) || !is_in_app(own) ||
	    (own != NULL && crash_is_loop(own)))
		return false;
	fill_told(way, own);
	crash_pause_ms(5);
	atomic_store(&telling, TELL_ASKED);
	fd_event_wake(loop_fd);
	if (!wait_while(TELL_ASKED, TAKE_TRIES) &&
	    atomic_compare_exchange_strong(&telling, &asked, TELL_NOBODY)) {
		atomic_store(&deaf, true);
		return false;
	}
	if (!wait_while(TELL_TAKEN, ANSWER_TRIES) &&
	    atomic_compare_exchange_strong(&telling, &taken, TELL_NOBODY)) {
		atomic_store(&deaf, true);
		return false;
	}
	return true;
}

/* --- the end -------------------------------------------------------------- */

/* Does not return from exit(); a signal comes when its handler returns. */
static void
end_process(const struct way *way)
{
	struct sigaction action;

	if (atomic_exchange(&captured, 1) == 0)
		capture_crash();
	if (way->sig == 0)
		(void)syscall(SYS_exit_group, HANDOFF_EXIT_APP);
	memset(&action, 0, sizeof(action));
	action.sa_handler = SIG_DFL;
	(void)sigaction(way->sig, &action, NULL);
	(void)syscall(SYS_tgkill, getpid(), crash_tid(), way->sig);
}

/* Stand still until the loop is done, or does not come to it. */
static void
wait_for_end(void)
{
	unsigned tries = atomic_load(&deaf) ? ALONE_TRIES : OVER_TRIES;

	while (!atomic_load(&over) && tries-- > 0 &&
	       !(atomic_load(&deaf) && atomic_load(&pending) == 0))
		crash_pause_ms(1);
}

/* The loop goes on behind crash_guard(), as if its app code had returned; with
 * the turn, until it has what it is to tell. */
static void
jump(const struct way *way, struct crash_watch *own)
{
	static const struct itimerval limit = { .it_value = {
						    .tv_sec = RECOVERED_S } };
	sigjmp_buf *net = own->net;

	fill_told(way, own);
	loop_way = *way;
	loop_way.info = NULL;
	loop_way.what = NULL;
	jumped = true;
	own->net = NULL;
	(void)setitimer(ITIMER_REAL, &limit, NULL);
	siglongjmp(*net, 1);
}

static void
end_thread(const struct way *way)
{
	struct crash_watch *own = crash_own();
	bool loop = own != NULL && crash_is_loop(own);
	bool wait = false;

	(void)atomic_fetch_add(&pending, 1);
	if (crash_take_turn(loop ? LOOP_TRIES : TURN_TRIES)) {
		report(way);
		if (loop && own->net != NULL && !way->asked) {
			(void)atomic_fetch_sub(&pending, 1);
			jump(way, own);
		}
		if (way->asked)
			crash_dump_all();
		else if (tell_loop(way, own))
			wait = true;
		else
			answer_request(own, way->what);
		crash_give_turn();
	}
	(void)atomic_fetch_sub(&pending, 1);
	if (wait || (atomic_load(&deaf) && !loop && !way->asked))
		wait_for_end();
	end_process(way);
}

static void
on_fatal(int sig, siginfo_t *info, void *context)
{
	/* From another process, that is the master's question. */
	struct way way = { .sig = sig,
		.info = info,
		.what = sig_name(sig),
		.asked = sig == SIGABRT && info->si_code == SI_USER &&
			 info->si_pid != getpid() };

	(void)context;
	if (getpid() == atomic_load(&worker_pid))
		end_thread(&way);
	else /* a child of the app's own */
		end_process(&way);
}

void
crash_end_install(void)
{
	struct sigaction action;
	size_t i;

	atomic_store(&worker_pid, getpid());
	memset(&action, 0, sizeof(action));
	(void)sigemptyset(&action.sa_mask);
	for (i = 0; i < sizeof(fatal_sigs) / sizeof(fatal_sigs[0]); i++)
		(void)sigaddset(&action.sa_mask, fatal_sigs[i]);
	action.sa_sigaction = on_fatal;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK;
	for (i = 0; i < sizeof(fatal_sigs) / sizeof(fatal_sigs[0]); i++)
		(void)sigaction(fatal_sigs[i], &action, NULL);
}

/* --- exit() --------------------------------------------------------------- */

/*
 * The app's calls of exit() and the like come here, as the server's own
 * symbols are found before those of the C library. Children that the app forks
 * do as always. (A handler by atexit() would not do: two threads may exit at
 * once, and _exit() asks nobody.)
 */
static void
end_by_exit(int status)
{
	char text[] = "exit(-2147483648) called by the app";
	struct way way = { .what = text };
	struct crash_line line;

	if (atomic_load(&worker_pid) != getpid() || !is_in_app(crash_own()))
		return;
	crash_line_begin(&line, HANDOFF_CRASH);
	crash_line_puts(&line, "exit(");
	crash_line_number(&line, status);
	crash_line_puts(&line, ") called by the app");
	memcpy(text, line.status.text, line.len + 1);
	end_thread(&way);
}

typedef void exit_function(int status);

/* What _exit() does. A signal handler may call that, and a child that was just
 * forked: neither can wait for the lock of the loader, as dlsym() does. */
static _Noreturn void
end_at_once(int status)
{
	for (;;)
		(void)syscall(SYS_exit_group, status);
}

/* The C library's own, which first runs what is to run at the end. */
static _Noreturn void
pass_on(const char *name, int status)
{
	void *found = dlsym(RTLD_NEXT, name);
	exit_function *run = NULL;

	memcpy(&run, &found, sizeof(run));
	if (run != NULL)
		run(status);
	end_at_once(status);
}

#define OURS __attribute__((visibility("default")))

OURS void
exit(int status)
{
	end_by_exit(status);
	pass_on("exit", status);
}

OURS void
quick_exit(int status)
{
	end_by_exit(status);
	pass_on("quick_exit", status);
}

OURS void
_exit(int status)
{
	end_by_exit(status);
	end_at_once(status);
}

OURS void
_Exit(int status)
{
	end_by_exit(status);
	end_at_once(status);
}

/* In a line of the log it stands in quotes. */
void
crash_last_words(const char *text)
{
	size_t i;

	for (i = 0; i < sizeof(last_words) - 1 && text[i] != '\0'; i++) {
		last_words[i] = text[i];
		if ((unsigned char)text[i] < ' ' || text[i] == '\\')
			last_words[i] = ' ';
		else if (text[i] == '"')
			last_words[i] = '\'';
	}
	last_words[i] = '\0';
}

/* --- the loop ------------------------------------------------------------- */

void
crash_tell_loop(int fd)
{
	loop_fd = fd;
}

/* While the one who told it has the turn. */
static void
take_told(struct crash_about *about)
{
	*about = told;
	about->stack = crash_keep_stack();
}

bool
crash_take(struct crash_about *about)
{
	int asked = TELL_ASKED;

	if (!atomic_compare_exchange_strong(&telling, &asked, TELL_TAKEN))
		return false;
	take_told(about);
	return true;
}

void
crash_taken(void)
{
	int taken = TELL_TAKEN;

	(void)atomic_compare_exchange_strong(&telling, &taken, TELL_DONE);
}

bool
crash_is_loops(void)
{
	return atomic_load(&telling) == TELL_TAKEN;
}

bool
crash_guard(void (*run)(void *arg), void *arg, struct crash_about *about)
{
	struct crash_watch *own = crash_own();
	sigjmp_buf net;

	if (own == NULL) {
		run(arg);
		return true;
	}
	if (sigsetjmp(net, 1) == 0) {
		own->net = &net;
		run(arg);
		own->net = NULL;
		return true;
	}
	atomic_store(&own->since_us, 0);
	take_told(about);
	crash_give_turn();
	return false;
}

bool
crash_is_pending(void)
{
	return atomic_load(&pending) > 0;
}

void
crash_over(void)
{
	sigset_t set;

	if (!jumped) {
		atomic_store(&over, true);
		crash_pause_ms(999); /* one of those who wait ends it */
	}
	if (loop_way.sig != 0) {
		(void)sigemptyset(&set);
		(void)sigaddset(&set, loop_way.sig);
		(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	}
	end_process(&loop_way);
}
