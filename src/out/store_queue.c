#include "out/store_queue.h"

#include "base/clock.h"

enum { PLENTY = 1 << 20 };	/* bytes that are not waited with */

void store_queue_init(struct store_queue *q, i64 delay_ns)
{
	pthread_condattr_t attr;

	*q = (struct store_queue){ .delay_ns = delay_ns };
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->wake, &attr);
	pthread_condattr_destroy(&attr);
	out_memory(&q->filling);
	out_memory(&q->writing);
}

bool store_queue_put(struct store_queue *q, struct str record)
{
	size_t before;
	bool fits;

	pthread_mutex_lock(&q->lock);
	before = q->filling.n;
	fits = before + q->taken + record.n <= STORE_QUEUE_BYTES;
	if (fits)
		out_str(&q->filling, record);
	if (fits && !before)
		q->first_ns = now_ns();
	if (fits && (!before || (before < PLENTY && q->filling.n >= PLENTY)))
		pthread_cond_signal(&q->wake);
	pthread_mutex_unlock(&q->lock);
	return fits;
}

static void wait_until(struct store_queue *q, i64 ns)
{
	struct timespec t = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	pthread_cond_timedwait(&q->wake, &q->lock, &t);
}

struct str store_queue_take(struct store_queue *q)
{
	struct out empty = q->writing;
	struct str all;

	empty.n = 0;
	pthread_mutex_lock(&q->lock);
	q->taken = 0;
	while (!q->ending && !q->filling.n)
		pthread_cond_wait(&q->wake, &q->lock);
	while (!q->ending && q->filling.n < PLENTY && now_ns() < q->first_ns + q->delay_ns)
		wait_until(q, q->first_ns + q->delay_ns);
	q->writing = q->filling;
	q->filling = empty;
	q->taken = q->writing.n;
	all = (struct str){ q->writing.buf, q->writing.n };
	pthread_mutex_unlock(&q->lock);
	return all;
}

void store_queue_lost(struct store_queue *q, u64 spans)
{
	pthread_mutex_lock(&q->lock);
	q->lost += spans;
	pthread_mutex_unlock(&q->lock);
}

bool store_queue_pause(struct store_queue *q, i64 ns)
{
	i64 until = now_ns() + ns;
	bool ok;

	pthread_mutex_lock(&q->lock);
	while (now_ns() < until && !(q->ending && until > q->end_ns))
		wait_until(q, until);
	ok = !q->ending || until <= q->end_ns;
	pthread_mutex_unlock(&q->lock);
	return ok;
}

bool store_queue_is_late(struct store_queue *q)
{
	bool late;

	pthread_mutex_lock(&q->lock);
	late = q->ending && now_ns() > q->end_ns;
	pthread_mutex_unlock(&q->lock);
	return late;
}

void store_queue_end(struct store_queue *q, i64 end_ns)
{
	pthread_mutex_lock(&q->lock);
	q->ending = true;
	q->end_ns = end_ns;
	pthread_cond_signal(&q->wake);
	pthread_mutex_unlock(&q->lock);
}

void store_queue_release(struct store_queue *q)
{
	pthread_cond_destroy(&q->wake);
	pthread_mutex_destroy(&q->lock);
	out_release(&q->filling);
	out_release(&q->writing);
}
