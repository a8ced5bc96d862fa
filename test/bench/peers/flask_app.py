# SPDX-License-Identifier: MIT
"""
Example 3 of the Dash chapter "Sharing state between callbacks" as a Flask app
with Flask-Caching: the peer that Pronghorn's example is compared with.

Why this is fair, and where it errs it errs in this program's favour:
- It serves the same page, layout, dependencies and, byte for byte, the same
  answers from the same points; the load generator checks every answer.
- Dash itself is left out. It would add its own work to each request: checking
  the callback map, component trees, a JSON encoder for plotly's figures.
- There is no pandas and no numpy to import or to pickle: rows come from
  sqlite3, columns are packed with array and base64.
- As in the chapter, global_store is memoized. Beyond the chapter, finished
  answers are memoized as well, as Pronghorn's example does with .memoize, so
  that a warm callback costs one look-up and no computing. PEER_MEMOIZE=data
  memoizes global_store only, as the chapter does.
- Redis is asked over a unix socket, writes nothing to disk and has the
  machine to itself; gunicorn keeps connections alive longer than its default.
- It gets as many workers and threads as Pronghorn.

Environment: PEER_DATA (folder that run.mjs exports: page.html, layout.json,
dependencies.json, points.db), PEER_CACHE (redis or files), PEER_REDIS (URL),
PEER_DIR (folder of the files), PEER_DELAY (seconds the query pretends to
take), PEER_MEMOIZE (answers or data).
"""

import array
import base64
import json
import os
import sqlite3
import sys
import time

from flask import Flask, Response, request
from flask_caching import Cache

DATA = os.environ["PEER_DATA"]
DELAY = float(os.environ.get("PEER_DELAY", "0"))
GRAPHS = {
    "graph-1": {
        "type": "scatter",
        "mode": "markers",
        "marker": {"opacity": 0.5, "size": 14},
    },
    "graph-2": {
        "type": "scatter",
        "mode": "lines",
        "line": {"shape": "spline", "width": 0.5},
    },
    "graph-3": {"type": "histogram2d"},
    "graph-4": {"type": "histogram2dcontour"},
}
LAYOUT = {"margin": {"l": 20, "r": 10, "b": 20, "t": 10}}

app = Flask(__name__, static_folder=None)
cache = Cache()
if os.environ.get("PEER_CACHE", "redis") == "redis":
    config = {
        "CACHE_TYPE": "RedisCache",
        "CACHE_REDIS_URL": os.environ["PEER_REDIS"],
    }
else:
    config = {
        "CACHE_TYPE": "FileSystemCache",
        "CACHE_DIR": os.environ["PEER_DIR"],
    }
cache.init_app(app, config={**config, "CACHE_DEFAULT_TIMEOUT": 0})


def memoize_answer(function):
    if os.environ.get("PEER_MEMOIZE", "answers") == "answers":
        return cache.memoize()(function)
    return function


def read_file(name):
    with open(os.path.join(DATA, name), "rb") as file:
        return file.read()


PAGE = read_file("page.html")
PAGE_LAYOUT = read_file("layout.json")
DEPENDENCIES = read_file("dependencies.json")


def column(numbers):
    packed = array.array("d", numbers).tobytes()
    return {"dtype": "f8", "bdata": base64.b64encode(packed).decode("ascii")}


@cache.memoize()
def global_store(category):
    print(f"Computing value with {category}", file=sys.stderr, flush=True)
    time.sleep(DELAY)  # stands for the expensive query
    points = sqlite3.connect(
        f"file:{os.path.join(DATA, 'points.db')}?mode=ro", uri=True
    )
    rows = points.execute(
        "SELECT x, y FROM points WHERE category = ?", (category,)
    ).fetchall()
    points.close()
    return {
        "x": column(row[0] for row in rows),
        "y": column(row[1] for row in rows),
    }


def dump(component, prop, value):
    answer = {"multi": True, "response": {component: {prop: value}}}
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False)


@memoize_answer
def compute_value(category):
    global_store(category)
    return dump("signal", "children", category)


@memoize_answer
def update_graph(graph, category):
    trace = {**GRAPHS[graph], **global_store(category)}
    return dump(graph, "figure", {"data": [trace], "layout": LAYOUT})


@app.get("/")
def page():
    return Response(PAGE, mimetype="text/html")


@app.get("/_dash-layout")
def layout():
    return Response(PAGE_LAYOUT, mimetype="application/json")


@app.get("/_dash-dependencies")
def dependencies():
    return Response(DEPENDENCIES, mimetype="application/json")


@app.post("/_dash-update-component")
def update():
    body = request.get_json()
    value = body["inputs"][0]["value"]
    if body["output"] == "signal.children":
        answer = compute_value(value)
    else:
        answer = update_graph(body["output"].split(".")[0], value)
    return Response(answer, mimetype="application/json")
