"""Processes in containers, under filters, of other users, and in files of any name."""

import os
import re
import resource
import subprocess

import pytest

import filters
import goshawk
from attaching import Attached, Running, copy_of_running, nobody

pytestmark = pytest.mark.ptrace


def test_a_deleted_executable(tmp_path):
    program = copy_of_running(tmp_path, "deleted")
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
    program = copy_of_running(tmp_path, "inside")
    inside = "/inside" if kind == "other root" else str(program)
    with Running(command=[*CONTAINERS[kind], inside], cwd=tmp_path) as r:
        assert r.pid == 1
        r.pid = int(open("/proc/%d/task/%d/children" % (r.p.pid, r.p.pid)).read())
        for i in range(2):
            a = Attached(tmp_path, r.pid, "main.called").started()
            r.call(50)
            assert len(a.stop().calls) == 50


@pytest.mark.skipif(os.geteuid() != 0, reason="takes CAP_SYS_ADMIN")
def test_with_no_descriptor_left(tmp_path):
    with Running() as r:
        hard = resource.prlimit(r.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(r.pid, resource.RLIMIT_NOFILE, (3, hard))
        a = Attached(tmp_path, r.pid, "main.called").started()
        r.call(100)
        assert len(a.stop().calls) == 100


@pytest.mark.parametrize("name", ["deadbeef-" * 20 + "x", "7fff00000000-7fffffffffff-" * 8])
def test_files_of_any_name_are_mapped(tmp_path, name):
    """/proc/PID/maps has lines of any length."""
    folder = tmp_path
    for _ in range(4):
        folder = folder / name
        folder.mkdir()
    program = copy_of_running(folder)
    with Running(program=program) as r:
        a = Attached(tmp_path, r.pid, "main.called").started()
        r.call(2)
        assert len(a.stop().calls) == 2


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
        done = goshawk.run("detach", "-p", r.pid)  # what its filter says to less memory was never asked
        assert done.status == 0 and re.search(r": [\d.]+ MiB of addresses, which nothing leads to, stay mapped", done.err), done
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
        assert done.status == 5, done
        assert "process %d: its seccomp filter does not permit" % r.pid in done.err, done
        r.call(10)
        assert r.text() == text


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user takes root")
def test_a_filter_that_cannot_be_read(tmp_path):
    """As a user without rights: nobody knows what the filter would do."""
    program = copy_of_running(tmp_path)
    as_user = nobody(tmp_path)
    code = filters.apply(filters.denies(filters.DOCKER))
    with Running(program=program, preexec_fn=code, **as_user) as r:
        done = subprocess.run([str(goshawk.GOSHAWK), "trace", "--engine", "inline", "-p", str(r.pid), "main.called"],
                              text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, **as_user)
        assert done.returncode == 5, done
        assert re.search(r"process %d: it runs under a seccomp filter that can't be read" % r.pid, done.stderr), done
        r.call(10)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user takes root")
def test_a_user_without_rights_attaches_to_his_own(tmp_path):
    program = copy_of_running(tmp_path)
    as_user = nobody(tmp_path)
    with Running(program=program, **as_user) as r:
        done = subprocess.run([str(goshawk.GOSHAWK), "trace", "--for", "50ms", "-p", str(r.pid), "main.called"],
                              text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, **as_user)
        assert done.returncode == 0 and "0 calls" in done.stderr, done
        r.call(10)
