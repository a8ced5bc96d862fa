/* SPDX-License-Identifier: MIT */

/*
 * The work of cache_work.h on Redis, by hiredis over a unix socket.
 *
 * Why this is fair: Redis's own C client, binary-safe commands without
 * formatting, no network, and a server that writes nothing to disk
 * (peers.mjs starts it with --save ""). As a memoize cache it would need
 * besides: expiry, tags, and one computation per key.
 */
#if __has_include(<hiredis/hiredis.h>) /* else this file is nothing */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/bench/cache_work.h"

struct redis {
	redisContext *context;
	redisReply *reply; /* of the last get */
};

static void *
open_redis(const char *where)
{
	struct redis *redis = calloc(1, sizeof(*redis));

	if (redis != NULL)
		redis->context = redisConnectUnix(where);
	if (redis == NULL || redis->context == NULL ||
	    redis->context->err != 0) {
		fprintf(stderr, "cannot connect to %s\n", where);
		exit(1);
	}
	return redis;
}

static redisReply *
command(struct redis *redis, int argc, const char **argv, const size_t *lens)
{
	redisReply *reply = redisCommandArgv(redis->context, argc, argv, lens);

	if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
		fprintf(stderr, "redis: %s\n",
		    reply != NULL ? reply->str : redis->context->errstr);
		exit(1);
	}
	return reply;
}

static void
set(void *store, const char *key, const void *data, size_t len)
{
	const char *argv[] = { "SET", key, data };
	size_t lens[] = { 3, strlen(key), len };

	freeReplyObject(command(store, 3, argv, lens));
}

static const void *
get(void *store, const char *key, size_t *len)
{
	struct redis *redis = store;
	const char *argv[] = { "GET", key };
	size_t lens[] = { 3, strlen(key) };

	if (redis->reply != NULL)
		freeReplyObject(redis->reply);
	redis->reply = command(redis, 2, argv, lens);
	*len = redis->reply->len;
	return redis->reply->type == REDIS_REPLY_STRING ? redis->reply->str
							: NULL;
}

static void
close_redis(void *store)
{
	struct redis *redis = store;

	if (redis->reply != NULL)
		freeReplyObject(redis->reply);
	redisFree(redis->context);
	free(redis);
}

int
main(int argc, char **argv)
{
	static const struct cache_work_store store = { open_redis, set, get,
		close_redis };

	return cache_work_main(argc, argv, &store);
}
#endif
