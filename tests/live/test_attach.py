"""A process that runs is attached to, traced and left, and never notices."""

import collections
import os
import random
import re
import resource
import select
import signal
import struct
import subprocess
import time

import pytest

import filters
import gobuild
import goshawk

pytestmark = pytest.mark.ptrace
FAULTY = goshawk.BUILD / "tests" / "goshawk-faults"  # dies where GOSHAWK_FAULT says (src/base/fault.h)


def line_of(stream, what, timeout=60):
    readable, _, _ = select.select([stream], [], [], timeout)
    assert readable, "nobody said: %s" % what
    return stream.readline()


class Running:
    """tests/go/running: it does what it is told, and knows what it did."""

    def __init__(self, threads=2, goroutines=0, release=gobuild.NEWEST, variant="plain", program=None, env=None,
                 command=(), **how):
        self.path = program or gobuild.build("running", release, variant)
        self.p = subprocess.Popen([*(command or [str(self.path)]), str(threads), str(goroutines)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
                                  env=dict(os.environ, **(env or {})), **how)
        line = line_of(self.p.stdout, "ready")
        assert line.startswith("ready "), (line, self.p.stderr.read() if self.p.poll() is not None else "")
        self.pid = int(line.split()[1])

    def tell(self, line):
        self.p.stdin.write("%s\n" % line)
        self.p.stdin.flush()
        answer = line_of(self.p.stdout, "the answer to %s" % line)
        assert answer, "it has died: " + self.p.stderr.read()[:3000]
        return answer

    def call(self, n):
        assert self.tell(n) == "called %d %d\n" % (n, sum(i - 1 + 4 for i in range(1, n)))

    def rounds(self):
        n, wrong = map(int, self.tell("rounds").split())
        assert wrong == 0
        return n

    def go_on(self):
        """Its goroutines compute, and what they compute is right."""
        before, until = self.rounds(), time.monotonic() + 60
        while self.rounds() == before:
            assert time.monotonic() < until, "it stands still"

    def text(self):
        """The bytes of its text, as they are now."""
        with open("/proc/%d/maps" % self.pid) as maps, open("/proc/%d/mem" % self.pid, "rb") as mem:
            for line in maps:
                if " r-xp " in line and line.rstrip().endswith(str(self.path)):
                    lo, hi = (int(n, 16) for n in line.split()[0].split("-"))
                    mem.seek(lo)
                    return mem.read(hi - lo)

    def end(self):
        out, err = self.p.communicate(timeout=60)
        assert (self.p.returncode, out, err) == (0, "", "")

    def __enter__(self):
        return self

    def __exit__(self, *failed):
        if self.p.poll() is None:
            if failed[0] is None:
                self.end()
            else:
                self.p.kill()
                self.p.communicate()
        else:
            assert failed[0] or self.p.returncode == 0, self.p.stderr.read()


class Attached:
    """goshawk trace -p; `started` when it watches."""

    def __init__(self, tmp, pid, *patterns, options=(), program=goshawk.GOSHAWK, env=None):
        self.to = tmp / "attached.json"
        self.p = subprocess.Popen([str(program), "trace", "--json", "-o", str(self.to), "--lossless", *options,
                                   "-p", str(pid), *patterns], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, env=dict(os.environ, **(env or {})))
        self.said = ""

    def started(self):
        while "are watched" not in self.said:
            readable, _, _ = select.select([self.p.stderr], [], [], 60)
            more = os.read(self.p.stderr.fileno(), 4096).decode() if readable else ""
            assert more, "it never said that it watches: " + self.said
            self.said += more
        return self

    def written(self):
        """How many bytes have come out."""
        return self.to.stat().st_size

    def stop(self, status=0, sig=signal.SIGINT):
        self.p.send_signal(sig)
        return self.ended(status)

    def ended(self, status=0):
        out, err = self.p.communicate(timeout=120)
        self.said += err
        assert self.p.returncode == status, (self.p.returncode, self.said)
        self.objects = goshawk.read_lines(self.to) if self.to.exists() else []
        self.calls = [o for o in self.objects if o["type"] == "call"]
        self.endo = self.objects[-1] if self.objects else None
        return self

    def counts(self):
        """Of calls, or what --count has counted."""
        counted = {o["func"]: o["count"] for o in self.objects if o["type"] == "count"}
        return counted or collections.Counter(c["func"] for c in self.calls)


def ours(pid):
    """What we have mapped in a process."""
    with open("/proc/%d/maps" % pid) as maps:
        return sum("memfd:goshawk" in line for line in maps)


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
            assert done.status == 0 or p.poll() is not None, done
            attached += 1
        out = p.communicate(timeout=120)[0]
        assert p.returncode == 0 and out == "faults 1000000 bad 0\n"
        assert attached > 3


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGKILL], ids=["left", "killed"])
def test_it_faults_while_we_leave(tmp_path, release, sig):
    """A thread waits for room in a trampoline, and behind that faults in an instruction that was moved there: the
    hook that mends this must still be in place. (It dies of `unexpected return pc` where it is not.)"""
    with Running(command=[str(gobuild.build("odd", release)), "early"]) as r:
        for _ in range(60):
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


def test_a_hundred_threads_in_system_calls(tmp_path, release):
    with Running(100, 2, release) as r:
        a = Attached(tmp_path, r.pid, "main.*", "os.*", "syscall.*", "fmt.*", "strconv.*",
                     options=["--count"]).started()
        r.call(100)
        a.stop()
        assert a.counts()["main.called"] == 100
        r.rounds()  # none of the reads was interrupted


def test_it_is_not_ours_to_wait_for(tmp_path):
    with Running() as r:
        a = Attached(tmp_path, r.pid, "main.called").started()
        r.call(3)
        r.end()
        a.ended(7)
        assert "process %d has ended" % r.pid in a.said
        assert a.counts() == {"main.called": 3}


def test_for_and_max_end_it(tmp_path):
    with Running() as r:
        a = Attached(tmp_path, r.pid, "main.called", options=["--max", "7"]).started()
        r.call(20)
        a.ended()
        assert len(a.calls) == 7
        Attached(tmp_path, r.pid, "main.called", options=["--for", "10ms"]).ended()
        r.call(20)


def test_by_name(tmp_path):
    program = tmp_path / ("running-%d" % os.getpid())
    program.write_bytes(gobuild.build("running", gobuild.NEWEST, "plain").read_bytes())
    program.chmod(0o755)
    with Running(program=program) as r:
        a = Attached(tmp_path, program.name, "main.called").started()
        r.call(2)
        assert len(a.stop().calls) == 2


def test_a_deleted_executable(tmp_path):
    program = tmp_path / "deleted"
    program.write_bytes(gobuild.build("running", gobuild.NEWEST, "plain").read_bytes())
    program.chmod(0o755)
    with Running(program=program) as r:
        program.unlink()
        a = Attached(tmp_path, r.pid, "main.called").started()
        r.call(2)
        assert len(a.stop().calls) == 2


CONTAINERS = {
    "namespaces": ["unshare", "--pid", "--fork", "--mount", "--net", "--ipc", "--uts"],
    "user namespace": ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount"],
    "other root": ["unshare", "--pid", "--fork", "--mount", "--root=."],
}


@pytest.mark.skipif(os.geteuid() != 0, reason="making namespaces takes root")
@pytest.mark.parametrize("kind", CONTAINERS)
def test_in_a_container(tmp_path, kind):
    """Its own PIDs, mounts, users, root: what it is called inside does not matter."""
    program = tmp_path / "inside"
    program.write_bytes(gobuild.build("running", gobuild.NEWEST, "plain").read_bytes())
    program.chmod(0o755)
    inside = "/inside" if kind == "other root" else str(program)
    with Running(command=[*CONTAINERS[kind], inside], cwd=tmp_path) as r:
        assert r.pid == 1
        r.pid = int(open("/proc/%d/task/%d/children" % (r.p.pid, r.p.pid)).read())
        for i in range(2):
            a = Attached(tmp_path, r.pid, "main.called").started()
            r.call(50)
            assert len(a.stop().calls) == 50


def test_a_stopped_process_stays_stopped(tmp_path):
    with Running() as r:
        os.kill(r.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, r.pid, os.WSTOPPED | os.WNOWAIT)
        a = Attached(tmp_path, r.pid, "main.called").started()
        os.waitid(os.P_PID, r.pid, os.WSTOPPED | os.WNOWAIT)
        os.kill(r.pid, signal.SIGCONT)
        r.call(5)
        assert len(a.stop().calls) == 5


@pytest.mark.skipif(os.geteuid() != 0, reason="takes CAP_SYS_ADMIN")
def test_with_no_descriptor_left(tmp_path):
    with Running() as r:
        hard = resource.prlimit(r.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(r.pid, resource.RLIMIT_NOFILE, (3, hard))
        a = Attached(tmp_path, r.pid, "main.called").started()
        r.call(100)
        assert len(a.stop().calls) == 100


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


# The end of goshawk at any moment.

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


@pytest.mark.parametrize("name", ["deadbeef-" * 20 + "x", "7fff00000000-7fffffffffff-" * 8])
def test_files_of_any_name_are_mapped(tmp_path, name):
    """/proc/PID/maps has lines of any length."""
    folder = tmp_path
    for _ in range(4):
        folder = folder / name
        folder.mkdir()
    program = folder / "running"
    program.write_bytes(gobuild.build("running", gobuild.NEWEST, "plain").read_bytes())
    program.chmod(0o755)
    with Running(program=program) as r:
        a = Attached(tmp_path, r.pid, "main.called").started()
        r.call(2)
        assert len(a.stop().calls) == 2


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
        c = Attached(three, r.pid, "main.called", "main.number").started()
        assert "process %d" % b.p.pid in c.said or "process %d" % a.p.pid in c.said
        r.call(10)
        a.stop()
        r.call(10)
        b.stop()
        c.stop()
        assert a.counts() == {"main.called": 20}
        assert b.counts()["main.number"] >= 20
        assert c.counts() == {}
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


sees_filters = pytest.mark.skipif(os.geteuid() != 0, reason="reading a seccomp filter takes CAP_SYS_ADMIN")


@sees_filters
@pytest.mark.parametrize("code", [filters.denies(filters.DOCKER), filters.no_written_code(filters.ERRNO),
                                  filters.no_written_code(filters.KILL), filters.denies([filters.MEMFD], filters.KILL)],
                         ids=["docker", "memory-deny-write-execute", "the-same-deadly", "no-memory-files"])
def test_under_a_filter_that_permits_what_we_need(tmp_path, release, code):
    with Running(2, 2, release, preexec_fn=filters.apply(code)) as r:
        text = r.text()
        for i in range(2):
            a = Attached(tmp_path, r.pid, "main.called").started()
            r.call(500)
            assert len(a.stop().calls) == 500
        assert r.text() == text
        r.go_on()


@sees_filters
@pytest.mark.parametrize("code", [filters.no_new_code(), filters.denies([filters.MADVISE], filters.ERRNO),
                                  filters.no_new_code(filters.ERRNO),
                                  filters.no_call_with(filters.SIGPROCMASK, 0xFFFFFFFF)],
                         ids=["no-code", "no-advice", "error", "our-own-calls"])
def test_a_filter_that_would_kill_it(code):
    with Running(2, 0, preexec_fn=filters.apply(code)) as r:
        text = r.text()
        done = goshawk.run("trace", "--engine", "inline", "-p", r.pid, "main.called")
        assert done.status == 5 and "seccomp filter does not permit" in done.err, done
        r.call(10)
        assert r.text() == text


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user takes root")
def test_a_filter_that_cannot_be_read(tmp_path):
    """As a user without rights: nobody knows what the filter would do."""
    program = tmp_path / "running"
    program.write_bytes(gobuild.build("running", gobuild.NEWEST, "plain").read_bytes())
    program.chmod(0o755)
    here = tmp_path
    while here != here.parent:
        here.chmod(here.stat().st_mode | 0o011)
        here = here.parent
    as_user = {"user": 65534, "group": 65534, "extra_groups": []}
    code = filters.apply(filters.denies(filters.DOCKER))
    with Running(program=program, preexec_fn=code, **as_user) as r:
        done = subprocess.run([str(goshawk.GOSHAWK), "trace", "--engine", "inline", "-p", str(r.pid), "main.called"],
                              text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, **as_user)
        assert done.returncode == 5 and "seccomp filter that can't be read" in done.stderr, done
        r.call(10)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user takes root")
def test_a_user_without_rights_attaches_to_his_own(tmp_path):
    program = tmp_path / "running"
    program.write_bytes(gobuild.build("running", gobuild.NEWEST, "plain").read_bytes())
    program.chmod(0o755)
    here = tmp_path
    while here != here.parent:
        here.chmod(here.stat().st_mode | 0o011)
        here = here.parent
    as_user = {"user": 65534, "group": 65534, "extra_groups": []}
    with Running(program=program, **as_user) as r:
        done = subprocess.run([str(goshawk.GOSHAWK), "trace", "--for", "50ms", "-p", str(r.pid), "main.called"],
                              text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, **as_user)
        assert done.returncode == 0 and "0 calls" in done.stderr, done
        r.call(10)


@pytest.mark.parametrize("how", ["signal", "for"])
def test_nobody_reads_the_output(how):
    """A pipe that is full must not keep us in the process."""
    with Running(1, 1) as r:
        text = r.text()
        options = ["--for", "1s"] if how == "for" else []
        p = subprocess.Popen([str(goshawk.GOSHAWK), "trace", *options, "-p", str(r.pid), "main.called"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert "are watched" in line_of(p.stderr, "that it watches")
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
