"""A process that runs is attached to, traced and left, and never notices."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

import gobuild
import goshawk
from attaching import Attached, Running, copy_of_running, line_of, ours

pytestmark = pytest.mark.ptrace

# What is seen.

@pytest.mark.parametrize("variant", ["plain", "stripped", "pie", "race", "cgo"])
def test_each_call_while_it_is_watched_is_seen(tmp_path, release, variant):
    with Running(2, 1, release, variant) as r:
        r.call(10)
        a = Attached(tmp_path, r.pid, "main.called").started()
        r.call(1000)
        a.stop()
        r.call(10)
        assert a.counts() == {"main.called": 1000}
        assert a.endo["lost"] == 0 and a.endo["program_exit"] is None and a.endo["stop_ns"] > 0
        if variant != "stripped":
            assert [c["args"][0]["value"] for c in a.calls[:3]] == [-1, 0, 1]
            assert a.calls[5]["args"][1]["value"] == "four"
            if not release.startswith("1.17."):  # whose DWARF has no results
                assert a.calls[5]["results"][0]["value"] == 8


def test_again_and_again_and_its_text_is_as_before(tmp_path, release):
    with Running(4, 3, release) as r:
        text = r.text()
        for i in range(10):
            a = Attached(tmp_path, r.pid, "main.*", options=["--count"]).started()
            r.call(50)
            a.stop()
            assert a.counts()["main.called"] == 50
            assert r.text() == text
            assert ours(r.pid) <= 2
        r.rounds()


def test_everything_in_it_while_it_computes(tmp_path, release):
    """Goroutines stand inside of windows, are preempted there, and grow their stacks."""
    with Running(2, 6, release, env={"GOMAXPROCS": "4"}) as r:
        text = r.text()
        for i in range(8):
            a = Attached(tmp_path, r.pid, "*", options=["--summary"]).started()
            r.call(5)
            a.stop()
            assert r.text() == text
        r.go_on()


def test_while_it_faults(tmp_path, release):
    """Faults that it recovers from, in instructions that trampolines run for it: none is lost when we come or go."""
    program = gobuild.build("odd", release)
    with subprocess.Popen([str(program), "faults", "1000000"], stdout=subprocess.PIPE, text=True) as p:
        attached = 0
        while p.poll() is None and attached < 12:
            done = goshawk.run("trace", "--count", "--for", "20ms", "-o", tmp_path / "out", "-p", p.pid, "main.*")
            if done.status:  # it has ended, but its parent, this test, may hear of it later
                assert done.status == 7 and "has ended" in done.err, done
                break
            attached += 1
        out = p.communicate(timeout=120)[0]
        assert p.returncode == 0 and out == "faults 1000000 bad 0\n"
        assert attached > 3


def test_a_hundred_threads_in_system_calls(tmp_path, release):
    with Running(100, 2, release) as r:
        a = Attached(tmp_path, r.pid, "main.*", "os.*", "syscall.*", "fmt.*", "strconv.*",
                     options=["--count"]).started()
        r.call(100)
        a.stop()
        assert a.counts()["main.called"] == 100
        r.rounds()  # none of the reads was interrupted


def rings(pid):
    """How many have been handed out, and how many there are (src/inline/layout.h)."""
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb") as mem:
        mem.seek(next(int(line.split("-")[0], 16) for line in maps if "memfd:goshawk" in line))
        shared = mem.read(144)
    return int.from_bytes(shared[72:80], "little"), int.from_bytes(shared[136:144], "little")


@pytest.mark.parametrize("options", [[], ["--count"]], ids=["calls", "counts"])
def test_threads_that_come_and_go(tmp_path, release, options):
    """Of four times as many threads as there are rings each has one while it lives. No more come at once than there are to spare."""
    with Running(2, 1, release) as r:
        a = Attached(tmp_path, r.pid, "main.called", options=options).started()
        for i in range(200):
            until = time.monotonic() + 60
            while (given := rings(r.pid))[0] > 900 or given[0] + 24 > given[1]:
                assert time.monotonic() < until, "they were not let go"
                time.sleep(0.001)
            r.tell("threads 20")
        a.stop()
        assert (a.counts(), a.endo["lost"]) == ({"main.called": 4000}, 0)
        r.rounds()


def test_it_is_not_ours_to_wait_for(tmp_path):
    with Running() as r:
        a = Attached(tmp_path, r.pid, "main.called").started()
        r.call(3)
        r.end()
        a.ended(7)
        assert "process %d has ended" % r.pid in a.said
        assert a.counts() == {"main.called": 3}


@pytest.mark.parametrize("when", ["before", "later"])
def test_sigurg_is_ignored(tmp_path, release, when):
    """By which we tell that the runtime has started: by who started the program, or by itself."""
    before = (lambda: signal.signal(signal.SIGURG, signal.SIG_IGN)) if when == "before" else None
    with Running(2, 2, release, preexec_fn=before) as r:
        if when == "later":
            assert r.tell("ignore") == "ignored\n"
        text = r.text()
        a = Attached(tmp_path, r.pid, "main.called").started()
        r.call(10)
        assert len(a.stop().calls) == 10 and r.text() == text
        r.go_on()


@pytest.mark.skipif(os.geteuid() != 0, reason="being in groups that one chooses takes root")
def test_its_user_is_in_hundreds_of_groups(tmp_path):
    """Their numbers stand in /proc/PID/status before all that we look for there."""
    with Running(2, 0, extra_groups=range(4000000000, 4000000400)) as r:
        a = Attached(tmp_path, r.pid, "main.called").started()
        r.call(10)
        a.stop()
        assert a.counts() == {"main.called": 10} and a.endo["engine"] == "inline"


def test_for_and_max_end_it(tmp_path):
    with Running() as r:
        a = Attached(tmp_path, r.pid, "main.called", options=["--max", "7"]).started()
        r.call(20)
        a.ended()
        assert len(a.calls) == 7
        Attached(tmp_path, r.pid, "main.called", options=["--for", "10ms"]).ended()
        r.call(20)


def test_a_plan_says_which_process(tmp_path):
    with Running() as running:
        for command, pattern in ("trace", "main.*"), ("stress", "fmt.*"):
            done = goshawk.run(command, "--plan", "--json", pattern, "-p", running.pid)
            assert done.status == 0 and json.loads(done.out.splitlines()[0])["pid"] == running.pid, done


def shared_kb(pid):
    with open("/proc/%d/status" % pid) as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssShmem:"))


def test_the_rings_take_no_memory_afterwards(tmp_path):
    """What was recorded stays nowhere: the program would have to account for it."""
    with Running(3, 3) as r:
        before = shared_kb(r.pid)
        a = Attached(tmp_path, r.pid, "main.called").started()
        r.call(20_000)
        assert shared_kb(r.pid) - before > 500
        assert len(a.stop().calls) == 20_000
        assert shared_kb(r.pid) - before < 100  # the header, and which thread has which ring
        r.go_on()


def test_by_name(tmp_path):
    program = copy_of_running(tmp_path, "running-%d" % os.getpid())
    with Running(program=program) as r:
        a = Attached(tmp_path, program.name, "main.called").started()
        r.call(2)
        assert len(a.stop().calls) == 2


def test_a_stopped_process_stays_stopped(tmp_path):
    with Running() as r:
        os.kill(r.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, r.pid, os.WSTOPPED | os.WNOWAIT)
        a = Attached(tmp_path, r.pid, "main.called").started()
        os.waitid(os.P_PID, r.pid, os.WSTOPPED | os.WNOWAIT)
        os.kill(r.pid, signal.SIGCONT)
        r.call(5)
        assert len(a.stop().calls) == 5


def test_where_a_fault_would_be_fatal(tmp_path, release):
    """SIGSEGV is C's here: nothing is read that the kernel has not been asked about, each time."""
    with Running(program=gobuild.build("handler", release, "cgo")) as r:
        a = Attached(tmp_path, r.pid, "main.hold", "fmt.*").started()
        for _ in range(20):
            assert r.tell("hold") == "false true false\n"
        a.stop()
        assert "SIGSEGV is not handled by Go here" in a.said
        held = [c for c in a.calls if c["func"] == "main.hold"]
        assert len(held) == 60
        assert held[0]["args"][0]["value"]["value"] == {"x": 1, "y": 2}
        assert held[1]["args"][0]["value"] is None
        assert held[2]["args"][0]["value"]["error"] == "unreadable"


def test_it_becomes_another_program_just_before(tmp_path):
    """What was found out about it is about a program that is no more: nothing is written to the other one."""
    fifo = tmp_path / "calls"
    os.mkfifo(fifo)
    other = gobuild.build("running", gobuild.NEWEST, "stripped")
    with Running() as r:
        with subprocess.Popen([str(goshawk.GOSHAWK), "trace", "-o", str(fifo), "-p", str(r.pid), "*"],
                              stderr=subprocess.PIPE, text=True) as p:
            wchan = "/proc/%d/wchan" % p.pid
            until = time.monotonic() + 60
            while open(wchan).read() not in ("wait_for_partner", "fifo_open"):  # all is planned: it opens its output
                assert p.poll() is None and time.monotonic() < until
                time.sleep(0.001)
            assert r.tell("exec %s 2 2" % other) == "ready %d\n" % r.pid
            r.path = other
            text = r.text()
            with open(fifo) as reads:
                assert reads.read() == ""
            assert (p.wait(timeout=60), p.stderr.read()) == (
                7, "goshawk: process %d has ended, or become another program\n" % r.pid)
        assert r.text() == text
        r.go_on()


def test_a_thread_that_nothing_can_stop(tmp_path):
    """It waits for its child as a parent of vfork does: the others are not held until that one ends."""
    with Running(2, 1) as r:
        text = r.text()
        tid = int(r.tell("stuck 4").split()[1])
        state = "/proc/%d/task/%d/stat" % (r.pid, tid)
        until = time.monotonic() + 60
        while open(state).read().rsplit(")", 1)[1].split()[0] != "D":
            assert time.monotonic() < until
            time.sleep(0.001)
        done = goshawk.run("trace", "-p", r.pid, "main.called")
        assert done.status == 8 and "thread %d waits in the kernel" % tid in done.err, done
        assert open(state).read().rsplit(")", 1)[1].split()[0] == "D", "it was waited for"
        r.go_on()
        assert r.text() == text
        while os.path.exists(state) and open(state).read().rsplit(")", 1)[1].split()[0] == "D":
            assert time.monotonic() < until
            time.sleep(0.01)
        a = Attached(tmp_path, r.pid, "main.called").started()
        r.call(5)
        assert len(a.stop().calls) == 5


# Several of us.

def test_two_at_a_time(tmp_path, release):
    """Disjoint functions are both seen; what the other one has is left to it, by name."""
    one, two, three = tmp_path / "one", tmp_path / "two", tmp_path / "three"
    for d in one, two, three:
        d.mkdir()
    with Running(2, 2, release) as r:
        text = r.text()
        a = Attached(one, r.pid, "main.called").started()
        b = Attached(two, r.pid, "main.number").started()
        r.call(10)
        c = Attached(three, r.pid, "main.called", "main.number", "main.grow").started()
        assert "process %d" % b.p.pid in c.said or "process %d" % a.p.pid in c.said
        r.call(10)
        a.stop()
        r.call(10)
        b.stop()
        c.stop()
        assert a.counts() == {"main.called": 20}
        assert b.counts()["main.number"] >= 20
        assert not {"main.called", "main.number"} & set(c.counts())
        r.call(10)
        assert r.text() == text


def test_at_the_same_moment(tmp_path):
    """They come and go together, and each gets its turn."""
    names = ["main.called", "main.number", "main.grow", "main.mix"]
    for name in names:
        (tmp_path / name).mkdir()
    with Running(3, 2) as r:
        text = r.text()
        for i in range(6):
            all_of_us = [Attached(tmp_path / name, r.pid, name, options=["--count"]) for name in names]
            for a in all_of_us:
                a.started()
            r.call(30)
            for a in all_of_us:
                a.p.send_signal(signal.SIGINT)
            for a in all_of_us:
                a.ended()
            assert all_of_us[0].counts() == {"main.called": 30}, [a.said for a in all_of_us]
            assert all_of_us[1].counts() == {"main.number": 31}, [a.said for a in all_of_us]
        r.go_on()
        assert r.text() == text


def test_one_has_left_and_goes_on_under_the_other(tmp_path):
    """It waits for the end of the program that it started; its jump is not put back by who came later."""
    with Running() as untouched:
        text = untouched.text()
    traced = str(goshawk.GOSHAWK), "trace", "-o", str(tmp_path / "out"), "--max", "5", "main.called", "--"
    with Running(command=[*traced, str(gobuild.build("running", gobuild.NEWEST))]) as r:
        b = Attached(tmp_path, r.pid, "main.number").started()
        both = r.text()
        r.call(10)
        until = time.monotonic() + 60
        while r.text() == both:
            assert time.monotonic() < until, "it never left"
            time.sleep(0.001)
        b.stop()
        assert r.text() == text
        done = goshawk.run("detach", "-p", r.pid)
        assert done.status == 0, done
        r.call(10)
        r.p.communicate(timeout=60)


def test_one_dies_under_the_other(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for d in one, two:
        d.mkdir()
    with Running(2, 2) as r:
        text = r.text()
        a = Attached(one, r.pid, "main.called").started()
        b = Attached(two, r.pid, "main.number", "main.move").started()
        done = goshawk.run("detach", "-p", r.pid)
        assert done.status == 5 and re.search(r"\(process (%d|%d)\)" % (a.p.pid, b.p.pid), done.err)
        a.p.kill()
        a.p.communicate()
        r.call(10)
        c = Attached(one, r.pid, "main.called").started()  # takes away what the first left
        r.call(10)
        assert len(c.stop().calls) == 10
        b.p.kill()
        b.p.communicate()
        r.call(10)
        assert goshawk.run("detach", "-p", r.pid).status == 0
        assert r.text() == text
        r.rounds()


def mapped(pid):
    """The bytes of what we map: rings, and what lies where we map."""
    with open("/proc/%d/maps" % pid) as maps:
        spans = [line.split(maxsplit=5) for line in maps]
    return sum(int(hi, 16) - int(lo, 16) for lo, hi in (s[0].split("-") for s in spans if "memfd:goshawk" in s[-1] or
                                                        int(s[0].split("-")[0], 16) < 1 << 32))


def test_detach_says_what_it_has_done(tmp_path):
    """Memory, once a goshawk has ended; jumps too, if it was killed; and then nothing."""
    with Running(1, 1) as r:
        before = mapped(r.pid)
        for kill in False, True:
            for form in [], ["--json"]:
                a = Attached(tmp_path, r.pid, "main.called").started()
                if kill:
                    a.p.kill()
                    a.p.communicate()
                else:
                    a.stop()
                left = mapped(r.pid) - before
                assert left > 0
                done = goshawk.run("detach", *form, "-p", r.pid)
                assert mapped(r.pid) == before
                if form:
                    told = json.loads(done.out.splitlines()[1])
                    assert (told["restored"] > 0, told["unmapped"], told["kept"]) == (kill, left, 0) and told["stop_ns"] > 0
                    continue
                what = r"\d+ places are as they were before, " if kill else ""
                assert re.fullmatch(r"\[goshawk\] process %d: %s%.1f MiB of addresses that were mapped are free again; it stood still "
                                    r"for [\d.]+ ms\n" % (r.pid, what, left / 2**20), done.err), done.err
        done = goshawk.run("detach", "-p", r.pid)
        assert done.err == "[goshawk] process %d: nothing was left in it\n" % r.pid


def test_who_comes_and_goes_beside_another_takes_no_more_each_time(tmp_path):
    """But what is left of one over which another has its hooks stays, as long as that one does."""
    one, two, three = tmp_path / "one", tmp_path / "two", tmp_path / "three"
    for d in one, two, three:
        d.mkdir()

    def comes_and_goes(name):
        b = Attached(three, r.pid, name).started()
        r.call(10)
        assert b.stop().counts().get("main.called", 10) == 10
        return mapped(r.pid)

    with Running(2, 2) as r:
        text, before = r.text(), mapped(r.pid)
        below = Attached(one, r.pid, "main.called").started()
        assert comes_and_goes("main.number") == comes_and_goes("main.number") == comes_and_goes("main.number")
        above = Attached(two, r.pid, "main.number").started()
        below.stop()
        left = comes_and_goes("main.called")
        assert left == comes_and_goes("main.called") == comes_and_goes("main.called")
        r.call(10)
        above.stop()
        assert comes_and_goes("main.called") < left
        assert goshawk.run("detach", "-p", r.pid).status == 0
        assert (r.text(), mapped(r.pid)) == (text, before)
        r.rounds()


# What can't be done.

def test_no_such_process_and_no_go():
    done = goshawk.run("trace", "-p", 2**22 - 1, "main.main")
    assert done.status == 7 and "no such process" in done.err
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as p:
        done = goshawk.run("trace", "-p", p.pid, "main.main")
        assert done.status == 3 and "not a Go program" in done.err
        p.stdin.close()


def test_one_that_is_traced_by_another():
    with Running() as r:
        with subprocess.Popen(["strace", "-qq", "-e", "none", "-p", str(r.pid)], stderr=subprocess.PIPE) \
                if os.path.exists("/usr/bin/strace") else pytest.skip("no strace") as other:
            while "TracerPid:\t0" in open("/proc/%d/status" % r.pid).read():
                assert other.poll() is None
                time.sleep(0.001)
            done = goshawk.run("trace", "--engine", "inline", "-p", r.pid, "main.called")
            assert done.status == 6 and "traces it already" in done.err
            other.terminate()


@pytest.mark.parametrize("how", ["signal", "for"])
def test_nobody_reads_the_output(how):
    """A pipe that is full must not keep us in the process."""
    with Running(1, 1) as r:
        text = r.text()
        options = ["--for", "1s"] if how == "for" else []
        p = subprocess.Popen([str(goshawk.GOSHAWK), "trace", *options, "-p", str(r.pid), "main.called"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert "watched; it stood" in line_of(p.stderr, "that it watches")
        r.call(20000)
        time.sleep(0.3)
        assert r.text() != text
        if how == "signal":
            p.send_signal(signal.SIGTERM)
        until = time.monotonic() + 30
        while r.text() != text:
            assert time.monotonic() < until, "it is still in the process"
            time.sleep(0.05)
        out, err = p.communicate(timeout=60)
        calls, lost = len(out.splitlines()), re.search(r"(\d+) calls in .*?(?:; (\d+) records lost)?;", err)
        assert p.returncode == 0 and calls >= int(lost[1]), err
        r.call(100)


def test_enough_was_seen_and_nobody_reads_it():
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    before = os.write(writes, b"x" * (1 << 20))  # what there is room for
    os.set_blocking(writes, True)
    with Running(1, 1) as r:
        text = r.text()
        p = subprocess.Popen([str(goshawk.GOSHAWK), "trace", "--max", "1", "-p", str(r.pid), "main.called"],
                             stdin=subprocess.DEVNULL, stdout=writes, stderr=subprocess.PIPE, text=True)
        os.close(writes)
        assert "watched; it stood" in line_of(p.stderr, "that it watches")
        r.call(5)
        until = time.monotonic() + 30
        while r.text() != text:
            assert time.monotonic() < until, "it is still in the process"
            time.sleep(0.05)
        with open(reads, "rb") as f:
            assert f.read()[before:].count(b"main.called") == 1
        p.communicate(timeout=60)
        assert p.returncode == 0
        r.call(5)


def test_a_full_disk():
    """It is said which, and the process is as it was."""
    with Running(1, 1) as r:
        text = r.text()
        done = goshawk.run("trace", "-o", "/dev/full", "-p", r.pid, "main.*")
        assert done.status == 8 and "\ngoshawk: /dev/full: output: cannot write: No space left" in done.err, done
        assert r.text() == text
        r.go_on()


def test_usage():
    assert goshawk.run("trace", "-p", 1, "main.*", "--", "/bin/true").status == 2
    assert re.search("which process", goshawk.run("detach", "/bin/true").err + goshawk.run(
        "detach", gobuild.build("running", gobuild.NEWEST, "plain")).err)
