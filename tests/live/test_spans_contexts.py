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
