"""Standard descriptors that are closed: what goshawk opens does not come in their place, for it prints there."""

import os
import subprocess

import pytest

import gobuild
import goshawk

pytestmark = pytest.mark.ptrace
FORMS = {
    "trace": ["trace", "main.*"],
    "probes": ["trace", "--engine", "uprobe", "main.*"],
    "stress": ["stress", "main.*"],
    "spans": ["spans", "--func", "main.*"],
    "explain": ["explain"],
}
IO = 8


def ends(form, closed, *options):
    """How it ends with these of its descriptors closed; the others lead to pipes. What the program writes is its own."""
    if form == "probes" and goshawk.why_no_bpf():
        pytest.skip(goshawk.why_no_bpf())
    redirect = " ".join("%d>&-" % fd for fd in closed)
    command = [goshawk.GOSHAWK, *FORMS[form], *options, "--", gobuild.build("shop", gobuild.NEWEST)]
    return goshawk.Ended(subprocess.run(["sh", "-c", 'exec "$@" ' + redirect, "sh", *map(str, command)], timeout=60, text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE))


@pytest.mark.parametrize("form", FORMS)
def test_nobody_hears_what_is_said(form, tmp_path):
    """The product goes to stderr, which can't be written; to a file it can."""
    done = ends(form, [2])
    assert (done.status, done.out) == (IO, "sold for 2100\n"), done
    done = ends(form, [0, 1, 2], "-o", tmp_path / "product")
    assert done.status == 0 and (tmp_path / "product").stat().st_size, done


@pytest.mark.parametrize("form", ["trace", "spans"])
def test_the_product_can_not_be_written(form):
    done = ends(form, [1], "-o", "-")
    assert done.status == IO and "shop: no items" in done.err, done
    assert done.err.splitlines()[-1] == "goshawk: output: cannot write: Bad file descriptor", done


def test_the_program_finds_them_closed():
    """What stands in their place is goshawk's alone."""
    done = subprocess.run(["sh", "-c", 'exec "$0" explain -- "$1" -c "ls -l /proc/self/fd" 0<&-', goshawk.GOSHAWK, "/bin/sh"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.stdout and " 1 -> " in done.stdout and "/dev/null" not in done.stdout, done


@pytest.mark.parametrize("form", [
    ["detach", "--json"], ["goroutines"], ["check"], ["explain"], ["info"], ["trace", "--for", "100ms", "main.parse"],
    ["spans", "--json", "--for", "100ms", "--func", "main.parse"], ["stress", "--json", "--for", "100ms", "main.parse"]])
def test_a_full_disk_is_told(form):
    with subprocess.Popen([gobuild.build("shop", gobuild.NEWEST), "open"]) as program:
        try:
            with open("/dev/full", "w") as full:
                done = subprocess.run([goshawk.GOSHAWK, *form, "-p", str(program.pid)], stdout=full, stderr=subprocess.PIPE,
                                      text=True, timeout=60)
            assert done.returncode == IO, done
            assert done.stderr.splitlines()[-1] == "goshawk: output: cannot write: No space left on device", done
        finally:
            program.kill()


def test_files_alone(tmp_path):
    program = gobuild.build("shop", gobuild.NEWEST)
    done = subprocess.run(["sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh", goshawk.GOSHAWK, "info", "-o", tmp_path / "about", program],
                          timeout=60)
    assert done.returncode == 0 and "release" in (tmp_path / "about").read_text()
    assert os.listdir(tmp_path) == ["about"]
    done = goshawk.run("doctor", "-o", tmp_path / "permits")
    assert (done.status, done.out) == (0, "") and "start and trace a program" in (tmp_path / "permits").read_text()
