//go:build usesmap

package snap

func begin() { setTraceContext(&traceContext{1, tags}) }

//go:norace
func (t *traceContext) TakeSnapShot() interface{} {
	n := 0
	for _, v := range t.tags {
		n += v
	}
	return &traceContext{n, t.tags}
}
