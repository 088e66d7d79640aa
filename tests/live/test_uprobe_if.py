"""--if under the uprobe engine: the same calls as inline, and no record for the others."""

import collections
import signal
import time

import pytest

import gobuild
import goshawk
from test_ask import last_is_proved, questions
from attaching import Running, line_of
from test_seed import check_counts, trace
from test_uprobe import attached, likeness

pytestmark = [pytest.mark.ptrace, pytest.mark.bpf]

UPROBE = ["--engine", "uprobe"]


def askable(q, release):
    """Kernel probes read no floats; and see test_ask."""
    results = any(word in q["expr"] for word in ("sum", "out"))
    return "x >= " not in q["expr"] and "Geo" not in q["expr"] and \
        not (results and gobuild.minor(release) == 17) and not ("low" in q["expr"] and not last_is_proved(release))


def calls_of(tmp_path, engine, program, q, expr):
    t = goshawk.Trace(tmp_path, [q["func"]], [program], ["--engine", engine, "--if", expr], lossless=engine == "inline")
    t.check()
    assert t.end["engine"] == engine and not t.end["lost"]
    ordered = sorted(t.calls, key=lambda c: c["time"])
    return [likeness([c["args"][:2], c["results"], c["end"]]) for c in ordered], t.end["unreadable"]


def check(tmp_path, release, variant, key):
    program = gobuild.build("ask", release, variant)
    wrong, asked = [], 0
    for q in questions(tmp_path, program):
        expr = q[key]
        if not expr or not askable(q, release):
            continue
        asked += 1
        inline, uprobe = (calls_of(tmp_path, engine, program, q, expr) for engine in ("inline", "uprobe"))
        got = len(uprobe[0]), uprobe[1]
        if "duration" not in expr and got != (q["count"], q["unreadable"]):
            wrong.append("%s: %s calls and %s unreadable, not %s and %s" % (expr, *got, q["count"], q["unreadable"]))
        if "duration" not in expr and inline != uprobe:
            wrong.append("%s: not the calls that inline sees" % expr)
    assert asked > 12
    assert not wrong, "\n".join(wrong)


def test_gives_the_same_calls_as_the_inline_engine(tmp_path, release):
    if not gobuild.ALL and release not in gobuild.ENDS:
        pytest.skip("a part of check-all")
    check(tmp_path, release, "plain", "expr")


def test_the_same_without_names(tmp_path):
    check(tmp_path, gobuild.NEWEST, "stripped", "shape")


# All of `called` in tests/go/running, of which none is wanted; what the last one needs is copied first.
UNWANTED = ["n < -5", "goid == 0", 's == "nine"', 's == "ninety"', 'has_prefix(s, "x") || n > 1000000 || n + 1 < -n * 2 - 10']


@pytest.mark.parametrize("expr", UNWANTED)
def test_what_is_not_wanted_makes_no_record(tmp_path, expr):
    """While goshawk stands still nobody takes records out of its ring, which holds a thousand or so."""
    with Running() as running:
        p = attached(tmp_path, running, *UPROBE, "--buffer", "64KiB", "--if", expr)
        stopped(p)
        running.call(100000)
        p.send_signal(signal.SIGCONT)
        end = ended(p, tmp_path)
        assert (end["calls"], end["lost"]) == (0, 0)


def test_one_that_is_wanted_lets_the_others_be_left_out(tmp_path):
    """The exits of later calls at the same place do not take its mark for theirs."""
    with Running() as running:
        p = attached(tmp_path, running, *UPROBE, "--buffer", "64KiB", "--if", "n == 7 || n == 49999")
        stopped(p)
        running.call(50000 + 2)
        p.send_signal(signal.SIGCONT)
        end = ended(p, tmp_path)
        calls = [o for o in goshawk.read_lines(tmp_path / "a.json") if o["type"] == "call"]
        assert [(c["args"][0]["value"], c["end"]) for c in calls] == [(7, "return"), (49999, "return")]
        assert end["lost"] == 0


def test_what_the_reader_decides_is_lost_so(tmp_path):
    """The ring is as small as that: a condition that the program does not decide fills it."""
    with Running() as running:
        p = attached(tmp_path, running, *UPROBE, "--buffer", "64KiB", "--if", "1000 / (n + 2) < -5")
        stopped(p)
        running.call(20000)
        p.send_signal(signal.SIGCONT)
        assert ended(p, tmp_path)["lost"] > 10000


def stopped(p):
    p.send_signal(signal.SIGSTOP)
    until = time.monotonic() + 30
    while open("/proc/%d/stat" % p.pid).read().rsplit(")", 1)[1].split()[0] != "T":
        assert time.monotonic() < until


def ended(p, tmp_path):
    p.send_signal(signal.SIGINT)
    assert p.wait(60) == 0, p.stderr.read()
    return goshawk.read_lines(tmp_path / "a.json")[-1]


@pytest.mark.parametrize("mode", ["counts", "panics"])
def test_a_condition_that_always_holds_loses_no_call(tmp_path, release, mode):
    t, expects = trace(tmp_path, release, "plain", [mode], [*UPROBE, "--buffer", "64MiB", "--if", "goid > 0"], lossless=False)
    assert t.end["calls"] > 100
    check_counts(t, expects)


def test_half_of_a_recursion_on_stacks_that_grow(tmp_path, release):
    """Each goroutine's 35 calls of main.deep move with its stack, and every other one is wanted."""
    t, expects = trace(tmp_path, release, "plain", ["goroutines"], [*UPROBE, "--buffer", "64MiB", "--if", "n & 1 == 0"],
                       patterns=["main.deep"], lossless=False)
    seen = collections.defaultdict(list)
    for c in t.calls:
        assert c["end"] == "return"
        seen[c["goid"]].append(c["args"][0]["value"])
    assert not t.end["lost"] and len(seen) >= 1000
    assert all(sorted(ns) == list(range(0, 35, 2)) for ns in seen.values()), dict(list(seen.items())[:3])


def test_half_of_the_goroutines_at_the_same_depth(tmp_path, release):
    """They take turns in the middle of their calls, on one thread and another."""
    t, expects = trace(tmp_path, release, "plain", ["goroutines"], [*UPROBE, "--buffer", "64MiB", "--if", "i & 1 == 0"],
                       patterns=["main.visit", "main.migrates"], lossless=False)
    assert not t.end["lost"]
    for name in "main.visit", "main.migrates":
        calls = [c for c in t.calls if c["func"] == name]
        assert all(c["args"][0]["value"] % 2 == 0 and c["end"] == "return" for c in calls), name
        assert len(calls) * 2 == expects["counts"][name] > 50, name


def test_the_kernel_accepts_every_form_of_the_program():
    done = goshawk.run_plain(goshawk.BUILD / "tests" / "loads")
    assert done.status == 0, done
    assert done.out.count("instructions") == 96
