"""Metrics of a program that runs: all its calls are counted, whatever is sampled."""

import collections
import concurrent.futures
import os
import subprocess

import pytest

import gobuild
import goshawk
import kafka
import test_spans_grpc
import test_spans_kafka
from attaching import line_of
from collector import Collector
from test_spans import Web

pytestmark = pytest.mark.ptrace


def attributes(o):
    return {a["key"]: next(iter(a["value"].values())) for a in o["attributes"]}


@pytest.mark.parametrize("sampler, attach", [("always_off", False), ("always_on", True)])
def test_every_request_is_counted(sampler, attach):
    env = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json" if attach else "http/protobuf"}
    with Collector() as c:
        with Web(options=["--otlp", c.url], env=env, attach=attach) as web, concurrent.futures.ThreadPoolExecutor(8) as pool:
            paths = ["/order/%d" % n for n in range(90)] + ["/refused/%d" % n for n in range(10)]
            got = list(pool.map(web.get, paths))
            web.end()
        requests = c.of("/v1/metrics")
        spans = [s for r in c.requests for s in r.spans]
    assert "OTLP" not in web.said and ("/order/1" in str(spans)) == (sampler == "always_on")
    metrics = requests[-1].metrics
    assert set(metrics) == {"http.server.request.duration", "http.client.request.duration"}
    served = {}
    for p in metrics["http.server.request.duration"]["histogram"]["dataPoints"]:
        about = attributes(p)
        assert about["http.request.method"] == "GET" and about["url.scheme"] == "http" and about["network.protocol.version"] == "1.1"
        served[about["http.route"], about["http.response.status_code"]] = int(p["count"])
        assert sum(map(int, p["bucketCounts"])) == int(p["count"]) and 0 < p["min"] <= p["max"] <= p["sum"]
    assert served["/order/", "200"] == served["/back/", "200"] == 90 and served["/refused/", str(got[-1])] == 10
    assert "/order/1" not in str(metrics)
    asked = {}
    for p in metrics["http.client.request.duration"]["histogram"]["dataPoints"]:
        about = attributes(p)
        assert about["server.address"] == "127.0.0.1" and int(about["server.port"])
        key = about.get("http.response.status_code", about.get("error.type"))
        asked[key] = asked.get(key, 0) + int(p["count"])
    assert asked["200"] == 90 and asked["*net.OpError"] == 10
    if sampler == "always_on":
        assert sum(served.values()) + sum(asked.values()) == len(spans)


@pytest.mark.parametrize("sampler", ["always_off", "always_on"])
def test_every_grpc_call_is_counted(sampler):
    """Streams, too, which last longer than the call that began them."""
    calls = [("plain", "OK")] * 3 + [("code", "NotFound")] + [("both", "OK")] * 2 + [("down", "OK")] + [("nowhere", "Unimplemented"), ("both", "InvalidArgument")]
    program = test_spans_grpc.program(*test_spans_grpc.QUICK[-1])
    with Collector() as c:
        p = subprocess.Popen([goshawk.GOSHAWK, "spans", "--otlp", c.url, "--only", "grpc-server,grpc-client", "--", program], text=True,
                             env=dict(os.environ, OTEL_TRACES_SAMPLER=sampler), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        line_of(p.stdout, "ready")
        for n, (kind, ends) in enumerate(calls):
            number = {"NotFound": 5, "InvalidArgument": 3}.get(ends, 17 * (n + 2))  # of which the rest is the code
            p.stdin.write("%s %d\n" % (kind, number))
            p.stdin.flush()
            assert p.stdout.readline().split()[-1] == ends
        _, said = p.communicate(timeout=60)
        assert p.returncode == 0 and "OTLP" not in said, said
        metrics = c.of("/v1/metrics")[-1].metrics
        spans = collections.Counter(s["kind"] for r in c.requests for s in r.spans)
    for side, kind in ("server", 2), ("client", 3):
        counts = collections.Counter()
        for point in metrics["rpc.%s.call.duration" % side]["histogram"]["dataPoints"]:
            about = attributes(point)
            assert about["rpc.system.name"] == "grpc"
            counts[about["rpc.method"].split("/")[-1].rstrip("0123456789"), about["rpc.response.status_code"]] += int(point["count"])
        unknown = "_OTHER" if side == "server" else "N"
        assert counts == {("N", "OK"): 20, ("N", "NOT_FOUND"): 1, ("N", "INVALID_ARGUMENT"): 1, (unknown, "UNIMPLEMENTED"): 1}
        assert spans[kind] == (23 if sampler == "always_on" else 0)


# Of each library: calls that send and messages of these, to orders and to missing; calls that receive and messages.
MESSAGES = {test_spans_kafka.FRANZ: (4, 4, 1, 3, 4), test_spans_kafka.KAFKA_GO: (3, 4, 1, 4, 4), test_spans_kafka.SARAMA: (4, 5, 2, 1, 5)}


@pytest.mark.parametrize("sampler", ["always_off", "always_on"])
@pytest.mark.parametrize("library, version", test_spans_kafka.QUICK)
def test_every_message_is_counted(tmp_path, library, version, sampler):
    if not gobuild.ALL and (library, sampler) != (test_spans_kafka.KAFKA_GO, "always_off"):
        pytest.skip("make check-all tries the others")
    program = test_spans_kafka.build(tmp_path, library, version, test_spans_kafka.VERSIONS[library][version], "-v")
    with Collector() as c, kafka.broker() as address:
        env = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "lowmemory"}
        done = goshawk.run("spans", "--otlp", c.url, "--func", "main.handle", "--", program, address,
                           *("00-%s-%s-01" % of for of in (test_spans_kafka.PARENT, test_spans_kafka.OTHER)), env=env)
    assert (done.status, done.out) == (0, "done\n") and "OTLP" not in done.err, done
    counts, exemplars = collections.Counter(), []
    for r in c.of("/v1/metrics"):
        assert "canary" not in str(r.message)
        for name, metric in r.metrics.items():
            of = metric.get("histogram") or metric["sum"]
            assert of["aggregationTemporality"] == 1 and ("sum" in metric) == bool(of.get("isMonotonic"))
            for p in of["dataPoints"]:
                a = attributes(p)
                assert a.pop("messaging.system") == "kafka" and a.pop("messaging.operation.type", a["messaging.operation.name"]) == a["messaging.operation.name"]
                key = name.removeprefix("messaging."), a.pop("messaging.operation.name"), a.pop("messaging.destination.name"), a.pop("error.type", "")
                counts[key] += int(p.get("count") or p["asInt"])
                exemplars += p.get("exemplars", [])
                assert not a
    sends, sent, lost, receives, received = MESSAGES[library]
    assert counts == {
        ("client.operation.duration", "send", "orders", ""): sends, ("client.sent.messages", "send", "orders", ""): sent,
        ("client.operation.duration", "send", "missing", "UNKNOWN_TOPIC_OR_PARTITION"): lost,
        ("client.sent.messages", "send", "missing", "UNKNOWN_TOPIC_OR_PARTITION"): lost,
        ("client.operation.duration", "receive", "orders", ""): receives, ("client.consumed.messages", "receive", "orders", ""): received,
        ("process.duration", "process", "orders", ""): received}
    spans = {(s["traceId"], s["spanId"]) for r in c.requests for s in r.spans}
    assert bool(spans) == (sampler == "always_on") and {(x["traceId"], x["spanId"]) for x in exemplars} <= spans
    assert bool(exemplars) == bool(spans)
