"""`goshawk explain` of what hangs: what each goroutine waits for, who may wake it, and who waits for whom in a circle."""

import re
import subprocess
import time

import pytest

import gobuild
import goshawk
from attaching import line_of
from test_explain import diagnosis, judge

pytestmark = pytest.mark.ptrace


def explained(tmp_path, program, name):
    to = tmp_path / "found"
    done = goshawk.run("explain", "--json", "-o", to, "--", program, name)
    done.out = to.read_text()
    d = diagnosis(done)
    assert (d["kind"], d["certainty"]) == ("deadlock", "certain"), d
    return d


# What hangs: the goroutines of its circle, and for each what it waits for and what another may do.
CIRCLES = {
    "asleep-two-locks": [("sync.Mutex", "and may hold it")] * 2,
    "asleep-fields": [("sync.Mutex", "and may hold it")] * 2,
    "asleep-lock-channel": [("sync.Mutex", "and may hold it"), ("channel", "and may receive from it")],
    "asleep-pool": [("sync.WaitGroup", "and may call its Done"), ("channel", "and may send on it, or close it")],
}


@pytest.mark.parametrize("name", CIRCLES)
@pytest.mark.parametrize("variant", ["plain", "stripped"])
def test_a_circle_is_told_link_by_link(name, variant, tmp_path):
    d = explained(tmp_path, gobuild.build("zoo", gobuild.NEWEST, variant), name)
    links = [e for e in d["evidence"] if e.startswith("goroutine ")]
    assert d["summary"] == "2 goroutines wait for each other in a circle" and len(links) == 2, d
    by_goid = {int(e.split()[1]): e for e in links}
    for (goid, link), (what, may) in zip(sorted(by_goid.items()), CIRCLES[name]):
        assert " for %s 0x" % what in link and may in link, d
        others = [int(n) for n in re.search(r"; goroutines? ([\d, ]+) ha", link)[1].split(", ")]
        assert goid not in others and set(others) & set(by_goid), d  # it is each other that they wait for
    locks = [what for what, _ in CIRCLES[name]].count("sync.Mutex")
    assert ["before it waits", "hold no lock", "one order"][locks] in d["advice"], d


@pytest.mark.parametrize("name, why", [
    ("asleep-channel", "nobody is left to send"), ("asleep-nil-channel", "the channel is nil"),
    ("asleep-select", "without cases"), ("asleep-waitgroup", "does not get to 0"),
    ("asleep-lock-twice", "locked twice"), ("asleep-readers", "while a writer waits")])
def test_where_there_is_no_circle_it_says_what_never_comes(name, why, tmp_path):
    d = explained(tmp_path, gobuild.build("zoo", gobuild.NEWEST), name)
    assert why in d["cause"] and "circle" not in d["summary"], d
    text = tmp_path / "text"
    text.write_text(goshawk.run_plain(gobuild.build("zoo", gobuild.NEWEST), name).err)
    said = diagnosis(goshawk.run("explain", "--json", text))
    assert said["cause"] == d["cause"], said  # the text tells the states, too


def alive(program, name, until):
    """Its diagnosis once `until` is in it: with C in it the runtime does not see that all are asleep."""
    p = subprocess.Popen([program, name], stdout=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 20
        while True:
            d = diagnosis(goshawk.run("explain", "--json", "-p", p.pid))
            if until in str(d) or time.monotonic() > end:
                return d
    finally:
        p.kill()
        p.communicate()


def test_of_a_process_a_circle_with_locks_is_named():
    d = alive(gobuild.build("zoo", gobuild.NEWEST, "cgo"), "asleep-lock-channel", "circle")
    assert not judge("asleep-lock-channel", "deadlock", "*", d) and d["certainty"] == "likely", d


def test_of_a_process_a_circle_of_channels_is_shown_and_nothing_is_accused():
    """Idle workers look the same: who serves them may have the channel where nobody looks."""
    d = alive(gobuild.build("zoo", gobuild.NEWEST, "cgo"), "asleep-pool", "only others of them have")
    assert d["kind"] == "runs" and not d["named"], d
    assert d["summary"].startswith("it has not died; 2 goroutines wait"), d
    assert [int(e.split()[1]) == 1 for e in d["evidence"]] == [True, False, False], d  # the other worker, too


def test_of_one_that_is_stuck_it_says_what_it_waits_for():
    d = alive(gobuild.build("zoo", gobuild.NEWEST, "cgo"), "asleep-lock-twice", "sync.Mutex")
    assert d["kind"] == "runs" and not d["named"], d
    assert any(re.match(r"goroutine \d+ waits \(sync.Mutex.Lock\) for sync.Mutex 0x.*; nobody but who waits for it has it", e)
               for e in d["evidence"]), d


def hung(program, name):
    """Its diagnosis once it says that it is ready."""
    p = subprocess.Popen([program, name], stdout=subprocess.PIPE, text=True)
    try:
        assert line_of(p.stdout, "ready") == "ready\n"
        return diagnosis(goshawk.run("explain", "--json", "-p", p.pid))
    finally:
        p.kill()
        p.communicate()


def test_of_very_many_it_is_not_said_that_nobody_has_it():
    """Nobody has looked; and those beyond the first 4096 are counted, too."""
    with subprocess.Popen([gobuild.build("parked", gobuild.NEWEST), "5000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as p:
        try:
            line_of(p.stdout, "ready")
            d = diagnosis(goshawk.run("explain", "--json", "-p", p.pid))
        finally:
            p.kill()
    first, *shown, last = d["evidence"]
    n = int(re.fullmatch(r"(\d+) goroutines wait: too many to look for who may wake whom", first)[1])
    assert 5000 <= n <= 5020 and last == "and %d more goroutines wait" % (n - len(shown)), d
    assert shown and not any("has it on his stack" in e for e in shown), d


def test_a_process_that_hangs_in_a_circle(release):
    d = hung(gobuild.build("zoo", release), "hung-two-locks")
    assert not judge("hung-two-locks", "deadlock", "main.lockBoth", d) and d["certainty"] == "likely"
    assert len(d["evidence"]) == 2 and all("may hold it" in e for e in d["evidence"]), d


def test_who_can_still_be_woken_is_in_no_circle(release):
    d = hung(gobuild.build("zoo", release), "hung-lock-channel")
    assert not judge("hung-lock-channel", "deadlock", "*", d), d
    assert len(d["evidence"]) == 2, d  # not the main goroutine, which sleeps


@pytest.mark.parametrize("variant", ["plain", "stripped"])
def test_a_circle_is_possible_where_somebody_else_may_hold_the_locks(release, variant):
    """As who has made them, and serves: nothing is proved, but it is said, and comes first."""
    d = alive(gobuild.build("zoo", release, variant), "healthy-but-for-locks", "in a circle")
    assert d["kind"] == "runs" and not d["named"] and "one order" in d["advice"], d
    assert d["summary"] == "it has not died; 2 goroutines may wait for each other in a circle of locks", d
    assert d["func"] == "main.(*account).transfer", d
    assert [" for sync.Mutex 0x" in e and ", and may hold it" in e for e in d["evidence"]] == [True, True, False, False], d


def test_locks_of_one_struct_make_no_circle(release):
    """Who waits for one of them has the struct on its stack for that."""
    d = alive(gobuild.build("zoo", release), "healthy-parts", "lockSecond")
    assert len([e for e in d["evidence"] if " for sync.Mutex 0x" in e]) == 2 and "circle" not in str(d), d


def test_it_is_the_program_s_own_code_that_waits(release):
    """Behind reflect.Select, too."""
    d = hung(gobuild.build("zoo", release), "healthy-waiting")
    assert [e for e in d["evidence"] if "waits (select)" in e and " in main.waiting.func" in e], d
