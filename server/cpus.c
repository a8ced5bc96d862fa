/* SPDX-License-Identifier: MIT */

/*
 * How many CPUs we may use, for workers = "auto". A container or a systemd
 * unit with CPUQuota= sees all CPUs of the machine in its affinity mask, so
 * the quotas of its control groups (version 2) count too.
 *
 * FAILURE  What cannot be read sets no bound.
 */
#include "server/cpus.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

/* "150000 100000" in a cpu.max file is one and a half CPU; "max ..." none. */
static int
quota_of(const char *path, int most)
{
	FILE *file = fopen(path, "re");
	long long quota;
	long long period;
	long long count;

	if (file == NULL)
		return most;
	if (fscanf(file, "%lld %lld", &quota, &period) == 2 && quota > 0 &&
	    period > 0) {
		count = quota / period + (quota % period != 0);
		if (count < most)
			most = (int)count;
	}
	(void)fclose(file);
	return most;
}

int
cpus_quota(const char *root, const char *group, int most)
{
	char path[PATH_MAX];
	size_t root_len = strlen(root);
	char *slash;
	int len;

	len = snprintf(path, sizeof(path), "%s%s", root, group);
	if (len < 0 || (size_t)len + sizeof("/cpu.max") > sizeof(path))
		return most;
	for (;;) {
		char *end = path + strlen(path);

		while (end > path + root_len && end[-1] == '/')
			*--end = '\0';
		memcpy(end, "/cpu.max", sizeof("/cpu.max"));
		most = quota_of(path, most);
		*end = '\0';
		slash = strrchr(path + root_len, '/');
		if (slash == NULL)
			break;
		*slash = '\0';
	}
	return most > 0 ? most : 1;
}

/* The path behind "0::" in /proc/self/cgroup; "" when there is none. */
static void
own_group(char *group, size_t size)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];

	group[0] = '\0';
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::", 3) == 0 && strlen(line + 3) < size)
			memcpy(group, line + 3, strlen(line + 3) + 1);
	}
	(void)fclose(file);
}

int
cpus_usable(void)
{
	char group[PATH_MAX];
	cpu_set_t set;
	int most = 1;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		most = CPU_COUNT(&set);
	own_group(group, sizeof(group));
	return cpus_quota(CGROUP_ROOT, group, most);
}
