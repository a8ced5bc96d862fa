#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Measure Pronghorn and its peers in one run.
#
#   sh test/bench/run.sh
#
# BUILD     folder of the build (build)
# QUICK     1: less than two minutes, with fewer rounds and points
# PRIORITY  nice value of servers and generator, such as -15; as root
# ONLY      warm, cold, bytes, generator, cache, scale, engine, browsers: only
#           these, with commas
#
# Tables go to stdout, everything to $BUILD/bench/results.json.
set -eu

cd "$(dirname "$0")/../.."
exec node test/bench/run.mjs "${BUILD:-build}"
