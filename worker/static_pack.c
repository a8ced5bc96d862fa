/* SPDX-License-Identifier: MIT */

/*
 * A table of files, and a thread that lives while there is one to compress.
 *
 * A megabyte of script takes 50 ms, which the loop does not have, and a
 * visitor who comes meanwhile is better served by the plain file than by
 * waiting. So the loop asks for what there is, and asks again next time.
 *
 *   FREE -> WAITING -> WORKING -> DONE
 *
 * INVARIANT  A file that is WORKING is the thread's: the loop reads nothing of
 *            it but its state, path and stat. All others are the loop's.
 * THREADS    State and `running` under the lock.
 */
#include "worker/static_pack.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/base/fd.h"
#include "worker/compress.h"
#include "worker/static_int.h"

#define GZIP_LEVEL 6
#define BROTLI_LEVEL 6
#define NICE 10 /* answers come first */

enum state { FREE, WAITING, WORKING, DONE };

struct file {
	enum state state;
	char *path;
	struct stat st;
	int fd;            /* WAITING and WORKING; else -1 */
	struct blob *gzip; /* NULL: does not shrink, or no room */
	struct blob *br;
	uint64_t used; /* when it was asked for last, by counting */
};

struct static_pack {
	struct file files[STATIC_PACK_FILES];
	uint64_t now;
	size_t total; /* bytes of all forms; the thread's while it runs */
	pthread_mutex_t lock;
	pthread_t thread;
	bool started; /* and not joined */
	bool running; /* it will look at the table once more */
	bool stop;
};

struct static_pack *
static_pack_new(void)
{
	struct static_pack *pack = calloc(1, sizeof(*pack));
	size_t i;

	if (pack == NULL || pthread_mutex_init(&pack->lock, NULL) != 0) {
		free(pack);
		return NULL;
	}
	for (i = 0; i < STATIC_PACK_FILES; i++)
		pack->files[i].fd = -1;
	return pack;
}

static size_t
size_of(const struct blob *blob)
{
	return blob != NULL ? blob->len : 0;
}

static void
file_clear(struct static_pack *pack, struct file *file)
{
	pack->total -= size_of(file->gzip) + size_of(file->br);
	blob_unref(file->gzip);
	blob_unref(file->br);
	free(file->path);
	fd_close(&file->fd);
	memset(file, 0, sizeof(*file));
	file->fd = -1;
}

/* A form in a block of its own size. NULL: it is none. */
static struct blob *
keep(char *small, size_t len, size_t room)
{
	char *fitting;

	if (small != NULL && len > room) {
		free(small);
		return NULL;
	}
	fitting = small != NULL ? realloc(small, len) : NULL;
	if (fitting == NULL)
		fitting = small;
	return fitting != NULL ? blob_new(fitting, len) : NULL;
}

/* Both forms; what does not fit into the total is left out. */
static void
compress_file(struct file *file, size_t room)
{
	struct blob *plain =
	    static_read_blob(file->fd, (size_t)file->st.st_size);
	size_t len = 0;
	char *small;

	if (plain == NULL)
		return;
	small = compress_brotli(plain->data, plain->len, BROTLI_LEVEL, &len);
	file->br = keep(small, len, room);
	room -= size_of(file->br);
	small = compress_gzip(plain->data, plain->len, GZIP_LEVEL, &len);
	file->gzip = keep(small, len, room);
	blob_unref(plain);
}

static struct file *
next_waiting(struct static_pack *pack)
{
	size_t i;

	for (i = 0; i < STATIC_PACK_FILES && !pack->stop; i++) {
		if (pack->files[i].state == WAITING)
			return &pack->files[i];
	}
	return NULL;
}

static void *
thread_main(void *arg)
{
	struct static_pack *pack = arg;
	struct file *file;
	size_t room;

	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
	(void)pthread_mutex_lock(&pack->lock);
	while ((file = next_waiting(pack)) != NULL) {
		file->state = WORKING;
		room = STATIC_PACK_TOTAL - pack->total;
		(void)pthread_mutex_unlock(&pack->lock);
		compress_file(file, room);
		(void)pthread_mutex_lock(&pack->lock);
		fd_close(&file->fd);
		pack->total += size_of(file->gzip) + size_of(file->br);
		file->state = DONE;
	}
	pack->running = false;
	(void)pthread_mutex_unlock(&pack->lock);
	return NULL;
}

/* One that is just ending has seen all there was. With the lock. */
static void
start_thread(struct static_pack *pack)
{
	sigset_t all;
	sigset_t old;

	if (pack->running)
		return;
	if (pack->started)
		(void)pthread_join(pack->thread, NULL);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	pack->started = pack->running =
	    pthread_create(&pack->thread, NULL, thread_main, pack) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (pack->running) /* it waits for the lock */
		(void)pthread_setname_np(pack->thread, "ph-pack");
}

/* Its own place, a free one, or that of the one asked for longest ago. */
static struct file *
place_for(struct static_pack *pack, const char *path)
{
	struct file *best = NULL;
	struct file *file;
	size_t i;

	for (i = 0; i < STATIC_PACK_FILES; i++) {
		file = &pack->files[i];
		if (file->state != FREE && strcmp(file->path, path) == 0)
			return file;
		if (file->state != WORKING &&
		    (best == NULL || file->used < best->used))
			best = file;
	}
	return best;
}

static void
begin(struct static_pack *pack, struct file *file, const char *path, int fd,
    const struct stat *st)
{
	file_clear(pack, file);
	file->path = strdup(path);
	file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (file->path == NULL || file->fd < 0) {
		file_clear(pack, file);
		return;
	}
	file->st = *st;
	file->state = WAITING;
	start_thread(pack);
}

struct static_forms
static_pack_get(struct static_pack *pack, const char *path, int fd,
    const struct stat *st)
{
	struct static_forms forms = { NULL, NULL };
	struct file *file;

	if (pack == NULL || (size_t)st->st_size > STATIC_PACK_MAX)
		return forms;
	(void)pthread_mutex_lock(&pack->lock);
	file = place_for(pack, path);
	if (file != NULL && file->state != WORKING) {
		if (file->state == FREE || strcmp(file->path, path) != 0 ||
		    !blob_same_file(st, &file->st)) {
			begin(pack, file, path, fd, st);
		} else if (file->state == DONE) {
			forms.gzip = file->gzip;
			forms.br = file->br;
		}
		file->used = ++pack->now;
	}
	(void)pthread_mutex_unlock(&pack->lock);
	return forms;
}

void
static_pack_free(struct static_pack **pack_in)
{
	struct static_pack *pack = *pack_in;
	size_t i;

	*pack_in = NULL;
	if (pack == NULL)
		return;
	(void)pthread_mutex_lock(&pack->lock);
	pack->stop = true;
	(void)pthread_mutex_unlock(&pack->lock);
	if (pack->started)
		(void)pthread_join(pack->thread, NULL);
	for (i = 0; i < STATIC_PACK_FILES; i++)
		file_clear(pack, &pack->files[i]);
	(void)pthread_mutex_destroy(&pack->lock);
	free(pack);
}
