/* SPDX-License-Identifier: MIT */

/* Cookies of sessions: round trip, tampering, age, keys in turn. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/log.h"
#include "worker/session_cookie.h"

#define OLD "old old old old old old"
#define NEW "new new new new new new"

static struct worker_options options;
static struct cache_options cache_options;
static char dir[] = "/tmp/pronghorn-keys-XXXXXX";

static int
load(const char *first, const char *second)
{
	static const char *items[2];
	struct session_keys *keys = session_keys_new(NULL);
	struct buf why = BUF_EMPTY;
	int rc;

	assert_non_null(keys);
	items[0] = first;
	items[1] = second;
	options.session_secret.items = items;
	options.session_secret.count = first == NULL    ? 0
				       : second == NULL ? 1
							: 2;
	rc = session_keys_load(keys, &options, &cache_options, &why);
	if (rc < 0)
		assert_true(why.len > 0);
	else
		session_keys_use(keys);
	session_keys_free(&keys);
	assert_null(why.len > 0 && first != NULL ? strstr(buf_cstr(&why), first)
						 : NULL);
	buf_free(&why);
	return rc;
}

static int
setup(void **state)
{
	(void)state;
	log_threshold = LOG_LEVEL_CRITICAL;
	options.session_secret_file = "";
	options.session_cookie_name = "sid";
	options.session_lifetime = 1000;
	options.session_idle_timeout = 100;
	cache_options.cache_type = "sqlite";
	cache_options.cache_dir = dir;
	return mkdtemp(dir) == NULL;
}

/* The cookie as the browser would send it. */
static struct http_span
write_cookie(bool secure, struct session_ticket *ticket)
{
	static char text[SESSION_COOKIE_MAX];

	assert_int_equal(session_cookie_write(&options, secure, ticket, text),
	    0);
	return (struct http_span){ text, strcspn(text, ";") };
}

static bool
is_read(bool secure, struct http_span cookie,
    const struct session_ticket *ticket)
{
	struct session_ticket found;

	return session_ticket_read(&options, secure, cookie, &found) &&
	       memcmp(found.id, ticket->id, sizeof(found.id)) == 0 &&
	       found.issued == ticket->issued;
}

static void
a_cookie_comes_back(void **state)
{
	struct session_ticket ticket;
	struct http_span cookie;
	char many[SESSION_COOKIE_MAX + 32];

	(void)state;
	assert_int_equal(load(NEW, NULL), 0);
	assert_int_equal(session_ticket_new(&ticket), 0);
	cookie = write_cookie(false, &ticket);
	assert_true(is_read(false, cookie, &ticket));
	assert_false(is_read(true, cookie, &ticket)); /* without __Host- */
	(void)snprintf(many, sizeof(many), "a=b; sid=x; %.*s; c=d",
	    (int)cookie.len, cookie.data);
	assert_true(
	    is_read(false, (struct http_span){ many, strlen(many) }, &ticket));
	cookie = write_cookie(true, &ticket);
	assert_memory_equal(cookie.data, "__Host-sid=", 11);
	assert_non_null(strstr(cookie.data, "; Secure"));
	assert_true(is_read(true, cookie, &ticket));
}

static void
every_changed_byte_is_seen(void **state)
{
	struct session_ticket ticket;
	struct http_span cookie;
	char text[SESSION_COOKIE_MAX];
	size_t i;

	(void)state;
	assert_int_equal(load(NEW, NULL), 0);
	assert_int_equal(session_ticket_new(&ticket), 0);
	cookie = write_cookie(false, &ticket);
	for (i = 0; i < cookie.len; i++) {
		memcpy(text, cookie.data, cookie.len);
		text[i] = text[i] == 'A' ? 'B' : 'A';
		assert_false(is_read(false,
		    (struct http_span){ text, cookie.len }, &ticket));
		assert_false(is_read(false,
		    (struct http_span){ cookie.data, i }, &ticket));
	}
	options.session_cookie_name = "did"; /* another app's, one secret */
	memcpy(text, cookie.data, cookie.len);
	text[0] = 'd';
	assert_false(
	    is_read(false, (struct http_span){ text, cookie.len }, &ticket));
	options.session_cookie_name = "sid";
}

static void
an_old_one_is_none(void **state)
{
	struct session_ticket ticket;
	struct http_span cookie;

	(void)state;
	assert_int_equal(load(NEW, NULL), 0);
	assert_int_equal(session_ticket_new(&ticket), 0);
	assert_false(session_ticket_is_old(&options, &ticket));
	ticket.seen -= 20;
	assert_true(session_ticket_is_old(&options, &ticket));
	ticket.issued -= 990;
	cookie = write_cookie(false, &ticket);
	assert_true(is_read(false, cookie, &ticket));
	ticket.issued -= 20;
	cookie = write_cookie(false, &ticket);
	assert_false(is_read(false, cookie, &ticket));
	/* A clock that was set back. */
	ticket.issued += 5000;
	cookie = write_cookie(false, &ticket);
	assert_true(is_read(false, cookie, &ticket));
}

static void
keys_are_used_in_turn(void **state)
{
	struct session_ticket ticket;
	struct http_span cookie;
	char old[SESSION_COOKIE_MAX];
	struct http_span kept = { old, 0 };

	(void)state;
	assert_int_equal(load(OLD, NULL), 0);
	assert_int_equal(session_ticket_new(&ticket), 0);
	cookie = write_cookie(false, &ticket);
	memcpy(old, cookie.data, cookie.len);
	kept.len = cookie.len;
	assert_int_equal(load(NEW, OLD), 0);
	assert_true(is_read(false, kept, &ticket));
	cookie = write_cookie(false, &ticket);
	assert_int_equal(load(NEW, NULL), 0);
	assert_true(is_read(false, cookie, &ticket));
	assert_false(is_read(false, kept, &ticket));
	assert_int_equal(load("tiny", NULL), ERR_RANGE);
	assert_true(is_read(false, cookie, &ticket)); /* as before */
}

static void
a_key_of_our_own_is_kept(void **state)
{
	struct session_ticket ticket;
	struct http_span cookie;
	char path[64];
	struct stat st;

	(void)state;
	assert_int_equal(load(NULL, NULL), 0);
	(void)snprintf(path, sizeof(path), "%s/session.key", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(session_ticket_new(&ticket), 0);
	cookie = write_cookie(false, &ticket);
	assert_int_equal(load(NEW, NULL), 0);
	assert_int_equal(load(NULL, NULL), 0);
	assert_true(is_read(false, cookie, &ticket));
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(load(NULL, NULL), -EACCES);
	assert_int_equal(unlink(path), 0);
	(void)rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cookie_comes_back),
		cmocka_unit_test(every_changed_byte_is_seen),
		cmocka_unit_test(an_old_one_is_none),
		cmocka_unit_test(keys_are_used_in_turn),
		cmocka_unit_test(a_key_of_our_own_is_kept),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
