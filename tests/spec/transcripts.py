"""Transcripts: commands behind "$ ", and below each the output that it has to give.

    # a remark, or what the transcript needs: "# needs: ptrace hugo"
    $ goshawk info ./seed
    release  go1.27.4
    …
    $ goshawk info /bin/ls
    goshawk: /bin/ls: not a Go program (no build information and no function table)
    [3]

"…" within a line stands for anything, a line of only "…" for any lines. A line "[N]" is the exit
status; without one it has to be 0 (in a document, where statuses are not shown, it may be any).
stdout and stderr are one. "> " continues a command.
"""

import re
import subprocess

ANY = "…"

# What differs from run to run, for UPDATE=1: it becomes "…" in what is written down.
VARYING = [
    r"\s+\d\d:\d\d:\d\d\.\d{6}(?:\s+(?:[\d.]+(?:ns|µs|ms|s)|-)(?=\s))?",  # start and duration of a call
    r"^\s*[\d.]+(?:ns|µs|ms|s)(?=  \[g)",                            # ... of a call in --graph
    r"^(?:\s+[\d.]+(?:ns|µs|ms|s)){6}(?=\s)",                       # columns of --summary
    r"(?<=^ {10})[0-9a-f]{6,}(?=  \S)",                             # a trampoline's instruction
    r"(?<=0x)[0-9a-fA-F]{5,}",                                     # addresses
    r'(?<="time":")[^"]*', r'(?<="from":")\d{4}-[^"]*', r'(?<="to":")\d{4}-[^"]*', r'(?<="pid":)\d+', r'(?<=_ns":)\d+',
    r'(?<="goid":)\d+', r"(?<=\[g )\d+(?=\])",
    r"(?<=calls in )[\d.]+(?:ns|µs|ms|s)", r"(?<=1 call in )[\d.]+(?:ns|µs|ms|s)",
    r"(?:/[\w.+-]+)+/(?=tests/go/|src/)",                          # where sources were built
    r"(?<=^build id     ).*", r'(?<="build_id":")[^"]*', r"(?<=function table )\d+", r"(?<=^size         )\d+",
]


class Step:
    """One command with its expected output; `start` and `end` are lines of the file."""

    def __init__(self, command, start):
        self.command, self.start, self.end = command, start, start + 1
        self.expected = []

    def run(self, cwd, env):
        done = subprocess.run(["/bin/sh", "-c", self.command], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        lines = done.stdout.decode("utf-8", "replace").split("\n")
        if lines[-1] == "":
            lines.pop()
        status = done.returncode if done.returncode >= 0 else 128 - done.returncode
        return lines, status

    def differs(self, lines, status, statuses=True):
        """None, or what is wrong."""
        want = [line.rstrip() for line in self.expected]
        shown = re.fullmatch(r"\[(\d+)\]", want[-1]) if want else None
        if shown:
            want.pop()
        if (shown or statuses) and status != (int(shown[1]) if shown else 0):
            return "status %d\n%s" % (status, "\n".join(lines))
        got = [line.rstrip() for line in lines]
        while got and not got[-1]:
            got.pop()
        if re.fullmatch(pattern(want), "".join(line + "\n" for line in got)):
            return None
        return "printed:\n%s\n\nexpected:\n%s" % ("\n".join(got), "\n".join(want))


def pattern(lines):
    return "".join(r"(?:.*\n)*" if line.strip() == ANY
                   else r"[^\n]*".join(re.escape(part) for part in line.split(ANY)) + r"\n" for line in lines)


def masked(line):
    for v in VARYING:
        line = re.sub(v, ANY, line)
    return line.rstrip()


def in_document(lines):
    """The lines of a document that lie in ```console blocks."""
    inside = False
    for number, line in enumerate(lines):
        if line.startswith("```"):
            inside = line.strip() == "```console"
        elif inside:
            yield number, line


def parse(text, document):
    """The steps of a transcript, or of the console blocks of a document."""
    steps, step = [], None
    lines = text.splitlines()
    for number, line in in_document(lines) if document else enumerate(lines):
        if line.startswith("$ "):
            step = Step(line[2:], number)
            steps.append(step)
        elif step and number == step.end and line.startswith("> ") and not step.expected:
            step.command += "\n" + line[2:]
            step.end = number + 1
        elif step and number == step.end and not (not document and line.startswith("# ")):
            step.expected.append(line)
            step.end = number + 1
        else:
            step = None
    for s in steps:  # empty lines before the next remark are no output
        while s.expected and not s.expected[-1].strip():
            s.expected.pop()
            s.end -= 1
    return lines, steps


def needs(text):
    m = re.search(r"^# needs: (.*)$", text, re.M)
    return m[1].split() if m else []


def updated(lines, step, got, status, statuses):
    """The lines of the file with what was printed in the place of what was expected."""
    new = [masked(line) for line in got]
    if status and statuses:
        new.append("[%d]" % status)
    first = step.end - len(step.expected)
    return lines[:first] + new + lines[step.end:], len(new) - len(step.expected)
