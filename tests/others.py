"""Programs that others built: from Debian, from npm, from the Go module proxy. None of them is in the tree."""

import functools
import json
import os
import pathlib
import shutil
import subprocess

import pytest

import gobuild
import goshawk

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "goshawk"


def debian(name):
    """One that is installed, or that tools/setup.sh has unpacked because its package starts a service."""
    unpacked = [str(p) for p in CACHE.glob("debian/*/usr/*bin")]
    found = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", *unpacked]))
    if not found:
        pytest.skip("%s is not here: tools/setup.sh all gets it" % name)
    return found


@functools.lru_cache(maxsize=None)
def npm(package, version, path):
    """The file in an npm package that is a Go program."""
    to = CACHE / "npm" / ("%s-%s" % (package.replace("/", "-").strip("@"), version))
    program = to / "node_modules" / package / path
    if program.exists():
        return str(program)
    if not shutil.which("npm"):
        pytest.skip("npm, which would get %s, is not installed" % package)
    if os.environ.get("SETUP") == "no":
        pytest.skip("%s is not here, and SETUP=no" % package)
    new = to.with_name(to.name + ".%d" % os.getpid())
    new.mkdir(parents=True)
    done = subprocess.run(["npm", "install", "--prefix", str(new), "--no-audit", "--no-fund", "--ignore-scripts",
                           "%s@%s" % (package, version)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=600)
    if done.returncode == 0 and not to.exists():
        new.rename(to)
    shutil.rmtree(new, ignore_errors=True)
    if not program.exists():
        pytest.skip("no %s: %s" % (package, done.stdout.strip()[-200:]))
    return str(program)


@functools.lru_cache(maxsize=None)
def proxied(package, version, release=gobuild.NEWEST):
    """A command that `go install` gets through the module proxy and builds."""
    to = gobuild.OUT / release / ("%s-%s" % (package.replace("/", "-"), version))
    program = to / package.split("/")[-1]
    with gobuild.missing(program) as is_missing:
        if not is_missing:
            return str(program)
        if os.environ.get("SETUP") == "no":
            pytest.skip("%s is not here, and SETUP=no" % package)
        go, new = gobuild.goroot(release) / "bin" / "go", to / "new"
        env = gobuild.environment(release, False, GOBIN=str(new))
        done = subprocess.run([go, "install", "%s@%s" % (package, version)], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
        if done.returncode:
            pytest.skip("no %s: %s" % (package, done.stdout.strip()[-200:]))
        (new / program.name).rename(program)
    return str(program)


@functools.lru_cache(maxsize=None)
def module(program, release, *flags, source=None, requires=(), cgo=False):
    """tests/go/PROGRAM, or what another folder has, which needs modules from the proxy; its go.sum is made anew each time.
    `requires`: "MODULE@VERSION" in the place of what its go.mod says."""
    source = source or gobuild.ROOT / "tests" / "go" / program
    to = gobuild.OUT / release / ("%s-%s" % (program, gobuild.hash_of(source, flags, *requires)))
    with gobuild.missing(to) as is_missing:
        if is_missing:
            if os.environ.get("SETUP") == "no":
                pytest.skip("the modules of %s are not here, and SETUP=no" % program)
            build_module(to, source, release, flags, requires, cgo)
    return str(to)


def build_module(to, source, release, flags, requires, cgo):
    folder = to.with_name(to.name + ".%d" % os.getpid())
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    go = gobuild.goroot(release) / "bin" / "go"
    if requires:
        subprocess.run([go, "mod", "edit", *("-require=" + r for r in requires)], cwd=folder, check=True,
                       env=gobuild.environment(release, False))
    done = subprocess.run([go, "build", "-mod=mod", *flags, "-o", folder / "built", "."], cwd=folder,
                          env=gobuild.environment(release, cgo or "-race" in flags), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
    if done.returncode == 0:
        (folder / "built").rename(to)
    shutil.rmtree(folder)
    if done.returncode:
        pytest.skip("no %s: %s" % (to.name, done.stdout.strip()[-200:]))


TOOL = "github.com/alibaba/opentelemetry-go-auto-instrumentation"


@functools.lru_cache(maxsize=None)
def instrumented(version, command, *flags):
    """tests/go/instrumented, built by that release of the tool; `command` is its folder there. Go 1.22 is what it was made for."""
    source, release = gobuild.ROOT / "tests" / "go" / "instrumented", "1.22.12"
    to = gobuild.OUT / release / ("instrumented-%s" % gobuild.hash_of(source, version, flags))
    if to.exists():
        return str(to)
    if os.environ.get("SETUP") == "no":
        pytest.skip("the instrumentation tool %s is not here, and SETUP=no" % version)
    folder = to.with_name(to.name + ".%d" % os.getpid())
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder / "service")
    (folder / "tool").mkdir()
    (folder / "tool" / "go.mod").write_text(
        "module tool\ngo 1.22\nrequire %s %s\nrequire %s/test/verifier v0.0.0\nreplace %s/test/verifier => ../service/verifier\n" % (
            TOOL, version, TOOL, TOOL))
    go = gobuild.goroot(release) / "bin"
    # a build cache of its own: the tool changes the standard library under the names that other builds look for
    env = gobuild.environment(release, True, PATH="%s:%s" % (go, os.environ["PATH"]))
    for where, of_its_own, args in (
            ("tool", {}, [go / "go", "build", "-mod=mod", "-o", folder / "otel", TOOL + "/" + command]),
            ("service", {"GOCACHE": str(folder / "cache")}, [folder / "otel", "go", "build", *flags, "-o", folder / "built", "."])):
        done = subprocess.run(args, cwd=folder / where, env=dict(env, **of_its_own), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
        if done.returncode:
            break
    if done.returncode == 0:
        (folder / "built").rename(to)
    shutil.rmtree(folder)
    if done.returncode:
        pytest.skip("no service by the instrumentation tool %s: %s" % (version, done.stdout.strip()[-300:]))
    return str(to)


@functools.lru_cache(maxsize=None)
def module_file(name, version, path):
    """The text of a file in a module, from the proxy."""
    if os.environ.get("SETUP") == "no":
        pytest.skip("%s is not here, and SETUP=no" % name)
    done = subprocess.run([gobuild.goroot(gobuild.NEWEST) / "bin" / "go", "mod", "download", "-json",
                           "%s@%s" % (name, version)], env=gobuild.environment(gobuild.NEWEST, False),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=300)
    if done.returncode:
        pytest.skip("no %s: %s" % (name, done.stdout.strip()[-200:]))
    return (pathlib.Path(json.loads(done.stdout[done.stdout.index("{"):])["Dir"]) / path).read_text()


def traceable(program, patterns):
    """How many of its functions these patterns trace."""
    listed = goshawk.run("funcs", "--json", program, *patterns, timeout=300)
    return listed.out.count('"probe":"ok"')
