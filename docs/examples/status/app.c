/* SPDX-License-Identifier: MIT */

/*
 * The status page of the server, served by its admin process at /_ph/status/.
 *
 * It has no data of its own: every two seconds a function in the browser reads
 * the metrics and /_ph/status.json, which the same process serves. The plots'
 * past comes from the server, too: all of it once, then what is newer, so it
 * survives a reload of the page and is there for who comes late. The server
 * does no more for a hundred viewers than answer a hundred scrapes, and
 * nothing of it can block a worker.
 *
 * Headings, tables and plots are made once, by layout(); what changes are
 * numbers and rows inside them. So the focus and the place where somebody has
 * scrolled to stay, and a screen reader keeps its place.
 *
 * Served as an app of its own, on the address of everybody, it says how to get
 * to the figures.
 */
#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

/* The rows of a table, or why there are none. */
#define ROWS                                                                   \
    "const h = (type, props, children) => ({ namespace:"                       \
    "  'dash_html_components', type, props: { ...props, children } });"        \
    "const body = (columns, list, none) => list.length ? list.map((cells) =>"  \
    "  h('Tr', {}, cells.map((x, i) => i ? h('Td', {}, String(x)) : h('Th',"   \
    "  { scope: 'row' }, String(x))))) : [h('Tr', {}, h('Td', { colSpan:"      \
    "  columns }, none))];"

/* As an app of its own it has nobody to ask, and does not try: it says where
 * the figures are, and the interval ends. */
#define ALONE                                                                  \
    "const { requests_pathname_prefix: here } = JSON.parse("                   \
    "  document.getElementById('_dash-config').textContent);"                  \
    "if (!here.endsWith('/_ph/status/')) {"                                    \
    "  const none = 'No figures on this address: see the top of the page.';"   \
    "  const code = (text) => h('Code', {}, text);"                            \
    "  const how = ['The server tells how it is on its admin address alone,'"  \
    "    + ' and this page, served as an app of its own, has no figures.'"     \
    "    + ' Start any app with ', code('--metrics-bind 127.0.0.1:9100'),"     \
    "    ' (or ', code('metrics_bind = \"127.0.0.1:9100\"'), ' in its'"        \
    "    + ' configuration) and open ',"                                       \
    "    code('http://127.0.0.1:9100/_ph/status/'), '.'];"                     \
    "  return ['', how, true, ...Array(12).fill('\\u2013'),"                   \
    "    ...[6, 5, 9, 2, 4, 4, 2, 2].map((columns) => body(columns, [], none)),"\
    "    ...Array(4).fill(none), ...Array(4).fill(SAME)]; }"

/* Ask, and keep the rows of the last fifteen minutes. */
#define ASK                                                                    \
    "const KEEP = 450;"                                                        \
    "window.phStatus ||= { rows: [], shown: [], turn: 0, asking: 0 };"         \
    "const state = window.phStatus;"                                           \
    "const turn = ++state.turn;"                                               \
    "const late = state.asking++ > 0;"                                         \
    "const ask = async (url) => {"                                             \
    "  const answer = await fetch(url, { cache: 'no-store' });"                \
    "  if (!answer.ok) throw Error(answer.statusText || answer.status);"       \
    "  return answer.text(); };"                                               \
    "let text, more;"                                                          \
    "try {"                                                                    \
    "  [text, more] = await Promise.all([ask('/_ph/metrics'),"                 \
    "    ask('/_ph/status.json?since=' + (state.rows.at(-1)?.time ?? 0))]);"   \
    "  more = JSON.parse(more);"                                               \
    "} catch (why) {" /* what is shown stays */                                \
    "  return ['The server does not say how it is: ' + why.message +"          \
    "    '. What is below is old.', ...Array(OUTPUTS - 1).fill(SAME)];"        \
    "} finally { state.asking--; }"                                            \
    "const { signals, sessions } = more;"                                      \
    "const now = new Map();"                                                   \
    "for (const line of text.split('\\n')) {"                                  \
    "  const at = line.lastIndexOf(' ');"                                      \
    "  if (line[0] !== '#' && at > 0)"                                         \
    "    now.set(line.slice(10, at), Number(line.slice(at + 1)));"             \
    "}"                                                                        \
    "const bound = (us) => us === 'inf' ? Infinity : us && us / 1000;"         \
    "const fresh = more.history.rows.map(([time, span, answers, p50, p99, hits,"\
    "  misses, evicted, bytes]) => ({ time, rate: 1000 * answers / span,"      \
    "  p50: bound(p50), p99: bound(p99), hit: hits + misses > 0"               \
    "  ? 100 * hits / (hits + misses) : null, size: bytes / 1048576,"          \
    "  evicted }));"                                                           \
    "if (fresh.length)"                                                        \
    "  state.rows = state.rows.filter(({ time }) => time < fresh[0].time)"     \
    "    .concat(fresh).slice(-KEEP);"                                         \
    "const rows = state.rows;"                                                 \
    "const last = rows.at(-1);"

/* How numbers are written. */
#define WORDS                                                                  \
    "const get = (name) => now.get(name) ?? 0;"                                \
    "const labels = (start) => [...now.keys()].filter((name) =>"               \
    "  name.startsWith(start)).map((name) => name.match(/\"(.*?)\"/)[1]);"     \
    "const bucketsOf = (prefix) => [...now.entries()].filter(([name]) =>"      \
    "  name.startsWith(prefix)).map(([name, value]) => [1000 * Number("        \
    "  name.match(/le=\"(.*?)\"/)[1].replace('+Inf', 'Infinity')), value])"    \
    "  .sort((a, b) => a[0] - b[0]);"                                          \
    "const LONGEST = bucketsOf('request_duration_seconds_bucket')"             \
    "  .at(-2)?.[0] ?? 10000;" /* ms; the next one has no bound */             \
    "const percentile = (part, prefix) => {" /* ms, since the start */         \
    "  const buckets = bucketsOf(prefix);"                                     \
    "  const all = buckets.at(-1)?.[1] ?? 0;"                                  \
    "  return all > 0 ? buckets.find(([, value]) => value >= part * all)[0]"   \
    "    : null; };"                                                           \
    "const ms = (x) => x === null || x === undefined ? 'none'"                 \
    "  : x === Infinity ? '> ' + LONGEST / 1000 + ' s'"                        \
    "  : x < 1000 ? '\\u2264 ' + x + ' ms' : '\\u2264 ' + x / 1000 + ' s';"    \
    "const mb = (x) => ((x ?? 0) / 1048576).toFixed(1) + ' MB';"               \
    "const s = (x) => (x ?? 0) < 120 ? (x ?? 0).toFixed(1) + ' s'"             \
    "  : x < 7200 ? Math.round(x / 60) + ' min'"                               \
    "  : Math.round(x / 3600) + ' h';"                                         \
    "const many = (count, what) => count + ' ' + what +"                       \
    "  (count === 1 ? '' : 's');"                                              \
    "const percent = (x) => x === null || x === undefined ? 'none asked'"      \
    "  : x.toFixed(1) + ' %';"

/* The numbers of `tiles`, in its order. */
#define TILES                                                                  \
    "const tiles = [['starting', 'serving', 'draining', 'stopping']"           \
    "  [get('state')],"                                                        \
    "  get('workers_ready') + ' of ' + get('workers_wanted'),"                 \
    "  (last?.rate ?? 0).toFixed(1), ms(last?.p50), ms(last?.p99),"            \
    "  percent(last?.hit), get('threads_computing') + ' of ' +"                \
    "  get('threads'), get('queue_depth'), get('parked_requests'),"            \
    "  get('parked_keys'), get('connections'), s(get('up_seconds'))]"          \
    "  .map(String);"

/* The rows of `tables`, in its order. */
#define TABLES                                                                 \
    "const live = signals.filter(({ state }) => state === 'wanted' ||"         \
    "  state === 'computing');"                                                \
    "const waiting = ({ waiters, requests, more }) => requests > 0"            \
    "  ? (more ? 'at least ' : '') + many(requests, 'request')"                \
    "  : waiters > 0 ? many(waiters, 'worker') : 'nobody';"                    \
    "const name = (row) => row.function + ' ' + row.key.slice(0, 6);"          \
    "const flights = body(6, live.map((row) => [name(row), row.state,"         \
    "  s(row.age), row.state === 'computing' && row.progress > 0"              \
    "  ? (100 * row.progress).toFixed(0) + ' %' : '\\u2013',"                  \
    "  row.pid || '\\u2013', waiting(row)]), 'Nothing now: a value stands here"\
    " from when it is asked for until it is computed.');"                      \
    "const latest = body(5, signals.filter((row) => !live.includes(row))"      \
    "  .slice(0, 8).map((row) => [name(row), row.state, s(row.age),"           \
    "  row.computations, row.error]), 'Nothing yet: no memoized value has"     \
    " been computed.');"                                                       \
    "const workers = body(9, more.workers.map((row) => [row.slot, row.pid,"    \
    "  row.state, row.busy_threads + ' of ' + row.threads, mb(row.memory),"    \
    "  row.restarts, row.connections, row.queued, row.waiting]),"              \
    "  'None has started yet.');"                                              \
    "const ends = body(2, labels('worker_ends_total{').map((why) => [why,"     \
    "  get(`worker_ends_total{reason=\"${why}\"}`)]), 'None has ended.');"     \
    "const series = (base, label, none) => body(4, labels(base +"              \
    "  '_duration_seconds_count{').map((name) => {"                            \
    "  const which = `{${label}=\"${name}\"`;"                                 \
    "  return [name, get(`${base}_duration_seconds_count${which}}`),"          \
    "    ms(percentile(0.99, `${base}_duration_seconds_bucket${which}`)),"     \
    "    get(`${base}_errors_total${which}}`)]; }), none);"                    \
    "const cache = body(2, ["                                                  \
    "  ['Values', get('cache_entries')], ['Bytes', mb(get('cache_bytes'))],"   \
    "  ['File', mb(get('cache_file_bytes'))],"                                 \
    "  ['Write-ahead log', mb(get('cache_wal_bytes'))],"                       \
    "  ['Evicted', get('cache_evictions_total')],"                             \
    "  ['Expired', get('cache_expirations_total')],"                           \
    "  ['Taken over', get('cache_takeovers_total')],"                          \
    "  ['Failures', get('cache_errors_total')]]);"                             \
    "const visits = body(2, ["                                                 \
    "  ['Live', sessions.count ?? 0], ['Oldest', s(sessions.oldest)],"         \
    "  ['Entries', sessions.entries ?? 0], ['Bytes', mb(sessions.bytes)]]);"   \
    "const tables = [flights, latest, workers, ends,"                          \
    "  series('callback', 'callback', 'None has answered yet: no page has"     \
    " been used since the server started.'),"                                  \
    "  series('computation', 'function', 'None has computed a value since"     \
    " the server started.'), cache, visits];"

/* The figures of `plots`, in its order, and a line of text for each. Times
 * are those of the browser, and the axis says which zone that is. */
#define PLOTS                                                                  \
    "const style = getComputedStyle(document.body);"                           \
    "const line = style.getPropertyValue('--ph-line') || '#888';"              \
    "const axis = { gridcolor: line, zerolinecolor: line };"                   \
    "const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ||"         \
    "  'local time';"                                                          \
    "const x = rows.map(({ time }) => new Date(time - 60000 *"                 \
    "  new Date(time).getTimezoneOffset()).toISOString().slice(0, -1));"       \
    "const drawn = (value) => value === Infinity ? 1.2 * LONGEST : value;"     \
    "const plot = (lines, word) => ({ data: lines.map(([name, key, yaxis]) =>"  \
    "  ({ yaxis, type: 'scatter', mode: 'lines+markers', marker: {"            \
    "  size: 5 }, name, x, y: rows.map((row) => drawn(row[key])),"             \
    "  text: rows.map((row) =>"                                                \
    "  word(row[key])), hovertemplate: '%{text}<br>%{x|%X}' })), layout: {"    \
    "  height: 260, uirevision: 'same', paper_bgcolor: 'rgba(0,0,0,0)',"       \
    "  plot_bgcolor: 'rgba(0,0,0,0)', font: { color: style.color }, margin: {" \
    "  l: 50, r: 10, t: 30, b: 70 }, xaxis: { ...axis, type: 'date', nticks: 5,"\
    "  tickformat: '%H:%M:%S', title: { text: 'Time (' + zone + ')' } },"      \
    "  yaxis: { ...axis, rangemode: 'tozero' }, showlegend: lines.length > 1," \
    "  legend: { orientation: 'h', x: 0, y: 1.02, yanchor: 'bottom' } } });"   \
    "const fixed = (x) => (x ?? 0).toFixed(1);"                                \
    "const size = plot([['MB, left', 'size'], ['evicted, right', 'evicted',"   \
    "  'y2']], fixed);"                                                        \
    "size.layout.margin.r = 40;"                                               \
    "size.layout.xaxis.nticks = 4;"                                            \
    "size.layout.yaxis2 = { rangemode: 'tozero', showgrid: false, zeroline:"   \
    "  false, overlaying: 'y', side: 'right' };"                               \
    "const known = (key) => rows.map((row) => row[key]).filter((x) =>"         \
    "  x !== null);"                                                           \
    "const notes = ['Now ' + fixed(last?.rate) + ', at most ' +"               \
    "  fixed(Math.max(0, ...known('rate'))) + '.',"                            \
    "  !known('p99').length ? 'No answers in this time.' : (last.p99 === null" \
    "  ? 'No answers now' : '99 % now ' + ms(last.p99)) + ', at worst ' +"     \
    "  ms(Math.max(...known('p99'))) + '.',"                                   \
    "  !known('hit').length ? 'Nothing was looked up in this time.' :"         \
    "  (last.hit === null ? 'Nothing is looked up now' : 'Now ' +"             \
    "  percent(last.hit)) + ', at worst ' + percent(Math.min("                 \
    "  ...known('hit'))) + '.',"                                               \
    "  'Now ' + fixed(last?.size) + ' MB, ' + rows.reduce((sum, row) => sum +" \
    "  row.evicted, 0) + ' evicted in ' + s(rows.length ? (last.time -"        \
    "  rows[0].time) / 1000 + 2 : 0) + '.'];"                                  \
    "const figures = [plot([['requests', 'rate']], fixed),"                    \
    "  plot([['50 %', 'p50'], ['99 %', 'p99']], ms),"                          \
    "  plot([['hits', 'hit']], percent),"                                      \
    "  size];"

/* What is as it was is left alone; but of answers that have overtaken each
 * other the page may drop one, so then everything is given, and once more. */
static const char refresh[] =
    "async function(n) {"
    "const SAME = window.dash_clientside.no_update;"
    "const OUTPUTS = 31;"
    ROWS ALONE ASK WORDS TILES TABLES PLOTS
    "const error = more.cache_error ? 'The cache cannot be read: ' +"
    "  more.cache_error + '.' : '';"
    "const parts = [...tiles, ...tables, ...notes];"
    "const shown = parts.map((part) => JSON.stringify(part));"
    "const mixed = late || turn !== state.turn;"
    "const old = mixed ? [] : state.shown;"
    "state.shown = mixed ? [] : shown;"
    "return [error, SAME, SAME, ...parts.map((part, i) => shown[i] === old[i]"
    "  ? SAME : part), ...figures];"
    "}";

static const char *const tiles[][2] = {
	{ "state", "State" },
	{ "ready", "Workers ready" },
	{ "requests", "Requests per second" },
	{ "p50", "Half of them within" },
	{ "p99", "99 % within" },
	{ "hit-ratio", "Cache hits" },
	{ "busy", "Threads busy" },
	{ "queued", "Tasks waiting" },
	{ "waiting", "Requests waiting" },
	{ "parked", "Values waited for" },
	{ "connections", "Connections" },
	{ "up", "Up" },
};

#define COLUMNS_MAX 10

static const struct {
	const char *id;
	const char *caption;
	const char *columns[COLUMNS_MAX];
} tables[] = {
	{ "flights", "Signal table: what is wanted or computed",
	    { "Function", "State", "For", "Progress", "Pid", "Waiting" } },
	{ "latest", "Signal table: what came last",
	    { "Function", "State", "Ago", "Computed", "Error" } },
	{ "workers", "Workers",
	    { "Slot", "Pid", "State", "Threads busy", "Memory", "Restarts",
		"Connections", "Tasks waiting", "Requests waiting" } },
	{ "ends", "Workers that have ended", { "Why", "How many" } },
	{ "callbacks", "Callbacks",
	    { "Callback", "Answers", "99 % within", "Failed" } },
	{ "functions", "Memoized functions",
	    { "Function", "Computed", "99 % within", "Failed" } },
	{ "cache", "Cache", { "What", "Now" } },
	{ "sessions", "Browser sessions", { "What", "Now" } },
};

static const char *const plots[][2] = {
	{ "rate", "Requests per second" },
	{ "latency", "Latency, ms" },
	{ "hits", "Cache hits, %" },
	{ "size", "Cache, MB and evictions" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct ph_value *
all_tiles(void)
{
	const struct ph_value *list[COUNT(tiles)];
	size_t i;

	for (i = 0; i < COUNT(tiles); i++)
		list[i] = html_div(.className = "tile", .children = PH_CHILDREN(
		    html_dt(.children = ph_text(tiles[i][1])),
		    html_dd(.id = tiles[i][0])));
	return html_section(
	    .more = PH_JSON({ "aria-label": "Figures of the last two seconds" }),
	    .children = html_dl(.className = "tiles",
		.children = ph_list(list, COUNT(tiles))));
}

/* A plot for who sees it, a line of text for everybody. */
static const struct ph_value *
one_plot(size_t i)
{
	const char *id = plots[i][0];
	const char *name = ph_format("%s-name", id);
	const char *note = ph_format("%s-note", id);

	return html_section(
	    .more = PH_OBJECT({ "aria-labelledby", ph_text(name) }),
	    .children = PH_CHILDREN(
		html_h2(.id = name, .children = ph_text(plots[i][1])),
		html_p(.id = note),
		html_div(.role = "img", .more = PH_OBJECT(
			{ "aria-label", ph_textf("%s: the last 15 minutes",
			    plots[i][1]) },
			{ "aria-describedby", ph_text(note) }),
		    .children = dcc_graph(.id = id,
			.config = PH_JSON({ "displayModeBar": false })))));
}

/* It scrolls by itself when it is wider than the window. */
static const struct ph_value *
one_table(size_t i)
{
	const struct ph_value *head[COLUMNS_MAX];
	size_t count = 0;

	for (; tables[i].columns[count] != NULL; count++)
		head[count] = html_th(.scope = "col",
		    .children = ph_text(tables[i].columns[count]));
	return html_div(.className = "wide", .tabIndex = ph_int(0),
	    .role = "region",
	    .more = PH_OBJECT({ "aria-label", ph_text(tables[i].caption) }),
	    .children = html_table(.children = PH_CHILDREN(
		html_caption(.children = ph_text(tables[i].caption)),
		html_thead(.children = html_tr(
		    .children = ph_list(head, count))),
		html_tbody(.id = tables[i].id))));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	const struct ph_value *graphs[COUNT(plots)];
	const struct ph_value *rows[COUNT(tables)];
	size_t i;

	(void)call;
	for (i = 0; i < COUNT(plots); i++)
		graphs[i] = one_plot(i);
	for (i = 0; i < COUNT(tables); i++)
		rows[i] = one_table(i);
	return html_main(.className = "container live", .children = PH_CHILDREN(
	    html_h1(.children = ph_text("Server status")),
	    html_p(.id = "error", .role = "alert"),
	    html_p(.id = "where"),
	    all_tiles(), html_div(.children = ph_list(graphs, COUNT(plots))),
	    html_div(.children = ph_list(rows, COUNT(tables))),
	    dcc_interval(.id = "tick", .interval = ph_int(2000))));
}

PH_APP(app)
{
	ph_title(app, "Server status");
	ph_options(app, .keep_title = true);
	ph_layout(app, layout);
	ph_clientside(app, refresh, PH_OUTPUT("error.children"),
	    PH_OUTPUT("where.children"), PH_OUTPUT("tick.disabled"),
	    PH_OUTPUT("state.children"), PH_OUTPUT("ready.children"),
	    PH_OUTPUT("requests.children"), PH_OUTPUT("p50.children"),
	    PH_OUTPUT("p99.children"), PH_OUTPUT("hit-ratio.children"),
	    PH_OUTPUT("busy.children"), PH_OUTPUT("queued.children"),
	    PH_OUTPUT("waiting.children"), PH_OUTPUT("parked.children"),
	    PH_OUTPUT("connections.children"), PH_OUTPUT("up.children"),
	    PH_OUTPUT("flights.children"), PH_OUTPUT("latest.children"),
	    PH_OUTPUT("workers.children"), PH_OUTPUT("ends.children"),
	    PH_OUTPUT("callbacks.children"), PH_OUTPUT("functions.children"),
	    PH_OUTPUT("cache.children"), PH_OUTPUT("sessions.children"),
	    PH_OUTPUT("rate-note.children"), PH_OUTPUT("latency-note.children"),
	    PH_OUTPUT("hits-note.children"), PH_OUTPUT("size-note.children"),
	    PH_OUTPUT("rate.figure"), PH_OUTPUT("latency.figure"),
	    PH_OUTPUT("hits.figure"), PH_OUTPUT("size.figure"),
	    PH_INPUT("tick.n_intervals"));
}
