"""What is not a sound Go program gets one sentence and its own exit status, within a second."""

import array
import fcntl
import os
import pathlib
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time

import pytest

import gobuild
import goshawk
from attaching import ours

SECOND = 10 if goshawk.asan() else 1  # of processor time: others may have the machine
FORMAT, UNSUPPORTED, REFUSED, DENIED = 3, 4, 5, 6
NOBODY = 65534


def children():
    """Processor time of those that have ended."""
    t = os.times()
    return t.children_user + t.children_system


def says(status, pattern, *args, user=None):
    """goshawk fails with this status, and one sentence that matches."""
    before = children()
    done = subprocess.run([goshawk.GOSHAWK, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, errors="replace", timeout=60, user=user,
                          group=user, extra_groups=[] if user else None, cwd="/" if user else None)
    took = children() - before
    ended = goshawk.Ended(done)
    assert ended.status == status, ended
    lines = ended.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("goshawk: "), ended
    assert re.search(pattern, lines[0]), ended
    assert took < SECOND, "%s took %.1f s" % (args, took)
    return ended


COMMANDS = [["info"], ["funcs"], ["types"], ["disasm"]]


def each_command(status, pattern, path, user=None):
    """Commands that look into a file, and `trace`, say the same about it."""
    for command in COMMANDS:
        says(status, pattern, *command, path, *(["main.main"] if command == ["disasm"] else []), user=user)
    if os.access(path, os.X_OK) and os.path.isfile(path):
        says(status, pattern, "trace", "main.*", "--", path, user=user)


def test_a_c_program():
    each_command(FORMAT, r"^goshawk: /bin/ls: not a Go program \(no build information and no function table\)$",
                 "/bin/ls")


def test_a_text_file(tmp_path):
    (tmp_path / "notes").write_text("just some text\n")
    each_command(FORMAT, "not a program", tmp_path / "notes")


def test_a_script(tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho hello\n")
    script.chmod(0o755)
    each_command(FORMAT, "script", script)


def test_an_empty_file(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    each_command(FORMAT, "empty file", tmp_path / "empty")


def test_a_directory(tmp_path):
    each_command(FORMAT, "directory", tmp_path)
    says(FORMAT, "directory", "trace", "main.*", "--", tmp_path)


def test_a_file_that_may_not_be_executed(tmp_path):
    (tmp_path / "notes").write_text("just some text\n")
    says(DENIED, r"/notes: no permission to execute it \(chmod \+x\)$", "trace", "main.*", "--", tmp_path / "notes")


def test_a_plugin(release):
    """Its tables are put together when a program loads it; looking for them says what it is. (All of the library is
    compiled anew for it.)"""
    if not gobuild.ALL and release not in gobuild.ENDS:
        pytest.skip("a part of check-all")
    source = gobuild.ROOT / "tests/go/seed"
    path = gobuild.go(release, ["build", "-tags=cgoseed", "-buildmode=plugin", "."], "seed-plugin", source, True,
                      key=(source,))
    each_command(UNSUPPORTED, "plugin", path)


def test_a_process_that_has_loaded_a_go_library(release):
    """It is no Go program, but somebody who looks for Go in it is told where it is; what is named looks into it."""
    if not gobuild.ALL and release not in gobuild.ENDS:
        pytest.skip("a part of check-all")
    source = gobuild.ROOT / "tests/go/seed"
    library = gobuild.go(release, ["build", "-tags=cgoseed", "-buildmode=c-shared", "."], "seed-c-shared", source, True, key=(source,))
    load = "import ctypes, sys; ctypes.CDLL(sys.argv[1]); print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", load, library], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as p:
        assert p.stdout.readline() == "ready\n"
        for command in ["info"], ["funcs"], ["goroutines"], ["explain", "-p"], ["trace", "main.*", "-p"]:
            done = says(FORMAT, r"^goshawk: \S+: not a Go program, but it has loaded a Go library, /\S+: info, funcs, types, disasm "
                        "and check look into that file; what runs of it can't be looked into$", *command, str(p.pid))
            assert str(library.resolve()) in done.err
        p.stdin.close()
    for command in [["info"], ["funcs"], ["types"], ["disasm"], ["check"]]:
        done = goshawk.run(*command, library, *(["main.main"] if command == ["disasm"] else []))
        assert done.status in (0, 1) and done.out, (command, done)


def test_a_device():
    each_command(FORMAT, "not a regular file", "/dev/null")


def test_nothing_there(tmp_path):
    for command in COMMANDS[:3]:
        says(8, "(?i)no such file", *command, tmp_path / "nothing")
    says(8, "(?i)no such", "trace", "main.*", "--", tmp_path / "nothing")


def built_for(processor):
    source = gobuild.ROOT / "tests/go/bare"
    return gobuild.go(gobuild.NEWEST, ["build", "."], "bare-" + processor, source, key=(source,), GOARCH=processor)


def test_an_empty_name():
    """As of a variable that is not set."""
    for command in ("info", "funcs", "check", "goroutines"):
        says(2, "%s: which program\\? Give a " % command, command, "")
    says(2, "explain: what died\\? ", "explain", "")
    for command in (("trace", "main.*"), ("spans",), ("explain",)):
        says(2, "which program\\? Its name is empty$", *command, "--", "")


def test_an_arm64_program():
    each_command(UNSUPPORTED, r"arm64|aarch64", built_for("arm64"))


def test_an_i386_program():
    each_command(UNSUPPORTED, r"386|32.bit|x86-64 only", built_for("386"))


def test_an_unknown_release(tmp_path):
    text = gobuild.build("odd", gobuild.NEWEST).read_bytes()
    new = tmp_path / "new"
    new.write_bytes(text.replace(b"go" + gobuild.NEWEST.encode(), b"go1.99.1"))
    new.chmod(0o755)
    each_command(UNSUPPORTED, r"go1\.99\.1", new)


def test_an_old_release(tmp_path):
    text = gobuild.build("odd", "1.17.13").read_bytes()
    new = tmp_path / "old"
    new.write_bytes(text.replace(b"go1.17.13", b"go1.12.13"))
    new.chmod(0o755)
    each_command(UNSUPPORTED, r"go1\.12\.13", new)


def drop(tmp_path, path):
    """A folder where another user can reach goshawk's own file and a copy of the program."""
    os.chmod(tmp_path, 0o755)
    for parent in tmp_path.parents:
        if not os.stat(parent).st_mode & 0o001:
            if os.stat(parent).st_uid != os.getuid():
                pytest.skip("%s can't be reached by another user" % parent)
            os.chmod(parent, os.stat(parent).st_mode | 0o001)
    copy = tmp_path / "program"
    shutil.copy(path, copy)
    copy.chmod(0o755)
    tool = tmp_path / "goshawk"
    shutil.copy(goshawk.GOSHAWK, tool)
    tool.chmod(0o755)
    return tool, copy


def test_no_permission(tmp_path, monkeypatch):
    if os.getuid() != 0:
        target = tmp_path / "program"
        shutil.copy(gobuild.build("odd", gobuild.NEWEST), target)
        target.chmod(0)
        each_command(DENIED, "no permission|permitted|denied", target)
        return
    tool, copy = drop(tmp_path, gobuild.build("odd", gobuild.NEWEST))
    copy.chmod(0o600)
    monkeypatch.setattr(goshawk, "GOSHAWK", tool)
    for command in COMMANDS[:3]:
        says(DENIED, "permission", *command, copy, user=NOBODY)
    copy.chmod(0o711)
    says(DENIED, "permission", "trace", "main.*", "--", copy, user=NOBODY)


@pytest.mark.ptrace
@pytest.mark.skipif(os.getuid() != 0, reason="a user without rights is another one")
def test_what_may_not_be_looked_at(tmp_path, monkeypatch):
    """It is not permitted, as what may not be read is: no 'no such file', no failure of a disk."""
    tool, copy = drop(tmp_path, gobuild.build("odd", gobuild.NEWEST))
    locked = copy.parent / "locked"
    locked.mkdir(mode=0o700)
    log = copy.parent / "log"
    log.write_text("panic: x\n")
    log.chmod(0o600)
    monkeypatch.setattr(goshawk, "GOSHAWK", tool)
    says(DENIED, "ermission", "trace", "main.*", "--", locked / "program", user=NOBODY)
    for path in log, locked / "log":
        says(DENIED, "ermission", "explain", path, user=NOBODY)
    says(8, "log: No such file", "explain", "/nowhere/log", user=NOBODY)


@pytest.mark.ptrace
def test_a_process_that_its_shell_has_only_just_made():
    """`program & goshawk … -p $!`: for a moment the process is still the shell."""
    program = str(gobuild.build("parked", gobuild.NEWEST))
    script = '(read line; exec "$0" 3) <"$2" & "$1" goroutines --json -p $!; kill $!'
    with tempfile.TemporaryDirectory() as folder:
        fifo = os.path.join(folder, "fifo")
        os.mkfifo(fifo)
        done = subprocess.Popen(["sh", "-c", script, program, goshawk.GOSHAWK, fifo], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True)
        with open(fifo, "w") as begin:
            time.sleep(0.1)  # goshawk is to come first
            begin.write("\n")
            begin.flush()
            out, said = done.communicate(timeout=60)  # its end is that of the program's input, too
    assert done.returncode == 0 and '"type":"begin"' in out and 'parked' in out, said


@pytest.mark.ptrace
@pytest.mark.skipif(os.getuid() != 0, reason="to take /proc away takes root")
@pytest.mark.skipif(goshawk.asan(), reason="the sanitizers want /proc")
@pytest.mark.parametrize("args", [["trace", "main.*", "--"], ["explain", "--"], ["spans", "--func", "main.*", "--"],
                                  ["goroutines", "-p", "1"], ["trace", "main.*", "-p", "shop"]],
                         ids=lambda args: " ".join(args[:2]))
def test_without_proc_nobody_is_said_to_have_ended(args):
    program = [gobuild.build("shop", gobuild.NEWEST)] if args[-1] == "--" else []
    done = goshawk.run_plain("unshare", "--mount", "sh", "-c", 'umount -l /proc; exec "$@"', "sh", goshawk.GOSHAWK,
                             *args, *program)
    assert (done.status, done.out) == (DENIED, ""), done
    assert done.err.startswith("goshawk: /proc is not mounted here"), done


@pytest.mark.ptrace
@pytest.mark.skipif(os.getuid() != 0, reason="a pid namespace takes root")
@pytest.mark.skipif(goshawk.asan(), reason="the sanitizers want a /proc that knows them")
@pytest.mark.parametrize("args", [["trace", "main.*", "--"], ["explain", "--"], ["goroutines", "-p", "1"], ["check", "-p", "shop"]],
                         ids=lambda args: " ".join(args[:2]))
def test_another_namespaces_proc_is_not_believed(args):
    """There its numbers are those of other processes, which would be looked at and written to."""
    program = [gobuild.build("shop", gobuild.NEWEST)] if args[-1] == "--" else []
    done = goshawk.run_plain("unshare", "--pid", "--fork", goshawk.GOSHAWK, *args, *program)
    assert (done.status, done.out) == (DENIED, ""), done
    assert done.err.startswith("goshawk: /proc is that of another pid namespace"), done


def test_the_name_of_a_process_in_the_place_of_a_file(tmp_path):
    """It is told how processes are named."""
    program = tmp_path / "hawk-prey"
    shutil.copy(gobuild.build("parked", gobuild.NEWEST), program)
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as p:
        try:
            says(8, "hawk-prey: no such file here; the process is -p hawk-prey$", "goroutines", "hawk-prey")
        finally:
            p.kill()


@pytest.mark.ptrace
@pytest.mark.parametrize("status, sentence, what", [
    (FORMAT, "an empty file$", ""), (FORMAT, r"not a program \(no ELF header\)$", "just some text\n"),
    (8, "can't be started: No such file or directory$", "#!/no/such/shell\n"), (FORMAT, "a directory, not a program$", None)])
def test_what_can_not_be_run_is_not_explained(status, sentence, what, tmp_path):
    """It has not ended with status 127: it has not begun."""
    program = tmp_path / "program"
    if what is None:
        program.mkdir()
    else:
        program.write_text(what)
        program.chmod(0o755)
    says(status, sentence, "explain", "--", program)


@pytest.mark.ptrace
def test_a_program_for_other_processors_is_not_explained():
    says(UNSUPPORTED, "a program for arm64", "explain", "--", built_for("arm64"))


@pytest.mark.ptrace
def test_nothing_runs_when_what_it_tells_can_not_be_written(tmp_path):
    says(8, "cannot create", "explain", "-o", tmp_path / "no" / "such", "--", "/bin/sh", "-c", "touch %s/ran" % tmp_path)
    assert not os.listdir(tmp_path)


@pytest.mark.ptrace
def test_a_set_uid_program(tmp_path, monkeypatch):
    tool, copy = drop(tmp_path, gobuild.build("odd", gobuild.NEWEST))
    copy.chmod(0o4755)
    if not os.stat(copy).st_mode & 0o4000:
        pytest.skip("set-uid files can't be made here")
    monkeypatch.setattr(goshawk, "GOSHAWK", tool)
    says(REFUSED, "set-uid", "trace", "main.*", "--", copy, "exit", "0", user=NOBODY if os.getuid() == 0 else None)


@pytest.mark.ptrace
@pytest.mark.parametrize("gib", [1.5, 2.5, 8.5, 9])
@pytest.mark.skipif(goshawk.asan(), reason="the sanitizer needs addresses")
def test_addresses_are_limited(gib, tmp_path):
    """Go asks for most of its own after us, and dies where there are none left. One thread has 8 MiB of buffer."""
    program = gobuild.build("seed", gobuild.NEWEST)
    limit = int(gib * 2**30)
    done = subprocess.run([goshawk.GOSHAWK, "trace", "--engine", "inline", "-o", tmp_path / "out", "main.nine", "--", program,
                           "values"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=60, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    if gib < 2:
        assert done.returncode == REFUSED, done
        assert "its addresses are limited to 1536 MiB (ulimit -v), and too few are left for buffers" in done.stderr
        return
    assert done.returncode == 0, done
    assert "main.nine(" in (tmp_path / "out").read_text()


@pytest.mark.ptrace
def test_a_pattern_that_matches_nothing_offers_the_nearest_names():
    program = gobuild.build("seed", gobuild.NEWEST)
    says(2, r"main\.nine", "trace", "main.nein", "--", program, "values")


@pytest.mark.parametrize("args", [["main.nina"], ["main.n?ne", "--show", "nosuch"], ["main.n?ne", "--plan"]])
def test_a_name_that_a_terminal_would_obey(args, tmp_path):
    """Anybody can name a function: control bytes are escaped, in sentences as well."""
    odd = tmp_path / "odd"
    odd.write_bytes(gobuild.build("seed", gobuild.NEWEST).read_bytes().replace(b"main.nine\0", b"main.n\x1bne\0"))
    odd.chmod(0o755)
    done = goshawk.run("trace", *args, "--", odd, "values")
    assert "main.n\\x1bne" in done.out + done.err and "\x1b" not in done.out + done.err, done


@pytest.mark.ptrace
def test_all_that_is_asked_for_is_refused():
    """Nothing is begun, nor is a process touched, for nothing."""
    program, refused = gobuild.build("parked", gobuild.NEWEST), ("runtime.morestack", "runtime.memmove")
    with subprocess.Popen([program, "3"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as p:
        try:
            p.stdout.readline()
            for engine in ("inline",) if goshawk.why_no_bpf() else ("inline", "uprobe"):
                for target in ("-p", p.pid), ("--", program, "3"):
                    done = goshawk.run("trace", "--engine", engine, *refused, *target)
                    assert done.status == REFUSED and not done.out, done
                    assert re.fullmatch(r"(\[goshawk\] runtime\.\w+ is not traced: .*\n){2}goshawk: nothing is left to trace\n", done.err), done
            assert not ours(p.pid)
        finally:
            p.kill()


def test_a_binary_that_ends_too_early(tmp_path):
    """At each of 200 lengths: a sentence, or an answer where only what is at the end is missing."""
    whole = gobuild.build("odd", gobuild.NEWEST, "plain").read_bytes()
    cut = tmp_path / "cut"
    statuses = set()
    for i in range(200):
        cut.write_bytes(whole[:len(whole) * i // 200])
        before = children()
        done = goshawk.run("funcs", "--json", cut)
        assert children() - before < SECOND, i
        statuses.add(done.status)
        if done.status:
            assert done.status in (FORMAT, UNSUPPORTED), (i, done)
            assert re.fullmatch(r"goshawk: .*/cut: .*\n", done.err), (i, done)
            assert not done.out or '"type":"function"' not in done.out, (i, done)
    assert FORMAT in statuses


def test_a_binary_that_is_made_shorter_while_it_is_read(tmp_path):
    """Somebody builds it anew: what is mapped of it is gone."""
    copy = tmp_path / "copy"
    copy.write_bytes(gobuild.build("shop", gobuild.NEWEST).read_bytes())
    page, waits, until = os.sysconf("SC_PAGESIZE"), array.array("i", [0]), time.monotonic() + 60
    p = subprocess.Popen([goshawk.GOSHAWK, "funcs", copy], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         pipesize=page)
    while waits[0] < page:  # then it waits for us, with most of its work still to do
        assert time.monotonic() < until and p.poll() is None
        fcntl.ioctl(p.stdout, termios.FIONREAD, waits)
    os.truncate(copy, 0)
    _, err = p.communicate(timeout=60)
    assert (p.returncode, err) == (8, "goshawk: a file that is being read was made shorter, or its disk does not "
                                   "give it: try again when it is whole\n")


def with_sections(path, new):
    """The file with other bytes in some of its sections, not compressed."""
    data = bytearray(path.read_bytes())
    at, = struct.unpack_from("<Q", data, 40)
    size, n, names = struct.unpack_from("<HHH", data, 58)
    names, = struct.unpack_from("<Q", data, at + size * names + 24)
    for head in range(at, at + size * n, size):
        name = names + struct.unpack_from("<I", data, head)[0]
        bytes_of = new.get(data[name:data.index(0, name)].decode())
        if bytes_of is not None:
            struct.pack_into("<Q", data, head + 8, 0)
            struct.pack_into("<QQ", data, head + 24, len(data), len(bytes_of))
            data += bytes_of
    return data


@pytest.mark.skipif(goshawk.asan(), reason="the sanitizer's own memory")
def test_units_that_all_have_the_same_ranges(tmp_path):
    """Each of them had a copy of its own: 2 000 units of 20 000 ranges took 1 GB."""
    unit = bytes([1]) + struct.pack("<HI", 0x16, 0)
    unit = struct.pack("<IHIB", len(unit) + 7, 4, 0, 8) + unit
    abbreviation = bytes([1, 0x11, 0, 0x13, 5, 0x55, 0x17, 0, 0, 0])  # language, ranges
    file = tmp_path / "file"
    file.write_bytes(with_sections(gobuild.build("odd", "1.22.12"), {
        ".debug_info": unit * 2000, ".debug_abbrev": abbreviation,
        ".debug_ranges": b"".join(struct.pack("<QQ", 2 * i + 1, 2 * i + 2) for i in range(20000)) + bytes(16)}))
    most = 256 << 20
    done = subprocess.run([goshawk.GOSHAWK, "funcs", file, "main.*"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=60, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)))
    assert done.returncode == 0 and "main.main" in done.stdout, done


@pytest.mark.parametrize("variant", ["plain", "stripped", "pie"])
def test_bytes_flipped_in_the_tables(release, variant):
    """In one process, by the tool that does it (tests/tools/flips.c): no crash, no hang. More of them in check-all."""
    count = 100 if goshawk.asan() or not gobuild.ALL else 1000 if variant == "plain" else 250
    done = goshawk.run_plain(goshawk.BUILD / "tests" / "flips", gobuild.build("odd", release, variant), count, 1,
                             timeout=1200)
    assert done.status == 0, done
    assert re.fullmatch(r"flips: \d+ opened, \d+ refused\n", done.out), done
