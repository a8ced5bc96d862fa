/* SPDX-License-Identifier: MIT */

/*
 * The end of a computation that was claimed: its result into the store, or,
 * when that does not take it, to those of this worker that wait; its failure
 * into the row.
 *
 * INVARIANT  A claim that is owned is published, failed or kept with the
 *            task while it waits; it is never forgotten.
 * INVARIANT  Nobody gets a result that was forgotten before he came in: of
 *            an answer task->serves_us says who came early enough. When the row
 *            is computed again, or by somebody else, that is nobody.
 * THREADS    Pool.
 */
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"
#include "worker/memo.h"
#include "worker/task_int.h"
#include "worker/together.h"

/* How long the result lives, and what it belongs to. */
static void
say_life(struct task *task, struct toolkit *kit, struct cache_life *life)
{
	*life = (struct cache_life){ .tags = task->tags,
		.tag_count = task->tag_count };
	if (!task->no_store)
		memo_life(kit, task->computation, &task->claim, task->is_null,
		    life);
	if (task->handled && life->fresh_ms != 0) {
		/* It says what went wrong: as short-lived as an error. */
		life->fresh_ms = memo_error_ms(kit, task->computation);
		life->stale_ms = 0;
	}
	if (task->claim.scope.len > 0)
		life->scope = buf_cstr(&task->claim.scope);
}

/* A computed value is worth some patience with a busy store. */
static int
publish(struct task *task, struct toolkit *kit, const struct buf *bytes,
    enum cache_format format)
{
	struct cache_life life;
	int64_t until_ms = 0;
	int rc;

	say_life(task, kit, &life);
	do
		rc = cache_publish_as(kit->cache, &task->claim, format,
		    bytes->data, bytes->len, &life);
	while (memo_try_longer(kit, rc, &until_ms));
	return rc;
}

static int64_t
took_us(const struct task *task)
{
	return clock_mono_us() - task->claim.started_us;
}

/*
 * The store is well, but this value is too large for it. Those of this process
 * that wait need not compute it once more; they are held back until it is
 * certain that it was not forgotten.
 */
static int
pass(struct task *task, struct toolkit *kit, const struct buf *bytes)
{
	static struct log_gate gate;
	struct together_result result = { .data = bytes->data,
		.len = bytes->len,
		.serves_us = task->serves_us };
	struct cache_life life;
	unsigned suppressed;
	bool held;
	int rc;

	if (log_gate_open(&gate, &suppressed))
		log_warn(ERR_TOO_BIG, "signal.too_big",
		    "function=%s bytes=%zu suppressed=%u",
		    task->computation->name, bytes->len, suppressed);
	say_life(task, kit, &life);
	held = together_hold(task->claim.key, took_us(task));
	rc = cache_pass(kit->cache, &task->claim, &life);
	if (rc < 0)
		result.data = NULL;
	if (!held && rc == 0)
		together_offer(task->claim.key, took_us(task), &result);
	if (held && together_end(task->claim.key, &result) && kit->bell != NULL)
		fd_event_wake(kit->mail_fd);
	return rc;
}

/* Nobody can read it from the store: let the waiters compute. */
static void
settle_unstored(struct task *task, struct toolkit *kit, const struct buf *bytes)
{
	struct together_result result = { .data = bytes->data,
		.len = bytes->len };

	/* The store has not said whether it was forgotten meanwhile. */
	if (cache_forgets(kit->cache) != task->claim.born)
		task->serves_us = task->claim.started_us;
	result.serves_us = task->serves_us;
	if (task->outcome == TASK_DONE)
		together_offer(task->claim.key, took_us(task), &result);
}

void
task_settle(struct task *task, struct toolkit *kit, const struct buf *bytes,
    enum cache_format format)
{
	int rc;

	if (!task->owned || task->outcome == TASK_WAITS)
		return;
	/* Whatever was forgotten before is seen by what is written below. */
	task->serves_us = clock_mono_us();
	if (task->outcome == TASK_DONE)
		rc = publish(task, kit, bytes, format);
	else if (task->outcome == TASK_GIVEN_UP)
		rc = cache_give_up(kit->cache, &task->claim);
	else
		rc = cache_fail(kit->cache, &task->claim, task->error,
		    memo_error_ms(kit, task->computation));
	if (rc == ERR_TOO_BIG)
		rc = pass(task, kit, bytes);
	task->owned = false;
	if (rc == ERR_STALE)
		task->serves_us = 0;
	if (rc == 0 || rc == ERR_STALE)
		return;
	settle_unstored(task, kit, bytes);
	log_warn(rc, "signal.publish", "function=%s the value is not stored",
	    task->computation->name);
	memo_store_failed(kit);
	(void)cache_release(kit->cache, &task->claim);
}
