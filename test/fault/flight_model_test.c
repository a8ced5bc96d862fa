/* SPDX-License-Identifier: MIT */

/*
 * The signal table against an oracle: four processes with a connection each
 * do random things, are killed and replaced, leases run out, values are
 * forgotten and evicted; after every step the answer and the row must be
 * what the model says.
 *
 * Each step is done by one process while the others hold still, so that a
 * run is decided by its seed alone: a failure prints the seed and the last
 * steps, and SEED=n does it again. STRESS=1 runs many more, ROUNDS=n as many
 * as that.
 */
#include "test/fault/flight_model.h"
#include "test/fault/flight_verbs.h"

#include <signal.h>
#include <sys/socket.h>

#include "cache/cache_int.h"
#include "cache/handon.h"
#include "cache/store.h"

#define STEPS 300
#define ROUNDS 40
#define ROUNDS_STRESS 4000

struct proc {
	pid_t pid;
	int fd;
	int64_t worker_id;
	int held[KEYS]; /* serial of the claim it thinks it has; 0: none */
};

struct run {
	struct fixture f;
	struct model model;
	struct proc procs[PROCS];
	int64_t dead[64]; /* worker ids that nobody has reaped */
	int dead_count;
	struct cache *keeper;
	unsigned seed;
	uint64_t dice;
	int serial;
	int64_t next_id;
	int step;
	struct order last[STEPS];
	int last_proc[STEPS];
};

static unsigned throw(struct run * run, unsigned sides)
{
	uint64_t x = run->dice;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	run->dice = x;
	return (unsigned)((x >> 11) % sides);
}

/* ---- a process ----------------------------------------------------------- */

static void
proc_main(struct run *run, unsigned slot, int fd)
{
	struct cache_claim claims[KEYS];
	struct cache *cache =
	    fixture_open(&run->f, slot, run->procs[slot].worker_id);
	struct order order;
	struct reply reply;

	memset(claims, 0, sizeof(claims));
	while (read(fd, &order, sizeof(order)) == sizeof(order)) {
		memset(&reply, 0, sizeof(reply));
		reply.rc = do_order(cache, &order, claims, &reply);
		if (write(fd, &reply, sizeof(reply)) != sizeof(reply))
			break;
	}
	_exit(0);
}

static void
proc_start(struct run *run, unsigned slot)
{
	struct proc *proc = &run->procs[slot];
	int fds[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	memset(proc, 0, sizeof(*proc));
	proc->worker_id = run->next_id++;
	proc->pid = fork();
	assert_true(proc->pid >= 0);
	if (proc->pid == 0) {
		(void)close(fds[0]);
		proc_main(run, slot, fds[1]);
	}
	(void)close(fds[1]);
	proc->fd = fds[0];
}

static void
proc_kill(struct run *run, unsigned slot)
{
	struct proc *proc = &run->procs[slot];

	assert_int_equal(kill(proc->pid, SIGKILL), 0);
	assert_int_equal(waitpid(proc->pid, NULL, 0), proc->pid);
	(void)close(proc->fd);
}

static struct reply
tell(struct run *run, unsigned slot, const struct order *order)
{
	struct reply reply;

	assert_int_equal(write(run->procs[slot].fd, order, sizeof(*order)),
	    sizeof(*order));
	assert_int_equal(read(run->procs[slot].fd, &reply, sizeof(reply)),
	    sizeof(reply));
	return reply;
}

/* ---- the comparison ------------------------------------------------------ */

static void
print_steps(const struct run *run)
{
	int from = run->step > 25 ? run->step - 25 : 0;
	int i;

	for (i = from; i <= run->step; i++)
		print_error("%4d process %d %s key %d asker %d client %d"
			    " claim %d\n",
		    i, run->last_proc[i], verb_names[run->last[i].verb],
		    run->last[i].key, run->last[i].asker, run->last[i].client,
		    run->last[i].serial);
}

static void
expect(const struct run *run, const char *what, int64_t got, int64_t want)
{
	if (got == want)
		return;
	print_steps(run);
	print_error("SEED=%u step %d: %s is %lld, not %lld\n", run->seed,
	    run->step, what, (long long)got, (long long)want);
	fail();
}

static void
compare_rows(struct run *run)
{
	static const char sql[] =
	    "SELECT state, owner_id, attempts, waiters FROM signals"
	    " WHERE id = ?1";
	sqlite3 *db = run->keeper->db.handle;
	const struct model_row *row;
	sqlite3_stmt *stmt = NULL;
	uint8_t key[CACHE_KEY_LEN];
	int k;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL),
	    SQLITE_OK);
	for (k = 0; k < KEYS; k++) {
		row = &run->model.rows[k];
		fixture_key(k, key);
		(void)sqlite3_bind_int64(stmt, 1, store_id(key));
		if (sqlite3_step(stmt) != SQLITE_ROW) {
			expect(run, "the state of no row", FLIGHT_ABSENT,
			    row->state);
		} else {
			expect(run, "state", sqlite3_column_int(stmt, 0),
			    row->state);
			expect(run, "owner", sqlite3_column_int64(stmt, 1),
			    row->owner_id);
			expect(run, "attempts", sqlite3_column_int(stmt, 2),
			    row->attempts);
			expect(run, "waiters", sqlite3_column_int64(stmt, 3),
			    row->waiters);
		}
		(void)sqlite3_reset(stmt);
	}
	(void)sqlite3_finalize(stmt);
}

/* Run SQL that changes rows, as time would, with the key as ?1. */
static void
change(struct run *run, const char *sql, int key)
{
	sqlite3 *db = run->keeper->db.handle;
	sqlite3_stmt *stmt = NULL;
	uint8_t bytes[CACHE_KEY_LEN];

	fixture_key(key, bytes);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL),
	    SQLITE_OK);
	(void)sqlite3_bind_int64(stmt, 1, store_id(bytes));
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	(void)sqlite3_finalize(stmt);
}

/* ---- the steps ----------------------------------------------------------- */

/* What the model says that a process' order gives. */
static int
predict(struct run *run, int p, const struct order *o, int claim)
{
	struct model *m = &run->model;

	switch (o->verb) {
	case ASK:
		return model_ask(m, p, o->key, o->client, NOBODY, NOBODY, 0);
	case ASK_OWN:
		return model_ask(m, p, o->key, o->client, NOBODY, o->serial,
		    run->procs[p].worker_id);
	case ASK_WITHIN:
		return model_ask(m, p, o->key, o->client, o->asker, NOBODY, 0);
	case PUBLISH:
		return model_publish(m, o->key, claim, NORMAL);
	case PUBLISH_ONCE:
		return model_publish(m, o->key, claim, ONCE);
	case FAIL:
		return model_fail(m, o->key, claim);
	case RELEASE:
		return model_release(m, o->key, claim);
	case GIVE_UP:
		return model_give_up(m, o->key, claim);
	case IS_LEFT:
		return !model_holds(m, o->key, claim) ||
		       m->rows[o->key].waiters == 0;
	case LEAVE:
		return model_leave(m, p, o->key);
	case FORGET_KEY:
		model_forget_key(m, o->key);
		return 0;
	case FORGET_FUNCTION: /* there is one */
	case FORGET_ALL:
		model_forget_function(m);
		return 0;
	case FORGET_SCOPE:
		model_forget_scope(m);
		return 0;
	case STATE:
		return model_state(m, o->key);
	case LOOKUP:
		return m->values[o->key] == NORMAL ? CACHE_HIT : CACHE_MISS;
	case LOOKUP_WAITED:
		return m->values[o->key] != NONE ? CACHE_HIT : CACHE_MISS;
	default:
		return 0;
	}
}

/* Who must have been woken by the end of a computation. */
static void
check_woken(struct run *run, const struct order *o, unsigned waiters, int rc)
{
	unsigned woken = fixture_woken(&run->f);

	if (rc == 0 &&
	    (o->verb == PUBLISH || o->verb == PUBLISH_ONCE || o->verb == FAIL))
		expect(run, "waiters not woken", waiters & ~woken, 0);
}

static void
step_of_process(struct run *run, int p, struct order *o)
{
	struct proc *proc = &run->procs[p];
	unsigned waiters = run->model.rows[o->key].waiters;
	struct reply reply;
	int claim = proc->held[o->key];
	bool ends = o->verb == PUBLISH || o->verb == PUBLISH_ONCE ||
		    o->verb == FAIL || o->verb == RELEASE || o->verb == GIVE_UP;
	int want;

	/* Only who has a claim, be it stale, can use one. */
	if ((ends || o->verb == IS_LEFT) && claim == 0)
		return;
	/* A computation asks for others only while it thinks it owns. */
	if (o->verb == ASK_WITHIN &&
	    !model_holds(&run->model, o->asker, proc->held[o->asker]))
		return;
	o->serial =
	    o->verb == ASK_OWN || o->verb == NEXT ? ++run->serial : claim;
	(void)fixture_woken(&run->f);
	reply = tell(run, (unsigned)p, o);
	if (o->verb == NEXT) {
		if (reply.rc == -ENOENT) {
			expect(run, "wanted rows, none found",
			    model_has_wanted(&run->model), 0);
			return;
		}
		expect(run, "next", reply.rc, 0);
		expect(run, "its turn", model_is_next(&run->model, reply.key),
		    1);
		model_take(&run->model, p, reply.key, o->serial,
		    proc->worker_id);
		proc->held[reply.key] = o->serial;
		return;
	}
	want = predict(run, p, o, claim);
	expect(run, verb_names[o->verb], reply.rc, want);
	if (o->verb == LOOKUP || o->verb == LOOKUP_WAITED)
		expect(run, "the bytes", reply.right, 1);
	if (o->verb == ASK_OWN && want == CACHE_OWNED)
		proc->held[o->key] = o->serial;
	if (ends)
		proc->held[o->key] = throw(run, 4) == 0 ? claim : 0;
	check_woken(run, o, waiters, reply.rc);
}

static void
reap(struct run *run)
{
	int64_t id;
	unsigned count;
	unsigned want = 0;
	int k;

	if (run->dead_count == 0)
		return;
	id = run->dead[--run->dead_count];
	for (k = 0; k < KEYS; k++) {
		if (run->model.rows[k].state == FLIGHT_COMPUTING &&
		    run->model.rows[k].owner_id == id) {
			model_hand_on(&run->model, k);
			want++;
		}
	}
	expect(run, "release_owner",
	    cache_release_owner(run->keeper, id, &count), 0);
	expect(run, "rows released", count, want);
}

static void
run_late(struct run *run, int key)
{
	unsigned count;

	if (run->model.rows[key].state != FLIGHT_COMPUTING)
		return;
	change(run, "UPDATE signals SET lease_until = 0 WHERE id = ?1", key);
	model_hand_on(&run->model, key);
	expect(run, "handon_late", handon_late(run->keeper, &count), 0);
	expect(run, "late rows", count, 1);
}

static void
step(struct run *run)
{
	int total = 0;
	int p = (int) throw(run, PROCS);
	struct order o = { .key = (int) throw(run, KEYS),
		.asker = (int) throw(run, KEYS),
		.client = (int) throw(run, 3) };
	int at;
	int v;

	for (v = 0; v < VERBS; v++)
		total += weights[v];
	at = (int) throw(run, (unsigned)total);
	for (v = 0; at >= weights[v]; v++)
		at -= weights[v];
	o.verb = (enum verb)v;
	run->last[run->step] = o;
	run->last_proc[run->step] = p;
	switch (o.verb) {
	case KILL:
		if (run->dead_count == 64)
			break;
		proc_kill(run, (unsigned)p);
		run->dead[run->dead_count++] = run->procs[p].worker_id;
		proc_start(run, (unsigned)p);
		break;
	case REAP:
		reap(run);
		break;
	case LATE:
		run_late(run, o.key);
		break;
	case EVICT:
		change(run, "DELETE FROM kv WHERE id = ?1", o.key);
		run->model.values[o.key] = NONE;
		break;
	case DUE:
		change(run, "UPDATE signals SET due_at = 0 WHERE id = ?1",
		    o.key);
		run->model.rows[o.key].due = true;
		break;
	default:
		step_of_process(run, p, &o);
		run->last[run->step] = o;
	}
	compare_rows(run);
}

/* All that is live in the end can be brought to an end. */
static void
drain(struct run *run)
{
	struct order o = { .verb = NEXT };
	int k;

	while (run->dead_count > 0)
		reap(run);
	for (k = 0; k < KEYS; k++)
		run_late(run, k);
	while (model_has_wanted(&run->model)) {
		step_of_process(run, 0, &o);
		for (k = 0; k < KEYS; k++) {
			struct order end = { .verb = PUBLISH, .key = k };

			if (model_holds(&run->model, k, run->procs[0].held[k]))
				step_of_process(run, 0, &end);
		}
	}
	compare_rows(run);
}

static void
run_seed(unsigned seed)
{
	struct run *run = calloc(1, sizeof(*run));
	int k;
	unsigned p;

	assert_non_null(run);
	fixture_init(&run->f);
	assert_int_equal(fixture_prepare(&run->f), 0);
	run->seed = seed;
	run->dice = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	run->next_id = 1000;
	for (k = 0; k < KEYS; k++) {
		run->model.rows[k].owner = NOBODY;
		run->model.rows[k].claim = NOBODY;
		run->model.rows[k].waits_for = NOBODY;
	}
	for (p = 0; p < PROCS; p++)
		proc_start(run, p);
	run->keeper = fixture_open(&run->f, 0, 1);
	for (run->step = 0; run->step < STEPS; run->step++)
		step(run);
	run->step = STEPS - 1;
	drain(run);
	for (p = 0; p < PROCS; p++)
		proc_kill(run, p);
	cache_close(&run->keeper);
	fixture_check_integrity(&run->f);
	fixture_fini(&run->f);
	free(run);
}

static void
random_runs_match_the_model(void **state)
{
	const char *given = getenv("SEED");
	const char *rounds = getenv("ROUNDS");
	unsigned long count = getenv("STRESS") != NULL ? ROUNDS_STRESS : ROUNDS;
	unsigned long i;

	(void)state;
	if (rounds != NULL)
		count = strtoul(rounds, NULL, 10);
	if (given != NULL) {
		run_seed((unsigned)strtoul(given, NULL, 10));
		return;
	}
	for (i = 1; i <= count; i++) {
		if (i % 50 == 1)
			print_message("seeds %lu to %lu\n", i,
			    i + 49 < count ? i + 49 : count);
		run_seed((unsigned)i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_runs_match_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
