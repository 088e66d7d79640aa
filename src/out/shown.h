/* shown - what --show asks for, in the place of the arguments.
 *
 * Owns     nothing; writes to the caller's out.
 * Units    as out/value.h, whose view is used: its reading and record are set here.
 * Fails    by the out (sticky); what can't be computed says so, and is counted.
 * Threads  one. */
#ifndef OUT_SHOWN_H
#define OUT_SHOWN_H

#include "event/calls.h"
#include "out/value.h"

bool shown_any(const struct value_view *v);
/* len(s)=4, user.ID=7 */
void shown_text(struct out *o, struct value_view *v, const struct call *c);
/* One of them that was computed. */
void shown_value(struct out *o, struct value_view *v, const struct call *c,
		 const struct expr_result *r);
/* [{"name","type","value"}, …] */
void shown_json(struct json *j, struct value_view *v, const struct call *c);

#endif
