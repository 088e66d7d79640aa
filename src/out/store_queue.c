#include "out/store_queue.h"

#include "base/clock.h"

enum { PLENTY = 1 << 20 };	/* bytes that are not waited with */

void store_queue_init(struct store_queue *q, i64 delay_ns)
{
	*q = (struct store_queue){ .delay_ns = delay_ns };
	handover_init(&q->with);
	out_memory(&q->filling);
	out_memory(&q->writing);
}

bool store_queue_put(struct store_queue *q, struct str record)
{
	size_t before;
	bool fits;

	handover_lock(&q->with);
	before = q->filling.n;
	fits = before + q->taken + record.n <= STORE_QUEUE_BYTES;
	if (fits)
		out_str(&q->filling, record);
	if (fits && !before)
		q->first_ns = now_ns();
	if (fits && (!before || (before < PLENTY && q->filling.n >= PLENTY)))
		handover_wake(&q->with);
	handover_unlock(&q->with);
	return fits;
}

struct str store_queue_take(struct store_queue *q)
{
	struct out empty = q->writing;
	struct str all;

	empty.n = 0;
	handover_lock(&q->with);
	q->taken = 0;
	while (!q->with.ending && !q->filling.n)
		handover_wait(&q->with);
	while (!q->with.ending && q->filling.n < PLENTY && now_ns() < q->first_ns + q->delay_ns)
		handover_wait_until(&q->with, q->first_ns + q->delay_ns);
	q->writing = q->filling;
	q->filling = empty;
	q->taken = q->writing.n;
	all = (struct str){ q->writing.buf, q->writing.n };
	handover_unlock(&q->with);
	return all;
}

void store_queue_release(struct store_queue *q)
{
	handover_release(&q->with);
	out_release(&q->filling);
	out_release(&q->writing);
}
