"""The seed program, traced: right values and exact counts, as the program itself computes them."""

import collections
import json
import re

import pytest

import gobuild
import goshawk
from values import Differs, check_params

pytestmark = pytest.mark.ptrace

WITH_DWARF = ["plain", "pie", "race"]


def trace(tmp_path, release, variant, modes, options=(), patterns=("main.*",), status=0, env=None, **kw):
    """A traced run of the seed, and what it expects."""
    expects = tmp_path / "expect.json"
    program = gobuild.build("seed", release, variant)
    t = goshawk.Trace(tmp_path, patterns, [program, *modes], options,
                      env=dict(env or {}, SEED_EXPECT=str(expects)), **kw)
    t.check(status)
    return t, json.loads(expects.read_text())


def plain_name(name):
    """A generic function counts by its plain name, whatever its type arguments."""
    return re.sub(r"\[.*?\](?=[.)]|$)", "", name)


def by_func(calls, key="func"):
    table = collections.defaultdict(list)
    for c in calls:
        table[plain_name(c[key])].append(c)
    return table


def check_counts(t, expects, skip=()):
    """Each function was seen exactly as often as it counted itself, and ended as it should."""
    seen = by_func(t.calls)
    wrong = []
    for name, count in expects["counts"].items():
        if name in skip:
            continue
        want = collections.Counter(expects["ends"].get(name, {}))
        want["return"] += count - sum(want.values())
        got = collections.Counter(c["end"] for c in seen[name])
        if +want != +got:
            wrong.append("%s: %s, not %s" % (name, dict(got), dict(+want)))
        elif (goid := pairs_wrong(seen[name])) is not None:
            wrong.append("%s: %r" % (name, goid))
    assert not wrong, "\n".join(wrong)


def pairs_wrong(calls):
    """A finished call lasts for a time and belongs to a goroutine."""
    for c in calls:
        if c["end"] != "unfinished" and not (isinstance(c["duration_ns"], int) and c["duration_ns"] >= 0):
            return c
        if not c["goid"] > 0:
            return c
    return None


def check_values(t, expects, names=True, unknown_results=None):
    """The calls that the program made in order, with each argument and result. The DWARF of 1.17 leaves
    results out of optimised functions."""
    if unknown_results is None:
        unknown_results = expects["release"].startswith("go1.17.")
    wrong = []
    wanted = by_func(expects["calls"])
    if int(expects["release"].split(".")[1]) <= 21:  # their DWARF leaves blank and unnamed parameters out
        wanted.pop("main.blank", None)
        wanted.pop("main.unnamed", None)
    seen = by_func(t.calls)
    for name, calls in wanted.items():
        got = seen[name]
        if calls[0]["goid"]:  # made by many goroutines at once: by goroutine instead of in order
            calls = sorted(calls, key=lambda c: c["goid"])
            got = sorted(got, key=lambda c: c["goid"])
            if [c["goid"] for c in calls] != [c["goid"] for c in got]:
                wrong.append("%s: seen on %d other goroutines" % (name, len(set(c["goid"] for c in got))))
                continue
        else:
            got = sorted(got, key=lambda c: c["time"])
        if len(calls) != len(got):
            wrong.append("%s: %d calls, not %d" % (name, len(got), len(calls)))
            continue
        for i, (e, a) in enumerate(zip(calls, got)):
            for part in "args", "results":
                if part == "results" and a[part] is None and unknown_results:
                    continue
                try:
                    check_params(e[part], a[part], names and not (part == "results" and unknown_results))
                except Differs as d:
                    wrong.append("%s call %d, %s: %s" % (name, i, part, d))
    assert not wrong, "%d wrong:\n%s" % (len(wrong), "\n".join(wrong[:60]))


@pytest.mark.parametrize("variant", WITH_DWARF)
def test_values_of_each_kind(tmp_path, release, variant):
    t, expects = trace(tmp_path, release, variant, ["values"])
    check_values(t, expects)


def test_values_of_functions_that_are_not_optimised(tmp_path, release):
    """They keep everything on the stack, and their DWARF has all results, in 1.17 too."""
    t, expects = trace(tmp_path, release, "unoptimised", ["values", "counts"])
    check_values(t, expects, unknown_results=False)
    check_counts(t, expects)


@pytest.mark.parametrize("variant", ["plain", "stripped", "pie", "race", "cgo", "cgo-stripped", "cgo-pie"])
def test_counts_and_ends(tmp_path, release, variant):
    t, expects = trace(tmp_path, release, variant, ["counts", "panics", "cgo"])
    check_counts(t, expects)
    if "stripped" not in variant:
        check_values(t, expects)
    check_callers(t, expects)
    check_spans(t, expects)


def check_callers(t, expects):
    for name, callers in expects["callers"].items():
        got = collections.Counter(c["caller"] for c in by_func(t.calls)[name])
        assert got == callers, name


def check_spans(t, expects):
    """Durations lie between what the program measured inside and outside of the call."""
    spans = by_func(expects["spans"])
    for name, wanted in spans.items():
        calls = sorted(by_func(t.calls)[name], key=lambda c: c["time"])
        assert len(calls) == len(wanted)
        for s, c in zip(wanted, calls):
            slack = 200 + s["at_most_ns"] // 200  # the clock's own grain, and 0.5 % of calibration
            assert s["at_least_ns"] - slack <= c["duration_ns"] <= s["at_most_ns"] + slack, (s, c)


@pytest.mark.parametrize("variant", ["plain", "stripped", "pie", "race"])
def test_goroutines_that_grow_their_stacks_and_migrate(tmp_path, release, variant):
    t, expects = trace(tmp_path, release, variant, ["goroutines"])
    check_counts(t, expects)
    check_goroutines(t, expects, named=variant != "stripped")


def check_goroutines(t, expects, named=True):
    """35 nested calls on each of 1 000 goroutines, and 10 000 goroutines with values of their own."""
    if named:
        check_values(t, expects)
    deep = collections.defaultdict(list)
    for c in by_func(t.calls)["main.deep"]:
        deep[c["goid"]].append(c["depth"])
    assert len(deep) == 1000
    for goid, depths in deep.items():
        lowest = min(depths)
        assert sorted(d - lowest for d in depths) == list(range(35)), goid


@pytest.mark.parametrize("noise", ["SEED_PROF", "SEED_GC", "both"] if gobuild.ALL else ["both"])
def test_under_profiling_signals_and_preemption(tmp_path, release, noise):
    env = {"SEED_PROF": "1", "SEED_GC": "1"} if noise == "both" else {noise: "1"}
    t, expects = trace(tmp_path, release, "plain", ["all"], env=env)
    check_counts(t, expects)
    check_values(t, expects)
    check_goroutines(t, expects)


# Values that are one word or more of a known shape: what a stripped plain function still shows.
def words_of(value):
    if isinstance(value, bool):
        return [int(value)]
    if isinstance(value, int):
        return [value & (1 << 64) - 1]
    if isinstance(value, str):
        return [int(value, 0) & (1 << 64) - 1]
    return None


def test_stripped_functions_show_words_of_the_right_shape(tmp_path, release):
    t, expects = trace(tmp_path, release, "stripped", ["values"])
    seen = by_func(t.calls)
    wrong, compared = [], 0
    for name, calls in by_func(expects["calls"]).items():
        got = sorted(seen[name], key=lambda c: c["time"])
        if len(got) != len(calls):
            wrong.append("%s: %d calls, not %d" % (name, len(got), len(calls)))
            continue
        for e, a in zip(calls, got):
            if not all(p.get("from") == "shape" for p in a["args"] or []):
                continue  # a method: its types are known even here, and the next test looks at them
            for want, p in zip(e["args"], a["args"] or []):
                if p.get("error") == "not captured":
                    continue  # it can't be told whether it came in an integer or in a vector register
                compared += 1
                if (problem := shape_differs(want, p)):
                    wrong.append("%s %s: %s in %r" % (name, want["name"], problem, p))
    assert compared > 100
    assert not wrong, "%d wrong:\n%s" % (len(wrong), "\n".join(wrong[:40]))


def shape_differs(want, p):
    """Raw words: the number itself, or pointer and length of what has both."""
    value, words = want["value"], flat(p.get("value"))
    if words is None:
        return "no words"
    kind = value.get("$") if isinstance(value, dict) else None
    small = {"int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32, "bool": 8}.get(want["type"], 64)
    if kind == "string" and len(words) >= 2 and words[1] != value["len"]:
        return "length %d, not %d" % (words[1], value["len"])
    if kind in ("bytes", "slice") and len(words) >= 2 and words[1] != value["len"]:
        return "length %d, not %d" % (words[1], value["len"])
    if kind == "pointer" and words[0] != int(value["address"], 16):
        return "address"
    if kind == "address":
        value, kind = value["address"], None
    if kind is None and value is not None and want["type"] not in ("float32", "float64") and not want["type"].startswith(("[]", "map", "*", "func", "chan")):
        mask = (1 << small) - 1
        if words[0] & mask != words_of(value)[0] & mask:
            return "not %r" % value
    if value is None and any(words):
        return "not nil"
    return None


def flat(value):
    """The words of a shape, in order: numbers, "0x…" strings, or lists of them."""
    if isinstance(value, list):
        parts = [flat(v) for v in value]
        return None if None in parts else [w for p in parts for w in p]
    return words_of(value)


def test_stripped_methods_keep_their_types(tmp_path, release):
    """Methods that the program can call through interfaces have their types in its own data."""
    t, expects = trace(tmp_path, release, "stripped", ["counts"])
    calls = by_func(t.calls)["main.(*box).grow"]
    assert calls and all(c["args"][-1]["type"] == "int" and c["args"][-1]["value"] == 1 for c in calls)


def test_a_program_that_dies_of_a_panic(tmp_path, release):
    t, expects = trace(tmp_path, release, "plain", ["fatal"], status=2)
    assert "nobody recovers this" in t.ended.err
    assert t.end["program_exit"] == 2
    ends = collections.Counter(c["end"] for c in by_func(t.calls)["main.fatal"])
    assert sum(ends.values()) == 4 and set(ends) <= {"panic", "unfinished"}, ends


def test_entries_only(tmp_path, release):
    t, expects = trace(tmp_path, release, "plain", ["counts"], options=["--entry"])
    entries = collections.Counter(plain_name(o["func"]) for o in t.objects if o["type"] == "entry")
    assert not t.calls
    assert {n: entries[n] for n in expects["counts"]} == expects["counts"]
