"""What programs hand over to libraries beside what spans say (keys, values, documents, headers, literals, texts of errors, user
information and query strings) is in no output: not in trees and JSON, the store and what is read of it, what a collector is sent,
spans and metrics, nor in what goshawk says. Each of these programs has the word in everything that must not be seen."""

import contextlib
import os
import shutil
import signal

import pytest

import databases
import gobuild
import goshawk
import kafka
import test_spans_databases
import test_spans_grpc
import test_spans_kafka
import test_spans_logs
from collector import Collector
from test_secrets import rings
from test_spans import PARENT, Web

pytestmark = pytest.mark.ptrace
CANARY = b"canary"
FORMS = {"http/protobuf": ["--json"], "http/json": []}  # trees with one, objects with the other
IDS = ["00-%s-%s-01" % of for of in (test_spans_kafka.PARENT, test_spans_kafka.OTHER)]


class Outputs:
    """All of them at once."""

    def __init__(self, folder, protocol):
        self.folder, self.printed, self.store = folder, folder / "printed", folder / "store"
        self.collector, self.protocol = Collector(), protocol
        self.env = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_METRICS_EXEMPLAR_FILTER": "always_on"}

    def __enter__(self):
        self.collector.__enter__()
        self.kept = ["--otlp", self.collector.url, "--store", str(self.store), "--logs"]
        self.options = [*self.kept, *FORMS[self.protocol], "-o", str(self.printed), "--func", "main.*"]
        return self

    def __exit__(self, *failed):
        self.collector.__exit__(*failed)

    def read(self, *options):
        done = goshawk.run("spans", "--read", self.store, *options)
        assert done.status == 0, done
        return done.out.encode() + done.err.encode()

    def pages(self, trace):
        page = self.folder / "page.html"
        for how in ["--json"], [], ["--html", page]:
            yield self.read("--trace", trace, *how)
        yield page.read_bytes()

    def check(self, said, name):
        """None of them has the word; each has the span."""
        requests = self.collector.requests
        stored = b"".join(p.read_bytes() for p in sorted(self.folder.glob("store*")))
        traces = {s["traceId"] for r in requests for s in r.spans}
        spans = [self.printed.read_bytes(), stored, b"".join(r.raw for r in requests if r.path == "/v1/traces")]
        for trace in sorted(traces)[:20]:
            spans += self.pages(trace)
        assert all(name.encode() in text for text in spans[:3]) and any(name.encode() in text for text in spans[3:])
        metrics = [r.raw for r in requests if r.path == "/v1/metrics"]
        for text in [*spans, *metrics, self.read("--slow", "1ns"), self.read("--json"), said.encode()]:
            assert CANARY not in text, text[max(0, text.index(CANARY) - 300):][:600]
        return {name for r in requests for name in r.metrics}


@pytest.fixture(params=FORMS)
def outputs(request, tmp_path):
    if not gobuild.ALL and request.param != "http/protobuf":
        pytest.skip("make check-all tries the other forms")
    with Outputs(tmp_path, request.param) as o:
        yield o


def run(outputs, program, *args):
    with open(program, "rb") as f:
        assert CANARY in f.read()
    done = goshawk.run("spans", *outputs.options, "--", program, *args, env=outputs.env)
    assert done.status == 0 and done.out.splitlines()[-1].startswith("done"), done
    return done


@pytest.mark.parametrize("library, version", test_spans_databases.QUICK)
def test_databases(tmp_path, outputs, library, version):
    program = test_spans_databases.build(tmp_path, library, version, test_spans_databases.VERSIONS[library][version], "-v")
    serve = test_spans_databases.LIBRARIES[library][2]
    url = {databases.postgres: "postgres://canary:canary@%s/shop?sslmode=disable",
           databases.mongodb: "mongodb://me:canary@%s/?authMechanism=PLAIN&retryWrites=true&retryReads=true"}.get(serve, "%s")
    with serve() as server:
        done = run(outputs, program, url % ("127.0.0.1:%d" % server.port))
    assert outputs.check(done.err, "main.round") == {"db.client.operation.duration"}


def test_database_sql(outputs):
    done = run(outputs, gobuild.build("spans-sql", gobuild.NEWEST))
    assert outputs.check(done.err, "main.round") == {"db.client.operation.duration"}


@pytest.mark.parametrize("library, version", test_spans_kafka.QUICK)
def test_messages(tmp_path, outputs, library, version):
    program = test_spans_kafka.build(tmp_path, library, version, test_spans_kafka.VERSIONS[library][version], "-v")
    with kafka.broker() as address:
        done = run(outputs, program, address, *IDS)
    assert "messaging.process.duration" in outputs.check(done.err, "main.handle")


@pytest.mark.parametrize("module", test_spans_logs.NAMES)
def test_logs(outputs, module):
    done = run(outputs, test_spans_logs.build(module, test_spans_logs.newest(module), gobuild.NEWEST, "-ldflags=-s -w"))
    assert CANARY in done.out.encode()
    outputs.check(done.err, "second é" if outputs.protocol == "http/protobuf" else "main.round")


SENT = {"traceparent": PARENT, "tracestate": "a=1", "baggage": "user=canary", "Cookie": "session=canary", "Authorization": "Bearer canary",
        "X-canary": "1", "Referer": "http://canary/", "X-B3-TraceId": "canary", "Trailer": "canary",
        "TraceparentX": "canary", "Tracepar": "canary", "tracestat": "canary"}


def ask(web, headers=SENT):
    for path in "/fan/2?canary=1", "/refused/8", "/recovers/7?canary", "/none/10?canary#canary", "/order/1?token=canary", "/late/3":
        web.get(path, **headers)


def test_requests(outputs):
    with Web(options=outputs.options, env=outputs.env) as web:
        ask(web)
        web.end()
    assert {"http.server.request.duration", "http.client.request.duration"} <= outputs.check(web.said, "/fan/2")


def call(calls, *more):
    for n, kind in enumerate(["plain", "code", "foreign", "both", "down", "nowhere", "refused", *more]):
        calls.do(kind, n + 3, *([PARENT] if kind == "plain" else []))  # with a cookie


def test_calls(outputs, monkeypatch):
    for name, value in outputs.env.items():
        monkeypatch.setenv(name, value)
    with test_spans_grpc.Calls(test_spans_grpc.program(*test_spans_grpc.QUICK[-1]), options=outputs.kept) as calls:
        call(calls, "wrapped")
        calls.end()
        shutil.copy(calls.to, outputs.printed)
    assert {"rpc.server.call.duration", "rpc.client.call.duration"} <= outputs.check(calls.said, "Plain")


@contextlib.contextmanager
def standing_still(looker):
    """What it has copied stays in the program meanwhile."""
    looker.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, looker.pid, os.WSTOPPED | os.WNOWAIT)
    yield
    looker.send_signal(signal.SIGCONT)


@pytest.mark.skipif(os.geteuid() != 0, reason="reading another's page table takes root")
def test_headers_are_not_copied(tmp_path):
    """They stay where they are, but for what goes on with requests and what looks like it; and so do query strings and what
    gRPC's calls say."""
    with Web(options=["-o", tmp_path / "spans"], attach=True) as web:
        with standing_still(web.looker):
            ask(web, {k: v for k, v in SENT.items() if not k.lower().startswith(("tracepar", "tracestat", "baggage")) or "canary" not in v})
            held = rings(web.pid)
        assert b"/fan/" in held and PARENT.encode() in held
        assert CANARY not in held, held[held.index(CANARY) - 300:][:600]
        web.end()
    with test_spans_grpc.Calls(test_spans_grpc.program(*test_spans_grpc.QUICK[-1]), attach=True) as calls:
        with standing_still(calls.looker):
            call(calls)
            held = rings(calls.p.pid)
        assert b"/front.Plain/" in held
        assert CANARY not in held, held[held.index(CANARY) - 300:][:600]
        calls.end()
