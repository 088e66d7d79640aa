"""What `goshawk spans` writes into requests that go out: one header line, of the span that it prints, and nothing else."""

import concurrent.futures
import json
import queue
import random
import re
import socketserver
import ssl
import subprocess
import tempfile
import threading
import time

import pytest

import documented
import gobuild
import goshawk
import others
from attaching import line_of
import test_spans_h2c
from test_spans import Web

pytestmark = pytest.mark.ptrace
TRACEPARENT = re.compile(rb"\r\nTraceparent: (00-[0-9a-f]{32}-[0-9a-f]{16}-0[01])(?=\r\n)")
OK = "200 OK"


class Wire(socketserver.StreamRequestHandler):
    """Notes the bytes of each header by the path, and answers; a path that ends in /close is answered once on a
    connection, which is then closed without a word, as servers do with one that was idle."""

    def handle(self):
        try:
            while self.one():
                pass
        except (ConnectionError, ssl.SSLError):
            pass

    def one(self):
        lines = []
        while not lines or lines[-1] != b"\r\n":
            lines.append(self.rfile.readline())
            if not lines[-1]:
                return False
        head = b"".join(lines)
        path = lines[0].split()[1].decode()
        if m := re.search(rb"\r\nContent-Length: (\d+)", head):
            self.rfile.read(int(m.group(1)))
        elif b"chunked" in head:
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        with self.server.lock:
            self.server.heads.setdefault(path, []).append(head)
        if path.startswith("/redirect"):
            self.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: /landed%s\r\nContent-Length: 0\r\n\r\n"
                             % path[9:].encode())
            return True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return not path.endswith("/close")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, certificate=None):
        super().__init__(("127.0.0.1", 0), Wire)
        self.heads, self.lock = {}, threading.Lock()
        self.url = "%s://127.0.0.1:%d" % ("https" if certificate else "http", self.server_address[1])
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        return self

    def __exit__(self, *failed):
        self.shutdown()
        self.thread.join()
        self.server_close()

    def handle_error(self, request, client_address):
        pass


def asking(release, variant="stripped", xnet=None):
    """`xnet`: the version of golang.org/x/net that it sends by."""
    if not xnet:
        return str(gobuild.build("asking", release, variant))
    return others.module("asking", release, "-tags=xnet", *gobuild.VARIANTS[variant][0], requires=("golang.org/x/net@" + xnet,))


def asked(server, lines, release, variant="stripped", options=None, attach=False, env=None, xnet=None):
    """What the program said of these requests, the headers that came, and the client spans by path."""
    program = asking(release, variant, xnet)
    look = None if options is None else [str(goshawk.GOSHAWK), "spans", "--json", *options]
    server.heads.clear()
    command = [program, server.url] if look is None or attach else [*look, "-o", "/dev/stderr", "--", program, server.url]
    p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         env=env)
    try:
        pid = line_of(p.stdout, "ready").split()[1]
        if attach:
            looker = subprocess.Popen([*look, "-p", pid], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            assert "watched" in line_of(looker.stderr, "watched")
        out, err = p.communicate("".join("%s %s\n" % line for line in lines), timeout=120)
        said, text = out.split("\n")[:-1], err
        if attach:
            text, _ = looker.communicate(timeout=60)
    finally:
        if p.poll() is None:
            p.kill()
    assert p.returncode == 0, err
    objects = [documented.check(goshawk.ROOT, line) for line in text.split("\n") if line.startswith("{")] if look else []
    spans = {}
    for o in objects:
        if o["type"] == "span":
            spans.setdefault(re.sub("^https?://[^/]*", "", o["attributes"]["url.full"]), []).append(o)
    return said, dict(server.heads), spans, objects[-1] if objects else None


def same_but_for_the_line(plain, watched):
    assert sorted(plain) == sorted(watched)
    for path in plain:
        own = TRACEPARENT.search(plain[path][0])
        assert sorted(plain[path]) == sorted(head if own else TRACEPARENT.sub(b"", head) for head in watched[path])


def ids(heads):
    return sorted(m.decode() for head in heads for m in TRACEPARENT.findall(head))


def of_spans(spans):
    return sorted("00-%s-%s-01" % (s["trace_id"], s["span_id"]) for s in spans)


VARIANTS = ["stripped", "pie", "external", "external-pie", "race"]


def skip_the_rest(release, variant):
    """`make check` has time for some."""
    tried = {"stripped": gobuild.RELEASES, "race": gobuild.ENDS, "pie": [gobuild.NEWEST]}
    if not gobuild.ALL and release not in tried.get(variant, []):
        pytest.skip("%s builds by Go %s are tried by make check-all" % (variant, release))


LINES = [("get", "/get/1"), ("text", "/text/2"), ("stream", "/stream/3"), ("none", "/none/4"), ("large", "/large/5"),
         ("own", "/own/6"), ("odd", "/odd/7"), ("get", "/redirect/8"), ("get", "/again/close"), ("get", "/again/close"),
         ("get", "/again/close"), ("full", "/full"), ("shared", "/shared"), ("get", "/last/9")]


@pytest.mark.parametrize("variant", VARIANTS)
def test_one_line_more(release, variant):
    """Every request goes out as ever but for one line, which has the ids of the span that is told of."""
    skip_the_rest(release, variant)
    with Server() as server:
        said, plain, _, _ = asked(server, LINES, release, variant)
        assert said == [OK] * len(LINES)
        said, heads, spans, end = asked(server, LINES, release, variant, [])
    assert said == [OK] * len(LINES)
    same_but_for_the_line(plain, heads)
    for path in ["/get/1", "/text/2", "/stream/3", "/none/4", "/redirect/8", "/landed/8", "/again/close", "/last/9"]:
        assert len(ids(heads[path])) == len(spans[path]) == len(heads[path]), path
        assert ids(heads[path]) == of_spans(spans[path])
    assert ids(heads["/large/5"]) == [] # larger than the buffer
    # the program's own one stays alone, and the span is in what it says
    for path in ["/own/6", "/odd/7"]:
        head, = heads[path]
        assert head.lower().count(b"traceparent") == 1 and head == plain[path][0]
    assert [(s["trace_id"], s["parent_span_id"]) for s in spans["/own/6"]] == [("1" * 32, "2" * 16)]
    assert "/odd/7" not in spans and end["unsampled"] == 1  # as the program has decided
    full = [(int(path.split("-")[1]), bool(ids(heads[path]))) for path in heads if path.startswith("/full-")]
    assert [has for _, has in sorted(full)] == sorted((has for _, has in full), reverse=True)
    assert {has for _, has in full} == {True, False}
    for path in heads:
        if ids(heads[path]) and path != "/own/6":
            assert ids(heads[path]) == of_spans(spans[path]), path
    assert end["unwritten"] == 1 + sum(not has for _, has in full)


def test_many_at_once(release):
    """64 goroutines, 1280 requests: each says its own span."""
    with Server() as server:
        said, heads, spans, _ = asked(server, [("many", "/many")], release, options=[])
    assert said == [OK] and len(heads) == 64 * 20
    for path in heads:
        assert len(ids(heads[path])) == 1 and ids(heads[path]) == of_spans(spans[path])
    assert len({i[3:35] for path in heads for i in ids(heads[path])}) == len(heads)


def test_tls_and_attached(release, tmp_path):
    key = tmp_path / "key.pem"
    made = goshawk.run_plain("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout",
                             key, "-out", tmp_path / "cert.pem")
    assert made.status == 0, made
    key.write_text(key.read_text() + (tmp_path / "cert.pem").read_text())
    with Server(key) as server:
        said, heads, spans, _ = asked(server, [("get", "/1"), ("text", "/2")], release, options=[], attach=True)
    assert said == [OK] * 2
    for path in ["/1", "/2"]:
        assert len(ids(heads[path])) == 1 and ids(heads[path]) == of_spans(spans[path])


LINES2 = [("get", "/get/1"), ("text", "/text/2"), ("stream", "/stream/3"), ("trailer", "/trailer/4"),
          ("none", "/none/5"), ("own", "/own/6"), ("odd", "/odd/7"), ("shared", "/shared"), ("get", "/last/9")]


class Http2:
    """A server that says what came."""

    def __enter__(self):
        self.p = subprocess.Popen([gobuild.build("asking", gobuild.NEWEST, "plain")], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        self.url = "https://" + line_of(self.p.stdout, "ready").split()[1]
        self.heads, self.lines = {}, queue.SimpleQueue()
        self.reader = threading.Thread(target=lambda: [self.lines.put(line) for line in self.p.stdout])
        self.reader.start()
        return self

    def __exit__(self, *failed):
        self.p.kill()
        self.p.wait()
        self.reader.join()
        self.p.stdout.close()
        self.p.stdin.close()

    def came(self, n):
        """What the next requests had: by path, their headers; the numbers of a path fall away."""
        heads = {}
        for _ in range(n):
            proto, path, header, trailer = json.loads(self.lines.get(timeout=60))
            assert proto == "HTTP/2.0", path
            heads.setdefault(path, []).append((header, trailer))
        return heads


@pytest.mark.parametrize("variant", VARIANTS)
def test_one_field_more(release, variant):
    """The same by HTTP/2."""
    skip_the_rest(release, variant)
    one_field_more(release, variant)


@pytest.mark.parametrize("version, go", [("v0.0.0-20211015210444-4f30a5c0130f", "1.17.13"), *test_spans_h2c.VERSIONS])
@pytest.mark.parametrize("variant", ["stripped", "race"])
def test_one_field_more_by_another_transport(version, go, variant):
    if (version, go) not in test_spans_h2c.QUICK and not gobuild.ALL:
        pytest.skip("in make check-all")
    one_field_more(go, variant, version)


def one_field_more(release, variant, xnet=None):
    with Http2() as server:
        said, _, _, _ = asked(server, LINES2, release, variant, xnet=xnet)
        assert said == [OK] * len(LINES2)
        plain = server.came(len(LINES2) + 1)
        said, _, spans, end = asked(server, LINES2, release, variant, [], xnet=xnet)
        assert said == [OK] * len(LINES2)
        heads = server.came(len(LINES2) + 1)
    assert sorted(plain) == sorted(heads) == sorted([*spans, "/odd/7"])
    for path in heads:
        (header, trailer), = heads[path]
        told = header.pop("Traceparent", None)
        assert (header, trailer) == (lambda h, t: ({k: v for k, v in h.items() if k != "Traceparent"}, t))(*plain[path][0])
        if path == "/odd/7":
            assert told == ["00-%s-%s-00" % ("3" * 32, "4" * 16)]
            continue
        s, = spans[path]
        if path == "/own/6":
            assert told == ["00-%s-%s-01" % ("1" * 32, "2" * 16)]
            assert (s["trace_id"], s["parent_span_id"]) == ("1" * 32, "2" * 16)
        elif told or not path.startswith("/shared"):
            assert told == of_spans([s]), path
    assert (end["unwritten"], end["unsampled"]) == (0, 1)


def test_many_at_once_by_http2(release):
    with Http2() as server:
        said, _, spans, end = asked(server, [("many", "/many")], release, options=[])
        assert said == [OK]
        heads = server.came(64 * 20)
    for path in heads:
        (header, _), = heads[path]
        assert header["Traceparent"] == of_spans(spans[path])
    assert len(heads) == 64 * 20 and end["unwritten"] == 0


PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
STATE = "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"


class Relay:
    """Sends on what it is sent, under `goshawk spans --json`."""

    def __init__(self, to, release, variant="stripped", env=None, options=()):
        self.spans = tempfile.NamedTemporaryFile()
        self.p = subprocess.Popen([goshawk.GOSHAWK, "spans", "--json", *options, "-o", self.spans.name, "--",
                                   gobuild.build("asking", release, variant), "relay", to], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        _, plain, tls = line_of(self.p.stdout, "ready").split()
        self.url = {1: "http://" + plain, 2: "https://" + tls}

    def send(self, protocol, *lines):
        """Paths and what these requests have as headers, by a client that nobody looks at."""
        done = subprocess.run([gobuild.build("asking", gobuild.NEWEST), self.url[protocol]], text=True, timeout=120,
                              input="".join("with %s\n" % line for line in lines), stdout=subprocess.PIPE)
        assert done.stdout.split("\n")[1:-1] == [OK] * len(lines)

    def end(self):
        _, self.said = self.p.communicate(timeout=60)
        assert self.p.returncode == 0, self.said
        return goshawk.read_lines(self.spans.name)[-1]

    def __enter__(self):
        return self

    def __exit__(self, *failed):
        if self.p.poll() is None:
            self.p.kill()
            self.p.communicate()
        self.spans.close()


def values(heads, path, name):
    """Of the one request for this path: of HTTP/1 the bytes, of HTTP/2 what the server said."""
    (head,), name = heads[path], name.lower()
    if isinstance(head, bytes):
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:-2]]
        return [v for n, v in lines if n.lower() == name]
    return [v for n, vs in head[0].items() if n.lower() == name for v in vs]


@pytest.mark.parametrize("protocol", [1, 2])
def test_tracestate_goes_on(release, protocol):
    """What came with a request goes out with the one that is sent while it is served, whole or not at all."""
    came = "traceparent:" + PARENT
    lines = ["/one %s tracestate:%s" % (came, STATE), "/two %s tracestate:a=1 tracestate:b=2" % came,
             "/most %s tracestate:a=%s" % (came, "x" * 510), "/more %s tracestate:a=%s" % (came, "x" * 511),
             "/none " + came, "/alone tracestate:a=1", "/last", "/own?Tracestate:x=y %s tracestate:a=1" % came,
             "/both?Tracestate:x=y&Traceparent:%s %s tracestate:a=1" % (PARENT.replace("0a", "0b"), came)]
    with (Server() if protocol == 1 else Http2()) as server, Relay(server.url, release) as relay:
        relay.send(protocol, *lines)
        end = relay.end()
        heads = server.heads if protocol == 1 else server.came(len(lines))
    told = {path: values(heads, path, "tracestate") for path in heads}
    assert told == {
        "/one": [STATE], "/two": ["a=1,b=2"] if protocol == 1 else [], "/most": ["a=" + "x" * 510], "/more": [],
        "/none": [], "/alone": [], "/last": [], "/own": ["x=y"], "/both": ["x=y"]}
    for path in told:
        parent, = values(heads, path, "traceparent")
        assert (parent[3:35] == PARENT[3:35]) == (path not in ["/alone", "/last", "/both"]), path
    assert end["unstated"] == (1 if protocol == 1 else 2)


def test_killed():
    """goshawk is killed at twenty moments while requests are served and sent: none fails, and the program lives."""
    failed, done, over = [], [0], threading.Event()

    def client(web, n):
        while not over.is_set():
            try:
                answer = web.get("/fan/%d" % n)
            except OSError as e:
                answer = e
            if answer != 201:
                failed.append(answer)
            done[0] += 1

    with Web(attach=True) as web, concurrent.futures.ThreadPoolExecutor(8) as pool:
        web.looker.kill()
        web.looker.communicate()
        for n in range(8):
            pool.submit(client, web, n)
        try:
            moments = random.Random(20)
            for _ in range(20):
                looker = subprocess.Popen([goshawk.GOSHAWK, "spans", "--otlp", "http://127.0.0.1:1", "-p", str(web.pid)],
                                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                time.sleep(moments.uniform(0, 0.3))
                looker.kill()
                looker.communicate()
                before = done[0]
                while done[0] < before + 16 and not failed:
                    time.sleep(0.001)
        finally:
            over.set()
        pool.shutdown()
        assert failed == [] and done[0] > 320
        web.looker = web.p
        web.p.communicate(timeout=60)
        assert web.p.returncode == 0


@pytest.mark.parametrize("options, env, flags", [
    (["--no-inject"], {}, None), ([], {"OTEL_PROPAGATORS": "none"}, None),
    ([], {"OTEL_TRACES_SAMPLER": "always_off"}, "00"), (["--engine", "uprobe"], {}, None),
])
def test_not_asked_for(options, env, flags):
    if "uprobe" in options and goshawk.why_no_bpf():
        pytest.skip("kernel probes are not permitted here")
    with Server() as server:
        said, heads, spans, _ = asked(server, [("get", "/1")], gobuild.NEWEST, options=options,
                                      env={"PATH": "/usr/bin:/bin", **env})
    assert said == [OK]
    assert [i[-2:] for i in ids(heads["/1"])] == ([flags] if flags else [])
    assert len(spans) == (not flags)
