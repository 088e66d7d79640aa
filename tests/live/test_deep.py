"""A recursion on new goroutines, as it kills programs under a uretprobe: all returns are seen, and all is well."""

import collections
import os

import pytest

import gobuild
import goshawk

pytestmark = pytest.mark.ptrace


def engines():
    return ["inline", pytest.param("uprobe", marks=pytest.mark.skipif(os.geteuid() != 0, reason="BPF takes root"))]


@pytest.mark.parametrize("engine", engines())
def test_every_level_returns(tmp_path, release, engine):
    seconds = 600 if gobuild.ALL and release == gobuild.NEWEST else 3
    to = tmp_path / "deep.json"
    done = goshawk.run("trace", "--engine", engine, "--json", "-o", to, "main.descend", "--",
                       gobuild.build("deep", release), seconds, 2000, "20ms", timeout=seconds + 120)
    assert done.status == 0, done
    levels, returned, wrong = map(int, done.out.split())
    assert levels == returned > 0 and wrong == 0
    objects = goshawk.read_lines(to)
    calls = [o for o in objects if o["type"] == "call"]
    assert objects[-1]["lost"] == 0
    assert collections.Counter(c["end"] for c in calls) == {"return": levels}
    assert collections.Counter(c["depth"] for c in calls) == {d: levels // 35 for d in range(35)}
    if not release.startswith("1.17."):  # whose DWARF has no results
        assert {(c["args"][0]["value"], c["results"][0]["value"]) for c in calls} == {(n, 7 * n) for n in range(1, 36)}
