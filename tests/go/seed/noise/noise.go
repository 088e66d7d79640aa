// Package noise disturbs: garbage collections without end, a profiler's signals.
package noise

import (
	"io"
	"runtime"
	"runtime/pprof"
)

var sink []byte

// Start begins what is asked for; the function that it gives back ends it.
func Start(gc, profile bool) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	if profile {
		runtime.SetCPUProfileRate(1000)
		if err := pprof.StartCPUProfile(io.Discard); err != nil {
			panic(err)
		}
	}
	go func() {
		defer close(ended)
		for gc {
			select {
			case <-end:
				return
			default:
				sink = make([]byte, 1000)
				runtime.GC()
			}
		}
	}()
	return func() {
		close(end)
		<-ended
		if profile {
			pprof.StopCPUProfile()
		}
	}
}
