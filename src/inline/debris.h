/* debris - memory of goshawks that is of no use any more, and how it is given back.
 *
 * One that died while it mapped or unmapped has left the note of it in its stub (inject.h): no jump
 * leads there, and the descriptor of its memory file may still be open in the program.
 *
 * Owns     nothing.
 * Units    rt addresses.
 * Fails    ERR_GONE, ERR_REFUSED as inject.h.
 * Threads  the one that traces; all of the target's stand still. */
#ifndef INLINE_DEBRIS_H
#define INLINE_DEBRIS_H

#include "inline/busy.h"
#include "inline/found.h"
#include "inline/inject.h"
#include "inline/session.h"

/* Before the first call by this stub. What is a whole session is left to debris_drop. */
bool debris_clear(struct inline_session *s, const struct found *f, struct inject *in,
		  struct err *err) MUST_CHECK;
/* The memory of sessions that nobody owns, and in which nobody stands or will stand: he comes back
 * from there. */
bool debris_drop(struct inline_session *s, const struct found *f, const struct busy *b,
		 struct inject *in, struct err *err) MUST_CHECK;

#endif
