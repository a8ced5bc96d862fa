/* SPDX-License-Identifier: MIT */

/*
 * Socket activation: in a child each time, whose descriptor 3 and environment
 * are as a service manager makes them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/listen.h"

static int
make_tcp(bool listening)
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0 ||
	    (listening && listen(fd, 5) < 0))
		return -1;
	return fd;
}

static int
make_unix(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0 ||
	    listen(fd, 5) < 0)
		return -1;
	return fd;
}

static void
promise(const char *count, long pid)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%ld", pid);
	(void)setenv("LISTEN_FDS", count, 1);
	(void)setenv("LISTEN_PID", text, 1);
}

/* Run `trial` in a child; it gives 0 when all was right. */
static void
in_child(int (*trial)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(trial());
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_true(WIFEXITED(status));
	assert_int_equal(0, WEXITSTATUS(status));
}

static int
takes_tcp(void)
{
	struct listen_set set;
	struct listen_set copy;
	struct buf why = BUF_EMPTY;

	if (dup2(make_tcp(true), 3) < 0)
		return 1;
	promise("1", (long)getpid());
	if (listen_inherit(&set, &why) != 1 || set.fds[0] != 3)
		return 2;
	if (strcmp(set.sockets[0].address.host, "127.0.0.1") != 0 ||
	    set.sockets[0].address.port == 0)
		return 3;
	if ((fcntl(3, F_GETFD) & FD_CLOEXEC) == 0 ||
	    (fcntl(3, F_GETFL) & O_NONBLOCK) == 0)
		return 4;
	if (getenv("LISTEN_FDS") != NULL || getenv("LISTEN_PID") != NULL)
		return 5; /* a child must not think it is meant */
	/* A reload has them once more. */
	if (listen_copy(&copy, &set) < 0 || copy.count != 1)
		return 6;
	listen_drop(&set, &copy);
	listen_close(&copy);
	return 0;
}

static int
leaves_unix_sockets(void)
{
	char path[] = "/tmp/listen_inherit.XXXXXX";
	struct listen_set set;
	struct buf why = BUF_EMPTY;
	char name[64];
	int status = 0;

	if (mkdtemp(path) == NULL)
		return 1;
	(void)snprintf(name, sizeof(name), "%s/s", path);
	if (dup2(make_unix(name), 3) < 0)
		return 2;
	promise("1", (long)getpid());
	if (listen_inherit(&set, &why) != 1 ||
	    strcmp(set.sockets[0].address.path, name) != 0)
		return 3;
	listen_close(&set);
	if (access(name, F_OK) < 0)
		status = 4; /* it belongs to the service manager */
	(void)unlink(name);
	(void)rmdir(path);
	return status;
}

static int
refuses_others(void)
{
	struct listen_set set;
	struct buf why = BUF_EMPTY;

	if (dup2(make_tcp(false), 3) < 0)
		return 1;
	promise("1", (long)getpid() + 1);
	if (listen_inherit(&set, &why) != 0 || set.count != 0)
		return 2; /* meant for somebody else */
	promise("1", (long)getpid());
	if (listen_inherit(&set, &why) >= 0 ||
	    strstr(buf_cstr(&why), "descriptor 3 ") == NULL)
		return 3; /* does not listen */
	promise("100000", (long)getpid());
	if (listen_inherit(&set, &why) >= 0)
		return 4;
	return 0;
}

static void
takes_over_tcp(void **state)
{
	(void)state;
	in_child(takes_tcp);
}

static void
never_removes_a_unix_socket(void **state)
{
	(void)state;
	in_child(leaves_unix_sockets);
}

static void
refuses_what_does_not_listen(void **state)
{
	(void)state;
	in_child(refuses_others);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_over_tcp),
		cmocka_unit_test(never_removes_a_unix_socket),
		cmocka_unit_test(refuses_what_does_not_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
