/* SPDX-License-Identifier: MIT */

/*
 * Identity: from root to somebody else, in the child alone.
 *
 * INVARIANT  Groups first, then the group, then the user: the other way round
 *            the right to change them would be gone. Afterwards it is tried to
 *            get root back, and that must fail.
 * FAILURE    A child that cannot become who it should be ends.
 */
#include "server/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/log.h"

#define GROUPS_MAX (int)(sizeof(((struct identity *)0)->groups) / sizeof(gid_t))

/* A number of up to 9 digits; -1: it is a name. */
static long
number_of(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > 9 || strspn(text, "0123456789") != len)
		return -1;
	return strtol(text, NULL, 10);
}

static int
find_user(struct identity *identity, const char *user, const char **name,
    struct buf *why)
{
	long number = number_of(user);
	const struct passwd *entry;

	errno = 0;
	entry = number >= 0 ? getpwuid((uid_t)number) : getpwnam(user);
	if (entry == NULL && number < 0) {
		(void)buf_printf(why, "user = \"%s\": there is no such user",
		    user);
		return -ENOENT;
	}
	identity->uid = entry != NULL ? entry->pw_uid : (uid_t)number;
	if (entry != NULL) {
		identity->gid = entry->pw_gid;
		*name = entry->pw_name;
	}
	return 0;
}

static int
find_group(struct identity *identity, const char *group, struct buf *why)
{
	long number = number_of(group);
	const struct group *entry;

	if (number >= 0) {
		identity->gid = (gid_t)number;
		return 0;
	}
	entry = getgrnam(group);
	if (entry == NULL) {
		(void)buf_printf(why, "group = \"%s\": there is no such group",
		    group);
		return -ENOENT;
	}
	identity->gid = entry->gr_gid;
	return 0;
}

int
identity_find(struct identity *identity, const char *user, const char *group,
    bool initgroups, bool no_new_privs, struct buf *why)
{
	const char *name = NULL;
	int rc = 0;

	*identity = (struct identity){ .uid = geteuid(),
		.gid = getegid(),
		.no_new_privs = no_new_privs };
	if (user[0] != '\0')
		rc = find_user(identity, user, &name, why);
	if (rc == 0 && group[0] != '\0')
		rc = find_group(identity, group, why);
	if (rc < 0)
		return rc;
	identity->change =
	    identity->uid != geteuid() || identity->gid != getegid();
	if (identity->change && geteuid() != 0) {
		(void)buf_puts(why,
		    "user and group: only root can start workers as somebody "
		    "else; start the server as that user instead");
		return -EPERM;
	}
	identity->groups[0] = identity->gid;
	identity->group_count = 1;
	if (identity->change && initgroups && name != NULL) {
		identity->group_count = GROUPS_MAX;
		if (getgrouplist(name, identity->gid, identity->groups,
			&identity->group_count) < 0) {
			(void)buf_printf(why,
			    "user = \"%s\": more than %d "
			    "groups; set initgroups = False",
			    user, GROUPS_MAX);
			return ERR_RANGE;
		}
	}
	return 0;
}

static int
change(const struct identity *identity)
{
	if (setgroups((size_t)identity->group_count, identity->groups) < 0 ||
	    setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
	    setresuid(identity->uid, identity->uid, identity->uid) < 0)
		return -errno;
	if (identity->uid != 0 && setuid(0) == 0)
		return -EPERM; /* it could go back */
	return 0;
}

int
identity_become(const struct identity *identity)
{
	int rc = identity->change ? change(identity) : 0;

	/* The kernel forgets this when the user changes. */
	if (rc == 0 && identity->change && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		rc = -errno;
	if (rc == 0 && identity->no_new_privs &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		rc = -errno;
	if (rc < 0)
		log_critical(rc, "identity.become", "uid=%ld gid=%ld",
		    (long)identity->uid, (long)identity->gid);
	return rc;
}

int
identity_give(const struct identity *identity, const char *path)
{
	if (!identity->change)
		return 0;
	return lchown(path, identity->uid, identity->gid) < 0 ? -errno : 0;
}

int
identity_give_log(const struct identity *identity)
{
	int rc = identity->change ? log_give(identity->uid, identity->gid) : 0;

	if (rc < 0)
		log_warn(rc, "log.owner",
		    "note=\"workers may not be able to open it again\"");
	return rc;
}
