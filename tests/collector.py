"""A collector of OpenTelemetry for tests: it keeps what it is sent, and misbehaves as it is told to."""

import email.utils
import gzip
import http.server
import json
import struct
import threading
import time

# opentelemetry-proto 1.3: number -> name, type; a message is a dictionary. "*" is a list.
VALUE = {1: ("stringValue", "text"), 2: ("boolValue", "bool"), 3: ("intValue", "int"), 4: ("doubleValue", "double")}
PAIR = {1: ("key", "text"), 2: ("value", VALUE)}
EVENT = {1: ("timeUnixNano", "fixed"), 2: ("name", "text"), 3: ("*attributes", PAIR)}
LINK = {1: ("traceId", "hex"), 2: ("spanId", "hex"), 3: ("traceState", "text"), 6: ("flags", "fixed32")}
SPAN = {1: ("traceId", "hex"), 2: ("spanId", "hex"), 3: ("traceState", "text"), 4: ("parentSpanId", "hex"), 5: ("name", "text"),
        6: ("kind", "number"), 7: ("startTimeUnixNano", "fixed"), 8: ("endTimeUnixNano", "fixed"), 9: ("*attributes", PAIR),
        11: ("*events", EVENT), 12: ("droppedEventsCount", "number"), 13: ("*links", LINK),
        15: ("status", {2: ("message", "text"), 3: ("code", "number")}), 16: ("flags", "fixed32")}
SCOPE = {1: ("scope", {1: ("name", "text")}), 2: ("*spans", SPAN), 3: ("schemaUrl", "text")}
RESOURCE = {1: ("*attributes", PAIR)}
TRACES = {1: ("*resourceSpans", {1: ("resource", RESOURCE), 2: ("*scopeSpans", SCOPE), 3: ("schemaUrl", "text")})}
EXEMPLAR = {2: ("timeUnixNano", "fixed"), 3: ("asDouble", "double"), 4: ("spanId", "hex"), 5: ("traceId", "hex")}
NUMBER = {2: ("startTimeUnixNano", "fixed"), 3: ("timeUnixNano", "fixed"), 6: ("asInt", "fixed"), 7: ("*attributes", PAIR)}
POINT = {2: ("startTimeUnixNano", "fixed"), 3: ("timeUnixNano", "fixed"), 4: ("count", "fixed"), 5: ("sum", "double"),
         6: ("bucketCounts", "packed fixed"), 7: ("explicitBounds", "packed double"), 8: ("*exemplars", EXEMPLAR), 9: ("*attributes", PAIR), 11: ("min", "double"),
         12: ("max", "double")}
METRIC = {1: ("name", "text"), 2: ("description", "text"), 3: ("unit", "text"),
          7: ("sum", {1: ("*dataPoints", NUMBER), 2: ("aggregationTemporality", "number"), 3: ("isMonotonic", "bool")}),
          9: ("histogram", {1: ("*dataPoints", POINT), 2: ("aggregationTemporality", "number")})}
METRICS = {1: ("*resourceMetrics", {1: ("resource", RESOURCE),
                                    2: ("*scopeMetrics", {1: ("scope", {1: ("name", "text")}), 2: ("*metrics", METRIC),
                                                         3: ("schemaUrl", "text")}),
                                    3: ("schemaUrl", "text")})}


def varint(b, at):
    v = shift = 0
    while True:
        v |= (b[at] & 0x7f) << shift
        shift += 7
        at += 1
        if not b[at - 1] & 0x80:
            return v, at


def decode(b, fields):
    """A message of protobuf as its JSON would be. Fields that are not known are an error."""
    to, at = {}, 0
    while at < len(b):
        tag, at = varint(b, at)
        name, kind = fields[tag >> 3]
        if tag & 7 == 0:
            v, at = varint(b, at)
            v = {"bool": bool(v), "number": v, "int": str(v - (1 << 64) if v >> 63 else v)}[kind]
        elif tag & 7 == 1:
            v, at = b[at:at + 8], at + 8
            v = str(struct.unpack("<Q", v)[0]) if kind == "fixed" else struct.unpack("<d", v)[0]
        elif tag & 7 == 5:
            v, at = struct.unpack("<I", b[at:at + 4])[0], at + 4
            assert kind == "fixed32"
        else:
            assert tag & 7 == 2
            n, at = varint(b, at)
            v, at = b[at:at + n], at + n
            assert len(v) == n
            if kind == "packed fixed":
                v = [str(x) for x in struct.unpack("<%dQ" % (n // 8), v)]
            elif kind == "packed double":
                v = list(struct.unpack("<%dd" % (n // 8), v))
            else:
                v = v.decode() if kind == "text" else v.hex() if kind == "hex" else decode(v, kind)
        if name[0] == "*":
            to.setdefault(name[1:], []).append(v)
        else:
            to[name] = v
    return to


class Request:
    def __init__(self, handler):
        self.path, self.headers, self.time = handler.path, handler.headers, time.monotonic()
        self.raw = handler.rfile.read(int(handler.headers["Content-Length"]))
        body = gzip.decompress(self.raw) if self.headers["Content-Encoding"] == "gzip" else self.raw
        of = METRICS if "metrics" in self.path else TRACES
        self.message = json.loads(body) if self.headers["Content-Type"] == "application/json" else decode(body, of)

    @property
    def spans(self):
        return [s for r in self.message.get("resourceSpans", []) for c in r["scopeSpans"] for s in c["spans"]]

    @property
    def metrics(self):
        return {m["name"]: m for r in self.message.get("resourceMetrics", []) for c in r["scopeMetrics"] for m in c["metrics"]}

    @property
    def numbers(self):
        return [int(a["value"]["intValue"]) for s in self.spans for a in s["attributes"] if a["key"] == "number"]


# What it does with a request: functions of the handler.

def answer(status=200, body=b"", type="application/x-protobuf", **headers):
    def does(h):
        h.send_response(status)
        h.send_header("Content-Type", type)
        h.send_header("Content-Length", str(len(body)))
        for k, v in headers.items():
            h.send_header(k.replace("_", "-"), v)
        h.end_headers()
        h.wfile.write(body)
    return does


def http_date(seconds_from_now):
    return email.utils.formatdate(time.time() + seconds_from_now, usegmt=True)


def closes(h):
    h.close_connection = True


def closes_in_the_middle(h):
    h.wfile.write(b"HTTP/1.1 503 Service Unav")
    h.close_connection = True


def breaks_off(h):
    """A yes, of whose rest the end is missing: some of it might have been refused."""
    h.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 100\r\n\r\n\x0a\x00\x0a")
    h.close_connection = True


def endless(h):
    """An answer without an end: until nobody reads it any more."""
    h.send_response(200)
    h.end_headers()
    h.close_connection = True
    try:
        for _ in range(16 << 10):
            h.wfile.write(b"x" * (64 << 10))
    except OSError:
        h.server.collector.stopped.set()


def silent(h):
    """No answer, as long as the test runs."""
    h.close_connection = True
    h.server.collector.over.wait(30)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self):
        c = self.server.collector
        request = Request(self)
        with c.changed:
            does = c.behaviours.pop(0) if c.behaviours else c.otherwise
            c.requests.append(request)
            c.changed.notify_all()
        does(self)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # connections that break are what is tested


class Collector:
    def __init__(self, *behaviours, otherwise=answer(), tls=None, port=0):
        self.behaviours, self.otherwise = list(behaviours), otherwise
        self.requests, self.changed = [], threading.Condition()
        self.stopped, self.over = threading.Event(), threading.Event()
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.collector = self
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.url = "%s://127.0.0.1:%d" % ("https" if tls else "http", self.port)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()

    def wait(self, n, seconds=20):
        """The first n requests, when they are there."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.requests) >= n, seconds), "%d of %d requests" % (len(self.requests), n)
            return self.requests[:n]

    def of(self, path):
        """The requests for it."""
        return [r for r in self.requests if r.path == path]

    @property
    def numbers(self):
        return sorted(n for r in self.requests for n in r.numbers)
