/* decide - --if as steps of a site: a call that is not wanted makes no record.
 *
 * The steps of a part (plan/condition.h) stand between those of the entry's reading, behind the
 * last that reads something it looks at, and look at the record as far as it has been put together.
 * In doubt a step says so, and the record is written whatever later parts say: the reader decides.
 *
 * A call whose entry was recorded leaves a mark, its goroutine and depth, for its exit to find and
 * take away. There is one place for each hash of these. Two calls that are open at the same time
 * never have the same mark, so whoever enters at a goroutine and depth may take away what an
 * earlier call, one that ended by a panic, has left there. Where a mark finds another one in its
 * place, the place is shared from then on: all exits that come there are recorded, and those
 * without an entry are dropped when records are paired.
 *
 * Owns     its lists, until decision_release().
 * Units    `ready` counts reads of the entry's reading.
 * Fails    never: what is too much is left to the reader.
 * Threads  one. */
#ifndef BPF_DECIDE_H
#define BPF_DECIDE_H

#include "bpf/gen.h"

struct decision_part {
	u32 ready;	/* so many reads come before it; never inside a READ_WHEN */
	u32 first, n;	/* of `steps` */
};

struct decision {
	VEC(struct decision_part) parts;	/* ascending by `ready` */
	struct bpf_steps steps;
};

/* `bias` is added to addresses of the file. */
void decision_make(struct decision *d, const struct plan_func *fn, u64 bias);
void decision_release(struct decision *d);
/* Where the parts are decided, for a printer. */
struct condition_parts decision_parts(const struct plan_func *fn);

#endif
