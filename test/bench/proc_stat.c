/* SPDX-License-Identifier: MIT */

/*
 * CPU time from schedstat, which counts nanoseconds, where utime counts
 * ticks; memory from smaps_rollup, where pages shared by n processes count a
 * nth each, so that a tree's sum is what it really holds.
 *
 * LIMITS  Threads that have ended are not counted; 1024 processes.
 */
#include "test/bench/proc_stat.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROCESSES_MAX 1024

/* Voluntary switches of a thread: each is a sleep and a wake-up. */
static void
add_wakeups(pid_t pid, const char *task, struct proc_usage *usage)
{
	char text[320];
	unsigned long long count;
	FILE *file;

	(void)snprintf(text, sizeof(text), "/proc/%d/task/%s/status", (int)pid,
	    task);
	file = fopen(text, "re");
	if (file == NULL)
		return;
	while (fgets(text, sizeof(text), file) != NULL) {
		if (sscanf(text, "voluntary_ctxt_switches: %llu", &count) == 1)
			usage->wakeups += count;
	}
	(void)fclose(file);
}

static void
add_threads(pid_t pid, struct proc_usage *usage)
{
	char path[320];
	struct dirent *entry;
	unsigned long long ns;
	FILE *file;
	DIR *folder;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	folder = opendir(path);
	if (folder == NULL)
		return;
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat",
		    (int)pid, entry->d_name);
		file = fopen(path, "re");
		if (file == NULL)
			continue;
		if (fscanf(file, "%llu", &ns) == 1) {
			usage->cpu_ns += ns;
			usage->threads++;
		}
		(void)fclose(file);
		add_wakeups(pid, entry->d_name, usage);
	}
	(void)closedir(folder);
	usage->processes++;
}

static void
add_memory(pid_t pid, struct proc_usage *usage)
{
	char text[256];
	unsigned long long kb;
	FILE *file;

	(void)snprintf(text, sizeof(text), "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(text, "re");
	if (file == NULL)
		return;
	while (fgets(text, sizeof(text), file) != NULL) {
		if (sscanf(text, "Pss: %llu", &kb) == 1)
			usage->pss_kb += kb;
		else if (sscanf(text, "Private_Dirty: %llu", &kb) == 1 ||
			 sscanf(text, "Private_Clean: %llu", &kb) == 1)
			usage->private_kb += kb;
	}
	(void)fclose(file);
}

static pid_t
parent_of(pid_t pid)
{
	char path[64];
	char text[512];
	FILE *file;
	const char *close = NULL;
	int parent = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return -1;
	if (fgets(text, sizeof(text), file) != NULL)
		close = strrchr(text, ')'); /* a name may hold anything */
	if (close != NULL && sscanf(close + 1, " %*c %d", &parent) != 1)
		parent = -1;
	(void)fclose(file);
	return parent;
}

/* All processes and their parents; children follow in passes over the list. */
static unsigned
list_tree(pid_t root, pid_t *tree)
{
	static pid_t pids[32768];
	static pid_t parents[32768];
	struct dirent *entry;
	DIR *folder = opendir("/proc");
	unsigned count = 0;
	unsigned in_tree = 1;
	unsigned at;
	unsigned i;

	tree[0] = root;
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    count == 32768)
			continue;
		pids[count] = (pid_t)atoi(entry->d_name);
		parents[count] = parent_of(pids[count]);
		count++;
	}
	if (folder != NULL)
		(void)closedir(folder);
	for (at = 0; at < in_tree; at++) {
		for (i = 0; i < count && in_tree < PROCESSES_MAX; i++) {
			if (parents[i] == tree[at])
				tree[in_tree++] = pids[i];
		}
	}
	return in_tree;
}

int
proc_stat_tree(pid_t pid, struct proc_usage *usage)
{
	pid_t tree[PROCESSES_MAX];
	unsigned count = list_tree(pid, tree);
	unsigned i;

	memset(usage, 0, sizeof(*usage));
	for (i = 0; i < count; i++) {
		add_threads(tree[i], usage);
		add_memory(tree[i], usage);
	}
	return usage->processes > 0 ? 0 : -ESRCH;
}
