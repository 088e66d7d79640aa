"""The uprobe engine gives the same records for the same calls as the inline engine, and writes nothing
to the program. (tests/unit/bpf.c compares the third implementation of a reading with its program.)"""

import collections
import contextlib
import json
import re
import signal
import subprocess
import sys
import time

import pytest

import gobuild
import goshawk
from attaching import Attached, Running, line_of
from test_orphan import needs_preload, preload
from test_seed import check_callers, check_counts, check_goroutines, check_values, trace

pytestmark = [pytest.mark.ptrace, pytest.mark.bpf]

TELL_THE_TIME = {"main.echoTime", "main.lasts"}  # their values differ from run to run


def both(tmp_path, release, variant, modes):
    runs = []
    for engine in "inline", "uprobe":
        (tmp_path / engine).mkdir()
        runs.append(trace(tmp_path / engine, release, variant, modes, ["--engine", engine], lossless=engine == "inline"))
        assert runs[-1][0].end["engine"] == engine
    return runs


def ordered(calls):
    """The calls of each function in their order; a caller may begin in the same nanosecond."""
    table = collections.defaultdict(list)
    for c in sorted(calls, key=lambda c: (c["time"], c["depth"])):
        table[c["func"]].append(c)
    return table


def likeness(node):
    """A value without what differs between two runs: addresses, and which of a map's entries are in the bucket
    that is read (its hash is seeded); their number stays."""
    if isinstance(node, str):
        return "address" if re.fullmatch(r"0x[0-9a-f]{5,}", node) else node
    if isinstance(node, dict):
        like = {k: likeness(v) for k, v in node.items()}
        if str(node.get("type", "")).startswith("map["):
            like["len"] = node.get("len", len(node.get("value") or []))
            like.pop("value", None)
        return like
    return [likeness(v) for v in node] if isinstance(node, list) else node


def fill_in(inline, uprobe):
    """What the uprobe engine says it could not take, from the other's call; how many."""
    filled = 0
    for part in "args", "results":
        for i, (a, b) in enumerate(zip(inline[part] or [], uprobe[part] or [])):
            if b.get("error") == "not captured" and a.get("error") != "not captured":
                uprobe[part][i] = a
                filled += 1
    return filled


@pytest.mark.parametrize("variant", ["plain", "stripped"])
def test_gives_the_same_calls_as_the_inline_engine(tmp_path, release, variant):
    (inline, _), (uprobe, expects) = both(tmp_path, release, variant, ["values", "counts", "panics"])
    a, b = ordered(inline.calls), ordered(uprobe.calls)
    assert {k: len(v) for k, v in a.items()} == {k: len(v) for k, v in b.items()}
    filled, wrong = 0, []
    for name in a:
        if name in TELL_THE_TIME or any(c["goid"] != 1 for c in a[name]):
            continue  # what several goroutines do at once is in no certain order
        for x, y in zip(a[name], b[name]):
            filled += fill_in(x, y)
            for key in "args", "results", "end", "depth", "caller":
                if likeness(x[key]) != likeness(y[key]):
                    wrong.append("%s %s: %r, not %r" % (name, key, y[key], x[key]))
    assert not wrong, "%d wrong:\n%s" % (len(wrong), "\n".join(wrong[:20]))
    assert 0 < filled < 400
    check_counts(uprobe, expects)
    check_callers(uprobe, expects)
    if variant == "plain":
        check_values(uprobe, expects)  # with what was filled in


@pytest.mark.parametrize("variant", ["plain", "pie"])
def test_sees_each_return_of_goroutines_that_grow_their_stacks(tmp_path, release, variant):
    """35 nested calls on a new goroutine each time: what crashes under a uretprobe."""
    if not gobuild.ALL and variant == "pie" and release != gobuild.NEWEST:
        pytest.skip("a part of check-all")
    t, expects = trace(tmp_path, release, variant, ["goroutines"], ["--engine", "uprobe", "--buffer", "64MiB"],
                       lossless=False)
    check_counts(t, expects)
    check_goroutines(t, expects)


def attached(tmp_path, running, *options):
    """goshawk, once it says that its probes stand."""
    p = subprocess.Popen([goshawk.GOSHAWK, "trace", "--json", "-o", tmp_path / "a.json", *options, "-p", str(running.pid),
                          "main.called"], stderr=subprocess.PIPE, text=True)
    while "kernel probes at" not in line_of(p.stderr, "that its probes stand"):
        pass
    return p


def test_a_process_that_runs_is_left_as_it_was(tmp_path):
    with Running() as running:
        before = running.text()
        p = attached(tmp_path, running, "--engine", "uprobe")
        running.call(100)
        p.send_signal(signal.SIGINT)
        assert p.wait(60) == 0
        calls = [o for o in goshawk.read_lines(tmp_path / "a.json") if o["type"] == "call"]
        assert len(calls) == 100 and all(c["end"] == "return" for c in calls)
        assert running.text() == before


def test_its_death_leaves_nothing(tmp_path):
    with Running() as running:
        before = running.text()
        p = attached(tmp_path, running, "--engine", "uprobe")
        running.call(10)
        p.kill()
        p.wait(60)
        until = time.monotonic() + 30  # the kernel takes the probes off in its own time
        while running.text() != before:
            assert time.monotonic() < until
        running.call(10)


def test_auto_takes_it_where_another_tracer_is(tmp_path):
    """A debugger keeps the inline engine out; kernel probes don't mind."""
    with Running() as running, held(running.pid):
        p = attached(tmp_path, running, "--max", "3")
        running.call(5)
        _, said = p.communicate(timeout=60)
        assert p.returncode == 0, said
        end = goshawk.read_lines(tmp_path / "a.json")[-1]
        assert (end["type"], end["engine"], end["calls"]) == ("end", "uprobe", 3)


@contextlib.contextmanager
def held(pid):
    """Another process traces it, and lets it run."""
    code = "import ctypes, sys; libc = ctypes.CDLL(None); print(libc.ptrace(0x4206, %d, 0, 0), flush=True); sys.stdin.read()"
    p = subprocess.Popen([sys.executable, "-c", code % pid], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert line_of(p.stdout, "that it traces") == "0\n"
    yield
    p.communicate()


def test_without_permission_it_says_what_is_missing():
    done = goshawk.run_plain("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all",
                             goshawk.GOSHAWK, "trace", "--engine", "uprobe", "main.*", "--",
                             gobuild.build("running", gobuild.NEWEST, "plain"))
    assert done.status == 6, done
    assert re.match(r"goshawk: kernel probes are not permitted here .*CAP_BPF and CAP_PERFMON", done.err)


def test_one_by_one_sees_the_same():
    """As kernels do it that lack uprobe_multi."""
    with Running() as running:
        before = running.text()
        p = subprocess.Popen([goshawk.BUILD / "tests" / "each", str(running.pid), "main.called"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
        assert line_of(p.stdout, "that it watches") == "watching\n"
        running.call(20)
        out, _ = p.communicate(timeout=120)
        assert out == "entries 20 exits 20 lost 0\n"
        assert running.text() == before


# What tells kernels whose links for many probes see one thread of a process: no pid is refused as such.
ONE_THREAD = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
long syscall(long number, ...)
{
	long (*real)(long, ...) = dlsym(RTLD_NEXT, "syscall"), a[6];
	va_list list;
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	const unsigned *attr = (const unsigned *)a[1];
	if (number == SYS_bpf && a[0] == 28 && attr[2] == 48) { /* BPF_LINK_CREATE, BPF_TRACE_UPROBE_MULTI */
		if (attr[14] == ~0u) {
			errno = EBADF;
			return -1;
		}
		dprintf(2, "one link for many probes\n");
	}
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
"""


@needs_preload
def test_links_that_see_one_thread_are_not_used(tmp_path):
    to = tmp_path / "t.json"
    done = goshawk.run("trace", "--json", "--engine", "uprobe", "-o", to, "main.cold", "--",
                       gobuild.build("hot", gobuild.NEWEST, "plain"), env=preload(tmp_path, ONE_THREAD))
    assert done.status == 0 and "one link" not in done.err, done
    assert len([o for o in goshawk.read_lines(to) if o["type"] == "call"]) == 300


def test_what_is_too_hot_is_switched_off(tmp_path):
    to = tmp_path / "t.json"
    done = goshawk.run("trace", "--json", "--engine", "uprobe", "--max-overhead", "10", "-o", to, "main.*", "--",
                       gobuild.build("hot", gobuild.NEWEST, "plain"))
    assert done.status == 0, done
    assert re.search(r"main\.hot is switched off: its probes took \d+ % of a processor", done.err), done
    calls = collections.Counter(o["func"] for o in goshawk.read_lines(to) if o["type"] == "call")
    assert calls["main.cold"] == 300 and calls["main.hot"] < 300 * 3000


def test_counts_without_records(tmp_path):
    to = tmp_path / "t.json"
    done = goshawk.run("trace", "--json", "--engine", "uprobe", "--count", "-o", to, "main.cold", "main.hot", "--",
                       gobuild.build("hot", gobuild.NEWEST, "plain"), timeout=300)
    assert done.status == 0, done
    counts = {o["func"]: o["count"] for o in goshawk.read_lines(to) if o["type"] == "count"}
    assert counts == {"main.cold": 300, "main.hot": 300 * 3000}


def test_a_lossless_buffer_is_a_wrong_wish():
    done = goshawk.run("trace", "--engine", "uprobe", "--lossless", "main.*", "--",
                       gobuild.build("hot", gobuild.NEWEST, "plain"))
    assert done.status == 2 and "--lossless" in done.err


def test_what_another_goshawk_has_changed_is_left_alone(tmp_path):
    """A breakpoint inside its jump would lead the program astray."""
    with Running() as running:
        inline = Attached(tmp_path, running.pid, "main.called").started()
        done = goshawk.run("trace", "--engine", "uprobe", "--for", "1s", "-p", str(running.pid), "main.called")
        assert done.status == 5 and "somebody else has changed in memory" in done.err, done
        p = subprocess.Popen([goshawk.GOSHAWK, "trace", "--json", "-o", tmp_path / "a.json", "--engine", "uprobe",
                              "-p", str(running.pid), "main.called", "main.grow"], stderr=subprocess.PIPE, text=True)
        assert "kernel probes at" in line_of(p.stderr, "that its probes stand")
        running.call(10)
        p.send_signal(signal.SIGINT)
        said = [s for s in p.stderr.read().splitlines() if "somebody else has changed it in memory" in s]
        assert said[0].startswith("[goshawk] main.called:") and len(said) == 3  # hooks lie before it
        assert p.wait(60) == 0
        assert not [o for o in goshawk.read_lines(tmp_path / "a.json") if o.get("func") == "main.called"]
        inline.stop()


def test_an_instruction_that_the_kernel_will_not_probe_is_named(tmp_path):
    to = tmp_path / "t.json"
    done = goshawk.run("trace", "--json", "--engine", "uprobe", "-o", to, "main.masked", "main.cold", "--",
                       gobuild.build("hot", gobuild.NEWEST, "plain"))
    assert done.status == 0, done
    assert "main.masked: the kernel can't probe its first instruction" in done.err
    assert {o["func"] for o in goshawk.read_lines(to) if o["type"] == "call"} == {"main.cold"}
    done = goshawk.run("trace", "--plan", "--json", "--engine", "uprobe", "main.masked", "--",
                       gobuild.build("hot", gobuild.NEWEST, "plain"))
    refused = [o for o in map(json.loads, done.out.splitlines()) if o.get("probe") == "refused"]
    assert [(o["func"], o["kind"]) for o in refused] == [("main.masked", "entry")], done
