"""A traced program goes on as if nobody looked: exec, fork, faults, signals, descriptors, and the end of
goshawk itself at any moment."""

import collections
import json
import os
import pty
import random
import re
import select
import signal
import subprocess
import time

import pytest

import gobuild
import goshawk

pytestmark = pytest.mark.ptrace


def odd(release=gobuild.NEWEST, variant="plain"):
    return gobuild.build("odd", release, variant)


def counts(t):
    return collections.Counter(c["func"] for c in t.calls)


def start(*args, to=subprocess.PIPE, **kw):
    return subprocess.Popen([str(a) for a in args], stdin=subprocess.PIPE, stdout=to, stderr=subprocess.PIPE,
                            text=True, **kw)


def start_traced(tmp_path, *program, options=(), patterns=("main.*",), **kw):
    """A traced program; the output goes to trace.json."""
    return start(goshawk.GOSHAWK, "trace", "--json", "-o", tmp_path / "trace.json", *options, *patterns, "--",
                 *program, **kw)


def ready(p, timeout=60):
    """The PID that the program says when it is up."""
    readable, _, _ = select.select([p.stdout], [], [], timeout)
    assert readable, "the program never said that it is ready"
    line = p.stdout.readline()
    assert line.startswith("ready "), (line, p.stderr.read() if p.poll() is not None else "")
    return int(line.split()[1])


def finish(p, timeout=60):
    out, err = p.communicate(timeout=timeout)
    return goshawk.Ended(subprocess.CompletedProcess(p.args, p.returncode, out, err))


def gone(pid):
    return not os.path.exists("/proc/%d" % pid)


# The program's own ways.

@pytest.mark.parametrize("status", [0, 1, 3, 125])
def test_a_program_that_ends_at_once_gives_its_status(tmp_path, status):
    t = goshawk.Trace(tmp_path, ["main.*"], [odd(), "exit", status]).check(status)
    assert t.end["program_exit"] == status
    assert counts(t)["main.main"] == 1


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGKILL])
def test_a_program_that_dies_of_a_signal_gives_128_and_more(tmp_path, sig):
    t = goshawk.Trace(tmp_path, ["main.*"], [odd(), "raise", int(sig)]).check(128 + sig)
    assert counts(t)["main.main"] == 1


def test_stdin_stdout_stderr_arguments_and_environment_are_the_programs_own(tmp_path):
    p = start_traced(tmp_path, odd(), "echo", "a b", "c", env=dict(os.environ, ODD="value"))
    out, err = p.communicate("fed\n", timeout=60)
    assert (p.returncode, out) == (7, "a b,c|value|fed\n\n")
    assert "on stderr" in err


def test_output_goes_to_stderr_while_the_program_owns_stdout():
    done = goshawk.run("trace", "main.work", "--", odd(), "spawn", 1)
    assert done.status == 0 and done.out == "spawned\n", done
    assert "main.work(" in done.err


def test_it_sees_no_descriptor_of_ours(tmp_path, release):
    plain = goshawk.run_plain(odd(release), "fds")
    traced = goshawk.Trace(tmp_path, ["main.*"], [odd(release), "fds"]).check()
    assert traced.ended.out == plain.out


def test_children_run_and_are_not_recorded(tmp_path, release):
    t = goshawk.Trace(tmp_path, ["main.*"], [odd(release), "spawn", 20]).check()
    assert t.ended.out == "spawned\n"
    assert counts(t)["main.work"] == counts(t)["main.mix"] == 20 * 1000


def test_a_raw_fork_of_a_cgo_program_that_goes_on_running(tmp_path, release):
    """The child runs right, and the parent's counts are exact: nothing that the child did is in them."""
    t = goshawk.Trace(tmp_path, ["main.*"], [gobuild.build("forks", release, "cgo")]).check()
    assert t.ended.out == "child 42\n"
    assert counts(t)["main.work"] == 21 * 1000
    assert counts(t)["main.worked"] == 21


@pytest.mark.parametrize("engine", ["inline", pytest.param("uprobe", marks=pytest.mark.bpf)])
def test_a_program_that_starts_another_one(engine, tmp_path):
    """It is not followed, which is said once."""
    p = start_traced(tmp_path, odd(), "child", "/bin/cat", options=["--engine", engine])
    said = p.stderr.readline()
    if engine == "uprobe":
        assert "kernel probes at" in said
        said = p.stderr.readline()
    child = re.fullmatch(r"\[goshawk\] process (\d+) has started another one, cat, which is not followed: -p (\d+) looks into that\n", said)
    assert child and os.readlink("/proc/%s/exe" % child[2]).endswith("/cat"), said
    assert [line for line in open("/proc/%s/status" % child[2]) if line.split() == ["PPid:", child[1]]]
    out, err = p.communicate("through cat\n", timeout=60)
    assert (p.returncode, out, err) == (0, "through cat\n", "")
    assert sum(o.get("func") == "main.work" for o in goshawk.read_lines(tmp_path / "trace.json")) == 100


def test_a_program_that_becomes_another_one(tmp_path):
    p = start_traced(tmp_path, odd(), "exec", "/bin/cat")
    readable, _, _ = select.select([p.stderr], [], [], 60)
    assert readable
    assert "has become another program" in p.stderr.readline()
    out, err = p.communicate("through cat\n", timeout=60)
    assert (p.returncode, out, err) == (0, "through cat\n", "")
    objects = goshawk.read_lines(tmp_path / "trace.json")
    assert sum(o.get("func") == "main.work" for o in objects) == 100
    assert objects[-1]["type"] == "end"


@pytest.mark.parametrize("options", [(), ("--count",), ("--entry",)], ids=lambda o: "".join(o) or "calls")
@pytest.mark.parametrize("becomes", ["/bin/true", "/no/such/program"])
@pytest.mark.parametrize("engine", ["inline", pytest.param("uprobe", marks=pytest.mark.bpf)])
def test_another_one_that_ends_before_we_look(tmp_path, release, engine, options, becomes):
    """goshawk stands still from before the exec until all is over."""
    p = start_traced(tmp_path, odd(release), "execlater", becomes, options=["--engine", engine, *options])
    end = os.pidfd_open(ready(p))
    os.kill(p.pid, signal.SIGSTOP)
    p.stdin.write("now\n")
    p.stdin.flush()
    assert select.select([end], [], [], 60)[0]
    os.close(end)
    os.kill(p.pid, signal.SIGCONT)
    out, err = p.communicate(timeout=60)
    exists = os.path.exists(becomes)
    assert p.returncode == (0 if exists else 2), err
    assert err.count("has become another program") == exists


@pytest.mark.parametrize("mode", ["exe", "pie"])
def test_a_program_that_may_load_plugins(tmp_path, release, mode):
    """The dynamic loader says where it keeps its goroutines."""
    source = gobuild.ROOT / "tests" / "go" / "plugs"
    program = gobuild.go(release, ["build", "-ldflags=-s -w", "-buildmode=" + mode, "."], "plugs-" + mode, source, True,
                         key=(source,))
    t = goshawk.Trace(tmp_path, ["main.work"], [program]).check()
    assert t.ended.out == "20825\n"
    assert len({c["goid"] for c in t.calls}) == 50 and len(t.calls) == 1275


def test_a_program_that_locks_its_memory_does_not_fill_every_ring_there_could_be(tmp_path):
    t = goshawk.Trace(tmp_path, ["main.work"], [odd(), "locked"])
    if t.ended.out.startswith("not permitted"):
        pytest.skip(t.ended.out)
    assert t.ended.status == 0 and counts(t)["main.work"] == 1, t.ended
    assert int(t.ended.out) < 1 << 20, "KiB"


def test_faults_are_recovered(tmp_path, release):
    """Nil dereferences at places that were moved, and next to them."""
    t = goshawk.Trace(tmp_path, ["main.*"], [odd(release), "faults", 20000], timeout=600).check()
    assert t.ended.out == "faults 20000 bad 0\n"
    ends = collections.Counter((c["func"], c["end"]) for c in t.calls)
    assert ends["main.load", "panic"] == ends["main.load", "return"] == 20000
    assert ends["main.faultAt", "recovered"] == ends["main.faultAt", "return"] == 20000


# The end of goshawk.

def test_kill_9_of_goshawk_at_random_moments(tmp_path):
    """Whatever goshawk was doing, the program goes on and its sums are right, or it had not started."""
    went_on = 0
    for i in range(20):
        p = start_traced(tmp_path, odd(), "beat", start_new_session=True)
        moment = random.Random(i).uniform(0, 0.08) if i % 2 else None
        if moment is None:
            pid = ready(p)
        else:
            time.sleep(moment)  # the moment is the point of it: nothing is waited for
        os.kill(p.pid, signal.SIGKILL)
        p.wait(timeout=10)
        # The program has our pipes: closing stdin ends it, and EOF on stdout says that it has ended.
        p.stdin.close()
        left = p.stdout.read()
        if moment is None or "ready" in left:
            assert left.endswith("beats ok true\n"), (i, moment, left)
            went_on += 1
        else:
            assert left == "", (i, moment, left)
        assert "panic" not in p.stderr.read()
    assert went_on >= 10


FAULTY = goshawk.BUILD / "tests" / "goshawk-faults"  # dies where GOSHAWK_FAULT says (src/base/fault.h)


def fault_points(which):
    done = goshawk.run_plain(FAULTY, "trace", "main.*", "--", odd(), "exit", "0", env={"GOSHAWK_FAULT": which})
    assert done.out.split(), done
    return done.out.split()


def start_faulty(tmp_path, point):
    return start(FAULTY, "trace", "-o", tmp_path / ("out-" + point), "main.*", "--", odd(), "beat",
                 env=dict(os.environ, GOSHAWK_FAULT=point), start_new_session=True)


def what_is_left(p, point):
    """It died as it should; what the program wrote, which ends with its standard input."""
    p.wait(timeout=30)
    p.stdin.close()
    left, err = p.stdout.read(), p.stderr.read()
    assert p.returncode == -signal.SIGKILL, (point, p.returncode, left, err)
    assert "panic" not in err, (point, err)
    return left


def test_the_end_of_goshawk_while_it_patches(tmp_path):
    for point in fault_points("list"):
        left = what_is_left(start_faulty(tmp_path, point), point)
        assert left == "" or left.endswith("beats ok true\n"), (point, left)


def test_the_end_of_goshawk_while_it_restores(tmp_path):
    for point in fault_points("list-restore"):
        p = start_faulty(tmp_path, point)
        ready(p)
        os.kill(p.pid, signal.SIGTERM)
        assert what_is_left(p, point) == "beats ok true\n", point


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_to_goshawk_alone_restores_and_lets_it_go_on(tmp_path, sig):
    before = time.monotonic()
    p = start_traced(tmp_path, odd(), "beat", start_new_session=True)
    pid = ready(p)
    text = text_of(pid)
    os.kill(p.pid, sig)
    p.wait(timeout=30)
    assert p.returncode == 0, p.stderr.read()
    assert not gone(pid)
    assert text_of(pid) != text, "its text is as it was before"
    assert text_of(pid) == text_on_disk(odd())
    p.stdin.close()
    assert "beats ok true" in p.stdout.read()
    objects = goshawk.read_lines(tmp_path / "trace.json")
    assert objects[-1]["type"] == "end"
    assert objects[-1]["calls"] == sum(o["type"] == "call" for o in objects) > 1000
    assert objects[-1]["elapsed_ns"] <= (time.monotonic() - before) * 1e9


def text_of(pid):
    """The bytes of the text of a running, unmoved program."""
    with open("/proc/%d/maps" % pid) as maps:
        low, high = next(tuple(int(x, 16) for x in line.split()[0].split("-"))
                         for line in maps if " r-xp " in line and line.rstrip().endswith(str(os.readlink("/proc/%d/exe" % pid))))
    with open("/proc/%d/mem" % pid, "rb") as mem:
        mem.seek(low)
        return mem.read(high - low)


def text_on_disk(path):
    """The same from its file: the one segment that is executable."""
    raw = path.read_bytes()
    at = int.from_bytes(raw[32:40], "little")
    for i in range(int.from_bytes(raw[56:58], "little")):
        p = raw[at + 56 * i:at + 56 * i + 56]
        if int.from_bytes(p[0:4], "little") == 1 and p[4] & 1:
            offset, size = int.from_bytes(p[8:16], "little"), int.from_bytes(p[32:40], "little")
            return raw[offset:offset + size].ljust((size + 4095) // 4096 * 4096, b"\0") \
                if len(raw) < offset + (size + 4095) // 4096 * 4096 else raw[offset:offset + (size + 4095) // 4096 * 4096]
    raise AssertionError("no text in %s" % path)


def test_ctrl_c_reaches_both_and_the_program_decides(tmp_path):
    """On a terminal: the program handles SIGINT; goshawk restores, waits and ends with its status."""
    master, slave = pty.openpty()
    p = subprocess.Popen([goshawk.GOSHAWK, "trace", "--json", "-o", tmp_path / "trace.json", "main.*", "--",
                          odd(), "waits"], stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         start_new_session=True, preexec_fn=lambda: make_controlling(slave))
    os.close(slave)
    pid = ready(p)
    for got in range(3):
        os.write(master, b"\x03")
        assert p.stdout.readline() == "got interrupt\n"
    p.wait(timeout=30)
    assert p.returncode == 9, p.stderr.read()
    assert gone(pid)
    objects = goshawk.read_lines(tmp_path / "trace.json")
    assert objects[-1]["type"] == "end" and objects[-1]["program_exit"] == 9
    os.close(master)


def make_controlling(fd):
    import fcntl
    import termios
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs ignore it, and so would we
    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)


def test_ctrl_c_ends_a_program_that_does_not_handle_it(tmp_path):
    master, slave = pty.openpty()
    p = subprocess.Popen([goshawk.GOSHAWK, "trace", "--json", "-o", tmp_path / "trace.json", "main.*", "--",
                          odd(), "beat"], stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         start_new_session=True, preexec_fn=lambda: make_controlling(slave))
    os.close(slave)
    pid = ready(p)
    os.write(master, b"\x03")
    p.wait(timeout=30)
    assert p.returncode == 130 or p.returncode == 2, p.stderr.read()
    assert gone(pid)
    objects = goshawk.read_lines(tmp_path / "trace.json")
    assert objects[-1]["type"] == "end" and objects[-1]["calls"] > 1000
    os.close(master)


@pytest.mark.parametrize("option", [["--for", "300ms"], ["--max", "5"]])
def test_stops_by_itself_and_waits_for_the_program(tmp_path, option):
    p = start_traced(tmp_path, odd(), "beat", options=option)
    pid = ready(p)
    deadline = time.monotonic() + 30
    while text_of(pid) != text_on_disk(odd()) and time.monotonic() < deadline:
        select.select([p.stderr], [], [], 0.02)
    assert text_of(pid) == text_on_disk(odd())
    p.stdin.close()
    assert "beats ok true" in p.stdout.read()
    p.wait(timeout=30)
    assert p.returncode == 0
    objects = goshawk.read_lines(tmp_path / "trace.json")
    if option[0] == "--max":
        assert sum(o["type"] == "call" for o in objects) == 5


def test_a_signal_ends_the_wait_for_the_program(tmp_path):
    """Tracing is over, the program runs on, and goshawk only waits for it."""
    p = start_traced(tmp_path, odd(), "beat", options=["--max", "1"], start_new_session=True)
    pid = ready(p)
    deadline = time.monotonic() + 30
    while text_of(pid) != text_on_disk(odd()) and time.monotonic() < deadline:
        select.select([p.stderr], [], [], 0.02)
    os.kill(p.pid, signal.SIGTERM)
    p.wait(timeout=30)
    assert p.returncode == 0
    assert not gone(pid)
    p.stdin.close()
    assert "beats ok true" in p.stdout.read()


def ignored_by(pid):
    with open("/proc/%d/status" % pid) as status:
        bits = next(int(line.split()[1], 16) for line in status if line.startswith("SigIgn:"))
    return {sig for sig in signal.valid_signals() if bits >> (sig - 1) & 1}


def test_what_is_ignored_stays_ignored(tmp_path):
    """As under nohup, or in the background of a script."""
    ignored = {signal.SIGHUP, signal.SIGINT, signal.SIGCHLD}

    def ignore():
        for sig in ignored:
            signal.signal(sig, signal.SIG_IGN)

    alone = start(odd(), "beat", preexec_fn=ignore)
    p = start_traced(tmp_path, odd(), "beat", preexec_fn=ignore, start_new_session=True)
    pid = ready(p)
    expected = ignored_by(ready(alone))
    assert ignored_by(pid) == expected and signal.SIGHUP in expected
    os.kill(p.pid, signal.SIGHUP)
    time.sleep(0.3)
    assert p.poll() is None, "it does not ignore it"
    for each in (alone, p):
        each.stdin.close()
        assert "beats ok true" in each.stdout.read()
        assert each.wait(timeout=30) == 0
    end = goshawk.read_lines(tmp_path / "trace.json")[-1]
    assert end["type"] == "end" and end["program_exit"] == 0


def test_a_stopped_goshawk_never_stalls_the_program(tmp_path):
    p = start_traced(tmp_path, odd(), "beat", options=["--lossless"], start_new_session=True)
    ready(p)
    os.kill(p.pid, signal.SIGSTOP)
    p.stdin.close()
    assert p.stdout.readline() == "beats ok true\n"  # it ended, while goshawk stands still
    os.kill(p.pid, signal.SIGCONT)
    p.wait(timeout=60)
    assert p.returncode == 0


def test_losses_are_counted_and_shown(tmp_path):
    """A small ring and a reader that stands still: calls + lost = what happened, never a silence."""
    p = start_traced(tmp_path, odd(), "spawn", "40", options=["--buffer", "64KiB"], start_new_session=True)
    p.stdin.close()
    p.stdin = None
    stopped = 0
    while p.poll() is None and stopped < 20:
        os.kill(p.pid, signal.SIGSTOP)
        select.select([p.stdout], [], [], 0.01)
        os.kill(p.pid, signal.SIGCONT)
        stopped += 1
    ended = finish(p)
    assert ended.status == 0, ended
    objects = goshawk.read_lines(tmp_path / "trace.json")
    end = objects[-1]
    lost = sum(o["count"] for o in objects if o["type"] == "lost")
    assert end["lost"] == lost


def test_redacted_values_are_not_shown(tmp_path):
    program = gobuild.build("seed", gobuild.NEWEST)
    t = goshawk.Trace(tmp_path, ["main.echoUser", "main.nine", "main.echoString"], [program, "values"],
                      ["--redact", "Name", "--redact", "d"]).check()
    text = json.dumps(t.objects, ensure_ascii=False)
    assert "Arthur" not in text and "Zaphod" not in text and '"nine"' not in text
    assert "‹redacted›" in text
    assert "hello, world" in text


@pytest.mark.parametrize("form", [
    ["trace", "main.*"], ["trace", "--engine", "uprobe", "main.*"], ["stress", "--every", "2"], ["spans", "--func", "main.*"]])
def test_whose_status_it_is(form):
    """Only what makes goshawk fail begins with its name: else a program's status is taken for one of goshawk's own."""
    if "uprobe" in form and goshawk.why_no_bpf():
        pytest.skip(goshawk.why_no_bpf())
    done = goshawk.run(*form, "--", gobuild.build("odd", gobuild.NEWEST), "exit", "3")
    assert done.status == 3 and not re.search("^goshawk: ", done.err, re.M), done
    failed = goshawk.run(*form, "--", "/bin/ls")
    assert failed.status == 3 and re.fullmatch("goshawk: .*\n", failed.err), failed
