"""Hostile cores: a real one, changed in many ways. Time and memory are bounded, nothing crashes, and what can be read is shown."""

import json
import os
import random
import resource
import struct
import subprocess

import pytest

import gobuild
import goshawk
from test_parked import Parked, core_of

pytestmark = pytest.mark.ptrace

EACH = 40 if gobuild.ALL else 8  # mutants of each kind
SECONDS, MIB = 20, 1 << 20
MOST = 512 * MIB  # of memory that is used; room for addresses is the core, the program and as much again
G_BYTES, GOROUTINES = 352, 16  # of one; how many there are with --json, but for the runtime's
PT_LOAD, PT_NOTE, NT_PRSTATUS, FS_BASE = 1, 4, 1, 112 + 8 * 21


class Core:
    """A core file that words are changed in, and put back."""

    def __init__(self, path, program):
        self.path, self.f = path, open(path, "r+b")
        self.size = path.stat().st_size
        head = self.at(0, 64)
        self.phoff, = struct.unpack_from("<Q", head, 32)
        self.phnum, = struct.unpack_from("<H", head, 56)
        self.segments = [struct.unpack("<IIQQQQQQ", self.at(self.phoff + 56 * i, 56)) for i in range(self.phnum)]
        self.loads = [(p[3], p[2], p[5]) for p in self.segments if p[0] == PT_LOAD and p[5]]
        [(self.notes, self.notes_size)] = [(p[2], p[5]) for p in self.segments if p[0] == PT_NOTE]
        done = goshawk.run_plain("nm", program)
        [allgs] = [line.split()[0] for line in done.out.splitlines() if line.endswith(" runtime.allgs")]
        self.allgs = int(allgs, 16)
        self.list, n = struct.unpack("<QQ", self.read(self.allgs, 16))
        self.gs = struct.unpack("<%dQ" % n, self.read(self.list, 8 * n))
        self.changed = []

    def at(self, offset, n):
        self.f.seek(offset)
        return self.f.read(n)

    def offset(self, rt):
        for start, offset, size in self.loads:
            if start <= rt < start + size:
                return offset + rt - start
        return None

    def read(self, rt, n):
        return self.at(self.offset(rt), n)

    def put(self, offset, data):
        self.changed.append((offset, self.at(offset, len(data))))
        self.f.seek(offset)
        self.f.write(data)

    def word(self, rt, value):
        """False where the core has no such memory."""
        if self.offset(rt) is None:
            return False
        self.put(self.offset(rt), struct.pack("<Q", value & (1 << 64) - 1))
        return True

    def done(self):
        self.f.flush()

    def undo(self):
        for offset, data in reversed(self.changed):
            self.f.seek(offset)
            self.f.write(data)
        self.changed = []
        self.f.flush()


def wild(r, core):
    """What a word may be that nobody means well with."""
    g = r.choice(core.gs)
    return r.choice([0, 1, 7, -1, -8, 1 << 63, (1 << 63) - 1, 1 << 47, 0xffff800000000000, 0xdeadbeefdeadbeef, g, g + 8, core.list,
                     core.allgs, r.choice(core.loads)[0], sum(r.choice(core.loads)[::2]) - 8, r.getrandbits(64), r.getrandbits(32),
                     1 << 20, 1 << 30, 1 << 40])


def headers(r, core):
    for _ in range(r.randint(1, 3)):
        if r.random() < 0.3:
            core.put(r.choice([32, 40, 52, 54, 56, 58, 60]), struct.pack("<H", r.choice([0, 1, 0xffff, r.getrandbits(16)])))
        else:
            core.put(core.phoff + 56 * r.randrange(core.phnum) + 8 * r.randrange(7), struct.pack("<Q", wild(r, core) & (1 << 64) - 1))


def notes(r, core):
    """Sizes of a name and of what is noted, and its bytes."""
    starts, at = [], 0
    while at + 12 <= core.notes_size:
        name, size, _ = struct.unpack("<III", core.at(core.notes + at, 12))
        starts.append(at)
        at += 12 + (name + 3 & ~3) + (size + 3 & ~3)
    for _ in range(r.randint(1, 4)):
        at = core.notes + r.choice(starts)
        if r.random() < 0.5:
            core.put(at + 4 * r.randrange(3), struct.pack("<I", r.choice([0, 1, 0xffffffff, 0x7fffffff, 0x80000000, r.getrandbits(12)])))
        else:
            core.put(at + 20 + 8 * r.randrange(40), struct.pack("<Q", wild(r, core) & (1 << 64) - 1))


def allgs(r, core):
    """The list and its words: wild ones, and the same one again and again."""
    how = r.randrange(4)
    if how == 0:
        core.word(core.allgs + 8 * r.randrange(2), wild(r, core))
    elif how == 1:
        core.word(core.allgs + 8, r.choice([len(core.gs) * 2, 1 << 16, 1 << 22, 1 << 24]))
    else:
        for i in range(len(core.gs)):
            core.word(core.list + 8 * i, core.gs[0] + 8 * r.randrange(3) if how == 2 else wild(r, core))


def one_g(r, core):
    g = r.choice(core.gs)
    for _ in range(r.randint(1, 12)):
        core.word(g + 8 * r.randrange(G_BYTES // 8), wild(r, core))


def every_g(r, core):
    """The same word of each."""
    at, value = 8 * r.randrange(G_BYTES // 8), wild(r, core)
    for g in core.gs:
        core.word(g + at, g if r.random() < 0.2 else value)


def stacks(r, core):
    """Return addresses that are none, frames that lead to themselves."""
    for g in core.gs:
        lo, hi = struct.unpack("<QQ", core.read(g, 16))
        sp, = struct.unpack("<Q", core.read(g + 56, 8))
        if lo < sp < hi and core.offset(sp) is not None:
            for at in range(sp, min(hi, sp + 4096), 8):
                if r.random() < 0.2:
                    core.word(at, r.choice([at, sp, hi, wild(r, core)]))


def heap(r, core):
    """Pointers to themselves, to one another and to nothing, wherever there are pointers to the heap."""
    arena = core.list >> 26
    low, high = arena << 26, (arena + 1) << 26  # a segment may begin below: from 1.26 on the heap begins anywhere
    parts = [(max(start, low), min(start + size, high)) for start, _, size in core.loads if start < high and start + size > low]
    for _ in range(2000):
        start, end = r.choice(parts)
        at = start + 8 * r.randrange(min(end - start, MIB) // 8)
        if struct.unpack("<Q", core.read(at, 8))[0] >> 26 == arena or r.random() < 0.1:
            core.word(at, r.choice([at, at + 8, wild(r, core)]))


def everywhere(r, core):
    for _ in range(3000):
        start, _, size = r.choice(core.loads)
        core.word(start + 8 * r.randrange(size // 8), wild(r, core))


HOW = [headers, notes, allgs, one_g, every_g, stacks, heap, everywhere]


def limits(size):
    def set_them():
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_AS, (2 * MOST + size, 2 * MOST + size))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return set_them


def look(command, core, program, to, what):
    """It ends by itself, in time and with little memory; the objects that it printed."""
    with open(to, "wb") as out, open(str(to) + ".err", "wb") as err:
        p = subprocess.Popen([goshawk.GOSHAWK, command, "--json", core.path, program], stdout=out, stderr=err,
                             preexec_fn=limits(core.size))
        _, status, used = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    said = (p.returncode, open(str(to) + ".err").read()[:1000], what)
    assert p.returncode in ((0, 3) if command == "goroutines" else (0, 1, 3)), said
    assert goshawk.asan() or used.ru_maxrss * 1024 < MOST, (used.ru_maxrss, said)
    assert used.ru_utime + used.ru_stime < SECONDS / 2, (used, said)
    return [] if p.returncode == 3 else [json.loads(line) for line in open(to, errors="surrogateescape")]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A core that nothing is wrong with, and its program."""
    at = tmp_path_factory.mktemp("core")
    with Parked(gobuild.NEWEST, "plain", 3, cwd=at) as parked:
        return Core(core_of(parked, "kernel", at), parked.path), parked.path


def by_goid(objects):
    """Without who may have what it waits for: that is of another one's stack."""
    found = {o["goid"]: o for o in objects if o["type"] == "goroutine"}
    for o in found.values():
        (o["waits_for"] or {}).pop("may_have", None)
    return found


def mutants(sound, tmp_path, how, command):
    core, program = sound
    to = tmp_path / "out"
    whole = by_goid(look(command, core, program, to, "sound"))
    assert command != "goroutines" or len(whole) >= GOROUTINES
    for seed in range(EACH):
        r = random.Random("%s %d" % (how.__name__, seed))
        how(r, core)
        core.done()
        try:
            seen = look(command, core, program, to, "%s %d" % (how.__name__, seed))
        finally:
            core.undo()
        yield whole, by_goid(seen)


@pytest.mark.parametrize("how", HOW, ids=lambda how: how.__name__)
def test_goroutines_of_a_changed_core(how, sound, tmp_path):
    for whole, seen in mutants(sound, tmp_path, how, "goroutines"):
        if how is one_g:  # the others are as they were
            assert len([goid for goid in whole if seen.get(goid) == whole[goid]]) >= len(whole) - 1
        elif how is stacks:
            assert set(seen) == set(whole)


@pytest.mark.parametrize("how", HOW, ids=lambda how: how.__name__)
def test_explain_of_a_changed_core(how, sound, tmp_path):
    for _ in mutants(sound, tmp_path, how, "explain"):
        pass


def test_where_one_runs_is_not_known_without_its_thread(tmp_path):
    """What its g says of that is from when it last gave its processor up."""
    with Parked(gobuild.NEWEST, "plain", cwd=tmp_path) as parked:
        core, at = Core(core_of(parked, "gcore", tmp_path), parked.path), 0
        assert any(o["state"] == "running" and o["stack"] for o in by_goid(look("goroutines", core, parked.path, tmp_path / "out", "")).values())
    while at + 12 <= core.notes_size:
        name, size, kind = struct.unpack("<III", core.at(core.notes + at, 12))
        at += 12 + (name + 3 & ~3)
        if kind == NT_PRSTATUS:
            core.put(core.notes + at + FS_BASE, bytes(8))
        at += size + 3 & ~3
    core.done()
    seen = by_goid(look("goroutines", core, parked.path, tmp_path / "out", "no threads"))
    running = [o for o in seen.values() if o["state"] == "running"]
    assert running and not any(o["stack"] for o in running), running


def test_a_core_that_is_cut_anywhere(sound, tmp_path):
    """The less there is the less is shown; where the list of goroutines is there, all of them are."""
    core, program = sound
    cut = Core(tmp_path / "cut", program) if (tmp_path / "cut").write_bytes(core.path.read_bytes()) else None
    r = random.Random("cut")
    ends = sorted((r.randrange(core.size) if r.random() < 0.7 else r.randrange(min(core.size, 20000)) for _ in range(3 * EACH)),
                  reverse=True)
    for end in ends:
        os.truncate(cut.path, end)
        seen = look("goroutines", cut, program, tmp_path / "out", "cut at %d" % end)
        look("explain", cut, program, tmp_path / "out", "cut at %d" % end)
        if end > max(core.offset(at) for at in [core.list + 8 * len(core.gs), core.allgs + 16, *(g + G_BYTES for g in core.gs)]):
            assert len([o for o in seen if o["type"] == "goroutine"]) >= GOROUTINES, end
