"""goshawk dies at the one moment when the program is a process already and not yet traced."""

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


@pytest.mark.skipif(goshawk.asan(), reason="the sanitizers want to be the first library")
def test_a_child_that_was_not_traced_yet_ends_with_goshawk(tmp_path):
    (tmp_path / "fork.c").write_text(FORK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", tmp_path / "fork.so", tmp_path / "fork.c", "-ldl"], check=True)
    seed = tmp_path / "seed"
    seed.write_bytes(gobuild.build("seed", gobuild.NEWEST).read_bytes())
    seed.chmod(0o755)
    ended = goshawk.run("trace", "-o", tmp_path / "calls", "main.*", "--", seed, "values",
                        env={"LD_PRELOAD": str(tmp_path / "fork.so")})
    assert ended.status == 128 + signal.SIGKILL
    time.sleep(0.5)
    left = started_from(seed)
    for pid in left:  # it would stand in a ptrace stop of init's for ever
        os.kill(pid, signal.SIGKILL)
    assert not left
