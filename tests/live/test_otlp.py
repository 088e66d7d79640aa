"""Spans on their way to a collector, and all that can go wrong there. The spans are made by tests/tools/exports."""

import json
import os
import ssl
import subprocess

import pytest

import collector
import goshawk
from collector import Collector, answer
from goshawk import BUILD, asan

SECRET = "canary-31337"


class Exports:
    """The tool, with its environment; nothing of ours in it."""

    def __init__(self, env, *args, before=()):
        plain = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_") and "proxy" not in k.lower()}
        env = {**plain, "OTEL_BSP_SCHEDULE_DELAY": "20", **env}
        self.p = subprocess.Popen([*before, BUILD / "tests" / "exports", "-r", "20", *args], env=env, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def tell(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        return self

    def until_said(self, text):
        """Lines that it says, up to the one with this text."""
        lines = []
        for line in self.p.stderr:
            lines.append(line)
            if text in line:
                return lines
        raise AssertionError(lines)

    def end(self):
        out, err = self.p.communicate(timeout=60)
        self.said = err.splitlines()
        self.result = json.loads(out) if out else None
        return self


def sent(c, spans, env=None, *args, to=None, calls=0):
    """Sends so many spans in one request, and ends."""
    return whole(to or c.url, spans + calls + 1, env, *args).tell("spans %d" % spans).tell("calls %d" % calls).end()


def whole(url, batch, env=None, *args):
    """Sends when it has so many, and at the end."""
    return Exports({"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": str(batch), "OTEL_BSP_SCHEDULE_DELAY": "3600000",
                    **(env or {})}, *args)


def attributes(list_):
    return {a["key"]: next(iter(a["value"].values())) for a in list_}


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_span_arrives_with_all_that_it_has(protocol, compression):
    with Collector() as c:
        e = sent(c, 4, {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_COMPRESSION": compression,
                        "OTEL_SERVICE_NAME": "shop", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=a%20b,service.name=no"})
    r, = c.requests
    assert not e.said and e.result["dropped"] == 0
    assert r.path == "/v1/traces"
    assert r.headers["Content-Type"] == ("application/json" if protocol == "http/json" else "application/x-protobuf")
    assert r.headers["Content-Encoding"] == (None if compression == "none" else "gzip")
    assert r.headers["User-Agent"].startswith("goshawk/") and "Expect" not in r.headers
    of = attributes(r.message["resourceSpans"][0]["resource"]["attributes"])
    assert of["service.name"] == "shop" and of["deployment.environment.name"] == "a b"
    assert of["process.pid"] == str(e.p.pid) and of["process.executable.name"] == "shop"
    assert of["telemetry.sdk.language"] == "go" and of["process.runtime.version"] == "go1.24.3"
    scopes = {s["scope"]["name"]: s["spans"] for s in r.message["resourceSpans"][0]["scopeSpans"]}
    assert {k: len(v) for k, v in scopes.items()} == {"main": 2, "net/http": 2}
    span = scopes["net/http"][1]
    assert attributes(span.pop("attributes")) == {"number": "3", "least": str(-2**63), "half": 0.5, "truth": True, "text": "a\ufffd\"\nä", "fill": ""}
    assert span == {
        "traceId": "0102" + 28 * "0", "spanId": "ab03000000000000", "parentSpanId": "0100000000000000", "traceState": "a=b",
        "name": "GET /item/{id}", "kind": 2, "startTimeUnixNano": "1700000000123456789", "endTimeUnixNano": "1700000000123456792",
        "flags": 0x301, "status": {"code": 2, "message": "broken"},
        "events": [{"timeUnixNano": "1700000000000000001", "name": "log", "attributes": [{"key": "number", "value": {"intValue": "3"}}]}],
        "links": [{"traceId": "09" + 30 * "0", "spanId": "08" + 14 * "0", "flags": 1}]}
    assert "parentSpanId" not in scopes["main"][1] and "status" not in scopes["main"][1]
    assert scopes["main"][1]["flags"] == 0x101


def test_where_to_is_the_variables_to_say():
    with Collector() as c:
        sent(c, 1, to=c.url + "/in/")
        sent(c, 1, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": c.url + "/as/is?k=v"})
        sent(c, 1, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": c.url})
        sent(c, 1, {}, "-u", c.url, to="http://127.0.0.1:1")
        sent(c, 1, {}, "-u", c.url + "/own", to="http://127.0.0.1:1")
    assert [r.path for r in c.requests] == ["/in/v1/traces", "/as/is?k=v", "/", "/v1/traces", "/own"]


def test_headers_are_sent_and_never_said():
    with Collector(answer(401)) as c:
        e = sent(c, 1, {"OTEL_EXPORTER_OTLP_HEADERS": "x-no=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "authorization=Basic%20" + SECRET + ", x-empty="})
    r, = c.requests
    assert r.headers["Authorization"] == "Basic " + SECRET and r.headers["X-Empty"] == "" and "X-No" not in r.headers
    assert "answers 401" in e.said[0] and SECRET not in str(e.said)


def test_batches_are_as_large_as_they_may_be_and_wait_no_longer_than_they_should():
    with Collector() as c:
        e = whole(c.url, 2).tell("spans 2")
        assert sorted(c.wait(1)[0].numbers) == [0, 1]
        e.tell("spans 5").end()
        assert c.numbers == list(range(7)) and all(len(r.spans) <= 2 for r in c.requests)
    with Collector() as c:
        e = Exports({"OTEL_EXPORTER_OTLP_ENDPOINT": c.url}).tell("spans 3")
        c.wait(1)  # without an end
        e.end()
        assert c.numbers == [0, 1, 2]


@pytest.mark.parametrize("does", [answer(429), answer(502), answer(503), answer(504), collector.closes, collector.closes_in_the_middle,
                                  collector.breaks_off],
                         ids=["429", "502", "503", "504", "closes", "closes-in-the-middle", "breaks-off"])
def test_what_can_pass_is_sent_again(does):
    with Collector(does, does) as c:
        e = whole(c.url, 3).tell("spans 3")
        first, second, third = c.wait(3)
        e.end()
    assert first.numbers == second.numbers == third.numbers and sorted(third.numbers) == [0, 1, 2]
    assert len(c.requests) == 3 and len(e.said) == 1 and e.result["dropped"] == 0


@pytest.mark.parametrize("after", [lambda: "1", lambda: collector.http_date(2)], ids=["seconds", "date"])
def test_a_collector_says_when_to_come_again(after):
    with Collector(answer(503, Retry_After=after())) as c:
        e = Exports({"OTEL_EXPORTER_OTLP_ENDPOINT": c.url}).tell("spans 1")
        first, second = c.wait(2)
        e.end()
    assert 0.9 < second.time - first.time < 4


@pytest.mark.parametrize("status", [400, 401, 404, 413, 500])
def test_what_will_not_pass_is_not_sent_again_and_said_once(status):
    with Collector(otherwise=answer(status, b'{"code":3,"message":"no \x1b[31mthanks"}', "application/json")) as c:
        e = whole(c.url, 3).tell("spans 3")
        c.wait(1)
        e.tell("spans 2").end()
    assert c.numbers == [0, 1, 2, 3, 4] and len(c.requests) == 2
    assert e.said == ["OTLP: %s/v1/traces answers %d: no \\x1b[31mthanks" % (c.url, status),
                      "OTLP: %s/v1/traces: 5 of 5 spans were not delivered" % c.url]


@pytest.mark.parametrize("body, kind", [(b"\x0a\x09\x08\x02\x12\x05quota", "application/x-protobuf"),
                                        (b'{"partialSuccess": {"rejectedSpans": "2", "errorMessage": "quota"}}', "application/json")])
def test_spans_that_a_collector_rejects_are_counted(body, kind):
    with Collector(answer(200, body, kind)) as c:
        e = sent(c, 3)
    assert e.said == ["OTLP: %s/v1/traces took a batch but for 2 spans: quota" % c.url,
                      "OTLP: %s/v1/traces: 2 of 3 spans were not delivered" % c.url]


def test_a_redirect_is_not_followed():
    with Collector() as other, Collector(answer(307, Location=other.url + "/?" + SECRET)) as c:
        e = sent(c, 1)
    assert not other.requests and "redirects are not followed" in e.said[0] and SECRET not in str(e.said)


def test_nobody_there_does_not_hold_up_the_end():
    with Collector() as c:
        pass
    e = sent(c, 3)
    assert e.result["end_ns"] < 2e9
    assert e.said == ["OTLP: %s/v1/traces: Couldn't connect to server: Connection refused" % c.url,
                      "OTLP: %s/v1/traces: 3 of 3 spans were not delivered" % c.url]


def test_a_collector_that_comes_later_gets_all():
    with Collector() as gone:
        pass
    e = Exports({"OTEL_EXPORTER_OTLP_ENDPOINT": gone.url}).tell("spans 3")
    e.until_said("Connection refused")
    with Collector(port=gone.port) as c:
        c.wait(1)
        e.end()
    assert c.numbers == [0, 1, 2] and not e.said


def test_a_silent_collector_costs_neither_time_nor_memory():
    with Collector(otherwise=collector.silent) as c:
        e = Exports({"OTEL_EXPORTER_OTLP_ENDPOINT": c.url, "OTEL_EXPORTER_OTLP_TIMEOUT": "200", "OTEL_BSP_EXPORT_TIMEOUT": "1000"})
        e.tell("fill 100000")
        e.until_said("the queue is full")
        e.end()
    assert e.p.returncode == 0 and "of 100000 spans were not delivered" in e.said[-1], e.said
    assert asan() or 1 << 10 < e.result["peak_kb"] < 48 << 10


def test_the_end_is_bounded_when_nothing_is_answered():
    with Collector(otherwise=collector.silent) as c:
        e = Exports({"OTEL_EXPORTER_OTLP_ENDPOINT": c.url, "OTEL_BSP_EXPORT_TIMEOUT": "300"}).tell("spans 3")
        c.wait(1)
        e.end()
    assert e.result["end_ns"] < 3e9 and "3 of 3 spans were not delivered" in e.said[-1]


def test_an_endless_answer_is_not_read():
    with Collector(collector.endless) as c:
        e = Exports({"OTEL_EXPORTER_OTLP_ENDPOINT": c.url}).tell("spans 1")
        assert c.stopped.wait(20)
        e.tell("spans 1")
        c.wait(2)
        e.end()
    assert c.numbers == [0, 1]
    assert e.said == ["OTLP: %s/v1/traces took the spans, with an answer that is too long to be read" % c.url]


def test_a_full_queue_loses_what_comes_last_and_counts_it():
    with Collector(collector.silent) as c:
        e = Exports({"OTEL_EXPORTER_OTLP_ENDPOINT": c.url, "OTEL_BSP_MAX_QUEUE_SIZE": "10", "OTEL_EXPORTER_OTLP_TIMEOUT": "2000"})
        e.tell("spans 100")
        e.until_said("the queue is full")
        c.over.set()
        c.wait(2)
        e.end()
    assert e.said[-1].endswith("90 of 100 spans were not delivered") and e.result["dropped"] == 90


def test_user_and_password_are_in_no_message():
    with Collector(answer(400)) as c:
        e = sent(c, 1, to=c.url.replace("//", "//me:%s@" % SECRET))
        assert c.requests[0].headers["Authorization"].startswith("Basic ")
    assert "answers 400" in e.said[0] and SECRET not in str(e.said)
    e = sent(None, 1, {"http_proxy": "ftp://me:%s@127.0.0.1:1" % SECRET}, to="http://collector.invalid")
    assert "not delivered" in e.said[-1] and SECRET not in str(e.said)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """An authority, and a server's and a client's certificate by it."""
    to = tmp_path_factory.mktemp("keys")

    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=to, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", "-days", "2")
    for name in "server", "client":
        (to / "ext").write_text("subjectAltName=IP:127.0.0.1\n")
        openssl("req", *new, "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name)
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", "ext", "-out", name + ".pem")
    return to


def tls(keys, clients=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys / "server.pem", keys / "server.key")
    if clients:
        context.load_verify_locations(keys / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_a_certificate_is_verified(keys):
    with Collector(tls=tls(keys)) as c:
        e = sent(c, 1)
        assert not c.requests and "SSL certificate problem" in e.said[0] and "1 of 1" in e.said[-1]
        e = sent(c, 1, {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(keys / "ca.pem")})
        assert not e.said and c.numbers == [0]
        e = sent(c, 1, {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(keys / "ca.pem")}, to=c.url.replace("127.0.0.1", "localhost"))
        assert "target host name 'localhost'" in e.said[0]
        e = sent(c, 1, {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(keys / "client.key")})
        assert e.said[0].endswith("client.key: no certificate can be read from it (OTEL_EXPORTER_OTLP_CERTIFICATE)")


@pytest.mark.skipif(subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0, reason="no mounts of our own")
@pytest.mark.parametrize("env, taken", [({}, 1), ({"OTEL_EXPORTER_OTLP_CERTIFICATE": "client.pem"}, 0)])
def test_the_file_alone_vouches_not_the_systems_folder_as_well(keys, tmp_path, env, taken):
    for name in "ca-certificates.crt", goshawk.run_plain("openssl", "x509", "-hash", "-noout", "-in", keys / "ca.pem").out.strip() + ".0":
        (tmp_path / name).write_bytes((keys / "ca.pem").read_bytes())
    env = {k: str(keys / v) for k, v in env.items()}
    mounted = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/ssl/certs && exec "$@"', tmp_path]
    with Collector(tls=tls(keys)) as c:
        e = Exports({"OTEL_EXPORTER_OTLP_ENDPOINT": c.url, **env}, before=mounted).tell("spans 1").end()
        assert len(c.numbers) == taken and bool(e.said) == (not taken), e.said


def test_a_client_shows_its_certificate(keys):
    env = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(keys / "ca.pem")}
    with Collector(tls=tls(keys, clients=True)) as c:
        e = sent(c, 1, env)
        assert not c.requests and "1 of 1" in e.said[-1]
        e = sent(c, 1, dict(env, OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=str(keys / "client.pem"), OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY=str(keys / "client.key")))
        assert not e.said and c.numbers == [0]


def test_the_thread_takes_no_signals():
    with Collector() as c:
        e = Exports({"OTEL_EXPORTER_OTLP_ENDPOINT": c.url}).tell("spans 1")
        c.wait(1)
        masks = {}
        for t in os.listdir("/proc/%d/task" % e.p.pid):
            with open("/proc/%d/task/%s/status" % (e.p.pid, t)) as f:
                s = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
            masks[s["Name"]] = int(s["SigBlk"], 16)
        e.end()
    unmaskable = 1 << 8 | 1 << 18 | 3 << 31  # SIGKILL, SIGSTOP, and the two of the C library
    assert masks["goshawk-otlp"] | unmaskable == (1 << 64) - 1 and masks["exports"] == 0


@pytest.mark.parametrize("protocol, compression", [("http/protobuf", "none"), ("http/json", "gzip")])
def test_metrics_count_all_calls_sampled_or_not(protocol, compression):
    with Collector() as c:
        e = sent(c, 0, {"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION": compression,
                        "OTEL_SERVICE_NAME": "shop"}, calls=5)
    r, = c.of("/v1/metrics")
    assert not e.said and len(c.requests) == 2
    assert r.headers["Content-Type"] == ("application/json" if protocol == "http/json" else "application/x-protobuf")
    assert r.headers["Content-Encoding"] == (None if compression == "none" else "gzip")
    of, = r.message["resourceMetrics"]
    assert attributes(of["resource"]["attributes"])["service.name"] == "shop" and len(of["scopeMetrics"]) == 1
    assert of["scopeMetrics"][0]["scope"] == {"name": "goshawk"} and list(r.metrics) == ["http.server.request.duration"]
    m = r.metrics["http.server.request.duration"]
    assert m["unit"] == "s" and m["description"] and m["histogram"]["aggregationTemporality"] == 2
    bad, good = m["histogram"]["dataPoints"]  # 0, 12 ms; 4, 8, 16 ms
    about = {"http.request.method": "GET", "http.route": "/item/{id}"}
    assert attributes(bad.pop("attributes")) == dict(about, **{"http.response.status_code": "500", "error.type": "500"})
    assert attributes(good.pop("attributes")) == dict(about, **{"http.response.status_code": "200"})
    bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
    for p in bad, good:
        assert int(p.pop("startTimeUnixNano")) < int(p.pop("timeUnixNano"))
        assert p.pop("explicitBounds") == bounds
    assert {(x["asDouble"], x["spanId"][:4], x["timeUnixNano"][-8:]) for p in (bad, good) for x in p.pop("exemplars")} == {
        (0, "0200", "00000000"), (0.008, "0202", "08000000"), (0.016, "0204", "16000000")}  # 4 and 12 ms are not sampled
    assert bad.pop("sum") == pytest.approx(0.012) and good.pop("sum") == pytest.approx(0.028)
    assert bad == {"count": "2", "min": 0, "max": 0.012, "bucketCounts": ["1", "0", "1"] + 12 * ["0"]}
    assert good == {"count": "3", "min": 0.004, "max": 0.016, "bucketCounts": ["1", "1", "1"] + 12 * ["0"]}
    assert sum(len(r.spans) for r in c.requests) == 3


def points(r):
    return r.metrics["http.server.request.duration"]["histogram"]["dataPoints"]


def count(r):
    return sum(int(p["count"]) for p in points(r))


def test_metrics_go_at_intervals_and_at_the_end_and_count_on():
    with Collector() as c:
        e = whole(c.url, 100, {"OTEL_METRIC_EXPORT_INTERVAL": "50"}).tell("calls 2")
        with c.changed:  # until one is sent that has both
            assert c.changed.wait_for(lambda: any(count(r) == 2 for r in c.of("/v1/metrics")), 20)
        e.tell("calls 3").end()
    sent = c.of("/v1/metrics")
    counts = [count(r) for r in sent]
    assert counts == sorted(counts) and counts[-1] == 5 and not e.said
    assert len({p["startTimeUnixNano"] for r in sent for p in points(r)}) == 1


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_deltas_have_what_came_since_the_last_ones(protocol):
    env = {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta", "OTEL_METRIC_EXPORT_INTERVAL": "20",
           "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": protocol}
    with Collector() as c:
        e = whole(c.url, 100, env).tell("calls 2")
        with c.changed:
            assert c.changed.wait_for(lambda: sum(map(count, c.of("/v1/metrics"))) == 2, 20)
        e.tell("calls 3").end()
    sent = c.of("/v1/metrics")
    assert not e.said and len(sent) >= 2 and sum(map(count, sent)) == 5
    assert {r.metrics["http.server.request.duration"]["histogram"]["aggregationTemporality"] for r in sent} == {1}
    times = [{(int(p["startTimeUnixNano"]), int(p["timeUnixNano"])) for p in points(r)} for r in sent]
    assert all(len(t) == 1 for t in times)
    times = [t for of in times for t in of]
    assert all(a < b <= c for (a, b), (c, _) in zip(times, times[1:]))


def test_deltas_that_are_not_delivered_are_lost():
    env = {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta", "OTEL_METRIC_EXPORT_INTERVAL": "20"}
    with Collector() as c:
        c.otherwise = lambda h: answer(400 if h.path == "/v1/metrics" and len(c.of(h.path)) == 1 else 200)(h)
        e = whole(c.url, 100, env).tell("calls 2")
        with c.changed:
            assert c.changed.wait_for(lambda: c.of("/v1/metrics"), 20)
        e.tell("calls 3").end()
    assert sum(map(count, c.of("/v1/metrics"))) == 5 and e.said == [
        "OTLP: %s/v1/metrics answers 400" % c.url,
        "OTLP: %s/v1/metrics: 1 of %d metrics were not delivered" % (c.url, len(c.of("/v1/metrics")))]


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_a_sum_that_would_be_too_low_is_not_sent(temporality):
    env = {"OTEL_METRIC_EXPORT_INTERVAL": "20", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": temporality}
    with Collector() as c:
        def wait(fits):
            with c.changed:
                assert c.changed.wait_for(lambda: any(fits(r.metrics) for r in c.of("/v1/metrics")), 20)

        e = whole(c.url, 100, env).tell("polls 2")
        wait(lambda m: "messaging.client.consumed.messages" in m)
        e.tell("polls 3")
        wait(lambda m: "messaging.client.operation.duration" in m and "messaging.client.consumed.messages" not in m)
        e.tell("polls 1").end()
    assert [s.rstrip() for s in e.said] == ["OTLP: messaging.client.consumed.messages is not sent: of some calls it is not known how many messages they are of"]
    sent = [r.metrics for r in c.of("/v1/metrics")]
    assert {m["messaging.client.consumed.messages"]["sum"]["dataPoints"][0]["asInt"] for m in sent if "messaging.client.consumed.messages" in m} <= {"2", "4"}
    assert "messaging.client.consumed.messages" not in sent[-1]


@pytest.mark.parametrize("env, option, paths", [
    ({"OTEL_METRICS_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "URL"}, None, ["/v1/traces"]),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "URL/in/", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "URL/own/metrics?k=v"}, None,
     ["/in/v1/traces", "/own/metrics?k=v"]),
    ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "URL/t"}, None, ["/t"]),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, "URL", ["/v1/metrics", "/v1/traces"]),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, "URL/own", ["/own"]),
    ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "URL/metrics"}, "URL/own", ["/metrics", "/own"]),
], ids=["none", "own", "traces-only", "option", "option-with-path", "both"])
def test_where_metrics_go(env, option, paths):
    with Collector() as c:
        env = {k: v.replace("URL", c.url) for k, v in env.items()}
        e = Exports(env, *(["-u", option.replace("URL", c.url)] if option else [])).tell("calls 1").end()
    assert sorted(r.path for r in c.requests) == paths and not e.said


def test_metrics_have_headers_and_time_outs_of_their_own():
    with Collector() as c:
        sent(c, 0, {"OTEL_EXPORTER_OTLP_HEADERS": "x-of=all", "OTEL_EXPORTER_OTLP_METRICS_HEADERS": "x-of=metrics"}, calls=1)
        assert [(r.path, r.headers["X-Of"]) for r in sorted(c.requests, key=lambda r: r.path)] == [("/v1/metrics", "metrics"), ("/v1/traces", "all")]
        e = sent(c, 0, {"OTEL_EXPORTER_OTLP_COMPRESSION": "zip", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": "0",
                        "OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "low", "OTEL_METRICS_EXEMPLAR_FILTER": "none"}, calls=1)
    assert e.said == ["OTEL_EXPORTER_OTLP_COMPRESSION: neither gzip nor none: none is taken",
                      "OTEL_METRICS_EXPORTER: prometheus: neither otlp nor none: otlp is taken",
                      "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: not a whole number from 1 to 3600000: 10000 is taken",
                      "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: neither cumulative, delta nor lowmemory: cumulative is taken",
                      "OTEL_METRICS_EXEMPLAR_FILTER: neither always_on, always_off nor trace_based: trace_based is taken"]


def by_path(**does):
    """/v1/metrics is answered by one, all else by another."""
    return lambda h: does["metrics" if h.path == "/v1/metrics" else "else_"](h)


def test_a_collector_without_metrics_gets_spans_only():
    with Collector(otherwise=by_path(metrics=answer(404), else_=answer())) as c:
        e = whole(c.url, 1, {"OTEL_METRIC_EXPORT_INTERVAL": "20"}).tell("calls 1")
        said = e.until_said("404")
        e.tell("spans 3").tell("calls 3").end()
    assert [s.rstrip() for s in said] == ["OTLP: %s/v1/metrics answers 404: it takes no metrics, and none are sent any more" % c.url]
    assert e.said == [] and e.result["dropped"] == 0 and len(c.of("/v1/metrics")) == 1
    assert sum(len(r.spans) for r in c.requests) == 6


def test_metrics_that_are_not_delivered_are_said_to_be():
    with Collector(otherwise=by_path(metrics=answer(400), else_=answer())) as c:
        e = sent(c, 0, calls=1)
    assert e.said == ["OTLP: %s/v1/metrics answers 400" % c.url, "OTLP: %s/v1/metrics: the last metrics were not delivered" % c.url]
    body = b"\x0a\x09\x08\x02\x12\x05quota"
    with Collector(otherwise=by_path(metrics=answer(200, body), else_=answer())) as c:
        e = sent(c, 0, calls=1)
    assert e.said == ["OTLP: %s/v1/metrics took a batch but for 2 data points: quota" % c.url]
    e = sent(c, 0, calls=1)  # it is gone
    assert e.result["end_ns"] < 2e9 and sorted(s.split(": ")[2] for s in e.said) == [
        "1 of 1 spans were not delivered", "Couldn't connect to server", "Couldn't connect to server", "the last metrics were not delivered"]


def test_the_last_metrics_are_sent_again_if_they_must():
    with Collector(otherwise=answer()) as c:
        c.otherwise = lambda h: answer(503 if h.path == "/v1/metrics" and len(c.of(h.path)) == 1 else 200)(h)
        e = sent(c, 0, calls=4)
    assert [count(r) for r in c.of("/v1/metrics")] == [4, 4]
    assert e.said == ["OTLP: %s/v1/metrics answers 503: metrics are sent again, later" % c.url]


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
@pytest.mark.parametrize("does", [answer(429, Retry_After="0"), answer(503, Retry_After="1"), answer(502), collector.closes, collector.closes_in_the_middle],
                         ids=["429", "503", "502", "closes", "closes in the middle"])
def test_metrics_outlast_a_bad_collector(does, temporality):
    """Each call is counted once, whatever was tried before."""
    with Collector() as c:
        c.otherwise = lambda h: (does if h.path == "/v1/metrics" and len(c.of(h.path)) <= 2 else answer())(h)
        e = whole(c.url, 100, {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": temporality, "OTEL_METRIC_EXPORT_INTERVAL": "20"}).tell("calls 2")
        with c.changed:
            assert c.changed.wait_for(lambda: len(c.of("/v1/metrics")) >= 3, 20)
        e.tell("calls 3").end()
    taken = [count(r) for r in c.of("/v1/metrics")[2:]]
    assert (sum(taken) if temporality == "delta" else taken[-1]) == 5
    assert len(e.said) == 1 and "not delivered" not in e.said[0] and "canary" not in e.said[0], e.said


def test_metrics_of_an_endless_answer_end():
    with Collector(otherwise=by_path(metrics=collector.endless, else_=answer())) as c:
        e = sent(c, 0, calls=1)
        assert c.stopped.wait(20) and e.result["end_ns"] < 6e9


def test_an_answer_that_does_not_come_is_waited_for_five_seconds():
    """Also where it was asked for before the end began."""
    with Collector(otherwise=collector.silent) as c:
        e = whole(c.url, 3).tell("spans 3")
        c.wait(1)
        e.end()
    assert e.result["end_ns"] < 5.1e9 and e.said == [
        "OTLP: %s/v1/traces: no answer until the end" % c.url, "OTLP: %s/v1/traces: 3 of 3 spans were not delivered" % c.url]


def test_two_silent_collectors_are_waited_for_at_the_same_time():
    with Collector(otherwise=collector.silent) as c:
        e = sent(c, 0, {"OTEL_BSP_EXPORT_TIMEOUT": "700", "OTEL_METRIC_EXPORT_TIMEOUT": "700"}, calls=1)
    assert 0.6e9 < e.result["end_ns"] < 1.3e9


@pytest.mark.parametrize("env, said", [
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc"},
     "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: grpc is not supported; set it to http/protobuf, which collectors take at port 4318"),
    ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
     "OTEL_EXPORTER_OTLP_PROTOCOL: grpc is not supported; set it to http/protobuf, which collectors take at port 4318"),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "me:%s@localhost:4318" % SECRET},
     "OTEL_EXPORTER_OTLP_ENDPOINT: not a URL such as http://localhost:4318: it does not begin with http:// or https://"),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://localhost", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere/ca.pem"},
     "OTEL_EXPORTER_OTLP_CERTIFICATE: /nowhere/ca.pem: No such file or directory"),
])
def test_what_can_not_be_meant_is_refused(env, said):
    e = Exports(env).end()
    assert e.p.returncode == 2 and e.said == [said]
