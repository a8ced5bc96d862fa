/* SPDX-License-Identifier: MIT */
#ifndef WORKER_TASK_INT_H
#define WORKER_TASK_INT_H

#include "worker/task.h"

/* What the files of tasks share. */

/* Run the code with task->arguments, and publish what is owned. */
void task_run_itself(struct task *task, struct toolkit *kit,
    struct arena *arena);

/* ANSWER: compute it if it is ours to compute. */
void task_answer(struct task *task, struct toolkit *kit, struct arena *arena);

/* PACK: compress the body of task->reply into task->response, which stays empty
 * when that fails or does not shrink it. */
void task_pack(struct task *task, const struct toolkit *kit);

#endif
