/* SPDX-License-Identifier: MIT */

/*
 * Callbacks that fail in every way there is, for development mode and for
 * what visitors of a server in production may see of it.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>
#include <pronghorn/pages.h>

static volatile int never;

static enum ph_status
returns_error(struct ph_call *call)
{
	if (ph_int_of(ph_input(call, "fail.n_clicks")) > 0)
		return ph_fail(call, "no <b>luck</b> & no gain");
	return PH_NO_UPDATE;
}

static enum ph_status
crashes(struct ph_call *call)
{
	if (ph_int_of(ph_input(call, "crash.n_clicks")) > 0)
		*(volatile int *)(uintptr_t)(never + 8) = 1;
	return PH_NO_UPDATE;
}

static enum ph_status
is_late(struct ph_call *call)
{
	if (ph_int_of(ph_input(call, "late.n_clicks")) > 0)
		ph_sleep(call, 4);
	return PH_NO_UPDATE;
}

static enum ph_status
lacks_file(struct ph_call *call)
{
	const char *path = "nowhere.csv";
	FILE *file;

	if (ph_int_of(ph_input(call, "file.n_clicks")) == 0)
		return PH_NO_UPDATE;
	file = fopen(path, "r");
	if (file == NULL)
		return ph_fail(call, "cannot open %s: %s", path,
		    strerror(errno));
	(void)fclose(file);
	return PH_NO_UPDATE;
}

static enum ph_status
cannot_be_remembered(struct ph_call *call)
{
	if (ph_int_of(ph_input(call, "memo.n_clicks")) > 0)
		return ph_fail(call, "not even once");
	return PH_NO_UPDATE;
}

static enum ph_status
works(struct ph_call *call)
{
	return ph_output(call, "out.children",
	    ph_textf("worked %d",
		(int)ph_int_of(ph_input(call, "work.n_clicks"))));
}

static enum ph_status
takes_text(struct ph_call *call)
{
	return ph_output(call, "o5.children", ph_input(call, "text.value"));
}

/* Latin-1, where UTF-8 is meant. */
static enum ph_status
writes_latin(struct ph_call *call)
{
	if (ph_int_of(ph_input(call, "latin.n_clicks")) > 0)
		return ph_output(call, "o6.children", ph_text("caf\xe9"));
	return PH_NO_UPDATE;
}

static enum ph_status
job_fails(struct ph_call *call)
{
	return ph_fail(call, "not in the background");
}

static enum ph_status
job_crashes(struct ph_call *call)
{
	(void)call;
	*(volatile int *)(uintptr_t)(never + 8) = 1;
	return PH_NO_UPDATE;
}

static enum ph_status
deep(struct ph_call *call)
{
	if (ph_int_of(ph_arg(call, 0)) > 0)
		*(volatile int *)(uintptr_t)(never + 8) = 1;
	return ph_return(call, ph_int(0));
}

static enum ph_status
asks_deep(struct ph_call *call)
{
	if (ph_int_of(ph_input(call, "deep.n_clicks")) == 0)
		return PH_NO_UPDATE;
	return ph_memo(call, deep, ph_input(call, "deep.n_clicks")) != NULL
		   ? PH_NO_UPDATE
		   : PH_WAIT;
}

static enum ph_status
is_endless(struct ph_call *call)
{
	if (ph_int_of(ph_input(call, "endless.n_clicks")) == 0)
		return PH_NO_UPDATE;
	while (never == 0)
		continue;
	return PH_NO_UPDATE;
}

static const struct ph_value *
page_home(struct ph_call *call)
{
	(void)call;
	return ph_text("home");
}

static const struct ph_value *
page_fails(struct ph_call *call)
{
	if (ph_query_arg(call, "now")[0] == '\0')
		return ph_text("not now");
	(void)ph_fail(call, "no such luck");
	return NULL;
}

static const struct ph_value *
page_crashes(struct ph_call *call)
{
	if (ph_query_arg(call, "now")[0] == '\0')
		return ph_text("not now");
	*(volatile int *)(uintptr_t)(never + 8) = 1;
	return NULL;
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(
		.children = PH_CHILDREN(
		    html_button(.id = "fail", .children = ph_text("fail")),
		    html_button(.id = "crash", .children = ph_text("crash")),
		    html_button(.id = "late", .children = ph_text("late")),
		    html_button(.id = "file", .children = ph_text("file")),
		    html_button(.id = "memo", .children = ph_text("memo")),
		    html_button(.id = "work", .children = ph_text("work")),
		    html_button(.id = "latin", .children = ph_text("latin")),
		    html_button(.id = "job", .children = ph_text("job")),
		    html_button(.id = "died", .children = ph_text("died")),
		    html_button(.id = "deep", .children = ph_text("deep")),
		    html_button(.id = "endless",
			.children = ph_text("endless")),
		    dcc_link(.href = "/broken?now=1", .id = "broken",
			.children = ph_text("broken")),
		    dcc_link(.href = "/crash?now=1", .id = "crash-page",
			.children = ph_text("crash page")),
		    ph_page_container(), html_div(.id = "o7"),
		    html_div(.id = "o8"), html_div(.id = "o9"),
		    html_div(.id = "o10"), html_div(.id = "o6"),
		    html_div(.id = "out"), html_div(.id = "o1"),
		    html_div(.id = "o2"), html_div(.id = "o3"),
		    html_div(.id = "o4"), html_div(.id = "o5"),
		    dcc_input(.id = "text", .value = ph_text(""))));
}

PH_APP(app)
{
	ph_layout(app, layout);
	ph_callback(app, returns_error, PH_OUTPUT("o1.children"),
	    PH_INPUT("fail.n_clicks"));
	ph_callback(app, crashes, PH_OUTPUT("o2.children"),
	    PH_INPUT("crash.n_clicks"));
	ph_callback(app, is_late, PH_OUTPUT("o3.children"),
	    PH_INPUT("late.n_clicks"));
	ph_callback(app, lacks_file, PH_OUTPUT("out.title"),
	    PH_INPUT("file.n_clicks"));
	ph_callback(app, cannot_be_remembered, PH_OUTPUT("o4.children"),
	    PH_INPUT("memo.n_clicks"), .memoize = true);
	ph_callback(app, takes_text, PH_OUTPUT("o5.children"),
	    PH_INPUT("text.value"));
	ph_callback(app, writes_latin, PH_OUTPUT("o6.children"),
	    PH_INPUT("latin.n_clicks"));
	ph_callback(app, works, PH_OUTPUT("out.children"),
	    PH_INPUT("work.n_clicks"));
	ph_callback(app, job_fails, PH_OUTPUT("o7.children"),
	    PH_INPUT("job.n_clicks"), .background = true, .interval = 0.2,
	    .prevent_initial_call = true);
	ph_callback(app, job_crashes, PH_OUTPUT("o8.children"),
	    PH_INPUT("died.n_clicks"), .background = true, .interval = 0.2,
	    .prevent_initial_call = true);
	ph_memoize(app, deep, .timeout = 60);
	ph_callback(app, asks_deep, PH_OUTPUT("o9.children"),
	    PH_INPUT("deep.n_clicks"));
	ph_callback(app, is_endless, PH_OUTPUT("o10.children"),
	    PH_INPUT("endless.n_clicks"));
	ph_page(app, "/", page_home);
	ph_page(app, "/broken", page_fails);
	ph_page(app, "/crash", page_crashes);
}
