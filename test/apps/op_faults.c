/* SPDX-License-Identifier: MIT */

/*
 * An app that misbehaves on request: what its one callback does stands in
 * the input, as "word" or "word:number".
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

static volatile int never;

static void
spin(double seconds)
{
	(void)seconds;
	while (!never)
		continue;
}

/* Deep enough to leave any stack. */
static unsigned
recurse(unsigned depth)
{
	volatile char space[1024];

	space[0] = (char)depth;
	if (depth > 0)
		depth += recurse(depth + 1);
	return depth + (unsigned)space[0];
}

static char *volatile hoarded; /* or it would be optimised away */

static void
hoard(double mebibytes)
{
	size_t size = (size_t)mebibytes << 20;

	hoarded = malloc(size);
	if (hoarded != NULL)
		memset(hoarded, 1, size); /* and never given back */
}

static enum ph_status
act(struct ph_call *call)
{
	const char *order = ph_text_of(ph_input(call, "in.value"));
	const char *colon = strchr(order, ':');
	double number = colon != NULL ? strtod(colon + 1, NULL) : 0;
	volatile int *nowhere = (int *)(uintptr_t)(never + 8);

	if (strncmp(order, "sleep", 5) == 0)
		ph_sleep(call, number);
	else if (strncmp(order, "spin", 4) == 0)
		spin(number);
	else if (strncmp(order, "hoard", 5) == 0)
		hoard(number);
	else if (strncmp(order, "segv", 4) == 0)
		*nowhere = 1;
	else if (strncmp(order, "recurse", 7) == 0)
		never = (int)recurse(1);
	else if (strncmp(order, "abort", 5) == 0)
		abort();
	else if (strncmp(order, "lastwords", 9) == 0) {
		(void)fputs("a whole line\nhalf a line", stderr);
		ph_sleep(call, 0.2);
		*nowhere = 1;
	} else if (strncmp(order, "print", 5) == 0) {
		puts("printed by the app");
		(void)fflush(stdout);
	}
	return ph_output(call, "out.children",
	    ph_textf("%s by %ld", order, (long)getpid()));
}

/* Computes for ever, when asked to. */
static enum ph_status
slow_value(struct ph_call *call)
{
	double seconds = ph_number_of(ph_arg(call, 0));

	if (seconds < 0)
		abort();
	ph_sleep(call, seconds);
	return ph_return(call, ph_text("done"));
}

static enum ph_status
remember(struct ph_call *call)
{
	const struct ph_value *value =
	    ph_memo(call, slow_value, ph_input(call, "key.value"));

	if (value == NULL)
		return PH_WAIT;
	return ph_output(call, "memo.children", value);
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(.children = PH_CHILDREN(dcc_input(.id = "in"),
			    dcc_input(.id = "key"), html_div(.id = "out"),
			    html_div(.id = "memo")));
}

/* It loads once when the test has made the file, as for the check, and then
 * not again before the test has removed "FILE.worn". */
static bool
is_worn_out(const char *file)
{
	char worn[4096];

	if (file == NULL ||
	    snprintf(worn, sizeof(worn), "%s.worn", file) >= (int)sizeof(worn))
		return false;
	return rename(file, worn) != 0 && access(worn, F_OK) == 0;
}

PH_APP(app)
{
	const char *broken = getenv("OP_BROKEN");

	/* The test makes this file to break the next start. */
	if (broken != NULL && access(broken, F_OK) == 0)
		abort();
	broken = getenv("OP_STUCK");
	if (broken != NULL && unlink(broken) == 0) /* once */
		(void)pause();
	broken = getenv("OP_DIES");
	if (broken != NULL && access(broken, F_OK) == 0)
		_exit(1);
	if (is_worn_out(getenv("OP_WEARS_OUT")))
		return; /* without a layout: not valid */
	ph_title(app, "Faults");
	ph_layout(app, layout);
	ph_memoize(app, slow_value);
	ph_callback(app, act, PH_OUTPUT("out.children"), PH_INPUT("in.value"),
	    .prevent_initial_call = true);
	ph_callback(app, remember, PH_OUTPUT("memo.children"),
	    PH_INPUT("key.value"), .prevent_initial_call = true);
}
