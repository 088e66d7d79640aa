"""`goshawk types` against what the program says about its own types: reflect, in the program itself."""

import json

import pytest

import gobuild
import goshawk

KEYS = ["name", "package", "kind", "size", "align", "length", "key", "elem", "fields"]


def types(path):
    """What `types --json` lists of all types that have a descriptor, by its address."""
    done = goshawk.run("types", "--json", path, "*")
    assert done.status == 0, done
    objects = [json.loads(line) for line in done.out.splitlines()]
    assert objects[0]["type"] == "begin" and objects[-1]["type"] == "end"
    return {int(t["address"], 16): t for t in objects if t["type"] == "go_type" and "address" in t}


def differences(theirs, mine):
    if mine is None:
        return "not found"
    return {k: (theirs.get(k), mine.get(k)) for k in KEYS if theirs.get(k) != mine.get(k)}


@pytest.mark.parametrize("variant", ["plain", "stripped", "pie", "race", "cgo-stripped"])
def test_agrees_with_reflect(release, variant):
    path = gobuild.build("layout", release, variant)
    done = goshawk.run_plain(path)
    assert done.status == 0, done
    theirs = [json.loads(line) for line in done.out.splitlines()]
    ours = types(path)
    assert len(theirs) > 120
    # a PIE says where its descriptors are now: all of them are moved by the same number of bytes
    there = next(int(t["address"], 16) for t in theirs if t["name"] == "main.Embedding")
    bias = there - next(a for a, t in ours.items() if t["name"] == "main.Embedding")
    wrong = [(t["name"], d) for t in theirs if (d := differences(t, ours.get(int(t["address"], 16) - bias)))]
    assert not wrong, "%d of %d differ: %r" % (len(wrong), len(theirs), wrong[:5])


def test_says_what_is_near_a_name_that_no_type_has():
    path = gobuild.build("layout", gobuild.NEWEST)
    done = goshawk.run("types", path, "url.URL")
    assert done.status == 2
    assert done.err == "goshawk: types: no type matches url.URL; did you mean net/url.URL?\n"
    assert done.out == ""


def test_shows_a_struct_with_its_padding():
    path = gobuild.build("layout", gobuild.NEWEST, "stripped")
    done = goshawk.run("types", path, "main.small")
    assert done.status == 0, done
    assert done.out == """\
type main.small struct { // 40 bytes, align 8
	A bool       // +0     1
	_            // +1     1 padding
	B int16      // +2     2
	C uint8      // +4     1
	_            // +5     3 padding
	D int64      // +8     8
	E float32    // +16    4
	_            // +20    4 padding
	F complex128 // +24    16
}
"""


def test_what_nobody_named_is_not_listed_as_named(release):
    """Shapes of type parameters; a long one is called by a hash."""
    done = goshawk.run("types", gobuild.build("seed", release))
    assert done.status == 0, done
    heads = [line.split()[1] for line in done.out.splitlines() if line.startswith("type ")]
    assert len(heads) > 30
    assert not [h for h in heads if not h[0].isalpha() or "." not in h], heads
    assert not [h for h in heads if h in ("struct", "interface", "func()")]
