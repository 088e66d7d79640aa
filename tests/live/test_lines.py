"""A line or an address inside a function is seen as often as the program was there; and nothing else changes."""

import collections
import functools
import json
import os
import random
import re
import signal
import subprocess
import time

import pytest

import gobuild
import goshawk
from attaching import Attached, FAULTY, Running

pytestmark = pytest.mark.ptrace

SOURCE = gobuild.ROOT / "tests" / "go" / "lines" / "main.go"
MARKS = {m.group(1): i for i, text in enumerate(SOURCE.read_text().splitlines(), 1)
         for m in [re.search(r"// at (\w+)$", text)] if m}
NAMES = {line: name for name, line in MARKS.items()}


def patterns(names=MARKS):
    return ["lines/main.go:%d" % MARKS[name] for name in names]


def truth(out):
    return {name: int(n) for name, n in (line.split() for line in out.splitlines() if not line.startswith("ready"))}


def refused(release, variant):
    """Names of lines of which a place can't be seen, with the reason, as --plan says it."""
    done = goshawk.run("trace", "--plan", "--json", *patterns(), "--", gobuild.build("lines", release, variant))
    assert done.status == 0, done
    sites = [o for o in map(json.loads, done.out.splitlines()) if o["type"] == "site" and o["kind"] == "line"]
    assert {NAMES[s["line"]] for s in sites} == set(MARKS)
    assert all(s["file"].endswith("/main.go") and s["func"].startswith("main.") for s in sites)
    return {NAMES[s["line"]]: s["reason"] for s in sites if s["probe"] == "refused"}


@pytest.mark.parametrize("variant", ["plain", "stripped", "pie"])
def test_lines_are_seen_as_often_as_the_program_was_there(release, variant, tmp_path):
    not_seen = refused(release, variant)
    assert len(not_seen) <= 3 and all(not_seen.values()), not_seen
    program = gobuild.build("lines", release, variant)
    t = goshawk.Trace(tmp_path, patterns(), [program, 500]).check()
    events = [o for o in t.objects if o["type"] == "entry"]
    seen = collections.Counter(NAMES[o["line"]] for o in events)
    want = truth(t.ended.out)
    assert want.keys() == MARKS.keys()
    assert {k: seen[k] for k in MARKS if k not in not_seen} == {k: want[k] for k in MARKS if k not in not_seen}
    assert not t.calls and t.end["calls"] == len(events)
    assert all(o["args"] is None and o["goid"] > 0 for o in events)
    for name in not_seen:
        assert not_seen[name] in t.ended.err, t.ended


def counted(done_file):
    """file:line -> count of `trace --count --json`."""
    rows = [o for o in goshawk.read_lines(done_file) if o["type"] == "count"]
    sums = collections.Counter()
    for o in rows:
        sums[NAMES[o["line"]] if "line" in o else o["func"]] += o["count"]
    return sums


def test_lines_are_counted_beside_calls(release, tmp_path):
    """Calls are paired as ever, and a line is an event among them."""
    program = gobuild.build("lines", release, "stripped")
    not_seen = refused(release, "stripped")
    to = tmp_path / "count.json"
    done = goshawk.run("trace", "--json", "--count", "-o", to, *patterns(), "main.touch", "--", program, 300)
    assert done.status == 0, done
    sums, want = counted(to), truth(done.out)
    assert {k: sums[k] for k in want if k not in not_seen} == {k: v for k, v in want.items() if k not in not_seen}
    t = goshawk.Trace(tmp_path, [*patterns(["few", "end"]), "main.touch"], [program, 300]).check()
    assert len(t.calls) == sums["main.touch"] and all(c["end"] == "return" for c in t.calls)
    seen = collections.Counter(NAMES[o["line"]] for o in t.objects if o["type"] == "entry")
    assert seen == {"few": want["few"], "end": want["end"]}


def stacks_of_lines(release, tmp_path, *options, lossless=True):
    program = gobuild.build("lines", release, "plain")
    t = goshawk.Trace(tmp_path, [*patterns(["end", "deep"]), "main.loops", "main.grows"], [program, 20],
                      options=["--stack", "--frames", "64", *options], lossless=lossless).check()
    stacks = collections.defaultdict(set)
    for c in t.calls:
        stacks[c["func"]].add(json.dumps([c["stack"], c["stack_end"]]))
    events = [o for o in t.objects if o["type"] == "entry"]
    assert {NAMES[o["line"]] for o in events} == {"end", "deep"}
    for o in events:
        assert json.dumps([o["stack"], o["stack_end"]]) in stacks[o["func"]], o
    assert {o["stack_end"] for o in events} == {"whole", "cut"}


def test_the_stack_of_a_line_is_that_of_its_function(release, tmp_path):
    stacks_of_lines(release, tmp_path)


@pytest.mark.skipif(goshawk.why_no_bpf() is not None, reason=str(goshawk.why_no_bpf()))
def test_kernel_probes_see_the_same_stack(release, tmp_path):
    stacks_of_lines(release, tmp_path, "--engine", "uprobe", lossless=False)


def test_an_address_is_the_instruction_there(tmp_path):
    program = gobuild.build("lines", gobuild.NEWEST)
    done = goshawk.run("trace", "--plan", "--json", *patterns(["float"]), "--", program)
    at = [o["address"] for o in map(json.loads, done.out.splitlines()) if o["type"] == "site" and o["kind"] == "line"]
    assert len(at) == 1
    t = goshawk.Trace(tmp_path, at, [program, 100]).check()
    assert len([o for o in t.objects if o["type"] == "entry"]) == truth(t.ended.out)["float"]
    inside = "%#x" % (int(at[0], 16) + 1)
    done = goshawk.run("trace", inside, "--", program, 10)
    assert done.status == 5 and "is not traced: no instruction begins there" in done.err, done
    assert done.err.endswith("goshawk: nothing is left to trace\n") and not done.out, done  # it was not begun
    done = goshawk.run("trace", inside, at[0], "--", program, 10)
    assert done.status == 0 and "is not traced: no instruction begins there" in done.err, done


@pytest.mark.parametrize("form", ["--graph", "--summary", "--hist=duration", "--hist-linear=duration,0,1s,10ms"])
def test_tables_of_calls_do_not_take_lines(form):
    done = goshawk.run("trace", form, *patterns(["end"]), "--", gobuild.build("lines", gobuild.NEWEST), 10)
    assert done.status == 2 and "a line or address inside a function" in done.err, done


def test_a_line_is_asked_for_what_it_knows(tmp_path):
    program = gobuild.build("lines", gobuild.NEWEST)
    t = goshawk.Trace(tmp_path, patterns(["end"]), [program, 10], options=["--if", "goid > 0"]).check()
    assert len([o for o in t.objects if o["type"] == "entry"]) == 8
    t = goshawk.Trace(tmp_path, patterns(["end"]), [program, 10], options=["--if", "goid == 0"]).check()
    assert not [o for o in t.objects if o["type"] == "entry"]
    for wants in ["n > 1", "duration > 0"]:
        done = goshawk.run("trace", "--if", wants, *patterns(["end"]), "--", program, 10)
        assert done.status == 2 and " is not known at a line or address inside a function; goid, " in done.err, done
        assert done.err.endswith("\n  %s\n  ^\n" % wants) and not done.out, done


def start_loop(program, n):
    p = subprocess.Popen([program, str(n), "loop"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline().startswith("ready")
    return p


def end_loop(p):
    out, _ = p.communicate(timeout=60)
    assert p.returncode == 0
    return truth(out)


@pytest.mark.parametrize("variant", ["plain", "pie"])
def test_attached_and_detached(release, variant, tmp_path):
    """Lines of a process that runs; functions and lines by turns, as one goshawk after another comes to it."""
    with start_loop(gobuild.build("lines", release, variant), 200) as p:
        for turn in range(4):
            to = tmp_path / "t.json"
            lines = turn % 2 == 0
            done = goshawk.run("trace", "--json", "--for", "300ms", "--max", "20000", "-o", to, "-p", p.pid,
                               *(patterns() if lines else ["main.*"]))
            assert done.status == 0, done
            objects = goshawk.read_lines(to)
            seen = collections.Counter(o["type"] for o in objects)
            assert seen["entry" if lines else "call"] > 100, done
        counts = end_loop(p)
    # what a program of its own would have: each round adds the same
    rounds = counts["end"]
    assert counts["third"] == rounds * 67 and counts["inlined"] == rounds * 400


def test_two_at_once_leave_each_others_functions_alone(tmp_path):
    with start_loop(gobuild.build("lines", gobuild.NEWEST), 200) as p:
        first = subprocess.Popen([goshawk.GOSHAWK, "trace", "--json", "--count", "-o", tmp_path / "a.json", "-p", str(p.pid),
                                  *patterns(["third", "float"])], stderr=subprocess.PIPE, text=True)
        assert "watched; it stood" in first.stderr.readline()
        done = goshawk.run("trace", "--json", "--for", "300ms", "--max", "50000", "-o", tmp_path / "b.json", "-p", p.pid,
                           "main.loops", "main.touch", *patterns(["inner", "few"]))
        assert done.status == 0, done
        assert "2 places are left to the goshawk that has them (process %d)" % first.pid in done.err, done
        objects = goshawk.read_lines(tmp_path / "b.json")
        assert {o["func"] for o in objects if o["type"] == "call"} == {"main.touch"}
        assert {NAMES[o["line"]] for o in objects if o["type"] == "entry"} == {"few"}
        done = goshawk.run("trace", "-p", p.pid, *patterns(["third"]))
        assert done.status == 5 and "another goshawk (process %d) has all" % first.pid in done.err, done
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=60)
        end_loop(p)
    assert set(counted(tmp_path / "a.json")) == {"third", "float"}


@functools.lru_cache(maxsize=None)
def window(program, address):
    """Where the jump lies by which an address is watched, or None."""
    done = goshawk.run("trace", "--plan", "%#x" % address, "--", program)
    found = re.search(r" %#x\n +line: .*\n +window (0x\w+)" % address, done.out)
    return int(found.group(1), 16) if found else None


def stopped_in_the_middle(r, code):
    """Stops the process while a thread stands in the middle of bytes that a jump would replace, for one of the instructions at
    these addresses: gives that one."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        os.kill(r.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, r.pid, os.WSTOPPED)
        for tid in os.listdir("/proc/%d/task" % r.pid):
            pc = int(open("/proc/%d/task/%s/syscall" % (r.pid, tid)).read().split()[-1], 16)
            for at in code:
                lo = window(r.path, at) if at < pc < at + 5 else None
                if lo and lo < pc < lo + 5:
                    return at
        os.kill(r.pid, signal.SIGCONT)
        time.sleep(0.001)
    assert False, "nobody ever stood there"


def code_of(r, func):
    code = map(json.loads, goshawk.run("disasm", "--json", r.path, func).out.splitlines())
    return [int(o["address"], 16) for o in code if o["type"] == "instruction"]


class Place:
    """Five bytes of a process."""

    def __init__(self, r, at):
        self.mem, self.at = open("/proc/%d/mem" % r.pid, "rb", buffering=0), at
        self.before = self.now()

    def now(self):
        self.mem.seek(self.at)
        return self.mem.read(5)

    def await_jump(self):
        until = time.monotonic() + 60
        while self.now() == self.before:
            assert time.monotonic() < until, "it never got its place"
            time.sleep(0.001)


def test_another_gets_a_place_while_we_make_ready(tmp_path):
    """It had one that it could not have at once; ours is elsewhere in the function."""
    for name in "one", "two":
        (tmp_path / name).mkdir()
    with Running(1, 2) as r:
        text, code = r.text(), code_of(r, "main.grow")
        at = stopped_in_the_middle(r, code)
        lo = window(r.path, at)
        other = next(o for o in code if window(r.path, o) and abs(window(r.path, o) - lo) > 20)
        one = Attached(tmp_path / "one", r.pid, "%#x" % at, options=["--count"]).started()
        place = Place(r, lo)
        two = Attached(tmp_path / "two", r.pid, "%#x" % other, "main.called", program=FAULTY,
                       env={"GOSHAWK_FAULT": "ready:stop"})
        os.waitid(os.P_PID, two.p.pid, os.WSTOPPED)
        os.kill(r.pid, signal.SIGCONT)
        place.await_jump()
        os.kill(two.p.pid, signal.SIGCONT)
        two.started()
        assert "left to the goshawk that has" in two.said and "main.grow" in two.said, two.said
        r.call(10)
        assert two.stop().counts() == {"main.called": 10}
        one.stop()
        r.go_on()
        assert r.text() == text


def test_a_place_is_tried_again_though_a_thread_could_not_be_stopped(tmp_path):
    with Running(1, 2) as r:
        at = stopped_in_the_middle(r, code_of(r, "main.grow"))
        a = Attached(tmp_path, r.pid, "%#x" % at, options=["--count"]).started()
        place = Place(r, window(r.path, at))
        os.kill(a.p.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, a.p.pid, os.WSTOPPED)
        os.kill(r.pid, signal.SIGCONT)
        state = "/proc/%d/task/%s/stat" % (r.pid, r.tell("stuck 2").split()[1])
        until = time.monotonic() + 60
        while open(state).read().rsplit(")", 1)[1].split()[0] != "D":
            assert time.monotonic() < until
            time.sleep(0.001)
        os.kill(a.p.pid, signal.SIGCONT)
        place.await_jump()
        a.stop()
        r.go_on()


def test_killed_while_it_watches_lines(tmp_path):
    """The process goes on, and the next goshawk takes the old windows away, whatever it puts there itself."""
    with start_loop(gobuild.build("lines", gobuild.NEWEST), 200) as p:
        for turn in range(6):
            what = patterns() if turn % 2 == 0 else ["main.*"]
            g = subprocess.Popen([goshawk.GOSHAWK, "trace", "--count", "-p", str(p.pid), *what],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            while "watched; it stood" not in g.stderr.readline():
                assert g.poll() is None
            g.kill()
            g.communicate()
        done = goshawk.run("detach", "-p", p.pid)
        assert done.status == 0, done
        end_loop(p)


@pytest.mark.skipif(goshawk.why_no_bpf() is not None, reason=str(goshawk.why_no_bpf()))
def test_kernel_probes_see_lines_too(release, tmp_path):
    program = gobuild.build("lines", release, "stripped")
    t = goshawk.Trace(tmp_path, patterns(), [program, 20], options=["--engine", "uprobe"], lossless=False).check()
    seen = collections.Counter(NAMES[o["line"]] for o in t.objects if o["type"] == "entry")
    assert seen == truth(t.ended.out)


def lines_of(program, package):
    """Every line that has code in the functions of a package."""
    done = goshawk.run("disasm", "--json", program, package + ".*")
    assert done.status == 0, done
    return sorted({(o["file"], o["line"]) for o in map(json.loads, done.out.splitlines())
                   if o["type"] == "instruction" and o.get("line")})


@pytest.mark.parametrize("package", ["strings", "sort", "encoding/json"])
def test_go_s_own_tests_pass_with_hundreds_of_lines_watched(package, release, tmp_path):
    program = gobuild.std_test(package, release)
    lines = lines_of(program, package)
    lines = random.Random(package + release).sample(lines, min(len(lines), 400))
    env = gobuild.environment(release, False)
    env["PATH"] = "%s/bin:%s" % (env["GOROOT"], os.environ["PATH"])
    test = [program, "-test.short", "-test.count=1", "-test.v"]
    cwd = gobuild.goroot(release) / "src" / package
    plain = goshawk.run_plain(*test, cwd=cwd, env=env, timeout=300)
    done = goshawk.run("trace", "--json", "--count", "-o", tmp_path / "count.json",
                       *("%s:%d" % at for at in lines), "--", *test, cwd=cwd, env=env, timeout=300)
    assert done.status == plain.status == 0, done
    said = [sorted(re.findall(r"^\s*--- .*?(?= \()", d.out, re.M)) for d in (plain, done)]
    assert said[0] == said[1] and len(said[0]) > 30
    counts = [o for o in goshawk.read_lines(tmp_path / "count.json") if o["type"] == "count"]
    assert len({(o["file"], o["line"]) for o in counts if "line" in o}) > 150
