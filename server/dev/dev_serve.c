/* SPDX-License-Identifier: MIT */

/*
 * The server that `pronghorn dev` runs: the same program, with debug on, in a
 * process group of its own, told what to do through its control socket.
 *
 * keep-alive is off: after a swap no connection then leads to a worker of the
 * old app, so the page does not load itself twice.
 */
#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/config.h"
#include "server/dev/dev_int.h"

#define BROWSER_WORDS 16 /* of one in $BROWSER */
#define OWN_WORDS 16
#define SOURCE_MAX ((size_t)16 * 1024 * 1024)

bool
dev_path(const struct dev *dev, const char *name, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/%s", dev->folder, name) < PATH_MAX;
}

/* The folder of the first source, which the caller frees; NULL: errno. */
static char *
source_folder(const struct dev *dev)
{
	const char *source = dev->words.sources[0];
	const char *slash = strrchr(source, '/');
	char folder[PATH_MAX] = ".";

	if (slash != NULL && snprintf(folder, sizeof(folder), "%.*s",
				 slash == source ? 1 : (int)(slash - source),
				 source) >= (int)sizeof(folder)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return realpath(folder, NULL);
}

/* A name in our folder for the file `name` of `folder`. */
static int
link_one(const struct dev *dev, const char *folder, const char *name)
{
	char target[PATH_MAX];
	char path[PATH_MAX];

	if (snprintf(target, sizeof(target), "%s/%s", folder, name) >=
		(int)sizeof(target) ||
	    !dev_path(dev, name, path))
		return -ENAMETOOLONG;
	return symlink(target, path) < 0 && errno != EEXIST ? -errno : 0;
}

/* Not to be mistaken for what we put there ourselves. */
static bool
is_ours(const char *name)
{
	static const char *const own[] = { "rules", "notice", "notice.new",
		"control", "notify", "stopgap.c", "app.new", "lock",
		"lock.new" };
	static const char *const begins[] = { "ahead.", "part-", "step-" };
	const char *dot = strrchr(name, '.');
	size_t i;

	for (i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		if (strncmp(begins[i], name, strlen(begins[i])) == 0)
			return true;
	}
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strcmp(own[i], name) == 0)
			return true;
	}
	return name[0] == '.' || (dot != NULL && strcmp(dot, ".so") == 0);
}

void
dev_link_beside(const struct dev *dev)
{
	char *folder = source_folder(dev);
	DIR *dir = folder != NULL ? opendir(folder) : NULL;
	struct dirent *entry;
	int rc;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (is_ours(entry->d_name))
			continue;
		rc = link_one(dev, folder, entry->d_name);
		if (rc < 0)
			(void)fprintf(stderr, "pronghorn dev: %s: %s\n",
			    entry->d_name, err_str(rc));
	}
	if (dir != NULL)
		(void)closedir(dir);
	free(folder);
}

/* Where the assets are, or will be. */
static int
link_assets(const struct dev *dev)
{
	char *folder = source_folder(dev);
	int rc = folder != NULL ? link_one(dev, folder, "assets") : -errno;

	free(folder);
	return rc;
}

int
dev_folder_make(struct dev *dev)
{
	const char *tmp = getenv("TMPDIR");
	unsigned swept;
	int rc;

	if (tmp == NULL || tmp[0] == '\0' || strlen(tmp) > 30)
		tmp = "/tmp"; /* short enough for the name of a socket */
	swept = folder_sweep(tmp);
	if (swept > 0)
		(void)fprintf(stderr,
		    "pronghorn dev: removed from %s what %u killed %s had "
		    "left\n",
		    tmp, swept, swept == 1 ? "run" : "runs");
	rc = folder_make(tmp, dev->folder, &dev->folder_fd);
	return rc < 0 ? rc : link_assets(dev);
}

/* Compilers may have made folders there, too. What is linked stays. */
void
dev_folder_remove(struct dev *dev)
{
	if (dev->folder_fd >= 0)
		step_remove_folder(dev->folder);
	fd_close(&dev->folder_fd);
}

int
dev_write_notice(const struct dev *dev, const char *text)
{
	char path[PATH_MAX];
	char fresh[PATH_MAX];
	int rc;
	int fd;

	if (!dev_path(dev, "notice", path) ||
	    !dev_path(dev, "notice.new", fresh))
		return -ENAMETOOLONG;
	if (text == NULL)
		return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = fd_write_full(fd, text, strlen(text));
	fd_close(&fd);
	if (rc == 0 && rename(fresh, path) < 0)
		rc = -errno;
	return rc;
}

int
dev_notify_open(struct dev *dev)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int type = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

	if (snprintf(name.sun_path, sizeof(name.sun_path), "%s/notify",
		dev->folder) >= (int)sizeof(name.sun_path))
		return -ENAMETOOLONG;
	dev->notify_fd = socket(AF_UNIX, type, 0);
	if (dev->notify_fd < 0 ||
	    bind(dev->notify_fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		return -errno;
	return 0;
}

/* How far the server has come. A start has its time from the app on. */
static void
note_status(struct dev *dev, const char *text)
{
	static const char loading[] = "STATUS=Loading the app";
	const char *at = strstr(text, loading);

	if (at == NULL) {
		if (strstr(text, "STATUS=Starting workers") != NULL)
			(void)snprintf(dev->loads, sizeof(dev->loads),
			    "a worker");
		return;
	}
	at += sizeof(loading) - 1;
	if (*at != ':') {
		dev->tried_us = clock_mono_us();
		return;
	}
	at += strspn(at, ": ");
	(void)snprintf(dev->loads, sizeof(dev->loads), "%.*s",
	    (int)strcspn(at, "\n"), at);
}

bool
dev_notify_read(struct dev *dev)
{
	bool ready = false;
	char text[1024];
	ssize_t got;

	for (;;) {
		got = recv(dev->notify_fd, text, sizeof(text) - 1, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ready;
		text[got] = '\0';
		ready = ready || strstr(text, "READY=1") != NULL;
		dev->reached |= strstr(text, "STATUS=") != NULL;
		note_status(dev, text);
	}
}

/* What the app has computed and its sessions stay with the app, wherever we
 * were started; unless the folder is not ours to write in. The config file and
 * the command line say more than this. */
static void
keep_cache_beside(const struct dev *dev)
{
	char *folder = source_folder(dev);
	char path[PATH_MAX];

	if (folder != NULL && access(folder, W_OK) == 0 &&
	    snprintf(path, sizeof(path), "%s/.pronghorn", folder) <
		(int)sizeof(path))
		(void)setenv(CONFIG_CACHE_DIR_VARIABLE, path, 0);
	free(folder);
}

int
dev_check_options(const struct dev *dev)
{
	const struct dev_words *words = &dev->words;
	char print[] = "--print-config";
	char config_flag[] = "-c";
	char app[] = "app.so";
	char **argv = calloc(words->server_count + OWN_WORDS, sizeof(*argv));
	struct config *config = NULL;
	struct buf why = BUF_EMPTY;
	enum config_action action;
	size_t at = 0;
	size_t i;
	int rc = -ENOMEM;

	if (argv == NULL)
		goto out;
	argv[at++] = dev->program->path;
	argv[at++] = print;
	/* In front, where it is nobody's value. */
	argv[at++] = app;
	if (words->found_config != NULL &&
	    words->config == words->found_config) {
		argv[at++] = config_flag;
		argv[at++] = words->found_config;
	}
	for (i = 0; i < words->server_count; i++)
		argv[at++] = words->server[i];
	rc = config_load((int)at, argv, &config, &action, &why);
out:
	if (rc < 0)
		(void)fprintf(stderr, "pronghorn dev: %s\n",
		    why.len > 0 ? buf_cstr(&why) : err_str(rc));
	config_free(&config);
	buf_free(&why);
	free(argv);
	return rc;
}

/* The child: become the server. */
static _Noreturn void
become(struct dev *dev)
{
	const struct dev_words *words = &dev->words;
	char text[][24] = { "--debug", "--debug-notice", "--keep-alive", "0",
		"--control-socket", "-c" };
	char notice[PATH_MAX];
	char control[PATH_MAX];
	char notify[PATH_MAX];
	char app[PATH_MAX];
	char **argv = calloc(words->server_count + OWN_WORDS, sizeof(*argv));
	size_t at = 0;
	size_t i;

	step_child_begin(SIGTERM);
	if (argv == NULL || !dev_path(dev, "notice", notice) ||
	    !dev_path(dev, "control", control) ||
	    !dev_path(dev, "notify", notify) || !dev_path(dev, "app.so", app))
		_exit(127);
	argv[at++] = dev->program->path;
	argv[at++] = text[0];
	argv[at++] = text[1];
	argv[at++] = notice;
	argv[at++] = text[2];
	argv[at++] = text[3];
	argv[at++] = text[4];
	argv[at++] = control;
	if (words->found_config != NULL &&
	    words->config == words->found_config) {
		argv[at++] = text[5];
		argv[at++] = words->found_config;
	}
	for (i = 0; i < words->server_count; i++)
		argv[at++] = words->server[i];
	argv[at++] = app;
	(void)setenv("NOTIFY_SOCKET", notify, 1);
	/* It may outlive us, and needs the folder. */
	(void)fcntl(dev->folder_fd, F_SETFD, 0);
	keep_cache_beside(dev);
	(void)execv(dev->program->path, argv);
	_exit(127);
}

int
dev_server_start(struct dev *dev)
{
	dev->server = fork();
	if (dev->server == 0)
		become(dev);
	if (dev->server < 0) {
		dev->server = 0;
		return -errno;
	}
	dev->state = DEV_STARTING;
	dev->reached = false;
	return 0;
}

int
dev_ctl(struct dev *dev, const char *command, const char *argument)
{
	/* Twice as long as boot_timeout can be; the server ends it. */
	char text[][12] = { "ctl", "--socket", "--json", "--timeout", "7200" };
	char control[PATH_MAX];
	char *copy = strdup(command);
	char *second = argument != NULL ? strdup(argument) : NULL;
	char *argv[] = { dev->program->path, text[0], text[1], control, text[2],
		text[3], text[4], copy, second, NULL };
	int rc;

	if (copy == NULL || (argument != NULL && second == NULL) ||
	    !dev_path(dev, "control", control))
		rc = -ENOMEM;
	else
		rc = step_start(&dev->step, argv, dev->folder);
	free(copy);
	free(second);
	return rc;
}

char *
dev_ctl_error(const struct dev *dev)
{
	const struct buf *text = &dev->step.text;
	cJSON *answer = cJSON_ParseWithLength(text->data, text->len);
	const char *error;
	char *copy = NULL;
	char *told = NULL;

	if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "ok"))) {
		error = cJSON_GetStringValue(
		    cJSON_GetObjectItemCaseSensitive(answer, "error"));
		copy = error != NULL
			   ? strdup(error)
			   : strndup(text->data != NULL ? text->data : "",
				 text->len);
	}
	cJSON_Delete(answer);
	if (copy != NULL)
		told = dev_error_text(dev, copy);
	if (told == NULL)
		return copy;
	free(copy);
	return told;
}

void
dev_say_kept(struct dev *dev)
{
	char *text = NULL;
	size_t len;
	size_t i;

	for (i = 0; i < dev->words.source_count && !dev->kept_said; i++) {
		if (fd_read_file(dev->words.sources[i], SOURCE_MAX, &text,
			&len) < 0)
			continue;
		dev->kept_said = strstr(text, "ph_memoize(") != NULL ||
				 strstr(text, ".memoize<") != NULL;
		free(text);
		if (dev->kept_said)
			(void)fprintf(stderr,
			    "pronghorn dev: values of memoized functions stay "
			    "over a change. When one computes something else, "
			    "raise its .version, or: %s ctl --socket "
			    "%s/control "
			    "cache delete function NAME\n",
			    dev->program->path, dev->folder);
	}
}

/* Become a browser of $BROWSER: "firefox --new %s". Returns if it cannot. */
static void
become_browser(char *command, const char *url)
{
	const char *argv[BROWSER_WORDS + 2] = { NULL };
	size_t count = 0;
	bool placed = false;
	char *save = NULL;
	char *word;

	(void)execlp(command, command, url, (char *)NULL);
	for (word = strtok_r(command, " \t", &save);
	     word != NULL && count < BROWSER_WORDS;
	     word = strtok_r(NULL, " \t", &save)) {
		placed = placed || strcmp(word, "%s") == 0;
		argv[count++] = strcmp(word, "%s") == 0 ? url : word;
	}
	if (count > 0 && !placed)
		argv[count] = url;
	if (count > 0)
		(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
}

static void
open_browser(const char *url)
{
	const char *browser = getenv("BROWSER");
	char *list;
	char *save = NULL;
	char *one;
	pid_t pid = fork();
	int null_fd;
	int told_fd;

	if (pid != 0)
		return; /* reaped with all the others */
	step_child_begin(SIGKILL);
	/* It may stay longer than we do. */
	if (fork() != 0)
		_exit(0);
	told_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	(void)dup2(null_fd, STDIN_FILENO);
	(void)dup2(null_fd, STDOUT_FILENO);
	(void)dup2(null_fd, STDERR_FILENO);
	if (browser == NULL || browser[0] == '\0')
		browser = "xdg-open";
	list = strdup(browser);
	one = list != NULL ? strtok_r(list, ":", &save) : NULL;
	for (; one != NULL; one = strtok_r(NULL, ":", &save))
		become_browser(one, url);
	(void)dprintf(told_fd,
	    "pronghorn dev: cannot run %s: %s; $BROWSER may name another\n",
	    browser, strerror(errno));
	_exit(127);
}

/* A text of the first address that has it; NULL: none has. */
static const char *
listener_text(const cJSON *answer, const char *name)
{
	const cJSON *list =
	    cJSON_GetObjectItemCaseSensitive(answer, "listeners");
	const cJSON *row;
	const char *text = NULL;

	cJSON_ArrayForEach(row, list)
	{
		text = cJSON_GetStringValue(
		    cJSON_GetObjectItemCaseSensitive(row, name));
		if (text != NULL)
			break;
	}
	return text;
}

void
dev_announce(const struct dev *dev)
{
	const struct buf *text = &dev->step.text;
	cJSON *answer = cJSON_ParseWithLength(text->data, text->len);
	const char *url = listener_text(answer, "url");
	const char *address = listener_text(answer, "address");

	if (url != NULL || address != NULL)
		(void)fprintf(stderr,
		    "pronghorn dev: serving on %s; Ctrl-C ends it\n",
		    url != NULL ? url : address);
	if (url != NULL && dev->words.open)
		open_browser(url);
	cJSON_Delete(answer);
}
