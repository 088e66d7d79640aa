"""A real OpenTelemetry Collector gets the spans of the same services (tests/go/spans-chain) from goshawk and from the SDK's own
instrumentation, and they are compared one by one. Where they may differ, docs/spans-export.md says."""

import collections
import json
import re
import socket
import statistics
import subprocess
import time

import pytest

import gobuild
import goshawk
import others
import servers
from chain import Service, attributes, get
from test_otlp import Exports

pytestmark = [pytest.mark.ptrace,
              pytest.mark.skipif(not gobuild.ALL, reason="the collector is built by make check-all: that takes a minute")]

SDK = ("github.com/XSAM/otelsql@v0.44.0", "github.com/jackc/pgx/v5@v5.13.0",
       "github.com/redis/go-redis/extra/redisotel/v9@v9.23.0",
       "go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin@v0.65.0",
       "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc@v0.72.0",
       "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp@v0.72.0",
       "go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp@v1.47.0", "google.golang.org/grpc@v1.85.0")
# All that is asked takes 200 ms; order 1020 fails in both databases.
ORDERS = """\
CREATE TABLE stored AS SELECT i::text AS id, i AS n, 'canary' AS secret FROM generate_series(1000, 1020) i
CREATE VIEW orders AS SELECT id, 1 / (n - 1020) AS n, secret FROM stored, pg_sleep(0.2)
"""
FIRST, FAILS, NUMBERS = 1000, 1020, [1001, 1002, 1003, 1004, 1005, 1020]
SERVER, CLIENT = 2, 3

# The spans of one request: what each is inside of.
TREE = {("front", SERVER, "http"): None, ("front", CLIENT, "rpc"): ("front", SERVER, "http"),
        ("middle", SERVER, "rpc"): ("front", CLIENT, "rpc"), ("middle", CLIENT, "sql"): ("middle", SERVER, "rpc"),
        ("middle", CLIENT, "redis"): ("middle", SERVER, "rpc"), ("middle", CLIENT, "http"): ("middle", SERVER, "rpc"),
        ("back", SERVER, "http"): ("middle", CLIENT, "http")}
# Rows of the table in docs/spans-export.md, and whose they are.
ROWS = {"HTTP server, `otelgin` 0.65": ("front", SERVER, "http"), "HTTP server, `otelhttp` 0.72": ("back", SERVER, "http"),
        "HTTP client, `otelhttp`": ("middle", CLIENT, "http"), "gRPC server, `otelgrpc` 0.72": ("middle", SERVER, "rpc"),
        "gRPC client, `otelgrpc`": ("front", CLIENT, "rpc"), "`database/sql`, `otelsql` 0.44": ("middle", CLIENT, "sql"),
        "Redis, `redisotel` 9.23": ("middle", CLIENT, "redis")}
SDKS_OWN = {"sql.connector.connect", "sql.conn.reset_session", "sql.rows", "redis.dial"}


def documented():
    """Of each span: attributes that only the SDK has, that only goshawk has, and that differ; `name`, `message`, `events` stand
    for what is no attribute."""
    found = {}
    for line in (goshawk.ROOT / "docs" / "spans-export.md").read_text().splitlines():
        cells = [c.strip() for c in line.split("|")[1:-1]]
        if cells and cells[0] in ROWS:
            found[ROWS[cells[0]]] = tuple(set(re.findall(r"`([a-z._]+)`", c)) for c in cells[1:])
    return found


class Collector:
    def __init__(self, to):
        self.to, self.port = to / "collected.json", servers.free_port()
        self.url = "http://127.0.0.1:%d" % self.port
        pipeline = {"receivers": ["otlp"], "exporters": ["file"]}
        config = {"receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:%d" % self.port}}}},
                  "exporters": {"file": {"path": str(self.to)}},
                  "service": {"pipelines": {"traces": pipeline, "metrics": pipeline}}}
        self.p = subprocess.Popen([others.module("collector", gobuild.NEWEST, "-ldflags=-s -w"), "--config",
                                   "yaml:" + json.dumps(config)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
        until = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", self.port)):
            assert self.p.poll() is None and time.monotonic() < until, self.p.communicate(timeout=1)
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *failed):
        """What it has is in the file then."""
        self.p.terminate()
        said, _ = self.p.communicate(timeout=60)
        assert self.p.returncode == 0, said

    def read(self):
        return [json.loads(line) for line in self.to.read_text().splitlines()]


class Span:
    def __init__(self, resource, scope, s, places):
        about = attributes(resource)
        self.service, self.sdk, self.scope = about["service.name"], about["telemetry.sdk.name"], scope
        self.id, self.up, self.trace = s["spanId"], s.get("parentSpanId"), s["traceId"]
        self.name, self.kind, self.code = s["name"], s["kind"], s["status"].get("code")
        self.start, self.end = int(s["startTimeUnixNano"]), int(s["endTimeUnixNano"])
        self.about = {a["key"]: a["value"] for a in s["attributes"]}
        self.said = dict(self.about, name={"stringValue": self.name})
        if s["status"].get("message"):
            self.said["message"] = {"stringValue": s["status"]["message"]}
        if s.get("events"):
            self.said["events"] = {"events": [e["name"] for e in s["events"]]}
        for key, value in self.said.items():  # ports are others in each run
            if key == "network.peer.port":
                self.said[key] = {k: "any" for k in value}
            elif key == "server.port":
                self.said[key] = {k: places[int(v)] for k, v in value.items()}
            elif "stringValue" in value:
                self.said[key] = {"stringValue": re.sub(r"(?<=:)\d{4,5}\b", lambda m: places[int(m[0])], value["stringValue"])}

    @property
    def key(self):
        system = next(v for k, v in {"http.request.method": "http", "rpc.method": "rpc", "db.query.text": "sql",
                                     "db.system.name": "redis", "db.system": "redis"}.items() if k in self.about)
        return self.service, self.kind, system

    @property
    def lasts(self):
        return self.end - self.start


class Run:
    """The requests, and what the collector got of them."""

    def __init__(self, to, databases, mode, **env):
        program = others.module("spans-chain", gobuild.NEWEST, "-tags=sdk", requires=SDK)
        postgres, redis = databases
        with Collector(to) as c:
            if mode != "goshawk":
                env.update(SDK="1", OTEL_EXPORTER_OTLP_ENDPOINT=c.url)
            how = {"alone": mode == "sdk", "env": env}
            with Service(program, c.url, "back", "200ms", **how) as back, \
                    Service(program, c.url, "middle", "postgres://canary:canary@127.0.0.1:%d/shop" % postgres,
                            "127.0.0.1:%d" % redis, back.at, **how) as middle, \
                    Service(program, c.url, "front", middle.at, **how) as front:
                assert get(front.at, "/order/%d" % FIRST) == (200, str(FIRST))  # which connects
                for n in NUMBERS:
                    servers.tell(redis, [["AUTH", "canary"], ["CLIENT", "PAUSE", "200", "ALL"]])
                    status, _ = get(front.at, "/order/%d" % n, traceparent="00-%032x-%016x-01" % (n, n))
                    assert status == (502 if n == FAILS else 200)
                for s in front, middle, back:
                    said = s.end()
                    assert "lost" not in said and "dropped" not in said, said
        collected = c.read()
        places = {int(s.at.split(":")[1]): name for name, s in {"front": front, "middle": middle, "back": back}.items()}
        places.update({postgres: "postgres", redis: "redis", c.port: "collector"})
        self.metrics = {m["name"] for o in collected for r in o.get("resourceMetrics", []) for s in r["scopeMetrics"]
                        for m in s["metrics"]}
        spans = [Span(r["resource"], s["scope"]["name"], span, places) for o in collected for r in o.get("resourceSpans", [])
                 for s in r["scopeSpans"] for span in s["spans"]]
        self.schemas = {r["schemaUrl"] for o in collected for r in o.get("resourceSpans", [])}
        self.text = json.dumps(collected)
        assert len({s.id for s in spans}) == len(spans)
        self.spans = [s for s in spans if s.trace in {"%032x" % n for n in NUMBERS} and s.name not in SDKS_OWN]

    def requests(self, sdk):
        """The spans of each by what they are of, of one of the two."""
        found = collections.defaultdict(dict)
        for s in self.spans:
            if s.sdk == sdk:
                assert s.key not in found[int(s.trace, 16)], s.key
                found[int(s.trace, 16)][s.key] = s
        assert set(found) == set(NUMBERS)
        return found


def differences(requests, others):
    """As documented() has them: of `others`, of `requests`, and what differs."""
    found = {key: (set(), set(), set()) for key in TREE}
    for n in NUMBERS:
        assert set(requests[n]) == set(others[n]) == set(TREE), n
        for key in TREE:
            ours, theirs = requests[n][key], others[n][key]
            assert ours.code == theirs.code, (n, key)
            both = set(ours.said) & set(theirs.said)
            found[key][0].update(set(theirs.said) - both)
            found[key][1].update(set(ours.said) - both)
            if n == FAILS:  # by two of what it asks, and which one answers first is chance
                both.discard("http.response.body.size")
            found[key][2].update(name for name in both if ours.said[name] != theirs.said[name])
    return found


def is_tree(requests):
    for n, of in requests.items():
        for key, span in of.items():
            assert span.up == (of[TREE[key]].id if TREE[key] else "%016x" % n), (n, key)
    return True


@pytest.fixture(scope="module")
def databases():
    if servers.why_not():
        pytest.skip(servers.why_not())
    with servers.postgres("shop", ORDERS) as postgres, servers.redis(["LPUSH", "canary%d" % FAILS, "canary"]) as redis:
        yield postgres.port, redis.port


@pytest.fixture(scope="module")
def by_the_sdk(tmp_path_factory, databases):
    return Run(tmp_path_factory.mktemp("sdk"), databases, "sdk")


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_beside_the_sdk(tmp_path, databases, by_the_sdk, protocol, compression):
    run = Run(tmp_path, databases, "goshawk", OTEL_EXPORTER_OTLP_PROTOCOL=protocol, OTEL_EXPORTER_OTLP_COMPRESSION=compression)
    assert "canary" not in run.text
    assert run.metrics == {"http.server.request.duration", "http.client.request.duration", "rpc.server.call.duration",
                           "rpc.client.call.duration", "db.client.operation.duration"}
    requests, sdks = run.requests("goshawk"), by_the_sdk.requests("opentelemetry")
    assert is_tree(sdks) and is_tree(requests)
    assert differences(requests, sdks) == documented() and run.schemas == by_the_sdk.schemas
    for key in TREE:
        if key[2] == "redis":  # which stood still since before the request was sent: how long it has to wait is chance
            continue
        # others use the processors, too: the quickest tell
        ours, theirs = (min(of[key].lasts for of in r.values()) for r in (requests, sdks))
        assert abs(ours - theirs) <= 0.05 * theirs, (key, ours, theirs)


def test_together_with_the_sdk(tmp_path, databases):
    """The program that has the SDK, under goshawk: one trace with both's spans."""
    run = Run(tmp_path, databases, "together")
    requests, sdks = run.requests("goshawk"), run.requests("opentelemetry")
    assert is_tree(sdks)
    for n, of in requests.items():
        for key, span in of.items():
            if span.kind == CLIENT and key[2] in ("http", "rpc"):
                up = sdks[n][key].id  # of the traceparent that the SDK has written
            elif span.kind == SERVER:
                up = sdks[n][key].up
            else:
                up = of[TREE[key]].id
            assert span.up == up, (n, key)
    expected = documented()
    expected["middle", CLIENT, "sql"][2].add("db.system.name")  # the SDK's driver is around PostgreSQL's
    assert differences(requests, sdks) == expected
    for key in TREE:
        pairs = [(requests[n][key], sdks[n][key]) for n in NUMBERS]
        for off in ([abs(a.lasts - b.lasts) / b.lasts for a, b in pairs], [abs(a.start - b.start) / b.lasts for a, b in pairs]):
            assert statistics.median(off) <= 0.05, (key, off)


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_metrics(tmp_path, protocol, temporality):
    """What the collector makes of histograms, sums and exemplars."""
    with Collector(tmp_path) as c:
        e = Exports({"OTEL_EXPORTER_OTLP_ENDPOINT": c.url, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
                     "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": temporality}).tell("calls 5").tell("polls 2").end()
    assert not e.said
    metrics = {m["name"]: m for o in c.read() for r in o.get("resourceMetrics", []) for s in r["scopeMetrics"] for m in s["metrics"]}
    of = {name: m.get("histogram") or m["sum"] for name, m in metrics.items()}
    assert {m["aggregationTemporality"] for m in of.values()} == {1 if temporality == "delta" else 2}
    assert set(of) == {"http.server.request.duration", "messaging.client.operation.duration", "messaging.client.consumed.messages"}
    consumed = of["messaging.client.consumed.messages"]
    assert (metrics["messaging.client.consumed.messages"]["unit"], consumed["isMonotonic"]) == ("{message}", True)
    assert [p["asInt"] for p in consumed["dataPoints"]] == ["4"]
    points = of["http.server.request.duration"]["dataPoints"]
    assert [(p["count"], p["max"], p["bucketCounts"][:4]) for p in points] == [
        ("2", 0.012, ["1", "0", "1", "0"]), ("3", 0.016, ["1", "1", "1", "0"])]
    assert sorted((x["asDouble"], x["traceId"], x["spanId"]) for p in points for x in p["exemplars"]) == [
        (n * 0.004, "01" + 30 * "0", "02%02x" % n + 12 * "0") for n in (0, 2, 4)]  # the others are not sampled
    assert "exemplars" not in of["messaging.client.operation.duration"]["dataPoints"][0]
