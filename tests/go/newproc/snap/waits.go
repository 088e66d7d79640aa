//go:build waits

package snap

import "sync"

var held sync.Mutex

func begin() {
	setTraceContext(&traceContext{1, tags})
	held.Lock()
}

//go:norace
func (t *traceContext) TakeSnapShot() interface{} {
	held.Lock()
	defer held.Unlock()
	return &traceContext{t.id + 1, t.tags}
}
