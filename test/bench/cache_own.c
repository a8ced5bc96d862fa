/* SPDX-License-Identifier: MIT */

/*
 * The work of cache_work.h on Pronghorn's cache: entries as ph_cache_get()
 * and ph_cache_set() make them, SHA-256 of the name included, beside the
 * keeper that copies the log. A set is a transaction of its own with a
 * checksum. A get comes from the memory of the process (cache_memory below)
 * once the index of the log has shown that nothing was written since, or
 * cache-v1.news that it was something else; only after a write of the same
 * value, or when memory does not hold it, it reads the database and checks
 * the sum. The peers have no such memory: they answer over a socket (Redis)
 * or from a file each time. The page says so.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/cache.h"
#include "cache/keeper.h"
#include "cache/memo_key.h"
#include "cache/plain.h"
#include "server/base/err.h"

#include "test/bench/cache_work.h"

struct own {
	struct cache *cache;
	struct buf found;
};

static struct cache_options options = { .cache_type = "sqlite",
	.cache_threshold = 100000,
	.cache_memory = 16 << 20, /* as by default */
	.cache_key_prefix = "",
	.cache_busy_timeout = 5,
	.compute_lease = 15,
	.compute_attempts = 3 };

static void
check(int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, err_str(rc));
	exit(1);
}

static void *
open_own(const char *where)
{
	struct cache_peer peer = { .worker_id = getpid() };
	struct own *own = calloc(1, sizeof(*own));

	(void)where;
	if (own == NULL)
		exit(1);
	check(cache_open(&own->cache, &options, &peer), "open");
	return own;
}

static void
name(const char *text, uint8_t key[CACHE_KEY_LEN])
{
	check(memo_key("", "entry", 1, "", text, strlen(text), key), "key");
}

static void
set(void *store, const char *key, const void *data, size_t len)
{
	static const struct cache_life life = { .fresh_ms = -1 };
	struct cache_entry entry = { .data = data, .len = len };
	struct own *own = store;

	name(key, entry.key);
	check(cache_put(own->cache, &entry, 1, CACHE_PUT_ALWAYS, &life), "set");
}

static const void *
get(void *store, const char *key, size_t *len)
{
	struct own *own = store;
	enum cache_format format;
	uint8_t digest[CACHE_KEY_LEN];
	int rc;

	name(key, digest);
	rc = cache_lookup(own->cache, digest, &own->found, &format);
	check(rc, "get");
	*len = own->found.len;
	return rc == CACHE_HIT ? own->found.data : NULL;
}

static void
close_own(void *store)
{
	struct own *own = store;

	cache_close(&own->cache);
	buf_free(&own->found);
	free(own);
}

/* As in the server: somebody else copies the log. */
static pid_t
start_keeper(void)
{
	struct handoff handoff = { .notes_fd = -1 };
	int death[2];
	int status[2];
	pid_t pid;

	if (pipe(death) < 0 || pipe(status) < 0)
		exit(1);
	pid = fork();
	if (pid == 0) {
		handoff.death_fd = death[0];
		handoff.status_fd = status[1];
		(void)close(death[1]);
		_exit(keeper_run(&handoff, &options));
	}
	return pid;
}

int
main(int argc, char **argv)
{
	static const struct cache_work_store store = { open_own, set, get,
		close_own };
	struct buf why = BUF_EMPTY;
	pid_t keeper;
	pid_t child;
	int status = 1;

	options.cache_dir = argc > 1 ? argv[1] : ".";
	if (cache_prepare(&options, &why) < 0) {
		fprintf(stderr, "%s\n", buf_cstr(&why));
		return 1;
	}
	keeper = start_keeper();
	/* In a child, so that wait() there does not meet the keeper. */
	child = fork();
	if (child == 0)
		exit(cache_work_main(argc, argv, &store));
	(void)waitpid(child, &status, 0);
	(void)kill(keeper, SIGTERM);
	(void)waitpid(keeper, NULL, 0);
	buf_free(&why);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
