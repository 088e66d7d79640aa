"""One request through three processes makes one trace: gin, gRPC, PostgreSQL, Redis, Kafka, and HTTP once more. In make check-all
the databases are Debian's, if they can be had, else those of tests/databases.py."""

import concurrent.futures
import json
import re

import pytest

import databases
import gobuild
import kafka
import others
import servers
from chain import Service, attributes, get
from collector import Collector

pytestmark = pytest.mark.ptrace
RELEASES = [r for r in gobuild.RELEASES if gobuild.minor(r) in (19, 22, 24, 26, 27)]
CONNECTS = {"hello", "PIPELINE", "connect", "PREPARE orders", "PREPARE"}  # before the first question on a connection
FLAGS = {"stripped": ["-ldflags=-s -w"], "race": ["-race"]}
NUMBERS = range(1000, 1040)
ORDERS = "CREATE TABLE orders (id text, n int, secret text)\n" \
         "INSERT INTO orders SELECT i, i, 'canary' FROM generate_series(1000, 1039) i\n"


@pytest.fixture(scope="module")
def databases_of():
    """The ports of PostgreSQL and Redis, and where Kafka is."""
    real = gobuild.ALL and not servers.why_not()
    with servers.postgres("shop", ORDERS) if real else databases.postgres() as postgres, \
            servers.redis() if real else databases.redis() as redis, kafka.broker() as queue:
        yield postgres.port, redis.port, queue


def counted(requests, n):
    """The last metrics of each service have all its calls."""
    last = {attributes(r["resource"])["service.name"]: q.metrics for q in requests for r in q.message.get("resourceMetrics", [])}

    def counts(service, metric, *keys):
        points = [(attributes(p), int(p["count"])) for p in last[service][metric]["histogram"]["dataPoints"]]
        return {tuple(about.get(k) for k in keys): count for about, count in points}

    assert counts("front", "http.server.request.duration", "http.route", "http.response.status_code") == {("/order/:id", "200"): n}
    assert counts("back", "http.server.request.duration", "http.route", "http.response.status_code") == {("/price/", "200"): n}
    for service, side in ("front", "client"), ("middle", "server"):
        assert counts(service, "rpc.%s.call.duration" % side, "rpc.method", "rpc.response.status_code") == {("shop.Orders/Get", "OK"): n}
    asked = counts("middle", "db.client.operation.duration", "db.system.name", "db.operation.name", "db.collection.name")
    assert asked["postgresql", "SELECT", "orders"] == asked["redis", "get", None] == n


@pytest.mark.parametrize("attach", [False, True])
@pytest.mark.parametrize("variant", FLAGS)
@pytest.mark.parametrize("go", RELEASES if gobuild.ALL else RELEASES[-1:])
def test_one_trace(databases_of, go, variant, attach):
    if not gobuild.ALL and variant != "stripped":
        pytest.skip("the race detector's builds are tried by make check-all")
    program = others.module("spans-chain", go, *FLAGS[variant])
    with Collector() as c, Service(program, c.url, "back", "0s", attach=attach) as back, \
            Service(program, c.url, "middle", "postgres://canary:canary@127.0.0.1:%d/shop" % databases_of[0],
                    "127.0.0.1:%d" % databases_of[1], back.at, databases_of[2], attach=attach) as middle, \
            Service(program, c.url, "front", middle.at, attach=attach) as front:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            done = list(pool.map(lambda n: get(front.at, "/order/%d" % n), NUMBERS))
        assert done == [(200, str(n)) for n in NUMBERS]
        for s in front, middle, back:
            said = s.end()
            assert "lost" not in said and "dropped" not in said and "canary" not in said, said
        requests = list(c.requests)
    assert "canary" not in json.dumps([r.message for r in requests])
    spans = [(attributes(r["resource"])["service.name"], s) for q in requests for r in q.message.get("resourceSpans", [])
             for scope in r["scopeSpans"] for s in scope["spans"]]
    counted(requests, len(NUMBERS))
    traces = {}
    for service, s in spans:
        traces.setdefault(s["traceId"], {})[s["spanId"]] = (service, s)
    roots, whole = {}, 0
    for trace, of in traces.items():
        shape = {}
        for service, s in of.values():
            up = of.get(s.get("parentSpanId"))
            shape[service, s["kind"], s["name"]] = up and (up[0], up[1]["name"])
            if up:  # by one clock: all three run here
                assert int(up[1]["startTimeUnixNano"]) <= int(s["startTimeUnixNano"]) <= int(s["endTimeUnixNano"]), s
                assert int(s["endTimeUnixNano"]) <= int(up[1]["endTimeUnixNano"]) or s["kind"] == 2, (up, s)
            about = attributes(s)
            for key in "url.path", "url.full":
                if key in about:
                    roots.setdefault(trace, set()).add(re.search(r"/(\d+)(\?|$)", about[key]).group(1))
        root = ("front", "GET /order/:id")
        call = ("middle", "shop.Orders/Get")
        if len(of) <= 2:  # what clients do once, to connect
            continue
        once = {k: v for k, v in shape.items() if not (k[0] == "middle" and k[1] == 3 and k[2] in CONNECTS)}
        assert once == {("front", 2, root[1]): None, ("front", 3, call[1]): root, ("middle", 2, call[1]): ("front", call[1]),
                        ("middle", 3, "SELECT orders"): call, ("middle", 3, "get"): call, ("middle", 3, "GET"): call,
                        ("middle", 4, "send orders"): call,
                        ("back", 2, "GET /price/"): ("middle", "GET")}, shape
        assert len(roots[trace]) == 1
        whole += 1
    assert sorted(n for of in roots.values() for n in of) == [str(n) for n in NUMBERS] and whole == len(NUMBERS)
