/* SPDX-License-Identifier: MIT */
#ifndef WORKER_TASK_INT_H
#define WORKER_TASK_INT_H

#include "worker/task.h"

/* What task.c and task_answer.c share. */

/* Run the code with task->arguments, and publish what is owned. */
void task_run_itself(struct task *task, struct toolkit *kit,
    struct arena *arena);

/* ANSWER: compute it if it is ours to compute. */
void task_answer(struct task *task, struct toolkit *kit, struct arena *arena);

#endif
