/* SPDX-License-Identifier: MIT */

/*
 * Every thread has a signal stack, those that the app starts by itself, too:
 * without one an overflow of the normal stack ends the process before anything
 * is said.
 *
 * All calls of pthread_create() come here, as the app's of exit() do, see
 * crash_end.c: those of std::thread, and the server's own.
 *
 * OWNERSHIP  The thread has its stack and gives it back when it ends.
 * THREADS    Any.
 * FAILURE    Without memory for the stack the thread goes on without.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "worker/crash_int.h"

#define STACK_BYTES ((size_t)64 * 1024)
#define OURS __attribute__((visibility("default")))

typedef int create_function(pthread_t *thread, const pthread_attr_t *attr,
    void *(*run)(void *arg), void *arg);

struct start {
	void *(*run)(void *arg);
	void *arg;
};

void *
crash_signal_stack(void)
{
	stack_t stack = { .ss_size = STACK_BYTES };

	stack.ss_sp = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack.ss_sp == MAP_FAILED)
		return NULL;
	(void)sigaltstack(&stack, NULL);
	return stack.ss_sp;
}

static void
give_back(void *memory)
{
	const stack_t none = { .ss_flags = SS_DISABLE };

	if (memory == NULL)
		return;
	(void)sigaltstack(&none, NULL);
	(void)munmap(memory, STACK_BYTES);
}

static void *
run_with_stack(void *arg)
{
	struct start start = *(struct start *)arg;
	void *result;

	free(arg);
	/* It may end by pthread_exit(), too. */
	pthread_cleanup_push(give_back, crash_signal_stack());
	result = start.run(start.arg);
	pthread_cleanup_pop(1);
	return result;
}

OURS int
pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr,
    void *(*run)(void *arg), void *restrict arg)
{
	void *found = dlsym(RTLD_NEXT, "pthread_create");
	create_function *create = NULL;
	struct start *start;
	int rc;

	memcpy(&create, &found, sizeof(create));
	if (create == NULL)
		return ENOSYS;
	start = malloc(sizeof(*start));
	if (start == NULL)
		return EAGAIN;
	start->run = run;
	start->arg = arg;
	rc = create(thread, attr, run_with_stack, start);
	if (rc != 0)
		free(start);
	return rc;
}
