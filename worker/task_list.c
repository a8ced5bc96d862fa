/* SPDX-License-Identifier: MIT */

/*
 * Lists of tasks, doubly linked by the tasks themselves.
 *
 * INVARIANT  A task is in one list at most.
 * THREADS    Whoever holds the lock that guards the list.
 */
#include "worker/task_list.h"

#include <string.h>

void
task_list_init(struct task_list *list)
{
	memset(list, 0, sizeof(*list));
}

void
task_list_push(struct task_list *list, struct task *task)
{
	task->next = NULL;
	task->prev = list->last;
	if (list->last != NULL)
		list->last->next = task;
	else
		list->first = task;
	list->last = task;
	list->count++;
}

void
task_list_remove(struct task_list *list, struct task *task)
{
	if (task->prev != NULL)
		task->prev->next = task->next;
	else
		list->first = task->next;
	if (task->next != NULL)
		task->next->prev = task->prev;
	else
		list->last = task->prev;
	list->count--;
	task->next = task->prev = NULL;
}

struct task *
task_list_pop(struct task_list *list)
{
	struct task *task = list->first;

	if (task != NULL)
		task_list_remove(list, task);
	return task;
}
