/* SPDX-License-Identifier: MIT */

/*
 * pronghorn dev: write, save, look.
 *
 *   change -> compile -> .so number N -> reload of the server -> the page
 *
 * One process watches, with a server and at most one other child at a time:
 * the compiler or `pronghorn ctl`. Nothing polls: it sleeps until a file
 * changes, a child prints or ends, or the server says that it serves. How the
 * app is swapped is the server's business: its reload is a transaction, so
 * sessions and cache stay, and an app that does not load changes nothing.
 *
 * What is wrong stands in a file, which the server in debug mode shows in the
 * error panel of the page; so there must be a server even when the app has
 * never compiled: it then serves a stopgap.
 *
 * INVARIANT  app.so names what the server serves or is about to: a worker that
 *            is replaced loads what the others have.
 * THREADS    One.
 */
#include "server/dev/dev.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/dev/dev_int.h"
#include "server/dev/embed.h"

/* Editors write, rename and remove: this is one change. */
#define SETTLE_US 10000

/* An app that is loaded takes a moment; then it is time to say something. */
#define SLOW_US (2 * INT64_C(1000000))

EMBED(dev_slow, "slow.txt.in");

static const char usage[] =
    "usage: pronghorn dev [--open] [OPTIONS] app.c [more.c ...] "
    "[-- CC FLAGS]\n"
    "\n"
    "Compiles the app, serves it, and does so again whenever a source, a\n"
    "header, a file of its assets or the config file changes. Compile errors\n"
    "are shown in the page, too. A folder stands for its app.c or app.cpp.\n"
    "\n"
    "  --cflags    only say with which flags the SDK is found\n"
    "  --open      open the page in a browser ($BROWSER, else xdg-open)\n"
    "  OPTIONS     of the server: --bind, --workers, -c FILE, ...; a\n"
    "              pronghorn.conf beside the app is read without -c\n"
    "  CC FLAGS    for the compiler ($CC, $CXX, else cc, c++), as -lfoo\n";

static void
say_seconds(const struct dev *dev, const char *what)
{
	(void)fprintf(stderr, "pronghorn dev: %s %.2f s after the change\n",
	    what, (double)(clock_mono_us() - dev->seen_us) / 1e6);
}

static void
end_badly(struct dev *dev, const char *why)
{
	(void)fprintf(stderr, "pronghorn dev: %s\n", why);
	dev->state = DEV_DOWN;
	dev->status = 1;
	dev->stop = SIGTERM;
}

static void
give_up(struct dev *dev, const char *what, int rc)
{
	char why[128];

	(void)snprintf(why, sizeof(why), "%s: %s", what, err_str(rc));
	end_badly(dev, why);
}

static void
renew_notice(struct dev *dev)
{
	const char *text =
	    dev->compile_error != NULL ? dev->compile_error : dev->load_error;
	int rc = dev_write_notice(dev, text);

	if (rc < 0)
		(void)fprintf(stderr, "pronghorn dev: %s: %s\n", dev->folder,
		    err_str(rc));
}

/* Keep `text`, which is handed over, in the place of an error. */
static void
set_error(struct dev *dev, char **error, char *text)
{
	free(*error);
	*error = text;
	renew_notice(dev);
}

/* Have the server load .so `number`, now that it will be told to. */
static int
try_one(struct dev *dev, unsigned number)
{
	dev->trying = number;
	dev->fresh = dev->fresh && number != dev->built;
	dev->tried_us = clock_mono_us();
	dev->loads[0] = '\0';
	return dev_point(dev, number);
}

static void
start_server(struct dev *dev, unsigned number)
{
	int rc = try_one(dev, number);

	if (rc == 0)
		rc = dev_server_start(dev);
	if (rc < 0)
		give_up(dev, "the server", rc);
}

static void
begin(struct dev *dev, enum dev_step what, int rc)
{
	if (rc < 0)
		give_up(dev, "a child process", rc);
	else
		dev->doing = what;
}

/* What is no source: assets, those to come, and the settings. */
static void
watch_rest(struct dev *dev)
{
	const struct dev_words *words = &dev->words;
	char link[PATH_MAX];
	char target[PATH_MAX];
	ssize_t len;

	len = words->assets == NULL && dev_path(dev, "assets", link)
		  ? readlink(link, target, sizeof(target) - 1)
		  : -1;
	if (len > 0) {
		target[len] = '\0';
		(void)watch_file(&dev->watch, target, WATCH_REST);
		(void)watch_tree(&dev->watch, target);
	}
	if (words->assets != NULL)
		(void)watch_tree(&dev->watch, words->assets);
	(void)watch_file(&dev->watch,
	    words->config != NULL ? words->config : "pronghorn.conf",
	    WATCH_REST);
}

/* Take the next step, if none is under way. */
static void
advance(struct dev *dev)
{
	int rc;

	if (dev->doing != DEV_NOTHING || dev->stop != 0)
		return;
	if (dev->changed & WATCH_CODE) {
		dev->changed &= ~WATCH_CODE;
		begin(dev, DEV_COMPILE, dev_compile(dev));
	} else if (dev->state == DEV_DOWN && dev->fresh && !dev->stopgap) {
		start_server(dev, dev->built);
	} else if (dev->state == DEV_DOWN) {
		dev->stopgap = true;
		begin(dev, DEV_STOPGAP, dev_compile_stopgap(dev));
	} else if (dev->state == DEV_UP && !dev->announced) {
		dev->announced = true;
		begin(dev, DEV_ASK, dev_ctl(dev, "listeners", NULL));
	} else if (dev->state == DEV_UP &&
		   (dev->fresh || (dev->changed & WATCH_REST))) {
		dev->changed &= ~WATCH_REST;
		watch_rest(dev);
		rc = try_one(dev, dev->fresh ? dev->built : dev->loaded);
		begin(dev, DEV_RELOAD,
		    rc < 0 ? rc : dev_ctl(dev, "reload", "anew"));
	} else if (dev->state == DEV_UP && dev->ahead_due) {
		dev->ahead_due = false;
		if (dev_ahead_begin(dev))
			dev->doing = DEV_AHEAD;
	}
}

static void
print_step(const struct dev *dev)
{
	if (dev->step.text.len > 0)
		(void)fd_write_full(STDERR_FILENO, dev->step.text.data,
		    dev->step.text.len);
}

/* Others may still be compiled, but the page can say it now. */
static void
tell_failed(struct dev *dev)
{
	dev_watch_sources(dev);
	dev_watch_missing(dev);
	set_error(dev, &dev->compile_error, dev_compile_failed(dev));
}

static void
compiled(struct dev *dev, bool good)
{
	unsigned number = dev->number;

	dev_watch_sources(dev);
	if (!good) {
		say_seconds(dev, "does not compile,");
		dev_forget(dev, number);
		return;
	}
	say_seconds(dev, "compiled");
	/* The page learns it when the new app serves: see loaded(). */
	free(dev->compile_error);
	dev->compile_error = NULL;
	dev->built = number;
	dev->fresh = true;
	dev->ahead_due = true;
}

static void
loaded(struct dev *dev)
{
	char *error = dev_ctl_error(dev);
	char *text = NULL;

	if (error != NULL) {
		(void)fprintf(stderr, "pronghorn dev: not swapped: %s\n",
		    error);
		if (asprintf(&text, "The app is not loaded: %s\n", error) < 0)
			text = NULL;
		/* It is not tried again before something changes. */
		if (dev->trying != dev->loaded)
			(void)dev_point(dev, dev->loaded);
	} else if (dev->trying != dev->loaded) {
		dev_forget(dev, dev->loaded);
		dev->loaded = dev->trying;
		dev_say_kept(dev);
	}
	dev->slow = false;
	set_error(dev, &dev->load_error, text);
	if (error == NULL)
		say_seconds(dev, "serves");
	free(error);
}

static void
step_over(struct dev *dev, int status)
{
	enum dev_step what = dev->doing;
	bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	int rc;

	step_end(&dev->step);
	dev->doing = DEV_NOTHING;
	switch (what) {
	case DEV_COMPILE:
		print_step(dev);
		if (!good && dev_ahead_spoiled(dev)) {
			dev->changed |= WATCH_CODE;
			break;
		}
		if (!good)
			tell_failed(dev);
		if (dev_compile_more(dev, good, &rc))
			begin(dev, DEV_COMPILE, rc);
		else
			compiled(dev, !dev->failed);
		break;
	case DEV_STOPGAP:
		if (good) {
			start_server(dev, 0);
		} else {
			print_step(dev);
			end_badly(dev,
			    "not even an empty app compiles, see above");
		}
		break;
	case DEV_RELOAD:
		loaded(dev);
		break;
	case DEV_ASK:
		dev_announce(dev);
		break;
	case DEV_AHEAD:
		dev_ahead_end(dev, good);
		if (dev->ahead_made)
			(void)fprintf(stderr,
			    "pronghorn dev: headers are compiled ahead now\n");
		break;
	case DEV_NOTHING:
		break;
	}
}

/* What is being loaded is out of date, and would still take its time. */
static void
leave_reload(struct dev *dev)
{
	step_kill(&dev->step);
	dev->doing = DEV_NOTHING;
	dev->slow = false;
	free(dev->load_error);
	dev->load_error = NULL;
	/* Should nothing new compile, the server has to be told, too. */
	dev->fresh = !(dev->changed & WATCH_CODE) && dev->trying != dev->loaded;
	dev->changed |= WATCH_REST;
	(void)dev_point(dev, dev->loaded);
}

/* Somebody has killed the server: what it served is served again. */
static void
server_again(struct dev *dev)
{
	(void)fprintf(stderr,
	    "pronghorn dev: the server was killed and is started again\n");
	if (dev->doing == DEV_RELOAD)
		leave_reload(dev);
	dev->seen_us = clock_mono_us();
	dev->stopgap = dev->loaded == 0;
	dev->announced = false;
	dev->words.open = false; /* the page looks for it by itself */
	start_server(dev, dev->loaded);
}

/* The server has ended. One that is killed as soon as it serves is given up. */
static void
server_over(struct dev *dev, int status)
{
	dev->server = 0;
	if (dev->stop != 0)
		return;
	(void)dev_notify_read(dev);
	if (dev->state == DEV_UP && WIFSIGNALED(status) &&
	    clock_mono_us() - dev->tried_us > SLOW_US) {
		server_again(dev);
		return;
	}
	if (dev->state == DEV_STARTING && !dev->stopgap && dev->reached) {
		/* Perhaps it is the app's fault: then the page can say so. */
		dev->state = DEV_DOWN;
		dev->stopgap = true;
		dev->fresh = true;
		return;
	}
	end_badly(dev, dev->reached ? "the server has ended"
				    : "the server did not start, see above");
}

static void
reap(struct dev *dev)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == dev->step.pid)
			step_over(dev, status);
		else if (pid == dev->server)
			server_over(dev, status);
	}
}

static void
take_signals(struct dev *dev)
{
	struct signalfd_siginfo info;
	bool again = false;

	while (read(dev->sig_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		again = dev->stop != 0;
		dev->stop = (int)info.ssi_signo;
	}
	reap(dev);
	if (again && dev->server > 0)
		(void)kill(dev->server, SIGKILL);
}

/*
 * The app takes long to load. It has its time, until boot_timeout; but the
 * page has to say so, and a server that is not up yet has no page: then one
 * with the stopgap comes first, and loads the app as a reload does.
 */
static void
say_slow(struct dev *dev)
{
	char *text = NULL;

	if (dev->doing == DEV_RELOAD && dev->changed != 0) {
		leave_reload(dev);
		return;
	}
	dev->slow = true;
	if (asprintf(&text, "%s: still loading after %d s: %s has not %s\n\n%s",
		dev->words.sources[0], (int)(SLOW_US / 1000000),
		dev->loads[0] != '\0' ? dev->loads : "the server",
		dev->loads[0] != '\0' && strcmp(dev->loads, "a worker") != 0
		    ? "returned"
		    : "come up",
		dev_slow) < 0)
		text = NULL;
	if (text != NULL)
		(void)fprintf(stderr, "pronghorn dev: %.*s\n",
		    (int)strcspn(text, "\n"), text);
	set_error(dev, &dev->load_error, text);
	if (dev->state == DEV_STARTING) /* with preload_app it hears nothing */
		(void)kill(dev->server, SIGKILL);
}

/* When that is to be said; INT64_MAX: there is no reason to. */
static int64_t
slow_at(const struct dev *dev)
{
	bool loading = dev->doing == DEV_RELOAD ||
		       (dev->state == DEV_STARTING && !dev->stopgap);

	return loading && !dev->slow ? dev->tried_us + SLOW_US : INT64_MAX;
}

static void
note_changes(struct dev *dev)
{
	int changed = watch_read(&dev->watch);

	if (changed == 0)
		return;
	if (dev->changed == 0)
		dev->seen_us = clock_mono_us();
	dev->changed |= changed;
	/* What is being compiled is out of date already. */
	if ((changed & WATCH_CODE) && dev->doing == DEV_COMPILE) {
		step_kill(&dev->step);
		dev_forget(dev, dev->number);
		dev->doing = DEV_NOTHING;
	}
	if (dev->doing == DEV_RELOAD && dev->slow)
		leave_reload(dev);
	if (dev->doing == DEV_AHEAD) { /* it can wait, the change not */
		step_kill(&dev->step);
		dev->doing = DEV_NOTHING;
		dev->ahead_due = true;
	}
}

static void
came_up(struct dev *dev)
{
	if (dev->state != DEV_STARTING || (dev->slow && !dev->stopgap))
		return; /* too late: see say_slow() */
	dev->state = DEV_UP;
	if (!dev->stopgap) {
		dev->loaded = dev->trying;
		say_seconds(dev, "serves");
	}
}

static void
turn(struct dev *dev)
{
	struct pollfd polls[] = { { .fd = dev->sig_fd, .events = POLLIN },
		{ .fd = dev->watch.fd, .events = POLLIN },
		{ .fd = dev->notify_fd, .events = POLLIN },
		{ .fd = dev->step.fd, .events = POLLIN } };
	int64_t until_us = slow_at(dev);
	int64_t wait_ms = -1;

	if (until_us != INT64_MAX)
		wait_ms = (until_us - clock_mono_us()) / 1000 + 1;
	if (wait_ms < 0 && until_us != INT64_MAX)
		wait_ms = 0;
	if (dev->changed != 0 && dev->doing == DEV_NOTHING)
		wait_ms = SETTLE_US / 1000;
	if (poll(polls, 4, (int)wait_ms) < 0 && errno != EINTR)
		give_up(dev, "poll", -errno);
	step_read(&dev->step);
	take_signals(dev);
	note_changes(dev);
	if (dev_notify_read(dev))
		came_up(dev);
	if (clock_mono_us() >= slow_at(dev))
		say_slow(dev);
	if (dev->changed == 0 || clock_mono_us() - dev->seen_us >= SETTLE_US)
		advance(dev);
}

/* End the server, and wait: two seconds are what it takes for that. */
static void
stop_server(struct dev *dev)
{
	step_kill(&dev->step);
	if (dev->server <= 0)
		return;
	(void)kill(dev->server, SIGINT);
	while (dev->server > 0) {
		struct pollfd wait = { .fd = dev->sig_fd, .events = POLLIN };

		(void)poll(&wait, 1, -1);
		take_signals(dev);
	}
}

static int
prepare(struct dev *dev)
{
	sigset_t set;
	int rc;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGQUIT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	dev->sig_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (dev->sig_fd < 0)
		return -errno;
	rc = watch_open(&dev->watch);
	if (rc == 0)
		rc = dev_folder_make(dev);
	if (rc == 0)
		rc = dev_notify_open(dev);
	return rc;
}

/* Until somebody ends it. */
static void
run(struct dev *dev)
{
	int rc;

	dev->seen_us = clock_mono_us();
	rc = prepare(dev);
	if (rc < 0)
		give_up(dev, "cannot begin", rc);
	else
		watch_rest(dev);
	while (dev->stop == 0)
		turn(dev);
	stop_server(dev);
	step_free(&dev->step);
	watch_close(&dev->watch);
	dev_folder_remove(dev);
	fd_close(&dev->notify_fd);
	fd_close(&dev->sig_fd);
	free(dev->parts);
	buf_free(&dev->errors);
	free(dev->ahead);
	free(dev->compile_error);
	free(dev->load_error);
}

int
dev_main(int argc, char **argv, const struct program *program)
{
	struct dev dev = { .program = program,
		.sig_fd = -1,
		.notify_fd = -1,
		.folder_fd = -1,
		.watch.fd = -1,
		.step = STEP_EMPTY,
		.changed = WATCH_CODE };
	int rc = dev_words_read(&dev.words, argc, argv);

	if (rc < 0) {
		dev.status = 1;
	} else if (dev.words.help) {
		(void)fputs(usage, stdout);
	} else if (dev_find_sdk(program->path, dev.include) < 0) {
		(void)fprintf(stderr,
		    "pronghorn dev: the SDK's headers are neither in "
		    "../worker/sdk nor in ../include beside %s\n",
		    program->path);
		dev.status = 1;
	} else if (dev.words.cflags) {
		(void)printf("-I%s\n", dev.include);
	} else if (dev_check_options(&dev) < 0) {
		dev.status = 1;
	} else {
		run(&dev);
	}
	dev_words_free(&dev.words);
	return dev.status;
}
