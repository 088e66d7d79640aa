"""`goshawk explain` of a heap that the collector gave up on: which value it was, by searching memory."""

import json
import os
import re
import resource
import signal
import subprocess

import pytest

import gobuild
import goshawk
from attaching import line_of
from test_explain import diagnosis, from_text, kernel_core, text_of, zoo

pytestmark = pytest.mark.ptrace


def run(program, tmp_path, name):
    to = tmp_path / "found"
    done = goshawk.run("explain", "--json", "-o", to, "--", program, name)
    done.out = to.read_text() if to.exists() else ""
    return diagnosis(done)


def names_the_torn_string(d):
    assert (d["kind"], d["certainty"]) == ("marked_free_object", "likely"), d
    said = "\n".join(d["evidence"])
    assert "main.written.text do not belong together" in d["summary"], d
    assert "main.written.text (string, at 0x" in said and "has 3000 bytes from" in said and "in use, ends after 16" in said, said
    assert "main.tails[3].(string)" in said and "free, and marked" in said, said
    assert "4 free objects are marked" in said and "stress --until-crash" in d["advice"], d


def test_the_torn_string_is_named(release, tmp_path):
    names_the_torn_string(run(gobuild.build("zoo", release), tmp_path, "torn-string"))


def test_also_in_a_pie(tmp_path):
    names_the_torn_string(run(gobuild.build("zoo", gobuild.NEWEST, "pie"), tmp_path, "torn-string"))


def test_the_same_from_a_core(tmp_path):
    names_the_torn_string(diagnosis(goshawk.run("explain", "--json", kernel_core(gobuild.build("zoo", gobuild.NEWEST), tmp_path, "torn-string"))))


@pytest.mark.parametrize("built_by", [r for r in gobuild.RELEASES if r in gobuild.ENDS])
def test_stripped_the_words_are_found_and_no_owner_is_claimed(built_by, tmp_path):
    d = run(gobuild.build("zoo", built_by, "stripped"), tmp_path, "torn-string")
    said = "\n".join(d["evidence"])
    assert d["kind"] == "marked_free_object" and "main.written" not in json.dumps(d), d
    assert "4 free objects are marked" in said and "go past the object's end" in said and "no DWARF" in said, said
    assert "in the heap: in an object of" in said, said


FOUR = [r for r in gobuild.RELEASES if gobuild.minor(r) in (17, 22, 24, 27) and (gobuild.ALL or r in gobuild.SOME_RELEASES)]
ON_A_SQUARE = r"what it was called on: it says \*main\.circle, which has pointers, but the object of 16 bytes at 0x[0-9a-f]+ was made without any"
TORN = {  # what its two words are called, what the method was called on, and what is still in memory
    "torn-interface": ("wild_address", "d.shape (a main.shape in a main.drawing)", ON_A_SQUARE,
                       r"in memory: main\.drawn\.shape \(a main\.shape in a main\.drawing, at 0x[0-9a-f]+\) is no whole: it says"),
    "torn-interface-mended": ("nil_dereference", "d.shape (a main.shape in a main.drawing)", ON_A_SQUARE, None),
    "torn-interface-number": ("nil_dereference", "the interface that main.area calls",
                              r"what it was called on: it says \*main\.circle, but 0x[0-9a-f]+ is one of the runtime's small integers",
                              r"in memory: main\.numbered\.of \(a interface \{\}, at 0x"),
}


@pytest.mark.parametrize("built_by", FOUR)
@pytest.mark.parametrize("name", TORN)
def test_an_interface_whose_words_do_not_belong_together(name, built_by, tmp_path):
    kind, owner, on, memory = TORN[name]
    d = run(gobuild.build("zoo", built_by), tmp_path, name)
    said = "\n".join(d["evidence"])
    assert (d["kind"], d["certainty"], d["func"]) == (kind, "likely", "main.(*circle).area"), d
    assert "the two words of %s did not belong together" % owner in d["summary"], d
    assert "main.(*circle).area was called through %s" % owner in said and re.search(on, said), said
    assert bool(memory and re.search(memory, said)) == ("in memory:" in said) == bool(memory), said
    assert "stress --until-crash" in d["advice"]


@pytest.mark.parametrize("name", ["torn-interface", "torn-interface-mended"])
def test_stripped_it_is_an_interface_without_a_name(name, tmp_path):
    d = run(gobuild.build("zoo", gobuild.NEWEST, "stripped"), tmp_path, name)
    assert "the two words of the interface that main.draw" in d["summary"] and re.search(ON_A_SQUARE, "\n".join(d["evidence"])), d


def test_a_core_has_no_registers_of_it_but_memory(tmp_path):
    """What is torn still is found there; what was mended since, by what the caller has kept in its frame."""
    program = gobuild.build("zoo", gobuild.NEWEST)
    for name, owner in ("torn-interface", "main.drawn.shape"), ("torn-interface-mended", "d.shape"):
        to = tmp_path / name
        to.mkdir()
        d = diagnosis(goshawk.run("explain", "--json", kernel_core(program, to, name)))
        assert (d["kind"], d["certainty"]) == (TORN[name][0], "likely"), d
        assert "the two words of %s (a main.shape in a main.drawing) did not" % owner in d["summary"], d


def test_a_race_on_an_interface(tmp_path):
    """No made-up words: a copy with a delay in the store of it. It dies in one of two ways; of a nil receiver nothing is claimed."""
    copy, found = tmp_path / "copy", []
    done = goshawk.run("stress", gobuild.build("racing", gobuild.NEWEST), "-o", copy, "main.(*object).setValue", "--delay", "100us")
    assert done.status == 0, done
    for _ in range(12):
        d = run(copy, tmp_path, "interface")
        found.append(d)
        if d["func"] == "main.(*names).speak" and d["certainty"] == "likely":
            assert "the two words of o.value (a main.speaker in a main.object) did not" in d["summary"], d
            return
        assert d["func"] == "main.(*counts).speak" and d["certainty"] == "certain" and "was called on nil, through o.value" in json.dumps(d), d
    raise AssertionError(found)


@pytest.mark.parametrize("built_by", FOUR)
@pytest.mark.parametrize("name, function", [("dead", "main.(*talker).speak"), ("embedded", "main.(*inner).speak")])
def test_no_interface_is_accused_of_what_its_caller_still_has(name, function, built_by, tmp_path):
    """A plain nil. Its receiver may be collected by then; and by way of an embedded value the method gets another one than the caller has."""
    program = gobuild.build("receivers", built_by)
    for d in run(program, tmp_path, name), diagnosis(goshawk.run("explain", "--json", kernel_core(program, tmp_path, name))):
        assert (d["kind"], d["certainty"], d["func"]) == ("nil_dereference", "certain", function), d
        assert "called on" not in "".join(d["evidence"]) and "it.next.n" in "".join(d["evidence"]), d


@pytest.mark.parametrize("built_by", FOUR)
def test_what_is_printed_of_a_bad_pointer(built_by, tmp_path):
    """From the text alone, and from a run: where it leads, and up to 1.25 in which word of which object it stands."""
    program = gobuild.build("zoo", built_by)
    for d in from_text(tmp_path, text_of(program, "bad-pointer")), run(program, tmp_path, "bad-pointer"):
        said = "\n".join(d["evidence"])
        assert d["kind"] == "bad_pointer" and re.search(r"0x[0-9a-f]+ lies where no object is", said), d
        printed = gobuild.minor(built_by) < 26  # the Green Tea collector does not know where it found it
        assert ("in an object of up to 32 bytes (size class 4) at 0x" in said and ", 16 behind its beginning" in said) == printed, said
        assert ("the word behind it 0x4d, which may be the length of" in said) == printed, said


def misfits(p):
    """Of a process that is stopped meanwhile."""
    os.kill(p.pid, signal.SIGSTOP)
    os.waitpid(p.pid, os.WUNTRACED)
    return goshawk.run_plain(goshawk.BUILD / "tests" / "misfits", p.pid)


@pytest.mark.parametrize("built_by", FOUR)
def test_no_value_of_a_healthy_program_is_accused(built_by):
    program = gobuild.build("zoo", built_by)
    for name in (name for name, kind, _ in zoo(program) if kind == "stopped"):
        p = subprocess.Popen([program, name], stdout=subprocess.PIPE, text=True)
        try:
            assert line_of(p.stdout, "ready") == "ready\n"
            done = misfits(p)
        finally:
            p.kill()
            p.communicate()
        found = re.search(r"^(\d+) values, 0 misfits, bits (\d)", done.out, re.M)
        assert not done.status and found and int(found[1]) > 500, (name, done)
        assert (found[2] != "0") == (gobuild.minor(built_by) >= 22), done  # where pointers of small objects are told


@pytest.mark.parametrize("variant", ["plain", "stripped"])
def test_what_holds_the_heap(release, variant, tmp_path):
    """By type where objects have one (1.22 on), else by size; descriptors are there in stripped programs, too."""
    d = run(gobuild.build("zoo", release, variant), tmp_path, "memory-held")
    assert (d["kind"], d["func"]) == ("out_of_memory", "main.memory"), d
    rows = [e for e in d["evidence"] if " objects of " in e]
    typed = gobuild.minor(release) >= 22
    size, objects = re.match(r"(\d+) KiB: (\d+) objects of 8192 bytes, ", rows[0]).groups()
    assert 4096 <= int(objects) < 4110 and int(size) == int(objects) * 8, d
    assert rows[0].endswith("of type main.page, or elements of it" if typed else "of types that the heap does not keep"), d


LONG_NAMES = """package main

import "os"

type T struct{ %s string }

var big [2000][50]T

type shape interface{ area() int }
type circle struct{ of *int }

func (c *circle) area() int { return *c.of }

//go:noinline
func draw(s shape) int { return s.area() }

func main() {
	big[1][1] = T{os.Args[0]}
	println(draw(&circle{}))
}
"""


@pytest.mark.skipif(goshawk.asan(), reason="the sanitizer's own memory")
def test_names_of_any_length(tmp_path):
    """One was made for each value of a field: 100 000 of 20 KB took 2 GB."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "go.mod").write_text("module names\n\ngo 1.17\n")
    (source / "main.go").write_text(LONG_NAMES % ("A" * 20000))
    core = kernel_core(gobuild.build("names", gobuild.NEWEST, source=source), tmp_path)
    most = 512 << 20
    done = subprocess.run([goshawk.GOSHAWK, "explain", core], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (most, most)))
    assert done.returncode == 1 and "nil dereference: main.(*circle).area" in done.stdout, done
