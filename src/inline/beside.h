/* beside - windows of other sessions that could lie across ours.
 *
 * Where entries and exits have their windows is the same for every goshawk, so that of two windows
 * either both are the same or they have no byte in common. Windows in the middle of functions are
 * where a pattern wants them. So a function belongs to one session alone, and while somebody stands
 * in the code of a session that has ended, from which he comes back to the end of a window that
 * only it knew, nothing is written that could lie across that.
 *
 * Owns     nothing.
 * Units    as session.h.
 * Fails    never.
 * Threads  the one that traces. */
#ifndef INLINE_BESIDE_H
#define INLINE_BESIDE_H

#include "inline/busy.h"
#include "inline/found.h"

/* Is it seen at its entry only, so that two sessions can share it? */
bool beside_shared(const struct plan *p, u32 func);
/* The session at work, not ours, that has a jump in this function; or NULL. */
const struct found_session *beside_owner(const struct inline_session *s, const struct found *f,
					 u32 func);
/* Puts off what must wait for somebody to come out of old code: how many functions. */
u32 beside_hold(struct inline_session *s, const struct found *f, const struct busy *b);

#endif
