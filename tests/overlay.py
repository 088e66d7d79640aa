"""Programs whose runtime a tool has changed: built with -overlay of files made from the release's own."""

import json
import re

import gobuild

PROPAGATE = """
type otelSnapshot interface{ TakeSnapShot() interface{} }
type otelCopy interface{ CopyContext() interface{} }
type otelShare interface{ ShareContext() interface{} }

//go:noinline
func contextPropagate(tls interface{}) interface{} {
	if hook := otel_hook; hook != nil {
		return hook()
	}
	if tls == nil {
		return nil
	}
	if s, ok := tls.(otelSnapshot); ok {
		return s.TakeSnapShot()
	}
	switch c := tls.(type) {
	case otelShare:
		return c.ShareContext()
	case otelCopy:
		return c.CopyContext()
	}
	return tls
}

var otel_hook func() interface{}

//go:linkname setTraceHook
//go:noinline
func setTraceHook(hook func() interface{}) { otel_hook = hook }

//go:linkname setTraceContext
func setTraceContext(c interface{}) { getg().otel_trace_context = c }
"""


def once(text, what, by):
    assert text.count(what) == 1, what
    return text.replace(what, by)


def replaced(release, deferred):
    """runtime/proc.go and runtime2.go as an instrumentation tool leaves them: the text of each, by path. The tools
    of the field defer the call, so that it comes behind whatever newproc1 does."""
    runtime = gobuild.goroot(release) / "src" / "runtime"
    proc = (runtime / "proc.go").read_text()
    put = "newg.otel_trace_context = contextPropagate(callergp.otel_trace_context)"
    put = "defer func() { %s }()" % put if deferred else put
    proc = once(proc, "newg.startpc = fn.fn\n", "newg.startpc = fn.fn\n\t%s\n" % put)
    types = (runtime / "runtime2.go").read_text()
    g = re.search(r"type g struct \{\n.*?\n\}\n", types, re.S).group(0)
    types = types.replace(g, g[:-2] + "\totel_trace_context interface{}\n}\n")
    return {str(runtime / "proc.go"): proc + PROPAGATE, str(runtime / "runtime2.go"): types}


TOOL = """
//go:linkname toolSyscall below/tool.Syscall
func toolSyscall()

//go:linkname toolMonitor below/tool.Monitor
func toolMonitor()

//go:linkname toolSignal below/tool.Signal
func toolSignal()
"""


def calling(release):
    """runtime/proc.go and signal_unix.go that call a tool in a system call, in sysmon and in the signal handler."""
    runtime = gobuild.goroot(release) / "src" / "runtime"
    proc = (runtime / "proc.go").read_text()
    entered = re.search(r"\nfunc reentersyscall\(.*?throwsplit = true\n", proc, re.S).group(0)
    proc = once(proc, entered, entered + "\ttoolSyscall()\n")
    proc = once(proc, "\nfunc sysmon() {\n", "\nfunc sysmon() {\n\ttoolMonitor()\n")
    signals = (runtime / "signal_unix.go").read_text()
    handler = re.search(r"\nfunc sighandler\(.*\) \{\n", signals).group(0)
    signals = once(signals, handler, handler + "\ttoolSignal()\n")
    return {str(runtime / "proc.go"): proc + TOOL, str(runtime / "signal_unix.go"): signals}


def built(release, program, kind, flags, files):
    """tests/go/PROGRAM, by its tag, over a runtime with these files."""
    folder = gobuild.OUT / release / ("overlay-" + gobuild.hash_of(files))
    for path, text in files.items():
        new = folder / path.split("/")[-1]
        gobuild.put(new, text)
        files[path] = str(new)
    listed = folder / "overlay.json"
    gobuild.put(listed, json.dumps({"Replace": files}))
    source = gobuild.ROOT / "tests" / "go" / program
    return gobuild.go(release, ["build", "-overlay=%s" % listed, "-tags=" + kind, *flags, "."], program + "-" + kind,
                      source, "-race" in flags, key=(source,))


def newproc(release, kind, *flags, deferred=False):
    return built(release, "newproc", kind, flags, replaced(release, deferred))


def below(release, kind, *flags):
    return built(release, "below", kind, flags, calling(release))
