# SPDX-License-Identifier: MIT
"""
The same example for uvicorn: Starlette and Redis, asynchronous throughout.

Why this is fair: what flask_app.py says holds here, too. Flask-Caching does
not work with Starlette, so finished answers are kept in Redis by hand, which
is one GET per warm callback, less than Flask-Caching's two. A missing answer
is computed by whoever misses it, as nothing in this stack prevents that.

Environment: as flask_app.py (PEER_DATA, PEER_REDIS, PEER_DELAY).
"""

import array
import asyncio
import base64
import json
import os
import sqlite3
import sys

import redis.asyncio
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

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

store = redis.asyncio.from_url(os.environ["PEER_REDIS"])


def read_file(name):
    with open(os.path.join(DATA, name), "rb") as file:
        return file.read()


PAGE = read_file("page.html")
PAGE_LAYOUT = read_file("layout.json")
DEPENDENCIES = read_file("dependencies.json")


def column(numbers):
    packed = array.array("d", numbers).tobytes()
    return {"dtype": "f8", "bdata": base64.b64encode(packed).decode("ascii")}


def query(category):
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


async def global_store(category):
    key = f"store:{category}"
    kept = await store.get(key)
    if kept is None:
        print(f"Computing value with {category}", file=sys.stderr, flush=True)
        await asyncio.sleep(DELAY)  # stands for the expensive query
        kept = json.dumps(query(category))
        await store.set(key, kept)
    return json.loads(kept)


def dump(component, prop, value):
    answer = {"multi": True, "response": {component: {prop: value}}}
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False)


async def compute(output, category):
    points = await global_store(category)
    if output == "signal.children":
        return dump("signal", "children", category)
    graph = output.split(".")[0]
    figure = {"data": [{**GRAPHS[graph], **points}], "layout": LAYOUT}
    return dump(graph, "figure", figure)


async def update(request):
    body = await request.json()
    category = body["inputs"][0]["value"]
    key = f"answer:{body['output']}:{category}"
    answer = await store.get(key)
    if answer is None:
        answer = await compute(body["output"], category)
        await store.set(key, answer)
    return Response(answer, media_type="application/json")


async def page(request):
    return Response(PAGE, media_type="text/html")


async def layout(request):
    return Response(PAGE_LAYOUT, media_type="application/json")


async def dependencies(request):
    return Response(DEPENDENCIES, media_type="application/json")


app = Starlette(
    routes=[
        Route("/", page),
        Route("/_dash-layout", layout),
        Route("/_dash-dependencies", dependencies),
        Route("/_dash-update-component", update, methods=["POST"]),
    ]
)
