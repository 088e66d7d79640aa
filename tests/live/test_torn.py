"""Stores that can be seen half done: what `stress --list` finds is what the compiler was given to store."""

import collections
import json
import re
import struct

import pytest

import gobuild
import goshawk
import reached
import torn

PROGRAM = torn.Program()

# In per cent, of strings, slices and interfaces.
GOAL = 99
KINDS = ("string", "slice", "interface")
FOUND = {"plain": "", "stripped": ", stripped"}  # in docs/stress-reach.md


def build(release, variant):
    """The program of tests/torn.py; cgo makes no difference to it."""
    source = gobuild.OUT / "torn-source"
    for name, text in ("main.go", PROGRAM.source), ("go.mod", "module torn\n\ngo 1.17\n"):
        gobuild.put(source / name, text)
    return gobuild.build("torn", release, variant, source=source)


def list_stores(path, *patterns):
    done = goshawk.run("stress", "--list", "--json", path, *patterns)
    assert done.status == 0, done
    objects = [json.loads(line) for line in done.out.splitlines()]
    assert objects[0]["type"] == "begin" and objects[-1]["type"] == "end"
    return [o for o in objects if o["type"] == "torn_store"]


def found(stores):
    """What each function stores by itself: errors.New may be inlined, and stores a string of its own."""
    kinds = collections.defaultdict(collections.Counter)
    for s in stores:
        if not s["inlined_from"] or s["inlined_from"].startswith("main."):
            # what is split by the same check is one place with several objects
            kinds[s["func"]][s["kind"]] += len(s["object"].split(", "))
    return kinds


def compare(stores, appends):
    """True, false and missing finds by kind, and the functions in which they differ."""
    right, wrong, missing, differ = (collections.Counter() for _ in range(4))
    kinds = found(stores)
    for func, expected in PROGRAM.stores.items():
        expected = collections.Counter(k if appends else k.replace("append", "slice") for k in expected)
        got = kinds[func]
        right.update(got & expected)
        wrong.update(got - expected)
        missing.update(expected - got)
        if got != expected:
            differ[func] = "%s, not %s" % (dict(got), dict(expected))
    return right, wrong, missing, dict(differ)


@pytest.mark.parametrize("variant", ["plain", "pie", "race", "unoptimised", "stripped"])
def test_finds_what_is_stored(release, variant, capsys):
    stores = list_stores(build(release, variant), "main.*")
    # -N and -race store all three words after an append
    right, wrong, missing, differ = compare(stores, variant not in ("race", "unoptimised"))
    for kind in KINDS:
        precision = 100 * right[kind] / (right[kind] + wrong[kind])
        recall = 100 * right[kind] / (right[kind] + missing[kind])
        with capsys.disabled():
            print("\n  %s %s: %d %ss, precision %.1f%%, recall %.1f%%"
                  % (release, variant, right[kind], kind, precision, recall), end="")
        assert precision >= GOAL and recall >= GOAL, differ
        if variant in FOUND:
            reached.FOUND.put(release, kind + FOUND[variant], True, ["%.4g / %.4g" % (round(precision, 1), round(recall, 1))])
    assert sum(not s["delayable"] for s in stores) < len(stores) / 100


@pytest.mark.parametrize("variant", ["plain", "pie"])
def test_names_what_is_written(release, variant):
    stores = list_stores(build(release, variant), "main.*")
    names = {s["func"]: s["object"] for s in stores if s["func"] in PROGRAM.names and s["certainty"] == "certain"}
    assert {f: n for f, n in names.items() if n != PROGRAM.names[f]} == {}
    # results are not in the debug information of 1.17
    unnamed = {f for f in PROGRAM.names if f not in names and not (gobuild.minor(release) == 17 and "Result" in f)}
    assert not unnamed


def test_says_which_words_come_first(release):
    words = collections.defaultdict(set)
    for s in list_stores(build(release, "plain"), "main.*", "!main.closure*"):
        words[s["kind"]].add((*s["first"], "|", *s["then"]))
    assert words["string"] == {("len", "|", "ptr")}
    assert words["slice"] == {("len", "cap", "|", "ptr")}
    assert words["interface"] == {("type", "|", "data")}
    assert words["append"] == {("cap", "|", "ptr", "len")}


@pytest.mark.parametrize("variant", ["plain", "stripped"])
def test_delays_go_before_a_check_or_a_store(release, variant):
    path = build(release, variant)
    done = goshawk.run("disasm", "--json", path, "main.more*")
    assert done.status == 0, done
    code = {o["address"]: o for o in map(json.loads, done.out.splitlines()) if o["type"] == "instruction"}
    stores = list_stores(path, "main.more*")
    assert len(stores) > 50
    for s in stores:
        text = code[s["address"]]["text"]
        assert re.match(r"cmp dword ptr \[0x[0-9a-f]+\], 0x0$|mov (qword ptr )?\[.*\], \w+$", text), (s, text)


@pytest.mark.parametrize("variant", ["plain", "stripped", "pie", "cgo", "race"])
def test_keeps_its_promises(release, variant):
    """Windows that a jump may replace, at checks and stores (tests/tools/torn.c)."""
    paths = [gobuild.build("seed", release, variant), build(release, variant)]
    if variant == "plain":
        paths.append(gobuild.goroot(release) / "bin" / "go")
    done = goshawk.run_plain(goshawk.BUILD / "tests" / "torn", *paths)
    assert done.status == 0 and "BROKEN" not in done.out, done
    # while a collection runs, a pair's second store is another instruction up to 1.20
    for n, only, unjudged in re.findall(r"(\d+) pairs, (\d+) only without a collection, (\d+) not judged", done.out):
        assert only == (n if gobuild.minor(release) < 21 else "0") and int(unjudged) < 50, done


def test_leaves_out_what_synchronises(release):
    path = gobuild.build("seed", release, "plain")
    stores = list_stores(path)
    left_out = re.compile(r"(runtime|sync)\.|(internal|sync)/")
    assert stores
    for s in stores:
        assert not left_out.match(s["func"]) and not left_out.match(s["inlined_from"] or ""), s
    named = list_stores(path, "sync.*", "runtime.*")
    assert {s["func"].split(".")[0] for s in named} == {"sync", "runtime"}


def test_what_cannot_be_delayed_is_said_with_its_reason():
    """Of the go command's stores, each one that --list shows is in the plan of a copy and of a process, or refused there."""
    path = gobuild.goroot(gobuild.NEWEST) / "bin" / "go"
    stores = list_stores(path)
    refused = {s["address"]: s["reason"] for s in stores if not s["delayable"]}
    copy_only = {s["address"] for s in stores if s["copy_only"]}
    assert refused and copy_only and not copy_only & set(refused)
    done = goshawk.run("stress", "--plan", "--json", "--", path)
    assert done.status == 0, done
    planned = {o["address"]: o.get("reason") for o in map(json.loads, done.out.splitlines()) if o["type"] == "site"}
    assert set(planned) == {s["address"] for s in stores}
    assert {a: planned[a] for a in refused} == refused
    assert {planned[a] for a in copy_only} == {"the jump would cross a page"}
    done = goshawk.run("stress", "--plan", path)
    assert done.status == 0, done
    said = dict(re.findall(r"^(\S.*\+0x[0-9a-f]+): refused: (.*)$", done.out, re.M))
    ids = {s["address"]: s["id"] for s in stores}
    assert {ids[a]: refused[a] for a in refused}.items() <= said.items()
    assert not said.keys() & {ids[a] for a in copy_only}
    assert re.search(r"^%d stores are delayed, %d refused$" % (len(stores) - len(said), len(said)), done.out, re.M)


def test_a_line_or_an_address_means_the_stores_there():
    path = build(gobuild.NEWEST, "plain")
    stores = list_stores(path, "main.more*")
    func = next(f for f, n in collections.Counter(s["func"] for s in stores).items() if n > 1)
    one, *others = [s for s in stores if s["func"] == func]
    assert others and all(s["line"] == one["line"] for s in others)  # they are on one line
    line = "%s:%d" % (one["file"].rsplit("/", 1)[1], one["line"])
    assert {s["id"] for s in list_stores(path, line)} == {s["id"] for s in stores if s["line"] == one["line"]}
    assert [s["id"] for s in list_stores(path, one["address"])] == [one["id"]]


def test_what_is_copied_is_named_to_the_collector():
    """Elements that a sort moves about: nothing but the call for the collector says what they are."""
    path = gobuild.goroot(gobuild.NEWEST) / "bin" / "go"  # it has no debug information
    stores = [s for s in list_stores(path, r"re:^slices\..*CmpFunc") if s["certainty"] == "certain"]
    assert len(stores) > 100 and {s["kind"] for s in stores} == {"string", "slice", "interface"}


# Checks by kind in the `go` command, as a throw-away script counted them by the places of the words alone. Types
# and what the collector is told take away neighbours that only look like one value: two pointers like an interface,
# a pointer and the number behind the next one like an append.
COUNTED = {
    "1.17": {"string": 2692, "slice": 1770, "append": 582, "interface": 2631},
    "1.18": {"string": 2816, "slice": 1843, "append": 610, "interface": 2715},
    "1.19": {"string": 2998, "slice": 1899, "append": 640, "interface": 2741},
    "1.20": {"string": 3075, "slice": 1931, "append": 664, "interface": 2863},
    "1.21": {"string": 3152, "slice": 2078, "append": 698, "interface": 2787},
    "1.22": {"string": 2732, "slice": 1796, "append": 687, "interface": 2359},
    "1.23": {"string": 2823, "slice": 1882, "append": 709, "interface": 2489},
    "1.24": {"string": 2980, "slice": 1970, "append": 766, "interface": 2667},
    "1.25": {"string": 3103, "slice": 2042, "append": 797, "interface": 2778},
    "1.26": {"string": 3138, "slice": 2058, "append": 798, "interface": 2742},
    "1.27": {"string": 3321, "slice": 2284, "append": 931, "interface": 3457},
}


def code_at(path):
    """Reads a file's bytes by address: its loadable segments (a 64-bit ELF file)."""
    data = path.read_bytes()
    at, size, n = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    heads = [struct.unpack_from("<IIQQQQ", data, at + i * size) for i in range(n)]
    loads = [(va, off, length) for kind, _, off, va, _, length in heads if kind == 1]

    def read(address, count):
        va, off, _ = next(s for s in loads if s[0] <= address < s[0] + s[2])
        at = off + address - va
        return data[at:at + count]

    return read


def test_counts_in_the_go_command(release):
    path = gobuild.goroot(release) / "bin" / "go"
    read = code_at(path)
    stores = list_stores(path, "*", "runtime.*", "runtime/...", "sync/...", "internal/...")
    # pairs behind a check were not counted
    got = collections.Counter(s["kind"] for s in stores if read(int(s["address"], 16), 2) == b"\x83\x3d")
    for kind, expected in COUNTED[".".join(release.split(".")[:2])].items():
        least = 0.95 if kind in ("string", "slice") else 0.75
        assert least * expected < got[kind] < 1.05 * expected, (kind, got, expected)
