/* SPDX-License-Identifier: MIT */
#ifndef WORKER_TASK_INT_H
#define WORKER_TASK_INT_H

#include "worker/task.h"

/* What task.c, task_answer.c and task_settle.c share. */

/* Run the code with task->arguments, and publish what is owned. */
void task_run_itself(struct task *task, struct toolkit *kit,
    struct arena *arena);

/* Store the result of an owned row, or its failure. */
void task_settle(struct task *task, struct toolkit *kit,
    const struct buf *bytes, enum cache_format format);

/* ANSWER: compute it if it is ours to compute. */
void task_answer(struct task *task, struct toolkit *kit, struct arena *arena);

#endif
