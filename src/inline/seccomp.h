/* seccomp - would the filters of a thread let a system call pass?
 *
 * Owns     nothing.  Units  none.
 * Fails    seccomp_ask: ERR_REFUSED when the filters can't be read (CAP_SYS_ADMIN), when one of
 *          them says anything but "allow", or in strict mode.
 * Threads  the one that traces; the thread must stand still. */
#ifndef INLINE_SECCOMP_H
#define INLINE_SECCOMP_H

#include <linux/filter.h>
#include <sys/types.h>

#include "base/defs.h"
#include "base/err.h"

/* Is there any on this thread? */
bool seccomp_on(pid_t pid, pid_t tid);
/* Of the call by this thread; the process is for the sentence. */
bool seccomp_ask(pid_t pid, pid_t tid, long nr, const u64 args[6], const char *what,
		 struct err *err) MUST_CHECK;

/* What one filter returns; a program that the kernel would not have taken gives "kill", and so does
 * one that asks where the call is made. */
u32 seccomp_run(const struct sock_filter *code, size_t n, long nr, const u64 args[6]);

#endif
