"""What the tests build is shared by all processes that run them."""

import fcntl
import os

import gobuild


def in_processes(n, work):
    """The statuses of so many processes that do this, and start it at the same time."""
    reads, writes = os.pipe()
    children = []
    for _ in range(n):
        pid = os.fork()
        if pid == 0:
            os.close(writes)
            os.read(reads, 1)
            os._exit(work())
        children.append(pid)
    os.close(reads)
    os.close(writes)
    return sorted(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children)


def test_one_of_many_makes_what_is_missing(tmp_path):
    to = tmp_path / "folder" / "program"

    def note(what):
        with open(tmp_path / what, "a") as f:
            f.write("x")

    def make():
        note("asked")
        with gobuild.missing(to) as is_missing:
            if is_missing:
                note("made")
                while (tmp_path / "asked").stat().st_size < 20:
                    os.sched_yield()
                new = to.with_name("new")
                new.write_text("whole")
                new.rename(to)
            return 0 if to.read_text() == "whole" else 1

    assert in_processes(20, make) == [0] * 20
    assert (tmp_path / "made").read_text() == "x"


def test_what_is_there_waits_for_no_other_build(tmp_path):
    there, lock = tmp_path / "there", tmp_path / "lock"
    there.write_text("")
    with open(lock, "w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        def ask():  # another process: a lock is its file's, however often that is opened
            with gobuild.missing(there, lock) as is_missing:
                return is_missing

        assert in_processes(1, ask) == [0]


def test_a_file_that_is_put_is_read_whole(tmp_path):
    path, texts = tmp_path / "folder" / "file", [c * 1000000 for c in "abc"]
    gobuild.put(path, texts[0])

    def write_and_read():
        for text in 10 * texts:
            gobuild.put(path, text)
            if path.read_text() not in texts:
                return 1
        return 0

    assert in_processes(4, write_and_read) == [0] * 4
    assert [p.name for p in path.parent.iterdir()] == ["file"] and len(list(tmp_path.iterdir())) == 1
