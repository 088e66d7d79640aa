"""The forms of output that show many calls at once: their numbers are those that the program counted."""

import collections
import json
import os
import re
import signal
import subprocess
import time

import pytest

import gobuild
import goshawk
from values import unix_ns

pytestmark = pytest.mark.ptrace


class Table:
    """goshawk trace --json with a table, of the program `tables`: what it printed, what was counted."""

    def __init__(self, tmp_path, release, variant, options, patterns, mode, lossless=True):
        to = tmp_path / "table.json"
        program = gobuild.build("tables", release, variant)
        self.ended = goshawk.run("trace", "--json", "-o", to, *(["--lossless"] if lossless else []), *options,
                                 *patterns, "--", program, *mode, timeout=600)
        assert self.ended.status == 0, self.ended
        self.objects = goshawk.read_lines(to)
        self.end = self.objects[-1]
        assert self.end["type"] == "end"
        self.counted = json.loads(self.ended.out)

    def rows(self, kind, whole=True):
        return [o for o in self.objects if o["type"] == kind and o["all"] == whole]


@pytest.fixture(params=["plain", "stripped"])
def variant(request):
    return request.param


def test_summary(tmp_path, release, variant):
    t = Table(tmp_path, release, variant, ["--summary"], ["main.*", "!main.hit"], ["mix"])
    assert t.end["lost"] == 0
    rows = {r["func"]: r for r in t.rows("summary_row")}
    # in a stripped binary, and in the DWARF of 1.17, results of plain functions are not known
    known = variant == "plain" and not release.startswith("1.17.")
    for name in ["check", "find", "boom", "safely", "fact", "nap", "naps"]:
        row, own = rows["main." + name], t.counted["main." + name]
        assert row["calls"] == own["calls"], name
        assert row["panics"] == own.get("panics", 0), name
        if name in ("check", "find", "boom", "safely") and known:
            assert row["errors"] == own.get("errors", 0), name
        else:
            assert row["errors"] is None, name
        assert row["self_ns"] <= row["total_ns"] and row["p50_ns"] <= row["p99_ns"] <= row["max_ns"], row
    order = [r["total_ns"] for r in t.rows("summary_row")]
    assert order == sorted(order, reverse=True)
    nap, naps, fact = rows["main.nap"], rows["main.naps"], rows["main.fact"]
    assert 300e6 <= nap["total_ns"] <= naps["total_ns"] <= 5e9
    assert naps["self_ns"] == naps["total_ns"] - nap["total_ns"]
    assert 10e6 <= nap["p50_ns"] < 200e6 <= nap["max_ns"]  # ten of 10 ms, one of 200 ms
    assert fact["total_ns"] <= 5 * fact["max_ns"]  # recursion: the time that passed, not its multiple


def test_count(tmp_path, release, variant):
    t = Table(tmp_path, release, variant, ["--count"], ["main.*", "!main.hit"], ["mix"])
    rows = {r["func"]: r["count"] for r in t.rows("count")}
    for name, own in t.counted.items():
        assert rows[name] == (own["calls"] if "calls" in own else sum(own.values())), name
    order = [r["count"] for r in t.rows("count")]
    assert order == sorted(order, reverse=True)
    assert t.end["calls"] == sum(order) and t.end["lost"] == 0


@pytest.mark.parametrize("options", [["--summary"], ["--count"], ["--hist", "duration"]])
def test_copies_of_a_closure_are_one(tmp_path, variant, options):
    """The compiler makes one for each place that the function around it is inlined at, of the same name."""
    functions = goshawk.run("funcs", gobuild.build("tables", gobuild.NEWEST, variant), "main.layer.func1").out
    assert functions.count("main.layer.func1(") == 3, functions
    t = Table(tmp_path, gobuild.NEWEST, variant, options, ["main.layer.*"], ["layers"])
    (row,) = [o for o in t.objects if o.get("all") and o["func"] == "main.layer.func1"]
    assert row.get("calls", row.get("count")) == t.counted["main.layer.func1"]["calls"] == 15
    if "total_ns" in row:  # two of three are inside of another: the time that passed, not its multiple
        assert row["total_ns"] <= 5 * row["max_ns"], row


def test_count_by_value(tmp_path, release):
    t = Table(tmp_path, release, "plain", ["--count", "--by", "kind"], ["main.label"], ["mix"])
    assert {r["by"]: r["count"] for r in t.rows("count")} == t.counted["main.label"]
    t = Table(tmp_path, release, "plain", ["--count", "--by", "n % 10 == 0"], ["main.check"], ["mix"])
    assert {r["by"]: r["count"] for r in t.rows("count")} == {True: 20, False: 180}
    t = Table(tmp_path, release, "plain", ["--count", "--by", "func"], ["main.check", "main.boom"], ["mix"])
    assert {r["by"]: r["count"] for r in t.rows("count")} == {"main.check": 200, "main.boom": 200}


def test_count_by_result(tmp_path):
    t = Table(tmp_path, gobuild.NEWEST, "plain", ["--count", "--by", "err.(type)"], ["main.safely"], ["mix"])
    rows = {r["by"]: r["count"] for r in t.rows("count")}
    assert rows == {"*errors.errorString": t.counted["main.safely"]["errors"],
                    "nil": 200 - t.counted["main.safely"]["errors"]}


def test_more_values_than_lines(tmp_path):
    t = Table(tmp_path, gobuild.NEWEST, "plain", ["--count", "--by", "kind"], ["main.label"], ["many"])
    rows = t.rows("count")
    other = [r for r in rows if r.get("other")]
    assert len(rows) == 10001 and [r["count"] for r in other] == [15000]
    assert all(r["count"] == 1 for r in rows if not r.get("other"))


def test_hist(tmp_path, release):
    t = Table(tmp_path, release, "plain", ["--hist", "size", "--by", "kind"], ["main.label"], ["mix"])
    want = collections.defaultdict(collections.Counter)
    for i in range(100):
        want[["tea", "cup", "tea", "towel"][i % 4]][1 << i % 11] += 1
    assert len(t.rows("hist")) == 3
    for r in t.rows("hist"):
        got = {b["lo"]: b["count"] for b in r["buckets"] if b["count"]}
        assert got == want[r["by"]] and r["count"] == sum(got.values())
        assert all(b["hi"] == 2 * b["lo"] for b in r["buckets"])
        assert all(a["hi"] == b["lo"] for a, b in zip(r["buckets"], r["buckets"][1:]))


def test_hist_of_durations(tmp_path, release, variant):
    t = Table(tmp_path, release, variant, ["--hist", "duration"], ["main.nap"], ["mix"])
    (r,) = t.rows("hist")
    assert (r["func"], r["unit"], r["count"]) == ("main.nap", "ns", 11)
    assert sum(b["count"] for b in r["buckets"] if b["hi"] <= 8 << 20) == 0  # 8.4 ms
    assert sum(b["count"] for b in r["buckets"] if b["lo"] >= 1 << 27) >= 1  # 134 ms


def test_hist_linear(tmp_path):
    t = Table(tmp_path, gobuild.NEWEST, "plain", ["--hist-linear", "n,-20,20,10"], ["main.find"], ["mix"])
    (r,) = t.rows("hist")
    assert [(b["lo"], b["hi"], b["count"]) for b in r["buckets"]] == [
        (None, -20, 29), (-20, -10, 10), (-10, 0, 10), (0, 10, 10), (10, 20, 10), (20, None, 131)]


@pytest.mark.parametrize("options", [["--summary"], ["--count"], ["--hist", "duration"]])
def test_intervals(tmp_path, options):
    """Each interval has what happened in it; together they are all of it."""
    t = Table(tmp_path, gobuild.NEWEST, "plain", [*options, "--every", "100ms"], ["main.nap"], ["naps", "50", "10"])
    kind = {"--summary": "summary_row", "--count": "count", "--hist": "hist"}[options[0]]
    field = "calls" if kind == "summary_row" else "count"
    (all_of_it,) = t.rows(kind)
    parts = t.rows(kind, whole=False)
    assert all_of_it[field] == 50
    assert len(parts) >= 4 and sum(p[field] for p in parts) == 50
    assert all(p["from"] < p["to"] for p in parts)
    assert all(a["to"] <= b["from"] for a, b in zip(parts, parts[1:]))
    assert all_of_it["from"] <= parts[0]["from"] and parts[-1]["to"] <= all_of_it["to"]


def test_after_a_stall_no_interval_is_short(tmp_path):
    """A goshawk that stood still (a pager, a busy machine) goes on with a whole one."""
    to = tmp_path / "t.json"
    p = subprocess.Popen([goshawk.GOSHAWK, "trace", "--json", "--count", "--every", "100ms", "-o", to, "main.nap", "--",
                          gobuild.build("tables", gobuild.NEWEST), "naps", "100", "10"], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while "count" not in (to.read_text() if to.exists() else ""):
        assert p.poll() is None and time.monotonic() < until
    p.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, p.pid, os.WSTOPPED | os.WNOWAIT)
    time.sleep(0.35)  # intervals pass
    p.send_signal(signal.SIGCONT)
    assert p.wait(60) == 0
    parts = [o for o in goshawk.read_lines(to) if o["type"] == "count" and not o["all"]]
    assert len(parts) >= 4 and sum(o["count"] for o in parts) == 100
    lengths = [unix_ns(o["to"]) - unix_ns(o["from"]) for o in parts]
    assert max(lengths) > 350e6 and min(lengths[:-1]) > 45e6, lengths


@pytest.mark.parametrize("options", [["--summary"], ["--count"], ["--hist", "duration"]])
def test_max_counts_calls(tmp_path, options):
    t = Table(tmp_path, gobuild.NEWEST, "plain", [*options, "--max", "7"], ["main.check"], ["mix"])
    (row,) = [o for o in t.objects if o.get("all")]
    assert row.get("calls", row.get("count")) == 7 and t.end["calls"] == 7


def graph(tmp_path, release, variant, patterns, program, mode):
    to = tmp_path / "graph.txt"
    ended = goshawk.run("trace", "--graph", "--lossless", "-o", to, *patterns, "--",
                        gobuild.build(program, release, variant), *mode)
    assert ended.status == 0, ended
    return to.read_text().splitlines(), ended


LINE = re.compile(r"(?P<time> {9}|[ \d.µmns-]{9})  \[(?P<g>g \d+|g0)\] *\| (?P<indent> *)(?P<what>.*)")


def test_graph_nests(tmp_path, release, variant):
    """Blocks open and close in pairs, for each goroutine, at the depth of their callers; each call is there."""
    lines, ended = graph(tmp_path, release, variant, ["main.*", "!main.hit"], "tables", ["mix"])
    counted = json.loads(ended.out)
    seen, stacks = collections.Counter(), collections.defaultdict(list)
    for line in lines:
        m = LINE.fullmatch(line)
        assert m, line
        stack, what = stacks[m["g"]], m["what"]
        if what.startswith("}"):
            name = stack.pop()
            assert what.endswith(" // " + name), line
        elif what.endswith(" {"):
            name = what.split("(")[0]
        else:
            name = what.split("(")[0]
            assert what.endswith(";"), line
        assert len(m["indent"]) == 2 * len(stack), line
        assert (m["time"].strip() == "") == what.endswith(" {"), line
        if not what.startswith("}"):
            seen[name] += 1
        if what.endswith(" {"):
            stack.append(name)
    assert not any(stacks.values()), stacks
    for name, own in counted.items():
        assert seen[name] == (own["calls"] if "calls" in own else sum(own.values())), name


def test_graph_shows_what_lasts(tmp_path):
    """A call that has not ended stands there before its end, also when no other follows."""
    lines, _ = graph(tmp_path, gobuild.NEWEST, "plain", ["main.nap"], "tables", ["naps", "1", "500"])
    assert [LINE.fullmatch(line)["what"] for line in lines] == ["main.nap(d=500ms) {", "} // main.nap"]


def test_fifty_million_calls_are_counted_exactly(tmp_path):
    """At full speed on two threads, without waiting for anybody: the counts are kept in the program."""
    t = Table(tmp_path, gobuild.NEWEST, "plain", ["--count"], ["main.tick"], ["hot", "25000000"], lossless=False)
    assert [r["count"] for r in t.rows("count")] == [50_000_000] == [t.counted["main.tick"]["calls"]]
    assert t.end["calls"] == 50_000_000 and t.end["lost"] == 0


def test_counts_of_threads_that_come_and_go(tmp_path, release):
    t = Table(tmp_path, release, "plain", ["--count"], ["main.tick"], ["threads", "400", "1000"], lossless=False)
    (row,) = t.rows("count")
    assert row["count"] + t.end["lost"] == 400_000
    assert t.end["lost"] == 0


def test_counts_of_a_running_program(tmp_path):
    """Attached to and left again and again: each time something is counted, never more than was done."""
    program = subprocess.Popen([gobuild.build("tables", gobuild.NEWEST, "plain"), "naps", "300", "10"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    counts = []
    for i in range(4):
        to = tmp_path / ("%d.json" % i)
        ended = goshawk.run("trace", "-p", str(program.pid), "--json", "--count", "--for", "300ms", "-o", to,
                            "main.nap", "main.naps")
        assert ended.status == 0, ended
        counts.append({o["func"]: o["count"] for o in goshawk.read_lines(to) if o["type"] == "count"})
    out, _ = program.communicate(timeout=60)
    assert program.returncode == 0 and json.loads(out)["main.nap"]["calls"] == 300
    assert all(set(c) == {"main.nap"} and 1 <= c["main.nap"] <= 60 for c in counts), counts


@pytest.mark.parametrize("options", [["--by", "n % 2"], ["--if", "n != 7"], ["--by", "n % 2", "--buffer", "64KiB"]])
def test_what_is_lost_is_exact(tmp_path, options):
    """Counts by value take a record for each call, and the program does not wait: seen and lost are what was made."""
    t = Table(tmp_path, gobuild.NEWEST, "plain", ["--count", *options], ["main.tick"], ["hot", "3000000"],
              lossless=False)
    assert sum(r["count"] for r in t.rows("count")) + t.end["lost"] == 6_000_000
    assert sum(o["count"] for o in t.objects if o["type"] == "lost") == t.end["lost"]
