#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The work of cache_work.h on diskcache and on Flask-Caching's files.

    cache_peer.py diskcache|files DIR get|set|mixed SIZE PROCESSES SECONDS

Why this is fair: both are called directly, without an application around
them, with their own default settings; values are bytes, which both store
without a detour where they can. Same keys, same order, same checks and the
same output as the C programs.
"""
import json
import os
import sys
import time

STORE, DIR, KIND = sys.argv[1:4]
SIZE, PROCESSES = int(sys.argv[4]), int(sys.argv[5])
SECONDS = float(sys.argv[6])
KEYS = 200 if SIZE > 50000 else 1000
SAMPLES = 200000


def open_store():
    if STORE == "diskcache":
        import diskcache

        return diskcache.Cache(DIR)
    from flask import Flask
    from flask_caching import Cache

    return Cache(
        Flask(__name__),
        config={
            "CACHE_TYPE": "FileSystemCache",
            "CACHE_DIR": DIR,
            "CACHE_THRESHOLD": 100000,
            "CACHE_DEFAULT_TIMEOUT": 0,
        },
    )


def name(number):
    return f"bench:value:{number:08d}"


def value(key):
    return key.encode().ljust(SIZE, b"v")


def work(who, go, out):
    store = open_store()
    get, put = store.get, store.set
    clock = time.perf_counter
    operations = wrong = 0
    times = []
    x = who * 7919 + 1
    bodies = [value(name(number)) for number in range(KEYS)]
    os.read(go, 1)
    start = to = clock()
    while to - start < SECONDS:
        x = (x * 6364136223846793005 + 1442695040888963407) % 2**64
        number = (x >> 33) % KEYS
        key = name(number)
        is_set = KIND == "set" or (KIND == "mixed" and (x >> 20) % 10 == 0)
        begin = clock()
        if is_set:
            put(key, bodies[number])
            to = clock()
        else:
            found = get(key)
            to = clock()
            wrong += found != bodies[number]
        operations += 1
        if len(times) < SAMPLES:
            times.append(to - begin)
    with os.fdopen(out, "w") as stream:
        json.dump([operations, wrong, to - start, times], stream)


def main():
    store = open_store()
    for number in range(KEYS):
        store.set(name(number), value(name(number)))
    if hasattr(store, "close"):
        store.close()
    del store
    gate = os.pipe()
    outs = []
    for who in range(PROCESSES):
        out = os.pipe()
        if os.fork() == 0:
            os.close(gate[1])
            work(who, gate[0], out[1])
            os._exit(0)
        os.close(out[1])
        outs.append(out[0])
    os.close(gate[1])
    parts = [json.load(os.fdopen(out)) for out in outs]
    times = sorted(time for part in parts for time in part[3])
    print(
        json.dumps(
            {
                "processes": PROCESSES,
                "operations": sum(part[0] for part in parts),
                "ops_per_s": round(sum(part[0] / part[2] for part in parts)),
                "p50_us": round(times[len(times) // 2] * 1e6, 2),
                "p99_us": round(times[len(times) * 99 // 100] * 1e6, 2),
                "wrong": sum(part[1] for part in parts),
            }
        )
    )


main()
