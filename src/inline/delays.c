/* What stores that wait share with us: how long and how often, and what they have done. It lies in
 * shared memory, so that it is there when the process is not any more. */
#include <string.h>

#include "inline/session.h"

static u8 *data_of(const struct inline_session *s)
{
	return s->shared + SHARED_RINGS;
}

void delays_begin(struct inline_session *s)
{
	delay_data(data_of(s), &s->ask);
	delay_rate(data_of(s), s->clock.mult);	/* nobody has to find it out by system calls */
}

static u64 word(const struct inline_session *s, u64 at)
{
	u64 v;

	memcpy(&v, data_of(s) + at, sizeof(v));
	return v;
}

u32 inline_delay_waits(const struct source *src, u32 store, bool *passed)
{
	const struct inline_session *s = src->session;
	u64 cell = DELAY_CELLS + (u64)store * DELAY_CELL;
	u32 waits;

	*passed = word(s, cell + DELAY_CELL_STATE) != 0;
	memcpy(&waits, data_of(s) + cell + DELAY_CELL_WAITS, sizeof(waits));
	return waits;
}

struct delay_counts inline_delays(const struct source *src)
{
	const struct inline_session *s = src->session;
	unsigned __int128 ticks = word(s, DELAY_WAITED);
	struct delay_counts to = {
		.waits = word(s, DELAY_WAITS), .left_out = word(s, DELAY_OVER),
		.waited_ns = (i64)((ticks * s->clock.mult) >> 32),
	};

	for (size_t i = 0; i < s->code.jumps.n; i++) {
		const struct jump *j = &s->code.jumps.at[i];
		bool passed;

		if (j->func == NOT_PLANNED || j->state != JUMP_WRITTEN)
			continue;
		inline_delay_waits(src, j->func, &passed);
		to.written++;
		to.passed += passed;
	}
	return to;
}
