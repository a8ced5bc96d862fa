/* SPDX-License-Identifier: MIT */

/*
 * pronghorn new: an app to begin with, that compiles, serves and has a test.
 *
 * The files are those of server/dev/text, which the assembler puts into the
 * program as they are; @NAME@ and @PROGRAM@ in them are replaced.
 *
 * INVARIANT  Nothing that exists is overwritten: the folder must be new.
 * THREADS    One.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/buf.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/dev/dev.h"
#include "server/dev/embed.h"

EMBED(new_app, "app.c.in");
EMBED(new_makefile, "Makefile.in");
EMBED(new_test, "test.sh.in");
EMBED(new_config, "pronghorn.conf.in");
EMBED(new_ignore, "gitignore.in");

static const struct file {
	const char *name;
	const char *text;
	const char *end;
	mode_t mode;
} files[] = {
	{ "app.c", new_app, new_app_end, 0666 },
	{ "Makefile", new_makefile, new_makefile_end, 0666 },
	{ "test.sh", new_test, new_test_end, 0777 },
	{ "pronghorn.conf", new_config, new_config_end, 0666 },
	{ ".gitignore", new_ignore, new_ignore_end, 0666 },
};

static const char usage[] =
    "usage: pronghorn new NAME\n"
    "\n"
    "Writes a small app into a new folder NAME: app.c, a Makefile, a test\n"
    "and a config file. `pronghorn dev NAME` serves it.\n";

/* Is this program the one that the shell would find? */
static bool
is_in_path(const char *program)
{
	const char *path = getenv("PATH");
	char full[PATH_MAX];
	struct stat ours;
	struct stat found;
	size_t len;

	if (path == NULL || stat(program, &ours) < 0)
		return false;
	for (; *path != '\0'; path += len + (path[len] == ':')) {
		len = strcspn(path, ":");
		if (snprintf(full, sizeof(full), "%.*s/pronghorn", (int)len,
			path) >= (int)sizeof(full) ||
		    stat(full, &found) < 0 || access(full, X_OK) < 0)
			continue;
		return found.st_dev == ours.st_dev &&
		       found.st_ino == ours.st_ino;
	}
	return false;
}

/* `text` with the marks replaced. */
static int
fill_in(const struct file *file, const char *name, const char *program,
    struct buf *out)
{
	const char *at = file->text;
	const char *mark;

	while ((mark = memchr(at, '@', (size_t)(file->end - at))) != NULL) {
		(void)buf_put(out, at, (size_t)(mark - at));
		if (strncmp(mark, "@NAME@", 6) == 0) {
			(void)buf_puts(out, name);
			at = mark + 6;
		} else if (strncmp(mark, "@PROGRAM@", 9) == 0) {
			(void)buf_puts(out, program);
			at = mark + 9;
		} else {
			(void)buf_putc(out, '@');
			at = mark + 1;
		}
	}
	(void)buf_put(out, at, (size_t)(file->end - at));
	return buf_ok(out) ? 0 : -ENOMEM;
}

static int
write_file(int folder, const struct file *file, const char *name,
    const char *program)
{
	struct buf text = BUF_EMPTY;
	int rc = fill_in(file, name, program, &text);
	int fd = -1;

	if (rc == 0) {
		fd = openat(folder, file->name,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file->mode);
		rc = fd < 0 ? -errno : 0;
	}
	if (rc == 0)
		rc = fd_write_full(fd, text.data, text.len);
	fd_close(&fd);
	buf_free(&text);
	return rc;
}

/* How to call us from anywhere, without ways that lead back; links are only
 * followed then. The caller frees; NULL: no memory. */
static char *
command_for(const char *path)
{
	char *straight =
	    strstr(path, "/../") != NULL ? realpath(path, NULL) : NULL;

	if (straight != NULL)
		return straight;
	return strdup(is_in_path(path) ? "pronghorn" : path);
}

/* The name goes into C, JSON and HTML as it is. */
static bool
is_good_name(const char *name)
{
	const char *c = name;

	while (isalnum((unsigned char)*c) || *c == '_' || *c == '-')
		c++;
	return *c == '\0' && c > name && name[0] != '-';
}

/* The shell completes the name of a folder with a slash. */
static const char *
without_slashes(char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	return path;
}

int
new_main(int argc, char **argv, const struct program *program)
{
	const char *path = argc == 2 ? without_slashes(argv[1]) : "";
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	const char *quote;
	char *command;
	int folder = -1;
	int rc = 0;
	size_t i;

	if (argc == 2 &&
	    (strcmp(path, "-h") == 0 || strcmp(path, "--help") == 0)) {
		(void)fputs(usage, stdout);
		return 0;
	}
	if (argc == 2 && !is_good_name(name)) {
		(void)fprintf(stderr,
		    "pronghorn new: \"%s\" is no name for an app: it may have "
		    "letters without accents, digits, _ and -, and begins "
		    "with no -\n",
		    path);
		return 2;
	}
	if (argc != 2) {
		(void)fputs(usage, stderr);
		return 2;
	}
	command = command_for(program->path);
	if (command == NULL)
		rc = -ENOMEM;
	else if (mkdir(path, 0777) < 0)
		rc = -errno;
	if (rc == 0) {
		folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = folder < 0 ? -errno : 0;
	}
	for (i = 0; rc == 0 && i < sizeof(files) / sizeof(files[0]); i++)
		rc = write_file(folder, &files[i], name, command);
	fd_close(&folder);
	if (rc < 0) {
		(void)fprintf(stderr, "pronghorn new: %s: %s\n", path,
		    err_str(rc));
		free(command);
		return 1;
	}
	quote = strpbrk(command, " \t") != NULL ? "'" : "";
	(void)printf("%s: app.c, Makefile, test.sh, pronghorn.conf\n"
		     "Next: %s%s%s dev --open %s\n",
	    path, quote, command, quote, path);
	free(command);
	return 0;
}
