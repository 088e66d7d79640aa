"""docs/explain-reach.md: all of tests/go/zoo, in each release and kind of binary, from a run, from the text and from cores."""

import itertools
import os
import re
import signal
import subprocess

import pytest

import gobuild
import goshawk
import reached
from attaching import line_of
from test_explain import DEADLY, diagnosis, from_text, judge, kernel_core, text_of, zoo

pytestmark = pytest.mark.ptrace
wide = pytest.mark.skipif(not gobuild.ALL, reason="make check-all")

CASES = [(r, v) for r in reached.SIX for v in reached.KINDS]


def say(row, column, tried, wrong):
    wrong = [w for w in wrong if w]
    reached.ZOO.put(row, column, not wrong, said=("%d" % tried, "wrong: %d of %d" % (len(wrong), tried)))
    assert not wrong, "\n".join(wrong)


@wide
@pytest.mark.parametrize("built_by, variant", CASES)
def test_each_of_the_zoo(built_by, variant, tmp_path):
    """By running it, and once more from the text that this run left."""
    program, wrong, tried = gobuild.build("zoo", built_by, variant), [], 0
    c = variant in ("cgo", "race")  # with C in it the runtime can't tell that all are asleep
    for name, kind, function in zoo(program, "healthy-", "hung-", *(("asleep-", "goexit") if c else ())):
        if name.startswith("race-") and variant != "race":
            continue
        tried += 1
        to = tmp_path / "found"
        done = goshawk.run("explain", "--json", "-o", to, "--", program, name, env={"GOMAXPROCS": "4"})
        text, done.out = done.err, to.read_text() if to.exists() else ""
        wrong.append(judge("run of " + name, kind, function, diagnosis(done)))
        if not name.startswith("c-thread-"):  # of C's own threads nothing is printed
            wrong.append(judge("text of " + name, kind, function, from_text(tmp_path, text)))
    assert tried >= 40
    say(built_by, variant, tried, wrong)


@wide
@pytest.mark.parametrize("built_by", reached.SIX)
def test_each_of_the_zoo_from_cores(built_by, tmp_path):
    """From the whole core what a run tells; from one that is cut that, or that it is not known: nothing else."""
    program, wrong, of_cut, tried = gobuild.build("zoo", built_by, "stripped"), [], [], 0
    for name, kind, function in zoo(program, *DEADLY):
        at = tmp_path / name
        at.mkdir()
        core = kernel_core(program, at, name)
        tried += 1
        wrong.append(judge(name, kind, function, diagnosis(goshawk.run("explain", "--json", core))))
        size = core.stat().st_size
        for parts in 9, 3:
            os.truncate(core, size * parts // 10)
            done = goshawk.run("explain", "--json", core, program)
            if done.status in (0, 1):
                d = diagnosis(done)
                if d["named"] and d["kind"] != kind:
                    of_cut.append("%s, cut to %d of 10: %s" % (name, parts, d["kind"]))
            elif done.status != 3:
                of_cut.append("%s: %s" % (name, done))
        core.unlink()
    say(built_by, "cut cores", 2 * tried, of_cut)
    say(built_by, "cores", tried, wrong)


@wide
@pytest.mark.parametrize("built_by", reached.SIX)
def test_cores_of_gdb_of_what_lives(built_by, tmp_path):
    program, wrong, tried = gobuild.build("zoo", built_by), [], 0
    for name, kind, function in zoo(program):
        if not name.startswith(("healthy-", "hung-")):
            continue
        p = subprocess.Popen([program, name], stdout=subprocess.PIPE, text=True)
        try:
            assert line_of(p.stdout, "ready") == "ready\n"
            done = goshawk.run_plain("gcore", "-o", tmp_path / "core", p.pid)
        finally:
            p.kill()
            p.communicate()
        core = tmp_path / ("core.%d" % p.pid)
        if done.status or not core.exists():
            pytest.skip("gcore is not here, or can't")
        d = diagnosis(goshawk.run("explain", "--json", core))
        tried += 1
        if name.startswith("hung-"):
            wrong.append(judge(name, kind, function, d))
        elif d["named"]:
            wrong.append("%s: %s" % (name, d))
        core.unlink()
    say(built_by, "gcore", tried, wrong)


@wide
@pytest.mark.parametrize("built_by", reached.SIX)
def test_nothing_is_said_of_the_healthy(built_by, tmp_path):
    wrong, tried = [], 0
    for variant in "stripped", "pie", "race":
        program = gobuild.build("zoo", built_by, variant)
        for (name, kind, _), stop in itertools.product(zoo(program), (signal.SIGQUIT, signal.SIGABRT)):
            if kind != "stopped":
                continue
            p = subprocess.Popen([program, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 errors="replace", env=dict(os.environ, GOTRACEBACK="all"))
            assert line_of(p.stdout, "ready") == "ready\n"
            p.send_signal(stop)
            _, text = p.communicate(timeout=60)
            d = from_text(tmp_path, text)
            tried += 1
            if d["kind"] != "stopped" or d["named"]:
                wrong.append("%s, %s, %s: %s" % (variant, name, stop.name, d))
    say(built_by, "healthy", tried, wrong)


def fatal_text(text):
    """The line that says what it died of, and the one below that says more, without their numbers."""
    lines = [line for line in text.splitlines() if line.startswith(("fatal error: ", "panic: ", "SIG", "[signal", "runtime: "))]
    return re.sub(r"0x[0-9a-f]+|\b\d+\b", "N", "\n".join(lines[:1]))


def test_the_same_text_and_another_cause(tmp_path):
    """Pairs whose fatal texts don't differ and whose diagnoses must: what tells them apart is more than the text's first line."""
    program, by_text = gobuild.build("zoo", gobuild.NEWEST), {}
    for name, kind, function in zoo(program, *DEADLY):
        if not name.startswith(("asleep-", "nil-", "wild-", "write-", "cut-", "overflow", "maps-")):
            continue
        text = text_of(program, name)
        d = from_text(tmp_path, text)
        told = d["kind"], d["func"], re.sub(r"0x[0-9a-f]+|\d+", "N", d["summary"])
        by_text.setdefault(fatal_text(text), []).append((name, told))
    pairs = [(a[0], b[0], text) for text, all_of_them in by_text.items()
             for a, b in itertools.combinations(all_of_them, 2) if a[1] != b[1]]
    print("\n".join("%s / %s: %s" % p for p in pairs))
    # no program twice: at least eight of them must be there by themselves
    apart = sum(len({told for _, told in all_of_them}) // 2 for all_of_them in by_text.values())
    assert apart >= 8 and len(pairs) >= 20, pairs
