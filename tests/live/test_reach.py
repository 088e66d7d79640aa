"""Each kind of binary of each release: the seed program, traced, or a sentence that says why not.

docs/reach.md is made from what is seen here: `UPDATE=1 make check-all` writes it, and every other run
compares the cells that it has looked at."""

import collections
import functools
import json
import os
import re
import shutil
import struct
import subprocess
import zlib

import pytest

import gobuild
import goshawk
import test_seed

SEED = gobuild.ROOT / "tests" / "go" / "seed"
PAGE = gobuild.ROOT / "docs" / "reach.md"
WORKS, NONE = "works", "–"
UPDATE = os.environ.get("UPDATE") == "1"


class Kind:
    """How one row is built, from which release on, and which modes of the seed it runs."""

    def __init__(self, title, args=(), cgo=False, since=17, until=99, edit=None, variant=None, imports=None, **env):
        self.title, self.args, self.cgo, self.env = title, list(args), cgo, env
        self.since, self.until, self.edit, self.variant, self.imports = since, until, edit, variant, imports

    def exists(self, release):
        return self.since <= gobuild.minor(release) <= self.until

    def build(self, release):
        if self.variant:
            path = gobuild.build("seed", release, self.variant)
        else:
            name = "seed-" + re.sub("[^a-z0-9]+", "-", self.title.lower()).strip("-")
            args = [a.replace("PROFILE", str(profile())) if "PROFILE" in a else a for a in self.args]
            source = with_import(self.imports) if self.imports else SEED
            key = (SEED, self.imports) if self.imports else (SEED,)
            path = gobuild.go(release, ["build", *args, "."], name, source, self.cgo, key=key, **self.env)
        return self.edit(path) if self.edit else path


def with_import(package):
    """The seed's source, with one more import."""
    to = gobuild.OUT / ("seed-%s-%s" % (package, gobuild.hash_of(SEED)))
    if not to.exists():
        new = to.with_name(to.name + ".%d" % os.getpid())
        shutil.copytree(SEED, new)
        (new / "more.go").write_text('package main\n\nimport _ "%s"\n' % package)
        new.rename(to)
    return to


def without_sections(path):
    """What some packers and sstrip(1) leave: no section headers."""
    to = path.with_name(path.name + "-bare")
    data = bytearray(path.read_bytes())
    struct.pack_into("<Q", data, 0x28, 0)       # e_shoff
    struct.pack_into("<HHH", data, 0x3a, 0, 0, 0)  # e_shentsize, e_shnum, e_shstrndx
    if not to.exists() or to.read_bytes() != data:
        to.write_bytes(data)
        to.chmod(0o755)
    return to


def packed(path):
    """As UPX packs, without UPX: the headers of a small loader, its mark, and what nobody can read."""
    to = path.with_name(path.name + "-packed")
    if not to.exists():
        data = path.read_bytes()
        head = bytearray(data[:0x40 + 2 * 56])
        struct.pack_into("<Q", head, 0x28, 0)       # e_shoff
        struct.pack_into("<HHHH", head, 0x38, 2, 0, 0, 0)  # e_phnum, and no sections
        body = struct.pack("<I4sHBB", 0, b"UPX!", 0, 13, 22) + zlib.compress(data, 1)
        for i, flags in enumerate([5, 6]):
            struct.pack_into("<IIQQQQQQ", head, 0x40 + 56 * i, 1, flags, 0, 0x400000 + 0x8000000 * i, 0,
                             (len(head) + len(body)) * (1 - i), 0x8000000, 0x1000)
        to.write_bytes(head + body)
    return to


@functools.lru_cache(maxsize=None)
def profile():
    """A profile of the seed's own processor time, for -pgo. The program throws its profile away: one
    word of it is changed for this."""
    to = gobuild.OUT / ("profile-" + gobuild.hash_of(SEED))
    if to.exists():
        return to
    copy = to.with_name(to.name + ".src")
    subprocess.run(["cp", "-rT", SEED, copy], check=True)
    noise = copy / "noise" / "noise.go"
    noise.write_text(noise.read_text().replace("io.Discard", "os.Stderr").replace('"io"', '"os"'))
    program = gobuild.go(gobuild.NEWEST, ["build", "."], "seed-profiler", copy, key=(copy,))
    done = subprocess.run([program, "counts", "goroutines", "goroutines"], check=True, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, env=dict(os.environ, SEED_PROF="1", SEED_EXPECT="/dev/null"))
    to.write_bytes(done.stderr[done.stderr.index(b"\x1f\x8b"):])  # before it: a remark of the runtime
    return to


def has_v3():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        flags = re.search(r"^flags.*", f.read(), re.M)[0].split()
    return {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"} <= set(flags)


KINDS = {k.title: k for k in [
    Kind("plain", variant="plain"),
    Kind("`-ldflags=-s -w`", variant="stripped"),
    Kind("PIE", variant="pie"),
    Kind("PIE, `-s -w`", ["-buildmode=pie", "-ldflags=-s -w"]),
    Kind("cgo", variant="cgo"),
    Kind("cgo, `-s -w`", variant="cgo-stripped"),
    Kind("cgo, PIE", variant="cgo-pie"),
    Kind("cgo, PIE, imports `plugin`", ["-tags=cgoseed", "-buildmode=pie"], cgo=True, imports="plugin"),
    Kind("cgo, external link", ["-tags=cgoseed", "-ldflags=-linkmode=external"], cgo=True),
    Kind("cgo, static", ["-tags=cgoseed", "-ldflags=-linkmode=external -extldflags=-static"], cgo=True),
    Kind("cgo, static PIE",
         ["-tags=cgoseed", "-buildmode=pie", "-ldflags=-linkmode=external -extldflags=-static-pie"], cgo=True),
    Kind("cgo, musl", ["-tags=cgoseed"], cgo=True, CC="musl-gcc"),
    Kind("cgo, musl, static", ["-tags=cgoseed", "-ldflags=-linkmode=external -extldflags=-static"], cgo=True,
         CC="musl-gcc"),
    Kind("`-race`", variant="race"),
    Kind("`-trimpath`", ["-trimpath"]),
    Kind("no section headers", edit=without_sections, variant="plain"),
    Kind("no section headers, `-s -w`", edit=without_sections, variant="stripped"),
    Kind("no section headers, PIE", edit=without_sections, variant="pie"),
    Kind("`-gcflags=all=-N -l`", ["-gcflags=all=-N -l"]),
    Kind("`-gcflags=all=-l`", ["-gcflags=all=-l"]),
    Kind("PGO", ["-pgo=PROFILE"], since=20),
    Kind("`GOAMD64=v3`", since=18, GOAMD64="v3"),
]}

# Kinds that are not to be traced: the sentence is part of the table.
REFUSED = {k.title: k for k in [
    Kind("c-shared library", ["-tags=cgoseed", "-buildmode=c-shared"], cgo=True),
    Kind("plugin", ["-tags=cgoseed", "-buildmode=plugin"], cgo=True),
    Kind("packed by UPX (its format, imitated)", edit=packed, variant="plain"),
]}
QUICK = ["no section headers", "no section headers, `-s -w`", "no section headers, PIE", "`-trimpath`"]

# Experiments that change no program of this kind, or of which the linker or the C library wants more.
NOT_TRIED = {"boringcrypto", "cacheprog", "coverageredesign", "fieldtrack", "heapminimum512kib", "pagetrace",
             "preemptibleloops"}


def experiments(release):
    """Those of a release that are off turned on, those that are on turned off: its compiler names the
    ones that differ from what is usual."""
    root = gobuild.goroot(release)
    names = sorted(p.name[4:-6] for p in (root / "src/internal/goexperiment").glob("exp_*_on.go"))
    flipped = []
    for name in names:
        if name in NOT_TRIED or name.startswith("regabi"):
            continue
        said = subprocess.run([root / "bin" / "go", "tool", "compile", "-V"], text=True, check=True,
                              stdout=subprocess.PIPE,
                              env=gobuild.environment(release, False, GOEXPERIMENT=name)).stdout
        flipped.append(name if "X:" in said else "no" + name)
    return flipped


TINY = "garble `-tiny -literals`"
GARBLE = "mvdan.cc/garble@v0.18.0"  # wants the newest release


@functools.lru_cache(maxsize=None)
def garbled(*flags):
    """The seed, with all names hashed, no positions, and (-tiny) what else can go gone."""
    release, bin_ = gobuild.NEWEST, gobuild.OUT / GARBLE.replace("/", "-")
    env = gobuild.environment(release, False, GOBIN=str(bin_))
    env["PATH"] = "%s/bin:%s" % (env["GOROOT"], env["PATH"])
    if not (bin_ / "garble").exists():
        done = goshawk.run_plain("go", "install", GARBLE, env=env, timeout=600)
        if done.status:
            pytest.skip("no garble: %s" % done.err.strip()[-200:])
    to = gobuild.OUT / ("seed-garbled%s-%s" % ("".join(flags), gobuild.hash_of(SEED, GARBLE, release)))
    if not to.exists():
        done = goshawk.run_plain(bin_ / "garble", *flags, "build", "-o", to, ".", env=env, cwd=SEED, timeout=1800)
        assert done.status == 0, done
    return to


seen, made_with = {}, {}  # (row, release): cell; release: its experiments


def trace(tmp_path, program, modes):
    expects = tmp_path / "expect.json"
    t = goshawk.Trace(tmp_path, ["main.*"], [program, *modes], env={"SEED_EXPECT": str(expects)})
    t.check()
    return t, json.loads(expects.read_text())


def works(tmp_path, program, kind):
    """The program's own counts and ends; and its values where their names are left."""
    modes = ["values", "counts", "panics", "goroutines"] + (["cgo"] if kind.cgo or "cgo" in (kind.variant or "") else [])
    t, expects = trace(tmp_path, program, modes)
    test_seed.check_counts(t, expects)
    test_seed.check_callers(t, expects)
    bare = "-s -w" in kind.title or kind.edit
    if not bare:
        test_seed.check_values(t, expects)
    test_seed.check_goroutines(t, expects, named=not bare)


def chosen(title, release=gobuild.NEWEST):
    """(`-trimpath` compiles all of the library anew.)"""
    if not gobuild.ALL and (title not in QUICK or title == "`-trimpath`" and release not in gobuild.ENDS):
        pytest.skip("part of `make check-all`")


def compare(title, release, cell):
    seen[title, release] = cell
    if not UPDATE:
        assert page().get((title, release), NONE) == cell, "docs/reach.md says otherwise: UPDATE=1 make check-all"


def page():
    """The cells of the tables that stand in docs/reach.md."""
    cells, heads, text = {}, [], PAGE.read_text()
    for line in text.splitlines():
        row = [c.strip() for c in line.strip("|").split("|")] if line.startswith("|") else []
        if not row or set(row[0]) == {"-"}:
            continue
        if row[0] == "":
            heads = row
            continue
        for minor, cell in zip(heads[1:], row[1:]):
            cells[row[0], full(minor)] = cell
    for title, first, last, said in re.findall(r"^- (.*) \(([0-9.]+) to ([0-9.]+)\): (.*)$", text, re.M):
        between = gobuild.RELEASES[gobuild.RELEASES.index(first):gobuild.RELEASES.index(last) + 1]
        cells.update({(title, r): "refused: " + said for r in between})
    return cells


def full(minor):
    return next((r for r in gobuild.RELEASES if r.startswith(minor + ".")), minor)


@pytest.mark.ptrace
@pytest.mark.parametrize("title", KINDS)
def test_kind(tmp_path, release, title):
    chosen(title, release)
    kind = KINDS[title]
    if not kind.exists(release):
        compare(title, release, NONE)
        return
    if "GOAMD64" in kind.env and not has_v3():
        pytest.skip("this processor is older than x86-64-v3")
    works(tmp_path, kind.build(release), kind)
    compare(title, release, WORKS)


@pytest.mark.ptrace
def test_experiments(tmp_path, release):
    chosen("`GOEXPERIMENT`")
    names = experiments(release)
    kind = Kind("experiments", GOEXPERIMENT=",".join(names))
    works(tmp_path, kind.build(release), kind)
    made_with[release] = names
    compare("`GOEXPERIMENT` (below)", release, WORKS)


@pytest.mark.ptrace
def test_garbled(tmp_path):
    """Which function is which nobody knows; but each number of calls that the program counted was seen."""
    chosen("garble")
    t, expects = trace(tmp_path, garbled(), ["values", "counts", "panics", "goroutines"])
    got = collections.Counter(len(calls) for calls in test_seed.by_func(t.calls).values())
    missing = collections.Counter(expects["counts"].values()) - got
    assert not missing, missing
    compare_newest("garble", WORKS)


@pytest.mark.ptrace
def test_garbled_without_names():
    """Most functions of the runtime have no name then either, also the one that hears of faults."""
    chosen(TINY)
    compare_newest(TINY, "refused: " + sentence(garbled("-tiny", "-literals"), 5))


def compare_newest(title, cell):
    for release in gobuild.RELEASES:
        compare(title, release, cell if release == gobuild.NEWEST else NONE)


def sentence(path, status):
    """What the inline engine says when it is to start this one."""
    done = goshawk.run("trace", "--engine", "inline", "main.*", "--", path, "values")
    assert done.status == status, done
    said = re.fullmatch(r"goshawk: (?:[^\n]*?%s: )?([^\n]*)\n" % re.escape(path.name), done.err)
    assert said, done
    return said[1]


@pytest.mark.ptrace
@pytest.mark.parametrize("title", REFUSED)
def test_refused_kind(release, title):
    """Looking into it says what it is; starting it is refused, whether it could be started or not."""
    chosen(title)
    path = REFUSED[title].build(release)
    path.chmod(0o755)
    compare(title, release, "refused: " + sentence(path, 4))


def test_the_page_is_what_was_seen():
    """All cells were looked at in one run."""
    if len(made_with) < len(gobuild.RELEASES):
        pytest.skip("part of `make check-all`")
    text = write()
    if UPDATE:
        PAGE.write_text(text)
    assert PAGE.read_text() == text, "docs/reach.md says otherwise: UPDATE=1 make check-all"


HEAD = """# Which binaries can be traced

Made by `tests/live/test_reach.py`, which builds a small program in each of these ways by the newest patch
of each release and traces it: arguments and results of each kind, recursion on growing stacks, 10 000
goroutines, panics, Goexit, callbacks from C. *works*: each call was seen exactly as often as the program
counted it, each ended as the program says, and the values are the program's own; where names and types are
stripped, counts, ends and callers are compared. garble hashes the names: the numbers of calls are compared.
"""


def table(titles, cell):
    releases = gobuild.RELEASES
    out = "| | %s |\n|%s\n" % (" | ".join("%d.%d" % tuple(map(int, r.split(".")[:2])) for r in releases),
                               "---|" * (len(releases) + 1))
    for t in titles:
        out += "| %s | %s |\n" % (t, " | ".join(cell(t, r) for r in releases))
    return out


def write():
    text = HEAD + "\n" + table([*KINDS, "`GOEXPERIMENT` (below)", "garble"], lambda t, r: seen[t, r])
    text += "\n## Refused by the inline engine\n\n"
    for t in [*REFUSED, TINY]:
        said = {}
        for r in gobuild.RELEASES:
            said.setdefault(seen[t, r], []).append(r)
        said.pop(NONE, None)
        for cell, releases in said.items():
            text += "- %s (%s to %s): %s\n" % (t, releases[0], releases[-1], cell[len("refused: "):])
    text += "\n## Experiments\n\nEach release once more with all of these at the same time:\n\n"
    for r in gobuild.RELEASES:
        text += "- %s: `%s`\n" % (r, ",".join(made_with[r]))
    return text
