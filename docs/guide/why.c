/* SPDX-License-Identifier: MIT */

/*
 * Page "Why share state": one counter done wrong, one done right.
 *
 * The one in `count` below is what no app should have. It is atomic, so that
 * threads do not even lose a step; that does not help: each process has one.
 */
#include <stdatomic.h>
#include <unistd.h>

#include "docs/guide/guide.h"

EMBED(guide_why_prose, "docs/guide/text/why.md");
EMBED(guide_why_source, "docs/guide/why.c");

#define COUNTER "guide.why"

static atomic_int count; /* wrong: see above */

/* Both counters by one, with the process that did it. */
static enum ph_status
count_both(struct ph_call *call, const char *wrong, const char *right)
{
	int64_t shared = 0;

	if (!ph_cache_incr(call, COUNTER, 1, &shared))
		return ph_fail(call, "the cache does not count");
	ph_sleep(call, 0.1); /* so that one worker does not do all six */
	ph_output(call, wrong,
	    ph_textf("worker %ld: %d", (long)getpid(),
		atomic_fetch_add(&count, 1) + 1));
	return ph_output(call, right,
	    ph_textf("worker %ld: %lld", (long)getpid(), (long long)shared));
}

/* Six callbacks, so that the browser asks six times at once. */
#define CELLS(cell) cell(1) cell(2) cell(3) cell(4) cell(5) cell(6)

#define FUNCTION(n)                                                  \
	static enum ph_status count_##n(struct ph_call *call)        \
	{                                                            \
		return count_both(call, "why-wrong-" #n ".children", \
		    "why-right-" #n ".children");                    \
	}
CELLS(FUNCTION)

#define CALLBACK(n)                                                         \
	ph_callback(app, count_##n, PH_OUTPUT("why-wrong-" #n ".children"), \
	    PH_OUTPUT("why-right-" #n ".children"),                         \
	    PH_INPUT("why-count.n_clicks"), .prevent_initial_call = true);

/* What the numbers say, when all six are there. */
static const char verdict[] =
    "function(...cells) {"
    "const seen = cells.filter((x) => x && x.startsWith('w'));"
    "if (seen.length < 12) return 'Not counted yet.';"
    "const workers = new Set(seen.map((x) => x.split(':')[0])).size;"
    "const numbers = (list) => new Set(list.map((x) => x.split(': ')[1])).size;"
    "return workers + (workers > 1 ? ' workers' : ' worker')"
    "  + ' answered; the static gave ' + numbers(seen.slice(0, 6))"
    "  + ' different numbers for six counts, the cache '"
    "  + numbers(seen.slice(6)) + '.'; }";

#define ROW(n)                                                               \
	html_tr(.children = PH_CHILDREN(                                     \
	    html_th(.scope = "row", .children = ph_text(#n)),                \
	    html_td(.id = "why-wrong-" #n, .children = ph_text("none yet")), \
	    html_td(.id = "why-right-" #n, .children = ph_text("none yet")))),

static const struct ph_value *
live(void)
{
	return html_div(.children = PH_CHILDREN(
	    html_button(.id = "why-count",
		.children = ph_text("Count six times")),
	    html_table(.className = "why", .children = PH_CHILDREN(
		html_thead(.children = html_tr(.children = PH_CHILDREN(
		    html_th(.scope = "col", .children = ph_text("Callback")),
		    html_th(.scope = "col", .children = ph_text("C static")),
		    html_th(.scope = "col", .children = ph_text("Cache"))))),
		html_tbody(.children = PH_CHILDREN(CELLS(ROW) ph_null())))),
	    html_p(.id = "why-verdict", .role = "status")));
}

static const struct ph_value *
page(struct ph_call *call)
{
	const struct guide_page page = { .path = "/",
		.prose = guide_why_prose,
		.live = live(),
		.source_name = "docs/guide/why.c",
		.source = guide_why_source };

	return guide_frame(call, &page);
}

void
guide_why(struct ph_app *app)
{
	ph_page(app, "/", page, .name = "Why share state",
	    .title = "Sharing state between callbacks");
	CELLS(CALLBACK)
	ph_clientside(app, verdict, PH_OUTPUT("why-verdict.children"),
	    PH_INPUT("why-wrong-1.children"), PH_INPUT("why-wrong-2.children"),
	    PH_INPUT("why-wrong-3.children"), PH_INPUT("why-wrong-4.children"),
	    PH_INPUT("why-wrong-5.children"), PH_INPUT("why-wrong-6.children"),
	    PH_INPUT("why-right-1.children"), PH_INPUT("why-right-2.children"),
	    PH_INPUT("why-right-3.children"), PH_INPUT("why-right-4.children"),
	    PH_INPUT("why-right-5.children"), PH_INPUT("why-right-6.children"));
}
