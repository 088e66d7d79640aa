"""The uprobe engine gives the same records for the same calls as the inline engine, and writes nothing
to the program. (tests/unit/bpf.c compares the third implementation of a reading with its program.)"""

import collections
import re

import pytest

from test_seed import check_callers, check_counts, check_values, trace

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
    """A value without what differs between two runs: addresses, and the order and choice of map entries."""
    if isinstance(node, str):
        return "address" if re.fullmatch(r"0x[0-9a-f]{5,}", node) else node
    if isinstance(node, dict):
        like = {k: likeness(v) for k, v in node.items()}
        if str(node.get("type", "")).startswith("map["):
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
