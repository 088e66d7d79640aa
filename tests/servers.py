"""PostgreSQL and Redis as Debian has them, started for tests: on loopback, in folders of their own, with the password `canary`."""

import contextlib
import functools
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

import others
from attaching import line_of


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A program that says `ready` on one of its lines once it listens."""

    def __init__(self, command, ready, port, **how):
        self.port = port
        self.p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  bufsize=0, **how)
        said = b""
        while ready not in said.decode():
            line = line_of(self.p.stdout, ready)
            said += line
            assert line, said.decode()

    def __enter__(self):
        return self

    def __exit__(self, *failed):
        self.p.send_signal(signal.SIGINT)  # by SIGTERM, PostgreSQL would wait for its clients to go
        try:
            self.p.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.communicate()


def of_postgres():
    """The folder of its programs, or None."""
    for place in others.CACHE / "debian" / "postgresql-15" / "usr/lib/postgresql", pathlib.Path("/usr/lib/postgresql"):
        for found in place.glob("*/bin/initdb"):
            return found.parent
    return None


def of_redis():
    """redis-server is another name of this program, which is in a package that starts no service. None: it is not here."""
    return shutil.which("redis-server") or shutil.which("redis-check-rdb")


def not_as_root():
    """PostgreSQL won't run as root: then as another user, in a name space where that one owns what root owns outside."""
    return [] if os.geteuid() else ["unshare", "--user", "--map-user=1000", "--map-group=1000"]


@functools.lru_cache(maxsize=None)
def why_not():
    """None if both can be had here, else the reason."""
    if not of_postgres() or not of_redis():
        return "PostgreSQL or Redis is not here: tools/setup.sh all gets them"
    if subprocess.run([*not_as_root(), "true"], stderr=subprocess.DEVNULL).returncode:
        return "PostgreSQL won't run as root, and name spaces of users are not permitted here"
    return None


@contextlib.contextmanager
def postgres(database, statements):
    """`statements`, each on a line, are what the database begins with."""
    programs, user = of_postgres(), not_as_root()
    with tempfile.TemporaryDirectory() as folder:
        def run(program, *args, say=""):
            done = subprocess.run([*user, programs / program, *args], cwd=folder, input=say, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
            assert done.returncode == 0 and "ERROR" not in done.stdout, done.stdout[-2000:]

        data = pathlib.Path(folder) / "data"
        (data.parent / "password").write_text("canary")
        run("initdb", "--no-sync", "--no-locale", "--encoding=UTF8", "--username=canary", "--pwfile=" + folder + "/password",
            "--auth=scram-sha-256", "-D", data)
        run("postgres", "--single", "-D", data, "postgres", say="CREATE DATABASE %s\n" % database)
        run("postgres", "--single", "-D", data, database, say=statements)
        port = free_port()
        with Server([*user, programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder, "-F"],
                    "ready to accept connections", port) as server:
            yield server


def tell(port, commands):
    """Commands of Redis; the first that fails is an error."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as s, s.makefile("rb") as answers:
        for words in commands:
            s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in map(str.encode, words)))
            answer = answers.readline()
            assert answer[:1] in b"+:" and answer, (words, answer)


@contextlib.contextmanager
def redis(*commands):
    """`commands`, each a list of words, are what it is told at first."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        with Server(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--requirepass", "canary",
                     "--hz", "500", "--dir", folder], "Ready to accept connections", port, executable=of_redis()) as server:
            tell(port, [["AUTH", "canary"], *commands])
            yield server
