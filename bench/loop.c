/* What bench/loop does, in C: for a tracer of C programs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static volatile long sink;

__attribute__((noinline)) int target(int n, const char *name)
{
	return n + (int)strlen(name);
}

/* The loop itself, around a call that is never traced. */
__attribute__((noinline, no_instrument_function)) int empty(int n, const char *name)
{
	return n + (int)strlen(name);
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static __attribute__((noinline)) double burst(int calls, int (*f)(int, const char *))
{
	struct timespec a, b;
	long sum = 0;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < calls; i++)
		sum += f(i, "some name or other");
	clock_gettime(CLOCK_MONOTONIC, &b);
	sink += sum;
	return ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / calls;
}

int main(int argc, char **argv)
{
	int bursts = argc > 2 ? atoi(argv[1]) : 0, calls = argc > 2 ? atoi(argv[2]) : 0;
	double *traced = malloc(sizeof(double) * (size_t)(bursts + 1));
	double *bare = malloc(sizeof(double) * (size_t)(bursts + 1));

	if (bursts < 1 || calls < 1)
		return 2;
	for (int i = 0; i < bursts; i++) {
		traced[i] = burst(calls, target);
		bare[i] = burst(calls, empty);
	}
	qsort(traced, (size_t)bursts, sizeof(double), by_value);
	qsort(bare, (size_t)bursts, sizeof(double), by_value);
	printf("%.1f %.1f\n", traced[bursts / 2], bare[bursts / 2]);
	return 0;
}
