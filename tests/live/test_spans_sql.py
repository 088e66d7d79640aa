"""Spans of what a program asks of databases. tests/go/spans-sql has a driver for database/sql of its own, so it needs
nothing else, and is built by every release."""

import pytest

import gobuild
import goshawk

pytestmark = pytest.mark.ptrace


def spans_of(tmp_path, program, *options, args=(), env=None):
    """The spans of a run, in the order of their beginning, and those below `main.round` by the round."""
    to = tmp_path / "spans.json"
    done = goshawk.run("spans", "--json", "-o", to, "--func", "main.round", *options, "--", program, *args, env=env)
    assert (done.status, done.out[:4]) == (0, "done"), done
    assert "canary" not in to.read_text() and "canary" not in done.err
    objects = goshawk.read_lines(to)
    spans = sorted((o for o in objects if o["type"] == "span"), key=lambda s: s["time"])
    rounds = [s["span_id"] for s in spans if s["name"] == "main.round"]
    return [[s for s in spans if s["parent_span_id"] == r] for r in rounds], spans, done


def nanoseconds(s):
    minutes, rest = s["time"].split("T")[1].rstrip("Z").split(":")[1:]
    seconds, fraction = rest.split(".")
    return (60 * int(minutes) + int(seconds)) * 10**9 + int(fraction.ljust(9, "0"))


def short(s):
    a = s["attributes"]
    return (s["name"], a.get("db.operation.name"), a.get("db.collection.name"), a.get("error.type"))


def expected(n):
    t = lambda name: "%s%d" % (name, n)
    return [
        ("PING", "PING", None, None),
        ("SELECT " + t("canaries"), "SELECT", t("canaries"), None),
        ("select " + t("slow"), "select", t("slow"), None),
        ("INSERT " + t("t"), "INSERT", t("t"), None),
        ("DELETE " + t("fails"), "DELETE", t("fails"), "*main.refusal"),
        ("UPDATE " + t("BAD"), "UPDATE", t("BAD"), None),
        ("PREPARE " + t("prepared"), "PREPARE", t("prepared"), None),
        ("SELECT " + t("prepared"), "SELECT", t("prepared"), None),
        ("SELECT " + t("prepared"), "SELECT", t("prepared"), None),
        ("BEGIN", "BEGIN", None, None),
        ("UPDATE " + t("inside"), "UPDATE", t("inside"), None),
        ("SELECT " + t("inside"), "SELECT", t("inside"), None),
        ("PREPARE " + t("inside"), "PREPARE", t("inside"), None),
        ("DELETE " + t("inside"), "DELETE", t("inside"), None),
        ("COMMIT", "COMMIT", None, None),
        ("BEGIN", "BEGIN", None, None),
        ("ROLLBACK", "ROLLBACK", None, None),
        ("PING", "PING", None, None),
        ("SELECT " + t("single"), "SELECT", t("single"), None),
        ("VACUUM", "VACUUM", None, None),
        ("BEGIN", "BEGIN", None, None),
        ("COMMIT", "COMMIT", None, None),
        ("PREPARE", "PREPARE", None, "*errors.errorString"),
    ]


@pytest.mark.parametrize("variant, options", [("stripped", ()), ("race", ()), ("plain", ("--engine", "uprobe"))])
def test_database_sql(tmp_path, release, variant, options):
    """Each call is one span, whether the driver takes texts or prepares them, and however often it is tried."""
    if variant != "stripped" and release not in gobuild.ENDS:
        pytest.skip("with the oldest and the newest release")
    if options and goshawk.why_no_bpf():
        pytest.skip(goshawk.why_no_bpf())
    rounds, spans, done = spans_of(tmp_path, gobuild.build("spans-sql", release, variant), *options)
    assert [[short(s) for s in r] for r in rounds] == [expected(0), expected(1)], done
    assert len(spans) == 2 * (1 + len(expected(0))), "the goroutines of transactions do nothing that is shown"
    assert " is off" not in done.err
    for s in rounds[0] + rounds[1]:
        assert (s["kind"], s["attributes"]["db.system.name"]) == ("client", "other_sql")
        assert (s["status"] == "error") == ("error.type" in s["attributes"])
    texts = [s["attributes"].get("db.query.text") for s in rounds[0]]
    assert texts[1:6] == ["SELECT id, secret FROM canaries0 WHERE secret = ? AND n = ?", "select * from slow0",
                          "INSERT INTO t0 VALUES (?)", "DELETE FROM fails0 WHERE FAIL = ?", "UPDATE BAD0 SET a = ?"]
    assert texts[7] == texts[8] == "SELECT * FROM prepared0 WHERE secret = ?"
    # from the call to its return: its two rows are read afterwards, in 10 ms
    slow, then = rounds[0][2:4]
    assert slow["duration_ns"] >= 20e6 and nanoseconds(then) - nanoseconds(slow) - slow["duration_ns"] >= 9.9e6


def test_library_is_chosen(tmp_path):
    program = gobuild.build("spans-sql", gobuild.NEWEST, "plain")
    rounds, spans, done = spans_of(tmp_path, program, "--no", "sql")
    assert [s["name"] for s in spans] == ["main.round"] * 2
    plan = goshawk.run("spans", "--plan", "--only", "sql", "--", program)
    assert "sql: database/sql of go%s: on" % gobuild.NEWEST in plan.out, plan
    plan = goshawk.run("spans", "--plan", "--", program)
    assert "http-server: github.com/valyala/fasthttp: not in this program\n" in plan.out, plan
