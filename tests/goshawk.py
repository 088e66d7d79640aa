"""Running goshawk, and reading what it says."""

import ctypes
import functools
import json
import os
import pathlib
import resource
import subprocess
import sys

import documented

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOSHAWK = pathlib.Path(os.environ.get("GOSHAWK", ROOT / "build" / "goshawk")).resolve()
BUILD = GOSHAWK.parent  # the tools of the tests are in tests/ there


class Ended:
    """How a program ended: its status as a shell says it, and what it wrote."""

    def __init__(self, done):
        self.status = done.returncode if done.returncode >= 0 else 128 - done.returncode
        self.out, self.err = done.stdout, done.stderr

    def __repr__(self):
        return "status %d\n--- stdout\n%s\n--- stderr\n%s" % (self.status, self.out[-3000:], self.err[-3000:])


def run(*args, env=None, cwd=None, timeout=120, stdin=subprocess.DEVNULL):
    """goshawk with these arguments. What it prints by --json is what docs/json.md says."""
    done = run_plain(GOSHAWK, *args, env=env, cwd=cwd, timeout=timeout, stdin=stdin)
    if "--json" in args:
        for line in done.out.splitlines():
            if line.startswith('{"type":'):  # else the program's own
                documented.check(ROOT, line)
    return done


def run_plain(*args, env=None, cwd=None, timeout=120, stdin=subprocess.DEVNULL):
    """Any program."""
    return Ended(subprocess.run([str(a) for a in args], env=dict(os.environ, **(env or {})), cwd=cwd,
                                timeout=timeout, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, errors="surrogateescape"))


def with_cores():
    """Of a program that a test starts (preexec_fn): the kernel may make a core of it, in its folder."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def read_lines(path):
    """The objects of a file of JSON lines."""
    with open(path, encoding="utf-8") as f:
        return [documented.check(ROOT, line) for line in f]


class Trace:
    """`goshawk trace --json` of a program: how it ended, and what it printed, by type."""

    def __init__(self, tmp, patterns, program, options=(), env=None, timeout=300, cwd=None, lossless=True):
        to = tmp / "trace.json"
        self.ended = run("trace", "--json", "-o", to, *(["--lossless"] if lossless else []), *options, *patterns, "--", *program,
                         env=env, timeout=timeout, cwd=cwd)
        self.objects = read_lines(to) if to.exists() else []
        self.calls = [o for o in self.objects if o["type"] == "call"]
        self.end = self.objects[-1] if self.objects and self.objects[-1]["type"] == "end" else None

    def check(self, status=0):
        """It all went well: nothing was lost, and the program ended as it should."""
        assert self.ended.status == status, self.ended
        assert self.objects and self.objects[0]["type"] == "begin", self.ended
        assert self.end, self.ended
        assert self.end["lost"] == 0, self.end
        return self


@functools.lru_cache(maxsize=None)
def why_no_ptrace():
    """None if a child can be traced here, else the reason why not."""
    libc = ctypes.CDLL(None, use_errno=True)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if libc.ptrace(0, 0, 0, 0) == 0 else min(ctypes.get_errno(), 255))
    _, status = os.waitpid(pid, 0)
    code = os.WEXITSTATUS(status)
    return None if code == 0 else "ptrace is not permitted here: %s" % os.strerror(code)


@functools.lru_cache(maxsize=None)
def why_no_bpf():
    """None if kernel probes can be used here, else the reason why not, as `goshawk doctor` says it."""
    for o in map(json.loads, run("doctor", "--json").out.splitlines()):
        if o.get("name") in ("bpf", "uprobes") and o["state"] == "no":
            return "kernel probes are not permitted here: %s" % o["found"]
    return None


def asan():
    return "asan" in str(BUILD)


if __name__ == "__main__":
    sys.exit("a helper of the tests, not a program")
