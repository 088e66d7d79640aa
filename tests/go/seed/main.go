// seed is the small program that goshawk's tests trace: calls with arguments and results of each
// kind, frames that end in every way, goroutines by the thousand. It computes by itself what a tracer
// has to see, and writes that as JSON into the file that SEED_EXPECT names.
//
// SEED_GC=1 collects garbage all the time (and so preempts), SEED_PROF=1 profiles at 1 kHz.
package main

import (
	"fmt"
	"os"

	"seed/expect"
	"seed/noise"
)

func main() {
	expect.Hit("main.main")
	stop := noise.Start(os.Getenv("SEED_GC") != "", os.Getenv("SEED_PROF") != "")
	modes := map[string]func(){
		"values": values, "counts": counts, "panics": panics, "goroutines": goroutines,
		"cgo": cgoCalls, "fatal": func() { fatal(3) },
	}
	modes["all"] = func() {
		for _, m := range []string{"values", "counts", "panics", "goroutines", "cgo"} {
			modes[m]()
		}
	}
	for _, arg := range os.Args[1:] {
		if modes[arg] == nil {
			fmt.Fprintf(os.Stderr, "seed: no mode %q\n", arg)
			os.Exit(2)
		}
		modes[arg]()
	}
	stop()
	expect.Write()
	fmt.Println("seed: done")
}
