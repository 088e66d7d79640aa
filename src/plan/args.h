/* args - the parameters of a function that stands somewhere in its middle, out of its frame.
 *
 * A parameter is there where DWARF says that it is in the frame at this very instruction (homes.h),
 * which alone knows of inlined calls, or at its home where the compiler says that the function
 * keeps it there (go_home_is_live); any other is not taken. A parameter that the function has
 * changed since shows what it is now, or, without DWARF, what it was.
 *
 * Owns     readings made so far, until args_release(); refers to the program and its image.
 * Units    rt addresses; the record is RECORD_MAX bytes.
 * Fails    args_init: ERR_USAGE (a --redact pattern that is wrong). args_read: NULL where nothing
 *          is known of the function's parameters.
 * Threads  one. */
#ifndef PLAN_ARGS_H
#define PLAN_ARGS_H

#include "go/unwind.h"
#include "plan/plan.h"
#include "plan/reading.h"

struct args {
	struct plan plan;	/* limits and redactions */
	struct dynamic_types dynamic;
	struct reading_cache cache;
	struct map known;	/* pc, exactness and which -> struct known_args * */
	u64 record[RECORD_MAX / 8];
};

/* Of `request` only limits and redactions count. */
bool args_init(struct args *a, const struct go_program *prog, const struct plan_request *request,
	       struct err *err) MUST_CHECK;
void args_release(struct args *a);
/* What the function of one of the `frames` that stand at the level was called with (0: the
 * innermost inlined call; the last: the level's own function); a->record then has the values. */
const struct reading *args_read(struct args *a, struct unwinder *u, const struct go_level *l,
				size_t frame, size_t frames);
/* The same of its variables, which only DWARF knows: it stands in this line of the source. */
const struct reading *args_read_locals(struct args *a, struct unwinder *u, const struct go_level *l,
				       size_t frame, size_t frames, i32 line);

#endif
