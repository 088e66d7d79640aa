#include "out/handover.h"

#include "base/clock.h"

void handover_init(struct handover *h)
{
	pthread_condattr_t attr;

	*h = (struct handover){ .ending = false };
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->wake, &attr);
	pthread_cond_init(&h->room, &attr);
	pthread_condattr_destroy(&attr);
}

void handover_lock(struct handover *h)
{
	pthread_mutex_lock(&h->lock);
}

void handover_unlock(struct handover *h)
{
	pthread_mutex_unlock(&h->lock);
}

void handover_wake(struct handover *h)
{
	pthread_cond_signal(&h->wake);
}

void handover_wait(struct handover *h)
{
	pthread_cond_wait(&h->wake, &h->lock);
}

static void wait_until(struct handover *h, pthread_cond_t *c, i64 ns)
{
	struct timespec t = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	pthread_cond_timedwait(c, &h->lock, &t);
}

void handover_wait_until(struct handover *h, i64 ns)
{
	wait_until(h, &h->wake, ns);
}

void handover_wait_for_room(struct handover *h, i64 ns)
{
	wait_until(h, &h->room, ns);
}

void handover_has_room(struct handover *h)
{
	pthread_cond_signal(&h->room);
}

bool handover_sleep(struct handover *h, i64 until_ns, bool cut)
{
	bool ok;

	handover_lock(h);
	while (now_ns() < until_ns && !(h->ending && (cut || until_ns > h->end_ns)))
		handover_wait_until(h, until_ns);
	ok = !h->ending || cut || until_ns <= h->end_ns;
	handover_unlock(h);
	return ok;
}

i64 handover_limit(struct handover *h)
{
	i64 limit;

	handover_lock(h);
	limit = h->ending ? h->end_ns : INT64_MAX;
	handover_unlock(h);
	return limit;
}

void handover_end(struct handover *h, i64 end_ns)
{
	handover_lock(h);
	h->ending = true;
	h->end_ns = end_ns;
	handover_wake(h);
	handover_unlock(h);
}

void handover_release(struct handover *h)
{
	pthread_cond_destroy(&h->wake);
	pthread_cond_destroy(&h->room);
	pthread_mutex_destroy(&h->lock);
}
