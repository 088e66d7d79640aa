"""A process that runs and knows what it did, and a goshawk that is attached to it."""

import collections
import os
import select
import signal
import subprocess
import time

import gobuild
import goshawk

FAULTY = goshawk.BUILD / "tests" / "goshawk-faults"  # dies where GOSHAWK_FAULT says (src/base/fault.h)


def line_of(stream, what, timeout=60):
    readable, _, _ = select.select([stream], [], [], timeout)
    assert readable, "nobody said: %s" % what
    return stream.readline()


class Running:
    """tests/go/running: it does what it is told, and knows what it did."""

    def __init__(self, threads=2, goroutines=0, release=gobuild.NEWEST, variant="plain", program=None, env=None,
                 command=(), **how):
        self.path = program or gobuild.build("running", release, variant)
        self.p = subprocess.Popen([*(command or [str(self.path)]), str(threads), str(goroutines)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
                                  env=dict(os.environ, **(env or {})), **how)
        line = line_of(self.p.stdout, "ready")
        assert line.startswith("ready "), (line, self.p.stderr.read() if self.p.poll() is not None else "")
        self.pid = int(line.split()[1])

    def tell(self, line):
        self.p.stdin.write("%s\n" % line)
        self.p.stdin.flush()
        answer = line_of(self.p.stdout, "the answer to %s" % line)
        assert answer, "it has died: " + self.p.stderr.read()[:3000]
        return answer

    def call(self, n):
        assert self.tell(n) == "called %d %d\n" % (n, sum(i - 1 + 4 for i in range(1, n)))

    def rounds(self):
        n, wrong = map(int, self.tell("rounds").split())
        assert wrong == 0
        return n

    def go_on(self):
        """Its goroutines compute, and what they compute is right."""
        before, until = self.rounds(), time.monotonic() + 60
        while self.rounds() == before:
            assert time.monotonic() < until, "it stands still"

    def text(self):
        """The bytes of its text, as they are now."""
        path = os.readlink("/proc/%d/exe" % self.pid)
        with open("/proc/%d/maps" % self.pid) as maps, open("/proc/%d/mem" % self.pid, "rb") as mem:
            for line in maps:
                if " r-xp " in line and line.rstrip().endswith(path):
                    lo, hi = (int(n, 16) for n in line.split()[0].split("-"))
                    mem.seek(lo)
                    return mem.read(hi - lo)
        assert False, "it has no text"

    def end(self):
        out, err = self.p.communicate(timeout=60)
        assert (self.p.returncode, out, err) == (0, "", "")

    def __enter__(self):
        return self

    def __exit__(self, *failed):
        if self.p.poll() is None:
            if failed[0] is None:
                self.end()
            else:
                self.p.kill()
                self.p.communicate()
        else:
            assert failed[0] or self.p.returncode == 0, self.p.stderr.read()


class Attached:
    """goshawk trace -p; `started` when it watches."""

    command = "trace", "--lossless"

    def __init__(self, tmp, pid, *patterns, options=(), program=goshawk.GOSHAWK, env=None):
        self.to = tmp / "attached.json"
        self.p = subprocess.Popen([str(program), *self.command, "--json", "-o", str(self.to), *options,
                                   "-p", str(pid), *patterns], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, env=dict(os.environ, **(env or {})))
        self.said = ""

    def started(self):
        while "; it stood still for" not in self.said:
            readable, _, _ = select.select([self.p.stderr], [], [], 60)
            more = os.read(self.p.stderr.fileno(), 4096).decode() if readable else ""
            assert more, "it never said that it watches: " + self.said
            self.said += more
        return self

    def written(self):
        """How many bytes have come out."""
        return self.to.stat().st_size

    def stop(self, status=0, sig=signal.SIGINT):
        self.p.send_signal(sig)
        return self.ended(status)

    def ended(self, status=0):
        out, err = self.p.communicate(timeout=120)
        self.said += err
        assert self.p.returncode == status, (self.p.returncode, self.said)
        self.objects = goshawk.read_lines(self.to) if self.to.exists() else []
        self.calls = [o for o in self.objects if o["type"] == "call"]
        self.endo = self.objects[-1] if self.objects else None
        return self

    def counts(self):
        """Of calls, or what --count has counted."""
        counted = {o["func"]: o["count"] for o in self.objects if o["type"] == "count"}
        return counted or collections.Counter(c["func"] for c in self.calls)


def ours(pid):
    """What we have mapped in a process."""
    with open("/proc/%d/maps" % pid) as maps:
        return sum("memfd:goshawk" in line for line in maps)


def copy_of_running(folder, name="running"):
    """The program in a file of its own."""
    program = folder / name
    program.write_bytes(gobuild.build("running", gobuild.NEWEST, "plain").read_bytes())
    program.chmod(0o755)
    return program


def nobody(folder):
    """Arguments of Popen for a user without rights, who can now find what lies in the folder."""
    while folder != folder.parent:
        folder.chmod(folder.stat().st_mode | 0o011)
        folder = folder.parent
    return {"user": 65534, "group": 65534, "extra_groups": []}
