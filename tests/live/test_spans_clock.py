"""Spans when the clock is set while they are open."""

import datetime
import threading
import time

import pytest

import goshawk
from test_orphan import needs_preload, preload
from test_spans import Web

pytestmark = [pytest.mark.ptrace, needs_preload]
HOUR = 3600

# An hour later, as soon as there is a file; each look at the clock leaves a byte.
CLOCK = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *t)
{
	static int looks = -1;
	int result = (int)syscall(SYS_clock_gettime, clock, t);
	if (clock != CLOCK_REALTIME)
		return result;
	if (looks < 0)
		looks = open("DIR/looks", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (!access("DIR/set", F_OK))
		t->tv_sec += 3600;
	if (write(looks, "", 1) != 1)
		return -1;
	return result;
}
"""


@pytest.mark.parametrize("engine", ["inline", "uprobe"])
def test_what_begins_then_has_the_new_time(tmp_path, engine):
    """One trace has one clock, and the time that a request takes is that of no clock that can be set."""
    if engine == "uprobe" and goshawk.why_no_bpf():
        pytest.skip(goshawk.why_no_bpf())
    to = tmp_path / "spans.json"
    looks = tmp_path / "looks"

    def looked():
        """It has looked at the clock, so all that came before was seen."""
        until = looks.stat().st_size + 32
        deadline = time.monotonic() + 60
        while looks.stat().st_size < until:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    began = time.time()
    with Web(options=["--engine", engine, "--json", "-o", to],
             env=preload(tmp_path, CLOCK.replace("DIR", str(tmp_path)))) as web:
        held = threading.Thread(target=web.get, args=["/held/0"])
        held.start()
        assert web.get("/deep/1") == 200
        looked()
        (tmp_path / "set").touch()
        looked()
        assert web.get("/deep/2") == 200
        assert web.get("/release/0") == 200
        held.join()
        web.end()
    took = time.time() - began
    spans = [s for s in goshawk.read_lines(to) if "span_id" in s]
    roots = {s["attributes"]["url.path"]: s for s in spans if "parent_span_id" not in s or not s["parent_span_id"]}
    for path, later in {"/held/0": 0, "/deep/1": 0, "/deep/2": HOUR, "/release/0": HOUR}.items():
        trace = [s for s in spans if s["trace_id"] == roots[path]["trace_id"]]
        assert len(trace) > 1 or path == "/release/0"
        for s in trace:
            start = datetime.datetime.fromisoformat(s["time"].replace("Z", "+00:00")[:26] + "+00:00").timestamp()
            assert 0 <= start - began - later + 0.001 <= took, (path, s)
            assert 0 <= s["duration_ns"] < took * 1e9
