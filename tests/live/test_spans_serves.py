"""Servers that send nothing: their traces are not kept in the program itself, and of gRPC's who sent the call comes only with calls
that say so. Each path and method has a number of its own, and the parent that it must have, or none."""

import http.client
import os
import re
import shutil
import socket
import subprocess
import tempfile

import pytest

import gobuild
import goshawk
import others
from attaching import line_of

pytestmark = [pytest.mark.ptrace, pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")]
FLAGS = ("-ldflags=-s -w",)


def parent(n):
    return "00-%032x-%016x-01" % (0xabc000 + n, 0xdef000 + n)


class Serves:
    def __init__(self, program, *args, options=()):
        self.folder = tempfile.TemporaryDirectory()
        self.to = os.path.join(self.folder.name, "spans")
        self.err = tempfile.TemporaryFile("w+")
        self.p = subprocess.Popen([str(goshawk.GOSHAWK), "spans", "--json", "-o", self.to, *options, "--", program, *args], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.err)
        self.ports = [int(port) for port in line_of(self.p.stdout, "ready").split()[1:]]

    def end(self):
        """The spans by the number in their path or method."""
        self.p.communicate(timeout=60)
        self.err.seek(0)
        self.said = self.err.read()
        # nothing is off, and nothing was lost
        assert self.p.returncode == 0 and re.fullmatch(
            r"(\[goshawk\] kernel probes .*\n)?\[goshawk\] \d+ spans in \d+ traces\n", self.said), self.said
        spans = {}
        for s in goshawk.read_lines(self.to):
            if s["type"] == "span":
                path = s["attributes"].get("url.path") or s["attributes"].get("rpc.method", s["name"])
                spans.setdefault(int(re.search(r"(\d+)$", path)[1]), []).append(s)
        return spans

    def __enter__(self):
        return self

    def __exit__(self, *failed):
        if self.p.poll() is None:
            self.p.kill()
            self.p.communicate()
        self.err.close()
        self.folder.cleanup()


def check(spans, named, unnamed):
    """Each once; those with a parent have theirs, the others have none."""
    assert sorted(spans) == sorted([*named, *unnamed]) and all(len(s) == 1 for s in spans.values()), spans
    for n in named:
        assert (spans[n][0]["trace_id"], spans[n][0].get("parent_span_id")) == tuple(parent(n).split("-")[1:3]), spans[n]
    for n in unnamed:
        assert not spans[n][0].get("parent_span_id"), spans[n]
    assert len({s[0]["trace_id"] for s in spans.values()}) == len(spans)


def served_alone(program, *options):
    """It has no client, so nothing of ours is there that would say in a request whose child it is."""
    plan = goshawk.run("spans", "--plan", *options, "--", program).out
    for client in "http-client: net/http", "grpc-client: google.golang.org/grpc":
        assert client + ": not in this program\n" in plan
    is_same = plan == goshawk.run("spans", "--plan", "--no-inject", *options, "--", program).out
    assert is_same  # pytest would compare long texts for minutes
    return plan


def test_http(release):
    program = gobuild.build("serves", release, "stripped")
    served_alone(program)
    with Serves(program) as serves:
        c = http.client.HTTPConnection("127.0.0.1", serves.ports[0], timeout=60)

        def get(path, status=200, **headers):
            c.request("GET", path, headers=headers)
            answer = c.getresponse()
            answer.read()
            assert answer.status == status

        def chunked(path, trailer):
            c.putrequest("POST", path)
            c.putheader("Transfer-Encoding", "chunked")
            c.putheader("Trailer", "Traceparent")
            c.endheaders()
            c.send(b"3\r\nabc\r\n0\r\nTraceparent: " + trailer.encode() + b"\r\n\r\n")
            answer = c.getresponse()
            answer.read()
            assert answer.status == 200

        get("/plain/1", traceparent=parent(1), tracestate="a=1")
        get("/plain/2")
        get("/plain/3", TraceParent=parent(3))
        chunked("/body/4", parent(99))
        get("/plain/5")
        chunked("/unread/6", parent(99))
        get("/plain/7")
        get("/none/8", status=404, traceparent=parent(8))
        for n, path in (9, "/panic/9"), (10, "/plain/10"):
            try:
                get(path, traceparent=parent(n))
            except http.client.RemoteDisconnected:
                c.close()
        get("/hijack/11", status=299, traceparent=parent(11))
        c.close()
        with socket.create_connection(("127.0.0.1", serves.ports[0])) as bad:
            bad.sendall(b"GET /plain/12 HTTP/1.1\r\nTraceparent: %s\r\nContent-Length: x\r\n\r\n" % parent(12).encode())
            assert b" 400 " in bad.recv(4096)
        args = []
        for n in range(20, 26):  # one connection for all
            args += ["--next"] * bool(args) + ["-sk", "--http2", "-o", "/dev/null", "-w", "%{http_code}\\n"]
            args += ["-H", "traceparent: " + parent(n)] * (n % 2) + ["https://127.0.0.1:%d/plain/%d" % (serves.ports[1], n)]
        done = subprocess.run(["curl", *args], stdout=subprocess.PIPE, text=True, timeout=60)
        assert done.stdout.split() == ["200"] * 6
        spans = serves.end()
    check(spans, {1, 3, 8, 9, 10, 11, *range(21, 26, 2)}, {2, 4, 5, 6, 7, *range(20, 26, 2)})
    assert spans[9][0]["attributes"]["error.type"] == "panic"
    assert spans[8][0]["attributes"]["http.response.status_code"] == 404


def test_functions_follow(release):
    """Where functions of one's own are spans, goroutines are followed all the same."""
    program = gobuild.build("serves", release)
    with Serves(program, options=("--func", "main.work", "--show", "path,path")) as serves:
        c = http.client.HTTPConnection("127.0.0.1", serves.ports[0], timeout=60)
        for n in range(1, 5):
            c.request("GET", "/child/%d" % n, headers={"traceparent": parent(n)})
            c.getresponse().read()
        c.close()
        serves.p.communicate(timeout=60)
        spans = [s for s in goshawk.read_lines(serves.to) if s["type"] == "span"]
        with open(serves.to) as f:
            assert f.read().count('"path":') == 4  # an attribute that is asked for twice is there once
    for n in range(1, 5):
        served, work = sorted((s for s in spans if s["trace_id"] == parent(n).split("-")[1]), key=lambda s: s["name"] == "main.work")
        assert work["name"] == "main.work" and work["parent_span_id"] == served["span_id"]


CALLS = [("1.40.0", "1.19.13"), ("1.60.1", "1.22.12"), ("1.85.0", "1.27.4")]


@pytest.mark.parametrize("version, go", CALLS)
@pytest.mark.parametrize("args, engine", [((), "inline"), (("workers",), "inline"), ((), "uprobe")])
def test_grpc(version, go, args, engine):
    if engine == "uprobe" and goshawk.why_no_bpf():
        pytest.skip(goshawk.why_no_bpf())
    requires = ("google.golang.org/grpc@v" + version,)
    program = others.module("serves-grpc", go, *FLAGS, requires=requires)
    plan = served_alone(program, "--engine", engine)
    assert "newproc1" not in plan  # nor does it matter who makes which goroutine
    with Serves(program, *args, options=("--engine", engine)) as serves:
        def ask(*words):
            asker.stdin.write(" ".join(map(str, words)) + "\n")
            asker.stdin.flush()
            return asker.stdout.readline().split()[-1]

        asker = subprocess.Popen([others.module("spans-grpc", go, *FLAGS, requires=requires), "at", str(serves.ports[0])], text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line_of(asker.stdout, "ready")
        for n in range(60):
            said = [[], [parent(n)], ["x-traceparen:canary"], ["tracestate:a=1"]][n % 4]
            assert ask("plain", n, *said) == ("Aborted" if n % 10 == 7 else "OK")
        assert ask("plain", 1001) == "Unimplemented"
        assert ask("many", "plain", 100, 1000, 32) == "done"
        asker.communicate(timeout=60)
        spans = serves.end()
    many = {n: spans.pop(n) for n in range(100, 1000)}
    check(spans, range(1, 60, 4), {n for n in range(60) if n % 4 != 1} | {1001})
    assert all(s[0]["attributes"]["rpc.response.status_code"] == ("UNIMPLEMENTED" if n == 1001 else "ABORTED" if n % 10 == 7 else "OK")
               for n, s in spans.items())
    assert all(len(s) == 1 and s[0].get("parent_span_id") == ("%016x" % n if n % 2 else None) for n, s in many.items())
