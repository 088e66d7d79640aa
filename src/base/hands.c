#include "base/hands.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

struct hand {
	pthread_t thread;
	void (*work)(void *one);
	void *one;
	bool begun;
};

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

void hands_do(u32 n, void (*work)(void *one), void *all, size_t size)
{
	struct hand hands[HANDS_MOST];
	sigset_t every, before;

	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	for (u32 i = 0; i < n; i++) {
		struct hand *h = &hands[i];

		*h = (struct hand){ .work = work, .one = (char *)all + i * size };
		h->begun = i && !pthread_create(&h->thread, NULL, take_part, h);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	for (u32 i = 0; i < n; i++)
		if (!hands[i].begun)
			work(hands[i].one);
	for (u32 i = 0; i < n; i++)
		if (hands[i].begun)
			pthread_join(hands[i].thread, NULL);
}
