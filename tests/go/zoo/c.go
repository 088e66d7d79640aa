//go:build cgoseed
// +build cgoseed

package main

/*
#cgo LDFLAGS: -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void c_null(void) { *(volatile int *)8 = 1; }
static void c_abort(void) { abort(); }

static int no_more;

// In the place of the C library's.
int pthread_create(pthread_t *t, const pthread_attr_t *with, void *(*run)(void *), void *of)
{
	int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");

	while (no_more && __sync_fetch_and_add(&no_more, 1) > 1)
		pause(); // one thread tells of it
	return no_more ? EPERM : create(t, with, run, of);
}

static void c_no_more(void) { no_more = 1; }
static void *gives_up(void *of) { abort(); }
static void *writes(void *of) { *(volatile int *)8 = 1; return of; }

static void c_thread(int up)
{
	pthread_t t;

	pthread_create(&t, NULL, up ? gives_up : writes, NULL);
	pthread_join(t, NULL);
}

static int c_divide(int by) { return 7 / by; }
static void c_copy(char *p) { memset(p, 1, 1 << 20); }
*/
import "C"

import "runtime"

func init() {
	add(
		death{"c-null", "fault_in_c", "main.cNull", cNull},
		death{"c-abort", "fault_in_c", "main.cAbort", cAbort},
		death{"c-library", "fault_in_c", "main.cLibrary", cLibrary},
		death{"c-divide", "fault_in_c", "main.cDivide", func() { cDivide(0) }},
		death{"c-thread-aborts", "fault_in_c", "*", func() { C.c_thread(1) }},
		death{"c-thread-faults", "fault_in_c", "*", func() { C.c_thread(0) }},
		death{"c-threads", "threads_exhausted", "*", cThreads},
	)
}

//go:noinline
func cNull() { C.c_null(); length++ }

//go:noinline
func cAbort() { C.c_abort(); length++ }

//go:noinline
func cLibrary() { C.c_copy(nil); length++ }

//go:noinline
func cDivide(by int) { length = int(C.c_divide(C.int(by))) }

// Locked threads have to be made for those that are not.
func cThreads() {
	C.c_no_more()
	for {
		go runtime.LockOSThread()
		runtime.Gosched()
	}
}
