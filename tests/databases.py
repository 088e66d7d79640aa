"""Servers that programs of the tests ask: as much of the protocols of PostgreSQL, MySQL, Redis and MongoDB as their clients need,
on loopback, in threads of the tests. Whatever mentions `refused` is an error; every query has one row."""

import socketserver
import struct
import threading


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self.port = self.server_address[1]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *failed):
        self.shutdown()
        self.thread.join()
        self.server_close()


class Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    wbufsize = -1  # answers go out when flushed


class Postgres(Handler):
    """https://www.postgresql.org/docs/15/protocol.html"""

    def say(self, kind, body=b""):
        self.wfile.write(kind + struct.pack("!i", len(body) + 4) + body)

    def columns(self, text):
        """One column of int4, where there are rows."""
        if not self.has_rows(text):
            return self.say(b"n")
        self.say(b"T", struct.pack("!h", 1) + b"id\0" + struct.pack("!ihihih", 0, 0, 23, 4, -1, self.format))

    def has_rows(self, text):
        return text.lstrip().upper().startswith("SELECT")

    def run(self, text):
        if self.has_rows(text):
            value = struct.pack("!i", 4711) if self.format else b"4711"
            self.say(b"D", struct.pack("!hi", 1, len(value)) + value)
        self.open = (self.open or text.upper().startswith("BEGIN")) and text.upper()[:6] not in ("COMMIT", "ROLLBA")
        verb = text.split(" ")[0].upper().rstrip(";")
        self.say(b"C", (verb if verb in ("BEGIN", "COMMIT", "ROLLBACK") else verb + " 1").encode() + b"\0")

    def ready(self):
        self.say(b"Z", b"T" if self.open else b"I")

    def refuse(self):
        self.say(b"E", b"SERROR\0VERROR\0C42P01\0Mno such table: canary\0\0")

    def string(self):
        text, self.body = self.body.split(b"\0", 1)
        return text.decode()

    def handle(self):
        while True:  # start-up: whoever asks for TLS has to do without
            n, code = struct.unpack("!ii", self.rfile.read(8))
            self.rfile.read(n - 8)
            if code == 196608:
                break
            self.wfile.write(b"N")
            self.wfile.flush()
        self.say(b"R", struct.pack("!i", 0))
        for name, value in [("server_version", "15.0"), ("client_encoding", "UTF8"), ("standard_conforming_strings", "on"),
                            ("DateStyle", "ISO, MDY"), ("TimeZone", "UTC"), ("integer_datetimes", "on")]:
            self.say(b"S", name.encode() + b"\0" + value.encode() + b"\0")
        self.say(b"K", struct.pack("!ii", 1, 1))
        self.open = False
        self.ready()
        self.wfile.flush()
        prepared, portal, failed, self.format = {}, "", False, 0
        while True:
            kind = self.rfile.read(1)
            if kind in (b"", b"X"):
                return
            n, = struct.unpack("!i", self.rfile.read(4))
            self.body = self.rfile.read(n - 4)
            if kind == b"S":
                failed = False
                self.ready()
            elif failed:
                continue
            elif kind == b"Q":
                text = self.string()
                self.format = 0
                if "refused" in text:
                    self.refuse()
                else:
                    if self.has_rows(text):
                        self.columns(text)
                    self.run(text)
                self.ready()
            elif kind == b"P":
                name, text = self.string(), self.string()
                failed = "refused" in text
                if failed:
                    self.refuse()
                else:
                    prepared[name] = text
                    self.say(b"1")
            elif kind == b"B":
                self.string()
                portal = prepared[self.string()]
                self.format = struct.unpack("!h", self.body[-2:])[0] if self.has_rows(portal) else 0
                self.say(b"2")
            elif kind == b"D":
                what, name = self.body[:1], self.body[1:-1].decode()
                if what == b"S":
                    text = prepared[name]
                    self.say(b"t", struct.pack("!h", text.count("$")) + struct.pack("!i", 25) * text.count("$"))
                    self.columns(text)
                else:
                    self.columns(portal)
            elif kind == b"E":
                self.run(portal)
            elif kind == b"C":
                self.say(b"3")
            self.wfile.flush()


class MySQL(Handler):
    """https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html"""

    def say(self, body):
        self.number = (self.number + 1) % 256
        self.wfile.write(struct.pack("<I", len(body))[:3] + bytes([self.number]) + body)

    def packet(self):
        head = self.rfile.read(4)
        if len(head) < 4:
            return b""
        self.number = head[3]
        return self.rfile.read(struct.unpack("<I", head[:3] + b"\0")[0])

    def ok(self):
        self.say(b"\0\0\0\x02\0\0\0")

    def query(self, text):
        if "refused" in text:
            return self.say(b"\xff" + struct.pack("<H", 1146) + b"#42S02no such table: canary")
        if not text.upper().startswith("SELECT"):
            return self.ok()
        end = b"\xfe\0\0\x02\0"
        self.say(b"\1")
        self.say(b"\3def\0\0\0\2id\2id\x0c" + struct.pack("<HIBHBH", 33, 11, 3, 0, 0, 0))
        self.say(end)
        self.say(b"\x044711")
        self.say(end)

    def handle(self):
        self.number = 255
        self.say(b"\n8.0.0\0" + struct.pack("<I", 1) + b"12345678\0" + struct.pack("<HBHHB", 0xa20d, 33, 2, 8, 21)
                 + b"\0" * 10 + b"123456789012\0" + b"mysql_native_password\0")
        self.wfile.flush()
        self.packet()
        self.ok()
        self.wfile.flush()
        while True:
            body = self.packet()
            if body[:1] in (b"", b"\1"):
                return
            if body[:1] == b"\3":
                self.query(body[1:].decode())
            else:
                self.ok()
            self.wfile.flush()


class Redis(Handler):
    """https://redis.io/docs/latest/develop/reference/protocol-spec/"""

    def handle(self):
        queued = None
        while True:
            head = self.rfile.readline()
            if not head:
                return
            words = []
            for _ in range(int(head[1:])):
                n = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(n + 2)[:-2].decode())
            command = words[0].upper()
            if command == "MULTI":
                queued, answer = [], b"+OK\r\n"
            elif command == "EXEC":
                answer, queued = b"*%d\r\n%s" % (len(queued), b"".join(queued)), None
            else:
                answer = self.answer(command, words)
                if queued is not None:
                    queued.append(answer)
                    answer = b"+QUEUED\r\n"
            self.wfile.write(answer)
            self.wfile.flush()

    def answer(self, command, words):
        if command == "HELLO":
            return b"-ERR unknown command 'HELLO'\r\n"
        if any("refused" in w for w in words):
            return b"-WRONGTYPE canary\r\n"
        if any("missing" in w for w in words):
            return b"$-1\r\n"
        if command == "GET":
            return b"$6\r\ncanary\r\n"
        if command == "INCR":
            return b":1\r\n"
        if command == "CONFIG":
            return b"*0\r\n"
        return b"+OK\r\n"


class MongoDB(Handler):
    """https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/, https://bsonspec.org"""

    def read(self, body, at=0):
        """A document as a dict, and where it ends. Of values only those are read that matter here."""
        to, end = {}, at + struct.unpack_from("<i", body, at)[0]
        at += 4
        while body[at]:
            kind, zero = body[at], body.index(0, at)
            name, at = body[at + 1:zero].decode(), zero + 1
            if kind == 2:
                n, = struct.unpack_from("<i", body, at)
                to[name], at = body[at + 4:at + 3 + n].decode(), at + 4 + n
            elif kind in (3, 4):
                to[name], at = self.read(body, at)
            elif kind == 5:
                to[name], at = None, at + 5 + struct.unpack_from("<i", body, at)[0]
            else:
                to[name], at = None, at + {1: 8, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8}[kind]
        return to, end

    def written(self, document):
        def element(name, v):
            def as_is(kind, value):
                return kind + name.encode() + b"\0" + value
            if isinstance(v, bool):
                return as_is(b"\x08", bytes([v]))
            if isinstance(v, int):
                return as_is(b"\x10", struct.pack("<i", v)) if name != "id" else as_is(b"\x12", struct.pack("<q", v))
            if isinstance(v, bytes):
                return as_is(b"\5", struct.pack("<iB", len(v), 0) + v)
            if isinstance(v, str):
                return as_is(b"\2", struct.pack("<i", len(v) + 1) + v.encode() + b"\0")
            if isinstance(v, list):
                return as_is(b"\4", self.written({str(i): e for i, e in enumerate(v)}))
            return as_is(b"\3", self.written(v)) if v is not None else as_is(b"\n", b"")
        body = b"".join(element(*e) for e in document.items()) + b"\0"
        return struct.pack("<i", len(body) + 4) + body

    def handle(self):
        while True:
            head = self.rfile.read(16)
            if len(head) < 16:
                return
            n, request, _, code = struct.unpack("<iiii", head)
            body = self.rfile.read(n - 16)
            silent = False
            if code == 2004:  # OP_QUERY, for the first question
                command, _ = self.read(body, body.index(0, 4) + 9)
                answer, before = 1, struct.pack("<iqii", 8, 0, 0, 1)
            else:
                assert code == 2013 and body[4] == 0, "OP_MSG is what is known"
                silent = body[0] & 2  # moreToCome
                command, end = self.read(body, 5)
                if end < len(body) and body[end] == 1:  # documents behind the command
                    zero = body.index(0, end + 5)
                    command[body[end + 5:zero].decode()] = {"0": self.read(body, zero + 1)[0]}
                answer, before = 2013, struct.pack("<iB", 0, 0)
            reply = before + self.written(self.answer(command))
            if not silent:
                self.wfile.write(struct.pack("<iiii", 16 + len(reply), 0, request, answer) + reply)
                self.wfile.flush()

    def answer(self, command):
        name, of = next(iter(command.items()))
        self.server.seen.append(name)
        ok, at = {"ok": 1}, "%s.%s" % (command.get("$db"), of)
        if name.lower() in ("ismaster", "hello"):  # mongos: it knows sessions, transactions and retries
            return {"ismaster": True, "msg": "isdbgrid", "minWireVersion": 0, "maxWireVersion": 17, "logicalSessionTimeoutMinutes": 30,
                    "maxBsonObjectSize": 1 << 24, "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 100000, "ok": 1}
        if name == "saslStart":
            return {"conversationId": 1, "done": True, "payload": b"", "ok": 1}
        if of == "once" and self.server.seen.count(name + " once") == 0:
            self.server.seen.append(name + " once")
            return {"ok": 0, "code": 6, "errmsg": "canary", "errorLabels": ["RetryableWriteError"]}
        if of == "unsafe":
            return {"ok": 1, "n": 1, "writeConcernError": {"code": 64, "errmsg": "canary"}}
        if of == "refused" and name == "insert":
            return {"ok": 1, "n": 0, "writeErrors": [{"index": 0, "code": 11000, "errmsg": "canary"}]}
        if of == "refused":
            return {"ok": 0, "code": 59, "errmsg": "canary", "codeName": "Canary"}
        if name == "getMore":
            return {"cursor": {"id": 0, "ns": at, "nextBatch": [{"secret": "canary"}]}, "ok": 1}
        if name in ("find", "aggregate", "listIndexes", "listCollections"):
            some = [] if "missing" in (command.get("filter") or {}) else [{"n": 1, "name": "canary"}]
            stream = "$changeStream" in str(command.get("pipeline"))
            again = name == "find" and "limit" not in command or stream
            return {"cursor": {"id": 4711 if again else 0, "ns": at, "firstBatch": [] if stream else some}, "ok": 1}
        if name == "bulkWrite":
            return {"cursor": {"id": 0, "ns": at, "firstBatch": []}, "nErrors": 0, "nInserted": 1, "ok": 1}
        if name == "createSearchIndexes":
            return {"indexesCreated": [{"id": "canary", "name": "canary"}], "ok": 1}
        if name == "findAndModify":
            return {"value": None if "missing" in command["query"] else {"secret": "canary"}, "ok": 1}
        if name == "distinct":
            return {"values": ["canary"], "ok": 1}
        if name == "listDatabases":
            return {"databases": [{"name": "canary", "sizeOnDisk": 1, "empty": False}], "totalSize": 1, "ok": 1}
        return dict(ok, n=1, nModified=1)


def postgres():
    return Server(Postgres)


def mysql():
    return Server(MySQL)


def redis():
    return Server(Redis)


def mongodb():
    server = Server(MongoDB)
    server.seen = []  # names of commands
    return server
