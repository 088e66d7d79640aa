// odd is the program for what is not plain running: it dies, execs, starts others, faults, counts its
// descriptors, waits for signals. Its first argument says which.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

//go:noinline
func work(i int) int { return mix(i) + 1 }

//go:noinline
func mix(i int) int { return i*1000003 ^ i>>7 }

var total int

//go:nosplit
//go:noinline
func nothing() {}

// Its frame is made, and then it loads: both are displaced by the jump at its entry, and behind what that records.
//
//go:nosplit
//go:noinline
func early(p *[8]int) {
	total = p[3]
	nothing()
}

//go:noinline
func earlyAt(p *[8]int) (v int) {
	defer func() {
		if recover() != nil {
			v = -1
		}
	}()
	early(p)
	return 0
}

//go:noinline
func faultAt(p *[8]int, i int) (v int) {
	defer func() {
		if recover() != nil {
			v = -1
		}
	}()
	return load(p, i)
}

//go:noinline
func load(p *[8]int, i int) int { return p[i&7] }

func number(i int) int {
	if len(os.Args) <= i {
		return 0
	}
	n, err := strconv.Atoi(os.Args[i])
	if err != nil {
		panic(err)
	}
	return n
}

func worked(n int) int {
	sum := 0
	for i := 0; i < n; i++ {
		sum += work(i)
	}
	return sum
}

var modes = map[string]func(){
	// exit STATUS: ends at once.
	"exit": func() { os.Exit(number(2)) },

	// raise SIGNAL: dies of a signal.
	"raise": func() {
		signal.Reset()
		syscall.Kill(os.Getpid(), syscall.Signal(number(2)))
		time.Sleep(time.Minute) // another thread may take the signal: where nothing waits, that is a deadlock
	},

	// exec PROGRAM ARGS…: becomes another program.
	"exec": func() {
		worked(100)
		panic(syscall.Exec(os.Args[2], os.Args[2:], os.Environ()))
	},

	// execlater PROGRAM ARGS…: the same when it is told to, after one that fails.
	"execlater": func() {
		worked(100)
		fmt.Println("ready", os.Getpid())
		bufio.NewReader(os.Stdin).ReadString('\n')
		syscall.Exec("/no/such/program", nil, nil)
		panic(syscall.Exec(os.Args[2], os.Args[2:], os.Environ()))
	},

	// child PROGRAM ARGS…: starts it, has it read and write, and waits for it.
	"child": func() {
		c := exec.Command(os.Args[2], os.Args[3:]...)
		c.Stdin, c.Stdout = os.Stdin, os.Stdout
		if err := c.Run(); err != nil {
			panic(err)
		}
		worked(100)
	},

	// spawn N: starts other programs and waits for them, while working.
	"spawn": func() {
		var wait sync.WaitGroup
		for i := 0; i < number(2); i++ {
			wait.Add(1)
			go func() {
				defer wait.Done()
				if out, err := exec.Command("/bin/echo", "child").Output(); err != nil || string(out) != "child\n" {
					panic(fmt.Sprint(string(out), err))
				}
			}()
			worked(1000)
		}
		wait.Wait()
		fmt.Println("spawned")
	},

	// faults N: nil dereferences that are recovered.
	"faults": func() {
		bad := 0
		var there [8]int
		for i := 0; i < number(2); i++ {
			if faultAt(nil, i) != -1 || faultAt(&there, i) != 0 {
				bad++
			}
		}
		fmt.Println("faults", number(2), "bad", bad)
	},

	// early: the same until its standard input ends, in an instruction at the front of a function with a frame.
	"early": func() {
		fmt.Println("ready", os.Getpid())
		ended := make(chan struct{})
		go func() {
			io.Copy(io.Discard, os.Stdin)
			close(ended)
		}()
		bad := 0
		var there [8]int
		for {
			select {
			case <-ended:
				fmt.Println("early bad", bad)
				return
			default:
				if earlyAt(nil) != -1 || earlyAt(&there) != 0 {
					bad++
				}
			}
		}
	},

	// beat: says that it is there, then works until its standard input ends; the sums must be right.
	"beat": func() {
		want := worked(1000)
		fmt.Println("ready", os.Getpid())
		ended := make(chan struct{})
		go func() {
			io.Copy(io.Discard, os.Stdin)
			close(ended)
		}()
		for beats := 1; ; beats++ {
			select {
			case <-ended:
				fmt.Println("beats ok", beats > 0)
				return
			default:
				if worked(1000) != want {
					fmt.Println("a wrong sum")
					os.Exit(1)
				}
			}
		}
	},

	// locked: locks all its memory, and says how much of it there is.
	"locked": func() {
		if err := syscall.Mlockall(syscall.MCL_CURRENT | syscall.MCL_FUTURE); err != nil {
			fmt.Println("not permitted:", err)
			return
		}
		work(1)
		status, _ := os.ReadFile("/proc/self/status")
		for _, line := range strings.Split(string(status), "\n") {
			if strings.HasPrefix(line, "VmRSS:") {
				fmt.Println(strings.Fields(line)[1])
			}
		}
	},

	// fds: how many descriptors it has, and which.
	"fds": func() {
		names, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			panic(err)
		}
		fmt.Println("fds", len(names))
	},

	// echo: arguments, an environment variable and standard input come back.
	"echo": func() {
		in, _ := io.ReadAll(os.Stdin)
		fmt.Printf("%s|%s|%s\n", strings.Join(os.Args[2:], ","), os.Getenv("ODD"), in)
		fmt.Fprintln(os.Stderr, "on stderr")
		os.Exit(7)
	},

	// waits: prints each signal that it gets; the third one ends it.
	"waits": func() {
		c := make(chan os.Signal, 8)
		signal.Notify(c, syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1)
		w := bufio.NewWriter(os.Stdout)
		fmt.Fprintln(w, "ready", os.Getpid())
		w.Flush()
		for i := 0; i < 3; i++ {
			s := <-c
			work(i)
			fmt.Fprintln(w, "got", s)
			w.Flush()
		}
		os.Exit(9)
	},
}

func main() {
	if len(os.Args) < 2 || modes[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "odd: no such mode")
		os.Exit(2)
	}
	modes[os.Args[1]]()
}
