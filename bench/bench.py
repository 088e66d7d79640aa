"""Prints the table of run.sh: what, measured, goal."""

import contextlib
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import gobuild  # noqa: E402
import goshawk  # noqa: E402
import others as modules  # noqa: E402

HUGO = "/usr/bin/hugo"


def row(what, measured, goal=""):
    print("%-58s %16s   %s" % (what, measured, goal))
    sys.stdout.flush()


def loop(release=gobuild.NEWEST):
    source = ROOT / "bench" / "loop"
    return gobuild.go(release, ["build", "."], "bench-loop", source, key=(source,))


def numbers(text):
    """What the loop prints: nanoseconds for each call of the traced, and of the untraced function."""
    traced, bare = text.split()[-2:]
    return float(traced), float(bare)


def run_loop(program, bursts, calls, pause, threads=1, before=(), timeout=300):
    done = subprocess.run([*before, str(program), str(bursts), str(calls), pause, str(threads)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
    if done.returncode:
        raise RuntimeError(" ".join((done.stderr.strip() or done.stdout.strip()).split())[:200])
    return numbers(done.stdout)


def traced_loop(tmp, options, threads=1, times=3, calls=20000):
    """Cost of a traced call beyond the untraced one: the best of three runs, because what else runs on the
    machine only ever adds to it."""
    return min(traced_once(tmp, options, threads, calls) for _ in range(times))


def traced_once(tmp, options, threads, calls):
    """Nothing may be lost, or it was no record that was paid for."""
    out = tmp / "out.json"
    traced, bare = run_loop(loop(), 40, calls, "150ms", threads,
                            before=[goshawk.GOSHAWK, "trace", "--json", "-o", out, *options, "main.target", "--"])
    end = goshawk.read_lines(out)[-1]
    if end["lost"]:
        raise RuntimeError("%d records were lost" % end["lost"])
    return traced - bare


def calls(tmp):
    plain, bare = run_loop(loop(), 40, 20000, "1ms")
    row("a call, untraced", "%.1f ns" % plain)
    entry = traced_loop(tmp, ["--entry"])
    row("inline: entry, one integer and one string", "%.1f ns" % entry, "<= 15 ns")
    both = traced_loop(tmp, [])
    row("inline: entry and return, with results", "%.1f ns" % both, "<= 30 ns, goal 25")
    row("inline: entry and return, with an --if that is false", "%.1f ns" % traced_loop(tmp, ["--if", "n < 0"]), "<= 8 ns")
    row("inline: the same of a text of that length",
        "%.1f ns" % traced_loop(tmp, ["--if", 'name == "some name or othes"']))
    count = traced_loop(tmp, ["--count"])
    row("inline: --count", "%.1f ns" % count, "<= 10 ns")
    if len(os.sched_getaffinity(0)) >= 2:
        two = traced_loop(tmp, [], threads=2)
        row("inline: entry and return on two threads at once, each", "%.1f ns" % two)
    row("inline: entry and return, by eight threads", "%.1f ns" % traced_loop(tmp, [], threads=8, calls=4000))
    return entry, both, count


def probes(tmp):
    """The other engine, on fewer calls: each of its sites is a trap into the kernel."""
    if goshawk.why_no_bpf():
        row("uprobe: entry and return, with results", "-", "skipped: %s" % goshawk.why_no_bpf())
        return
    for what, options in (("entry and return, with results", []), ("the same, with an --if that is false", ["--if", "n < 0"])):
        row("uprobe: %s" % what, "%.0f ns" % traced_loop(tmp, ["--engine", "uprobe", *options], calls=300))


BPFTRACE = {
    "counted": ("@calls = count();", "--count"),
    "one integer and one string": ('@calls = count(); printf("%d %s\\n", reg("ax"), str(reg("bx"), reg("cx")));', "entry"),
}


def others(tmp, entry, both, count):
    """Tracers that stop in the kernel for each event; a small program is enough to see what that costs."""
    for what, (action, same) in BPFTRACE.items():
        if not shutil.which("bpftrace"):
            row("bpftrace: uprobe at entry, " + what, "-", "skipped: bpftrace is not installed")
            continue
        try:
            hit = bpftrace_cost(tmp, action)
            times = hit / (count if same == "--count" else entry)
            row("bpftrace: uprobe at entry, " + what, "%.0f ns" % hit, "%.0f times goshawk's %s, goal 500" % (times, same))
        except (RuntimeError, subprocess.TimeoutExpired, ValueError) as e:
            row("bpftrace: uprobe at entry, " + what, "-", "skipped: %s" % e)
    if not shutil.which("uftrace"):
        row("uftrace of a C program", "-", "skipped: uftrace is not installed")
    else:
        try:
            row("uftrace of a C program: entry and return, no arguments", "%.1f ns" % uftrace_cost(tmp))
        except (RuntimeError, subprocess.SubprocessError, ValueError) as e:
            row("uftrace of a C program", "-", "skipped: %s" % e)
    if not shutil.which("dlv"):
        row("dlv trace", "-", "skipped: delve is not installed")
    else:
        try:
            hit = delve_cost()
            row("dlv trace: entry and return", "%.0f ns" % hit, "%.0f times goshawk's" % (hit / both))
        except (RuntimeError, subprocess.TimeoutExpired, ValueError) as e:
            row("dlv trace: entry and return", "-", "skipped: %s" % e)


def uftrace_cost(tmp):
    """A tracer of C programs that are built for it (-pg), on the same function in C."""
    program = tmp / "loop"
    subprocess.run(["gcc", "-O2", "-pg", "-o", str(program), str(ROOT / "bench" / "loop.c")], check=True)
    done = subprocess.run(["uftrace", "record", "-F", "target", "-d", str(tmp / "uftrace"), str(program), "40", "20000"],
                          text=True, timeout=120, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise RuntimeError(" ".join((done.stderr or done.stdout).split())[:160])
    traced, bare = numbers(done.stdout)
    return traced - bare


def bpftrace_cost(tmp, action):
    """It writes what it sees to a file, as goshawk does; the loop's own line is what is on the output."""
    program, to = loop(), tmp / "bpftrace.txt"
    done = subprocess.run(["bpftrace", "-o", str(to), "-e", "uprobe:%s:main.target { %s }" % (program, action),
                           "-c", "%s 5 2000 20ms" % program], text=True, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode or "@calls: 10000" not in to.read_text():
        raise RuntimeError(" ".join((done.stderr or done.stdout).split())[:160] or "not every call was seen")
    traced, bare = numbers(done.stdout)
    return traced - bare


def delve_cost():
    """Debian's delve knows releases up to its own time: the loop is built by the oldest one."""
    program = loop(gobuild.RELEASES[0])
    done = subprocess.run(["dlv", "trace", "--check-go-version=false", "--exec", str(program), "main.target", "--",
                           "3", "50", "1ms"], text=True, timeout=300, cwd="/", stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    lines = (done.stdout + done.stderr).splitlines()
    hits = sum("main.target(" in s for s in lines)
    result = [s for s in lines if len(s.split()) == 2 and all(w.replace(".", "").isdigit() for w in s.split())]
    if hits < 150 or not result:
        raise RuntimeError("%d hits; %s" % (hits, " ".join(lines[-1:])[:160]))
    traced, bare = numbers(result[-1])
    return traced - bare


def best(times, what):
    """The fastest of several runs, in seconds."""
    def one():
        began = time.perf_counter()
        what()
        return time.perf_counter() - began
    return min(one() for _ in range(times))


def quietly(*args):
    return subprocess.run([str(a) for a in args], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)


def programs(tmp):
    if not os.path.exists(HUGO):
        row("funcs of hugo", "-", "skipped: hugo is not installed")
        return
    seconds = best(10, lambda: quietly(goshawk.GOSHAWK, "funcs", HUGO))
    row("funcs of hugo (%d MB)" % (os.path.getsize(HUGO) // 1000000), "%.0f ms" % (seconds * 1e3), "<= 50 ms, goal 30")

    patterns, sites, count = start_patterns(tmp)
    plain = best(5, lambda: quietly(HUGO, "version"))
    traced = best(5, lambda: quietly(goshawk.GOSHAWK, "trace", "-o", "/dev/null", *patterns, "--", HUGO, "version"))
    row("start a trace of %d functions of hugo (%d sites)" % (count, sites), "%.0f ms" % ((traced - plain) * 1e3), "<= 1 s")


def start_patterns(tmp):
    """Packages of hugo that have ten thousand functions together."""
    listed = subprocess.run([goshawk.GOSHAWK, "funcs", "--json", HUGO], text=True, stdout=subprocess.PIPE, check=True)
    counts = {}
    for line in listed.stdout.splitlines():
        f = json.loads(line)
        if f["type"] == "function" and f["probe"] == "ok" and f["package"]:
            counts[f["package"]] = counts.get(f["package"], 0) + 1
    patterns, total = [], 0
    for package, n in sorted(counts.items(), key=lambda c: -c[1]):
        if total >= 10000:
            break
        if "%" not in package and "." in package.split("/")[0]:
            patterns.append(package + ".*")
            total += n
    out = tmp / "start.json"
    quietly(goshawk.GOSHAWK, "trace", "--json", "-o", out, *patterns, "--", HUGO, "version")
    return patterns, goshawk.read_lines(out)[-1]["sites"], total


def resident(pid):
    """MB that are in memory, of a process."""
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:")) / 1000


def attaching(tmp):
    """A running process with thousands of functions, until it is watched; and what that takes in memory."""
    patterns, _, count = start_patterns(tmp)
    site = tmp / "site"
    subprocess.run([HUGO, "new", "site", str(site)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with subprocess.Popen([HUGO, "server", "-s", str(site), "--bind", "127.0.0.1", "-p", "0", "--watch=false"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            while "Web Server is available" not in server.stdout.readline():
                if server.poll() is not None:
                    raise RuntimeError("hugo server ended")
            took, stood, memory, grown = zip(*[attach_once(tmp, server.pid, patterns) for _ in range(5)])
        finally:
            server.terminate()
    row("attach to a process, %d functions" % count, "%.0f ms" % (min(took) * 1e3), "<= 1 s")
    row("  of which it stands still", "%.1f ms" % min(stood), "<= 20 ms for 1000 functions")
    row("  memory: goshawk, and the process by as much more", "%.0f, %.0f MB" % (max(memory), max(grown)), "<= 100 MB")


def attach_once(tmp, pid, patterns):
    before, began = resident(pid), time.perf_counter()
    with subprocess.Popen([str(goshawk.GOSHAWK), "trace", "-o", str(tmp / "attached"), "-p", str(pid), *patterns],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as g:
        line = g.stderr.readline()
        took = time.perf_counter() - began
        if "are watched" not in line:
            raise RuntimeError(line.strip())
        sizes = resident(g.pid), resident(pid) - before
        g.terminate()
        g.stderr.read()
    return took, float(line.split("stood still for ")[1].split()[0]), *sizes


def echo(p, slowest, stop):
    """Asks the program again and again; slowest[0] is how long its longest answer took."""
    while not stop.is_set():
        began = time.perf_counter()
        p.stdin.write("x\n")
        p.stdin.flush()
        if p.stdout.readline() != "x\n":
            return
        slowest[0] = max(slowest[0], time.perf_counter() - began)


def looking(n=100000):
    """All goroutines of a server that has many, and how long it lets others wait meanwhile; the best of five."""
    with subprocess.Popen([str(gobuild.build("parked", gobuild.NEWEST, "stripped")), str(n)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as p:
        p.stdout.readline()
        took, stood, answers = [], [], []
        for _ in range(5):
            slowest, stop = [0.0], threading.Event()
            asking = threading.Thread(target=echo, args=(p, slowest, stop))
            asking.start()
            began = time.perf_counter()
            done = goshawk.run("goroutines", "-p", p.pid)
            took.append(time.perf_counter() - began)
            stop.set()
            asking.join()
            number, unit = re.search(r"stood still for ([\d.]+)(µs|ms|s)\b", done.out).groups()
            stood.append(float(number) * {"µs": 1e-3, "ms": 1, "s": 1e3}[unit])
            answers.append(slowest[0] * 1e3)
        p.kill()
    row("goroutines of a process that has %d" % n, "%.2f s" % min(took), "<= 1 s")
    row("  of which it stands still", "%.0f ms" % min(stood), "<= %.0f ms" % (n / 1000))
    row("  the slowest of its answers meanwhile", "%.0f ms" % min(answers))


def first_line(program, pattern, *args):
    """Seconds until a hunt says that its program has died; then it is stopped."""
    began = time.monotonic()
    hunt = subprocess.Popen([goshawk.GOSHAWK, "stress", "--until-crash", "--for", "60s", pattern, "--", str(program), *args],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    died = hunt.stdout.readline().startswith("died after")
    took = time.monotonic() - began
    hunt.send_signal(signal.SIGINT)
    hunt.communicate(timeout=60)
    if not died:
        raise RuntimeError("it lived through 60 s")
    return took


def copies(tmp):
    """`stress -o` on the Go command of three releases: the time, and how much the file grows. Each copy is a new file: to
    take the place of another one is what the disk needs its time for."""
    for release in ("1.17.13", "1.22.12", gobuild.NEWEST):
        program, folder = pathlib.Path(gobuild.goroot(release), "bin", "go"), tmp / ("copies-" + release)
        names = (folder / str(n) for n in itertools.count())
        folder.mkdir()

        def copy():
            return quietly(goshawk.GOSHAWK, "stress", "-o", next(names), "--seed", "7", program).stderr.decode()

        stores = int(re.search(r"(\d+) stores are delayed", copy())[1])
        seconds = best(10, copy)
        size = os.path.getsize(program)
        row("a copy of go %s (%d MB) that delays %d stores" % (release, size // 1000000, stores),
            "%.0f ms" % (seconds * 1e3), "<= 100 ms, goal 50")
        row("  by how much it is larger", "%.2f %%" % (100 * os.path.getsize(folder / "0") / size - 100), "<= 2 %")


def hunts():
    """From the start of `stress --until-crash` to its first line, each program ten times."""
    racing = gobuild.build("racing", gobuild.NEWEST)
    logger = modules.module("logger", "1.17.13")
    for what, goal, args in [*(("a racing " + kind, "0.5 s", (racing, "main.*", kind)) for kind in ("string", "slice", "append", "interface")),
                             ("go-zero's logger", "5 s", (logger, "*logx*", "shared", "60"))]:
        try:
            times = [first_line(*args) for _ in range(10)]
            row("until %s has died, median of ten" % what, "%.2f s" % statistics.median(times), "<= " + goal)
        except RuntimeError as e:
            row("until %s has died" % what, "-", str(e))


class Server:
    """One that serves, by itself or under what is before it."""

    def __init__(self, program, *args, before=(), env=None):
        self.p = subprocess.Popen([*map(str, before), str(program), *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, env=dict(os.environ, **(env or {})))
        self.address = self.p.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *failed):
        self.p.communicate(timeout=60)


def asked(asker, kind, server, pause, connections=64, how_long="500ms"):
    """Requests in that time, and how long the middle one and one in a hundred took, in ns. `pause`: how often a connection asks at most."""
    done = goshawk.run_plain(asker, "pace", kind, server.address, str(connections), how_long, pause)
    return [int(n) for n in done.out.split()]


def turns(asker, kind, alone, server, n):
    """What the server does of what the other one does, in percent, in short turns: the machine changes."""
    done = goshawk.run_plain(asker, "turns", kind, alone.address, server.address, "64", str(n))
    pairs = [[int(n) for n in line.split()] for line in done.out.splitlines()]
    return [100 * it / by_itself for by_itself, it in pairs], [10 * by_itself for by_itself, _ in pairs]


def added(asker, kind, alone, server, pause):
    """To the middle one, and to one in a hundred."""
    before, it, after = (asked(asker, kind, s, pause) for s in (alone, server, alone))
    return [(it[i] - (before[i] + after[i]) / 2) / 1e3 for i in (1, 2)]


def http_program(*flags):
    source = ROOT / "bench" / "serve"
    return gobuild.go(gobuild.NEWEST, ["build", *flags, "."], "bench-serve", source, key=(source,))


def grpc_program(*flags):
    return modules.module("serve-grpc", gobuild.NEWEST, *flags, source=ROOT / "bench" / "serve-grpc")


def spans(rounds=8):
    """A server by itself, under spans, and with the SDK, of HTTP and of gRPC."""
    asker = modules.module("asks", gobuild.NEWEST, source=ROOT / "bench" / "asks")
    http = (http_program(), http_program("-tags=sends"),
            modules.module("serve-sdk", gobuild.NEWEST, source=ROOT / "bench" / "serve-sdk"))
    grpc = grpc_program(), grpc_program("-tags=sends"), grpc_program("-tags=sdk")
    for what, kind, programs in ("HTTP requests", "http", http), ("gRPC calls", "grpc", grpc):
        served(what, asker, kind, ways_of(*programs), rounds)
        served_apart(what, asker, "raw-" + kind, ways_of(*programs), rounds)


def ways_of(plain, sends, sdk):
    """What is before the program, and the program."""
    inline, uprobe = [goshawk.GOSHAWK, "spans", "--"], [goshawk.GOSHAWK, "spans", "--engine", "uprobe", "--"]
    ways = {"by itself": ([], plain), "spans": (inline, plain), "spans, if it could send": (inline, sends), "the SDK": ([], sdk)}
    if not goshawk.why_no_bpf():
        ways["spans --engine uprobe"] = (uprobe, plain)
    return ways


@contextlib.contextmanager
def servers_of(asker, ways, **env):
    """By their ways. All send their spans to a collector that takes them and does nothing."""
    with Server(asker, "collect") as collector:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + collector.address, "OTEL_SERVICE_NAME": "serve", **env}
        servers = {way: Server(program, before=before, env=env) for way, (before, program) in ways.items()}
        yield servers
        for server in servers.values():
            server.p.communicate(timeout=60)


def say_parts(what, asker, kind, servers, rounds):
    """What each way leaves of the throughput, and what it adds to answers where half of that is asked for."""
    seen, alone = in_turns(asker, kind, servers, rounds), servers["by itself"]
    row(what + ", by itself", "%.0f /s" % statistics.median(n for _, alone in seen.values() for n in alone))
    for way, (parts, _) in seen.items():
        low, middle, high = statistics.quantiles(parts, n=4)
        row("  with %s, of these (half of the turns)" % way, "%.1f %% (%.0f-%.0f)" % (middle, low, high), ">= 97 %" if way == "spans" else "")
    pause = "%dus" % (2 * 64 * 1_000_000 / statistics.median(seen["spans"][1]))
    for way in seen:
        pairs = [added(asker, kind, alone, servers[way], pause) for _ in range(rounds)]
        row("  half of these with %s: added to the middle one, and to one in a hundred" % way,
            "%.0f, %.0f us" % tuple(statistics.median(column) for column in zip(*pairs)), "p99 <= 50 us" if way == "spans" else "")


def in_turns(asker, kind, servers, rounds):
    """Of each way the parts of what the server does by itself, and that."""
    alone, seen = servers["by itself"], {way: ([], []) for way in servers if way != "by itself"}
    for _ in range(rounds):
        for way, to in seen.items():
            for have, more in zip(to, turns(asker, kind, alone, servers[way], 20)):
                have += more
    return seen


def served(what, asker, kind, ways, rounds):
    """Who asks is on the same machine, and so are the collector and goshawk."""
    with servers_of(asker, ways) as servers:
        say_parts(what + ", all on the same processors", asker, kind, servers, rounds)
        row("  memory of goshawk meanwhile", "%.0f MB" % resident(servers["spans"].p.pid), "<= 64 MB")


def stays_on(pid, processor):
    for thread in os.listdir("/proc/%d/task" % pid):
        os.sched_setaffinity(int(thread), {processor})


def served_apart(what, asker, kind, ways, rounds):
    """The server has a processor, and all else another one: what it loses is what is done in it."""
    processors = sorted(os.sched_getaffinity(0))
    if len(processors) < 2:
        row("%s, the server on a processor of its own" % what, "-", "skipped: there is one processor")
        return
    own, rest = processors[:2]
    os.sched_setaffinity(0, {rest})
    try:
        with servers_of(asker, ways, GOMAXPROCS="1") as servers:
            for server in servers.values():
                with open("/proc/%d/task/%d/children" % (server.p.pid, server.p.pid)) as f:
                    stays_on(int((f.read().split() or [server.p.pid])[0]), own)
            say_parts(what + ", the server on a processor of its own", asker, kind, servers, rounds)
    finally:
        os.sched_setaffinity(0, processors)


def main():
    if goshawk.why_no_ptrace():
        sys.exit("bench: %s" % goshawk.why_no_ptrace())
    with tempfile.TemporaryDirectory() as folder:
        tmp = pathlib.Path(folder)
        entry, both, count = calls(tmp)
        probes(tmp)
        others(tmp, entry, both, count)
        programs(tmp)
        looking()
        spans()
        copies(tmp)
        hunts()
        if os.path.exists(HUGO):
            attaching(tmp)


if __name__ == "__main__":
    main()
