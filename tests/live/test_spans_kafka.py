"""Spans of messages that programs send by Kafka's clients and receive, in versions of these over their lives. The broker is
franz-go's, in a process of its own."""

import http.server
import os
import re
import shutil
import threading

import pytest

import gobuild
import goshawk
import kafka
import others
import reached

pytestmark = pytest.mark.ptrace
STRIPPED = "-ldflags=-s -w"
# whose messages two of them are, as their headers say
PARENT, OTHER = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"), ("11111111111111111111111111111111", "2222222222222222")

VERSIONS = reached.KAFKA_VERSIONS
FRANZ, KAFKA_GO, SHOPIFY, SARAMA = VERSIONS
PROGRAMS = {FRANZ: "spans-franz", KAFKA_GO: "spans-kafka-go", SHOPIFY: "spans-sarama", SARAMA: "spans-sarama"}
QUICK = [(FRANZ, "v1.22.3"), (KAFKA_GO, "v0.4.51"), (SARAMA, "v1.61.1")]
in_full = pytest.mark.skipif(not gobuild.ALL, reason="the modules take their time to build: this is for make check-all")
PARAMETERS = {FRANZ: "r.Value", KAFKA_GO: "m.Value", SARAMA: "m.Value"}  # of main.handle
OLD = {(FRANZ, "v1.0.0"): ("kgo.UnknownTopicRetries(0)", "kgo.RecordRetries(1)")}

# kind, name!error, messages, partition and offset, parent and links; those below main.send first
SENT = ("producer", "send orders")
LOST = ("producer", "send missing!UNKNOWN_TOPIC_OR_PARTITION")
GOT = ("client", "receive orders")
SPANS = {
    FRANZ: [
        (*SENT, None, ("0", 0), "send", []), (*SENT, None, ("0", 1), PARENT, [PARENT]), (*SENT, None, ("0", 2), "send", []),
        (*SENT, None, ("0", 3), OTHER, [OTHER]), (*LOST, None, (None, None), "send", []),
        (*GOT, 1, ("0", 0), None, []), (*GOT, 1, ("0", 1), PARENT, [PARENT]), (*GOT, 2, ("0", None), None, [OTHER])],
    KAFKA_GO: [
        (*SENT, 1, (None, None), "send", []), (*SENT, 1, (None, None), PARENT, [PARENT]),
        (*SENT, 2, (None, None), "send", [OTHER]), (*LOST, 1, (None, None), "send", []),
        (*GOT, None, ("0", 0), None, []), (*GOT, None, ("0", 1), PARENT, [PARENT]), (*GOT, None, ("0", 2), None, []),
        (*GOT, None, ("0", 3), OTHER, [OTHER])],
    SARAMA: [
        (*SENT, None, ("0", 0), "send", []), (*SENT, None, ("0", 1), PARENT, [PARENT]), (*SENT, 2, (None, None), "send", [OTHER]),
        (*LOST, None, (None, None), "send", []), (*SENT, None, (None, None), None, []), (*LOST, None, (None, None), None, []),
        (*GOT, 5, ("0", None), None, [PARENT, OTHER])],
}
SPANS[SHOPIFY] = SPANS[SARAMA]


def build(tmp_path, library, version, release, *flags, change=("", "")):
    name = PROGRAMS[library]
    source = tmp_path / name
    shutil.copytree(gobuild.ROOT / "tests" / "go" / name, source)
    for file in source.iterdir():
        text = re.sub("github.com/(IBM|Shopify)/sarama", library, file.read_text()) if "sarama" in library else file.read_text()
        text = text.replace(*OLD.get((library, version), ("", ""))).replace(*change)
        file.write_text(re.sub(r"^require .*", "require %s %s" % (library, version), text, flags=re.M))
    return others.module(name, release, *flags, source=source)


def run(tmp_path, program, *options, more=(), header="00-%s-%s-01", env=None):
    to = tmp_path / "spans.json"
    with kafka.broker() as address:
        done = goshawk.run("spans", "--json", "-o", to, "--func", "main.send", *options, "--", program, address,
                           *(header % of for of in (PARENT, OTHER)), *more, env=env)
    assert (done.status, done.out) == (0, "done\n"), done
    assert "canary" not in to.read_text() and "canary" not in done.err
    assert " is off" not in done.err and " are off" not in done.err, done.err
    lines = goshawk.read_lines(to)
    assert lines[-1]["unended"] == lines[-1]["lost"] == 0, lines[-1]
    return sorted((o for o in lines if o["type"] == "span"), key=lambda s: s["time"])


def shape(spans):
    """What is known of each span of the library."""
    known = {s["span_id"]: s["name"].split(".")[-1] for s in spans}
    for s in spans:
        a = s["attributes"]
        if s["scope"] == "main":
            continue
        assert a["messaging.system"] == "kafka" and a["messaging.operation.type"] == a["messaging.operation.name"]
        assert s["name"] == "%s %s" % (a["messaging.operation.name"], a["messaging.destination.name"])
        parent = s["parent_span_id"]
        error = "!" + a["error.type"] if s["status"] == "error" else ""
        yield (s["kind"], s["name"] + error, a.get("messaging.batch.message_count"),
               (a.get("messaging.destination.partition.id"), a.get("messaging.kafka.offset")),
               (s["trace_id"], parent) if s["parent_remote"] else known[parent] if parent else None,
               [(link["trace_id"], link["span_id"]) for link in s.get("links", [])])


@pytest.mark.parametrize("library, version", QUICK)
def test_library(tmp_path, library, version):
    spans = run(tmp_path, build(tmp_path, library, version, VERSIONS[library][version], STRIPPED))
    assert list(shape(spans)) == SPANS[library]


@in_full
@pytest.mark.parametrize("library, version", [(library, v) for library in VERSIONS for v in VERSIONS[library]])
def test_version(tmp_path, library, version):
    release = VERSIONS[library][version]
    for variant, flag in {"stripped": STRIPPED, "debug information": "-v", "race": "-race"}.items():
        folder = tmp_path / variant
        folder.mkdir()
        spans = run(folder, build(folder, library, version, release, flag))
        assert list(shape(spans)) == SPANS[library]
        reached.KAFKA.put("%s %s, Go %s" % (library, version, release), variant, True, ("seen", "wrong"))


@in_full
def test_probes(tmp_path):
    """Kernel probes read the same."""
    if goshawk.why_no_bpf():
        pytest.skip(goshawk.why_no_bpf())
    library, version = QUICK[0]
    spans = run(tmp_path, build(tmp_path, library, version, VERSIONS[library][version], STRIPPED), "--engine", "uprobe")
    assert list(shape(spans)) == SPANS[library]


def test_received_within_a_span(tmp_path):
    """It stays there, and is linked to whose message it is."""
    library, version = QUICK[1]
    spans = run(tmp_path, build(tmp_path, library, version, VERSIONS[library][version], STRIPPED), "--func", "main.receive")
    received = [s for s in shape(spans) if s[0] == "client"]
    assert [s[4:] for s in received] == [("receive", []), ("receive", [PARENT]), ("receive", []), ("receive", [OTHER])]


@pytest.mark.parametrize("propagators", ["b3", "tracecontext,b3multi"])
def test_b3(tmp_path, propagators):
    """By its one header, where OTEL_PROPAGATORS has it."""
    library, version = QUICK[1]
    program = build(tmp_path, library, version, VERSIONS[library][version], STRIPPED, change=('"traceparent"', '"b3"'))
    for name, want in {propagators: SPANS[library], "tracecontext": [
            (*s[:4], "send" if s[0] == "producer" else None, []) for s in SPANS[library]]}.items():
        spans = run(tmp_path, program, header="%s-%s-1", env={**os.environ, "OTEL_PROPAGATORS": name})
        assert list(shape(spans)) == want


@in_full
def test_not_inlined(tmp_path):
    """What hands a record on to another function is one span all the same."""
    library, version = QUICK[0]
    flag = "-gcflags=github.com/twmb/franz-go/pkg/kgo=-l"
    spans = run(tmp_path, build(tmp_path, library, version, VERSIONS[library][version], flag))
    assert list(shape(spans)) == SPANS[library]


HANDLED = [(None, []), (PARENT, [PARENT]), (None, []), (OTHER, [OTHER])]


@pytest.mark.parametrize("library, version, headers", [
    (FRANZ, "v1.22.3", HANDLED), (KAFKA_GO, "v0.4.51", HANDLED), (SARAMA, "v1.61.1", [*HANDLED, (None, [])])])
def test_handlers(tmp_path, library, version, headers):
    """A function of --func that is handed a message is in the trace of who sent it, and so is what it asks for."""
    if not gobuild.ALL and library != KAFKA_GO:
        pytest.skip("make check-all tries the other clients")
    seen = []

    class Asked(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.headers["traceparent"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    program = build(tmp_path, library, version, VERSIONS[library][version], "-v")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Asked) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        try:
            spans = run(tmp_path, program, "--func", "main.handle", "--show", "len(%s)" % PARAMETERS[library],
                        more=["http://127.0.0.1:%d/" % server.server_port] if library == KAFKA_GO else [])
        finally:
            server.shutdown()
    handled = [s for s in spans if s["name"] == "main.handle"]
    assert [(s["trace_id"], s["parent_span_id"]) if s["parent_remote"] else s["parent_span_id"] for s in handled] == [
        parent for parent, _ in headers]
    assert [[(link["trace_id"], link["span_id"]) for link in s.get("links", [])] for s in handled] == [links for _, links in headers]
    for n, s in enumerate(handled):
        a = s["attributes"]
        assert (s["kind"], s["scope"], a["messaging.operation.type"], a["messaging.kafka.offset"]) == ("consumer", "main", "process", n)
        assert a["messaging.destination.name"] == "orders" and a["len(%s)" % PARAMETERS[library]] == len("value canary")
    if library == KAFKA_GO:
        asked = [s for s in spans if s["scope"] == "net/http"]
        assert [s["parent_span_id"] for s in asked] == [s["span_id"] for s in handled]
        assert seen == ["00-%s-%s-01" % (s["trace_id"], s["span_id"]) for s in asked]
        assert [s["trace_id"] for s in asked] == [s["trace_id"] for s in handled]


def test_names_of_errors():
    """They are those that franz-go has."""
    text = others.module_file("github.com/twmb/franz-go", "v1.22.3", "pkg/kerr/kerr.go")
    theirs = {int(code): name for name, code in re.findall(r'= &Error\{"([A-Z_0-9]+)", (-?\d+),', text)}
    ours = re.findall(r'"([A-Z_0-9]{4,})"', (goshawk.ROOT / "src/span/kafka_errors.c").read_text())
    assert ours[:-1] == [theirs[n + 1] for n in range(max(theirs))] and ours[-1] == theirs[-1]
