/* spans_read - `spans --read FILE`: what a store has.
 *
 * Owns     nothing.  Units  ns.
 * Fails    as out/store_read.h and the file that is written; ERR_USAGE.
 * Threads  one. */
#ifndef CMD_SPANS_READ_H
#define CMD_SPANS_READ_H

#include "base/opt.h"

struct spans_read_args {
	const char *file, *trace, *html;
	i64 slow_ns;
	bool errors;
};

/* `others`: there are options of a run too, or a program. */
bool spans_read_check(const struct spans_read_args *a, bool others, const char *output,
		      struct err *err) MUST_CHECK;
/* `output`: -o, or NULL. */
bool spans_read(const struct spans_read_args *a, const struct common_args *common,
		const char *output, struct err *err) MUST_CHECK;

#endif
