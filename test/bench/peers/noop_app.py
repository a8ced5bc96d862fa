# SPDX-License-Identifier: MIT
"""
A callback that does nothing, as Dash asks for it, on bare Flask.

Why this is fair, and where it errs it errs in this program's favour: Flask's
own JSON is all it uses; Dash would add a look-up of the callback, checks of
its inputs and a JSON encoder for components. It gets one gunicorn worker and
as many threads as Pronghorn's one worker, the same requests on the same
number of connections, and answers as much as Pronghorn's callback does.
"""
from flask import Flask, jsonify, request

app = Flask(__name__)


@app.get("/_dash-layout")
def layout():
    return jsonify({})


@app.post("/_dash-update-component")
def update():
    value = request.get_json()["inputs"][0]["value"]
    return jsonify({"response": {"echo": {"out": value}}, "multi": True})
