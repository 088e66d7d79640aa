"""--goroutines: each goroutine is seen to be made once and to end once, and its parent is the right one."""

import collections

import pytest

import gobuild
import goshawk

pytestmark = pytest.mark.ptrace


def trace(release, variant, tmp_path, patterns, *options):
    program = gobuild.build("spawns", release, variant)
    out = tmp_path / "out"
    t = goshawk.Trace(tmp_path, patterns, [program, out], options=["--goroutines", *options]).check()
    return t, [tuple(map(int, line.split())) for line in out.read_text().splitlines()]


def check(t, truth):
    made = collections.defaultdict(list)
    for o in t.objects:
        if o["type"] == "go":
            made[o["goid"]].append(o)
    ends = collections.Counter(o["goid"] for o in t.objects if o["type"] == "go_end")
    assert len(truth) > 10000
    for goid, parent, line in truth:
        [go] = made[goid]
        assert go["parent_goid"] == parent, go
        if line:
            assert go["created_at"]["line"] == line and go["created_at"]["file"].endswith("spawns/main.go"), go
        assert ends[goid] == 1, goid
    assert made[1][0]["func"] == "runtime.main" and not ends[1]
    assert all(len(m) == 1 for m in made.values()) and max(ends.values()) == 1
    ours = {goid for goid, _, _ in truth}
    system = [m[0]["func"] for goid, m in made.items() if goid not in ours]
    assert all(f.startswith("runtime.") for f in system), system


@pytest.mark.parametrize("variant", ["plain", "stripped", "pie"])
def test_each_goroutine_is_made_and_ends_once(release, variant, tmp_path):
    t, truth = trace(release, variant, tmp_path, [])
    check(t, truth)
    assert not t.calls and t.end["calls"] == 0


def test_max_counts_those_that_were_made(tmp_path):
    t, _ = trace(gobuild.NEWEST, "plain", tmp_path, [], "--max", "7")
    assert [o["type"] for o in t.objects].count("go") == 7 and t.end["calls"] == 0


def test_among_calls_in_the_order_of_time(tmp_path):
    """A goroutine does nothing before it is made, or after it has ended."""
    t, truth = trace(gobuild.NEWEST, "plain", tmp_path, ["main.child", "main.tree"])
    check(t, truth)
    assert len(t.calls) == 10000 + 341
    made = {o["goid"]: o["time"] for o in t.objects if o["type"] == "go"}
    ended = set()
    for o in t.objects:
        if o["type"] == "go_end":
            ended.add(o["goid"])
        elif o["type"] == "call":
            assert o["goid"] not in ended and made[o["goid"]] <= o["time"]


def test_with_entries_only(tmp_path):
    t, truth = trace(gobuild.NEWEST, "plain", tmp_path, ["main.child"], "--entry")
    check(t, truth)
    assert sum(o["type"] == "entry" for o in t.objects) == 10000


def test_newproc1_may_be_traced_as_well(release, tmp_path):
    t, truth = trace(release, "plain", tmp_path, ["runtime.newproc1"], "--buffer", "64MiB")
    check(t, truth)
    assert len(t.calls) == sum(o["type"] == "go" for o in t.objects)
    assert all(c["end"] == "return" for c in t.calls)


@pytest.mark.bpf
def test_the_uprobe_engine_sees_the_same(release, tmp_path):
    program = gobuild.build("spawns", release, "plain")
    out = tmp_path / "out"
    t = goshawk.Trace(tmp_path, ["main.child"], [program, out], lossless=False,
                      options=["--goroutines", "--engine", "uprobe", "--buffer", "64MiB"]).check()
    check(t, [tuple(map(int, line.split())) for line in out.read_text().splitlines()])
    assert len(t.calls) == 10000
