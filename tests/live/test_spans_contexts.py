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
