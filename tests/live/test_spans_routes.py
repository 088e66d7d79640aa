"""http.route by the routers that people use, in releases over their lives: what the router itself says of each request
is what its span must have."""

import functools
import http.client
import subprocess
import sys

import pytest

import gobuild
import goshawk
import others
from attaching import line_of
from test_spans import trees

pytestmark = pytest.mark.ptrace
WEB = "github.com/"
# the program, its module's path, releases
LIBRARIES = {
    "gin": (WEB + "gin-gonic/gin", ["v1.5.0", "v1.6.3", "v1.7.7", "v1.8.1", "v1.9.1", "v1.10.1", "v1.11.0", "v1.12.0"]),
    "echo": (WEB + "labstack/echo/v4", ["v4.1.16", "v4.1.17", "v4.2.1", "v4.5.0", "v4.7.2", "v4.9.1", "v4.11.4", "v4.13.4",
                                        "v4.16.4"]),
    "chi": (WEB + "go-chi/chi/v5", ["v5.0.0", "v5.0.2", "v5.0.8", "v5.0.12", "v5.1.0", "v5.2.5", "v5.3.2", "v5.5.0"]),
}
PATHS = ["/plain", "/users/7", "/users/x%20y", "/api/v2/files/a/b.txt", "/panics/3", "/none/4", "/posted/5", "/cut/users/8",
         "/users/9"]


@functools.lru_cache(maxsize=None)
def build(name, module, version, release, *flags):
    source = gobuild.OUT / "routes" / ("%s-%s-%s" % (name, version, release))
    source.mkdir(parents=True, exist_ok=True)
    text = (gobuild.ROOT / "tests" / "go" / "routes" / name / "main.go").read_text()
    (source / "main.go").write_text(text.replace('web "MODULE"', 'web "%s"' % module))
    (source / "go.mod").write_text("module routes\n\ngo 1.%d\n\nrequire %s %s\n" % (
        max(gobuild.minor(release), 17), module, version))
    return others.module("routes-" + name, release, *flags, source=source)


def ask(port, path):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    c.request("GET", path)
    answer = c.getresponse()
    answer.read()
    c.close()
    return answer.status, answer.headers.get("Route")


def served(program, options=()):
    """What the router said of each path, and the spans."""
    p = subprocess.Popen([str(goshawk.GOSHAWK), "spans", *options, "--", program], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        port = int(line_of(p.stdout, "ready").split()[2])
        said = [ask(port, path) for path in PATHS]
        _, err = p.communicate(timeout=60)
    finally:
        if p.poll() is None:
            p.kill()
    assert p.returncode == 0 and "lost" not in err, err
    return said, trees(err), err


def verdict(program):
    """seen, off with a reason, or wrong."""
    said, roots, err = served(program)
    off = [line for line in err.splitlines() if "http.route" in line]
    if off:
        return "off: " + off[0]
    names = [s.name for s in roots]
    wanted = ["GET " + route if route and not path.startswith("/cut") else None for path, (_, route) in zip(PATHS, said)]
    for path, want, got in zip(PATHS, wanted, names):
        if path.startswith("/cut/"):
            want = "GET /cut/"  # the router did not see the whole path
        if want != got and not (want is None and got in ["GET /", "GET"]):
            return "wrong: %s: %s, not %s" % (path, got, want)
    assert sum(route is not None for _, route in said) == 7, said
    return "seen"


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("flags", [(), ("-ldflags=-s -w",)])
def test_newest(name, flags):
    module, versions = LIBRARIES[name]
    assert verdict(build(name, module, versions[-1], gobuild.NEWEST, *flags)) == "seen"
