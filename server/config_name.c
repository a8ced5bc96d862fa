/* SPDX-License-Identifier: MIT */

/*
 * Names and flags: who has this one, and which one was probably meant.
 *
 * INVARIANT  A row wins over a compat row of the same name, so that a setting
 *            of gunicorn becomes real by getting a row.
 */
#include "server/config_int.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "server/base/err.h"

const struct config_compat config_compats[] = {
#define COMPAT(name_, kind_, flags_, arity_, advice_) \
	{ .name = #name_,                             \
		.kind = COMPAT_##kind_,               \
		.flags = flags_,                      \
		.arity = COMPAT_##arity_,             \
		.advice = advice_ },
#include "server/compat.def"
#undef COMPAT
};
const size_t config_compat_count =
    sizeof(config_compats) / sizeof(config_compats[0]);

/* The flags that are not settings; config_cli.c knows what they do. */
static const char builtin_flags[] =
    "-c --config -h --help -v --version --check-config --print-config "
    "--print-options";

const struct config_row *
config_row_find(const char *name)
{
	size_t i;

	for (i = 0; i < config_row_count; i++) {
		if (strcmp(config_rows[i].name, name) == 0)
			return &config_rows[i];
	}
	return NULL;
}

const struct config_compat *
config_compat_find(const char *name)
{
	size_t i;

	for (i = 0; i < config_compat_count; i++) {
		if (strcmp(config_compats[i].name, name) == 0)
			return &config_compats[i];
	}
	return NULL;
}

const char *
config_next_flag(const char *flags, size_t *len)
{
	flags += strspn(flags, " ");
	*len = strcspn(flags, " ");
	return flags;
}

bool
config_has_word(const char *flags, const char *flag)
{
	size_t len;

	for (;; flags += len) {
		flags = config_next_flag(flags, &len);
		if (len == 0)
			return false;
		if (strlen(flag) == len && strncmp(flags, flag, len) == 0)
			return true;
	}
}

const struct config_row *
config_row_find_flag(const char *flag)
{
	size_t i;

	for (i = 0; i < config_row_count; i++) {
		if (config_has_word(config_rows[i].flags, flag))
			return &config_rows[i];
	}
	return NULL;
}

const struct config_compat *
config_compat_find_flag(const char *flag)
{
	size_t i;

	for (i = 0; i < config_compat_count; i++) {
		if (config_has_word(config_compats[i].flags, flag))
			return &config_compats[i];
	}
	return NULL;
}

static unsigned
smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned
config_distance(const char *a, const char *b)
{
	unsigned rows[3][CONFIG_NAME_MAX + 1];
	size_t a_len = strnlen(a, CONFIG_NAME_MAX + 1);
	size_t b_len = strnlen(b, CONFIG_NAME_MAX + 1);
	size_t i;
	size_t j;

	if (a_len > CONFIG_NAME_MAX || b_len > CONFIG_NAME_MAX)
		return CONFIG_NAME_MAX + 1;
	for (j = 0; j <= b_len; j++)
		rows[0][j] = (unsigned)j;
	for (i = 1; i <= a_len; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i - 1) % 3];

		row[0] = (unsigned)i;
		for (j = 1; j <= b_len; j++) {
			row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = smaller(row[j], above[j] + 1);
			row[j] = smaller(row[j], row[j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = smaller(row[j],
				    rows[(i - 2) % 3][j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

/* The best candidate so far. */
struct nearest {
	char wanted[CONFIG_NAME_MAX + 1]; /* normalised */
	char best[CONFIG_NAME_MAX + 1];   /* as it is to be shown */
	unsigned distance;
};

/* Case and the kind of dash are not what a typing error is about. */
static void
normalise(const char *name, size_t len, char out[CONFIG_NAME_MAX + 1])
{
	size_t i;

	if (len > CONFIG_NAME_MAX)
		len = CONFIG_NAME_MAX;
	for (i = 0; i < len; i++)
		out[i] = name[i] == '-' ? '_'
					: (char)tolower((unsigned char)name[i]);
	out[len] = '\0';
}

static void
try_name(struct nearest *nearest, const char *name, size_t len,
    const char *shown)
{
	char candidate[CONFIG_NAME_MAX + 1] = "";
	unsigned distance;

	normalise(name, len, candidate);
	distance = config_distance(nearest->wanted, candidate);
	if (distance >= nearest->distance)
		return;
	nearest->distance = distance;
	if (shown == NULL)
		shown = name;
	else
		len = strlen(shown);
	if (len > CONFIG_NAME_MAX)
		len = CONFIG_NAME_MAX;
	memcpy(nearest->best, shown, len);
	nearest->best[len] = '\0';
}

/*
 * All long flags of one list; for a setting (`name` not NULL) without their
 * dashes, as log_level is how somebody may spell --log-level in a file.
 */
static void
try_flags(struct nearest *nearest, const char *flags, const char *name)
{
	size_t len;

	for (;; flags += len) {
		flags = config_next_flag(flags, &len);
		if (len == 0)
			return;
		if (len <= 2)
			continue;
		if (name != NULL)
			try_name(nearest, flags + 2, len - 2, name);
		else
			try_name(nearest, flags, len, NULL);
	}
}

void
config_put_nearest(const char *name, struct buf *out)
{
	struct nearest nearest;
	bool flag = name[0] == '-';
	size_t len = strlen(name);
	size_t i;

	if (len > CONFIG_NAME_MAX)
		return;
	memset(&nearest, 0, sizeof(nearest));
	normalise(name, len, nearest.wanted);
	/* One wrong letter in three is a typing error, more another word. */
	nearest.distance = (unsigned)(len + 2) / 3 + 1;
	for (i = 0; i < config_row_count; i++) {
		const struct config_row *row = &config_rows[i];

		if (!flag)
			try_name(&nearest, row->name, strlen(row->name), NULL);
		try_flags(&nearest, row->flags, flag ? NULL : row->name);
	}
	if (flag)
		try_flags(&nearest, builtin_flags, NULL);
	for (i = 0; i < config_compat_count; i++) {
		const struct config_compat *compat = &config_compats[i];

		if (!flag)
			try_name(&nearest, compat->name, strlen(compat->name),
			    NULL);
		try_flags(&nearest, compat->flags, flag ? NULL : compat->name);
	}
	if (nearest.best[0] != '\0')
		(void)buf_printf(out, "; did you mean %s?", nearest.best);
}
