/* SPDX-License-Identifier: MIT */
#ifndef SERVER_DEV_DEV_INT_H
#define SERVER_DEV_DEV_INT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "server/dev/dev_folder.h"
#include "server/dev/step.h"
#include "server/dev/watch.h"
#include "server/program.h"

/*
 * The parts of `pronghorn dev`: dev.c (what follows what), dev_words.c (the
 * command line), dev_build.c (the compiler), dev_parts.c (which sources),
 * dev_inputs.c (what has changed since), dev_missing.c (headers to come),
 * dev_ahead.c (headers that are compiled before they are needed), dev_serve.c
 * (the server), dev_error.c (its errors), dev_folder.c (our folder).
 */

/* What the command line says. Texts are those of argv. */
struct dev_words {
	char **sources; /* at least one; owned, the texts not */
	size_t source_count;
	char **server; /* options of the server, in their order, then NULL;
			  owned */
	size_t server_count;
	char **compiler; /* behind --; part of argv */
	size_t compiler_count;
	const char *config; /* NULL: the server's default */
	const char *assets; /* NULL: beside the first source */
	char *found;        /* a source or config file that we have found */
	char *found_config;
	bool open; /* show it in a browser */
	bool help;
	bool cflags; /* say how to find the SDK, and nothing else */
};

enum dev_step {
	DEV_NOTHING,
	DEV_COMPILE,
	DEV_STOPGAP,
	DEV_RELOAD,
	DEV_ASK,
	DEV_AHEAD
};
enum dev_server { DEV_DOWN, DEV_STARTING, DEV_UP };

/* The files that a run of the compiler has read. */
struct dev_inputs {
	struct timespec since; /* when it began */
	uint64_t print; /* which they were, and their state; 0: not known */
};

struct dev {
	const struct program *program;
	struct dev_words words;
	char folder[FOLDER_PATH_MAX]; /* in TMPDIR; removed at the end */
	int folder_fd; /* its lock, which the server has as well */
	char include[PATH_MAX];
	struct watch watch;
	int sig_fd;
	int notify_fd; /* the server says here that it serves */

	struct step step;
	enum dev_step doing;
	int changed; /* WATCH_CODE ...: not looked at yet */
	bool fresh;  /* `built` was not tried yet */

	unsigned number;  /* of the last run of the compiler, and its .so */
	unsigned built;   /* of the newest .so there is */
	unsigned trying;  /* of the one that is being loaded, or was */
	unsigned loaded;  /* of the one that serves; 0: none, or the stopgap */
	int64_t tried_us; /* when loading it began */
	bool slow;        /* that it takes long was said */
	char loads[240];  /* of it, that is being loaded; "": not known */
	struct dev_inputs *parts; /* of several sources; else NULL */
	size_t part; /* that is compiled; words.source_count: being linked */
	struct buf errors; /* of those compiled so far in this round */
	bool failed;       /* one of them is not good */
	char *ahead;       /* the lines that ahead.h has; NULL: none yet */
	struct dev_inputs ahead_inputs;
	bool ahead_made; /* it is precompiled */
	bool ahead_due;  /* it is time to see whether it should be */
	char *compile_error;
	char *load_error;

	pid_t server;
	enum dev_server state;
	bool reached;    /* the server has come to load the app */
	bool stopgap;    /* the server was started without the app */
	bool announced;  /* where it serves was said */
	bool kept_said;  /* that values stay was said */
	int stop;        /* POSIX signal that ends us; 0: none yet */
	int status;      /* our exit status */
	int64_t seen_us; /* when the first change of this round was seen */
};

/* ---- dev_words.c --------------------------------------------------------- */

/* 0, or negative with a sentence on stderr. */
int dev_words_read(struct dev_words *words, int argc, char **argv);
void dev_words_free(struct dev_words *words);

/* ---- dev_build.c --------------------------------------------------------- */

/* Where the SDK's headers are: beside the program, in the tree or installed.
 * 0 or -ENOENT. */
int dev_find_sdk(const char *program, char path[PATH_MAX]);

/* By its name. */
bool dev_is_cpp(const char *source);

/* Start the compiler on the only source, on one of several, or on what has
 * become of all; the result is .so number dev->number. 0 or -errno. */
int dev_compile_whole(struct dev *dev);
int dev_compile_part(struct dev *dev, size_t which);
int dev_link_parts(struct dev *dev);

/* The same with a page that stands in for an app that has never compiled. */
int dev_compile_stopgap(struct dev *dev);

/* Precompile ahead.h into ahead.new; what it reads stands in ahead.rules. */
int dev_compile_ahead(struct dev *dev);

/* The next word of make rules, with what is escaped; NULL: no more. The text
 * is taken apart. */
char *dev_next_word(char **at);

/* Watch all files that the last run of the compiler has read. */
void dev_watch_sources(struct dev *dev);

/* Have app.so name .so number `number`; 0: the stopgap. */
int dev_point(struct dev *dev, unsigned number);

/* Remove .so number `number`. */
void dev_forget(struct dev *dev, unsigned number);

/* ---- dev_parts.c --------------------------------------------------------- */

/* Begin to make the next .so, of what has changed. 0 or -errno. */
int dev_compile(struct dev *dev);

/* A run of the compiler has failed: what this one and those before it since
 * dev_compile() say. The caller frees; NULL: no memory. */
char *dev_compile_failed(struct dev *dev);

/* A run of the compiler went well, or not: false if it was the last, else the
 * next one has begun, or could not. */
bool dev_compile_more(struct dev *dev, bool good, int *rc);

/* Where the object ("o") and the make rules ("rules") of a source are. */
bool dev_part_path(const struct dev *dev, size_t which, const char *ending,
    char path[PATH_MAX]);

/* ---- dev_inputs.c -------------------------------------------------------- */

/* Around a run of the compiler, which writes make rules to the file `rules`;
 * one that fails needs no end. What is in the folder `ours` does not count. */
void dev_inputs_begin(struct dev_inputs *inputs);
void dev_inputs_end(struct dev_inputs *inputs, const char *rules,
    const char *ours);

/* Would it read the same again? */
bool dev_inputs_same(const struct dev_inputs *inputs, const char *rules,
    const char *ours);

/* ---- dev_ahead.c --------------------------------------------------------- */

/* The includes that a source begins with, a line each; NULL: none, or no
 * memory. The caller frees. */
char *dev_ahead_lines(const char *source);

/* May the compiler begin with the header at `path`? */
bool dev_ahead_usable(struct dev *dev, char path[PATH_MAX]);

/* Start to precompile, if there is something to be won. */
bool dev_ahead_begin(struct dev *dev);
void dev_ahead_end(struct dev *dev, bool good);

/* Did the compiler fail for the sake of that header? Then it is given up. */
bool dev_ahead_spoiled(struct dev *dev);

/* ---- dev_missing.c ------------------------------------------------------- */

/* Watch the headers that the compiler says it has not found. */
void dev_watch_missing(struct dev *dev);

/* Watch those that the file at `path` asks for by __has_include. */
void dev_watch_optional(struct dev *dev, const char *path);

/* ---- dev_error.c --------------------------------------------------------- */

/* The server's error with the source in the place of our .so, and with the
 * place of a crash in the first line. The caller frees; NULL: no memory. */
char *dev_error_text(const struct dev *dev, const char *error);

/* ---- dev_serve.c --------------------------------------------------------- */

/* A path in our folder; false: too long. */
bool dev_path(const struct dev *dev, const char *name, char path[PATH_MAX]);

/* The folder, with a name for the assets beside the app. 0 or negative. */
int dev_folder_make(struct dev *dev);
void dev_folder_remove(struct dev *dev);

/* Have what lies beside the app lie beside its .so, too: ph_app_file(),
 * component packages. */
void dev_link_beside(const struct dev *dev);

/* Write what the page is to show; NULL: nothing is wrong. 0 or -errno. */
int dev_write_notice(const struct dev *dev, const char *text);

/* Will the server take its options? Else negative, with a sentence on stderr.
 */
int dev_check_options(const struct dev *dev);

/* Where the server says that it serves. 0 or -errno. */
int dev_notify_open(struct dev *dev);

/* Has it said so by now? Notes whether it has come to the app, too. */
bool dev_notify_read(struct dev *dev);

int dev_server_start(struct dev *dev);

/* Start `pronghorn ctl` with a command and its argument, or NULL. */
int dev_ctl(struct dev *dev, const char *command, const char *argument);

/* The error in the answer of `ctl --json` that the step has printed, for the
 * author to read; NULL: it was done. The caller frees. */
char *dev_ctl_error(const struct dev *dev);

/* Say once, of an app that memoizes, that what it has computed stays. */
void dev_say_kept(struct dev *dev);

/* Say where it serves, and open a browser there if asked for. */
void dev_announce(const struct dev *dev);

#endif
