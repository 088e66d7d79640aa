/* beside - other sessions that are at work in the same process: hooks that lie over theirs, and
 * windows of theirs that could lie across ours.
 *
 * Where entries and exits have their windows is the same for every goshawk, so that of two windows
 * either both are the same or they have no byte in common. Windows in the middle of functions are
 * where a pattern wants them. So a function belongs to one session alone, and while somebody stands
 * in the code of a session that has ended, or is about to, from which he comes back to the end of a
 * window that only it knew, nothing is written that could lie across that.
 *
 * Owns     nothing.
 * Units    as session.h.
 * Fails    beside_note_hooks: ERR_GONE.
 * Threads  the one that traces. */
#ifndef INLINE_BESIDE_H
#define INLINE_BESIDE_H

#include "inline/busy.h"
#include "inline/found.h"

/* Finds the hooks that others have: ours go in front of them. */
void beside_hooks(struct inline_session *s, const struct found *f);
/* So that a later goshawk can put these back, should we die. */
bool beside_note_hooks(const struct inline_session *s, struct err *err) MUST_CHECK;

/* Is it seen at its entry only, so that two sessions can share it? */
bool beside_shared(const struct plan *p, u32 func);
/* The session at work, not ours, that has a jump in this function; or NULL. */
const struct found_session *beside_owner(const struct inline_session *s, const struct found *f,
					 u32 func);
/* Puts off what must wait for somebody to come out of old code: how many functions. */
u32 beside_hold(struct inline_session *s, const struct found *f, const struct busy *b);

#endif
