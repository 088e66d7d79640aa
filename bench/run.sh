#!/bin/sh
# What goshawk costs, measured in one run on this machine, beside other tracers on the same function.
# `make bench` calls it. Times on a busy or virtual machine say little; the ratios hold.
set -eu
cd "$(dirname "$0")/.."
exec "${PYTHON:-/usr/bin/python3}" bench/bench.py "$@"
