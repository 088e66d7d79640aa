/* seize - PTRACE_SEIZE of a process that may exec meanwhile.
 *
 * Who execs keeps ptrace off its process until all other threads have been taken away, and those
 * that we trace only we can: we would wait for it, and it for us. So while a thread is seized their
 * ends are taken, by a signal's handler.
 *
 * Owns     a timer and the action of its signal, from seize_begin to seize_end.
 * Units    none.
 * Fails    seize: errno is that of ptrace.
 * Threads  one: the one that traces. The others block signals. */
#ifndef INLINE_SEIZE_H
#define INLINE_SEIZE_H

#include "inline/tracee.h"

void seize_begin(void);
/* `st`: what we have of its process. */
bool seize(const struct stopped *st, pid_t tid);
/* The same where somebody is waited for, who may be the one that execs. */
void seize_take_ends(const struct stopped *st);
/* Have ends been taken of threads that stood? Then it is another program, or none. */
bool seize_end(void);

#endif
