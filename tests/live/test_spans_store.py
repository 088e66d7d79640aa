"""`spans --store` and `--read`: what is kept, by whom, and what happens when it can't be."""

import concurrent.futures
import json
import os
import resource
import signal
import sqlite3
import subprocess
import time

import pytest

import gobuild
import goshawk
import test_spans_logs
from attaching import line_of
from test_orphan import needs_preload, preload
from test_spans import PARENT, Web

pytestmark = pytest.mark.ptrace


def read(store, *options):
    """The objects of --read."""
    done = goshawk.run("spans", "--read", store, "--json", *options)
    assert done.status == 0, done
    objects = [json.loads(line) for line in done.out.splitlines()]
    assert (objects[0]["type"], objects[-1]["type"]) == ("begin", "end")
    return objects[1:-1]


def tree(spans):
    """Names and paths, each with how deep it is."""
    depth = {None: -1}
    for s in spans:
        depth[s["span_id"]] = depth.get(s["parent_span_id"], -1) + 1
    return [(depth[s["span_id"]], s["kind"], s["attributes"].get("url.path")) for s in spans]


def test_two_processes_in_one_trace(tmp_path):
    """Two programs, looked at by two goshawks at the same time: one store, one tree."""
    store = tmp_path / "s.db"
    options = ["--store", store]
    with Web(options=options, env={"OTEL_SERVICE_NAME": "front"}) as front, \
            Web(options=options, env={"OTEL_SERVICE_NAME": "back"}) as back:
        front.get("/silent/1", traceparent=PARENT, Cookie="canary", Authorization="canary")
        ids = [PARENT[3:35]]
        back.get("/deep/2?canary=1", traceparent=PARENT)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: (front.get("/fan/%d" % n), back.get("/fan/%d" % n)), range(10, 40)))
        front.end()
        back.end()
    assert store.stat().st_mode & 0o777 == 0o600 and not list(tmp_path.glob("s.db-*"))
    assert b"canary" not in store.read_bytes()
    assert front.roots == back.roots == []
    traces = read(store)
    assert len(traces) == 61 and {t["service"] for t in traces} == {"front", "back"}
    assert [t["trace_id"] for t in traces if t["spans"] == 8] == ids
    trace, *spans = read(store, "--trace", PARENT[3:20])
    assert {(s["service"], s["attributes"].get("url.path")) for s in spans if s["parent_span_id"] == PARENT[36:52]} \
        == {("front", "/silent/1"), ("back", "/deep/2")}
    assert trace["spans"] == len(spans) == 8
    assert sorted(d for d, _, _ in tree(spans)) == [0, 0, 1, 1, 1, 2, 2, 2]
    assert len(read(store, "--slow", "1ns")) == 61 and read(store, "--slow", "1h") == []
    text = goshawk.run("spans", "--read", store, "--trace", PARENT[3:20]).out
    assert "GET /deep/ [back]" in text and "\x1b" not in text and "█" in text
    page = tmp_path / "page.html"
    assert goshawk.run("spans", "--read", store, "--trace", PARENT[3:20], "--html", page).status == 0
    assert "GET /deep/" in page.read_text() and "<script" not in page.read_text()
    assert not list(tmp_path.glob("*page.html?*")) and "GET /fan/" not in page.read_text()


def test_what_is_stored_is_what_is_printed(tmp_path):
    """Every field of every span, with the events of --logs."""
    program = test_spans_logs.build("log/slog", "", gobuild.NEWEST, "-ldflags=-s -w")
    store, printed = tmp_path / "s.db", tmp_path / "printed"
    done = goshawk.run("spans", "--logs", "--func", "main.round", "--func", "main.many", "--store", store,
                       "--json", "-o", printed, "--", program)
    assert done.status == 0, done
    spans = {o["span_id"]: o for o in goshawk.read_lines(printed) if o["type"] == "span"}
    stored = {o["span_id"]: o for t in read(store) for o in read(store, "--trace", t["trace_id"])[1:]}
    assert stored == spans and any(s.get("dropped_events") for s in spans.values())
    assert b"canary" not in store.read_bytes()
    trace = next(s["trace_id"] for s in spans.values() if s["name"] == "main.round")
    assert " log log.severity=WARN log.message=second é" in goshawk.run("spans", "--read", store, "--trace", trace).out


def test_read_while_it_is_written(tmp_path):
    store = tmp_path / "s.db"
    with Web(options=["--store", store, "--console"]) as web:
        for n in range(5):
            assert web.get("/refused/%d" % n) == 502
            until = time.time() + 30
            while not store.exists() or len(read(store, "--errors")) <= n:
                assert time.time() < until
                time.sleep(0.1)
        web.end()
    assert len(web.roots) == 5 and len(read(store)) == 5


def test_killed(tmp_path):
    """kill -9 under load: the service lives, and what was committed is whole."""
    store = tmp_path / "s.db"
    for turn in range(3):
        with Web(options=["--store", store], attach=True) as web:
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                asked = [pool.submit(web.get, "/fan/%d" % n) for n in range(300)]
                until = time.time() + 60
                while not store.exists() or len(read(store)) < 20 * (turn + 1):
                    assert time.time() < until
                    time.sleep(0.05)
                web.looker.send_signal(signal.SIGKILL)
                assert {a.result() for a in asked} == {201}
            web.looker.communicate()
            assert web.get("/silent/1") == 200
            assert goshawk.run("detach", "-p", web.pid).status == 0
            web.p.communicate(timeout=60)
    db = sqlite3.connect(store)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert db.execute("SELECT count(*) FROM trace WHERE spans != (SELECT count(*) FROM span WHERE trace = id)") \
        .fetchone() == (0,)
    db.close()


def test_no_room(tmp_path):
    """The file may not grow: no request fails, it is said once, and what is lost is counted."""
    with Web(options=["--store", tmp_path / "s.db"], attach=True) as web:
        resource.prlimit(web.looker.pid, resource.RLIMIT_FSIZE, (200 << 10, 200 << 10))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda n: web.get("/fan/%d" % n), range(200))) == {201}
        web.end()
    assert web.said.count("disk I/O error") + web.said.count("File too large") == 1, web.said
    assert "spans were not stored" in web.said, web.said


def test_it_disappears(tmp_path):
    """The file, and then its folder."""
    store = tmp_path / "in" / "s.db"
    store.parent.mkdir()
    with Web(options=["--store", store]) as web:
        web.get("/silent/1")
        until = time.time() + 30
        while len(read(store)) < 1:
            assert time.time() < until
            time.sleep(0.05)
        for p in store.parent.iterdir():
            p.unlink()
        web.get("/silent/2")
        while not store.exists() or len(read(store)) < 1:
            assert time.time() < until
            time.sleep(0.05)
        for p in store.parent.iterdir():
            p.unlink()
        store.parent.rmdir()
        web.get("/silent/3")
        web.end()
    assert "No such file or directory" in web.said and "1 of 3 spans were not stored" in web.said, web.said


@pytest.mark.parametrize("args, status, says", [
    (["--trace", "0"], 2, "there is no --read"), (["--errors", "--", "true"], 2, "there is no --read"),
    (["--read", "s.db", "-p", "1"], 2, "without a program"), (["--read", "s.db", "--", "true"], 2, "without a program"),
    (["--read", "s.db", "--func", "x"], 2, "without a program"),
    (["--read", "s.db", "--logs"], 2, "without a program"), (["--read", "s.db", "--html", "x"], 2, "--trace ID"),
    (["--read", "s.db", "--trace", "0", "--slow", "1s"], 2, "about all of them"),
    (["--read", "s.db"], 8, "s.db: No such file"), (["--read", "/bin/true"], 3, "no store of spans"),
    (["--read", "/dev/null"], 3, "no store of spans"), (["--read", "."], 3, "no store of spans"),
    (["--store-size", "1GiB", "--", "true"], 2, "--store FILE"),
])
def test_wrong_usage(tmp_path, args, status, says):
    done = goshawk.run("spans", *args, cwd=tmp_path)
    assert done.status == status and says in done.err and len(done.err.splitlines()) == 1, done
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("options, says", [
    (["--store", "/bin/true"], "no store of spans"), (["--store", "none/s.db"], "No such file"),
    (["--store", "s.db", "--store-size", "1MiB"], "at least 4MiB"), (["--store", "s.db", "--store-age", "0"], "more than 0"),
    (["--store", "s.db", "--store-size", "0"], "more than 0"),
])
def test_refused_before_it_starts(tmp_path, options, says):
    done = goshawk.run("spans", *options, "--", str(gobuild.build("spans-web", gobuild.NEWEST, "stripped")), cwd=tmp_path)
    assert done.status and says in done.err and len(done.err.splitlines()) == 1, done
    assert not os.listdir(tmp_path)


# It is there when it is tried, and not when the program has been started.
GONE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
int open(const char *path, int flags, ...)
{
	int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
	static int looked;
	const char *name = strrchr(path, '/');
	if (name && !strcmp(name, "/s.db") && looked++)
		return errno = EACCES, -1;
	return real(path, flags, 0600);
}
"""


FLAGLESS = r"""
#include <errno.h>

int renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
	errno = EINVAL;
	return -1;
}
"""


@needs_preload
def test_a_file_system_that_renames_without_flags(tmp_path):
    store = tmp_path / "s.db"
    with Web(options=["--store", store], env=preload(tmp_path, FLAGLESS)) as web:
        web.get("/silent/1")
        web.end()
    assert [p.name for p in tmp_path.glob("s.db*")] == ["s.db"] and len(read(store)) == 1, web.said


@needs_preload
@pytest.mark.parametrize("attach", [False, True])
def test_a_store_that_can_not_be_opened_any_more(tmp_path, attach):
    """That is said at once, and the program goes on alone."""
    store = tmp_path / "s.db"
    with Web(options=["--store", store]) as web:
        web.end()
    env = preload(tmp_path, GONE)
    said = "[goshawk] %s: Permission denied; the program is left\n" % store
    if attach:
        with subprocess.Popen([gobuild.build("spans-web", gobuild.NEWEST)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as p:
            pid = line_of(p.stdout, "ready").split()[1]
            done = goshawk.run("spans", "--store", store, "-p", pid, env=env)
            p.communicate(timeout=60)
        assert p.returncode == 0
        status, err = done.status, done.err
    else:
        with Web(options=["--store", store], env=env) as web:
            deadline = time.monotonic() + 60
            while said.encode() not in os.pread(web.err.fileno(), 1 << 16, 0):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert web.get("/silent/1") == 200
            web.p.communicate(timeout=60)
            status, err = web.p.returncode, os.pread(web.err.fileno(), 1 << 16, 0).decode()
    assert status == 6 and said in err and err.endswith("goshawk: %s: Permission denied\n" % store), err
