"""PostgreSQL and Redis as Debian has them, started for tests: on loopback, in a folder of their own, with the password `canary`."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

import others
from attaching import line_of

NOT_HERE = "%s is not here: tools/setup.sh all gets it"


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
    """The folder of its programs."""
    for place in others.CACHE / "debian" / "postgresql-15" / "usr/lib/postgresql", pathlib.Path("/usr/lib/postgresql"):
        for found in place.glob("*/bin/initdb"):
            return found.parent
    pytest.skip(NOT_HERE % "PostgreSQL")


def not_as_root():
    """PostgreSQL won't run as root: then as another user, in a name space where that one owns what root owns outside."""
    if os.geteuid():
        return []
    command = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    if subprocess.run([*command, "true"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("PostgreSQL won't run as root, and name spaces of users are not permitted here")
    return command


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
    """`commands`, each a list of words, are what it is told at first. redis-server is that name of the program redis-check-rdb, which is in the package that starts no service."""
    program = shutil.which("redis-server") or shutil.which("redis-check-rdb") or pytest.skip(NOT_HERE % "Redis")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        with Server(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--requirepass", "canary",
                     "--dir", folder], "Ready to accept connections", port, executable=program) as server:
            tell(port, [["AUTH", "canary"], *commands])
            yield server
