"""Wherever goshawk is killed, the process goes on, and the next goshawk takes away what is left."""

import os
import random
import signal
import struct
import subprocess
import time

import pytest

import gobuild
import goshawk
from attaching import Attached, FAULTY, Running, ours

pytestmark = pytest.mark.ptrace


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGKILL], ids=["left", "killed"])
def test_it_faults_while_we_leave(tmp_path, release, sig):
    """A thread waits for room in a trampoline, and behind that faults in an instruction that was moved there: the
    hook that mends this must still be in place. (It dies of `unexpected return pc` where it is not.)"""
    with Running(command=[str(gobuild.build("odd", release)), "early"]) as r:
        for _ in range(60 if gobuild.ALL else 15):
            a = Attached(tmp_path, r.pid, "main.*", options=["--engine", "inline", "--buffer", "64KiB", "--for", "30s"])
            a.started()
            until = time.monotonic() + 60
            while a.written() < 2_000_000:  # the threads wait for room over and over
                assert time.monotonic() < until
                time.sleep(0.002)
            a.p.send_signal(sig)
            a.p.communicate(timeout=60)
            assert r.p.poll() is None, r.p.stderr.read()[:500]
        assert goshawk.run("detach", "-p", r.pid).status == 0
        out, err = r.p.communicate(timeout=60)
        assert (r.p.returncode, out, err) == (0, "early bad 0\n", "")


POINTS = "stopped injecting injected mapped cleaned jumps prepared running restoring restored".split()


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_each_step(tmp_path, point):
    """The process goes on, and the next goshawk takes away what is left."""
    with Running(3, 3) as r:
        text = r.text()
        a = Attached(tmp_path, r.pid, "*", program=FAULTY, env={"GOSHAWK_FAULT": point},
                     options=["--for", "50ms", "--count"])
        a.ended(-signal.SIGKILL)
        r.go_on()
        r.call(100)
        done = goshawk.run("detach", "-p", r.pid)
        assert done.status == 0, done
        assert r.text() == text
        r.go_on()
        assert ours(r.pid) <= 1  # what somebody stood in just then is left mapped
        b = Attached(tmp_path, r.pid, "main.called").started()
        r.call(10)
        assert len(b.stop().calls) == 10


def what_it_has(pid):
    """What is mapped where we map, within reach of the text (Go's heap may begin behind that), and memory files that are
    mapped or open."""
    with open("/proc/%d/maps" % pid) as maps:
        lines = [line.split(maxsplit=5) for line in maps]
    near = {(line[0], line[1]) for line in lines if int(line[0].split("-")[0], 16) < 1 << 32}
    rings = {(line[0], line[1]) for line in lines if "memfd:goshawk" in line[-1]}
    files = [os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid)]
    return near | rings, [f for f in files if "memfd" in f]


CALLS = 7  # near, its advice, code, the file, rings, its descriptor, their advice


@pytest.mark.parametrize("point", ["injecting", "injected"])
@pytest.mark.parametrize("after", ["detach", "attach"])
def test_killed_in_each_of_its_system_calls(tmp_path, point, after):
    """What it has mapped or opened until then is found by the note that stands in its stub."""
    with Running(3, 3) as r:
        text, before = r.text(), what_it_has(r.pid)
        for n in range(1, CALLS + 1):
            Attached(tmp_path, r.pid, "main.called", program=FAULTY,
                     env={"GOSHAWK_FAULT": "%s:%d" % (point, n)}).ended(-signal.SIGKILL)
            if after == "attach":
                Attached(tmp_path, r.pid, "main.called").started().stop()
            assert goshawk.run("detach", "-p", r.pid).status == 0
            assert what_it_has(r.pid) == before, n
            assert r.text() == text
            r.call(10)


def test_killed_at_random_while_it_attaches_and_detaches(tmp_path, release):
    rnd = random.Random(int(release.split(".")[1]))
    with Running(3, 3, release) as r:
        text = r.text()
        for i in range(12):
            a = Attached(tmp_path, r.pid, "main.*", "fmt.*",
                         options=["--count", "--for", "%dms" % rnd.randint(1, 30)])
            try:
                a.p.wait(rnd.random() * 0.15)
            except subprocess.TimeoutExpired:
                a.p.kill()
            a.p.communicate()
            r.call(10)
        b = Attached(tmp_path, r.pid, "main.called").started()  # attaching cleans first
        r.call(10)
        assert len(b.stop().calls) == 10
        assert r.text() == text


def test_what_the_rings_say_is_not_believed(tmp_path):
    """A wild store into the rings of a goshawk that died must not have the next one unmap the program's heap."""
    with Running(1, 1) as r:
        a = Attached(tmp_path, r.pid, "main.called").started()
        a.p.kill()
        a.p.communicate()
        with open("/proc/%d/maps" % r.pid) as maps:
            spans = [(line.split()[0].split("-"), line) for line in maps]
        rings = next(int(lo, 16) for (lo, _), line in spans if "memfd:goshawk" in line)
        heap = next(int(lo, 16) for (lo, hi), line in spans if " rw-p " in line and
                    line.rstrip().endswith((" 0", "Go: heap]")) and int(hi, 16) - int(lo, 16) >= 4 << 20)
        with open("/proc/%d/mem" % r.pid, "r+b", buffering=0) as mem:
            mem.seek(rings + 16)  # near, code, the end of code (src/inline/layout.h)
            mem.write(struct.pack("<QQQ", heap, heap, heap))
        goshawk.run("detach", "-p", r.pid)
        r.go_on()
        r.call(100)
        b = Attached(tmp_path, r.pid, "main.number").started()
        r.call(10)
        assert b.stop().counts()["main.number"] >= 10


def test_a_wild_store_around_our_lock(tmp_path):
    """The page that says that we live is the program's as well: nothing that it writes there may lead us astray."""
    with Running(1, 1) as r:
        text = r.text()
        a = Attached(tmp_path, r.pid, "main.called").started()
        r.call(10)
        with open("/proc/%d/maps" % r.pid) as maps:
            rings = next(int(line.split("-")[0], 16) for line in maps if "memfd:goshawk" in line)
        with open("/proc/%d/mem" % r.pid, "r+b", buffering=0) as mem:
            mem.seek(rings + 196)  # behind the lock's word (src/inline/layout.h)
            mem.write(b"A" * 60)
        assert len(a.stop().calls) == 10
        assert r.text() == text
