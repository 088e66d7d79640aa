#include "out/otlp_queue.h"

#include "base/clock.h"

void otlp_queue_init(struct otlp_queue *q, size_t most, size_t batch, i64 delay_ns)
{
	*q = (struct otlp_queue){ .most = most, .batch = batch, .delay_ns = delay_ns };
	handover_init(&q->with);
	out_memory(&q->filling.bytes);
	out_memory(&q->sending.bytes);
}

static bool has_room(const struct otlp_queue *q, size_t n, size_t bytes)
{
	const struct otlp_pieces *f = &q->filling;

	return f->at.n + q->held + n <= q->most &&
	       f->bytes.n + q->held_bytes + bytes <= QUEUE_BYTES_MOST;
}

/* Under the lock. A wait that is too short to be kept would be one for each span. */
static bool wait_for_room(struct otlp_queue *q, size_t n, size_t bytes)
{
	i64 now = now_ns(), most = MIN((now - q->waited_ns) / ROOM_WAIT_SHARE, (i64)ROOM_WAIT_NS);
	i64 until = now + most;

	if (most < ROOM_WAIT_LEAST_NS)
		return false;
	while (!has_room(q, n, bytes) && now < until) {
		handover_wait_for_room(&q->with, until);
		q->waited_ns = now = now_ns();
	}
	return has_room(q, n, bytes);
}

bool otlp_queue_put(struct otlp_queue *q, const struct otlp_piece *p, size_t n)
{
	struct otlp_pieces *f = &q->filling;
	size_t bytes = 0, before;
	bool fits;

	for (size_t i = 0; i < n; i++)
		bytes += p[i].scope.n + p[i].item.n;
	handover_lock(&q->with);
	fits = has_room(q, n, bytes) || wait_for_room(q, n, bytes);
	before = f->at.n;
	for (size_t i = 0; fits && i < n; i++) {
		*vec_push(&f->at) = (struct otlp_place){ f->bytes.n, p[i].scope.n, p[i].item.n };
		out_str(&f->bytes, p[i].scope);
		out_str(&f->bytes, p[i].item);
	}
	if (!before && f->at.n)
		q->first_ns = now_ns();
	/* the first one starts the clock of its batch */
	if (fits && (!before || (before < q->batch && f->at.n >= q->batch)))
		handover_wake(&q->with);
	handover_unlock(&q->with);
	return fits;
}

/* Under the lock. False: there will be none. */
static bool wait_for_batch(struct otlp_queue *q)
{
	while (!q->with.ending && q->filling.at.n < q->batch) {
		if (!q->filling.at.n)
			handover_wait(&q->with);
		else if (now_ns() < q->first_ns + q->delay_ns)
			handover_wait_until(&q->with, q->first_ns + q->delay_ns);
		else
			break;
	}
	return q->filling.at.n > 0;
}

/* Under the lock, what was filled has just been taken: what is no whole batch waits for more,
 * unless the first of all has waited long enough. */
static void give_back(struct otlp_queue *q)
{
	struct otlp_pieces *s = &q->sending, *f = &q->filling;
	size_t whole = s->at.n - s->at.n % q->batch, from;

	if (q->with.ending || !whole || whole == s->at.n ||
	    now_ns() >= q->first_ns + q->delay_ns)
		return;
	from = s->at.at[whole].at;
	for (size_t i = whole; i < s->at.n; i++) {
		struct otlp_place *p = vec_push(&f->at);

		*p = s->at.at[i];
		p->at -= from;
	}
	out_str(&f->bytes, (struct str){ s->bytes.buf + from, s->bytes.n - from });
	s->at.n = whole;
	s->bytes.n = from;
	q->first_ns = now_ns();
}

static bool refill(struct otlp_queue *q)
{
	struct otlp_pieces empty = q->sending;
	bool ok;

	empty.at.n = empty.bytes.n = 0;
	handover_lock(&q->with);
	ok = wait_for_batch(q);
	if (ok) {
		q->sending = q->filling;
		q->filling = empty;
		give_back(q);
		q->held = q->sending.at.n;
		q->held_bytes = q->sending.bytes.n;
		q->next = 0;
	}
	handover_unlock(&q->with);
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
	handover_lock(&q->with);
	q->held -= n;
	if (!q->held)
		q->held_bytes = 0;
	q->with.lost += lost;
	handover_has_room(&q->with);
	handover_unlock(&q->with);
}

void otlp_queue_release(struct otlp_queue *q)
{
	handover_release(&q->with);
	out_release(&q->filling.bytes);
	out_release(&q->sending.bytes);
	vec_release(&q->filling.at);
	vec_release(&q->sending.at);
}
