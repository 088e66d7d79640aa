"""What is redacted is in no output, and was never copied out of the program."""

import os
import select
import signal
import subprocess

import pytest

import gobuild
import goshawk

pytestmark = pytest.mark.ptrace
WORD = "canary7f3a9"
# token is a result, which the DWARF of 1.17 does not have
REDACT = ["--redact", "re:^(password|token)$", "--redact", "pin", "--redact", "Number", "--redact", "main.sealed"]
FORMS = {
    "lines": [], "json": ["--json"], "entry": ["--entry"], "graph": ["--graph"], "summary": ["--summary"],
    "count": ["--count", "--by", "user"], "hist": ["--hist", "len(user)", "--by", "user"],
    "show": ["--show", "user, len(user)"], "if": ["--if", 'user == "user"'], "stack": ["--stack", "--json"],
    "deep": ["--depth-of-values", "8", "--strings", "2048", "--elements", "64", "--json"],
}


def program(release=gobuild.NEWEST, variant="plain"):
    return gobuild.build("vault", release, variant)


def traced(options, binary):
    return subprocess.run([str(goshawk.GOSHAWK), "trace", "-o", "-", *REDACT, *options, "main.*", "--", str(binary), WORD],
                          input="one\ntwo\n", text=True, capture_output=True, timeout=120)


@pytest.mark.parametrize("engine", ["inline", pytest.param("uprobe", marks=pytest.mark.skipif(
    os.geteuid() != 0, reason="BPF takes root"))])
@pytest.mark.parametrize("form", FORMS)
def test_no_output_has_it(release, form, engine):
    done = traced([*FORMS[form], "--engine", engine], program(release))
    assert done.returncode == 0 and "done " in done.stdout, done
    assert WORD not in done.stdout + done.stderr
    assert "47110815" not in done.stdout
    if form in ("lines", "json", "entry", "graph", "deep"):
        assert "owner" in done.stdout and "redacted" in done.stdout


def test_without_the_option_it_is_there():
    """The canary sings: the test above can fail."""
    done = subprocess.run([str(goshawk.GOSHAWK), "trace", "-o", "-", "main.*", "--", str(program()), WORD],
                          input="one\n", text=True, capture_output=True, timeout=120)
    assert WORD in done.stdout and "47110815" in done.stdout


def rings(pid):
    """The bytes of everything that goshawk has mapped in the program, but for what was never touched."""
    found = b""
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb") as mem, \
            open("/proc/%d/pagemap" % pid, "rb") as pagemap:
        for line in maps:
            if "memfd:goshawk" not in line:
                continue
            lo, hi = (int(n, 16) for n in line.split()[0].split("-"))
            size = os.stat("/proc/%d/map_files/%x-%x" % (pid, lo, hi)).st_size
            hi = min(hi, lo + size)
            pagemap.seek(lo // 4096 * 8)
            there = pagemap.read((hi - lo) // 4096 * 8)
            for i in range((hi - lo) // 4096):
                if there[8 * i + 7] & 0x80:  # present
                    mem.seek(lo + 4096 * i)
                    found += mem.read(4096)
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="reading another's page table takes root")
@pytest.mark.parametrize("redact,there", [(REDACT, False), ([], True)], ids=["redacted", "not-redacted"])
def test_it_never_reaches_the_rings(release, redact, there):
    """Goshawk stands still while the program works, so whatever was copied is still there."""
    with subprocess.Popen([str(program(release)), WORD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          bufsize=1) as p:
        pid = int(p.stdout.readline().split()[1])
        g = subprocess.Popen([str(goshawk.GOSHAWK), "trace", "-p", str(pid), "-o", "/dev/null", "--depth-of-values", "8",
                              *redact, "main.*"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        readable, _, _ = select.select([g.stderr], [], [], 60)
        assert readable and "watched; it stood" in g.stderr.readline()
        g.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, g.pid, os.WSTOPPED | os.WNOWAIT)
        p.stdin.write("three\n")
        assert p.stdout.readline().startswith("done ")
        held = rings(pid)
        assert (WORD.encode() in held) == there
        assert b"owner" in held
        g.send_signal(signal.SIGCONT)
        g.send_signal(signal.SIGINT)
        g.communicate(timeout=60)
        assert g.returncode == 0
        p.stdin.close()
