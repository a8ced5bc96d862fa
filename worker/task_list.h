/* SPDX-License-Identifier: MIT */
#ifndef WORKER_TASK_LIST_H
#define WORKER_TASK_LIST_H

#include <stddef.h>

#include "worker/task.h"

/* Tasks in the order they came. The owner of a list owns what is in it. */
struct task_list {
	struct task *first;
	struct task *last;
	size_t count;
};

void task_list_init(struct task_list *list);
void task_list_push(struct task_list *list, struct task *task);

/* Out of the list that it is in. */
void task_list_remove(struct task_list *list, struct task *task);

/* The first one, out of the list; NULL: it is empty. */
struct task *task_list_pop(struct task_list *list);

#endif
