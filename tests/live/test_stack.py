"""--stack: the frames that goshawk shows are those that the program itself sees."""

import collections
import json
import re

import pytest

import gobuild
import goshawk

pytestmark = pytest.mark.ptrace


def plain_name(name):
    """Without type arguments: releases differ in how they print them."""
    while re.search(r"\[[^][]*\]", name):
        name = re.sub(r"\[[^][]*\]", "", name)
    return name


def id_of(call):
    """Its only argument, also where just the shape of it is known."""
    value = call["args"][0]["value"]
    value = value[0] if isinstance(value, list) else value
    return int(value, 16) if isinstance(value, str) else value


def seen(call):
    return [[plain_name(f["func"] or "?"), f["file"], f["line"]] for f in call["stack"]]


def said(line):
    said = json.loads(line)
    return said["id"], [[plain_name(f[0]), f[1], f[2]] for f in said["frames"]]


def is_lost(want):
    """Assembly that has another thing in BP: there the chain ends, and it is said."""
    return "stacks/bare.Scratch" in [f[0] for f in want]


def trace(release, variant, tmp_path, *options, lossless=True):
    program = gobuild.build("stacks", release, variant)
    out = tmp_path / "out"
    t = goshawk.Trace(tmp_path, ["main.here"], [program, out], options=["--stack", *options],
                      lossless=lossless, env={"GORACE": "exitcode=0"}).check()
    calls = {id_of(c): c for c in t.calls}
    truth = dict(said(line) for line in out.read_text().splitlines())
    assert calls.keys() == truth.keys() and len(truth) > 150
    return calls, truth


@pytest.mark.parametrize("variant", ["plain", "stripped", "unoptimised", "pie", "cgo", "race"])
def test_stacks_are_what_the_program_sees(release, variant, tmp_path):
    calls, truth = trace(release, variant, tmp_path, "--frames", "128")
    for i, want in truth.items():
        end = "whole"
        if is_lost(want):
            want, end = want[:3], "broken"
        assert seen(calls[i]) == want, i
        assert calls[i]["stack_end"] == end
        caller = calls[i]["caller"]
        assert caller is None if want[0][0] == "runtime.goexit" else plain_name(caller) == want[0][0]


def test_a_deep_stack_is_cut(tmp_path):
    calls, truth = trace(gobuild.NEWEST, "unoptimised", tmp_path, "--frames", "10")
    ends = collections.Counter(c["stack_end"] for c in calls.values())
    for i, want in truth.items():
        got = seen(calls[i])
        if is_lost(want):
            continue
        assert got == want[:len(got)] and calls[i]["stack_end"] == ("cut" if len(want) > len(got) else "whole")
        # a wrapper is read, too, and not shown; one address may stand for several inlined calls
        assert len(got) == len(want) or 9 <= len(got) <= 12
    assert ends["whole"] > 0 and ends["cut"] > 0


@pytest.mark.bpf
@pytest.mark.parametrize("variant", ["plain", "pie"])
def test_the_uprobe_engine_sees_the_same(release, variant, tmp_path):
    calls, truth = trace(release, variant, tmp_path, "--frames", "100", "--engine", "uprobe", lossless=False)
    for i, want in truth.items():
        got, caller = seen(calls[i]), calls[i]["caller"]
        if is_lost(want):
            assert (got, calls[i]["stack_end"]) == (want[:3], "broken")
            continue
        assert got == want[:len(got)] and calls[i]["stack_end"] == ("whole" if len(got) == len(want) else "cut"), i
        assert caller is None if want[0][0] == "runtime.goexit" else plain_name(caller) == want[0][0]
    assert sum(len(seen(c)) for c in calls.values()) > 1000
