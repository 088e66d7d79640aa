#include "base/hands.h"

#include <sched.h>
#include <signal.h>

u32 hands_for(size_t n, size_t each)
{
	cpu_set_t cpus;
	size_t there = sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : (size_t)CPU_COUNT(&cpus);

	return (u32)MAX(MIN(MIN(there, n / each), (size_t)HANDS_MOST), (size_t)1);
}

static void *take_part(void *arg)
{
	struct hand *h = arg;

	h->work(h->one);
	return NULL;
}

void hand_begin(struct hand *h, void (*work)(void *one), void *one)
{
	sigset_t every, before;

	*h = (struct hand){ .work = work, .one = one };
	sigfillset(&every);
	sigdelset(&every, SIGBUS);	/* it comes of what one reads oneself */
	pthread_sigmask(SIG_SETMASK, &every, &before);
	h->begun = !pthread_create(&h->thread, NULL, take_part, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void hand_end(struct hand *h)
{
	if (h->begun)
		pthread_join(h->thread, NULL);
	else if (h->work)
		h->work(h->one);
	*h = (struct hand){ 0 };
}

void hands_do(u32 n, void (*work)(void *one), void *all, size_t size)
{
	struct hand hands[HANDS_MOST];

	for (u32 i = 1; i < n; i++)
		hand_begin(&hands[i], work, (char *)all + i * size);
	work(all);
	for (u32 i = 1; i < n; i++)
		hand_end(&hands[i]);
}
