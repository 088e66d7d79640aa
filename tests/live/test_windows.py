"""What probes reach: every entry and exit outside the runtime but for two in a thousand functions; each set
of windows keeps its promises (tests/tools/sound.h); instructions begin where objdump says."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest

import gobuild
import goshawk

GOAL = 99.8  # per cent of functions whose entry and exits are all reached
DEBIAN = ["/usr/bin/hugo", "/usr/bin/caddy", "/usr/bin/esbuild"]


def reached(*args):
    done = goshawk.run_plain(goshawk.BUILD / "tests" / "windows", *args, timeout=600)
    assert done.status == 0, done
    assert "BROKEN" not in done.out, done
    return [float(share) for share in re.findall(r"wholly reached ([0-9.]+)%", done.out)]


@pytest.mark.parametrize("variant", ["plain", "stripped", "pie", "race", "cgo"])
def test_reaches_the_seed(release, variant):
    compare = ["-d"] if shutil.which("objdump") else []
    shares = reached(*compare, gobuild.build("seed", release, variant))
    assert len(shares) == 1 and shares[0] >= GOAL


@pytest.mark.parametrize("package", ["math/big", "encoding/json"])
def test_reaches_tests_of_go_itself(release, package):
    assert reached(gobuild.std_test(package, release))[0] >= GOAL


@pytest.mark.parametrize("program", DEBIAN)
def test_reaches_programs_from_debian(program):
    if not pathlib.Path(program).exists():
        pytest.skip("%s is not installed" % program)
    assert reached(program)[0] >= GOAL


def objdump(path, first, end):
    """Address and bytes of each instruction."""
    text = subprocess.run(["objdump", "-d", "-w", "--start-address=%#x" % first, "--stop-address=%#x" % end, path],
                          check=True, text=True, stdout=subprocess.PIPE).stdout
    found = re.findall(r"^ +([0-9a-f]+):\t((?:[0-9a-f]{2} )+)", text, re.M)
    return [(int(address, 16), raw.replace(" ", "")) for address, raw in found]


@pytest.mark.skipif(not shutil.which("objdump"), reason="objdump is not installed")
@pytest.mark.parametrize("variant", ["plain", "pie"])
def test_disasm_prints_what_is_there(release, variant):
    path = gobuild.build("seed", release, variant)
    done = goshawk.run("disasm", "--json", path, "main.*")
    assert done.status == 0, done
    objects = [json.loads(line) for line in done.out.splitlines()]
    functions = [o for o in objects if o["type"] == "function"]
    code = [(int(o["address"], 16), o["bytes"]) for o in objects if o["type"] == "instruction"]
    assert len(functions) > 20
    for f in functions:
        first = int(f["address"], 16)
        end = first + f["size"]
        assert [c for c in code if first <= c[0] < end] == objdump(path, first, end), f["name"]
    # each function that can be probed shows where
    for f in (f for f in functions if f["probe"] == "ok"):
        notes = [o["note"] or "" for o in objects if o["type"] == "instruction" and o["address"] == f["address"]]
        assert notes and "[entry" in notes[0], f


def test_disasm_names_calls_strings_and_types():
    path = gobuild.build("seed", gobuild.NEWEST, "stripped")
    text = goshawk.run("disasm", path, "main.main").out
    assert re.search(r"call 0x[0-9a-f]+ +; (main|runtime|fmt)\.", text)
    assert re.search(r"lea r?\w+, \[0x[0-9a-f]+\] +; (\"|type )", text)
    assert re.search(r"ret +; \[exit|\[exit window, \d+ bytes", text)


def test_disasm_goes_on_behind_bytes_that_are_no_instruction():
    """The signatures of crypto/internal/boring/sig are such."""
    program = gobuild.build("spans-web", gobuild.NEWEST)
    done = goshawk.run("disasm", "--json", program, "crypto/internal/boring/sig.StandardCrypto")
    assert done.status == 0, done.err
    texts = [json.loads(line).get("text") for line in done.out.splitlines()]
    assert ".byte 0xc5" in texts and texts.index(".byte 0xc5") < texts.index("pushfq") < texts.index("stc"), texts


def test_disasm_of_no_function():
    path = gobuild.build("seed", gobuild.NEWEST, "plain")
    assert goshawk.run("disasm", path).status == 2
    done = goshawk.run("disasm", path, "main.man")
    assert done.status == 2 and "main.main" in done.err
