/* say - a call that has ended, as a span with its name, attributes and status.
 *
 * Owns     the texts of the span that it made last; out_release(&shown) is the owner's.
 * Units    Unix ns.
 * Fails    what is not known is not said.
 * Threads  one. */
#ifndef SPAN_SAY_H
#define SPAN_SAY_H

#include "span/collect.h"
#include "span/events.h"
#include "span/saying.h"

struct teller {
	const struct collector_facts *f;
	u64 string_va;		/* of the descriptor of `string`; 0: there is none */
	struct saying saying;
	struct out shown;	/* to memory */
	struct events_said events;
	struct field_value fields[FIELDS_MOST];	/* nothing, but while a call is looked at */
};

/* What the reads of the call's rule gave, in fields that were nothing; and one of them. */
void say_fields(const struct collector_facts *f, const struct call *call, const struct rule_on *on,
		struct field_value to[FIELDS_MOST]);
/* Makes them nothing again: they are many, and most rules read few. */
void say_forget(const struct rule_on *on, struct field_value f[FIELDS_MOST]);
void say_field(const struct collector_facts *f, const struct call *call, const struct rule_on *on,
	       u8 field, struct field_value *to);
/* What was in it has panicked, as a rule that `catches` sees it. */
static inline bool rule_caught(const struct rule_on *on, const struct call *call)
{
	return on && on->rule->catches && call->end == END_RECOVERED;
}

/* `on`: the rule of the function, NULL for one of --func. Holds until the next one is made. NULL:
 * it was none after all. */
const struct span *say_span(struct teller *t, const struct call *call, const struct rule_on *on,
			    const struct open_span *o);

#endif
