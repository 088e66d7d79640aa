/* place - puts our mappings, code and jumps into a process that stands still.
 *
 * Life     place_choose (the process may run), code_make, place_map, place_code, place_jumps, then
 *          place_open lets the trampolines record.
 * Owns     nothing beyond the session.
 * Units    rt addresses.
 * Fails    place_map: `taken` is set when the target has mapped something there since place_choose:
 *          choose again. ERR_REFUSED, ERR_DENIED, ERR_GONE as inline.h.
 * Threads  the one that traces. */
#ifndef INLINE_PLACE_H
#define INLINE_PLACE_H

#include "inline/inject.h"
#include "inline/session.h"

bool place_choose(struct inline_session *s, struct err *err) MUST_CHECK;
bool place_map(struct inline_session *s, struct inject *in, bool *taken,
	       struct err *err) MUST_CHECK;
/* Takes away what place_map has mapped, as far as it came: no jump leads there. */
bool place_unmap(struct inline_session *s, struct inject *in, struct err *err) MUST_CHECK;
/* A system call of the target's; first asked of its filter, if there is one. */
bool place_call(struct inline_session *s, struct inject *in, long nr, const u64 args[6],
		const char *what, i64 *result, struct err *err) MUST_CHECK;
bool place_code(struct inline_session *s, struct err *err) MUST_CHECK;
/* Writes every jump that is due. The hooks of the signal handlers go first, windows into
 * which others lead last. */
bool place_jumps(struct inline_session *s, struct err *err) MUST_CHECK;
bool place_open(struct inline_session *s, struct err *err) MUST_CHECK;

#endif
