/* SPDX-License-Identifier: MIT */
#ifndef TEST_FLIGHT_VERBS_H
#define TEST_FLIGHT_VERBS_H

#include "test/fault/flight_model.h"
#include "test/unit/cache/fixture.h"

/*
 * What a process of flight_model_test.c can be told to do, and its doing it.
 */
enum verb {
	ASK,
	ASK_OWN,
	ASK_WITHIN,
	NEXT,
	PUBLISH,
	PUBLISH_ONCE,
	FAIL,
	RELEASE,
	GIVE_UP,
	IS_LEFT,
	LEAVE,
	FORGET_KEY,
	FORGET_FUNCTION,
	FORGET_ALL,
	FORGET_SCOPE,
	STATE,
	LOOKUP,
	LOOKUP_WAITED,
	RENEW,
	VERBS_OF_PROCESS,
	/* and what is not done by one of the processes */
	KILL = VERBS_OF_PROCESS,
	REAP,
	LATE,
	EVICT,
	DUE,
	VERBS
};

static const char *const verb_names[VERBS] = { "ask", "ask_own", "ask_within",
	"next", "publish", "publish_once", "fail", "release", "give_up",
	"is_left", "leave", "forget_key", "forget_function", "forget_all",
	"forget_scope", "state", "lookup", "lookup_waited", "renew", "kill",
	"reap", "late", "evict", "due" };

/* How often each is drawn. */
static const int weights[VERBS] = { 14, 8, 6, 14, 10, 3, 3, 3, 2, 3, 5, 1, 1, 1,
	1, 4, 4, 4, 1, 2, 4, 2, 2, 2 };

struct order {
	enum verb verb;
	int key;
	int asker;
	int client;
	int serial; /* of the claim that is made or used */
};

struct reply {
	int rc;
	int key;    /* NEXT */
	bool right; /* LOOKUP: the bytes are those of the key */
};

static inline void
value_of(int key, char text[32])
{
	(void)snprintf(text, 32, "value of %d", key);
}

static inline int
do_ask(struct cache *cache, const struct order *order,
    struct cache_claim *claim)
{
	uint8_t key[CACHE_KEY_LEN];
	uint8_t asker[CACHE_KEY_LEN];
	struct cache_question q = { .key = key,
		.function = "f",
		.arguments = &order->key,
		.arguments_len = sizeof(order->key),
		.scope = model_has_scope(order->key) ? "session:x" : NULL,
		.client = order->client,
		.may_stop = model_may_stop(order->key) };

	fixture_key(order->key, key);
	if (order->verb == ASK_WITHIN) {
		fixture_key(order->asker, asker);
		q.asker = asker;
	}
	return cache_ask_for(cache, &q, order->verb == ASK_OWN ? claim : NULL,
	    NULL);
}

static inline int
do_publish(struct cache *cache, const struct order *order,
    const struct cache_claim *claim)
{
	struct cache_life life = {
		.fresh_ms = order->verb == PUBLISH_ONCE ? 0 : -1,
		.scope = model_has_scope(order->key) ? "session:x" : NULL,
	};
	char text[32];

	value_of(order->key, text);
	return cache_publish_as(cache, claim, CACHE_FORMAT_VALUE, text,
	    strlen(text), &life);
}

static inline int
do_lookup(struct cache *cache, const struct order *order, bool *right)
{
	struct buf out = BUF_EMPTY;
	enum cache_format format;
	uint8_t key[CACHE_KEY_LEN];
	char text[32];
	int rc;

	fixture_key(order->key, key);
	rc = order->verb == LOOKUP
		 ? cache_lookup(cache, key, &out, &format)
		 : cache_lookup_waited(cache, key, 0, &out, &format);
	value_of(order->key, text);
	*right = rc != CACHE_HIT || (out.len == strlen(text) &&
					memcmp(out.data, text, out.len) == 0);
	buf_free(&out);
	return rc;
}

static inline int
do_order(struct cache *cache, const struct order *order,
    struct cache_claim *claims, struct reply *reply)
{
	struct cache_claim *claim = &claims[order->key];
	struct cache_claim next = { .epoch = 0 };
	uint8_t key[CACHE_KEY_LEN];
	int rc;

	fixture_key(order->key, key);
	switch (order->verb) {
	case ASK:
	case ASK_OWN:
	case ASK_WITHIN:
		return do_ask(cache, order, claim);
	case NEXT:
		rc = cache_claim_next(cache, &next);
		if (rc == 0) {
			memcpy(&reply->key, next.arguments.data, sizeof(int));
			cache_claim_free(&claims[reply->key]);
			claims[reply->key] = next;
		}
		return rc;
	case PUBLISH:
	case PUBLISH_ONCE:
		return do_publish(cache, order, claim);
	case FAIL:
		return cache_fail(cache, claim, "no", 3600000);
	case RELEASE:
		return cache_release(cache, claim);
	case GIVE_UP:
		return cache_give_up(cache, claim);
	case IS_LEFT:
		return cache_is_left(cache, key, claim->epoch);
	case LEAVE:
		return cache_leave(cache, key);
	case FORGET_KEY:
		return cache_forget_key(cache, key);
	case FORGET_FUNCTION:
		return cache_forget(cache, CACHE_GROUP_FUNCTION, "f");
	case FORGET_ALL:
		return cache_forget(cache, CACHE_GROUP_ALL, "");
	case FORGET_SCOPE:
		return cache_forget(cache, CACHE_GROUP_SCOPE, "session:x");
	case STATE:
		return cache_state(cache, key, NULL);
	case LOOKUP:
	case LOOKUP_WAITED:
		return do_lookup(cache, order, &reply->right);
	case RENEW:
		return cache_renew(cache);
	default:
		return -EINVAL;
	}
}

#endif
