/* SPDX-License-Identifier: MIT */

/*
 * pronghorn ctl: one command, one line to the master, one line back.
 *
 * Which server is meant: --socket, PRONGHORN_CONTROL, or what the config file
 * says that the server itself would read.
 *
 * FAILURE  One sentence on stderr; see the exit status in ctl.h.
 */
#include "server/ctl.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/config.h"
#include "server/control.h"
#include "server/ctl_int.h"
#include "server/json_text.h"

#define ANSWER_MAX ((size_t)16 << 20)
#define PATIENCE_SECONDS 5
#define LONG_PATIENCE_SECONDS 120 /* of a reload with a slow app */

static const char usage[] =
    "usage: pronghorn ctl [--socket PATH | -c FILE] [--json] "
    "[--timeout SECONDS]\n"
    "                     COMMAND\n"
    "\n"
    "  --timeout SECONDS  how long to wait for the answer: 5, and 120 for "
    "reload\n"
    "                     and upgrade\n"
    "\n"
    "  status             how the server is\n"
    "  workers            its workers\n"
    "  listeners          where it listens\n"
    "  config             every setting in use, and where it comes from\n"
    "  cache              what the cache holds, and what was done with it\n"
    "  cache delete WHAT  forget values: all, function NAME, function NAME "
    "KEY,\n"
    "                     key KEY, tag TAG, session NAME, user NAME, entry "
    "NAME;\n"
    "                     the first 8 digits of a KEY or a session will do\n"
    "  cache why WHAT     what whoever asks gets, and why: key KEY, entry "
    "NAME,\n"
    "                     function NAME ARGUMENT..., each JSON or a text\n"
    "  cache check        is every value as it was written, and the file "
    "sound\n"
    "  signals            computations: who computes what since when\n"
    "  sessions           browser sessions, by the names of their data\n"
    "  sessions end NAME  end one; the first 8 digits will do\n"
    "  metrics            what is counted; histograms with percentiles\n"
    "  last-crash         what is known of the last worker that crashed\n"
    "  reload [anew]      as SIGHUP; waits for the result; anew: in place "
    "of one\n"
    "                     whose app is still being loaded for a trial\n"
    "  upgrade            as SIGUSR2; waits until the new server serves\n"
    "  reopen-logs        as SIGUSR1\n"
    "  scale N            N workers from now on\n"
    "  kill-worker SLOT   replace one worker; it finishes what it does\n"
    "  log-level LEVEL    debug, info, warning, error or critical\n"
    "  stop [quick]       as SIGTERM, or SIGQUIT\n"
    "\n"
    "Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 no server.\n";

const char *
ctl_usage(void)
{
	return usage;
}

/* A whole number of seconds, at most a day; -1: it is none. */
static int
seconds_of(const char *text)
{
	char *end;
	long seconds = strtol(text, &end, 10);

	return *text != '\0' && *end == '\0' && seconds > 0 && seconds <= 86400
		   ? (int)seconds
		   : -1;
}

/* The flags in front of the command. False: wrong. */
static bool
parse(struct ctl *ctl, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--json") == 0)
			ctl->json = true;
		else if (strcmp(argv[i], "--socket") == 0 && i + 1 < argc)
			ctl->socket = argv[++i];
		else if (strncmp(argv[i], "--socket=", 9) == 0)
			ctl->socket = argv[i] + 9;
		else if (strcmp(argv[i], "--timeout") == 0 && i + 1 < argc)
			ctl->seconds = seconds_of(argv[++i]);
		else if (strncmp(argv[i], "--timeout=", 10) == 0)
			ctl->seconds = seconds_of(argv[i] + 10);
		else if ((strcmp(argv[i], "-c") == 0 ||
			     strcmp(argv[i], "--config") == 0) &&
			 i + 1 < argc)
			ctl->file = argv[++i];
		else
			return false;
	}
	ctl->words = argv + i;
	ctl->count = argc - i;
	/* Also behind the command, where people put it. */
	if (ctl->count > 1 &&
	    strcmp(ctl->words[ctl->count - 1], "--json") == 0) {
		ctl->json = true;
		ctl->count--;
	}
	return ctl->count > 0 && ctl->seconds >= 0;
}

int
ctl_read_config(struct ctl *ctl, struct config **config)
{
	char program[] = "pronghorn";
	char print[] = "--print-config";
	char flag[] = "-c";
	char *file = ctl->file != NULL ? strdup(ctl->file) : NULL;
	char *argv[] = { program, print, flag, file, NULL };
	enum config_action action;
	int rc;

	rc =
	    config_load(file != NULL ? 4 : 2, argv, config, &action, &ctl->why);
	if (rc == 0)
		rc = config_apply_chdir(*config, &ctl->why);
	free(file);
	return rc;
}

static int
find_socket(struct ctl *ctl, struct buf *path)
{
	struct config *config = NULL;
	int rc;

	if (ctl->socket == NULL && ctl->file == NULL)
		ctl->socket = getenv("PRONGHORN_CONTROL");
	if (ctl->socket != NULL)
		return buf_puts(path, ctl->socket);
	rc = ctl_read_config(ctl, &config);
	if (rc == 0)
		rc = control_path(config->server.control_socket,
		    config->server.pidfile, path);
	if (rc == 0 && path->len == 0) {
		(void)buf_puts(&ctl->why,
		    "the configuration names neither a control_socket nor a "
		    "pidfile; use --socket PATH or -c FILE");
		rc = -ENOENT;
	}
	config_free(&config);
	return rc;
}

static int
connect_to(const char *path, int seconds, int *fd)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = seconds };
	const struct timeval quick = { .tv_sec = PATIENCE_SECONDS };

	if (strlen(path) >= sizeof(name.sun_path))
		return -ENAMETOOLONG;
	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -errno;
	(void)setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
	    sizeof(patience));
	(void)setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &quick, sizeof(quick));
	if (connect(*fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		return -errno;
	return 0;
}

static int
write_line(int fd, char *const *words, int count)
{
	cJSON *line = cJSON_CreateObject();
	cJSON *list;
	struct buf text = BUF_EMPTY;
	char *json;
	int rc;
	int i;

	(void)cJSON_AddStringToObject(line, "command", words[0]);
	list = cJSON_AddArrayToObject(line, "arguments");
	for (i = 1; i < count; i++)
		(void)cJSON_AddItemToArray(list, cJSON_CreateString(words[i]));
	json = cJSON_PrintUnformatted(line);
	rc = json == NULL ? -ENOMEM : buf_printf(&text, "%s\n", json);
	if (rc == 0)
		rc = fd_write_full(fd, text.data, text.len);
	cJSON_free(json);
	cJSON_Delete(line);
	buf_free(&text);
	return rc;
}

static int
read_line(int fd, cJSON **answer)
{
	struct buf text = BUF_EMPTY;
	char piece[4096];
	ssize_t got;
	int rc = 0;

	buf_init(&text, ANSWER_MAX);
	do {
		got = read(fd, piece, sizeof(piece));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			rc = got == 0 ? -ECONNRESET : -errno;
		else
			rc = buf_put(&text, piece, (size_t)got);
	} while (rc == 0 && text.data[text.len - 1] != '\n');
	if (rc == 0) {
		*answer = cJSON_ParseWithLength(text.data, text.len);
		rc = *answer == NULL ? ERR_SYNTAX : 0;
	}
	buf_free(&text);
	return rc;
}

int
ctl_ask(struct ctl *ctl, char *const *words, int count, cJSON **answer)
{
	struct buf path = BUF_EMPTY;
	const char *text;
	int seconds = PATIENCE_SECONDS;
	int fd = -1;
	int rc = find_socket(ctl, &path);

	if (rc < 0) {
		buf_free(&path);
		return CTL_FAILED;
	}
	text = buf_cstr(&path);
	if (strcmp(words[0], "reload") == 0 || strcmp(words[0], "upgrade") == 0)
		seconds = LONG_PATIENCE_SECONDS;
	if (ctl->seconds > 0)
		seconds = ctl->seconds;
	rc = text == NULL ? -ENOMEM : connect_to(text, seconds, &fd);
	if (rc < 0) {
		(void)buf_printf(&ctl->why, "no server answers on %s: %s",
		    text != NULL ? text : "?", err_str(rc));
		fd_close(&fd);
		buf_free(&path);
		return CTL_NO_SERVER;
	}
	rc = write_line(fd, words, count);
	if (rc == 0)
		rc = read_line(fd, answer);
	if (rc == -EAGAIN)
		(void)buf_printf(&ctl->why,
		    "the server on %s has not answered for %d s: it is "
		    "stopped, or busy",
		    text, seconds);
	else if (rc == -EPIPE || rc == -ECONNRESET)
		(void)buf_printf(&ctl->why,
		    "the server on %s has hung up: it lets only its own user "
		    "and root in, or it is ending",
		    text);
	else if (rc < 0)
		(void)buf_printf(&ctl->why,
		    "the server on %s gave no answer: %s", text, err_str(rc));
	fd_close(&fd);
	buf_free(&path);
	if (rc == -EAGAIN)
		return CTL_NO_SERVER;
	return rc < 0 ? CTL_FAILED : CTL_OK;
}

/* The answer to stdout; an error that it holds to stderr. */
static int
show(struct ctl *ctl, const cJSON *answer)
{
	bool ok = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "ok"));
	struct buf out = BUF_EMPTY;
	char *json;

	if (ctl->json) {
		json = cJSON_PrintUnformatted(answer);
		(void)buf_printf(&out, "%s\n", json != NULL ? json : "{}");
		cJSON_free(json);
	} else if (ok) {
		ctl_print(answer, &out);
	} else {
		(void)buf_puts(&ctl->why, json_text(answer, "error"));
	}
	(void)fd_write_full(STDOUT_FILENO, out.data, out.len);
	buf_free(&out);
	return ok ? CTL_OK : CTL_FAILED;
}

int
ctl_main(int argc, char **argv)
{
	struct ctl ctl = { .why = BUF_EMPTY };
	cJSON *answer = NULL;
	int status;

	(void)signal(SIGPIPE, SIG_IGN); /* a sentence instead */
	if (argc > 1 &&
	    (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		(void)fputs(usage, stdout);
		return CTL_OK;
	}
	if (!parse(&ctl, argc, argv)) {
		(void)fputs(usage, stderr);
		return CTL_USAGE;
	}
	status = ctl_check_words(&ctl);
	if (status == CTL_OK && ctl_is_store(ctl.words[0]))
		status = ctl_store(&ctl, &answer);
	else if (status == CTL_OK)
		status = ctl_ask(&ctl, ctl.words, ctl.count, &answer);
	if (status == CTL_USAGE)
		(void)fputs(usage, stderr);
	if (status == CTL_OK)
		status = show(&ctl, answer);
	if (status != CTL_OK && ctl.why.len > 0)
		(void)fprintf(stderr, "pronghorn ctl: %s\n",
		    buf_cstr(&ctl.why));
	cJSON_Delete(answer);
	buf_free(&ctl.why);
	return status;
}
