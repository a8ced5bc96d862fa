/* SPDX-License-Identifier: MIT */

/*
 * A whole master with real children, in a process of its own.
 *
 * The children are tiny functions that report what they do on a pipe; the
 * master's log goes to another. The tests wait on these two and never sleep.
 * Every process of a trial holds the pipes, so their end tells that all of
 * them are gone.
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

static int64_t
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

static void
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

static void
send_status(const struct handoff *handoff, enum handoff_status_kind kind,
    const char *text)
{
	struct handoff_status status = { .kind = kind };

	(void)snprintf(status.text, sizeof(status.text), "%s", text);
	(void)!write(handoff->status_fd, &status, sizeof(status));
}

static int
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
static int
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

static void
babble(const struct handoff *handoff)
{
	struct handoff_status status = { .kind = 0xdeadbeef };

	(void)!write(handoff->status_fd, &status, sizeof(status));
	(void)!write(handoff->status_fd, "x", 1);
}

static int
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

static int
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
static int
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

static int
check(const void *context, struct buf *why)
{
	(void)context;
	if (check_dies)
		abort();
	if (check_why != NULL)
		(void)buf_puts(why, check_why);
	return check_rc;
}

static int
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

static int
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

static int
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

static _Noreturn void
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

static void
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
static void
await(struct trial *trial, int fd, const char *what)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	if (poll(&polled, 1, PATIENCE_MS) != 1)
		fail_msg("waited in vain for %s; log:\n%.*s", what,
		    (int)trial->len, trial->text);
}

/* The next report; false at the end of the pipe: everybody is gone. */
static bool
next_report(struct trial *trial, struct report *report)
{
	ssize_t got;

	await(trial, trial->reports, "a report");
	got = read(trial->reports, report, sizeof(*report));
	assert_true(got == 0 || got == (ssize_t)sizeof(*report));
	return got != 0;
}

/* Skip reports until one of kind `what`. */
static struct report
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
static void
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
static void
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
static struct report
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

static void
tell(struct trial *trial, int sig)
{
	assert_int_equal(kill(trial->master, sig), 0);
}

/* Wait until the master and all its children are gone; its exit status. */
static int
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

static bool
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

static void
serves_and_drains(void **state)
{
	struct trial *trial = *state;
	struct report report;
	unsigned counts[KEEPER_DONE + 1] = { 0 };

	(void)start_serving(trial);
	assert_non_null(strstr(trial->text, " url=http://127.0.0.1:"));
	assert_non_null(strstr(trial->text, " workers=2 threads=3"));
	assert_int_equal(access(pid_path, F_OK), 0);
	tell(trial, SIGTERM);
	do {
		assert_true(next_report(trial, &report));
		counts[report.what]++;
	} while (report.what != KEEPER_DONE);
	/* The keeper goes last, when it has heard of everybody. */
	assert_int_equal(counts[DRAINED], 2);
	assert_int_equal(counts[NOTE], 2);
	assert_int_equal(end_of(trial), 0);
	assert_int_equal(access(pid_path, F_OK), -1);
	expect_log(trial, "verdict=drained status=0 reason=stop");
	expect_log(trial, "event=keeper.exit");
	expect_log(trial, "verdict=drained status=0");
	expect_log(trial, "event=master.exit status=0");
}

static void
quits_quickly(void **state)
{
	struct trial *trial = *state;
	int64_t before_us;

	behaviour = STUBBORN;
	(void)start_serving(trial);
	before_us = clock_mono_us();
	tell(trial, SIGTERM);
	expect_log(trial, "how=graceful");
	tell(trial, SIGINT);
	expect_log(trial, "how=quick");
	tell(trial, SIGINT);
	assert_int_equal(end_of(trial), 0);
	/* The second one at once, not after two seconds of patience. */
	assert_true(clock_mono_us() - before_us < 1500000);
	expect_log(trial, "verdict=killed signal=SIGKILL reason=stop");
}

static void
quit_asks_first(void **state)
{
	struct trial *trial = *state;

	(void)start_serving(trial);
	tell(trial, SIGQUIT);
	(void)expect(trial, QUITTED);
	(void)expect(trial, QUITTED);
	assert_int_equal(end_of(trial), 0);
}

static void
patience_ends(void **state)
{
	struct trial *trial = *state;
	int64_t before_us;

	behaviour = STUBBORN;
	options.graceful_timeout = 0.3;
	(void)start_serving(trial);
	before_us = clock_mono_us();
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
	assert_true(clock_mono_us() - before_us >= 300000);
	expect_log(trial, "verdict=killed signal=SIGKILL reason=stop");
}

static void
replaces_a_killed_worker_and_tells_the_keeper(void **state)
{
	struct trial *trial = *state;
	struct report victim;
	struct report heir;
	struct report report;
	bool noted = false;
	bool born = false;

	options.workers = 1;
	victim = start_serving(trial);
	assert_int_equal(kill(victim.pid, SIGKILL), 0);
	while (!noted || !born) {
		assert_true(next_report(trial, &report));
		if (report.what == NOTE) {
			assert_int_equal(report.worker_id, victim.worker_id);
			assert_int_equal(report.slot, victim.slot);
			assert_int_equal(report.value, victim.pid);
			noted = true;
		} else if (report.what == STARTED) {
			heir = report;
			born = true;
		}
	}
	assert_int_equal(heir.slot, victim.slot);
	assert_int_not_equal(heir.worker_id, victim.worker_id);
	assert_int_equal(heir.value, victim.value); /* the same port */
	expect_log(trial, "signal=SIGKILL");
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
}

static void
a_new_keeper_is_told_what_the_old_one_heard(void **state)
{
	struct trial *trial = *state;
	struct report old_keeper;
	struct report victim;
	struct report note;

	start_pair(trial, &old_keeper, &victim);
	assert_int_equal(old_keeper.value, 0); /* no listeners */
	assert_int_equal(kill(victim.pid, SIGKILL), 0);
	(void)expect(trial, NOTE);
	assert_int_equal(kill(old_keeper.pid, SIGKILL), 0);
	(void)expect(trial, KEEPER);
	note = expect(trial, NOTE);
	assert_int_equal(note.worker_id, victim.worker_id);
	expect_log(trial, "event=keeper.exit");
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
}

static void
a_stopped_keeper_catches_up(void **state)
{
	struct trial *trial = *state;
	struct report old_keeper;
	struct report victim;

	start_pair(trial, &old_keeper, &victim);
	/* It hears nothing, and then dies without having heard it. */
	assert_int_equal(kill(old_keeper.pid, SIGSTOP), 0);
	assert_int_equal(kill(victim.pid, SIGKILL), 0);
	(void)expect(trial, STARTED);
	assert_int_equal(kill(old_keeper.pid, SIGKILL), 0);
	assert_int_equal(expect(trial, NOTE).worker_id, victim.worker_id);
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
}

static void
gives_up_a_start_that_cannot_be(void **state)
{
	struct trial *trial = *state;
	struct report report;
	unsigned starts = 0;

	behaviour = CRASH;
	options.workers = 1;
	start(trial);
	while (next_report(trial, &report))
		starts += report.what == STARTED;
	assert_int_equal(starts, 4); /* respawn_limit */
	assert_int_equal(end_of(trial), 1);
	expect_log(trial, "verdict=stillborn status=1");
	expect_log(trial, "event=master.give_up");
	assert_null(strstr(trial->text, "master.ready"));
}

static void
a_worker_that_refuses_ends_the_start(void **state)
{
	struct trial *trial = *state;

	behaviour = REFUSE;
	start(trial);
	assert_int_equal(end_of(trial), 1);
	expect_log(trial, "event=master.give_up");
	expect_log(trial, "no such table: points");
}

static void
a_failed_check_is_reported(void **state)
{
	struct trial *trial = *state;

	check_rc = -EINVAL;
	check_why = "callback 1: no component has the id x\ncallback 2: too";
	start(trial);
	assert_int_equal(end_of(trial), 1);
	expect_log(trial, "error=\"callback 1: no component has the id x\"");
	expect_log(trial, "error=\"callback 2: too\"");
	assert_null(strstr(trial->text, "worker.fork"));
	assert_int_equal(access(pid_path, F_OK), -1);
}

static void
an_app_that_crashes_in_the_check_is_reported(void **state)
{
	struct trial *trial = *state;

	check_dies = true;
	start(trial);
	assert_int_equal(end_of(trial), 1);
	expect_log(trial, "the app crashed while it was being loaded");
	assert_non_null(strstr(trial->text, "SIGABRT"));
}

static void
a_failed_cache_is_reported(void **state)
{
	struct trial *trial = *state;

	prepare_fails = true;
	options.errorlog = log_path;
	start(trial);
	assert_int_equal(end_of(trial), 1);
	/* With a log file stderr gets it, too. */
	expect_log(trial, "pronghorn: the cache folder is on fire");
	assert_int_equal(access(log_path, F_OK), 0);
}

static void
grows_and_shrinks(void **state)
{
	struct trial *trial = *state;
	struct report third;

	(void)start_serving(trial);
	tell(trial, SIGTTIN);
	third = expect(trial, STARTED);
	expect_log(trial, "event=worker.ready");
	tell(trial, SIGTTOU);
	assert_int_equal(expect(trial, DRAINED).worker_id, third.worker_id);
	tell(trial, SIGTTOU);
	(void)expect(trial, DRAINED);
	tell(trial, SIGTTOU);
	expect_log(trial, "as few as it gets");
	tell(trial, SIGTERM);
	(void)expect(trial, DRAINED);
	assert_int_equal(end_of(trial), 0);
}

static void
restarts_without_a_gap(void **state)
{
	struct trial *trial = *state;
	struct report first;
	struct report report;
	unsigned started = 0;
	unsigned drained = 0;

	first = start_serving(trial);
	tell(trial, SIGHUP);
	while (drained < 2) {
		assert_true(next_report(trial, &report));
		started += report.what == STARTED;
		drained += report.what == DRAINED;
		if (report.what == STARTED) {
			assert_int_equal(drained, 0);
			assert_int_equal(report.value, first.value);
		}
	}
	assert_int_equal(started, 2);
	expect_log(trial, "event=master.restarted workers=2 generation=2");
	tell(trial, SIGTERM);
	(void)expect(trial, DRAINED);
	(void)expect(trial, DRAINED);
	assert_int_equal(end_of(trial), 0);
}

static void
ends_a_silent_worker(void **state)
{
	struct trial *trial = *state;
	struct report victim;

	behaviour = SILENT;
	options.workers = 1;
	options.timeout = 0.3;
	start(trial);
	victim = expect(trial, STARTED);
	assert_int_not_equal(expect(trial, STARTED).pid, victim.pid);
	expect_log(trial, "event=worker.timeout slot=0");
	expect_log(trial, "verdict=killed signal=SIGABRT");
	tell(trial, SIGKILL);
	assert_int_equal(end_of(trial), -SIGKILL);
}

static void
ends_a_worker_that_boots_for_ever(void **state)
{
	struct trial *trial = *state;

	behaviour = SLOW;
	options.workers = 1;
	options.boot_timeout = 0.2;
	start(trial);
	expect_log(trial, "event=worker.boot_timeout");
	expect_log(trial, "verdict=stillborn signal=SIGKILL");
	assert_int_equal(end_of(trial), 1);
}

static void
garbage_on_a_status_pipe_is_dropped(void **state)
{
	struct trial *trial = *state;

	behaviour = BABBLE;
	options.workers = 1;
	start(trial);
	expect_log(trial, "event=worker.garbage");
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
}

/* After kill -9 of the master nothing is left of it within a second. */
static void
die_with_the_master(struct trial *trial, enum behaviour how)
{
	struct report worker_report;
	int64_t before_us;

	behaviour = how;
	worker_report = start_serving(trial);
	assert_false(port_is_free((int)worker_report.value));
	before_us = clock_mono_us();
	tell(trial, SIGKILL);
	assert_int_equal(end_of(trial), -SIGKILL);
	/* What ends closes its descriptors one after the other: the pipe that
	 * end_of() looks at may be gone before the port is. */
	while (!port_is_free((int)worker_report.value)) {
		assert_true(clock_mono_us() - before_us < 5000000);
		(void)sched_yield();
	}
	assert_true(clock_mono_us() - before_us < 5000000);
}

static void
stuck_children_die_with_the_master(void **state)
{
	die_with_the_master(*state, DEAF_AND_STUCK);
}

static void
the_death_pipe_ends_with_the_master(void **state)
{
	die_with_the_master(*state, SERVE_ALONE);
}

static void
children_hold_nothing_of_their_siblings(void **state)
{
	struct trial *trial = *state;
	struct report early;
	struct report late;
	int i;

	options.workers = 4;
	start(trial);
	early = expect(trial, STARTED);
	for (i = 1; i < 4; i++)
		late = expect(trial, STARTED);
	assert_int_equal(early.descriptors, late.descriptors);
	assert_int_equal(kill(early.pid, SIGKILL), 0);
	late = expect(trial, STARTED);
	assert_int_equal(early.descriptors, late.descriptors);
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
}

static void
reopens_its_logs(void **state)
{
	struct trial *trial = *state;
	char moved[128];
	struct stat st;

	(void)snprintf(moved, sizeof(moved), "%s.1", log_path);
	options.errorlog = log_path;
	options.workers = 1;
	start(trial);
	(void)expect(trial, STARTED);
	assert_int_equal(rename(log_path, moved), 0);
	tell(trial, SIGUSR1);
	(void)expect(trial, REOPENED);
	assert_int_equal(stat(log_path, &st), 0);
	assert_true(st.st_size > 0);
	assert_int_equal(unlink(moved), 0);
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
}

static void
a_second_master_is_refused(void **state)
{
	struct trial *trial = *state;
	struct trial *second;
	char expected[64];
	void *second_state;

	(void)start_serving(trial);
	second = calloc(1, sizeof(*second));
	assert_non_null(second);
	second_state = second;
	start(second);
	(void)snprintf(expected, sizeof(expected),
	    "already running with pid %d", (int)trial->master);
	expect_log(second_state, expected);
	assert_int_equal(end_of(second), 1);
	assert_int_equal(access(pid_path, F_OK), 0);
	(void)close(second->reports);
	(void)close(second->log);
	free(second);
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
}

static void
a_taken_port_is_reported(void **state)
{
	struct trial *trial = *state;
	struct sockaddr_in name = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(name);
	char item[32];
	const char *const items[] = { item };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	(void)snprintf(item, sizeof(item), "127.0.0.1:%u",
	    ntohs(name.sin_port));
	options.bind = (struct opt_list){ items, 1 };
	start(trial);
	assert_int_equal(end_of(trial), 1);
	expect_log(trial, "cannot listen on 127.0.0.1:");
	(void)close(fd);
}

static void
strangers_are_buried(void **state)
{
	struct trial *trial = *state;

	/* As process 1 of a container: a child that was never forked here. */
	with_stranger = true;
	(void)start_serving(trial);
	trial->seen = 0; /* it may have died before or after that */
	expect_log(trial, "event=master.stranger");
	assert_null(strstr(trial->text, "event=worker.exit"));
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(serves_and_drains),
		TEST(quit_asks_first),
		TEST(quits_quickly),
		TEST(patience_ends),
		TEST(replaces_a_killed_worker_and_tells_the_keeper),
		TEST(a_new_keeper_is_told_what_the_old_one_heard),
		TEST(a_stopped_keeper_catches_up),
		TEST(gives_up_a_start_that_cannot_be),
		TEST(a_worker_that_refuses_ends_the_start),
		TEST(a_failed_check_is_reported),
		TEST(an_app_that_crashes_in_the_check_is_reported),
		TEST(a_failed_cache_is_reported),
		TEST(grows_and_shrinks),
		TEST(restarts_without_a_gap),
		TEST(ends_a_silent_worker),
		TEST(ends_a_worker_that_boots_for_ever),
		TEST(garbage_on_a_status_pipe_is_dropped),
		TEST(stuck_children_die_with_the_master),
		TEST(the_death_pipe_ends_with_the_master),
		TEST(children_hold_nothing_of_their_siblings),
		TEST(reopens_its_logs),
		TEST(a_second_master_is_refused),
		TEST(a_taken_port_is_reported),
		TEST(strangers_are_buried),
	};
	struct rlimit no_core = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
