"""Go programs for the tests: built once per release and variant, found again by their sources' hash."""

import contextlib
import fcntl
import functools
import hashlib
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "tests" / "go"

RELEASES, SOME_RELEASES = [], []  # tools/releases: all of them, and those of `make check`
for line in (ROOT / "tools" / "releases").read_text().splitlines():
    if line and not line.startswith("#"):
        release, *marks = line.split()
        RELEASES.append(release)
        if "quick" in marks:
            SOME_RELEASES.append(release)
NEWEST = RELEASES[-1]
ENDS = RELEASES[0], NEWEST  # for what `make check` has no time to see three times
ALL = os.environ.get("GOSHAWK_RELEASES") == "all"  # `make check-all`

# What the variants of one program add to `go build`, and whether they need cgo.
VARIANTS = {
    "plain": ([], False),
    "stripped": (["-ldflags=-s -w"], False),
    "unoptimised": (["-gcflags=-N -l"], False),
    "pie": (["-buildmode=pie"], False),
    "trimpath": (["-trimpath"], False),
    "race": (["-race"], True),
    "cgo": (["-tags=cgoseed"], True),
    "cgo-stripped": (["-tags=cgoseed", "-ldflags=-s -w"], True),
    "cgo-pie": (["-tags=cgoseed", "-buildmode=pie"], True),
    "external": (["-ldflags=-linkmode=external -s -w"], True),  # by the C linker
    "external-pie": (["-ldflags=-linkmode=external", "-buildmode=pie"], True),
}


@functools.lru_cache(maxsize=None)
def goroot(release):
    """The GOROOT of a release; tools/go-toolchain.sh fetches it if it is not there yet."""
    tool = ROOT / "tools" / "go-toolchain.sh"
    done = subprocess.run([tool, release], text=True, stdout=subprocess.PIPE)
    if done.returncode and os.environ.get("SETUP") == "no":
        pytest.skip("Go %s is not here, and SETUP=no" % release)
    assert done.returncode == 0, "no Go %s (tools/go-toolchain.sh says why)" % release
    return pathlib.Path(done.stdout.strip())


def minor(release):
    return int(release.split(".")[1])


def environment(release, cgo, **more):
    """What a `go` command sees: only its own toolchain, and none of the user's settings."""
    env = dict(os.environ, GOROOT=str(goroot(release)), GOTOOLCHAIN="local", GOENV="off", GOFLAGS="",
               GOWORK="off", CGO_ENABLED="1" if cgo else "0", GODEBUG="goindex=0")
    if minor(release) >= 18:
        env["GOFLAGS"] = "-buildvcs=false"
    env.update(more)
    return env


def hash_of(*things):
    h = hashlib.sha256()
    for t in things:
        h.update(repr(t).encode())
        if isinstance(t, pathlib.Path):
            for f in sorted(p for p in t.rglob("*") if p.is_file()):
                h.update(str(f.relative_to(t)).encode())
                h.update(f.read_bytes())
    return h.hexdigest()[:16]


@contextlib.contextmanager
def missing(to, lock=None):
    """Whether `to` has to be made, under a lock: several processes run tests, and share this folder.
    What is there is used at once, whatever others make meanwhile; so it must come by a rename."""
    to.parent.mkdir(parents=True, exist_ok=True)
    if to.exists():
        yield False
        return
    with open(lock or str(to) + ".lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield not to.exists()


def put(path, text):
    """A file with this text: whoever reads it meanwhile has the whole of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        new = path.parent.with_name("%s.%d" % (path.name, os.getpid()))  # a build takes all that is in the folder
        new.write_text(text)
        os.rename(new, path)


def go(release, args, to, cwd, cgo=False, key=(), **env):
    """Runs `go ARGS -o TO` unless TO is there already; `key` says what else it is made from."""
    to = OUT / release / (to + "-" + hash_of(args, cgo, sorted(env.items()), *key))
    # one at a time compiles the standard library in that way
    library = [a for a in args if a.startswith("-") and a != "-c" and not a.startswith(("-ldflags", "-tags"))]
    with missing(to, to.with_name("lock-" + hash_of(library, cgo, sorted(env.items())))) as is_missing:
        if is_missing:
            new = str(to) + ".new"
            command = [goroot(release) / "bin" / "go", args[0], "-o", new, *args[1:]]
            done = subprocess.run(command, cwd=cwd, env=environment(release, cgo, **env), text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            assert done.returncode == 0, "go %s (%s):\n%s" % (" ".join(args), release, done.stdout)
            os.rename(new, to)
    return to


def build(program, release, variant="plain", source=None):
    """tests/go/PROGRAM, or what another folder has, built by a release in one of the VARIANTS."""
    source = source or ROOT / "tests" / "go" / program
    args, cgo = VARIANTS[variant]
    return go(release, ["build", *args, "."], program + "-" + variant, source, cgo, key=(source,))


def std_test(package, release, *flags):
    """The test binary of a package of the standard library."""
    where = goroot(release) / "src" / package
    return go(release, ["test", "-c", *flags, package], "test-" + package.replace("/", "-"), where)
