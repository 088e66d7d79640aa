//go:build cgoseed
// +build cgoseed

package main

/*
#include <stdlib.h>
#include <string.h>

static void c_null(void) { *(volatile int *)8 = 1; }
static void c_abort(void) { abort(); }
static void c_copy(char *p) { memset(p, 1, 1 << 20); }
*/
import "C"

func init() {
	add(
		death{"c-null", "fault_in_c", "main.cNull", cNull},
		death{"c-abort", "fault_in_c", "main.cAbort", cAbort},
		death{"c-library", "fault_in_c", "main.cLibrary", cLibrary},
	)
}

//go:noinline
func cNull() { C.c_null(); length++ }

//go:noinline
func cAbort() { C.c_abort(); length++ }

//go:noinline
func cLibrary() { C.c_copy(nil); length++ }
