"""`goshawk explain` of a heap that the collector gave up on: which value it was, by searching memory."""

import json
import re

import pytest

import gobuild
import goshawk
from test_explain import diagnosis, kernel_core

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
