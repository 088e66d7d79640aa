"""Spans of HTTP/2 by golang.org/x/net: without TLS (h2c), where no server of net/http's is behind it, and in net/http."""

import shutil
import subprocess
import tempfile

import pytest

import gobuild
import goshawk
import others
from attaching import line_of
from test_spans import PARENT, agents, trees

pytestmark = [pytest.mark.ptrace, pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")]

# Versions over the module's life, each with a release of Go that builds it.
VERSIONS = [("v0.7.0", "1.19.13"), ("v0.17.0", "1.20.14"), ("v0.33.0", "1.22.12"), ("v0.43.0", "1.24.11"), ("v0.55.0", "1.26.8"),
            ("v0.62.0", "1.26.8"), ("v0.62.0", "1.27.4")]
QUICK = [("v0.33.0", "1.22.12"), ("v0.62.0", "1.27.4")]


class Served:
    def __init__(self, version, release, *flags, args=(), options=()):
        program = others.module("spans-h2c", release, *flags, requires=("golang.org/x/net@" + version,))
        self.err = tempfile.TemporaryFile("w+")
        self.p = subprocess.Popen([str(goshawk.GOSHAWK), "spans", *options, "--", program, *args], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=self.err, text=True)
        self.at = "%s://127.0.0.1:%s" % ("https" if args else "http", line_of(self.p.stdout, "ready").split()[2])

    def get(self, *urls, how, status=0):
        """Gives what curl says of each."""
        done = subprocess.run(["curl", "-sk", *how, "-w", "%{http_code}\\n", *(a for u in urls for a in ("-o", "/dev/null", self.at + u))],
                              stdout=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == status, done
        return done.stdout.split()

    def end(self):
        self.p.communicate(timeout=60)
        self.err.seek(0)
        self.said = self.err.read()
        assert self.p.returncode == 0 and "lost" not in self.said, self.said
        return trees(self.said)

    def __enter__(self):
        return self

    def __exit__(self, *failed):
        if self.p.poll() is None:
            self.p.kill()
            self.p.communicate()
        self.err.close()


def check(web, roots):
    """Each request once, its status, and what it asked; nothing else."""
    found = {s.path: s for s in roots if s.name.startswith("GET /") or "url.path" in s.attrs}
    assert found["/silent/1"].status == found["/stream/2"].status == 200, web.said
    assert int(found["/stream/2"].attrs["http.response.body.size"]) > 0, web.said
    asked = found["/ask/3"]
    assert asked.status == 202 and [(s.name, s.path, s.status) for s in asked.below] == [("GET", "/back/ask/3", 201)] * 2, web.said
    # what is asked says so itself: who serves it is below
    assert [[(b.path, b.status) for b in s.below] for s in asked.below] == [[("/back/ask/3", 201)]] * 2, web.said
    assert (found["/panic/4"].status, found["/panic/4"].attrs["error.type"]) == (None, "panic"), web.said
    assert (found["/silent/5"].trace, found["/silent/5"].remote) == (PARENT[3:35], True), web.said
    assert "PRI" not in web.said
    every = list(roots) + [b for s in roots for b in s.all_below()]
    assert sum("url.full" in s.attrs for s in every) == 2, web.said
    assert sum(s.path == "/back/ask/3" and "url.path" in s.attrs for s in every) == 2, web.said
    return every


@pytest.mark.parametrize("version, go", VERSIONS)
@pytest.mark.parametrize("flags", [(), ("-ldflags=-s -w",)])
@pytest.mark.parametrize("args", [(), ("h2",)])
def test_versions(version, go, flags, args):
    if (version, go) not in QUICK and not gobuild.ALL:
        pytest.skip("in make check-all")
    how = ("--http2",) if args else ("--http2-prior-knowledge",)
    with Served(version, go, *flags, args=args) as web:
        for path, want in [("/silent/1", "200"), ("/stream/2", "200"), ("/ask/3", "202")]:
            assert web.get(path, how=how) == [want]
        web.get("/panic/4", how=how, status=92)
        assert web.get("/silent/5", how=(*how, "-H", "traceparent: " + PARENT)) == ["200"]
        web.get("/gone/6", how=(*how, "-m", "0.3"), status=28)  # who asked does not wait
        assert web.get("/silent/7", how=("--http1.1",)) == ["200"]
        every = check(web, web.end())
    served = [s.path for s in every if "url.path" in s.attrs]
    assert sorted(served) == sorted(["/silent/1", "/stream/2", "/ask/3", "/panic/4", "/silent/5", "/gone/6", "/silent/7",
                                     "/back/ask/3", "/back/ask/3"]), web.said


@pytest.mark.parametrize("version, go", VERSIONS)
@pytest.mark.parametrize("flags", [(), ("-ldflags=-s -w",)])
def test_user_agents(tmp_path, version, go, flags):
    if (version, go) not in QUICK and not gobuild.ALL:
        pytest.skip("in make check-all")
    to = tmp_path / "spans.json"
    with Served(version, go, *flags, options=["--json", "-o", to]) as web:
        assert web.get("/silent/1", how=("--http2-prior-knowledge", "-A", "somebody")) == ["200"]
        web.end()
    assert agents(to) == {"/silent/1": "somebody"}


@pytest.mark.parametrize("version, go", QUICK)
def test_upgraded(version, go):
    """A request of HTTP/1 by which a connection goes over to HTTP/2 is one, not two."""
    with Served(version, go, "-ldflags=-s -w") as web:
        assert web.get("/silent/1", "/silent/2", how=("--http2",)) == ["200", "200"]
        roots = web.end()
    assert sorted(s.path for s in roots) == ["/silent/1", "/silent/2"], web.said
