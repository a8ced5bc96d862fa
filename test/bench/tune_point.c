/* SPDX-License-Identifier: MIT */

/*
 * A point of the grid: a server of its own in a temporary folder, and the load
 * from a second process of this program.
 *
 * That the server serves, where, and which process it is, comes by sd_notify's
 * socket: no setting of the user's file (level and form of its log, daemon)
 * changes that. What it logs meanwhile is only shown when it fails.
 *
 * INVARIANT  This process adopts whom its children leave (a server with
 *            `daemon`), so that each of them can be waited for.
 * OWNERSHIP  The folder and all processes end with the point.
 * THREADS    One.
 * FAILURE    A sentence in `why`, after the end of the log concerned.
 */
#include "test/bench/tune_point.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server/base/fd.h"
#include "test/bench/bench_options.h"

#define READY_MS 15000
#define STOP_MS 15000
#define LOG_SHOWN 4096

struct run {
	const struct tune_options *options;
	struct tune_point *point;
	const volatile sig_atomic_t *sig_caught;
	char folder[64];
	char log[96]; /* of the server */
	pid_t server; /* 0: none */
	int notify;   /* its datagrams */
	char url[256];
};

static void
sleep_ms(long ms)
{
	struct timespec wait = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&wait, NULL);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

/* The last lines of a log, for who wants to know why. */
static void
show_end(const char *path)
{
	char text[LOG_SHOWN + 1];
	const char *from = text;
	struct stat st;
	ssize_t got = 0;
	off_t at;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0) {
		at = st.st_size > LOG_SHOWN ? st.st_size - LOG_SHOWN : 0;
		got = pread(fd, text, LOG_SHOWN, at);
		text[got > 0 ? got : 0] = '\0';
		if (at > 0 && strchr(text, '\n') != NULL)
			from = strchr(text, '\n') + 1;
		(void)fputs(from, stderr);
	}
	(void)close(fd);
}

/* `notify`: the path of the socket, or NULL. */
static pid_t
spawn(char *const *argv, const char *output, const char *notify)
{
	pid_t pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	fd = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0) {
		(void)dup2(fd, STDOUT_FILENO);
		(void)dup2(fd, STDERR_FILENO);
	}
	if (notify != NULL)
		(void)setenv("NOTIFY_SOCKET", notify, 1);
	(void)execvp(argv[0], argv);
	(void)dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* How a process has ended, in `why`. */
static void
explain(struct run *run, const char *who, int status, const char *when)
{
	char *why = run->point->why;
	size_t size = sizeof(run->point->why);

	if (WIFSIGNALED(status))
		(void)snprintf(why, size, "%s was ended by signal %d%s", who,
		    WTERMSIG(status), when);
	else
		(void)snprintf(why, size, "%s ended with status %d%s", who,
		    WEXITSTATUS(status), when);
}

/* ---- the server
 * ------------------------------------------------------------------------- */

static int
open_notify(struct run *run)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s/notify",
	    run->folder);
	run->notify =
	    socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (run->notify < 0 ||
	    bind(run->notify, (struct sockaddr *)&un, sizeof(un)) < 0 ||
	    chmod(un.sun_path, 0666) < 0) /* it may be another user */
		return -errno;
	return 0;
}

/* The number or the text after `mark`; false: it is not there, or too long. */
static bool
word_after(const char *text, const char *mark, char *out, size_t size)
{
	const char *at = strstr(text, mark);
	size_t len;

	if (at == NULL)
		return false;
	at += strlen(mark);
	len = strcspn(at, "\n");
	if (len == 0 || len >= size)
		return false;
	memcpy(out, at, len);
	out[len] = '\0';
	return true;
}

/* Has it said that it serves? Then its address and its process are known. */
static bool
is_ready(struct run *run)
{
	char text[1024];
	char pid[16];
	ssize_t got;

	while ((got = recv(run->notify, text, sizeof(text) - 1, 0)) >= 0) {
		text[got] = '\0';
		if (strstr(text, "READY=1") == NULL ||
		    !word_after(text, "STATUS=Serving ", run->url,
			sizeof(run->url)))
			continue;
		if (word_after(text, "MAINPID=", pid, sizeof(pid)) &&
		    atoi(pid) > 1)
			run->server = (pid_t)atoi(pid);
		return true;
	}
	return false;
}

static int
wait_ready(struct run *run)
{
	struct pollfd poll_fd = { .fd = run->notify, .events = POLLIN };
	pid_t started = run->server;
	int status;
	int waited;

	for (waited = 0; waited < READY_MS; waited += 20) {
		if (*run->sig_caught != 0)
			return -EINTR;
		(void)poll(&poll_fd, 1, 20);
		if (is_ready(run))
			return 0;
		if (waitpid(started, &status, WNOHANG) != started)
			continue;
		/* With `daemon` it ends as soon as the other one serves. */
		if (is_ready(run))
			return 0;
		run->server = 0;
		explain(run, "the server", status, " before it served");
		return -ECHILD;
	}
	(void)snprintf(run->point->why, sizeof(run->point->why),
	    "the server has not said within %d s that it serves",
	    READY_MS / 1000);
	return -ETIMEDOUT;
}

static int
start_server(struct run *run)
{
	const struct tune_options *options = run->options;
	char notify[96];
	char workers[16];
	char threads[16];
	char cache[96];
	const char *argv[24];
	int count = 0;

	(void)snprintf(notify, sizeof(notify), "%s/notify", run->folder);
	(void)snprintf(workers, sizeof(workers), "%u", run->point->workers);
	(void)snprintf(threads, sizeof(threads), "%u", run->point->threads);
	(void)snprintf(cache, sizeof(cache), "%s/cache", run->folder);
	argv[count++] = options->server;
	if (options->config != NULL) {
		argv[count++] = "-c";
		argv[count++] = options->config;
	}
	argv[count++] = "--bind";
	argv[count++] = "127.0.0.1:0";
	argv[count++] = "--workers";
	argv[count++] = workers;
	argv[count++] = "--threads";
	argv[count++] = threads;
	argv[count++] = "--cache-dir";
	argv[count++] = cache;
	/* Not "-": with `daemon` that would be /dev/null. */
	argv[count++] = "--error-logfile";
	argv[count++] = run->log;
	argv[count++] = options->app;
	argv[count] = NULL;
	run->server = spawn((char *const *)(uintptr_t)argv, run->log, notify);
	if (run->server < 0) {
		run->server = 0;
		return -errno;
	}
	return wait_ready(run);
}

/* A child that is left: adopted, as what the point started is gone. */
static pid_t
any_child(void)
{
	FILE *file = fopen("/proc/thread-self/children", "re");
	int pid = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%d", &pid) != 1)
		pid = 0;
	(void)fclose(file);
	return (pid_t)pid;
}

static void
stop(pid_t pid)
{
	int waited;

	(void)kill(pid, SIGTERM);
	for (waited = 0; waited < STOP_MS; waited += 20) {
		if (waitpid(pid, NULL, WNOHANG) == pid ||
		    (kill(pid, 0) < 0 && errno == ESRCH))
			return;
		sleep_ms(20);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static void
stop_all(struct run *run)
{
	pid_t pid;

	if (run->server > 0)
		stop(run->server);
	while ((pid = any_child()) > 0)
		stop(pid);
}

/* ---- the load
 * ---------------------------------------------------------------------------
 */

static double
number_at(const cJSON *root, const char *a, const char *b, const char *c)
{
	const cJSON *at = cJSON_GetObjectItem(root, a);

	if (b != NULL)
		at = cJSON_GetObjectItem(at, b);
	if (c != NULL)
		at = cJSON_GetObjectItem(at, c);
	return cJSON_IsNumber(at) ? at->valuedouble : 0;
}

static int
read_sample(const char *path, struct tune_sample *sample)
{
	const char *step;
	char *text;
	size_t len;
	cJSON *root;

	if (fd_read_file(path, 16 << 20, &text, &len) < 0)
		return -ENOENT;
	root = cJSON_ParseWithLength(text, len);
	free(text);
	sample->per_s = number_at(root, "callbacks_per_s", NULL, NULL);
	step = sample->per_s > 0 ? "round" : "request";
	if (sample->per_s <= 0)
		sample->per_s = number_at(root, "requests_per_s", NULL, NULL);
	sample->p99_ms = number_at(root, "latency_us", step, "p99") / 1e3;
	sample->p50_ms = number_at(root, "latency_us", step, "p50") / 1e3;
	sample->pss_mb = number_at(root, "server", "pss_kb", NULL) / 1024;
	sample->cores = number_at(root, "server", "cores", NULL);
	sample->wrong = number_at(root, "checks", "wrong", NULL);
	sample->failures = number_at(root, "failures", NULL, NULL);
	cJSON_Delete(root);
	return sample->per_s > 0 ? 0 : -EPROTO;
}

static pid_t
start_load(const struct run *run, const char *json, const char *log)
{
	char pid_text[16];
	const char *argv[TUNE_ARGS_MAX];
	int count = 0;
	int i;

	(void)snprintf(pid_text, sizeof(pid_text), "%d", (int)run->server);
	argv[count++] = "/proc/self/exe";
	argv[count++] = run->url;
	argv[count++] = "--quiet";
	argv[count++] = "--json";
	argv[count++] = json;
	argv[count++] = "--server-pid";
	argv[count++] = pid_text;
	for (i = 0; i < run->options->load_argc && count < TUNE_ARGS_MAX - 1;
	     i++)
		argv[count++] = run->options->load_argv[i];
	argv[count] = NULL;
	return spawn((char *const *)(uintptr_t)argv, log, NULL);
}

static int
run_load(struct run *run)
{
	char json[96];
	char log[96];
	int status;
	pid_t pid;
	int rc;

	(void)snprintf(json, sizeof(json), "%s/result.json", run->folder);
	(void)snprintf(log, sizeof(log), "%s/load.log", run->folder);
	pid = start_load(run, json, log);
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) != pid) {
		if (*run->sig_caught != 0)
			(void)kill(pid, SIGKILL);
	}
	if (*run->sig_caught != 0)
		return -EINTR;
	/* Wrong answers and failures are in its results. */
	if (WIFEXITED(status) &&
	    (WEXITSTATUS(status) == BENCH_GOOD ||
		WEXITSTATUS(status) == BENCH_WRONG_ANSWERS ||
		WEXITSTATUS(status) == BENCH_FAILURES)) {
		rc = read_sample(json, &run->point->samples[run->point->count]);
		if (rc < 0)
			(void)snprintf(run->point->why, sizeof(run->point->why),
			    "the load had no answer in the measured time");
		return rc;
	}
	show_end(log);
	explain(run, "the load", status, "");
	return WIFEXITED(status) && WEXITSTATUS(status) == BENCH_USAGE
		   ? -EINVAL
		   : -EPROTO;
}

int
tune_point_run(const struct tune_options *options, struct tune_point *point,
    const volatile sig_atomic_t *sig_caught)
{
	struct run run = { .options = options,
		.point = point,
		.sig_caught = sig_caught,
		.folder = "/tmp/pronghorn-tune-XXXXXX",
		.notify = -1 };
	int rc;

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	point->why[0] = '\0';
	if (mkdtemp(run.folder) == NULL) {
		rc = -errno;
		(void)snprintf(point->why, sizeof(point->why), "/tmp: %s",
		    strerror(-rc));
		return rc;
	}
	(void)snprintf(run.log, sizeof(run.log), "%s/log", run.folder);
	rc = open_notify(&run);
	if (rc == 0)
		rc = start_server(&run);
	if (rc == 0)
		rc = run_load(&run);
	if (rc == 0)
		point->count++;
	else if (rc != -EINTR && rc != -EINVAL)
		show_end(run.log);
	if (rc < 0 && point->why[0] == '\0')
		(void)snprintf(point->why, sizeof(point->why), "%s",
		    strerror(-rc));
	stop_all(&run);
	if (run.notify >= 0)
		(void)close(run.notify);
	(void)nftw(run.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return rc;
}
