"""The test that matters most for trust: Go's own tests pass while every function that they run is traced,
and as many entries are recorded as Go's coverage counted.

All functions are traced but those of the runtime and what only it uses: they run on the scheduler's
stack, in signal handlers or with the world stopped (hazards of the design), and a pattern has to
name them to reach them.
"""

import collections
import json
import os
import re
import subprocess

import pytest

import gobuild
import goshawk

pytestmark = pytest.mark.ptrace

PACKAGES = [
    "strings", "sort", "encoding/json", "regexp", "text/template", "container/heap", "container/list",
    "container/ring", "bufio", "fmt", "math/big", "go/parser",
]
# The same on four releases of check-all: servers, timers, processes, reflection, generated code.
MORE = [
    "net/http", "database/sql", "crypto/tls", "sync", "reflect", "os/exec", "context", "time", "html/template",
    "compress/bzip2", "compress/flate", "compress/gzip", "compress/lzw", "compress/zlib", "encoding/ascii85",
    "encoding/asn1", "encoding/base32", "encoding/base64", "encoding/binary", "encoding/csv", "encoding/gob",
    "encoding/hex", "encoding/pem", "encoding/xml", "go/types",
]
MORE_RELEASES = [r for r in gobuild.RELEASES if gobuild.minor(r) in (19, 22, 24, 27)]
# math/big runs some loops hundreds of millions of times; the rest of its tests call the same functions.
SOME = {"math/big": "-test.run=^Test([B-DF-LO-R]|Exp|SetString|Sqrt|NatMul)"}
# TestParseDepthLimit is a recursion 100 000 deep, which takes the oldest release a minute; later ones leave
# it out by -test.short.
if not gobuild.ALL:
    SOME["go/parser"] = "-test.run=^Test([^P]|P[^a]|Pa[^r]|Par[^s]|Pars[^e]|Parse([^D]|D[^e]|$))|^Example"
REFUSED_AT_MOST = 0.02


def run_tests(package, release, *command):
    """A test binary where its test data lies, and where it finds the `go` command of its release."""
    env = gobuild.environment(release, False)
    env["PATH"] = "%s/bin:%s" % (env["GOROOT"], os.environ["PATH"])
    return goshawk.run_plain(*command, "-test.short", "-test.count=1", *([SOME[package]] if package in SOME else []),
                             cwd=gobuild.goroot(release) / "src" / package, env=env, timeout=900)


def tally(tmp_path, package, release, program, *args, until=None):
    """Runs a test binary with every function traced and counted; the JSON that tally.c writes."""
    to = tmp_path / "tally.json"
    stop = ["-u", until] if until else []
    done = run_tests(package, release, goshawk.BUILD / "tests" / "tally", "-o", to, *stop, "*", "--", program, *args)
    return done, json.loads(to.read_text()) if to.exists() else None


def verdicts(text):
    """What each test said, without the times that it took."""
    return sorted(re.sub(r" \([0-9.]+s\)", "", line).strip() for line in text.splitlines()
                  if re.match(r"\s*--- |PASS$|FAIL$|ok |panic", line))


@pytest.mark.parametrize("package", PACKAGES)
def test_passes_with_every_function_traced(tmp_path, release, package):
    program = gobuild.std_test(package, release)
    plain = run_tests(package, release, program, "-test.v")
    traced, counts = tally(tmp_path, package, release, program, "-test.v")
    assert plain.status == 0, plain
    assert traced.status == 0, traced
    assert verdicts(traced.out) == verdicts(plain.out)
    assert counts["lost"] == 0
    check_refusals(counts)


@pytest.mark.skipif(not gobuild.ALL, reason="a part of check-all")
@pytest.mark.parametrize("package,newer", [(p, r) for r in MORE_RELEASES for p in MORE])
def test_passes_as_it_does_without(tmp_path, package, newer):
    """One that fails without goshawk (here there is no network, or no time zone) must fail in the same tests."""
    program = gobuild.std_test(package, newer)
    plain = run_tests(package, newer, program, "-test.v")
    traced, counts = tally(tmp_path, package, newer, program, "-test.v")
    assert traced.status == plain.status, traced
    assert verdicts(traced.out) == verdicts(plain.out)
    check_refusals(counts)


@pytest.mark.skipif(os.geteuid() != 0, reason="BPF takes root")
@pytest.mark.parametrize("package", ["container/heap", "container/list", "encoding/csv", "context"])
def test_passes_under_kernel_probes(tmp_path, release, package):
    """The other engine: every function that it can probe, by way of the kernel."""
    program = gobuild.std_test(package, release)
    plain = run_tests(package, release, program, "-test.v")
    to = tmp_path / "counts.json"
    traced = run_tests(package, release, goshawk.GOSHAWK, "trace", "--engine", "uprobe", "--count", "--json", "-o", to,
                       "*", "--", program, "-test.v")
    assert traced.status == plain.status == 0, traced
    assert verdicts(traced.out) == verdicts(plain.out)
    end = goshawk.read_lines(to)[-1]
    assert end["engine"] == "uprobe" and end["calls"] > 1000 and end["sites"] > 500, end


def check_refusals(counts):
    """At most 2 % outside the runtime are refused, each with its reason. Left out are wrappers that the
    compiler made (the functions that they wrap are probed) and local labels of assembly, which have no
    package: nearly all of them the runtime's."""
    ours = [f for f in counts["functions"] if "." in f["name"] and not f.get("refused", "").startswith("the compiler made it")]
    reasons = collections.Counter(f["refused"] for f in ours if "refused" in f)
    assert len(ours) > 500
    assert all(reasons)
    assert sum(reasons.values()) <= REFUSED_AT_MOST * len(ours), reasons
    assert counts["exit_sites_refused"] <= REFUSED_AT_MOST * counts["exit_sites"]


def functions_of(package, release):
    """The functions of the package's files: their names, lines, and where their first blocks begin."""
    where = gobuild.goroot(release) / "src" / package
    go = gobuild.goroot(release) / "bin" / "go"
    listed = json.loads(subprocess.run([go, "list", "-json", package], check=True, text=True, stdout=subprocess.PIPE,
                                       env=gobuild.environment(release, False)).stdout)
    done = goshawk.run_plain(gobuild.build("firstblock", gobuild.NEWEST), *[where / f for f in listed["GoFiles"]])
    assert done.status == 0, done
    return [json.loads(line) for line in done.out.splitlines()]


def coverage(profile):
    """Counters by file and where their block begins."""
    table = {}
    for line in profile.read_text().splitlines()[1:]:
        m = re.fullmatch(r"(.*):(\d+\.\d+),\d+\.\d+ \d+ (\d+)", line)
        table[os.path.basename(m[1]), m[2]] = int(m[3])
    return table


@pytest.mark.parametrize("package", PACKAGES)
def test_records_as_many_entries_as_coverage_counts(tmp_path, release, package):
    if not gobuild.ALL and release not in gobuild.ENDS:
        pytest.skip("a part of check-all")
    program = gobuild.std_test(package, release, "-cover", "-covermode=atomic", "-gcflags=all=-l")
    profile = tmp_path / "cover"
    for _ in range(3):
        done, counts = tally(tmp_path, package, release, program, "-test.coverprofile=%s" % profile,
                             until="testing.coverReport")
        assert done.status == 0, done
        if not counts["lost"]:
            break  # else the reader fell behind on a busy machine, and what runs on g0 never waits for it
    assert counts["lost"] == 0
    check_refusals(counts)
    check_entries(counts, functions_of(package, release), coverage(profile), package)


def check_entries(counts, functions, counters, package):
    """Recorded entries of each function, against the counter of its first block.

    Explained exceptions:
     - Generic functions are several functions of one body: their entries are added up.
     - A function literal has no name in the source: it is found by its line, and left out where
       there are several on one line, or where (up to 1.19) its first instruction is of another line.
     - There can be any number of functions called init.
     - A function whose body has no statement has no counter.
     - The report itself is written by code under test (fmt, bufio, strings...): its counters go on
       while it is written, so the count lies between the entries before the report and all of them.
     - A function that was refused is not recorded; how many may be is checked elsewhere.
    """
    by_name, by_line = {}, {}
    for f in counts["functions"]:
        if not f["name"].startswith(package.rpartition("/")[2] + ".") and not f["name"].startswith(package + "."):
            continue
        name = re.sub(r"\[.*?\](?=[.)]|$)", "", f["name"][len(f["name"].split(".")[0]) + 1:])
        for table, key in (by_name, name), (by_line, (os.path.basename(f["file"]), f["line"])):
            before, total, refused = table.get(key, (0, 0, False))
            table[key] = before + f["before"], total + f["entries"], refused or "refused" in f
    lines = collections.Counter((f["file"], f["line"]) for f in functions if not f["name"])
    wrong, compared, nonzero = [], 0, 0
    for f in functions:
        at = f["file"], f["line"]
        counter = counters.get((f["file"], f["block"]), counters.get((f["file"], f["first"])))
        if counter is None or f["name"] == "init" or not f["first"]:
            continue
        if not f["name"] and (at not in by_line or lines[at] > 1):
            continue
        before, total, refused = by_name.get(f["name"], (0, 0, False)) if f["name"] else by_line[at]
        if refused:
            continue
        compared += 1
        nonzero += counter > 0
        if not before <= counter <= total:
            wrong.append("%s:%d %s: %d to %d entries, counter %d" % (*at, f["name"], before, total, counter))
    assert compared >= min(len(functions) // 2, 5), "%d of %d compared" % (compared, len(functions))
    assert nonzero >= compared // 2
    assert not wrong, "%d of %d differ:\n%s" % (len(wrong), compared, "\n".join(wrong[:40]))
