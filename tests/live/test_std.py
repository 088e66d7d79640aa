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
# math/big runs some loops hundreds of millions of times; the rest of its tests call the same functions.
SOME = {"math/big": "-test.run=^Test([B-DF-LO-R]|Exp|NewInt|SetString|Sqrt|NatMul)"}
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


def first_blocks(package, release):
    """For each function of the package's files: where its first block begins, by file and line."""
    where = gobuild.goroot(release) / "src" / package
    go = gobuild.goroot(release) / "bin" / "go"
    files = json.loads(subprocess.run([go, "list", "-json=GoFiles" if gobuild.minor(release) >= 18 else "-json", package],
                                      check=True, text=True, stdout=subprocess.PIPE,
                                      env=gobuild.environment(release, False)).stdout)["GoFiles"]
    done = goshawk.run_plain(gobuild.build("firstblock", gobuild.NEWEST), *[where / f for f in files])
    assert done.status == 0, done
    table = collections.defaultdict(list)
    for line in done.out.splitlines():
        f = json.loads(line)
        table[f["file"], f["line"]].append(f)
    return table


def coverage(profile):
    """Counters by file and where their block begins."""
    table = {}
    for line in profile.read_text().splitlines()[1:]:
        m = re.fullmatch(r"(.*):(\d+\.\d+),\d+\.\d+ \d+ (\d+)", line)
        table[os.path.basename(m[1]), m[2]] = int(m[3])
    return table


@pytest.mark.parametrize("package", PACKAGES)
def test_records_as_many_entries_as_coverage_counts(tmp_path, release, package):
    program = gobuild.std_test(package, release, "-cover", "-covermode=atomic", "-gcflags=all=-l")
    profile = tmp_path / "cover"
    done, counts = tally(tmp_path, package, release, program, "-test.coverprofile=%s" % profile,
                         until="testing.coverReport")
    assert done.status == 0, done
    assert counts["lost"] == 0
    check_refusals(counts)
    check_entries(counts, first_blocks(package, release), coverage(profile), package)


def check_entries(counts, blocks, counters, package):
    """Entries of the functions that begin on one line, against the counter of their first block.

    Explained exceptions:
     - Generic functions are several functions of one body: their entries are added up.
     - Two function literals on one line can't be told apart by line: left out.
     - A function whose body has no statement has no counter.
     - The report itself is written by code under test (fmt, bufio, strings...): its counters go on
       while it is written, so the count lies between the entries before the report and all of them.
     - A function that was refused is not recorded; how many may be is checked elsewhere.
    """
    entries = collections.defaultdict(lambda: [0, 0, False, ""])
    for f in counts["functions"]:
        if f["name"].startswith(package.replace(".", "%2e") + ".") or "/" + f["name"].split(".")[0] == package:
            e = entries[os.path.basename(f["file"]), f["line"]]
            e[0] += f["before"]
            e[1] += f["entries"]
            e[2] |= "refused" in f
            e[3] = f["name"]
    wrong, compared, nonzero = [], 0, 0
    for at, functions in blocks.items():
        if len(functions) > 1 or functions[0]["empty"]:
            continue
        counter = counters.get((at[0], functions[0]["block"]))
        before, total, refused, name = entries.get(at, (0, 0, False, "not in the program"))
        if counter is None or refused:
            continue
        compared += 1
        nonzero += counter > 0
        if not before <= counter <= total:
            wrong.append("%s:%d %s: %d to %d entries, counter %d" % (*at, name, before, total, counter))
    assert compared >= min(len(blocks) // 2, 5), "%d of %d compared" % (compared, len(blocks))
    assert nonzero >= compared // 2
    assert not wrong, "%d of %d differ:\n%s" % (len(wrong), compared, "\n".join(wrong[:40]))
