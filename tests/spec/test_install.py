"""What `make install` puts where, and whether the manual and the completions know what --help knows."""

import re
import shutil
import subprocess

import pytest

import goshawk


def commands():
    return re.findall(r"^  (\w+)  ", goshawk.run("--help").out, re.M)


def options(command):
    return re.findall(r"^ {2,6}(?:-\w, )?(--[\w-]+)", goshawk.run(command, "--help").out, re.M)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    to = tmp_path_factory.mktemp("install")
    make = ["make", "-s", "-C", goshawk.ROOT, "install", "B=%s" % goshawk.BUILD, "DESTDIR=%s" % to, "PREFIX=/usr"]
    if goshawk.asan():
        make.append("V=asan")
    done = subprocess.run(make, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return to / "usr"


def test_every_command_and_option_has_its_manual(root):
    names = commands()
    assert "trace" in names and "doctor" in names
    main = (root / "share/man/man1/goshawk.1").read_text()
    for name in names:
        assert ".It Cm %s\n" % name in main
        page = (root / "share/man/man1" / ("goshawk-%s.1" % name)).read_text()
        for option in options(name):
            assert option.replace("-", r"\-") in page.replace(r"Fl \-", r"\-\-"), (name, option)
    assert len(list((root / "share/man/man1").iterdir())) == 1 + len(names)


def test_every_variable_that_is_read_is_in_the_manual(root):
    main = (root / "share/man/man1/goshawk.1").read_text()
    read = {name for c in goshawk.ROOT.glob("src/*/*.c") for name in re.findall(r'getenv\("(\w+)"\)', c.read_text())}
    assert "NO_COLOR" in read
    for name in read:
        assert ".It Ev %s\n" % re.sub("OTEL_.*", "OTEL_*", name) in main, name


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
def test_the_manual_is_sound_mdoc(root):
    pages = sorted((root / "share/man/man1").iterdir())
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *pages], text=True, stdout=subprocess.PIPE)
    assert not [line for line in done.stdout.splitlines() if "new sentence, new line" not in line]


def complete(root, *line):
    """What bash offers for the last word."""
    script = """. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _goshawk
                printf '%s\\n' "${COMPREPLY[@]}" """
    file = root / "share/bash-completion/completions/goshawk"
    return subprocess.run(["bash", "-c", script, "bash", str(file), "goshawk", *line], check=True, text=True,
                          stdout=subprocess.PIPE, cwd=root).stdout.split()


def test_bash_completes(root):
    assert complete(root, "do") == ["doctor"]
    assert complete(root, "help", "tr") == ["trace"]
    assert complete(root, "trace", "--los") == ["--lossless"]
    assert complete(root, "trace", "--color", "a") == ["auto", "always"]
    assert complete(root, "trace", "--color", "=", "n") == ["never"]
    assert complete(root, "trace", "-o", "sh") == ["share"]
    assert complete(root, "trace", "--strings", "") == []
    assert "1" in complete(root, "info", "-p", "")
    assert "bash" in complete(root, "trace", "main.*", "--", "bas")
    for name in commands():
        assert sorted(complete(root, name, "--")) == sorted(options(name))


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_reads_its_completion(root):
    file = root / "share/zsh/site-functions/_goshawk"
    subprocess.run(["zsh", "-n", file], check=True)
    text = file.read_text()
    for name in commands():
        for option in options(name):
            assert option in text
