"""Every way for a call to end: each call is shown once, ends as it did, and none is invented."""

import collections

import pytest

import gobuild
import goshawk

pytestmark = pytest.mark.ptrace

# What the program is told to do: its status, and how the calls of its functions end, as `name end` or `name end*times`.
WAYS = {
    "recovers": (0, "throws panic, catches return, recovers recovered, main return"),
    "dies": (2, "throws panic, dies panic, main panic"),
    "dies-beside": (2, "throws panic, dies panic, main panic, blocks unfinished"),
    "again": (0, "throws panic*3, rethrows panic*2, again panic*2, rethrows return, again recovered, main return"),
    "keepsTheFirst": (0, "throws panic*2, catches return, recovers recovered, caresBadly return, "
                         "throwsWithCare panic, keepsTheFirst.func1 return, keepsTheFirst recovered, main return"),
    "replaces": (0, "throws panic*2, throwsInDefer panic, throwsTwice panic, replaces.func1 return, "
                    "replaces recovered, main return"),
    "leaves": (0, "leaves goexit, starts goexit, goes return, main return"),
    "leavesLate": (0, "fine return, leaves goexit, leavesLate goexit, starts goexit, goes return, main return"),
    "leavesPanicking": (0, "throws goexit, leaves goexit, leavesPanicking goexit, starts goexit, goes return, "
                           "main return"),
    "leavesTwice": (0, "leaves goexit*2, throws panic, catches return, recovers recovered, leavesTwice goexit, "
                       "starts goexit, goes return, main return"),
    "mainLeaves": (2, "leaves goexit, main goexit"),
    "exits": (3, "exits unfinished*3, main unfinished"),
    "exitsInDefer": (3, "throws panic, exits unfinished, exitsInDefer panic, main panic"),
    "exitsBeside": (3, "exits unfinished, blocks unfinished, main unfinished"),
    "isKilled": (137, "isKilled unfinished*3, main unfinished"),
    "deadlocks": (2, "main unfinished"),
}


def count(text):
    ends = collections.Counter()
    for word in text.split(", "):
        word, _, times = word.partition("*")
        name, end = word.split()
        ends["main." + name, end] += int(times or 1)
    return ends


@pytest.mark.parametrize("engine", ["inline", pytest.param("uprobe", marks=pytest.mark.bpf)])
def test_what_a_recovered_panic_ended_calls_nobody(engine, release, tmp_path):
    """Who recovers is not traced, and what comes next is deeper than what the panic ended."""
    t = goshawk.Trace(tmp_path, ["main.throws", "main.fine"], [gobuild.build("ends", release), "goesOn"],
                      lossless=engine == "inline", options=["--engine", engine]).check()
    assert [(c["func"], c["end"], c["caller"]) for c in t.calls] == [("main.throws", "panic", None), ("main.fine", "return", None)]


@pytest.mark.parametrize("way", WAYS)
def test_calls_end_as_they_did(way, release, tmp_path):
    status, ends = WAYS[way]
    t = goshawk.Trace(tmp_path, ["main.*"], [gobuild.build("ends", release), way]).check(status)
    got = collections.Counter((c["func"], c["end"]) for c in t.calls)
    assert got == count(ends)
    assert all(c["args"] is not None for c in t.calls)


