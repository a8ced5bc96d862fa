/* SPDX-License-Identifier: MIT */

/*
 * Callbacks that end their process in every way but an orderly one.
 */
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

static volatile int never;

/* Two threads that fall over at once race, which is not what is tested. */
__attribute__((no_sanitize("thread"))) static void
fall_over(void)
{
	*(volatile int *)(uintptr_t)(never + 8) = 1;
}

static bool
is_asked(struct ph_call *call)
{
	return ph_int_of(ph_input(call, "go.n_clicks")) > 0;
}

/* Files by which callbacks, and the layout, find each other: beside the wish.
 */
static bool
open_file(const char *name, const char *mode)
{
	const char *wish = getenv("APP_ENDS_WISH");
	char path[4096];
	FILE *file;

	if (wish == NULL || snprintf(path, sizeof(path), "%s.%s", wish, name) >=
				(int)sizeof(path))
		return false;
	file = fopen(path, mode);
	return file != NULL && fclose(file) == 0;
}

/* Where APP_ENDS_MEET is set: until all four run, in whichever process. */
static void
meet(const char *name)
{
	if (getenv("APP_ENDS_MEET") == NULL || !open_file(name, "we"))
		return;
	while (!open_file("crash_1", "re") || !open_file("crash_2", "re") ||
	       !open_file("crash_3", "re") || !open_file("crash_4", "re"))
		(void)poll(NULL, 0, 1);
}

#define CRASHER(n)                                                          \
	static enum ph_status crash_##n(struct ph_call *call)               \
	{                                                                   \
		if (!is_asked(call))                                        \
			return PH_NO_UPDATE;                                \
		meet("crash_" #n);                                          \
		fall_over();                                                \
		return ph_output(call, "crash_" #n ".children", ph_null()); \
	}
CRASHER(1)
CRASHER(2)
CRASHER(3)
CRASHER(4)

/* As soon as the layout is at it. */
static enum ph_status
crash_beside(struct ph_call *call)
{
	if (!is_asked(call) || !open_file("begun", "we"))
		return PH_NO_UPDATE;
	while (!open_file("busy", "re"))
		(void)poll(NULL, 0, 1);
	fall_over();
	return PH_NO_UPDATE;
}

/* A second of its processor, without a pause. */
static void
keep_busy(void)
{
	const clock_t begun = clock();

	if (!open_file("busy", "we"))
		return;
	while (clock() - begun < CLOCKS_PER_SEC)
		continue;
}

/* Found out by the C library while it holds the lock of its heap: of the one
 * that the server's own thread uses, and of this thread's. */
static char *first_block;
static char *next_block;

static void
overrun(char *block)
{
	volatile char *at = block; /* or the compiler leaves it out */
	size_t i;

	for (i = 0; next_block != NULL && i < 5000 + 64; i++)
		at[i] = 0x41;
	free(block);
}

static enum ph_status
spoils_heap(struct ph_call *call)
{
	if (is_asked(call))
		overrun(first_block);
	return PH_NO_UPDATE;
}

static enum ph_status
frees_twice(struct ph_call *call)
{
	static char *volatile block;
	char *guard;

	if (!is_asked(call))
		return PH_NO_UPDATE;
	block = malloc(5000);
	guard = malloc(5000);
	free(block);
	free(block); /* NOLINT(clang-analyzer-unix.Malloc): on purpose */
	free(guard);
	return PH_NO_UPDATE;
}

static enum ph_status
exits(struct ph_call *call)
{
	if (is_asked(call))
		exit(0);
	return PH_NO_UPDATE;
}

static enum ph_status
exits_at_once(struct ph_call *call)
{
	if (is_asked(call))
		_exit(3);
	return PH_NO_UPDATE;
}

static enum ph_status
exiting_value(struct ph_call *call)
{
	exit(0);
	return ph_return(call, ph_int(1));
}

static enum ph_status
asks(struct ph_call *call)
{
	const struct ph_value *value;

	if (!is_asked(call))
		return PH_NO_UPDATE;
	value = ph_memo(call, exiting_value, ph_int(1));
	return value == NULL ? PH_WAIT
			     : ph_output(call, "asks.children", value);
}

static enum ph_status
exiting_job(struct ph_call *call)
{
	if (is_asked(call))
		exit(0);
	return PH_NO_UPDATE;
}

static void *
fallen(void *arg)
{
	(void)poll(NULL, 0, 200);
	fall_over();
	return arg;
}

static void *
left(void *arg)
{
	exit(5);
	return arg;
}

static enum ph_status
run_thread(struct ph_call *call, void *(*run)(void *))
{
	pthread_t thread;

	if (!is_asked(call))
		return PH_NO_UPDATE;
	if (pthread_create(&thread, NULL, run, NULL) != 0)
		return ph_fail(call, "no thread");
	(void)pthread_join(thread, NULL);
	return PH_NO_UPDATE;
}

static enum ph_status
thread_crashes(struct ph_call *call)
{
	return run_thread(call, fallen);
}

static enum ph_status
thread_exits(struct ph_call *call)
{
	return run_thread(call, left);
}

/* Until the stack is used up. */
static int
descend(int depth)
{
	volatile char used[4096];

	used[depth % 4096] = (char)depth;
	if (never != 0)
		return 0;
	return descend(depth + 1) + used[depth % 4096];
}

static void *
sunk(void *arg)
{
	return descend(0) > 0 ? arg : NULL;
}

static enum ph_status
thread_overflows(struct ph_call *call)
{
	return run_thread(call, sunk);
}

static void *
leaves_early(void *arg)
{
	pthread_exit(arg);
}

static enum ph_status
thread_returns(struct ph_call *call)
{
	pthread_t thread;
	void *result = NULL;
	int i;

	if (!is_asked(call))
		return PH_NO_UPDATE;
	for (i = 0; i < 1000; i++) {
		if (pthread_create(&thread, NULL, leaves_early, call) != 0)
			return ph_fail(call, "no thread");
		(void)pthread_join(thread, &result);
	}
	return ph_output(call, "thread_returns.children",
	    ph_bool(result == (void *)call));
}

static enum ph_status
sleeps(struct ph_call *call)
{
	if (!is_asked(call))
		return PH_NO_UPDATE;
	ph_sleep(call, 20);
	return ph_output(call, "sleeps.children", ph_text("awake"));
}

static enum ph_status
is_quick(struct ph_call *call)
{
	if (!is_asked(call))
		return PH_NO_UPDATE;
	ph_sleep(call, 0.15);
	return ph_output(call, "is_quick.children", ph_text("done"));
}

/* A child of its own may end as it likes. */
static enum ph_status
forks(struct ph_call *call)
{
	int status = 0;
	pid_t child;

	if (!is_asked(call))
		return PH_NO_UPDATE;
	child = fork();
	if (child == 0)
		exit(7);
	(void)waitpid(child, &status, 0);
	return ph_output(call, "forks.children", ph_int(WEXITSTATUS(status)));
}

/* What the file asks for that a test may have written meanwhile. */
static void
grant_wish(const char *path)
{
	FILE *file = path != NULL ? fopen(path, "re") : NULL;
	char wish[8] = "";

	if (file == NULL)
		return;
	(void)fgets(wish, sizeof(wish), file);
	(void)fclose(file);
	if (strcmp(wish, "exit") == 0)
		exit(6);
	if (strcmp(wish, "crash") == 0)
		fall_over();
	if (strcmp(wish, "busy") == 0)
		keep_busy();
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	grant_wish(getenv("APP_ENDS_WISH"));
	return html_div(
		.children = PH_CHILDREN(
		    html_button(.id = "go", .children = ph_text("go")),
		    html_div(.id = "crash_1"), html_div(.id = "crash_2"),
		    html_div(.id = "crash_3"), html_div(.id = "crash_4"),
		    html_div(.id = "exits"), html_div(.id = "exits_at_once"),
		    html_div(.id = "asks"), html_div(.id = "exiting_job"),
		    html_div(.id = "thread_crashes"),
		    html_div(.id = "thread_exits"), html_div(.id = "sleeps"),
		    html_div(.id = "is_quick"), html_div(.id = "forks"),
		    html_div(.id = "spoils_heap"),
		    html_div(.id = "thread_overflows"),
		    html_div(.id = "thread_returns"),
		    html_div(.id = "crash_beside"),
		    html_div(.id = "frees_twice")));
}

#define CALLBACK(app, name, ...)                                   \
	ph_callback(app, name, PH_OUTPUT(#name ".children"),       \
	    PH_INPUT("go.n_clicks"), .prevent_initial_call = true, \
	    __VA_ARGS__)

PH_APP(app)
{
	first_block = malloc(5000);
	next_block = malloc(5000);
	ph_layout(app, layout);
	ph_memoize(app, exiting_value, .timeout = 60);
	CALLBACK(app, crash_1, .on_error = NULL);
	CALLBACK(app, crash_2, .on_error = NULL);
	CALLBACK(app, crash_3, .on_error = NULL);
	CALLBACK(app, crash_4, .on_error = NULL);
	CALLBACK(app, crash_beside, .on_error = NULL);
	CALLBACK(app, exits, .on_error = NULL);
	CALLBACK(app, exits_at_once, .on_error = NULL);
	CALLBACK(app, asks, .on_error = NULL);
	CALLBACK(app, exiting_job, .background = true);
	CALLBACK(app, thread_crashes, .on_error = NULL);
	CALLBACK(app, thread_exits, .on_error = NULL);
	CALLBACK(app, sleeps, .on_error = NULL);
	CALLBACK(app, is_quick, .on_error = NULL);
	CALLBACK(app, forks, .on_error = NULL);
	CALLBACK(app, spoils_heap, .on_error = NULL);
	CALLBACK(app, thread_overflows, .on_error = NULL);
	CALLBACK(app, thread_returns, .on_error = NULL);
	CALLBACK(app, frees_twice, .on_error = NULL);
}

/* One button, four callbacks that fall over together. */
PH_APP(crashing)
{
	ph_layout(crashing, layout);
	CALLBACK(crashing, crash_1, .on_error = NULL);
	CALLBACK(crashing, crash_2, .on_error = NULL);
	CALLBACK(crashing, crash_3, .on_error = NULL);
	CALLBACK(crashing, crash_4, .on_error = NULL);
}
