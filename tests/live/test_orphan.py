"""The moments when the program is a process already, and not yet a program."""

import os
import pathlib
import signal
import subprocess
import time

import pytest

import gobuild
import goshawk

pytestmark = pytest.mark.ptrace

# The parent ends right behind its fork; the child waits until that has happened.
FORK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>
pid_t fork(void)
{
	pid_t (*real)(void) = dlsym(RTLD_NEXT, "fork"), pid = real();
	if (pid > 0)
		kill(getpid(), SIGKILL);
	usleep(100000);
	return pid;
}
"""

# A terminal changes its size in the instruction before exec.
SIGNAL = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>
int execv(const char *path, char *const argv[])
{
	int (*real)(const char *, char *const[]) = dlsym(RTLD_NEXT, "execv");
	kill(getpid(), SIGWINCH);
	return real(path, argv);
}
"""

needs_preload = pytest.mark.skipif(goshawk.asan(), reason="the sanitizers want to be the first library")


def preload(tmp_path, source):
    """The environment in which goshawk has these functions in the place of the C library's."""
    (tmp_path / "moment.c").write_text(source)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", tmp_path / "moment.so", tmp_path / "moment.c", "-ldl"],
                   check=True)
    return {"LD_PRELOAD": str(tmp_path / "moment.so")}


def started_from(path):
    """Processes whose program this is."""
    found = []
    for p in pathlib.Path("/proc").iterdir():
        try:
            if p.name.isdigit() and os.readlink(p / "exe") == str(path):
                found.append(int(p.name))
        except OSError:
            pass
    return found


@needs_preload
def test_a_child_that_was_not_traced_yet_ends_with_goshawk(tmp_path):
    seed = tmp_path / "seed"
    seed.write_bytes(gobuild.build("seed", gobuild.NEWEST).read_bytes())
    seed.chmod(0o755)
    ended = goshawk.run("trace", "-o", tmp_path / "calls", "main.*", "--", seed, "values",
                        env=preload(tmp_path, FORK))
    assert ended.status == 128 + signal.SIGKILL
    time.sleep(0.5)
    left = started_from(seed)
    for pid in left:  # it would stand in a ptrace stop of init's for ever
        os.kill(pid, signal.SIGKILL)
    assert not left


@needs_preload
@pytest.mark.parametrize("variant", ("plain", "cgo"))
def test_a_signal_that_comes_before_the_exec_stops_nobody(tmp_path, variant):
    seed = gobuild.build("seed", gobuild.NEWEST, variant)
    ended = goshawk.run("trace", "-o", tmp_path / "calls", "main.*", "--", seed, "values",
                        env=preload(tmp_path, SIGNAL), timeout=30)
    assert ended.status == 0, ended.err
