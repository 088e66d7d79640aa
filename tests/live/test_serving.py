"""A server that people use is attached to and left, again and again, and no request fails."""

import http.client
import os
import random
import shutil
import socket
import subprocess
import threading
import time

import pytest

import gobuild
import goshawk

pytestmark = pytest.mark.ptrace
CADDY = shutil.which("caddy")
PATTERNS = ["net/http.*", "github.com/caddyserver/caddy/v2/modules/caddyhttp/...", "net.*", "io.*", "bufio.*", "context.*"]
BODY = b"a page of some length\n" * 400


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Caddy:
    """A file server on loopback, in a folder of its own."""

    def __init__(self, tmp):
        (tmp / "site").mkdir()
        (tmp / "site" / "page.txt").write_bytes(BODY)
        self.port = free_port()
        env = dict(os.environ, HOME=str(tmp), XDG_CONFIG_HOME=str(tmp), XDG_DATA_HOME=str(tmp))
        (tmp / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n}\nhttp://127.0.0.1:%d {\n\troot * %s\n"
                                       "\tfile_server\n}\n" % (self.port, tmp / "site"))
        self.p = subprocess.Popen([CADDY, "run", "--config", str(tmp / "Caddyfile")], env=env,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(tmp / "log", "wb"))
        until = time.monotonic() + 60
        while True:
            try:
                self.get()
                break
            except OSError:
                assert self.p.poll() is None and time.monotonic() < until, (tmp / "log").read_text()[-2000:]

    def get(self, connection=None):
        c = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        c.request("GET", "/page.txt")
        answer = c.getresponse()
        body = answer.read()
        assert answer.status == 200 and body == BODY
        if not connection:
            c.close()

    def text(self):
        with open("/proc/%d/maps" % self.p.pid) as maps, open("/proc/%d/mem" % self.p.pid, "rb") as mem:
            for line in maps:
                if " r-xp " in line and line.rstrip().endswith("caddy"):
                    lo, hi = (int(n, 16) for n in line.split()[0].split("-"))
                    mem.seek(lo)
                    return mem.read(hi - lo)

    def end(self):
        self.p.terminate()
        self.p.wait(60)


class Load:
    """Clients that ask all the time; half of them on connections that they keep."""

    def __init__(self, server, clients=4):
        self.server, self.stop, self.done, self.failed = server, False, 0, []
        self.threads = [threading.Thread(target=self.client, args=(i % 2 == 0,)) for i in range(clients)]
        for t in self.threads:
            t.start()

    def client(self, keeps):
        c = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60) if keeps else None
        while not self.stop and len(self.failed) < 5:
            try:
                self.server.get(c)
                self.done += 1
            except Exception as e:  # whatever it is, it must not happen
                self.failed.append(repr(e))
                c = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60) if keeps else None

    def finish(self):
        self.stop = True
        for t in self.threads:
            t.join()
        assert not self.failed
        assert self.done > 0


@pytest.mark.skipif(not CADDY, reason="caddy is not installed")
def test_no_request_fails(tmp_path):
    times, first_ms = (100, 30000) if gobuild.ALL else (8, 1000)
    rnd = random.Random(5)
    server = Caddy(tmp_path)
    try:
        text = server.text()
        load = Load(server)
        seen, stops = 0, []
        for i in range(times):
            to = tmp_path / "trace.json"
            for_ms = first_ms if i == 0 else rnd.randint(1, 150)
            done = goshawk.run("trace", "--json", "-o", to, "--count", "--for", "%dms" % for_ms, "-p", server.p.pid,
                               *PATTERNS)
            assert done.status == 0, done
            end = goshawk.read_lines(to)[-1]
            assert end["sites"] > 500
            seen += end["calls"]
            stops.append(end["stop_ns"] / 1e6)
        load.finish()
        assert seen > 1000
        assert server.text() == text
        print("%d requests, %d calls seen, stood still for %.1f ms each time in the middle, %.1f at most" % (
            load.done, seen, sorted(stops)[times // 2], max(stops)))
    finally:
        if server.p.poll() is None:
            server.end()
    assert server.p.returncode == 0
