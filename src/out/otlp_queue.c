#include "out/otlp_queue.h"

#include "base/clock.h"

void otlp_queue_init(struct otlp_queue *q, size_t most, size_t batch, i64 delay_ns)
{
	pthread_condattr_t attr;

	*q = (struct otlp_queue){ .most = most, .batch = batch, .delay_ns = delay_ns };
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->wake, &attr);
	pthread_condattr_destroy(&attr);
	out_memory(&q->filling.bytes);
	out_memory(&q->sending.bytes);
}

bool otlp_queue_put(struct otlp_queue *q, const struct otlp_piece *p, size_t n)
{
	struct otlp_pieces *f = &q->filling;
	size_t bytes = 0, before;
	bool fits;

	for (size_t i = 0; i < n; i++)
		bytes += p[i].scope.n + p[i].item.n;
	pthread_mutex_lock(&q->lock);
	before = f->at.n;
	fits = before + q->held + n <= q->most &&
	       f->bytes.n + q->held_bytes + bytes <= QUEUE_BYTES_MOST;
	for (size_t i = 0; fits && i < n; i++) {
		*vec_push(&f->at) = (struct otlp_place){ f->bytes.n, p[i].scope.n, p[i].item.n };
		out_str(&f->bytes, p[i].scope);
		out_str(&f->bytes, p[i].item);
	}
	if (!before && f->at.n)
		q->first_ns = now_ns();
	/* the first one starts the clock of its batch */
	if (fits && (!before || (before < q->batch && f->at.n >= q->batch)))
		pthread_cond_signal(&q->wake);
	pthread_mutex_unlock(&q->lock);
	return fits;
}

static void wait_until(struct otlp_queue *q, i64 ns)
{
	struct timespec t = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	pthread_cond_timedwait(&q->wake, &q->lock, &t);
}

/* Under the lock. False: there will be none. */
static bool wait_for_batch(struct otlp_queue *q)
{
	while (!q->ending && q->filling.at.n < q->batch) {
		if (!q->filling.at.n)
			pthread_cond_wait(&q->wake, &q->lock);
		else if (now_ns() < q->first_ns + q->delay_ns)
			wait_until(q, q->first_ns + q->delay_ns);
		else
			break;
	}
	return q->filling.at.n > 0;
}

static bool refill(struct otlp_queue *q)
{
	struct otlp_pieces empty = q->sending;
	bool ok;

	empty.at.n = empty.bytes.n = 0;
	pthread_mutex_lock(&q->lock);
	ok = wait_for_batch(q);
	if (ok) {
		q->sending = q->filling;
		q->filling = empty;
		q->held = q->sending.at.n;
		q->held_bytes = q->sending.bytes.n;
		q->next = 0;
	}
	pthread_mutex_unlock(&q->lock);
	return ok;
}

size_t otlp_queue_take(struct otlp_queue *q, struct otlp_piece *to)
{
	const struct otlp_pieces *s = &q->sending;
	size_t n = 0, bytes = 0;

	if (q->next == s->at.n && !refill(q))
		return 0;
	while (n < q->batch && q->next < s->at.n) {
		const struct otlp_place *p = &s->at.at[q->next];
		const char *at = s->bytes.buf + p->at;

		bytes += p->nitem;
		if (n && bytes > BATCH_BYTES_MOST)
			break;
		to[n++] = (struct otlp_piece){ { at, p->nscope }, { at + p->nscope, p->nitem } };
		q->next++;
	}
	return n;
}

void otlp_queue_done(struct otlp_queue *q, size_t n, u64 lost)
{
	pthread_mutex_lock(&q->lock);
	q->held -= n;
	if (!q->held)
		q->held_bytes = 0;
	q->lost += lost;
	pthread_mutex_unlock(&q->lock);
}

bool otlp_queue_sleep(struct otlp_queue *q, i64 until_ns, bool cut)
{
	bool ok;

	pthread_mutex_lock(&q->lock);
	while (now_ns() < until_ns && !(q->ending && (cut || until_ns > q->end_ns)))
		wait_until(q, until_ns);
	ok = !q->ending || cut || until_ns <= q->end_ns;
	pthread_mutex_unlock(&q->lock);
	return ok;
}

i64 otlp_queue_limit(struct otlp_queue *q)
{
	i64 limit;

	pthread_mutex_lock(&q->lock);
	limit = q->ending ? q->end_ns : INT64_MAX;
	pthread_mutex_unlock(&q->lock);
	return limit;
}

void otlp_queue_end(struct otlp_queue *q, i64 end_ns)
{
	pthread_mutex_lock(&q->lock);
	q->ending = true;
	q->end_ns = end_ns;
	pthread_cond_signal(&q->wake);
	pthread_mutex_unlock(&q->lock);
}

void otlp_queue_release(struct otlp_queue *q)
{
	pthread_cond_destroy(&q->wake);
	pthread_mutex_destroy(&q->lock);
	out_release(&q->filling.bytes);
	out_release(&q->sending.bytes);
	vec_release(&q->filling.at);
	vec_release(&q->sending.at);
}
