"""Spans of what programs ask of databases through the libraries that people use, in versions over their lives. The servers
are those of tests/databases.py, so what they are asked is known to the byte."""

import shutil

import pytest

import databases
import gobuild
import goshawk
import others

pytestmark = pytest.mark.ptrace
STRIPPED = "-ldflags=-s -w"

POSTGRES = ["SELECT orders", "DELETE refused!42P01", "BEGIN", "UPDATE inside", "COMMIT"]
PGX = ["SELECT orders", "SELECT single", 'INSERT "orders"', "DELETE refused!42P01", "begin", "UPDATE inside", "commit",
       "PREPARE prepared", "postgresql", "BATCH"]
REDIS = ["set", "get", "get", "incr!WRONGTYPE", "CONFIG", "PIPELINE", "MULTI"]
SQLITE = ["CREATE TABLE orders", "INSERT orders", "SELECT orders", "INSERT orders!1555", "BEGIN", "DELETE orders", "COMMIT"]

# program, what to replace in it, server, names of its spans with the errors they have, and the library's versions, each
# with the Go release it is built by: the newest one that it was made for, or the newest of all
LIBRARIES = {
    "github.com/jackc/pgx/v5": ("spans-pgx", {}, databases.postgres, PGX, {
        "v5.3.0": "1.19.13", "v5.4.3": "1.20.14", "v5.5.5": "1.21.13", "v5.6.0": "1.22.12", "v5.7.5": "1.24.11",
        "v5.8.0": "1.25.5", "v5.13.0": gobuild.NEWEST}),
    "github.com/lib/pq": ("spans-pq", {}, databases.postgres, POSTGRES, {
        "v1.2.0": "1.17.13", "v1.8.0": "1.18.10", "v1.10.0": "1.19.13", "v1.10.7": "1.20.14", "v1.10.9": "1.22.12",
        "v1.11.0": "1.25.5", "v1.12.3": gobuild.NEWEST}),
    "github.com/redis/go-redis/v9": ("spans-redis", {}, databases.redis, REDIS, {
        "v9.0.0": "1.18.10", "v9.0.5": "1.19.13", "v9.3.0": "1.20.14", "v9.5.1": "1.22.12", "v9.7.0": "1.23.12",
        "v9.10.0": "1.24.11", "v9.14.0": "1.25.5", "v9.23.0": gobuild.NEWEST}),
    "github.com/go-redis/redis/v8": ("spans-redis", {"github.com/redis/go-redis/v9": "github.com/go-redis/redis/v8"},
                                     databases.redis, REDIS, {
        "v8.0.0-beta.5": "1.17.13", "v8.4.0": "1.17.13", "v8.5.0": "1.18.10", "v8.8.0": "1.19.13", "v8.10.0": "1.20.14",
        "v8.11.5": gobuild.NEWEST}),
    "modernc.org/sqlite": ("spans-sqlite", {}, None, SQLITE, {
        "v1.14.6": "1.17.13", "v1.20.3": "1.18.10", "v1.23.1": "1.19.13", "v1.29.0": "1.21.13", "v1.38.0": "1.24.11",
        "v1.62.0": gobuild.NEWEST}),
}
QUICK = [("github.com/jackc/pgx/v5", "v5.5.5"), ("github.com/lib/pq", "v1.10.9"), ("github.com/redis/go-redis/v9", "v9.23.0"),
         ("github.com/go-redis/redis/v8", "v8.11.5")]


def build(tmp_path, library, version, release, *flags):
    program, changes, _, _, _ = LIBRARIES[library]
    source = tmp_path / program
    shutil.copytree(gobuild.ROOT / "tests" / "go" / program, source)
    for file in source.iterdir():
        text = file.read_text()
        for old, new in changes.items():
            text = text.replace(old, new)
        if file.name == "go.mod":
            text = "\n".join("require %s %s" % (library, version) if line.startswith("require ") else line
                             for line in text.split("\n"))
        file.write_text(text)
    return others.module(program, release, *flags, source=source)


def run(tmp_path, library, program, *options):
    """The spans below `main.round`, the newest last, and all."""
    to = tmp_path / "spans.json"
    command = ["spans", "--json", "-o", to, "--func", "main.round", *options, "--", program]
    serve = LIBRARIES[library][2]
    if serve:
        with serve() as server:
            url = "127.0.0.1:%d" % server.port
            if serve is databases.postgres:
                url = "postgres://me:canary@%s/shop?sslmode=disable" % url
            done = goshawk.run(*command, url)
    else:
        done = goshawk.run(*command)
    assert (done.status, done.out) == (0, "done\n"), done
    assert "canary" not in to.read_text() and "canary" not in done.err
    spans = sorted((o for o in goshawk.read_lines(to) if o["type"] == "span"), key=lambda s: s["time"])
    assert spans[0]["name"] == "main.round", spans
    return [s for s in spans if s["parent_span_id"] == spans[0]["span_id"]], spans, done


def names(spans):
    return [s["name"] + ("!" + s["attributes"]["error.type"] if s["status"] == "error" else "") for s in spans]


def check(library, below, done):
    a = [s["attributes"] for s in below]
    assert names(below) == LIBRARIES[library][3], done
    assert " is off" not in done.err
    assert {s["kind"] for s in below} == {"client"}
    system = "redis" if "redis" in library else "sqlite" if "sqlite" in library else "postgresql"
    assert {x["db.system.name"] for x in a} == {system}
    assert all("?" in x["db.query.text"] or "'" not in x["db.query.text"] for x in a if "db.query.text" in x)
    if "redis" in library:
        assert {(x["db.namespace"], x["server.address"]) for x in a} == {("2", "127.0.0.1")}
        assert [x.get("db.operation.batch.size") for x in a] == [None] * 5 + [2, 3]
    if "pgx" in library:
        assert {(x["db.namespace"], x["server.address"]) for x in a} == {("shop", "127.0.0.1")}


@pytest.mark.parametrize("library, version", QUICK)
def test_library(tmp_path, library, version):
    program = build(tmp_path, library, version, LIBRARIES[library][4][version], STRIPPED)
    below, spans, done = run(tmp_path, library, program)
    check(library, below, done)
    if "pgx" in library:  # by database/sql: its span alone is shown
        assert names(spans)[-2:] == ["SELECT standard", "DELETE refused!42P01"]
        assert spans[-1]["scope"] == "database/sql"
        assert len(spans) == len(below) + 3


@pytest.mark.parametrize("options", [(), ("--engine", "uprobe")])
def test_race_and_probes(tmp_path, options):
    """A build for the race detector; and kernel probes, which read the same."""
    if options and goshawk.why_no_bpf():
        pytest.skip(goshawk.why_no_bpf())
    library, version = ("github.com/redis/go-redis/v9", "v9.23.0") if options else ("github.com/lib/pq", "v1.10.9")
    program = build(tmp_path, library, version, LIBRARIES[library][4][version], STRIPPED if options else "-race")
    below, _, done = run(tmp_path, library, program, *options)
    check(library, below, done)
