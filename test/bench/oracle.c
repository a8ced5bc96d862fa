/* SPDX-License-Identifier: MIT */

/*
 * A table from request to answer, filled from a file or by the first answers.
 * What equals a known answer needs no other check, so checking costs a hash
 * of the request and one memcmp.
 *
 * OWNERSHIP  Entries own their bytes.
 * LIMITS     256 MB of answers are learnt; requests beyond are `unknown`.
 */
#include "test/bench/oracle.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/bench/slice.h"

#define LEARN_MAX (256u << 20)

static uint64_t
hash_of(const char *data, size_t len)
{
	uint64_t hash = 14695981039346656037u;
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)data[i]) * 1099511628211u;
	return hash;
}

static struct oracle_entry *
find(const struct oracle *oracle, uint64_t hash, const char *request,
    size_t len)
{
	struct oracle_entry *entry = oracle->buckets[hash % ORACLE_BUCKETS];

	for (; entry != NULL; entry = entry->next) {
		if (entry->hash == hash && entry->request_len == len &&
		    memcmp(entry->request, request, len) == 0)
			return entry;
	}
	return NULL;
}

static int
learn(struct oracle *oracle, uint64_t hash, const char *request,
    size_t request_len, const char *answer, size_t answer_len)
{
	struct oracle_entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL || oracle->bytes + answer_len > LEARN_MAX) {
		free(entry);
		return -ENOMEM;
	}
	entry->request = malloc(request_len + 1);
	entry->answer = malloc(answer_len + 1);
	if (entry->request == NULL || entry->answer == NULL) {
		free(entry->request);
		free(entry->answer);
		free(entry);
		return -ENOMEM;
	}
	memcpy(entry->request, request, request_len);
	memcpy(entry->answer, answer, answer_len);
	entry->request[request_len] = '\0';
	entry->answer[answer_len] = '\0';
	entry->request_len = request_len;
	entry->answer_len = answer_len;
	entry->side = memmem(answer, answer_len, "\"sideUpdate\"", 12) != NULL;
	entry->hash = hash;
	entry->next = oracle->buckets[hash % ORACLE_BUCKETS];
	oracle->buckets[hash % ORACLE_BUCKETS] = entry;
	oracle->bytes += answer_len;
	oracle->entries++;
	return 0;
}

static void
note_wrong(struct oracle *oracle, const char *what, const char *request,
    size_t request_len)
{
	oracle->wrong++;
	if (oracle->example[0] == '\0')
		(void)snprintf(oracle->example, sizeof(oracle->example),
		    "%s; request: %.*s", what,
		    (int)(request_len < 300 ? request_len : 300), request);
}

/* ---- counting points
 * ---------------------------------------------------------- */

/* Numbers in [1,2,3] or {"dtype":"f8","bdata":"..."}; -1: neither. */
static long
count_numbers(struct slice value)
{
	struct slice type = slice_member(value, "dtype", 5);
	struct slice data = slice_member(value, "bdata", 5);
	long bytes;
	long count = 0;
	size_t i;

	if (value.len > 1 && value.data[0] == '[') {
		for (i = 1; i < value.len; i++)
			count += value.data[i] == ',';
		return value.len > 2 ? count + 1 : 0;
	}
	if (type.len < 4 || data.len < 2)
		return -1;
	bytes = (long)((data.len - 2) / 4 * 3);
	for (i = data.len - 1; i > 1 && data.data[i - 1] == '='; i--)
		bytes--;
	return bytes / (type.data[2] - '0');
}

/* Every x and y of the answer must have `want` numbers, and some be there. */
static bool
has_points(const char *answer, size_t len, size_t want)
{
	static const char *const names[] = { "\"x\":", "\"y\":" };
	const char *end = answer + len;
	const char *at;
	struct slice whole;
	struct slice name;
	struct slice value;
	unsigned found = 0;
	unsigned i;

	for (i = 0; i < 2; i++) {
		for (at = answer;
		     (at = memmem(at, (size_t)(end - at), names[i], 4)) != NULL;
		     at += 4) {
			/* Let slice_next read it as if it came first. */
			whole = (struct slice){ at, (size_t)(end - at) };
			if (at == answer ||
			    (at[-1] != ',' && at[-1] != '{' && at[-1] != ' '))
				continue;
			at--;
			while (at > answer && *at == ' ')
				at--;
			whole.data = at;
			whole.len = (size_t)(end - at);
			if (!slice_next(whole, &at, &name, &value) ||
			    count_numbers(value) != (long)want)
				return false;
			found++;
		}
	}
	return found > 0;
}

/* Which number of points does the request ask for? 0: not known. */
static size_t
wanted_points(const struct oracle *oracle, const char *request, size_t len)
{
	unsigned i;

	for (i = 0; i < oracle->point_count; i++) {
		if (memmem(request, len, oracle->points[i].value,
			strlen(oracle->points[i].value)) != NULL)
			return oracle->points[i].count;
	}
	return 0;
}

static bool
points_are_right(const struct oracle *oracle, const char *request,
    size_t request_len, const char *answer, size_t answer_len)
{
	size_t want;

	if (oracle->point_count == 0 ||
	    memmem(answer, answer_len, "\"figure\"", 8) == NULL)
		return true;
	want = wanted_points(oracle, request, request_len);
	return want == 0 || has_points(answer, answer_len, want);
}

enum oracle_verdict
oracle_check(struct oracle *oracle, const char *request, size_t request_len,
    const char *answer, size_t answer_len, bool *side)
{
	struct oracle_entry *entry;
	uint64_t hash;

	if (side != NULL)
		*side = true;
	if (!oracle->same && oracle->point_count == 0)
		return ORACLE_UNKNOWN;
	hash = hash_of(request, request_len);
	entry = find(oracle, hash, request, request_len);
	oracle->checked++;
	if (entry != NULL && entry->answer_len == answer_len &&
	    memcmp(entry->answer, answer, answer_len) == 0) {
		if (side != NULL)
			*side = entry->side;
		return ORACLE_SAME;
	}
	if (entry != NULL && oracle->same) {
		note_wrong(oracle, "not the bytes known for this request",
		    request, request_len);
		return ORACLE_WRONG;
	}
	if (!points_are_right(oracle, request, request_len, answer,
		answer_len)) {
		note_wrong(oracle, "a figure with a wrong number of points",
		    request, request_len);
		return ORACLE_WRONG;
	}
	if (entry != NULL)
		return ORACLE_UNKNOWN;
	if (oracle->given ||
	    learn(oracle, hash, request, request_len, answer, answer_len) < 0) {
		oracle->checked--;
		oracle->unknown++;
		return ORACLE_UNKNOWN;
	}
	return ORACLE_NEW;
}

/* ---- settings and files
 * --------------------------------------------------------- */

int
oracle_set_points(struct oracle *oracle, const char *text)
{
	const char *equals;
	struct oracle_points *points;
	char *end;

	while (*text != '\0') {
		equals = strchr(text, '=');
		if (equals == NULL || equals == text ||
		    oracle->point_count == ORACLE_POINTS_MAX ||
		    equals - text > 60)
			return -EINVAL;
		points = &oracle->points[oracle->point_count];
		(void)snprintf(points->value, sizeof(points->value), "\"%.*s\"",
		    (int)(equals - text), text);
		points->count = strtoul(equals + 1, &end, 10);
		if (end == equals + 1 || (*end != ',' && *end != '\0'))
			return -EINVAL;
		oracle->point_count++;
		text = *end == ',' ? end + 1 : end;
	}
	return oracle->point_count > 0 ? 0 : -EINVAL;
}

int
oracle_read(struct oracle *oracle, const char *path, unsigned *line)
{
	FILE *file = fopen(path, "re");
	const char *request;
	const char *answer;
	char *text = NULL;
	size_t cap = 0;
	cJSON *tree;
	int rc = 0;

	*line = 0;
	if (file == NULL)
		return -errno;
	while (rc == 0 && getline(&text, &cap, file) > 0) {
		++*line;
		tree = cJSON_Parse(text);
		request =
		    cJSON_GetStringValue(cJSON_GetObjectItem(tree, "request"));
		answer =
		    cJSON_GetStringValue(cJSON_GetObjectItem(tree, "answer"));
		if (request == NULL || answer == NULL)
			rc = -EPROTO;
		else
			rc = learn(oracle, hash_of(request, strlen(request)),
			    request, strlen(request), answer, strlen(answer));
		cJSON_Delete(tree);
	}
	free(text);
	(void)fclose(file);
	oracle->same = true;
	oracle->given = true;
	return rc;
}

int
oracle_write(const struct oracle *oracle, const char *path)
{
	FILE *file = fopen(path, "we");
	const struct oracle_entry *entry;
	cJSON *tree;
	char *text;
	unsigned i;
	int rc = 0;

	if (file == NULL)
		return -errno;
	for (i = 0; i < ORACLE_BUCKETS; i++) {
		for (entry = oracle->buckets[i]; entry != NULL;
		     entry = entry->next) {
			tree = cJSON_CreateObject();
			(void)cJSON_AddStringToObject(tree, "request",
			    entry->request);
			(void)cJSON_AddStringToObject(tree, "answer",
			    entry->answer);
			text = cJSON_PrintUnformatted(tree);
			if (text == NULL || fprintf(file, "%s\n", text) < 0)
				rc = -EIO;
			free(text);
			cJSON_Delete(tree);
		}
	}
	if (fclose(file) != 0)
		rc = -EIO;
	return rc;
}

void
oracle_free(struct oracle *oracle)
{
	struct oracle_entry *entry;
	unsigned i;

	for (i = 0; i < ORACLE_BUCKETS; i++) {
		while ((entry = oracle->buckets[i]) != NULL) {
			oracle->buckets[i] = entry->next;
			free(entry->request);
			free(entry->answer);
			free(entry);
		}
	}
	memset(oracle, 0, sizeof(*oracle));
}
