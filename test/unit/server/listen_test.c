/* SPDX-License-Identifier: MIT */

/* Real sockets on loopback and in a folder of their own. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/err.h"
#include "server/listen.h"

#include "test/unit/scratch_file.h"

static const struct listen_rules rules = { .backlog = 16, .unix_mode = 0660 };
static char unix_item[128];

static int
set_up(void **state)
{
	(void)state;
	if (scratch_make("web.sock") < 0)
		return -1;
	(void)snprintf(unix_item, sizeof(unix_item), "unix:%s", path);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	return scratch_remove();
}

static int
open_one(struct listen_set *set, const char *item, struct buf *why)
{
	const char *const items[] = { item };
	const struct opt_list bind = { items, 1 };

	return listen_open(set, &bind, &rules, why);
}

static int
get_option(int fd, int level, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, option, &value, &len), 0);
	return value;
}

static int
connect_tcp(uint16_t port)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	rc = connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0 ? -errno
								     : 0;
	(void)close(fd);
	return rc;
}

static int
connect_unix(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	rc = connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0 ? -errno
								     : 0;
	(void)close(fd);
	return rc;
}

static void
port_zero_gets_a_real_one(void **state)
{
	struct buf why = BUF_EMPTY;
	struct buf url = BUF_EMPTY;
	char expected[64];
	struct listen_set set;
	int accepted;
	uint16_t port;

	(void)state;
	assert_int_equal(open_one(&set, "127.0.0.1:0", &why), 0);
	assert_int_equal(set.count, 1);
	port = set.sockets[0].address.port;
	assert_int_not_equal(port, 0);
	assert_int_equal(connect_tcp(port), 0);
	accepted = accept4(set.fds[0], NULL, NULL, SOCK_CLOEXEC);
	assert_true(accepted >= 0);
	assert_int_equal(get_option(accepted, IPPROTO_TCP, TCP_NODELAY), 1);
	(void)close(accepted);
	(void)snprintf(expected, sizeof(expected), "http://127.0.0.1:%u", port);
	assert_int_equal(listen_print_url(&set.sockets[0].address, false, &url),
	    0);
	assert_string_equal(buf_cstr(&url), expected);
	buf_free(&url);
	listen_close(&set);
	assert_int_equal(connect_tcp(port), -ECONNREFUSED);
	listen_close(&set); /* the empty value is fine */
}

static void
descriptors_are_as_promised(void **state)
{
	struct buf why = BUF_EMPTY;
	struct listen_set set;

	(void)state;
	assert_int_equal(open_one(&set, "127.0.0.1:0", &why), 0);
	assert_true((fcntl(set.fds[0], F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(set.fds[0], F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(get_option(set.fds[0], SOL_SOCKET, SO_REUSEADDR), 1);
	assert_int_equal(get_option(set.fds[0], IPPROTO_TCP, TCP_DEFER_ACCEPT),
	    0);
	assert_int_equal(accept(set.fds[0], NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	listen_close(&set);
}

static void
both_families_share_a_port(void **state)
{
	struct buf why = BUF_EMPTY;
	struct listen_set four;
	struct listen_set six;
	char item[32];
	int rc;

	(void)state;
	assert_int_equal(open_one(&four, "0.0.0.0:0", &why), 0);
	(void)snprintf(item, sizeof(item), "[::]:%u",
	    four.sockets[0].address.port);
	rc = open_one(&six, item, &why);
	if (rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL) {
		buf_free(&why);
		listen_close(&four);
		skip(); /* no IPv6 here */
	}
	assert_int_equal(rc, 0);
	assert_int_equal(get_option(six.fds[0], IPPROTO_IPV6, IPV6_V6ONLY), 1);
	assert_true(six.sockets[0].address.ipv6);
	listen_close(&six);
	listen_close(&four);
}

static void
urls_are_for_browsers(void **state)
{
	static const struct {
		const char *item;
		const char *url;
	} rows[] = {
		{ ":8123", "http://127.0.0.1:8123" },
		{ "[::]:8123", "http://[::1]:8123" },
		{ "192.0.2.7:81", "http://192.0.2.7:81" },
		{ "unix:/run/web.sock", "unix:/run/web.sock" },
	};
	struct listen_address address;
	struct buf why = BUF_EMPTY;
	struct buf url = BUF_EMPTY;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&url);
		assert_int_equal(
		    listen_address_parse(rows[i].item, &address, &why), 0);
		assert_int_equal(listen_print_url(&address, false, &url), 0);
		assert_string_equal(buf_cstr(&url), rows[i].url);
	}
	buf_free(&url);
}

static void
all_or_nothing(void **state)
{
	struct buf why = BUF_EMPTY;
	struct listen_set first;
	struct listen_set second;
	char taken[32];
	const char *const items[] = { unix_item, "127.0.0.1:0", taken };
	const struct opt_list bind = { items, 3 };

	(void)state;
	assert_int_equal(open_one(&first, "127.0.0.1:0", &why), 0);
	(void)snprintf(taken, sizeof(taken), "127.0.0.1:%u",
	    first.sockets[0].address.port);
	assert_int_equal(listen_open(&second, &bind, &rules, &why),
	    -EADDRINUSE);
	assert_non_null(strstr(buf_cstr(&why), taken));
	assert_non_null(strstr(buf_cstr(&why), "in use"));
	assert_int_equal(second.count, 0);
	assert_int_equal(access(path, F_OK), -1); /* the unix one is undone */
	buf_free(&why);
	listen_close(&first);
}

/* Ports that are free, none of them twice, each for what was asked for. */
static void
proposes_what_is_free(void **state)
{
	struct buf why = BUF_EMPTY;
	struct buf wanted = BUF_EMPTY;
	struct listen_set first;
	struct listen_set made;
	char taken[32];
	const char *items[] = { taken, unix_item, taken };
	const char *word;
	const struct opt_list bind = { items, 3 };
	char one[64];
	char two[64];

	(void)state;
	assert_int_equal(open_one(&first, "127.0.0.1:0", &why), 0);
	(void)snprintf(taken, sizeof(taken), "127.0.0.1:%u",
	    first.sockets[0].address.port);
	listen_propose(&bind, &rules, "--bind", &why);
	assert_int_equal(sscanf(buf_cstr(&why),
			     "; free: --bind %63s --bind %*s --bind %63s", one,
			     two),
	    2);
	(void)buf_printf(&wanted, "; free: --bind %s --bind %s --bind %s", one,
	    unix_item, two);
	assert_string_equal(buf_cstr(&why), buf_cstr(&wanted));
	assert_string_not_equal(one, two);
	for (word = one; word != NULL; word = word == one ? two : NULL) {
		assert_string_not_equal(word, taken);
		assert_int_equal(strncmp(word, "127.0.0.1:", 10), 0);
		assert_int_equal(open_one(&made, word, &why), 0);
		listen_close(&made);
	}
	/* Where nothing is taken there is nothing to say. */
	listen_close(&first);
	buf_clear(&why);
	listen_propose(&(struct opt_list){ items, 2 }, &rules, "-b", &why);
	assert_int_equal(why.len, 0);
	buf_free(&why);
	buf_free(&wanted);
}

static void
names_what_is_wrong(void **state)
{
	struct buf why = BUF_EMPTY;
	struct listen_set set;

	(void)state;
	assert_true(open_one(&set, "127.0.0.1:70000", &why) < 0);
	assert_non_null(strstr(buf_cstr(&why), "127.0.0.1:70000"));
	buf_clear(&why);
	assert_true(open_one(&set, "no.such.host.invalid:80", &why) < 0);
	assert_non_null(strstr(buf_cstr(&why), "no.such.host.invalid:80"));
	buf_clear(&why);
	assert_int_equal(open_one(&set, "unix:/nonexistent/dir/x.sock", &why),
	    -ENOENT);
	assert_non_null(strstr(buf_cstr(&why), "/nonexistent/dir/x.sock"));
	buf_free(&why);
}

static void
a_unix_socket_is_private_and_tidied_up(void **state)
{
	struct buf why = BUF_EMPTY;
	struct listen_set set;
	struct stat st;
	mode_t old = umask(0);

	(void)state;
	assert_int_equal(open_one(&set, unix_item, &why), 0);
	assert_int_equal(umask(old), 0); /* as it was */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(connect_unix(), 0);
	listen_close(&set);
	assert_int_equal(access(path, F_OK), -1);
}

static void
never_steals_a_live_unix_socket(void **state)
{
	struct buf why = BUF_EMPTY;
	struct listen_set first;
	struct listen_set second;
	int i;

	(void)state;
	assert_int_equal(open_one(&first, unix_item, &why), 0);
	assert_int_equal(open_one(&second, unix_item, &why), -EADDRINUSE);
	assert_non_null(strstr(buf_cstr(&why), path));
	assert_int_equal(connect_unix(), 0);
	buf_free(&why);
	/* Nor when it is too busy to answer. */
	for (i = 0; i < 40; i++) {
		struct sockaddr_un name = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX,
		    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s",
		    path);
		if (connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
			i = 100; /* the backlog is full */
		(void)close(fd);
	}
	assert_int_equal(i, 101);
	assert_int_equal(open_one(&second, unix_item, &why), -EADDRINUSE);
	assert_int_equal(access(path, F_OK), 0);
	buf_free(&why);
	listen_close(&first);
}

static void
replaces_a_dead_unix_socket(void **state)
{
	struct buf why = BUF_EMPTY;
	struct listen_set set;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) /* leaves its socket behind, as a killed one does */
		_exit(open_one(&set, unix_item, &why) == 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(connect_unix(), -ECONNREFUSED);
	assert_int_equal(open_one(&set, unix_item, &why), 0);
	assert_int_equal(connect_unix(), 0);
	listen_close(&set);
}

static void
leaves_other_files_alone(void **state)
{
	struct buf why = BUF_EMPTY;
	struct listen_set set;
	int fd;

	(void)state;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(open_one(&set, unix_item, &why), -EEXIST);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(unlink(path), 0);
	buf_free(&why);

	/* Somebody else's file in our place is not removed at the end. */
	assert_int_equal(open_one(&set, unix_item, &why), 0);
	assert_int_equal(unlink(path), 0);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	listen_close(&set);
	assert_int_equal(access(path, F_OK), 0);
}

/* What a starting master does with a path, no other does meanwhile. */
static void
masters_take_turns(void **state)
{
	struct buf why = BUF_EMPTY;
	struct listen_set set;
	int fd;

	(void)state;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(open_one(&set, unix_item, &why), ERR_BUSY);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(close(fd), 0);
	assert_int_equal(open_one(&set, unix_item, &why), 0);
	listen_close(&set);
	buf_free(&why);
}

/* Two that start together over a dead socket: exactly one may win. */
static void
one_winner_of_a_race(void **state)
{
	struct buf why = BUF_EMPTY;
	struct listen_set set;
	int round;

	(void)state;
	for (round = 0; round < 20; round++) {
		int go[2];
		int done[2];
		char results[3] = "";
		pid_t pids[3];
		int i;

		pids[2] = fork();
		if (pids[2] == 0)
			_exit(open_one(&set, unix_item, &why) == 0 ? 0 : 1);
		assert_int_equal(waitpid(pids[2], NULL, 0), pids[2]);
		assert_int_equal(pipe2(go, O_CLOEXEC), 0);
		assert_int_equal(pipe2(done, O_CLOEXEC), 0);
		for (i = 0; i < 2; i++) {
			pids[i] = fork();
			if (pids[i] == 0) {
				char byte;
				int rc;

				(void)close(go[1]);
				(void)!read(go[0], &byte, 1); /* EOF: go */
				rc = open_one(&set, unix_item, &why);
				(void)!write(done[1], rc == 0 ? "1" : "0", 1);
				for (;;)
					(void)pause();
			}
		}
		(void)close(go[1]);
		for (i = 0; i < 2; i++)
			assert_int_equal(read(done[0], &results[i], 1), 1);
		assert_true(
		    strcmp(results, "01") == 0 || strcmp(results, "10") == 0);
		assert_int_equal(connect_unix(), 0);
		for (i = 0; i < 2; i++) {
			assert_int_equal(kill(pids[i], SIGKILL), 0);
			assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
		}
		(void)close(go[0]);
		(void)close(done[0]);
		(void)close(done[1]);
		assert_int_equal(unlink(path), 0);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(port_zero_gets_a_real_one),
		TEST(descriptors_are_as_promised),
		TEST(both_families_share_a_port),
		TEST(urls_are_for_browsers),
		TEST(all_or_nothing),
		TEST(proposes_what_is_free),
		TEST(names_what_is_wrong),
		TEST(a_unix_socket_is_private_and_tidied_up),
		TEST(never_steals_a_live_unix_socket),
		TEST(replaces_a_dead_unix_socket),
		TEST(leaves_other_files_alone),
		TEST(masters_take_turns),
		TEST(one_winner_of_a_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
