"""Spans of what net/http serves and asks, by the trees that `goshawk spans` prints. Each path ends in a number that
is the same in all that belongs together, and so tells a wrong parent."""

import concurrent.futures
import gzip
import http.client
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading

import pytest

import gobuild
import goshawk
from attaching import line_of

pytestmark = pytest.mark.ptrace
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Span:
    def __init__(self, text, remote, trace):
        self.name = re.match(r"(.*?) [0-9.]+(ns|µs|ms|s)( |$)", text).group(1)
        self.attrs = dict(re.findall(r"([a-z_.]+[a-z])=(\S+)", text))
        status = re.search(r"(ns|µs|ms|s) (\d\d\d)( |$)", text)
        self.status = status and int(status.group(2))
        self.remote, self.trace, self.text = remote, trace, text
        self.below = []

    @property
    def path(self):
        return self.attrs.get("url.path") or re.sub("^https?://[^/]*", "", self.attrs.get("url.full", ""))

    def all_below(self):
        for s in self.below:
            yield s
            yield from s.all_below()


def trees(text):
    """The roots, in the order of printing."""
    roots, above, trace, remote = [], [], None, False
    for line in text.splitlines():
        head = re.match(r"trace ([0-9a-f]{32})(.*)$", line)
        if head:
            trace, remote, above = head.group(1), "another process" in head.group(2), []
            assert not head.group(2) or remote, line
        elif trace and re.search(r" [0-9.]+(ns|µs|ms|s)( |$)", line) and not line.startswith("[goshawk] "):
            indent, rest = re.match(r"((?:│  |   |├─ |└─ )*)(.*)", line).groups()
            s = Span(rest, remote, trace)
            del above[len(indent) // 3:]
            (above[-1].below if above else roots).append(s)
            above.append(s)
    return roots


class Web:
    """tests/go/spans-web under `goshawk spans`, or alone and then attached to."""

    def __init__(self, release=gobuild.NEWEST, variant="stripped", options=(), attach=False, env=None, args=()):
        program = gobuild.build("spans-web", release, variant)
        command = [] if attach else [str(goshawk.GOSHAWK), "spans", *options, "--"]
        self.err = tempfile.TemporaryFile("w+")  # a pipe that nobody reads would stop the program
        env = dict(os.environ, **(env or {}))
        self.p = self.looker = subprocess.Popen([*command, str(program), *args], env=env, stdin=subprocess.PIPE,
                                                stdout=subprocess.PIPE, stderr=self.err, text=True)
        _, pid, port = line_of(self.p.stdout, "ready").split()
        self.pid, self.port = int(pid), int(port)
        if attach:
            self.looker = subprocess.Popen([str(goshawk.GOSHAWK), "spans", *options, "-p", pid], env=env,
                                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                           text=True)
            line = line_of(self.looker.stderr, "watched")
            assert "watched" in line, line

    def get(self, path, connection=None, **headers):
        c = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        c.request("GET", path, headers=headers)
        answer = c.getresponse()
        answer.read()
        if not connection:
            c.close()
        return answer.status

    def end(self):
        if self.looker is not self.p:
            self.looker.send_signal(signal.SIGINT)
            self.product, self.said = self.looker.communicate(timeout=60)
            assert self.looker.returncode == 0, self.said
            assert self.get("/silent/1") == 200
        out, _ = self.p.communicate(timeout=60)
        self.err.seek(0)
        if self.looker is self.p:
            self.said = self.err.read()
        assert (self.p.returncode, out) == (0, ""), self.said
        assert "lost" not in self.said, self.said
        self.roots = trees(self.said)
        return self

    def served(self, path):
        """The span of the one request for this path."""
        found = [s for s in self.roots if s.attrs.get("url.path") == path]
        assert len(found) == 1, (path, self.said)
        return found[0]

    def __enter__(self):
        return self

    def __exit__(self, *failed):
        for p in {self.p, self.looker}:
            if p.poll() is None:
                p.kill()
                p.communicate()
        self.err.close()


def exercise(web, deep=True, typed=False):
    with pytest.raises(http.client.RemoteDisconnected):
        web.get("/panic/3")
    assert web.get("/deep/1", traceparent=PARENT, tracestate="a=1") == 200
    assert [web.get("/%s/%d" % at) for at in [("pool", 4), ("pool", 5), ("silent", 6), ("recovers", 7), ("refused", 8),
                                              ("hijack", 9), ("none", 10), ("silent", 11)]] \
        == [200, 200, 200, 500, 502, 299, 404, 200]
    assert web.get("/fan/2", Cookie="canary=1", Authorization="canary") == 201
    web.end()

    one = web.served("/deep/1")
    assert (one.name, one.status, one.remote, one.trace) == ("GET /deep/", 200, True, PARENT[3:35])
    asked = [s for s in one.below if s.name == "GET"]
    assert sorted(s.path for s in asked) == ["/back/deep%d/1" % n for n in (1, 2, 3)]
    assert {s.status for s in asked} == {200}
    # who serves it is in another goroutine, and knows by the header that was written
    assert [[(b.name, b.path) for b in s.below] for s in asked] == [[("GET /back/", s.path)] for s in asked]
    if deep:
        loads = [s for s in one.below if s.name == "main.load"]
        assert len(loads) == 3 and len(one.below) == 6
        assert [s.attrs.get("error.type") for s in loads] == [None, None, "*errors.errorString" if typed else None]

    two = web.served("/fan/2")
    assert (two.status, two.remote, [s.path for s in two.below]) == (201, False, ["/back/fan/2"] * 4)
    panic = web.served("/panic/3")
    assert (panic.status, panic.attrs["error.type"]) == (None, "panic")
    # the worker was started in the first request, and is in none when that is over
    assert [s.path for s in web.served("/pool/4").below] == ["/back/pool/4"]
    assert web.served("/pool/5").below == []
    assert [s.name for s in web.roots if s.path == "/back/pool/5" and "url.full" in s.attrs] == ["GET"]
    assert web.served("/silent/6").status == 200
    assert (web.served("/recovers/7").status, web.served("/recovers/7").attrs["error.type"]) == (500, "500")
    refused = web.served("/refused/8")
    assert refused.status == 502
    assert [(s.status, s.attrs["error.type"], s.path) for s in refused.below] \
        == [(None, "*net.OpError", "/nobody?REDACTED")]
    assert web.served("/hijack/9").status is None
    assert (web.served("/none/10").name, web.served("/none/10").status) in [("GET", 404), ("GET /none/", 404)]
    # on a connection of its own: what came with an earlier request is not for this one
    assert not web.served("/silent/11").remote
    assert "canary" not in web.said


@pytest.mark.parametrize("variant", ["stripped", "race"])
def test_started(release, variant):
    if variant == "race" and release not in gobuild.ENDS:
        pytest.skip("the race detector's build is tried with the oldest and the newest release")
    with Web(release, variant, options=["--func", "main.load", "--show", "arg1"]) as web:
        exercise(web, typed=variant == "race" and gobuild.minor(release) > 17)  # else results are not known


def test_attached(release):
    with Web(release, "stripped", attach=True) as web:
        exercise(web, deep=False)


def held(web):
    """A worker inside a request that goes on while others are served."""
    thread = threading.Thread(target=web.get, args=["/held/0"])
    thread.start()
    return thread


@pytest.mark.parametrize("variant", ["stripped", "plain", "race"])
@pytest.mark.parametrize("options", [[], ["--engine", "uprobe"]])
def test_context_wins(release, variant, options):
    """Whose a job is says its context.Context, wherever the goroutine that does it was started."""
    if options and (release != gobuild.NEWEST or goshawk.why_no_bpf()):
        pytest.skip("kernel probes: with the newest release, and where they are permitted")
    if variant == "race" and (release not in gobuild.ENDS or options):
        pytest.skip("the race detector's build is tried with the oldest and the newest release")
    ids = ["%d" % 10 ** n for n in range(7)]
    with Web(release, variant, options=[*options, "--func", "main.step"]) as web:
        thread = held(web)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda n: web.get("/ctx/" + n), ids)) == [200] * len(ids)
            assert list(pool.map(lambda n: web.get("/late/" + n), ids)) == [200] * len(ids)
        assert web.get("/release/0") == 200
        thread.join()
        web.end()
    for n in ids:
        of = web.served("/ctx/" + n)
        steps = [s for s in of.below if s.name == "main.step"]
        asked = [s for s in [*of.below, *(a for s in steps for a in s.below)] if s.name == "GET"]
        by_step = [] if variant == "stripped" else ["/back/left/ctx/" + n, "/back/step/ctx/" + n] * 3
        assert sorted(s.path for s in asked) == sorted(["/back/ctx/" + n] * 4 + by_step), web.said
        for a in asked:  # the header that was written says the same
            assert [(s.name, s.path) for s in a.below] == ([] if options else [("GET /back/", a.path)]), web.said
        assert [[s.path for s in step.below] for step in steps] == [["/back/step/ctx/" + n]] * (len(by_step) // 2)
        assert web.served("/late/" + n).below == []
        assert len([s for s in web.roots if s.path == "/back/late/" + n and "url.full" in s.attrs]) == 2
    if variant != "stripped":  # a stripped program does not tell that step takes a context
        assert [s.path for s in web.served("/held/0").below] == ["/back/held/0"]


def test_so_many_and_no_more():
    """Then it leaves, and the program goes on to its end."""
    done = goshawk.run("spans", "--max", "3", "--", gobuild.build("spans-many", gobuild.NEWEST), 50)
    assert (done.status, done.out) == (0, "50 without: 0\n"), done
    lines = done.err.splitlines()
    assert sum(line.startswith("trace ") for line in lines) == 3 and len(lines) == 10, done
    assert re.fullmatch(r"\[goshawk\] \d+ spans in 3 traces", lines[-1]), done
    assert goshawk.run("spans", "--max", "3", "--read", "store").status == 2


def test_arguments():
    """Of a function of one's own, by name: attributes are numbers and texts as such."""
    with Web(variant="plain", options=["--func", "main.load", "--show", "id, level", "--no", "http-client"]) as web:
        web.get("/deep/77")
        web.end()
    assert [(s.attrs["id"], s.attrs["level"]) for s in web.served("/deep/77").below] \
        == [("77", "1"), ("77", "2"), ("77", "3")]


@pytest.mark.parametrize("options", [(), ("--plan",), ("--engine", "uprobe", "--plan")])
@pytest.mark.parametrize("place", ["shop/main.go:64", "main.discount+"])
def test_a_place_in_a_function_is_no_span(place, options):
    """It has no end: that is said, before anything is started."""
    program = gobuild.build("shop", gobuild.NEWEST)
    if place.endswith("+"):
        at = goshawk.run("funcs", program, place[:-1]).out.split()[0]
        place = next(l for l in re.findall(r"0x[0-9a-f]+(?=  \+)", goshawk.run("disasm", program, place[:-1]).out) if l != at)
    done = goshawk.run("spans", *options, "--func", place, "--", program)
    assert (done.status, done.out) == (2, "") and done.err.startswith("goshawk: --func: a line or address inside a function (main."), done


@pytest.mark.parametrize("options", [(), ("--engine", "uprobe")])
def test_a_plan_goes_where_it_is_told(options, tmp_path):
    """By --json it has all that is said else: libraries with their versions, places, and what is off."""
    program, to = gobuild.build("spans-web", gobuild.NEWEST), tmp_path / "plan"
    done = goshawk.run("spans", *options, "--plan", "--json", "-o", to, "--no", "http-client", "--", program)
    assert (done.status, done.out) == (0, ""), done
    plan = goshawk.read_lines(to)
    states = {(o["name"], o["package"]): (o["version"], o["state"]) for o in plan if o["type"] == "library"}
    assert states["http-server", "net/http"] == ("go" + gobuild.NEWEST, "on")
    assert states["http-client", "net/http"][1] == "not wanted"
    assert states["redis", "github.com/redis/go-redis/v9"] == (None, "not in this program")
    assert plan[-1]["off"] == []
    kinds = {k: [o["func"] for o in plan if o["type"] == "site" and o["kind"] == k] for k in ("entry", "return")}
    writes = next(f for f in kinds["entry"] if f.endswith("response).finishRequest"))
    assert writes not in kinds["return"]  # its end is of no use
    assert plan[-1]["sites"] == sum(o["type"] == "site" for o in plan)
    for sink, said in ("/dev/full", "goshawk: /dev/full: output: cannot write: No space left on device\n"), ("-", ""):
        done = goshawk.run("spans", *options, "--plan", "-o", sink, "--", program)
        assert (done.status, done.err) == (8 if said else 0, said), done


@pytest.mark.parametrize("variant", ["stripped", "race"])
def test_many_at_once(variant):
    """64 connections: every span has the right parent, no request fails, nothing is lost."""
    each = 12

    def client(n):
        c = http.client.HTTPConnection("127.0.0.1", web.port, timeout=120)
        for i in range(each):
            assert web.get("/fan/%d" % (n * each + i), c) == 201
        c.close()

    with Web(variant=variant) as web:
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            list(pool.map(client, range(64)))
        web.end()
    fans = [s for s in web.roots if s.name == "GET /fan/"]
    assert sorted(int(s.path.split("/")[-1]) for s in fans) == list(range(64 * each))
    for s in fans:
        assert [b.path for b in s.below] == ["/back" + s.path] * 4, s.text
        assert [[(c.name, c.path) for c in b.below] for b in s.below] == [[("GET /back/", b.path)] for b in s.below]
    assert len({s.trace for s in web.roots}) == len(web.roots) == 64 * each


@pytest.mark.parametrize("header, remote", [
    (PARENT, True), (PARENT[:-1] + "0", None), ("01" + PARENT[2:] + "-later", True), ("ff" + PARENT[2:], False),
    (PARENT.upper(), False), (PARENT + "-x", False), (PARENT[:54], False), ("00-" + "0" * 32 + PARENT[35:], False),
])
def test_traceparent(header, remote):
    """None: its caller has not sampled it, so there is no span."""
    with Web() as web:
        web.get("/silent/1", TraceParent=header)
        web.get("/silent/2")
        web.end()
    assert not web.served("/silent/2").remote
    found = [s.remote for s in web.roots if s.path == "/silent/1"]
    assert found == ([] if remote is None else [remote])


def test_environment():
    with Web(env={"OTEL_TRACES_SAMPLER": "always_off"}) as web:
        web.get("/silent/1")
        web.end()
    assert web.roots == [] and "0 spans in 0 traces; 1 not sampled" in web.said
    with Web(env={"OTEL_PROPAGATORS": "jaeger,none"}) as web:
        web.get("/silent/1", traceparent=PARENT)
        web.end()
    assert not web.served("/silent/1").remote
    assert "OTEL_PROPAGATORS: jaeger is not supported" in web.said
    with Web(env={"OTEL_SDK_DISABLED": "true"}) as web:
        assert web.get("/silent/1") == 200
        web.end()
    assert web.said == "[goshawk] OTEL_SDK_DISABLED is true: there are no spans\n"
    with Web(env={"OTEL_SDK_DISABLED": "1"}) as web:
        web.get("/silent/1")
        web.end()
    assert web.served("/silent/1") and "OTEL_SDK_DISABLED=1: neither true nor false: taken for false" in web.said


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_http2(release):
    """Several requests at once on one connection, and one by HTTP/1."""
    with Web(release, args=["tls"]) as web:
        urls = ["https://127.0.0.1:%d/%s" % (web.port, path) for path in ["silent/1", "recovers/2", "fan/3", "none/4"]]
        curl = ["curl", "-sk", "--http2", "--parallel", "-w", "%{http_code} %{http_version}\\n", "-o", "/dev/null"]
        done = goshawk.run_plain(*curl, *(a for u in urls for a in ("-o", "/dev/null", u)))
        assert sorted(done.out.split("\n")[:-1]) == ["200 2", "201 2", "404 2", "500 2"], done
        assert goshawk.run_plain("curl", "-sk", "--http1.1", urls[0][:-1] + "5", "-o", "/dev/null").status == 0
        web.end()
    assert [web.served("/" + u.split("/", 3)[3]).status for u in urls] == [200, 500, 201, 404]
    assert web.served("/silent/5").status == 200
    assert len(web.served("/fan/3").below) == 4
    assert not any(s.remote for s in web.roots)
    assert len(web.roots) == 5


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("options", [[], ["--engine", "uprobe"]])
def test_http2_traceparent(release, options):
    """Each of many requests on one connection has its own."""
    if options and (release != gobuild.NEWEST or goshawk.why_no_bpf()):
        pytest.skip("kernel probes: with the newest release, and where they are permitted")
    with Web(release, args=["tls"], options=options) as web:
        at = "https://127.0.0.1:%d/silent/" % web.port
        requests = []
        for n in range(1, 20):
            requests += [*(["--next"] if n > 1 else []), "-sk", "--http2", "-o", "/dev/null", at + str(n)]
            requests += ["-H", "traceparent: 00-%032x-%016x-01" % (n, n), "-H", "Cookie: canary"] if n % 3 else []
            requests += ["-H", "traceparams: 00-%032x-%016x-01" % (n + 1, n)] if n % 5 == 0 else []  # not it: which?
        done = goshawk.run_plain("curl", *requests)
        assert done.status == 0, done
        web.end()
    for n in range(1, 20):
        s = web.served("/silent/%d" % n)
        assert (s.remote, s.trace == "%032x" % n) == ((True, True) if n % 3 and n % 5 else (False, False)), s.text


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("args", [[], ["tls"]])
def test_sizes_of_bodies(release, args):
    """As the handler wrote and as the request says; what is empty, or of no stated length, has none."""
    with Web(release, args=args) as web:
        at = "http%s://127.0.0.1:%d" % ("s" if args else "", web.port)

        def ask(path, *options):
            done = goshawk.run_plain("curl", "-sk", "--http2", "-o", "/dev/null", *options, at + path)
            assert done.status == 0, done
        ask("/back/1", "-d", "12345")
        ask("/back/2", "-H", "Transfer-Encoding: chunked", "-H", "Expect:", "-d", "12345")
        ask("/back/3", "-I")
        ask("/silent/4")
        ask("/deep/5")
        web.end()
    sizes = ["http.%s.body.size" % of for of in ("request", "response")]
    assert [[web.served(path).attrs.get(of) for of in sizes] for path in
            ("/back/1", "/back/2", "/back/3", "/silent/4", "/deep/5")] == \
        [["5", "4"], [None, "4"], [None, "4"], [None, None], [None, "5"]], web.said
    asked = [s for s in web.served("/deep/5").all_below() if s.name == "GET" and s.path.startswith("/back/")]
    assert args or asked and all((s.attrs.get(sizes[0]), s.attrs[sizes[1]]) == (None, "4") for s in asked), web.said
    assert [web.served(path).status for path in ("/back/1", "/silent/4")] == [200, 200]


def agents(to):
    """Who asked for what, by the objects in a file."""
    spans = (json.loads(line) for line in to.read_text().splitlines() if line.startswith('{"type":"span"'))
    about = [s["attributes"] for s in spans if s["kind"] == "server"]
    return {a["url.path"]: a.get("user_agent.original") for a in about}


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("how, args", [("--http1.1", []), ("--http2", ["tls"]), ("--http1.1", ["--engine", "uprobe"])])
def test_user_agents(tmp_path, release, how, args):
    """Among few headers and many, some as long as its own; no more of it than is said, and nothing where there is none."""
    if "uprobe" in args and goshawk.why_no_bpf():
        pytest.skip("kernel probes are not permitted here")
    to = tmp_path / "spans.json"
    web_args, options = (args, []) if args == ["tls"] else ([], args)
    want = {"/silent/%d" % n: "agent %d (of %s)" % (n, "x" * n) for n in range(22)}
    want["/silent/8"], want["/silent/9"], asked = None, "y" * 300, []
    with Web(release, options=[*options, "--json", "-o", to], args=web_args) as web:
        for n, (path, agent) in enumerate(want.items()):
            asked += [*(["--next"] if n else []), "-sk", how, "-o", "/dev/null", "-A", agent or ""]
            asked += [a for i in range(n) for a in ("-H", "X-Other-%02d: canary" % i)]
            asked.append("http%s://127.0.0.1:%d%s" % ("s" if web_args else "", web.port, path))
        done = goshawk.run_plain("curl", *asked)
        assert done.status == 0, done
        web.end()
    want["/silent/9"] = "y" * 256
    assert agents(to) == want and "canary" not in to.read_text()


@pytest.mark.parametrize("attach", [False, True])
def test_json(tmp_path, attach):
    """Spans as objects; on stdout where that is not the program's."""
    to = tmp_path / "spans.json"
    with Web(options=["--json"] if attach else ["--json", "-o", to], attach=attach) as web:
        plan = goshawk.run("spans", "--plan", "--json", "-p", web.pid)
        assert json.loads(plan.out.splitlines()[0])["pid"] == web.pid, plan
        web.get("/deep/1", traceparent=PARENT)
        web.get("/refused/2")
        web.end()
        if attach:
            to.write_text(web.product)
    assert web.roots == []
    objects = goshawk.read_lines(to)
    assert (objects[0]["type"], objects[-1]["type"]) == ("begin", "end") and objects[0]["pid"] == web.pid
    assert len(objects) - 2 == objects[-1]["spans"] == 9 and objects[-1]["off"] == []
    deep = next(s for s in objects if s.get("name") == "GET /deep/")
    assert (deep["trace_id"], deep["parent_span_id"], deep["parent_remote"]) == (PARENT[3:35], PARENT[36:52], True)
    assert (deep["kind"], deep["attributes"]["http.response.status_code"]) == ("server", 200) and deep["duration_ns"] > 0
    assert sorted(s["name"] for s in objects if s.get("parent_span_id") == deep["span_id"]) == ["GET"] * 3
    assert [s["name"] for s in objects if s.get("status") == "error"] == ["GET", "GET /refused/"], objects


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes OTLP in JSON, and notes resources and spans."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        assert (self.path, self.headers["Content-Type"]) == ("/v1/traces", "application/json")
        for r in json.loads(body)["resourceSpans"]:
            self.server.resources.append(attributes(r["resource"]))
            self.server.spans += [s for scope in r["scopeSpans"] for s in scope["spans"]]
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args):
        pass


def attributes(o):
    return {a["key"]: next(iter(a["value"].values())) for a in o["attributes"]}


@pytest.mark.parametrize("by_option", [True, False])
def test_collector(by_option):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        server.spans, server.resources = [], []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = "http://127.0.0.1:%d" % server.server_port
        env = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "OTEL_SERVICE_NAME": "shop", "OTEL_METRICS_EXPORTER": "none"}
        if not by_option:
            env["OTEL_EXPORTER_OTLP_ENDPOINT"] = url
        try:
            with Web(options=["--otlp", url, "--console"] if by_option else [], env=env) as web:
                web.get("/deep/1", traceparent=PARENT, tracestate="a=1")
                web.get("/refused/2", Cookie="canary")
                web.end()
        finally:
            server.shutdown()
            thread.join()
    assert len(web.roots) == (2 if by_option else 0)
    assert {r["service.name"] for r in server.resources} == {"shop"}
    assert len(server.spans) == 9
    assert "canary" not in json.dumps(server.spans)
    spans = {s["name"]: s for s in server.spans if s["kind"] == 2}
    deep = spans["GET /deep/"]
    assert (deep["traceId"], deep["parentSpanId"], deep["traceState"]) == (PARENT[3:35], PARENT[36:52], "a=1")
    about = attributes(deep)
    assert about["http.request.method"] == "GET" and int(about["http.response.status_code"]) == 200
    assert (about["url.scheme"], about["http.route"], about["server.address"]) == ("http", "/deep/", "127.0.0.1")
    assert int(about["server.port"]) == web.port and about["network.protocol.version"] == "1.1"
    below = [s for s in server.spans if s.get("parentSpanId") == deep["spanId"]]
    assert [(s["kind"], s["traceId"]) for s in below] == [(3, deep["traceId"])] * 3
    assert all(int(deep["startTimeUnixNano"]) <= int(s["startTimeUnixNano"]) <= int(s["endTimeUnixNano"])
               <= int(deep["endTimeUnixNano"]) for s in below)
    failed, = (s for s in server.spans if s.get("parentSpanId") == spans["GET /refused/"]["spanId"])
    assert failed["status"]["code"] == 2 and attributes(failed)["error.type"] == "*net.OpError"


def test_no_collector():
    """Nobody listens there: the program is served as ever, and it is said."""
    with Web(options=["--otlp", "http://127.0.0.1:1"]) as web:
        assert web.get("/silent/1") == 200
        web.end()
    assert "127.0.0.1:1" in web.said and web.roots == []
