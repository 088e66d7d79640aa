/* The reader's side. Records lie in the ring in the order in which they were finished. A thread
 * takes the time first and finishes its record a little later, so they are sorted here: what is
 * older than the start of this poll by MARGIN_NS is handed over. A thread that was put off longer
 * between the two (it waits for a page) comes late; of one goroutine the order is right in any
 * case, since it can't go on before its record is finished. */
#include <string.h>

#include "base/clock.h"
#include "bpf/session.h"

enum {
	MARGIN_NS = 200000,
	ROUND = 8192,	/* records in one poll: output is written between polls */
};

void bpf_reading_start(struct bpf_session *s)
{
	s->ahead_ns = clock_ahead_ns();
	s->lost_since_ns = now_ns() + s->ahead_ns;
}

/* Later than all that are not later: mostly the last. */
static void keep(struct bpf_session *s, const u8 *p, u32 size)
{
	size_t at = s->waiting.n;
	struct waiting w = { .at = s->bytes.n, .size = size };
	struct record_head head;

	memcpy(&head, p, sizeof(head));
	w.time = (i64)head.tsc;
	vec_reserve(&s->bytes, s->bytes.n + size);
	memcpy(s->bytes.at + s->bytes.n, p, size);
	s->bytes.n += size;
	(void)vec_push(&s->waiting);
	for (; at > 0 && s->waiting.at[at - 1].time > w.time; at--)
		s->waiting.at[at] = s->waiting.at[at - 1];
	s->waiting.at[at] = w;
}

static void drain(struct bpf_session *s, bool all)
{
	u64 at = *s->ring.consumed, next;
	const u8 *p;
	u32 size;
	bool busy;

	while (all || s->waiting.n < 2 * ROUND) {
		p = kernel_ring_peek(&s->ring, at, &size, &next, &busy);
		at = next;
		if (p && size >= RECORD_HEAD && size <= RECORD_MAX)
			keep(s, p, size);
		__atomic_store_n(s->ring.consumed, at, __ATOMIC_RELEASE);
		if (!p)
			break;
	}
}

static void hand_over(const struct bpf_session *s, const struct waiting *w, source_record_fn *fn,
		      void *ctx)
{
	const u8 *p = s->bytes.at + w->at;
	struct record_head h;
	struct record r;

	memcpy(&h, p, sizeof(h));
	r = (struct record){
		.func = record_site(&h) / 4,
		.kind = record_site(&h) % 4,
		.time_ns = w->time + s->ahead_ns,
		.goid = h.goid ? h.goid : (u64)1 << 63 | h.g,
		.depth = h.depth,
		.bytes = p,
		.size = w->size,
	};
	fn(ctx, &r);
}

/* The bytes of records that wait are moved to the front. */
static void forget(struct bpf_session *s, size_t n)
{
	size_t kept = s->waiting.n - n;
	u64 lowest = s->bytes.n;

	if (!n)
		return;
	memmove(s->waiting.at, s->waiting.at + n, kept * sizeof(*s->waiting.at));
	s->waiting.n = kept;
	for (size_t i = 0; i < kept; i++)
		lowest = MIN(lowest, s->waiting.at[i].at);
	for (size_t i = 0; i < kept; i++)
		s->waiting.at[i].at -= lowest;
	memmove(s->bytes.at, s->bytes.at + lowest, s->bytes.n - lowest);
	s->bytes.n -= lowest;
}

static void count_lost(struct bpf_session *s, source_lost_fn *lost, void *ctx)
{
	i64 now = now_ns() + s->ahead_ns;
	u64 n = 0;

	for (u32 i = 0; i < COUNTS; i++)
		n += __atomic_load_n(&s->counts[i], __ATOMIC_RELAXED);
	if (n > s->lost)
		lost(ctx, n - s->lost, s->lost_since_ns, now);
	s->lost = n;
	s->lost_since_ns = now;
}

u64 bpf_poll(void *session, bool all, source_record_fn *record, source_lost_fn *lost, void *ctx)
{
	struct bpf_session *s = session;
	i64 horizon = all ? INT64_MAX : now_ns() - MARGIN_NS;
	size_t n = 0;

	if (!s->ring.consumed)
		return 0;
	drain(s, all);
	while (n < s->waiting.n && (all || n < ROUND) && s->waiting.at[n].time <= horizon)
		hand_over(s, &s->waiting.at[n++], record, ctx);
	forget(s, n);
	count_lost(s, lost, ctx);
	if (!all)
		bpf_budget_look(s);
	return n;
}
