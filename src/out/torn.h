/* torn - stores that can be seen half done, as lines of text or `torn_store` objects.
 *
 * Owns     nothing.  Units  link-time addresses.  Fails  never.  Threads  one. */
#ifndef OUT_TORN_H
#define OUT_TORN_H

#include "base/out.h"
#include "plan/torn.h"

/* FILE:LINE, and in which inlined function; each behind two spaces. */
void torn_print_place(struct out *o, const struct torn_store *t);
/* string t.Name  len | ptr  certain */
void torn_print_what(struct out *o, const struct torn_store *t);
void torn_print(struct out *o, const struct torn_store *t);
/* `refusal`: the store's own, or that of who would delay it. */
void torn_json(struct json *j, const struct go_program *prog, const struct torn_store *t,
	       enum refusal refusal);

#endif
