"""--logs: lines of the loggers that people use as events of the span that they are in. The programs of tests/go/spans-logs
write what is expected here, lines that are not enabled, and secrets beside the messages."""

import functools
import json
import pathlib
import subprocess

import pytest

import gobuild
import goshawk
import others
import reached
from collector import Collector

pytestmark = pytest.mark.ptrace
STRIPPED = "-ldflags=-s -w"
NAMES = {"log/slog": "slog", "go.uber.org/zap": "zap", "github.com/rs/zerolog": "zerolog", "github.com/sirupsen/logrus": "logrus"}
LONG = "é" * 255 + "x…"  # cut at 512 bytes, and not in the middle of a character
FIRST = [("INFO", "first"), ("WARN", "second é"), ("ERROR", "")]
LAST = [("ERROR", "attrs"), ("INFO", LONG), ("INFO", "of a goroutine")]
ROUND = {
    "slog": [*FIRST, ("INFO+2", "between"), *LAST],
    "zap": [*FIRST, ("INFO", "between"), *LAST, ("INFO", "sampled")],
    "zerolog": [*FIRST, ("INFO", "between"), (None, "without a level"), *LAST, ("INFO", "sampled")],
    "logrus": [*FIRST, ("INFO", "between"), *LAST, ("PANIC", "panics")],
}
MANY = [("INFO", "line %d" % i) for i in range(128)]


def newest(module):
    return [v for m, v, _ in reached.LOGGERS if m == module][-1]


@functools.lru_cache(maxsize=None)
def build(module, version, release, *flags, name=None):
    name = name or NAMES[module]
    source = gobuild.OUT / "logs" / ("%s-%s-%s" % (name, version, release))
    gobuild.put(source / "main.go", (gobuild.ROOT / "tests" / "go" / "spans-logs" / name / "main.go").read_text())
    gobuild.put(source / "go.mod", "module logs\n\ngo 1.%d\n%s" % (
        gobuild.minor(release), "\nrequire %s %s\n" % (module, version) if version else ""))
    return others.module("spans-logs-" + name, release, *flags, source=source)


def run(tmp_path, program, *options):
    to = tmp_path / "spans.json"
    done = goshawk.run("spans", "--logs", "--json", "-o", to, "--func", "main.round", "--func", "main.many", *options, "--", program)
    assert done.status == 0 and done.out.endswith("\ndone\n"), done
    text = to.read_text()
    assert "canary" not in text and "canary" not in done.err and "canary" in done.out
    lines = goshawk.read_lines(to)
    return [o for o in lines if o["type"] == "span"], lines[-1], done


def events(span):
    found = span.get("events", [])
    assert {e["name"] for e in found} <= {"log"} and [e["time"] for e in found] == sorted(e["time"] for e in found)
    assert all(set(e["attributes"]) <= {"log.severity", "log.message"} for e in found)
    return [(e["attributes"].get("log.severity"), e["attributes"]["log.message"]) for e in found]


def check(tmp_path, module, program, *options):
    spans, end, done = run(tmp_path, program, *options)
    by_name = {s["name"]: s for s in spans}
    assert " is off" not in done.err and not end["off"] and end["lost"] == 0
    assert events(by_name["main.round"]) == ROUND[NAMES[module]], done.err
    assert events(by_name["main.many"]) == MANY and by_name["main.many"]["dropped_events"] == 2
    assert end["outside"] == (2 if module == "log/slog" else 1)
    if module == "log/slog":  # a worker that is in no span, by the context of the request
        served = next(s for s in spans if s["kind"] == "server")
        assert events(served) == [("INFO", "by context")]
    alone = subprocess.run([program], stdout=subprocess.PIPE, text=True, timeout=60).stdout
    assert done.out.count("\n") == alone.count("\n")
    assert "zerolog" not in module or done.out == alone  # it writes no time


@pytest.mark.parametrize("module", NAMES)
def test_newest(tmp_path, module):
    check(tmp_path, module, build(module, newest(module), gobuild.NEWEST, STRIPPED))


def test_not_asked(tmp_path):
    """Without --logs, or where `logs` is left out, there is no event, and no line is counted."""
    program = build("log/slog", "", gobuild.NEWEST, STRIPPED)
    spans, end, _ = run(tmp_path, program, "--no", "logs")
    assert not any("events" in s for s in spans) and end["outside"] == 0
    done = goshawk.run("spans", "--func", "main.round", "--", program)
    assert "main.round" in done.err and "•" not in done.err and "in no span" not in done.err


def test_tree():
    """An event is a line below its span."""
    done = goshawk.run("spans", "--logs", "--func", "main.round", "--func", "main.many", "--",
                       build("log/slog", "", gobuild.NEWEST, STRIPPED))
    lines = done.err.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("main.round "))
    assert [line.split("s ", 1)[1] for line in lines[at + 1:at + 8]] == ["%s %s" % e for e in ROUND["slog"]]
    assert all(line.startswith("   • ") for line in lines[at + 1:at + 8])
    assert "   • 2 more" in lines and done.err.endswith("; 2 lines of logs in no span\n")
    served = next(i for i, line in enumerate(lines) if line.startswith("└─ GET "))
    assert lines[served + 1].startswith("      • ") and lines[served + 1].endswith(" INFO by context")


def test_requests_at_once(tmp_path):
    """Each of 400 requests has its own lines: the handler's, a goroutine's, and a worker's that has its context."""
    to = tmp_path / "spans.json"
    program = build("log/slog", "", gobuild.NEWEST, STRIPPED, name="serving")
    done = goshawk.run("spans", "--logs", "--json", "-o", to, "--", program)
    assert (done.status, done.out) == (0, "done\n"), done
    lines = goshawk.read_lines(to)
    served = {s["attributes"]["url.path"]: s for s in lines if s["type"] == "span" and s["kind"] == "server"}
    assert len(served) == 400 and lines[-1]["lost"] == lines[-1]["outside"] == 0, done.err
    for path, span in served.items():
        assert events(span) == [("INFO", "handler " + path), ("WARN", "goroutine " + path), ("INFO", "worker " + path)]
        assert all(span["time"] <= e["time"] for e in span["events"])


def test_collector():
    """OTLP: the span's events, and how many more there were."""
    with Collector() as c:
        done = goshawk.run("spans", "--logs", "--otlp", c.url, "--func", "main.many", "--",
                           build("log/slog", "", gobuild.NEWEST, STRIPPED))
        assert done.status == 0, done
        span = next(s for r in c.requests for s in r.spans if s["name"] == "main.many")
    assert len(span["events"]) == 128 and span["droppedEventsCount"] == 2
    event = span["events"][3]
    assert event["name"] == "log" and int(span["startTimeUnixNano"]) < int(event["timeUnixNano"]) < int(span["endTimeUnixNano"])
    assert [(a["key"], a["value"]["stringValue"]) for a in event["attributes"]] == [("log.severity", "INFO"), ("log.message", "line 3")]


def test_store(tmp_path):
    """What a store has kept is read as it was."""
    store = tmp_path / "spans.db"
    spans, _, _ = run(tmp_path, build("log/slog", "", gobuild.NEWEST, STRIPPED), "--store", store)
    span = next(s for s in spans if s["name"] == "main.many")
    read = goshawk.run("spans", "--read", store, "--trace", span["trace_id"], "--json")
    kept = next(o for o in map(json.loads, read.out.splitlines()) if o["type"] == "span")
    assert (kept["events"], kept["dropped_events"]) == (span["events"], 2)


def test_kernel_probes(tmp_path):
    if goshawk.why_no_bpf():
        pytest.skip("kernel probes are not permitted here")
    module = "github.com/rs/zerolog"
    check(tmp_path, module, build(module, newest(module), gobuild.NEWEST, STRIPPED), "--engine", "uprobe")


LOGRUS = "github.com/sirupsen/logrus"


def renamed(tmp_path, program, was, now):
    """The program with another build information, which tells the modules and their versions."""
    built = pathlib.Path(program).read_bytes()
    assert was in built and len(was) == len(now)
    to = tmp_path / "program"
    to.write_bytes(built.replace(was, now))
    to.chmod(0o755)
    return to


@pytest.mark.parametrize("version, go", [("v1.7.0", "1.19.13"), ("v1.9.3", "1.22.12"), (newest(LOGRUS), gobuild.NEWEST)])
@pytest.mark.parametrize("flags", [[STRIPPED], []])
def test_no_known_version(tmp_path, version, go, flags):
    """Debian builds without modules: that a parameter was added is seen by their number."""
    said = b"dep\t%s\t" % LOGRUS.encode()
    check(tmp_path, LOGRUS, renamed(tmp_path, build(LOGRUS, version, go, *flags), said, said.upper()))


def test_what_does_not_fit_is_off(tmp_path):
    said = b"dep\t%s\tv1.9.3" % LOGRUS.encode()
    program = renamed(tmp_path, build(LOGRUS, "v1.9.3", "1.22.12", STRIPPED), said, said[:-6] + b"v9.9.9")
    _, end, done = run(tmp_path, program)
    assert "[goshawk] log.message is off in %s.(*Entry).log: %s.(*Entry).log has no arg2; " % (LOGRUS, LOGRUS) in done.err, done.err
    assert len(end["off"]) == 1


@pytest.mark.parametrize("module, version, go", reached.LOGGERS)
@pytest.mark.parametrize("built", reached.LOGS.columns)
def test_version(tmp_path, module, version, go, built):
    """Every release of each: seen; nothing is wrong."""
    if not gobuild.ALL:
        pytest.skip("in make check-all")
    flags = {"stripped": [STRIPPED], "debug information": [], "race": ["-race"]}[built]
    check(tmp_path, module, build(module, version, go, *flags))
    reached.LOGS.put(reached.logger(module, version, go), built, True, ("seen", "wrong"))
