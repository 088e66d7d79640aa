"""`goshawk goroutines`: every goroutine is there, where it stands, with what, and for what it waits."""

import json
import os
import pathlib
import re
import subprocess
import threading
import time

import pytest

import gobuild
import goshawk
from attaching import line_of

pytestmark = pytest.mark.ptrace

WAITS = {  # function: its arguments, the state up to 1.19 and since, what it waits for
    "receives": ([{"ID": 7, "Name": "gopher"}, 42], "chan receive", "empty"),
    "sends": (["hello", {"base64": "AQID"}], "chan send", "full"),
    "selects": ([9], "select", "full"),
    "locks": ([None], "sync.Mutex.Lock", "mu"),
    "readLocks": (["rwmutex"], "sync.RWMutex.RLock", "rw"),
    "waits": ([5], "sync.WaitGroup.Wait", "wg"),
    "waitsForCond": ([6], "sync.Cond.Wait", "cond"),
    "sleeps": ([3600 * 10**9], "sleep", None),
    "reads": ([None], "syscall", None),
    "accepts": ([None], "IO wait", None),
    "deep": ([None], "chan receive", "never"),
    "spins": ([None], "running", None),
}
SEMACQUIRE = {"sync.Mutex.Lock": 20, "sync.RWMutex.RLock": 20, "sync.WaitGroup.Wait": 24}  # since when it says more


class Parked:
    """tests/go/parked, with `n` more goroutines. In `cwd` it may leave a core."""

    def __init__(self, release, variant, n=0, cwd=None):
        self.release, self.n = release, n
        self.path = gobuild.build("parked", release, variant)
        self.p = subprocess.Popen([self.path, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, bufsize=1, cwd=cwd,
                                  env=dict(os.environ, GOTRACEBACK="crash"), preexec_fn=goshawk.with_cores if cwd else None)
        words = line_of(self.p.stdout, "ready").split()
        self.pid = int(words[1])
        self.at = {name: int(address, 16) for name, address in zip(words[::2], words[1::2])}

    def echo(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        return line_of(self.p.stdout, "echo")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.kill()
        self.p.communicate()


def look(*args):
    done = goshawk.run("goroutines", "--json", *args)
    assert done.status == 0, done
    objects = [json.loads(line) for line in done.out.splitlines()]
    assert objects[0]["type"] == "begin" and objects[-1]["type"] == "end"
    assert objects[-1]["goroutines"] == len(objects) - 2
    assert objects[-1]["unreadable"] == 0
    return objects[1:-1]


def value(arg):
    v = arg.get("value")
    return v["value"] if isinstance(v, dict) and "address" in v else v


def check(goroutines, parked, live=True):
    minor = gobuild.minor(parked.release)
    runs = ("running", "runnable")  # where it is at that moment may be in the midst of anything
    assert not [g for g in goroutines if g["stack_end"] != "whole" and g["state"] not in runs]
    torn = [f for g in goroutines if g["state"] not in runs for f in g["stack"]
            if any(a.get("error") in ("unreadable", "bad length") for a in f["args"] or [])]
    assert not torn, torn  # a slice of which the compiler said from 1.24 on where its length is as if that were all of it
    by_func = {}
    for g in goroutines:
        names = [f["func"] for f in g["stack"]]
        for f in g["stack"]:
            if f["func"] and f["func"].startswith("main.") and f["func"][5:] in WAITS:
                by_func[f["func"][5:]] = g, f, names
    assert set(by_func) == set(WAITS)
    typed = "plain" in parked.path.name
    for name, (args, state, lock) in WAITS.items():
        g, f, names = by_func[name]
        expected = state if minor >= SEMACQUIRE.get(state, 0) else "semacquire"
        assert g["state"] == expected or (expected == "running" and g["state"] in runs), g
        assert f["line"] and f["file"].endswith("parked/main.go")
        assert g["created_by"] == "main.start", g
        assert g["parent_goid"] == (1 if minor >= 21 else None)
        if minor >= 18 and typed:
            for arg, want in zip(f["args"], args):
                kept = minor >= 22 or "error" not in arg  # older compilers keep fewer
                assert want is None or not kept or value(arg) == want, (name, f)
        if lock and not (lock == "cond" and minor == 17):  # whose stack does not keep it
            waits = g["waits_for"]
            address = parked.at[lock]
            found = [int(c["address"], 16) for c in waits.get("channels", [waits])]
            assert address in found, (name, waits)
    assert by_func["waits"][0]["waits_for"]["counter"] == 3
    assert by_func["locks"][0]["waits_for"]["locked"]
    for name in "locks", "readLocks", "waits":  # the main goroutine has locked them, and stands in the code that did
        may_have = {h["goid"] for h in by_func[name][0]["waits_for"]["may_have"]}
        assert may_have - {by_func["spins"][0]["goid"]} == {1}, by_func[name][0]["waits_for"]  # who runs may have anything
    full = by_func["sends"][0]["waits_for"]["channels"][0]
    assert (full["elem"], full["len"], full["cap"], full["closed"]) == ("int", 2, 2, False)
    assert by_func["deep"][2].count("main.deep") == 11
    [main] = [g for g in goroutines if g["goid"] == 1]
    assert "main.main" in [f["func"] for f in main["stack"]] and main["created_by"] is None, main
    if live:
        assert by_func["waits"][0]["waiting_ns"] > 0


@pytest.mark.parametrize("variant", ["plain", "stripped", "pie"])
def test_each_is_seen_with_what_it_waits_for(release, variant):
    with Parked(release, variant, 3) as parked:
        check(look("-p", parked.pid), parked)
        assert parked.echo("still here") == "still here\n"


def test_groups_filters_and_folded_stacks():
    with Parked(gobuild.NEWEST, "plain", 50) as parked:
        done = goshawk.run("goroutines", str(parked.pid))
        assert done.status == 0, done
        first = done.out.split("\n\n")[0]
        assert re.match(r"50 goroutines \[chan receive, for .*\]: \d+(, \d+){7} and 42 more\n", first), first
        assert 'main.one(i=0, from="start")' in first and "created by main.start in goroutine 1" in first
        assert re.search(r"the process stood still for [\d.]+(µs|ms|s)", done.out)
        assert "63 goroutines" in done.out
        assert re.search(r"waits for sync.Mutex 0x\w+ \(locked, 1 waiting\)\n    goroutine 1 .*, and may hold it\n", done.out), done.out
        some = goshawk.run("goroutines", "--func", "main.sends", str(parked.pid)).out
        assert len(re.findall("^goroutine ", some, re.M)) == 1 and 's="hello"' in some
        assert len(look("--state", "chan send", "-p", parked.pid)) == 1
        assert len(look("--state", "syscall", "-p", parked.pid)) >= 2
        assert not look("--older", "1h", "-p", parked.pid)
        assert len(look("--older", "1ms", "--func", "main.one", "-p", parked.pid)) == 50
        folded = goshawk.run("goroutines", "--folded", str(parked.pid)).out.splitlines()
        [one] = [line for line in folded if line.endswith(" 50")]
        assert one.startswith("runtime.goexit;") and ";main.one;" in one
        secret = goshawk.run("goroutines", "--redact", "Name", "--func", "main.receives", str(parked.pid)).out
        assert "‹redacted›" in secret and "gopher" not in secret
        inlined = goshawk.run("goroutines", "--redact", "sync.(*Mutex).Lock", "--func", "main.locks", str(parked.pid)).out
        assert "sync.(*Mutex).Lock(m=‹redacted›) (inlined)" in inlined and "Lock(m=?)" in inlined, inlined


def test_what_cannot_be_there_is_a_usage_error():
    """"0 goroutines" looked as if there were none just now."""
    with Parked(gobuild.NEWEST, "plain", 3) as parked:
        for asked, said in (["--func", "main.sentd"], "matches no function; near it: main.sends"), \
                (["--func", "main.sends", "--func", "nosuch"], "pattern 'nosuch' matches no function"), \
                (["--redact", "n", "--redact", "zzz"], "--redact zzz: nothing in this program is called so"), \
                (["--redact", "re:("], "pattern 're:('"), \
                (["--state", "nonsense"], "there are: running, runnable, syscall, waiting, "):
            done = goshawk.run("goroutines", *asked, str(parked.pid))
            assert done.status == 2 and said in done.err and not done.out, done
        assert "chan receive, " in done.err and "sync.Mutex.Lock" in done.err and "(" not in done.err, done
        states = done.err.split("there are: ")[1].strip().split(", ")
        assert len(states) == len(set(states)), states
        for asked in ["--state", "GC assist"], ["--state", "preempted"], ["--func", "main.sends", "--func", "!main.*"]:
            done = goshawk.run("goroutines", *asked, str(parked.pid))
            assert done.status == 0 and done.out.startswith("0 goroutines"), done


def core_of(parked, how, tmp_path):
    """A core of it: made by the kernel, by gcore, or one of these that was cut."""
    pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
    if how == "gcore":
        done = goshawk.run_plain("gcore", "-o", tmp_path / "core", parked.pid) if has_gcore() else None
        if not done or done.status:
            pytest.skip("gcore is not here, or can't")
        return tmp_path / ("core.%d" % parked.pid)
    if "/" in pattern or pattern.startswith("|"):
        pytest.skip("cores go to %s" % pattern)
    parked.p.stdin.write("die\n")
    parked.p.stdin.flush()
    parked.p.wait(60)
    cores = list(tmp_path.glob("core*"))
    if not cores:
        pytest.skip("the kernel made no core")
    return cores[0]


def has_gcore():
    return any(os.access(os.path.join(d, "gcore"), os.X_OK) for d in os.environ["PATH"].split(":"))


def test_the_same_from_a_core_that_gdb_made(tmp_path):
    core_is_as_the_process_was(gobuild.NEWEST, "gcore", tmp_path)


def test_the_same_from_a_core(release, tmp_path):
    core_is_as_the_process_was(release, "kernel", tmp_path)


def core_is_as_the_process_was(release, how, tmp_path):
    with Parked(release, "plain", 3, cwd=tmp_path) as parked:
        core = core_of(parked, how, tmp_path)
        check(look(core), parked, live=False)
        check(look(core, parked.path), parked, live=False)


def test_a_hundred_thousand_and_the_server_answers():
    """What it costs is said, not tested: a busy machine takes what it takes."""
    n = 100000 if gobuild.ALL else 20000
    with Parked(gobuild.NEWEST, "stripped", n) as parked:
        stop, slowest = threading.Event(), [0.0]

        def ask():
            while not stop.is_set():
                t = time.monotonic()
                assert parked.echo("x") == "x\n"
                slowest[0] = max(slowest[0], time.monotonic() - t)

        asking = threading.Thread(target=ask)
        asking.start()
        done = goshawk.run("goroutines", str(parked.pid))
        stop.set()
        asking.join()
        assert done.status == 0 and "%d goroutines" % (n + 13) in done.out, done
        assert slowest[0] < 20


@pytest.mark.parametrize("args, status, says", [
    (["1073741823"], 7, "no such process"),
    (["/bin/ls"], 3, "not a Go program"),
    ([], 2, "which program?"),
    (["--folded", "--json", "1"], 2, "two forms"),
])
def test_refusals(args, status, says):
    done = goshawk.run("goroutines", *args)
    assert done.status == status and says in done.err, done


def test_a_program_that_is_no_process():
    done = goshawk.run("goroutines", gobuild.build("parked", gobuild.NEWEST))
    assert done.status == 2 and "has no goroutines" in done.err, done
