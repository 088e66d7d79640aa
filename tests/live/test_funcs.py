"""`goshawk funcs` against independent readings: Go's own debug/gosym, and the symbol table."""

import json
import re
import subprocess

import pytest

import gobuild
import goshawk

VARIANTS = ["plain", "stripped", "pie", "race", "cgo"]


def funcs(path, *options):
    """What `funcs --json` lists, by address."""
    done = goshawk.run("funcs", "--json", *options, path)
    assert done.status == 0, done
    objects = [json.loads(line) for line in done.out.splitlines()]
    assert objects[0]["type"] == "begin" and objects[-1]["type"] == "end"
    table = {}
    for f in objects:
        if f["type"] == "function":
            table.setdefault(int(f["address"], 16), []).append(f)
    return table


def gosym(path):
    done = goshawk.run_plain(gobuild.build("gosym", gobuild.NEWEST), path)
    assert done.status == 0, done
    return [json.loads(line) for line in done.out.splitlines()]


def check_against_gosym(path):
    """The same functions; each at the line of its code at the entry, or of its declaration: from 1.20 on
    the table has that too, and it is another one where the first instruction is inlined code."""
    ours, theirs = funcs(path), gosym(path)
    assert len(theirs) > 1000
    wrong, declared = [], 0
    for f in theirs:
        mine = ours.get(f["address"], [])
        match = [m for m in mine if m["name"] == f["name"]]
        if not match:
            wrong.append((f, [m["name"] for m in mine]))
            continue
        at = (match[0].get("file") or "", match[0].get("line") or 0)
        if at == (f["file"], max(f["line"], 0)):
            continue
        declared += 1
        if f["decl"] and at[1] not in (f["decl"], 0):  # 0: all of its code is inlined calls, and nothing says where
            wrong.append((f, *at))
    assert not wrong, "%d of %d differ: %r" % (len(wrong), len(theirs), wrong[:5])
    assert declared < 0.15 * len(theirs), declared
    assert sum(len(fs) for fs in ours.values()) == len(theirs)


@pytest.mark.parametrize("variant", VARIANTS)
def test_names_entries_and_lines_are_those_of_gosym(release, variant):
    check_against_gosym(gobuild.build("seed", release, variant))


def test_a_line_is_not_that_of_an_inlined_call_that_comes_first(release):
    """Its address begins in alg.go, with readUnaligned32; later compilers inline all of it."""
    for f in sum(funcs(gobuild.build("seed", release)).values(), []):
        if f["name"] == "runtime.memhash32Fallback":
            assert f["file"].endswith("/runtime/hash64.go"), f


@pytest.mark.parametrize("program", ["/usr/bin/hugo", "/usr/bin/caddy", "/usr/bin/esbuild"])
def test_lists_every_function_of_a_stripped_program_from_debian(program):
    if not gobuild.pathlib.Path(program).exists():
        pytest.skip("%s is not installed" % program)
    check_against_gosym(program)


@pytest.mark.parametrize("variant", ["plain", "pie", "race", "cgo"])
def test_agrees_with_the_symbol_table(release, variant):
    path = gobuild.build("seed", release, variant)
    go = gobuild.goroot(release) / "bin" / "go"
    nm = subprocess.run([go, "tool", "nm", path], check=True, text=True, stdout=subprocess.PIPE,
                        env=gobuild.environment(release, False)).stdout
    symbols = {}
    for line in nm.splitlines():
        if (m := re.match(r"\s*([0-9a-f]+) ([tT]) (.*)$", line)):
            symbols.setdefault(int(m[1], 16), set()).add(plain(m[3]))
    ours = funcs(path)
    low, high = min(ours), max(ours)
    wrong = [(hex(at), names) for at, names in symbols.items()
             if low <= at <= high and at not in ours and not all(not_a_function(n) for n in names)]
    assert not wrong, wrong[:10]
    missing = [f["name"] for at, fs in ours.items() for f in fs if plain(f["name"]) not in symbols.get(at, ())]
    missing = [n for n in missing if not n.startswith("go.buildid") and not n.startswith("go:buildid")]
    assert not missing, missing[:10]


def plain(name):
    """Symbols name type arguments and the ABI; the function table does not: Go's linker leaves out
    what is between the first bracket and the last, whatever they enclose."""
    name = re.sub(r"\.abi(0|internal)$", "", name).replace("·", ".")
    return re.sub(r"\[.*\]", "[...]", name)


def not_a_function(name):
    """Marks in the text, and what the C compiler and the race detector brought along."""
    return "." not in name or name.startswith(("runtime.text", "runtime.etext", "go:", "go.", "_", "."))


def test_stripping_changes_no_function(release):
    def listed(variant):
        return sorted((f["name"], f["file"] or "", f["line"] or 0) for fs in
                      funcs(gobuild.build("seed", release, variant)).values() for f in fs)
    assert listed("plain") == listed("stripped")


def test_info_promises_results_only_where_dwarf_has_them(release):
    done = goshawk.run("info", gobuild.build("shop", release))
    assert done.status == 0, done
    lacks = release.startswith("1.17.")
    assert ("names and types of all parameters and results (DWARF)" in done.out) == (not lacks)
    assert ("names and types of all parameters (DWARF)" in done.out) == lacks
    assert ("cannot       results of plain functions" in done.out) == lacks
