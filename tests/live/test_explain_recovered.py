"""`goshawk explain` where a panic was recovered: what is logged of it is no death, and what is made of it anew is the first one's."""

import re

import pytest

import gobuild
import goshawk
from test_explain import diagnosis, from_text, kernel_core

pytestmark = pytest.mark.ptrace


def run(tmp_path, program, *args):
    """Its diagnosis, and what it printed."""
    to = tmp_path / "found"
    done = goshawk.run("explain", "--json", "-o", to, "--", program, *args)
    text, done.out = done.err, to.read_text()
    return diagnosis(done), text


@pytest.mark.parametrize("name, status", [("logged", 0), ("logged-status", 1), ("child", 0)])
def test_who_survives_a_panic_has_not_died_of_it(name, status, release, tmp_path):
    d, text = run(tmp_path, gobuild.build("repanics", release), name)
    assert "panic: " in text and d["kind"] == "ended" and not d["named"], d
    assert d["summary"].startswith("it ended with status %d, " % status), d
    assert ("which it survived, or another process died of" in "".join(d["evidence"])) == (name == "child"), d


@pytest.mark.parametrize("name, kind, function", [("logged", "unknown", None), ("logged-deadlock", "deadlock", "main.main"),
                                                  ("logged-panic", "panic", "main.real"), ("child", "panic", "main.real")])
def test_of_a_log_what_was_recovered_is_no_death(name, kind, function, release, tmp_path):
    text = goshawk.run_plain(gobuild.build("repanics", release), name).err
    d = from_text(tmp_path, text)
    assert "panic: " in text and (d["kind"], d["func"]) == (kind, function), d


@pytest.mark.parametrize("name, function", [("logged-deadlock", "main.main"), ("logged-panic", "main.real")])
def test_of_a_run_it_is_what_came_later(name, function, tmp_path):
    d, _ = run(tmp_path, gobuild.build("repanics", gobuild.NEWEST), name)
    assert d["func"] == function and "index out of range" not in d["summary"], d


def test_a_panic_whose_goroutine_is_not_printed_is_likely(tmp_path):
    text = goshawk.run_plain(gobuild.build("repanics", gobuild.NEWEST), "real", env={"GOTRACEBACK": "none"}).err
    d = from_text(tmp_path, text)
    assert text.endswith("panic: the real one\n") and (d["kind"], d["certainty"], d["func"]) == ("panic", "likely", None), d


def test_of_a_run_it_is_printed_whatever_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("GOTRACEBACK", "none")  # as images of containers say
    d, _ = run(tmp_path, gobuild.build("repanics", gobuild.NEWEST), "real")
    assert (d["kind"], d["certainty"], d["func"]) == ("panic", "certain", "main.real"), d


NIL = "panic: runtime error: invalid memory address or nil pointer dereference"
AGAIN = r"recovered and panicked again in main\.within\.func1 \S+/main\.go:\d+"
THEN = r"then, while it ran deferred calls, in main\.%s \S+/main\.go:\d+: %s"
ON_TOP = {  # the kind and the function of the first, what it is, and what came then
    "again-fault": ("nil_dereference", "main.second", NIL, [AGAIN]),
    "again-index": ("runtime_error", "main.index", "panic: runtime error: index out of range [2] with length 0", [AGAIN]),
    "again-text": ("panic", "main.real", "panic: the real one", [AGAIN]),
    "again-twice": ("panic", "main.real", "panic: the real one", [AGAIN, AGAIN]),
    "chain": ("panic", "main.serve", "panic: no port", [THEN % ("clear", NIL)]),
    "chain-faults": ("nil_dereference", "main.second", NIL, [THEN % ("clear", NIL)]),
    "chain-wrapped": ("panic", "main.real", "panic: the real one", [THEN % (r"wrap\.func1", "panic: wrapped: the real one")]),
}


@pytest.mark.parametrize("name", ON_TOP)
def test_of_panics_on_top_of_each_other_the_first_is_told(name, release, tmp_path):
    """With its own place; the others are evidence. By a run, from texts with and without the runtime's frames, and from a core."""
    program = gobuild.build("repanics", release)
    kind, function, message = ON_TOP[name][:3]
    d, text = run(tmp_path, program, name)
    core = diagnosis(goshawk.run("explain", "--json", kernel_core(program, tmp_path, name)))
    plain = goshawk.run_plain(program, name).err
    for d, said in (d, ""), (from_text(tmp_path, text), text), (from_text(tmp_path, plain), plain), (core, ""):
        if name == "chain-faults" and "repanicked]" in said:  # so Go 1.25 calls what was not recovered
            on_top = [AGAIN.replace(r"within\.func1", "clear")]
        else:
            on_top = ON_TOP[name][3]
        assert (d["kind"], d["certainty"], d["func"]) == (kind, "certain", function), d
        found = [e for e in d["evidence"] if e.startswith(("recovered and", "then, "))]
        assert d["evidence"][0] == message and len(found) == len(on_top), d
        assert all(re.fullmatch(wanted, e) for wanted, e in zip(on_top, found)), d
        assert name != "chain-faults" or on_top != ON_TOP[name][3] or "the address" not in "".join(d["evidence"]), d


def test_what_was_nil_is_said_where_it_was_panicked_with_again(release, tmp_path):
    program, log = gobuild.build("repanics", release), tmp_path / "log"
    log.write_text(goshawk.run_plain(program, "again-fault").err)
    for said in goshawk.run("explain", "--", program, "again-fault").err, goshawk.run("explain", log, program).out:
        assert "nil dereference: main.second reads p.b, and what leads there is nil" in said, said
