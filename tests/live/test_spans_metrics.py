"""Metrics of a program that runs: all its calls are counted, whatever is sampled."""

import collections
import concurrent.futures
import os
import subprocess

import pytest

import goshawk
import test_spans_grpc
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
