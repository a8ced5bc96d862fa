/* SPDX-License-Identifier: MIT */

/*
 * Page "3 Caching": the example caching_and_signaling, and a strip under it
 * that shows what the signal table says about the chosen category.
 */
#define GUIDE_PREFIX "caching-"
#define GUIDE_DEFINE define
#include "docs/guide/example.h"
/* Behind it: what it redefines. */
#include "docs/examples/caching_and_signaling/app.c"

EMBED(guide_caching_prose, "docs/guide/text/caching.md");
EMBED(guide_caching_source, "docs/examples/caching_and_signaling/app.c");

/* What is true of the value now, in words. */
static const struct ph_value *
in_words(const struct ph_value *state, const char *category)
{
	const char *word = ph_text_of(ph_member(state, "state"));
	long long worker = ph_int_of(ph_member(state, "worker"));
	double seconds = ph_number_of(ph_member(state, "seconds"));
	long long waiting = ph_int_of(ph_member(state, "waiting"));

	if (strcmp(word, "computing") == 0)
		return ph_textf("%s: worker %lld computes, for %.1f s now; "
				"somebody waits in %lld %s.",
		    category, worker, seconds, waiting,
		    waiting == 1 ? "worker" : "workers");
	if (strcmp(word, "ready") == 0)
		return ph_textf("%s: in the cache for %.0f s; worker %lld "
				"computed it in %.2f s. Whoever asks now has "
				"a hit.",
		    category, seconds, worker,
		    ph_number_of(ph_member(state, "took")));
	if (strcmp(word, "absent") == 0)
		return ph_textf("%s: not computed yet. Whoever asks first has "
				"a miss.",
		    category);
	return ph_textf("%s: %s.", category, word);
}

static enum ph_status
show_state(struct ph_call *call)
{
	const struct ph_value *category = ph_input(call, "dropdown.value");

	if (!is_category(category))
		return ph_output(call, "strip.children",
		    ph_text("No category is chosen."));
	return ph_output(call, "strip.children",
	    in_words(ph_memo_state(call, global_store, category),
		ph_text_of(category)));
}

/* From the choice to the signal, as the visitor had it. */
static const char note_time[] = "function() { return performance.now(); }";
static const char measure[] =
    "function(signal, asked) {"
    "if (!signal || !asked) return 'Waiting ...';"
    "const ms = performance.now() - asked;"
    "return 'For you it took ' + (ms / 1000).toFixed(2) + ' s: ' +"
    "  (ms < 400 ? 'a hit.' : 'you waited for a computation.'); }";

static const struct ph_value *
live(struct ph_call *call)
{
	return html_div(.children = PH_CHILDREN(
	    layout(call),
	    html_div(.className = "strip live", .children = PH_CHILDREN(
		html_p(.id = "strip", .children = ph_text("Looking ...")),
		html_p(.id = "took", .role = "status"))),
	    dcc_store(.id = "asked"),
	    dcc_interval(.id = "tick", .interval = ph_int(1000))));
}

static const struct ph_value *
page(struct ph_call *call)
{
	const struct guide_page page = { .path = "/caching-and-signaling",
		.prose = guide_caching_prose,
		.live = live(call),
		.source_name = "docs/examples/caching_and_signaling/app.c",
		.source = guide_caching_source };

	return guide_frame(call, &page);
}

void
guide_caching(struct ph_app *app)
{
	define(app);
	ph_callback(app, show_state, PH_OUTPUT("strip.children"),
	    PH_INPUT("tick.n_intervals"), PH_INPUT("dropdown.value"));
	ph_clientside(app, note_time, PH_OUTPUT("asked.data"),
	    PH_INPUT("dropdown.value"));
	ph_clientside(app, measure, PH_OUTPUT("took.children"),
	    PH_INPUT("signal.children"), PH_STATE("asked.data"));
	ph_page(app, "/caching-and-signaling", page,
	    .name = "Caching and signaling",
	    .title = "Example 3: caching and signaling");
}
