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

/* How many have chosen it while it was not there. */
static const char *
early_key(const struct ph_value *category)
{
	return ph_text_of(ph_textf("guide.early.%s", ph_text_of(category)));
}

static const char *
early_in_words(long long early)
{
	if (early == 0)
		return "No choice came before it was there.";
	if (early == 1)
		return "1 choice came before it was there.";
	return ph_text_of(
	    ph_textf("%lld choices came before it was there.", early));
}

static const char *
waiting_in_words(long long requests)
{
	if (requests < 1)
		return "somebody waits";
	if (requests == 1)
		return "1 request waits";
	return ph_text_of(ph_textf("%lld requests wait", requests));
}

/* What is true of the value now, in words. */
static const struct ph_value *
in_words(const struct ph_value *state, const char *category, long long early)
{
	const char *word = ph_text_of(ph_member(state, "state"));
	long long worker = ph_int_of(ph_member(state, "worker"));
	double seconds = ph_number_of(ph_member(state, "seconds"));
	const char *waiting =
	    waiting_in_words(ph_int_of(ph_member(state, "requests")));

	if (strcmp(word, "computing") == 0)
		return ph_textf("%s: worker %lld computes, for %.1f s now; %s. "
				"%s",
		    category, worker, seconds, waiting, early_in_words(early));
	if (strcmp(word, "wanted") == 0)
		return ph_textf("%s: wanted, and no thread is free for it "
				"yet, for %.1f s now; %s. %s",
		    category, seconds, waiting, early_in_words(early));
	if (strcmp(word, "ready") == 0)
		return ph_textf("%s: in the cache for %.0f s; worker %lld "
				"computed it in %.2f s. %s Whoever asks now "
				"has a hit.",
		    category, seconds, worker,
		    ph_number_of(ph_member(state, "took")),
		    early_in_words(early));
	if (strcmp(word, "absent") == 0)
		return ph_textf("%s: not computed yet. Whoever asks first has "
				"a miss.",
		    category);
	return ph_textf("%s: %s.", category, word);
}

/*
 * A callback that is memoized takes a thread that computes, so while all of
 * them are busy a choice waits before it has put its row there. What was chosen
 * since the value was last seen there is waited for.
 */
static bool
is_waited_for(struct ph_call *call, const struct ph_value *category,
    bool is_ready, long long early)
{
	const char *key = ph_text_of(
	    ph_textf("guide.seen.%s", ph_text_of(category)));
	long long seen = ph_int_of(ph_cache_get(call, key));

	if (is_ready && seen != early)
		ph_cache_set(call, key, ph_int(early),
		    .timeout = PH_FOREVER);
	return !is_ready && early > seen;
}

static enum ph_status
show_state(struct ph_call *call)
{
	const struct ph_value *category = ph_input(call, "dropdown.value");
	const struct ph_value *state;
	const char *word;
	long long early;
	bool waits;

	if (!is_category(category))
		return ph_output(call, "strip.children",
		    ph_text("No category is chosen."));
	state = ph_memo_state(call, global_store, category);
	word = ph_text_of(ph_member(state, "state"));
	early = ph_int_of(ph_cache_get(call, early_key(category)));
	waits =
	    is_waited_for(call, category, strcmp(word, "ready") == 0, early);
	if (waits && strcmp(word, "absent") == 0)
		return ph_output(call, "strip.children",
		    ph_textf("%s: wanted, and no thread is free for it yet. %s",
			ph_text_of(category), early_in_words(early)));
	return ph_output(call, "strip.children",
	    in_words(state, ph_text_of(category), early));
}

/*
 * Was the value there when it was chosen? Asked together with the callback
 * that wants it, so the server says it and nobody's network does. Who comes
 * too early is counted.
 */
static enum ph_status
judge(struct ph_call *call)
{
	const struct ph_value *category = ph_input(call, "dropdown.value");
	const struct ph_value *state;
	bool there;

	if (!is_category(category))
		return ph_output(call, "judged.data", ph_null());
	state = ph_memo_state(call, global_store, category);
	there = strcmp(ph_text_of(ph_member(state, "state")), "ready") == 0;
	if (!there)
		ph_cache_incr(call, early_key(category), 1, NULL);
	return ph_output(call, "judged.data",
	    PH_OBJECT({ "category", category }, { "there", ph_bool(there) },
		{ "age", ph_member(state, "seconds") }));
}

/* Times are the browser's: from the choice until the two answers came. */
static const char note_choice[] =
    "function(category) {"
    "window.dash_clientside.set_props('" GUIDE_PREFIX "took',"
    "  { children: category + ': asked, waiting ...' });"
    "return performance.now(); }";
static const char note_time[] = "function() { return performance.now(); }";

/*
 * A value younger than the answer of judge() took to come may have been made
 * in front of its eyes, so it was neither there nor missing.
 */
static const char tell[] =
    "function(signalled, judged, signal, verdict, asked) {"
    "if (!signal || !verdict || verdict.category !== signal) return '';"
    "const took = ((signalled - asked) / 1000).toFixed(2) + ' s';"
    "if (!verdict.there)"
    "  return signal + ': a miss. It was not there when you asked, and you '"
    "    + 'waited ' + took + ' for it.';"
    "if (verdict.age * 1000 <= judged - asked)"
    "  return signal + ': it was made in the moment you asked. You had it '"
    "    + 'after ' + took + '.';"
    "return signal + ': a hit. It was there when you asked; there and back '"
    "  + 'took ' + took + '.'; }";

static const struct ph_value *
live(struct ph_call *call)
{
	return html_div(.children = PH_CHILDREN(
	    layout(call),
	    html_div(.className = "strip live", .children = PH_CHILDREN(
		html_p(.id = "strip", .children = ph_text("Looking ...")),
		html_p(.id = "took", .role = "status"))),
	    dcc_store(.id = "asked"), dcc_store(.id = "signalled"),
	    dcc_store(.id = "judged"), dcc_store(.id = "judged-at"),
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
	ph_callback(app, judge, PH_OUTPUT("judged.data"),
	    PH_INPUT("dropdown.value"));
	ph_clientside(app, note_choice, PH_OUTPUT("asked.data"),
	    PH_INPUT("dropdown.value"));
	ph_clientside(app, note_time, PH_OUTPUT("signalled.data"),
	    PH_INPUT("signal.children"));
	ph_clientside(app, note_time, PH_OUTPUT("judged-at.data"),
	    PH_INPUT("judged.data"));
	ph_clientside(app, tell, PH_OUTPUT("took.children"),
	    PH_INPUT("signalled.data"), PH_INPUT("judged-at.data"),
	    PH_STATE("signal.children"), PH_STATE("judged.data"),
	    PH_STATE("asked.data"));
	ph_page(app, "/caching-and-signaling", page,
	    .name = "Caching and signaling",
	    .title = "Example 3: caching and signaling");
}
