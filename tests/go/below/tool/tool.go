package tool

import "time"

var (
	calls, ticks, signals int
	last                  *int
	kept                  []byte
	timer                 *time.Timer
)

// Begin gives them values, so that the compiler can't know those.
func Begin() {
	last = new(int)
	kept = nil
	timer = time.AfterFunc(time.Hour, func() {})
}
