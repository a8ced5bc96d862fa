/* SPDX-License-Identifier: MIT */
#ifndef TEST_UNIT_CACHE_SMALL_DISK_H
#define TEST_UNIT_CACHE_SMALL_DISK_H

/* A fixture on a file system of its own, a tmpfs that root can mount. */

#include "test/unit/cache/fixture.h"

#include <sched.h>
#include <sys/mount.h>

/* A file system of its own for the fixture. False: there can be none. */
static inline bool
small_disk_mount(struct fixture *f, const char *options)
{
	static bool apart;

	fixture_init(f);
	/* In a name space of our own, so that no mount outlives the test. */
	apart = apart ||
		(geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	if (apart && mount("tmpfs", f->dir, "tmpfs", MS_NOSUID | MS_NODEV,
			 options) == 0) {
		assert_int_equal(fixture_prepare(f), 0);
		f->a = fixture_open(f, 1, 101);
		return true;
	}
	print_message("skipped: no tmpfs can be mounted\n");
	fixture_fini(f);
	return false;
}

static inline void
small_disk_unmount(struct fixture *f)
{
	cache_close(&f->a);
	cache_close(&f->b);
	fixture_check_integrity(f);
	assert_int_equal(umount2(f->dir, MNT_DETACH), 0);
	fixture_fini(f);
}

#endif
