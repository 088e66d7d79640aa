"""check -p: what others have put into a process is named, and a process by itself has nothing of it."""

import json
import signal
import subprocess
import sys

import pytest

import gobuild
import goshawk
from attaching import Attached, Running, line_of

pytestmark = pytest.mark.ptrace


def check(pid, status):
    ended = goshawk.run("check", "--json", "-p", pid)
    assert ended.status == status, ended
    return [o for o in map(json.loads, ended.out.splitlines()) if o["type"] == "finding"]


def address(program, func):
    listed = goshawk.run("funcs", "--json", program, func)
    [found] = [o for o in map(json.loads, listed.out.splitlines()) if o["type"] == "function"]
    return int(found["address"], 16)


@pytest.mark.parametrize("variant", ["plain", "pie", "cgo"])
def test_a_process_by_itself_has_no_findings(release, variant):
    with Running(release=release, variant=variant) as running:
        assert check(running.pid, 0) == []


def test_breakpoints_and_other_bytes():
    """As a debugger writes them; at an entry they may be a return probe's."""
    with Running() as running, open("/proc/%d/mem" % running.pid, "r+b", buffering=0) as mem:
        at = address(running.path, "main.called")
        mem.seek(at)
        was = mem.read(16)
        for off, byte in (0, 0xCC), (12, 0x90 if was[12] != 0x90 else 0x91):
            mem.seek(at + off)
            mem.write(bytes([byte]))
        probed, patched = check(running.pid, 1)
        mem.seek(at)
        mem.write(was)
    assert (probed["rule"], probed["func"], probed["address"]) == ("PROBED", "main.called", hex(at))
    assert "uretprobe" in probed["message"]
    assert (patched["rule"], patched["address"]) == ("LIVEPATCH", hex(at + 12))
    assert patched["message"] == "main.called+0xc was changed in memory"


@pytest.mark.bpf
def test_kernel_probes():
    """Of goshawk's uprobe engine: at the entry's branch and at each RET, so nothing that could be a return probe."""
    with Running() as running:
        with subprocess.Popen([goshawk.GOSHAWK, "trace", "--engine", "uprobe", "-o", "/dev/null", "-p",
                               str(running.pid), "main.called"], stderr=subprocess.PIPE, text=True) as tracing:
            assert "kernel probes at" in line_of(tracing.stderr, "that it traces")
            found = check(running.pid, 1)
            tracing.send_signal(signal.SIGINT)
            tracing.stderr.read()
    assert {f["rule"] for f in found} == {"PROBED"} and len([f for f in found if f["func"] == "main.called"]) >= 2
    assert not any("uretprobe" in f["message"] for f in found)


def test_a_goshawk_at_work_and_one_that_died(tmp_path):
    with Running() as running:
        attached = Attached(tmp_path, running.pid, "main.called").started()
        [found] = check(running.pid, 1)
        assert found["rule"] == "LIVEPATCH" and "at work (process %d)" % attached.p.pid in found["message"]
        attached.p.send_signal(signal.SIGKILL)
        attached.p.communicate()
        [found] = check(running.pid, 1)
        assert found["rule"] == "LIVEPATCH" and "died" in found["message"] and "detach" in found["advice"]
        assert goshawk.run("detach", "-p", running.pid).status == 0
        assert [f["rule"] for f in check(running.pid, 0)] == []


def test_a_tracer():
    """A process that holds it by ptrace, as a debugger does."""
    seize = ("import ctypes, sys; libc = ctypes.CDLL(None, use_errno=True); "
             "print(libc.ptrace(0x4206, int(sys.argv[1]), 0, 0), flush=True); sys.stdin.read()")
    with Running() as running:
        with subprocess.Popen([sys.executable, "-c", seize, str(running.pid)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as tracer:
            assert line_of(tracer.stdout, "whether it traces") == "0\n"
            [found] = check(running.pid, 0)
            tracer.stdin.close()
    assert found["rule"] == "TRACED" and "process %d (python" % tracer.pid in found["message"]


def test_code_without_a_file_and_a_library_that_was_put_before():
    program = gobuild.build("linknamed", gobuild.NEWEST, "plain")
    with subprocess.Popen([program, "waits"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          env={"LD_PRELOAD": "/nowhere/spy.so"}) as p:
        assert line_of(p.stdout, "its number") == "7\n" and p.stdout.readline() == "waits\n"
        found = [f for f in check(p.pid, 0) if f["rule"] != "INJECTED"]
        p.stdin.close()
    preload, code = found
    assert preload["rule"] == code["rule"] == "FOREIGN"
    assert "/nowhere/spy.so, which a static program ignores" in preload["message"]
    assert "8 KiB of code that no file has lie in 1 mapping" in code["message"]
