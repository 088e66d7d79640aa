"""stress -p PID and stress -- PROGRAM: a program whose stores wait does what it does, later; what is done to it
is taken back, whoever dies first."""

import json
import os
import re
import signal
import struct
import subprocess
import time

import pytest

import filters
import gobuild
import goshawk
import reached
import test_others
from attaching import Attached, FAULTY, Running, line_of, ours
from reached import DELAYS
from test_lines import Place, code_of, window
from test_serving import CADDY, Caddy, Load, PATTERNS
from test_std import run_tests, verdicts
from test_stress_file import RACES, STORES, alone, counts_alone, fips

pytestmark = pytest.mark.ptrace


UNDISTURBED = {"GODEBUG": "asyncpreemptoff=1"}  # no signal of the runtime ends a sleep


class Stressed(Attached):
    command = "stress",

    def waits(self):
        return {o["id"]: o["waits"] for o in self.objects if o["type"] == "delayed"}


def storing(release=gobuild.NEWEST, variant="plain", goroutines=2, **how):
    """tests/go/storing: it stores all the time, and checks what it has stored."""
    return Running(0, goroutines, program=gobuild.build("storing", release, variant), **how)


def stress(*args, **how):
    return goshawk.run("stress", *args, **how)


def started(tmp_path, *args, options=(), status=0, **how):
    """A program that is started: how it ended, and what was said of its stores."""
    to = tmp_path / "stress.json"
    done = stress("--json", "-o", to, *options, "--", *args, **how)
    assert done.status == status, done
    return done, goshawk.read_lines(to)


# A program that is started.

ALL_VARIANTS = [(v, d) for v in ("plain", "stripped", "pie", "race", "cgo", "cgo-stripped", "cgo-pie") for d in DELAYS]
SOME_VARIANTS = [("stripped", "none"), ("race", "100ns at 1%"), ("cgo-pie", "none")]


@pytest.mark.parametrize("variant,delay", ALL_VARIANTS if gobuild.ALL else SOME_VARIANTS)
def test_the_seed_computes_the_same(tmp_path, release, variant, delay):
    if not gobuild.ALL and variant == "race" and release != gobuild.NEWEST:
        pytest.skip("a part of check-all")
    program, to = gobuild.build("seed", release, variant), tmp_path / "expect.json"
    done, objects = started(tmp_path, program, "all", options=DELAYS[delay],
                            env={"SEED_EXPECT": str(to), "SEED_GC": "1", "GOMAXPROCS": "4"})
    assert done.out == "seed: done\n", done
    assert objects[-1]["sites"] > 500 and objects[-1]["passed"] > 100
    assert json.loads(to.read_text())["counts"] == counts_alone(program)


def end_alike(tmp_path, package, release, delay):
    """Do they? And how."""
    to = tmp_path / "stress.json"
    plain = alone(package, release)
    new = run_tests(package, release, goshawk.GOSHAWK, "stress", "--json", "-o", to, *DELAYS[delay], "--",
                    gobuild.std_test(package, release), "-test.v")
    assert goshawk.read_lines(to)[-1]["passed"] > 20
    return plain.status == new.status and verdicts(plain.out) == verdicts(new.out), new


@pytest.mark.skipif(gobuild.ALL, reason="all of Go's tests are next")
@pytest.mark.parametrize("package,delay", [*zip(reached.QUICK, 2 * [*DELAYS])])
def test_tests_of_go_pass(tmp_path, release, package, delay):
    same, new = end_alike(tmp_path, package, release, delay)
    assert same and new.status == 0, new


@pytest.mark.skipif(not gobuild.ALL, reason="a part of check-all")
@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("package,newer", [(p, r) for r in reached.SIX for p in reached.PACKAGES])
def test_tests_of_go_end_as_they_do(tmp_path, package, newer, delay):
    """One that fails alone (there is no network here) must fail in the same tests."""
    same, new = end_alike(tmp_path, package, newer, delay)
    reached.STARTED.put("%s, %s" % (newer, delay), package, same)
    assert same, new


@pytest.mark.parametrize("name", ["hugo", "esbuild", "promtool", "gojq", "tsgo"])
def test_programs_of_others_do_their_work(tmp_path, name):
    other = test_others.PROGRAMS[name]
    program = other.find(name)
    env = {"HOME": str(tmp_path / "home"), "TZ": "UTC", "NO_COLOR": "1"}
    with_delays = [goshawk.GOSHAWK, "stress", "--json", "-o", tmp_path / "stress.json", "--delay", "100ns", "--"]
    got = []
    for before, at in ([], tmp_path / "alone"), (with_delays, tmp_path / "delayed"):
        args = other.make(at)
        got.append(test_others.changes(at, other, lambda stdin: goshawk.run_plain(*before, program, *args, cwd=at, env=env,
                                                                                 stdin=stdin, timeout=300)))
    assert got[0] == got[1]
    end = goshawk.read_lines(tmp_path / "stress.json")[-1]
    assert end["sites"] > 2000 and end["waits"] > 100, end


@pytest.mark.parametrize("kind", RACES)
def test_a_race_kills(release, kind):
    """(It lives without, and with delays elsewhere: test_stress_file.py.)"""
    done = stress("main.(*object)." + STORES[kind], "--", gobuild.build("racing", release), kind, env={"GOMAXPROCS": "4"})
    assert done.status == 2 and re.search(RACES[kind], done.err), done


def test_what_is_said(tmp_path):
    """By text: the stores that waited most, then all of them; by JSON every store that was passed."""
    program = gobuild.build("storing", gobuild.NEWEST)
    store = "main.(*object).stored"
    given = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for form, n in ([], 41), (["--json"], 41), (["--every", "10", "-o", "-"], 101):
        with subprocess.Popen([goshawk.GOSHAWK, "stress", store, "--delay", "200us", *form, "--max-overhead", "0", "--",
                               program, "0", "0"], **given) as p:
            out, err = p.communicate("%d\n" % n)
        assert p.returncode == 0 and "called %d" % n in out
        if "--json" in form:
            objects = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
            assert [o["type"] for o in objects] == ["begin", "torn_store", "delayed", "end"]
            assert objects[1]["id"] == objects[2]["id"] and objects[2]["waits"] == n - 1
            end = objects[-1]
            assert (end["sites"], end["passed"], end["waits"], end["left_out"]) == (1, 1, n - 1, 0)
            assert 200e3 * (n - 1) <= end["waited_ns"] < end["elapsed_ns"] and end["program_exit"] == 0
            continue
        waits = 10 if "-o" in form else n - 1
        listed = out if "-o" in form else err
        assert re.search(r"^ +%d  %s\+0x[0-9a-f]+  string o.text  \S+main.go:\d+$" % (waits, re.escape(store)), listed, re.M)
        assert "1 of 1 store was passed, and waited %d times, " % waits in err
        assert "1 store is delayed by 200µs%s; seed " % (" at every 10th pass" if "-o" in form else "") in err


def test_a_limit(tmp_path):
    """A hot store can't stall the program for more than it may."""
    with storing(goroutines=1) as r:
        a = Stressed(tmp_path, r.pid, "main.(*object).*", options=["--delay", "1ms", "--max-overhead", "10", "--for", "2s"])
        a.ended()
        end = a.endo
        assert end["left_out"] > 1000 and 0 < end["waited_ns"] < 0.2 * end["elapsed_ns"], end
        assert sum(a.waits().values()) == end["waits"]
        r.go_on()


@pytest.mark.parametrize("how", ["environment", "affinity"])
def test_one_processor_is_said(how):
    command = ["taskset", "-c", "0"] if how == "affinity" else []
    env = {"GOMAXPROCS": "1"} if how == "environment" else {}
    with storing(goroutines=1, command=command and [*command, str(gobuild.build("storing", gobuild.NEWEST))], env=env) as r:
        done = stress("-p", r.pid, "--for", "1ms", "main.*")
        assert done.status == 0 and "with GOMAXPROCS=1 nothing else runs" in done.err, done
    program = gobuild.build("odd", gobuild.NEWEST)
    done = goshawk.run_plain(*command, goshawk.GOSHAWK, "stress", "--", program, "exit", "3", env=env)
    assert done.status == 3 and "with GOMAXPROCS=1 nothing else runs" in done.err, done
    done = stress("--", program, "exit", "3", env={"GOMAXPROCS": "2"})
    assert done.status == 3 and ("GOMAXPROCS" in done.err) == (len(os.sched_getaffinity(0)) == 1), done


def test_a_raw_fork_goes_on_and_does_not_wait(tmp_path, release):
    done, objects = started(tmp_path, gobuild.build("forks", release, "cgo"), options=["--delay", "1us"])
    assert done.out == "child 42\n" and objects[-1]["sites"] > 50


def test_children_run(tmp_path):
    done, _ = started(tmp_path, gobuild.build("odd", gobuild.NEWEST), "spawn", 5, options=["--delay", "1us"])
    assert done.out == "spawned\n"


# A process that runs.

@pytest.mark.parametrize("variant", ["plain", "stripped", "pie", "race", "cgo"])
def test_again_and_again_and_its_text_is_as_before(tmp_path, release, variant):
    """Goroutines stand in the middle of windows, are preempted there, and fault in what was displaced."""
    with storing(release, variant, goroutines=4, env={"GOMAXPROCS": "4"}) as r:
        text, sites, passed = r.text(), 0, 0
        for i in range(20 if variant == "plain" or gobuild.ALL else 6):
            a = Stressed(tmp_path, r.pid, *(["main.*"] if i % 2 and variant != "stripped" else []),
                         options=["--for", "%dms" % (5 + 7 * i % 60), "--delay", ["0", "100ns", "20us", "100us"][i % 4]])
            a.ended()
            sites, passed = max(sites, a.endo["sites"]), max(passed, a.endo["passed"])
            assert r.text() == text
            assert ours(r.pid) <= 2
            r.go_on()
        assert sites > 100 and passed > 3


def test_each_store_waits(tmp_path):
    with storing(goroutines=0, env=UNDISTURBED) as r:
        text = r.text()
        a = Stressed(tmp_path, r.pid, "main.(*object).stored", options=["--delay", "2ms", "--max-overhead", "0"]).started()
        began = time.monotonic()
        r.call(101)
        assert time.monotonic() - began > 0.2
        a.stop()
        assert list(a.waits().values()) == [100] and a.endo["waits"] == 100
        assert r.text() == text


def test_someone_sleeps_while_we_leave(tmp_path):
    """Its sleep is longer than what we would wait for anybody else; then nothing is left in the text."""
    with storing(goroutines=1, env=UNDISTURBED) as r:
        text = r.text()
        a = Stressed(tmp_path, r.pid, "main.(*object).stored", options=["--delay", "1500ms", "--max-overhead", "0"]).started()
        time.sleep(0.2)  # it sleeps by now
        a.stop()
        assert r.text() == text
        r.go_on()


def sleeps_behind(r, place):
    """Does a thread sleep in what the jump there leads to? It has saved seven registers (src/inline/delay.c)."""
    piece = place.at + 5 + struct.unpack("<i", place.now()[1:])[0]
    for tid in os.listdir("/proc/%d/task" % r.pid):
        words = open("/proc/%d/task/%s/syscall" % (r.pid, tid)).read().split()
        if words[0] == "35":
            place.mem.seek(int(words[-2], 16) + 7 * 8)
            if piece <= int.from_bytes(place.mem.read(8), "little") < piece + 64:
                return True
    return False


def test_who_comes_while_someone_sleeps_and_we_leave(tmp_path):
    """He will go on in the middle of a window of the newcomer's, which waits for that."""
    (tmp_path / "b").mkdir()
    with storing(goroutines=1, env=UNDISTURBED) as r:
        text = r.text()
        plan = stress("--plan", "main.(*object).both", "--", r.path).out
        lo = int(re.findall(r"window (0x\w+) -> ", plan)[-1], 16)
        end = int(re.findall(r"jmp (0x\w+)\nwhat all of them call", plan)[0], 16)
        at = next(a for a in code_of(r, "main.(*object).both") if (window(r.path, a) or end) < end < window(r.path, a) + 5)
        place, next_place = Place(r, lo), Place(r, window(r.path, at))
        a = Stressed(tmp_path, r.pid, "main.(*object).both", options=["--delay", "1s", "--max-overhead", "0"]).started()
        place.await_jump()
        until = time.monotonic() + 60
        while not sleeps_behind(r, place):
            assert time.monotonic() < until, "nobody sleeps there"
            time.sleep(0.001)
        a.p.send_signal(signal.SIGINT)
        while place.now() != place.before:
            assert time.monotonic() < until, "its window stays"
            time.sleep(0.001)
        b = Attached(tmp_path / "b", r.pid, "%#x" % at, options=["--count"]).started()
        a.ended()
        next_place.await_jump()
        b.stop()
        r.go_on()
        assert r.text() == text


@pytest.mark.skipif(not CADDY, reason="caddy is not installed")
def test_no_request_fails(tmp_path):
    server = Caddy(tmp_path)
    try:
        text = server.text()
        load, waits = Load(server), 0
        for i in range(20 if gobuild.ALL else 7):
            to = tmp_path / "stress.json"
            everything = gobuild.ALL or i == 4
            done = stress("--json", "-o", to, "--for", "%dms" % (10 + 13 * i % 90), "-p", server.p.pid, "--delay",
                          ["100ns", "5us", "100us"][i % 3], "--chance", "10%", *([] if everything else PATTERNS))
            assert done.status == 0, done
            end = goshawk.read_lines(to)[-1]
            assert end["sites"] > (30000 if everything else 500)
            waits += end["waits"]
        load.finish()
        assert waits > 1000
        assert server.text() == text
    finally:
        if server.p.poll() is None:
            server.end()
    assert server.p.returncode == 0


def test_a_signal_ends_it(tmp_path):
    for sig in signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT:
        with storing() as r:
            text = r.text()
            Stressed(tmp_path, r.pid).started().stop(sig=sig)
            assert r.text() == text
            r.go_on()


def test_it_becomes_another_program(tmp_path):
    other = gobuild.build("running", gobuild.NEWEST)
    with storing() as r:
        a = Stressed(tmp_path, r.pid).started()
        assert r.tell("exec %s 2 2" % other) == "ready %d\n" % r.pid
        r.path = other
        text = r.text()
        assert "has become another program, which is left alone" in line_of(a.p.stderr, "that it is another program")
        a.stop()
        assert r.text() == text
        r.go_on()


# Somebody dies.

def test_the_target_is_killed(tmp_path):
    r = storing()
    a = Stressed(tmp_path, r.pid, options=["--delay", "1us"]).started()
    r.go_on()
    r.p.kill()
    r.p.communicate()
    a.ended(7)
    assert "process %d has ended; what its stores did until then was written" % r.pid in a.said
    assert a.endo["type"] == "end" and a.endo["waits"] > 10, a.endo


@pytest.mark.parametrize("how", ["attached", "started"])
def test_the_target_is_killed_while_it_is_patched(how):
    """At any moment: that it has ended is said in one sentence, and goshawk ends as well."""
    for ms in range(0, 120, 3 if gobuild.ALL else 20):
        r = storing() if how == "attached" else None
        target = ["-p", str(r.pid), "--for", "20ms"] if r else ["--", str(gobuild.build("storing", gobuild.NEWEST)), "0", "2"]
        p = subprocess.Popen([goshawk.GOSHAWK, "stress", "--delay", "0", *target], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        time.sleep(ms / 1000)
        child = r.pid if r else next(iter(children(p.pid)), None)
        if child:
            os.kill(child, signal.SIGKILL)
        if r:
            r.p.communicate()
        out, err = p.communicate(timeout=60)
        last = (err.splitlines() or [""])[-1]
        if not child or p.returncode == 0:
            continue  # it came too early, or too late
        assert p.returncode in (7, 128 + signal.SIGKILL), (ms, p.returncode, err)
        if p.returncode == 7:
            assert re.match(r"goshawk: process \d+:? (has ended|no such process|ended (while|in)) ?", last) and "doctor" not in last, (ms, err)


def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return [int(n) for n in f.read().split()]
    except OSError:
        return []


def test_goshawk_is_killed(tmp_path, release):
    """Nobody waits any more, and the next goshawk takes away what is left."""
    with storing(release, goroutines=2) as r:
        text = r.text()
        a = Stressed(tmp_path, r.pid, options=["--delay", "5ms", "--max-overhead", "0"]).started()
        began = time.monotonic()
        r.call(41)
        assert time.monotonic() - began > 0.2
        a.p.kill()
        a.p.communicate()
        r.call(10)
        began = time.monotonic()
        r.call(4001)
        assert time.monotonic() - began < 10  # 20 s if they waited
        assert r.text() != text
        done = goshawk.run("detach", "-p", r.pid)
        assert done.status == 0 and re.search(r" \d\d+ places are as they were", done.err), done
        assert r.text() == text
        r.go_on()
        Stressed(tmp_path, r.pid).started().stop()


def test_goshawk_is_killed_and_someone_sleeps(tmp_path):
    """Who sleeps comes out of what is left; then it is taken away."""
    with storing(goroutines=1, env=UNDISTURBED) as r:
        text = r.text()
        a = Stressed(tmp_path, r.pid, "main.(*object).stored", options=["--delay", "700ms", "--max-overhead", "0"]).started()
        time.sleep(0.1)  # it sleeps by now
        a.p.kill()
        a.p.communicate()
        done = goshawk.run("detach", "-p", r.pid)
        until = time.monotonic() + 60
        while done.status == 5 and time.monotonic() < until:
            assert "a thread stands in what an earlier goshawk left; try again" in done.err, done
            done = goshawk.run("detach", "-p", r.pid)
        assert done.status == 0, done
        assert r.text() == text
        r.go_on()


POINTS = "stopped injecting injected mapped cleaned jumps prepared running restoring restored".split()


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_each_step(tmp_path, point):
    with storing(goroutines=3) as r:
        text = r.text()
        a = Stressed(tmp_path, r.pid, program=FAULTY, env={"GOSHAWK_FAULT": point}, options=["--for", "50ms"])
        a.ended(-signal.SIGKILL)
        r.go_on()
        r.call(100)
        done = goshawk.run("detach", "-p", r.pid)
        assert done.status == 0, done
        assert r.text() == text
        r.go_on()


@pytest.mark.parametrize("point", ["started", "injected", "mapped", "jumps", "prepared", "running"])
def test_killed_while_it_starts_one(point):
    """The program had not started, or goes on."""
    p = subprocess.Popen([FAULTY, "stress", "--", gobuild.build("storing", gobuild.NEWEST), "0", "2"], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ, GOSHAWK_FAULT=point))
    p.wait(timeout=60)
    p.stdin.close()
    out, err = p.stdout.read(), p.stderr.read()
    assert p.returncode == -signal.SIGKILL and "panic" not in err and "wrong" not in out, (out, err)
    assert out.startswith("ready ") if point == "running" else out == "" or out.startswith("ready "), out


# What is refused.

def test_what_another_goshawk_has(tmp_path):
    """By its PID; the rest is done."""
    (tmp_path / "one").mkdir()
    options = {Attached: ["--count"], Stressed: ["--delay", "1us"]}
    with storing() as r:
        text = r.text()
        for one, other in (Attached, Stressed), (Stressed, Stressed), (Stressed, Attached):
            a = one(tmp_path / "one", r.pid, "main.(*object).stored", options=options[one]).started()
            b = other(tmp_path, r.pid, "main.(*object).*", options=options[other]).started()
            assert re.search(r"left to the goshawk that has it \(process %d\): main.*stored is not %s" % (
                a.p.pid, "delayed" if other is Stressed else "traced"), b.said)
            r.go_on()
            a.stop()
            b.stop()
            seen = [a.waits() if one is Stressed else a.counts(), b.waits() if other is Stressed else b.counts()]
            assert [any("stored" in name for name in names) for names in seen] == [True, False]
            assert len(seen[1]) > 2
            assert r.text() == text
        r.go_on()


@pytest.mark.skipif(os.geteuid() != 0, reason="reading a seccomp filter takes CAP_SYS_ADMIN")
@pytest.mark.parametrize("delay,status", [("100us", 5), ("40us", 0)])
def test_a_filter_that_permits_no_sleep(tmp_path, delay, status):
    nanosleep = 35
    with storing("1.22.12", preexec_fn=filters.apply(filters.denies([nanosleep, filters.MEMFD], filters.ERRNO))) as r:
        text = r.text()
        done = stress("-p", r.pid, "--for", "50ms", "--delay", delay, "main.*")
        assert done.status == status and ("does not permit what is needed for waiting" in done.err) == (status == 5), done
        r.go_on()
        assert r.text() == text


def test_what_a_fips_build_sums(tmp_path, fips):
    """It is left alone, so that the self-check passes."""
    done, objects = started(tmp_path, fips, options=["--delay", "0", "crypto/..."], env={"GODEBUG": "fips140=on"})
    assert done.out.startswith("2d711642b726b044") and objects[-1]["refused"] > 0, done
    plan = stress("--plan", "crypto/...", "--", fips)
    assert "refused: the program's FIPS 140 self-check sums this code" in plan.out


def test_a_copy_with_delays(tmp_path):
    program, new = gobuild.build("storing", gobuild.NEWEST), tmp_path / "new"
    assert stress(program, "-o", new, "--delay", "0").status == 0
    done = stress("--", new, "0", "0")
    assert done.status == 5 and "delays are in it already" in done.err, done
    with Running(0, 1, program=new) as r:
        done = stress("-p", r.pid)
        assert done.status == 5 and "delays are in it already" in done.err, done
        r.go_on()


@pytest.mark.parametrize("args,status,says", [
    (["-p", "1", "--", "x"], 2, "one of them"), (["--"], 2, "no program after --"), (["-p", "999999999"], 7, "no such process"),
    (["--fips-resum", "--", "odd"], 2, "for a copy"), (["--", "/bin/ls"], 3, "not a Go program"),
    (["--for", "1s", "odd"], 2, "--for: with a process"), (["--list", "--", "odd"], 2, "look at a file"),
    (["main.nowhere", "--", "odd"], 2, "matches no function"), (["--delay", "11s", "--", "odd"], 2, "at most 10s"),
    (["--site", "main.main+0x1", "--", "odd"], 2, "no such store"), (["-o", "/no/such/folder/x", "--", "odd"], 8, "/no/such/folder/x"),
    (["--for", "0", "--", "odd"], 2, "--for 0: give more"), (["--until-crash", "--for", "0s", "--", "odd"], 2, "--for 0: give more"),
    (["--report", "kept", "--", "odd"], 2, "--report: with --until-crash"),
])
def test_what_is_wrong(args, status, says):
    program = gobuild.build("odd", gobuild.NEWEST)
    done = stress(*[program if a == "odd" else a for a in args], *(["exit", "0"] if args[-2:] == ["--", "odd"] else []))
    assert done.status == status and says in done.err and done.out == "", done


def test_plan_touches_nothing(tmp_path):
    with storing() as r:
        text = r.text()
        for target in ["-p", r.pid], ["--", r.path, "0", "0"]:
            done = stress("--plan", "main.(*object).*", *target)
            assert done.status == 0 and "what all of them call:" in done.out and done.err == "", done
            assert re.search(r"^\d+ stores are delayed, 0 refused, \d+ bytes of code$", done.out, re.M)
            done = stress("--plan", "--json", "main.(*object).*", *target)
            objects = [json.loads(line) for line in done.out.splitlines()]
            assert [o["type"] for o in objects[::len(objects) - 1]] == ["begin", "end"]
            assert {(o["kind"], o["probe"]) for o in objects[1:-1]} == {("store", "ok")}
            assert objects[-1]["sites"] == len(objects) - 2
        assert r.text() == text and not ours(r.pid)
