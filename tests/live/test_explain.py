"""`goshawk explain`: of each way to die in tests/go/zoo, and of the field report's crash, the right cause; of nothing wrong, none."""

import ctypes
import json
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess

import pytest

import gobuild
import goshawk
import overlay
from attaching import line_of

pytestmark = pytest.mark.ptrace

def diagnosis(done):
    found = [json.loads(line) for line in done.out.splitlines() if line.startswith("{")]
    assert [o["type"] for o in found] == ["begin", "diagnosis", "end"], done
    assert done.status == found[1]["named"], done
    return found[1]


def zoo(program, *without):
    """Name, kind and function of each; not those that only hang, or that nothing is wrong with."""
    all_of_them = [line.split() for line in goshawk.run_plain(program, "list").out.splitlines()]
    return [d for d in all_of_them if not d[0].startswith(without)]


DEADLY = ("healthy-", "hung-", "race-")


def text_of(program, name):
    return goshawk.run_plain(program, name, env={"GOTRACEBACK": "all", "GOMAXPROCS": "4", "GODEBUG": "tracebacklabels=1"}).err


def judge(name, kind, function, d):
    if d["kind"] != kind:
        return "%s: %s, not %s: %s" % (name, d["kind"], kind, d["summary"])
    if function not in ("*", "-") and d["func"] != function:
        return "%s: in %s, not %s" % (name, d["func"], function)
    if kind != "stopped" and not (d["named"] and d["evidence"] and d["cause"]):
        return "%s: says too little: %s" % (name, d)
    return None


def from_text(tmp_path, text):
    log = tmp_path / "log"
    log.write_text(text, errors="surrogateescape")
    return diagnosis(goshawk.run("explain", "--json", log))


@pytest.mark.parametrize("variant", ["plain", "trimpath"])
def test_each_of_the_zoo_from_what_it_printed(release, variant, tmp_path):
    program = gobuild.build("zoo", release, variant)
    wrong = []
    for name, kind, function in zoo(program, *DEADLY):
        wrong.append(judge(name, kind, function, from_text(tmp_path, text_of(program, name))))
    assert len(wrong) >= 40 and not list(filter(None, wrong)), "\n".join(filter(None, wrong))


@pytest.mark.parametrize("built_by, variant", [(gobuild.NEWEST, "stripped"), (gobuild.NEWEST, "pie"), (gobuild.RELEASES[0], "plain")])
def test_each_of_the_zoo_by_running_it(built_by, variant, tmp_path):
    program, wrong = gobuild.build("zoo", built_by, variant), []
    for name, kind, function in zoo(program, *DEADLY):
        to = tmp_path / "found"
        done = goshawk.run("explain", "--json", "-o", to, "--", program, name, env={"GOMAXPROCS": "4"})
        done.out = to.read_text() if to.exists() else ""
        wrong.append(judge(name, kind, function, diagnosis(done)))
    assert not list(filter(None, wrong)), "\n".join(filter(None, wrong))


@pytest.mark.parametrize("built_by, variant, which", [(gobuild.RELEASES[0], "cgo", "c-"), (gobuild.NEWEST, "cgo", "c-"),
                                                      (gobuild.NEWEST, "cgo-stripped", "c-"), (gobuild.NEWEST, "race", "race-")])
def test_of_c_and_of_race_builds(built_by, variant, which, tmp_path):
    program = gobuild.build("zoo", built_by, variant)
    chosen = [d for d in zoo(program) if d[0].startswith(which)]
    assert chosen
    for name, kind, function in chosen:
        if not name.startswith("c-thread-"):  # of C's own threads nothing is printed
            assert not judge(name, kind, function, from_text(tmp_path, text_of(program, name)))
        to = tmp_path / "found"
        done = goshawk.run("explain", "--json", "-o", to, "--", program, name)
        done.out = to.read_text() if to.exists() else ""
        assert not judge(name, kind, function, diagnosis(done))


def test_data_races(release, tmp_path):
    """What the detector of each release prints of them; and one that a death may have come of."""
    program = gobuild.build("zoo", release, "race")
    for name, kind, function in [d for d in zoo(program) if d[0] in ("race-word", "race-map", "race-and-panic")]:
        d = from_text(tmp_path, text_of(program, name))
        assert not judge(name, kind, function, d)
        seen = " ".join(d["evidence"])
        assert re.search("the race detector told of (a data race|2 data races)", seen) and ("before, of which" in seen) == (kind == "panic"), d
        assert re.search(r"a read by the main goroutine: \S+ \S+:\d+", seen), d
        assert re.search(r"before it, a write by goroutine \d+ \(made at main.unordered \S+:\d+\): main.put\S+ \S+races.go:\d+", seen), d


@pytest.mark.parametrize("stop", [signal.SIGQUIT, signal.SIGABRT])
def test_nothing_is_said_of_healthy_programs(release, stop, tmp_path):
    program = gobuild.build("zoo", release)
    healthy = [name for name, kind, _ in zoo(program) if kind == "stopped"]
    assert len(healthy) == 14
    for name in healthy:
        p = subprocess.Popen([program, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                             env=dict(os.environ, GOTRACEBACK="all"))
        assert line_of(p.stdout, "ready") == "ready\n"
        alive = diagnosis(goshawk.run("explain", "--json", "-p", p.pid))
        assert alive["kind"] == "runs" and not alive["named"], (name, alive)
        p.send_signal(stop)
        _, text = p.communicate(timeout=60)
        d = from_text(tmp_path, text)
        assert d["kind"] == "stopped" and not d["named"], (name, d, text[:600])


@pytest.mark.parametrize("how", ["alone", "terminal"])
@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_what_would_end_goshawk_ends_the_program_in_its_own_way(sig, how):
    """Its handler runs, and its end is told; a terminal has sent it to both."""
    keys = {signal.SIGINT: b"\x03", signal.SIGQUIT: b"\x1c"}
    if how == "terminal" and sig not in keys:
        pytest.skip("no key sends it")
    script = "trap 'echo bye; exit 7' INT TERM HUP QUIT; echo ready; read line"
    pid, terminal = pty.fork()
    if not pid:
        os.execv(str(goshawk.GOSHAWK), ["goshawk", "explain", "--", "/bin/sh", "-c", script])
    with open(terminal, "rb+", buffering=0) as f:
        said = b""
        while b"ready" not in said:
            said += f.read(4096)
        if how == "alone":
            os.kill(pid, sig)
        else:
            f.write(keys[sig])
        try:
            while more := f.read(4096):
                said += more
        except OSError:  # the end of a terminal
            pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, said
    assert said.count(b"bye") == 1 and b"it ended with status 7" in said, said


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_from_outside_is_what_ended_it(sig):
    """No handler, no message of the runtime's."""
    with subprocess.Popen([goshawk.GOSHAWK, "explain", "--", gobuild.build("zoo", gobuild.NEWEST), "healthy-idle"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        assert line_of(p.stdout, "ready") == "ready\n"
        children = pathlib.Path("/proc/%d/task/%d/children" % (p.pid, p.pid)).read_text().split()
        os.kill(int(children[0]), sig)
        assert "it was ended by %s, and" % sig.name in p.communicate(timeout=60)[1]
        assert p.returncode == 0


@pytest.mark.parametrize("sig", [signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGSYS])
def test_a_fault_s_signal_that_was_sent_is_no_fault(sig, release, tmp_path):
    """By a run, from its text and from a core: it stands in the signal's code."""
    program, to = gobuild.build("zoo", release), tmp_path / "found"
    with subprocess.Popen([goshawk.GOSHAWK, "explain", "--json", "-o", to, "--", program, "healthy-idle"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        assert line_of(p.stdout, "ready") == "ready\n"
        os.kill(int(pathlib.Path("/proc/%d/task/%d/children" % (p.pid, p.pid)).read_text()), sig)
        done = goshawk.Ended(subprocess.CompletedProcess([], p.wait(60), "", p.stderr.read()))
    text, done.out = done.err, to.read_text()
    for d in diagnosis(done), from_text(tmp_path, text):
        assert d["kind"] == "stopped" and not d["named"] and "(%s)" % sig.name in d["summary"], d
        assert "the signal was sent, by kill (its code is 0)" in d["evidence"], d


def test_of_a_core_a_signal_that_was_sent_is_named(tmp_path):
    program = gobuild.build("zoo", gobuild.NEWEST)
    core = kernel_core("/bin/sh", tmp_path, "-c", '"$0" healthy-idle > ready & until grep -q ready ready; do sleep 0.1; done; kill -SEGV $!; wait $!', program)
    d = diagnosis(goshawk.run("explain", "--json", core))
    assert d["kind"] == "stopped" and "(SIGSEGV)" in d["summary"] and not d["named"], d


def test_what_is_there_and_may_only_be_read(release, tmp_path):
    """With the program it is known what lies there; from its text alone that it is no wild pointer."""
    program, log = gobuild.build("zoo", release), tmp_path / "text"
    log.write_text(text_of(program, "write-to-text"))
    for done in goshawk.run("explain", "--", program, "write-to-text").err, goshawk.run("explain", log, program).out:
        assert "main.writeToText wrote to read-only memory of the program's file (its code?)" in done, done
    alone = goshawk.run("explain", log).out
    assert "main.writeToText touched memory in a way that is not permitted there" in alone and "not there" not in alone, alone


def test_what_can_be_no_pointer(release, tmp_path):
    """The kernel tells no address of it, but 0: by a run, from a core, from its text."""
    program, log = gobuild.build("zoo", release), tmp_path / "text"
    log.write_text(text_of(program, "wild-text"))
    assert "addr=0x0" in log.read_text()
    run = goshawk.run("explain", "--", program, "wild-text").err
    core = goshawk.run("explain", kernel_core(program, tmp_path, "wild-text")).out
    for done in run, core, goshawk.run("explain", log).out:
        assert "main.nilField touched memory that is not there" in done and "not canonical" in done, done
        assert "nil dereference" not in done and "the address: 0x0" not in done, done
    assert "it reads u.Name" in run and "is 0x6f77206f6c6c6568, and the field lies 8 bytes behind it" in run, run


def refuse_unlinkat():
    """A filter that answers it with SIGSYS: BPF as struct sock_filter has it (code, jt, jf, k)."""
    filters = b"".join(struct.pack("HBBI", *f) for f in [(0x20, 0, 0, 0), (0x15, 0, 1, 263), (6, 0, 0, 0x30000), (6, 0, 0, 0x7fff0000)])
    room = ctypes.create_string_buffer(filters)
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 4, ctypes.addressof(room)))
    assert not ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) and not ctypes.CDLL(None).prctl(22, 2, ctypes.byref(program))


def test_a_system_call_that_a_filter_refuses(release, tmp_path):
    done = subprocess.run([gobuild.build("zoo", release), "cut-mapping"], stderr=subprocess.PIPE, text=True, preexec_fn=refuse_unlinkat)
    d = from_text(tmp_path, done.stderr)
    assert not judge("cut-mapping", "refused_system_call", "main.cutMapping", d) and "the system call's number: 263" in d["evidence"], d


def test_what_was_nil_is_said_in_go():
    program = gobuild.build("zoo", gobuild.NEWEST)
    d = goshawk.run("explain", "--", program, "nil-deep").err
    assert "it reads r.User.Name" in d and "the line: length = len(r.User.Name)" in d, d  # the expression, and the source's line


def test_what_calls_had(release, tmp_path):
    """Parameters of the calls that it is about: what was nil, and what changes from level to level."""
    program = gobuild.build("zoo", release)
    for done in (goshawk.run("explain", "--", program, "nil-deep").err, goshawk.run("explain", kernel_core(program, tmp_path, "nil-deep")).out):
        assert re.search(r'a call: main\.nilDeep\(r=\(\*main\.request\)\(0x[0-9a-f]+\)\{Path:"/", User:nil\}\)', done), done
    found = from_text(tmp_path, text_of(program, "overflow"))["evidence"]
    assert len([e for e in found if re.match(r"a call: main\.overflow\(0x[0-9a-f]{4,}\)$", e)]) == 2, found
    first = ["one of the first: main.overflow(0x2)", "one of the first: main.overflow(0x1)"]
    first = first if gobuild.minor(release) >= 21 else []  # before, the runtime prints the inner end only
    assert [e for e in found if e.startswith("one of")] == first, found
    done = goshawk.run("explain", "--", program, "overflow").err
    assert done.count("one of the first: main.overflow(0x") == len(first), done
    levels = [int(n) for n in re.findall(r"a call: main\.overflow\(n=(\d+)\)", done)]
    assert len(levels) == 3 and levels == [levels[0], levels[0] - 1, levels[0] - 2] and levels[2] > 1000, done


def test_what_is_never_stored_is_not_told(release):
    """A parameter whose address is taken counts as kept, and the runtime prints it; where the optimiser left the store out, it is not there."""
    for variant in "plain", "stripped":
        said = goshawk.run("explain", "--", gobuild.build("zoo", release, variant), "wild-read").err
        assert set(re.findall(r"a call: main\.wildRead\((.*)\)", said)) <= {"at=0x5a5a5a5a0000", "arg0=0x5a5a5a5a0000", "{0x5a5a5a5a0000}", "0x5a5a5a5a0000"}, said


VARIABLES = {"total": "4", "name": '"anna"', "i": "0", "counts": "[3]int{0, 1}…(3)", "last": "nil"}


@pytest.mark.parametrize("variant", ["plain", "unoptimised"])
def test_what_variables_had(release, variant, tmp_path):
    """Where it met nil: what was in its variables, as far as the code has kept them in its frame; unoptimised it keeps all."""
    program = gobuild.build("zoo", release, variant)
    for said in (goshawk.run("explain", "--", program, "nil-variables").err,
                 goshawk.run("explain", kernel_core(program, tmp_path, "nil-variables")).out):
        [line] = re.findall(r"variables of main\.nilVariables, as DWARF has them: (.*)", said)
        found = dict(re.findall(r"(\w+)=(\[3\]int\{.*?\}…\(3\)|[^,]*)", line))
        if variant == "unoptimised":
            assert found == VARIABLES, line
        else:
            assert {"name", "i", "last"} <= set(found) and all(VARIABLES[k] == v for k, v in found.items() if k != "total"), line
    stripped = goshawk.run("explain", "--", gobuild.build("zoo", release, "stripped"), "nil-variables").err
    assert "in main.nilVariables" in stripped and "variables of" not in stripped, stripped


@pytest.mark.parametrize("variant", ["plain", "unoptimised"])
def test_what_is_being_declared_is_not_told(release, variant):
    """What lay in a variable's place before the code had stored all of it there, or lies there since it is not needed any more."""
    program = gobuild.build("declared", release, variant)
    for name in "literal", "call", "around", "large", "in-place", "in-place-around", "shared", "complete":
        said = goshawk.run("explain", "--", program, name).err
        assert "nil_dereference, certain" in said, said
        line = "".join(re.findall(r"variables of main\.\w+, as DWARF has them: (.*)", said))
        known = "unoptimised" == variant
        assert "unfinished" not in line and ("before=main.pair{a:3, b:4}" in line) >= known, (name, line)
        assert line.count("first=") == line.count("first=[8]int{0, 5}…(8)") >= (known and name == "shared"), line
        assert line.count("after=") == line.count("after=main.pair{a:2, b:8}") >= (known and name == "complete"), line


def test_who_made_it(release, tmp_path):
    """And who made that one: from memory, and from a text."""
    program = gobuild.build("zoo", release)
    for found in (goshawk.run("explain", "--", program, "panic-goroutine").err,
                  "\n".join("  - " + e for e in from_text(tmp_path, text_of(program, "panic-goroutine"))["evidence"])):
        made = re.findall(r"  - goroutine (\d+) was created by (\S+)(?: \S+:\d+)?(?: in goroutine (\d+))?$", found, re.M)
        assert made[0][1] == "main.starts", found
        if gobuild.minor(release) >= 21:  # before, nobody knows in which goroutine that was
            assert len(made) == 2 and made[0][2] == made[1][0] and made[1][2] == "1", found
            assert made[1][1].startswith("main.init."), found
        else:
            assert len(made) == 1 and not made[0][2], found


def dressed(text, how):
    lines = text.splitlines()
    if how == "json":
        return "".join(json.dumps({"time": "2026-01-01T00:00:0%dZ" % (i % 10), "log": line + "\n"}) + "\n" for i, line in enumerate(lines))
    if how == "one object":
        return json.dumps({"level": "error", "msg": text}) + "\n"
    if how == "compose":
        return "".join("app_1  | %s\n" % line for line in ["started", *lines])
    if how == "syslog":
        return "".join("Nov 28 20:%02d:%02d host app[123]: %s\n" % (i // 60 % 60, i % 60, line) for i, line in enumerate(["up", *lines]))
    if how == "zerolog":
        return "".join("10:%02dAM ERR %sapp=api n=%d\n" % (i // 60, line + " " if line else "", i) for i, line in enumerate(["up", *lines]))
    if how == "logrus":
        return "".join("\x1b[31mERRO\x1b[0m[%04d] %-44s \x1b[31mapp\x1b[0m=\"a b\"\n" % (i, line) for i, line in enumerate(lines))
    if how == "logrus in a file":
        return "".join("time=\"10:%02d\" level=error %sapp=api\n" % (i % 60, "msg=%s " % json.dumps(line) if line else "")
                       for i, line in enumerate(lines))
    if how == "containers":
        parts = [(line[at:at + 30], "PF"[at + 30 >= len(line)]) for line in lines for at in range(0, len(line) or 1, 30)]
        return "".join("2026-01-01T00:00:0%d.%dZ stderr %s %s\n2026-01-01T00:00:09.1Z stdout F GET /\n" % (i % 9, i, end, part)
                       for i, (part, end) in enumerate(parts))
    if how == "loki":
        streams = {}
        for i, line in enumerate(["up", *lines]):
            level = "error" if "panic" in line or "error" in line else "unknown"
            streams.setdefault(level, []).insert(0, [str(1764503962000000000 + i), line])
        result = [{"stream": {"app": "api", "detected_level": level}, "values": values} for level, values in streams.items()]
        result.append({"stream": {"app": "db"}, "values": [[str(1764503962000000000 + i), "ready"] for i in range(3)]})
        return json.dumps({"status": "success", "data": {"resultType": "streams", "result": result}})
    if how == "journal":
        return "".join("__CURSOR=s=%d\n_PID=7\nSYSLOG_IDENTIFIER=api\nMESSAGE=%s\n\n__CURSOR=s=%d\n_PID=8\nMESSAGE=up\n\n" % (i, line, i)
                       for i, line in enumerate(lines))
    if how == "newest first":
        return "".join("2026-01-01T00:00:0%dZ %s\n" % (i % 10, line) for i, line in reversed(list(enumerate(["up", *lines]))))
    return "a line before\n" + text.replace("\n", "\r\n") + "\r\nand behind\r\n"


@pytest.mark.parametrize("how", ["json", "one object", "compose", "syslog", "carriage returns", "zerolog", "logrus", "logrus in a file",
                                 "containers", "loki", "journal", "newest first"])
def test_logs_are_undressed(how, tmp_path):
    program = gobuild.build("zoo", gobuild.NEWEST)
    for name, kind, function in (d for d in zoo(program) if d[0] in ("nil-deep", "asleep-waitgroup", "panic-goroutine")):
        assert not judge(name, kind, function, from_text(tmp_path, dressed(text_of(program, name), how)))


WAY = ["runtime.newproc", "runtime.systemstack", "runtime.newproc.func1", "runtime.newproc1", "runtime.contextPropagate",
       "newproc/snap.(*traceContext).TakeSnapShot"]


@pytest.fixture(params=[r for r in gobuild.RELEASES if gobuild.minor(r) in (22, 27)])
def reported(request):
    return request.param


@pytest.mark.parametrize("kind, found, by", [("instrumented", "race_on_g0", "__tsan_func_enter"),
                                             ("usesmap", "race_on_g0_by_runtime", "__tsan_read_pc")])
def test_the_field_report(reported, kind, found, by, tmp_path):
    """Race-instrumented code in newproc1: from a run, from a core, from the text."""
    program = overlay.newproc(reported, kind, "-race")
    to = tmp_path / "found"
    done = goshawk.run("explain", "--json", "-o", to, "--", program)
    text = done.err
    done.out = to.read_text()
    d = diagnosis(done)
    assert (d["kind"], d["certainty"]) == (found, "certain")
    assert d["func"] == "newproc/snap.(*traceContext).TakeSnapShot"
    path = [e for e in d["evidence"] if e.startswith("path: ")][0]
    at = [path.index(f) for f in [*WAY, by]]
    assert at == sorted(at), path
    assert any("racectx is 0" in e for e in d["evidence"])
    assert "//go:norace" in d["advice"] + d["cause"] and "map" in d["advice"]
    said = from_text(tmp_path, text)
    assert (said["kind"], said["certainty"]) == ("race_on_g0", "likely"), said


def test_the_field_report_from_a_core(tmp_path):
    program = overlay.newproc(gobuild.NEWEST, "instrumented", "-race")
    core = kernel_core(program, tmp_path)
    d = diagnosis(goshawk.run("explain", "--json", core))
    assert (d["kind"], d["certainty"], d["func"]) == ("race_on_g0", "certain", "newproc/snap.(*traceContext).TakeSnapShot")
    size = core.stat().st_size
    for part in 2, 5, 50:  # cut cores: never a crash of ours, nor a wrong cause
        os.truncate(core, size // part)
        done = goshawk.run("explain", "--json", core, program)
        if done.status in (0, 1):
            assert diagnosis(done)["kind"] in ("race_on_g0", "stopped", "unknown", "wild_address"), done
        else:
            assert done.status == 3 and done.err.startswith("goshawk: "), done


def kernel_core(program, tmp_path, *args):
    """A core, or a skip with its reason."""
    with open("/proc/sys/kernel/core_pattern") as f:
        pattern = f.read().strip()
    if "/" in pattern or pattern.startswith("|"):
        pytest.skip("cores go to %s" % pattern)
    subprocess.run([program, *args], cwd=tmp_path, env=dict(os.environ, GOTRACEBACK="crash"), timeout=60,
                   stderr=subprocess.DEVNULL, preexec_fn=goshawk.with_cores)
    cores = list(tmp_path.glob("core*"))
    if not cores:
        pytest.skip("the kernel made no core")
    return cores[0]


@pytest.mark.parametrize("name", ["nil-deep", "panic-error", "asleep-two-locks", "index"])
def test_the_same_from_a_core(name, tmp_path):
    program = gobuild.build("zoo", gobuild.NEWEST)
    [(_, kind, function)] = [d for d in zoo(program) if d[0] == name]
    d = diagnosis(goshawk.run("explain", "--json", kernel_core(program, tmp_path, name)))
    assert not judge(name, kind, function, d)
    if name == "asleep-two-locks":
        assert "circle" in d["summary"], d


def test_of_a_core_that_is_cut_it_is_not_said_that_nothing_was_wrong(tmp_path):
    core = kernel_core(gobuild.build("zoo", gobuild.NEWEST), tmp_path, "nil-deep")
    os.truncate(core, 50000)  # its threads are there, and no stack
    d = diagnosis(goshawk.run("explain", "--json", core))
    assert d["kind"] == "unknown" and not d["named"] and "the core is cut" in d["evidence"][-1], d


def test_what_does_not_die():
    d = goshawk.run("explain", "--json", "--", "/bin/true")
    assert d.status == 0 and '"kind":"ended"' in d.err, d
    log = goshawk.run("explain", "-")
    assert log.status == 0 and "nothing here tells" in log.out, log
    assert goshawk.run("explain", "/no/such/log").status == 8
    folder = goshawk.run("explain", "/tmp")
    assert (folder.status, folder.err, folder.out) == (3, "goshawk: /tmp: a directory, not a log\n", ""), folder
    closed = goshawk.run_plain("sh", "-c", '"$0" explain - <&-', goshawk.GOSHAWK)
    assert (closed.status, closed.err) == (8, "goshawk: stdin: can't be read: Bad file descriptor\n"), closed


def test_a_log_comes_through_a_pipe_whole(tmp_path):
    """Of `explain <(…)`, the first four bytes were read to see whether it is a core, and were gone."""
    log = tmp_path / "log"
    log.write_text("panic: the first line\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:5 +0x1d\n")
    piped = goshawk.run_plain("bash", "-c", '"$0" explain <(cat "$1")', goshawk.GOSHAWK, log)
    assert piped.out == goshawk.run("explain", log).out and piped.out.startswith("panic: the first line"), piped
    assert piped.status == 1


def test_a_core_does_not_come_through_a_pipe(tmp_path):
    core = tmp_path / "core"
    core.write_bytes(b"\x7fELF\2\1\1".ljust(16, b"\0") + b"\4\0" + bytes(200000))
    for how in "explain - < $1", "explain <(cat $1)":
        done = goshawk.run_plain("bash", "-c", "$0 " + how, goshawk.GOSHAWK, core)
        assert done.status == 2 and not done.out and "a core is given by its path" in done.err, done


def test_what_ran_is_named_and_how_it_ended():
    program = gobuild.build("shop", gobuild.NEWEST)
    first, _, last = map(json.loads, [l for l in goshawk.run("explain", "--json", "--", program).err.splitlines() if l[0] == "{"])
    assert first["target"] == str(program) and first["pid"] > 0 and last["program_exit"] == 0


def test_it_is_one_thing_that_is_explained(tmp_path):
    """What stood before `-- PROGRAM` was passed over, and the program was run."""
    ran = tmp_path / "ran"
    for before in ["-p", str(os.getpid())], [str(tmp_path / "log")], ["-"]:
        done = goshawk.run("explain", *before, "--", "/bin/touch", ran)
        assert done.status == 2 and "one of them" in done.err and not ran.exists(), done
