"""docs/stress-reach.md: what `make check-all` has seen of stress, and on which day. `UPDATE=1 make check-all` writes
each cell as it is seen; every other one compares."""

import datetime
import fcntl
import os

import gobuild

PAGE = gobuild.ROOT / "docs" / "stress-reach.md"
NOT_TRIED = "–"
HEAD = """# What stress was tried on

Made by the tests of `make check-all` (`tests/reached.py`): the last column is the day on which a cell of the row was seen last.
%s: not tried.
""" % NOT_TRIED


class Table:
    """Results by row and column."""

    all = []

    def __init__(self, title, text, rows, columns):
        self.title, self.text, self.rows, self.columns = title, text, rows, list(columns)
        Table.all.append(self)

    def cells(self):
        """Those that stand on the page, and the day of each row."""
        cells, here, heads = {}, False, None
        for line in PAGE.read_text().splitlines() if PAGE.exists() else []:
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
            with open(PAGE) as lock:  # two runs of the tests may share the page
                fcntl.flock(lock, fcntl.LOCK_EX)
                written = {t: t.cells() for t in Table.all}
                written[self].update({(row, column): cell, (row, "seen"): datetime.date.today().isoformat()})
                PAGE.write_text(HEAD + "".join(t.markdown(written[t]) for t in Table.all))
        else:
            assert self.cells().get((row, column)) == cell, "docs/stress-reach.md says otherwise: UPDATE=1 make check-all"

    def markdown(self, cells):
        heads = [*self.columns, "seen"]
        lines = ["| | %s |" % " | ".join(heads), "|%s" % ("---|" * (len(heads) + 1))]
        lines += ["| %s | %s |" % (r, " | ".join(cells.get((r, h), NOT_TRIED) for h in heads)) for r in self.rows]
        return "\n## %s\n\n%s\n\n%s\n" % (self.title, self.text, "\n".join(lines))


SIX = [r for r in gobuild.RELEASES if gobuild.minor(r) in (17, 19, 22, 24, 26, 27)]
# Nothing to wait for but all of the code; and a delay as short as the code can make it, now and then.
DELAYS = {"none": ["--delay", "0"], "100ns at 1%": ["--delay", "100ns", "--chance", "1%"]}
PACKAGES = ["runtime", "net/http", "sync", "reflect", "go/types", "text/template", "crypto/tls"]
RACES = ["string", "slice", "append", "interface"]

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
