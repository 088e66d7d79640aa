//go:build cured

package snap

func begin() { setTraceContext(&traceContext{1, tags}) }

//go:norace
func (t *traceContext) TakeSnapShot() interface{} {
	return &traceContext{t.id + 1, t.tags}
}
