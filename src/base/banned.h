/* banned - functions that no file may call: included before everything else by the Makefile.
 *
 * Unbounded copies; numbers without an error; hidden state; memory that can't run out politely.
 * Use: str_*, snprintf, parse_*, arena_alloc.
 *
 * Owns     nothing.  Units  none.  Fails  at compile time.  Threads  any. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* The headers that declare them come first: a poisoned name may not even be declared. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef alloca
#pragma GCC poison gets strcpy stpcpy strcat strncpy strncat sprintf vsprintf strtok
#pragma GCC poison atoi atol atoll atof alloca tmpnam mktemp

#endif
