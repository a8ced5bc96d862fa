# SPDX-License-Identifier: MIT
"""A callback that does nothing, as Dash asks for it, on bare Flask."""
from flask import Flask, jsonify, request

app = Flask(__name__)


@app.get("/_dash-layout")
def layout():
    return jsonify({})


@app.post("/_dash-update-component")
def update():
    value = request.get_json()["inputs"][0]["value"]
    return jsonify({"response": {"echo": {"out": value}}, "multi": True})
