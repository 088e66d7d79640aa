"""Random signatures: values as goshawk reads them equal those that the program itself says it passed.

tests/signatures.py makes the programs. What the record has no room for has to say so, and to be rare.
"""

import base64
import collections
import json
import math
import re
import struct

import pytest

import gobuild
import goshawk
import signatures
from values import unix_ns

pytestmark = pytest.mark.ptrace

LIMITS = ["--depth-of-values", "5", "--strings", "24", "--elements", "5"]
NOT_TAKEN = ("not captured", "too deep")


class Differs(Exception):
    pass


def need(truth, what, *about):
    if not truth:
        raise Differs(what % about)


def parts(e):
    """How many values a value has in it that have no others in them."""
    if not isinstance(e, dict):
        return 1
    kind = e["$"]
    inside = {"slice": lambda: e["elements"], "array": lambda: e["elements"], "struct": lambda: e["fields"].values(),
              "map": lambda: sum(e["pairs"], []), "pointer": lambda: [e.get("value")],
              "interface": lambda: [e.get("value")]}.get(kind)
    return 1 if not inside else max(1, sum(map(parts, inside())))


class Comparison:
    """Counts what was equal and what was said to be missing, and collects what is wrong."""

    def __init__(self, lacks_blanks=False):
        self.lacks_blanks = lacks_blanks
        self.equal, self.missing, self.wrong = 0, 0, []
        self.why = collections.Counter()

    def lacks(self, e, why):
        n = parts(e)
        self.missing += n
        self.why[why] += n

    def call(self, e, a):
        for part in "args", "results":
            if a[part] is None:
                need(part == "results", "no arguments")
                self.why["results not known"] += sum(parts(x["value"]) for x in e["results"])
                continue
            if self.lacks_blanks and a[part] and "type" in a[part][0] and len(a[part]) < len(e[part]):
                e = dict(e, args=[x for x in e["args"] if x["name"] != "_"])
            shapes = [x for x in a[part] if x.get("from") == "shape"]
            if shapes and len(shapes) == len(a[part]) < len(e[part]):
                need(a.get("args_cut") is True, "not said to be cut")
                for want in e[part][len(shapes):]:  # the compiler lists ten words
                    self.missing += len(want["words"])
                    self.why["words not listed"] += len(want["words"])
                e = dict(e, args=e[part][:len(shapes)])
            if shapes and any(x["name"] == "_" and re.search("float|complex|NaN|Inf", json.dumps(x)) for x in e[part]):
                # A float that nobody reads leaves no trace: it is taken for an integer (go/shape_regs.c).
                self.why["behind a float that is not used"] += sum(len(x["words"]) for x in e[part])
                continue
            need(len(a[part]) == len(e[part]), "%d %s, not %d: %r", len(a[part]), part, len(e[part]), a[part])
            for want, got in zip(e[part], a[part]):
                try:
                    self.param(want, got)
                except Differs as d:
                    raise Differs("%s %s %s: %s" % (part, want["name"], want["type"], d))

    def param(self, want, got):
        if want["name"] == "_":
            return  # what is passed for a parameter that nobody can use is not defined
        if got.get("from") == "shape":
            self.words(want, got)
        else:
            need(got["type"] == want["type"], "type %r", got["type"])
            need(got["name"] == want["name"] or re.match("(arg|ret)[0-9]", got["name"]), "name %r", got["name"])
            self.value(want["value"], got, want["type"])

    def words(self, want, got):
        if got.get("error") == "not captured":
            self.missing += len(want["words"])
            self.why["words"] += len(want["words"])
            return
        words = got["value"] if isinstance(got["value"], list) else [got["value"]]
        left = iter(want["words"])  # the compiler leaves out what is deep inside
        whole = len(words) == len(want["words"])
        need(words == want["words"] if whole else all(w in left for w in words), "%r, not %r", words, want["words"])
        self.equal += len(words)
        self.why["words cut"] += len(want["words"]) - len(words)

    def value(self, e, holder, where=""):
        if holder.get("error") in NOT_TAKEN:
            self.lacks(e, where)
            return
        need("error" not in holder, "%r for %r", holder, e)
        need("value" in holder, "no value: %r", holder)
        got = holder["value"]
        if not isinstance(e, dict):
            need(type(got) is type(e) and got == e, "%r, not %r", got, e)
            self.equal += 1
        else:
            getattr(self, e["$"])(e, got, holder)

    def inside(self, e, node, where):
        """A value within another one; what was cut or is missing is an object of its own there."""
        kind = e["$"] if isinstance(e, dict) else None
        wrapped = isinstance(node, dict) and ("value" in node or "error" in node) and \
            set(node) <= {"value", "len", "base64", "error", "address"} and \
            (set(node) == {"error"} or kind not in ("pointer", "interface", "struct"))
        self.value(e, node if wrapped else {"value": node}, where)

    def string(self, e, got, holder):
        full = base64.b64decode(e["base64"]) if "base64" in e else e["text"].encode()
        text = base64.b64decode(holder["base64"]) if "base64" in holder else got.encode()
        self.run(full, text, holder)

    def bytes(self, e, got, holder):
        self.run(base64.b64decode(e["base64"]), base64.b64decode(got["base64"]), got)

    def run(self, full, got, holder):
        need(full[:len(got)] == got, "%r, not %r", got, full)
        need(holder.get("len", len(got)) == len(full), "%r of %r", holder, full)
        self.equal += got == full
        if got != full:
            self.missing += 1
            self.why["text"] += 1

    def list(self, e, got, holder):
        elements = e["elements"]
        need(isinstance(got, list) and len(got) <= len(elements), "%r, not %r", got, elements)
        need(holder.get("len", len(got)) == len(elements), "%r of %d", holder, len(elements))
        for i, (want, one) in enumerate(zip(elements, got)):
            try:
                self.inside(want, one, "element")
            except Differs as d:
                raise Differs("[%d]: %s" % (i, d))
        for want in elements[len(got):]:
            self.lacks(want, "elements")
        self.equal += not elements

    slice = array = list

    def struct(self, e, got, holder):
        need(isinstance(got, dict) and set(got) == set(e["fields"]), "%r, not %r", got, e["fields"])
        for name, field in e["fields"].items():
            try:
                self.inside(field, got[name], "field")
            except Differs as d:
                raise Differs(".%s: %s" % (name, d))
        self.equal += not e["fields"]

    def map(self, e, got, holder):
        need(isinstance(got, list) and len(got) <= e["len"], "%r, not %r", got, e)
        need(holder.get("len", len(got)) == e["len"], "%r of %d", holder, e["len"])
        left = list(e["pairs"])
        for pair in got:
            for want in left:
                try_one = Comparison()
                try:
                    try_one.inside(want[0], pair[0], "key")
                except Differs:
                    continue
                if not try_one.missing:
                    break
            else:
                # a key that is missing in part may be any of them
                need(Comparison.absent(pair[0]), "no such key: %r among %r", pair[0], e["pairs"])
                continue
            left.remove(want)
            self.inside(want[0], pair[0], "key")
            self.inside(want[1], pair[1], "element of a map")
        for want in left:
            self.lacks(want[0], "entries")
            self.lacks(want[1], "entries")
        self.equal += not e["len"]

    @staticmethod
    def absent(key):
        return "not captured" in json.dumps(key) or (isinstance(key, dict) and "len" in key)

    def pointer(self, e, got, holder):
        need(isinstance(got, dict) and got.get("address") == e["address"], "%r, not %s", got, e["address"])
        if "value" in got or "error" in got:
            self.value(e["value"], got, "behind a pointer")
        else:
            self.lacks(e.get("value"), "pointer not followed")

    def interface(self, e, got, holder):
        need(isinstance(got, dict), "%r, not %s", got, e["type"])
        if got.get("error") == "unknown type":  # an itab that the runtime has made, and the program is gone
            need(int(got["address"], 16) >> 40, "%r, not %s", got, e["type"])
            self.lacks(e.get("value"), "itab")
            return
        need(got.get("type") == e["type"], "%r, not %s", got, e["type"])
        self.value(e.get("value"), got, "interface: " + e["type"])

    def float(self, e, got, holder):
        want = float(e["number"])
        need(isinstance(got, (int, float)) and not isinstance(got, bool), "%r, not %s", got, e["number"])
        need(float(got) == want or struct.pack("f", got) == struct.pack("f", want) and len(e["number"]) < 16,
             "%r, not %s", got, e["number"])
        need(math.copysign(1, got) == math.copysign(1, want), "%r, not %s", got, e["number"])
        self.equal += 1

    def same(self, want, got):
        need(want == got, "%r, not %r", got, want)
        self.equal += 1

    def complex(self, e, got, holder):
        real, imag = (x["number"] if isinstance(x, dict) else x for x in (e["real"], e["imag"]))
        self.same("(%s%s%si)" % (real, "" if imag[0] in "+-" else "+", imag), got)

    def time(self, e, got, holder):
        self.same(unix_ns(e["text"]), unix_ns(got))

    def duration(self, e, got, holder):
        self.same(str(e["ns"]), str(got))

    def func(self, e, got, holder):
        self.same(e["name"], got)

    def chan(self, e, got, holder):
        self.same({k: e[k] for k in ("address", "len", "cap")}, got)

    def address(self, e, got, holder):
        self.same(e["address"], got)


def read_calls(path):
    """Calls by function, in order. Python takes "-0" for an integer, which has no sign."""
    number = lambda text: -0.0 if text == "-0" else int(text)
    with open(path, encoding="utf-8") as f:
        calls = [o for o in (json.loads(line, parse_int=number) for line in f) if o["type"] == "call"]
    table = collections.defaultdict(list)
    for c in sorted(calls, key=lambda c: c["time"]):
        table[c["func"]].append(c)
    return table


def compare(tmp_path, release, variant, seed, functions, engine):
    source = signatures.write(seed, functions, tmp_path / "source")
    program = gobuild.build("signatures-%d-%d" % (seed, functions), release, variant, source)
    t = goshawk.Trace(tmp_path, ["re:^main[.].*[fMm][0-9]+$"], [program],
                      [*LIMITS, "--engine", engine, *(["--buffer", "32M"] if engine == "uprobe" else [])],
                      env={"SIGNATURES_EXPECT": str(tmp_path / "expect.json")}, lossless=engine == "inline")
    t.check()
    calls = read_calls(tmp_path / "trace.json")
    comparison, wanted = Comparison(gobuild.minor(release) <= 21), 0
    for e in map(json.loads, (tmp_path / "expect.json").read_text().splitlines()):
        wanted += 1
        try:
            need(calls[e["func"]], "not seen")
            comparison.call(e, calls[e["func"]].pop(0))
        except Differs as d:
            comparison.wrong.append("%s: %s" % (e["func"], d))
    assert wanted == functions * signatures.CALLS
    return comparison


def check(c, most_missing):
    assert not c.wrong, "%d wrong:\n%s" % (len(c.wrong), "\n".join(w[:800] for w in c.wrong[:30]))
    share = c.missing / (c.equal + c.missing)
    print("%d values, %.1f %% missing: %s" % (c.equal, 100 * share, c.why.most_common(20)))
    assert c.equal > 1000 and share < most_missing


def functions(request, release):
    """`make check-all` looks at more of them, on three releases."""
    return 1000 if request.config.getoption("--all") and release in ("1.17.13", "1.19.13", "1.22.12", gobuild.NEWEST) else 120


@pytest.mark.parametrize("variant", ["plain", "stripped"])
def test_values_equal_what_the_program_says(tmp_path, request, release, variant):
    """Stripped, words are compared: the compiler lists ten of them, and some can have come in several
    registers. Up to 1.21 blank parameters hide where others are."""
    c = compare(tmp_path, release, variant, 1, functions(request, release), "inline")
    check(c, 0.4 if variant == "stripped" else 0.25 if gobuild.minor(release) <= 21 else 0.05)


@pytest.mark.bpf
@pytest.mark.parametrize("variant", ["plain", "stripped"])
def test_kernel_probes_see_the_same_but_for_floats(tmp_path, request, release, variant):
    """Vector registers can't be read there: such a value is said to be missing."""
    c = compare(tmp_path, release, variant, 2, functions(request, release), "uprobe")
    check(c, 0.5 if variant == "stripped" else 0.4 if gobuild.minor(release) <= 21 else 0.3)
    assert sum(n for why, n in c.why.items() if why in ("float32", "float64", "complex64", "complex128")) or \
        variant == "stripped"
