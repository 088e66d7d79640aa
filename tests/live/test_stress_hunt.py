"""stress --until-crash: from a suspicion to a proof, on programs that race and on programs that do not."""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import termios
import time

import pytest

import gobuild
import goshawk
import others
import reached

# What each kind of value does to a program when it is torn, and the store that does it.
KINDS = {
    "string": ({"marked_free_object", "bad_pointer", "impossible_length", "fault", "fault_in_copy", "damaged_heap"}, "setText"),
    "slice": ({"nil_dereference", "fault", "bad_pointer", "marked_free_object"}, "setList"),
    "append": ({"nil_dereference", "fault", "bad_pointer", "marked_free_object"}, "setAppended"),
    "interface": ({"nil_dereference", "fault", "bad_pointer"}, "setValue"),
}

# Of these, what `make check` has time for; more hunts are below, and more deaths in test_stress_file.py.
SOME = {gobuild.RELEASES[0]: ["slice", "interface"], gobuild.NEWEST: ["string", "append"]}


@pytest.fixture
def tmp(tmp_path, monkeypatch):
    """Where copies are made: nothing may be left there."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    assert not list(folder.iterdir())


def until_crash(*args, status, timeout=300):
    done = goshawk.run("stress", "--until-crash", "--json", *args, timeout=timeout)
    assert done.status == status, done
    return [json.loads(line) for line in done.out.splitlines()], done


def one(objects, kind):
    found = [o for o in objects if o["type"] == kind]
    assert len(found) == 1, objects
    return found[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_race_is_found_and_proved(tmp, release, kind):
    if not gobuild.ALL and kind not in SOME.get(release, []):
        pytest.skip("a part of check-all")
    signatures, store = KINDS[kind]
    objects, _ = until_crash("--for", "60s", "main.*", "--", gobuild.build("racing", release), kind, status=1)
    crash, report = one(objects, "crash"), one(objects, "report")
    assert crash["signature"] in signatures and report["signature"] == crash["signature"]
    assert [s.split("+")[0] for s in report["sites"]] == ["main.(*object)." + store]
    assert report["crashed"] * 2 > report["runs"] >= 5 and report["proof"] is True, report
    # where the machine is busy, the kernel stops a writer or a reader between two words now and then
    assert report["control_runs"] >= 8 and report["control_crashed"] * 4 < report["control_runs"], report
    assert store in report["advice"]
    if crash["stack"] and kind != "string":
        assert any(f["func"].startswith("main.") for f in crash["stack"])
    reached.PROVED.put(release, kind, True, ["proved"])


@pytest.mark.parametrize("safe", reached.SAFE)
def test_no_false_alarm(tmp, release, safe):
    """A minute each in check-all, in all functions of its own, fmt and time."""
    if not gobuild.ALL and release not in gobuild.ENDS:
        pytest.skip("a part of check-all")
    objects, done = until_crash("--for", "60s" if gobuild.ALL else "2s", "main.*", "fmt.*", "time.*", "--",
                                gobuild.build("racing", release), reached.SAFE[safe], safe, status=0)
    assert not [o for o in objects if o["type"] in ("crash", "report")]
    assert "it lived through" in done.err
    reached.LIVE.put(release, safe, True, ["lives"])


@pytest.mark.parametrize("safe", reached.SAFE)
def test_no_false_alarm_anywhere(tmp, release, safe):
    """Every store of the program and of the library waits, in some runs at each pass, in others at random."""
    if not gobuild.ALL and (release, safe) not in [(gobuild.RELEASES[0], "channel"), (gobuild.NEWEST, "atomic")]:
        pytest.skip("a part of check-all")
    objects, done = until_crash("--for", "12s" if gobuild.ALL else "2s", "*", "--", gobuild.build("racing", release),
                                reached.SAFE[safe], safe, status=0)
    assert not [o for o in objects if o["type"] in ("crash", "report")]
    assert int(re.search(r"(\d+) stores of several words are delayed", done.err)[1]) > 100
    assert "it lived through" in done.err
    reached.LIVE_ALL.put(release, safe, True, ["lives"])


@pytest.mark.parametrize("how", ["shared 5", "shared 300", "shared 5 2000", "global 5"])
def test_the_logger_lives_alone(how):
    """As in the report: many goroutines and deep stacks do not reproduce it. A minute each in check-all. It is a race all the
    same: where the kernel stops a thread between the two words, on a busy machine, a run may die; then the next two live."""
    what, *numbers = how.split()
    seconds = "60" if gobuild.ALL else "3"

    def run():
        done = subprocess.run([others.module("logger", "1.17.13"), what, seconds, *numbers], stdin=subprocess.DEVNULL,
                              env=dict(os.environ, GOMAXPROCS="4"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    first = run()
    if first != (0, "lived\n", ""):
        assert first[0] == 2 and any(line.startswith(("panic: ", "fatal error: ")) for line in first[2].splitlines()), first
        assert [run(), run()] == [(0, "lived\n", "")] * 2, first


def test_the_race_detector_sees_it():
    done = subprocess.run([others.module("logger", "1.17.13", "-race"), "shared", "3"], stdin=subprocess.DEVNULL,
                          env=dict(os.environ, GOMAXPROCS="4"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=120)
    assert done.returncode == 66 and "WARNING: DATA RACE" in done.stderr and "(*traceLogger).write" in done.stderr
    assert "lived\n" in done.stdout


def test_the_field_report(tmp):
    """go-zero of that time, Go 1.17: five goroutines log through one shared logger."""
    logger = others.module("logger", "1.17.13")
    objects, _ = until_crash("--for", "120s", "*logx*", "--", logger, "shared", "60", status=1)
    report = one(objects, "report")
    assert any("(*traceLogger).write" in s for s in report["sites"]), report
    assert report["proof"] is True, report


def test_without_a_pattern_it_chooses_by_itself(tmp):
    objects, _ = until_crash("--for", "60s", "--", gobuild.build("racing", gobuild.NEWEST), "interface", status=1)
    assert "main.(*object).setValue" in one(objects, "report")["sites"][0]


def test_the_report_is_kept(tmp, tmp_path):
    to = tmp_path / "kept"
    done = goshawk.run("stress", "--until-crash", "--for", "60s", "--report", to, "main.*", "--",
                       gobuild.build("racing", gobuild.NEWEST), "interface", "none", "30", timeout=300)
    assert done.status == 1, done
    assert done.out.startswith("died after ")
    page = (to / "report.md").read_text()
    assert page.startswith("# A race on ") and "main.(*object).setValue" in page
    assert {p.name for p in to.iterdir()} == {"report.md", gobuild.build("racing", gobuild.NEWEST).name}
    command = [line for line in done.out.splitlines() if line.startswith("again ")][0].split(None, 1)[1]
    assert command in page
    again = subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, timeout=60)
    assert again.returncode == 2 and ("panic: " in again.stderr or "fatal error: " in again.stderr)


def test_what_cannot_be_kept_is_printed_all_the_same(tmp, tmp_path):
    program = gobuild.build("racing", gobuild.NEWEST)
    (tmp_path / "kept" / program.name).mkdir(parents=True)
    done = goshawk.run("stress", "--until-crash", "--report", tmp_path / "kept", "main.*", "--", program, "interface",
                       "none", "30", timeout=300)
    assert done.status in (2, 8) and program.name in done.err.splitlines()[-1], done
    assert re.search(r"^with it  .*\n(.*\n)*advice  ", done.out, re.M), done


def test_the_copy_does_not_take_the_programs_place(tmp, tmp_path):
    """It is known before the first run: a hunt may take hours."""
    program = tmp_path / "racing"
    shutil.copy(gobuild.build("racing", gobuild.NEWEST), program)
    done = goshawk.run("stress", "--until-crash", "--report", tmp_path, "main.*", "--", program, "interface", "none", "30",
                       timeout=300)
    assert (done.status, done.out) == (2, ""), done
    assert "has the program itself" in done.err and len(done.err.splitlines()) == 1, done


def test_what_dies_by_itself_is_no_proof(tmp):
    done = goshawk.run("stress", "--until-crash", "main.*", "--", gobuild.build("zoo", gobuild.NEWEST), "nil-deep",
                       timeout=300)
    assert done.status == 0, done
    died, what, *rest = done.out.splitlines()
    assert "nil pointer dereference" in died and what.split(None, 1)[1].startswith("no proof of a torn value: it dies"), done
    assert "words" not in done.out and "look at the crash itself" in rest[-1], done


def test_the_command_without_a_report_makes_it_again(tmp, tmp_path):
    done = goshawk.run("stress", "--until-crash", "--for", "60s", "main.*", "--",
                       gobuild.build("racing", gobuild.NEWEST), "slice", "none", "30", timeout=300)
    assert done.status == 1, done
    command = [line for line in done.out.splitlines() if line.startswith("again ")][0].split(None, 1)[1]
    path = os.pathsep.join([str(pathlib.Path(goshawk.GOSHAWK).parent), os.environ["PATH"]])
    again = subprocess.run(["sh", "-c", command], env=dict(os.environ, PATH=path), cwd=tmp_path,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    assert again.returncode == 2 and ("panic: " in again.stderr or "fatal error: " in again.stderr), again


@pytest.mark.parametrize("how", ["alone", "terminal"])
def test_ctrl_c_leaves_nothing(tmp, how):
    """The runs have groups of their own, so that a terminal's reaches goshawk alone, too."""
    program = gobuild.build("racing", gobuild.NEWEST)
    keys, terminal = pty.openpty()
    p = subprocess.Popen([goshawk.GOSHAWK, "stress", "--until-crash", "--for", "100s", "main.*", "--", program, "string",
                          "mutex", "100"], stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(terminal)
    until = time.monotonic() + 60
    while not list(tmp.glob("*/*/" + program.name)):
        assert time.monotonic() < until
        time.sleep(0.01)
    if how == "alone":
        p.send_signal(signal.SIGINT)
    else:
        os.write(keys, b"\x03")
    out, err = p.communicate(timeout=90)
    os.close(keys)
    assert p.returncode == 0, err
    assert "it lived through" in err
    done = subprocess.run(["pgrep", "-f", str(tmp)], stdout=subprocess.PIPE, text=True)
    assert not done.stdout


def test_a_terminal_shows_how_far_it_is(tmp):
    """On a line of its own, which is gone when something is said."""
    keys, terminal = pty.openpty()
    with subprocess.Popen([goshawk.GOSHAWK, "stress", "--until-crash", "--for", "3s", "main.*", "--",
                           gobuild.build("racing", gobuild.NEWEST), "string", "mutex", "100"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=terminal) as p:
        os.close(terminal)
        said = b""
        try:
            while more := os.read(keys, 4096):
                said += more
        except OSError:  # the end of a terminal
            pass
        os.close(keys)
        assert p.wait(60) == 0 and not p.stdout.read()
    lines = said.decode().replace("\r\n", "\n").split("\r\x1b[K")
    shown = [re.fullmatch(r"\[goshawk\] run \d+, (\d+) s of 3 s: delays at \d+ stores?", line) for line in lines[1:-1]]
    assert all(shown) and {int(s[1]) for s in shown} >= {0, 1, 2}, said
    assert "\n" in lines[0] and lines[-1].startswith("[goshawk] it lived through "), said


def program_of(pid):
    """What it executes; nothing if it has ended."""
    try:
        return os.readlink("/proc/%s/exe" % pid)
    except FileNotFoundError:
        return ""


def test_who_is_killed_leaves_no_copy_that_runs(tmp_path, monkeypatch):
    """The folder is taken away by the next one."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    p = subprocess.Popen([goshawk.GOSHAWK, "stress", "--until-crash", "--for", "100s", "main.*", "--",
                          gobuild.build("racing", gobuild.NEWEST), "string", "mutex", "100"], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    children = pathlib.Path("/proc/%d/task/%d/children" % (p.pid, p.pid))
    until = time.monotonic() + 60
    copies = []
    while not copies:
        assert time.monotonic() < until
        p.send_signal(signal.SIGSTOP)  # so that it reaps none that is looked at
        os.waitpid(p.pid, os.WUNTRACED)
        copies = [os.pidfd_open(int(pid)) for pid in children.read_text().split() if program_of(pid).startswith(str(tmp_path))]
        if not copies:
            p.send_signal(signal.SIGCONT)
    p.kill()
    p.wait()
    for copy in copies:
        assert select.select([copy], [], [], 30)[0], "a copy runs on"
        os.close(copy)
    assert len(list(tmp_path.glob("goshawk-stress-*"))) == 1
    done = goshawk.run("stress", "--until-crash", "--for", "1s", "main.*", "--", gobuild.build("racing", gobuild.NEWEST),
                       "string", "mutex", "100")
    assert done.status == 0 and not list(tmp_path.iterdir()), done


def test_that_it_lived_is_no_proof(tmp):
    """Of stores that no run came to nothing is known, and of those that can't be delayed; nor of a map."""
    racing = gobuild.build("racing", gobuild.NEWEST)
    objects, done = until_crash("--for", "1s", "main.(*object).setList", "--", racing, "string", "mutex", status=0)
    end = one(objects, "end")
    assert (end["sites"], end["refused"], end["passed"], end["others"]) == (1, 0, 0, 0) and end["runs"], end
    assert "no run was seen to wait at any of these stores" in done.err
    objects, done = until_crash("--for", "1s", "main.(*object).*", "--", racing, "string", "mutex", status=0)
    end = one(objects, "end")
    assert (end["sites"], end["passed"]) == (4, 1), end
    assert "it waited at 1 of 4 stores; that is no proof: " in done.err
    objects, done = until_crash("--for", "1s", "*", "--", racing, "string", "mutex", status=0)
    said = re.search(r"^\[goshawk\] (\d+) others? can't be delayed \(goshawk stress FILE --plan says why\)$", done.err, re.M)
    assert int(said[1]) == one(objects, "end")["refused"] > 0, done


def test_who_dies_otherwise_has_not_lived(tmp):
    objects, done = until_crash("--for", "1s", "main.*", "--", gobuild.build("zoo", gobuild.NEWEST), "maps-written", status=0)
    end = one(objects, "end")
    assert end["others"] and not [o for o in objects if o["type"] == "report"], objects
    assert "it lived" not in done.err and "%d of %d runs in " % (end["others"], end["runs"]) in done.err
    assert re.search("ended by what a torn value does not do: fatal error: concurrent map .*; goshawk explain", done.err)


def test_gomaxprocs_is_not_lowered(tmp, monkeypatch):
    for procs, said in ("8", "at least 4\n"), ("2", "at least 4 instead of 2\n"):
        monkeypatch.setenv("GOMAXPROCS", procs)
        _, done = until_crash("--for", "100ms", "main.*", "--", gobuild.build("racing", gobuild.NEWEST), "string", "mutex",
                              status=0)
        assert "with GOMAXPROCS " + said in done.err


def wrong(*args):
    done = goshawk.run("stress", "--until-crash", *args)
    assert done.out == ""
    return done.status, done.err.splitlines()[-1]


def test_wrong_input(tmp, tmp_path):
    program = gobuild.build("racing", gobuild.NEWEST)
    assert wrong("--", "/bin/ls") == (3, "goshawk: /bin/ls: not a Go program (no build information and no function table)")
    assert wrong("main.nothing", "--", program)[0] == 2
    status, said = wrong("main.(*counts).speak", "--", program)
    assert status == 2 and "stores no value of several words" in said
    assert wrong("main.*")[0] == 2
    assert wrong("-p", str(os.getpid()), "main.*", "--", program)[0] == 2
    for args, says in ((["--delay", "11s"], "--delay: at most 10s"), (["--max-overhead", "7"], "without --max-overhead"),
                       (["--fips-resum"], "without --fips-resum")):
        status, said = wrong(*args, "main.*", "--", program)
        assert status == 2 and says in said
    with_rights = tmp_path / "with-rights"
    with_rights.write_bytes(program.read_bytes())
    with_rights.chmod(0o4755)
    status, said = wrong("main.*", "--", with_rights)
    assert status == 5 and "set-uid" in said
    blocked = tmp_path / "file"
    blocked.write_text("")
    status, said = wrong("--report", blocked / "kept", "main.*", "--", program)
    assert status == 8 and "cannot make it" in said
    status, said = wrong("--report", blocked, "main.*", "--", program)
    assert status == 2 and "is no directory" in said


def test_a_program_that_is_called_wrongly(tmp):
    objects, done = until_crash("--for", "1s", "main.*", "--", gobuild.build("racing", gobuild.NEWEST), "string", "none",
                                "never", status=0)
    assert not [o for o in objects if o["type"] == "crash"]
    assert "ended by what a torn value does not do: panic: " in done.err
