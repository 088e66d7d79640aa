"""`goshawk explain` where a panic was recovered: what is logged of it is no death, and what is made of it anew is the first one's."""

import pytest

import gobuild
import goshawk
from test_explain import diagnosis, from_text

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
