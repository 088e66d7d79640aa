"""B3 and baggage, in and out: what came with a request, and what the request has that is sent while it is served."""

import os
import re

import pytest

import gobuild
import goshawk
import test_spans_grpc as grpc
from test_spans import Web
from test_spans_out import Http2, Relay, Server, values

pytestmark = pytest.mark.ptrace
TRACE, SPAN, SHORT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "8448eb211c80319c"
LONG = "0" * 16 + SHORT
PARENT = "00-%s-%s-01" % ("1" * 32, "2" * 16)
NAMES = ["traceparent", "tracestate", "baggage", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"]


def relayed(release, protocol, propagators, lines, variant="stripped", options=()):
    """By path: what the request had that was sent on. And the last object, and all that was said."""
    env = {**os.environ, "OTEL_PROPAGATORS": propagators} if propagators is not None else None
    with (Server() if protocol == 1 else Http2()) as server, Relay(server.url, release, variant, env, options) as relay:
        relay.send(protocol, *lines)
        relay.end()
        heads = server.heads if protocol == 1 else server.came(len(lines))
        objects = goshawk.read_lines(relay.spans.name)
        said = open(relay.spans.name).read() + relay.said
    sent = {}
    for path in heads:
        sent[path] = {name: values(heads, path, name) for name in NAMES}
        sent[path] = {name: found[0] for name, found in sent[path].items() if found == found[:1] and found}
    spans = {o["attributes"]["url.full"].split("/", 3)[3]: o for o in objects if o["type"] == "span" and
             o["kind"] == "client"}
    return sent, spans, objects[-1], said


def skip_the_rest(release, variant):
    if not gobuild.ALL and release not in {"stripped": gobuild.RELEASES, "race": gobuild.ENDS}[variant]:
        pytest.skip("%s builds by Go %s are tried by make check-all" % (variant, release))


@pytest.mark.parametrize("variant", ["stripped", "race"])
@pytest.mark.parametrize("protocol", [1, 2])
def test_b3(release, protocol, variant):
    """In one header and in several, of 8 bytes and of 16, sampled, not so, for debugging, or as we like."""
    skip_the_rest(release, variant)
    multi = "X-B3-TraceId:%s X-B3-SpanId:%s" % (TRACE, SPAN)
    lines = ["/one b3:%s-%s-1" % (TRACE, SPAN), "/not b3:%s-%s-0" % (TRACE, SPAN), "/debug b3:%s-%s-d" % (TRACE, SPAN),
             "/ours B3:%s-%s" % (TRACE, SPAN), "/short b3:%s-%s-1-%s" % (SHORT, SPAN, "3" * 16),
             "/multi %s X-B3-Sampled:1 x-b3-parentspanid:%s" % (multi, "3" * 16), "/flags %s X-B3-Flags:1" % multi,
             "/bad b3:%s-%s-2" % (TRACE, SPAN), "/alone b3:0", "/none", "/w3c traceparent:" + PARENT]
    sent, spans, end, _ = relayed(release, protocol, "b3", lines, variant)
    assert sorted(sent) == sorted(line.split()[0] for line in lines)
    for path, had in sent.items():
        assert list(had) == ["b3"], (path, had)
        trace, span, sampled = had["b3"].split("-")
        want = LONG if path == "/short" else None if path in ["/bad", "/alone", "/none", "/w3c"] else TRACE
        assert (trace == want) == bool(want) and re.fullmatch("[0-9a-f]{16}", span), (path, had)
        assert sampled == {"/not": "0", "/debug": "d", "/flags": "d"}.get(path, "1"), (path, had)
        s = spans.get(path[1:])
        assert (s is None) == (path == "/not") and (not s or (s["trace_id"], s["span_id"]) == (trace, span)), path
    assert end["unwritten"] == 0
    # in several headers; and with traceparent
    sent, spans, _, _ = relayed(release, protocol, "tracecontext,b3multi", lines, variant)
    for path, had in sent.items():
        last = "x-b3-flags" if path in ["/debug", "/flags"] else "x-b3-sampled"
        assert sorted(had) == ["traceparent", last, "x-b3-spanid", "x-b3-traceid"], (path, had)
        _, trace, span, sampled = had["traceparent"].split("-")
        assert (had["x-b3-traceid"], had["x-b3-spanid"]) == (trace, span), (path, had)
        assert (had[last], sampled) == (("0", "00") if path == "/not" else ("1", "01")), (path, had)
        assert (trace == "1" * 32) == (path == "/w3c")


@pytest.mark.parametrize("protocol", [1, 2])
@pytest.mark.parametrize("propagators, trace", [
    ("tracecontext,b3", TRACE), ("b3,tracecontext,baggage", "1" * 32), ("b3", TRACE), ("baggage,tracecontext", "1" * 32)])
def test_the_last_one_counts(protocol, propagators, trace):
    lines = ["/both traceparent:%s b3:%s-%s-1 tracestate:a=1" % (PARENT, TRACE, SPAN)]
    sent, spans, _, _ = relayed(gobuild.NEWEST, protocol, propagators, lines)
    had, = sent.values()
    assert spans["both"]["trace_id"] == trace
    assert ("b3" in had, "traceparent" in had) == ("b3" in propagators, "tracecontext" in propagators)
    assert had.get("tracestate") == ("a=1" if trace != TRACE else None)
    for name in {"b3", "traceparent"} & set(had):
        assert trace in had[name]


@pytest.mark.parametrize("variant", ["stripped", "race"])
@pytest.mark.parametrize("protocol", [1, 2])
def test_the_programs_own_one_stays_alone(release, protocol, variant):
    """Our span is in what it says, if that is valid."""
    skip_the_rest(release, variant)
    one = "B3:%s-%s-1" % ("5" * 32, "6" * 16)
    multi = "X-B3-Traceid:%s&X-B3-Spanid:%s&X-B3-Sampled:1" % ("5" * 32, "6" * 16)
    came = " b3:%s-%s-1" % (TRACE, SPAN)
    lines = ["/one?" + one + came, "/multi?" + multi + came, "/w3c?Traceparent:" + PARENT + came, "/deny?b3:0" + came]
    sent, spans, end, _ = relayed(release, protocol, "tracecontext,b3", lines, variant)
    assert sent == {
        "/one": {"b3": one[3:]}, "/w3c": {"traceparent": PARENT}, "/deny": {"b3": "0"},
        "/multi": {"x-b3-traceid": "5" * 32, "x-b3-spanid": "6" * 16, "x-b3-sampled": "1"}}
    for path, want in [("one", "56"), ("multi", "56"), ("w3c", "12")]:
        assert (spans[path]["trace_id"], spans[path]["parent_span_id"]) == (want[0] * 32, want[1] * 16), path
    assert spans["deny"]["trace_id"] == TRACE and end["unwritten"] == 0
    # nobody asked for it, so it is the program's business
    sent, _, _, _ = relayed(release, protocol, None, lines[:1], variant)
    assert sent["/one"]["b3"] == one[3:] and "traceparent" in sent["/one"]


@pytest.mark.parametrize("variant", ["stripped", "race"])
@pytest.mark.parametrize("protocol", [1, 2])
def test_baggage_goes_on(release, protocol, variant):
    """Whole or not at all; with a parent or without. It appears nowhere else."""
    skip_the_rest(release, variant)
    came = "traceparent:" + PARENT
    lines = ["/one %s baggage:user=canary;secret,b=2" % came, "/alone Baggage:a=canary", "/none " + came,
             "/two %s baggage:a=canary baggage:b=2" % came, "/both %s baggage:a=canary tracestate:c=3" % came,
             "/most %s baggage:a=canary%s" % (came, "x" * 504), "/more %s baggage:a=canary%s" % (came, "x" * 505),
             "/huge %s baggage:a=canary%s" % (came, "x" * 5000), "/bad %s baggage:canary" % came,
             "/own?baggage:x=y %s baggage:a=canary" % came, "/last"]
    sent, _, end, said = relayed(release, protocol, None, lines, variant)
    told = {path: had.get("baggage") for path, had in sent.items()}
    assert told == {
        "/one": "user=canary;secret,b=2", "/alone": "a=canary", "/none": None,
        "/two": "a=canary,b=2" if protocol == 1 else None, "/both": "a=canary", "/most": "a=canary" + "x" * 504,
        "/more": None, "/huge": None, "/bad": None, "/own": "x=y", "/last": None}
    assert sent["/both"]["tracestate"] == "c=3" and all("traceparent" in had for had in sent.values())
    assert "canary" not in said
    assert (end["unbagged"], end["unstated"], end["unwritten"]) == (2 if protocol == 1 else 3, 0, 0)
    sent, _, _, _ = relayed(release, protocol, "tracecontext", lines[:1], variant)
    assert "baggage" not in sent["/one"]


@pytest.mark.parametrize("options, propagators", [(["--no-inject"], "b3,baggage"), ([], "none")])
def test_nothing_goes_out_that_nobody_wants(options, propagators):
    lines = ["/one b3:%s-%s-1 baggage:a=1 traceparent:%s" % (TRACE, SPAN, PARENT)]
    for protocol in [1, 2]:
        sent, spans, _, _ = relayed(gobuild.NEWEST, protocol, propagators, lines, options=options)
        assert sent == {"/one": {}}
        assert (spans["one"]["trace_id"] == TRACE) == bool(options)


@pytest.mark.parametrize("engine", ["inline", "uprobe"])
def test_engines_read_alike(engine):
    if engine == "uprobe" and goshawk.why_no_bpf():
        pytest.skip("kernel probes are not permitted here")
    with Web(env={**os.environ, "OTEL_PROPAGATORS": "b3"}, options=["--engine", engine]) as web:
        web.get("/silent/1", b3="%s-%s-1" % (TRACE, SPAN))
        web.get("/silent/2", **{"X-B3-TraceId": SHORT, "X-B3-SpanId": SPAN, "X-B3-Flags": "1"})
        web.get("/silent/3", traceparent=PARENT)
        web.end()
    assert [web.served("/silent/%d" % n).remote for n in [1, 2, 3]] == [True, True, False]
    assert [web.served("/silent/%d" % n).trace for n in [1, 2]] == [TRACE, LONG]


@pytest.mark.parametrize("variant", ["stripped", "race"])
@pytest.mark.parametrize("version, go", grpc.wanted(grpc.QUICK))
def test_grpc(version, go, variant):
    """Calls that come with headers of the program's own, and those that are made while they are served."""
    b3, multi = "b3:%s-%s-1" % (TRACE, SPAN), "x-b3-traceid:%s|x-b3-spanid:%s|x-b3-sampled:1" % (TRACE, SPAN)
    if variant == "race" and (version, go) not in (grpc.QUICK if gobuild.ALL else grpc.QUICK[-1:]):
        pytest.skip("race builds of some versions are enough; make check has the newest")
    with grpc.Calls(grpc.program(version, go, variant), env={"OTEL_PROPAGATORS": "b3,baggage"}) as c:
        answers = [c.do(*words) for words in [
            ("carry", 2, b3), ("carry", 4, multi), ("carry", 6, b3 + "|baggage:a=canary"), ("carry", 8), ("carry", 3, b3)]]
        assert answers == ["Canceled", "Canceled", "NotFound", "Canceled", "Canceled"]  # 1: one b3; 5: and baggage
        c.end()
        for n in [2, 4, 6, 8, 3]:
            client, server = (c.one(kind, "front.Carry/N%d" % n) for kind in ["client", "server"])
            asked, served = (c.one(kind, "back.Carried/N%d" % n) for kind in ["client", "server"])
            if n != 8:
                assert (server["trace_id"], server["parent_span_id"]) == (TRACE, SPAN), server
                assert (client["trace_id"], client["parent_span_id"]) == (TRACE, SPAN), client
            else:
                assert (server["trace_id"], server["parent_span_id"]) == (client["trace_id"], client["span_id"])
            if n == 3:
                assert (served["trace_id"], served["parent_span_id"]) == ("5" * 32, "6" * 16), served
                assert (asked["trace_id"], asked["parent_span_id"]) == ("5" * 32, "6" * 16), asked
            else:
                assert (served["trace_id"], served["parent_span_id"]) == (asked["trace_id"], asked["span_id"]), served
    with grpc.Calls(grpc.program(version, go, variant), env={"OTEL_PROPAGATORS": "tracecontext,b3multi"}) as c:
        assert c.do("carry", 2, multi) == "Aborted"  # 2 + 8: traceparent and x-b3-traceid
        assert c.do("carry", 4, "baggage:a=1|traceparent:" + PARENT) == "Aborted"
        c.end()
        assert c.one("server", "back.Carried/N2")["trace_id"] == TRACE
        assert c.one("server", "back.Carried/N4")["trace_id"] == "1" * 32
