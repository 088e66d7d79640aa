"""Spans of what fiber serves (fasthttp): whose child each is, what it says, and what it must not say."""

import concurrent.futures
import http.client
import json
import pathlib
import signal
import ssl
import subprocess
import tempfile

import pytest

import gobuild
import goshawk
from attaching import line_of
from test_spans import PARENT, trees
from test_spans_routes import build, newest

pytestmark = pytest.mark.ptrace
BOTH = ["gofiber/fiber/v2", "gofiber/fiber/v3"]
CLIENTS, EACH = 16, 50


class Fiber:
    def __init__(self, module, *flags, options=(), attach=False, args=()):
        self.err, command = tempfile.NamedTemporaryFile("w+"), [str(goshawk.GOSHAWK), "spans", *options]
        self.p = self.looker = subprocess.Popen([*([] if attach else command + ["--"]), build(*newest(module), *flags), *args],
                                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.err, text=True)
        _, pid, port = line_of(self.p.stdout, "ready").split()
        self.port = int(port)
        if attach:
            self.looker = subprocess.Popen([*command, "-o", self.err.name, "-p", pid], stderr=subprocess.PIPE, text=True)
            assert "watched" in line_of(self.looker.stderr, "watched")

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def said(self):
        return pathlib.Path(self.err.name).read_text()

    def end(self):
        if self.looker is not self.p:
            self.looker.send_signal(signal.SIGINT)
            _, said = self.looker.communicate(timeout=60)
            assert self.looker.returncode == 0 and "lost" not in said, said
        self.p.communicate(timeout=60)
        assert self.p.returncode == 0 and "lost" not in self.said().replace('"lost":0', ""), self.said()
        return trees(self.said())

    def __enter__(self):
        return self

    def __exit__(self, *failed):
        for p in {self.p, self.looker}:
            if p.poll() is None:
                p.kill()
                p.communicate()
        self.err.close()


def get(c, path, headers=()):
    c.request("GET", path, headers=dict(headers))
    answer = c.getresponse()
    return answer.status, answer.read().decode()


def no_wrong_parent(web, remote=()):
    """Each request has a trace that its own number is all over: what was asked for, what was sent meanwhile, what that met."""
    def client(n):
        c = web.connection()
        for i in range(n * EACH, n * EACH + EACH):
            headers = {"Traceparent": "00-%032x-%016x-01" % (i + 1, i + 1)} if i % 2 else {}
            assert get(c, "/order/%d" % i, headers) == (200, str(i))
        c.close()
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(client, range(CLIENTS)))
    roots = web.end()
    assert sorted(int(s.path.split("/")[2]) for s in roots) == list(range(CLIENTS * EACH)), web.said()[-2000:]
    for s in roots:
        n = int(s.path.split("/")[2])
        assert (s.name, s.status) == ("GET /order/:id", 200), s.text
        assert s.attrs["http.response.body.size"] == str(len(str(n))), s.text
        assert s.remote == bool(n % 2) and (int(s.trace, 16) == n + 1) == bool(n % 2), (n, s.trace)
        assert [(b.name, b.path) for b in s.all_below()] == [("GET", "/users/%d?REDACTED" % n), ("GET /users/:id", "/users/%d" % n)], s.text
    assert len({s.trace for s in roots}) == CLIENTS * EACH


@pytest.mark.parametrize("module", BOTH)
@pytest.mark.parametrize("flags", [(), ("-ldflags=-s -w",)])
def test_no_wrong_parent(module, flags):
    with Fiber(module, *flags) as web:
        no_wrong_parent(web)


def test_no_wrong_parent_race():
    with Fiber(BOTH[0], "-race") as web:
        no_wrong_parent(web)


def test_attached():
    with Fiber(BOTH[1], "-ldflags=-s -w", attach=True) as web:
        no_wrong_parent(web)


HEADERS = [
    ({"traceparent": PARENT}, True), ({"TRACEPARENT": PARENT}, True), ({"TraceParent": PARENT}, True),
    ({**{"X-%d" % i: "y" for i in range(20)}, "traceparent": PARENT}, True),
    ({**{"X-%d" % i: "y" for i in range(40)}, "traceparent": PARENT}, False),  # of so many the last ones are not read
    ({"traceparent": PARENT + "x" * 60}, False), ({"traceparent": "00-0"}, False), ({"traceparents": PARENT}, False), ({}, False),
]


@pytest.mark.parametrize("module", BOTH)
def test_whose_request_it_is(module):
    """By its header, in any case, and by that of this request alone: the objects that it is read into are used again."""
    with Fiber(module, "-ldflags=-s -w") as web:
        c = web.connection()
        for headers, _ in HEADERS:
            assert get(c, "/plain", headers)[0] == 200
        c.close()
        assert [(s.trace == PARENT[3:35], s.remote) for s in web.end()] == [(known, known) for _, known in HEADERS], web.said()


@pytest.mark.parametrize("module, args", [(BOTH[0], []), (BOTH[1], []), (BOTH[0], ["tls"])])
def test_who_asked(module, args):
    with Fiber(module, "-ldflags=-s -w", options=["--json"], args=args) as web:
        c = web.connection()
        if args:
            c = http.client.HTTPSConnection("127.0.0.1", web.port, timeout=60, context=ssl._create_unverified_context())
        assert get(c, "/plain", {"User-Agent": "somebody"})[0] == 200
        port = c.sock.getsockname()[1]
        c.close()
        web.end()
        s, = (json.loads(line) for line in web.said().splitlines() if line.startswith('{"type":"span"'))
    about = s["attributes"]
    assert about["client.address"] == about["network.peer.address"] == "127.0.0.1" and about["network.peer.port"] == port
    assert about["user_agent.original"] == "somebody"
    assert about.get("url.scheme", "http") == ("https" if args else "http")


def test_secrets():
    """What queries, headers, cookies and bodies hold is in no output."""
    with Fiber(BOTH[0], options=("--json",)) as web:
        c = web.connection()
        c.request("POST", "/posted/7?token=canary", "canary=canary", {"Authorization": "canary", "Cookie": "id=canary", "X-Canary": "canary",
                                                                      "Tracepar-canary": "canary"})
        assert c.getresponse().read() == b"7"
        c.close()
        web.end()
        assert "/posted/:id" in web.said() and "canary" not in web.said()


def test_kernel_probes():
    """Which of its routes it was would cost too much."""
    if goshawk.why_no_bpf():
        pytest.skip("kernel probes are not permitted here")
    with Fiber(BOTH[0], options=("--engine", "uprobe")) as web:
        c = web.connection()
        for path in ["/plain", "/none/1"]:
            get(c, path)
        c.close()
        assert [(s.name, s.path, s.status) for s in web.end()] == [("GET", "/plain", 200), ("GET", "/none/1", 404)], web.said()
        assert "http.route of fiber is off: kernel probes at github.com/gofiber/fiber/v2.(*Route).match would cost too much" in web.said()
