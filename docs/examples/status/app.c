/* SPDX-License-Identifier: MIT */

/*
 * The status page of the server, served by its admin process at /_ph/status/.
 *
 * It has no data of its own and needs none: every two seconds a function in the
 * browser reads the metrics and the state of the cache that the same process
 * serves, keeps those of the last fifteen minutes in the page, and shows rates,
 * latencies, workers, callbacks, the signal table, sessions and the cache. So
 * the server does no more for a hundred viewers than answer a hundred scrapes,
 * and nothing of it can block a worker.
 */
#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

static const char refresh[] =
    "async function(n) {"
    "const KEEP = 450;" /* fifteen minutes of one every two seconds */
    "const h = (type, props, children) => ({ namespace:"
    "  'dash_html_components', type, props: { ...props, children } });"
    "const [answer, more] = await Promise.all(['/_ph/metrics',"
    "  '/_ph/status.json'].map((url) => fetch(url, { cache: 'no-store' })"
    "    .catch((why) => ({ ok: false, statusText: why.message }))));"
    "if (!answer.ok)" /* what is shown stays */
    "  return ['The server does not say how it is: ' + (answer.statusText ||"
    "    answer.status) + '. What is below is old.', ...Array(6).fill("
    "    window.dash_clientside.no_update)];"
    "const { signals, sessions } = more.ok ? await more.json()"
    "  : { signals: [], sessions: {} };" /* no database yet */
    "const now = new Map();"
    "for (const line of (await answer.text()).split('\\n')) {"
    "  const at = line.lastIndexOf(' ');"
    "  if (line[0] !== '#' && at > 0)"
    "    now.set(line.slice(10, at), Number(line.slice(at + 1)));"
    "}"
    "window.phStatus ||= { last: null, time: 0, rows: [] };"
    "const state = window.phStatus;"
    "const time = Date.now();"
    "const before = state.last ?? now;"
    "const seconds = Math.max((time - state.time) / 1000, 0.001);"
    "const grown = (name) =>"
    "  Math.max((now.get(name) ?? 0) - (before.get(name) ?? 0), 0);"
    "const total = (start, from) => [...from.entries()].reduce((sum,"
    "  [name, value]) => name.startsWith(start) ? sum + value : sum, 0);"
    "const labels = (start) => [...now.keys()].filter((name) =>"
    "  name.startsWith(start)).map((name) => name.match(/\"(.*?)\"/)[1]);"
    "const percentile = (part, prefix, old) => {" /* of a histogram */
    "  const buckets = [...now.entries()].filter(([name]) =>"
    "    name.startsWith(prefix)).map(([name, value]) => [Number(name.match("
    "    /le=\"(.*?)\"/)[1].replace('+Inf', 'Infinity')), value -"
    "    (old?.get(name) ?? 0)]).sort((a, b) => a[0] - b[0]);"
    "  const all = buckets.length ? buckets[buckets.length - 1][1] : 0;"
    "  if (all <= 0) return null;"
    "  const hit = buckets.find(([, value]) => value >= part * all);"
    "  return hit[0] === Infinity ? null : hit[0] * 1000; };"
    "const rate = state.last === null ? 0 : (total('requests_total', now) -"
    "  total('requests_total', before)) / seconds;"
    "const hits = grown('cache_hits_total');"
    "const misses = grown('cache_misses_total');"
    "const duration = 'request_duration_seconds_bucket';"
    "const row = { time, rate, p50: percentile(0.5, duration, state.last),"
    "  p99: percentile(0.99, duration, state.last),"
    "  hit: hits + misses > 0 ? 100 * hits / (hits + misses) : null,"
    "  size: (now.get('cache_bytes') ?? 0) / 1048576,"
    "  evicted: grown('cache_evictions_total') };"
    "state.last = now; state.time = time; state.rows.push(row);"
    "state.rows.splice(0, state.rows.length - KEEP);"
    "const ms = (x) => x === null ? 'none' : '\\u2264 ' + x + ' ms';"
    "const mb = (x) => ((x ?? 0) / 1048576).toFixed(1) + ' MB';"
    "const get = (name) => now.get(name) ?? 0;"
    "const tile = (name, value) => h('Div', { className: 'tile' },"
    "  [h('Dt', {}, name), h('Dd', {}, String(value))]);"
    "const tiles = h('Dl', { className: 'tiles' }, ["
    "  tile('State', ['starting', 'serving', 'draining', 'stopping']"
    "    [get('state')]),"
    "  tile('Workers ready', get('workers_ready') + ' of ' +"
    "    get('workers_wanted')),"
    "  tile('Requests per second', rate.toFixed(1)),"
    "  tile('Half of them within', ms(row.p50)),"
    "  tile('99 % within', ms(row.p99)),"
    "  tile('Cache hits', row.hit === null ? 'none asked'"
    "    : row.hit.toFixed(1) + ' %'),"
    "  tile('Threads computing', get('threads_computing') + ' of ' +"
    "    get('threads')),"
    "  tile('Values waited for', get('parked_keys')),"
    "  tile('Tasks waiting', get('queue_depth')),"
    "  tile('Connections', get('connections')),"
    "  tile('Up', Math.round(get('up_seconds')) + ' s')]);"
    "const table = (caption, head, rows) => h('Div', { className: 'wide',"
    "  tabIndex: 0, role: 'region', 'aria-label': caption },"
    "  h('Table', {}, [h('Caption', {}, caption),"
    "  h('Thead', {}, h('Tr', {}, head.map((x) => h('Th', { scope: 'col' },"
    "    x)))), h('Tbody', {}, rows.length ? rows.map((cells) => h('Tr', {},"
    "    cells.map((x, i) => i ? h('Td', {}, String(x)) : h('Th', { scope:"
    "    'row' }, String(x))))) : [h('Tr', {}, h('Td', { colSpan:"
    "    head.length }, 'None yet'))])]));"
    "const workers = table('Workers', ['Slot', 'Memory', 'Connections',"
    "  'Tasks'], labels('worker_memory_bytes{').map((slot) => [slot,"
    "  mb(get(`worker_memory_bytes{worker=\"${slot}\"}`)),"
    "  get(`worker_connections{worker=\"${slot}\"}`),"
    "  get(`worker_busy{worker=\"${slot}\"}`)]));"
    "const ends = table('Workers that have ended', ['Why', 'How many'],"
    "  labels('worker_ends_total{').map((why) => [why,"
    "  get(`worker_ends_total{reason=\"${why}\"}`)]));"
    "const callbacks = table('Callbacks', ['Callback', 'Answers', '99 % within',"
    "  'Failed'], labels('callback_duration_seconds_count{').map((name) =>"
    "  [name, get(`callback_duration_seconds_count{callback=\"${name}\"}`),"
    "  ms(percentile(0.99, `callback_duration_seconds_bucket{callback="
    "\"${name}\"`)), get(`callback_errors_total{callback=\"${name}\"}`)]));"
    "const functions = table('Memoized functions', ['Function', 'Computed',"
    "  '99 % within', 'Failed'], labels('computation_duration_seconds_count{')"
    "  .map((name) => [name, get("
    "  `computation_duration_seconds_count{function=\"${name}\"}`),"
    "  ms(percentile(0.99, `computation_duration_seconds_bucket{function="
    "\"${name}\"`)), get(`computation_errors_total{function=\"${name}\"}`)]));"
    "const cache = table('Cache', ['What', 'Now'], ["
    "  ['Values', get('cache_entries')], ['Bytes', mb(get('cache_bytes'))],"
    "  ['File', mb(get('cache_file_bytes'))],"
    "  ['Write-ahead log', mb(get('cache_wal_bytes'))],"
    "  ['Evicted', get('cache_evictions_total')],"
    "  ['Expired', get('cache_expirations_total')],"
    "  ['Taken over', get('cache_takeovers_total')],"
    "  ['Failures', get('cache_errors_total')]]);"
    "const s = (x) => (x ?? 0) < 120 ? (x ?? 0).toFixed(1) + ' s'"
    "  : Math.round(x / 60) + ' min';"
    "const live = signals.filter(({ state }) => state === 'wanted' ||"
    "  state === 'computing');"
    "const flights = table('Signal table: what is wanted or computed',"
    "  ['Function', 'State', 'For', 'Progress', 'Worker', 'Waiting in'],"
    "  live.map((row) => [row.function + ' ' + row.key.slice(0, 6), row.state,"
    "  s(row.age), row.state === 'computing' && row.progress > 0"
    "    ? (100 * row.progress).toFixed(0) + ' %' : '\u2013',"
    "  row.pid || '\u2013', row.waiters + (row.waiters === 1 ? ' worker'"
    "    : ' workers')]));"
    "const latest = table('Signal table: what came last', ['Function',"
    "  'State', 'Ago', 'Computed', 'Error'], signals.filter((row) =>"
    "  !live.includes(row)).slice(0, 8).map((row) => [row.function + ' ' +"
    "  row.key.slice(0, 6), row.state, s(row.age), row.computations,"
    "  row.error]));"
    "const visits = table('Browser sessions', ['What', 'Now'], ["
    "  ['Live', sessions.count ?? 0], ['Oldest', s(sessions.oldest)],"
    "  ['Entries', sessions.entries ?? 0], ['Bytes', mb(sessions.bytes)]]);"
    "const style = getComputedStyle(document.body);"
    "const x = state.rows.map((r) => new Date(r.time).toISOString());"
    "const plot = (title, lines) => ({ data: lines.map(([name, key]) => ({"
    "  type: 'scatter', mode: 'lines', name, x, y: state.rows.map((r) =>"
    "  r[key]) })), layout: { title: { text: title }, height: 240,"
    "  uirevision: title, paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor:"
    "  'rgba(0,0,0,0)', font: { color: style.color }, margin: { l: 50, r: 10,"
    "  t: 40, b: 40 }, xaxis: { type: 'date' }, yaxis: { rangemode: 'tozero'"
    "  }, legend: { orientation: 'h' } } });"
    "return ['', tiles, [flights, latest, workers, ends, callbacks, functions,"
    "  cache, visits],"
    "  plot('Requests per second', [['requests', 'rate']]),"
    "  plot('Latency, ms', [['50 %', 'p50'], ['99 %', 'p99']]),"
    "  plot('Cache hits, %', [['hits', 'hit']]),"
    "  plot('Cache, MB and evictions', [['MB', 'size'], ['evicted',"
    "    'evicted']])];"
    "}";

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_main(.className = "container live", .children = PH_CHILDREN(
	    html_h1(.children = ph_text("Server status")),
	    html_p(.id = "error", .role = "alert"),
	    html_section(.id = "tiles", .more = PH_JSON({
		"aria-label": "Figures of the last two seconds" })),
	    dcc_graph(.id = "rate"), dcc_graph(.id = "latency"),
	    dcc_graph(.id = "hits"), dcc_graph(.id = "cache"), html_section(.id = "tables"),
	    dcc_interval(.id = "tick", .interval = ph_int(2000))));
}

PH_APP(app)
{
	ph_title(app, "Server status");
	ph_options(app, .keep_title = true);
	ph_layout(app, layout);
	ph_clientside(app, refresh, PH_OUTPUT("error.children"),
	    PH_OUTPUT("tiles.children"),
	    PH_OUTPUT("tables.children"), PH_OUTPUT("rate.figure"),
	    PH_OUTPUT("latency.figure"), PH_OUTPUT("hits.figure"),
	    PH_OUTPUT("cache.figure"),
	    PH_INPUT("tick.n_intervals"));
}
