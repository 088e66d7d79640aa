"""Spans of a server that others built: caddy passes requests on to itself and serves files."""

import concurrent.futures
import http.client
import os
import signal
import subprocess
import time

import pytest

import goshawk
from attaching import line_of
from test_serving import CADDY, free_port
from test_spans import trees

pytestmark = [pytest.mark.ptrace, pytest.mark.skipif(not CADDY, reason="caddy is not installed")]
CONFIG = """{
	admin off
	auto_https off
}
http://127.0.0.1:%d {
	reverse_proxy 127.0.0.1:%d
}
http://127.0.0.1:%d {
	root * %s
	file_server
}
"""
CLIENTS, EACH = 16, 20


class Caddy:
    def __init__(self, tmp, before=()):
        (tmp / "site").mkdir()
        for n in range(CLIENTS * EACH):
            (tmp / "site" / ("page%d.txt" % n)).write_text("page %d\n" % n * 50)
        self.front, back = free_port(), free_port()
        (tmp / "Caddyfile").write_text(CONFIG % (self.front, back, back, tmp / "site"))
        env = dict(os.environ, HOME=str(tmp), XDG_CONFIG_HOME=str(tmp), XDG_DATA_HOME=str(tmp))
        self.log = tmp / "log"
        with open(self.log, "wb") as log:
            self.p = subprocess.Popen([*map(str, before), CADDY, "run", "--config", str(tmp / "Caddyfile")], env=env,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        until = time.monotonic() + 60
        while True:
            try:
                if self.status("/page0.txt") == 200:
                    return
            except OSError:
                pass
            if time.monotonic() > until:
                self.p.terminate()
                self.p.wait(60)
            assert self.p.poll() is None, self.log.read_text()[-2000:]

    def status(self, path):
        """502 as long as only the front listens."""
        c = http.client.HTTPConnection("127.0.0.1", self.front, timeout=60)
        c.request("GET", path)
        answer = c.getresponse()
        answer.read()
        c.close()
        return answer.status

    def get(self, path, connection=None):
        c = connection or http.client.HTTPConnection("127.0.0.1", self.front, timeout=60)
        c.request("GET", path)
        answer = c.getresponse()
        body = answer.read().decode()
        assert (answer.status, body) == (200, "page %s\n" % path[5:-4] * 50), (answer.status, body)
        if not connection:
            c.close()

    def load(self):
        """Each page once."""
        def client(n):
            c = http.client.HTTPConnection("127.0.0.1", self.front, timeout=60)
            for i in range(n * EACH, n * EACH + EACH):
                self.get("/page%d.txt" % i, c)
            c.close()

        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(client, range(CLIENTS)))


def check(said):
    """Every request at the front has asked for its own page at the back, and nobody else's; that is told by the header
    which the front has written."""
    assert "lost" not in said, said[-1000:]
    roots = [s for s in trees(said) if s.status != 502]  # the front's answer before the back listens
    pages = sorted("/page%d.txt" % n for n in range(CLIENTS * EACH))
    assert sorted({s.path for s in roots}) == pages
    assert len(roots) <= len(pages) + 1  # one was asked for to see that it serves
    for s in roots:
        assert (s.name, s.status, [(b.path, b.status) for b in s.below]) == ("GET", 200, [(s.path, 200)])
        assert [(b.path, b.status, b.below) for b in s.below[0].below] == [(s.path, 200, [])]


def test_started(tmp_path):
    server = Caddy(tmp_path, before=[goshawk.GOSHAWK, "spans", "--"])
    try:
        server.load()
        with open("/proc/%d/task/%d/children" % (server.p.pid, server.p.pid)) as f:
            os.kill(int(f.read()), signal.SIGTERM)
        assert server.p.wait(60) == 0
    finally:
        if server.p.poll() is None:
            server.p.terminate()
            server.p.wait(60)
    check(server.log.read_text(errors="replace"))


def test_attached(tmp_path):
    server = Caddy(tmp_path)
    try:
        p = subprocess.Popen([goshawk.GOSHAWK, "spans", "-p", str(server.p.pid)], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert "watched" in line_of(p.stderr, "watched")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            said = pool.submit(p.stderr.read)
            server.load()
            p.send_signal(signal.SIGINT)
            assert p.wait(60) == 0
        server.get("/page1.txt")
        check(said.result())
    finally:
        server.p.terminate()
        assert server.p.wait(60) == 0
