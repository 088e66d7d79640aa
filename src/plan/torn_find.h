/* torn_find - which stores around a write-barrier check can be seen half done: by types where the
 * memory's type is known, else by the places of the words and what is stored there.
 *
 * Owns     nothing.  Units  instructions by index.  Fails  never.  Threads  one. */
#ifndef PLAN_TORN_FIND_H
#define PLAN_TORN_FIND_H

#include "plan/torn.h"
#include "plan/torn_place.h"

struct found_tear {
	struct tear tear;
	enum torn_certainty certainty;
	struct str object;	/* in the arena of the function at hand; "[rax+0x10]": not known */
};

enum { FOUND_TEARS = 16 };
/* At most FOUND_TEARS; the one at the check itself comes first. */
u32 torn_find_at(struct place_finder *p, const struct barrier *b, struct found_tear *to);

#endif
