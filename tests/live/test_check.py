"""check: what will crash a program is seen in its file, and a program as Go makes it has nothing of it."""

import json

import pytest

import gobuild
import goshawk
import others
import overlay

# Releases of the field report; `make check` has the newest.
REPORTED = ["1.22.12", "1.24.11", "1.26.8", "1.27.4"]


def pytest_generate_tests(metafunc):
    if "reported" in metafunc.fixturenames:
        every = metafunc.config.getoption("--all")
        metafunc.parametrize("reported", REPORTED if every else REPORTED[-1:])


def check(program, status):
    ended = goshawk.run("check", "--json", program)
    assert ended.status == status, ended
    objects = [json.loads(line) for line in ended.out.splitlines()]
    assert objects[0]["type"] == "begin" and objects[-1]["type"] == "end", ended
    return [o for o in objects if o["type"] == "finding"]


def names(finding):
    return [step["func"] for step in finding["path"]]


WAY = ["runtime.newproc", "runtime.newproc.func1", "runtime.newproc1", "runtime.contextPropagate"]


@pytest.mark.parametrize("flags", [["-race"], ["-race", "-ldflags=-s -w", "-trimpath"]], ids=["race", "stripped"])
def test_instrumented_code_in_newproc1(reported, flags):
    """The report: it dies in __tsan_func_enter, and was found before."""
    program = overlay.newproc(reported, "instrumented", *flags)
    [found] = check(program, 1)
    assert (found["rule"], found["level"], found["certainty"]) == ("G0RACE", "error", "candidate")
    assert found["func"] == "newproc/snap.(*traceContext).TakeSnapShot"
    assert found["file"].endswith("snap/instrumented.go") and found["line"] > 0
    assert names(found) == WAY + [found["func"], "runtime.racefuncenter"]
    assert [s["by"] for s in found["path"]] == [None, "systemstack", "call", "call", "interface", "call"]
    assert [s["system_stack"] for s in found["path"]] == [False] + 5 * [True]
    assert "//go:norace" in found["advice"]
    died = goshawk.run_plain(program)
    assert died.status == 2 and "SIGSEGV" in died.err and "addr=0x10" in died.err, died


def test_norace_does_not_reach_into_maps(reported):
    """The report's second crash."""
    program = overlay.newproc(reported, "usesmap", "-race")
    [found] = check(program, 1)
    assert found["rule"] == "G0DETECT"
    assert found["func"] == "newproc/snap.(*traceContext).TakeSnapShot"
    assert names(found)[:5] == WAY + [found["func"]] and names(found)[-1] == "runtime.racereadpc"
    died = goshawk.run_plain(program)
    assert died.status == 2 and "SIGSEGV" in died.err, died


def test_with_both_cured_it_is_silent_and_runs(reported):
    program = overlay.newproc(reported, "cured", "-race")
    assert check(program, 0) == []
    ran = goshawk.run_plain(program)
    assert (ran.status, ran.out) == (0, "served\n"), ran


def test_a_func_value_that_a_setter_stores(reported):
    """No itab names it: the variable is followed to the setter, and the setter to its callers."""
    program = overlay.newproc(reported, "hook", "-race")
    [found] = check(program, 1)
    assert (found["rule"], found["func"]) == ("G0RACE", "newproc/snap.takeSnapShot")
    assert found["path"][-2]["by"] == "func_value"
    died = goshawk.run_plain(program)
    assert died.status == 2 and "SIGSEGV" in died.err, died


@pytest.mark.parametrize("variant", ["plain", "stripped", "pie", "race", "cgo"])
def test_programs_as_go_makes_them_have_no_findings(release, variant):
    for program in ["seed", "running"]:
        assert check(gobuild.build(program, release, variant), 0) == []


@pytest.mark.parametrize("name", ["hugo", "caddy", "prometheus", "etcd", "docker"])
def test_large_programs_have_no_findings(name):
    assert check(others.debian(name), 0) == []


def test_the_go_command_has_no_findings(release):
    assert check(gobuild.goroot(release) / "bin" / "go", 0) == []
