/* SPDX-License-Identifier: MIT */
#ifndef TEST_MASTER_WORLD_H
#define TEST_MASTER_WORLD_H

/*
 * A whole master with real children, in a process of its own.
 *
 * The children are tiny functions that report what they do on a pipe; the
 * master's log goes to another. Tests wait on these two and never sleep.
 * Every process of a trial holds the pipes, so their end tells that all of
 * them are gone. One test program includes this.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/clock.h"
#include "server/base/fd.h"
#include "server/base/log.h"
#include "server/master.h"

#define PATIENCE_MS 10000

enum what {
	STARTED = 1, /* a worker; value: its listening port */
	DRAINED,     /* had SIGTERM */
	QUITTED,     /* had SIGQUIT */
	REOPENED,    /* had SIGUSR1 */
	KEEPER,      /* a keeper began; value: listeners it was given */
	NOTE, /* the keeper was told; worker_id and slot are the note's */
	KEEPER_DONE
};

struct report {
	enum what what;
	pid_t pid;
	unsigned slot;
	int64_t worker_id;
	int64_t value;
	int64_t descriptors; /* open in the reporting process */
};

/* How workers behave; set before the master is forked. */
enum behaviour {
	SERVE,
	SERVE_ALONE,    /* without the kernel's parent-death signal */
	STUBBORN,       /* ignores SIGTERM and SIGQUIT */
	DEAF_AND_STUCK, /* looks at nothing at all */
	SILENT,         /* ready, then no beat */
	SLOW,           /* never ready */
	CRASH,          /* dies while starting */
	REFUSE,         /* says why it cannot start */
	BABBLE          /* garbage on its status pipe, then serves */
};

static enum behaviour behaviour;
static int report_fd = -1;
static int check_rc;
static const char *check_why;
static bool check_dies;
static bool prepare_fails;
static bool with_stranger;
static char folder[64];
static char pid_path[96];
static char log_path[96];

/* --- children ------------------------------------------------------------ */

static inline int64_t
count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int64_t count = 0;

	while (dir != NULL && readdir(dir) != NULL)
		count++;
	if (dir != NULL)
		(void)closedir(dir);
	return count;
}

static inline void
say(enum what what, int64_t worker_id, unsigned slot, int64_t value)
{
	struct report report = { .what = what,
		.pid = getpid(),
		.slot = slot,
		.worker_id = worker_id,
		.value = value,
		.descriptors = count_descriptors() };

	(void)fd_write_full(report_fd, &report, sizeof(report));
}

static inline void
send_status(const struct handoff *handoff, enum handoff_status_kind kind,
    const char *text)
{
	struct handoff_status status = { .kind = kind };

	(void)snprintf(status.text, sizeof(status.text), "%s", text);
	(void)!write(handoff->status_fd, &status, sizeof(status));
}

static inline int
listening_port(const struct handoff *handoff)
{
	struct sockaddr_in name;
	socklen_t len = sizeof(name);

	if (handoff->listen_count == 0 ||
	    getsockname(handoff->listen_fds[0], (struct sockaddr *)&name,
		&len) < 0)
		return -1;
	return ntohs(name.sin_port);
}

/* Wait for a signal until the master is gone; 0: it is. */
static inline int
next_signal(const struct handoff *handoff, const sigset_t *set)
{
	const struct timespec beat = { .tv_nsec = 50000000 };
	struct pollfd death = { .fd = handoff->death_fd, .events = POLLIN };
	int sig;

	for (;;) {
		sig = sigtimedwait(set, NULL, &beat);
		if (sig > 0)
			return sig;
		if (poll(&death, 1, 0) != 0)
			return 0;
		if (behaviour != SILENT)
			send_status(handoff, HANDOFF_BEAT, "");
	}
}

static inline void
babble(const struct handoff *handoff)
{
	struct handoff_status status = { .kind = 0xdeadbeef };

	(void)!write(handoff->status_fd, &status, sizeof(status));
	(void)!write(handoff->status_fd, "x", 1);
}

static inline int
serve(const struct handoff *handoff)
{
	sigset_t set;
	int sig;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGQUIT);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGUSR1, SIG_DFL);
	if (behaviour == SERVE_ALONE)
		(void)prctl(PR_SET_PDEATHSIG, 0);
	if (behaviour == BABBLE)
		babble(handoff);
	say(STARTED, handoff->worker_id, handoff->slot,
	    listening_port(handoff));
	if (behaviour != SLOW)
		send_status(handoff, HANDOFF_READY, "");
	while ((sig = next_signal(handoff, &set)) != 0) {
		if (sig == SIGUSR1)
			say(REOPENED, handoff->worker_id, handoff->slot, 0);
		if (sig == SIGUSR1 || behaviour == STUBBORN)
			continue;
		say(sig == SIGTERM ? DRAINED : QUITTED, handoff->worker_id,
		    handoff->slot, 0);
		return 0;
	}
	return 0;
}

static inline int
worker(const struct handoff *handoff, const void *context)
{
	(void)context;
	switch (behaviour) {
	case CRASH:
		say(STARTED, handoff->worker_id, handoff->slot, 0);
		return 1;
	case REFUSE:
		send_status(handoff, HANDOFF_FAILED, "no such table: points");
		return HANDOFF_EXIT_BOOT;
	case DEAF_AND_STUCK:
		say(STARTED, handoff->worker_id, handoff->slot,
		    listening_port(handoff));
		send_status(handoff, HANDOFF_READY, "");
		for (;;)
			(void)pause();
	default:
		return serve(handoff);
	}
}

/* Stops at SIGTERM, or when the master is gone, having read every note. */
static inline int
keeper(const struct handoff *handoff, const void *context)
{
	struct pollfd polls[3] = { { .fd = handoff->death_fd,
				       .events = POLLIN },
		{ .fd = handoff->notes_fd, .events = POLLIN },
		{ .events = POLLIN } };
	struct handoff_note note;
	sigset_t set;

	(void)context;
	if (behaviour == SERVE_ALONE)
		(void)prctl(PR_SET_PDEATHSIG, 0);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	polls[2].fd = signalfd(-1, &set, SFD_CLOEXEC);
	say(KEEPER, 0, 0, (int64_t)handoff->listen_count);
	do {
		(void)poll(polls, 3, -1);
		while (read(handoff->notes_fd, &note, sizeof(note)) ==
		       (ssize_t)sizeof(note))
			say(NOTE, note.worker_id, note.slot, note.pid);
	} while (polls[0].revents == 0 && polls[2].revents == 0);
	say(KEEPER_DONE, 0, 0, 0);
	return 0;
}

static inline int
check(const void *context, struct buf *why)
{
	(void)context;
	if (check_dies)
		abort();
	if (check_why != NULL)
		(void)buf_puts(why, check_why);
	return check_rc;
}

static inline int
prepare(const void *context, struct buf *why)
{
	(void)context;
	if (!prepare_fails)
		return 0;
	(void)buf_puts(why, "the cache folder is on fire");
	return -EIO;
}

/* --- trials -------------------------------------------------------------- */

struct trial {
	pid_t master;
	int reports;
	int log;
	char text[65536]; /* of the log so far */
	size_t len;
	size_t seen; /* up to here the log has been searched */
};

static const char *const any_port[] = { "127.0.0.1:0" };
static struct server_options options;

static inline int
set_up(void **state)
{
	struct trial *trial = calloc(1, sizeof(*trial));

	*state = trial;
	if (trial == NULL)
		return -1;
	behaviour = SERVE;
	check_rc = 0;
	check_why = NULL;
	check_dies = false;
	prepare_fails = false;
	with_stranger = false;
	(void)snprintf(folder, sizeof(folder), "/tmp/master_test.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(pid_path, sizeof(pid_path), "%s/pid", folder);
	(void)snprintf(log_path, sizeof(log_path), "%s/log", folder);
	options = (struct server_options){
		.bind = { any_port, 1 },
		.workers = 2,
		.backlog = 16,
		.timeout = 10,
		.graceful_timeout = 10,
		.pidfile = pid_path,
		.control_socket = "",
		.user = "",
		.group = "",
		.umask = 077,
		.chdir = "",
		.statsd_host = "",
		.statsd_prefix = "",
		.dogstatsd_tags = "",
		.syslog_prefix = "",
		.syslog_addr = "udp://127.0.0.1:514",
		.syslog_facility = "user",
		.errorlog = "-",
		.loglevel = LOG_LEVEL_DEBUG,
		.proc_name = "ph-test",
		.boot_timeout = 10,
		.respawn_backoff = 0.01,
		.respawn_limit = 4,
		.reload_strategy = "all",
	};
	return 0;
}

static inline int
tear_down(void **state)
{
	struct trial *trial = *state;

	if (trial->master > 0) {
		(void)kill(trial->master, SIGKILL);
		(void)waitpid(trial->master, NULL, 0);
	}
	if (trial->reports > 0)
		(void)close(trial->reports);
	if (trial->log > 0)
		(void)close(trial->log);
	free(trial);
	(void)unlink(pid_path);
	(void)unlink(log_path);
	return rmdir(folder);
}

static inline _Noreturn void
be_master(int log_write)
{
	const struct master_children children = { .prepare = prepare,
		.check = check,
		.worker = worker,
		.keeper = keeper,
		.threads = 3 };
	int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)dup2(null_fd, STDOUT_FILENO);
	(void)dup2(log_write, STDERR_FILENO);
	(void)close(null_fd);
	(void)close(log_write);
	log_threshold = LOG_LEVEL_DEBUG;
	if (with_stranger && fork() == 0)
		_exit(0);
	_exit(master_run(&options, &children));
}

static inline void
start(struct trial *trial)
{
	int reports[2];
	int log[2];

	assert_int_equal(pipe2(reports, O_CLOEXEC), 0);
	assert_int_equal(pipe2(log, O_CLOEXEC), 0);
	trial->reports = reports[0];
	trial->log = log[0];
	report_fd = reports[1];
	trial->master = fork();
	assert_true(trial->master >= 0);
	if (trial->master == 0) {
		(void)close(reports[0]);
		(void)close(log[0]);
		be_master(log[1]);
	}
	(void)close(reports[1]);
	(void)close(log[1]);
}

/* Wait until `fd` can be read. */
static inline void
await(struct trial *trial, int fd, const char *what)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	if (poll(&polled, 1, PATIENCE_MS) != 1)
		fail_msg("waited in vain for %s; log:\n%.*s", what,
		    (int)trial->len, trial->text);
}

/* The next report; false at the end of the pipe: everybody is gone. */
static inline bool
next_report(struct trial *trial, struct report *report)
{
	ssize_t got;

	await(trial, trial->reports, "a report");
	got = read(trial->reports, report, sizeof(*report));
	assert_true(got == 0 || got == (ssize_t)sizeof(*report));
	return got != 0;
}

/* Skip reports until one of kind `what`. */
static inline struct report
expect(struct trial *trial, enum what what)
{
	struct report report;

	do {
		if (!next_report(trial, &report))
			fail_msg("everybody is gone, no report %d", what);
	} while (report.what != what);
	return report;
}

/* Start one worker and wait for it and the keeper, whoever comes first. */
static inline void
start_pair(struct trial *trial, struct report *keeper_report,
    struct report *worker_report)
{
	struct report report;

	options.workers = 1;
	*keeper_report = *worker_report = (struct report){ .what = 0 };
	start(trial);
	while (keeper_report->what == 0 || worker_report->what == 0) {
		assert_true(next_report(trial, &report));
		if (report.what == KEEPER)
			*keeper_report = report;
		else if (report.what == STARTED)
			*worker_report = report;
	}
}

/* Read on in the log until `text` has been written. */
static inline void
expect_log(struct trial *trial, const char *text)
{
	const char *found;
	ssize_t got;

	for (;;) {
		trial->text[trial->len] = '\0';
		found = strstr(trial->text + trial->seen, text);
		if (found != NULL) {
			trial->seen =
			    (size_t)(found - trial->text) + strlen(text);
			return;
		}
		await(trial, trial->log, text);
		assert_true(trial->len < sizeof(trial->text) - 1);
		got = read(trial->log, trial->text + trial->len,
		    sizeof(trial->text) - 1 - trial->len);
		if (got <= 0)
			fail_msg("not in the log: %s\n%s", text, trial->text);
		trial->len += (size_t)got;
	}
}

/* Start, wait until it serves and the keeper runs; hands back one worker. */
static inline struct report
start_serving(struct trial *trial)
{
	struct report first = { .what = 0 };
	struct report report;
	int left = options.workers + 1;

	start(trial);
	expect_log(trial, "event=listen.bound");
	expect_log(trial, "event=master.ready");
	while (left > 0) {
		assert_true(next_report(trial, &report));
		left -= report.what == STARTED || report.what == KEEPER;
		if (report.what == STARTED)
			first = report;
	}
	return first;
}

static inline void
tell(struct trial *trial, int sig)
{
	assert_int_equal(kill(trial->master, sig), 0);
}

/* Wait until the master and all its children are gone; its exit status. */
static inline int
end_of(struct trial *trial)
{
	struct report report;
	int status;

	while (next_report(trial, &report))
		continue;
	assert_int_equal(waitpid(trial->master, &status, 0), trial->master);
	trial->master = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline bool
port_is_free(int port)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_free;

	is_free = bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0;
	(void)close(fd);
	return is_free;
}

#endif
