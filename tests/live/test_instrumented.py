"""The field report by the tool itself: a service that its release with the fault built, and one by the release with the cure."""

import json
import re

import pytest

import gobuild
import goshawk
import others
from test_explain import diagnosis

pytestmark = [pytest.mark.ptrace, pytest.mark.skipif(not gobuild.ALL, reason="make check-all")]  # a minute to build each
TAKER = "go.opentelemetry.io/otel/sdk/trace.(*traceContext).TakeSnapShot"
OTHER = "go.opentelemetry.io/otel/baggage.(*BaggageContainer).TakeSnapShot"
SERVED = "200 OK hello gopher\n"


@pytest.fixture
def fault():
    return others.instrumented("v0.4.0", "tool", "-race")


@pytest.fixture
def cured():
    return others.instrumented("v0.5.0", "tool/cmd", "-race")


def explained(program, to):
    done = goshawk.run("explain", "--json", "-o", to, "--", program)
    served, done.out = done.out, to.read_text()
    return served, diagnosis(done)


def findings(program):
    done = goshawk.run("check", "--json", program)
    return [o for o in map(json.loads, done.out.splitlines()) if o["type"] == "finding"]


def test_the_release_with_the_fault_is_explained(fault, tmp_path):
    served, d = explained(fault, tmp_path / "found")
    assert not served and (d["kind"], d["certainty"], d["func"]) == ("race_on_g0", "certain", TAKER), d
    path = [e for e in d["evidence"] if e.startswith("path: ")][0]
    way = ["runtime.newproc", "runtime.systemstack", "runtime.newproc1", "runtime.contextPropagate", TAKER, "__tsan_func_enter"]
    at = [path.index(f) for f in way]
    assert at == sorted(at), path
    assert any("racectx is 0" in e for e in d["evidence"])


def test_the_release_with_the_fault_is_foreseen(fault):
    found = findings(fault)
    race = [o for o in found if o["rule"] == "G0RACE"]
    assert {o["func"] for o in race} == {TAKER, OTHER}, found
    for o in race:
        way = [step["func"] for step in o["path"]]
        assert way[0] == "runtime.newproc" and "runtime.newproc1" in way, o
    [injected] = [o for o in found if o["rule"] == "INJECTED"]
    assert "OpenTelemetry's compile-time instrumentation" in injected["message"], injected


def test_what_its_users_saw_in_a_debugger(fault, tmp_path):
    to = tmp_path / "calls"
    goshawk.run("trace", "-o", to, "--show", "g.racectx", "runtime.newproc", "runtime.newproc1", "--", fault)
    said = to.read_text()
    assert re.search(r"^\[g 1\] .* runtime\.newproc\(g\.racectx=0x[1-9a-f]\w+\) = <unfinished>$", said, re.M), said
    assert re.search(r"^\[g0\] .* runtime\.newproc1\(g\.racectx=0x0\) = <unfinished>$", said, re.M), said


def test_nothing_is_said_of_the_release_with_the_cure(cured, tmp_path):
    assert goshawk.run_plain(cured).out == SERVED
    served, d = explained(cured, tmp_path / "found")
    assert served == SERVED and d["kind"] == "ended" and not d["named"], d
    # that a tool was in the runtime is true of it, too, and all that is
    assert [o["rule"] for o in findings(cured)] == ["INJECTED"]
    assert goshawk.run("check", cured).status == 0
