package snap

import _ "unsafe" // for linkname

type traceContext struct {
	id   int
	tags map[string]int
}

//go:linkname setTraceContext runtime.setTraceContext
func setTraceContext(interface{})

//go:linkname setTraceHook runtime.setTraceHook
func setTraceHook(func() interface{})

var tags = map[string]int{"a": 1, "b": 2}

// Begin gives this goroutine a trace context, which those that it makes will inherit.
func Begin() {
	begin()
}
