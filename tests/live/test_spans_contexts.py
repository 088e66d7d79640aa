"""Whose child a span is, by contexts of a program's own."""

import pytest

import gobuild
import goshawk

pytestmark = pytest.mark.ptrace


@pytest.mark.parametrize("options", [[], ["--engine", "uprobe"]])
@pytest.mark.parametrize("variant", ["stripped", "plain"])
def test_more_than_a_context(release, variant, options, tmp_path):
    """What another interface held is a context.Context when it is handed on: a worker's calls are in the request that it came from."""
    if options and (release != gobuild.NEWEST or goshawk.why_no_bpf()):
        pytest.skip("kernel probes: with the newest release, and where they are permitted")
    to = tmp_path / "spans.json"
    done = goshawk.run("spans", "--json", "-o", to, *options, "--", gobuild.build("wider", release, variant))
    assert (done.status, done.out) == (0, "done\n"), done
    spans = [s for s in goshawk.read_lines(to) if s["type"] == "span"]
    front, = (s for s in spans if s["attributes"].get("url.path") == "/front")
    inside = [s["attributes"]["url.full"].split("/", 3)[3] for s in spans if s["parent_span_id"] == front["span_id"]]
    assert sorted(inside) == ["back/around", "back/itself"], spans


@pytest.mark.parametrize("options", [[], ["--func", "main.main"], ["--engine", "uprobe"]])
def test_a_collection_that_begins_serves_nobody(release, options, tmp_path):
    """Who reads a request of HTTP/2 makes the goroutine that serves it; if a collection begins before that, its workers first."""
    if "uprobe" in options and (release != gobuild.NEWEST or goshawk.why_no_bpf()):
        pytest.skip("kernel probes: with the newest release, and where they are permitted")
    to = tmp_path / "spans.json"
    done = goshawk.run("spans", "--json", "-o", to, *options, "--", gobuild.build("spans-collects", release, "stripped"))
    assert (done.status, done.out) == (0, "done\n"), done
    served = [s for s in goshawk.read_lines(to) if s["type"] == "span" and s["kind"] == "server"]
    assert [(s["attributes"]["url.path"], s["trace_id"], s["parent_span_id"]) for s in served] == \
        [("/%d" % i, "%032x" % (i + 1), "%016x" % (i + 1)) for i in range(40)], done


@pytest.mark.parametrize("options", [[], ["--engine", "uprobe"]])
@pytest.mark.parametrize("protocol", ["h1", "h2"])
def test_a_proxy_passes_on_what_it_gets(release, protocol, options, tmp_path):
    """A traceparent that came in and goes out as it came says who asked, and not in which span the proxy asks: that is the one it serves in."""
    if options and (release != gobuild.NEWEST or goshawk.why_no_bpf()):
        pytest.skip("kernel probes: with the newest release, and where they are permitted")
    to = tmp_path / "spans.json"
    done = goshawk.run("spans", "--json", "-o", to, *options, "--", gobuild.build("spans-proxy", release, "stripped"), protocol)
    assert (done.status, done.out) == (0, "done\n"), done
    spans = [s for s in goshawk.read_lines(to) if s["type"] == "span"]
    for n in (1, 2, 3):
        of = [s for s in spans if s["attributes"].get("url.path", s["attributes"].get("url.full")).endswith("/%d" % n)]
        assert len(of) == 4, spans
        asked, sends = sorted((s for s in of if s["kind"] == "client"), key=lambda s: s["time"])
        front, behind = sorted((s for s in of if s["kind"] == "server"), key=lambda s: s["time"])
        assert sends["parent_span_id"] == front["span_id"] and sends["trace_id"] == front["trace_id"], (n, of)
        if n != 2:  # all of them say the same
            assert {s["trace_id"] for s in (front, sends, behind)} == {"%032x" % n}, of
            assert [s["parent_span_id"] for s in (front, behind)] == ["%016x" % n] * 2, of


def test_two_thousand_requests_at_once(tmp_path):
    """Each has its place in the target until it has been answered."""
    done = goshawk.run("spans", "--store", tmp_path / "store", "--", gobuild.build("spans-many", gobuild.NEWEST), 2000)
    assert (done.status, done.out) == (0, "2000 without: 0\n"), done
    assert done.err == "[goshawk] 4000 spans in 2000 traces\n", done


def test_who_has_given_up_is_no_other_process(release):
    """What is served when the caller does not wait any more is below what it asked."""
    done = goshawk.run("spans", "--", gobuild.build("spans-late", release, "stripped"))
    assert (done.status, done.out) == (0, "done\n"), done
    trace, asked, served, end = done.err.splitlines()
    assert trace.startswith("trace ") and "/late error.type=" in asked and served.startswith("└─ GET "), done
    assert end == "[goshawk] 2 spans in 1 trace", done
