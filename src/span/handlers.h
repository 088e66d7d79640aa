/* handlers - functions of --func that are handed a message of Kafka's: rules for these, which say
 * whose message it is.
 *
 * Owns     nothing: rules lie in the arena.
 * Units    as rules.h.
 * Fails    handlers_choose: ERR_USAGE (a pattern that is wrong). A function whose parameters are
 *          not known gets no rule, nor does one that is handed several messages.
 * Threads  one. */
#ifndef SPAN_HANDLERS_H
#define SPAN_HANDLERS_H

#include "span/rules.h"

bool handlers_choose(struct rules *r, const struct go_program *prog, const char *const *patterns,
		     size_t n, struct arena *a, struct err *err) MUST_CHECK;

#endif
