"""docs/stress-reach.md, docs/explain-reach.md, docs/spans-reach.md: what `make check-all` has seen of each, and on which day.
`UPDATE=1 make check-all` writes each cell as it is seen; every other one compares."""

import datetime
import fcntl
import os

import gobuild

NOT_TRIED = "–"
HEAD = """# What %s was tried on

Made by the tests of `make check-all` (`tests/reached.py`): the last column is the day on which a cell of the row was seen last.
%s: not tried.
"""


class Table:
    """Results by row and column."""

    all = []

    def __init__(self, title, text, rows, columns, of="stress"):
        self.title, self.text, self.rows, self.columns = title, text, rows, list(columns)
        self.of, self.page = of, gobuild.ROOT / "docs" / (of + "-reach.md")
        Table.all.append(self)

    def cells(self):
        """Those that stand on the page, and the day of each row."""
        cells, here, heads = {}, False, None
        for line in self.page.read_text().splitlines() if self.page.exists() else []:
            if line.startswith("## "):
                here = line == "## " + self.title
            elif here and line.startswith("|"):
                row = [c.strip() for c in line.strip("|").split("|")]
                if heads is None:
                    heads = row
                elif set(row[0]) != {"-"}:
                    cells.update({(row[0], h): c for h, c in zip(heads[1:], row[1:])})
        return cells

    def put(self, row, column, good, said=("same", "differs")):
        """The test that calls this has seen it; in `make check`, which has not seen all, nothing happens."""
        assert row in self.rows and column in self.columns
        if not gobuild.ALL:
            return
        cell = said[0] if good else said[1]
        if os.environ.get("UPDATE") == "1":
            with open(self.page, "a") as lock:  # two runs of the tests may share the page
                fcntl.flock(lock, fcntl.LOCK_EX)
                written = {t: t.cells() for t in Table.all if t.of == self.of}
                written[self].update({(row, column): cell, (row, "seen"): datetime.date.today().isoformat()})
                self.page.write_text(HEAD % (self.of, NOT_TRIED) + "".join(t.markdown(cells) for t, cells in written.items()))
        else:
            assert self.cells().get((row, column)) == cell, "docs/%s says otherwise: UPDATE=1 make check-all" % self.page.name

    def markdown(self, cells):
        heads = [*self.columns, "seen"]
        lines = ["| | %s |" % " | ".join(heads), "|%s" % ("---|" * (len(heads) + 1))]
        lines += ["| %s | %s |" % (r, " | ".join(cells.get((r, h), NOT_TRIED) for h in heads)) for r in self.rows]
        return "\n## %s\n\n%s\n\n%s\n" % (self.title, self.text, "\n".join(lines))


SIX = [r for r in gobuild.RELEASES if gobuild.minor(r) in (17, 19, 22, 24, 26, 27)]
# Nothing to wait for but all of the code; and a delay as short as the code can make it, now and then.
DELAYS = {"none": ["--delay", "0"], "100ns at 1%": ["--delay", "100ns", "--chance", "1%"]}
QUICK = ["strings", "sort", "encoding/json", "fmt"]  # what `make check` runs, too
PACKAGES = ["runtime", "net/http", "sync", "reflect", "go/types", "text/template", "crypto/tls", *QUICK]
RACES = ["string", "slice", "append", "interface"]

FOUND = Table(
    "What is found",
    "Precision and recall, in per cent, of what `stress --list` finds in [a program](../tests/torn.py) whose stores are known: with debug\n"
    "information, and *stripped*. There one function is taken for another: to the processor, copying `struct{ p *T; n int }` is copying a string.",
    gobuild.RELEASES, ["%s%s" % (k, v) for v in ("", ", stripped") for k in ("string", "slice", "interface")])
COPIES = Table(
    "Go's own tests in copies",
    "Every torn store of a package's test binary delayed, but those of the runtime, `sync` and `internal/…`: by nothing, and by 100 ns\n"
    "at one pass in a hundred. *same*: each test ends as it does in the original, which may be a failure where there is no network.\n"
    "`go build`: a copy of the `go` command builds `cmd/go` and all its packages anew, and the result is the same to the byte.",
    ["%s, %s" % (r, d) for r in SIX for d in DELAYS], [*PACKAGES, "go build"])
STARTED = Table(
    "Go's own tests with delays in the process",
    "The same stores in the same test binaries, delayed by `stress -- PROGRAM`, so that nothing is written to a file.",
    ["%s, %s" % (r, d) for r in SIX for d in DELAYS], PACKAGES)
KILLED = Table(
    "Races in copies",
    "[racing](../tests/go/racing/main.go) with a delay of 100 µs in its store *dies*; with delays in all its other stores, and by itself, it lives.",
    gobuild.RELEASES, RACES)
PROVED = Table(
    "Races that `--until-crash` proves",
    "*proved*: of five copies with the one store that it names at least three died; of ten controls none, or one on a busy machine.",
    gobuild.RELEASES, RACES)
SAFE = {"mutex": "string", "atomic": "slice", "channel": "interface"}
LIVE = Table(
    "Correct programs",
    "The same values, guarded, for a minute under `--until-crash` with delays in all its own functions, in `fmt` and `time`.",
    gobuild.RELEASES, SAFE)
LIVE_ALL = Table(
    "Correct programs, every store",
    "The same for 12 seconds, with delays at every store but those of the runtime, `sync` and `internal/…`, at each pass and at random.",
    gobuild.RELEASES, SAFE)
KINDS = ["plain", "stripped", "pie", "cgo", "race"]
ZOO = Table(
    "The zoo",
    "How many of [the programs](../tests/go/zoo) of each kind of binary died of what is said of them, by a run and once more from its text;\n"
    "from the kernel's cores of the stripped ones; from these cut to nine tenths and to three (right, or not known: nothing else counts);\n"
    "from `gcore` of what lives; and healthy ones (stripped, PIE and race builds), stopped by two signals, of which nothing was said.",
    SIX, [*KINDS, "cores", "cut cores", "gcore", "healthy"], of="explain")
# Versions over the module's life, each with a release of Go that builds it.
GRPC_VERSIONS = [("1.40.1", "1.19.13"), ("1.46.2", "1.19.13"), ("1.53.0", "1.20.14"), ("1.56.3", "1.21.13"), ("1.59.0", "1.21.13"),
                 ("1.60.1", "1.22.12"), ("1.65.1", "1.22.12"), ("1.66.2", "1.22.12"), ("1.69.4", "1.23.12"), ("1.72.2", "1.24.11"),
                 ("1.76.0", "1.24.11"), ("1.77.0", "1.25.5"), ("1.81.1", "1.25.5"), ("1.82.0", "1.25.5"), ("1.85.0", "1.26.8"), ("1.85.0", "1.27.4")]
GRPC = Table(
    "google.golang.org/grpc",
    "By version and release of Go: unary calls and streams of all kinds, their codes, errors, retries and parents, in stripped programs and\n"
    "in those with debug information, which are attached to; 600 calls by 32 clients, on goroutines of their own and on a server's workers;\n"
    "served through `net/http`. *seen*: each span is there, and says what is so.",
    ["%s, %s" % v for v in GRPC_VERSIONS], ["stripped", "debug information", "at once", "workers", "through net/http"], of="spans")
# The modules are test_spans_routes.py's.
ROUTERS = {
    "gin-gonic/gin": ["v1.5.0", "v1.6.3", "v1.7.7", "v1.8.1", "v1.9.1", "v1.10.1", "v1.11.0", "v1.12.0"],
    "labstack/echo": ["v3.3.10+incompatible"],
    "labstack/echo/v4": ["v4.1.16", "v4.1.17", "v4.2.1", "v4.5.0", "v4.7.2", "v4.9.1", "v4.11.4", "v4.13.4", "v4.16.4"],
    "labstack/echo/v5": ["v5.3.1", "v5.4.5"],
    "go-chi/chi": ["v4.0.2+incompatible", "v4.1.2+incompatible", "v1.5.1", "v1.5.5"],
    "go-chi/chi/v5": ["v5.0.0", "v5.0.2", "v5.0.8", "v5.0.12", "v5.1.0", "v5.2.5", "v5.3.2", "v5.5.0"],
    "gorilla/mux": ["v1.4.0", "v1.6.2", "v1.7.0", "v1.7.4", "v1.8.0", "v1.8.1"],
    "gofiber/fiber/v2": ["v2.1.0", "v2.7.1", "v2.26.0", "v2.36.0", "v2.39.0", "v2.45.0", "v2.52.0", "v2.52.6", "v2.52.15"],
    "gofiber/fiber/v3": ["v3.0.0-beta.3", "v3.0.0-beta.4", "v3.0.0-rc.2", "v3.0.0", "v3.1.0"],
    "valyala/fasthttp": ["v1.18.0", "v1.34.0", "v1.40.0", "v1.49.0", "v1.52.0", "v1.65.0", "v1.78.0"],
}
# By which fiber these are tried.
FASTHTTP_UNDER = {"v1.18.0": "v2.1.0", "v1.34.0": "v2.26.0", "v1.40.0": "v2.36.0", "v1.49.0": "v2.45.0"}
ROUTES = Table(
    "Routes",
    "`http.route` by [servers](../tests/go/routes) of these routers, in stripped programs. *seen*: for each request it is what the router\n"
    "itself says. Of fiber the spans, their paths and statuses as well, also with other versions of fasthttp than it asks for (under\n"
    "fiber v2). –: that release of Go does not build it.",
    ["%s %s" % (m, v) for m, versions in ROUTERS.items() for v in versions], ["1.22.12", "1.27.4"], of="spans")

# Libraries for databases: each version with the release of Go that it is built by.
DATABASE_VERSIONS = {
    "github.com/jackc/pgx/v5": {
        "v5.3.0": "1.19.13", "v5.4.3": "1.20.14", "v5.5.5": "1.21.13", "v5.6.0": "1.22.12", "v5.7.5": "1.24.11",
        "v5.8.0": "1.25.5", "v5.13.0": gobuild.NEWEST},
    "github.com/jackc/pgx/v4": {
        "v4.10.1": "1.17.13", "v4.13.0": "1.18.10", "v4.14.0": "1.19.13", "v4.16.1": "1.20.14", "v4.17.2": "1.22.12",
        "v4.18.3": gobuild.NEWEST},
    "github.com/lib/pq": {
        "v1.2.0": "1.17.13", "v1.8.0": "1.18.10", "v1.10.0": "1.19.13", "v1.10.7": "1.20.14", "v1.10.9": "1.22.12",
        "v1.11.0": "1.25.5", "v1.12.3": gobuild.NEWEST},
    "github.com/go-sql-driver/mysql": {
        "v1.4.1": "1.17.13", "v1.5.0": "1.18.10", "v1.6.0": "1.19.13", "v1.7.1": "1.20.14", "v1.8.1": "1.22.12",
        "v1.9.3": "1.25.5", "v1.10.1": gobuild.NEWEST},
    "modernc.org/sqlite": {
        "v1.14.6": "1.17.13", "v1.20.3": "1.18.10", "v1.23.1": "1.19.13", "v1.38.0": "1.24.11",
        "v1.62.0": gobuild.NEWEST},
    "github.com/mattn/go-sqlite3": {
        "v1.14.0": "1.17.13", "v1.14.9": "1.18.10", "v1.14.16": "1.19.13", "v1.14.19": "1.21.13", "v1.14.22": "1.22.12",
        "v1.14.28": "1.24.11", "v1.14.32": gobuild.NEWEST},
    "github.com/redis/go-redis/v9": {
        "v9.0.0": "1.18.10", "v9.0.5": "1.19.13", "v9.3.0": "1.20.14", "v9.5.1": "1.22.12", "v9.7.0": "1.23.12",
        "v9.10.0": "1.24.11", "v9.14.0": "1.25.5", "v9.23.0": gobuild.NEWEST},
    "github.com/go-redis/redis/v8": {
        "v8.0.0-beta.5": "1.17.13", "v8.4.0": "1.17.13", "v8.5.0": "1.18.10", "v8.8.0": "1.19.13", "v8.10.0": "1.20.14",
        "v8.11.5": gobuild.NEWEST},
    "go.mongodb.org/mongo-driver": {
        "v1.0.3": "1.17.13", "v1.1.2": "1.17.13", "v1.3.4": "1.18.10", "v1.4.6": "1.18.10", "v1.5.1": "1.19.13", "v1.8.3": "1.20.14",
        "v1.10.2": "1.21.13", "v1.12.2": "1.22.12", "v1.15.1": "1.24.11", "v1.17.10": gobuild.NEWEST},
    "go.mongodb.org/mongo-driver/v2": {
        "v2.0.0": "1.18.10", "v2.2.3": "1.20.14", "v2.3.0": "1.22.12", "v2.5.0": "1.24.11", "v2.7.0": "1.25.5", "v2.9.3": "1.26.8",
        "v2.10.0": gobuild.NEWEST},
}
DATABASES = Table(
    "Databases",
    "Libraries in versions over their lives, each by a release of Go. *seen*: each call that the program makes is one span, with the right\n"
    "name, attributes, error and parent, and no secret is in it.",
    ["%s %s, Go %s" % (m, v, go) for m, versions in DATABASE_VERSIONS.items() for v, go in versions.items()],
    ["stripped", "debug information"], of="spans")

# Clients of Kafka: each version with the release of Go that it is built by.
KAFKA_VERSIONS = {
    "github.com/twmb/franz-go": {
        "v1.0.0": "1.17.13", "v1.7.0": "1.18.10", "v1.14.0": "1.19.13", "v1.15.3": "1.20.14", "v1.17.0": "1.21.13",
        "v1.18.0": "1.22.12", "v1.19.0": "1.23.12", "v1.20.2": "1.25.5", "v1.22.3": gobuild.NEWEST},
    "github.com/segmentio/kafka-go": {
        "v0.3.0": "1.17.13", "v0.4.0": "1.17.13", "v0.4.10": "1.18.10", "v0.4.20": "1.19.13", "v0.4.30": "1.20.14",
        "v0.4.42": "1.22.12", "v0.4.47": "1.24.11", "v0.4.51": gobuild.NEWEST},
    "github.com/Shopify/sarama": {
        "v1.19.0": "1.17.13", "v1.23.1": "1.17.13", "v1.26.0": "1.18.10", "v1.30.0": "1.19.13", "v1.33.0": "1.20.14",
        "v1.37.2": "1.21.13", "v1.38.1": "1.22.12"},
    "github.com/IBM/sarama": {
        "v1.40.1": "1.19.13", "v1.41.3": "1.20.14", "v1.42.1": "1.21.13", "v1.43.3": "1.22.12", "v1.45.2": "1.23.12",
        "v1.46.3": "1.25.5", "v1.50.3": "1.26.8", "v1.61.1": gobuild.NEWEST},
}
KAFKA = Table(
    "Kafka",
    "Clients in versions over their lives, each by a release of Go. *seen*: each call that the [programs](../tests/go/spans-franz) make is\n"
    "one span, with the right name, attributes, error, parent and links, and no secret is in it.",
    ["%s %s, Go %s" % (m, v, go) for m, versions in KAFKA_VERSIONS.items() for v, go in versions.items()],
    ["stripped", "debug information", "race"], of="spans")

# Loggers: each version with a release of Go that builds it; log/slog is Go's own.
LOGGERS = [
    *(("log/slog", "", r) for r in gobuild.RELEASES if gobuild.minor(r) >= 21),
    ("go.uber.org/zap", "v1.15.0", "1.17.13"), ("go.uber.org/zap", "v1.17.0", "1.18.10"), ("go.uber.org/zap", "v1.19.1", "1.19.13"),
    ("go.uber.org/zap", "v1.21.0", "1.20.14"), ("go.uber.org/zap", "v1.24.0", "1.21.13"), ("go.uber.org/zap", "v1.26.0", "1.22.12"),
    ("go.uber.org/zap", "v1.27.1", "1.25.5"), ("go.uber.org/zap", "v1.28.0", gobuild.NEWEST),
    ("github.com/rs/zerolog", "v1.15.0", "1.17.13"), ("github.com/rs/zerolog", "v1.20.0", "1.18.10"),
    ("github.com/rs/zerolog", "v1.26.1", "1.19.13"), ("github.com/rs/zerolog", "v1.29.1", "1.20.14"),
    ("github.com/rs/zerolog", "v1.31.0", "1.22.12"), ("github.com/rs/zerolog", "v1.33.0", "1.24.11"),
    ("github.com/rs/zerolog", "v1.35.1", gobuild.NEWEST),
    ("github.com/sirupsen/logrus", "v1.4.2", "1.17.13"), ("github.com/sirupsen/logrus", "v1.6.0", "1.18.10"),
    ("github.com/sirupsen/logrus", "v1.7.0", "1.19.13"), ("github.com/sirupsen/logrus", "v1.8.1", "1.20.14"),
    ("github.com/sirupsen/logrus", "v1.9.3", "1.22.12"), ("github.com/sirupsen/logrus", "v1.9.4", "1.24.11"),
    ("github.com/sirupsen/logrus", "v1.10.0", "1.26.8"), ("github.com/sirupsen/logrus", "v1.10.2", gobuild.NEWEST),
]


def logger(module, version, release):
    return " ".join(filter(None, [module, version + "," if version else "", "Go", release]))


LOGS = Table(
    "Lines of logs",
    "`--logs` with [programs](../tests/go/spans-logs) that log by these, each by a release of Go. *seen*: each line that is written is an event\n"
    "of the right span, with its level and message; none of those that are not enabled, sampled or discarded is there, and nothing else.",
    [logger(*at) for at in LOGGERS], ["stripped", "debug information", "race"], of="spans")
