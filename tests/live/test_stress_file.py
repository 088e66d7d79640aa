"""stress -o: a copy of a program whose stores wait between their words does what the program does, only
later; other tools read it as before; the way back gives every byte."""

import functools
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import struct
import subprocess
import tempfile
import time

import pytest

import gobuild
import goshawk
import others
import reached
import test_others
from reached import DELAYS, PACKAGES as MORE, SIX as MORE_RELEASES
from test_std import run_tests, verdicts


def copy(program, to, *args, status=0, **kw):
    done = goshawk.run("stress", program, "-o", to, *args, **kw)
    assert done.status == status, done
    return done


def sites(done):
    return int(re.search(r"(\d+) stores? (?:is|are) delayed", done.err)[1])


def undone(new, original, to):
    done = goshawk.run("stress", new, "--undo", "-o", to)
    assert done.status == 0, done
    return to.read_bytes() == pathlib.Path(original).read_bytes()


def counts(program):
    """What the seed has counted."""
    with tempfile.TemporaryDirectory() as folder:
        to = pathlib.Path(folder) / "expect.json"
        done = goshawk.run_plain(program, "all", env={"SEED_EXPECT": str(to), "SEED_GC": "1", "GOMAXPROCS": "4"})
        assert done.status == 0 and done.out == "seed: done\n", done
        return json.loads(to.read_text())["counts"]


counts_alone = functools.lru_cache(maxsize=None)(counts)


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("variant", ["plain", "stripped", "pie", "race", "cgo", "cgo-stripped", "cgo-pie"])
def test_the_seed_computes_the_same(tmp_path, release, variant, delay):
    if not gobuild.ALL and (delay != "none" and variant != "plain" or variant == "race" and release != gobuild.NEWEST):
        pytest.skip("a part of check-all")
    program, new = gobuild.build("seed", release, variant), tmp_path / "new"
    assert sites(copy(program, new, *DELAYS[delay])) > 500
    assert os.stat(new).st_mode == os.stat(program).st_mode
    assert counts(new) == counts_alone(program)
    assert undone(new, program, tmp_path / "old")
    assert os.stat(tmp_path / "old").st_mode == os.stat(program).st_mode


@functools.lru_cache(maxsize=None)
def alone(package, release):
    """How the tests of a package end by themselves."""
    return run_tests(package, release, gobuild.std_test(package, release), "-test.v")


@pytest.mark.skipif(gobuild.ALL, reason="all of Go's tests are next")
@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("package", reached.QUICK)
def test_tests_of_go_pass(tmp_path, release, package, delay):
    copy(gobuild.std_test(package, release), tmp_path / "new", *DELAYS[delay])
    plain, new = alone(package, release), run_tests(package, release, tmp_path / "new", "-test.v")
    assert plain.status == new.status == 0, new
    assert verdicts(plain.out) == verdicts(new.out)


@pytest.mark.skipif(not gobuild.ALL, reason="a part of check-all")
@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("package,newer", [(p, r) for r in MORE_RELEASES for p in MORE])
def test_tests_of_go_end_as_they_do(tmp_path, package, newer, delay):
    """One that fails alone (there is no network here) must fail in the same tests."""
    copy(gobuild.std_test(package, newer), tmp_path / "new", *DELAYS[delay])
    plain, new = alone(package, newer), run_tests(package, newer, tmp_path / "new", "-test.v")
    same = plain.status == new.status and verdicts(plain.out) == verdicts(new.out)
    reached.COPIES.put("%s, %s" % (newer, delay), package, same)
    assert plain.status == new.status, new
    assert verdicts(plain.out) == verdicts(new.out)


@pytest.mark.parametrize("name", ["hugo", "esbuild", "promtool", "gojq", "tsgo"])
def test_programs_of_others_do_their_work(tmp_path, name):
    other = test_others.PROGRAMS[name]
    program, new = other.find(name), tmp_path / "new" / pathlib.Path(other.find(name)).name
    new.parent.mkdir()
    assert sites(copy(program, new, "--delay", "0", timeout=300)) > 2000
    if name == "tsgo":  # it finds its library beside itself
        for f in pathlib.Path(program).parent.glob("*.d.ts"):
            (new.parent / f.name).symlink_to(f)
    assert os.stat(new).st_size <= 1.02 * os.stat(program).st_size
    env = {"HOME": str(tmp_path / "home"), "TZ": "UTC", "NO_COLOR": "1"}
    got = []
    for which, at in (program, tmp_path / "alone"), (new, tmp_path / "delayed"):
        args = other.make(at)
        got.append(test_others.changes(at, other, lambda stdin: goshawk.run_plain(which, *args, cwd=at, env=env, stdin=stdin,
                                                                                 timeout=300)))
    assert got[0] == got[1]
    assert undone(new, program, tmp_path / "old")


def test_ten_thousand_stores(tmp_path, release):
    """The go command: what it says of packages is no different, and it is little larger."""
    go = gobuild.goroot(release) / "bin" / "go"
    new = tmp_path / "go"
    assert sites(copy(go, new, "--delay", "0")) > 7000
    assert os.stat(new).st_size <= 1.02 * os.stat(go).st_size
    env = gobuild.environment(release, False, GOCACHE=str(tmp_path / "cache"))
    said = []
    for which in go, new:
        done = goshawk.run_plain(which, "list", "-deps", "-json", "net/http", env=env, timeout=300)
        assert done.status == 0, done
        said.append(done.out)
    assert said[0] == said[1]


def built_by(go, release):
    """A hash of the `go` command that this one builds, with all its packages anew."""
    with tempfile.TemporaryDirectory() as folder:
        to = pathlib.Path(folder) / "built"
        env = gobuild.environment(release, False, GOCACHE=str(pathlib.Path(folder) / "cache"))
        done = goshawk.run_plain(go, "build", "-trimpath", "-o", to, "cmd/go", env=env, timeout=1200)
        assert done.status == 0, done
        return hashlib.sha256(to.read_bytes()).hexdigest()


built_alone = functools.lru_cache(maxsize=None)(built_by)


@pytest.mark.skipif(not gobuild.ALL, reason="a part of check-all")
@pytest.mark.parametrize("newer,delay", [(r, d) for r in MORE_RELEASES for d in DELAYS])
def test_go_builds_itself(tmp_path, newer, delay):
    """A copy of the go command builds the same bytes."""
    go = gobuild.goroot(newer) / "bin" / "go"
    copy(go, tmp_path / "go", *DELAYS[delay])
    same = built_by(tmp_path / "go", newer) == built_alone(go, newer)
    reached.COPIES.put("%s, %s" % (newer, delay), "go build", same)
    assert same


RACES = {"string": "marked free object|found bad pointer|fault|out of range|unexpected signal",
         "slice": "nil pointer|fault|found bad pointer|marked free object",
         "append": "nil pointer|fault|found bad pointer|marked free object",
         "interface": "nil pointer|fault|found bad pointer"}
STORES = {"string": "setText", "slice": "setList", "append": "setAppended", "interface": "setValue"}


def run_racing(program, *args):
    return subprocess.Popen([program, *args], env=dict(os.environ, GOMAXPROCS="4"), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, errors="replace")


def lived(program, kind):
    """For a second. What kills it otherwise is what the race does."""
    with run_racing(program, kind, "none", "1") as p:
        out, err = p.communicate(timeout=60)
    if p.returncode == 2 and out == "" and re.search(RACES[kind], err):
        return False
    assert (p.returncode, out, err) == (0, "lived true\n", "")
    return True


@pytest.mark.parametrize("kind", RACES)
def test_a_race_kills(tmp_path, release, kind):
    """With a delay in its store, and not with one in another, nor by itself. The newest release: test_stress_hunt.py."""
    if not gobuild.ALL and release == gobuild.NEWEST:
        pytest.skip("a part of check-all")
    program, new, control = gobuild.build("racing", release), tmp_path / "new", tmp_path / "control"
    store = "main.(*object)." + STORES[kind]
    copy(program, new, store, "--delay", "100us")
    copy(program, control, "main.*", "!" + store, "--delay", "100us")
    with run_racing(new, kind, "none", "60") as dies:
        said = dies.communicate(timeout=90)[1]
    assert dies.returncode == 2 and re.search(RACES[kind], said), said
    for lives in control, program:
        # it races all the same: on a busy machine the kernel stops a thread between the two words now and then
        assert lived(lives, kind) or lived(lives, kind) and lived(lives, kind)
    reached.KILLED.put(release, kind, True, ["dies"])


def test_by_id(tmp_path):
    program = gobuild.build("racing", gobuild.NEWEST)
    listed = goshawk.run("stress", "--list", "--json", program, "main.(*object).*")
    ids = [o["id"] for o in map(json.loads, listed.out.splitlines()) if o["type"] == "torn_store"]
    assert len(ids) == 4
    done = copy(program, tmp_path / "new", "--site", ids[0], "--site", ids[3], "--json")
    objects = [json.loads(line) for line in done.out.splitlines()]
    assert [o["id"] for o in objects if o["type"] == "torn_store"] == [ids[0], ids[3]]
    assert objects[0]["type"] == "begin" and objects[-1]["type"] == "end"
    assert objects[-1]["sites"] == 2 and objects[-1]["seed"] > 0
    done = goshawk.run("stress", program, "-o", tmp_path / "other", "--site", "main.main+0x1")
    assert done.status == 2 and not (tmp_path / "other").exists()


def test_what_a_copy_leaves_out_has_a_reason():
    """Some of these --list calls delayable, because in a process they are."""
    program = gobuild.goroot(gobuild.NEWEST) / "bin" / "go"
    planned = goshawk.run("stress", "--plan", "--json", program, "crypto/...")
    *stores, end = [o for o in map(json.loads, planned.out.splitlines()) if o["type"] in ("torn_store", "end")]
    refused = [o for o in stores if not o["delayable"]]
    assert len(stores) - len(refused) == end["sites"] and len(refused) == end["refused"] > 0
    assert "the program's FIPS 140 self-check sums this code" in {o["reason"] for o in refused}
    assert all(o["delayable"] == (o["reason"] is None) for o in stores)


def test_an_id_that_is_given_twice(tmp_path):
    """It is one store: two jumps at one place could not be taken out again."""
    program = gobuild.build("racing", gobuild.NEWEST)
    listed = goshawk.run("stress", "--list", "--json", program, "main.(*object).*")
    twice = ["--site", json.loads(listed.out.splitlines()[1])["id"]] * 2
    assert sites(copy(program, tmp_path / "new", *twice)) == 1
    assert undone(tmp_path / "new", program, tmp_path / "old")


def test_an_id_that_several_stores_have(tmp_path):
    """Instances of a generic function have one name up to Go 1.20."""
    program = gobuild.build("seed", "1.20.14")
    listed = goshawk.run("stress", "--list", "--json", program, "main.*")
    ids = [o["id"] for o in map(json.loads, listed.out.splitlines()) if o["type"] == "torn_store"]
    site = next(i for i in ids if ids.count(i) > 1)
    assert sites(copy(program, tmp_path / "new", "--site", site)) == ids.count(site)
    assert undone(tmp_path / "new", program, tmp_path / "old")


def test_nothing_to_list():
    """An empty list is said to be one."""
    done = goshawk.run("stress", "--list", gobuild.build("racing", gobuild.NEWEST), "main.(*counts).speak")
    assert (done.status, done.out) == (0, "") and "what these patterns match stores no value of several words" in done.err, done


def test_the_same_input_gives_the_same_copy(tmp_path):
    program = gobuild.build("seed", gobuild.NEWEST)
    for name, args in ("a", []), ("b", []), ("c", ["--seed", "5"]), ("d", ["--chance", "1%"]):
        copy(program, tmp_path / name, *args)
    a, b, c, d = ((tmp_path / n).read_bytes() for n in "abcd")
    assert a == b and a != c and a != d


def test_one_thread_and_several_give_the_same_copy(tmp_path, release):
    """The Go command has functions enough for several threads."""
    program, cpu = gobuild.goroot(release) / "bin" / "go", str(min(os.sched_getaffinity(0)))
    for name, before in ("one", ["taskset", "-c", cpu]), ("several", []):
        done = goshawk.run_plain(*before, goshawk.GOSHAWK, "stress", program, "-o", tmp_path / name)
        assert done.status == 0 and "stores are delayed" in done.err, done
    assert (tmp_path / "one").read_bytes() == (tmp_path / "several").read_bytes()
    lists = [goshawk.run_plain(*before, goshawk.GOSHAWK, "stress", "--list", program).out for before in (["taskset", "-c", cpu], [])]
    assert lists[0] == lists[1] and lists[0].count("\n") > 5000


def changed(a, b):
    """The runs of bytes in which two files of bytes differ, as far as both reach."""
    at, runs = 0, set()
    for at in range(0, min(len(a), len(b)), 64):
        if a[at:at + 64] != b[at:at + 64]:
            runs |= {i for i in range(at, min(at + 64, len(a))) if a[i] != b[i]}
    return runs


@pytest.mark.parametrize("variant", ["plain", "cgo"])
def test_every_changed_byte_is_explained(tmp_path, release, variant):
    program = gobuild.build("seed", release, variant)
    copy(program, tmp_path / "new")
    plan = goshawk.run("stress", program, "--plan")
    assert plan.status == 0, plan
    old, new = pathlib.Path(program).read_bytes(), (tmp_path / "new").read_bytes()
    explained = set(range(64))  # the header
    for off, was, now in re.findall(r"file offset (0x[0-9a-f]+): ([0-9a-f ]+) -> ([0-9a-f ]+)", plan.out):
        off, was, now = int(off, 16), bytes.fromhex(was), bytes.fromhex(now)
        assert old[off:off + len(was)] == was and new[off:off + len(now)] == now
        explained |= set(range(off, off + len(was)))
    n = int(re.search(r"program headers: (\d+) in the place of", plan.out)[1])
    explained |= set(range(64, 64 + 56 * n))
    assert changed(old, new) <= explained
    assert "nanosleep" in plan.out or "syscall" in plan.out


@pytest.mark.parametrize("variant", ["plain", "pie", "cgo"])
def test_other_tools_read_it(tmp_path, release, variant):
    if not gobuild.ALL and variant != "plain" and release != gobuild.NEWEST:
        pytest.skip("a part of check-all")
    program, new = gobuild.build("seed", release, variant), tmp_path / "new"
    copy(program, new, "--delay", "0")
    go = gobuild.goroot(gobuild.NEWEST) / "bin" / "go"
    for tool in (["readelf", "-lSWn"], ["objdump", "-d", "--section=.text"], [go, "version", "-m"], [go, "tool", "buildid"],
                 ["gdb", "-nx", "-batch", "-ex", "info functions ^main\\.main$", "-ex", "info line main.main"]):
        if not shutil.which(tool[0]):
            continue
        a, b = (goshawk.run_plain(*tool, p, env=gobuild.environment(gobuild.NEWEST, False)) for p in (program, new))
        assert a.status == b.status == 0, b
        assert "arning" not in b.err or "arning" in a.err, b
        if "version" in tool or "buildid" in tool:
            assert a.out.replace(str(program), "") == b.out.replace(str(new), "")
        assert "main.main" in b.out or "gdb" not in tool
    info = goshawk.run("info", new)
    assert "stores are delayed by 0s" in info.out and "delayed" not in goshawk.run("info", program).out


@pytest.mark.skipif(not gobuild.ALL, reason="a part of check-all")
@pytest.mark.skipif(not shutil.which("perf"), reason="perf is not installed")
def test_perf_reads_it(tmp_path):
    """It tells which functions a copy is in, as it does for the original."""
    program, new, to = gobuild.build("seed", gobuild.NEWEST), tmp_path / "seed", tmp_path / "data"
    copy(program, new, "--delay", "0")
    for p in program, new:
        done = goshawk.run_plain("perf", "record", "-q", "-e", "cpu-clock", "-F", "4000", "-o", to, p, "all")
        if done.status and p == program:
            pytest.skip(done.err)
        assert done.status == 0 and done.out == "seed: done\n", done
        done = goshawk.run_plain("perf", "report", "--stdio", "--sort", "symbol", "-i", to)
        assert done.status == 0, done
        names = set(re.findall(r"\[\.\] ([a-z]+\.\S+)", done.out))
        assert any(n.startswith("main.") for n in names) and any(n.startswith("runtime.") for n in names), done


def test_info_and_undo_of_a_damaged_copy(tmp_path):
    program, new = gobuild.build("racing", gobuild.NEWEST), tmp_path / "new"
    copy(program, new)
    whole = new.read_bytes()
    at = whole.index(b"goshawk delays\n\0")
    for where in at + 40, at + 70, at + 200:
        new.write_bytes(whole[:where] + bytes([whole[where] ^ 1]) + whole[where + 1:])
        done = goshawk.run("stress", new, "--undo", "-o", tmp_path / "old")
        assert done.status == 3 and "checksum" in done.err, done
    new.write_bytes(whole[:0x1100] + bytes([whole[0x1100] ^ 1]) + whole[0x1101:])
    done = goshawk.run("stress", new, "--undo", "-o", tmp_path / "old")
    assert done.status == 3 and "changed again" in done.err, done
    assert not (tmp_path / "old").exists()


def program_headers(data):
    """Where they begin, how many there are; and the rows of those that are loaded."""
    at, n = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    return at, n, [at + 56 * i for i in range(n) if struct.unpack_from("<I", data, at + 56 * i)[0] == 1]


def test_a_table_that_can_not_grow(tmp_path, release):
    """Something lies behind it that no section header accounts for: a new table is put into the copy."""
    program = tmp_path / "full"
    data = bytearray(gobuild.build("racing", release).read_bytes())
    at, n, _ = program_headers(data)
    struct.pack_into("<Q", data, 40, 0)  # sections
    struct.pack_into("<HHH", data, 58, 0, 0, 0)
    data[at + 56 * n] = 0xaa
    program.write_bytes(data)
    program.chmod(0o755)
    copy(program, tmp_path / "new", "--delay", "0")
    new = (tmp_path / "new").read_bytes()
    assert program_headers(new)[0] > len(data) and new[64:0x1000] == data[64:0x1000]
    done = goshawk.run_plain(tmp_path / "new", "string", "mutex", "1")
    assert (done.status, done.out) == (0, "lived true\n"), done
    assert undone(tmp_path / "new", program, tmp_path / "old")


@pytest.mark.parametrize("variant", ["plain", "stripped", "cgo-pie"])
def test_what_is_appended_stays_at_the_end(tmp_path, release, variant):
    """Programs read it from there: a zip archive, say."""
    program = tmp_path / "carries"
    shutil.copy(gobuild.build("seed", release, variant), program)
    with open(program, "ab") as f:
        f.write(b"what it carries" * 1000)
    copy(program, tmp_path / "new", "main.*")
    assert (tmp_path / "new").read_bytes().endswith(b"what it carries" * 1000)
    assert undone(tmp_path / "new", program, tmp_path / "old")
    assert goshawk.run_plain(tmp_path / "new", "all").status == 0


def test_a_copy_lends_nobody_rights(tmp_path):
    """It belongs to whoever made it: set-uid would mean another user than in the original."""
    program = tmp_path / "lends"
    shutil.copy(gobuild.build("racing", gobuild.NEWEST), program)
    program.chmod(0o6751)
    copy(program, tmp_path / "new", "main.*")
    assert undone(tmp_path / "new", program, tmp_path / "old")
    assert [os.stat(tmp_path / made).st_mode & 0o7777 for made in ("new", "old")] == [0o751, 0o751]


class TestNothingIsLeftBehind:
    @pytest.fixture
    def program(self):
        return gobuild.build("racing", gobuild.NEWEST)

    def refused(self, folder, *args, status, says, **kw):
        before = sorted(p.name for p in folder.iterdir())
        done = goshawk.run("stress", *args, **kw)
        assert done.status == status and says in done.err, done
        assert len(done.err.splitlines()) == 1, done
        assert sorted(p.name for p in folder.iterdir()) == before

    def test_over_itself(self, tmp_path, program):
        mine = tmp_path / "mine"
        shutil.copy(program, mine)
        (tmp_path / "link").symlink_to(mine)
        os.link(mine, tmp_path / "hard")
        for to in "mine", "link", "hard":
            self.refused(tmp_path, mine, "-o", tmp_path / to, status=5, says="is the input itself")
        assert mine.read_bytes() == pathlib.Path(program).read_bytes()

    def test_a_copy_of_a_copy(self, tmp_path, program):
        copy(program, tmp_path / "new")
        self.refused(tmp_path, tmp_path / "new", "-o", tmp_path / "newer", status=5, says="delays are in it already")
        self.refused(tmp_path, tmp_path / "new", "--list", status=5, says="delays are in it already")
        self.refused(tmp_path, program, "--undo", "-o", tmp_path / "newer", status=2, says="no delays are in it")
        for more in [], ["-o", tmp_path / "newer", "main.*"]:
            self.refused(tmp_path, tmp_path / "new", "--undo", *more, status=2, says="out of one copy, and needs -o OLD")

    def test_a_file_that_may_not_grow(self, tmp_path, program):
        done = subprocess.run([goshawk.GOSHAWK, "stress", program, "-o", tmp_path / "new"], stderr=subprocess.PIPE, text=True,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
        assert done.returncode == 8 and "File too large" in done.stderr, done
        assert not list(tmp_path.iterdir())

    def test_a_full_disk(self, tmp_path, program):
        self.refused(tmp_path, program, "-o", "/dev/full", status=8, says="No space left")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_folder_that_may_not_be_written(self, tmp_path, program):
        folder = tmp_path / "folder"
        folder.mkdir(mode=0o555)
        self.refused(folder, program, "-o", folder / "new", status=6, says="Permission denied")

    def mounted(self, folder, program, options):
        """In a file system of its own, which nobody else sees: what goshawk says, and what lies there then."""
        script = 'mount -t tmpfs -o "$1" none "$2" && { "$3" stress "$4" -o "$2/new"; echo $?; ls -A "$2"; }'
        done = goshawk.run_plain("unshare", "-m", "sh", "-c", script, "sh", options, folder, goshawk.GOSHAWK, program)
        if "mount: " in done.err or "unshare: " in done.err:
            pytest.skip(done.err)
        assert len(done.err.splitlines()) == 1, done
        return done.out.split(), done.err

    def test_a_full_file_system(self, tmp_path, program):
        there, said = self.mounted(tmp_path, program, "size=1m")
        assert there == ["8"] and "No space left" in said

    def test_a_file_system_that_may_not_be_written(self, tmp_path, program):
        there, said = self.mounted(tmp_path, program, "ro")
        assert there == ["6"] and "Read-only file system" in said

    def test_a_folder_that_is_not_there(self, tmp_path, program):
        self.refused(tmp_path, program, "-o", tmp_path / "none" / "new", status=8, says="No such file")

    def test_a_process(self, tmp_path):
        self.refused(tmp_path, str(os.getpid()), "-o", tmp_path / "new", status=3, says="not a Go program")

    @pytest.mark.parametrize("what", ["--list", "--undo"])
    @pytest.mark.parametrize("args", [["--site", "nonsense"], ["--every", "3"], ["--chance", "2"], ["--seed", "1"], ["--delay", "1ms"],
                                      ["--max-overhead", "5"], ["--fips-resum"]])
    def test_nothing_is_delayed(self, tmp_path, program, what, args):
        self.refused(tmp_path, program, what, *args, status=2, says="nothing is delayed: without " + args[0])

    @pytest.mark.parametrize("args,says", [
        (["--delay", "11s"], "at most 10s"), (["--chance", "2"], "--chance 2"), (["--chance", "x"], "--chance x"),
        (["--chance", "1%", "--every", "2"], "exclude each other"), (["--every", "9999999999"], "--every"),
        (["main.nothing"], "main.nothing"), (["--max-overhead", "99999"], "--max-overhead"),
        (["--undo", "--list"], "one of them"), (["--plan", "--list"], "one of them"),
        (["--every", "0"], "--every 0: give more"), (["--report", "kept"], "--report: with --until-crash"),
        (["--show-output"], "--show-output: with --until-crash"),
    ])
    def test_wrong_usage(self, tmp_path, program, args, says):
        done = goshawk.run("stress", program, "-o", tmp_path / "new", *args)
        assert done.status == 2 and says in done.err, done
        assert not list(tmp_path.iterdir())

    def edited(self, folder, program, edit):
        data = bytearray(program.read_bytes())
        edit(data, *program_headers(data))
        (folder / "edited").write_bytes(data)
        return folder / "edited"

    def test_no_room_in_any_table(self, tmp_path, program):
        def edit(data, at, n, loads):
            struct.pack_into("<Q", data, 32, len(data))
            struct.pack_into("<H", data, 56, 63)
            data += data[at:at + 56 * n] + bytes(56 * (63 - n))  # PT_NULL

        self.refused(tmp_path, self.edited(tmp_path, program, edit), "-o", tmp_path / "new", status=4,
                     says="has 63 program headers, more than are expected")

    def test_no_room_that_its_code_reaches(self, tmp_path, program):
        def edit(data, at, n, loads):
            struct.pack_into("<Q", data, loads[-1] + 40, 3 << 30)  # zeroed data of 3 GiB

        self.refused(tmp_path, self.edited(tmp_path, program, edit), "-o", tmp_path / "new", status=4,
                     says="spans more than 2 GiB, so its code can't reach what is put behind it")

    def test_no_room_in_the_address_space(self, tmp_path, program):
        def edit(data, at, n, loads):
            va = struct.unpack_from("<Q", data, loads[-1] + 16)[0]
            struct.pack_into("<Q", data, loads[-1] + 40, (1 << 64) - 4096 - va)

        self.refused(tmp_path, self.edited(tmp_path, program, edit), "-o", tmp_path / "new", status=3,
                     says="has a segment at address 0x")

    def test_killed(self, tmp_path, program):
        """At any moment: the copy is there and whole, or it is not there under its name."""
        copy(program, tmp_path / "whole")
        for ms in range(0, 60, 4):
            new = tmp_path / "new"
            with subprocess.Popen([goshawk.GOSHAWK, "stress", program, "-o", new], stderr=subprocess.DEVNULL) as p:
                time.sleep(ms / 1000)
                p.kill()
            assert not new.exists() or new.read_bytes() == (tmp_path / "whole").read_bytes()

    def test_while_it_runs(self, tmp_path, program):
        """A copy takes the place of one that is being executed, which goes on with its own."""
        new = tmp_path / "new"
        copy(program, new, "--delay", "0", "main.main")
        with subprocess.Popen([new, "string", "mutex"], stdout=subprocess.DEVNULL) as p:
            time.sleep(0.2)
            copy(program, new)
            assert p.poll() is None
            p.kill()


def test_one_store_is_no_stores(tmp_path):
    """What is said of one is said in the singular: `main.items` has two stores, and one of them can't wait in a file."""
    program, site = gobuild.build("racing", gobuild.NEWEST), "main.(*object).setText+0x13"
    done = copy(program, tmp_path / "new", "main.items")
    assert ": 1 store is delayed by " in done.err and "\n[goshawk] 1 other can't be delayed (--plan says why)\n" in done.err, done
    assert goshawk.run("stress", program, "main.items", "--plan").out.endswith("\n1 store is delayed, 1 refused\n")
    done = goshawk.run("stress", "--site", site, "--plan", "--", program)
    assert "\n1 store is delayed, 0 refused, " in done.out, done


@pytest.fixture(params=["plain", "pie"])
def fips(tmp_path, request):
    source = tmp_path / "source"
    source.mkdir()
    (source / "go.mod").write_text("module sums\n\ngo 1.24\n")
    (source / "main.go").write_text('package main\n\nimport (\n\t"crypto/sha256"\n\t"crypto/tls"\n\t"fmt"\n)\n\n'
                                    "func main() {\n\tfmt.Printf(\"%x %v\\n\", sha256.Sum256([]byte(\"x\")), new(tls.Config) != nil)\n}\n")
    return gobuild.build("fips-check", gobuild.NEWEST, request.param, source=source)


def test_fips(tmp_path, fips):
    """The self-check of a FIPS 140 build sums its code, which is left alone."""
    done = copy(fips, tmp_path / "new", "--delay", "0", "crypto/...")
    got = goshawk.run_plain(tmp_path / "new", env={"GODEBUG": "fips140=on"})
    assert got.status == 0 and got.out.startswith("2d711642b726b044"), got
    plan = goshawk.run("stress", fips, "--plan", "crypto/...")
    assert "FIPS 140 self-check" in plan.out and "others can't be" in done.err


def test_fips_resum(tmp_path, fips):
    """On request its code is delayed, too, and the self-check passes; a wrong sum is seen."""
    new, on = tmp_path / "new", {"GODEBUG": "fips140=on"}
    some = sites(copy(fips, new, "--delay", "0", "crypto/..."))
    done = copy(fips, new, "--delay", "0", "crypto/...", "--fips-resum")
    assert sites(done) > some and "no validated module" in done.err
    got = goshawk.run_plain(new, env=on)
    assert got.status == 0 and got.out.startswith("2d711642b726b044"), got
    assert undone(new, fips, tmp_path / "old")
    whole = new.read_bytes()
    at = whole.index(b"\xff Go fipsinfo \xff\0") + 16
    new.write_bytes(whole[:at] + b"1" * 32 + whole[at + 32:])
    got = goshawk.run_plain(new, env=on)
    assert got.status == 2 and "verification mismatch" in got.err, got
    done = goshawk.run("stress", gobuild.build("racing", "1.17.13"), "-o", tmp_path / "none", "--fips-resum")
    assert done.status == 2 and "no FIPS 140 self-check" in done.err, done
