"""Calls by way of the compiler's wrappers: each is seen once, whether the method is inlined there or called."""

import collections

import pytest

import gobuild
import goshawk

pytestmark = pytest.mark.ptrace


def calls_of(tmp_path, release, *patterns, variant="plain", options=()):
    """How often each function of package main was called, by name; and what was printed."""
    to = tmp_path / "calls.json"
    done = goshawk.run("trace", "--json", "-o", to, *options, *patterns, "--", gobuild.build("wraps", release, variant))
    assert done.status == 0, done
    assert done.out == "[1 2 3] 3 true\n"
    calls = [o for o in goshawk.read_lines(to) if o["type"] == "call"]
    return collections.Counter(c["func"] for c in calls), calls


def counting(release):
    """Up to 1.19 the wrapper calls it, or jumps there."""
    return "main.(*counter).count" if gobuild.minor(release) < 20 else "main.(*clerk).count"


def opening(release):
    return "main.(*vault).open" if gobuild.minor(release) in (18, 19) else "main.(*vault).open-fm"


def test_what_an_interface_calls_is_seen(tmp_path, release):
    counted, calls = calls_of(tmp_path, release, "main.*")
    counted = {f: n for f, n in counted.items() if f not in ("main.main", "main.all", "main.call")}
    assert counted.pop("main.(*ages).Less") == counted.pop("main.(*ages).Swap") + 1
    if gobuild.minor(release) in (18, 19):  # whose wrappers that jump are not marked as such
        assert counted.pop("main.(*clerk).count") == 3
    assert counted == {"main.(*ages).Len": 1, counting(release): 3, "main.counter.slow": 1, opening(release): 1}
    if not release.startswith("1.17."):  # whose DWARF has no results
        assert [c["results"][0]["value"] for c in calls if c["func"] == counting(release)] == [1, 2, 3]


@pytest.mark.parametrize("pattern, func", [("main.ages.Less", lambda release: "main.(*ages).Less"),
                                           ("main.(*counter).count", counting),
                                           ("main.ages.Len", lambda release: "main.(*ages).Len"),
                                           ("main.(*vault).open", opening)])
def test_the_name_of_what_is_wrapped_means_the_wrapper(tmp_path, release, pattern, func):
    counted, _ = calls_of(tmp_path, release, pattern)
    assert counted.keys() == {func(release)}, counted


def test_the_same_in_a_stripped_program(tmp_path):
    counted, calls = calls_of(tmp_path, gobuild.NEWEST, "*.Less", "*.count", variant="stripped")
    assert counted == {"main.(*ages).Less": counted["main.(*ages).Less"], "main.(*clerk).count": 3}
    assert calls[-1]["results"] == [{"name": "ret0", "type": "int", "value": 3}]


def test_what_is_wrapped_is_redacted_by_its_name(tmp_path):
    _, calls = calls_of(tmp_path, gobuild.NEWEST, "*.open*", options=["--redact", "main.(*vault).open"])
    assert [a["value"] for a in calls[0]["args"]] == ["‹redacted›"]


@pytest.mark.parametrize("pattern, name, want", [
    ("*.open*", "secret", {"main.(*vault).open-fm": ["‹redacted›"]}),
    ("main.ages.Less", "i", {"main.(*ages).Less": ["‹redacted›"] * 3}),  # which has no names of its own
    ("*.count", "by", None)])
def test_names_of_the_methods_parameters_are_redacted(tmp_path, pattern, name, want):
    if not want:  # slow has such a parameter, but is not traced
        done = goshawk.run("trace", "--redact", name, pattern, "--", gobuild.build("wraps", gobuild.NEWEST))
        assert done.status == 2 and "--redact by: nothing that is traced" in done.err, done
        return
    _, calls = calls_of(tmp_path, gobuild.NEWEST, pattern, options=["--redact", name])
    assert {c["func"]: [a["value"] for a in c["args"]] for c in calls} == want
