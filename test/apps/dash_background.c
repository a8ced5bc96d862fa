/* SPDX-License-Identifier: MIT */

/* Background callbacks: progress, cancel, replacing, a kept result. */
#include <stdlib.h>
#include <unistd.h>

#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

/* Goes on until a file of that name is there, telling every round. */
static enum ph_status
waits(struct ph_call *call)
{
	const char *stop = ph_text_of(ph_input(call, "file.value"));
	int round;

	ph_log(call, "began with %s", stop);
	for (round = 1; access(stop, F_OK) != 0 && round < 2000; round++) {
		if (ph_cancelled(call)) {
			ph_log(call, "cancelled in round %d", round);
			return PH_NO_UPDATE;
		}
		ph_set_progress(call, { "bar.children", ph_textf("%d", round) },
		    { "bar.title", ph_textf("pid %d", (int)getpid()) });
		if (round == 3)
			ph_set_props(call, "side", "title",
			    ph_text("on the way"));
		ph_sleep(call, 0.02);
	}
	ph_set_props(call, "side", "children", ph_text("by the way"));
	return ph_output(call, "out.children",
	    ph_textf("done %d by %d",
		(int)ph_int_of(ph_input(call, "go.n_clicks")), (int)getpid()));
}

/* So many things of the page at once, then nothing for long: asleep by
 * ph_sleep(), or by what the server knows nothing of. */
static enum ph_status
sets_many(struct ph_call *call)
{
	static const struct {
		int count;
		bool elsewhere;
	} ways[] = { { 40, false }, { 3, true }, { 40, true } };
	size_t way = (size_t)ph_int_of(ph_input(call, "many.n_clicks")) % 3;
	int i;

	for (i = 1; i <= ways[way].count; i++)
		ph_set_props(call, "side", i % 2 != 0 ? "title" : "children",
		    ph_int(i));
	if (ways[way].elsewhere)
		(void)sleep(6);
	else
		ph_sleep(call, 6);
	return PH_NO_UPDATE;
}

static enum ph_status
fails(struct ph_call *call)
{
	return ph_fail(call, "the job has no luck");
}

static enum ph_status
changes_nothing(struct ph_call *call)
{
	(void)call;
	return PH_NO_UPDATE;
}

/* The same for everybody. */
static enum ph_status
kept(struct ph_call *call)
{
	ph_log(call, "computing what is kept");
	ph_sleep(call, 0.2);
	return ph_output(call, "kept.children",
	    ph_textf("kept %s", ph_text_of(ph_input(call, "what.value"))));
}

#define ROUNDS 100000

/* Of many rounds, with what each makes given back or kept to the end. */
static enum ph_status
loops(struct ph_call *call)
{
	bool gives_back = ph_int_of(ph_input(call, "loop.n_clicks")) % 2 != 0;
	const struct ph_value *half = ph_null();
	long sum = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		const struct ph_value *list;

		if (gives_back)
			ph_scratch_begin(call);
		list = PH_LIST(ph_textf("round %d", i), ph_int(i));
		sum += (long)ph_int_of(ph_at(list, 1));
		if (i == ROUNDS / 2)
			half = ph_keep(call, list);
		if (i % 1000 == 0)
			ph_set_props(call, "side", "title", ph_at(list, 0));
		if (gives_back)
			ph_scratch_end(call);
	}
	return ph_output(call, "looped.children",
	    ph_textf("%ld, %s", sum, ph_text_of(ph_at(half, 0))));
}

static const struct ph_value *
button(const char *id)
{
	return html_button(.id = id, .children = ph_text(id));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(.children = PH_CHILDREN(button("go"), button("stop"),
			    button("fail"), button("same"), button("keep"),
			    button("many"), html_div(.id = "set_many"),
			    button("loop"), html_div(.id = "looped"),
			    dcc_input(.id = "file", .value = ph_text("")),
			    dcc_input(.id = "what", .value = ph_text("a")),
			    html_div(.id = "bar", .children = ph_text("none")),
			    html_div(.id = "state"), html_div(.id = "side"),
			    html_div(.id = "out"), html_div(.id = "failed"),
			    html_div(.id = "unchanged"),
			    html_div(.id = "kept")));
}

PH_APP(app)
{
	ph_layout(app, layout);
	ph_callback(app, waits, PH_OUTPUT("out.children"),
	    PH_INPUT("go.n_clicks"), PH_STATE("file.value"),
	    .prevent_initial_call = true, .background = true, .interval = 0.1,
	    .progress = PH_PROGRESS({ "bar.children", ph_text("none") },
		{ "bar.title", NULL }),
	    .cancel = PH_TEXTS("stop.n_clicks"),
	    .running = PH_RUNNING(
		PH_WHILE("state.children", ph_text("busy"), ph_text("idle"))));
	ph_callback(app, fails, PH_OUTPUT("failed.children"),
	    PH_INPUT("fail.n_clicks"), .prevent_initial_call = true,
	    .background = true, .interval = 0.05,
	    .cancel = PH_TEXTS("stop.n_clicks"));
	ph_callback(app, sets_many, PH_OUTPUT("set_many.children"),
	    PH_INPUT("many.n_clicks"), .prevent_initial_call = true,
	    .background = true, .interval = 0.5);
	ph_callback(app, loops, PH_OUTPUT("looped.children"),
	    PH_INPUT("loop.n_clicks"), .prevent_initial_call = true,
	    .background = true, .interval = 0.05);
	ph_callback(app, changes_nothing, PH_OUTPUT("unchanged.children"),
	    PH_INPUT("same.n_clicks"), .prevent_initial_call = true,
	    .background = true, .interval = 0.05);
	ph_callback(app, kept, PH_OUTPUT("kept.children"),
	    PH_INPUT("keep.n_clicks"), PH_STATE("what.value"),
	    .prevent_initial_call = true, .background = true, .memoize = true,
	    .interval = 0.05);
}
