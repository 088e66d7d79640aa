"""What can't be kept is counted: seen and lost are what was made."""

import re

import pytest

import gobuild
import goshawk

pytestmark = pytest.mark.ptrace


def seen_and_lost(done):
    seen, lost = re.search(r"(\d+) calls? in .* site(?:.*; (\d+) records? lost)?", done.err).groups()
    return int(seen), int(lost or 0)


@pytest.mark.parametrize("buffer", ["64KiB", "8MiB"])
def test_seen_and_lost_are_made(buffer, release):
    """Fifty million calls at full speed on two threads, and a reader that can't keep up."""
    n = 50_000_000 if release == gobuild.NEWEST else 5_000_000
    done = goshawk.run("trace", "--entry", "--buffer", buffer, "-o", "/dev/null", "main.tick", "--",
                       gobuild.build("tables", release), "hot", n // 2, timeout=600)
    assert done.status == 0, done
    seen, lost = seen_and_lost(done)
    assert seen + lost == n
    assert seen > 0


def test_pairs_that_lost_a_half_are_not_invented():
    """A return without its entry, and an entry without its return, are calls that say so."""
    n = 2_000_000
    done = goshawk.run("trace", "--summary", "--buffer", "64KiB", "-o", "-", "main.tick", "--",
                       gobuild.build("tables", gobuild.NEWEST), "hot", n // 2, timeout=600)
    assert done.status == 0, done
    seen, lost = seen_and_lost(done)
    assert n - lost <= seen <= n


def test_calls_whose_condition_cannot_be_read_take_no_room(tmp_path):
    """They are counted where they are, so none of the few that are wanted is lost for them."""
    n = 5_000_000
    t = goshawk.Trace(tmp_path, ["main.follow"], [gobuild.build("hot", gobuild.NEWEST), n],
                      ["--buffer", "64KiB", "--if", "p.n == 7"], lossless=False).check()
    assert (len(t.calls), t.end["unreadable"]) == (n // 100000, n - n // 100000), t.end
