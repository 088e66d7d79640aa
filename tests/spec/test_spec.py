"""Runs the transcripts beside this file, and the examples of the README and of the documents.

UPDATE=1 writes what was printed into them; look at the difference before you commit it.
"""

import os
import pathlib
import shutil

import pytest

import gobuild
import goshawk
import overlay
import transcripts

HERE = pathlib.Path(__file__).parent
DOCUMENTS = [p for p in [goshawk.ROOT / "README.md", *sorted((goshawk.ROOT / "docs").glob("*.md"))]
             if p.exists() and "```console" in p.read_text()]
FILES = sorted(HERE.glob("*.txt")) + DOCUMENTS


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """Where transcripts run: programs of ours by short names, and goshawk in PATH."""
    folder = tmp_path_factory.mktemp("spec")
    (folder / "bin").mkdir()
    (folder / "bin" / "goshawk").symlink_to(goshawk.GOSHAWK)
    for name, variant in [("seed", "plain"), ("seed", "stripped"), ("odd", "plain"), ("racing", "plain"), ("shop", "plain"),
                          ("spans-web", "plain"),
                          ("shop", "stripped"), ("zoo", "plain")]:
        link = folder / (name if variant == "plain" else name + "-" + variant)
        link.symlink_to(gobuild.build(name, gobuild.NEWEST, variant))
    for name, kind in ("service", "instrumented"), ("service-norace", "usesmap"), ("service-cured", "cured"):
        (folder / name).symlink_to(overlay.newproc(gobuild.NEWEST, kind, "-race"))
    return folder


def environment(folder):
    env = {k: os.environ[k] for k in ("HOME", "LANG", "TMPDIR", "ASAN_OPTIONS") if k in os.environ}
    return dict(env, PATH="%s/bin:/usr/bin:/bin" % folder, LC_ALL="C.UTF-8", TZ="UTC")


def needs_ptrace(command):
    runs = " -- " in command and ("goshawk stress" in command or "goshawk explain" in command)
    return "trace" in command or (runs and "--until-crash" not in command)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_transcript(place, path):
    document = path.suffix == ".md"
    text = path.read_text()
    for need in transcripts.needs(text):
        if need == "ptrace" and goshawk.why_no_ptrace():
            pytest.skip(goshawk.why_no_ptrace())
        if need != "ptrace" and not shutil.which(need):
            pytest.skip("%s is not installed" % need)
    lines, steps = transcripts.parse(text, document)
    wrong, moved = [], 0
    for step in steps:
        if document and "goshawk" not in step.command.split():
            continue  # `make demo`, `git clone`: what a reader does, not what is tested here
        if document and needs_ptrace(step.command) and goshawk.why_no_ptrace():
            continue
        got, status = step.run(place, environment(place))
        problem = step.differs(got, status, statuses=not document)
        if problem and os.environ.get("UPDATE"):
            step.end += moved
            lines, more = transcripts.updated(lines, step, got, status, not document)
            moved += more
        elif problem:
            wrong.append("%s:%d: $ %s\n%s" % (path.name, step.start + 1, step.command, problem))
    if moved or os.environ.get("UPDATE"):
        path.write_text("\n".join(lines) + "\n")
    assert not wrong, "\n\n".join(wrong)
