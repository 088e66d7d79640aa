"""Servers that others built answer requests on loopback while they are traced, started by us and attached
to, and their answers are those that they give alone."""

import http.client
import json
import os
import re
import signal
import subprocess
import threading
import urllib.parse
from base64 import b64encode

import pytest

import goshawk
import others
from test_serving import free_port

pytestmark = pytest.mark.ptrace


class Server:
    """A program that serves until it gets SIGTERM, in a folder of its own. What it says goes to a file; a
    line with `is_ready` in it is waited for."""

    def __init__(self, tmp, kind, before=()):
        self.at, self.port = tmp / "at", free_port()
        self.kind = kind
        self.at.mkdir(exist_ok=True)
        command = [*map(str, before), others.debian(kind.program), *kind.prepare(self)]
        self.p = subprocess.Popen(command, cwd=self.at, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True)
        self.said, self.ready = [], threading.Event()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        if not self.ready.wait(60) or self.p.poll() is not None:
            self.p.kill()
            raise AssertionError("it is not ready: " + "".join(self.said)[-3000:])
        self.pid = self.p.pid if not before else child(self.p.pid)

    def read(self):
        for line in self.p.stderr:
            self.said.append(line)
            if self.kind.is_ready in line:
                self.ready.set()
        self.ready.set()

    def answers(self):
        return self.kind.ask(self)

    def end(self):
        """How it ends when it is asked to."""
        if self.p.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
        status = self.p.wait(60)
        self.reader.join()
        return status if status >= 0 else 128 - status

    def get(self, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        c.request("POST" if body else "GET", path, body)
        answer = c.getresponse()
        text = answer.read().decode()
        c.close()
        assert answer.status == 200, text
        return text


def child(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return int(f.read())


class Prometheus:
    """It has an hour of samples, and computes rates of them."""

    program, is_ready = "prometheus", "Server is ready to receive web requests"
    patterns = ["github.com/prometheus/prometheus/...", "net/http.*"]

    @staticmethod
    def prepare(s):
        at = s.at
        if not (at / "data").exists():
            samples = ("fruit_sold_total{of=\"%s\"} %d %d\n" % (of, n * i, 1700000000 + 15 * i)
                       for n, of in enumerate(["apple", "pear", "fig"]) for i in range(240))
            (at / "samples").write_text("".join(samples) + "# EOF\n")
            (at / "prometheus.yml").write_text("global: {scrape_interval: 1h}\n")
            done = goshawk.run_plain(others.debian("promtool"), "tsdb", "create-blocks-from", "openmetrics", "samples",
                                     "data", cwd=at)
            assert done.status == 0, done
        return ["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--storage.tsdb.retention.time=100y",
                "--web.listen-address=127.0.0.1:%d" % s.port]

    @staticmethod
    def ask(s):
        def query(path, **args):
            return json.loads(s.get("/api/v1/%s?%s" % (path, urllib.parse.urlencode(args))))

        when = {"start": 1700000000, "end": 1700003600, "step": 60}
        got = [query("query_range", query=q, **when) for q in [
            "rate(fruit_sold_total[2m])", "sum(increase(fruit_sold_total[10m]))", "topk(1, fruit_sold_total)",
            "quantile_over_time(0.9, fruit_sold_total{of=~\"p.*|fig\"}[5m]) / on(of) fruit_sold_total"]]
        got.append(query("series", **{"match[]": "fruit_sold_total", "start": 1700000000, "end": 1700003600}))
        assert len(got[0]["data"]["result"]) == 3
        return got


class Etcd:
    """It keeps keys, and answers by HTTP and to its own client."""

    program, is_ready = "etcd", "serving client traffic insecurely"
    patterns = ["go.etcd.io/etcd/...", "google.golang.org/grpc/..."]
    env = {"ETCDCTL_API": "3"}

    @staticmethod
    def prepare(s):
        peer = "http://127.0.0.1:%d" % free_port()
        here = "http://127.0.0.1:%d" % s.port
        return ["--data-dir", "data", "--listen-client-urls", here, "--advertise-client-urls", here,
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster",
                "default=" + peer, "--logger", "zap"]

    @staticmethod
    def client(s):
        return [others.debian("etcdctl"), "--endpoints", "127.0.0.1:%d" % s.port, "get", "--prefix", ""]

    @staticmethod
    def ask(s):
        for i in range(20):
            s.get("/v3/kv/put", json.dumps({"key": base64("key %02d" % i), "value": base64("value " * i)}))
        done = goshawk.run_plain(*Etcd.client(s), env=Etcd.env)
        assert done.status == 0, done
        some = json.loads(s.get("/v3/kv/range", json.dumps({"key": base64("key 05"), "range_end": base64("key 15")})))
        assert "key 19" in done.out
        return done.out, [kv["value"] for kv in some["kvs"]]


def base64(text):
    return b64encode(text.encode()).decode()


SERVERS = {"prometheus": Prometheus, "etcd": Etcd}


@pytest.fixture
def alone(tmp_path, name):
    """What it answers, and how it ends."""
    (tmp_path / "alone").mkdir()
    s = Server(tmp_path / "alone", SERVERS[name])
    try:
        return s.answers(), s.end()
    finally:
        s.end()


@pytest.mark.parametrize("name", SERVERS)
def test_started(tmp_path, name, alone):
    kind = SERVERS[name]
    to = tmp_path / "trace.json"
    s = Server(tmp_path, kind, before=[goshawk.GOSHAWK, "trace", "--json", "-o", to, *kind.patterns, "--"])
    try:
        assert (s.answers(), s.end()) == alone
    finally:
        s.end()
    check(goshawk.read_lines(to))


@pytest.mark.parametrize("name", SERVERS)
def test_attached(tmp_path, name, alone):
    kind = SERVERS[name]
    s = Server(tmp_path, kind)
    try:
        for i in range(3):
            to = tmp_path / ("trace%d.json" % i)
            p = subprocess.Popen([goshawk.GOSHAWK, "trace", "--json", "-o", to, "-p", str(s.pid), *kind.patterns],
                                 stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            assert watched(p)
            assert s.answers() == alone[0]
            p.send_signal(signal.SIGINT)
            _, err = p.communicate(timeout=60)
            assert p.returncode == 0, err
            check(goshawk.read_lines(to))
            assert s.answers() == alone[0]
        assert s.end() == alone[1]
    finally:
        s.end()


def test_client(tmp_path):
    """etcdctl asks a server; here it is the client that is traced."""
    s = Server(tmp_path, Etcd)
    to = tmp_path / "trace.json"
    try:
        expected, _ = s.answers()
        done = goshawk.run("trace", "--json", "-o", to, *Etcd.patterns, "--", *Etcd.client(s), env=Etcd.env)
        assert (done.status, done.out) == (0, expected), done
    finally:
        s.end()
    check(goshawk.read_lines(to))


def watched(p):
    """Waits until it watches."""
    for line in p.stderr:
        if re.search("watched; it stood", line):
            return True
    return False


def check(objects):
    end = objects[-1]
    assert end["type"] == "end" and end["sites"] >= 1000, end
    assert len({o["func"] for o in objects if o["type"] == "call"}) > 100, end
