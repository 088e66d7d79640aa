"""http.route by the routers that people use, in releases over their lives: what the router itself says of each request
is what its span must have."""

import functools
import http.client
import subprocess

import pytest

import gobuild
import goshawk
import others
import reached
from attaching import line_of
from test_spans import trees

pytestmark = pytest.mark.ptrace
WEB = "github.com/"
# The program of tests/go/routes, by what its module's path begins with.
PROGRAMS = {"gin-gonic/gin": "gin", "labstack/echo/v5": "echo5", "labstack/echo": "echo", "go-chi/chi": "chi", "gorilla/mux": "mux",
            "gofiber/fiber/v2": "fiber", "gofiber/fiber/v3": "fiber3"}
NEWEST = ["gin-gonic/gin", "labstack/echo/v4", "labstack/echo/v5", "go-chi/chi/v5", "gorilla/mux", "gofiber/fiber/v2",
          "gofiber/fiber/v3"]
PATHS = ["/plain", "/users/7", "/users/x%20y", "/api/v2/files/a/b.txt", "/panics/3", "/none/4", "/posted/5", "/cut/users/8",
         "/users/9"]


@functools.lru_cache(maxsize=None)
def build(module, version, release, *flags):
    also = ""
    if module == "valyala/fasthttp":
        also = "require %s%s %s\n" % (WEB, module, version)
        module, version = "gofiber/fiber/v2", reached.FASTHTTP_UNDER.get(version, "v2.52.15")
    name = next(name for begin, name in PROGRAMS.items() if module.startswith(begin))
    source = gobuild.OUT / "routes" / ("%s-%s-%s" % (module.replace("/", "-"), version, release) + also.strip().replace("/", "-"))
    text = (gobuild.ROOT / "tests" / "go" / "routes" / name / "main.go").read_text()
    gobuild.put(source / "main.go", text.replace('web "MODULE"', 'web "%s%s"' % (WEB, module)))
    gobuild.put(source / "go.mod", "module routes\n\ngo 1.%d\n\nrequire %s%s %s\n%s" % (
        gobuild.minor(release), WEB, module, version, also))
    return others.module("routes-" + name, release, *flags, source=source)


def ask(port, path):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    c.request("GET", path)
    answer = c.getresponse()
    answer.read()
    c.close()
    return answer.status, answer.headers.get("Route")


def is_fiber(program):
    return "routes-fiber" in program


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
        return "off: " + off[0].replace("[goshawk] ", "")
    names = [s.name for s in roots]
    wanted = ["GET " + route if route and (is_fiber(program) or not path.startswith("/cut")) else None
              for path, (_, route) in zip(PATHS, said)]
    for path, want, got in zip(PATHS, wanted, names):
        if path.startswith("/cut/") and not is_fiber(program):
            want = "GET /cut/"  # the router did not see the whole path
        if want != got and not (want is None and got in ["GET /", "GET"]):
            return "wrong: %s: %s, not %s" % (path, got, want)
    for path, (status, _), s in zip(PATHS, said, roots):
        if is_fiber(program) and (s.status != status or s.attrs.get("url.path") != path):
            return "wrong: %s: %s %s, not %d" % (path, s.status, s.attrs, status)
    assert sum(route is not None for _, route in said) == 7, said
    return "seen"


def newest(module):
    return module, reached.ROUTERS[module][-1], gobuild.NEWEST


@pytest.mark.parametrize("module", NEWEST)
@pytest.mark.parametrize("flags", [(), ("-ldflags=-s -w",)])
def test_newest(module, flags):
    assert verdict(build(*newest(module), *flags)) == "seen"


def test_untyped():
    """Where a stripped program does not tell what sync.(*Pool).Put takes."""
    assert verdict(build("go-chi/chi/v5", "v5.0.12", "1.22.12", "-ldflags=-s -w")) == "seen"


def test_race():
    if not gobuild.ALL:
        pytest.skip("in make check-all")
    for module in NEWEST:
        assert verdict(build(*newest(module), "-race")) == "seen"


@pytest.mark.parametrize("row", reached.ROUTES.rows)
@pytest.mark.parametrize("built", reached.ROUTES.columns)
def test_matrix(row, built):
    """Every release of each: seen, or off and why; nothing is wrong."""
    if not gobuild.ALL:
        pytest.skip("in make check-all")
    cell = verdict(build(*row.split(" "), built, "-ldflags=-s -w"))
    assert not cell.startswith("wrong"), cell
    reached.ROUTES.put(row, built, True, [cell])


def test_kernel_probes():
    """Routes of routers are not had: it would cost too much."""
    if goshawk.why_no_bpf():
        pytest.skip("kernel probes are not permitted here")
    _, roots, err = served(build(*newest("go-chi/chi/v5")), ["--engine", "uprobe"])
    assert {s.name for s in roots} == {"GET /", "GET /cut/"}, err
    assert "http.route of gin, echo and chi is off: kernel probes at sync.(*Pool).Put would cost too much" in err
