"""Spans of what programs ask of databases through the libraries that people use, in versions over their lives. The servers
are those of tests/databases.py, so what they are asked is known to the byte; in make check-all PostgreSQL and Redis are
Debian's, if they can be had."""

import contextlib
import shutil

import pytest

import databases
import gobuild
import goshawk
import others
import reached
import servers

pytestmark = pytest.mark.ptrace
STRIPPED = "-ldflags=-s -w"

POSTGRES = ["SELECT orders", "DELETE refused!42P01", "BEGIN", "UPDATE inside", "COMMIT"]
PGX = ["SELECT orders", "SELECT single", 'INSERT "orders"', "DELETE refused!42P01", "begin", "UPDATE inside", "commit",
       "PREPARE prepared", "postgresql", "BATCH"]
REDIS = ["set", "get", "get", "incr!WRONGTYPE", "CONFIG", "PIPELINE", "set", "MULTI", "MULTI set"]
MONGO = ["ping admin", "insert orders", "insert orders", "find orders", "getMore orders", "find orders", "find orders",
         *["update orders"] * 3, *["delete orders"] * 2, *["findAndModify orders"] * 4, "insert orders", "distinct orders",
         "aggregate orders", "count orders", "aggregate orders", "bulkWrite orders", "aggregate orders", "createIndexes orders",
         "listIndexes orders", "dropIndexes orders", "listCollections shop", "dbStats shop", "runCommand shop",
         "listDatabases admin", "insert orders", "commitTransaction admin", "delete orders", "abortTransaction admin",
         "drop orders", "dropDatabase shop", "insert refused!11000", "insert refused!11000", "find refused!59", "find refused!59",
         "update refused!59", "delete refused!59", "findAndModify refused!59", "bulkWrite refused!11000", "aggregate refused!59",
         "insert unsafe!64", "insert once", "find once", "insert orders!*errors.errorString"]
MONGO_LATER = ["update orders", "create created", "create seen", "find shop", "aggregate shop", "aggregate shop", "aggregate admin",
               "createSearchIndexes orders", "aggregate orders", "updateSearchIndex orders", "dropSearchIndex orders", "dropIndexes orders",
               "bulkWrite admin"]  # the last one in v2 only
SQLITE = ["CREATE TABLE orders", "INSERT orders", "SELECT orders", "INSERT orders!1555", "BEGIN", "DELETE orders", "COMMIT"]

# program, what to replace in it, server, names of its spans with the errors they have
LIBRARIES = {
    "github.com/jackc/pgx/v5": ("spans-pgx", {}, databases.postgres, PGX),
    "github.com/jackc/pgx/v4": ("spans-pgx", {"github.com/jackc/pgx/v5": "github.com/jackc/pgx/v4"}, databases.postgres, PGX),
    "github.com/lib/pq": ("spans-pq", {}, databases.postgres, POSTGRES),
    "github.com/go-sql-driver/mysql": (
        "spans-pq", {"github.com/lib/pq": "github.com/go-sql-driver/mysql", '"postgres"': '"mysql"', "$1": "?"},
        databases.mysql, [n.replace("42P01", "1146") for n in POSTGRES]),
    "modernc.org/sqlite": ("spans-sqlite", {}, None, SQLITE),
    "github.com/mattn/go-sqlite3": (
        "spans-sqlite", {"modernc.org/sqlite": "github.com/mattn/go-sqlite3", '"sqlite"': '"sqlite3"'}, None, SQLITE),
    "github.com/redis/go-redis/v9": ("spans-redis", {}, databases.redis, REDIS),
    "github.com/go-redis/redis/v8": (
        "spans-redis", {"github.com/redis/go-redis/v9": "github.com/go-redis/redis/v8"}, databases.redis, REDIS),
    "go.mongodb.org/mongo-driver": ("spans-mongo", {}, databases.mongodb, MONGO),
    "go.mongodb.org/mongo-driver/v2": ("spans-mongo", {
        "go.mongodb.org/mongo-driver": "go.mongodb.org/mongo-driver/v2", "mongo.Connect(ctx, ": "mongo.Connect(",
        "mongo.SessionContext": "context.Context", "writeconcern.New(writeconcern.W(0))": "writeconcern.Unacknowledged()",
        'second(orders.Distinct(ctx, "canary", secret))': 'orders.Distinct(ctx, "canary", secret).Err()',
        'second(orders.Indexes().DropOne(ctx, "canary_1"))': 'orders.Indexes().DropOne(ctx, "canary_1")',
        "second(orders.Indexes().DropAll(ctx))": "orders.Indexes().DropAll(ctx)", "// v2: ": "", "DecodeBytes()": "Raw()"}, databases.mongodb, MONGO),
}
VERSIONS = reached.DATABASE_VERSIONS
QUICK = [("github.com/jackc/pgx/v5", "v5.5.5"), ("github.com/lib/pq", "v1.10.9"), ("github.com/redis/go-redis/v9", "v9.23.0"),
         ("github.com/go-redis/redis/v8", "v8.11.5"), ("go.mongodb.org/mongo-driver", "v1.17.10"),
         ("go.mongodb.org/mongo-driver/v2", "v2.10.0")]
TABLES = """\
CREATE TABLE orders (name text, note text, id int)
INSERT INTO orders VALUES ('canary', 'other', 4711)
CREATE TABLE inside (name text)
CREATE TABLE batch (name text)
CREATE TABLE single AS SELECT * FROM orders
CREATE TABLE prepared AS SELECT * FROM orders
CREATE TABLE standard AS SELECT * FROM orders
"""
DEBIAN = {}  # by what stands for it elsewhere


@pytest.fixture(scope="module", autouse=True)
def debian():
    if not gobuild.ALL or servers.why_not():
        yield
        return
    with servers.postgres("shop", TABLES) as postgres, \
            servers.redis(["SELECT", "2"], ["LPUSH", "refused canary", "canary"]) as redis:
        DEBIAN.update({databases.postgres: postgres, databases.redis: redis})
        yield
        DEBIAN.clear()


def build(tmp_path, library, version, release, *flags):
    program, changes, _, _ = LIBRARIES[library]
    source = tmp_path / program
    shutil.copytree(gobuild.ROOT / "tests" / "go" / program, source)
    if (library, version) not in QUICK:
        (source / "later.go").unlink(missing_ok=True)
    for file in source.iterdir():
        text = file.read_text()
        for old, new in changes.items():
            text = text.replace(old, new)
        if file.name == "go.mod":
            text = "\n".join("require %s %s" % (library, version) if line.startswith("require " + library) else line
                             for line in text.split("\n"))
        file.write_text(text)
    return others.module(program, release, *flags, source=source, cgo="mattn" in library)


def run(tmp_path, library, program, *options):
    """The spans below `main.round`, the newest last, and all."""
    to = tmp_path / "spans.json"
    command = ["spans", "--json", "-o", to, "--func", "main.round", *options, "--", program]
    serve = LIBRARIES[library][2]
    if serve:
        with contextlib.nullcontext(DEBIAN[serve]) if serve in DEBIAN else serve() as server:
            url = "127.0.0.1:%d" % server.port
            if serve is databases.mysql:
                url = "me:canary@tcp(%s)/shop?interpolateParams=true" % url
            elif serve is databases.postgres:
                url = "postgres://canary:canary@%s/shop?sslmode=disable" % url
            elif serve is databases.mongodb:
                url = "mongodb://me:canary@%s/?authMechanism=PLAIN&retryWrites=true&retryReads=true" % url
            done = goshawk.run(*command, url)
    else:
        done = goshawk.run(*command)
    assert (done.status, done.out) == (0, "done\n"), done
    assert "canary" not in to.read_text() and "canary" not in done.err
    spans = sorted((o for o in goshawk.read_lines(to) if o["type"] == "span"), key=lambda s: s["time"])
    around, = (s for s in spans if s["name"] == "main.round")
    return [s for s in spans if s["parent_span_id"] == around["span_id"]], spans, done


def names(spans):
    return [s["name"] + ("!" + s["attributes"]["error.type"] if s["status"] == "error" else "") for s in spans]


def expected(library, version):
    """Of mongo-driver 1.0 does not try again what reads. Where go-redis' processTxPipeline is inlined, only what is done first is known,
    which is MULTI."""
    later = [n for n in MONGO_LATER if "mongo" in library and (library, version) in QUICK and ("v2" in library or n != "bulkWrite admin")]
    return [n + "!6" if (n, version) == ("find once", "v1.0.3") else n for n in LIBRARIES[library][3] + later]


def check(library, version, below, done):
    a = [s["attributes"] for s in below]
    if "redis" in library and version != "v9.23.0" and below[-1]["name"] == "MULTI":
        below[-1]["name"] = a[-1]["db.operation.name"] = "MULTI set"
    # of a context that was cancelled mongo-driver returns one of these errors
    assert [n.replace("!mongo.CommandError", "!*errors.errorString") for n in names(below)] == expected(library, version), done
    assert " is off" not in done.err
    assert {s["kind"] for s in below} == {"client"}
    system = next((s for s in ("redis", "sqlite", "mysql", "mongo") if s in library), "postgresql")
    assert {x["db.system.name"] for x in a} == {system.replace("mongo", "mongodb")}
    assert all("?" in x["db.query.text"] or "'" not in x["db.query.text"] for x in a if "db.query.text" in x)
    if "redis" in library:
        assert {(x["db.namespace"], x["server.address"]) for x in a} == {("2", "127.0.0.1")}
        assert [x["db.operation.name"] for x in a] == [s["name"] for s in below]
        assert [x.get("db.operation.batch.size") for x in a] == [None] * 5 + [2, None, 3, None]
    if "mongo" in library:
        assert len({(x["server.address"], x["server.port"]) for x in a}) == 1 and a[0]["server.address"] == "127.0.0.1"
        for s, x in zip(below, a):
            assert s["name"] == "%s %s" % (x["db.operation.name"], x.get("db.collection.name", x["db.namespace"]))
            assert x["db.namespace"] == ("admin" if s["name"].endswith(" admin") else "shop")
            assert ("db.response.status_code" in x) == x.get("error.type", "").isdigit()
        assert [x["db.operation.batch.size"] for x in a if "db.operation.batch.size" in x] == [2, 3, 2]
    if "pgx" in library:
        assert {(x["db.namespace"], x["server.address"]) for x in a} == {("shop", "127.0.0.1")}


@pytest.mark.parametrize("library, version", QUICK)
def test_library(tmp_path, library, version):
    program = build(tmp_path, library, version, VERSIONS[library][version], STRIPPED)
    below, spans, done = run(tmp_path, library, program)
    check(library, version, below, done)
    if "mongo" in library:  # before the round it finds the server; what the driver asks by itself is no span
        assert len(spans) == len(below) + 2
    if "pgx" in library:  # by database/sql: its span alone is shown
        assert names(spans)[-2:] == ["SELECT standard", "DELETE refused!42P01"]
        assert spans[-1]["scope"] == "database/sql"
        assert len(spans) == len(below) + 3


@pytest.mark.skipif(not gobuild.ALL, reason="what there is of the libraries is for make check-all")
@pytest.mark.parametrize("library, version", [(library, v) for library in VERSIONS for v in VERSIONS[library]])
def test_version(tmp_path, library, version):
    release = VERSIONS[library][version]
    for variant, flag in {"stripped": STRIPPED, "debug information": "-v"}.items():
        folder = tmp_path / variant
        folder.mkdir()
        below, _, done = run(folder, library, build(folder, library, version, release, flag))
        check(library, version, below, done)
        reached.DATABASES.put("%s %s, Go %s" % (library, version, release), variant, True, ("seen", "wrong"))


@pytest.mark.parametrize("options", [(), ("--engine", "uprobe")])
def test_race_and_probes(tmp_path, options):
    """A build for the race detector; and kernel probes, which read the same."""
    if options and goshawk.why_no_bpf():
        pytest.skip(goshawk.why_no_bpf())
    library, version = ("github.com/redis/go-redis/v9", "v9.23.0") if options else ("github.com/lib/pq", "v1.10.9")
    program = build(tmp_path, library, version, VERSIONS[library][version], STRIPPED if options else "-race")
    below, _, done = run(tmp_path, library, program, *options)
    check(library, version, below, done)
