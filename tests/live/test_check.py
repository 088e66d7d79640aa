"""check: what will crash a program is seen in its file, and a program as Go makes it has nothing of it."""

import json
import struct

import pytest

import gobuild
import goshawk
import others
import overlay

# Releases of the field report; `make check` has the newest.
REPORTED = ["1.22.12", "1.24.11", "1.26.8", "1.27.4"]


def pytest_generate_tests(metafunc):
    if "reported" in metafunc.fixturenames:
        every = metafunc.config.getoption("--all")
        metafunc.parametrize("reported", REPORTED if every else REPORTED[-1:])


def check(program, status):
    ended = goshawk.run("check", "--json", program)
    assert ended.status == status, ended
    objects = [json.loads(line) for line in ended.out.splitlines()]
    assert objects[0]["type"] == "begin" and objects[-1]["type"] == "end", ended
    return [o for o in objects if o["type"] == "finding"]


def names(finding):
    return [step["func"] for step in finding["path"]]


WAY = ["runtime.newproc", "runtime.newproc.func1", "runtime.newproc1", "runtime.contextPropagate"]


@pytest.mark.parametrize("flags", [["-race"], ["-race", "-ldflags=-s -w"]], ids=["race", "stripped"])
def test_instrumented_code_in_newproc1(reported, flags):
    """The report: it dies in __tsan_func_enter, and was found before."""
    program = overlay.newproc(reported, "instrumented", *flags)
    [found] = check(program, 1)
    assert (found["rule"], found["level"], found["certainty"]) == ("G0RACE", "error", "candidate")
    assert found["func"] == "newproc/snap.(*traceContext).TakeSnapShot"
    assert found["file"].endswith("snap/instrumented.go") and found["line"] > 0
    assert names(found) == WAY + [found["func"], "runtime.racefuncenter"]
    assert [s["by"] for s in found["path"]] == [None, "systemstack", "call", "call", "interface", "call"]
    assert [s["system_stack"] for s in found["path"]] == [False] + 5 * [True]
    assert "//go:norace" in found["advice"]
    died = goshawk.run_plain(program)
    assert died.status == 2 and "SIGSEGV" in died.err and "addr=0x10" in died.err, died


def test_what_newproc1_defers(reported, request):
    """As the tool of the report puts it there."""
    if not request.config.getoption("--all"):
        pytest.skip("builds the library once more: make check-all")
    [found] = check(overlay.newproc(reported, "instrumented", "-race", deferred=True), 1)
    assert found["rule"] == "G0RACE"
    assert names(found)[2:-2] == ["runtime.newproc1", "runtime.newproc1.func1", "runtime.contextPropagate"]


def test_norace_does_not_reach_into_maps(reported):
    """The report's second crash."""
    program = overlay.newproc(reported, "usesmap", "-race")
    [found] = check(program, 1)
    assert found["rule"] == "G0DETECT"
    assert found["func"] == "newproc/snap.(*traceContext).TakeSnapShot"
    assert names(found)[:5] == WAY + [found["func"]] and names(found)[-1] == "runtime.racereadpc"
    died = goshawk.run_plain(program)
    assert died.status == 2 and "SIGSEGV" in died.err, died


def test_with_both_cured_it_is_silent_and_runs(reported):
    program = overlay.newproc(reported, "cured", "-race")
    assert check(program, 0) == []
    ran = goshawk.run_plain(program)
    assert (ran.status, ran.out) == (0, "served\n"), ran


def test_a_func_value_that_a_setter_stores(reported):
    """No itab names it: the variable is followed to the setter, and the setter to its callers."""
    program = overlay.newproc(reported, "hook", "-race")
    [found] = check(program, 1)
    assert (found["rule"], found["func"]) == ("G0RACE", "newproc/snap.takeSnapShot")
    assert found["path"][-2]["by"] == "func_value"
    died = goshawk.run_plain(program)
    assert died.status == 2 and "SIGSEGV" in died.err, died


def test_a_type_switch_over_interfaces():
    [found] = check(overlay.newproc(gobuild.NEWEST, "switched", "-race"), 1)
    assert (found["rule"], found["func"]) == ("G0RACE", "newproc/snap.(*copied).CopyContext")
    assert names(found)[:4] == WAY and found["path"][-2]["by"] == "interface"


def test_code_that_waits_on_a_system_stack():
    """A lock waits. In a -race build it calls the detector as well; and the deferred Unlock is wrapped in a function
    that //go:norace does not reach."""
    race, detect, park = check(overlay.newproc(gobuild.NEWEST, "waits", "-race"), 1)
    assert [f["rule"] for f in (race, detect, park)] == ["G0RACE", "G0DETECT", "G0PARK"]
    assert park["func"] == detect["func"] == "newproc/snap.(*traceContext).TakeSnapShot"
    assert race["func"] == park["func"] + ".deferwrap1"
    assert park["level"] == "warning" and "sync.(*Mutex).Lock" in park["message"] and "Lock" in detect["message"]
    assert names(park)[:5] == WAY + [park["func"]] and names(park)[-1] == "runtime.gopark"


def test_code_that_waits_dies_without_the_detector(request):
    """And it does wait, because its maker holds the lock."""
    if not request.config.getoption("--all"):
        pytest.skip("builds the library once more: make check-all")
    program = overlay.newproc(gobuild.NEWEST, "waits")
    assert [f["rule"] for f in check(program, 1)] == ["G0PARK"]
    died = goshawk.run_plain(program)
    assert died.status == 2 and "semacquire not on the G stack" in died.err, died


def test_functions_that_others_put_into_the_runtime(release):
    for variant in "plain", "stripped":
        unknown, known = check(gobuild.build("linknamed", release, variant), 0)  # notes: it works
        assert (unknown["rule"], unknown["func"]) == ("INJECTED", "runtime.goroutineLocal")
        assert unknown["file"].endswith("linknamed/main.go") and "unknown tool" in unknown["message"]
        assert known["func"] == "runtime.SetTraceContextToGLS" and "OpenTelemetry" in known["message"]


def test_notes_do_not_fail_a_build():
    said = goshawk.run("check", gobuild.build("linknamed", gobuild.NEWEST))
    assert said.status == 0 and "INJECTED note" in said.out and "\nno findings, 2 notes; " in said.out, said


def test_they_are_recognised_without_paths():
    source = gobuild.ROOT / "tests" / "go" / "linknamed"
    program = gobuild.go(gobuild.NEWEST, ["build", "-trimpath", "."], "linknamed-trimpath", source, key=(source,))
    assert [f["func"] for f in check(program, 0)] == ["runtime.goroutineLocal", "runtime.SetTraceContextToGLS"]


def nosplit(release, *flags):
    source = gobuild.ROOT / "tests" / "go" / "nosplit"
    return gobuild.go(release, ["build", *flags, "."], "nosplit", source, key=(source,))


def test_chains_without_a_stack_check(release):
    """By a call through a register, which Go's linker takes for one of a function with a check."""
    assert check(nosplit(release), 0) == []
    for flags in [], ["-ldflags=-s -w"], ["-buildmode=pie"]:
        [found] = check(nosplit(release, "-tags=over", *flags), 1)
        assert (found["rule"], found["level"], found["certainty"]) == ("NOSPLIT", "error", "certain")
        assert found["func"] == "main.top" and names(found) == ["main.top", "main.large"]
        assert found["file"].endswith("over_amd64.s")
        assert "1224 bytes" in found["message"] and "(main.top 616, main.large 608), and only 792" in found["message"]


TOOL = {  # tests/go/below by its tag: the rules, what the last of them blames, where the way begins and ends
    "careful": [],
    "splits": ["STACKSPLIT", "Syscall", "runtime.reentersyscall", "below/tool.Syscall"],
    "stores": ["BARRIER", "Monitor", "runtime.sysmon", "runtime.gcWriteBarrier1"],
    "allocates": ["SIGALLOC", "Signal", "runtime.sighandler", "runtime.mallocgc"],
    "locks": ["SIGALLOC", "Signal", "runtime.sighandler", "runtime.lock2"],
}


@pytest.mark.parametrize("kind", TOOL)
def test_what_a_tool_does_where_the_runtime_forbids_it(kind):
    found = [f for f in check(overlay.below(gobuild.NEWEST, kind), min(len(TOOL[kind]), 1))]
    assert [[f["rule"], f["func"].split(".")[1], names(f)[0], names(f)[-1]] for f in found[-1:]] == \
        [TOOL[kind]][:len(TOOL[kind])]
    assert all(f["level"] == "error" and f["certainty"] == "certain" for f in found)


def test_it_dies_of_them():
    """In every system call; of the others only if the signal or the collection comes at a bad time."""
    died = goshawk.run_plain(overlay.below(gobuild.NEWEST, "splits"))
    assert died.status == 2 and "stack split at bad time" in died.err, died
    ran = goshawk.run_plain(overlay.below(gobuild.NEWEST, "careful"))
    assert (ran.status, ran.out) == (0, "served\n"), ran


class Elf:
    """A program's bytes, to be changed in a few places."""

    def __init__(self, path):
        self.path, self.bytes = path, bytearray(path.read_bytes())
        [at] = struct.unpack_from("<Q", self.bytes, 32)
        size, n = struct.unpack_from("<HH", self.bytes, 54)
        self.loads = [at + i * size for i in range(n) if struct.unpack_from("<I", self.bytes, at + i * size)[0] == 1]

    def flags(self, load, flags):
        struct.pack_into("<I", self.bytes, load + 4, flags)

    def offset(self, va):
        for load in self.loads:
            off, start, _, size = struct.unpack_from("<QQQQ", self.bytes, load + 8)
            if start <= va < start + size:
                return va - start + off
        raise ValueError(hex(va))

    def entry(self, func):
        listed = goshawk.run("funcs", "--json", self.path, func)
        [found] = [o for o in map(json.loads, listed.out.splitlines()) if o["type"] == "function"]
        return int(found["address"], 16)

    def put(self, va, what):
        off = self.offset(va)
        self.bytes[off:off + len(what)] = what

    def write(self, to):
        to.write_bytes(self.bytes)
        return to


@pytest.fixture
def seed():
    return Elf(gobuild.build("seed", gobuild.NEWEST, "plain"))


def test_a_breakpoint_left_in_the_file(seed, tmp_path):
    seed.put(seed.entry("main.main"), b"\xcc")
    [found] = check(seed.write(tmp_path / "new"), 1)
    assert (found["rule"], found["func"]) == ("PATCHED", "main.main") and "int3" in found["message"]


def test_a_call_that_a_patcher_leads_elsewhere(tmp_path):
    """What it calls then has no room there, or never comes to an end."""
    plain = Elf(nosplit(gobuild.NEWEST))
    top = plain.entry("main.top")
    at = plain.bytes.index(b"\xe8", plain.offset(top)) - plain.offset(top) + top
    for callee, said in ("main.large", "1224 bytes"), ("main.top", "comes back to itself"):
        plain.put(at + 1, struct.pack("<i", plain.entry(callee) - at - 5))
        [found] = check(plain.write(tmp_path / callee), 1)
        assert (found["rule"], found["func"]) == ("NOSPLIT", "main.top") and said in found["message"], found


@pytest.mark.parametrize("at", [0, 9], ids=["entry", "inside"])
def test_a_jump_out_of_the_linked_code(seed, tmp_path, at):
    """To the segment behind it, which is made executable for that."""
    text, other = seed.loads[:2]
    seed.flags(other, 5)
    [to] = struct.unpack_from("<Q", seed.bytes, other + 16)
    entry = seed.entry("main.main")
    seed.put(entry + at, b"\xe9" + struct.pack("<i", to - entry - at - 5) + (b"\x90" if at else b""))
    [found] = check(seed.write(tmp_path / "new"), 1)
    assert (found["rule"], found["func"]) == ("PATCHED", "main.main")
    assert "main.main+0x%x leads to %#x" % (at, to) in found["message"]


def test_a_segment_that_is_written_and_executed(seed, tmp_path):
    seed.flags(seed.loads[-1], 7)
    [found] = check(seed.write(tmp_path / "new"), 1)
    assert found["rule"] == "WXSEG" and found["func"] is None


def test_a_fips_module_that_was_changed(seed, tmp_path):
    info = seed.bytes.find(b"\xff Go fipsinfo \xff\0")
    lo, hi = struct.unpack_from("<QQ", seed.bytes, info + 56)
    at = seed.offset(hi - 1)
    seed.bytes[at] ^= 1
    [found] = check(seed.write(tmp_path / "new"), 1)
    assert found["rule"] == "FIPSSUM" and hi > lo


def test_a_copy_with_delays_says_so(tmp_path):
    program, copy = gobuild.build("racing", gobuild.NEWEST, "plain"), tmp_path / "copy"
    assert goshawk.run("stress", program, "-o", copy).status == 0
    [found] = check(copy, 1)
    assert found["rule"] == "PATCHED" and "--undo" in found["advice"]


def text_of(o):
    assert set(o) == {"text"} and isinstance(o["text"], str) and o["text"]
    return o["text"]


def location_of(o):
    assert set(o) <= {"physicalLocation", "logicalLocations", "message"}
    place = o["physicalLocation"]
    uri = place["artifactLocation"]["uri"]
    assert uri.startswith("file:///") or not uri.startswith("/")
    assert place.get("region", {"startLine": 1})["startLine"] >= 1
    for logical in o.get("logicalLocations", []):
        assert set(logical) == {"fullyQualifiedName", "kind"} and logical["kind"] == "function"
    return uri


def test_sarif_is_sarif():
    """What the standard demands of these parts: names, types, and indexes that point to what they say."""
    program = overlay.newproc(REPORTED[-1], "instrumented", "-race")
    ended = goshawk.run("check", "--sarif", program)
    assert ended.status == 1, ended
    log = json.loads(ended.out)
    assert set(log) == {"$schema", "version", "runs"} and log["version"] == "2.1.0"
    [run] = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "goshawk" and driver["version"]
    for rule in driver["rules"]:
        assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
        assert all(map(text_of, (rule["shortDescription"], rule["fullDescription"], rule["help"])))
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"]) > 1
    [result] = run["results"]
    assert set(result) == {"ruleId", "ruleIndex", "level", "message", "locations", "codeFlows", "partialFingerprints",
                           "properties"}
    assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "G0RACE"
    assert text_of(result["message"]) and result["level"] == "error"
    assert all(isinstance(v, str) for v in result["partialFingerprints"].values())
    assert location_of(result["locations"][0]).endswith("instrumented.go")
    [flow] = result["codeFlows"]
    [thread] = flow["threadFlows"]
    assert [text_of(step["location"]["message"]) for step in thread["locations"]][:4] == WAY
    assert all(location_of(step["location"]) for step in thread["locations"])


def test_sarif_fits_the_published_schema(seed):
    """OASIS's own, which a Go module carries with it. Findings with and without a way, a place, and a line."""
    jsonschema = pytest.importorskip("jsonschema")
    text = others.module_file("github.com/owenrumney/go-sarif/v3", "v3.3.1", "pkg/report/v210/sarif/schema.go")
    schema = json.loads(text[text.index("`") + 1:text.rindex("`")])
    assert schema["id"].endswith("sarif-schema-2.1.0.json")
    validator = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())
    for program, n in (seed.path, 0), (overlay.below(gobuild.NEWEST, "allocates"), 2), (
            gobuild.build("linknamed", gobuild.NEWEST, "stripped"), 2):
        log = json.loads(goshawk.run("check", "--sarif", program).out)
        assert len(log["runs"][0]["results"]) == n
        assert [e.message for e in validator.iter_errors(log)] == []
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not validator.is_valid(log)


def test_sarif_of_a_program_without_findings(seed):
    ended = goshawk.run("check", "--sarif", seed.path)
    assert ended.status == 0 and json.loads(ended.out)["runs"][0]["results"] == []


@pytest.mark.parametrize("variant", ["plain", "stripped", "pie", "race", "cgo"])
def test_programs_as_go_makes_them_have_no_findings(release, variant):
    for program in ["seed", "running"]:
        assert check(gobuild.build(program, release, variant), 0) == []


@pytest.mark.parametrize("name", ["hugo", "caddy", "prometheus", "etcd", "docker"])
def test_large_programs_have_no_findings(name):
    assert check(others.debian(name), 0) == []


def test_the_go_command_has_no_findings(release):
    assert check(gobuild.goroot(release) / "bin" / "go", 0) == []


def test_rules_are_told_in_both_forms():
    """--json printed text, and a second ID was passed over."""
    text = goshawk.run("check", "--rules").out.splitlines()
    begin, *rules, end = map(json.loads, goshawk.run("check", "--rules", "--json").out.splitlines())
    assert (begin["type"], begin["target"], end["type"]) == ("begin", None, "end")
    assert [[r["type"], r["id"], r["level"], r["what"]] for r in rules] == [["rule", *line.split(None, 2)] for line in text]
    one, two = (goshawk.run("check", "--rules", name).out for name in ("NOSPLIT", "G0RACE"))
    assert goshawk.run("check", "--rules", "NOSPLIT", "G0RACE").out == one + "\n" + two
    _, first, second, _ = map(json.loads, goshawk.run("check", "--rules", "NOSPLIT", "G0RACE", "--json").out.splitlines())
    assert (first["id"], second["id"]) == ("NOSPLIT", "G0RACE") and first["page"].split()[-1] == one.split()[-1]
    for wrong in ["NOSPLIT", "G0RAKE"], ["--sarif"], ["-p", "1"]:
        done = goshawk.run("check", "--rules", *wrong)
        assert done.status == 2 and not done.out, done
