"""`make demo`: the act that attaches to a server which nobody here built, is not noticed, and leaves nothing behind; the
one that proves a race; the one that finds why instrumented programs die; and the one that shows requests."""

import os
import re
import shutil
import signal
import subprocess
import time

import pytest

import goshawk

pytestmark = [pytest.mark.ptrace,
              pytest.mark.skipif(not (shutil.which("hugo") and shutil.which("curl")), reason="no hugo, or no curl")]
DEMO = goshawk.ROOT / "tools" / "demo.sh"


def demo(act="4", **how):
    return subprocess.Popen([str(DEMO), act], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, env=dict(os.environ, GOSHAWK=str(goshawk.GOSHAWK)), **how)


def is_gone(pid):
    return not os.path.exists("/proc/%s" % pid)


def test_a_server_is_watched_and_left():
    with demo() as p:
        said = p.communicate(timeout=300)[0]
    assert p.returncode == 0, said
    answers = {page: int(n) for n, page in re.findall(r"^ +(\d+) ((?:200|404) /\w*/?)$", said, re.M)}
    assert set(answers) == {"200 /", "200 /apples/", "200 /plums/", "404 /pears/"}, said
    assert min(answers.values()) > 20 and max(answers.values()) - min(answers.values()) <= 1, said
    assert "no answer" not in said
    assert "WriteHeader(arg0=404, recv.req.URL.Path=\"/pears/\"" in said
    assert "(*fileServer).createEndpoint.func1.1 github.com/gohugoio/hugo/commands/server.go:" in said
    assert re.search(r" [1-9]\d* +- +0  net/http.serverHandler.ServeHTTP$", said, re.M), said
    assert "} // net/http.serverHandler.ServeHTTP" in said
    pid = re.search(r"\[goshawk\] process (\d+): [\d.]+ MiB of addresses that were mapped are free again", said)[1]
    assert is_gone(pid)
    assert said.endswith("200 /apples/\n")


def test_it_is_interrupted():
    with demo() as p:
        said = ""
        while "stood still" not in said:
            line = p.stdout.readline()
            assert line, said
            said += line
        pid = re.search(r"process (\d+)", said)[1]
        assert not is_gone(pid)
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=60)
    assert p.returncode == 130
    until = time.monotonic() + 10
    while not is_gone(pid):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_race_is_proved():
    with demo("5") as p:
        said = p.communicate(timeout=300)[0]
    assert p.returncode == 0, said
    assert "\nlived true\n" in said and "\ndied after " in said
    assert re.search(r"^store +main\.\(\*object\)\.setText\+0x", said, re.M), said


def test_a_crash_is_foreseen_and_explained():
    with demo("6") as p:
        said = p.communicate(timeout=300)[0]
    assert p.returncode == 0, said
    assert re.search(r"^G0RACE error, candidate: newproc/snap\.\(\*traceContext\)\.TakeSnapShot is built for the race", said, re.M), said
    assert "  race_on_g0, certain: newproc/snap.(*traceContext).TakeSnapShot" in said
    assert re.search(r"^no findings; .*\nserved$", said, re.M), said
    assert re.search(r"^\[g 1\] .* runtime\.newproc\(g\.racectx=0x[1-9a-f]\w+\)$", said, re.M), said
    assert re.search(r"^\[g0\] .* runtime\.newproc1\(g\.racectx=0x0\)$", said, re.M), said


def test_requests_are_trees():
    with demo("7") as p:
        said = p.communicate(timeout=300)[0]
    assert p.returncode == 0, said
    assert re.search(r"^└─ GET /order/ .* 200 url\.path=/order/7\n   ├─ main\.load .* id=7 level=1\n   └─ GET .* 200 url\.full=.*\n"
                     r"      └─ GET /back/ .* 200 url\.path=/back/order/7 http\.response\.body\.size=4$", said, re.M), said
    # two processes, one trace
    assert re.search(r"^\S+Z +\S+ +10 +0 +\w{16} +asking +GET$", said, re.M), said
    shown = said[said.index("10 spans\n"):]
    assert [len(re.findall(r"^ *%s \[%s\] +█" % at, shown, re.M)) for at in
            [("GET", "asking"), ("GET /fan/", "web"), ("GET", "web"), ("GET /back/", "web")]] == [1, 1, 4, 4], said
    assert re.search(r"^trace \w{32}\nGET / .* 200 url\.path=/apples/ http\.response\.body\.size=\d+$", said, re.M), said
    assert is_gone(re.search(r"-p (\d+)", said)[1])
