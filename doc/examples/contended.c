/* SPDX-License-Identifier: MIT */
/*
 * contended.c - threads that fight for one lock, something for a profiler to look at.
 *
 *	contended [THREADS [MILLISECONDS]]
 *
 * Every thread holds the lock for about a microsecond and stays outside for about a fifth of one.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <weft.h>

enum { MOST_THREADS = 64, STEPS_INSIDE = 500, STEPS_OUTSIDE = 100 };

static struct weft_lock lock = WEFT_LOCK_INIT;
static struct weft_event start = WEFT_EVENT_INIT;
static struct weft_event stop = WEFT_EVENT_INIT;
static unsigned long state = 1, sections;	/* protected by lock */

/* Not inlined, so that profiles show it by name. */
__attribute__((__noinline__)) static unsigned long compute(unsigned long x, int steps)
{
	for (int i = 0; i < steps; i++)
		x = x * 6364136223846793005UL + 1442695040888963407UL;
	return x;
}

static void *fight(void *unused)
{
	_Atomic unsigned long outside = 1;

	weft_event_wait(&start);
	while (!weft_event_is_set(&stop)) {
		weft_with(&lock) {
			state = compute(state, STEPS_INSIDE);
			sections++;
		}
		atomic_store_explicit(&outside, compute(1, STEPS_OUTSIDE), memory_order_relaxed);
	}
	return unused;
}

int main(int argc, char **argv)
{
	const int threads = argc > 1 ? atoi(argv[1]) : 4;
	const int64_t length = WEFT_MSEC((int64_t)(argc > 2 ? atoi(argv[2]) : 100));
	pthread_t ids[MOST_THREADS];
	int64_t began, ended;

	if (threads < 1 || threads > MOST_THREADS || length <= 0) {
		fprintf(stderr, "usage: contended [THREADS [MILLISECONDS]]\n");
		return 2;
	}
	for (int i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, fight, NULL) != 0)
			abort();
	began = weft_now();
	weft_event_set(&start);
	weft_sleep_for(length);
	weft_event_set(&stop);
	ended = weft_now();
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	printf("%d threads, %.2f s: %lu sections, last state %lu\n", threads, weft_seconds(ended - began), sections, state);
	return 0;
}
