/* SPDX-License-Identifier: MIT */

/*
 * A table of addresses with chains. The hash starts from a random number, so
 * that nobody can choose addresses that all fall into one chain.
 *
 * THREADS  The loop only.
 */
#include "worker/conn_peers.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"

#define BUCKETS 1024

struct entry {
	struct entry *next;
	size_t count;
	char peer[46];
};

struct conn_peers {
	uint64_t seed;
	struct entry *buckets[BUCKETS];
};

struct conn_peers *
conn_peers_new(void)
{
	struct conn_peers *peers = calloc(1, sizeof(*peers));

	if (peers != NULL)
		(void)RAND_bytes((unsigned char *)&peers->seed,
		    sizeof(peers->seed));
	return peers;
}

void
conn_peers_free(struct conn_peers **peers_in)
{
	struct conn_peers *peers = *peers_in;
	struct entry *entry;
	size_t i;

	*peers_in = NULL;
	for (i = 0; peers != NULL && i < BUCKETS; i++) {
		while ((entry = peers->buckets[i]) != NULL) {
			peers->buckets[i] = entry->next;
			free(entry);
		}
	}
	free(peers);
}

static struct entry **
find(struct conn_peers *peers, const char *peer)
{
	uint64_t hash = peers->seed;
	struct entry **at;
	const char *p;

	for (p = peer; *p != '\0'; p++) {
		hash =
		    (hash ^ (unsigned char)*p) * UINT64_C(0x9E3779B97F4A7C15);
		hash ^= hash >> 29;
	}
	at = &peers->buckets[hash % BUCKETS];
	while (*at != NULL && strcmp((*at)->peer, peer) != 0)
		at = &(*at)->next;
	return at;
}

int
conn_peers_add(struct conn_peers *peers, const char *peer, size_t limit)
{
	struct entry **at = find(peers, peer);

	if (*at == NULL) {
		*at = calloc(1, sizeof(**at));
		if (*at == NULL)
			return -ENOMEM;
		(void)strncpy((*at)->peer, peer, sizeof((*at)->peer) - 1);
	}
	if ((*at)->count >= limit)
		return ERR_BUSY;
	(*at)->count++;
	return 0;
}

void
conn_peers_remove(struct conn_peers *peers, const char *peer)
{
	struct entry **at = find(peers, peer);
	struct entry *entry = *at;

	if (entry == NULL || --entry->count > 0)
		return;
	*at = entry->next;
	free(entry);
}
