"""Spans of gRPC calls, served and made. The method of each ends in a number that is the same in all that belongs
together, and so tells a wrong parent."""

import collections
import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time

import pytest

import gobuild
import goshawk
import others
import reached
from attaching import line_of
from test_serving import free_port

pytestmark = pytest.mark.ptrace

QUICK = [("1.60.1", "1.22.12"), ("1.85.0", "1.27.4")]
FLAGS = {"plain": [], "stripped": ["-ldflags=-s -w"], "race": ["-race"]}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
NAMES = {0: "OK", 1: "CANCELLED", 2: "UNKNOWN", 3: "INVALID_ARGUMENT", 4: "DEADLINE_EXCEEDED", 5: "NOT_FOUND", 6: "ALREADY_EXISTS",
         7: "PERMISSION_DENIED", 8: "RESOURCE_EXHAUSTED", 9: "FAILED_PRECONDITION", 10: "ABORTED", 11: "OUT_OF_RANGE",
         12: "UNIMPLEMENTED", 13: "INTERNAL", 14: "UNAVAILABLE", 15: "DATA_LOSS", 16: "UNAUTHENTICATED"}
SERVERS_FAULT = {2, 4, 12, 13, 14, 15}


def program(version, release, variant="stripped"):
    return others.module("spans-grpc", release, *FLAGS[variant], requires=("google.golang.org/grpc@v" + version,))


class Calls:
    """tests/go/spans-grpc under `goshawk spans`, or alone and then attached to."""

    def __init__(self, binary, *args, options=(), attach=False, env=None):
        self.folder = tempfile.TemporaryDirectory()
        self.to = os.path.join(self.folder.name, "spans")
        command = [str(goshawk.GOSHAWK), "spans", "--json", "-o", self.to, *options]
        self.err = tempfile.TemporaryFile("w+")
        self.p = self.looker = subprocess.Popen([*([] if attach else [*command, "--"]), binary, *args], text=True,
                                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.err,
                                                env=env and {**os.environ, **env})
        _, pid, port = line_of(self.p.stdout, "ready").split()
        self.port = int(port)
        if attach:
            self.looker = subprocess.Popen([*command, "-p", pid], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                           stderr=subprocess.PIPE, text=True)
            assert "watched" in line_of(self.looker.stderr, "watched")

    def do(self, *words):
        self.p.stdin.write(" ".join(map(str, words)) + "\n")
        self.p.stdin.flush()
        return self.p.stdout.readline().split()[-1]

    def end(self):
        if self.looker is not self.p:
            self.looker.send_signal(signal.SIGINT)
            _, self.said = self.looker.communicate(timeout=60)
            assert self.looker.returncode == 0 and self.do("plain", 1) == "OK"
        out, _ = self.p.communicate(timeout=60)
        self.err.seek(0)
        err = self.err.read()
        self.said = err if self.looker is self.p else self.said
        assert (self.p.returncode, out) == (0, ""), err
        with open(self.to) as f:
            assert "canary" not in f.read()
        first, *self.spans, last = goshawk.read_lines(self.to)
        assert last["off"] == [] and not last["lost"], last
        self.by_id = {s["span_id"]: s for s in self.spans}
        self.below = collections.defaultdict(list)
        for s in self.spans:
            up = self.by_id.get(s.get("parent_span_id"))
            assert up is None or number(up) == number(s), (up, s)
            assert up is None or up["trace_id"] == s["trace_id"], (up, s)
            self.below[up and up["span_id"]].append(s)

    def named(self, kind, name):
        return [s for s in self.spans if (s["kind"], s["name"]) == (kind, name)]

    def one(self, kind, name):
        found = self.named(kind, name)
        assert len(found) == 1, (kind, name, found)
        return found[0]

    def asked_in(self, s):
        """The names of what was asked in the span, and how often."""
        return collections.Counter(b["name"] for b in self.below[s["span_id"]] if b["kind"] == "client")

    def __enter__(self):
        return self

    def __exit__(self, *failed):
        for p in {self.p, self.looker}:
            if p.poll() is None:
                p.kill()
                p.communicate()
        self.err.close()
        self.folder.cleanup()


def number(s):
    return re.search(r"/N(\d+)$", s["name"] if "/N" in s["name"] else s["attributes"]["url.path"]).group(1)


def began(s):
    """Nanoseconds of its day."""
    h, m, seconds, ns = re.search(r"T(\d+):(\d+):(\d+)\.(\d+)Z", s["time"]).groups()
    return ((int(h) * 60 + int(m)) * 60 + int(seconds)) * 10**9 + int(ns.ljust(9, "0"))


def code(s):
    return {name: number for number, name in NAMES.items()}[s["attributes"]["rpc.response.status_code"]]


def error(s):
    assert (s.get("status") == "error") == ("error.type" in s["attributes"]), s
    return s["attributes"].get("error.type")


def exercise(c, retries=True, through_http=False, joined=True):
    answers = [c.do(*words) for words in [
        ("plain", 1), ("deep", 2), ("code", 5), ("code", 14), ("both", 3), ("up", 4), ("down", 6), ("endless", 7),
        ("late", 8), ("cancel", 9), ("panics", 10), ("flaky", 11), ("foreign", 12), ("pool", 13), ("pool", 15),
        ("pool", 20), ("plain", 16, PARENT), ("both", 17, PARENT), ("nowhere", 18),
        ("refused", 21), ("relay", 22, PARENT + "|a=bcd"), ("relay", 23, PARENT + "|a=bcd"), *([] if through_http else [("wrapped", 24), ("again", 28)])]]
    assert answers == ["OK", "OK", "NotFound", "Unavailable", "InvalidArgument", "OK", "OK", "Canceled",
                       "DeadlineExceeded", "Canceled", "Internal", "OK" if retries else "Unavailable", "Unknown", "OK",
                       "OK", "OK", "OK", "OK", "Unimplemented",
                       "Unavailable", "NotFound" if joined else "OK", "InvalidArgument", *([] if through_http else ["PermissionDenied", "OutOfRange"])]
    c.end()
    for kind, n, own, asked in [
            ("Plain", 1, 0, 0), ("Deep", 2, 0, 4), ("Code", 5, 5, 0), ("Code", 14, 14, 0), ("Both", 3, 3, 3),
            ("Up", 4, 0, 1), ("Down", 6, 0, 3), ("Panics", 10, 13, 0), ("Foreign", 12, 2, 0), ("Pool", 13, 0, 1),
            ("Pool", 15, 0, 0), ("Pool", 20, 0, 1), ("Plain", 16, 0, 0), ("Both", 17, 0, 3), ("Nowhere", 18, 12, 0)]:
        name = "front.%s/N%d" % (kind, n)
        client, server = c.one("client", name), c.one("server", name)
        assert (code(client), error(client)) == (own, NAMES[own] if own else None), client
        assert (code(server), error(server)) == (own, NAMES[own] if own in SERVERS_FAULT else None), server
        assert c.asked_in(server) == ({"back.Plain/N%d" % n: asked} if asked else {}), (server, c.below)
        assert not c.asked_in(client)
        about = client["attributes"]
        assert (about["rpc.system.name"], about["rpc.method"]) == ("grpc", name)
        assert (about["server.address"], about["server.port"]) == ("127.0.0.1", c.port)
        if not through_http:
            about = server["attributes"]
            assert about["client.address"] == about["network.peer.address"] == about["server.address"] == "127.0.0.1"
            assert about["server.port"] == c.port != about["network.peer.port"]
        assert 0 <= began(server) - began(client) <= client["duration_ns"]
        up = c.by_id.get(server.get("parent_span_id"))
        served = up if up and up["kind"] == "server" else server
        assert (served is not server) == through_http
        if n > 15 and n < 18:
            assert (served["parent_remote"], served["trace_id"], server["trace_id"]) == (True, PARENT[3:35], PARENT[3:35])
            assert served["parent_span_id"] == PARENT[36:52]  # the program says so itself, and nobody else
            told = (client["trace_id"], client["parent_span_id"]) == (PARENT[3:35], PARENT[36:52])
            assert told == joined
        elif joined:
            assert (served["trace_id"], served["parent_span_id"]) == (client["trace_id"], client["span_id"]), served
    # asked by a worker that was started in the span of another call
    assert [s.get("parent_span_id") for s in c.named("client", "back.Plain/N15")] == [None]
    # what the server's context says of why it ended depends on who comes first
    for name, codes in ("front.Late/N8", {4}), ("front.Late/N9", {1}), ("front.Endless/N7", {1}):
        assert code(c.one("client", name)) in codes
        assert code(c.one("server", name)) in {1, 2, 4, 14}
    for name in "refused.Down/N21", "refused.Plain/N21":
        assert (code(c.one("client", name)), error(c.one("client", name))) == (14, "UNAVAILABLE")
    if not through_http:
        wrapped = c.one("client", "front.Code/N24")
        assert (code(wrapped), error(wrapped)) == (7, "PERMISSION_DENIED")
        assert c.asked_in(wrapped) == {"back.Plain/N24": 1}
        assert [code(s) for s in c.named("server", "front.Code/N24")] == [7, 7]
        again, server = c.one("client", "front.Both/N28"), c.one("server", "front.Both/N28")
        assert (code(again), code(server), c.asked_in(server)) == (11, 11, {"back.Plain/N28": 3})
    flaky = [code(s) for s in c.named("server", "front.Flaky/N11")]
    assert sorted(flaky) == ([0, 14, 14] if retries else [14])
    assert code(c.one("client", "front.Flaky/N11")) == (0 if retries else 14)
    assert len(c.spans) == len(c.by_id)


def retried(version):
    """Retries are on where nobody says so since 1.41."""
    return int(version.split(".")[1]) > 40


def wanted(quick):
    return reached.GRPC_VERSIONS if gobuild.ALL else quick


@contextlib.contextmanager
def noted(version, go, column):
    """In docs/spans-reach.md."""
    good = False
    try:
        yield
        good = True
    except AssertionError:
        reached.GRPC.put("%s, %s" % (version, go), column, False, said=("seen", "wrong"))
        raise
    if good:
        reached.GRPC.put("%s, %s" % (version, go), column, True, said=("seen", "wrong"))


@pytest.mark.parametrize("version, go", wanted(QUICK))
def test_versions(version, go):
    with noted(version, go, "stripped"), Calls(program(version, go)) as c:
        exercise(c, retried(version))


@pytest.mark.parametrize("version, go", wanted(QUICK[-1:]))
def test_named(version, go):
    """With debug information, which names other things; and it is attached to."""
    with noted(version, go, "debug information"), Calls(program(version, go, "plain"), attach=True) as c:
        exercise(c, retried(version))


def test_race():
    with Calls(program(*QUICK[-1], "race")) as c:
        exercise(c)


@pytest.mark.skipif(goshawk.why_no_bpf(), reason="kernel probes are not permitted")
def test_uprobe():
    with Calls(program(*QUICK[-1]), options=["--engine", "uprobe"]) as c:
        exercise(c, joined=False)


@pytest.mark.parametrize("version, go", wanted(QUICK[:1]))
def test_through_http(version, go):
    """Served by net/http: its span is around that of gRPC."""
    with noted(version, go, "through net/http"), Calls(program(version, go), "http") as c:
        exercise(c, retries=False, through_http=True)


def test_by_workers():
    with Calls(program(*QUICK[-1]), "workers") as c:
        exercise(c)


@pytest.mark.parametrize("how", ["at once", "workers"])
@pytest.mark.parametrize("version, go", wanted(QUICK))
def test_many_at_once(version, go, how):
    """Goroutines of their own, or those of a pool that connections hand calls over to."""
    n, each = 300, {"deep": 4, "both": 3}
    with noted(version, go, how), Calls(program(version, go), how) as c:
        for i, kind in enumerate(each):
            assert c.do("many", kind, i * n, (i + 1) * n, 32) == "done"
        c.end()
        for i, kind in enumerate(each):
            for k in range(i * n, (i + 1) * n):
                name = "front.%s/N%d" % (kind.title(), k)
                server = c.one("server", name)
                client = c.one("client", name)
                assert c.asked_in(server) == {"back.Plain/N%d" % k: each[kind]}, server
                # what it asks says so itself, whoever serves it
                assert all([b["kind"] for b in c.below[s["span_id"]]] == ["server"] for s in c.below[server["span_id"]]), server
                if k % 2:
                    assert (server["trace_id"], server["parent_span_id"]) == ("%032x" % k, "%016x" % k), server
                    assert server["parent_remote"]
                else:
                    assert (server["trace_id"], server["parent_span_id"]) == (client["trace_id"], client["span_id"])


@pytest.mark.parametrize("how", ["at once", "workers"])
@pytest.mark.parametrize("version, go", wanted(QUICK[-1:]))
def test_many_that_come_with_nothing(version, go, how):
    """From a process that nobody looks at. When that has gone on for a while, requests that come with nothing leave no trace
    of that (SETTLED_AFTER in agent_incoming.h), and those that have a parent are its children all the same."""
    n = 600
    with Calls(program(version, go), how) as c:
        asker = subprocess.Popen([program(version, go), "at", str(c.port)], text=True, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE)
        line_of(asker.stdout, "ready")

        def ask(*words):
            asker.stdin.write(" ".join(map(str, words)) + "\n")
            asker.stdin.flush()
            return asker.stdout.readline().split()[-1]

        for _ in range(40):
            assert ask("plain", 1000) == "OK"
            time.sleep(0.1)  # it is time that is waited for
        assert ask("many", "deep", 0, n, 32) == "done"
        asker.communicate(timeout=60)
        c.end()
        traces = set()
        for k in range(n):
            server = c.one("server", "front.Deep/N%d" % k)
            assert c.asked_in(server) == {"back.Plain/N%d" % k: 4}, server
            assert all([b["kind"] for b in c.below[s["span_id"]]] == ["server"] for s in c.below[server["span_id"]]), server
            if k % 2:
                assert (server["trace_id"], server["parent_span_id"]) == ("%032x" % k, "%016x" % k), server
            else:
                assert server["parent_span_id"] is None, server
            traces.add(server["trace_id"])
        assert len(traces) == n


def test_only():
    for options, kinds in (["--only", "grpc-server"], {"server"}), (["--no", "grpc-server"], {"client"}):
        with Calls(program(*QUICK[-1]), options=options) as c:
            assert c.do("both", 3) == "InvalidArgument"
            c.end()
        assert {s["kind"] for s in c.spans} == kinds


def test_etcd(tmp_path):
    """Debian's: stripped, of a version before 1.40 that its build information does not tell."""
    etcd, ctl = others.debian("etcd"), others.debian("etcdctl")
    client, peer = ("http://127.0.0.1:%d" % free_port() for _ in range(2))
    to, env = tmp_path / "spans", dict(os.environ, ETCDCTL_API="3")
    with open(tmp_path / "log", "wb") as log:
        p = subprocess.Popen([
            goshawk.GOSHAWK, "spans", "--json", "-o", to, "--", etcd, "--data-dir", tmp_path / "data",
            "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
            "--initial-advertise-peer-urls", peer, "--initial-cluster", "default=" + peer],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        ask = [ctl, "--endpoints", client[7:]]
        put = subprocess.run([*ask, "--dial-timeout", "60s", "--command-timeout", "60s", "put", "a", "b"], env=env, timeout=90)
        assert put.returncode == 0, (tmp_path / "log").read_text()
        done = goshawk.run("spans", "--json", "-o", tmp_path / "asked", "--", *ask, "lease", "revoke", "99", env=env)
        assert done.status == 1, done
        with open("/proc/%d/task/%d/children" % (p.pid, p.pid)) as f:
            os.kill(int(f.read()), signal.SIGTERM)
        p.wait(60)
    finally:
        if p.poll() is None:
            p.kill()
            p.wait()
    served = [s for s in goshawk.read_lines(to) if s["type"] == "span"]
    assert [(s["name"], code(s), error(s)) for s in served if "Watch" not in s["name"]] == [
        ("etcdserverpb.KV/Put", 0, None), ("etcdserverpb.Lease/LeaseRevoke", 5, None)]
    _, asked, last = goshawk.read_lines(tmp_path / "asked")
    assert (asked["name"], code(asked), error(asked), last["off"]) == ("etcdserverpb.Lease/LeaseRevoke", 5, "NOT_FOUND", [])
